"""VEGAS (Zhou et al. 2018): 28,109 cleaned AudioSet videos in ten folders, one a class; Visual to Sound's own data.

::

    DIR/baby_cry/VIDEO.mp4    DIR/.../rail_transport/videos/VIDEO.mp4    DIR/train/dog/VIDEO.mp4, DIR/test/dog/...

Any depth will do: the first folder that is named like a class says the kind. How the published archive names them is not known for
sure, so :data:`CLASSES` takes the usual spellings. Without split folders or lists, 128 videos of each kind are the test (the paper ranks
1,280 test sounds), chosen by their names alone. :mod:`avdemo.corpora.pack_foley` packs them with ``--vegas DIR``: about 3.3 MB for each
of 7 s, 90 GB for all.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from avdemo.corpora.foley_sounds import KINDS
from avdemo.corpora.video_folder import Progress, Video, scan_videos
from avdemo.corpora.video_lists import Report, find_videos
from avdemo.errors import InputError

CLASSES = {kind: kind for kind in KINDS} | {
    "baby": "baby_cry", "baby_crying": "baby_cry", "babycry": "baby_cry", "babycrying": "baby_cry", "chain_saw": "chainsaw",
    "dog_barking": "dog", "drums": "drum", "firework": "fireworks", "helicopters": "helicopter", "printers": "printer",
    "rail_transport": "rail", "railtransport": "rail", "rail_transportation": "rail", "snore": "snoring", "water_flowing": "water",
    "waterflowing": "water", "flowing_water": "water",
}  # fmt: skip
TEST_OF_A_KIND, VAL_OF_A_KIND = 128, 64
TEST_SHARE, VAL_SHARE = 0.1, 0.05  # of kinds too small for that
STRANGE = "of none of the ten kinds"


@dataclass(frozen=True)
class VegasVideo:
    video: Video
    kind: str  # one of KINDS
    split: str  # "train" | "val" | "test"


def kind_of(name: str) -> str | None:
    """Kind of a video by its path below the folder, None when no folder on it is named like a class.

    >>> kind_of("VEGAS/rail_transport/videos/a_00012.mp4"), kind_of("Water-Flowing/b.mp4"), kind_of("cat/dog.mp4")
    ('rail', 'water', None)
    """
    parts = (re.sub(r"[^a-z]+", "_", part.lower()).strip("_") for part in Path(name).parts[:-1])
    return next((CLASSES[part] for part in parts if part in CLASSES), None)


def vegas_videos(
    data: Path, *, memory: Path | None = None, progress: Progress | None = None
) -> tuple[list[VegasVideo], Report]:
    """Every video of the ten kinds that has sound, with its kind and split; the report says what was left out and why.

    Args:
        data: folder or list, see :mod:`avdemo.corpora.video_lists`.
        memory: keeps what was seen of the files, see :func:`avdemo.corpora.video_folder.scan_videos`.

    Raises:
        InputError: no videos of these kinds.
    """
    videos, report = scan_videos(data, memory=memory, progress=progress)
    given = {found.name: found.split for found in find_videos(data)}
    kinds = {video.name: kind_of(video.name) for video in videos}
    for video in videos:
        if kinds[video.name] is None:
            report.drop(STRANGE, video.name)
    known = [video for video in videos if kinds[video.name] is not None]
    if not known:
        raise InputError(f"None of the videos in {Path(data).name} lies in a folder named like one of {', '.join(KINDS)}.")
    if any(given.values()):
        splits = {video.name: video.split for video in known}
    else:
        splits = {}
        for kind in KINDS:
            splits |= _draw_splits([video for video in known if kinds[video.name] == kind])
    found = [VegasVideo(video, kinds[video.name], splits[video.name]) for video in known]
    report.kept = {split: sum(v.split == split for v in found) for split in ("train", "val", "test")}
    return found, report


def _draw_splits(videos: list[Video]) -> dict[str, str]:
    """Name -> split for the videos of one kind; what was cut from one source stays together."""
    sources = sorted({v.source for v in videos}, key=lambda s: hashlib.sha256(f"vegas {s}".encode()).hexdigest())
    test = min(TEST_OF_A_KIND, round(TEST_SHARE * len(sources)))
    val = min(VAL_OF_A_KIND, round(VAL_SHARE * len(sources)))
    place = {source: number for number, source in enumerate(sources)}
    return {v.name: "test" if place[v.source] < test else "val" if place[v.source] < test + val else "train" for v in videos}
