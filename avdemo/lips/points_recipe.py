"""Training of the finder of mouth points, which the network and its training look through, and of the judge that only evaluates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.corpora.lip_pack import Clip, LipPack
from avdemo.errors import InputError
from avdemo.lips.config import LipsConfig
from avdemo.lips.objective import landmark_loss
from avdemo.lips.seeing import PointFinder, opening
from avdemo.lips.windows import Look
from avdemo.metrics.lmd import correlation, lmd

JUDGE_WIDTHS = (20, 28, 48, 64)  # not the finder's layers: a judge with the same habits would forgive the same mistakes
RATE = 2e-3
BLURRED = 0.3  # of the frames: generated ones are softer than real ones
HELD = 24  # validation clips
EVEN = 0.5  # speakers are drawn by the number of their frames to this power


def finder_config(config: LipsConfig, part: str) -> LipsConfig:
    """``part`` "points" for the network's own finder, "judge" for the one that evaluates."""
    if part == "points" or config.name.startswith("debug"):
        return config
    return replace(config, finder_widths=JUDGE_WIDTHS)


def usual_points(pack: LipPack, clips: list[Clip]) -> np.ndarray:
    """Mean mouth as shares of the side, (20, 2)."""
    return np.mean([pack.points[clip.place].mean(0) for clip in clips], 0) / pack.size_px


class PointRecipe:
    """For :func:`avdemo.training.loop.fit`: single frames and their points.

    Raises:
        InputError: the pack knows no points of training clips.
    """

    def __init__(self, config: LipsConfig, pack: LipPack, part: str, batch_size: int, *, seed: int = 0):
        self.settings, self.pack, self.batch_size, self.seed = finder_config(config, part), pack, batch_size, seed
        self.name, self.config = f"lips-{part}-{config.name}", self.settings.as_dict()
        self.clips = [clip for clip in pack.of("train") if clip.has_points]
        self.held = [clip for clip in pack.of("val") if clip.has_points][:HELD]
        if not self.clips or not self.held:
            raise InputError(f"The packed clips in {pack.folder.name} have no mouth points; training needs some with landmarks.")
        frames: dict[str, int] = {}
        for clip in self.clips:
            frames[clip.speaker] = frames.get(clip.speaker, 0) + clip.frames
        weights = np.array([clip.frames * frames[clip.speaker] ** (EVEN - 1.0) for clip in self.clips])
        self.weights = weights / weights.sum()

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 31, step, rank])
        size, n = self.pack.size_px, self.batch_size // world
        pictures, points = np.empty((n, size, size, 3), np.uint8), np.empty((n, 20, 2), np.float32)
        for place, number in enumerate(rng.choice(len(self.clips), n, p=self.weights)):
            clip = self.clips[number]
            frame = clip.first + int(rng.integers(clip.frames))
            look = Look.draw(rng, size)
            pictures[place] = look.frames(self.pack.frames[frame])
            points[place] = look.points(self.pack.points[frame], size)
        blurred = rng.random(n) < BLURRED
        return {
            "pictures": torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()), "points": torch.from_numpy(points),
            "blurred": torch.from_numpy(blurred),
        }  # fmt: skip

    def build(self) -> nn.Module:
        finder = PointFinder(self.settings)
        finder.middle.copy_(torch.from_numpy(usual_points(self.pack, self.clips)))
        return finder

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": list(model.parameters()), "lr": RATE}]

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        pictures = batch["pictures"].float() / 127.5 - 1
        soft = F.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
        pictures = torch.where(batch["blurred"].view(-1, 1, 1, 1), soft, pictures)
        found = model(pictures.contiguous(memory_format=torch.channels_last))
        loss = landmark_loss(found, batch["points"], self.pack.size_px)
        return loss, {"pixels": (found - batch["points"]).norm(dim=-1).mean().detach()}

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Mean error in pixels, and how well the opening is followed within each clip."""
        errors, follows, distances = [], [], []
        for clip in self.held:
            true = self.pack.points[clip.place]
            found = find_points(model, np.asarray(self.pack.frames[clip.place]))
            errors.append(float(np.linalg.norm(found - true, axis=-1).mean()))
            distances.append(lmd(true, found))
            follows.append(correlation(*(opening(torch.from_numpy(p)).numpy() for p in (true, found))))
        error = float(np.mean(errors))
        return {"score": -error, "pixels": error, "lmd": float(np.mean(distances)), "opening": float(np.nanmean(follows))}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.state_dict()


@torch.no_grad()
def find_points(finder: PointFinder, frames: np.ndarray, batch: int = 128) -> np.ndarray:
    """Frames (T, S, S, 3) uint8 -> points (T, 20, 2) float32, pixels."""
    device = finder.middle.device
    found = []
    for part in np.array_split(frames, max(1, -(-len(frames) // batch))):
        pictures = torch.from_numpy(np.ascontiguousarray(part.transpose(0, 3, 1, 2))).to(device)
        found.append(finder(pictures.float() / 127.5 - 1).cpu().numpy())
    return np.concatenate(found)
