"""Sub-URMP (Chen et al. 2017): musicians of the URMP data set, one frame and the half second of sound that begins with it.

As published (https://www.cs.rochester.edu/~cxu22/d/vagan/)::

    Sub-URMP/img/train/cello/cello01_500.jpg     Sub-URMP/chunk/train/cello/cello01_500.wav
    Sub-URMP/img/validation/...                  Sub-URMP/chunk/validation/...

with 13 instruments. A picture and its sound have the same name: instrument and two digits, which we take for the player, and the
time in milliseconds, in steps of 100, so that neighbouring sounds overlap. Pictures are 1920 x 1080, sounds 44.1 kHz stereo. The
validation part is what the paper's table calls test. Other names and orders of folders will do as long as pictures and sounds have
the same names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from avdemo.corpora.paired_set import NO_PICTURE, NO_SOUND, MediaFile, PairedItem, PairedSet, media_files
from avdemo.corpora.video_lists import Report
from avdemo.errors import InputError

INSTRUMENTS = (
    "cello", "double_bass", "oboe", "saxophone", "trumpet", "viola", "bassoon", "clarinet", "french_horn", "flute", "trombone", "tuba",
    "violin",
)  # fmt: skip
NAMES = {name: name for name in INSTRUMENTS} | {"sax": "saxophone", "horn": "french_horn", "doublebass": "double_bass"}
VAL_SHARE = 0.1  # of each player's training pairs, the last ones
OVERLAPPING = 4  # pairs before them share sound with them: steps of 0.1 s, sounds of 0.5 s
LEAST_FOR_VAL = 20  # pairs of a player
OVERLAPS = "beside the validation pairs, whose sound they share"
_PLAYER = re.compile(r"([^\W\d]\D*?\d+)[_-].+")


def player_of(stem: str) -> str:
    """Who plays, from a file's name; "" when it does not say.

    >>> player_of("cello01_500"), player_of("double_bass_03_0100_x"), player_of("0001")
    ('cello01', 'double_bass_03', '')
    """
    found = _PLAYER.fullmatch(stem)
    return found[1].lower() if found else ""


def read_sub_urmp(folder: Path) -> PairedSet:
    """Pair the pictures and sounds of a Sub-URMP folder; nothing is decoded.

    Returns:
        pairs in the splits "train", "val" (the end of each player's training part) and "test" (the set's validation part).

    Raises:
        InputError: no such folder, nothing in it, an instrument without pictures or without sounds, or names that do not pair.
    """
    report = Report(things="pairs")
    pictures, sounds = media_files(folder, NAMES, report, "Sub-URMP")
    by_name: dict[tuple[str, str, str], MediaFile] = {}
    for sound in sounds:
        by_name.setdefault(_key(sound), sound)
    items: list[PairedItem] = []
    paired = set()
    for picture in pictures:
        key = _key(picture)
        if key not in by_name or key in paired:  # a second picture of the name, a png beside the jpg, has no sound of its own
            report.drop(NO_SOUND, picture.path.name)
            continue
        paired.add(key)
        items.append(
            PairedItem(picture.kind, picture.split or "train", picture.path, by_name[key].path, player_of(picture.path.stem))
        )
    for sound in sounds:
        if _key(sound) not in paired:
            report.drop(NO_PICTURE, sound.path.name)
    if not items:
        raise InputError(
            f"No picture in {folder.name} has the name of a sound of the same instrument and split ({pictures[0].path.name} and "
            f"{sounds[0].path.name} are the first); a pair must have one name, such as cello01_500.jpg and cello01_500.wav."
        )
    items = _hold_out_ends(items, report)
    return PairedSet("sub-urmp", tuple(items), report, squeezed=True, notes=_notes(items))


def _key(file: MediaFile) -> tuple[str, str, str]:
    return file.split, file.kind, file.path.stem.lower()


def _hold_out_ends(items: list[PairedItem], report: Report) -> list[PairedItem]:
    """The last training pairs of each player become validation; those that share sound with them are left out."""
    groups: dict[tuple[str, str], list[PairedItem]] = {}
    for item in items:
        if item.split == "train":
            groups.setdefault((item.kind, item.player), []).append(item)
    held: dict[PairedItem, str] = {}
    for group in groups.values():
        if len(group) < LEAST_FOR_VAL:
            continue
        group.sort(key=lambda item: natural(item.picture.stem))
        first = len(group) - round(VAL_SHARE * len(group))
        held |= dict.fromkeys(group[first:], "val") | dict.fromkeys(group[first - OVERLAPPING : first], "")
    for item, split in held.items():
        if not split:
            report.drop(OVERLAPS, item.picture.name)
    return [replace(item, split=held.get(item, item.split)) for item in items if held.get(item, item.split)]


def natural(name: str) -> tuple:
    """Key that sorts ``cello01_900`` before ``cello01_1000``."""
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", name))


def _notes(items: list[PairedItem]) -> tuple[str, ...]:
    notes = []
    nameless = [item.picture.name for item in items if not item.player]
    if nameless:
        notes.append(
            f"{len(nameless)} names such as {nameless[0]} do not say who plays: any other pair of the instrument counts as another pose."
        )
    if all(item.split != "test" for item in items):
        notes.append("There is no validation or test folder, so nothing is held out for a test.")
    return tuple(notes)
