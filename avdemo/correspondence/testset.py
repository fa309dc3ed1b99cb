"""The held-out test of correspondence: pictures and sounds that no training saw, always the same.

Real clips give frames and the second of sound around each. Made pairs put a photo beside a second of sound of the same kind, from
another place and time: they agree in what they are, not in when. Composed pictures hold several things, of which one sounds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from avdemo.corpora.clips import SAME_RECORDING
from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.pairs import QUIET, ClipPack
from avdemo.corpora.scenes import PhotoPack
from avdemo.correspondence.config import KINDS, CorrespondenceConfig
from avdemo.correspondence.towers import frame_size

SEED = 2017  # the year of the paper
SILENT_DB = -50.0  # of full scale: a window below it has no sound to judge
SOUND_SETS = {
    "phrase": "real phrases",
    "notes": "recorded notes",
    "render": "another soundfont",
    "recording": "everyday recordings and effects",
}
MOST_PHOTOS = {"web30": 5, "web10": 20, "everyday": 12}  # for each kind
MOST_WINDOWS = 8  # of a kind and set of sounds
MOST_CLIP_WINDOWS = 12
VIEW = (448, 224)  # px, of the composed pictures
GALLERY = 5  # instances of each kind


def photo_group(source: str) -> str:
    """ "web30": where the training photos of instruments come from; "web10": another source; "everyday": all others."""
    return {"web30_test": "web30", "web10": "web10"}.get(source, "everyday")


@dataclass(frozen=True)
class Packs:
    """The packed arrays."""

    sounds: SoundPack
    photos: PhotoPack
    clips: ClipPack
    sample_rate: int  # Hz, of the sounds


def open_packs(
    data: Path, work: Path, *, packed: Path | None = None, progress: Callable[[float, str], None] | None = None
) -> Packs:
    """The packed arrays: ``packed`` or ``data`` itself when it is a pack, else a pack of the held-out data made below ``work``.

    Raises:
        InputError: there is neither.
    """
    from avdemo.corpora.held_out import held_out_pack
    from avdemo.corpora.pack_pairs import PairPlan

    # of training sounds as few as can be: only the test is read
    few = PairPlan(
        renders=0, val_renders=0, effects=0, note_phrases=0, stranger_phrases=0, players=0, phrase_variants=1, density=0.0,
        short_pieces=1, clip_variants=1,
    )  # fmt: skip
    folder = held_out_pack(data, work, "correspondence", few, packed=packed, progress=progress)
    rate = json.loads((folder / "packed.json").read_text())["sample_rate"]
    return Packs(SoundPack(folder, KINDS), PhotoPack(folder, KINDS), ClipPack(folder), rate)


def fit_frame(image: Image.Image, config: CorrespondenceConfig) -> np.ndarray:
    """A picture at the size at which the app shows it to the network; uint8 (H, W, 3)."""
    return np.asarray(image.convert("RGB").resize(frame_size(config, *image.size), Image.Resampling.BOX, reducing_gap=2.0))


def on_white(image: Image.Image) -> Image.Image:
    """An RGBA picture without its transparency."""
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white


# ---- real clips ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RealWindows:
    """Frames of the held-out clips with the second of sound that overlaps each; W windows."""

    frames: list[tuple[int, int]]  # (clip, number of the frame) of each window
    wavs: np.ndarray  # (W, samples)
    clip: np.ndarray  # (W,) number of the clip
    second: np.ndarray  # (W,) whole seconds from the clip's first frame: a window s seconds later has second + s
    recording: dict[int, int]  # clip -> recording: clips of one recording are no negatives of each other
    kind: dict[int, str]  # clip -> class of the clip's folder
    silent: int  # windows left out


def real_windows(packs: Packs, most: int = MOST_CLIP_WINDOWS) -> RealWindows:
    """A frame each second from a random quarter of the first second on, and sound that begins up to a second before it.

    How long before is drawn once for each clip, so that a window shifted by a whole second is another one of the windows.
    """
    clips, rate = packs.clips, packs.sample_rate
    frames, wavs, clip_of, seconds, silent = [], [], [], [], 0
    recordings: dict[int, int] = {}
    leaders: dict[str, int] = {}
    for clip in clips.where("test"):
        entry = clips.entries[clip]
        name = Path(entry["clip"]).name
        leader = next((group[0] for group in SAME_RECORDING if name in group), name)
        recordings[clip] = leaders.setdefault(leader, clip)
        rng = np.random.default_rng([SEED, 1, int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)])
        per_second = round(1 / (entry["frames"][1]["time_s"] - entry["frames"][0]["time_s"])) if len(entry["frames"]) > 1 else 1
        first, before_s = int(rng.integers(per_second)), rng.uniform(0.0, 1.0)
        for second, number in enumerate(range(first, len(entry["frames"]), per_second)):
            start = round((entry["frames"][number]["time_s"] - before_s) * rate)
            if start < 0 or start + rate > entry["sound_length"]:
                continue
            if seconds and clip_of[-1] == clip and clip_of.count(clip) >= most:
                break
            wav = clips.wav(clip, start, rate)
            if level_db(wav) < SILENT_DB:
                silent += 1
                continue
            frames.append((clip, number))
            wavs.append(wav)
            clip_of.append(clip)
            seconds.append(second)
    kinds = {clip: clips.entries[clip]["cls"] for clip in set(clip_of)}
    stack = np.stack(wavs) if wavs else np.zeros((0, rate), np.float32)
    return RealWindows(frames, stack, np.array(clip_of, int), np.array(seconds, int), recordings, kinds, silent)


def level_db(wav: np.ndarray) -> float:
    """RMS of a sound relative to full scale, in dB."""
    return float(10 * np.log10(np.mean(np.square(wav, dtype=np.float64)) + 1e-12))


# ---- made pairs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MadeSet:
    """Photos and sounds whose kinds agree or not; numbers are rows of the :class:`Shelf`."""

    title: str
    photos: np.ndarray  # (P,)
    photo_kinds: np.ndarray  # (P,) numbers of KINDS
    sounds: np.ndarray  # (S,)
    sound_kinds: np.ndarray  # (S,)


@dataclass
class Shelf:
    """Every photo and window that some part of the test asks about, once: each network looks and listens once to each."""

    packs: Packs
    photos: list[int] = field(default_factory=list)  # numbers in the pack
    windows: list[tuple[int, int]] = field(default_factory=list)  # (number in the pack, first sample)

    def photo(self, number: int) -> int:
        """Row of a photo."""
        return _row(self.photos, number)

    def window(self, number: int, rng: np.random.Generator) -> int:
        """Row of a window of piece ``number``, at a random place where there is sound."""
        room = self.packs.sounds.room(number, self.packs.sample_rate)
        starts = [int(rng.integers(room + 1)) for _ in range(6)]
        for start in starts:
            if np.sqrt(np.mean(self.packs.sounds.wav(number, start, self.packs.sample_rate) ** 2)) > QUIET:
                break
        return _row(self.windows, (number, start))

    def frame(self, row: int, config: CorrespondenceConfig) -> np.ndarray:
        """Photo number ``row`` on white, as the network reads it."""
        return fit_frame(on_white(self.packs.photos.picture(self.photos[row])), config)

    def wavs(self, rows: Sequence[int]) -> np.ndarray:
        """(rows, samples)."""
        rate = self.packs.sample_rate
        return np.stack([self.packs.sounds.wav(number, start, rate) for number, start in (self.windows[r] for r in rows)])


def _row(items: list, item) -> int:
    if item not in items:
        items.append(item)
    return items.index(item)


def held_photos(packs: Packs, kind: str, group: str) -> list[int]:
    """Numbers of the held-out photos of a kind from a group of sources."""
    return [i for i in packs.photos.where("test", kind) if photo_group(packs.photos.entries[i]["source"]) == group]


def _some(items: Sequence[int], most: int, rng: np.random.Generator) -> list[int]:
    """At most ``most`` of the items, or all of them where there are fewer."""
    return sorted(int(i) for i in rng.permutation(np.asarray(items, int))[:most])


def made_sets(shelf: Shelf, *, quick: bool = False) -> list[MadeSet]:
    """Each set of sounds beside the photos that show such things."""
    sets = []
    for number, (sound_set, words) in enumerate(SOUND_SETS.items()):
        heard: dict[int, list[int]] = {}
        for k, name in enumerate(KINDS):
            rng = np.random.default_rng([SEED, 2, number, k])
            pieces = _some(shelf.packs.sounds.numbers(name, sound_set, "test"), 3 if quick else MOST_WINDOWS, rng)
            heard[k] = [shelf.window(piece, rng) for piece in pieces]
        for group in ("everyday",) if sound_set == "recording" else ("web30", "web10"):
            most = min(3, MOST_PHOTOS[group]) if quick else MOST_PHOTOS[group]
            seen = {
                k: [
                    shelf.photo(i)
                    for i in _some(held_photos(shelf.packs, name, group), most, np.random.default_rng([SEED, 3, k]))
                ]
                for k, name in enumerate(KINDS)
            }
            known = [k for k in seen if seen[k] and heard[k]]
            if len(known) < 2:
                continue
            photos, sounds = ([(row, k) for k in known for row in rows[k]] for rows in (seen, heard))
            columns = (np.array(column, int) for pairs in (photos, sounds) for column in zip(*pairs, strict=True))
            sets.append(MadeSet(f"{words}, {group} photos", *columns))
    return sets


@dataclass(frozen=True)
class Gallery:
    """As many pictures as sounds of each kind, each from its own file; rows of the :class:`Shelf`."""

    photos: np.ndarray  # (G,)
    sounds: np.ndarray  # (G,)
    kinds: np.ndarray  # (G,)


def gallery(shelf: Shelf, most: int = GALLERY) -> Gallery:
    """Photos of the sources that training photos come from; real phrases and recordings before strung and rendered notes."""
    rows: list[tuple[int, int, int]] = []
    for k, name in enumerate(KINDS):
        rng = np.random.default_rng([SEED, 4, k])
        groups = [held_photos(shelf.packs, name, group) for group in ("web30", "everyday")]
        pictures = _some([i for group in groups for i in group], most, rng)
        pieces: list[int] = []
        for sound_set in ("phrase", "recording", "notes", "render"):
            pieces += _some(shelf.packs.sounds.numbers(name, sound_set, "test"), most - len(pieces), rng)
        rows += [(shelf.photo(i), shelf.window(p, rng), k) for i, p in zip(pictures, pieces, strict=False)]
    photos, sounds, kinds = (np.array(column, int) for column in zip(*rows, strict=True)) if rows else (np.zeros(0, int),) * 3
    return Gallery(photos, sounds, kinds)
