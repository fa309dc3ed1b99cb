"""LRW, Lip Reading in the Wild (Chung & Zisserman 2016): 500 words cut from BBC broadcasts, 29 frames each with the word in the middle.

As published (https://www.robots.ox.ac.uk/~vgg/data/lip_reading/lrw1.html)::

    lipread_mp4/ABOUT/train/ABOUT_00001.mp4     256 x 256, 25 frames a second, with sound, the face in the middle
    lipread_mp4/ABOUT/train/ABOUT_00001.txt     among others "Duration: 0.29 seconds", of the word
    lipread_mp4/ABOUT/val/...                   lipread_mp4/ABOUT/test/...

Speakers have no names, so every clip counts as one of its own, and nobody can say that a speaker of the test was not met in training. The
clips are cut from running speech: people talk before and behind the word, and the whole clip counts as spoken.

**The mouth.** With a landmark detector (:data:`avdemo.corpora.mouth_crops.FindMouth`) every clip is framed and levelled by its own mouth.
Without one all share the fixed box :data:`BOX`, rows 115-211 and columns 79-175, which most lip-reading code uses.
"""

from __future__ import annotations

from pathlib import Path

from avdemo.corpora.lips_data import LipClip, LipSet
from avdemo.corpora.mouth_crops import MouthBox
from avdemo.corpora.video_lists import SPLIT_NAMES, SUFFIXES, Report
from avdemo.errors import InputError

BOX = MouthBox(127 / 256, 163 / 256, 96 / 256)
NO_SPLIT = "in no train, val or test folder"


def read_lrw(folder: Path) -> LipSet:
    """Find LRW's clips; nothing is decoded.

    Raises:
        InputError: no such folder, or no clips in it.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder named {folder.name}; give the folder lipread_mp4 of LRW.")
    report, clips = Report(things="clips"), []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        split = SPLIT_NAMES.get(path.parent.name.lower(), "")
        if not split:
            report.drop(NO_SPLIT, path.name)
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        clips.append(LipClip(name, path, "lrw", path.stem, split))
    if not clips:
        raise InputError(f"There are no videos in train, val or test folders in {folder.name}; give the folder lipread_mp4 of LRW.")
    return LipSet("lrw", tuple(clips), report, cropped=False, box=BOX, notes=("Nobody knows which clips show the same speaker.",))
