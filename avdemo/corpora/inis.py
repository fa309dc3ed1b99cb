"""INIS (ImageNet Image-Sound, Chen et al. 2017): photos of five ImageNet classes and solo recordings of the same instruments.

The paper says what is in it (piano, saxophone, violin, drum, guitar; 766 + 327 pictures of pianos and so on); how a download is laid
out is documented nowhere that we found. Taken is any folder with one folder of photos and one of recordings for each class, whatever
else is on the way::

    INIS/images/train/guitar/*.JPEG    INIS/sounds/train/guitar/*.mp3      with or without split folders
    INIS/n03467517/*.JPEG              INIS/guitar/*.wav                   WordNet numbers will do

Photo and sound are not of one event: each photo gets half a second of some recording of its class. Without split folders 30 % of the
photos and of the recordings are the test, as in the paper's table; a recording is never in two splits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from avdemo.corpora.paired_set import CHUNK_S, READ_S, MediaFile, PairedItem, PairedSet, media_files
from avdemo.corpora.video_lists import Report
from avdemo.errors import InputError

NAMES = {
    "piano": "piano", "pianos": "piano", "grand_piano": "piano", "upright": "piano", "n03928116": "piano", "n03452741": "piano",
    "n04515003": "piano", "saxophone": "saxophone", "sax": "saxophone", "n04141076": "saxophone", "violin": "violin",
    "n04536866": "violin", "drum": "drums", "drums": "drums", "n03249569": "drums", "guitar": "guitar", "acoustic_guitar": "guitar",
    "electric_guitar": "guitar", "n03467517": "guitar", "n02676566": "guitar", "n03272010": "guitar",
}  # fmt: skip
TEST_SHARE, VAL_SHARE = 0.3, 0.1  # the first as in the paper's table; the second of what is left
UNREADABLE, SHORT = "that cannot be read", "shorter than half a chunk"


def read_inis(folder: Path, *, seconds: float = CHUNK_S, seed: int = 0) -> PairedSet:
    """Pair every photo of an INIS folder with a chunk of a recording of its class and split.

    Args:
        seconds: of sound beside each photo; half a second in the paper.
        seed: decides which chunk a photo gets.

    Raises:
        InputError: no such folder, nothing in it, a class without photos or sounds, or too few recordings of a class.
    """
    report = Report(things="pairs")
    photos, sounds = media_files(folder, NAMES, report, "INIS")
    chunks = _chunks(sounds, seconds, report)
    photos = _split(photos, {photo.path: photo.path.name for photo in photos})
    items, notes = [], []
    for kind in sorted({photo.kind for photo in photos}):
        of_kind = {split: [c for c in chunks if c.kind == kind and c.split == split] for split in ("train", "val", "test")}
        _check(folder, kind, of_kind)
        if not of_kind["val"]:
            notes.append(f"There are too few recordings of {kind} for a validation part.")
        rng = np.random.default_rng([seed, 83, *kind.encode()])
        for split, of_split in of_kind.items():
            takers = [p for p in photos if p.kind == kind and (p.split if of_kind[p.split] else "train") == split]
            if takers:
                order = np.concatenate([rng.permutation(len(of_split)) for _ in range(-(-len(takers) // len(of_split)))])
                items += [replace(of_split[n], picture=photo.path) for photo, n in zip(takers, order, strict=False)]
    items.sort(key=lambda item: (item.kind, item.split, str(item.sound), item.begins_s, str(item.picture)))
    return PairedSet("inis", tuple(items), report, seconds=seconds, notes=tuple(notes))


def _check(folder: Path, kind: str, chunks: dict[str, list[PairedItem]]) -> None:
    recordings = {chunk.player for of_split in chunks.values() for chunk in of_split}
    if not (chunks["train"] and chunks["test"]):
        raise InputError(
            f"The class {kind} in {folder.name} has too few recordings that can be read ({len(recordings)}): "
            "training and test must not share one, so at least two are needed, and three for a validation part."
        )


def _chunks(sounds: list[MediaFile], seconds: float, report: Report) -> list[PairedItem]:
    """Every chunk of every recording, without a picture yet; its player is the recording."""
    from avdemo.media import probe

    lengths: dict[Path, float] = {}
    for sound in sounds:
        try:
            info = probe(sound.path)
        except InputError:
            report.drop(UNREADABLE, sound.path.name)
            continue
        if info.has_audio and info.duration_s >= seconds / 2:
            lengths[sound.path] = min(info.duration_s, READ_S)
        else:
            report.drop(SHORT, sound.path.name)
    sounds = [sound for sound in sounds if sound.path in lengths]
    recordings = _recordings(sounds, lengths, seconds)
    sounds = _split(sounds, recordings)
    return [
        PairedItem(sound.kind, sound.split, Path(), sound.path, recordings[sound.path], number * seconds)
        for sound in sounds
        for number in range(max(1, int(lengths[sound.path] / seconds + 0.01)))
    ]


def _recordings(sounds: list[MediaFile], lengths: dict[Path, float], seconds: float) -> dict[Path, str]:
    """Which recording each file is of: a long file is one; short ones are chunks, named alike but for the number at the end."""
    stripped = {s.path: re.sub(r"[_-]*\d+$", "", s.path.stem) for s in sounds if lengths[s.path] < 2 * seconds}
    found = {}
    for kind in {s.kind for s in sounds}:
        of_kind = [s.path for s in sounds if s.kind == kind]
        alike = {stripped[path] for path in of_kind if path in stripped}
        for path in of_kind:  # where all are named alike, nothing tells recordings apart
            found[path] = stripped[path] if path in stripped and len(alike) > 1 else path.stem
    return found


def _split(files: list[MediaFile], groups: dict[Path, str]) -> list[MediaFile]:
    """Give every file a split; files of one group stay together. Folders decide where they do, names the rest."""
    drawn: dict[Hashable, str] = {}
    for kind in {file.kind for file in files}:
        for given in ("", "train"):
            names = {groups[f.path] for f in files if f.kind == kind and f.split == given}
            has_val = any(f.kind == kind and f.split == "val" for f in files)
            if given and has_val:
                continue
            splits = _draw_splits(names, 0.0 if given else TEST_SHARE)
            drawn |= {(kind, given, name): split for name, split in splits.items()}
    return [replace(file, split=drawn.get((file.kind, file.split, groups[file.path]), file.split)) for file in files]


def _draw_splits(names: Iterable[str], test_share: float) -> dict[str, str]:
    """Name -> split, by the names alone; whenever there are enough, each split gets one."""
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    test = max(1, round(test_share * len(order))) if test_share and len(order) > 1 else 0
    left = len(order) - test
    val = max(1, round(VAL_SHARE * left)) if left > 1 else 0
    return {name: "test" if i < test else "val" if i < test + val else "train" for i, name in enumerate(order)}
