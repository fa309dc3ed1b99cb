"""What is seen: the mouth's points in a frame, how frames move, and the maps of a photo."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.lips.config import INNER_PAIRS, POINTS, LipsConfig

SLOPE = 0.2
GREY = (0.299, 0.587, 0.114)
FLOW_WINDOW = 5  # px at half size, of which one motion is taken
FLOW_FLOOR = 1e-3  # squared gradient that counts as no texture
FLOW_LIMIT = 4.0  # px at half size
POINT_UNIT = 0.1  # of the side: what a finder's output of 1 moves a point by


def opening(points: Tensor) -> Tensor:
    """How far the inner lips are apart, (..., 20, 2) -> (...), in the points' unit."""
    upper, lower = (points[..., [pair[side] for pair in INNER_PAIRS], :] for side in (0, 1))
    return (lower - upper).square().sum(-1).clamp_min(1e-8).sqrt().mean(-1)


def grey(pictures: Tensor) -> Tensor:
    """(N, 3, ...) -> (N, 1, ...)."""
    weights = torch.tensor(GREY, dtype=pictures.dtype, device=pictures.device)
    return (pictures * weights.view(1, 3, *[1] * (pictures.dim() - 2))).sum(1, keepdim=True)


def half_grey(video: Tensor) -> Tensor:
    """(N, 3, T, S, S) -> grey at half size (N, 1, T, S/2, S/2)."""
    return F.avg_pool3d(grey(video), (1, 2, 2))


def optical_flow(video: Tensor) -> Tensor:
    """Motion from each frame to the next, (N, 3, T, S, S) in [-1, 1] -> (N, 2, T - 1, S/2, S/2), x and y in pixels at half size.

    The paper has FlowNet estimate it. This is the method of Lucas & Kanade (1981) in one step: the motion that explains the change of
    brightness best in a window of 5 px, which is exact enough for lips that move by a pixel or two, costs next to nothing, and has a
    gradient everywhere. Where there is no texture it is 0.
    """
    half = half_grey(video)
    n, _, t, h, w = half.shape
    one, two = half[:, 0, :-1], half[:, 0, 1:]
    mean = F.pad((one + two) / 2, (1, 1, 1, 1), mode="replicate")
    right = (mean[..., 1:-1, 2:] - mean[..., 1:-1, :-2]) / 2
    down = (mean[..., 2:, 1:-1] - mean[..., :-2, 1:-1]) / 2
    change = two - one
    products = torch.stack([right * right, right * down, down * down, right * change, down * change], 1).flatten(1, 2)
    xx, xy, yy, xt, yt = F.avg_pool2d(products, FLOW_WINDOW, 1, FLOW_WINDOW // 2).view(n, 5, t - 1, h, w).unbind(1)
    xx, yy = xx + FLOW_FLOOR, yy + FLOW_FLOOR
    flow = torch.stack([xy * yt - yy * xt, xy * xt - xx * yt], 1) / (xx * yy - xy * xy).unsqueeze(1)
    return FLOW_LIMIT * torch.tanh(flow / FLOW_LIMIT)


class PointFinder(nn.Module):
    """Where the 20 points of a mouth are in its crop."""

    def __init__(self, config: LipsConfig):
        super().__init__()
        self.size = config.size
        layers: list[nn.Module] = []
        for before, after in zip((3, *config.finder_widths[:-1]), config.finder_widths, strict=True):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
        self.convs = nn.Sequential(*layers)
        places = (config.size >> len(config.finder_widths)) ** 2 * config.finder_widths[-1]
        self.answer = nn.Sequential(nn.Linear(places, 128), nn.LeakyReLU(SLOPE), nn.Linear(128, 2 * POINTS))
        self.register_buffer("middle", torch.full((POINTS, 2), 0.5))  # a usual mouth, as shares of the side; set from the data

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, S, S) in [-1, 1] -> points (N, 20, 2), pixels."""
        found = self.answer(self.convs(pictures).flatten(1)).float().view(-1, POINTS, 2)
        return (self.middle + POINT_UNIT * found) * self.size


class PhotoEncoder(nn.Module):
    """Maps of a photo at a half, a quarter and an eighth of its size; they are made once for all frames."""

    def __init__(self, config: LipsConfig):
        super().__init__()
        self.stages = nn.ModuleList()
        for before, after in zip((3, *config.generator.photo_widths[:-1]), config.generator.photo_widths, strict=True):
            self.stages.append(
                nn.Sequential(
                    nn.Conv2d(before, after, 4, 2, 1),
                    nn.LeakyReLU(SLOPE),
                    nn.Conv2d(after, after, 3, padding=1),
                    nn.LeakyReLU(SLOPE),
                )
            )

    def forward(self, photo: Tensor) -> list[Tensor]:
        """(N, 3, S, S) in [-1, 1] -> maps, the finest first."""
        maps = []
        for stage in self.stages:
            photo = stage(photo)
            maps.append(photo)
        return maps


class PaperPhotoEncoder(nn.Module):
    """The paper's: a 7x7 convolution and two strided ones, to a quarter of the size."""

    def __init__(self, config: LipsConfig):
        super().__init__()
        a, b, c = config.generator.photo_widths
        self.convs = nn.Sequential(
            nn.Conv2d(3, a, 7, padding=3, padding_mode="reflect", bias=False), nn.BatchNorm2d(a), nn.ReLU(),
            nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
            nn.Conv2d(b, c, 3, 2, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
        )  # fmt: skip

    def forward(self, photo: Tensor) -> Tensor:
        """(N, 3, S, S) in [-1, 1] -> (N, C, S/4, S/4)."""
        return self.convs(photo)
