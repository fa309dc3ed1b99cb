"""A written sound beside the one that the video had: whether it gets loud when that does, and begins anew when that does.

The true sound is only compared with. Nothing of it reaches the network, which is given the pictures alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avdemo import media
from avdemo.dsp.onsets import onsets
from avdemo.errors import InputError
from avdemo.foley.agreement import FEWEST, course_score, matched
from avdemo.foley.finishing import SOUND_RATE

if TYPE_CHECKING:
    from avdemo.foley.preparing import Prepared


TURNS = 40  # times by which the onsets are moved, round and round, to know what chance meets


@dataclass(frozen=True)
class Beside:
    """Measured as in the model's card: loudness in dB, 25 times a second; an onset is met by one within 0.1 s."""

    course: float | None  # correlation of the two courses of loudness, -1 to 1; None: the video's own sound is steady
    strokes: int  # onsets of the video's own sound ...
    met: int  # ... that one of the written sound's meets
    chance: float  # how many its onsets would meet at any other time, on average
    written: int  # onsets of the written sound

    @property
    def sentence(self) -> str:
        """What a person should know of it; nothing where nothing can be said."""
        parts = []
        if self.course is not None:
            parts.append(f"its loudness goes with that one's with a correlation of {self.course:.2f} (chance: 0)")
        if self.strokes >= FEWEST:
            parts.append(f"it meets {self.met} of that one's {self.strokes} onsets within 0.1 s (chance: {self.chance:.0f})")
        return f"Beside the sound that the video had: {'; '.join(parts)}." if parts else ""


def own_sound(prepared: Prepared) -> np.ndarray | None:
    """The video's own sound, one channel at the network's rate, (samples,); None where it has none, or silence. Read once."""
    if prepared.own is None:
        prepared.own = _read(prepared)
    return prepared.own if len(prepared.own) else None


def _read(prepared: Prepared) -> np.ndarray:
    nothing = np.zeros(0, np.float32)
    if prepared.is_still or not prepared.info.has_audio:
        return nothing
    try:
        wav = media.read_audio(prepared.video, prepared.config.sample_rate, mono=True)[0]
    except InputError:  # a track that cannot be read cannot be compared with; the new sound does not need it
        return nothing
    return nothing if media.is_silent(wav[None]) else wav[: prepared.samples]


def beside(prepared: Prepared, sound: np.ndarray) -> Beside | None:
    """Compare a finished sound (1, samples) at :data:`SOUND_RATE` with the video's own; None where it has none."""
    own = own_sound(prepared)
    if own is None:
        return None
    rate = prepared.config.sample_rate
    wav = media.resample(sound, SOUND_RATE, rate)[0]
    both = min(len(wav), len(own))
    course = course_score(wav[:both], own[:both], rate)
    true_s, found_s = (onsets(part[:both], rate)[0] for part in (own, wav))
    elsewhere = [np.sort((found_s + both / rate * turn / (TURNS + 1)) % (both / rate)) for turn in range(1, TURNS + 1)]
    chance = float(np.mean([matched(times_s, true_s) for times_s in elsewhere]))
    course = None if math.isnan(course) else round(course, 3)
    return Beside(course, len(true_s), matched(found_s, true_s), round(chance, 1), len(found_s))
