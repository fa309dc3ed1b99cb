"""MobileNetV2 as a dense feature extractor: ImageNet's weights, a map of places instead of one answer."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 320  # channels of the last block
STRIDE = 16  # px of the picture for each place of the map


class EdgePaddedConv2d(nn.Conv2d):
    """A stride-2 convolution that pads right and bottom only: the ImageNet weights we start from were trained so."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (0, 1, 0, 1)), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def mobilenet_features(blocks: int = 18, *, dilated: bool = True) -> nn.Sequential:
    """The first ``blocks`` blocks of MobileNetV2; all 18 end with the 320-channel one.

    (B, 3, H, W) in [-1, 1] -> (B, 320, H/16, W/16) with the last stage dilated instead of strided, H/32 without; 14 blocks give
    (B, 96, H/16, W/16). State-dict keys are those of torchvision's ``mobilenet_v2().features``.
    """
    from torchvision.models import mobilenet_v2

    features = mobilenet_v2(weights=None).features[:blocks]
    for index, block in enumerate(features):
        for conv in (m for m in block.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)):
            if dilated and index > 14:
                conv.dilation = conv.padding = (2, 2)
            elif dilated and index == 14:
                conv.stride = (1, 1)
            elif conv.stride == (2, 2):
                conv.__class__ = EdgePaddedConv2d
    return features


def features_of(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The ``features`` part of a torchvision MobileNetV2 state dict as float32, without its last convolution."""
    return {
        key.removeprefix("features."): value.float() if value.is_floating_point() else value
        for key, value in state.items()
        if key.startswith("features.") and not key.startswith("features.18.")
    }
