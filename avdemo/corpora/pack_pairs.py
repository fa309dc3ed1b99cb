"""Everything that the correspondence network trains on, as packed arrays in one folder; training imports no media library.

- ``photos.npy`` and ``photos.json``: pictures of 35 kinds of things and of none, as :mod:`avdemo.corpora.pack_photos` writes them.
- ``sounds.npy`` and ``sounds.json``: the sounds of the same kinds, int16 mono, ``{"instrument", "kind", "split", "group", "start",
  "length"}``; "instrument" is "" for sounds of none of the kinds.
- ``clip_frames.npy`` (uint8 RGB, flat), ``clip_sounds.npy`` (int16 mono) and ``clips.json``: real videos with their own sound.
- ``packed.json``: what was packed; written last, so that a folder that has it is complete.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora import pair_photos, pair_sounds
from avdemo.corpora.clips import ClipFile, clip_files
from avdemo.corpora.everyday import EVERYDAY, Recording, recordings
from avdemo.corpora.instruments import SoundFile, sound_files
from avdemo.corpora.pack_photos import Picture
from avdemo.corpora.pair_sounds import EFFECTS, INSTRUMENTS, MERGED, STRANGERS, VAL_FONT, PairPiece
from avdemo.errors import InputError

FRAMES_PER_SECOND = 4
SHORT_SIDE = 224  # px


@dataclass(frozen=True)
class PairPlan:
    """How much to make; numbers are for each instrument or kind. With no renders, no soundfont is needed."""

    renders: int = 100  # by the training soundfonts
    test_renders: int = 14  # by a soundfont that training never hears
    val_renders: int = 8  # by a training soundfont that these instruments then do without
    effects: int = 40  # of General MIDI's sound effects, by the training soundfonts
    note_phrases: int = 70
    held_phrases: int = 10
    stranger_phrases: int = 40
    phrase_variants: int = 6
    density: float = 2.5  # training pieces for each six seconds of a long everyday recording
    least: int = 60  # training pieces of the long recordings of a kind, however short they are together
    short_pieces: int = 60  # training pieces of recordings shorter than a piece; of snoring and drums three times as many
    clip_variants: int = 4
    backgrounds: int = 40
    players: int = 25  # for each drawn instrument


def _merged(files: Iterable[SoundFile]) -> list[SoundFile]:
    """With the names of kinds instead of the data folder's classes."""
    return [SoundFile(f.path, MERGED.get(f.instrument, f.instrument), f.source, f.split, f.pitch, f.is_phrase) for f in files]


def _recorded(files: list[SoundFile], instrument: str, plan: PairPlan, sample_rate: int, seed: int) -> list[PairPiece]:
    """All pieces of one instrument's (or stranger's) recorded notes and phrases."""
    stranger = instrument in STRANGERS
    train = plan.stranger_phrases if stranger else plan.note_phrases
    pieces = []
    for split in ("train", "val", "test"):
        count = train if split == "train" else plan.held_phrases
        pieces += pair_sounds.from_notes(files, instrument, split, count, sample_rate, seed, stranger=stranger)
        pieces += pair_sounds.from_phrases(files, instrument, split, plan.phrase_variants, sample_rate, seed, stranger=stranger)
    return pieces


def _everyday(files: list[Recording], kind: str, plan: PairPlan, sample_rate: int, seed: int) -> list[PairPiece]:
    short = plan.short_pieces * (3 if kind in ("snoring", "drums") else 1)
    return [
        piece
        for split in ("train", "val", "test")
        for piece in pair_sounds.from_recordings(
            files, kind, split, sample_rate, seed, density=plan.density, least=plan.least, short_pieces=short
        )
    ]


def _sound_jobs(data: Path, plan: PairPlan, sample_rate: int, seed: int) -> list[tuple]:
    """(function, arguments...) of every job, the longest first."""
    files = _merged(sound_files(data / "instruments"))
    without = [i for i in INSTRUMENTS if not pair_sounds.has_held_out(files, i)]
    jobs: list[tuple] = []
    effect_kinds = dict.fromkeys(EFFECTS, "recording")
    if plan.renders:
        counts = pair_sounds.font_counts(INSTRUMENTS, plan.renders, without)
        for font, share in pair_sounds.font_counts(EFFECTS, plan.effects, EFFECTS).items():
            counts[font] |= share
        for font, count in counts.items():
            names = list(count)
            for third in range(3):
                part = {name: count[name] for name in names[third::3]}
                jobs.append((_rendered, font, part, "train", sample_rate, seed, effect_kinds))
    if plan.val_renders:
        jobs.append(
            (_rendered, VAL_FONT, dict.fromkeys([*without, *EFFECTS], plan.val_renders), "val", sample_rate, seed, effect_kinds)
        )
    if plan.test_renders:
        count = dict.fromkeys([*INSTRUMENTS, *EFFECTS], plan.test_renders)
        jobs.append((_rendered, pair_sounds.TEST_FONT, count, "test", sample_rate, seed, effect_kinds))
    for name in (*INSTRUMENTS, *STRANGERS):
        jobs.append((_recorded, [f for f in files if f.instrument == name], name, plan, sample_rate, seed))
    sounds = recordings(data)
    jobs += [(_everyday, [r for r in sounds if r.kind == k], k, plan, sample_rate, seed) for k in (*EVERYDAY, "drums")]
    return jobs


def _rendered(
    font: str, counts: dict[str, int], split: str, sample_rate: int, seed: int, kinds: dict[str, str]
) -> list[PairPiece]:
    return pair_sounds.rendered(font, counts, split, sample_rate, seed, kinds=kinds)


def _clip(
    clip: ClipFile, group: int, variants: int, sample_rate: int, seed: int
) -> tuple[dict, list, np.ndarray, list[PairPiece]]:
    """A clip's entry (without places in the arrays), frames, sound (samples,) int16, and pieces of its sound."""
    from avdemo.media import read_audio, read_frames

    times = np.arange(0, clip.seconds - 0.5 / FRAMES_PER_SECOND, 1 / FRAMES_PER_SECOND)
    frames = read_frames(clip.path, times, short_side=SHORT_SIDE)
    wav, pieces = np.zeros(0, np.float32), []
    if clip.has_sound:
        wav = read_audio(clip.path, sample_rate, mono=True, max_seconds=60)[0]
        kind = MERGED.get(clip.cls, clip.cls)
        if kind in EVERYDAY or kind in INSTRUMENTS:
            pieces = pair_sounds.of_clip(wav, kind, clip.split, 1000 + group, variants, sample_rate, seed)
    entry = {"clip": clip.name, "cls": clip.cls, "split": clip.split, "has_sound": clip.has_sound, "times": times.tolist()}
    return entry, list(frames), pair_sounds.make_piece("", "", "", 0, wav).samples, pieces


def _save_flat(path: Path, arrays: list[np.ndarray], dtype: type) -> list[int]:
    """Write arrays one after the other without joining them in memory; returns where each starts."""
    starts = np.concatenate([[0], np.cumsum([a.size for a in arrays])]).astype(int)
    if not starts[-1]:
        np.save(path, np.zeros(0, dtype))
        return starts[:-1].tolist()
    flat = np.lib.format.open_memmap(path, "w+", dtype, (int(starts[-1]),))
    for start, array in zip(starts, arrays, strict=False):
        flat[start : start + array.size] = array.ravel()
    flat.flush()
    return starts[:-1].tolist()


def _write_photos(out: Path, pictures: list[Picture]) -> None:
    if not pictures:
        raise InputError("The data folder holds no photos.")
    starts = _save_flat(out / "photos.npy", [p.rgba for p in pictures], np.uint8)
    entries = [
        {"instrument": p.instrument, "split": p.split, "source": p.source, "start": start, "height": p.rgba.shape[0],
         "width": p.rgba.shape[1], "cut": p.cut}
        for p, start in zip(pictures, starts, strict=True)
    ]  # fmt: skip
    (out / "photos.json").write_text(json.dumps(entries))


def _write_sounds(out: Path, pieces: list[PairPiece]) -> list[PairPiece]:
    """Writes and returns the pieces that are not silent."""
    pieces = [p for p in pieces if np.abs(p.samples).max(initial=0) > 33]  # -60 dB
    starts = _save_flat(out / "sounds.npy", [p.samples for p in pieces], np.int16)
    entries = [
        {"instrument": p.instrument, "kind": p.kind, "split": p.split, "group": p.group, "start": start, "length": len(p.samples)}
        for p, start in zip(pieces, starts, strict=True)
    ]
    (out / "sounds.json").write_text(json.dumps(entries))
    return pieces


def _write_clips(out: Path, clips: list[tuple[dict, list, np.ndarray, list]]) -> None:
    starts = iter(_save_flat(out / "clip_frames.npy", [f for _, frames, _, _ in clips for f in frames], np.uint8))
    sound_starts = _save_flat(out / "clip_sounds.npy", [wav for _, _, wav, _ in clips], np.int16)
    entries = []
    for (entry, frames, wav, _), sound_start in zip(clips, sound_starts, strict=True):
        entry = dict(entry)
        entry["frames"] = [
            {"time_s": time_s, "start": next(starts), "height": frame.shape[0], "width": frame.shape[1]}
            for time_s, frame in zip(entry.pop("times"), frames, strict=True)
        ]
        entries.append(entry | {"sound_start": sound_start, "sound_length": len(wav)})
    (out / "clips.json").write_text(json.dumps(entries))


def _count(items: Iterable, *attributes: str) -> dict[str, int]:
    return dict(sorted(Counter("/".join(str(getattr(i, a)) or "none" for a in attributes) for i in items).items()))


def pack_pairs(
    data: Path, out: Path, *, sample_rate: int = 24_000, plan: PairPlan | None = None, seed: int = 0, workers: int = 2,
    progress: Callable[[float, str], None] | None = None,
) -> dict:  # fmt: skip
    """Make the arrays in ``out`` from the folder ``data`` (with ``clips``, ``instruments`` and ``sounds``).

    The same arguments give the same bytes, whatever the number of workers.

    Args:
        sample_rate: of all sounds, in Hz.
        workers: processes.
        progress: called with the share done and a sentence.

    Returns:
        what is in ``packed.json``: the numbers of photos, sounds and clips of each kind and split, and the seconds it took.

    Raises:
        InputError: an index file, a soundfont or the emoji font is missing.
    """
    plan, began = plan or PairPlan(), time.monotonic()
    tell = progress or (lambda share, text: None)
    out.mkdir(parents=True, exist_ok=True)
    (out / "packed.json").unlink(missing_ok=True)
    clips = clip_files(data)
    sound_jobs = _sound_jobs(data, plan, sample_rate, seed)
    with ProcessPoolExecutor(workers) as pool:
        sounds = [pool.submit(*job) for job in sound_jobs]
        moving = [pool.submit(_clip, clip, n, plan.clip_variants, sample_rate, seed) for n, clip in enumerate(clips)]
        photos = [pool.submit(pair_photos.instrument_photos, data, part, 8) for part in range(8)]
        photos.append(pool.submit(pair_photos.everyday_pictures, data))
        photos += _drawn_jobs(pool, plan, seed)
        jobs = [*sounds, *moving, *photos]
        for number, job in enumerate(jobs):
            job.result()
            tell(0.95 * (number + 1) / len(jobs), f"{number + 1} of {len(jobs)} parts made")
    pictures = [*(p for job in photos for p in job.result()), *pair_photos.emoji()]
    real = [job.result() for job in moving]
    _write_photos(out, pictures)
    _write_clips(out, real)
    pieces = _write_sounds(out, [*(p for job in sounds for p in job.result()), *(p for clip in real for p in clip[3])])
    report = {
        "sample_rate": sample_rate, "seed": seed, "plan": asdict(plan), "photos": _count(pictures, "instrument", "split"),
        "sounds": _count(pieces, "instrument", "kind", "split"), "clips": _count(clips, "cls", "has_sound", "split"),
    }  # fmt: skip
    (out / "packed.json").write_text(json.dumps(report, indent=1))
    tell(1.0, "written")
    return report | {"seconds": round(time.monotonic() - began, 1)}


def _drawn_jobs(pool: ProcessPoolExecutor, plan: PairPlan, seed: int) -> list[Future]:
    from avdemo.corpora.drawn import DRAWN_INSTRUMENTS

    names, group = tuple(DRAWN_INSTRUMENTS), pair_photos.PLAYERS_A_BACKGROUND
    jobs = [pool.submit(pair_photos.players, n, names, group, seed) for n in range(plan.players * len(names) // group)]
    if plan.backgrounds:
        jobs.append(pool.submit(pair_photos.backgrounds, plan.backgrounds))
    return jobs


if __name__ == "__main__":
    import sys

    report = pack_pairs(
        Path(sys.argv[1]), Path(sys.argv[2]), progress=lambda share, text: print(f"{share:.2f} {text}", flush=True)
    )
    print(json.dumps(report, indent=1))
