"""Sounds of the made pairs: what 35 kinds of things sound like, in pieces of six seconds.

Each function makes the pieces of one job and is decided by its arguments and the seed alone, so that jobs run in any order on any
number of processes. What training hears has been through :func:`avdemo.corpora.acoustics.weather`; what is held out is only
brought to the usual level.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avdemo.corpora.acoustics import to_target_level, weather
from avdemo.corpora.everyday import Recording
from avdemo.corpora.instruments import SoundFile
from avdemo.corpora.pack_sounds import TEST_FONT, TRAIN_FONTS, _read, _string, _trim, find_font
from avdemo.corpora.render import ON_DRUM_CHANNEL, SoundfontPlayer, play_recorded, resample_ratio
from avdemo.corpora.score import HELD_SOUNDS, Note, Outline, improvise

INSTRUMENTS = (
    "accordion", "bagpipes", "banjo", "bongo", "castanets", "clarinet", "clavichord", "drums", "dulcimer", "flute", "guiro",
    "guitar", "harmonica", "harp", "maracas", "ocarina", "piano", "saxophone", "sitar", "steel_drum", "tambourine", "trombone",
    "trumpet", "tuba", "violin", "xylophone",
)  # fmt: skip
MERGED = {"concertina": "accordion", "cabasa": "maracas", "drum": "drums"}  # class of the data folder -> kind
STRANGERS = ("bassoon", "cello", "double_bass", "french_horn", "mandolin", "oboe")  # sounds without a picture
PIECE_SECONDS = 6.0
VAL_FONT = "MuseScore_General_Full.sf3"  # instead of training, for instruments without recorded validation sounds
FONT_SHARES = {"FluidR3_GM.sf2": 0.4, "MuseScore_General_Full.sf3": 0.4, "FluidR3Mono_GM.sf3": 0.2}
assert set(FONT_SHARES) == set(TRAIN_FONTS) and VAL_FONT in TRAIN_FONTS and TEST_FONT not in TRAIN_FONTS
LONG_TAKE_S = 1.2  # an unpitched take of this length is a roll, a chord or a phrase


@dataclass(frozen=True)
class PairPiece:
    """One packed sound; the attributes but ``samples`` are its entry in ``sounds.json``."""

    instrument: str
    kind: str  # "render" | "notes" | "phrase" | "recording" | "stranger"
    split: str
    group: int
    samples: np.ndarray  # (samples,) int16


def make_piece(instrument: str, kind: str, split: str, group: int, wav: np.ndarray) -> PairPiece:
    """wav: (samples,) float in [-1, 1], clipped."""
    return PairPiece(instrument, kind, split, group, np.round(np.clip(wav, -1, 1) * 32767).astype(np.int16))


def _rng(seed: int, *what: object) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, what)).encode())])


def _finish(wav: np.ndarray, split: str, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    return weather(wav, sample_rate, rng) if split == "train" else to_target_level(wav)


def rendered(
    font: str, counts: dict[str, int], split: str, sample_rate: int, seed: int, *, kinds: dict[str, str] | None = None
) -> list[PairPiece]:
    """``counts[instrument]`` pieces of each instrument, played by one soundfont; ``kinds`` may say other than "render"."""
    from scipy.signal import resample_poly

    player = SoundfontPlayer(find_font(font), 2 * sample_rate)
    pieces = []
    for instrument, count in counts.items():
        for number in range(count):
            rng = _rng(seed, "render", font, split, instrument, number)
            part = improvise(Outline.draw(rng, PIECE_SECONDS), instrument, rng)
            wav = player.play(part, instrument, PIECE_SECONDS, rng)
            wav = resample_poly(wav, 1, 2).astype(np.float32)
            wav = _finish(wav, split, sample_rate, rng)
            pieces.append(make_piece(instrument, (kinds or {}).get(instrument, "render"), split, number, wav))
    player.close()
    return pieces


def font_counts(instruments: Sequence[str], count: int, without_val_font: Sequence[str]) -> dict[str, dict[str, int]]:
    """Soundfont -> instrument -> how many of ``count`` training pieces it plays."""
    counts: dict[str, dict[str, int]] = {font: {} for font in FONT_SHARES}
    for instrument in instruments:
        shares = {f: s for f, s in FONT_SHARES.items() if not (f == VAL_FONT and instrument in without_val_font)}
        for font, share in shares.items():
            counts[font][instrument] = round(count * share / sum(shares.values()))
    return counts


def _notes_and_takes(files: list[SoundFile], instrument: str, sample_rate: int):
    """Recorded notes by pitch (by number for what has no pitch), and the long unpitched takes."""
    notes: dict[int, list[np.ndarray]] = {}
    long_takes = []
    hit = instrument == "drums" or instrument in ON_DRUM_CHANNEL
    for file in files:
        wav = _trim(_read(file.path, sample_rate))
        if len(wav) <= 0.02 * sample_rate:
            continue
        wav = wav / max(1e-6, float(np.abs(wav).max()))
        if (hit or file.pitch is None) and len(wav) > LONG_TAKE_S * sample_rate:
            long_takes.append(wav)
        if hit:
            notes.setdefault(len(notes), []).append(wav)
        elif file.pitch is not None:
            notes.setdefault(file.pitch, []).append(wav)
    return notes, long_takes


def _on_takes(part: list[Note], takes: int, rng: np.random.Generator) -> list[Note]:
    """A rhythm's keys replaced by numbers of recorded hits: each key keeps its hit throughout the piece."""
    chosen = {key: int(rng.integers(takes)) for key in sorted({note.pitch for note in part})}
    return [Note(n.start_s, max(n.duration_s, 0.3), chosen[n.pitch], n.velocity) for n in part]


def from_notes(
    files: list[SoundFile], instrument: str, split: str, count: int, sample_rate: int, seed: int, *, stranger: bool = False
) -> list[PairPiece]:
    """``count`` phrases strung from one instrument's recorded notes; none when there are no notes of this split."""
    files = [f for f in files if f.split == split and not f.is_phrase]
    notes, long_takes = _notes_and_takes(files, instrument, sample_rate)
    pieces = []
    for number in range(count if notes or long_takes else 0):
        rng = _rng(seed, "notes", split, instrument, number)
        ratio = 2 ** (rng.uniform(-2.5, 2.5) / 12)
        if long_takes and (not notes or rng.random() < 0.4):
            takes = [resample_ratio(long_takes[rng.integers(len(long_takes))], ratio) for _ in range(3)]
            wav = _string(takes, PIECE_SECONDS, sample_rate, rng)
        else:
            part = improvise(Outline.draw(rng, PIECE_SECONDS), instrument, rng)
            if instrument in ON_DRUM_CHANNEL:
                part = _on_takes(part, len(notes), rng)
                wav = play_recorded(part, notes, PIECE_SECONDS * ratio, sample_rate, rng)
                wav = resample_ratio(wav, ratio)[: int(PIECE_SECONDS * sample_rate)]
            else:
                wav = play_recorded(part, notes, PIECE_SECONDS, sample_rate, rng)
        wav = _finish(wav, split, sample_rate, rng)
        pieces.append(make_piece("" if stranger else instrument, "stranger" if stranger else "notes", split, number, wav))
    return pieces


def from_phrases(
    files: list[SoundFile], instrument: str, split: str, variants: int, sample_rate: int, seed: int, *, stranger: bool = False
) -> list[PairPiece]:
    """Real phrases: each ``variants`` times in training, bent and with another one after it; once elsewhere."""
    loaded = [_trim(_read(f.path, sample_rate)) for f in files if f.split == split and f.is_phrase]
    takes = [take for take in loaded if len(take) > 0.05 * sample_rate]
    name, kind, pieces = ("", "stranger", []) if stranger else (instrument, "phrase", [])
    for number in range(len(takes) * (variants if split == "train" else 1)):
        rng = _rng(seed, "phrase", split, instrument, number)
        chosen = [takes[number % len(takes)]]
        if split == "train":
            chosen.append(takes[rng.integers(len(takes))])
            chosen = [resample_ratio(take, 2 ** (rng.uniform(-3, 3) / 12)) for take in chosen]
        wav = _finish(_string(chosen, PIECE_SECONDS, sample_rate, rng), split, sample_rate, rng)
        pieces.append(make_piece(name, kind, split, number, wav))
    return pieces


def _loud_start(wav: np.ndarray, room: int, sample_rate: int, rng: np.random.Generator) -> int:
    """A random start of a window, of four the one with the most sound."""
    starts = rng.integers(room + 1, size=4)
    size = int(PIECE_SECONDS * sample_rate)
    return int(max(starts, key=lambda s: float((wav[s : s + size : 7] ** 2).mean())))


def from_recordings(
    files: list[Recording], kind: str, split: str, sample_rate: int, seed: int, *, density: float = 2.5, least: int = 60,
    short_pieces: int = 0,
) -> list[PairPiece]:  # fmt: skip
    """Pieces of one kind's real recordings.

    Long files are cut: without overlap where held out, in training at ``density`` random places for each six seconds, and at more
    where that would make fewer than ``least`` pieces of the kind. Files shorter than a piece are repeated, with pauses and other
    short files of the same recording: once each where held out, ``short_pieces`` pieces for all of them together in training
    (0: two for each file).
    """
    size, pieces, short, long = int(PIECE_SECONDS * sample_rate), [], {}, []
    for file in sorted((f for f in files if f.split == split), key=lambda f: f.path.name):
        wav = _trim(_read(file.path, sample_rate, 61.0))
        if len(wav) >= size:
            long.append((file, wav))
        elif len(wav) > 0.02 * sample_rate:
            short.setdefault(file.recording, []).append(wav)
    if long:
        density = max(density, least * size / sum(len(wav) for _, wav in long))
    for file, wav in long:
        if split != "train":
            pieces += [(file.recording, to_target_level(wav[s : s + size])) for s in range(0, len(wav) - size + 1, size)]
            continue
        for number in range(max(2, round(density * len(wav) / size))):
            rng = _rng(seed, "recording", kind, file.path.name, number)
            start = _loud_start(wav, len(wav) - size, sample_rate, rng)
            bent = resample_ratio(wav[start : start + int(1.2 * size)], 2 ** (rng.uniform(-2, 2) / 12))[:size]
            pieces.append((file.recording, weather(bent, sample_rate, rng)))
    names = sorted(short)
    held_count = sum(min(len(takes), 4) for takes in short.values())
    count = (short_pieces or 2 * sum(map(len, short.values()))) if split == "train" else held_count
    for number in range(count if names else 0):
        rng = _rng(seed, "short", kind, split, number)
        name = names[number % len(names)]
        takes = [short[name][i] for i in rng.integers(len(short[name]), size=int(rng.integers(1, 4)))]
        if kind == "drums":
            takes = [short[name][i] for i in rng.integers(len(short[name]), size=8)]
        if split == "train":
            takes = [resample_ratio(take, 2 ** (rng.uniform(-2, 2) / 12)) for take in takes]
        pieces.append((name, _finish(_string(takes, PIECE_SECONDS, sample_rate, rng), split, sample_rate, rng)))
    groups = {name: number for number, name in enumerate(sorted({name for name, _ in pieces}))}
    return [make_piece(kind, "recording", split, groups[name], wav) for name, wav in pieces]


def of_clip(wav: np.ndarray, kind: str, split: str, group: int, variants: int, sample_rate: int, seed: int) -> list[PairPiece]:
    """Pieces of a real video's sound: its beginning and its end, in training ``variants`` times each. wav: (samples,)."""
    size, pieces = int(PIECE_SECONDS * sample_rate), []
    wav = _trim(wav)
    starts = sorted({0, max(0, len(wav) - size)}) if len(wav) >= size else [0]
    for number in range(len(starts) * (variants if split == "train" else 1)):
        rng = _rng(seed, "clip", kind, group, number)
        cut = wav[starts[number % len(starts)] :][:size]
        if len(cut) < size:
            cut = _string([cut], PIECE_SECONDS, sample_rate, rng)
        pieces.append(make_piece(kind, "recording", split, group, _finish(cut, split, sample_rate, rng)))
    return pieces


def has_held_out(files: list[SoundFile], instrument: str) -> bool:
    """Whether there are recorded validation sounds of an instrument."""
    return any(f.instrument == instrument and f.split == "val" for f in files)


EFFECTS = tuple(HELD_SOUNDS)  # kinds that General MIDI has as sound effects
__all__ = ["EFFECTS", "INSTRUMENTS", "MERGED", "STRANGERS", "PairPiece", "font_counts", "from_notes", "from_phrases",
           "from_recordings", "has_held_out", "make_piece", "of_clip", "rendered"]  # fmt: skip
