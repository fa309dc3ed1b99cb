"""Parts of the examples of matching: films of players scene after scene, a flight, and pictures with a sound beside them.

What picture and sound hold is told exactly by each one's ``describe``; :mod:`avdemo.corpora.make_match_examples` says which there
are. As in the films of :mod:`avdemo.corpora.make_examples`, the same call gives the same pictures and the same sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from avdemo.corpora import make_examples as base
from avdemo.corpora import match_pictures
from avdemo.corpora.drawn import draw_background
from avdemo.corpora.make_examples import FPS, HEIGHT, SAMPLE_RATE, WIDTH, Example, Place
from avdemo.corpora.perform import find_soundfont, mix_parts, play_part
from avdemo.corpora.players import Player
from avdemo.corpora.render import SoundfontPlayer
from avdemo.corpora.score import Note
from avdemo.corpora.tunes import Tune

SCENE_S = 4.0
PAIR_S = 5.0
STILL = (512, 384)  # px, width and height of the pictures
RMS = 10 ** (-18 / 20)  # of each passage: -18 dBFS
PEAK = 10 ** (-2 / 20)  # of no passage more, so that what AAC adds stays below full scale
FADE_S = 0.04  # at the start of a held sound
ATTACK_S = 2.0  # held sounds of the soundfont grow this long; they are heard from then on
FIRST_NOTE_S = 0.06  # after a cut
HELD_KEY = 60
LICENCE = (
    "Made by this project, MIT licence. Tunes in the public domain or the project's own; sound: FluidR3 GM soundfont (MIT); "
    "animals, instruments and helicopter: Noto Color Emoji (SIL Open Font Licence 1.1)."
)


@dataclass(frozen=True)
class Passage:
    """Some seconds of one part of a tune. ``start_s`` is in seconds of its scene, ``pan`` from -1 (left) to 1 (right)."""

    instrument: str
    tune: Tune
    from_beat: float = 0.0
    start_s: float = 0.0
    seconds: float = SCENE_S
    pan: float = 0.0

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """Its notes in seconds of the scene; none is struck in the last tenth of a second or held past the end."""
        skipped, kept = self.from_beat * self.tune.beat_s, []
        for note in self.tune.notes(self.instrument):
            at = note.start_s - skipped
            if -0.05 < at < self.seconds - FIRST_NOTE_S - 0.1:
                at = max(at, 0.0) + FIRST_NOTE_S
                kept.append(Note(self.start_s + at, min(note.duration_s, self.seconds - at), note.pitch, note.velocity))
        return tuple(kept)

    def hear(self, soundfont: Path) -> np.ndarray:
        """Its sound alone: float32 (2, seconds * SAMPLE_RATE), silent at both ends."""
        notes = [Note(note.start_s - self.start_s, note.duration_s, note.pitch, note.velocity) for note in self.notes]
        dry = play_part(soundfont, self.instrument, notes, self.seconds, SAMPLE_RATE)
        return level(mix_parts({self.instrument: dry}, {self.instrument: self.pan}, {}, SAMPLE_RATE)[self.instrument])


@dataclass(frozen=True)
class Scene:
    """Players on a background, each with what it plays. ``heard`` is heard instead of that where it is given."""

    background: str
    cast: tuple[tuple[Place, Passage], ...]
    heard: Passage | None = None

    @property
    def seconds(self) -> float:
        return max(passage.start_s + passage.seconds for _, passage in self.cast)

    @cached_property
    def players(self) -> list[Player]:
        return [
            Player(
                place.instrument, place.look, place.x, place.ground, passage.notes, place.scale, place.mirrored,
                passage.tune.beat_s * (1 if passage.tune.beat_s > 0.3 else 2), number,
            )
            for number, (place, passage) in enumerate(self.cast)
        ]  # fmt: skip

    def frames(self) -> Iterator[np.ndarray]:
        """uint8 (360, 640, 3) each."""
        ground = draw_background(self.background, (WIDTH, HEIGHT))
        stage = Example("", "", self.background, tuple(place for place, _ in self.cast), (0, 0))
        for number in range(round(self.seconds * FPS)):
            yield base.draw_frame(stage, self.players, ground, number / FPS)

    def sound(self, soundfont: Path) -> np.ndarray:
        """float32 (2, seconds * SAMPLE_RATE)."""
        wav = np.zeros((2, round(self.seconds * SAMPLE_RATE)), np.float32)
        for passage in [self.heard] if self.heard else [passage for _, passage in self.cast]:
            start, sound = round(passage.start_s * SAMPLE_RATE), passage.hear(soundfont)
            wav[:, start : start + sound.shape[1]] += sound
        return wav

    def spans(self, begins_s: float) -> list[dict]:
        """What is shown and heard when, in seconds of the film; where it is, in pixels, if what is heard is shown."""
        found, shown = [], [place.instrument for place, _ in self.cast]
        for player, (_, passage) in zip(self.players, self.cast, strict=True):
            heard, (x, y) = self.heard or passage, player.instrument_px
            span = [begins_s + heard.start_s, begins_s + heard.start_s + heard.seconds]
            where = {} if self.heard else {"x_px": round(x), "y_px": round(y)}
            found.append({"span_s": span, "shown": shown, "heard": heard.instrument} | where)
        return found


def level(wav: np.ndarray) -> np.ndarray:
    """(2, samples) brought to :data:`RMS`, or below where it would peak above :data:`PEAK`."""
    gain = RMS / max(float(np.sqrt((wav**2).mean())), 1e-9)
    return (wav * min(gain, PEAK / max(float(np.abs(wav).max()), 1e-9))).astype(np.float32)


def hear_held(soundfont: Path, kind: str, seconds: float) -> np.ndarray:
    """A sound effect of General MIDI held on: float32 (2, samples), faded in and out.

    Args:
        kind: "helicopter" or "water" (the sea), as in :data:`avdemo.corpora.render.PROGRAMS`.
    """
    player = SoundfontPlayer(soundfont, SAMPLE_RATE)
    try:
        whole = seconds + ATTACK_S
        dry = player.play([Note(0.0, whole, HELD_KEY, 110)], kind, whole, np.random.default_rng(0))
    finally:
        player.close()
    dry = dry[-round(seconds * SAMPLE_RATE) :]
    fade = round(FADE_S * SAMPLE_RATE)
    dry[:fade] *= np.sin(np.linspace(0, np.pi / 2, fade)) ** 2
    return level(mix_parts({kind: dry}, {}, {}, SAMPLE_RATE)[kind])


@dataclass(frozen=True)
class Film:
    """A video of players, scene after scene. ``pictures_of`` names an earlier film whose pictures are the same."""

    name: str
    title: str
    sentence: str
    scenes: tuple[Scene, ...]
    pictures_of: str = ""

    def make(self, out: Path) -> None:
        from avdemo import media

        path, wav = out / f"{self.name}.mp4", self.sound(find_soundfont())
        if self.pictures_of:  # to the bit, so that nothing but the sound can make the difference
            media.replace_audio(out / f"{self.pictures_of}.mp4", path, wav, SAMPLE_RATE)
        else:
            base.encode_small(path, (picture for scene in self.scenes for picture in scene.frames()), wav)

    def sound(self, soundfont: Path) -> np.ndarray:
        return np.concatenate([scene.sound(soundfont) for scene in self.scenes], axis=1)

    def describe(self) -> dict:
        spans, begins_s = [], 0.0
        for scene in self.scenes:
            spans += scene.spans(begins_s)
            begins_s += scene.seconds
        return _entry(self, f"{self.name}.mp4", "video", (WIDTH, HEIGHT), begins_s, spans)


@dataclass(frozen=True)
class Flight:
    """A video of a helicopter that is heard, and then something else is."""

    name: str
    title: str
    sentence: str
    then: str = "water"

    def make(self, out: Path) -> None:
        frames = match_pictures.draw_flight(2 * SCENE_S, WIDTH, HEIGHT, FPS)
        base.encode_small(out / f"{self.name}.mp4", frames, self.sound(find_soundfont()))

    def sound(self, soundfont: Path) -> np.ndarray:
        return np.concatenate([hear_held(soundfont, kind, SCENE_S) for kind in ("helicopter", self.then)], axis=1)

    def describe(self) -> dict:
        x, y = match_pictures.helicopter_px(SCENE_S / 2, WIDTH, HEIGHT)
        first = {"span_s": [0.0, SCENE_S], "shown": ["helicopter"], "heard": "helicopter", "x_px": round(x), "y_px": round(y)}
        second = {"span_s": [SCENE_S, 2 * SCENE_S], "shown": ["helicopter"], "heard": self.then}
        return _entry(self, f"{self.name}.mp4", "video", (WIDTH, HEIGHT), 2 * SCENE_S, [first, second])


@dataclass(frozen=True)
class Pair:
    """A picture of one instrument and a sound beside it."""

    name: str  # of the sound's file
    title: str
    sentence: str
    instrument: str
    background: str
    heard: Passage

    @property
    def picture(self) -> str:
        return f"{self.instrument}.png"

    def make(self, out: Path) -> None:
        from avdemo import media

        media.write_png(out / self.picture, match_pictures.draw_thing(self.instrument, self.background, STILL))
        write_m4a(out / f"{self.name}.m4a", self.sound(find_soundfont()))

    def sound(self, soundfont: Path) -> np.ndarray:
        return self.heard.hear(soundfont)

    def describe(self) -> dict:
        span = {"span_s": [0.0, self.heard.seconds], "shown": [self.instrument], "heard": self.heard.instrument}
        where = {"x_px": STILL[0] // 2, "y_px": STILL[1] // 2} if self.instrument == self.heard.instrument else {}
        return _entry(self, self.picture, "pair", STILL, self.heard.seconds, [span | where], f"{self.name}.m4a")


def _entry(example: Film | Flight | Pair, file: str, kind: str, size, seconds: float, spans: list[dict], sound: str = "") -> dict:
    """The example's entry in ``examples.json``."""
    expected: dict[str, list] = {"matches": [], "mismatches": []}
    for span in spans:
        expected["matches" if span["heard"] in span["shown"] else "mismatches"].append(span["span_s"])
    return {
        "file": file, **({"sound": sound} if sound else {}), "title": example.title, "sentence": example.sentence, "kind": kind,
        "expected": expected, "spans": spans, "width_px": size[0], "height_px": size[1], "seconds": seconds, "licence": LICENCE,
    }  # fmt: skip


def write_m4a(path: Path, wav: np.ndarray) -> None:
    """Write sound alone as AAC: float32 (2, samples) at :data:`SAMPLE_RATE`.

    Raises:
        StorageError: the file cannot be written.
    """
    import av

    from avdemo import media

    with media.writing(path) as partial, av.open(str(partial), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        stream.bit_rate = base.AAC_BITS
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wav), "fltp", "stereo")
        frame.sample_rate, frame.pts = SAMPLE_RATE, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
