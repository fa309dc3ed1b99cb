"""A made-up data folder with the same indexes as the training data: tones, coloured pictures and one-second videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from avdemo.media import write_video, write_wav

RATE = 8_000
CLIPS = {  # file -> (class, has its own sound)
    "dog/yard.mp4": ("dog", True), "drum/kit.mp4": ("drum", True), "other/street.mp4": ("other", True),
    "pictures_only/dog/yard.mp4": ("dog", False),
}  # fmt: skip
NOTES = [  # file, class, source, split
    ("banjo_C4_1.wav", "banjo", "lib", "train"), ("banjo_D4_1.wav", "banjo", "lib", "train"), ("banjo_C5_1.wav", "banjo", "lib", "val"),
    ("hit_a.wav", "castanets", "lib", "train"), ("cello_C3_1.wav", "cello", "lib", "train"), ("concertina_C4_1.wav", "concertina", "lib", "train"),
    ("freesound_abc1.wav", "drums", "freesound", "test"), ("freesound_abc2.wav", "drums", "freesound", "train"),
]  # fmt: skip
EVERYDAY = [  # file, class
    ("rain/moodist__heavy-rain.wav", "rain"), ("rain/blanket__rain.wav", "rain"), ("rain/moodist__inside-a-train.wav", "rain"),
    ("rain/moodist__train.wav", "rain"), ("train/moodist__train.wav", "train"), ("drum/fsdkaggle_hi_hat__abc1.wav", "drum"),
    ("drum/dirt_gretsch__001_a.wav", "drum"), ("drum/dirt_hand__001_a.wav", "drum"), ("dog/moodist__dog-barking.wav", "dog"),
    ("snoring/khan__1_5.wav", "snoring"), ("snoring/khan__1_141.wav", "snoring"), ("snoring/khan__1_180.wav", "snoring"),
]  # fmt: skip
PHOTOS = [("banjo", "train"), ("banjo", "val"), ("banjo", "test"), ("cabasa", "train"), ("alphorn", "train"), ("alphorn", "test")]
EVERYDAY_PHOTOS = [("dog", "train"), ("dog", "test"), ("drum", "train"), ("chainsaw", "train")]


def _tone(hertz: float, seconds: float) -> np.ndarray:
    time_s = np.arange(int(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)[None]


def _index(path: Path, header: str, rows: list[tuple]) -> None:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")


def write_data(data: Path) -> Path:
    """Make the folder; returns it."""
    rng = np.random.default_rng(0)
    rows = []
    for number, (file, (cls, real)) in enumerate(CLIPS.items()):
        path = data / "clips" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = np.full((10, 48, 64, 3), 50 * number, np.uint8)
        frames[:, 10:30, 10:30] = rng.integers(256, size=3)
        write_video(path, frames, 10, *((_tone(300 + 100 * number, 1.0), RATE) if real else ()))
        rows.append((file, cls, "real" if real else "none", "made", 1.0, 10))
    _index(data / "clips" / "index.csv", "file,cls,sound,source,seconds,fps", rows)
    for number, (name, cls, _, _) in enumerate(NOTES):
        folder = data / "instruments" / "sounds" / cls
        folder.mkdir(parents=True, exist_ok=True)
        write_wav(folder / name, _tone(220 + 40 * number, 0.6), RATE)
    rows = [(f"sounds/{cls}/{name}", cls, split, source, "made") for name, cls, source, split in NOTES]
    _index(data / "instruments" / "sounds.csv", "file,cls,split,source,licence", rows)
    for number, (file, cls) in enumerate(EVERYDAY):
        (data / "sounds" / file).parent.mkdir(parents=True, exist_ok=True)
        write_wav(data / "sounds" / file, _tone(200 + 50 * number, 14.0 if cls in ("rain", "train") else 0.9), RATE)
    _index(
        data / "sounds" / "index.csv",
        "file,cls,source,licence,split,group",
        [(f, c, "made", "made", "train", "") for f, c in EVERYDAY],
    )
    for name, photos, source in (("instruments", PHOTOS, "web30"), ("sounds", EVERYDAY_PHOTOS, "made")):
        rows = []
        for number, (cls, split) in enumerate(photos):
            file = f"photos/{cls}/{number}.png"
            (data / name / file).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((30, 40, 3), 20 + 25 * number, np.uint8)).save(data / name / file)
            rows.append((file, cls, split, source))
        _index(data / name / "photos.csv", "file,cls,split,source", rows)
    return data
