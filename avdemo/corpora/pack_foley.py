"""All that the network of ``foley`` trains on, as packed arrays in one folder: ``python -m avdemo.corpora.pack_foley --data DIR --out DIR``.

- ``sounds.npy`` (int16 mono 16 kHz, flat) and ``sounds.json``: ``{"kind", "what", "split", "group", "source", "start", "length"}``;
  long recordings stay whole. The level is the recording's own: all of one group get one gain, that brings its peak into
  :data:`PEAKS`.
- ``photos.npy`` (uint8 RGBA, flat) and ``photos.json``: ``{"kind", "split", "source", "start", "height", "width", "cut"}``; of "cut"
  ones the alpha is 0 around the thing; kind "" is what makes none of the sounds: backgrounds and bystanders.
- ``clip_frames.npy`` (uint8 RGB :data:`CLIP_SIDE` px square, the middle of the picture, :data:`CLIP_FPS` a second),
  ``clip_flow.npy`` (float16, see :mod:`avdemo.media.motion`), ``clip_sounds.npy`` (int16) and ``clips.json``: real videos with their own
  sound, ``{"name", "kind", "split", "frames", "frame_start", "flow_start", "sound_start", "length"}``; kind "" is of none of the kinds.
- ``packed.json``: what was packed; written last, so that a folder that has it is complete.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora.clips import clip_files
from avdemo.corpora.everyday import everyday_photos
from avdemo.corpora.foley_sounds import CLIP_KINDS, CUT_IN_TIME, KINDS, USUAL, FoleySound, clip_split, foley_sounds
from avdemo.corpora.instruments import photo_files
from avdemo.corpora.made_printers import made_printer
from avdemo.corpora.pack_photos import Picture, cut_out_white
from avdemo.corpora.pair_photos import EMOJI, backgrounds
from avdemo.corpora.vegas import vegas_videos
from avdemo.errors import InputError
from avdemo.media.motion import GRID, flow

SAMPLE_RATE = 16_000  # Hz
PEAKS = (0.3, 0.9)  # the usual range of a recording's peak, of full scale
MAX_GAIN = 10.0  # a recording quieter than this can mend is noise
SILENT = 0.01  # what never gets louder is left out; a tenth of it is trimmed from both ends
PHOTO_SIDE = 176  # px, longest side
CLIP_SIDE, CLIP_FPS = 112, 12.5
CLIP_PHOTOS, OTHER_PHOTOS = 10, 6  # stills of each clip of the kinds, and of each other clip (backgrounds)
BYSTANDERS = 8  # photos of each instrument that is no drum
DRUM_LIKE = ("drums", "bongo", "steel_drum", "tambourine", "castanets", "cabasa", "maracas")
SIGNS = "\U0001f6bc\U0001f4a4"  # emoji that show a sign for a kind, not the thing
#: Clips in which the thing is to be seen only from one share of their time to another (or not at all).
SEEN = {
    "pictures_only/chainsaw/rewas_genaudio__0_generated_hedge_trimmer_running_25889.mp4": (0.0, 0.62),
    "pictures_only/chainsaw/rewas_genaudio__0_generated_chainsawing_trees_126825.mp4": (0.0, 0.0),
    "pictures_only/fireworks/rewas_genaudio__0_generated_fireworks_banging_12572.mp4": (0.55, 1.0),
    "drum/SpecVQGAN__D1NO38P8vqI_284000_294000.mp4": (0.0, 0.7), "other/v2a-mapper__baby-laugh_gt.mp4": (0.0, 0.0),
}  # fmt: skip
MADE_PRINTERS, MADE_SECONDS = 24, 11.0


@dataclass(frozen=True)
class FoleyPlan:
    """How much is made beside what the folder holds."""

    made_printers: int = MADE_PRINTERS
    backgrounds: int = 36
    emoji: bool = True  # needs Debian's fonts-noto-color-emoji


class FlatFile:
    """A one-dimensional ``.npy`` that grows by writing, however much it becomes."""

    def __init__(self, path: Path, dtype: type):
        self.dtype, self.size = np.dtype(dtype), 0
        self._file = path.open("wb")
        self._head()

    def _head(self) -> None:
        # NumPy leaves room in the header for the length to grow, so that writing it again moves nothing.
        head = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": (self.size,)}
        np.lib.format.write_array_header_1_0(self._file, head)

    def add(self, array: np.ndarray) -> int:
        """Append; returns where the array starts, in items."""
        start = self.size
        np.ascontiguousarray(array, self.dtype).tofile(self._file)
        self.size += array.size
        return start

    def close(self) -> None:
        self._file.seek(0)
        self._head()
        self._file.close()


def usual_gain(peak: float) -> float:
    """Factor that brings a recording's peak into :data:`PEAKS`; 1 inside it."""
    return float(np.clip(np.clip(peak, *PEAKS) / max(peak, 1e-9), 0, MAX_GAIN))


def trim(wav: np.ndarray, floor: float = 0.1 * SILENT) -> np.ndarray:
    """Without what is silent (digital padding, mostly) at both ends, but for 20 ms."""
    loud = np.flatnonzero(np.abs(wav) > floor)
    if not len(loud):
        return wav[:0]
    margin = SAMPLE_RATE // 50
    return wav[max(0, loud[0] - margin) : loud[-1] + margin]


def to_int16(wav: np.ndarray) -> np.ndarray:
    return np.round(np.clip(wav, -1, 1) * 32767).astype(np.int16)


def _read(sound: FoleySound) -> np.ndarray:
    from avdemo.media import read_audio

    wav = read_audio(sound.path, SAMPLE_RATE, mono=True, max_seconds=900)[0]
    end = None if sound.end_s is None else round(sound.end_s * SAMPLE_RATE)
    return wav[round(sound.begin_s * SAMPLE_RATE) : end]


def _sounds(data: Path, plan: FoleyPlan, seed: int) -> Iterator[tuple[dict, np.ndarray]]:
    """Entries without places, and float sounds; group after group, for the gain is the group's."""
    groups: dict[str, list[FoleySound]] = defaultdict(list)
    for sound in foley_sounds(data):
        groups[sound.group].append(sound)
    for group, sounds in groups.items():
        wavs = [_read(s) for s in sounds]
        gain = usual_gain(max(float(np.abs(w).max(initial=0)) for w in wavs))
        for sound, wav in zip(sounds, wavs, strict=True):
            wav = trim(wav * np.float32(gain))
            if np.abs(wav).max(initial=0) >= SILENT:
                yield {"kind": sound.kind, "what": sound.what, "split": sound.split, "group": group, "source": sound.source}, wav
    for number in range(plan.made_printers):
        wav = made_printer(np.random.default_rng([seed, 61, number]), MADE_SECONDS, SAMPLE_RATE)
        yield {"kind": "printer", "what": USUAL["printer"], "split": "train", "group": f"made/{number}", "source": "made"}, wav


def _still(path: Path) -> np.ndarray:
    from avdemo.media import read_image

    return read_image(path, max_side=PHOTO_SIDE)


def _picture(rgb: np.ndarray, kind: str, split: str, source: str) -> Picture:
    alpha = cut_out_white(rgb) if min(rgb.shape[:2]) > 70 else None
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8) if alpha is None else alpha])
    return Picture(kind, split, source, rgba, alpha is not None)


def _photos(data: Path, plan: FoleyPlan) -> Iterator[Picture]:
    for photo in everyday_photos(data):
        kind = CLIP_KINDS.get(photo.path.parent.name, "")
        yield _picture(_still(photo.path), kind, photo.split, photo.source)
    seen: Counter[str] = Counter()
    for photo in photo_files(data / "instruments"):
        if photo.instrument == "drums":
            yield _picture(_still(photo.path), "drum", photo.split, photo.source)
        elif photo.instrument not in DRUM_LIKE and seen[photo.instrument] < BYSTANDERS and photo.split == "train":
            seen[photo.instrument] += 1
            yield _picture(_still(photo.path), "", "train", "bystander")
    yield from _clip_stills(data)
    if plan.emoji:
        from avdemo.corpora.drawn import DRAWN_INSTRUMENTS, emoji_picture

        characters = {"drum": DRAWN_INSTRUMENTS["drums"] + EMOJI["bongo"], "rail": EMOJI["train"]}
        for kind in KINDS:
            for character in characters.get(kind, EMOJI.get(kind, "")):
                if character in SIGNS:
                    continue
                yield Picture(kind, "train", "emoji", np.array(emoji_picture(character)), True)
    for picture in backgrounds(plan.backgrounds) if plan.backgrounds else ():
        yield Picture("", "train", "drawn", np.ascontiguousarray(picture.rgba[::2, ::2]), False)


def _clip_stills(data: Path) -> Iterator[Picture]:
    """Pictures out of the clips; those whose sound was taken away are as good as the others here."""
    from avdemo.media import iter_frames

    for clip in clip_files(data):
        kind = CLIP_KINDS.get(clip.cls, "")
        first, last = SEEN.get(clip.name, (0.0, 1.0))
        if last <= first:
            continue
        count = CLIP_PHOTOS if kind else OTHER_PHOTOS
        times = (first + (last - first) * np.linspace(0.05, 0.95, count)) * clip.seconds
        for rgb in iter_frames(clip.path, times, short_side=CLIP_SIDE):
            wide = rgb[:, (rgb.shape[1] - PHOTO_SIDE) // 2 :][:, :PHOTO_SIDE] if rgb.shape[1] > PHOTO_SIDE else rgb
            rgba = np.dstack([wide[:PHOTO_SIDE], np.full(wide[:PHOTO_SIDE].shape[:2], 255, np.uint8)])
            if rgba[..., :3].mean() > 8:  # before the first burst there is nothing to see
                yield Picture(kind, clip_split(clip.name, clip.split), "clips" if kind else "other", rgba, False)


@dataclass(frozen=True)
class RealVideo:
    path: Path
    name: str
    kind: str
    split: str
    start_s: float
    end_s: float


def _real_videos(data: Path, vegas: Path | None) -> list[RealVideo]:
    """Those of the kinds, and those of anything else that may be trained on: how motion sounds can be learnt from them too."""
    found = [
        RealVideo(c.path, c.name, CLIP_KINDS.get(c.cls, ""), clip_split(c.name, c.split), 0.0, c.seconds)
        for c in clip_files(data)
        if c.has_sound and (c.cls in CLIP_KINDS or clip_split(c.name, c.split) == "train")
    ]
    if vegas is not None:
        videos, _ = vegas_videos(vegas)
        found += [RealVideo(v.video.path, f"vegas/{v.video.name}", v.kind, v.split, v.video.start_s, v.video.end_s) for v in videos]
    return found


def read_real(path: Path, start_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames uint8 (T, CLIP_SIDE, CLIP_SIDE, 3), flow float32 (T, GRID, GRID, 2) and sound float32 (samples,) of a video.

    The picture is the middle square; T whole frame times fit, and the sound lasts as long as the frames.
    """
    from avdemo.media import iter_frames, read_audio

    count = int((end_s - start_s) * CLIP_FPS + 1e-6)
    times = start_s + np.arange(count) / CLIP_FPS
    frames = np.empty((count, CLIP_SIDE, CLIP_SIDE, 3), np.uint8)
    for number, rgb in enumerate(iter_frames(path, times, short_side=CLIP_SIDE)):
        y, x = (rgb.shape[0] - CLIP_SIDE) // 2, (rgb.shape[1] - CLIP_SIDE) // 2
        frames[number] = rgb[y : y + CLIP_SIDE, x : x + CLIP_SIDE]
    wav = read_audio(path, SAMPLE_RATE, mono=True, max_seconds=end_s + 1)[0]
    samples, first = round(count * SAMPLE_RATE / CLIP_FPS), round(start_s * SAMPLE_RATE)
    wav = wav[first : first + samples]
    return frames, flow(frames), np.pad(wav, (0, samples - len(wav)))


def pack_foley(
    data: Path, out: Path, *, vegas: Path | None = None, plan: FoleyPlan | None = None, seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> dict:  # fmt: skip
    """Make the arrays in ``out`` from the folder ``data`` (with ``clips``, ``esc``, ``instruments`` and ``sounds``).

    Args:
        vegas: also a folder of VEGAS; its videos become clips, and their sounds recordings, of their own splits.
        progress: called with the share done and a sentence.

    Returns:
        what is in ``packed.json``: seconds of sound by kind, split and source, numbers of photos and clips, what was cut in time.

    Raises:
        InputError: an index file or the emoji font is missing, or there is no sound at all.
    """
    plan, tell = plan or FoleyPlan(), progress or (lambda share, text: None)
    out.mkdir(parents=True, exist_ok=True)
    (out / "packed.json").unlink(missing_ok=True)
    seconds: Counter[str] = Counter()
    sounds, entries = FlatFile(out / "sounds.npy", np.int16), []

    def keep(entry: dict, wav: np.ndarray) -> None:
        entries.append(entry | {"start": sounds.add(to_int16(wav)), "length": len(wav)})
        seconds[f"{entry['kind']}/{entry['split']}/{entry['source']}"] += len(wav) / SAMPLE_RATE

    for entry, wav in _sounds(data, plan, seed):
        keep(entry, wav)
    tell(0.4, f"{len(entries)} sounds")
    pictures = Counter()
    photos, cards = FlatFile(out / "photos.npy", np.uint8), []
    for p in _photos(data, plan):
        height, width = p.rgba.shape[:2]
        cards.append(
            {"kind": p.instrument, "split": p.split, "source": p.source, "start": photos.add(p.rgba), "height": height,
             "width": width, "cut": p.cut}
        )  # fmt: skip
        pictures[f"{p.instrument or 'none'}/{p.split}/{p.source}"] += 1
    photos.close()
    tell(0.7, f"{len(cards)} photos")
    frames, flows = FlatFile(out / "clip_frames.npy", np.uint8), FlatFile(out / "clip_flow.npy", np.float16)
    clip_wavs, clips = FlatFile(out / "clip_sounds.npy", np.int16), []
    videos = _real_videos(data, vegas)
    for number, v in enumerate(videos):
        seen, moved, wav = read_real(v.path, v.start_s, v.end_s)
        wav = wav * np.float32(usual_gain(float(np.abs(wav).max(initial=0))))
        clips.append(
            {"name": v.name, "kind": v.kind, "split": v.split, "frames": len(seen), "frame_start": frames.add(seen),
             "flow_start": flows.add(moved), "sound_start": clip_wavs.add(to_int16(wav)), "length": len(wav)}
        )  # fmt: skip
        if v.name.startswith("vegas/"):
            keep({"kind": v.kind, "what": "clip", "split": v.split, "group": v.name, "source": "vegas"}, wav)
        tell(0.7 + 0.3 * (number + 1) / len(videos), f"clip {number + 1} of {len(videos)}")
    for file in (sounds, frames, flows, clip_wavs):
        file.close()
    if not entries:
        raise InputError("The data folder holds no sound of the ten kinds.")
    for name, rows in (("sounds", entries), ("photos", cards), ("clips", clips)):
        (out / f"{name}.json").write_text(json.dumps(rows))
    report = {
        "sample_rate": SAMPLE_RATE, "video_fps": CLIP_FPS, "clip_side": CLIP_SIDE, "grid": GRID, "kinds": KINDS, "seed": seed,
        "seconds": {key: round(value, 1) for key, value in sorted(seconds.items())}, "photos": dict(sorted(pictures.items())),
        "clips": dict(Counter(f"{c['kind'] or 'none'}/{c['split']}" for c in clips)), "cut_in_time": sorted(CUT_IN_TIME),
    }  # fmt: skip
    (out / "packed.json").write_text(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m avdemo.corpora.pack_foley", description="Pack the training data of foley.")
    parser.add_argument("--data", type=Path, required=True, help="folder with clips, esc, instruments and sounds")
    parser.add_argument("--out", type=Path, required=True, help="folder for the arrays")
    parser.add_argument("--vegas", type=Path, help="folder of VEGAS, one folder of videos a class")
    options = parser.parse_args()
    made = pack_foley(options.data, options.out, vegas=options.vegas, progress=lambda share, text: print(f"{share:.2f} {text}"))
    print(json.dumps(made, indent=1))
