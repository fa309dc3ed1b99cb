"""The eye, whose 128-d layer is the feature of a picture, and the judge, the paper's picture classifier (section 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.backbones.mobilenet import mobilenet_features
from avdemo.crossmodal.config import FEATURE, CrossmodalConfig

BLOCKS, WIDTH = 14, 96  # of MobileNetV2 that the compact eye keeps, and the channels of the last
JUDGE_PX = 64  # side at which the judge looks: larger pictures are averaged down to it


def normalise(frames: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) RGB -> float (N, 3, H, W) in [-1, 1]."""
    return (frames.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


class PictureClassifier(nn.Module):
    """3x3 convolutions in pairs, FC with dropout, FC 128: the paper pools after two and after six; the compact one after each pair.

    BatchNorm is ours: without it the small data took ten times as long.
    """

    def __init__(self, widths: tuple[int, ...], hidden: int, classes: int, size: int, *, paper: bool = False, dropout: float = 0.4):
        super().__init__()
        layers: list[nn.Module] = []
        inputs, side = 3, size
        pools = (2, 6) if paper else range(2, len(widths) + 1, 2)
        for number, width in enumerate(widths, 1):
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            inputs = width
            if number in pools:
                layers.append(nn.MaxPool2d(2))
                side //= 2
        self.size = size
        self.convs = nn.Sequential(*layers)
        self.pool = nn.Identity() if paper else nn.AdaptiveAvgPool2d(min(4, side))
        cells = side if paper else min(4, side)
        self.fc1, self.fc2 = nn.Linear(inputs * cells**2, hidden), nn.Linear(hidden, FEATURE)
        self.drop = nn.Dropout(dropout)
        self.answer = nn.Linear(FEATURE, classes)

    def feature(self, pictures: Tensor) -> Tensor:
        """(N, 3, S, S) in [-1, 1] -> (N, 128), >= 0."""
        if pictures.shape[-1] != self.size:
            pictures = F.interpolate(pictures, size=(self.size, self.size), mode="bilinear", antialias=True, align_corners=False)
        x = self.drop(F.relu(self.fc1(self.pool(self.convs(pictures)).flatten(1))))
        return F.relu(self.fc2(x)).float()

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, S, S) in [-1, 1] -> logits (N, classes)."""
        return self.answer(self.feature(pictures))


class Judge(PictureClassifier):
    """Looks at painted pictures, and learnt from real ones alone; the last class is "none of the kinds"."""

    def __init__(self, config: CrossmodalConfig):
        size = min(JUDGE_PX, config.picture_size)
        super().__init__(config.judge_widths, config.judge_hidden, len(config.kinds) + 1, size, paper=config.name == "paper")


class Eye(nn.Module):
    """Picture encoder of I2S: MobileNetV2's first blocks from ImageNet, tuned, and the 128-d layer; or the judge's layers."""

    def __init__(self, config: CrossmodalConfig):
        super().__init__()
        self.size = config.eye_size
        classes = len(config.kinds) + 1
        self.small = None
        if config.eye_style == "paper":
            hidden = config.judge_hidden
            self.small = PictureClassifier(config.judge_widths, hidden, classes, self.size, paper=config.name == "paper")
            return
        self.blocks = mobilenet_features(BLOCKS)
        self.mix = nn.Sequential(nn.Conv2d(WIDTH, 256, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU6())
        self.fc = nn.Linear(2 * 256, FEATURE)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(FEATURE, classes)

    def train(self, mode: bool = True) -> Eye:
        super().train(mode)
        if self.small is None:
            self.blocks.eval()  # statistics of small batches would shift what ImageNet taught
        return self

    def from_pictures(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 128), >= 0. Pictures are resized to the eye's size."""
        if pictures.shape[-2:] != (self.size, self.size):
            pictures = F.interpolate(pictures, size=(self.size, self.size), mode="bilinear", antialias=True, align_corners=False)
        if self.small is not None:
            return self.small.feature(pictures)
        x = self.mix(self.blocks(pictures))
        x = self.drop(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        return F.relu(self.fc(x)).float()

    def feature(self, frames: Tensor) -> Tensor:
        """uint8 (N, H, W, 3) -> (N, 128), >= 0: the layer that conditions the player."""
        return self.from_pictures(normalise(frames))

    def answer(self, feature: Tensor) -> Tensor:
        """(N, 128) -> logits (N, kinds + 1)."""
        return (self.last if self.small is None else self.small.answer)(feature)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> logits (N, kinds + 1)."""
        return self.answer(self.from_pictures(pictures))
