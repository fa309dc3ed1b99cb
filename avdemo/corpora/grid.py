"""GRID (Cooke et al. 2006): 34 speakers say a thousand short commands each, 25 frames a second, 75 frames a clip.

As published (https://zenodo.org/records/3625687), unpacked side by side::

    GRID/s1/bbaf2n.mpg ...                   videos, 360 x 288 (or 720 x 576), with or without a sound track
    GRID/audio_25k/s1/bbaf2n.wav ...         the speech; needed where the videos have none, as for s8
    GRID/alignments/s1/bbaf2n.align ...      one line a word: begin, end, word; 25,000 to the second; "sil" and "sp" are silence

Folders between (``video/s1``, ``s1/video``) do no harm: a speaker is the nearest folder called s and a number. Held out for the test are
the speakers 1, 2, 20 and 22, as in LipNet (Assael et al. 2016); the paper does not name its own.

**The mouth.** With a landmark detector (:data:`avdemo.corpora.mouth_crops.FindMouth`) every clip is framed and levelled by its own mouth.
Without one all clips share the fixed box :data:`BOX`: GRID's speakers sit still, at nearly the same place. It is a fallback: it is wider
than the framing by landmarks, does not level, and a speaker who sits elsewhere is off centre.
"""

from __future__ import annotations

import re
from pathlib import Path

from avdemo.corpora.lips_data import LipClip, LipSet, split_of
from avdemo.corpora.mouth_crops import MouthBox
from avdemo.corpora.video_lists import SUFFIXES, Report
from avdemo.errors import InputError

HELD_OUT = ("s1", "s2", "s20", "s22")
UNITS_PER_S = 25_000.0  # of the alignments
SILENCE = {"sil", "sp"}
BOX = MouthBox(0.44, 0.74, 0.28)  # about the slice that public lip-reading code cuts: rows 190-236, columns 80-220 of 288 x 360
UNKNOWN_SPEAKER, NO_ALIGNMENT = "in no folder of a speaker", "with an alignment that cannot be read"
_SPEAKER = re.compile(r"s\d{1,2}")


def read_grid(folder: Path) -> LipSet:
    """Find GRID's clips; nothing is decoded.

    Raises:
        InputError: no such folder, or no clips of speakers in it.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder named {folder.name}; give the folder of GRID.")
    report, clips = Report(things="clips"), []
    sounds = _by_speaker(folder, {".wav"})
    alignments = _by_speaker(folder, {".align"})
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        speaker = _speaker_of(path, folder)
        if not speaker:
            report.drop(UNKNOWN_SPEAKER, path.name)
            continue
        key = speaker, path.stem
        spoken = None
        if key in alignments:
            try:
                spoken = spoken_s(alignments[key].read_text(encoding="utf-8"))
            except ValueError:
                report.drop(NO_ALIGNMENT, path.name)
                continue
        name = f"{speaker}/{path.stem}"
        split = split_of(name, speaker, HELD_OUT)
        clips.append(LipClip(name, path, "grid", speaker, split, sounds.get(key), spoken_s=spoken))
    if not clips:
        raise InputError(f"There are no videos in folders of speakers (s1, s2, ...) in {folder.name}; give the folder of GRID.")
    return LipSet("grid", tuple(clips), report, cropped=False, box=BOX, notes=_notes(clips))


def spoken_s(alignment: str) -> tuple[float, float] | None:
    """From when to when words are said, in seconds; None when there are none.

    >>> spoken_s("0 23750 sil\\n23750 29500 bin\\n29500 74500 now\\n74500 75000 sp")
    (0.95, 2.98)

    Raises:
        ValueError: a line is not two numbers and a word.
    """
    words = []
    for line in filter(None, map(str.strip, alignment.splitlines())):
        begin, end, word = line.split()
        if word.lower() not in SILENCE:
            words.append((float(begin), float(end)))
    return (words[0][0] / UNITS_PER_S, words[-1][1] / UNITS_PER_S) if words else None


def _by_speaker(folder: Path, suffixes: set[str]) -> dict[tuple[str, str], Path]:
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes):
        speaker = _speaker_of(path, folder)
        if speaker:
            found[speaker, path.stem] = path
    return found


def _speaker_of(path: Path, folder: Path) -> str:
    parts = [part.lower() for part in path.relative_to(folder).parts[:-1]]
    return next((part for part in reversed(parts) if _SPEAKER.fullmatch(part)), "")


def _notes(clips: list[LipClip]) -> tuple[str, ...]:
    unaligned = sum(clip.spoken_s is None for clip in clips)
    return (f"{unaligned} clips have no alignment, so their silent ends count as speech.",) if unaligned else ()
