"""Pictures of sounds as the model hears and draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avdemo.viz.frequency import hz_to_height
from avdemo.viz.spectrogram import spectrogram

if TYPE_CHECKING:
    from avdemo.crossmodal.config import SoundWindow
    from avdemo.crossmodal.listening import Heard
    from avdemo.crossmodal.playing import Played


def spectrogram_picture(sound: Heard | Played, *, title: str = "", size: tuple[int, int] = (960, 480)) -> np.ndarray:
    """The log-mel spectrogram of what was heard or played, with axes in seconds and hertz.

    Args:
        title: heading; none when empty.
        size: (width, height) px.

    Returns:
        (height, width, 3) uint8.
    """
    window = sound.window
    mag = magnitudes(sound.lms, window)
    top_rate = 2 * window.f_max  # as if it were sampled so slowly: the axis ends where the bands do
    hop = window.hop * top_rate / window.sample_rate
    return spectrogram(mag, top_rate, hop, rows="mel", title=title, peak=1.0, range_db=window.range_db, size=size)


def magnitudes(lms: np.ndarray, window: SoundWindow) -> np.ndarray:
    """LMS (M, T) in [-1, 1] -> magnitudes re its 1, on M rows evenly spaced in mel from 0 Hz to the highest band's end."""
    bands = len(lms)
    foot = float(hz_to_height(np.float64(window.f_min), "mel", window.f_max))
    rows = np.linspace(0, 1, bands)
    place = np.clip(
        (rows - foot) / (1 - foot) * (bands + 1) - 1, 0, bands - 1
    )  # in bands: their centres are evenly spaced in mel
    below = np.minimum(place.astype(np.int64), bands - 2)
    share = (place - below)[:, None]
    level = lms[below] * (1 - share) + lms[below + 1] * share
    return 10 ** ((level - 1) * window.range_db / 40)
