"""MUSIC-style index files: read and checked, packed to arrays, drawn from by video.

Each row names a sound, a folder of frames and how many frames there are, as the index files of The Sound of Pixels do::

    audio/flute/M3dekVSwNjY.mp3,frames/flute/M3dekVSwNjY.mp4,1480

The frames are ``000001.jpg`` and on, eight for each second of video; the sound is wav or mp3, at 11,025 Hz or converted to it.
Nothing says what plays: training is self-supervised.

Packing decodes everything once (PyAV and Pillow), so that training reads arrays alone: ``music_sounds.bin`` (int16, mono, one
video after the other), ``music_frames.bin`` (uint8 RGB) and ``music.json``, which is written last and so says that the others are
whole.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.errors import InputError, StorageError

FRAME_RATE = 8.0  # stored frames per second
SHORT_SIDE = 256  # px of packed frames; training crops 224 of them
KEEP_EVERY = 8  # of the stored frames one each second is packed: the frames of a training window lie 3 s apart
MIN_SECONDS = 20.0  # shorter videos are left out of the released index files, too
LENGTHS_AGREE = 0.1  # sound and frames of one video may differ by this share of the longer (and by 2 s)
SILENT_PEAK = 1e-3
NAMED_ROWS = 5  # how many bad rows a sentence names


@dataclass(frozen=True)
class MusicRow:
    """One video of an index file."""

    audio: Path
    frames: Path  # folder
    count: int
    line: int  # in the index file, from 1

    @property
    def video(self) -> str:
        """What the video is known by: the split keeps rows of one video together."""
        return self.audio.stem

    def frame(self, number: int) -> Path:
        """Path of frame ``number``, from 1."""
        return self.frames / f"{number:06d}.jpg"


def read_index(index: Path) -> list[MusicRow]:
    """Every row of an index file, checked; relative paths start at the index's folder or at the one above it.

    Raises:
        InputError: no such file, no rows, or rows that cannot be used: one sentence names them and says why.
    """
    try:
        with index.open(newline="", encoding="utf-8") as file:
            lines = [(number, row) for number, row in enumerate(csv.reader(file), 1) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"The index {index.name} cannot be read ({error}); give a CSV file of sounds, frame folders and counts."
        ) from error
    if lines and _is_header(lines[0][1]):
        lines = lines[1:]
    if not lines:
        raise InputError(f"The index {index.name} holds no rows; each must name a sound, a folder of frames and their number.")
    rows, bad = [], []
    seen: dict[Path, int] = {}
    for number, cells in lines:
        row, trouble = _check(index.parent, number, [cell.strip() for cell in cells])
        if row is not None and row.audio in seen:
            trouble = f"the same sound as line {seen[row.audio]}"
        if row is None or trouble:
            bad.append(f"line {number} ({trouble})")
        else:
            seen[row.audio] = number
            rows.append(row)
    if bad:
        some = ", ".join(bad[:NAMED_ROWS]) + (f" and {len(bad) - NAMED_ROWS} more" if len(bad) > NAMED_ROWS else "")
        raise InputError(f"The index {index.name} has rows that cannot be used: {some}; correct or remove them.")
    return rows


def _is_header(cells: Sequence[str]) -> bool:
    return len(cells) == 3 and not any(c.isdigit() for c in cells[2]) and "." not in cells[0] and "/" not in cells[0]


def _check(folder: Path, line: int, cells: list[str]) -> tuple[MusicRow | None, str]:
    """The row, or None and what is wrong with it."""
    if len(cells) != 3:
        return None, f"{len(cells)} fields instead of 3"
    if not cells[2].isdecimal():
        return None, f"{cells[2]!r} is not a number of frames"
    audio, frames = (_find(folder, cell) for cell in cells[:2])
    if audio is None or not audio.is_file():
        return None, f"no sound {Path(cells[0]).name}"
    if frames is None or not frames.is_dir():
        return None, f"no folder of frames {Path(cells[1]).name}"
    row = MusicRow(audio, frames, int(cells[2]), line)
    if row.count < MIN_SECONDS * FRAME_RATE:
        return None, f"{row.count} frames, under the {MIN_SECONDS * FRAME_RATE:.0f} of {MIN_SECONDS:.0f} s"
    for number in (1, row.count):
        if not row.frame(number).is_file():
            return None, f"{row.frame(number).name} is not in {row.frames.name}"
    return row, ""


def _find(folder: Path, name: str) -> Path | None:
    return next((place for place in (folder / name, folder.parent / name) if name and place.exists()), None)


def digest(index: Path) -> str:
    """What tells one index file from another: its sha256."""
    return hashlib.sha256(index.read_bytes()).hexdigest()


def pack_music(
    index: Path, out: Path, *, sample_rate: int = 11_025, short_side: int = SHORT_SIDE, keep_every: int = KEEP_EVERY,
    progress: Callable[[float, str], None] | None = None,
) -> int:  # fmt: skip
    """Decode all videos of an index into ``out``; one video is in memory at a time.

    Args:
        sample_rate: Hz of the packed sounds.
        short_side: px of the packed frames.
        keep_every: packs frames 1, 1 + keep_every, ...

    Returns:
        how many videos were packed.

    Raises:
        InputError: a row, a sound or a frame that cannot be used; the sentence names it.
        StorageError: ``out`` cannot be written.
    """
    rows = read_index(index)
    videos, sample, byte = [], 0, 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "music.json").unlink(missing_ok=True)  # what is there is about to change
        with (out / "music_sounds.bin").open("wb") as sounds, (out / "music_frames.bin").open("wb") as frames:
            for number, row in enumerate(rows):
                if progress:
                    progress(number / len(rows), f"Packing {row.audio.name}")
                wav, first = _sound(row, sample_rate), None
                for picture in _frames(row, short_side, keep_every, index.name):
                    if first is not None and picture.shape != first:
                        where = f"{row.frames.name} (line {row.line} of {index.name})"
                        raise InputError(f"The frames in {where} differ in size; extract them anew.")
                    first = picture.shape
                    frames.write(picture.tobytes())
                kept = len(range(1, row.count + 1, keep_every))
                height, width = first[:2]
                sounds.write(np.round(np.clip(wav, -1, 1) * 32767).astype("<i2").tobytes())
                videos.append({"video": row.video, "start": sample, "length": len(wav), "frames_start": byte,
                               "frames": kept, "height": height, "width": width})  # fmt: skip
                sample, byte = sample + len(wav), byte + kept * height * width * 3
        about = {"index": index.name, "index_sha256": digest(index), "sample_rate": sample_rate, "frame_rate": FRAME_RATE,
                 "keep_every": keep_every, "videos": videos}  # fmt: skip
        (out / "music.json.part").write_text(json.dumps(about))
        os.replace(out / "music.json.part", out / "music.json")
    except OSError as error:
        raise StorageError(
            f"The packed videos cannot be written into {out.name} ({error.strerror or error}); make room or give another folder."
        ) from error
    return len(videos)


def _sound(row: MusicRow, sample_rate: int) -> np.ndarray:
    """Mono (samples,), checked: it must last as long as the frames and must not be silent."""
    from avdemo.media import read_audio

    seconds = row.count / FRAME_RATE
    wav = read_audio(row.audio, sample_rate, mono=True, max_seconds=2 * seconds)[0]
    lasts = len(wav) / sample_rate
    if abs(lasts - seconds) > max(2.0, LENGTHS_AGREE * max(lasts, seconds)):
        more = "over " if lasts > 1.99 * seconds else ""  # no more than that was read
        raise InputError(
            f"{row.audio.name} lasts {more}{lasts:.0f} s but its {row.count} frames {seconds:.0f} s; extract both from one video."
        )
    if np.abs(wav).max(initial=0.0) < SILENT_PEAK:  # decoded audio that was scaled twice looks like this
        raise InputError(f"{row.audio.name} is silent; remove line {row.line} from the index.")
    return wav


def _frames(row: MusicRow, short_side: int, keep_every: int, index_name: str) -> Iterator[np.ndarray]:
    """uint8 (H, W, 3), the short side of ``short_side`` pixels."""
    from PIL import Image

    from avdemo.media import read_image

    for number in range(1, row.count + 1, keep_every):
        path = row.frame(number)
        if not path.is_file():
            where = f"{row.frames.name} (line {row.line} of {index_name})"
            raise InputError(f"The frame {path.name} is not in {where}; extract the frames anew.")
        picture = Image.fromarray(read_image(path))
        scale = short_side / min(picture.size)
        size = tuple(max(short_side, round(side * scale)) for side in picture.size)
        yield np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def split_videos(videos: Sequence[str], seed: int, share: float = 0.2) -> set[str]:
    """Names of the videos held out for validation: the ``share`` that ``seed`` draws, at least two where there are four."""
    names = sorted(set(videos))
    count = max(round(share * len(names)), 2 if len(names) >= 4 else 1)
    order = np.random.default_rng([seed, 43]).permutation(len(names))
    return {names[i] for i in order[: min(count, len(names) - 1)]}


@dataclass(frozen=True)
class Solo:
    """One source of a mixture: what it sounds like and what shows it."""

    wav: np.ndarray  # (samples,) float32
    frames: np.ndarray  # (N, H, W, 3) uint8, of any size


class MusicSolos:
    """Packed videos, memory-mapped; split by video.

    Args:
        pack: folder that :func:`pack_music` filled.
        samples: of a window.
        frames: of a window.
        stride_s: seconds between two frames of a window.
        seed: decides which videos are held out.

    Raises:
        InputError: no pack there, packed at another rate, or too few videos.
    """

    def __init__(self, pack: Path, sample_rate: int, samples: int, frames: int, stride_s: float, seed: int = 0):
        try:
            about = json.loads((pack / "music.json").read_text())
        except (OSError, json.JSONDecodeError) as error:
            raise InputError(f"The folder {pack.name} holds no packed videos ({error}); pack an index first.") from error
        if about["sample_rate"] != sample_rate:
            was = about["sample_rate"]
            raise InputError(f"The videos in {pack.name} were packed at {was} Hz and {sample_rate} Hz is needed; pack them anew.")
        self.samples, self.frames, self.sample_rate, self.stride_s = samples, frames, sample_rate, stride_s
        self.kept_per_s = about["frame_rate"] / about["keep_every"]
        self.first_s = 0.5 / about["frame_rate"]  # the middle of the first frame's time on screen
        self.videos = about["videos"]
        self._sounds = np.memmap(pack / "music_sounds.bin", "<i2", "r")
        self._pixels = np.memmap(pack / "music_frames.bin", np.uint8, "r")
        held = split_videos([v["video"] for v in self.videos], seed)
        self._keys = {
            "train": [i for i, v in enumerate(self.videos) if v["video"] not in held],
            "val": [i for i, v in enumerate(self.videos) if v["video"] in held],
        }

    def keys(self, split: str) -> list[int]:
        """Numbers of the videos of ``"train"`` or ``"val"``."""
        return self._keys[split]

    def draw(self, key: int, split: str, rng: np.random.Generator) -> Solo:
        """A window from anywhere in video ``key``, with the frames around its middle; silent places are passed over."""
        for _ in range(8):
            solo = self._window(self.videos[key], rng)
            if np.abs(solo.wav).max() > SILENT_PEAK:
                break
        return solo

    def _window(self, video: dict, rng: np.random.Generator) -> Solo:
        reach = (self.frames - 1) / 2 * self.stride_s
        seconds = min(video["length"] / self.sample_rate, self.first_s + (video["frames"] - 1) / self.kept_per_s)
        margin = max(reach + self.first_s, self.samples / self.sample_rate / 2)
        # the middle is the time of a packed frame, so that with an odd number of frames each is exactly in its place
        low, high = (margin - self.first_s) * self.kept_per_s, (seconds - margin - self.first_s) * self.kept_per_s
        middle = int(rng.integers(int(np.ceil(low)), max(int(np.ceil(low)), int(high)) + 1))
        middle_s = self.first_s + middle / self.kept_per_s
        offsets = (np.arange(self.frames) - (self.frames - 1) / 2) * self.stride_s
        numbers = np.clip(np.round(middle + offsets * self.kept_per_s).astype(int), 0, video["frames"] - 1)
        size = video["height"] * video["width"] * 3
        starts = video["frames_start"] + numbers * size
        frames = np.stack([self._pixels[s : s + size].reshape(video["height"], video["width"], 3) for s in starts])
        first = max(0, round(middle_s * self.sample_rate) - self.samples // 2)
        begin, end = video["start"] + first, video["start"] + min(first + self.samples, video["length"])
        wav = np.asarray(self._sounds[begin:end], np.float32) / 32768
        return Solo(np.pad(wav, (0, self.samples - len(wav))), frames)
