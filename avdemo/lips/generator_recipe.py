"""Training of the generator: first the painter from true mouth points, then all of it from speech, against the discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.corpora.lip_pack import LipPack
from avdemo.lips.batches import as_frames, as_pictures, as_video, heard_by, window_batch
from avdemo.lips.config import LipsConfig, Switches
from avdemo.lips.critics import SyncExpert
from avdemo.lips.objective import Weights, mouth_weights, pixel_loss
from avdemo.lips.points_recipe import find_points
from avdemo.lips.seeing import PointFinder
from avdemo.lips.studio import Studio
from avdemo.lips.windows import Window, Windows
from avdemo.metrics.lmd import lmd, opening
from avdemo.metrics.lmd import pooled_correlation as pooled

RATE, BETAS = 1e-3, (0.5, 0.99)
CRITIC_RATE = 0.4  # times the generator's
SLOW = 0.1  # times the generator's: the imagination has learnt before
AGAIN = 0.5  # times it: the painter, after its own training
PAPER_RATE, PAPER_BETAS = 2e-4, (0.5, 0.999)
HELD = 24  # validation windows
PAINTED = 4  # frames of each window that the painter learns from: more windows teach more than more frames, which are much alike
LMD_WORTH = 0.1  # of the opening's correlation, for each pixel of landmark distance at 64 px


class GeneratorRecipe:
    """For :func:`avdemo.training.loop.fit`.

    Args:
        part: "painter" (all windows from true points) or "generator" (half of them, where the switches say so).
        finder: of mouth points, for validation; with the compact configuration it also goes into the network.
        start: state of the network to begin with: all of it, or the imagination and the shapes alone.
        expert, view: see :class:`avdemo.lips.studio.Studio`.
        lags: see :class:`avdemo.lips.windows.Windows`.
    """

    def __init__(
        self, config: LipsConfig, switches: Switches, pack: LipPack, part: str, batch_size: int, *, finder: PointFinder,
        start: Mapping[str, Tensor] | None = None, expert: SyncExpert | None = None, view: Mapping[str, Tensor] | None = None,
        lags: Mapping[str, int] | None = None, seed: int = 0, weights: Weights | None = None,
    ):  # fmt: skip
        self.name = f"lips-{part}-{config.name}"
        self.settings, self.switches, self.part = config, switches, part
        self.weights = weights or (Weights.paper() if config.critic == "paper" else Weights())
        self.config = config.as_dict() | {"switches": asdict(switches), "weights": asdict(self.weights)}
        self.batch_size, self.seed, self.start, self.expert, self.view = batch_size, seed, start, expert, view
        self.finder = finder.eval().requires_grad_(False)
        self.windows, self.held = (Windows(pack, config, split, seed, lags=lags) for split in ("train", "val"))
        self.shown = self.held.held(HELD)
        self.validations = count(1)

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 43, step, rank])
        drawn = self.windows.draw(rng, self.batch_size // world)
        if self.part == "painter" and self.settings.frames > PAINTED:
            return window_batch(self.windows, drawn, rng, kept=PAINTED)
        batch = window_batch(self.windows, drawn, rng)
        batch["other"] = torch.from_numpy(np.stack([heard_by(self.windows, self._another(window, rng), rng) for window in drawn]))
        return batch

    def _another(self, window: Window, rng: np.random.Generator) -> Window:
        """A window of another clip: the mismatch k != j."""
        for _ in range(8):
            (other,) = self.windows.draw(rng, 1)
            if other.clip.number != window.clip.number:
                return other
        return other

    def build(self) -> nn.Module:
        studio = Studio(
            self.settings, self.switches, self.weights, 1.0 if self.part == "painter" else 0.5, expert=self.expert, view=self.view
        )  # fmt: skip
        if studio.network.is_compact:
            studio.network.finder.load_state_dict(self.finder.state_dict())
        if self.start is not None:
            missing, unknown = studio.network.load_state_dict(dict(self.start), strict=False)
            lacking = [name for name in missing if name.split(".")[0] not in ("finder", "painter")]
            if unknown or lacking:
                raise ValueError(f"the weights to start from lack {lacking[:3]} or have {unknown[:3]} too much")
        if self.part == "painter":
            studio.network.imagination.requires_grad_(False)
        return studio

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        paper = self.settings.generator.style == "paper"
        rate, common = (PAPER_RATE, {"betas": PAPER_BETAS}) if paper else (RATE, {"betas": BETAS})
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                groups.setdefault(rate * (1.0 if paper else self._slower(name)), []).append(parameter)
        return [{"params": parameters, "lr": lr, "weight_decay": 0.0, **common} for lr, parameters in groups.items()]

    def _slower(self, name: str) -> float:
        """By what a parameter's rate is multiplied: who has learnt before learns slowly now."""
        if name.startswith(("critic.", "correlator.")):
            return CRITIC_RATE
        if ".imagination." in name:
            return SLOW
        return AGAIN if ".painter." in name and self.part != "painter" else 1.0

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        return model(
            as_pictures(batch["photo"]),
            as_video(batch["frames"]),
            batch["points"],
            batch["speech"],
            batch.get("other"),
            batch.get("chosen"),
        )

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """What the generator makes of known speakers' new clips, as the finder sees it.

        "opening": correlation of the mouth's opening, pooled over windows; "swapped": with another window's speech; "lmd" in pixels;
        "pixel": mean absolute difference near the mouth in [-1, 1]; "sharpness": of the frames, as a share of the true ones'; for the
        painter also "taught": the pixel difference when it is told the true points, which is what it is chosen by.
        """
        true, made, swapped, sharp, errors, taught = [], [], [], [], [], []
        turned = self.shown[1:] + self.shown[:1]
        rng = np.random.default_rng(0)
        for first in range(0, len(self.shown), 4):
            part = slice(first, first + 4)
            batch = window_batch(self.held, self.shown[part], rng, changed=False)
            photo, video = as_pictures(batch["photo"]), as_video(batch["frames"])
            points = batch["points"]
            if bool(points.isnan().any()):
                points = self.finder(video.transpose(1, 2).flatten(0, 1)).view_as(points)
            frames, _, _ = model.network(photo, batch["speech"])
            other = torch.from_numpy(np.stack([heard_by(self.held, window, None) for window in turned[part]]))
            mismade, _, _ = model.network(photo, other)
            weight = mouth_weights(points.flatten(0, 1), self.settings.size)
            if model.network.is_compact:
                own, _ = model.network.look(photo)
                shift = model.network.shapes.numbers(points - own.unsqueeze(1)).transpose(1, 2)
                told, _, _ = model.network(photo, batch["speech"], shift)
                taught.append(float(pixel_loss(_flat(told), _flat(video), weight)))
            errors.append(float(pixel_loss(_flat(frames), _flat(video), weight)))
            sharp.append((_gradients(frames), _gradients(video)))
            true += list(points.numpy())
            made += [find_points(self.finder, clip) for clip in as_frames(frames)]
            swapped += [find_points(self.finder, clip) for clip in as_frames(mismade)]
        gaps = [opening(points) for points in true]
        found = {
            "opening": pooled(gaps, [opening(points) for points in made]),
            "swapped": pooled(gaps, [opening(points) for points in swapped]),
            "lmd": float(np.mean([lmd(one, other) for one, other in zip(true, made, strict=True)])),
            "pixel": float(np.mean(errors)),
            "sharpness": sum(one for one, _ in sharp) / sum(other for _, other in sharp),
        }
        if taught:
            found["taught"] = float(np.mean(taught))
        score = found["opening"] - LMD_WORTH * found["lmd"] * 64 / self.settings.size
        if self.part == "painter":
            score = -found["taught"]
        if not self.switches.early_stopping:
            score = -1 / next(self.validations)  # each counts as better than the last
        return {"score": score, **found}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.network.state_dict()


def _flat(video: Tensor) -> Tensor:
    return video.transpose(1, 2).flatten(0, 1)


def _gradients(video: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels."""
    return float((video[..., 1:] - video[..., :-1]).abs().mean() + (video[..., 1:, :] - video[..., :-1, :]).abs().mean())
