"""Sub-URMP or INIS to packed arrays, so that training decodes nothing.

    python -m avdemo.corpora.pack_paired DATA OUT [--size 64] [--rate 24000]

``photos.npy`` and ``photos.json`` are as :mod:`avdemo.corpora.pack_photos` writes them, ``sounds.npy`` and ``sounds.json`` as
:mod:`avdemo.corpora.pack_sounds` does, with two more keys: "pair", the number that a picture shares with its sound, and "player".
Entry i of one list and entry i of the other are one pair. ``packed.json`` is written last, so a folder that has it is complete.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from avdemo.corpora.acoustics import to_target_level
from avdemo.corpora.inis import UNREADABLE, read_inis
from avdemo.corpora.listed import exit_code
from avdemo.corpora.paired_set import PairedSet
from avdemo.corpora.sub_urmp import read_sub_urmp
from avdemo.corpora.video_lists import Report
from avdemo.errors import InputError

SILENT = "with a silent sound"
SIZE_PX, SAMPLE_RATE = 64, 24_000  # of public re-implementations' pictures; of the networks' sounds


def read_paired(folder: Path) -> PairedSet:
    """Read a folder as what it is: Sub-URMP when one of its folders is called ``chunk``, else INIS.

    Raises:
        InputError: it is neither, or cannot be used.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder named {folder.name}; give the folder of Sub-URMP or INIS.")
    is_sub_urmp = any(path.is_dir() for path in folder.rglob("[cC]hunk"))
    return read_sub_urmp(folder) if is_sub_urmp else read_inis(folder)


def pack(
    paired: PairedSet, out: Path, size_px: int = SIZE_PX, sample_rate: int = SAMPLE_RATE, *,
    progress: Callable[[float, str], None] | None = None,
) -> Report:  # fmt: skip
    """Decode all pairs once; one pair is in memory at a time. Sounds are brought to the usual level of packed sounds.

    Args:
        out: folder, made where it is missing.
        size_px: side of the square pictures.
        sample_rate: Hz.
        progress: called with the share done and a sentence.

    Returns:
        what was kept for what; left out are pairs whose picture or sound cannot be read, or whose sound is silent.

    Raises:
        InputError: no pair can be read.
        StorageError: ``out`` cannot be written.
    """
    from avdemo.media import disk_guard

    report, players = Report(things="pairs"), {}
    photos, sounds = [], []
    pixels, samples = 4 * size_px**2, round(paired.seconds * sample_rate)
    with disk_guard(out / "photos.npy"):
        out.mkdir(parents=True, exist_ok=True)
        (out / "packed.json").unlink(missing_ok=True)  # what is there is about to change
        with (out / "photos.npy").open("wb") as seen, (out / "sounds.npy").open("wb") as heard:
            _header(seen, np.uint8, len(paired) * pixels)
            _header(heard, np.int16, len(paired) * samples)
            for number, item in enumerate(paired.items):
                if progress and number % 100 == 0:
                    progress(number / len(paired), f"{number} of {len(paired)} pairs")
                picture, wav = _read(paired, number, size_px, sample_rate, report)
                seen.write(picture.tobytes())  # zeros for a pair that is left out: every pair has its place
                heard.write(wav.tobytes())
                if not wav.any():
                    continue
                common = {"instrument": item.kind, "split": item.split, "pair": number, "player": item.player}
                photos.append(
                    common
                    | {"source": paired.source, "start": number * pixels, "height": size_px, "width": size_px, "cut": False}
                )
                group = players.setdefault((item.kind, item.player), len(players))
                sounds.append(common | {"kind": "recording", "group": group, "start": number * samples, "length": samples})
        if not photos:
            raise InputError(f"None of the {len(paired)} pairs can be used: {report.sentence()}")
        (out / "photos.json").write_text(json.dumps(photos))
        (out / "sounds.json").write_text(json.dumps(sounds))
        for entry in photos:
            report.kept[entry["split"]] = report.kept.get(entry["split"], 0) + 1
        about = {
            "source": paired.source, "kinds": paired.kinds, "size_px": size_px, "sample_rate": sample_rate, "seconds": paired.seconds,
            "pairs": report.kept, "counts": paired.counts(), "read": paired.sentence(), "packed": report.sentence(),
        }  # fmt: skip
        (out / "packed.json").write_text(json.dumps(about, indent=1))
    return report


def _header(file: BinaryIO, dtype: type, length: int) -> None:
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": (length,)}
    )


def _read(paired: PairedSet, number: int, size_px: int, sample_rate: int, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """RGBA picture (S, S, 4) uint8 and sound (samples,) int16; all zeros where the pair is left out."""
    from avdemo.media import is_silent

    picture = np.zeros((size_px, size_px, 4), np.uint8)
    nothing = np.zeros(round(paired.seconds * sample_rate), np.int16)
    item = paired.items[number]
    try:
        rgb, wav = paired.picture(number, size_px), paired.wav(number, sample_rate)
    except InputError:
        report.drop(UNREADABLE, item.picture.name)
        return picture, nothing
    if is_silent(wav[None]):
        report.drop(SILENT, item.sound.name)
        return picture, nothing
    picture[..., :3], picture[..., 3] = rgb, 255
    return picture, np.round(np.clip(to_target_level(wav), -1, 1) * 32767).astype(np.int16)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m avdemo.corpora.pack_paired", description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of Sub-URMP or INIS")
    parser.add_argument("out", type=Path, help="folder for the packed arrays")
    parser.add_argument("--size", type=int, default=SIZE_PX, help="side of the pictures in pixels (default %(default)s)")
    parser.add_argument("--rate", type=int, default=SAMPLE_RATE, help="samples of sound in a second (default %(default)s)")
    options = parser.parse_args(arguments)

    def work() -> None:
        paired = read_paired(options.data)
        print(paired.sentence(), file=sys.stderr)
        report = pack(
            paired,
            options.out,
            options.size,
            options.rate,
            progress=lambda share, text: print(f"{share:.0%} {text}", file=sys.stderr),
        )
        print(report.sentence(), file=sys.stderr)

    return exit_code(work, options.out)


if __name__ == "__main__":
    sys.exit(main())
