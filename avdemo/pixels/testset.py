"""The held-out test of pixels: pairs of players with a photo and a sound each that no training saw, always the same.

Three sets of sounds: "notes" (melodies strung from recorded notes of held-out sources), "phrases" (real Freesound phrases by
other people) and "music" (pieces composed for two, played by a soundfont that training never used).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.scenes import PhotoPack
from avdemo.pixels.config import SOUNDS, PixelsConfig

SEED = 2018  # the year of the paper
SETS = {"notes": "notes", "phrases": "phrase", "music": "ensemble"}  # set -> kind of packed sound
PHOTOS = {"web30": ("web30_test",), "web10": ("web10",)}  # the source that training photos come from; another source
PAIRS = {"notes": 78, "phrases": 60, "music": 78}
PLAYER_PX = 192  # side of a player on the composed frames for localisation
FRAME_PX = (448, 256)


@dataclass(frozen=True)
class Pair:
    """Two sources and their photos."""

    instruments: tuple[str, str]
    wavs: np.ndarray  # (2, samples): already halved, so that their sum is the mixture (the mean of both)
    photos: tuple[np.ndarray, np.ndarray]  # (H, W, 3) each, short side 224 px


def open_packs(data: Path, work: Path, progress: Callable[[float, str], None] | None = None) -> tuple[SoundPack, PhotoPack]:
    """The packed arrays: ``data`` itself when it is a pack, else a small pack of the held-out data made from it below
    ``work``.
    """
    from avdemo.corpora.pack_photos import pack_photos
    from avdemo.corpora.pack_sounds import Plan, pack_sounds

    if not (data / "sounds.json").is_file():
        tag = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:10]
        packed = work / f"pixels-test-{tag}"
        if not (packed / "complete").is_file():
            pack_photos(data, packed, SOUNDS, splits=("val", "test"), progress=progress)
            # a little training sound too: the NMF floor learns its dictionaries from it
            plan = Plan(ensembles=24, note_phrases=12, phrase_variants=1)
            pack_sounds(data, packed, SOUNDS, PixelsConfig.compact().sample_rate, plan=plan, progress=progress)
            (packed / "complete").touch()
        data = packed
    return SoundPack(data, SOUNDS), PhotoPack(data, SOUNDS)


def whole_photo(pack: PhotoPack, index: int, short: int = 224, stride: int = 16, most: int = 448) -> np.ndarray:
    """A photo on white as a frame: short side ``short``, sides divisible by ``stride``."""
    from avdemo.pixels.listen import flatten

    picture = flatten(pack.picture(index))
    scale = min(short / min(picture.size), most / max(picture.size))
    size = [max(4 * stride, round(side * scale / stride) * stride) for side in picture.size]
    return np.asarray(picture.resize(size))


def pairs(
    sounds: SoundPack, photos: PhotoPack, which: str, photo_source: str, samples: int, count: int | None = None
) -> Iterator[Pair]:
    """The mixtures of a set, each instrument equally often as the first of the two.

    Args:
        which: key of :data:`SETS`.
        photo_source: key of :data:`PHOTOS`.
        count: how many, default :data:`PAIRS`.
    """
    kind = SETS[which]
    pictures = {name: photos.where("test", name, PHOTOS[photo_source]) for name in SOUNDS}
    names = [name for name in SOUNDS if sounds.numbers(name, kind, "test") and pictures[name]]
    pieces = sounds.compositions("test")
    for number in range(count or PAIRS[which]):
        rng = np.random.default_rng([SEED, sorted(SETS).index(which), number])
        while True:
            first = names[number % len(names)]
            second = str(rng.choice([n for n in names if n != first]))
            if kind == "ensemble":
                piece = pieces[rng.integers(len(pieces))]
                chosen = [piece.get(first), piece.get(second)]
                if None in chosen:
                    continue
                start = int(rng.integers(sounds.room(chosen[0], samples) + 1))
            else:
                chosen = [int(rng.choice(sounds.numbers(n, kind, "test"))) for n in (first, second)]
                start = 0
            wavs = np.stack([sounds.wav(c, start, samples) for c in chosen])
            if (np.sqrt((wavs**2).mean(1)) > 0.01).all():
                break
        shown = [whole_photo(photos, int(rng.choice(pictures[n]))) for n in (first, second)]
        yield Pair((first, second), wavs / 2, (shown[0], shown[1]))


def duet_frame(pair: Pair, backdrop: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """Two players side by side before a backdrop (H, W, 3): the frame and each one's box (x, y, w, h) in px."""
    from PIL import Image

    width, height = FRAME_PX
    canvas = Image.fromarray(backdrop).resize((width, height))
    boxes = []
    for number, photo in enumerate(pair.photos):
        picture = Image.fromarray(photo)
        picture.thumbnail((PLAYER_PX, PLAYER_PX))
        x = int(number * width / 2 + rng.integers(8, max(9, width // 2 - picture.width - 7)))
        y = int(rng.integers(8, max(9, height - picture.height - 7)))
        canvas.paste(picture, (x, y))
        boxes.append((x, y, picture.width, picture.height))
    return np.asarray(canvas), boxes
