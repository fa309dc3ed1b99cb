"""Make the examples of speaking lips: photos and drawings of faces, each with a sentence.

    python -m avdemo.corpora.make_lips_examples --out DIR [--only NAME]

One photo is real: the portrait that NASA took of Eileen Collins, in the public domain, as scikit-image carries it. The other faces are
emoji (Debian's ``fonts-noto-color-emoji``) or drawn here; ``espeak-ng`` speaks. The same call gives the same files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora.drawn import emoji_picture
from avdemo.corpora.listed import make_listed
from avdemo.corpora.match_films import SAMPLE_RATE, level, write_m4a
from avdemo.corpora.sketch import Sketch
from avdemo.corpora.speech import speak
from avdemo.media.mouths import MouthBox, cut

SIDE = 384  # px of drawn faces
JPEG_QUALITY = 90
PAUSE_S = 0.35  # before and behind the sentence, so that the mouth can be seen at rest
PORTRAIT = (108, 0, 348, 240)  # left, top, right, bottom of the part that is shown, enlarged twice
MADE = "Made by this project, MIT licence."
VOICE = "Text by this project, spoken by eSpeak NG."
NASA = "Portrait of Eileen Collins by NASA, public domain, from scikit-image's skimage.data.astronaut."
EMOJI = "Face: Noto Color Emoji (SIL Open Font Licence 1.1)."


@dataclass(frozen=True)
class Speaker:
    """A face and what it says. ``box`` (left, top, side in pixels of the picture) is drawn by hand where no face is found."""

    name: str
    title: str
    sentence: str
    picture: Callable[[], np.ndarray]
    text: str
    voice: str
    licence: str
    box: tuple[int, int, int] | None = None
    words_per_minute: int = 150

    def make(self, out: Path) -> None:
        from PIL import Image

        Image.fromarray(self.picture()).save(out / f"{self.name}.jpg", quality=JPEG_QUALITY)
        pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
        spoken = speak(self.text, SAMPLE_RATE, voice=self.voice, words_per_minute=self.words_per_minute)
        write_m4a(out / f"{self.name}.m4a", level(np.repeat(np.concatenate([pause, spoken, pause])[None], 2, axis=0)))

    def describe(self) -> dict:
        box = [*self.box, 0] if self.box else None  # left, top, side, turn
        return {
            "file": f"{self.name}.jpg", "speech": f"{self.name}.m4a", "title": self.title, "sentence": self.sentence, "box": box,
            "text": self.text, "licence": f"{MADE} {self.licence} {VOICE}",
        }  # fmt: skip


def portrait() -> np.ndarray:
    """NASA's portrait, head and shoulders: uint8 (H, W, 3)."""
    from PIL import Image
    from skimage.data import astronaut

    part = Image.fromarray(astronaut()).crop(PORTRAIT)
    return np.asarray(part.resize((2 * part.width, 2 * part.height), Image.Resampling.LANCZOS))


def mouth_alone() -> np.ndarray:
    """The mouth of the portrait, enlarged: uint8 (160, 160, 3)."""
    from skimage.data import astronaut

    photo = astronaut()
    return cut(photo, MouthBox(222.5 / photo.shape[1], 142.5 / photo.shape[0], 76 / photo.shape[0], 0.06), 160)


def emoji(character: str, ground: tuple[str, str]) -> np.ndarray:
    """An emoji, enlarged, on a plain ground: uint8 (SIDE, SIDE, 3).

    Raises:
        InputError: the font is missing.
    """
    from PIL import Image

    sketch = Sketch(SIDE, SIDE)
    sketch.sky(list(zip((0.0, 1.0), ground, strict=True)))
    canvas = Image.fromarray(sketch.finish(SIDE, SIDE))
    face = Image.fromarray(emoji_picture(character))
    scale = 0.88 * SIDE / max(face.size)
    face = face.resize((round(face.width * scale), round(face.height * scale)), Image.Resampling.BICUBIC)
    canvas.paste(face, ((SIDE - face.width) // 2, (SIDE - face.height) // 2), face)
    return np.asarray(canvas)


def drawn_face() -> np.ndarray:
    """A face from the front, painted softly: uint8 (SIDE, SIDE, 3)."""
    s = Sketch(SIDE, SIDE)
    s.sky([(0.0, "#9fb9c4"), (1.0, "#6d8c99")])
    s.disc(0.5, 0.44, 0.36, "#2c1d18", squash=1.12)  # hair
    s.bar(0.38, 0.72, 0.62, 1.05, "#a96f52", 0.05)  # neck
    s.layer(lambda b: b.ellipse(_box(s, 0.12, 0.92, 0.88, 1.5), fill=255), "#34536b")
    s.disc(0.5, 0.49, 0.285, "#c68a67", squash=1.25)  # head
    s.disc(0.5, 0.62, 0.21, "#cd9270", blur=0.02, squash=1.1)
    for side in (-1, 1):
        s.disc(0.5 + side * 0.17, 0.56, 0.06, "#d08067", blur=0.03, opacity=0.5)
        s.disc(0.5 + side * 0.115, 0.425, 0.047, "#f4efe9", squash=0.55)
        s.disc(0.5 + side * 0.113, 0.425, 0.024, "#3a2a22")
        s.disc(0.506 + side * 0.113, 0.418, 0.007, "#ffffff")
        s.shape(_arc(0.5 + side * 0.118, 0.372, 0.07, -0.022, 0.012), "#2c1d18", blur=0.002)
        s.disc(0.5 + side * 0.028, 0.575, 0.013, "#a5654a", blur=0.004, squash=0.6)
    s.shape([(0.487, 0.43), (0.513, 0.43), (0.54, 0.56), (0.46, 0.56)], "#d9a081", blur=0.016, opacity=0.7)
    s.shape(_lips(0.5, 0.675, 0.098, 0.028, 0.04), "#a94f4c", blur=0.0025)
    s.shape(_lips(0.5, 0.679, 0.07, 0.004, 0.03), "#bb6560", blur=0.006, opacity=0.7)
    s.shape(_arc(0.5, 0.677, 0.094, 0.004, 0.005), "#6d2a2b", blur=0.0015)
    s.disc(0.5, 0.755, 0.06, "#b87c5c", blur=0.02, opacity=0.45, squash=0.3)
    return s.finish(SIDE, SIDE)


def _box(s: Sketch, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    (a, b), (c, d) = s.px([(x0, y0), (x1, y1)])
    return a, b, c, d


def _arc(x: float, y: float, half: float, rise: float, thick: float) -> list[tuple[float, float]]:
    """A stroke from left to right that rises by ``rise`` in its middle and is ``thick`` there."""
    at = np.linspace(-1, 1, 24)
    upper = [(x + half * t, y + rise * (1 - t * t) - thick / 2 * (1 - t**4)) for t in at]
    lower = [(x + half * t, y + rise * (1 - t * t) + thick / 2 * (1 - t**4)) for t in at[::-1]]
    return upper + lower


def _lips(x: float, y: float, half: float, up: float, down: float) -> list[tuple[float, float]]:
    """Two closed lips: a bow above, a bowl below."""
    at = np.linspace(-1, 1, 40)
    upper = [(x + half * t, y - up * (1 - abs(t) ** 1.6) * (1 - 0.35 * np.exp(-((t / 0.16) ** 2)))) for t in at]
    lower = [(x + half * t, y + down * (1 - t * t) ** 0.8) for t in at[::-1]]
    return upper + lower


def centred(x: float, y: float, side: float) -> tuple[int, int, int]:
    """A box around a place of a drawn face, all as shares of its side, in pixels."""
    return round((x - side / 2) * SIDE), round((y - side / 2) * SIDE), round(side * SIDE)


EXAMPLES: tuple[Speaker, ...] = (
    Speaker("portrait", "A portrait", "The lips of a photo from 1992 follow a synthetic voice.", portrait,
            "Hello. I have never said this. A small network moves my lips, and when I pause, they rest.", "en-us+f3", NASA),
    Speaker("mouth", "Lips alone", "The picture shows a mouth and little else, so all of it moves.", mouth_alone,
            "You need not show a whole face. Lips alone can speak as well.", "en-gb+f2", NASA),
    Speaker("painted", "A painted face", "A drawing, with a box drawn by hand; its lips open dark, as the network saw on people.", drawn_face,
            "I was painted by a program. Now a program lets me talk.", "en-us+m3", "Face drawn by this project.", centred(0.5, 0.683, 0.34)),
    Speaker("emoji", "An emoji", "Far from all that the network learned from: expect something odd.", lambda: emoji("\U0001f642", ("#eef3f6", "#cfdbe2")),
            "Not every face needs to be real. But every video should say so.", "en-gb+m1", EMOJI, centred(0.5, 0.655, 0.62)),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return make_listed("make_lips_examples", __doc__, EXAMPLES, arguments)


if __name__ == "__main__":
    sys.exit(main())
