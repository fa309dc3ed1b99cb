"""Packed arrays of a few made photos and sounds: each kind has its colour and its pitch, so that a network can learn it in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from avdemo.crossmodal.config import KINDS

RATE = 8000
SPLITS = {"train": 4, "val": 2, "test": 2}
STRANGERS = ("sitar", "", "rain")


def picture(kind: int, number: int, size: int = 40) -> np.ndarray:
    """RGBA (size, size, 4): a disc in the kind's colour, its place and size decided by the number; every other one cut out."""
    rng = np.random.default_rng([kind, number])
    rows, columns = np.mgrid[:size, :size]
    radius = size * rng.uniform(0.28, 0.4)
    disc = np.hypot(rows - size / 2 - rng.integers(-3, 4), columns - size / 2 - rng.integers(-3, 4)) < radius
    colour = 40 + 200 * np.array([kind & 1, kind >> 1 & 1, kind >> 2 & 1]) * (0.6 if kind & 8 else 1.0)
    rgba = np.full((size, size, 4), 255, np.uint8)
    rgba[disc, :3] = colour.clip(0, 255)
    rgba[..., 3] = np.where(disc, 255, 0) if number % 2 else 255
    return rgba


def sound(kind: int, number: int, seconds: float = 1.5) -> np.ndarray:
    """int16 (samples,) at RATE: the kind's note with a few harmonics, slightly out of tune."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    hz = 120 * 2 ** (kind / 4) * (1 + 0.004 * number)
    wav = sum(np.sin(2 * np.pi * hz * h * time_s) / h for h in (1, 2, 3))
    return (8000 * wav / 2).astype(np.int16)


def write_imagine_pack(folder: Path) -> Path:
    """photos.npy/json and sounds.npy/json with all kinds and three strangers in each split, and packed.json."""
    folder.mkdir(parents=True, exist_ok=True)
    photos, sounds = [], []
    pixels, samples = [], []
    where = {"photo": 0, "sound": 0}
    for number_of, name in enumerate((*KINDS, *STRANGERS)):
        for split, count in SPLITS.items():
            for number in range(count):
                rgba = picture(number_of, number + 10 * len(split))
                photos.append(
                    {"instrument": name, "split": split, "source": "web10" if number else "web30_train", "cut": bool(number % 2)}
                    | {"start": where["photo"], "height": rgba.shape[0], "width": rgba.shape[1]}
                )
                pixels.append(rgba.reshape(-1))
                where["photo"] += rgba.size
                wav = sound(number_of, number)
                origin = "recording" if name == "rain" else ("render", "notes", "phrase")[number % 3] if name else "stranger"
                sounds.append(
                    {"instrument": name, "kind": origin, "split": split, "group": number}
                    | {"start": where["sound"], "length": len(wav)}
                )
                samples.append(wav)
                where["sound"] += len(wav)
    np.save(folder / "photos.npy", np.concatenate(pixels))
    np.save(folder / "sounds.npy", np.concatenate(samples))
    (folder / "photos.json").write_text(json.dumps(photos))
    (folder / "sounds.json").write_text(json.dumps(sounds))
    (folder / "packed.json").write_text(json.dumps({"sample_rate": RATE}))
    return folder


def pair_up(folder: Path) -> Path:
    """Turn a pack of :func:`write_imagine_pack` into one of pairs: entry i of the photos and entry i of the sounds belong together.

    Strangers are left out: a folder of pairs has none.
    """
    for name in ("photos", "sounds"):
        entries = [e for e in json.loads((folder / f"{name}.json").read_text()) if e["instrument"] in KINDS]
        for number, entry in enumerate(entries):
            entry |= {"pair": number, "player": f"{entry['instrument']}-{number % 2}"}
            if name == "sounds":
                entry["kind"] = "recording"
        (folder / f"{name}.json").write_text(json.dumps(entries))
    (folder / "packed.json").write_text(json.dumps({"sample_rate": RATE, "kinds": KINDS, "pairs": {"train": len(entries)}}))
    return folder
