"""Generators: a feature and noise become a picture (S2I) or a log-mel spectrogram (I2S). Paper, sections 3.3 and 3.4."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.crossmodal.config import FEATURE, PHI, GeneratorConfig

STYLE = 128  # units that carry condition and noise to every layer
SLOPE = 0.2  # of the leaky ReLUs
STYLE_GAIN = 0.35  # how far the style changes scale and shift at first, about half a standard deviation
EXCITES = 3  # a layer steers the one this many doublings later


def lively(module: nn.Module, gain: float = 1.0) -> None:
    """Start the linear layers below ``module`` so that what they say varies with what they hear, times ``gain``, and with no bias.

    With torch's own start each layer halves the variation, and after four of them every picture had the same composition.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            with torch.no_grad():
                layer.weight.mul_(gain)
            nn.init.zeros_(layer.bias)


def condition(feature: Tensor) -> Tensor:
    """(N, 128) -> the same without level and spread, so that a faint and a clear sound condition alike."""
    return F.layer_norm(feature.float(), (FEATURE,))


class Deconvolution(nn.Module):
    """The paper's: phi(A) and z through an FC layer, then deconvolutions with BatchNorm and ReLU; tanh at the end."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.first = config.widths[0]
        self.phi = nn.Sequential(nn.Linear(FEATURE, PHI), nn.LeakyReLU(SLOPE))
        self.fc = nn.Linear(PHI + config.noise, self.first * 16)
        lively(self.phi)
        lively(self.fc)
        layers: list[nn.Module] = [nn.BatchNorm2d(self.first), nn.ReLU()]
        for before, after in zip(config.widths, (*config.widths[1:], None), strict=True):
            if after is None:
                layers.append(nn.Conv2d(before, config.channels, 3, padding=1))
            else:
                layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, feature: Tensor, z: Tensor) -> Tensor:
        x = self.fc(torch.cat([self.phi(condition(feature)), z], 1)).view(-1, self.first, 4, 4)
        return torch.tanh(self.layers(x.contiguous(memory_format=torch.channels_last)).float())


class Doubling(nn.Conv2d):
    """Nearest upsampling by two and a 3x3 convolution, as the transposed 4x4 convolution that they are together: 4/9 of the work.

    A transposed convolution with a kernel of its own learns faster to leave a chequered pattern than to avoid it.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, 2H, 2W)."""
        both = 4 * F.avg_pool2d(F.pad(self.weight, (1, 1, 1, 1)), 2, stride=1)  # each of 4x4 places sums what falls on it
        return F.conv_transpose2d(x, both.flip(2, 3).transpose(0, 1), stride=2, padding=1)


class Modulated(nn.Module):
    """One doubling, or a 3x3 convolution; BatchNorm whose scale and shift come from the style; leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, *, doubles: bool = True):
        super().__init__()
        self.conv = Doubling(inputs, outputs) if doubles else nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=False)
        self.style = nn.Linear(STYLE, 2 * outputs)
        lively(self.style, STYLE_GAIN)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.style(style)[:, :, None, None].chunk(2, 1)
        return F.leaky_relu(torch.addcmul(shift, self.norm(self.conv(x)), 1 + scale), SLOPE)


class Excitation(nn.Module):
    """Skip-layer channel excitation (Liu et al. 2021): a coarse layer decides which channels of a fine one count."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.squeeze, self.excite = nn.Linear(inputs * 16, outputs), nn.Linear(outputs, outputs)

    def forward(self, coarse: Tensor) -> Tensor:
        x = F.silu(self.squeeze(F.adaptive_avg_pool2d(coarse, 4).flatten(1)))
        return torch.sigmoid(self.excite(x))[:, :, None, None]


class ModulatedGenerator(nn.Module):
    """The compact one: condition and noise reach every layer."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.first = config.widths[0]
        self.phi = nn.Sequential(nn.Linear(FEATURE, PHI), nn.LeakyReLU(SLOPE))
        self.mapping = nn.Sequential(nn.Linear(PHI + config.noise, STYLE), nn.LeakyReLU(SLOPE), nn.Linear(STYLE, STYLE), nn.LeakyReLU(SLOPE))
        self.fc = nn.Linear(STYLE, self.first * 16)
        for part in (self.phi, self.mapping, self.fc):
            lively(part)
        pairs = list(zip((config.widths[0], *config.widths), config.widths, strict=False))
        self.blocks = nn.ModuleList(Modulated(a, b, doubles=number > 0) for number, (a, b) in enumerate(pairs))
        reach = range(EXCITES, len(pairs))
        self.excitations = nn.ModuleDict({str(n): Excitation(config.widths[n - EXCITES], config.widths[n]) for n in reach})
        self.last = nn.Conv2d(config.widths[-1], config.channels * (4 if config.shuffle else 1), 3, padding=1)
        self.shuffle = nn.PixelShuffle(2) if config.shuffle else nn.Identity()

    def forward(self, feature: Tensor, z: Tensor) -> Tensor:
        style = self.mapping(torch.cat([self.phi(condition(feature)), z], 1))
        x = self.fc(style).view(-1, self.first, 4, 4).contiguous(memory_format=torch.channels_last)
        outputs: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            x = block(x, style)
            if str(number) in self.excitations:
                x = x * self.excitations[str(number)](outputs[number - EXCITES])
            outputs.append(x)
        return torch.tanh(self.shuffle(self.last(x)).float())


class Generator(nn.Module):
    """Feature (N, 128) and z (N, noise) ~ N(0, 1) -> (N, channels, S, S) in [-1, 1]."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config
        self.body = Deconvolution(config) if config.style == "deconvolution" else ModulatedGenerator(config)

    def forward(self, feature: Tensor, z: Tensor) -> Tensor:
        return self.body(feature, z)
