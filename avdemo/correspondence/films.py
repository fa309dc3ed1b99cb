"""The heatmap laid over the pictures, with the sound that was scored: a film for a video, a picture for a still."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avdemo import media
from avdemo.correspondence import scoring
from avdemo.errors import Cancelled

if TYPE_CHECKING:
    from avdemo.correspondence.preparing import Prepared, Progress

MAX_FPS = 12.0  # the heat changes four times a second; more pictures would only take longer to make
LONG_SIDE = 480  # px
STILL_SIDE = 960  # px, of the picture of a still
SOUND_RATE = 44_100  # Hz
OPACITY = 0.7
WORDS = {"title": "Belongs to the sound", "low": "0", "high": "1"}  # of the colour bar: the heat is a probability


def film(
    prepared: Prepared,
    path: Path | str,
    *,
    shift_s: float = 0.0,
    other: Prepared | None = None,
    opacity: float = OPACITY,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Write the video with the heat of what sounds over it, and with the sound that was scored (H.264 and AAC).

    Args:
        path: the mp4 to write.
        shift_s, other: as for :func:`avdemo.correspondence.scoring.scores`; pictures that were not scored are shown without heat.
        opacity: 0 (no heat) ... 1.

    Raises:
        InputError: the shift leaves nothing to score.
        Cancelled: ``cancelled`` said so; no file is left.
    """
    both = scoring.pair(prepared, shift_s, other)
    heat, centres = scoring.heat(prepared, both), prepared.time_s[both.seen]
    fps = min(prepared.info.fps or MAX_FPS, MAX_FPS)
    times = np.arange(max(1, round(prepared.duration_s * fps))) / fps
    size = _even(prepared.info.width, prepared.info.height, LONG_SIDE)
    if prepared.is_still:
        pictures: Iterator[np.ndarray] = itertools.repeat(_still(prepared, size), len(times))
    else:
        pictures = media.iter_frames(prepared.picture, times, size=size)
    bar = _bar(size[0])

    def painted() -> Iterator[np.ndarray]:
        from avdemo.viz.heatmap import overlay

        for number, (time_s, picture) in enumerate(zip(times, pictures, strict=True)):
            if number % 16 == 0:
                if cancelled and cancelled():
                    raise Cancelled
                if progress:
                    progress(number / len(times), f"Drawing the film: picture {number + 1} of {len(times)}")
            yield np.concatenate(
                [_padded(overlay(picture, blend(heat, centres, time_s, prepared.window_s), opacity), bar.shape[1]), bar]
            )

    return media.write_video(path, painted(), fps, _sound(prepared, both), SOUND_RATE)


def where_picture(
    prepared: Prepared,
    *,
    time_s: float | None = None,
    shift_s: float = 0.0,
    other: Prepared | None = None,
    opacity: float = OPACITY,
) -> np.ndarray:
    """The picture with the heat of what sounds over it and a colour bar under it.

    Args:
        time_s: a moment; None: the average over all windows in which something is heard (of a video, over its first picture).

    Returns:
        (H, W, 3) uint8.
    """
    if time_s is not None:
        heat = scoring.where(prepared, time_s, shift_s=shift_s, other=other)
    else:
        both = scoring.pair(prepared, shift_s, other)
        grids, heard = scoring.heat(prepared, both), ~both.sound.is_silent[both.heard]
        heat = grids[heard].mean(0) if heard.any() else grids.mean(0)
    from avdemo.viz.heatmap import overlay, with_colour_bar

    size = _even(prepared.info.width, prepared.info.height, STILL_SIDE)
    picture = _still(prepared, size) if prepared.is_still else media.read_frame(prepared.picture, time_s or 0.0, size=size)
    return with_colour_bar(overlay(picture, heat, opacity), **WORDS)


def blend(heat: np.ndarray, centres: np.ndarray, time_s: float, window_s: float = 1.0) -> np.ndarray:
    """Heat (h, w) at any time: between two windows a blend of both; none where nothing was scored.

    Args:
        heat: (T, h, w) at the times ``centres`` (T,), ascending.
    """
    if not centres[0] - window_s / 2 <= time_s <= centres[-1] + window_s / 2:  # the outermost windows reach so far
        return np.zeros_like(heat[0])
    place = float(np.interp(time_s, centres, np.arange(len(centres))))
    before = min(int(place), len(heat) - 1)
    after = min(before + 1, len(heat) - 1)
    share = np.float32(place - before)
    return heat[before] * (1 - share) + heat[after] * share


def _even(width: int, height: int, long_side: int) -> tuple[int, int]:
    scale = min(1.0, long_side / max(width, height))
    return tuple(max(2, round(side * scale / 2) * 2) for side in (width, height))


def _still(prepared: Prepared, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    picture = media.read_image(prepared.picture, max_side=2 * max(size))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _bar(width: int) -> np.ndarray:
    """The colour bar that stands under every picture of a film, (strip, at least ``width``, 3); drawn once."""
    from avdemo.viz.heatmap import with_colour_bar

    strip = with_colour_bar(np.zeros((2, width, 3), np.uint8), **WORDS)[2:]
    return np.pad(strip, ((0, len(strip) % 2), (0, 0), (0, 0)), mode="edge")


def _padded(picture: np.ndarray, width: int) -> np.ndarray:
    """A picture too narrow for the words of the bar, on a panel as wide as these."""
    missing = width - picture.shape[1]
    return np.pad(picture, ((0, 0), (missing // 2, missing - missing // 2), (0, 0))) if missing else picture


def _sound(prepared: Prepared, both: scoring.Pairing) -> np.ndarray:
    """The sound as it was paired with the pictures, (channels, samples) at SOUND_RATE, as long as they are."""
    wav = media.read_audio(both.sound.sound_source, SOUND_RATE)
    late = round(both.shift_s * SOUND_RATE)
    wav = np.pad(wav, ((0, 0), (late, 0))) if late > 0 else wav[:, -late:]
    return media.fit_length(wav, round(prepared.duration_s * SOUND_RATE))
