"""Speech that lips can say, and such that they cannot: each gets its sentence; and where speech is silent."""

from __future__ import annotations

import numpy as np
import pytest
from made_lips_input import syllables

from avdemo import media
from avdemo.errors import InputError, LimitError, NoAudioError
from avdemo.lips.resting import silence_of
from avdemo.lips.speech import OUT_RATE, levels, read_speech


def write(folder, name, wav, rate=16_000):
    return media.write_wav(folder / name, wav, rate)


def test_good_speech_has_no_remarks(tmp_path) -> None:
    speech = read_speech(write(tmp_path, "a.wav", syllables(3.01)))
    assert speech.notes == () and speech.frames == 75 and speech.duration_s == pytest.approx(3.01, abs=0.001)
    assert speech.wav.shape == (1, round(3.01 * OUT_RATE)) and speech.heard_rate == 16_000


@pytest.mark.parametrize("seconds", [0.2, 1.0, 1.03, 2.5])
def test_as_many_frames_as_the_speech_lasts(tmp_path, seconds) -> None:
    assert abs(read_speech(write(tmp_path, "a.wav", syllables(seconds))).frames - seconds * 25) <= 0.5 + 1e-6


def test_refusals(tmp_path, make_media) -> None:
    silent = write(tmp_path, "silent.wav", np.zeros((1, 16_000)))
    with pytest.raises(NoAudioError, match=r"silent\.wav is silent"):
        read_speech(silent)
    with pytest.raises(InputError, match=r"at least 0\.1"):
        read_speech(write(tmp_path, "blink.wav", syllables(0.05)))
    (tmp_path / "empty.wav").touch()
    with pytest.raises(InputError, match=r"empty\.wav"):
        read_speech(tmp_path / "empty.wav")
    with pytest.raises(NoAudioError, match=r"no sound|without a sound"):
        read_speech(make_media.make_clip(tmp_path / "mute.mp4", 1.0, (64, 48), 10, tones=None))


def test_ten_minutes_are_over_the_limit(tmp_path) -> None:
    with pytest.raises(LimitError, match=r"10 minutes.*at most 2 minutes"):
        read_speech(write(tmp_path, "long.wav", np.tile(syllables(1.0, 8000), 600), 8000))


def test_telephone_and_music_are_remarked(tmp_path) -> None:
    (note,) = read_speech(write(tmp_path, "phone.wav", syllables(3, 8000), 8000)).notes
    assert "like a telephone" in note
    at = np.arange(16_000 * 4) / 16_000
    chord = sum(np.sin(2 * np.pi * f * at) for f in (220, 330, 440, 5000)) * 0.1
    (note,) = read_speech(write(tmp_path, "chord.wav", chord[None])).notes
    assert "music" in note


def test_the_sound_of_a_video_is_speech_too(tmp_path, make_media) -> None:
    video = make_media.make_clip(tmp_path / "clip.mp4", 2.0, (64, 48), 10, wav=make_media.swelling(2.0, 2))
    speech = read_speech(video)
    assert speech.frames == 50 and speech.wav.shape[1] == 2 * OUT_RATE


def test_where_it_is_silent() -> None:
    heard = syllables(4, pauses=((1.0, 2.0),))[0]
    silent = silence_of(levels(heard, 16_000))
    assert len(silent) == 100
    assert silent[30:45].min() > 0.95  # in the pause
    assert silent[:20].max() < 0.2 and silent[56:].max() < 0.2  # between syllables it is not
    assert np.abs(np.diff(silent)).max() < 0.7
    assert silence_of(np.zeros(10, np.float32)).shape == (10,)
