"""Frames and seconds of sound drawn from videos as Look, Listen and Learn draws them (sections 2 and 3.1), decoded on the fly.

A pair that corresponds is a random second of sound of a random video and a random frame that overlaps it in time. One that does
not is a random frame of one video and a random second of another. Half of all pairs correspond.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avdemo.corpora.video_folder import MIN_S, READ_S, Video
from avdemo.corpora.video_lists import SPLITS
from avdemo.errors import AvdemoError, InputError

CROP_OF = 224 / 256  # of a frame's shorter side
VOLUME = 0.1  # the loudness of a window changes by up to so much
BRIGHTNESS, SATURATION = 32 / 255, (0.5, 1.5)  # the paper says that there is jitter, not how much: TensorFlow's usual values
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
TRIES = 20  # videos in a row that cannot be decoded, before it is no accident
FULL_SCALE = 32767


@dataclass(frozen=True)
class Pair:
    """One frame, one window of sound, and whether they belong together."""

    frame: np.ndarray  # uint8 (S, S, 3) RGB
    wav: np.ndarray  # float32 (samples,) in [-1, 1]
    match: bool
    seen: Video
    heard: Video
    frame_s: float  # the frame is the one on screen then
    sound_s: float  # the window begins then; both in seconds from the video's first frame


class VideoPairs:
    """Pairs of videos, each decided by the seed, the split and its number alone; safe to use from several threads.

    Args:
        videos: from :func:`avdemo.corpora.video_folder.scan_videos`.
        sample_rate: Hz; 48,000 in the paper.
        samples: of a window; one second in the paper.
        frame_size: S in px; 224 in the paper, cut from frames whose shorter side is 256.
        cache_mb: decoded sounds that are kept, about one for each ten-second video at 48 kHz.

    Raises:
        InputError: the window is longer than the videos may be.
    """

    def __init__(
        self, videos: Sequence[Video], *, sample_rate: int = 48_000, samples: int = 48_000, frame_size: int = 224,
        seed: int = 0, cache_mb: float = 512.0,
    ):  # fmt: skip
        if samples / sample_rate > MIN_S - 0.05:
            raise InputError(
                f"A window of {samples / sample_rate:g} s does not fit into videos of {MIN_S} s; give a shorter one."
            )
        self.sample_rate, self.samples, self.frame_size, self.seed = sample_rate, samples, frame_size, seed
        # by source, so that all videos of one source stand in one block
        self.videos = {
            split: sorted((v for v in videos if v.split == split), key=lambda v: (v.source, v.name)) for split in SPLITS
        }
        self._sounds = _Shelf(round(cache_mb * 2**20))
        self._unusable: dict[str, str] = {}  # why a video's sound cannot be used: a fact about the file, whenever it is found out

    def require(self, split: str) -> None:
        """Raise InputError unless ``split`` has videos of two sources."""
        if len({v.source for v in self.videos[split]}) < 2:
            count = len(self.videos[split])
            raise InputError(
                f"The {split} split has {count} usable video{'s' * (count != 1)} of fewer than two different sources, and a pair that does "
                "not correspond needs two; give more videos."
            )

    def pair(self, split: str, number: int) -> Pair:
        """Pair ``number`` of ``split``: even numbers correspond, odd ones do not. Only "train" is jittered and cut at random.

        A video that turns out not to be decodable, or silent throughout, is replaced by another draw.

        Raises:
            InputError: too few videos, or many in a row that cannot be decoded.
        """
        from av import FFmpegError

        self.require(split)
        rng = np.random.default_rng([self.seed, SPLITS.index(split), number])
        trouble = ""
        for _ in range(TRIES):
            try:
                return self._draw(split, number % 2 == 0, rng)
            except (AvdemoError, FFmpegError, OSError, ValueError) as error:
                trouble = str(error)
        raise InputError(f"{TRIES} videos in a row of the {split} split cannot be used; check the folder. The last: {trouble}")

    def _draw(self, split: str, match: bool, rng: np.random.Generator) -> Pair:
        videos = self.videos[split]
        number = int(rng.integers(len(videos)))
        heard = videos[number]
        rate = self.sample_rate
        first, last = int(np.ceil(heard.start_s * rate)), int(heard.end_s * rate) - self.samples
        begin = int(rng.integers(first, last + 1))
        sound_s = begin / rate
        if match:
            seen, frame_s = heard, rng.uniform(sound_s, sound_s + self.samples / rate)
        else:
            seen = videos[self._other(videos, number, rng)]
            frame_s = rng.uniform(seen.start_s, seen.end_s)
        look = np.random.default_rng(rng.integers(2**63, size=2)) if split == "train" else None
        wav = self._sound(heard)[begin : begin + self.samples].astype(np.float32) / FULL_SCALE
        if look is not None:
            wav = np.clip(wav * np.float32(look.uniform(1 - VOLUME, 1 + VOLUME)), -1, 1)
        frame = prepare_frame(self._frame(seen, frame_s), self.frame_size, look)
        return Pair(frame, np.pad(wav, (0, self.samples - len(wav))), match, seen, heard, frame_s, sound_s)

    @staticmethod
    def _other(videos: Sequence[Video], number: int, rng: np.random.Generator) -> int:
        """Number of a video of another source; each is as likely."""
        source = videos[number].source
        first = last = number
        while first and videos[first - 1].source == source:
            first -= 1
        while last + 1 < len(videos) and videos[last + 1].source == source:
            last += 1
        block = last - first + 1
        return (last + 1 + int(rng.integers(len(videos) - block))) % len(videos)

    def _frame(self, video: Video, time_s: float) -> np.ndarray:
        from avdemo.media import read_frame

        return read_frame(video.path, time_s, short_side=round(self.frame_size / CROP_OF))

    def _sound(self, video: Video) -> np.ndarray:
        """int16 (samples of the first READ_S seconds,)."""
        from avdemo.media import read_audio, refuse_silence

        if video.name in self._unusable:
            raise InputError(self._unusable[video.name])
        wav = self._sounds.get(video.name)
        if wav is None:
            try:
                loud = read_audio(video.path, self.sample_rate, mono=True, max_seconds=READ_S)
                refuse_silence(loud, video.path.name)
            except (InputError, ValueError) as error:
                self._unusable[video.name] = str(error)
                raise
            wav = np.rint(loud[0] * FULL_SCALE).astype(np.int16)
            self._sounds.put(video.name, wav)
        return wav


def prepare_frame(frame: np.ndarray, side: int, rng: np.random.Generator | None) -> np.ndarray:
    """uint8 (H, W, 3), not smaller than ``side`` -> (side, side, 3).

    With ``rng`` a random place, flipped or not, brighter or darker, more or less colourful; without it the middle as it is.
    """
    room_y, room_x = frame.shape[0] - side, frame.shape[1] - side
    if rng is None:
        y, x = room_y // 2, room_x // 2
        return np.ascontiguousarray(frame[y : y + side, x : x + side])
    y, x = int(rng.integers(room_y + 1)), int(rng.integers(room_x + 1))
    cut = frame[y : y + side, x : x + side]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    colours = cut + np.float32(255 * rng.uniform(-BRIGHTNESS, BRIGHTNESS))
    grey = (colours @ LUMA)[..., None]
    colours = grey + np.float32(rng.uniform(*SATURATION)) * (colours - grey)
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)


class _Shelf:
    """Arrays by name up to a number of bytes; the one used longest ago makes room."""

    def __init__(self, limit: int):
        self.limit, self.size = limit, 0
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> np.ndarray | None:
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)

    def put(self, name: str, array: np.ndarray) -> None:
        with self._lock:
            if name in self._kept or array.nbytes > self.limit:
                return
            self._kept[name] = array
            self.size += array.nbytes
            while self.size > self.limit:
                self.size -= self._kept.popitem(last=False)[1].nbytes
