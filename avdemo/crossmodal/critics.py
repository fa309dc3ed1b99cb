"""Matching-aware discriminators: is this picture real, and does it belong to this feature? (Paper, section 3.3.)"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from avdemo.backbones.imagenet_taps import TAPS, ImageNetTaps
from avdemo.crossmodal.config import FEATURE, PHI
from avdemo.crossmodal.generators import SLOPE, condition, lively

ENCODED = 8  # places on each side of the picture itself that the encoder of the noise gets
PROJECTED = 64  # channels that each map is mixed to by fixed random weights
COARSEST = 4  # places on each side where the answers are given
VIEW_PX = 64  # larger pictures are averaged down to this before ImageNet's features, which cost most of a step
GAIN = 10.0  # of the scores under spectral normalisation, which alone would keep them far inside the hinge's margin
DETAIL = (16, 32, 64)  # channels of the convolutions that look at the picture itself, for what the features do not see


def _conv(inputs: int, outputs: int, kernel: int, stride: int, padding: int, normed: bool) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding)
    return spectral_norm(conv) if normed else conv


class PlainHeads(nn.Module):
    """The paper's: convolutions to 4 x 4, phi(A) tiled and concatenated, 1x1 convolution, 4x4 convolution."""

    def __init__(self, channels: int, size: int, widths: tuple[int, ...] = (64, 128, 256, 512), *, normed: bool):
        super().__init__()
        layers: list[nn.Module] = []
        inputs = channels
        steps = (size // COARSEST).bit_length() - 1
        for number in range(steps):
            width = widths[max(0, len(widths) - steps + number)]
            layers += [_conv(inputs, width, 4, 2, 1, normed), nn.LeakyReLU(SLOPE)]
            inputs = width
        self.convs = nn.Sequential(*layers)
        self.phi = nn.Sequential(nn.Linear(FEATURE, PHI), nn.LeakyReLU(SLOPE))
        lively(self.phi)
        self.join = _conv(inputs + PHI, inputs, 1, 1, 0, normed)
        self.last = _conv(inputs, 1, COARSEST, 1, 0, normed)
        self.gain = GAIN if normed else 1.0

    def look(self, seen: list[Tensor]) -> list[Tensor]:
        return [self.convs(seen[0])]

    def answer(self, known: list[Tensor], feature: Tensor) -> Tensor:
        """-> (N, 1, 1) scores."""
        x = known[0]
        phi = self.phi(condition(feature))[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.gain * self.last(F.leaky_relu(self.join(torch.cat([x, phi], 1)), SLOPE)).flatten(1).unsqueeze(1).float()


class ProjectedHeads(nn.Module):
    """A small discriminator on each map of a frozen network (Sauer et al. 2021), conditioned by projection (Miyato & Koyama 2018).

    One more looks at the picture itself.
    """

    def __init__(self, channels: int, size: int, *, normed: bool):
        super().__init__()
        self.bodies, self.plain, self.match = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        layers: list[nn.Module] = []
        for before, after in zip((channels, *DETAIL[:-1]), DETAIL, strict=True):
            layers += [_conv(before, after, 4, 2, 1, normed), nn.LeakyReLU(SLOPE)]
        self.bodies.append(nn.Sequential(*layers))
        for number in range(len(TAPS)):
            side, layers = max(1, min(size, VIEW_PX) >> (2 + number)), []
            while side > COARSEST:
                layers += [_conv(PROJECTED, PROJECTED, 4, 2, 1, normed), nn.LeakyReLU(SLOPE)]
                side //= 2
            layers += [_conv(PROJECTED, PROJECTED, 3, 1, 1, normed), nn.LeakyReLU(SLOPE)]
            self.bodies.append(nn.Sequential(*layers))
        for _ in self.bodies:
            self.plain.append(_conv(PROJECTED, 1, 1, 1, 0, normed))
            self.match.append(nn.Linear(PHI, PROJECTED))
        self.phi = nn.Sequential(nn.Linear(FEATURE, PHI), nn.LeakyReLU(SLOPE))
        lively(self.phi)
        lively(self.match)
        self.gain = GAIN if normed else 1.0

    def look(self, seen: list[Tensor]) -> list[Tensor]:
        return [body(part) for body, part in zip(self.bodies, seen, strict=True)]

    def answer(self, known: list[Tensor], feature: Tensor) -> Tensor:
        """-> (N, 2, places) scores: is it real, whatever it shows; does it belong to the feature."""
        phi = self.phi(condition(feature))
        answers = []
        for x, plain, match in zip(known, self.plain, self.match, strict=True):
            together = (x * match(phi)[:, :, None, None]).sum(1, keepdim=True) / PROJECTED**0.5
            answers.append(torch.cat([plain(x), together], 1).flatten(2).float())
        return self.gain * torch.cat(answers, 2)


class ImageNetView(ImageNetTaps):
    """What a frozen MobileNetV2 sees at four scales, mixed across channels and scales by fixed random weights."""

    def __init__(self, seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        for number, width in enumerate(TAPS.values()):
            across = torch.randn(PROJECTED, width, 1, 1, generator=generator) * (2 / width) ** 0.5
            between = torch.randn(PROJECTED, PROJECTED, 3, 3, generator=generator) * (2 / (9 * PROJECTED)) ** 0.5
            self.register_buffer(f"across{number}", across)
            self.register_buffer(f"between{number}", between)
            self.register_buffer(f"middle{number}", torch.zeros(1, PROJECTED, 1, 1))
            self.register_buffer(f"spread{number}", torch.ones(1, PROJECTED, 1, 1))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """(N, 1 or 3, S, S) in [-1, 1] -> the pictures, and four maps (N, 64, s/4, s/4) ... (N, 64, s/32, s/32), s = min(S, 64)."""
        if pictures.shape[-1] > VIEW_PX:
            x = F.avg_pool2d(pictures, pictures.shape[-1] // VIEW_PX)
        else:
            x = pictures
        maps = [F.conv2d(x, getattr(self, f"across{number}").to(x.dtype)) for number, x in enumerate(self.maps(x))]
        mixed: list[Tensor] = []
        for number in reversed(range(len(maps))):  # from the coarsest to the finest
            here = maps[number]
            if mixed:
                here = here + F.interpolate(mixed[0], size=here.shape[2:], mode="bilinear", align_corners=False)
            mixed.insert(0, F.conv2d(here, getattr(self, f"between{number}").to(here.dtype), padding=1))
        scaled = [(x - getattr(self, f"middle{n}").to(x.dtype)) / getattr(self, f"spread{n}").to(x.dtype) for n, x in enumerate(mixed)]
        return [pictures, *scaled]

    @torch.no_grad()
    def calibrate(self, pictures: Tensor) -> None:
        """Bring each channel of the maps to mean 0 and spread 1 on these pictures (N, C, S, S).

        What all pictures have in common is most of a map's energy; under spectral normalisation it would drown what they do not.
        """
        for number, x in enumerate(self(pictures)[1:]):
            middle, spread = getattr(self, f"middle{number}"), getattr(self, f"spread{number}")
            spread.copy_(spread * x.float().std((0, 2, 3), keepdim=True).clamp_min(1e-3))
            middle.copy_(middle + x.float().mean((0, 2, 3), keepdim=True))


class NoiseEncoder(nn.Module):
    """From what a critic sees of a real picture to the z that should paint it: mean and log variance."""

    def __init__(self, noise: int, maps: int, channels: int):
        super().__init__()
        inputs = channels * ENCODED**2 + (maps - 1) * PROJECTED * COARSEST**2
        self.layers = nn.Sequential(nn.Linear(inputs, 256), nn.LeakyReLU(SLOPE), nn.Linear(256, 2 * noise))

    def forward(self, seen: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The pictures and the maps of :meth:`Critic.see` -> (N, noise) mean and (N, noise) log variance in [-8, 2]."""
        parts = [F.adaptive_avg_pool2d(seen[0].float(), ENCODED)]
        parts += [F.adaptive_avg_pool2d(part.float(), COARSEST) / 4 for part in seen[1:]]
        mean, log_variance = self.layers(torch.cat([part.flatten(1) for part in parts], 1)).float().chunk(2, 1)
        return mean, log_variance.clamp(-8, 2)


class KindClassifier(nn.Module):
    """Which kind a picture shows, by the maps that a projected critic sees."""

    def __init__(self, kinds: int, hidden: int = 128, dropout: float = 0.3):
        super().__init__()
        inputs = len(TAPS) * PROJECTED * COARSEST**2
        self.layers = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(inputs, hidden), nn.LeakyReLU(SLOPE), nn.Dropout(dropout), nn.Linear(hidden, kinds)
        )

    def forward(self, seen: list[Tensor]) -> Tensor:
        """The pictures and the maps of :meth:`Critic.see` -> logits (N, kinds)."""
        parts = [F.adaptive_avg_pool2d(part.float(), COARSEST).flatten(1) for part in seen[1:]]
        return self.layers(torch.cat(parts, 1)).float()


class Critic(nn.Module):
    """Scores pictures with a feature. ``view`` never learns; ``heads`` do.

    Args:
        channels, size: of the pictures.
        projected: look through ImageNet's features; the weights of ``view.blocks`` are the caller's to load.
        normed: spectral normalisation in the heads.
        kinds: of the classifier beside the heads; 0 for none. It needs ``projected``.
    """

    def __init__(self, channels: int, size: int, *, projected: bool, normed: bool, kinds: int = 0):
        super().__init__()
        self.classifier = KindClassifier(kinds) if kinds and projected else None
        self.view: nn.Module = ImageNetView() if projected else nn.Identity()
        self.heads: nn.Module = ProjectedHeads(channels, size, normed=normed) if projected else PlainHeads(channels, size, normed=normed)

    def see(self, pictures: Tensor) -> list[Tensor]:
        """(N, C, S, S) in [-1, 1] -> what the heads judge."""
        seen = self.view(pictures)
        return seen if isinstance(seen, list) else [seen]
