"""Training after the paper: real videos, end to end, half of all pairs corresponding (``--config paper``).

Frames and sounds are decoded as they are drawn; :mod:`avdemo.corpora.video_lists` says how the videos may lie.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.corpora.video_folder import scan_videos
from avdemo.corpora.video_pairs import Pair, VideoPairs
from avdemo.correspondence.config import CorrespondenceConfig
from avdemo.correspondence.network import Correspondence
from avdemo.errors import InputError
from avdemo.training.loop import FitResult, fit
from avdemo.training.options import TrainOptions

LR, WEIGHT_DECAY = 1e-4, 1e-5
BATCH = 256  # the paper's: 16 GPUs with 16 pairs each
PAIRS = 60_000_000  # seen in the paper's training
VALIDATION_PAIRS = 512
VALIDATION_BATCH = 32
MAX_WORKERS = 16

Progress = Callable[[float, str], None]


@dataclass
class PaperRecipe:
    """Does the frame belong to the sound? Cross-entropy over pairs, both towers from random weights."""

    correspondence: CorrespondenceConfig
    pairs: VideoPairs
    batch_size: int = BATCH
    name: str = "correspondence-paper"

    def __post_init__(self) -> None:
        if self.correspondence.vision != "conv":
            raise InputError(
                f"The paper's training starts both towers from random weights, but the {self.correspondence.name} configuration needs a "
                "trained one for its pictures; choose paper."
            )
        self.config: dict[str, Any] = self.correspondence.as_dict()
        self.pairs.require("train")
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            self.held = _stacked(list(pool.map(lambda number: self.pairs.pair("val", number), range(VALIDATION_PAIRS))))

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        share = self.batch_size // world
        first = step * self.batch_size + rank * share
        return _stacked([self.pairs.pair("train", number) for number in range(first, first + share)])

    def build(self) -> nn.Module:
        return Correspondence(self.correspondence)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": list(model.parameters()), "lr": LR}]

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        logits = model(batch["frames"], batch["wavs"]).float()
        loss = F.cross_entropy(logits, batch["match"])
        right = (logits.argmax(1) == batch["match"]).float().mean()
        return loss, {"loss": loss.detach(), "accuracy": right.detach()}

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """AVC accuracy over pairs of held-out videos (chance: 0.5), and of those that do and do not correspond."""
        device = next(model.parameters()).device
        says, losses = [], []
        for first in range(0, len(self.held["match"]), VALIDATION_BATCH):
            frames, wavs, match = (self.held[k][first : first + VALIDATION_BATCH].to(device) for k in ("frames", "wavs", "match"))
            logits = model(frames, wavs).float()
            losses.append(F.cross_entropy(logits, match, reduction="none").cpu())
            says.append(logits.argmax(1).cpu())
        match, right = self.held["match"], torch.cat(says) == self.held["match"]
        return {
            "score": right.float().mean().item(),
            "corresponding": right[match == 1].float().mean().item(),
            "not_corresponding": right[match == 0].float().mean().item(),
            "loss": torch.cat(losses).mean().item(),
        }

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.state_dict()


def _stacked(pairs: list[Pair]) -> dict[str, Tensor]:
    """``frames`` uint8 (N, S, S, 3), ``wavs`` (N, samples) in [-1, 1], ``match`` int64 (N,), 1 where they correspond."""
    return {
        "frames": torch.from_numpy(np.stack([p.frame for p in pairs])),
        "wavs": torch.from_numpy(np.stack([p.wav for p in pairs])),
        "match": torch.tensor([int(p.match) for p in pairs]),
    }


def paper_options(
    *, batch_size: int = BATCH, steps: int | None = None, minutes: float | None = None, seed: int = 0
) -> TrainOptions:
    """The paper's optimisation: Adam at 1e-4 with weight decay 1e-5, throughout; 60 million pairs.

    Args:
        steps: instead of 60 million pairs.
        minutes: the end by the clock, if it comes first.
    """
    total = steps or -(-PAIRS // batch_size)
    often = max(1, min(1000, total // 20))
    on_gpu = torch.cuda.is_available()
    # each worker decodes on a core of its own; a machine without GPU needs its cores for the network
    workers = min(MAX_WORKERS, max(1, (os.cpu_count() or 2) - 1)) if on_gpu else 1
    return TrainOptions(
        steps=total, batch_size=batch_size, decay="constant", optimizer="adam", weight_decay=WEIGHT_DECAY, clip_norm=None,
        ema_decay=0.0, bf16=on_gpu, channels_last=True, seed=seed, workers=workers, max_minutes=minutes, validate_every=often,
        save_every=often, log_every=min(50, often),
    )  # fmt: skip


def train_paper(
    data: Path, out: Path, *, resume: bool = False, minutes: float | None = None, steps: int | None = None, seed: int = 0,
    progress: Progress | None = None, config: CorrespondenceConfig | None = None, batch_size: int | None = None,
) -> FitResult:  # fmt: skip
    """Train as the paper does on a folder or a list of videos, and write ``out``.

    What was found in the folder is remembered beside ``out`` (suffix ``.videos.json``), so that going on starts at once.

    Args:
        minutes, steps: see :func:`paper_options`.
        config: the paper's by default.
        batch_size: 256 on a GPU, 16 without.

    Returns:
        how the run ended.

    Raises:
        InputError: no videos there, or too few that can be used.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    config = config or CorrespondenceConfig.paper()
    batch_size = batch_size or (BATCH if torch.cuda.is_available() else 16)
    videos, report = scan_videos(Path(data), memory=out.with_suffix(".videos.json"), progress=progress)
    if progress:
        progress(0.0, report.sentence())
    pairs = VideoPairs(
        videos, sample_rate=config.sample_rate, samples=config.samples, frame_size=config.frame_size, seed=seed
    )  # fmt: skip
    recipe = PaperRecipe(config, pairs, batch_size)
    options = paper_options(batch_size=batch_size, steps=steps, minutes=minutes, seed=seed)
    return fit(recipe, options, out, resume=resume and out.with_suffix(".state").is_file(), progress=progress)
