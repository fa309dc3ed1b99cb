"""Small videos that say in picture and sound which they are and when: grey levels and sample values rise with time."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

_SPEC = importlib.util.spec_from_file_location(
    "make_media_for_clips", Path(__file__).resolve().parents[1] / "media" / "make_media.py"
)
make_media = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_media)

RATE = 8000  # Hz
FPS = 10
SLOPE = 0.02  # sample value per second
SIZE = (64, 48)  # px


def base(number: int) -> float:
    """Sample value at the beginning of video ``number``; those of different videos never meet."""
    return 0.1 + 0.1 * number


def levels(number: int, frame: int) -> tuple[int, int]:
    """Grey of the left half, which says when, and of the right half, which says which video."""
    return 40 + 6 * frame, 30 + 25 * number


def write_clip(
    path: Path, number: int = 0, seconds: float = 2.0, *, sound: bool = True, silent: bool = False, late_s: float = 0.0
) -> Path:
    """Video ``number`` as H.264 and FLAC (Matroska, whatever the name says); ``late_s``: its sound begins later."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = []
    for frame in range(round(seconds * FPS)):
        left, right = levels(number, frame)
        picture = np.full((SIZE[1], SIZE[0], 3), left, np.uint8)
        picture[:, SIZE[0] // 2 :] = right
        pictures.append(picture)
    wav = None
    if sound:
        time = late_s + np.arange(round((seconds - late_s) * RATE)) / RATE
        wav = ((base(number) + SLOPE * time) * (not silent))[None].astype(np.float32)
    make_media.make_clip(
        path, seconds, SIZE, FPS, tones=None, wav=wav, sample_rate=RATE, audio_codec="flac", pictures=pictures, container="matroska",
        audio_start_s=late_s, options={"crf": "4"},
    )  # fmt: skip
    return path


def said(frame: np.ndarray) -> tuple[float, float]:
    """Grey of the two halves of a frame (H, W, 3), away from their edge."""
    width = frame.shape[1]
    return float(frame[:, : width * 2 // 5].mean()), float(frame[:, width * 3 // 5 :].mean())
