"""What an evaluation asks: clips of speakers whom no training saw, a photo of each, and somebody else's speech for the control."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avdemo.corpora.lip_pack import Clip, LipPack
from avdemo.corpora.lips_data import SAMPLES_PER_FRAME
from avdemo.corpora.pack_lips import pack, read_speakers
from avdemo.errors import InputError
from avdemo.lips.config import LipsConfig

SEED = 5
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Sizes:
    """``clips``: of each speaker at most, None for all; ``every``: one frame in so many is looked at for likeness and sharpness."""

    clips: int | None = None
    every: int = 4

    @classmethod
    def quick(cls) -> Sizes:
        return cls(clips=3, every=6)


@dataclass(frozen=True)
class Asked:
    """A clip as it is asked about.

    ``frames`` (T, S, S, 3) uint8 and ``points`` (T, 20, 2) px are the truth, ``photo`` (S, S, 3) one of the frames, ``speech`` and ``foreign``
    (640 T,) float32 its own speech and that of another speaker.
    """

    clip: Clip
    frames: np.ndarray
    points: np.ndarray
    photo: np.ndarray
    speech: np.ndarray
    foreign: np.ndarray


def open_pack(data: Path, work: Path, *, packed: Path | None = None, progress: Progress | None = None) -> LipPack:
    """The packed clips: ``packed`` or ``data`` itself when it is a pack, else a pack of the held-out clips made below ``work``, once.

    Raises:
        InputError: there is neither, or no clip is held out.
    """
    folder = packed or data
    if not (folder / "packed.json").is_file():
        if packed is not None:
            raise InputError(f"The folder {packed.name} holds no packed.json; give a folder that training has packed completely.")
        source = data / "lips" if (data / "lips" / "index.csv").is_file() else data
        clips = read_speakers(source)
        kept = tuple(clip for clip in clips.clips if clip.split == "test")
        if not kept:
            raise InputError(
                f"No clip in {source.name} is held out for a test; an evaluation needs speakers whom training never saw."
            )
        folder = work / f"lips-test-{hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:10]}"
        if not (folder / "packed.json").is_file():
            pack(replace(clips, clips=kept), folder, progress=progress)
    return LipPack(folder)


def read_test(pack: LipPack, config: LipsConfig, sizes: Sizes) -> list[Asked]:
    """Held-out clips, the photo of each at a random place, the same in every run.

    Raises:
        InputError: frames are of another size than the network's, or there are not two speakers to swap speech between.
    """
    if pack.size_px != config.size:
        raise InputError(
            f"The packed clips are {pack.size_px} px wide and this checkpoint makes {config.size} px; pack them anew."
        )
    by_speaker: dict[str, list[Clip]] = {}
    for clip in pack.of("test"):
        if clip.frames >= config.frames and clip.has_points:
            by_speaker.setdefault(clip.speaker, []).append(clip)
    if len(by_speaker) < 2:
        raise InputError("The evaluation needs held-out clips with mouth points of at least two speakers.")
    clips = [
        group[i]
        for _, group in sorted(by_speaker.items())
        for i in np.sort(_rng(len(group)).permutation(len(group))[: sizes.clips])
    ]
    return [_asked(pack, clip, _stranger(clip, clips)) for clip in clips]


def _rng(*key: int) -> np.random.Generator:
    return np.random.default_rng([SEED, *key])


def _stranger(clip: Clip, clips: Sequence[Clip]) -> Clip:
    """Another speaker's clip."""
    others = [other for other in clips if other.speaker != clip.speaker]
    return others[int(_rng(clip.number, 1).integers(len(others)))]


def _asked(pack: LipPack, clip: Clip, stranger: Clip) -> Asked:
    frames = np.asarray(pack.frames[clip.place])
    photo = frames[int(_rng(clip.number, 2).integers(clip.frames))]
    foreign = np.resize(pack.wav(stranger), clip.frames * SAMPLES_PER_FRAME)  # from its beginning again where it is shorter
    return Asked(clip, frames, pack.points[clip.place], photo, pack.wav(clip), foreign)
