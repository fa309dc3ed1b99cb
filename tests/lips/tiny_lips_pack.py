"""A pack of drawn mouths that open with the loudness of what is heard, of a few speakers, made without any media library."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np

from avdemo.corpora.lip_pack import LipPack

_SPEC = importlib.util.spec_from_file_location(
    "mouth_films_for_lips", Path(__file__).resolve().parents[1] / "corpora" / "mouth_films.py"
)
mouth_films = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(mouth_films)

SIZE, FRAMES, PER_FRAME = 32, 24, 640
SKINS = ((225, 185, 165), (120, 80, 60), (200, 150, 120), (90, 60, 45))
SPLITS = ("train", "train", "train", "val", "train", "val")


def envelope(frames: int, rng: np.random.Generator) -> np.ndarray:
    """A loudness in [0, 1] that wanders, (frames,)."""
    steps = rng.normal(size=frames + 8)
    smooth = np.convolve(steps, np.ones(4) / 2, "same")[4:-4]
    return 1 / (1 + np.exp(-2 * smooth))


def sound_of(loudness: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of that loudness, (640 frames,) float in [-1, 1]."""
    gain = np.interp(np.arange(len(loudness) * PER_FRAME) / PER_FRAME - 0.5, np.arange(len(loudness)), 0.003 * 100**loudness)
    return np.clip(gain * rng.normal(size=len(gain)), -1, 1)


def write_lips_pack(
    folder: Path, *, clips: int = 12, speakers: int = 4, frames: int = FRAMES, points: bool = True, late: int = 0, seed: int = 0
) -> LipPack:  # fmt: skip
    """Write and open it. The last speaker is for the test. ``late``: so many frames the mouths of every other clip come after the sound;
    these clips' sync counts as doubtful."""
    rng = np.random.default_rng(seed)
    pictures, marks, sounds, entries = [], [], [], []
    for number in range(clips):
        speaker = number % speakers
        delay = late * (number % 2)
        loudness = envelope(frames + delay, rng)
        middle = SIZE / 2 + rng.normal(size=2)
        shape = np.stack([mouth_films.mouth_points(middle, 0.58 * SIZE, 0.25 * SIZE * gap) for gap in loudness[:frames]])
        pictures += [mouth_films.draw_mouth((SIZE, SIZE), p, SKINS[speaker % len(SKINS)]) for p in shape]
        marks.append(shape if points else np.full_like(shape, np.nan))
        sounds.append(sound_of(loudness[delay:], rng))
        split = "test" if speaker == speakers - 1 else SPLITS[number // speakers % len(SPLITS)] if number >= speakers else "train"
        if number // speakers == 1 and split != "test":
            split = "val"
        entries.append(
            {
                "name": f"s{speaker}/{number}", "source": "drawn", "speaker": f"s{speaker}", "split": split, "first": number * frames,
                "frames": frames, "spoken": [0, frames], "has_points": points, "lag": 0 if delay else None, "lag_r": 0.5 if delay else None,
            }
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "frames.npy", np.stack(pictures))
    np.save(folder / "points.npy", np.concatenate(marks).astype(np.float32))
    np.save(folder / "speech.npy", np.round(np.concatenate(sounds) * 32767).astype(np.int16))
    (folder / "clips.json").write_text(json.dumps(entries))
    (folder / "packed.json").write_text(json.dumps({"source": "drawn", "size_px": SIZE}))
    return LipPack(folder)
