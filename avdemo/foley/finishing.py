"""From written samples to what is heard: loudness, the rate of players, the video with its sound."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np

from avdemo import media
from avdemo.errors import InputError
from avdemo.foley.config import QUIETEST_DB
from avdemo.foley.preparing import LONG_SIDE, Prepared

SOUND_RATE = 48_000  # Hz, of all sounds that come out: three times the networks' rate, and one that every player takes
LOUDNESS_DB = 0.0
LEAST_DB, MOST_DB = -40.0, 20.0
FOLLOW = 0.5
FOLLOW_DB = 12.0  # a video frame's sound is turned up or down by at most so much to follow the picture
FADE_S = 0.008  # at both ends, against a click
PEAK = 0.98  # never exceeded: what would be louder is turned down as a whole
STILL_FPS = 25


def check_loudness(loudness_db: float) -> float:
    """The loudness itself.

    Raises:
        InputError: not between LEAST_DB and MOST_DB.
    """
    if not LEAST_DB <= loudness_db <= MOST_DB:
        raise InputError(f"A loudness of {loudness_db:g} dB cannot be used; give one from {LEAST_DB:g} to {MOST_DB:g}.")
    return float(loudness_db)


def check_follow(follow: float) -> float:
    """How far the sound follows the picture, itself.

    Raises:
        InputError: not between 0 and 1.
    """
    if not 0 <= follow <= 1:
        raise InputError(f"A sound cannot follow the picture by {follow:g}; give a share from 0 to 1.")
    return float(follow)


def loudness_of(wav: np.ndarray, prepared: Prepared) -> np.ndarray:
    """Loudness of a written sound (samples,) in each video frame, in [0, 1] as the network counts it: (F,) float32."""
    import torch

    from avdemo.foley.objective import loudness_of as measured

    frames = len(prepared.motion)
    found = measured(torch.from_numpy(np.ascontiguousarray(wav))[None], prepared.config)[0].numpy()[:frames]
    return np.pad(found, (0, frames - len(found)))


def followed(prepared: Prepared, wav: np.ndarray, follow: float) -> np.ndarray:
    """A written sound (samples,) turned up and down, frame by frame, towards the loudness that was decided from the pictures.

    Args:
        follow: 0 leaves it, 1 goes all the way (but at most :data:`FOLLOW_DB`); in between that share of the decibels.
    """
    decided = prepared.loudness
    if decided is None or follow == 0 or not len(wav):
        return wav
    short_db = (decided - loudness_of(wav, prepared)) * -QUIETEST_DB
    gain_db = follow * np.clip(short_db, -FOLLOW_DB, FOLLOW_DB)
    centres = (np.arange(len(gain_db)) + 0.5) * prepared.config.samples_per_frame
    return wav * (10 ** (np.interp(np.arange(len(wav)), centres, gain_db) / 20)).astype(np.float32)


def finish(
    prepared: Prepared, wav: np.ndarray, *, loudness_db: float = LOUDNESS_DB, follow: float = FOLLOW
) -> tuple[np.ndarray, list[str]]:
    """Bring a written sound to its loudness, to :data:`SOUND_RATE` and to the video's length.

    Args:
        wav: (samples,) float32 at the network's rate; a shorter one is followed by silence.
        loudness_db: gain in dB, LEAST_DB ... MOST_DB; less where the peaks would not fit.
        follow: see :func:`followed`.

    Returns:
        float32 (1, samples), and what a person should know.

    Raises:
        InputError: a parameter cannot be used.
    """
    loudness_db, follow = check_loudness(loudness_db), check_follow(follow)
    notes = []
    rate = prepared.config.sample_rate
    cut = len(wav) < prepared.samples
    if cut:
        notes.append(f"Written up to {len(wav) / rate:.1f} s of {prepared.duration_s:.1f} s; the rest is silent.")
    sound = media.resample(_faded(followed(prepared, wav, follow), rate)[None], rate, SOUND_RATE)
    sound = media.fit_length(sound, round(prepared.duration_s * SOUND_RATE)) * np.float32(10 ** (loudness_db / 20))
    sound, turned_db = below(sound, PEAK)
    if turned_db < -0.1:
        notes.append(f"Its peaks would not fit, so it is {-turned_db:.1f} dB softer than asked for.")
    if media.is_silent(sound):
        notes.append("Nothing can be heard in it: by what it sees, the model expects silence.")
    return sound, notes


def _faded(wav: np.ndarray, rate: int) -> np.ndarray:
    count = min(round(FADE_S * rate), len(wav) // 2)
    fade = np.sin(np.linspace(0, np.pi / 2, count, dtype=np.float32)) ** 2
    wav = wav.copy()
    wav[:count] *= fade
    wav[len(wav) - count :] *= fade[::-1]
    return wav


def below(wav: np.ndarray, peak: float) -> tuple[np.ndarray, float]:
    """A sound turned down as a whole where its peaks exceed ``peak``, and by how many dB (<= 0)."""
    highest = float(np.abs(wav).max(initial=0.0))
    if highest <= peak:
        return wav, 0.0
    return wav * np.float32(peak / highest), 20 * math.log10(peak / highest)


def original_sound(prepared: Prepared) -> np.ndarray | None:
    """The video's own sound, float32 (1 or 2, samples) at :data:`SOUND_RATE`; None where it has none."""
    return media.read_audio(prepared.video, SOUND_RATE) if prepared.info.has_audio else None


def mixed(prepared: Prepared, sound: np.ndarray, *, keep: bool) -> np.ndarray:
    """The sound that goes into the video: the finished one alone, or with ``keep`` together with the video's own."""
    own = original_sound(prepared) if keep else None
    if own is None:
        return sound
    return below(own + media.fit_length(sound, own.shape[1]), PEAK)[0]


def film(prepared: Prepared, sound: np.ndarray, path: Path | str, *, keep: bool = False) -> Path:
    """Write the video, or a photo that stays, with a finished sound as an mp4 that every browser plays.

    H.264 is copied without loss, all else encoded anew and upright; the video lasts as long as before, to a frame.

    Args:
        sound: (1, samples) at :data:`SOUND_RATE`.
        keep: the video's own sound stays, and this one is mixed under it.

    Raises:
        StorageError: it cannot be written.
    """
    if prepared.is_still:
        picture = media.read_image(prepared.video, max_side=LONG_SIDE)
        frames = itertools.repeat(picture, max(1, round(prepared.duration_s * STILL_FPS)))
        return media.write_video(path, frames, STILL_FPS, sound, SOUND_RATE)
    return media.replace_audio(prepared.video, path, mixed(prepared, sound, keep=keep), SOUND_RATE)
