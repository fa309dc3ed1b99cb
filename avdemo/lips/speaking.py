"""A prepared photo and a speech to frames, and the frames to videos. Any length takes the same memory: frames wait on the disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo import media
from avdemo.errors import InputError
from avdemo.lips.blending import Blender
from avdemo.lips.config import FPS
from avdemo.lips.framing import Prepared, crop_of
from avdemo.lips.marking import Mark, metadata
from avdemo.lips.models import CHECKPOINT, Progress, Stop, load_model, run_lock, stepper
from avdemo.lips.speech import OUT_RATE, Speech, levels
from avdemo.media.mouths import MouthBox

LIVELY = (0.0, 2.0)  # range of the knob; 1 as imagined
SHOWN_PX = 256  # side of lips.mp4: the network's frames, enlarged
CHUNK = 50  # frames looked at, or read, at once


@dataclass(frozen=True)
class Spoken:
    """What was generated. The frames themselves lie in ``frames_file``, one after the other as raw uint8 (S, S, 3)."""

    prepared: Prepared
    box: MouthBox
    crop: np.ndarray  # what the network was given, (S, S, 3) uint8
    speech: Speech
    frames_file: Path
    count: int
    opening: (
        np.ndarray | None
    )  # (count,) how far the inner lips are apart, share of the square's side; None without a finder of points
    lively: float
    model: tuple[str, str]  # name and sha256
    device: str
    timings: dict[str, float]

    @property
    def has_photo(self) -> bool:
        """Whether there is a photo around the mouth."""
        return self.prepared.kind != "crop"

    def frames(self) -> Iterator[np.ndarray]:
        """(S, S, 3) uint8, one by one."""
        size = len(self.crop)
        with self.frames_file.open("rb") as file:
            for _ in range(self.count):
                yield np.frombuffer(file.read(size * size * 3), np.uint8).reshape(size, size, 3)

    def frame(self, number: int) -> np.ndarray:
        """One of them."""
        size = len(self.crop)
        with self.frames_file.open("rb") as file:
            file.seek(number * size * size * 3)
            return np.frombuffer(file.read(size * size * 3), np.uint8).reshape(size, size, 3)

    @property
    def sentence(self) -> str:
        """What was made, with its true resolution."""
        size, prepared = len(self.crop), self.prepared
        made = (
            f"{self.count} frames, {media.say_seconds(self.count / FPS)} at {FPS} a second; the mouth is {size} x {size} pixels"
        )
        if not self.has_photo:
            return f"{made}, as the network made it, shown enlarged."
        side = round(self.box.side * len(prepared.picture))
        fate = "enlarged" if side > size else "reduced" if side < size else "unchanged"
        return f"{made}, {fate} to {side} x {side} in a photo of {prepared.picture.shape[1]} x {prepared.picture.shape[0]}."


def check_lively(lively: float) -> float:
    """The number itself.

    Raises:
        InputError: it is not in :data:`LIVELY`.
    """
    low, high = LIVELY
    if not (isinstance(lively, int | float) and low <= lively <= high):
        raise InputError(
            f"The liveliness {lively} is not a number from {low:g} to {high:g}; 1 moves the mouth as the speech suggests."
        )
    return float(lively)


def speak(
    prepared: Prepared, speech: Speech, box: MouthBox, folder: Path | str, *, lively: float = 1.0, checkpoint: str = CHECKPOINT,
    progress: Progress | None = None, cancelled: Stop | None = None,
) -> Spoken:  # fmt: skip
    """Let the mouth in the square say it.

    Args:
        folder: where the frames go; they are left there for :func:`write_videos`.
        lively: how far the mouth moves about its rest.

    Raises:
        InputError: ``lively`` is out of range.
        WeightsError: no usable checkpoint.
        StorageError: the disk is full.
        Cancelled: ``cancelled`` said so; what was begun is removed.
    """
    from avdemo.lips.generation import generate
    from avdemo.lips.resting import Resting

    lively = check_lively(lively)
    step = stepper(progress, cancelled)
    step(0.0, "Waking the network")
    model = load_model(checkpoint)
    crop = crop_of(prepared, box)
    begun = time.perf_counter()
    target = Path(folder) / "frames.raw"
    count = 0
    openings: list[np.ndarray] = []
    with media.writing(target) as partial, partial.open("wb") as file:
        chunk: list[np.ndarray] = []
        with run_lock:
            rest = Resting(model.network, levels(speech.heard, speech.heard_rate)) if model.network.is_compact else None
            for frame in generate(model.network, crop, speech.heard, lively=lively, rest=rest, progress=step):
                file.write(frame.tobytes())
                chunk.append(frame)
                count += 1
                if len(chunk) >= CHUNK:
                    openings.append(_opening(model, chunk))
                    chunk = []
        if chunk:
            openings.append(_opening(model, chunk))
    taken = time.perf_counter() - begun
    opening = np.concatenate(openings) if model.network.is_compact else None
    return Spoken(
        prepared, box, crop, speech, target, count, opening, lively, (model.name, model.sha256), str(model.device), {"generate_s": taken},
    )  # fmt: skip


def _opening(model, frames: list[np.ndarray]) -> np.ndarray:
    """How far the inner lips are apart in each frame, shares of the side (N,)."""
    import torch

    from avdemo.lips.seeing import opening

    if not model.network.is_compact:
        return np.zeros(len(frames), np.float32)
    with torch.inference_mode():
        pictures = torch.from_numpy(np.stack(frames)).to(model.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return (opening(model.network.finder(pictures)) / len(frames[0])).float().cpu().numpy()


def loudness(spoken: Spoken) -> np.ndarray:
    """Of the speech, one value a frame: (count,) float32, root mean square."""
    found = levels(spoken.speech.heard, spoken.speech.heard_rate)
    return np.pad(found, (0, max(0, spoken.count - len(found))))[: spoken.count]


def write_videos(
    spoken: Spoken, folder: Path | str, *, mark: bool = True, progress: Progress | None = None, cancelled: Stop | None = None
) -> list[Path]:  # fmt: skip
    """Write ``lips.mp4``, and ``face.mp4`` where there is a photo around the mouth.

    Args:
        mark: with a word that says "generated".

    Returns:
        the paths, what to look at first first.

    Raises:
        StorageError: the disk is full or may not be written.
        Cancelled: ``cancelled`` said so.
    """
    folder = Path(folder)
    step = stepper(progress, cancelled)
    about = metadata(spoken.model[0], spoken.prepared.photo.name, spoken.speech.path.name)
    parts = [("face.mp4", faces(spoken))] if spoken.has_photo else []
    parts.append(("lips.mp4", enlarged(spoken)))
    written = []
    for number, (name, pictures) in enumerate(parts):
        avoid = spoken.box.x if name == "face.mp4" and spoken.box.y > 0.75 else 0.0
        done = (number / len(parts), 1 / len(parts), f"Writing {name}")
        marked = _told(pictures, spoken.count, step, done, Marker(avoid) if mark else None)
        written.append(media.write_video(folder / name, marked, FPS, spoken.speech.wav, OUT_RATE, metadata=about))
    return written


class Marker:
    """A mark that is made when the first picture tells the size."""

    def __init__(self, avoid: float):
        self.avoid, self.mark = avoid, None

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        if self.mark is None:
            self.mark = Mark(picture.shape[1], picture.shape[0], self.avoid)
        return self.mark(picture)


def _told(
    pictures: Iterator[np.ndarray], count: int, step, done: tuple[float, float, str], mark: Marker | None
) -> Iterator[np.ndarray]:
    """The pictures, marked, with progress from ``done[0]`` over ``done[1]``; raises Cancelled when it was stopped."""
    first, part, words = done
    for number, picture in enumerate(pictures):
        step(first + part * number / count, words)
        yield mark(picture) if mark else picture


def faces(spoken: Spoken) -> Iterator[np.ndarray]:
    """The photo, speaking: (H, W, 3) uint8, one by one."""
    blender = Blender(spoken.prepared.picture, spoken.box, spoken.crop)
    return (blender(frame) for frame in spoken.frames())


def enlarged(spoken: Spoken) -> Iterator[np.ndarray]:
    """The mouth alone, enlarged to SHOWN_PX."""
    import cv2

    return (cv2.resize(frame, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_CUBIC) for frame in spoken.frames())
