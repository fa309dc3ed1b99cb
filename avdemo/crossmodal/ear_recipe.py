"""Training of the ear: windows of sound, disturbed, and their class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.corpora.mixtures import SoundPack
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.hearing import Ear
from avdemo.crossmodal.windows import ORIGINS, WindowMaker
from avdemo.training.disturb import colour, mask

VALIDATION_PER_KIND = 24
SMOOTHING = 0.05
MIXED = 0.3  # of the batches are mixed up (Zhang et al. 2018)


class Listener(nn.Module):
    """The ear with the disturbances of training in front."""

    def __init__(self, ear: Ear, disturbed: bool = True):
        super().__init__()
        self.ear, self.disturbed = ear, disturbed

    def forward(self, wav: Tensor) -> Tensor:
        """(N, samples) -> logits (N, kinds + 1)."""
        lms = self.ear.spectrogram(wav)
        if self.training and self.disturbed:
            lms = mask(colour(lms.unsqueeze(1), self.ear.window.range_db / 2)).squeeze(1).clamp(-1, 1)
        return self.ear(lms)


class EarRecipe:
    """For :func:`avdemo.training.loop.fit`. ``packed``: folder of packed sounds."""

    def __init__(self, config: CrossmodalConfig, packed: Path, batch_size: int, *, seed: int = 0, rate: float = 2e-3):
        self.name = f"crossmodal-ear-{config.name}"
        self.settings, self.config = config, config.as_dict()
        self.batch_size, self.seed, self.rate = batch_size, seed, rate
        sounds = SoundPack(packed, config.kinds)
        window = config.window
        self.maker = WindowMaker(sounds, config.kinds, "train", window.samples, seed, window.sample_rate)
        self.held = held_windows(WindowMaker(sounds, config.kinds, "val", window.samples, seed + 1), VALIDATION_PER_KIND)

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        share = self.batch_size // world
        first = step * self.batch_size + rank * share
        items = [self.maker.item(i) for i in range(first, first + share)]
        return {
            "wav": torch.from_numpy(np.stack([wav for wav, _ in items])),
            "kind": torch.tensor([kind for _, kind in items]),
        }

    def build(self) -> nn.Module:
        return Listener(Ear(self.settings))

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": list(model.parameters()), "lr": self.rate}]

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        wav, kind = batch["wav"], batch["kind"]
        if torch.rand(()) < MIXED:
            order = torch.randperm(len(wav))
            share = float(torch.distributions.Beta(0.4, 0.4).sample())
            logits = model(share * wav + (1 - share) * wav[order]).float()
            each = (F.cross_entropy(logits, k, label_smoothing=SMOOTHING) for k in (kind, kind[order]))
            loss = sum(w * term for w, term in zip((share, 1 - share), each, strict=True))
        else:
            logits = model(wav).float()
            loss = F.cross_entropy(logits, kind, label_smoothing=SMOOTHING)
        return loss, {"accuracy": (logits.argmax(1) == kind).float().mean()}

    def validate(self, model: nn.Module) -> dict[str, float]:
        return ear_scores(model.ear, *self.held, len(self.settings.kinds))

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.ear.state_dict()


def held_windows(maker: WindowMaker, per_kind: int) -> tuple[Tensor, Tensor, list[str]]:
    """Windows (N, samples) of every class of the maker's split, their class (N,) and origin ("other" for none of the kinds).

    Each kind's windows are shared evenly between the origins that the split has of it.
    """
    wavs, kinds, origins = [], [], []
    for kind in range(len(maker.kinds) + 1):
        other = kind == len(maker.kinds)
        have = [None] if other else [name for name, group in zip(ORIGINS, maker.of_kind[kind], strict=True) if group]
        for number in range(4 * per_kind if other else per_kind):
            origin = have[number % len(have)]
            wavs.append(maker.of(kind, np.random.default_rng([maker.seed, 67, kind, number]), origin))
            kinds.append(kind)
            origins.append(origin or "other")
    return torch.from_numpy(np.stack(wavs)), torch.tensor(kinds), origins


@torch.no_grad()
def hear(ear: Ear, wav: Tensor, batch: int = 64) -> Tensor:
    """Logits (N, kinds + 1) of windows (N, samples)."""
    device = next(ear.parameters()).device
    return torch.cat([ear(ear.spectrogram(part.to(device))).float().cpu() for part in wav.split(batch)])


def ear_scores(ear: Ear, wav: Tensor, kind: Tensor, origins: list[str], kinds: int) -> dict[str, float]:
    """Accuracy on the windows of each origin, in [0, 1]; ``score`` is the mean of the kinds and of none of them, all weighted alike."""
    answer = hear(ear, wav).argmax(1)
    right = (answer == kind).float()
    scores = {f"{name}": float(right[[o == name for o in origins]].mean()) for name in sorted(set(origins))}
    known = kind < kinds
    per_kind = torch.stack([right[kind == k].mean() for k in range(kinds + 1) if (kind == k).any()])
    return {"score": float(per_kind.mean()), "known": float(right[known].mean()), **scores}
