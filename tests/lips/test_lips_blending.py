"""A generated mouth in its photo: no edge shows, nothing else changes, colours are matched, and the mark and the metadata tell."""

from __future__ import annotations

import math

import av
import numpy as np
import pytest

from avdemo import media
from avdemo.lips.blending import Blender, soft_mask
from avdemo.lips.marking import Mark, metadata
from avdemo.media.mouths import MouthBox, cut

SIZE = 64


@pytest.fixture
def picture() -> np.ndarray:
    """A photo with structure at every scale, uint8 (240, 320, 3)."""
    rng = np.random.default_rng(0)
    rough = rng.normal(size=(240, 320, 3)) * 12
    smooth = 120 + 60 * np.sin(np.linspace(0, 7, 320))[None, :, None] * np.cos(np.linspace(0, 5, 240))[:, None, None]
    return np.clip(smooth + rough, 0, 255).astype(np.uint8)


def inside(box: MouthBox, width: int, height: int) -> np.ndarray:
    """Distance of each pixel from the box's border, px, positive inside."""
    x, y, side, angle = box.pixels(width, height)
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    right = np.cos(angle) * (columns - x) + np.sin(angle) * (rows - y)
    down = np.cos(angle) * (rows - y) - np.sin(angle) * (columns - x)
    return side / 2 - np.maximum(abs(right), abs(down))


@pytest.mark.parametrize("angle", [0.0, math.radians(18)])
@pytest.mark.parametrize("side", [50, 140])
def test_no_edge_shows(picture, side, angle) -> None:
    """Even when the whole frame comes out in other colours: across the border the step is not larger than in the photo itself."""
    box = MouthBox(0.48, 0.55, side / 240, angle)
    crop = cut(picture, box, SIZE)
    rng = np.random.default_rng(1)
    odd = np.clip(crop.astype(int) + np.array([25, -18, 9]) + rng.integers(-30, 30, crop.shape), 0, 255).astype(np.uint8)
    odd[20:44, 18:46] = (40, 5, 10)  # an open mouth
    out = Blender(picture, box, crop)(odd)
    where = inside(box, 320, 240)
    assert (out[where < 0] == picture[where < 0]).all()  # the rest of the photo is as it was, to the bit
    change = np.abs(out.astype(int) - picture).max(2)
    assert change[(where >= 0) & (where < 0.03 * side)].max() <= 2  # at the border next to nothing
    assert change[where > 0.35 * side].mean() > 25  # and in the middle the mouth is open
    reach = np.abs(np.diff(change, axis=1))
    assert reach[:, :][(where[:, 1:] > 0) & (where[:, 1:] < 0.08 * side)].max() <= 12  # it comes in softly


def test_an_unchanged_frame_leaves_the_photo_as_it_is(picture) -> None:
    box = MouthBox(0.5, 0.5, 0.4, 0.1)
    crop = cut(picture, box, SIZE)
    out = Blender(picture, box, crop)(crop)
    assert np.abs(out.astype(int) - picture).max() <= 1


def test_other_colours_alone_are_matched_away(picture) -> None:
    """A frame that is the crop in another light changes nothing."""
    box = MouthBox(0.5, 0.5, 0.5)
    crop = np.clip(cut(picture, box, SIZE), 40, 210)
    blender = Blender(picture, box, crop)
    slope = np.linspace(-8, 8, SIZE)[None, :, None]
    change = blender.change(np.clip(crop + np.array([20, -10, 5]) + slope, 0, 255).astype(np.uint8))
    assert np.abs(change).max() < 1.5


def test_a_square_may_reach_beyond_the_photo(picture) -> None:
    box = MouthBox(0.02, 0.97, 0.6, 0.2)
    crop = cut(picture, box, SIZE)
    out = Blender(picture, box, crop)(255 - crop)
    assert out.shape == picture.shape and (out[:60, 200:] == picture[:60, 200:]).all()


def test_the_mask_is_soft() -> None:
    mask = soft_mask(SIZE)[..., 0]
    assert mask[0].max() == mask[:, 0].max() == 0 and mask[SIZE // 2, SIZE // 2] == 1
    assert np.abs(np.diff(mask, axis=0)).max() < 0.15
    assert np.allclose(mask, mask[::-1]) and np.allclose(mask, mask.T)


def test_the_mark_can_be_read_and_stays_in_its_corner() -> None:
    picture = np.full((200, 300, 3), 200, np.uint8)
    marked = Mark(300, 200)(picture.copy())
    changed = (marked != picture).any(2)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert rows[0] > 160 and columns[0] > 180 and marked.max() == 255
    assert marked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].min() < 90  # white on dark
    other = (Mark(300, 200, avoid=0.8)(picture.copy()) != picture).any(2)
    assert np.flatnonzero(other.any(0))[-1] < 120
    Mark(20, 16)(np.zeros((16, 20, 3), np.uint8))  # small pictures are no trouble


def test_the_file_says_that_it_is_generated(tmp_path) -> None:
    frames = [np.zeros((32, 32, 3), np.uint8)] * 3
    path = media.write_video(tmp_path / "x.mp4", frames, 25, metadata=metadata("lips-compact", "Zoë.jpg", "a.wav"))
    with av.open(str(path)) as container:
        said = container.metadata
    assert "Generated video, not a recording" in said["comment"] and "Zoë.jpg" in said["title"]
