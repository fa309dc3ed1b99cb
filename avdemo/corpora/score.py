"""Random music: phrases that several instruments can play together, as lists of notes.

Training on single notes teaches a separator single notes. An :class:`Outline` fixes tempo, key and chords; every instrument then
improvises its own part over it, so that parts of one outline start, change chords and overlap in harmonics as in a real ensemble.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RANGES = {  # sounding range in MIDI note numbers, after the instruments' usual compass
    "accordion": (53, 86), "banjo": (50, 79), "clarinet": (50, 86), "flute": (60, 93), "guitar": (40, 79), "piano": (36, 91),
    "saxophone": (46, 80), "trombone": (40, 70), "trumpet": (54, 82), "tuba": (29, 57), "violin": (55, 93), "xylophone": (65, 101),
    "bagpipes": (65, 81), "clavichord": (36, 84), "dulcimer": (55, 86), "harmonica": (60, 93), "harp": (31, 96), "ocarina": (67, 88),
    "sitar": (48, 77), "steel_drum": (52, 84), "bassoon": (34, 72), "cello": (36, 74), "double_bass": (28, 57),
    "french_horn": (41, 77), "mandolin": (55, 88), "oboe": (58, 91),
}  # fmt: skip
CHORDAL = {  # how often a part is chords rather than a line
    "accordion": 0.45, "guitar": 0.5, "piano": 0.55, "banjo": 0.25, "clavichord": 0.5, "dulcimer": 0.25, "harmonica": 0.3,
    "harp": 0.5, "mandolin": 0.25, "sitar": 0.15, "steel_drum": 0.2,
}  # fmt: skip
PLUCKED = {"banjo", "guitar", "piano", "xylophone", "clavichord", "dulcimer", "harp", "mandolin", "sitar", "steel_drum"}
HAND_PERCUSSION = {  # General MIDI keys of the drum channel
    "bongo": (60, 61), "castanets": (85,), "guiro": (73, 74), "maracas": (70, 69), "tambourine": (54,),
}  # fmt: skip
HELD_SOUNDS = {"helicopter": (48, 72), "water": (48, 76)}  # sound effects of General MIDI, a key held for seconds
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 4, 5, 3), (5, 3, 0, 4), (0, 1, 4, 0), (0, 0, 3, 4))
DRUM_KIT = {
    "kick": 36,
    "snare": 38,
    "stick": 37,
    "closed": 42,
    "open": 46,
    "low": 45,
    "mid": 47,
    "high": 50,
    "crash": 49,
    "ride": 51,
}


@dataclass(frozen=True)
class Note:
    start_s: float
    duration_s: float
    pitch: int  # MIDI note number, or the General MIDI key of a drum
    velocity: int  # 1..127


@dataclass(frozen=True)
class Outline:
    """What the players of one piece share."""

    beat_s: float
    root: int  # 0..11
    scale: str
    chords: tuple[int, ...]  # scale degrees, one for each bar of four beats
    seconds: float

    @classmethod
    def draw(cls, rng: np.random.Generator, seconds: float) -> Outline:
        return cls(
            beat_s=60 / rng.uniform(66, 168), root=int(rng.integers(12)), scale="major" if rng.random() < 0.65 else "minor",
            chords=PROGRESSIONS[rng.integers(len(PROGRESSIONS))], seconds=seconds,
        )  # fmt: skip

    def chord(self, time_s: float) -> int:
        return self.chords[int(time_s / (4 * self.beat_s)) % len(self.chords)]

    def pitches(self, low: int, high: int) -> list[int]:
        """Notes of the key between two MIDI numbers."""
        steps = {(self.root + s) % 12 for s in SCALES[self.scale]}
        return [p for p in range(low, high + 1) if p % 12 in steps]

    def chord_pitches(self, time_s: float, low: int, high: int) -> list[int]:
        scale, degree = SCALES[self.scale], self.chord(time_s)
        tones = {(self.root + scale[(degree + i) % 7]) % 12 for i in (0, 2, 4)}
        return [p for p in range(low, high + 1) if p % 12 in tones]


def _line(outline: Outline, rng: np.random.Generator, low: int, high: int, plucked: bool) -> list[Note]:
    """A melody by small steps, strong beats on chord tones, with rests, in some register of the instrument."""
    centre = rng.uniform(low + 5, high - 5)
    keys = outline.pitches(low, high)
    values = ([0.5, 0.5, 0.25, 1.0], [1.0, 0.5, 0.5, 2.0], [0.25, 0.25, 0.5], [2.0, 1.0, 4.0])[
        rng.choice(4, p=[0.4, 0.3, 0.15, 0.15])
    ]
    legato, loud = rng.uniform(0.55, 1.05), rng.integers(60, 112)
    now = rng.choice([0.0, 0.5, 1.0, 2.0]) * outline.beat_s
    at = int(np.argmin([abs(k - centre) for k in keys]))
    notes = []
    while now < outline.seconds:
        beats = float(rng.choice(values))
        if rng.random() < 0.12:  # a rest
            now += beats * outline.beat_s
            continue
        at += int(rng.choice([-4, -2, -1, -1, 0, 1, 1, 2, 4]))
        at += int(np.sign(centre - keys[np.clip(at, 0, len(keys) - 1)]) * (rng.random() < 0.3))
        at = int(np.clip(at, 0, len(keys) - 1))
        pitch = keys[at]
        if beats >= 1:
            pitch = min(outline.chord_pitches(now, low, high), key=lambda p, near=pitch: abs(p - near))
        length = beats * outline.beat_s * (1.0 if plucked else legato)
        notes.append(Note(now, max(length, 0.06), pitch, int(np.clip(loud + rng.normal(0, 9), 30, 127))))
        now += beats * outline.beat_s
    return notes


def _chords(outline: Outline, rng: np.random.Generator, low: int, high: int) -> list[Note]:
    """Strummed, broken or held chords."""
    base = int(rng.integers(low, max(low + 1, high - 22)))
    style = rng.choice(["held", "strum", "broken"])
    step = {"held": rng.choice([2.0, 4.0]), "strum": rng.choice([0.5, 1.0]), "broken": rng.choice([0.25, 0.5])}[
        str(style)
    ] * outline.beat_s
    loud = rng.integers(55, 105)
    notes, now, turn = [], 0.0, 0
    while now < outline.seconds:
        tones = outline.chord_pitches(now, base, min(high, base + 24))
        size = int(rng.integers(3, 6))
        velocity = int(np.clip(loud + rng.normal(0, 8), 30, 127))
        if style == "broken":
            order = tones[: size + 1]
            notes.append(Note(now, step * 1.4, order[turn % len(order)], velocity))
        elif style == "held" or rng.random() < 0.85:
            spread = rng.uniform(0, 0.03)
            notes += [Note(now + i * spread, step * rng.uniform(0.6, 1.0), p, velocity) for i, p in enumerate(tones[:size])]
        now += step
        turn += 1
    return notes


def _drums(outline: Outline, rng: np.random.Generator) -> list[Note]:
    """Sixteenth-note patterns of a kit, with fills."""
    step, kit, loud = outline.beat_s / 4, DRUM_KIT, rng.integers(70, 118)
    beat = {
        "kick": ((0, 8), (0, 6, 8), (0, 4, 8, 12), (0, 10))[rng.integers(4)],
        "snare": [4, 12] if rng.random() < 0.7 else [8],
        "closed": list(range(0, 16, int(rng.choice([1, 2, 2, 4])))) if rng.random() < 0.75 else [],
        "ride": [0, 4, 6, 8, 12, 14] if rng.random() < 0.3 else [],
        "open": [14] if rng.random() < 0.3 else [],
    }
    notes, now, at = [], 0.0, 0
    while now < outline.seconds:
        position = at % 16
        if (at // 16) % 4 == 3 and position >= 8 and rng.random() < 0.6:
            notes.append(Note(now, step, kit[str(rng.choice(["low", "mid", "high", "snare"]))], int(loud)))
        else:
            for piece, steps in beat.items():
                if position in steps and rng.random() < 0.95:
                    notes.append(Note(now, step, kit[piece], int(np.clip(loud + rng.normal(0, 12), 25, 127))))
        if at % 64 == 0 and rng.random() < 0.5:
            notes.append(Note(now, step, kit["crash"], int(loud)))
        now += step
        at += 1
    return notes


def _hits(outline: Outline, rng: np.random.Generator, keys: tuple[int, ...]) -> list[Note]:
    """A rhythm of hand percussion, repeated bar by bar with changes; sometimes a roll or single hits at any time."""
    loud = rng.integers(60, 118)
    style = rng.choice(["pattern", "roll", "loose"], p=[0.7, 0.12, 0.18])
    step = outline.beat_s / float(rng.choice([2, 4, 4, 3] if style == "pattern" else [6, 8]))
    bar = [bool(on) for on in rng.random(int(rng.choice([6, 8, 12, 16]))) < rng.uniform(0.3, 0.9)]
    bar[0] = True
    accents = rng.random(len(bar)) < 0.35
    voices = rng.integers(len(keys), size=len(bar))
    notes, now, at = [], 0.0, 0
    while now < outline.seconds:
        place = at % len(bar)
        sounds = style != "pattern" or (bar[place] if rng.random() < 0.9 else rng.random() < 0.4)
        if sounds:
            velocity = loud + 14 * accents[place] + rng.normal(0, 8)
            notes.append(Note(now, max(step, 0.3), keys[voices[place]], int(np.clip(velocity, 25, 127))))
        now += float(rng.uniform(0.15, 0.9)) if style == "loose" else step
        at += 1
    return notes


def _held(outline: Outline, rng: np.random.Generator, low: int, high: int) -> list[Note]:
    """One key at a time, held for seconds."""
    notes, now, key = [], 0.0, int(rng.integers(low, high + 1))
    while now < outline.seconds:
        length = float(rng.uniform(2.5, 8.0))
        notes.append(Note(now, length, key, int(rng.integers(80, 120))))
        now += length
    return notes


def improvise(outline: Outline, instrument: str, rng: np.random.Generator) -> list[Note]:
    """One instrument's part over an outline; entirely decided by ``rng``.

    Raises:
        KeyError: an instrument that is in none of the tables above.
    """
    if instrument == "drums":
        return _drums(outline, rng)
    if instrument in HAND_PERCUSSION:
        return _hits(outline, rng, HAND_PERCUSSION[instrument])
    if instrument in HELD_SOUNDS:
        return _held(outline, rng, *HELD_SOUNDS[instrument])
    low, high = RANGES[instrument]
    if rng.random() < CHORDAL.get(instrument, 0.0):
        return _chords(outline, rng, low, high)
    notes = _line(outline, rng, low, high, instrument in PLUCKED)
    if instrument == "piano" and rng.random() < 0.5:  # a left hand below the tune
        notes += _chords(outline, rng, low, min(high, low + 28))
    return sorted(notes, key=lambda n: n.start_s)
