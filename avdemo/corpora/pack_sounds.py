"""Instrument sounds to one packed array: ensembles from soundfonts, phrases from recorded notes, real phrases, noise.

Everything is mono 16-bit at the network's rate in ``sounds.npy`` with ``sounds.json`` beside it: a list of
``{"instrument", "kind", "split", "group", "start", "length"}``; ``kind`` is "ensemble" (parts of one ``group`` were composed
together), "notes", "phrase" (real) or "noise". The packed array is what training reads; it imports no media library.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora.acoustics import to_target_level, weather
from avdemo.corpora.instruments import SoundFile, sound_files
from avdemo.corpora.render import SoundfontPlayer, play_recorded, resample_ratio
from avdemo.corpora.score import Outline, improvise
from avdemo.errors import InputError

PIECE_SECONDS = 8.6  # one window of 5.94 s can start anywhere in the first 2.6 s
TRAIN_FONTS = ("FluidR3_GM.sf2", "MuseScore_General_Full.sf3", "FluidR3Mono_GM.sf3")
TEST_FONT = "TimGM6mb.sf2"  # other samples than the FluidR3 family; heard by no training
FONT_FOLDERS = (Path("/usr/share/sounds/sf2"), Path("/usr/share/sounds/sf3"))
NOISES = ("rain", "train", "water", "fireworks", "printer")


@dataclass(frozen=True)
class Plan:
    """How much to make."""

    ensembles: int = 360  # pieces from the training soundfonts, every instrument plays in each
    test_ensembles: int = 24
    note_phrases: int = 220  # for each instrument, from recorded training notes
    held_phrases: int = 24  # for each instrument, from recorded validation and test notes
    phrase_variants: int = 6  # of each real training phrase


@dataclass(frozen=True)
class Piece:
    instrument: str
    kind: str
    split: str
    group: int
    wav: np.ndarray


def find_font(name: str) -> Path:
    for folder in FONT_FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"The soundfont {name} is not installed; on Debian the packages are fluid-soundfont-gm, fluidr3mono-gm-soundfont, "
        "musescore-general-soundfont and timgm6mb-soundfont."
    )


def _read(path: Path, sample_rate: int, seconds: float = 12.0) -> np.ndarray:
    from avdemo.media import read_audio

    return read_audio(path, sample_rate, mono=True, max_seconds=seconds)[0]


def _trim(wav: np.ndarray, floor: float = 0.01) -> np.ndarray:
    """Cut silence before and after."""
    loud = np.flatnonzero(np.abs(wav) > floor * max(1e-6, float(np.abs(wav).max())))
    return wav[loud[0] : loud[-1] + 1] if len(loud) else wav[:0]


def _ensembles(first: int, count: int, split: str, instruments: tuple[str, ...], sample_rate: int, seed: int) -> list[Piece]:
    """``count`` pieces from number ``first``; every instrument is rendered in each."""
    from scipy.signal import resample_poly

    fonts = TRAIN_FONTS if split == "train" else (TEST_FONT,)
    players = [SoundfontPlayer(find_font(name), 2 * sample_rate) for name in fonts]
    pieces = []
    for group in range(first, first + count):
        rng = np.random.default_rng([seed, 11, split == "train", group])
        outline = Outline.draw(rng, PIECE_SECONDS)
        for instrument in instruments:
            player = players[rng.choice(len(players), p=[0.4, 0.4, 0.2] if len(players) == 3 else None)]
            wav = player.play(improvise(outline, instrument, rng), instrument, PIECE_SECONDS, rng)
            wav = resample_poly(wav, 1, 2).astype(np.float32)
            wav = weather(wav, sample_rate, rng) if split == "train" else to_target_level(wav)
            pieces.append(Piece(instrument, "ensemble", split, group, wav))
    for player in players:
        player.close()
    return pieces


def _string(takes: list[np.ndarray], seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Real phrases one after the other with pauses, until ``seconds`` are full."""
    wav, at = np.zeros(int(seconds * sample_rate), np.float32), 0
    while at < len(wav):
        take = to_target_level(takes[rng.integers(len(takes))])
        keep = min(len(take), len(wav) - at)
        wav[at : at + keep] += take[:keep]
        at += keep + int(rng.uniform(0.0, 0.5) * sample_rate)
    return wav


def _recorded(files: list[SoundFile], instrument: str, plan: Plan, sample_rate: int, seed: int) -> list[Piece]:
    """Phrases strung from one instrument's recorded notes, and its real phrases."""
    pieces = []
    for split in ("train", "val", "test"):
        rng = np.random.default_rng([seed, 13, sum(instrument.encode()), len(split), ord(split[0])])
        notes: dict[int, list[np.ndarray]] = {}
        unpitched = 0
        for file in (f for f in files if f.split == split and not f.is_phrase):
            pitch = file.pitch
            if instrument == "drums" or pitch is None:
                pitch, unpitched = 36 + unpitched % 24, unpitched + 1
            wav = _trim(_read(file.path, sample_rate))
            if len(wav) > 200:
                notes.setdefault(pitch, []).append(wav / max(1e-6, float(np.abs(wav).max())))
        for number in range(plan.note_phrases if split == "train" else plan.held_phrases):
            if not notes:
                break
            part = improvise(Outline.draw(rng, PIECE_SECONDS), instrument, rng)
            wav = play_recorded(part, notes, PIECE_SECONDS, sample_rate, rng)
            wav = weather(wav, sample_rate, rng) if split == "train" else to_target_level(wav)
            pieces.append(Piece(instrument, "notes", split, number, wav))
        takes = [
            t for t in (_trim(_read(f.path, sample_rate)) for f in files if f.split == split and f.is_phrase) if len(t) > 400
        ]
        if takes and split == "train":
            for number, take in enumerate(takes * plan.phrase_variants):
                others = [resample_ratio(t, 2 ** (rng.uniform(-3, 3) / 12)) for t in (take, takes[rng.integers(len(takes))])]
                strung = _string(others, PIECE_SECONDS, sample_rate, rng)
                pieces.append(Piece(instrument, "phrase", split, number, weather(strung, sample_rate, rng)))
        elif takes:
            pieces += [
                Piece(instrument, "phrase", split, n, _string([t], PIECE_SECONDS, sample_rate, rng)) for n, t in enumerate(takes)
            ]
    return pieces


def _noises(folder: Path, sample_rate: int, seed: int) -> Iterator[Piece]:
    """Everyday noise that no instrument makes; training only."""
    rng = np.random.default_rng([seed, 17])
    for kind in NOISES:
        for number, path in enumerate(sorted((folder / kind).glob("*.ogg"))[:40]):
            wav = _trim(_read(path, sample_rate))
            if len(wav) > sample_rate:
                yield Piece(
                    "noise", "noise", "train", number, weather(_string([wav], PIECE_SECONDS, sample_rate, rng), sample_rate, rng)
                )


def _write(out: Path, pieces: Iterable[Piece]) -> int:
    entries, arrays, start = [], [], 0
    for piece in pieces:
        if not np.abs(piece.wav).max(initial=0) > 1e-3:
            continue  # a part whose notes all fell outside
        data = np.round(np.clip(piece.wav, -1, 1) * 32767).astype(np.int16)
        arrays.append(data)
        entries.append(
            {k: getattr(piece, k) for k in ("instrument", "kind", "split", "group")} | {"start": start, "length": len(data)}
        )
        start += len(data)
    np.save(out / "sounds.npy", np.concatenate(arrays))
    (out / "sounds.json").write_text(json.dumps(entries))
    return len(entries)


def pack_sounds(
    data: Path, out: Path, instruments: tuple[str, ...], sample_rate: int, *, plan: Plan | None = None, seed: int = 0,
    workers: int = 2, progress: Callable[[float, str], None] | None = None,
) -> int:  # fmt: skip
    """Make ``sounds.npy`` and ``sounds.json`` in ``out`` from the folder ``data`` (with ``instruments/`` and ``sounds/``).

    Returns:
        how many pieces were packed.

    Raises:
        InputError: no index file, or a soundfont is missing.
    """
    plan = plan or Plan()
    tell = progress or (lambda share, text: None)
    files = sound_files(data / "instruments")
    out.mkdir(parents=True, exist_ok=True)
    pieces: list[Piece] = []
    with ProcessPoolExecutor(workers) as pool:
        step = 30
        jobs = [pool.submit(_ensembles, 0, plan.test_ensembles, "test", instruments, sample_rate, seed)]
        jobs += [
            pool.submit(_ensembles, first, min(step, plan.ensembles - first), "train", instruments, sample_rate, seed)
            for first in range(0, plan.ensembles, step)
        ]
        jobs += [pool.submit(_recorded, [f for f in files if f.instrument == i], i, plan, sample_rate, seed) for i in instruments]
        for number, job in enumerate(jobs):
            pieces += job.result()
            tell((number + 1) / (len(jobs) + 1), f"{len(pieces)} pieces of music")
    pieces += list(_noises(data / "sounds", sample_rate, seed))
    return _write(out, pieces)
