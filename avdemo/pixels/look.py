"""First part of the training: the backbone learns to tell instruments at every place of a composed frame.

Mix-and-separate only needs to know *which* instrument is at a place, and that is known for the composed scenes. Learning it
directly costs a few minutes; after it the backbone is frozen, its maps are computed once, and nearly all remaining time goes
to the sound network. (The paper fine-tunes an ImageNet ResNet-18 together with the rest; so does ``--config paper``.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.backbones.mobilenet import features_of
from avdemo.corpora.scenes import GROUND, UNSURE, PhotoPack, SceneMaker
from avdemo.pixels.config import SOUNDS, PixelsConfig
from avdemo.pixels.network import SoundOfPixels

IGNORED = -100
FROZEN_BLOCKS = 7  # of MobileNetV2: edges and textures up to stride 8 stay as ImageNet taught them
VALIDATION_SCENES = 240


class Looker(nn.Module):
    """Backbone and a linear answer at every place: one score for each instrument and one for the ground."""

    def __init__(self, config: PixelsConfig, init: dict[str, Tensor] | None):
        super().__init__()
        self.eyes = SoundOfPixels(config)
        del self.eyes.sound, self.eyes.synthesizer
        if init is not None:
            missing, _ = self.eyes.frame.features.load_state_dict(init, strict=False)
            if missing:
                raise ValueError(f"the initial weights lack {missing[:3]}")
        self.answer = nn.Conv2d(self.eyes.frame.fc.in_channels, len(SOUNDS) + 1, 1)
        self.dropout = nn.Dropout2d(0.2)
        for parameter in self.eyes.frame.features[:FROZEN_BLOCKS].parameters():
            parameter.requires_grad = False

    def train(self, mode: bool = True) -> Looker:
        super().train(mode)
        for module in self.eyes.frame.features.modules():  # batch statistics of small batches cost accuracy
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, frames: Tensor) -> Tensor:
        """uint8 (B, S, S, 3) -> (B, 14, g, g) scores."""
        x = self.eyes.normalise(frames).contiguous(memory_format=torch.channels_last)
        features = self.eyes.frame.features
        with torch.no_grad():
            x = features[:FROZEN_BLOCKS](x)
        return self.answer(self.dropout(features[FROZEN_BLOCKS:](x))).float()


def imagenet_features(path: Path) -> dict[str, Tensor]:
    """The ``features`` part of a torchvision MobileNetV2 state dict in a safetensors file, without its last convolution."""
    from safetensors.torch import load_file

    return features_of(load_file(path))


def place_labels(things: np.ndarray, classes: tuple[int, ...]) -> np.ndarray:
    """Grid of thing numbers -> grid of class numbers; ground is the class after the last, unsure places are ignored."""
    labels = np.full(things.shape, IGNORED, np.int64)
    labels[things == GROUND] = len(SOUNDS)
    for number, cls in enumerate(classes):
        labels[things == number] = cls
    assert UNSURE < GROUND < 0
    return labels


@dataclass
class LookRecipe:
    """Dense classification of composed scenes (see the module's docstring)."""

    pixels: PixelsConfig
    photos: Path
    batch_size: int
    seed: int = 0
    init: dict[str, Tensor] | None = None
    name: str = "pixels-look"

    def __post_init__(self) -> None:
        self.config: dict[str, Any] = self.pixels.as_dict()
        pack = PhotoPack(self.photos, SOUNDS)
        self.maker = SceneMaker(pack, "train", self.pixels.frame_size, seed=self.seed)
        held = SceneMaker(pack, "val", self.pixels.frame_size, seed=self.seed + 1)
        self.held = self._batch(held, range(VALIDATION_SCENES))

    @staticmethod
    def _batch(maker: SceneMaker, indices) -> dict[str, Tensor]:
        scenes = [maker.scene(i) for i in indices]
        return {
            "frames": torch.from_numpy(np.stack([s.frame for s in scenes])),
            "labels": torch.from_numpy(np.stack([place_labels(s.things, s.classes) for s in scenes])),
        }

    def build(self) -> nn.Module:
        return Looker(self.pixels, self.init)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        fresh = list(model.answer.parameters())
        old = [p for p in model.eyes.frame.features.parameters() if p.requires_grad]
        return [{"params": fresh, "lr": 2e-3}, {"params": old, "lr": 3e-4}]

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        share = self.batch_size // world
        first = step * self.batch_size + rank * share
        return self._batch(self.maker, range(first, first + share))

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        scores = model(batch["frames"])
        labels = batch["labels"]
        # every scene and every kind of place counts alike, however many places it covers
        weight = torch.ones(len(SOUNDS) + 1, device=scores.device)
        weight[-1] = 0.35
        loss = F.cross_entropy(scores, labels, weight=weight, ignore_index=IGNORED, label_smoothing=0.05)
        asked = labels != IGNORED
        right = ((scores.argmax(1) == labels) & asked).sum() / asked.sum().clamp(min=1)
        return loss, {"loss": loss.detach(), "right": right.detach()}

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        answers = torch.cat([model(f.to(device)).argmax(1).cpu() for f in self.held["frames"].split(32)])
        labels = self.held["labels"]
        things = (labels >= 0) & (labels < len(SOUNDS))
        ground = labels == len(SOUNDS)
        right = answers == labels
        each = [right[labels == c].float().mean().item() for c in range(len(SOUNDS)) if (labels == c).any()]
        score = float(np.mean(each))
        return {
            "score": score,
            "places_right": right[things].float().mean().item(),
            "ground_right": right[ground].float().mean().item(),
        }

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        features = {f"frame.features.{k}": v for k, v in model.eyes.frame.features.state_dict().items()}
        return features | {f"answer.{k}": v for k, v in model.answer.state_dict().items()}
