"""Packed photos and sounds of made-up instruments, written directly: each class has its colour and its pitch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

RATE = 11_025
SECONDS = 1.4


def hertz(number: int) -> float:
    """Pitch of class ``number``: bins of a 0.5-s spectrum, far apart."""
    return 200.0 + 100.0 * number


def colour(number: int) -> tuple[int, int, int]:
    """Red, green, blue, and mixtures for further classes."""
    return ((230, 20, 20), (20, 230, 20), (20, 20, 230))[number] if number < 3 else (40 * number % 256, 97 * number % 256, 180)


def write_photos(folder: Path, instruments: Sequence[str], *, cut: bool = True) -> None:
    """Three opaque pictures of each class (and a cut-out one in training), grey views, strangers."""
    rng = np.random.default_rng(1)
    pictures: list[tuple[str, str, str, np.ndarray]] = []
    for number, name in enumerate(instruments):
        plain = np.full((60, 48, 4), (*colour(number), 255), np.uint8)
        pictures += [(name, "train", "web30_train", plain), (name, "train", "web30_train", plain[:48]), (name, "val", "web30_valid", plain)]
        if cut:
            thing = plain.copy()
            thing[:8, :, 3] = 0
            pictures.append((name, "train", "emoji", thing))
    for number in range(3):
        grey = np.full((48, 64, 4), 255, np.uint8)
        grey[..., :3] = rng.integers(60, 200) + rng.integers(0, 9, (48, 64, 1))
        pictures += [("", "train", "everyday" if number else "drawn", grey), ("", "train", "web30_train", grey), ("", "val", "web30_valid", grey)]
    entries, start = [], 0
    for name, split, source, rgba in pictures:
        height, width = rgba.shape[:2]
        entries.append({"instrument": name, "split": split, "source": source, "start": start, "height": height, "width": width,
                        "cut": bool(rgba[..., 3].min() == 0)})  # fmt: skip
        start += rgba.size
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "photos.npy", np.concatenate([p[3].ravel() for p in pictures]))
    (folder / "photos.json").write_text(json.dumps(entries))


def write_sounds(folder: Path, instruments: Sequence[str]) -> None:
    """Ensembles, notes, phrases and held-out pieces, each class a steady tone at its pitch; and noise."""
    rng = np.random.default_rng(2)
    time = np.arange(int(SECONDS * RATE)) / RATE
    pieces: list[tuple[str, str, str, int, np.ndarray]] = []
    for number, name in enumerate(instruments):
        tone = 0.14 * np.sin(2 * np.pi * hertz(number) * time)
        plan = [("ensemble", "train", 2), ("notes", "train", 2), ("phrase", "train", 1)]
        plan += [("notes", "val", 2), ("phrase", "val", 1), ("ensemble", "test", 1)]
        pieces += [(name, kind, split, group, tone) for kind, split, count in plan for group in range(count)]
    pieces += [("noise", "noise", "train", group, 0.1 * rng.standard_normal(len(time))) for group in range(2)]
    entries, start = [], 0
    for name, kind, split, group, wav in pieces:
        entries.append({"instrument": name, "kind": kind, "split": split, "group": group, "start": start, "length": len(wav)})
        start += len(wav)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "sounds.npy", np.round(np.clip(np.concatenate([p[4] for p in pieces]), -1, 1) * 32767).astype(np.int16))
    (folder / "sounds.json").write_text(json.dumps(entries))


def write_pack(folder: Path, instruments: Sequence[str]) -> Path:
    """Both; returns the folder."""
    write_photos(folder, instruments)
    write_sounds(folder, instruments)
    return folder


def heard(wav: np.ndarray, sample_rate: int = RATE) -> float:
    """Strongest frequency of (samples,) in Hz."""
    spectrum = np.abs(np.fft.rfft(wav * np.hanning(len(wav)), 8 * len(wav)))
    return float(np.argmax(spectrum) * sample_rate / (8 * len(wav)))
