"""Videos of speaking mouths with their speech: what the lip data sets come down to, whichever folders they lie in.

    from avdemo.corpora.lips_data import read_lips
    clips = read_lips(Path("data/lips"))
    print(clips.sentence())

:mod:`avdemo.corpora.pack_lips` packs them, so that training decodes nothing. Splits are "train", "val" (other clips of the same
speakers) and "test" (speakers whom training never sees).
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora.mouth_crops import MouthBox
from avdemo.corpora.video_lists import SPLIT_NAMES, Report
from avdemo.errors import InputError

FPS = 25
SAMPLE_RATE = 16_000  # Hz, of the packed speech
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS
POINTS = 20  # of a mouth: 12 of the outer and 8 of the inner contour, iBUG 48-67
VAL_SHARE = 0.1  # of the clips of each known speaker, where a set does not say
MISSING, UNLISTED_POINTS = "listed but not there", "without landmarks"
assert SAMPLES_PER_FRAME * FPS == SAMPLE_RATE


@dataclass(frozen=True)
class LipClip:
    """One video of one speaker.

    ``points`` are landmarks in pixels of the video's frames, (frames, 20, 2). ``spoken_s`` is from when to when something is said,
    None where nothing tells. ``lag`` (frames) and ``lag_r`` say where a simple predictor heard the mouth in the sound, and how well.
    """

    name: str
    path: Path
    source: str
    speaker: str
    split: str
    sound: Path | None = None  # a file of its own; None: the video's track
    points: np.ndarray | None = None
    spoken_s: tuple[float, float] | None = None
    lag: int | None = None
    lag_r: float | None = None


@dataclass(frozen=True)
class LipSet:
    """All clips of a folder. ``cropped``: the frames show nothing but the mouth, framed as the networks expect it.

    Otherwise ``box`` is where the mouth roughly is, for clips in which no landmarks are found.
    """

    source: str
    clips: tuple[LipClip, ...]
    report: Report
    cropped: bool
    box: MouthBox | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.report.kept = dict(Counter(clip.split for clip in self.clips))

    def sentence(self) -> str:
        """For a person: how many clips of how many speakers there are, what was left out and why."""
        speakers = {split: len({clip.speaker for clip in self.clips if clip.split == split}) for split in ("train", "test")}
        count = f"{speakers['train']} speakers to learn from, {speakers['test']} held out."
        return " ".join([self.report.sentence(), count, *self.notes])


def place_of(name: str, salt: str) -> float:
    """A number in [0, 1) made from a name alone: more files do not move any from one split to another."""
    return int(hashlib.sha256(f"{salt} {name}".encode()).hexdigest()[:8], 16) / 2**32


def split_of(name: str, speaker: str, held_out: Iterable[str]) -> str:
    """ "test" for held-out speakers; of the others a tenth of the clips is "val"."""
    if speaker in set(held_out):
        return "test"
    return "val" if place_of(name, "val") < VAL_SHARE else "train"


def read_lips(folder: Path) -> LipSet:
    """Mouth crops with an ``index.csv`` and ``landmarks.npz`` beside them; nothing is decoded.

    The table's columns are ``file, source, speaker, split, frames, side_px, best_lag, best_r``, its splits train, val and heldout.

    Raises:
        InputError: not such a folder, or nothing in it.
    """
    index, landmarks = folder / "index.csv", folder / "landmarks.npz"
    if not (index.is_file() and landmarks.is_file()):
        raise InputError(f"The folder {folder.name} holds no index.csv with landmarks.npz; give the folder of the mouth crops.")
    report, clips = Report(things="clips"), []
    with index.open(newline="", encoding="utf-8") as table, np.load(landmarks) as points:
        for row in csv.DictReader(table):
            name = row["file"]
            if not (folder / name).is_file():
                report.drop(MISSING, name)
                continue
            if name not in points.files:
                report.drop(UNLISTED_POINTS, name)
                continue
            split = "test" if row["split"] == "heldout" else SPLIT_NAMES[row["split"]]
            lag = int(float(row["best_lag"])) if row["best_lag"] else None
            lag_r = float(row["best_r"]) if row["best_r"] else None
            found = points[name].astype(np.float32)
            clips.append(LipClip(name, folder / name, row["source"], row["speaker"], split, points=found, lag=lag, lag_r=lag_r))
    if not clips:
        raise InputError(f"None of the clips that index.csv of {folder.name} lists can be used: {report.sentence()}")
    return LipSet("lips", tuple(clips), report, cropped=True)
