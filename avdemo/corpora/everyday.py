"""The folder of everyday sounds and pictures (``sounds/index.csv``, ``sounds/photos.csv``) with splits by recording.

The index has no splits of its own. What was found in the folder and decides them here:

- baby_cry: the name holds the telephone that recorded it; one telephone is one baby, and one split.
- snoring: cuts of one second, neighbours from the same sleeper, and some repeat others: waveforms of 139-171, 285-314 and
  337-367 are the same, as are 220-226 and 252-258. All these are training; :data:`SNORES` are runs apart from them.
- drum: the hits that ``instruments/sounds`` has too (same number in the name, other encoding) are left to that folder; the others
  are split by the kit that was recorded.
- rain: three files are of trains, found by the letters "rain": two repeat the files of train, one counts as train.
- dog and fireworks are one recording each: training only. Of the kinds with few files, :data:`HELD_OUT` names those kept.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from avdemo.errors import InputError

EVERYDAY = ("baby_cry", "dog", "fireworks", "helicopter", "printer", "rain", "snoring", "train", "water")
HELD_OUT = {  # recording -> split; the others of these kinds are for training
    "printer/misc__lastfax_printer": "test", "printer/misc__image_sizer_printer": "test", "printer/misc__emojisound_printer": "val",
    "rain/blanket__rain": "test", "rain/moodist__rain-on-car-roof": "test", "rain/moodist__rain-on-umbrella": "val",
    "train/blanket__train": "test", "train/moodist__subway-station": "val",
    "water/moodist__waterfall": "test", "water/blanket__waves": "test", "water/moodist__rowing-boat": "val",
    "drum/dirt_gretsch": "test", "drum/dirt_jazz": "val",
}  # fmt: skip
SNORES = {"test": range(100), "val": range(172, 220)}  # numbers of the cuts held out
SNORES_TOGETHER = 25  # numbers that are likely one sleeper
_OF_TRAINS = "rain/moodist__inside-a-train"
TRAIN_SHARE, VAL_SHARE = 0.75, 0.10
MANY = 20  # photos of a kind


@dataclass(frozen=True)
class Recording:
    path: Path
    kind: str  # one of EVERYDAY, or "drums"
    recording: str  # what was recorded together; never in two splits
    split: str  # "train" | "val" | "test"


@dataclass(frozen=True)
class EverydayPhoto:
    path: Path
    kind: str  # one of EVERYDAY, "drums", or "" for what is none of the kinds
    source: str
    split: str


def hash_split(text: str, train: float = TRAIN_SHARE, val: float = VAL_SHARE) -> str:
    """ "train", "val" or "test", decided by the text alone."""
    at = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32
    return "train" if at < train else "val" if at < train + val else "test"


def _rows(index: Path) -> list[dict[str, str]]:
    if not index.is_file():
        raise InputError(f"The data folder has no sounds/{index.name}; give the folder that holds clips, instruments and sounds.")
    with index.open(newline="", encoding="utf-8") as file:
        return list({row["file"]: row for row in csv.DictReader(file)}.values())  # one file is listed twice


def recording_of(file: str) -> str:
    """Name of what was recorded together with ``file`` (a path of the index).

    >>> recording_of("baby_cry/donateacry__0c8f14a9-6999-485b-97a2-913c1cbf099c-1430760379259-1.7-m-26-hu.ogg")
    'baby_cry/0c8f14a9-6999-485b-97a2-913c1cbf099c'
    >>> recording_of("snoring/khan__1_137.ogg"), recording_of("drum/dirt_jazz__002_FX.ogg")
    ('snoring/train_5', 'drum/dirt_jazz')
    """
    kind, name = Path(file).parent.name, Path(file).stem
    take = name.split("__", 1)[-1]
    if kind == "baby_cry" and len(take) > 36:
        return f"baby_cry/{take[:36].lower()}"
    if kind == "snoring" and (number := take.rsplit("_", 1)[-1]).isdigit():
        split = next((split for split, numbers in SNORES.items() if int(number) in numbers), "train")
        return f"snoring/{split}_{int(number) // SNORES_TOGETHER}"
    if kind == "drum" and name.startswith("dirt_"):
        return f"drum/{name.split('__', 1)[0]}"
    return f"{kind}/{name}"


def recordings(data: Path) -> list[Recording]:
    """Every everyday sound with its split.

    Raises:
        InputError: no index file.
    """
    known = {path.stem.rsplit("_", 1)[-1] for path in (data / "instruments" / "sounds" / "drums").glob("freesound_*")}
    found = []
    for row in _rows(data / "sounds" / "index.csv"):
        kind, name = row["cls"], Path(row["file"]).stem
        recording = recording_of(row["file"])
        if kind == "drum" and name.rsplit("_", 1)[-1] in known:
            continue
        if kind == "rain" and "train" in name:
            if recording != _OF_TRAINS:
                continue
            kind = "train"
        if kind == "baby_cry":
            split = hash_split(recording)
        elif kind == "snoring":
            split = recording.split("/")[1].split("_")[0]
        else:
            split = HELD_OUT.get(recording, "train")
        found.append(Recording(data / "sounds" / row["file"], "drums" if kind == "drum" else kind, recording, split))
    return found


def everyday_photos(data: Path) -> list[EverydayPhoto]:
    """Every everyday photo; about a twelfth of those for training becomes the validation where a kind has :data:`MANY`.

    Raises:
        InputError: no index file.
    """
    rows = _rows(data / "sounds" / "photos.csv")
    count, photos = Counter(row["cls"] for row in rows), []
    for row in rows:
        kind = {"drum": "drums"}.get(row["cls"], row["cls"])
        kind = kind if kind in EVERYDAY or kind == "drums" else ""
        split = row["split"]
        if split == "train" and count[row["cls"]] >= MANY and hash_split(row["file"], 0.92, 0.08) == "val":
            split = "val"
        photos.append(EverydayPhoto(data / "sounds" / row["file"], kind, row["source"], split))
    return photos
