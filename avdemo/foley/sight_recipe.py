"""What is decided from the picture alone: which kind is seen, when strokes begin, and how loud each video frame will sound, in each variant.

It is learnt before the sound is, from made pairs, in minutes: what moves and when is in the optical flow, and the loudness of 50 video
frames is learnt in less time than 0.1 s of samples. The eye's first blocks stay as ImageNet left them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.foley.agreement import matched
from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.family import Family
from avdemo.foley.objective import LOUDNESS, loudness_loss, loudness_of
from avdemo.foley.pair_store import PairStore
from avdemo.foley.strokes import begins

OTHERS = 4  # pictures of none of the kinds in a batch
EVERY = 2  # of so many video frames one is looked at in training: what is seen changes less than what moves
KIND, STROKES = 0.5, 4.0  # weight of the kinds and of the strokes beside the loudness
KNOWN = 0.5  # of the pairs are told the true strokes when their loudness is decided, the others those that are decided, as in use
RATE, DROPPED = 1.5e-3, 0.1  # learning rate; share of the numbers seen that are left out


class Sight(nn.Module):
    """The parts of a family that look, on what the eye's blocks made of the pictures."""

    def __init__(self, family: Family):
        super().__init__()
        self.family = family
        self.config = family.config

    def seen(self, variant: str, maps: Tensor, flow: Tensor | None) -> Tensor:
        """Maps (N, F, 96, h, w) and flow (N, F, G, G, 2) -> what a variant sees, (N, F, V)."""
        network = self.family.network(variant)
        visual = network.eye.numbers(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        return visual if network.motion is None else visual + network.motion(flow)

    def forward(
        self, maps: Tensor, flow: Tensor, others: Tensor | None = None, strokes: Tensor | None = None, known: Tensor | None = None
    ) -> dict[str, tuple[Tensor, Tensor, Tensor | None]]:  # fmt: skip
        """-> for each variant the loudness (N, F), the logits of the kinds (N, kinds + 1), and those of the strokes (N, S).

        Args:
            maps: of some of the video frames, (N, F / k, 96, h, w), each standing for the k - 1 that follow it too.
            flow: (N, F, G, G, 2).
            others: (K, 96, h, w), pictures that stand still; their answers come last.
            strokes: true ones (N, S), and known: (N,) bool, which pairs are told them when their loudness is decided.
        """
        network, frames = self.family.network("flow"), flow.shape[1]
        visual = network.eye.numbers(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        visual = visual.repeat_interleave(-(-frames // visual.shape[1]), 1)[:, :frames]
        if others is not None:
            visual = torch.cat([visual, network.eye.numbers(others).unsqueeze(1).expand(-1, frames, -1)])
            flow = torch.cat([flow, flow.new_zeros(len(others), *flow.shape[1:])])
        visual = F.dropout(visual, DROPPED, self.training)
        answers = {}
        for variant in VARIANTS:
            network = self.family.network(variant)
            seen = visual if network.motion is None else visual + network.motion(flow)
            told = None
            if strokes is not None and network.says_strokes is not None:
                decided = begins(network.says_strokes(seen).detach().float())
                told = decided.clone()
                told[: len(strokes)] = torch.where(known.unsqueeze(1), strokes, decided[: len(strokes)])
            chances, _, loudness = network.decide(seen, told)
            answers[variant] = loudness.float(), network.says_kind(seen.mean(1)).float(), chances
        return answers


class SightRecipe:
    """Trains a :class:`Sight`. Validation: held-out photos, recordings and scenes."""

    def __init__(self, config: FoleyConfig, train: PairStore, held: PairStore, batch_size: int, start: Mapping[str, Tensor], *, seed: int = 0):
        """``start``: the eye's blocks, as a state dict."""
        self.name, self.settings, self.config = f"foley-{config.name}-sight", config, config.as_dict()
        self.train, self.held, self.batch_size, self.start, self.seed = train, held, batch_size, start, seed

    def build(self) -> Sight:
        family = Family(self.settings)
        family.network("flow").eye.blocks.load_state_dict(self.start)
        return Sight(family)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        parts = [model.family.network("flow").eye.mix, model.family.network("flow").eye.fc, model.family.network("flow").says_kind]
        for variant in VARIANTS:
            network = model.family.network(variant)
            parts += [part for part in (network.motion, network.says_loudness, network.says_strokes) if part is not None]
        learnt = [p for part in parts for p in part.parameters()]
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for parameter in learnt:
            parameter.requires_grad_(True)
        return [{"params": learnt, "lr": RATE}]

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 5, step])
        mine = rng.integers(len(self.train), size=self.batch_size)[rank::world]
        batch = self._items(self.train, mine, EVERY)
        flips = rng.random(len(mine)) < 0.5
        for n in np.flatnonzero(flips):
            batch["maps"][n] = batch["maps"][n].flip(-1)
            batch["flow"][n] = batch["flow"][n].flip(-2) * torch.tensor([-1.0, 1.0])
        others = np.sort(rng.integers(len(self.train.others), size=OTHERS))
        batch["known"] = torch.from_numpy(rng.random(len(mine)) < KNOWN)
        batch["others"] = torch.from_numpy(np.array(self.train.others[others], np.float32)).unsqueeze(0).expand(len(mine), -1, -1, -1, -1)
        return batch

    def _items(self, store: PairStore, numbers: np.ndarray, every: int = 1) -> dict[str, Tensor]:
        wav = torch.from_numpy(np.stack([store.sound(int(n)) for n in numbers]))
        return {
            "maps": torch.from_numpy(np.stack([store.maps[n, ::every] for n in numbers]).astype(np.float32)),
            "flow": torch.from_numpy(np.stack([store.flow[n] for n in numbers]).astype(np.float32)),
            "loudness": loudness_of(wav, self.settings),
            "kind": torch.from_numpy(store.kind[numbers]),
            "strokes": store.strokes(self.settings)[numbers],
        }

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        maps, flow, kinds = batch["maps"], batch["flow"], batch["kind"]
        others = batch["others"][0]
        kinds = torch.cat([kinds, torch.full((len(others),), self.settings.other, device=kinds.device)])
        answers = model(maps, flow, others, batch["strokes"], batch["known"])
        loss, parts = torch.zeros((), device=maps.device), {}
        for variant, (loudness, logits, chances) in answers.items():
            if chances is not None:
                struck = F.binary_cross_entropy_with_logits(chances[: len(batch["kind"])], batch["strokes"])
                loss, parts[f"strokes_{variant}"] = loss + STROKES * struck, struck.detach()
            error = loudness_loss(loudness[: len(batch["kind"])], batch["loudness"])
            kind = F.cross_entropy(logits, kinds, label_smoothing=0.05)
            loss = loss + LOUDNESS * error + KIND * kind
            parts |= {f"loudness_{variant}": error.detach(), f"kind_{variant}": kind.detach()}
        return loss, parts

    def validate(self, model: nn.Module) -> dict[str, float]:
        errors: dict[str, list[float]] = {}
        step_s = self.settings.token_step / self.settings.sample_rate
        for first in range(0, len(self.held), 16):
            batch = self._items(self.held, np.arange(first, min(first + 16, len(self.held))))
            for variant, (loudness, logits, chances) in model(batch["maps"], batch["flow"]).items():
                if chances is not None:
                    errors.setdefault(f"strokes_{variant}", []).append(met(begins(chances), batch["strokes"], step_s))
                errors.setdefault(f"loudness_{variant}", []).append(float(loudness_loss(loudness, batch["loudness"])))
                errors.setdefault(f"kind_{variant}", []).append(float(F.cross_entropy(logits, batch["kind"])))
                errors.setdefault(f"right_{variant}", []).append(float((logits.argmax(1) == batch["kind"]).float().mean()))
                errors.setdefault(f"follows_{variant}", []).append(follows(loudness, batch["loudness"]))
        means = {name: float(np.nanmean(values)) for name, values in errors.items()}
        score = means["right_flow"] + means["follows_flow"] - means["loudness_flow"] + means.get("strokes_flow", 0.0)
        return {"score": score, **means}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.family.state_dict()


def follows(decided: Tensor, true: Tensor) -> float:
    """Mean correlation over time of loudness (N, F) with the true one, of sounds whose loudness changes."""
    a, b = decided - decided.mean(1, keepdim=True), true - true.mean(1, keepdim=True)
    lively = true.std(1) > 0.05
    value = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp_min(1e-6)
    return float(value[lively].mean()) if lively.any() else float("nan")


def met(decided: Tensor, true: Tensor, step_s: float) -> float:
    """Mean F1 of strokes (N, S) against the true ones, within 0.1 s, of sounds that have two and more."""
    found = []
    for mine, wanted in zip(decided, true, strict=True):
        at, asked = ([float(place) * step_s for place in row.nonzero().flatten()] for row in (mine, wanted))
        if len(asked) > 1:
            found.append(2 * matched(at, asked) / (len(at) + len(asked)))
    return float(np.mean(found)) if found else float("nan")
