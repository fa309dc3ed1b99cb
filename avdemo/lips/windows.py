"""What the lip networks learn from: windows of packed mouth clips with the speech around them, a little different each time.

All drawing is by generators made from the seed and the step, in NumPy, so that background threads may do it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from avdemo.corpora.lip_pack import Clip, LipPack
from avdemo.lips.config import POINTS, LipsConfig
from avdemo.lips.hearing import SPREAD_DB, levelled, reference_db, speech_db
from avdemo.metrics.lmd import opening

EVEN = 0.6  # clips are drawn by the number of their frames to this power, speakers by the number of theirs to this power
SHUT = 0.5  # of the photos are among a clip's most closed mouths: people give such photos, and then teeth must be painted
SHUT_SHARE = 0.15  # of a clip's frames count as these
SHIFT_PX = 3  # by how much frames are moved, at most, at 64 px
BRIGHTER, COLOUR = 0.12, 0.05  # spread of the contrast of all channels and of each, and of what is added to them
VOICE = 0.2  # by how much the bands are stretched or squeezed, as by longer or shorter throats
TILT_DB, TILT_KNOTS = 4.0, 4  # spread of a colouring of the sound
NOISE_DB = (-42.0, -12.0)  # level of added noise beside the bands' references
NOISY = 0.5  # of the windows
SILENT_DB = (-70.0, -25.0)  # what is left of a band in silence

# of the 20 points, who is who in a mirror
MIRRORED = (6, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 16, 15, 14, 13, 12, 19, 18, 17)
assert sorted(MIRRORED) == list(range(POINTS))


@dataclass(frozen=True)
class Window:
    """``frames`` of a clip from its frame ``first``, and ``photo``, another frame of the same clip."""

    clip: Clip
    first: int
    photo: int


class Windows:
    """Windows of a split, and what is in them.

    Args:
        lags: of clips by name, by how many frames their mouth comes after its sound (:mod:`avdemo.lips.lags`); their sound is moved by so
            much. All others are taken as they are.

    Raises:
        ValueError: the split has no clip as long as a window.
    """

    def __init__(self, pack: LipPack, config: LipsConfig, split: str, seed: int = 0, *, lags: Mapping[str, int] | None = None):
        self.pack, self.config, self.seed, self.lags = pack, config, seed, lags or {}
        if pack.size_px != config.size:
            raise ValueError(f"the pack has frames of {pack.size_px} px and the network takes {config.size} px")
        self.clips = [clip for clip in pack.of(split) if clip.frames >= config.frames]
        if not self.clips:
            raise ValueError(f"the pack has no {split} clip of {config.frames} frames")
        self.bands = _bands(pack, self.clips, config)
        self.shut = {clip.number: _most_closed(pack.points[clip.place]) for clip in self.clips if clip.has_points}
        frames = np.array([clip.frames for clip in self.clips], np.float64)
        speakers: dict[str, float] = {}
        for clip in self.clips:
            speakers[clip.speaker] = speakers.get(clip.speaker, 0.0) + clip.frames
        weights = frames**EVEN * np.array([speakers[clip.speaker] ** (EVEN - 1) for clip in self.clips])
        self.weights = weights / weights.sum()

    def draw(self, rng: np.random.Generator, count: int) -> list[Window]:
        """Windows at random places, at least half of each where something is said; photos from anywhere in the clip, often with a closed mouth."""
        found = []
        half = self.config.frames // 2
        for number in rng.choice(len(self.clips), count, p=self.weights):
            clip = self.clips[number]
            last = clip.frames - self.config.frames
            low, high = min(max(0, clip.spoken[0] - half), last), max(0, min(last, clip.spoken[1] - half))
            first = int(rng.integers(low, max(low, high) + 1))
            found.append(Window(clip, first, self._photo(clip, rng)))
        return found

    def _photo(self, clip: Clip, rng: np.random.Generator) -> int:
        if rng.random() < SHUT and clip.number in self.shut:
            return int(rng.choice(self.shut[clip.number]))
        return int(rng.integers(clip.frames))

    def held(self, count: int, salt: int = 0) -> list[Window]:
        """Always the same windows, spread over the speakers, for validation."""
        rng = np.random.default_rng([self.seed, 991, salt])
        by_speaker: dict[str, list[Clip]] = {}
        for clip in self.clips:
            by_speaker.setdefault(clip.speaker, []).append(clip)
        groups = [[group[i] for i in rng.permutation(len(group))] for _, group in sorted(by_speaker.items())]
        turns = (group[turn] for turn in range(max(map(len, groups))) for group in groups if turn < len(group))
        found = []
        for clip in turns:
            first = int(rng.integers(clip.frames - self.config.frames + 1))
            found.append(Window(clip, first, self._photo(clip, rng)))
        return found[:count]

    # ---- what is in a window

    def frames(self, window: Window) -> np.ndarray:
        """(T, S, S, 3) uint8."""
        first = window.clip.first + window.first
        return np.asarray(self.pack.frames[first : first + self.config.frames])

    def photo(self, window: Window) -> np.ndarray:
        """(S, S, 3) uint8."""
        return np.asarray(self.pack.frames[window.clip.first + window.photo])

    def points(self, window: Window) -> np.ndarray:
        """(T, 20, 2) float32, pixels, NaN where unknown."""
        first = window.clip.first + window.first
        return self.pack.points[first : first + self.config.frames]

    def speech(self, clip: Clip, first: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Levelled bands (columns, mels) from the context before frame ``first`` to that behind ``frames`` frames, and which are known."""
        aside = self.config.speech.context
        return self.stretch(clip, first - aside, frames + 2 * aside)

    def stretch(self, clip: Clip, first: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Levelled bands (columns, mels) of frames that may lie beyond the clip's ends, and which columns are known."""
        per = self.config.speech.columns
        bands = np.zeros((frames * per, self.config.speech.mels), np.float32)
        known = np.zeros(frames * per, np.float32)
        first -= self.lags.get(clip.name, 0)
        low, high = max(0, first), min(clip.frames, first + frames)
        if high > low:
            here = slice((low - first) * per, (high - first) * per)
            bands[here] = self.bands[clip.number][low * per : high * per]
            known[here] = 1
        return bands, known


def _most_closed(points: np.ndarray) -> np.ndarray:
    """Numbers of the frames (T, 20, 2) in which the mouth is the most closed."""
    return np.argsort(opening(points))[: max(1, round(SHUT_SHARE * len(points)))]


def _bands(pack: LipPack, clips: Sequence[Clip], config: LipsConfig) -> dict[int, np.ndarray]:
    """Clip number -> its levelled bands (columns, mels) float32."""
    found = {}
    with torch.inference_mode():
        for clip in clips:
            mel_db = speech_db(torch.from_numpy(pack.wav(clip)), config.speech)
            found[clip.number] = levelled(mel_db, reference_db(mel_db)).T.contiguous().numpy()
    return found


# ---- what is changed


def disturb_speech(bands: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another voice, another microphone, another room: levelled bands (columns, mels) -> the same shape."""
    columns, mels = bands.shape
    place = np.clip(np.arange(mels) * (1 + rng.uniform(-VOICE, VOICE)), 0, mels - 1)
    low = np.minimum(place.astype(int), mels - 2)
    share = (place - low).astype(np.float32)
    bands = (1 - share) * bands[:, low] + share * bands[:, low + 1]
    knots = rng.normal(scale=TILT_DB / SPREAD_DB, size=TILT_KNOTS)
    tilt = np.interp(np.linspace(0, TILT_KNOTS - 1, mels), np.arange(TILT_KNOTS), knots).astype(np.float32)
    bands = bands + tilt
    if rng.random() < NOISY:
        level = (rng.uniform(*NOISE_DB) + TILT_DB * rng.normal(size=(1, 1)) + 1.5 * rng.normal(size=(columns, mels))) / SPREAD_DB
        base = SPREAD_DB * np.log(10) / 10  # natural logarithms of power in a unit of the bands
        bands = np.logaddexp(base * bands, base * level.astype(np.float32)) / base
    return bands.astype(np.float32)


def silence(columns: int, mels: int, rng: np.random.Generator) -> np.ndarray:
    """Levelled bands of a quiet room (columns, mels)."""
    level = rng.uniform(*SILENT_DB)
    return ((level + 4 * rng.normal(size=(1, mels)) + 2 * rng.normal(size=(columns, mels))) / SPREAD_DB).astype(np.float32)


@dataclass(frozen=True)
class Look:
    """How a window's frames and photo are changed, alike: mirrored, moved, and coloured."""

    mirrored: bool
    shift: tuple[int, int]  # px, right and down
    contrast: np.ndarray  # (3,)
    brightness: np.ndarray  # (3,), in [0, 255]

    @classmethod
    def draw(cls, rng: np.random.Generator, size: int) -> Look:
        most = SHIFT_PX * size // 64
        contrast = np.exp(rng.normal(scale=BRIGHTER) + rng.normal(scale=COLOUR, size=3))
        brightness = 255 * (rng.normal(scale=BRIGHTER / 2) + rng.normal(scale=COLOUR / 2, size=3))
        right, down = rng.integers(-most, most + 1, 2)
        return cls(bool(rng.random() < 0.5), (int(right), int(down)), contrast.astype(np.float32), brightness.astype(np.float32))

    def frames(self, frames: np.ndarray) -> np.ndarray:
        """(..., S, S, 3) uint8 -> the same."""
        size = frames.shape[-2]
        if self.mirrored:
            frames = frames[..., ::-1, :]
        rows = np.clip(np.arange(size) - self.shift[1], 0, size - 1)
        columns = np.clip(np.arange(size) - self.shift[0], 0, size - 1)
        frames = frames[..., rows, :, :][..., columns, :]
        levels = np.arange(256, dtype=np.float32)[:, None]
        table = np.clip(np.rint((levels - 128) * self.contrast + 128 + self.brightness), 0, 255).astype(np.uint8)  # (256, 3)
        return np.stack([table[:, channel][frames[..., channel]] for channel in range(3)], -1)

    def points(self, points: np.ndarray, size: int) -> np.ndarray:
        """(..., 20, 2) pixels -> the same."""
        if self.mirrored:
            points = points[..., MIRRORED, :] * np.array([-1, 1], np.float32) + np.array([size, 0], np.float32)
        return points + np.array(self.shift, np.float32)
