"""Folders of videos, as Kinetics-Sounds and Flickr-SoundNet lie on a disk: which can be used, and for what.

:mod:`avdemo.corpora.video_lists` says which layouts are understood, :mod:`avdemo.corpora.video_pairs` draws frames and sounds.
Nothing is decoded here: whether there is sound, and when, stands in the packets.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from avdemo.corpora.video_lists import MISSING, SPLITS, Found, Report, find_videos
from avdemo.errors import AvdemoError, InputError, StorageError

READ_S = 10.0  # only the beginning of each video is used, as for Flickr-SoundNet in the paper; clips of Kinetics last as long
MIN_S = 1.1  # seconds of picture with sound: a window of one second and somewhere to move it
VAL_SHARE = TEST_SHARE = 0.1
MIN_SOURCES_FOR_TEST = 20  # smaller folders without a split of their own have only train and val
CHUNK = 1024  # files looked at between two reports of progress
NO_SOUND, NO_PICTURES, SHORT, DAMAGED = "without sound", "without pictures", f"shorter than {MIN_S} s", "damaged"
_CUT = re.compile(r"(.+)_\d{5,6}_\d{5,6}|([\w-]{11})_\d{6}")  # NAME_START_END, or a YouTube name and START

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Video:
    """A video that can be used."""

    path: Path
    name: str  # path below the folder, with slashes
    source: str  # what it was cut from; two videos of one source are not "two different videos"
    split: str  # "train" | "val" | "test"
    start_s: float  # from here ...
    end_s: float  # ... to here there are picture and sound; seconds from the first frame, at most READ_S


def source_of(name: str) -> str:
    """What a file was cut from: names as Kinetics, AudioSet and VGGSound give them say so, others stand for themselves."""
    stem = Path(name).stem
    match = _CUT.fullmatch(stem)
    return (match[1] or match[2]) if match else name


def scan_videos(data: Path, *, memory: Path | None = None, progress: Progress | None = None) -> tuple[list[Video], Report]:
    """The videos with sound that last long enough, each with its split.

    Args:
        data: a folder or a list, see the module.
        memory: JSON file that keeps what was seen, so that a second scan looks only at new or changed files.

    Raises:
        InputError: no videos, or none that can be used.
    """
    report = Report()
    found = find_videos(data, report)
    known = _recall(memory)
    usable: list[tuple[Found, float, float]] = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for first in range(0, len(found), CHUNK):
            if progress:
                progress(first / len(found), f"Looking at video {first + 1} of {len(found)}")
            chunk = found[first : first + CHUNK]
            for video, seen in zip(chunk, pool.map(lambda f: _seen(f.path, known.get(str(f.path))), chunk), strict=True):
                known[str(video.path)] = seen
                _, _, why, start_s, end_s = seen
                if why:
                    report.drop(why, video.name)
                else:
                    usable.append((video, start_s, end_s))
            if memory is not None:
                _keep(memory, known)
    splits = fixed_splits((f.split, source_of(f.name)) for f, _, _ in usable)
    videos = []
    for f, start_s, end_s in usable:
        source = source_of(f.name)
        videos.append(Video(f.path, f.name, source, splits[f.split, source], start_s, end_s))
    report.kept = {split: sum(v.split == split for v in videos) for split in SPLITS}
    if not videos:
        raise InputError(f"None of the videos in {Path(data).name} can be used: {report.sentence()}")
    return videos, report


def _recall(memory: Path | None) -> dict[str, list]:
    try:
        known = json.loads(memory.read_text()) if memory is not None else {}
    except (OSError, ValueError):  # none yet, or damaged: everything is looked at again
        return {}
    return known if isinstance(known, dict) else {}


def _keep(memory: Path, known: dict[str, list]) -> None:
    part = memory.with_name(f"{memory.name}.{os.getpid()}.part")  # several processes may scan the same folder
    try:
        part.write_text(json.dumps(known))
        os.replace(part, memory)
    except OSError as error:
        raise StorageError(
            f"What is known of the videos cannot be written to {memory.name} ({error.strerror or error}); make room or choose another place."
        ) from error


def _seen(path: Path, before: list | None) -> list:
    """[bytes, time of change in ns, why it cannot be used or "", start_s, end_s]."""
    try:
        status = path.stat()
    except OSError:
        return [0, 0, MISSING, 0.0, 0.0]
    if before is not None and before[:2] == [status.st_size, status.st_mtime_ns]:
        return before
    return [status.st_size, status.st_mtime_ns, *_span(path)]


def _span(path: Path) -> tuple[str, float, float]:
    """Why a video cannot be used ("" when it can), and from when to when it has picture and sound."""
    from av import FFmpegError

    from avdemo.media.timeline import read_timeline

    try:
        timeline = read_timeline(path)
    except (AvdemoError, FFmpegError, OSError, ValueError):
        return DAMAGED, 0.0, 0.0
    video, audio = timeline.video, timeline.audio
    if video is None or audio is None:
        return (NO_PICTURES if video is None else NO_SOUND), 0.0, 0.0
    start_s = max(0.0, audio.start_s - video.start_s)
    end_s = min(READ_S, min(audio.end_s, video.end_s) - video.start_s)
    return (SHORT if end_s - start_s < MIN_S else ""), start_s, end_s


def fixed_splits(found: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(what the layout says or "", source) -> split. What is given stays; what is missing is drawn by the sources' names alone.

    Without any split a tenth of the sources is for validation and a tenth for testing; where the layout gives no validation, a
    tenth of the training. At least two sources, or there would be no "another video", as long as two remain.
    """
    keys = set(found)
    splits = {key: key[0] for key in keys}
    open_ones = {source for given, source in keys if not given}
    free = {source for given, source in keys if given in ("", "train")}
    if "val" not in splits.values():
        held = _hold_out(free, VAL_SHARE, "val")
        splits |= {key: "val" for key in keys if key[0] in ("", "train") and key[1] in held}
        if open_ones and len(open_ones) >= MIN_SOURCES_FOR_TEST:
            held = _hold_out(open_ones - held, TEST_SHARE / (1 - VAL_SHARE), "test")
            splits |= {key: "test" for key in keys if not key[0] and key[1] in held}
    return {key: split or "train" for key, split in splits.items()}


def _hold_out(sources: Iterable[str], share: float, salt: str) -> set[str]:
    """The sources whose place, a number in [0, 1) made from the name, lies below ``share``: more files do not move any."""
    places = {s: int(hashlib.sha256(f"{salt} {s}".encode()).hexdigest()[:8], 16) / 2**32 for s in sources}
    order = sorted(places, key=places.__getitem__)
    below = sum(place < share for place in places.values())
    return set(order[: min(max(below, 2), max(0, len(order) - 2))])
