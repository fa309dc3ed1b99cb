"""Tunes in the public domain, as notes, arranged here for two or three instruments.

A part is written as text. Tokens are separated by spaces: ``D5/1`` is the D above middle C's octave for one beat, ``G3+B3+D4/2``
a chord, ``r/1`` a rest, ``~/2`` holds on what came before, ``kick+ride/1`` are strokes on a drum kit; a token without ``/beats``
lasts as long as the one before it, ``|`` ends a bar. Every melody was published before 1928, and its author has been dead for
more than a century or is not known; the arrangements are the project's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from avdemo.corpora.score import DRUM_KIT, Note
from avdemo.errors import InputError

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_PITCH = re.compile(r"([A-G])([#b]?)(-?\d)")


def pitch(name: str) -> int:
    """Name -> MIDI number: ``A4`` -> 69, ``Bb3`` -> 58; or the General MIDI key of a piece of the drum kit.

    Raises:
        InputError: it is neither.
    """
    if name in DRUM_KIT:
        return DRUM_KIT[name]
    if not (found := _PITCH.fullmatch(name)):
        raise InputError(f"{name!r} is neither a note such as F#4 nor a drum; drums are {', '.join(DRUM_KIT)}.")
    return 12 * (int(found[3]) + 1) + _STEPS[found[1]] + {"#": 1, "b": -1, "": 0}[found[2]]


def parse(text: str) -> tuple[list[tuple[float, float, tuple[int, ...]]], list[float]]:
    """A part's text -> its (start, length, pitches) in beats, and where its bars end.

    Raises:
        InputError: a token that cannot be read.
    """
    events, bars, now, length = [], [], 0.0, 1.0
    for token in text.split():
        if token == "|":
            bars.append(now)
            continue
        names, _, beats = token.partition("/")
        if beats:
            try:
                length = float(beats)
            except ValueError:
                raise InputError(f"{token!r} has no length in beats after its stroke; write for example {names}/1.5.") from None
        if names == "~" and events:
            start, held, pitches = events[-1]
            events[-1] = (start, held + length, pitches)
        elif names != "r":
            events.append((now, length, tuple(pitch(name) for name in names.split("+"))))
        now += length
    return events, [*bars, now]


@dataclass(frozen=True)
class Tune:
    """One piece: what it is, how fast, and each instrument's part as text."""

    title: str
    composer: str
    year: str
    beats_per_minute: float
    beats_per_bar: float
    parts: Mapping[str, str]
    upbeat: float = 0.0  # beats before the first full bar
    sticky: Mapping[str, float] = field(default_factory=dict)  # instrument -> how much of each note's length sounds

    @property
    def beat_s(self) -> float:
        return 60 / self.beats_per_minute

    @property
    def seconds(self) -> float:
        """From the first beat to the end of the last written one, without what rings on."""
        return max(parse(text)[1][-1] for text in self.parts.values()) * self.beat_s

    def notes(self, instrument: str, seed: int = 0, lead_in_s: float = 0.0) -> list[Note]:
        """One part in seconds, played by a person: accents on first beats, times and strengths a little uneven.

        Args:
            instrument: a key of ``parts``.
            seed: decides the unevenness.
            lead_in_s: silence before the first beat.
        """
        rng = np.random.default_rng(seed)
        events, _ = parse(self.parts[instrument])
        share = self.sticky.get(instrument, 0.92)
        notes = []
        for start, length, pitches in events:
            in_bar = (start - self.upbeat) % self.beats_per_bar
            accent = 9 if in_bar == 0 else 3 if in_bar == self.beats_per_bar / 2 else 0
            late = rng.normal(0, 0.005)
            for i, key in enumerate(pitches):
                strength = 84 + accent + rng.normal(0, 4) - (6 if len(pitches) > 2 else 0)
                start_s = max(0.0, lead_in_s + start * self.beat_s + late + 0.006 * i * (instrument in ("guitar", "banjo")))
                notes.append(Note(start_s, max(0.08, length * share * self.beat_s), key, int(np.clip(strength, 40, 120))))
        return sorted(notes, key=lambda note: note.start_s)


def _repeat(bars: str, chords: Mapping[str, str]) -> str:
    """Bar names separated by spaces -> the bars' text, one after another."""
    return " | ".join(chords[name] for name in bars.split())


MINUET = Tune(
    "Minuet in G", "Christian Petzold", "about 1725", 132, 3,
    {
        "flute": """D5/1 G4/.5 A4 B4 C5 | D5/1 G4 G4 | E5 C5/.5 D5 E5 F#5 | G5/1 G4 G4
            | C5 D5/.5 C5 B4 A4 | B4/1 C5/.5 B4 A4 G4 | A4/1 B4/.5 A4 G4 F#4 | G4/3""",
        "piano": """G2+D3/1 B3+D4 A3 | B3 D4+G4 D4+G4 | C3 C4+E4 C4+E4 | B2 B3+D4 B3+D4
            | A2 A3+C4 A3+C4 | G2 G3+B3 G3+B3 | C3 D3+A3 D3+C4 | G2+D3+G3+B3/3""",
    },
    sticky={"flute": 0.96},
)  # fmt: skip

GREENSLEEVES = Tune(
    "Greensleeves", "traditional, England", "16th century", 236, 6,
    {
        "violin": """A4/1 | C5/2 D5/1 E5/1.5 F#5/.5 E5/1
            | D5/2 B4/1 G4/1.5 A4/.5 B4/1 | C5/2 A4/1 A4/1.5 G#4/.5 A4/1 | B4/2 G#4/1
            E4/2 A4/1 | C5/2 D5/1 E5/1.5 F#5/.5 E5/1 | D5/2 B4/1 G4/1.5 A4/.5 B4/1 | C5/1.5 B4/.5 A4/1 G#4/1.5 F#4/.5 G#4/1
            | A4/6""",
        "guitar": "r/1 | " + _repeat("Am G Am E Am G AmE End", {
            "Am": "A2/1 E3 A3 C4 A3 E3", "G": "G2/1 D3 G3 B3 G3 D3", "E": "E2/1 B2 E3 G#3 E3 B2", "AmE": "A2/1 E3 C4 E2 B2 G#3",
            "End": "A2/1 E3 A3 C4+E4/3",
        }),
    },
    upbeat=1, sticky={"violin": 1.0, "guitar": 1.9},
)  # fmt: skip

_BANJO = {
    "-": "r/4", "Bb": "Bb3+D4/1 F4+Bb4 D4+F4 D4+F4+Bb4", "F7": "A3+C4/1 Eb4+F4 C4+Eb4 A3+Eb4+F4",
    "Bb7": "Ab3+D4/1 F4+Bb4 D4+F4 Ab3+D4+F4",
    "Eb": "Bb3+Eb4/1 G4+Bb4 Eb4+G4 Eb4+G4+Bb4", "End": "Bb3+D4/1 F4+Bb4 Bb3+D4+F4+Bb4/2",
}  # fmt: skip
_SWING = "kick+ride/1 snare+ride/.67 ride/.33 kick+ride/1 snare+ride/.67 ride/.33"
SAINTS = Tune(
    "When the Saints Go Marching In", "traditional, New Orleans", "19th century", 262, 4,
    {
        "trumpet": """r/1 Bb4 D5 Eb5 | F5/4 | r/1 Bb4 D5 Eb5 | F5/2 D5 | Bb4 D5 | C5/4 | r/1 D5 D5 C5 | Bb4/3 Bb4/1 | D5/2 F5/1 F5
            | F5 Eb5/3 | r/2 D5/1 Eb5 | F5/2 D5 | Bb4 C5 | Bb4/4""",
        "banjo": _repeat("- Bb Bb Bb Bb F7 F7 Bb Bb7 Eb Eb Bb F7 End", _BANJO),
        "drums": "snare/1 snare snare/.5 snare snare/1 | "
            + _repeat("First Swing Swing Swing Swing Swing Swing Swing Swing Swing Swing Swing End", {
                "Swing": _SWING, "First": "crash+" + _SWING.replace("kick+ride/1", "kick/1", 1),
                "End": "kick+snare/1 snare/.5 snare kick+crash/2",
            }),
    },
    sticky={"trumpet": 0.9, "banjo": 0.95},
)  # fmt: skip

_STRUM = {
    "Dm": "D3/1 A3+D4+F4 A2 A3+D4+F4", "C": "C3/1 G3+C4+E4 G2 G3+C4+E4", "Am": "A2/1 A3+C4+E4 E3 A3+C4+E4",
    "End": "D3/1 A3+D4+F4 D3+A3+D4+F4/2",
}  # fmt: skip
DRUNKEN_SAILOR = Tune(
    "Drunken Sailor", "traditional sea shanty", "19th century", 300, 4,
    {
        "accordion": """A4/1 A4/.5 A4 A4/1 A4/.5 A4 | A4/1 D4 F4 A4 | G4/1 G4/.5 G4 G4/1 G4/.5 G4 | G4/1 C4 E4 G4
            | A4/1 A4/.5 A4 A4/1 A4/.5 A4 | A4/1 B4 C5 D5 | C5 A4 G4 E4 | D4/2 D4
            | F4+A4/2 F4+A4/1.5 F4+A4/.5 | F4+A4/1 D4 F4 A4 | E4+G4/2 E4+G4/1.5 E4+G4/.5 | E4+G4/1 C4 E4 G4
            | F4+A4/2 F4+A4/1.5 F4+A4/.5 | A4/1 B4 C5 F4+D5 | E4+C5 A4 G4 E4 | D4/2 A3+D4/2""",
        "guitar": _repeat("Dm Dm C C Dm Dm Am Dm Dm Dm C C Dm Dm Am End", _STRUM),
    },
    sticky={"accordion": 0.84, "guitar": 1.0},
)  # fmt: skip

ENTERTAINER = Tune(
    "The Entertainer", "Scott Joplin", "1902", 168, 4,
    {
        "saxophone": """D4/.5 D#4 | E4 C5/1 E4/.5 C5/1 E4/.5 C5 | ~/2.5 C5/.5 D5 D#5 | E5 C5 D5 E5/1 B4/.5 D5/1 | C5/3 C5/.5 D5
            | E5 C5 D5 E5/1 C5/.5 D5 C5 | E5 C5 D5 E5/1 C5/.5 D5 C5 | E5 C5 D5 E5/1 B4/.5 D5/1 | C5/2 C4""",
        "piano": "r/1 | " + _repeat("C F CG C CC7 FFm CG End", {
            "C": "C3/1 G3+C4+E4 G2 G3+C4+E4", "F": "F2/1 A3+C4+F4 A2 A3+C4+F4", "CG": "G2/1 G3+C4+E4 G2 F3+G3+B3",
            "CC7": "C3/1 G3+C4+E4 Bb2 G3+C4+E4", "FFm": "A2/1 F3+A3+C4 Ab2 F3+Ab3+C4", "End": "C3/1 G3+C4+E4 C2+C3+G3+C4/2",
        }),
    },
    upbeat=1, sticky={"saxophone": 0.88, "piano": 0.8},
)  # fmt: skip

ODE_TO_JOY = Tune(
    "Ode to Joy", "Ludwig van Beethoven", "1824", 164, 4,
    {
        "trumpet": """B4/1 B4 C5 D5 | D5 C5 B4 A4 | G4 G4 A4 B4 | B4/1.5 A4/.5 A4/2
            | B4/1 B4 C5 D5 | D5 C5 B4 A4 | G4 G4 A4 B4 | A4/1.5 G4/.5 G4/2""",
        "accordion": _repeat("G D Em GD G D Em End", {
            "G": "G3/1 B3+D4 D4 B3+D4+G4", "D": "F#3/1 A3+D4 D4 A3+C4+F#4", "Em": "G3/1 B3+E4 G3 C4+E4",
            "GD": "G3/1 B3+D4 F#3+A3+D4/2",
            "End": "F#3/1 A3+C4+D4 G3+B3+D4+G4/2",
        }),
    },
    sticky={"trumpet": 0.93, "accordion": 0.9},
)  # fmt: skip

TUNES: dict[str, Tune] = {
    "minuet": MINUET,
    "greensleeves": GREENSLEEVES,
    "saints": SAINTS,
    "drunken-sailor": DRUNKEN_SAILOR,
    "entertainer": ENTERTAINER,
    "ode-to-joy": ODE_TO_JOY,
}
