"""Pictures of what is written: it grows, it follows what moves, and how it compares with the video's own sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avdemo.foley.beside import own_sound
from avdemo.foley.config import QUIETEST_DB
from avdemo.foley.finishing import SOUND_RATE, loudness_of
from avdemo.viz.palette import INK, PALETTE, REST, source_colour

if TYPE_CHECKING:
    from avdemo.foley.preparing import Prepared
    from avdemo.foley.writing import Composition

LOUDNESS_TICKS = ((0.0, "−60 dB"), (1 / 3, "−40 dB"), (2 / 3, "−20 dB"), (1.0, "0 dB"))  # as the network counts loudness
assert QUIETEST_DB == -60
HOP = 512  # samples between the columns of a spectrogram: 11 ms
OWN = PALETTE[4]  # pink, which no take has
TOP_HZ = 8000.0  # what the networks write ends here


def growing_picture(composition: Composition) -> np.ndarray:
    """The takes as far as they are written, on the seconds of the whole sound: (H, W, 3) uint8."""
    from avdemo.viz.waveform import waveform

    takes = composition.wavs
    room = np.zeros((len(takes), composition.wanted), np.float32)
    room[:, : takes.shape[1]] = takes
    peak = max(0.05, float(np.abs(takes).max(initial=0.0)))
    labels = [f"Take {number}" for number in range(1, len(takes) + 1)] if len(takes) > 1 else None
    colours = [source_colour(number) for number in range(len(takes))]
    size = (960, 210 if len(takes) == 1 else 62 + 130 * len(takes))
    return waveform(list(room), composition.sample_rate, colours=colours, labels=labels, full_scale=peak, size=size)


def follow_picture(prepared: Prepared, sound: np.ndarray, *, colour: str | None = None) -> np.ndarray:
    """What moves, how loud the model decided that it sounds, how loud the sound is, and the one that the video had: (H, W, 3) uint8.

    Args:
        sound: finished, (1, samples) at :data:`avdemo.foley.finishing.SOUND_RATE`.
        colour: of the sound.
    """
    from avdemo.viz.lines import lines

    heard = heard_loudness(prepared, sound)
    motion = prepared.motion / max(float(prepared.motion.max(initial=0.0)), 1e-6)
    if prepared.motion.max(initial=0.0) < 1e-3:
        motion = np.zeros_like(motion)
    curves, labels = [motion], ["What moves (least to most)" if motion.any() else "Nothing moves"]
    colours, decided = [REST], prepared.loudness
    if decided is not None:
        curves, labels, colours = (
            [*curves, decided],
            [*labels, "Loudness that the model expects from the pictures"],
            [*colours, INK],
        )
    own = own_sound(prepared)
    if own is not None:
        curves, labels = [*curves, loudness_of(own, prepared)], [*labels, "Loudness of the sound that the video had"]
        colours = [*colours, OWN]
    curves, labels, colours = [*curves, heard], [*labels, "Loudness of the sound that was written"], [*colours, colour or source_colour(2)]
    return lines(
        curves,
        prepared.frame_s,
        prepared.duration_s,
        labels=labels,
        ticks=LOUDNESS_TICKS,
        colours=colours,
        filled=(0,),
        moments_s=prepared.strokes_s,
        moments_label="Strokes that the model expects (top edge)",
        size=(960, 460),
    )


def heard_loudness(prepared: Prepared, sound: np.ndarray) -> np.ndarray:
    """Loudness of a finished sound in each video frame, in [0, 1] as the network counts it: (F,)."""
    from avdemo import media

    return loudness_of(media.resample(sound, SOUND_RATE, prepared.config.sample_rate)[0], prepared)


def agreement(prepared: Prepared, sound: np.ndarray) -> float | None:
    """Correlation of the sound's loudness with the one expected from the pictures, -1 to 1; None where one of them is constant."""
    decided = prepared.loudness
    if decided is None:
        return None
    heard = heard_loudness(prepared, sound)
    if len(heard) < 3 or min(float(heard.std()), float(decided.std())) < 1e-3:
        return None
    return float(np.corrcoef(heard, decided)[0, 1])


def spectrogram_picture(
    prepared: Prepared, sound: np.ndarray, original: np.ndarray | None = None, *, colour: str | None = None
) -> np.ndarray:
    """The written sound's spectrogram and, under it, that of the video's own sound where it had one: (H, W, 3) uint8.

    Args:
        sound, original: (channels, samples) at :data:`avdemo.foley.finishing.SOUND_RATE`.
    """
    from avdemo import media
    from avdemo.viz.spectrogram import spectrogram

    rate = round(2 * TOP_HZ)  # nothing is written above half of it
    hop = HOP * rate // SOUND_RATE
    shown = [("The sound that was written", sound, colour or source_colour(2))]
    if original is not None:
        shown.append(("The video's own sound", original, REST))
    panels = [
        spectrogram(media.resample(wav, SOUND_RATE, rate), rate, hop, title=title, edge=edge, size=(960, 400))
        for title, wav, edge in shown
    ]
    return np.concatenate(panels)
