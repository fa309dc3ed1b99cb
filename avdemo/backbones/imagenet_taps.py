"""What a frozen MobileNetV2 sees in pictures, at several depths: what perceptual losses and projected discriminators look through."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from avdemo.backbones.mobilenet import mobilenet_features

TAPS = {3: 24, 6: 32, 13: 96, 17: 320}  # block of MobileNetV2 -> channels; at H/4, H/8, H/16, H/32


class ImageNetTaps(nn.Module):
    """Maps of some blocks of a MobileNetV2 that never learns and is always in eval mode; the weights of ``blocks`` are the caller's to load."""

    def __init__(self, taps: Mapping[int, int] = TAPS):
        super().__init__()
        self.taps = dict(taps)
        self.blocks = mobilenet_features(max(self.taps) + 1, dilated=False).requires_grad_(False)

    def train(self, mode: bool = True) -> ImageNetTaps:
        return super().train(False)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a MobileNetV2's ``features`` and fuse them; deeper blocks than these are passed over.

        Raises:
            ValueError: weights are missing.
        """
        missing, _ = self.blocks.load_state_dict(dict(state), strict=False)
        if missing:
            raise ValueError(f"the weights of MobileNetV2 lack {missing[:3]}")
        self.fuse()

    def fuse(self) -> None:
        """Put the frozen BatchNorms into the convolutions before them; the same numbers for a tenth less time."""
        for part in self.blocks.modules():
            children = list(part.named_children()) if isinstance(part, nn.Sequential) else []
            children += list(part.conv.named_children()) if hasattr(part, "conv") and isinstance(part.conv, nn.Sequential) else []
            owner = part if isinstance(part, nn.Sequential) else getattr(part, "conv", part)
            for (first, conv), (second, norm) in pairwise(children):
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    setattr(owner, first, fuse_conv_bn_eval(conv.eval(), norm.eval()))
                    setattr(owner, second, nn.Identity())

    def maps(self, pictures: Tensor) -> list[Tensor]:
        """(N, 1 or 3, S, S) in [-1, 1] -> the maps of all taps, the finest first."""
        x = pictures.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        found = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taps:
                found.append(x)
        return found
