"""Which videos a folder or a list names, before anything is opened.

::

    DIR/train/CLASS/VIDEO.mp4, DIR/val/..., DIR/test/...          split folders, with or without folders of classes
    DIR/CLASS/VIDEO.mp4 (or DIR/VIDEO.mp4), DIR/train.csv, ...    list files beside the videos, one for each split
    DIR/CLASS/VIDEO.mp4 (or DIR/VIDEO.mp4)                        neither: no split is given
    LIST.txt (or a folder with nothing else to go by)             one path a line, from the list's folder or the one above

A list names a video by its path or by its name alone, with or without ending; a table with Kinetics' columns ``youtube_id``,
``time_start`` and ``time_end`` will do.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avdemo.corpora.clips import clip_files
from avdemo.errors import InputError

SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv", ".3gp", ".wmv", ".mpg", ".mpeg", ".ts"}
SPLITS = ("train", "val", "test")
MISSING, UNLISTED = "listed but not there", "not listed"
NAMED = 3  # how many files a report names of each kind

#: What a folder or list may be called -> split.
SPLIT_NAMES = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SPLIT_NAMES |= dict.fromkeys(("val", "valid", "validate", "validation"), "val")
_HEADERS = {"path", "file", "filename", "video", "video_id", "youtube_id", "name", "label", "id"}


@dataclass
class Report:
    """What became of the videos (or other ``things``) of a folder."""

    kept: dict[str, int] = field(default_factory=dict)  # split -> how many
    dropped: dict[str, list[str]] = field(default_factory=dict)  # why -> names of files
    things: str = "videos"

    def drop(self, why: str, name: str) -> None:
        self.dropped.setdefault(why, []).append(name)

    def sentence(self) -> str:
        """For a person: how many are used for what, how many are left out and why, with the first names of each kind."""
        total = sum(self.kept.values())
        uses = ", ".join(f"{self.kept.get(split, 0)} {split}" for split in SPLITS)
        said = f"{total} {self.things} can be used ({uses})"
        parts = []
        for why, names in self.dropped.items():
            more = ", ..." if len(names) > NAMED else ""
            parts.append(f"{len(names)} {why} ({', '.join(Path(n).name for n in names[:NAMED])}{more})")
        return f"{said}; left out: {', '.join(parts)}." if parts else f"{said}."


@dataclass(frozen=True)
class Found:
    """A file with a video's ending; ``split`` is "" where nothing says one."""

    path: Path
    name: str
    split: str = ""


def find_videos(data: Path, report: Report | None = None) -> list[Found]:
    """Every video of a folder or of a list, each once, in order of their names; what a list says in vain goes into ``report``.

    Raises:
        InputError: no such folder or list, or nothing in it.
    """
    data, report = Path(data), report if report is not None else Report()
    if data.is_file():
        found = _listed({"": [data]}, data.parent, [], report)
    elif not data.is_dir():
        raise InputError(f"There is no folder or list named {data.name}; give a folder of videos or a text file of their paths.")
    elif (home := _home_of_clips(data)) is not None:
        found = [Found(c.path, c.name, c.split) for c in clip_files(home)]
    else:
        videos = [path for path in sorted(data.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
        lists = _split_lists(data)
        if not videos and not lists and len(tables := _tables(data)) == 1:
            return find_videos(tables[0], report)  # the videos lie elsewhere
        found = _listed(lists, data, videos, report) if lists else _in_folders(data, videos, report)
    if not found:
        missing = len(report.dropped.get(MISSING, []))
        nothing = "it lists none" if data.is_file() else f"no file ends in {', '.join(sorted(SUFFIXES))}"
        why = f"none of the {missing} that are listed is there" if missing else nothing
        raise InputError(f"There are no videos in {data.name}: {why}; give a folder of videos or a list of their paths.")
    return sorted(found, key=lambda f: f.name)


def _home_of_clips(data: Path) -> Path | None:
    """The training data folder, when ``data`` is it or its ``clips``: those have a split of their own."""
    homes = (data, data.parent) if data.name == "clips" else (data,)
    return next((home for home in homes if (home / "clips" / "index.csv").is_file()), None)


def _in_folders(data: Path, videos: Sequence[Path], report: Report) -> list[Found]:
    names = [path.relative_to(data) for path in videos]
    tops = {name.parts[0] for name in names if len(name.parts) > 1}
    splits = {top: SPLIT_NAMES[top.lower()] for top in tops if top.lower() in SPLIT_NAMES}
    if len(set(splits.values())) < 2 and len(splits) < len(tops):
        splits = {}  # one class is called "train": those on rails
    found = []
    for name in names:
        if splits and name.parts[0] not in splits:  # beside the split folders: of no split
            report.drop(UNLISTED, name.as_posix())
        else:
            found.append(Found(data / name, name.as_posix(), splits.get(name.parts[0], "")))
    return found


def _tables(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in (".txt", ".csv") and p.is_file())


def _split_lists(folder: Path) -> dict[str, list[Path]]:
    """Files such as train.txt or kinetics_val.csv, by split."""
    lists: dict[str, list[Path]] = {}
    for path in _tables(folder):
        splits = {SPLIT_NAMES[word] for word in re.split(r"[^a-z]+", path.stem.lower()) if word in SPLIT_NAMES}
        if len(splits) == 1:
            lists.setdefault(splits.pop(), []).append(path)
    return lists


def _listed(lists: dict[str, list[Path]], folder: Path, videos: Sequence[Path], report: Report) -> list[Found]:
    """The videos that lists name; where no list is for training, those that no list names."""
    by_stem = {path.stem: path for path in reversed(videos)}
    found: dict[Path, Found] = {}
    for split in ("", "test", "val", "train"):  # a video in two lists is not trained on
        for candidates in (row for path in lists.get(split, []) for row in read_list(path)):
            path = next((p for c in candidates if (p := _resolve(c, folder, by_stem)) is not None), None)
            if path is None:
                report.drop(MISSING, candidates[0])
            else:
                found.setdefault(path, Found(path, _name(path, folder), split))
    rest = [path for path in videos if path not in found]
    if lists.keys() & {"", "train"}:
        for path in rest:
            report.drop(UNLISTED, _name(path, folder))
    else:
        found |= {path: Found(path, _name(path, folder), "train") for path in rest}
    return list(found.values())


def read_list(path: Path) -> Iterator[list[str]]:
    """For each line of a list what may name its video, the likeliest first.

    Raises:
        InputError: not a text file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            if path.suffix.lower() != ".csv":
                lines = [line.strip() for line in file]
                yield from ([line, line.rsplit(maxsplit=1)[0]] for line in lines if line and not line.startswith("#"))
                return
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The list {path.name} cannot be read ({error}); give a text file with a path in each line.") from error
    header = [cell.lower() for cell in rows[0]] if rows and _HEADERS & {c.lower() for c in rows[0]} else []
    for row in rows[1:] if header else rows:
        cells = dict(zip(header, row, strict=False))
        name, times = cells.get("youtube_id", ""), (cells.get("time_start", ""), cells.get("time_end", ""))
        cut = [f"{name}_{int(times[0]):06d}_{int(times[1]):06d}"] if all(t.isdecimal() for t in times) else []
        yield [*cut, name] if name else [cell for cell in row if cell]


def _resolve(text: str, folder: Path, by_stem: dict[str, Path]) -> Path | None:
    if not text or len(text) > 1000 or "\0" in text:
        return None
    named = Path(text)
    if named.suffix.lower() in SUFFIXES:
        direct = next((p for p in (folder / named, folder.parent / named) if p.is_file()), None)
        return direct or by_stem.get(named.stem)
    return by_stem.get(named.name)


def _name(path: Path, folder: Path) -> str:
    """By what the split is drawn: the same wherever the folder lies."""
    base = next((base for base in (folder, folder.parent) if path.is_relative_to(base)), None)
    return (path.relative_to(base) if base is not None else path).as_posix()
