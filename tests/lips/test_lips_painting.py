"""What tells the painter where the lips are apart, and what the pixel loss looks at there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from avdemo.corpora.lip_pack import LipPack
from avdemo.lips import generators
from avdemo.lips.config import OUTER, LipsConfig
from avdemo.lips.generators import Painter, gap_maps
from avdemo.lips.objective import mouth_weights
from avdemo.lips.windows import SHUT_SHARE, Windows
from avdemo.metrics.lmd import opening

SIZE = 64


def mouth(gap: float) -> torch.Tensor:
    """Points (1, 20, 2) of a mouth in the middle whose inner lips are ``gap`` pixels apart."""
    across = np.linspace(-1, 1, 7)
    top = np.stack([32 + 20 * across, 32 - (6 + gap / 2) * (1 - across**2)], 1)
    below = np.stack([32 + 20 * across[5:0:-1], 32 + (6 + gap / 2) * (1 - across[5:0:-1] ** 2)], 1)
    inner = np.linspace(-1, 1, 5)
    upper = np.stack([32 + 16 * inner, 32 - gap / 2 * (1 - inner**2)], 1)
    lower = np.stack([32 + 16 * inner[3:0:-1], 32 + gap / 2 * (1 - inner[3:0:-1] ** 2)], 1)
    return torch.from_numpy(np.concatenate([top, below, upper, lower])[None].astype(np.float32))


def test_the_gap_is_where_the_lips_are_apart() -> None:
    under, above, inside = gap_maps(mouth(12.0), SIZE)[0]
    assert inside.shape == (32, 32) and inside[16, 16] > 0.95 and inside[4, 16] < 0.01 and inside[16, 2] < 0.01
    assert under[4, 16] < -0.9 < 0.9 < under[28, 16] and above[4, 16] > 0.9 > -0.9 > above[28, 16]
    assert gap_maps(mouth(0.2), SIZE)[0, 2].sum() < 0.4 * inside.sum()  # shut
    wide = gap_maps(torch.cat([mouth(4.0), mouth(8.0)]), SIZE)[:, 2].sum((1, 2))
    assert wide[0] < wide[1]


def test_the_gap_moves_with_the_mouth_and_has_a_gradient() -> None:
    points = mouth(8.0)
    moved = points + torch.tensor([4.0, -6.0])
    torch.testing.assert_close(
        gap_maps(moved, SIZE)[0, 2, 5:20, 10:25], gap_maps(points, SIZE)[0, 2, 8:23, 8:23], atol=1e-3, rtol=0
    )
    points.requires_grad_()
    gap_maps(points, SIZE)[:, 2].sum().backward()
    assert points.grad[0, OUTER:].abs().sum() > 0 and torch.isfinite(points.grad).all()


def test_what_is_painted_is_sharpened_after_training_and_the_photo_is_not(monkeypatch) -> None:
    config = LipsConfig.debug()
    torch.manual_seed(0)
    painter = Painter(config).eval()
    photo, heard = torch.rand(1, 3, config.size, config.size) * 2 - 1, torch.randn(1, config.generator.heard, config.frames)
    shift, state = torch.randn(1, config.generator.shapes, config.frames), torch.zeros(1, config.generator.shapes)
    points = (mouth(8.0) * config.size / SIZE).unsqueeze(1).expand(-1, config.frames, -1, -1)

    def paint(mask: float, crisp: float) -> torch.Tensor:
        monkeypatch.setattr(generators, "CRISP", crisp)
        with torch.no_grad():
            painter.paint.bias[12:] = mask
            return painter(photo, shift, state, heard, points)

    def roughness(video: torch.Tensor) -> float:
        return float((video[..., 1:] - video[..., :-1]).abs().mean())

    assert generators.CRISP > 0 and roughness(paint(30.0, generators.CRISP)) > 1.05 * roughness(paint(30.0, 0.0))
    assert torch.allclose(paint(-30.0, 1.5), paint(-30.0, 0.0), atol=1e-6)
    flat = torch.full((1, 3, 8, 8), 0.3)
    assert torch.allclose(generators.softened(flat), flat)


def test_pixels_between_the_lips_count_most() -> None:
    weight = mouth_weights(mouth(12.0), SIZE)
    assert weight.shape == (1, 1, SIZE, SIZE) and float(weight.mean()) == pytest.approx(1, abs=1e-5)
    assert weight[0, 0, 32, 32] > 2 * weight[0, 0, 22, 32] > 2 * weight[0, 0, 2, 2]


def test_half_of_the_photos_are_among_the_most_closed_mouths(pack: LipPack) -> None:
    windows = Windows(pack, LipsConfig.debug(), "train")
    drawn = windows.draw(np.random.default_rng(0), 200)
    closed = 0
    for window in drawn:
        gaps = opening(pack.points[window.clip.place])
        closed += gaps[window.photo] <= np.quantile(gaps, SHUT_SHARE)
    assert 0.4 < closed / len(drawn) < 0.75
