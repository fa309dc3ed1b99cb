"""Pictures of players paired with short sounds of the same instrument: what the data sets of Deep Cross-Modal Audio-Visual Generation
come down to, whichever folders they lie in.

    from avdemo.corpora.sub_urmp import read_sub_urmp
    pairs = read_sub_urmp(Path("Sub-URMP"))
    print(pairs.sentence())
    frame, wav = pairs.picture(0, 64), pairs.wav(0, 24_000)
    wrong = pairs.partners.other_instrument(0, rng), pairs.partners.same_instrument(0, rng)

:mod:`avdemo.corpora.pack_paired` packs them, so that training decodes nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from avdemo.corpora.video_lists import SPLIT_NAMES, SPLITS, Report
from avdemo.errors import InputError

CHUNK_S = 0.5  # of sound beside one picture (paper, section 4)
READ_S = 600.0  # of a recording that are used at most
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac"}
#: Folders that say what kind of file is in them, not which instrument.
MEDIUM_FOLDERS = {"img", "imgs", "image", "images", "photo", "photos", "picture", "pictures", "frame", "frames"}
MEDIUM_FOLDERS |= {"chunk", "chunks", "audio", "audios", "sound", "sounds", "recording", "recordings", "wav", "wavs", "music"}
NO_SOUND, NO_PICTURE, NO_CLASS = "without a sound", "without a picture", "in no folder of an instrument"


@dataclass(frozen=True)
class PairedItem:
    """One picture and the sound that belongs to it."""

    kind: str  # instrument
    split: str  # "train" | "val" | "test"
    picture: Path
    sound: Path
    player: str = ""  # who is seen or heard, "" where nothing says
    begins_s: float = 0.0  # where in the file the sound begins


class Partners:
    """Which sounds an item is mismatched with (paper, section 3: another instrument; or the same by another player or in another pose).

    Args:
        kinds, splits, players: of each item; partners are of the item's own split.
    """

    def __init__(self, kinds: Sequence[str], splits: Sequence[str], players: Sequence[str]):
        self._of = list(zip(splits, kinds, players, strict=True))
        self._items: dict[str, dict[str, dict[str, list[int]]]] = {}  # split -> kind -> player -> numbers
        for number, (split, kind, player) in enumerate(self._of):
            self._items.setdefault(split, {}).setdefault(kind, {}).setdefault(player, []).append(number)

    def other_instrument(self, number: int, rng: np.random.Generator) -> int:
        """Number of an item of another instrument; each instrument is as likely, however many items it has.

        Raises:
            InputError: the split has one instrument only.
        """
        split, kind, _ = self._of[number]
        others = [other for other in self._items[split] if other != kind]
        if not others:
            raise InputError(f"The {split} split has no instrument besides {kind}; a mismatch needs two.")
        players = self._items[split][others[rng.integers(len(others))]]
        return _any([n for numbers in players.values() for n in numbers], rng)

    def same_instrument(self, number: int, rng: np.random.Generator) -> int:
        """Number of an item of the same instrument by another player or, where there is none, of the same player at another time.

        Raises:
            InputError: the split has no other item of the instrument.
        """
        split, kind, player = self._of[number]
        players = self._items[split][kind]
        others = [n for other, numbers in players.items() if other != player for n in numbers]
        others = others or [n for n in players[player] if n != number]
        if not others:
            raise InputError(f"The {split} split has only one picture and sound of {kind}; a mismatch needs two.")
        return _any(others, rng)


def packed_partners(folder: Path) -> Partners:
    """Whose sound each packed pair is mismatched with; numbers are those of the entries.

    Raises:
        InputError: the folder holds no packed pairs.
    """
    try:
        entries = json.loads((folder / "photos.json").read_text())
        return Partners(*([entry[key] for entry in entries] for key in ("instrument", "split", "player")))
    except (OSError, json.JSONDecodeError, KeyError) as error:
        raise InputError(
            f"The folder {folder.name} holds no packed pairs ({error}); pack Sub-URMP or INIS into it first."
        ) from error


def _any(numbers: Sequence[int], rng: np.random.Generator) -> int:
    return numbers[int(rng.integers(len(numbers)))]


@dataclass(frozen=True)
class PairedSet:
    """All pairs of a folder. ``report`` tells what was left out, ``notes`` are sentences on what a reader would not expect."""

    source: str  # "sub-urmp" | "inis"
    items: tuple[PairedItem, ...]
    report: Report
    seconds: float = CHUNK_S  # of each sound
    squeezed: bool = False  # pictures are squeezed into a square whole, instead of losing what is beside their middle
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.report.kept = dict(Counter(item.split for item in self.items))

    def __len__(self) -> int:
        return len(self.items)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The instruments, in the order of the alphabet."""
        return tuple(sorted({item.kind for item in self.items}))

    def counts(self) -> dict[str, dict[str, int]]:
        """Instrument -> split -> pairs, as in the paper's table of its data."""
        found = Counter((item.kind, item.split) for item in self.items)
        return {kind: {split: found[kind, split] for split in SPLITS} for kind in self.kinds}

    def sentence(self) -> str:
        """For a person: how many pairs there are, what was left out and why, and what else is worth knowing."""
        return " ".join([self.report.sentence(), *self.notes])

    @cached_property
    def partners(self) -> Partners:
        return Partners(*([getattr(item, name) for item in self.items] for name in ("kind", "split", "player")))

    def picture(self, number: int, size_px: int) -> np.ndarray:
        """Item ``number``'s picture: uint8 (size_px, size_px, 3).

        Raises:
            InputError: it cannot be read; the sentence names it.
        """
        from PIL import Image, ImageOps

        from avdemo.media import read_image

        image = Image.fromarray(read_image(self.items[number].picture, max_side=4 * size_px))
        side = (size_px, size_px)
        fitted = (
            image.resize(side, Image.Resampling.LANCZOS) if self.squeezed else ImageOps.fit(image, side, Image.Resampling.LANCZOS)
        )
        return np.asarray(fitted)

    def wav(self, number: int, sample_rate: int) -> np.ndarray:
        """Item ``number``'s sound: float32 (samples,) in [-1, 1] of exactly :attr:`seconds`, silent behind a shorter file's end.

        Raises:
            InputError: it cannot be read; the sentence names it.
        """
        from avdemo.media import fit_length

        item = self.items[number]
        begin = round(item.begins_s * sample_rate)
        whole = _decoded(item.sound, sample_rate)
        return np.array(fit_length(whole[:, begin:], round(self.seconds * sample_rate))[0])


@lru_cache(maxsize=2)  # the chunks of a recording are asked for one after the other
def _decoded(path: Path, sample_rate: int) -> np.ndarray:
    from avdemo.media import read_audio

    wav = read_audio(path, sample_rate, mono=True, max_seconds=READ_S)
    wav.setflags(write=False)
    return wav


@dataclass(frozen=True)
class MediaFile:
    """A picture or a sound of a data set; ``split`` is "" where no folder says one."""

    path: Path
    kind: str
    split: str


def plain(name: str) -> str:
    """A folder's name as names are compared: ``Double Bass`` -> ``double_bass``."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def media_files(folder: Path, names: Mapping[str, str], report: Report, what: str) -> tuple[list[MediaFile], list[MediaFile]]:
    """All pictures and all sounds below a folder, in order of their names.

    Folders on the way say the medium (``img``, ``chunk``...), the split and the instrument, in any order; a folder of a name not in
    ``names`` is an instrument of that name. A held-out split that is called validation and is the only one counts as the test, as in
    the paper's tables.

    Args:
        names: what a folder may be called, as :func:`plain` writes it -> instrument.
        what: the data set's name, for sentences.

    Raises:
        InputError: no such folder, no pictures or no sounds in it, or an instrument that has only one of both.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder named {folder.name}; give the folder of {what}.")
    found: dict[bool, list[MediaFile]] = {True: [], False: []}
    root = _inner(folder, names)
    for path in sorted(root.rglob("*")):
        suffix, parts = path.suffix.lower(), path.relative_to(root).parts
        if suffix not in PICTURES | SOUNDS or any(part.startswith((".", "__")) for part in parts):
            continue
        file = _placed(path, parts[:-1], names)
        if file.kind:
            found[suffix in PICTURES].append(file)
        else:
            report.drop(NO_CLASS, path.name)
    pictures, sounds = found[True], found[False]
    for files, thing in ((pictures, "pictures"), (sounds, "sounds")):
        if not files:
            raise InputError(
                f"There are no {thing} of instruments in {folder.name}; give the folder of {what}, with one folder for each."
            )
    seen, heard = ({file.kind for file in files} for files in (pictures, sounds))
    for kind in sorted(seen ^ heard):
        has, lacks = ("pictures", "sounds") if kind in seen else ("sounds", "pictures")
        raise InputError(f"The instrument {kind} in {folder.name} has {has} but no {lacks}; add them, or take its folder away.")
    return _with_test(pictures), _with_test(sounds)


def _inner(folder: Path, names: Mapping[str, str]) -> Path:
    """Past folders that hold nothing but one folder of some other name: what unpacking makes."""
    while True:
        inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__"))]
        if len(inside) != 1 or not inside[0].is_dir() or plain(inside[0].name) in {*SPLIT_NAMES, *MEDIUM_FOLDERS, *names}:
            return folder
        folder = inside[0]


def _placed(path: Path, folders: Sequence[str], names: Mapping[str, str]) -> MediaFile:
    called = [plain(name) for name in folders]
    split = next((SPLIT_NAMES[name] for name in called if name in SPLIT_NAMES), "")
    rest = [name for name in called if name not in SPLIT_NAMES and name not in MEDIUM_FOLDERS]
    kind = next((names[name] for name in rest if name in names), rest[0] if rest else "")
    return MediaFile(path, kind, split)


def _with_test(files: list[MediaFile]) -> list[MediaFile]:
    splits = {file.split for file in files}
    if "val" not in splits or "test" in splits:
        return files
    return [replace(file, split="test") if file.split == "val" else file for file in files]
