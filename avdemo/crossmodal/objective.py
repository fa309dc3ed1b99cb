"""The matching-aware adversarial losses (paper, section 3.3, after Reed et al. 2016), and differentiable augmentation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 0.125  # largest translation, as a share of the side (Zhao et al. 2020)
HOLE = 0.5  # side of the square that is cut out


def critic_loss(real: Tensor, fake: Tensor, mismatch: Tensor | None, *, hinge: bool) -> Tensor:
    """Real pictures with their own feature are true; generated ones, and real ones with another's feature, are false.

    Each argument is (N, places) scores. The two ways of being false weigh half each (paper, equation 2).
    """
    if hinge:
        true = F.relu(1 - real).mean()
        false = [F.relu(1 + scores).mean() for scores in (fake, mismatch) if scores is not None]
    else:
        true = F.softplus(-real).mean()
        false = [F.softplus(scores).mean() for scores in (fake, mismatch) if scores is not None]
    return true + sum(false) / len(false)


def generator_loss(fake: Tensor, *, hinge: bool) -> Tensor:
    """Generated pictures shall look true together with their feature; (N, places) scores."""
    return -fake.mean() if hinge else F.softplus(-fake).mean()


def augment(pictures: Tensor, *, sound: bool = False) -> Tensor:
    """Differentiable augmentation of (N, C, S, S) in [-1, 1] (Zhao et al. 2020): colour, translation, cut-out.

    For spectrograms (``sound``) level and time change, never the bands: an instrument moved up by an octave is another one.
    """
    n, _, height, width = pictures.shape
    like = {"device": pictures.device, "dtype": pictures.dtype}

    def draw(*shape: int) -> Tensor:
        return torch.rand(n, *shape, **like)

    pictures = pictures + (draw(1, 1, 1) - 0.5) * (0.1 if sound else 1.0)
    if not sound:
        grey = pictures.mean(1, keepdim=True)
        pictures = (pictures - grey) * (2 * draw(1, 1, 1)) + grey
        middle = pictures.mean((1, 2, 3), keepdim=True)
        pictures = (pictures - middle) * (draw(1, 1, 1) + 0.5) + middle
    rows = torch.arange(height, **like).view(1, -1, 1)
    columns = torch.arange(width, **like).view(1, 1, -1)
    dx = ((2 * draw(1, 1) - 1) * SHIFT * width).round()
    dy = torch.zeros_like(dx) if sound else ((2 * draw(1, 1) - 1) * SHIFT * height).round()
    x, y = (columns + dx).expand(n, height, width), (rows + dy).expand(n, height, width)
    inside = ((x >= 0) & (x < width) & (y >= 0) & (y < height)).unsqueeze(1)
    flat = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).long().view(n, 1, -1)
    pictures = pictures.flatten(2).gather(2, flat.expand(-1, pictures.shape[1], -1)).view_as(pictures) * inside
    left, top = draw(1, 1) * width - HOLE * width / 2, draw(1, 1) * height - HOLE * height / 2
    hole = (columns >= left) & (columns < left + HOLE * width) & (rows >= top) & (rows < top + HOLE * height)
    return (pictures * ~hole.unsqueeze(1)).contiguous(memory_format=torch.channels_last)
