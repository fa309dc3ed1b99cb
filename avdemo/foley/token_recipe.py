"""How the token tier is learnt: which acoustic tokens follow which, in sounds whose pictures a trained sight has seen.

Whole pairs of 4 s at once, each variant on its share of the batch. It is quick (a step is 200 times, not 64,000 samples), and soon knows
the few hundred recordings by heart, so half of what it is told is left out now and then, and validation says when to stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.family import Family
from avdemo.foley.looks import AT_ONCE, hiss_seed, look, tokens_of
from avdemo.foley.naming import among_kinds
from avdemo.foley.network import Foley
from avdemo.foley.objective import loudness_of
from avdemo.foley.pair_store import PairStore
from avdemo.foley.sight_recipe import Sight
from avdemo.foley.strokes import marks
from avdemo.foley.variations import sped, varied
from avdemo.foley.voices import voiced

ROWS = 12  # pairs of each variant in a batch
RATE = 1.5e-3
DROPPED = 0.25  # of the units
FORGOTTEN = 0.2, 0.15  # of the times, whose past is left out, and of the sounds, of which all is: or the past alone would say what follows
VARIATIONS, VARIED = 3, 0.5  # of each sound, that are made before; of the pairs that get one
UNTOLD = 0.12  # of the pairs are told the loudness alone: what follows from the kind can then be told apart, and stressed
UNSEEN, DIM = (
    0.3,
    0.3,
)  # pairs that are told the kind and the loudness alone; share of the numbers seen that are left out in the others
SWAPPED = 0.7  # of the pairs are shown another picture of their kind: there are few, and each would be learnt as the sign of its recording
DECIDED = 0.4  # of the other pairs are told the loudness that is decided from the picture, as in use; the others the true one
SPECTRA = 200_000  # that the codebooks are found in, at most
NAMED = 0.5  # of the pairs are told their kind; the others how likely each kind looks, as in use
STRUCK = 0.3  # of the pairs as they are made are told the strokes that are decided from their picture; the others the true ones
VOICED, VOICED_SOUNDS = 0.7, 40  # of the pairs are told their voice; held-out sounds that are tried under every one of their kind
LEARNT = ("tier", "kind_to_nodes", "loudness_to_nodes", "strokes_to_nodes", "voices", "seq", "begin")  # and each variant's to_nodes


@torch.inference_mode()
def find_codebooks(family: Family, store: PairStore, *, seed: int = 0) -> list[float]:
    """Find the codebooks of a family's tokens in training sounds, in place, unless it has some; see :meth:`Tokens.find`."""
    network, found = family.network("flow"), []
    if network.tokens.books.any():
        return []
    for first in range(0, len(store), AT_ONCE):
        wav = torch.from_numpy(np.asarray(store.wav[first : first + AT_ONCE], np.float32) / 32767)
        levels = network.levelled(wav, loudness_of(wav, network.config), hiss_seed(seed, first))
        found.append(network.tokens.spectra(network.decode(levels)).flatten(0, 1).numpy())
    spectra = np.concatenate(found)
    chosen = np.random.default_rng([seed, 17]).permutation(len(spectra))[:SPECTRA]
    return network.tokens.find(spectra[chosen], seed=seed)


class Learner(nn.Module):
    """A family, of which the token tier and the ways to it are learnt."""

    def __init__(self, family: Family):
        super().__init__()
        self.family = family

    def forward(
        self, tokens: Tensor, seen: Tensor, kinds: Tensor, loudness: Tensor, unseen: Tensor, strokes: Tensor, voices: Tensor
    ) -> list[Tensor]:  # fmt: skip
        """Logits of each book, (N, S, C), of as many pairs of each variant, one variant after another.

        Args:
            tokens: (N, S, B). seen: (N, F, V). kinds: (N, kinds), how likely each is. loudness: (N, F).
            unseen: (N,) bool, whose picture is left out, but for the kind, the loudness and the strokes (N, S).
            voices: (N,), -1 for those that are not told theirs.
        """
        seen = F.dropout(seen, DIM, self.training).masked_fill(unseen[:, None, None], 0)
        starts, rows = [], []
        for variant, mine in zip(VARIANTS, seen.chunk(len(VARIANTS)), strict=True):
            network = self.family.network(variant)
            starts.append(network.tier.first_state(len(mine)) if network.seq is None else network.begin(network.seq(mine)[1]))
            rows.append(
                mine.new_zeros(*mine.shape[:2], network.config.row) if network.to_nodes is None else network.to_nodes(mine)
            )
        told = network.told_rows(torch.cat([row.float() for row in rows]), loudness, kinds, strokes if network.says_strokes else None)
        told = told if network.voices is None else told + network.voices(voices)
        return network.tier(tokens, told, torch.cat([start.float() for start in starts], 1))


class TokenRecipe:
    """Trains a :class:`Learner` on the pairs of a store, as a sight sees them."""

    def __init__(
        self, config: FoleyConfig, train: PairStore, held: PairStore, sight: Sight, *, batch_size: int = ROWS * len(VARIANTS), seed: int = 0
    ):  # fmt: skip
        self.name, self.settings, self.config = f"foley-{config.name}-tokens", config, config.as_dict()
        self.train, self.held, self.seed, self.batch_size = train, held, seed, batch_size
        self.rows = batch_size // len(VARIANTS)
        self.state = sight.family.state_dict()
        self.known = np.flatnonzero(train.kind < len(config.kinds))
        self.of_kind = {kind: np.flatnonzero(train.kind == kind) for kind in np.unique(train.kind)}
        numbers = train.recordings(len(config.kinds))
        self.voice = np.array([numbers.get(entry["recording"], -1) if config.voices else -1 for entry in train.about])
        self.strokes = {name: store.strokes(config).numpy() for name, store in (("train", train), ("held", held))}
        self.looked = {name: look(sight, store, VARIANTS) for name, store in (("train", train), ("held", held))}
        network = sight.family.network("flow")
        self.varied = [self._variation(network, number) for number in range(VARIATIONS)]
        self.spoken = {
            name: tokens_of(network, store, self.looked[name].loudness, number)
            for number, (name, store) in enumerate((("train", train), ("held", held)))
        }
        with torch.inference_mode():
            says = {v: sight.family.network(v).says_kind for v in VARIANTS}
            self.kinds = {
                name: {v: among_kinds(says[v](torch.from_numpy(looked.seen[v]).mean(1))).numpy() for v in VARIANTS}
                for name, looked in self.looked.items()
            }

    @torch.inference_mode()
    def _variation(self, network: Foley, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens, loudness and strokes of a variation of every training sound."""
        tokens, loudness, strokes = [], [], []
        config, seconds = self.settings, self.train.wav.shape[1] / self.settings.sample_rate
        for first in range(0, len(self.train), AT_ONCE):
            pairs = range(first, min(first + AT_ONCE, len(self.train)))
            wavs = [varied(self.train.sound(pair), self._dice(number, pair), config.sample_rate) for pair in pairs]
            times = [sped(self.train.about[pair]["onsets_s"], seconds, self._dice(number, pair)) for pair in pairs]
            strokes.append(marks(times, self.train.wav.shape[1] // config.token_step, config.token_step / config.sample_rate))
            wav = torch.from_numpy(np.stack(wavs))
            loudness.append(loudness_of(wav, self.settings))
            levels = network.levelled(wav, loudness[-1], hiss_seed(2 + number, first))
            tokens.append(network.tokens_of(levels).to(torch.int16))
        return torch.cat(tokens).numpy(), torch.cat(loudness).numpy(), torch.cat(strokes).numpy()

    def _dice(self, number: int, pair: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, 16, number, pair])

    def build(self) -> Learner:
        family = Family(self.settings)
        family.load_state_dict(self.state)
        family.shared["tier"].dropped, family.shared["tier"].forgotten = DROPPED, FORGOTTEN
        if self.settings.voices:
            shares = family.shared["voices"].shares
            for pair in self.known[self.voice[self.known] >= 0]:
                shares[int(self.train.kind[pair]), int(self.voice[pair])] += 1
            shares /= shares.sum(1, keepdim=True).clamp_min(1)
        return Learner(family)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        family = model.family
        parts = [family.shared[name] for name in LEARNT if name in family.shared]
        parts += [own["to_nodes"] for own in family.own.values() if "to_nodes" in own]
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        learnt = [p for part in parts for p in part.parameters()]
        for parameter in learnt:
            parameter.requires_grad_(True)
        return [{"params": learnt, "lr": RATE}]

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        """Pairs of each variant in turn, (3 rows, ...)."""
        rng = np.random.default_rng([self.seed, 15, step, rank])
        pairs = self.known[rng.integers(len(self.known), size=(len(VARIANTS), self.rows // world))]
        chance = {
            name: rng.random(pairs.shape) for name in ("decided", "named", "unseen", "untold", "varied", "swapped", "struck", "voiced")
        }
        which = rng.integers(VARIATIONS, size=pairs.shape)
        looked, parts = self.looked["train"], []
        for number, (variant, mine) in enumerate(zip(VARIANTS, pairs, strict=True)):
            other, untold, named = (
                chance[name][number] < share for name, share in (("varied", VARIED), ("untold", UNTOLD), ("named", NAMED))
            )
            variation = [np.stack([self.varied[v][part][p] for v, p in zip(which[number], mine, strict=True)]) for part in range(3)]
            tokens = np.where(other[:, None, None], variation[0], self.spoken["train"][mine])
            loudness = np.where(
                chance["decided"][number, :, None] < DECIDED, looked.decided[variant][mine], looked.loudness[mine]
            )
            loudness = np.where(other[:, None], variation[1], loudness)
            truth = np.eye(len(self.settings.kinds), dtype=np.float32)[self.train.kind[mine]]
            kinds = np.where(named[:, None], truth, self.kinds["train"][variant][mine]) * ~untold[:, None]
            unseen = other | untold | (chance["unseen"][number] < UNSEEN)  # a variation's moments are not the picture's
            shown = np.where(chance["swapped"][number] < SWAPPED, [rng.choice(self.of_kind[self.train.kind[p]]) for p in mine], mine)
            strokes = self.strokes["train"][mine]
            if variant in looked.strokes:
                strokes = np.where(chance["struck"][number, :, None] < STRUCK, looked.strokes[variant][mine], strokes)
            strokes = np.where(other[:, None], variation[2], strokes)
            voices = np.where((chance["voiced"][number] < VOICED) & ~untold, self.voice[mine], -1)
            parts.append((tokens.astype(np.int64), looked.seen[variant][shown], kinds, loudness, unseen, strokes, voices))
        names = ("tokens", "seen", "kinds", "loudness", "unseen", "strokes", "voices")
        return {
            name: torch.from_numpy(np.concatenate(values)) for name, values in zip(names, zip(*parts, strict=True), strict=True)
        }

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        logits, tokens = model(**batch), batch["tokens"]
        nats = sum(
            F.cross_entropy(part.transpose(1, 2), tokens[..., book], reduction="none") for book, part in enumerate(logits)
        ).mean(1)
        parts = {
            f"nats_{variant}": mine.mean().detach() for variant, mine in zip(VARIANTS, nats.chunk(len(VARIANTS)), strict=True)
        }
        return nats.mean(), parts

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Nats of the tokens of 20 ms of held-out sounds: as in use, and (the control) told another kind.

        "voiced": under the voice of the kind that suits each sound best, for those are what is written with; it is one of many, so its
        number is counted in.
        """
        looked, scores, strokes = self.looked["held"], {}, torch.from_numpy(self.strokes["held"])
        tokens = torch.from_numpy(self.spoken["held"].astype(np.int64))
        for variant in VARIANTS:
            network: Foley = model.family.network(variant)
            for name, loudness, struck in (("decided", looked.decided[variant], None), ("true", looked.loudness, strokes)):
                condition = network.condition_of(torch.from_numpy(looked.seen[variant]), torch.from_numpy(loudness), struck)
                nats = -network.tier.log_likelihood(tokens, condition.rows, condition.start).mean(1)
                scores[f"nats_{variant}_{name}"] = float(nats.mean())
            other = torch.from_numpy(np.roll(looked.seen[variant], len(tokens) // 2, 0))
            condition = network.condition_of(other, torch.from_numpy(looked.loudness), strokes)
            scores[f"nats_{variant}_other"] = -float(network.tier.log_likelihood(tokens, condition.rows, condition.start).mean())
        if self.settings.voices:
            scores["nats_flow_voiced"] = self._voiced(model.family.network("flow"), tokens)
        return {"score": -float(np.mean([v for k, v in scores.items() if k.endswith("_decided")])), **scores}

    def _voiced(self, network: Foley, tokens: Tensor) -> float:
        """Mean nats of the first held-out sounds under their kinds' best voices."""
        looked, shares, found = self.looked["held"], network.voices.shares, []
        for n in range(min(VOICED_SOUNDS, len(tokens))):
            voices = shares[int(self.held.kind[n])].nonzero().flatten()
            if not len(voices):
                continue
            condition = network.condition_of(torch.from_numpy(looked.seen["flow"][[n] * len(voices)]))
            condition = voiced(condition, network.voices, voices)
            nats = network.tier.log_likelihood(tokens[[n] * len(voices)], condition.rows, condition.start).sum(1)
            found.append(-float((nats - np.log(len(voices))).max()) / tokens.shape[1])
        return float(np.mean(found)) if found else float("nan")

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.family.state_dict()
