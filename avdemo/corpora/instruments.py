"""The folder of instrument photos and sounds: ``photos.csv``, ``sounds.csv`` and the files they name, with fixed splits.

Beyond the splits in the index files, whole sources of recorded notes are kept for the test, so that every instrument is tested on
recordings from a source that training never heard (see ``TEST_SOURCES``); and a tenth of the remaining recorded notes is kept for
validation where the index has none.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from avdemo.errors import InputError

TEST_SOURCES = {  # instrument -> prefix of sources whose notes are for the test only
    "accordion": "freepats_021", "drums": "tonejs_percussion", "piano": "ror", "trumpet": "tonejs_trumpet",
    "tuba": "tonejs_tuba", "violin": "ror", "xylophone": "ror",
}  # fmt: skip
_NOTE = re.compile(r"_([A-G])(s?)(\d)(?=[_.])")
_HERTZ = re.compile(r"_(\d+(?:\.\d+)?)Hz")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class SoundFile:
    path: Path
    instrument: str
    source: str
    split: str  # "train" | "val" | "test"
    pitch: int | None  # MIDI note number when the file is a single note
    is_phrase: bool  # a real phrase by somebody else, not a note


@dataclass(frozen=True)
class PhotoFile:
    path: Path
    instrument: str
    source: str
    split: str


def pitch_from_name(name: str) -> int | None:
    """MIDI number from ``_As3_`` or ``_130.8Hz`` in a file name, None when there is neither.

    >>> pitch_from_name("philharmonia_banjo_A4_long.ogg"), pitch_from_name("021_Accordion_00_130.8Hz.ogg")
    (69, 48)
    """
    if found := _HERTZ.search(name):
        from math import log2

        return round(69 + 12 * log2(float(found[1]) / 440))
    if found := _NOTE.search(name):
        return 12 * (int(found[3]) + 1) + _STEPS[found[1]] + len(found[2])
    return None


def _rows(index: Path) -> list[dict[str, str]]:
    if not index.is_file():
        raise InputError(
            f"The data folder has no {index.name}; give the folder that holds instruments/photos.csv and instruments/sounds.csv."
        )
    with index.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _hash_fraction(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def sound_files(folder: Path) -> list[SoundFile]:
    """Every sound of ``folder`` (the one with ``sounds.csv``) with its final split.

    Raises:
        InputError: no index file.
    """
    files = []
    for row in _rows(folder / "sounds.csv"):
        cls, source, split = row["cls"], row["source"], row["split"]
        is_phrase = source == "freesound"
        if not is_phrase:
            if split == "val" or source.startswith(TEST_SOURCES.get(cls, "\0")):
                split = "test"
            elif _hash_fraction(row["file"]) < 0.1:
                split = "val"
        pitch = None if is_phrase else pitch_from_name(Path(row["file"]).name)
        files.append(SoundFile(folder / row["file"], cls, source, split, pitch, is_phrase))
    return files


def photo_files(folder: Path) -> list[PhotoFile]:
    """Every photo of ``folder`` (the one with ``photos.csv``)."""
    return [PhotoFile(folder / r["file"], r["cls"], r["source"], r["split"]) for r in _rows(folder / "photos.csv")]
