"""Notes to sound: pitches and times come out right, from recorded notes and from a soundfont."""

import numpy as np
import pytest
from tiny_pack import RATE, heard

from avdemo.corpora.pack_sounds import TEST_FONT, find_font
from avdemo.corpora.render import SoundfontPlayer, play_recorded, resample_ratio
from avdemo.corpora.score import Note
from avdemo.errors import InputError

RNG = np.random.default_rng


def tone(frequency: float, seconds: float = 1.0) -> np.ndarray:
    return (0.9 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def test_resampling_moves_pitch_and_length_together() -> None:
    up = resample_ratio(tone(440), 2 ** (3 / 12))
    assert len(up) == int(RATE / 2 ** (3 / 12)) and heard(up) == pytest.approx(523.25, abs=3)


def test_recorded_notes_play_at_their_time_and_pitch() -> None:
    notes = [Note(0.5, 0.4, 69, 100), Note(1.5, 0.4, 71, 50)]
    wav = play_recorded(notes, {69: [tone(440)]}, 2.5, RATE, RNG(0))
    assert wav.shape == (int(2.5 * RATE),) and wav.dtype == np.float32 and np.abs(wav).max() <= 1
    first, second = wav[int(0.5 * RATE) : int(0.9 * RATE)], wav[int(1.5 * RATE) : int(1.9 * RATE)]
    assert not wav[: int(0.5 * RATE)].any() and not wav[int(1.05 * RATE) : int(1.5 * RATE)].any()
    assert heard(first) == pytest.approx(440, abs=5) and heard(second) == pytest.approx(493.9, abs=6)
    assert np.abs(first).max() == pytest.approx(2 * np.abs(second).max(), rel=0.05)  # the velocities


def test_a_recording_is_not_bent_too_far() -> None:
    wav = play_recorded([Note(0.0, 0.8, 81, 100)], {69: [tone(440, 2.0)]}, 1.0, RATE, RNG(0))
    assert heard(wav[: RATE // 2]) == pytest.approx(440 * 2 ** (3 / 12), abs=6)  # three semitones, not twelve


def test_soundfont_plays_the_note() -> None:
    pytest.importorskip("fluidsynth", reason="pyfluidsynth is not installed", exc_type=ImportError)
    try:
        font = find_font(TEST_FONT)
    except InputError as error:
        pytest.skip(str(error))
    player = SoundfontPlayer(font, 2 * RATE)
    try:
        wav = player.play([Note(0.3, 0.6, 69, 100)], "flute", 1.2, RNG(0))
        drums = player.play([Note(0.1, 0.2, 38, 110)], "drums", 0.5, RNG(0))
    finally:
        player.close()
    assert wav.shape == (int(1.2 * 2 * RATE),) and np.abs(wav).max() < 1
    onset = np.argmax(np.abs(wav) > 0.02 * np.abs(wav).max()) / (2 * RATE)
    assert onset == pytest.approx(0.3, abs=0.05)
    assert heard(wav[int(0.8 * RATE) : int(1.6 * RATE) : 2]) == pytest.approx(440, rel=0.02) or heard(
        wav[int(0.8 * RATE) : int(1.6 * RATE) : 2]
    ) == pytest.approx(880, rel=0.02)
    assert np.abs(drums).max() > 0.01
