"""The folder of real videos with their own sound: which clips there are, and which are for training, validation and test.

Splits are by clip, never by window. All pairs of clips were compared, by small grey frames (normalised, twice a second) and by
the correlation of their waveforms: no two clips repeat each other; the closest frames are unlike scenes with a bright sky.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from avdemo.errors import InputError

#: Clips cut from one recording; each group is in one split. The comparison found none beyond what the folder's notes say.
SAME_RECORDING = (("tracking1__helicopter_0s.mp4", "tracking1__helicopter_33s.mp4"),)
TRAIN_SHARE, VAL_SHARE = 0.45, 0.13
#: Chosen, before any training, because the known kinds of sound then occur in training and in test.
SALT = "clips 3413"


@dataclass(frozen=True)
class ClipFile:
    path: Path
    name: str  # path within the folder of clips: unique, unlike the file's own name
    cls: str
    split: str  # "train" | "val" | "test"
    has_sound: bool
    seconds: float


def _fraction(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def clip_split(file_name: str) -> str:
    """Split of a clip with sound, by its name alone (its recording's first clip where there are several)."""
    leader = next((group[0] for group in SAME_RECORDING if file_name in group), file_name)
    at = _fraction(f"{SALT} {leader}")
    return "train" if at < TRAIN_SHARE else "val" if at < TRAIN_SHARE + VAL_SHARE else "test"


def clip_files(data: Path) -> list[ClipFile]:
    """Every clip of ``data/clips``; those whose sound was generated (and is removed) are for training only.

    Raises:
        InputError: no index file.
    """
    index = data / "clips" / "index.csv"
    if not index.is_file():
        raise InputError("The data folder has no clips/index.csv; give the folder that holds clips, instruments and sounds.")
    with index.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        ClipFile(
            index.parent / row["file"], row["file"], row["cls"],
            clip_split(Path(row["file"]).name) if row["sound"] == "real" else "train", row["sound"] == "real", float(row["seconds"]),
        )
        for row in rows
    ]  # fmt: skip
