"""Make the examples of adding sound: short silent videos, drawn by the stage that training's scenes are drawn by.

    python -m avdemo.corpora.make_foley_examples --out DIR [--only NAME]

No sound was played for them: what is struck, bursts, barks or passes is written down here. Needs Debian's ``fonts-noto-color-emoji``
for the dog and the ball. The same call gives the same pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from avdemo.corpora.drawn import emoji_picture
from avdemo.corpora.listed import make_listed
from avdemo.corpora.photo_puppets import lay_over, layer, photo_puppet
from avdemo.corpora.stage import VIEW, WORLD, Draw, Play
from avdemo.corpora.stage_drums import kit
from avdemo.corpora.stage_machines import train_side
from avdemo.corpora.stage_nature import fireworks, open_sky

FPS = 12.5  # the stage is made for it
SIDE = 3 * VIEW  # px of the square videos
MADE = "Made by this project, MIT licence."
FONT = "Noto Color Emoji (SIL Open Font Licence 1.1)."
DOG, BALL = "\U0001f436", "\u26bd"


@dataclass(frozen=True)
class Film:
    """A scene and what happens in it; ``hits``: s of what begins to sound (before 0: it has begun already), with force and brightness, each 0 to 1."""

    name: str
    title: str
    expected: str  # the kind, "" when the model should not know it
    sentence: str
    seconds: float
    hits: tuple[tuple[float, float, float], ...] = ()
    decay_s: float = 0.25  # of each hit's loudness
    seed: int = 0
    uses_font: bool = False

    def play(self) -> Play:
        """What happens, frame by frame."""
        count = round(self.seconds * FPS)
        times = np.arange(count) / FPS
        when, force, bright = (np.array([hit[k] for hit in self.hits], float) for k in range(3))
        near, side, passing = np.ones(count), np.zeros(count), self.name == "train"
        if passing:
            side = 2.6 * (times - self.seconds / 2) / (self.seconds / 2)
            near = 1 / np.sqrt(1 + side**2)
            loud = np.clip(1.1 * near - 0.2, 0, 1)
        else:
            since = times[:, None] - when[None]
            fading = np.exp(-np.maximum(since, 0) / self.decay_s)
            loud = np.where(since >= -1e-6, force * fading, 0).max(1, initial=0)
        rng = np.random.default_rng(self.seed)
        return Play(times, when, force, bright, loud, near, side, self.expected, passing, rng)

    def ground(self, rng: np.random.Generator) -> np.ndarray:
        """What is behind, uint8 (WORLD, WORLD, 3)."""
        if self.name == "train":
            return open_sky(rng)
        top, low = {"drums": ((70, 60, 92), (36, 32, 52)), "dog": ((206, 226, 238), (150, 186, 150))}.get(
            self.name, ((232, 228, 218), (186, 176, 164))
        )
        ramp = np.linspace(0, 1, WORLD)[:, None] * (np.array(low, float) - np.array(top, float)) + np.array(top, float)
        return ramp[:, None].repeat(WORLD, 1).astype(np.uint8)

    def scene(self, play: Play) -> Draw:
        if self.name == "dog":
            return photo_puppet("dog", emoji_picture(DOG), True, play)
        if self.name == "ball":
            return bouncing(play, self.hits)
        return {"drums": kit, "fireworks": fireworks, "train": train_side}[self.name](play)

    def frames(self) -> list[np.ndarray]:
        """uint8 (SIDE, SIDE, 3) each.

        Raises:
            InputError: the emoji font is not installed, and this film needs it.
        """
        import cv2

        play = self.play()
        ground, draw, edge = self.ground(play.rng), self.scene(play), (WORLD - VIEW) // 2
        shown = []
        for t in range(play.frames):
            canvas = ground.copy()
            draw(canvas, t)
            seen = canvas[edge : edge + VIEW, edge : edge + VIEW]
            shown.append(cv2.resize(seen, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
        return shown

    def make(self, out: Path) -> None:
        from avdemo.media import write_video

        write_video(out / f"{self.name}.mp4", self.frames(), Fraction(FPS))

    def describe(self) -> dict:
        return {
            "file": f"{self.name}.mp4", "title": self.title, "sentence": self.sentence, "expected": self.expected, "seconds": self.seconds,
            "hits_s": [hit[0] for hit in self.hits], "licence": f"{MADE} {FONT if self.uses_font else ''}".strip(),
        }  # fmt: skip


def bouncing(play: Play, hits: Sequence[tuple[float, float, float]]) -> Draw:
    """A ball that bounces, touching the ground at each hit."""
    picture, floor, size = emoji_picture(BALL), 0.72 * WORLD, 34
    when = [hit[0] for hit in hits]

    def draw(canvas: np.ndarray, t: int) -> None:
        canvas[int(floor + size / 2) :] = (150, 128, 104)
        now, x = play.times[t], (0.3 + 0.4 * t / play.frames) * WORLD
        before = max((w for w in when if w <= now), default=when[0] - 0.9)
        after = min((w for w in when if w > now), default=when[-1] + 0.5)
        share = (now - before) / (after - before)
        high = 60 * (after - before) / 0.9 * 4 * share * (1 - share)
        lay_over(canvas, layer(picture, size, x, floor - high, 0.16 * t))

    return draw


def _beat() -> tuple[tuple[float, float, float], ...]:
    """Two bars and a half of bass drum, snare and hi-hat, 100 beats a minute, with a roll on the toms and a cymbal."""
    beat, hits = 0.6, []
    for half in range(16):
        time_s = 0.32 + half * beat / 2
        part = half % 4
        hits.append((time_s, 0.9 if part in (0, 2) else 0.4, {0: 0.08, 2: 0.47}.get(part, 0.68)))
    hits += [(0.32 + 4.8 + 0.15 * n, 0.6 + 0.1 * n, 0.3 if n < 2 else 0.22) for n in range(4)]
    hits.append((5.76, 1.0, 0.9))
    return tuple(hits)


EXAMPLES: tuple[Film, ...] = (
    Film("drums", "A drummer", "drum", "A hit with most strokes, as loud as they look; Again takes another drum.", 6.8, _beat(), 0.12, 30),
    Film(
        "fireworks", "Fireworks", "fireworks", "A rumbling bang with each burst, something softer in between.", 5.6,
        ((-0.16, 0.8, 0.4), (1.2, 0.9, 0.5), (2.4, 1.0, 0.3), (2.72, 0.7, 0.5), (4.32, 0.95, 0.4)), 0.35, 5,
    ),
    Film(
        "dog", "A dog barks", "dog", "A burst of sound at each jump: two, one, and three in a row.", 6.4,
        ((0.8, 0.9, 0.5), (1.2, 0.9, 0.5), (2.72, 1.0, 0.5), (4.16, 0.8, 0.5), (4.56, 0.9, 0.5), (4.96, 1.0, 0.5)), 0.14, 2, True,
    ),
    Film("train", "A train goes by", "rail", "A train that comes, is loudest as it passes, and goes.", 6.4, (), 0.3, 6),
    Film(
        "ball", "A ball: not one of its kinds", "", "A ball is none of the ten kinds: the app should say so, and name the nearest.", 5.6,
        ((0.8, 0.8, 0.3), (1.7, 0.8, 0.3), (2.56, 0.7, 0.3), (3.36, 0.6, 0.3), (4.08, 0.5, 0.3), (4.72, 0.4, 0.3)), 0.1, 3, True,
    ),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return make_listed("make_foley_examples", __doc__, EXAMPLES, arguments)


if __name__ == "__main__":
    sys.exit(main())
