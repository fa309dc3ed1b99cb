"""Training of the painters (S2I) and of the player (I2S): a generator against a matching-aware discriminator, in one step for both.

Both players' losses are added and walked back once. The discriminator judges the generated pictures twice: detached from the
generator for its own loss, and with its own weights detached for the generator's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from avdemo.backbones.imagenet_taps import TAPS
from avdemo.crossmodal.config import CrossmodalConfig, GeneratorConfig, Switches
from avdemo.crossmodal.critics import Critic, NoiseEncoder
from avdemo.crossmodal.generators import Generator
from avdemo.crossmodal.objective import augment, critic_loss, generator_loss, reconstruction_loss, sameness_loss
from avdemo.crossmodal.pools import Pool

RECONSTRUCTION, DIVERGENCE = 3.0, 0.1  # weights of the two terms of the encoder
CLASSIFY, SMOOTHING = 0.5, 0.1  # weight of the painted pictures' term; the classifier's labels
SAMENESS = 2.0  # weight of the term that makes two pictures of one feature differ
RATE, BETAS = 2e-4, (0.0, 0.99)
CRITIC_RATE = 5.0  # times the generator's: at the same rate the generator outran a critic that looks through fixed features
CALIBRATED_ON = 128  # real items


class Duel(nn.Module):
    """Generator and critic; returns the sum of their losses."""

    def __init__(self, config: GeneratorConfig, switches: Switches, kinds: int = 0, *, twins: bool = False):
        super().__init__()
        self.twins = twins
        self.switches, self.sound = switches, config.channels == 1
        self.generator = Generator(config)
        self.critic = None
        if switches.adversarial:
            taught = kinds * switches.classify
            self.critic = Critic(config.channels, config.size, projected=switches.projected, normed=switches.spectral_norm, kinds=taught)
        self.encoder = None
        if switches.adversarial and switches.reconstruct:
            self.encoder = NoiseEncoder(config.noise, 1 + len(TAPS) * switches.projected, config.channels)

    def forward(self, real: Tensor, kind: Tensor, feature: Tensor, other: Tensor, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Real (N, C, S, S) in [-1, 1], its kind (N,), its features and a mismatch's (N, 128), z (N, noise) -> loss and its parts."""
        on = self.switches
        if self.critic is None:
            loss = F.mse_loss(self.generator(feature, torch.zeros_like(z)), real)
            return loss, {"squared_error": loss.detach()}
        again = len(real) // 2 if self.encoder is not None else 0  # so many of the first are painted again
        if again:
            with torch.no_grad():
                known_real = self.critic.see(real[:again])
            mean, log_variance = self.encoder(known_real)
            z = torch.cat([mean + z[:again] * (log_variance / 2).exp(), z[again:]])
        fake = self.generator(feature, z)
        change: Callable[[Tensor], Tensor] = (lambda x: augment(x, sound=self.sound)) if on.augment else (lambda x: x)
        with torch.no_grad():
            seen_real = self.critic.see(change(real))
        seen_fake = self.critic.see(change(fake))
        heads = self.critic.heads
        known = heads.look(seen_real)
        true, mismatch = heads.answer(known, feature), heads.answer(known, other) if on.mismatch else None
        false = heads.answer(heads.look([part.detach() for part in seen_fake]), feature)
        loss_critic = critic_loss(true, false, mismatch, hinge=on.hinge)
        judged = functional_call(_Whole(heads), {f"heads.{n}": p for n, p in _detached(heads).items()}, (seen_fake, feature))
        loss_generator = generator_loss(judged, hinge=on.hinge)
        parts = {"critic": loss_critic.detach(), "generator": loss_generator.detach()}
        parts |= {"real": true[:, 0].mean().detach(), "painted": false[:, 0].mean().detach()}
        if mismatch is not None:
            parts |= {"match": true[:, -1].mean().detach(), "mismatch": mismatch[:, -1].mean().detach()}
        loss = loss_critic + loss_generator
        if again:
            distance = reconstruction_loss(self.critic.see(fake[:again]), known_real)
            surplus = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2  # divergence from N(0, 1), for each unit of z
            loss = loss + RECONSTRUCTION * distance + DIVERGENCE * surplus
            parts |= {"reconstruction": distance.detach(), "divergence": surplus.detach()}
        if self.critic.classifier is not None:
            told = self.critic.classifier(seen_real)
            steered = functional_call(self.critic.classifier, _detached(self.critic.classifier), (seen_fake,))
            loss_real, loss_fake = (F.cross_entropy(logits, kind, label_smoothing=SMOOTHING) for logits in (told, steered))
            loss = loss + loss_real + CLASSIFY * loss_fake
            parts |= {"told": (told.argmax(1) == kind).float().mean(), "steered": (steered.argmax(1) == kind).float().mean()}
        if self.twins:
            first = pairs_from(len(real))
            sameness = sameness_loss([x[first:] for x in seen_fake[1:]], [x[first:] for x in seen_real[1:]])
            loss = loss + SAMENESS * sameness
            parts["sameness"] = sameness.detach()
        return loss, parts


def pairs_from(items: int) -> int:
    """From this item of a batch on, each two share kind and feature; those before may be painted again, from their own noise."""
    return items - 2 * (items // 4)


def _detached(module: nn.Module) -> dict[str, Tensor]:
    """Its weights, for a call that shall not teach it."""
    return {name: p.detach() for name, p in module.named_parameters()}


class _Whole(nn.Module):
    """Heads as one call, for :func:`torch.func.functional_call`."""

    def __init__(self, heads: nn.Module):
        super().__init__()
        self.heads = heads

    def forward(self, seen: list[Tensor], feature: Tensor) -> Tensor:
        return self.heads.answer(self.heads.look(seen), feature)


class DuelRecipe:
    """For :func:`avdemo.training.loop.fit`.

    Args:
        generator: what to train.
        real: (N, C, S, S) uint8, 255 = 1, and ``kind`` (N,) their classes; classes are drawn alike, whatever their number of items.
        pool: the features that belong to them, and those that do not.
        judge_of: scores generated pictures; gets the averaged generator, gives ``{"score": ...}``.
        view: state of the frozen network that a projected critic looks through.
    """

    def __init__(
        self, config: CrossmodalConfig, generator: GeneratorConfig, switches: Switches, real: np.ndarray, kind: np.ndarray,
        pool: Pool, judge_of: Callable[[Generator], dict[str, float]], batch_size: int, *, name: str, seed: int = 0,
        rate: float = RATE, view: Mapping[str, Tensor] | None = None, start: Mapping[str, Tensor] | None = None,
    ):  # fmt: skip
        self.name = f"crossmodal-{name}-{config.name}"
        self.generator, self.switches = generator, switches
        self.config = config.as_dict() | {"switches": switches.__dict__}
        self.real, self.pool, self.judge_of = real, pool, judge_of
        self.batch_size, self.seed, self.rate, self.view, self.start = batch_size, seed, rate, view, start
        self.of_kind = {int(k): np.flatnonzero(kind == k) for k in np.unique(kind)}
        self.kinds = len(config.kinds)
        self.twins = switches.diverse and switches.adversarial and switches.projected and pool.by_kind

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 73, step, rank])
        n = self.batch_size // world
        kinds = rng.choice(list(self.of_kind), n)
        twins = range(pairs_from(n), n, 2) if self.twins else range(0)
        for number in twins:
            kinds[number + 1] = kinds[number]
        numbers = [int(rng.choice(self.of_kind[int(k)])) for k in kinds]
        real = self.real[numbers]
        if self.generator.channels == 3:
            mirrored = rng.random(n) < 0.5
            real = np.where(mirrored[:, None, None, None], real[..., ::-1], real)
        items = list(zip(numbers, map(int, kinds), strict=True))
        same = rng.random(n) < self.switches.same_mismatch
        own = [self.pool.own(number, k, rng) for number, k in items]
        for number in twins:
            own[number + 1] = own[number]
        others = [self.pool.other(number, k, rng, same_kind=bool(s)) for (number, k), s in zip(items, same, strict=True)]
        return {
            "real": torch.from_numpy(np.ascontiguousarray(real)),
            "kind": torch.from_numpy(kinds.astype(np.int64)),
            "feature": torch.from_numpy(np.stack(own).astype(np.float32)),
            "other": torch.from_numpy(np.stack(others).astype(np.float32)),
            "z": torch.from_numpy(rng.standard_normal((n, self.generator.noise)).astype(np.float32)),
        }

    def build(self) -> nn.Module:
        duel = Duel(self.generator, self.switches, self.kinds, twins=self.twins)
        if self.start is not None:
            duel.generator.load_state_dict(dict(self.start))
        if self.view is not None and self.switches.adversarial and self.switches.projected:
            duel.critic.view.load(self.view)
            some = np.random.default_rng(self.seed).permutation(len(self.real))[:CALIBRATED_ON]
            duel.critic.view.calibrate(torch.from_numpy(self.real[np.sort(some)]).float() / 127.5 - 1)
        return duel

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        common = {"betas": BETAS, "weight_decay": 0.0}
        critic = [p for name, p in model.named_parameters() if p.requires_grad and name.startswith("critic.")]
        rest = [p for name, p in model.named_parameters() if p.requires_grad and not name.startswith("critic.")]
        groups = [{"params": rest, "lr": self.rate, **common}]
        return groups + ([{"params": critic, "lr": CRITIC_RATE * self.rate, **common}] if critic else [])

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        real = (batch["real"].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        return model(real, batch["kind"], batch["feature"], batch["other"], batch["z"])

    def validate(self, model: nn.Module) -> dict[str, float]:
        return self.judge_of(model.generator)

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.generator.state_dict()
