"""What crossmodal is tested with: held-out sounds and photos, beside some of those that training had; always the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.scenes import PhotoPack
from avdemo.crossmodal.album import Album, load_album
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.ear_recipe import held_windows
from avdemo.crossmodal.windows import QUIET, WindowMaker, strange_noise
from avdemo.errors import InputError

SEED = 2017  # the year of the paper
SOURCES = {"web30": ("web30_test",), "web10": ("web10",)}  # where the training photos come from; another source
TRIES = 6

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Sizes:
    """How much is asked, for each kind."""

    train_windows: int = 16
    test_windows: int = 30
    photos: int = 10  # at most, of each source
    sounds_a_photo: int = 4
    inverted: int = 10  # spectrograms that become a sound
    alike: int = 20  # pictures of which all pairs are compared
    train_photos: int = 160  # at most, among which the nearest one is looked for
    strangers: int = 16  # of each group of things that it does not know, times four

    @classmethod
    def quick(cls) -> Sizes:
        return cls(4, 6, 3, 2, 2, 6, 24, 4)


@dataclass(frozen=True)
class Sounds:
    """Windows with what they are."""

    wavs: np.ndarray  # (N, samples) float32
    kinds: np.ndarray  # (N,) class numbers
    origins: np.ndarray  # (N,) str: "render", "notes", "phrase", "recording"


@dataclass(frozen=True)
class Photos:
    """Whole photos on white, of any size, as a user would give them."""

    pictures: list[np.ndarray]  # (H, W, 3) uint8 each
    kinds: np.ndarray  # (N,)


@dataclass(frozen=True)
class TestSet:
    """Everything that is asked about."""

    __test__ = False  # nothing for pytest to collect

    config: CrossmodalConfig
    train_sounds: Sounds
    sounds: Sounds
    photos: dict[str, Photos]  # source -> held-out photos of the kinds
    squares: dict[str, Album]  # the same photos as the painters' squares, and "train": those that the painters learnt from
    strange_sounds: dict[str, np.ndarray]  # group -> (N, samples)
    strange_photos: dict[str, list[np.ndarray]]  # group -> pictures (H, W, 3)


def open_pack(data: Path, work: Path, *, packed: Path | None = None, progress: Progress | None = None) -> Path:
    """The packed arrays: ``packed`` or ``data`` itself when it is a pack, else a pack of the test's data made below ``work``.

    Raises:
        InputError: there is neither.
    """
    from avdemo.corpora.held_out import held_out_pack
    from avdemo.corpora.pack_pairs import PairPlan

    # of training sounds a few: pictures are painted from those too
    few = PairPlan(
        renders=5, val_renders=0, effects=0, note_phrases=8, stranger_phrases=0, players=0, phrase_variants=1, density=0.0,
        short_pieces=1, clip_variants=1,
    )  # fmt: skip
    return held_out_pack(data, work, "crossmodal", few, packed=packed, progress=progress)


def read_test(pack: Path, config: CrossmodalConfig, sizes: Sizes) -> TestSet:
    """Draw the test from a pack.

    Raises:
        InputError: the pack's sounds have another rate than the checkpoint hears.
    """
    rate = json.loads((pack / "packed.json").read_text())["sample_rate"]
    if rate != config.window.sample_rate:
        raise InputError(
            f"The packed sounds have {rate} Hz and this checkpoint hears at {config.window.sample_rate} Hz; give the data folder itself."
        )
    sounds, photos = SoundPack(pack, config.kinds), PhotoPack(pack, config.kinds)
    squares = {
        name: load_album(pack, config.kinds, "test", config.picture_size, others=False, sources=sources)
        for name, sources in SOURCES.items()
    }
    squares = {name: some_of(album, sizes.photos) for name, album in squares.items()}
    squares["train"] = some_of(load_album(pack, config.kinds, "train", config.picture_size, others=False), sizes.train_photos)
    return TestSet(
        config,
        windows_of(sounds, config, "train", sizes.train_windows),
        windows_of(sounds, config, "test", sizes.test_windows),
        {name: Photos([_on_white(photos, int(n)) for n in squares[name].entry], squares[name].kind) for name in SOURCES},
        squares,
        _strange_sounds(sounds, config, 4 * sizes.strangers),
        _strange_photos(photos, config, 4 * sizes.strangers),
    )


def windows_of(sounds: SoundPack, config: CrossmodalConfig, split: str, per_kind: int) -> Sounds:
    """Windows of the kinds, shared evenly between the origins that the split has."""
    wavs, kinds, origins = held_windows(WindowMaker(sounds, config.kinds, split, config.window.samples, SEED), per_kind)
    known = (kinds < config.other).numpy()
    return Sounds(wavs.numpy()[known], kinds.numpy()[known], np.array(origins)[known])


def _chosen(kinds: np.ndarray, most: int) -> np.ndarray:
    """Rows of at most ``most`` items of each class, in order."""
    rows = [np.random.default_rng([SEED, 3, int(k)]).permutation(np.flatnonzero(kinds == k))[:most] for k in np.unique(kinds)]
    return np.sort(np.concatenate(rows)) if rows else np.zeros(0, int)


def some_of(album: Album, most: int) -> Album:
    """At most ``most`` pictures of each class."""
    rows = _chosen(album.kind, most)
    return Album(album.pixels[rows], album.kind[rows], tuple(album.source[r] for r in rows), album.entry[rows])


def _on_white(pack: PhotoPack, number: int) -> np.ndarray:
    picture = pack.picture(number)
    return np.asarray(Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB"))


def _strange_sounds(sounds: SoundPack, config: CrossmodalConfig, most: int) -> dict[str, np.ndarray]:
    """Held-out windows of other instruments and of everyday things, noises, and nothing at all; at most ``most`` of each."""
    samples = config.window.samples
    groups: dict[str, dict[str, list[int]]] = {"other instruments": {}, "everyday recordings": {}}
    for number, entry in enumerate(sounds.entries):
        if entry["split"] == "test" and entry["instrument"] not in config.kinds:
            group = "everyday recordings" if entry["kind"] == "recording" else "other instruments"
            groups[group].setdefault(entry["instrument"], []).append(number)
    found: dict[str, np.ndarray] = {}
    for turn, (group, things) in enumerate(groups.items()):
        rng = np.random.default_rng([SEED, 5, turn])
        numbers = [int(rng.choice(things[name])) for _ in range(most) for name in sorted(things)][:most]
        if numbers:
            found[group] = np.stack([audible_window(sounds, number, samples, rng) for number in numbers])
    rng = np.random.default_rng([SEED, 6])
    found["noise, hum, clicks"] = np.stack([strange_noise(samples, rng) for _ in range(most)])
    quiet = 1e-5 * rng.standard_normal((max(1, most // 4), samples))
    found["silence"] = np.concatenate([np.zeros((1, samples)), quiet]).astype(np.float32)
    return found


def audible_window(sounds: SoundPack, number: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A window (samples,) of a piece at a random place where there is sound."""
    for _ in range(TRIES):
        wav = sounds.wav(number, int(rng.integers(sounds.room(number, samples) + 1)), samples)
        if np.sqrt(np.mean(wav**2)) > QUIET:
            break
    return wav


def _strange_photos(pack: PhotoPack, config: CrossmodalConfig, most: int) -> dict[str, list[np.ndarray]]:
    """Held-out pictures of other things, and pictures of nothing; at most ``most`` of each group."""
    groups: dict[str, list[int]] = {"other instruments": [], "other things": []}
    for number, entry in enumerate(pack.entries):
        if entry["split"] == "test" and entry["instrument"] not in config.kinds:
            # everything but instruments comes from sources of its own
            group = "other instruments" if entry["source"].startswith("web") else "other things"
            groups[group].append(number)
    rng = np.random.default_rng([SEED, 7])
    found = {
        group: [_on_white(pack, int(n)) for n in rng.permutation(numbers)[:most]] for group, numbers in groups.items() if numbers
    }
    size = config.eye_size
    found["noise, plain colours"] = [
        rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
        if i % 2
        else np.full((size, size, 3), rng.integers(0, 256, 3), np.uint8)
        for i in range(most // 4)
    ]
    return found


def made_speech(config: CrossmodalConfig, most: int) -> np.ndarray:
    """Windows (N, samples) of speech by several synthetic voices; the training held no speech. Needs espeak-ng.

    Raises:
        InputError: it is not installed.
    """
    from avdemo.corpora.speech import speak

    rate = config.window.sample_rate
    wavs = []
    for number in range(most):
        voice, text = VOICES[number % len(VOICES)], SENTENCES[number % len(SENTENCES)]
        wavs.append(_middle(speak(text, rate, voice=voice, words_per_minute=120 + 15 * (number % 7)), config.window.samples))
    return np.stack(wavs)


def recorded_speech(data: Path, config: CrossmodalConfig, most: int) -> np.ndarray | None:
    """Windows (N, samples) of people who speak, from the lip clips of the training data folder; None where it has none."""
    import csv

    from avdemo.media import read_audio

    index = data / "lips" / "index.csv"
    if not index.is_file():
        return None
    with index.open(newline="", encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["split"] == "heldout"]
    chosen = np.random.default_rng([SEED, 8]).permutation(sorted(names))[:most]
    wavs = [
        _middle(read_audio(index.parent / name, config.window.sample_rate, mono=True)[0], config.window.samples)
        for name in chosen
    ]
    return np.stack(wavs) if wavs else None


def _middle(wav: np.ndarray, samples: int) -> np.ndarray:
    """(any,) -> the middle (samples,), float32."""
    from avdemo.media import fit_length

    start = max(0, len(wav) - samples) // 2
    return fit_length(wav[None, start : start + samples], samples)[0].astype(np.float32)


VOICES = ("en-gb", "en-us", "de", "fr-fr", "es", "en-gb-scotland")
SENTENCES = (
    "The train to the coast leaves in ten minutes from the other side.",
    "Nobody expected the weather to change so quickly this afternoon.",
    "Please put the letters on the table near the open window.",
    "It took three people and a long rope to move the old piano.",
    "Seven small boats were waiting for the wind to turn around.",
)
