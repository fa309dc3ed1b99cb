"""From one sound to another: pictures on the way between their features, as a film with both sounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avdemo import media
from avdemo.crossmodal.chance import check_seed
from avdemo.crossmodal.models import Progress, Stop, stepper
from avdemo.crossmodal.painting import check_variant, paint_one
from avdemo.errors import InputError, LimitError

if TYPE_CHECKING:
    from avdemo.crossmodal.listening import Heard

FPS = 12
SECONDS = 4.0
MIN_SECONDS, MAX_SECONDS = 1.0, 20.0
REST = 0.15  # share of the film at each end that shows one sound alone
SIDE = 384  # px, at least: a film of 128 px would be a stamp
LEVEL = 0.1  # root mean square that both sounds are brought to, -20 dB of full scale
PEAK = 0.95


def blend(
    heard_a: Heard, heard_b: Heard, path: Path | str, *, seed: int = 0, variant: str = "C", seconds: float = SECONDS,
    progress: Progress | None = None, cancelled: Stop | None = None,
) -> Path:  # fmt: skip
    """Write a film (H.264 and AAC) that begins with pictures and sound of the one and ends with those of the other.

    The noise stays the same; the feature turns from one to the other (spherical interpolation), and the sounds are crossfaded
    with equal power.

    Args:
        path: the mp4 to write.
        seed, variant: as for :func:`avdemo.crossmodal.painting.paint`; the ends are its picture 0 of each sound.
        seconds: MIN_SECONDS ... MAX_SECONDS.

    Raises:
        InputError, LimitError: a parameter cannot be used, or the two were heard by different models.
        Cancelled: ``cancelled`` said so; no file is left.
    """
    seed, model = check_seed(seed), heard_a.model
    check_variant(model, variant)
    if heard_a.checkpoint["sha256"] != heard_b.checkpoint["sha256"]:
        raise InputError(
            f"{heard_a.sound.name} and {heard_b.sound.name} were heard by different models; listen to both with the same checkpoint."
        )
    if not math.isfinite(seconds) or seconds < MIN_SECONDS:
        raise InputError(f"A film of {seconds:g} seconds cannot be made; ask for {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds.")
    if seconds > MAX_SECONDS:
        raise LimitError(f"A film of {seconds:g} seconds is too long; ask for at most {MAX_SECONDS:g} seconds.")
    step = stepper(progress, cancelled)
    count = round(seconds * FPS)
    times = -(-SIDE // model.network.config.picture_size)

    def pictures() -> Iterator[np.ndarray]:
        for number, share in enumerate(shares(count)):
            step(number / count, f"Painting the film: picture {number + 1} of {count}")
            picture = paint_one(model, between(heard_a.feature, heard_b.feature, float(share)), seed, 0, variant)
            yield _enlarged(picture, times)

    samples = round(count / FPS * heard_a.sample_rate)
    media.write_video(
        path, pictures(), FPS, crossfade(heard_a.wav, heard_b.wav, samples, heard_a.sample_rate), heard_a.sample_rate
    )
    step(1.0, "Done")
    return Path(path)


def shares(count: int) -> np.ndarray:
    """How much of the second there is at each of ``count`` steps: 0 at first, then rising smoothly, 1 at the end."""
    way = np.clip((np.linspace(0, 1, count) - REST) / (1 - 2 * REST), 0, 1)
    return way * way * (3 - 2 * way)


def between(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """Spherical interpolation of two vectors: the direction turns evenly, the length changes evenly."""
    length_a, length_b = (max(float(np.linalg.norm(v)), 1e-9) for v in (a, b))
    angle = math.acos(float(np.clip(np.dot(a, b) / (length_a * length_b), -1, 1)))
    if angle < 1e-4:
        return ((1 - share) * a + share * b).astype(np.float32)
    one, other = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    length = (1 - share) * length_a + share * length_b
    return (length * (one * a / length_a + other * b / length_b)).astype(np.float32)


def crossfade(a: np.ndarray, b: np.ndarray, samples: int, rate: int) -> np.ndarray:
    """Two sounds (1, .), as loud as each other and repeated where they are too short, from one into the other: (1, samples)."""
    share = shares(samples)
    mixed = np.cos(share * np.pi / 2) * _fitted(a, samples, rate) + np.sin(share * np.pi / 2) * _fitted(b, samples, rate)
    peak = float(np.abs(mixed).max())
    return (mixed * min(1.0, PEAK / max(peak, 1e-9))).astype(np.float32)


def _fitted(wav: np.ndarray, samples: int, rate: int) -> np.ndarray:
    """From where something is first heard on, at LEVEL, repeated as needed."""
    loud = np.abs(wav[0]) > 0.02 * np.abs(wav).max()
    begin = max(0, int(loud.argmax()) - rate // 50)
    wav = wav[:, begin:]
    wav = np.tile(wav, (1, -(-samples // wav.shape[1])))[:, :samples]
    return wav * (LEVEL / max(float(np.sqrt(np.mean(np.square(wav)))), 1e-4))


def _enlarged(picture: np.ndarray, times: int) -> np.ndarray:
    from PIL import Image

    side = times * len(picture)
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS))
