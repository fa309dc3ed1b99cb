"""All networks of CMAV in one module: what is shipped and what the pipeline calls."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.generators import Generator
from avdemo.crossmodal.hearing import Ear
from avdemo.crossmodal.seeing import Eye, Judge

__all__ = ["Crossmodal"]


class Crossmodal(nn.Module):
    """Sound -> feature -> picture, and picture -> feature -> spectrogram; with the judge of painted pictures."""

    def __init__(self, config: CrossmodalConfig):
        super().__init__()
        self.config = config
        self.ear, self.eye, self.judge = Ear(config), Eye(config), Judge(config)
        self.painters = nn.ModuleDict({variant: Generator(config.painter_of(variant)) for variant in config.variants})
        self.player = Generator(config.player)

    def paint(self, feature: Tensor, z: Tensor, variant: str = "C") -> Tensor:
        """Sound features (N, 128) and noise (N, painter.noise) -> pictures (N, S, S, 3) uint8. S2I-A knows no noise: it gets zeros."""
        z = torch.zeros_like(z) if variant == "A" else z
        pictures = self.painters[variant](feature, z)
        return ((pictures + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)

    def play(self, feature: Tensor, z: Tensor) -> Tensor:
        """Picture features (N, 128) and noise (N, player.noise) -> LMS (N, M, T) in [-1, 1]."""
        return self.player(feature, z).squeeze(1)
