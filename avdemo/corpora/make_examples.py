"""Render the videos of the app's example row.

    python -m avdemo.corpora.make_examples --out DIR [--stems DIR] [--only NAME]

Everything in them is made here: tunes in the public domain played by a soundfont, animals and instruments from an emoji font,
drawn backgrounds. Needs Debian's ``fonts-noto-color-emoji``, ``fluid-soundfont-gm`` and ``fluidsynth``, and pyfluidsynth.
The same call gives the same pictures and the same sound.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora.ambience import AMBIENCE
from avdemo.corpora.costume import Look
from avdemo.corpora.drawn import draw_background
from avdemo.corpora.listed import exit_code, write_listing
from avdemo.corpora.perform import find_soundfont, mix_parts, play_part
from avdemo.corpora.players import Player
from avdemo.corpora.tunes import TUNES, Tune

WIDTH, HEIGHT, FPS, SAMPLE_RATE = 640, 360, 25, 44_100
BT709 = 1  # the same number in FFmpeg's tables of matrices, primaries and transfer curves
# Outlines on plain colour: B-frames nearly as fine as P-frames, or moving edges smear; little masking, for there is no texture.
H264_OPTIONS = {"crf": "31", "preset": "slower", "x264-params": "bframes=3:ipratio=1.3:pbratio=1.1:psy-rd=0.4,0:aq-mode=3"}
AAC_BITS = 112_000  # per second
LEAD_IN_S, TAIL_S = 0.3, 0.9  # silence before the first note; time for the last one to ring
GROUND = 338.0  # pixels from the top
LICENCE = (
    "Made by this project, MIT licence. Tune in the public domain; sound: FluidR3 GM soundfont (MIT); "
    "animals and instruments: Noto Color Emoji (SIL Open Font Licence 1.1)."
)

CAT = Look("\U0001f431", (255, 202, 84), (126, 40, 62), (240, 196, 96), (255, 196, 170))
COW = Look("\U0001f42e", (236, 224, 206), (50, 74, 130), (214, 70, 70), (255, 226, 150))
DOG = Look("\U0001f436", (240, 216, 178), (36, 48, 92), (226, 170, 60), (255, 220, 130))
FOX = Look("\U0001f98a", (240, 112, 40), (44, 72, 120), (238, 188, 84), (255, 226, 140))
FROG = Look("\U0001f438", (168, 206, 44), (38, 74, 140), (238, 84, 76), (255, 244, 190))
HAMSTER = Look("\U0001f439", (232, 168, 106), (190, 120, 44), (96, 60, 44), (255, 226, 150))
KOALA = Look("\U0001f428", (152, 162, 168), (122, 36, 66), (240, 214, 140), (255, 190, 190))
LION = Look("\U0001f981", (240, 176, 64), (150, 40, 52), (250, 222, 140), (255, 214, 130))
MONKEY = Look("\U0001f435", (140, 104, 82), (230, 104, 78), (255, 236, 180), (255, 206, 170))
PANDA = Look("\U0001f43c", (66, 66, 74), (104, 70, 140), (250, 190, 90), (226, 200, 255))
PIG = Look("\U0001f437", (250, 176, 178), (70, 112, 84), (250, 220, 130), (255, 206, 214))
RABBIT = Look("\U0001f430", (200, 210, 216), (44, 124, 84), (248, 220, 130), (214, 255, 190))
RACCOON = Look("\U0001f99d", (150, 156, 162), (30, 110, 116), (244, 180, 86), (180, 240, 236))
SLEEPY_BEAR = Look("\U0001f43b", (139, 93, 83), (92, 78, 140), (240, 190, 110), (210, 210, 255), ((0.335, 0.44), (0.665, 0.44)))


@dataclass(frozen=True)
class Place:
    """One player of an example: ``level_db`` and ``pan`` are its part's in the mix."""

    instrument: str
    look: Look
    x: float
    pan: float = 0.0
    level_db: float = 0.0
    scale: float = 1.08
    mirrored: bool = False
    ground: float = GROUND


@dataclass(frozen=True)
class Example:
    """One video: a tune on a background. A player whose instrument has no part in the tune sleeps."""

    name: str
    tune: str
    background: str
    places: tuple[Place, ...]
    quiet_px: tuple[float, float]  # a place of the background where nothing sounds

    @property
    def title(self) -> str:
        piece = TUNES[self.tune]
        names = [place.instrument for place in self.places if place.instrument in piece.parts]
        return f"{piece.title}: {', '.join(names[:-1])} and {names[-1]}"


EXAMPLES = (
    Example("greensleeves-violin-guitar", "greensleeves", "park",
            (Place("violin", RABBIT, 204, -0.3), Place("guitar", HAMSTER, 438, 0.3, -1)), (320, 110)),
    Example("saints-trumpet-banjo-drums", "saints", "roof",
            (Place("trumpet", LION, 146, -0.35, 0, 1.0), Place("drums", PANDA, 334, 0, -2, 1.0, ground=330),
             Place("banjo", RACCOON, 522, 0.35, 0, 1.0)), (320, 22)),
    Example("drunken-sailor-accordion-guitar", "drunken-sailor", "beach",
            (Place("accordion", FROG, 214, -0.3), Place("guitar", MONKEY, 440, 0.3, -1)), (560, 60)),
    Example("entertainer-saxophone-piano", "entertainer", "stage",
            (Place("saxophone", DOG, 226, -0.3), Place("piano", KOALA, 446, 0.3, -1)), (325, 330)),
    Example("ode-to-joy-trumpet-accordion", "ode-to-joy", "meadow",
            (Place("trumpet", COW, 146, -0.35, 0, 1.0), Place("drums", SLEEPY_BEAR, 334, 0, 0, 0.94, ground=332),
             Place("accordion", PIG, 520, 0.35, -1, 1.0)), (60, 60)),
)  # fmt: skip


def seconds_of(tune: Tune) -> float:
    """Length of the video in seconds, a whole number of frames."""
    return math.ceil((LEAD_IN_S + tune.seconds + TAIL_S) * FPS) / FPS


def cast(example: Example) -> list[Player]:
    """The example's players with the notes they play."""
    tune = TUNES[example.tune]
    return [
        Player(
            place.instrument, place.look, place.x, place.ground,
            tuple(tune.notes(place.instrument, number, LEAD_IN_S)) if place.instrument in tune.parts else (),
            place.scale, place.mirrored, tune.beat_s if tune.beat_s > 0.3 else 2 * tune.beat_s, number,
        )
        for number, place in enumerate(example.places)
    ]  # fmt: skip


def stems(example: Example, soundfont: Path) -> dict[str, np.ndarray]:
    """Each sounding instrument's exact part of the mix: float32 (2, samples) at 44,100 Hz."""
    tune = TUNES[example.tune]
    seconds = seconds_of(tune)
    sounding = {
        place.instrument: (number, place) for number, place in enumerate(example.places) if place.instrument in tune.parts
    }
    dry = {
        instrument: play_part(soundfont, instrument, tune.notes(instrument, number, LEAD_IN_S), seconds, SAMPLE_RATE)
        for instrument, (number, _) in sounding.items()
    }
    pans = {instrument: place.pan for instrument, (_, place) in sounding.items()}
    levels = {instrument: place.level_db for instrument, (_, place) in sounding.items()}
    return mix_parts(dry, pans, levels, SAMPLE_RATE)


def draw_frame(example: Example, players: Sequence[Player], background: np.ndarray, time_s: float) -> np.ndarray:
    """The picture at ``time_s``: uint8 (360, 640, 3)."""
    canvas = background.copy()
    if example.background in AMBIENCE:
        AMBIENCE[example.background](WIDTH, HEIGHT)(canvas, time_s)
    for player in players:  # notes rise behind the players: no face is hidden
        player.draw_notes(canvas, time_s)
    for player in sorted(players, key=lambda p: p.ground):
        player.draw(canvas, time_s)
    return canvas


def draw_frames(example: Example) -> Iterator[np.ndarray]:
    """All pictures of the video, uint8 (360, 640, 3) each."""
    players, background = cast(example), draw_background(example.background, (WIDTH, HEIGHT))
    for number in range(round(seconds_of(TUNES[example.tune]) * FPS)):
        yield draw_frame(example, players, background, number / FPS)


def describe(example: Example) -> dict:
    """The example's entry in ``examples.json``; places are pixels of the video."""
    tune = TUNES[example.tune]
    playing, silent = [], [{"name": "background", "x_px": round(example.quiet_px[0]), "y_px": round(example.quiet_px[1])}]
    for player in cast(example):
        x, y = player.instrument_px
        entry = {"name": player.instrument, "x_px": round(x), "y_px": round(y)}
        (silent if player.asleep else playing).append(entry)
    return {
        "file": f"{example.name}.mp4", "title": example.title, "instruments": playing, "silent": silent, "tune": tune.title,
        "composer": tune.composer, "year": tune.year, "licence": LICENCE, "seconds": round(seconds_of(tune), 3),
    }  # fmt: skip


def encode_small(path: Path, frames: Iterable[np.ndarray], wav: np.ndarray) -> None:
    """Write the mp4 slowly and small, since it is made once and cloned often: H.264 yuv420p and AAC like ``media.write_video``.

    Args:
        path: where to write.
        frames: uint8 (360, 640, 3) each, at ``FPS``.
        wav: float32 (2, samples) at ``SAMPLE_RATE``, as long as the pictures.

    Raises:
        StorageError: the file cannot be written.
    """
    import av
    from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

    from avdemo import media

    reformatter = VideoReformatter()
    with (
        media.writing(path) as partial,
        av.open(str(partial), "w", format="mp4", options={"movflags": "+faststart"}) as container,
    ):
        video = container.add_stream("libx264", rate=FPS, options=H264_OPTIONS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = video.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = ColorRange.MPEG, *[BT709] * 3
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        audio.bit_rate = AAC_BITS
        sent, step = 0, SAMPLE_RATE // FPS
        for picture in frames:
            rgb = av.VideoFrame.from_ndarray(picture, format="rgb24")
            yuv = reformatter.reformat(rgb, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
            container.mux(video.encode(yuv))
            block = np.ascontiguousarray(np.clip(wav[:, sent : sent + step], -1, 1))
            if block.shape[1]:
                sound = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
                sound.sample_rate, sound.pts = SAMPLE_RATE, sent
                container.mux(audio.encode(sound))
                sent += step
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def make(example: Example, out: Path, stems_dir: Path | None) -> Path:
    """Write one video, and its stems where asked; returns the video's path.

    Raises:
        InputError: the soundfont or the emoji font is not installed.
        StorageError: the folder cannot be written.
    """
    from avdemo import media

    parts = stems(example, find_soundfont())
    if stems_dir:
        for instrument, wav in parts.items():
            media.write_wav(stems_dir / f"{example.name}.{instrument}.wav", wav, SAMPLE_RATE)
    path = out / f"{example.name}.mp4"
    encode_small(path, draw_frames(example), sum(parts.values()))
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m avdemo.corpora.make_examples", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the videos and examples.json")
    parser.add_argument("--stems", type=Path, help="also write each instrument alone, as 16-bit wav, into this folder")
    parser.add_argument("--only", choices=[example.name for example in EXAMPLES], help="make this one video and no examples.json")
    options = parser.parse_args(arguments)
    def work() -> None:
        for folder in filter(None, (options.out, options.stems)):
            folder.mkdir(parents=True, exist_ok=True)
        for example in EXAMPLES:
            if options.only in (None, example.name):
                path = make(example, options.out, options.stems)
                print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", file=sys.stderr)
        if options.only is None:
            write_listing(options.out, [describe(example) for example in EXAMPLES])

    return exit_code(work, options.out)


if __name__ == "__main__":
    sys.exit(main())
