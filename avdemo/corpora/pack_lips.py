"""Mouth videos to packed arrays, so that training decodes nothing.

    python -m avdemo.corpora.pack_lips DATA OUT [--size 64] [--box X,Y,SIDE]

DATA is the folder of mouth crops with ``index.csv``, or GRID, or LRW as published. OUT gets

- ``frames.npy``: uint8 RGB (N, S, S, 3), all frames of all clips one after the other, 25 a second
- ``points.npy``: float32 (N, 20, 2), mouth points in pixels of these frames, NaN where nobody knows them
- ``speech.npy``: int16 mono at 16 kHz, 640 samples for each frame
- ``clips.json``: a list of ``{"name", "source", "speaker", "split", "first", "frames", "spoken", "has_points", "lag", "lag_r"}``
- ``packed.json``: what was packed; written last, so that a folder that has it is complete.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from avdemo.corpora.grid import read_grid
from avdemo.corpora.lips_data import FPS, POINTS, SAMPLE_RATE, SAMPLES_PER_FRAME, LipClip, LipSet, read_lips
from avdemo.corpora.listed import exit_code
from avdemo.corpora.lrw import read_lrw
from avdemo.corpora.mouth_crops import FindMouth, MouthBox, cut, follow, into_crop
from avdemo.corpora.video_lists import Report
from avdemo.errors import AvdemoError, InputError

SIZE_PX = 64  # of the paper; the crops were about as large before they were enlarged to 96
LEAST_FRAMES = 16  # a window
UNREADABLE, SHORT, SILENT = "damaged or without sound", f"shorter than {LEAST_FRAMES} frames", "silent"
UNEVEN = "with another number of frames than landmarks"

Decoded = tuple[np.ndarray, np.ndarray, np.ndarray]  # frames (T, S, S, 3) uint8, points (T, 20, 2), speech (640 T,) int16


def read_speakers(folder: Path) -> LipSet:
    """Read a folder as what it is: mouth crops (an ``index.csv``), LRW (train, val and test folders of words), else GRID.

    Raises:
        InputError: it is none of them.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder named {folder.name}; give the folder of mouth crops, of GRID or of LRW.")
    if (folder / "index.csv").is_file():
        return read_lips(folder)
    if any(path.is_dir() for path in folder.glob("*/train")) or (folder / "lipread_mp4").is_dir():
        return read_lrw(folder)
    return read_grid(folder)


def pack(
    clips: LipSet, out: Path, size_px: int = SIZE_PX, *, find_mouth: FindMouth | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Report:  # fmt: skip
    """Decode all clips once; one clip is in memory at a time.

    Args:
        out: folder, made where it is missing.
        size_px: side of the packed crops.
        find_mouth: landmark detector for videos that are not crops yet; without it, their fixed box is cut.
        progress: called with the share done and a sentence.

    Returns:
        what was kept for what; left out are clips that cannot be decoded, are silent, or are too short.

    Raises:
        InputError: no clip can be used.
        StorageError: ``out`` cannot be written.
    """
    from avdemo.media import disk_guard

    report, entries, points, first = Report(things="clips"), [], [], 0
    with disk_guard(out / "frames.npy"):
        out.mkdir(parents=True, exist_ok=True)
        (out / "packed.json").unlink(missing_ok=True)  # what is there is about to change
        with (out / "frames.npy").open("w+b") as seen, (out / "speech.npy").open("w+b") as heard:
            _header(seen, np.uint8, (0, size_px, size_px, 3))
            _header(heard, np.int16, (0,))
            for number, clip in enumerate(clips.clips):
                if progress and number % 50 == 0:
                    progress(number / len(clips.clips), f"{number} of {len(clips.clips)} clips")
                decoded = _decode(clip, clips, size_px, find_mouth, report)
                if decoded is None:
                    continue
                frames, found, speech = decoded
                seen.write(frames.tobytes())
                heard.write(speech.tobytes())
                points.append(found)
                entries.append(_entry(clip, first, len(frames), bool(np.isfinite(found).all())))
                first += len(frames)
            if not entries:
                raise InputError(f"None of the {len(clips.clips)} clips can be used: {report.sentence()}")
            _header(seen, np.uint8, (first, size_px, size_px, 3))
            _header(heard, np.int16, (first * SAMPLES_PER_FRAME,))
        np.save(out / "points.npy", np.concatenate(points).astype(np.float32))
        (out / "clips.json").write_text(json.dumps(entries))
        for entry in entries:
            report.kept[entry["split"]] = report.kept.get(entry["split"], 0) + 1
        about = {
            "source": clips.source, "size_px": size_px, "fps": FPS, "sample_rate": SAMPLE_RATE, "frames": first, "clips": report.kept,
            "speakers": {split: len({e["speaker"] for e in entries if e["split"] == split}) for split in report.kept},
            "read": clips.sentence(), "packed": report.sentence(),
        }  # fmt: skip
        (out / "packed.json").write_text(json.dumps(about, indent=1))
    return report


def _header(file: BinaryIO, dtype: type, shape: tuple[int, ...]) -> None:
    """(Re)write the header at the file's beginning; npy pads it, so that a longer number of frames fits where a shorter one stood."""
    file.seek(0)
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    )


def _entry(clip: LipClip, first: int, frames: int, has_points: bool) -> dict:
    begin_s, end_s = clip.spoken_s or (0.0, frames / FPS)
    spoken = [max(0, int(begin_s * FPS)), min(frames, int(np.ceil(end_s * FPS)))]
    return {
        "name": clip.name, "source": clip.source, "speaker": clip.speaker, "split": clip.split, "first": first, "frames": frames,
        "spoken": spoken, "has_points": has_points, "lag": clip.lag, "lag_r": clip.lag_r,
    }  # fmt: skip


def _decode(clip: LipClip, clips: LipSet, size_px: int, find_mouth: FindMouth | None, report: Report) -> Decoded | None:
    from avdemo.media import fit_length, frame_times, is_silent, iter_frames, read_audio

    try:
        shown = frame_times(clip.path)
        step = float(np.median(np.diff(shown))) if len(shown) > 1 else 0.0
        count = round((shown[-1] + step) * FPS)
        if count < LEAST_FRAMES:
            report.drop(SHORT, clip.name)
            return None
        wav = fit_length(read_audio(clip.sound or clip.path, SAMPLE_RATE, mono=True), count * SAMPLES_PER_FRAME)
        if is_silent(wav):
            report.drop(SILENT, clip.name)
            return None
        times = (np.arange(count) + 0.5) / FPS  # the middle of each frame: no rounding shows its neighbour
        if clips.cropped:
            frames = np.stack(list(iter_frames(clip.path, times, size=(size_px, size_px))))
            width = frame_width(clip.path)
        else:
            whole = list(iter_frames(clip.path, times))
    except AvdemoError:
        report.drop(UNREADABLE, clip.name)
        return None
    if not clips.cropped:
        frames, points = _crop(whole, clips.box, size_px, find_mouth)
    elif clip.points is None:
        points = np.full((count, POINTS, 2), np.nan, np.float32)
    elif len(clip.points) == count:
        points = clip.points * (size_px / width)
    else:
        report.drop(UNEVEN, clip.name)
        return None
    return frames, points, np.round(np.clip(wav[0], -1, 1) * 32767).astype(np.int16)


def frame_width(path: Path) -> int:
    """Pixels from left to right of a video's upright frames."""
    from avdemo.media import probe

    return probe(path).width


def _crop(whole: list[np.ndarray], box: MouthBox, size_px: int, find_mouth: FindMouth | None) -> tuple[np.ndarray, np.ndarray]:
    """Frames of a face video to crops and points in them; without landmarks the fixed box and NaN."""
    height, width = whole[0].shape[:2]
    points = np.full((len(whole), POINTS, 2), np.nan, np.float32)
    boxes = None
    if find_mouth is not None:
        for number, frame in enumerate(whole):
            found = find_mouth(frame)
            if found is not None:
                points[number] = found
        boxes = follow(points, width, height)
    if boxes is None:
        boxes, points[:] = [box] * len(whole), np.nan
    crops = np.stack([cut(frame, b, size_px) for frame, b in zip(whole, boxes, strict=True)])
    return crops, np.stack([into_crop(p, b, width, height, size_px) for p, b in zip(points, boxes, strict=True)])


def parse_box(text: str) -> MouthBox:
    """ "0.44,0.74,0.28" -> a box.

    Raises:
        InputError: not three numbers in [0, 1].
    """
    try:
        x, y, side = (float(part) for part in text.split(","))
    except ValueError:
        x = y = side = float("nan")
    if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < side <= 1):
        raise InputError(f"The box {text!r} is not three shares; give its middle from the left and the top and its side, as 0.44,0.74,0.28.")
    return MouthBox(x, y, side)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m avdemo.corpora.pack_lips", description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of mouth crops, of GRID or of LRW")
    parser.add_argument("out", type=Path, help="folder for the packed arrays")
    parser.add_argument("--size", type=int, default=SIZE_PX, help="side of the crops in pixels (default %(default)s)")
    parser.add_argument("--box", metavar="X,Y,SIDE", help="fixed mouth box for GRID or LRW: shares of width, height, height")
    options = parser.parse_args(arguments)

    def work() -> None:
        clips = read_speakers(options.data)
        if options.box:
            clips = replace(clips, box=parse_box(options.box))
        print(clips.sentence(), file=sys.stderr)
        report = pack(clips, options.out, options.size, progress=lambda share, text: print(f"{share:.0%} {text}", file=sys.stderr))
        print(report.sentence(), file=sys.stderr)

    return exit_code(work, options.out)


if __name__ == "__main__":
    sys.exit(main())
