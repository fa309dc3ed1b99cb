"""A folder in the layout of MUSIC, whose sounds and frames say when they are: sample value and grey level rise with time."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
from PIL import Image

RATE = 11_025
FPS = 8
COUNT = 168  # frames: 21 s
SLOPE = 1 / 30  # sample value per second


def grey(number: int) -> int:
    """Grey level of frame ``number``, from 1."""
    return 30 + number


def write_video(
    root: Path, name: str, *, count: int = COUNT, seconds: float | None = None, silent: bool = False, size=(40, 30)
) -> str:
    """A sound ``audio/NAME.wav`` and frames ``frames/NAME/000001.jpg``...; returns its index row."""
    seconds = count / FPS if seconds is None else seconds
    time = np.arange(round(seconds * RATE)) / RATE
    (root / "audio").mkdir(parents=True, exist_ok=True)
    with wave.open(str(root / "audio" / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint((0 if silent else 1) * 32767 * SLOPE * time).astype("<i2").tobytes())
    folder = root / "frames" / name
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        data = io.BytesIO()
        Image.new("RGB", size, (grey(number),) * 3).save(data, "JPEG")
        (folder / f"{number:06d}.jpg").write_bytes(data.getvalue())
    return f"audio/{name}.wav,frames/{name},{count}"


def write_index(root: Path, rows: list[str], name: str = "music.csv") -> Path:
    path = root / name
    path.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
    return path
