"""From one photo of lips and what is heard to frames: the paper's volume of 3-D convolutions, and a painter that moves the photo."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.lips.config import LipsConfig
from avdemo.lips.seeing import SLOPE, PaperPhotoEncoder, PhotoEncoder

FARTHEST = 0.2  # of the side: how far a pixel may be taken from
UPPER_INNER, LOWER_INNER = (12, 13, 14, 15, 16), (12, 19, 18, 17, 16)  # points of the inner lips, from corner to corner
GAP_UNIT = 0.06  # of the side: heights over the lips' edges are told in it
CRISP = 1.5  # by how much of its difference from its blur what is painted is sharpened after training; the photo's own pixels are not
LINE_REACH = 0.05  # of the side: over which neighbouring points of a lip's edge are joined
STILL = -2.0  # of the mask before its sigmoid, at the beginning: the photo shows


class Residual3d(nn.Module):
    """Two 3-D convolutions beside a way past them."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(width, width, 3, padding=1, bias=False), nn.BatchNorm3d(width), nn.ReLU(),
            nn.Conv3d(width, width, 3, padding=1, bias=False), nn.BatchNorm3d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.layers(x))


class PaperGenerator(nn.Module):
    """Fusion by duplication (paper, section 3.1): the speech's map is copied along the width, the photo's along time.

    Both are then volumes T x F x F, and 3-D convolutions decode them together.
    """

    def __init__(self, config: LipsConfig):
        super().__init__()
        self.photo = PaperPhotoEncoder(config)
        a, b, c = config.generator.photo_widths
        self.join = nn.Sequential(
            nn.Conv3d(config.generator.listener + c, c, 3, padding=1, bias=False), nn.BatchNorm3d(c), nn.ReLU()
        )
        self.blocks = nn.Sequential(*[Residual3d(c) for _ in range(config.generator.blocks)])
        layers: list[nn.Module] = []
        for before, after in ((c, b), (b, a)):
            layers += [nn.ConvTranspose3d(before, after, (3, 4, 4), (1, 2, 2), 1, bias=False), nn.BatchNorm3d(after), nn.ReLU()]
        self.up = nn.Sequential(*layers)
        self.last = nn.Conv3d(a, 3, (3, 7, 7), padding=(1, 3, 3))

    def forward(self, photo: Tensor, heard: Tensor) -> Tensor:
        """Photo (N, 3, S, S) in [-1, 1], heard (N, C, T, S/4) -> video (N, 3, T, S, S) in [-1, 1]."""
        seen = self.photo(photo)  # (N, C, H, W)
        side = seen.shape[-1]
        volume = [heard.unsqueeze(-1).expand(-1, -1, -1, -1, side), seen.unsqueeze(2).expand(-1, -1, heard.shape[2], -1, -1)]
        return torch.tanh(self.last(self.up(self.blocks(self.join(torch.cat(volume, 1))))))


class Modulated(nn.Module):
    """A convolution on all frames whose channels each frame's condition scales and shifts."""

    def __init__(self, inputs: int, outputs: int, condition: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.style = nn.Linear(condition, 2 * outputs)
        nn.init.normal_(self.style.weight, std=0.05)
        nn.init.zeros_(self.style.bias)

    def forward(self, x: Tensor, condition: Tensor, beside: Tensor | None = None) -> Tensor:
        """x (B, inputs, H, W), condition (B, D) -> (B, outputs, H, W); ``beside`` is added before the nonlinearity."""
        scale, shift = self.style(condition).chunk(2, 1)
        x = self.conv(x) * (1 + scale[:, :, None, None]) + shift[:, :, None, None]
        return F.leaky_relu(x if beside is None else x + beside, SLOPE)


class Painter(nn.Module):
    """Paints frames by moving the photo's pixels, and painting new ones where the photo has none, such as teeth behind closed lips.

    What only the photo decides is computed once; each frame begins at an eighth of the size. Nothing depends on the frame before, since the
    condition already knows the speech around. The pixels of skin, beard and lips come from the photo itself, so that they stay sharp.
    """

    def __init__(self, config: LipsConfig):
        super().__init__()
        made = config.generator
        fine, middle, coarse = made.photo_widths
        self.size = config.size
        self.photo = PhotoEncoder(config)
        self.heard = nn.Linear(made.heard, made.condition // 2)
        self.condition = nn.Sequential(
            nn.Linear(2 * made.shapes + made.condition // 2, made.condition), nn.LeakyReLU(SLOPE),
            nn.Linear(made.condition, made.condition), nn.LeakyReLU(SLOPE),
        )  # fmt: skip
        self.blocks = nn.ModuleList([Modulated(coarse, coarse, made.condition) for _ in range(made.blocks)])
        self.up = nn.ModuleList([nn.Conv2d(coarse, 4 * middle, 3, padding=1), nn.Conv2d(middle, 4 * fine, 3, padding=1)])
        self.beside = nn.ModuleList([nn.Conv2d(middle, middle, 1), nn.Conv2d(fine, fine, 1)])
        self.mix = nn.ModuleList([Modulated(middle, middle, made.condition), Modulated(fine, fine, made.condition)])
        self.gap = nn.Conv2d(3, fine, 3, padding=1)  # where the lips are apart: it begins by saying nothing
        nn.init.zeros_(self.gap.weight)
        nn.init.zeros_(self.gap.bias)
        self.paint = nn.Conv2d(fine, 4 * 4, 3, padding=1)  # red, green, blue and the mask of 2 x 2 pixels
        self.move = nn.Conv2d(fine, 2, 3, padding=1)
        nn.init.normal_(self.move.weight, std=1e-3)
        nn.init.zeros_(self.move.bias)
        with torch.no_grad():
            self.paint.weight.mul_(0.5)
            self.paint.bias.zero_()
            self.paint.bias[12:] = STILL

    def forward(self, photo: Tensor, shift: Tensor, state: Tensor, heard: Tensor, points: Tensor) -> Tensor:
        """Paint a window.

        Args:
            photo: (N, 3, S, S) in [-1, 1].
            shift: (N, K, T), by how much the mouth's shape differs from the photo's.
            state: (N, K), the shape in the photo.
            heard: (N, C, T) features of the speech.
            points: (N, T, 20, 2), where the mouth's points shall be, pixels.

        Returns:
            video (N, 3, T, S, S) in [-1, 1].
        """
        n, _, t = shift.shape
        given = [shift.transpose(1, 2), state.unsqueeze(1).expand(-1, t, -1), self.heard(heard.transpose(1, 2))]
        condition = self.condition(torch.cat(given, 2).flatten(0, 1))  # (N T, D)
        fine, middle, coarse = self.photo(photo)
        x = _for_each_frame(coarse, t)
        for block in self.blocks:
            x = x + block(x, condition)
        gap = self.gap(gap_maps(points.flatten(0, 1), self.size))
        for up, beside, mix, known, more in zip(self.up, self.beside, self.mix, (middle, fine), (0.0, gap), strict=True):
            x = F.leaky_relu(F.pixel_shuffle(up(x), 2) + _for_each_frame(beside(known), t) + more, SLOPE)
            x = x + mix(x, condition)
        painted = F.pixel_shuffle(self.paint(x), 2)  # (N T, 4, S, S)
        moved = self.warp(_for_each_frame(photo, t), self.move(x))
        mask = torch.sigmoid(painted[:, 3:])
        frames = moved + mask * (torch.tanh(painted[:, :3]) - moved)
        if not self.training:
            frames = (frames + CRISP * mask * (frames - softened(frames))).clamp(-1, 1)
        return frames.view(n, t, 3, self.size, self.size).transpose(1, 2)

    def warp(self, photos: Tensor, move: Tensor) -> Tensor:
        """Photos (B, 3, S, S) with each pixel taken from where ``move`` (B, 2, S/2, S/2) says, -1 to 1 for :data:`FARTHEST`."""
        way = F.interpolate(2 * FARTHEST * torch.tanh(move), scale_factor=2, mode="bilinear", align_corners=False)
        line = (torch.arange(self.size, device=photos.device, dtype=way.dtype) + 0.5) * (2 / self.size) - 1
        grid = torch.stack([line.view(1, 1, -1) + way[:, 0], line.view(1, -1, 1) + way[:, 1]], -1)
        # bilinear samples are a tenth softer than the photo wherever skin moves by a part of a pixel
        return F.grid_sample(photos, grid.to(photos.dtype), mode="bicubic", padding_mode="border", align_corners=False)


def softened(frames: Tensor) -> Tensor:
    """Frames (B, 3, S, S) blurred by a binomial of 3 x 3 pixels."""
    line = frames.new_tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(3, 1, 3, 3)
    return F.conv2d(F.pad(frames, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)


def gap_maps(points: Tensor, size: int) -> Tensor:
    """Where the lips are apart, points (B, 20, 2) in pixels -> (B, 3, S/2, S/2) in [-1, 1].

    How far a place is under the upper inner lip, how far above the lower one, and whether it is between them: the last is what the painter
    must fill with teeth and dark, and to learn the place of it from the shape's numbers alone takes very long.
    """
    half = (torch.arange(size // 2, device=points.device, dtype=points.dtype) + 0.5) * 2  # pixels: middles of 2 x 2
    edges = [_height(points[:, list(line)], half, size) for line in (UPPER_INNER, LOWER_INNER)]  # (B, S/2) each
    row = half.view(1, -1, 1)
    under, above = row - edges[0].unsqueeze(1), edges[1].unsqueeze(1) - row  # (B, S/2, S/2) pixels
    corners = points[:, [UPPER_INNER[0], UPPER_INNER[-1]], 0]
    across = torch.sigmoid(half - corners[:, :1]) * torch.sigmoid(corners[:, 1:] - half)  # (B, S/2)
    inside = torch.sigmoid(2 * under) * torch.sigmoid(2 * above) * across.unsqueeze(1)
    unit = GAP_UNIT * size
    return torch.stack([torch.tanh(under / unit), torch.tanh(above / unit), inside], 1)


def _height(line: Tensor, columns: Tensor, size: int) -> Tensor:
    """The height of a line of points (B, P, 2) over columns (W,), (B, W): a mean of its points, the nearer the more."""
    away = (columns.view(1, -1, 1) - line[:, None, :, 0]) / (LINE_REACH * size)
    return (torch.softmax(-away.square(), 2) * line[:, None, :, 1]).sum(2)


def _for_each_frame(x: Tensor, t: int) -> Tensor:
    """(N, C, H, W) -> (N T, C, H, W)."""
    return x.unsqueeze(1).expand(-1, t, -1, -1, -1).flatten(0, 1)
