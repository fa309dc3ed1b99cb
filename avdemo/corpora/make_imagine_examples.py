"""Make the examples of imagining: sounds to see a picture of, and pictures to hear, one of each that is no instrument.

    python -m avdemo.corpora.make_imagine_examples --out DIR [--only NAME]

Rendered, spoken and drawn here from end to end, with the requirements of :mod:`avdemo.corpora.make_examples` and, for the voice,
Debian's ``espeak-ng``. The same call gives the same sound and the same picture.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora import match_pictures
from avdemo.corpora.drawn import BACKGROUNDS, DRAWN_INSTRUMENTS, draw_background, emoji_picture
from avdemo.corpora.listed import make_listed
from avdemo.corpora.make_match_examples import BEAT
from avdemo.corpora.match_films import PAIR_S, SAMPLE_RATE, Passage, level, write_m4a
from avdemo.corpora.perform import find_soundfont
from avdemo.corpora.sketch import Sketch
from avdemo.corpora.speech import speak
from avdemo.corpora.tunes import TUNES, Tune

SIDE = 256  # px of the square pictures
MADE = "Made by this project, MIT licence."
MUSIC = "Tune in the public domain or the project's own; sound: FluidR3 GM soundfont (MIT)."
VOICE = "Text by this project, spoken by eSpeak NG."
DRAWING = "Noto Color Emoji (SIL Open Font Licence 1.1) on a background drawn by this project."

ENTERTAINER = Tune(  # both hands on one piano
    "The Entertainer", "Scott Joplin", "1902", 176, 4,
    {
        "piano": """D4/.5 D#4 | C3+E4 C5 G3+C4 E4 G2+C5 C4 G3+E4 C5 | F2/1 A3+C4+F4 A2/.5 C5 A3+C4+D5 D#5
            | C3+E5 C5 G3+C4+D5 E5 G2 B4 F3+G3+D5 B3 | C3+C5/1 E4+G4+C5 C3+C5/2""",
    },
    upbeat=1, sticky={"piano": 1.1},
)  # fmt: skip
GALOP = Tune(
    "Galop infernal", "Jacques Offenbach", "1858", 152, 2,
    {
        "xylophone": """D5/2 | E5/.5 G5 F#5 E5 | A5/1 A5 | A5/.5 B5 F#5 G5 | E5/1 E5 | E5/.5 G5 F#5 E5 | D5 D6 C#6 B5
            | A5 G5 F#5 E5 | D5/2""",
    },
)  # fmt: skip


@dataclass(frozen=True)
class Melody:
    """Five seconds of one instrument."""

    heard: Passage

    @property
    def name(self) -> str:
        return f"{self.heard.instrument}-tune" if self.heard.tune is not BEAT else "drum-beat"

    @property
    def title(self) -> str:
        return f"{self.heard.instrument.capitalize()}: {self.heard.tune.title}"

    def sound(self) -> np.ndarray:
        """float32 (2, samples) at :data:`SAMPLE_RATE`."""
        return self.heard.hear(find_soundfont())

    def make(self, out: Path) -> None:
        write_m4a(out / f"{self.name}.m4a", self.sound())

    def describe(self) -> dict:
        tune = self.heard.tune
        sentence = f"The pictures should show {_one(self.heard.instrument)}."
        about = {"tune": tune.title, "composer": tune.composer, "year": tune.year, "licence": f"{MADE} {MUSIC}"}
        return _sound_entry(self.name, self.title, sentence, self.heard.instrument, self.heard.seconds) | about


@dataclass(frozen=True)
class Voice:
    """Somebody speaks: no instrument."""

    name: str
    title: str
    text: str

    def sound(self) -> np.ndarray:
        """float32 (2, samples) at :data:`SAMPLE_RATE`, the same left and right."""
        from avdemo.media import fit_length

        spoken = fit_length(speak(self.text, SAMPLE_RATE)[None], round(PAIR_S * SAMPLE_RATE))
        return level(np.repeat(spoken, 2, axis=0))

    def make(self, out: Path) -> None:
        write_m4a(out / f"{self.name}.m4a", self.sound())

    def describe(self) -> dict:
        sentence = "A voice is no instrument: the app should say that it knows none that sounds like this."
        return _sound_entry(self.name, self.title, sentence, "", PAIR_S) | {"text": self.text, "licence": f"{MADE} {VOICE}"}


@dataclass(frozen=True)
class Drawing:
    """One thing, large, seen from the front. ``background`` is a drawn one, or the colours at the top and bottom of a plain one."""

    name: str
    title: str
    character: str
    background: str | tuple[str, str]
    shows: str  # the instrument, "" when it is none

    def draw(self) -> np.ndarray:
        """uint8 (SIDE, SIDE, 3).

        Raises:
            InputError: the emoji font is not installed.
        """
        if self.background in BACKGROUNDS:
            canvas = draw_background(self.background, (SIDE, SIDE)).copy()
        else:
            sketch = Sketch(SIDE, SIDE)
            sketch.sky(list(zip((0.0, 1.0), self.background, strict=True)))
            canvas = sketch.finish(SIDE, SIDE)
        return match_pictures.put_large(canvas, emoji_picture(self.character))

    def make(self, out: Path) -> None:
        from avdemo.media import write_png

        write_png(out / f"{self.name}.png", self.draw())

    def describe(self) -> dict:
        sentence = (
            f"The sound should be that of {_one(self.shows)}."
            if self.shows
            else "A cat is no instrument: the app should say that it knows none that looks like this."
        )
        return {
            "file": f"{self.name}.png", "kind": "picture", "title": self.title, "sentence": sentence, "expected": self.shows,
            "width_px": SIDE, "height_px": SIDE, "licence": f"{MADE} {DRAWING}",
        }  # fmt: skip


def _one(instrument: str) -> str:
    """With its article: "a violin", "an accordion", "drums"."""
    return instrument if instrument.endswith("s") else f"{'an' if instrument[0] in 'aeiou' else 'a'} {instrument}"


def _sound_entry(name: str, title: str, sentence: str, expected: str, seconds: float) -> dict:
    return {
        "file": f"{name}.m4a", "kind": "sound", "title": title, "sentence": sentence, "expected": expected, "seconds": seconds,
    }  # fmt: skip


def _tune(instrument: str, tune: str, from_beat: float = 0.0) -> Melody:
    return Melody(Passage(instrument, TUNES[tune], from_beat, seconds=PAIR_S))


def _drawing(instrument: str, background: str | tuple[str, str]) -> Drawing:
    name = instrument.capitalize()
    return Drawing(instrument, name, DRAWN_INSTRUMENTS[instrument], background, instrument)


EXAMPLES: tuple[Melody | Voice | Drawing, ...] = (
    _tune("violin", "greensleeves", 1),
    Melody(Passage("piano", ENTERTAINER, seconds=PAIR_S)),
    Melody(Passage("drums", BEAT, seconds=PAIR_S)),
    _tune("trumpet", "saints", 1),
    _tune("accordion", "drunken-sailor"),
    _tune("flute", "minuet"),
    _tune("banjo", "saints", 4),
    Melody(Passage("xylophone", GALOP, seconds=PAIR_S)),
    Voice("voice", "Not an instrument: a voice",
          "This is a voice, and not a violin. What will you paint when you hear me speak?"),
    _drawing("violin", ("#fdfdfb", "#ececea")),
    _drawing("guitar", "room"),
    _drawing("drums", "stage"),
    _drawing("saxophone", ("#dfe9f2", "#b9cbdc")),
    _drawing("accordion", "park"),
    Drawing("cat", "Not an instrument: a cat", "\U0001f408", "meadow", ""),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return make_listed("make_imagine_examples", __doc__, EXAMPLES, arguments)


if __name__ == "__main__":
    sys.exit(main())
