"""The Sound of Pixels: vision network, sound network, synthesizer. State-dict keys are those of the released files.

Shapes: B batch, Q places asked about, K channels, F x T the sound picture (256 x 256), h x w the vision map (14 x 14).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avdemo.backbones import mobilenet
from avdemo.pixels.config import PixelsConfig

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class UNetBlock(nn.Module):
    """One level of the U-Net: down, the level below, up; the input is handed on beside the result.

    Down is LeakyReLU(0.2), 4x4 stride-2 convolution, BatchNorm (no norm on the outermost and innermost step); up is ReLU,
    bilinear x2 (``align_corners=True``), 3x3 convolution, BatchNorm.
    """

    def __init__(
        self, outer: int, inner: int, below: UNetBlock | None = None, *, inputs: int | None = None, outermost: bool = False
    ):
        super().__init__()
        self.outermost = outermost
        down = nn.Conv2d(outer if inputs is None else inputs, inner, 4, stride=2, padding=1, bias=False)
        up = [nn.ReLU(), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)]
        if outermost:
            layers = [down, below, *up, nn.Conv2d(2 * inner, outer, 3, padding=1)]
        elif below is None:
            layers = [nn.LeakyReLU(0.2), down, *up, nn.Conv2d(inner, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer)]
        else:
            layers = [
                nn.LeakyReLU(0.2), down, nn.BatchNorm2d(inner), below,
                *up, nn.Conv2d(2 * inner, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer),
            ]  # fmt: skip
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class SoundNet(nn.Module):
    """U-Net from the mixture's log magnitude to K maps, no activation at the end."""

    def __init__(self, channels: int, ngf: int, levels: int):
        super().__init__()
        self.bn0 = nn.BatchNorm2d(1)
        widths = [ngf * min(2**i, 8) for i in range(levels)]
        block = UNetBlock(widths[-2], widths[-1])
        for outer, inner in zip(widths[-3::-1], widths[-2:0:-1], strict=True):
            block = UNetBlock(outer, inner, block)
        self.unet_block = UNetBlock(channels, ngf, block, inputs=1, outermost=True)

    def forward(self, log_mag: Tensor) -> Tensor:
        """(B, 1, F, T) log magnitudes -> (B, K, F, T)."""
        return self.unet_block(self.bn0(log_mag))


def _resnet18_features() -> tuple[nn.Sequential, int]:
    """ResNet-18 without its head; the last stage dilated instead of strided: output stride 16."""
    from torchvision.models import resnet18

    stages = list(resnet18(weights=None).children())[:-2]
    for conv in (m for m in stages[-1].modules() if isinstance(m, nn.Conv2d)):
        if conv.stride == (2, 2):
            conv.stride = (1, 1)  # its own taps stay dense: what it reads has not been thinned out yet
        elif conv.kernel_size == (3, 3):
            conv.dilation = conv.padding = (2, 2)
    return nn.Sequential(*stages), 512


class FrameNet(nn.Module):
    """Dilated backbone and a 3x3 convolution to K channels: every place of the picture gets K numbers."""

    def __init__(self, channels: int, backbone: str):
        super().__init__()
        self.features, width = _resnet18_features() if backbone == "resnet18" else (mobilenet.mobilenet_features(), mobilenet.WIDTH)
        self.fc = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) normalised frames -> (B, K, H/16, W/16), before the sigmoid."""
        return self.fc(self.features(frames))


class Synthesizer(nn.Module):
    """z = sum_k a_k v_k s_k + b: one weight for each channel and one bias."""

    def __init__(self, channels: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, vision: Tensor, sound: Tensor) -> Tensor:
        """vision (B, Q, K) in [0, 1], sound (B, K, F, T) -> mask logits (B, Q, F, T)."""
        maps = (vision * self.scale).to(sound.dtype)
        return torch.matmul(maps, sound.flatten(2)).unflatten(2, sound.shape[2:]) + self.bias.to(sound.dtype)


class SoundOfPixels(nn.Module):
    """The three networks together (sections 3 and 4 of the paper)."""

    def __init__(self, config: PixelsConfig):
        super().__init__()
        self.config = config
        self.frame = FrameNet(config.channels, config.backbone)
        self.sound = SoundNet(config.channels, config.ngf, config.unet_levels)
        self.synthesizer = Synthesizer(config.channels)

    def normalise(self, frames: Tensor) -> Tensor:
        """uint8 (N, H, W, 3) RGB -> float (N, 3, H, W) as the backbone was trained on."""
        x = frames.permute(0, 3, 1, 2).float() / 255
        if self.config.normalisation == "unit":
            return x * 2 - 1
        mean = x.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        return (x - mean) / x.new_tensor(IMAGENET_STD).view(1, 3, 1, 1)

    def see(self, frames: Tensor) -> Tensor:
        """uint8 frames (N, H, W, 3) -> (N, K, H/16, W/16) in [0, 1]."""
        x = self.normalise(frames).contiguous(memory_format=torch.channels_last)
        return torch.sigmoid(self.frame(x).float())

    def look_twice(self, frames: Tensor) -> Tensor:
        """:meth:`see`, averaged with what the mirrored frames give: steadier at the price of a second look. Same shapes."""
        return (self.see(frames) + self.see(frames.flip(2)).flip(3)) / 2

    def hear(self, mag: Tensor) -> Tensor:
        """Magnitudes of mixtures (B, F, T), already on the axis of the config -> (B, K, F, T)."""
        log_mag = torch.log(mag + self.config.log_floor).unsqueeze(1)
        return self.sound(log_mag.contiguous(memory_format=torch.channels_last))

    def forward(self, frames: Tensor, mag: Tensor) -> Tensor:
        """The paper's training pass: max-pool over space and time, one mask for each source.

        Args:
            frames: (B, Q, N, H, W, 3) uint8: N frames for each of Q sources of each mixture.
            mag: (B, F, T) magnitudes of the mixtures.

        Returns:
            (B, Q, F, T) mask logits.
        """
        b, q = frames.shape[:2]
        vision = self.see(frames.flatten(0, 2)).unflatten(0, (b, q, -1)).amax((2, 4, 5))
        return self.synthesizer(vision, self.hear(mag))
