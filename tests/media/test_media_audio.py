"""Sound in and out: what is heard, how loud, and when."""

from __future__ import annotations

import math

import numpy as np
import pytest
from make_media import beep, make_clip, make_plain_wav, make_sound, onset_s, tone

from avdemo.errors import LimitError, NoAudioError
from avdemo.media import fit_length, is_silent, probe, read_audio, refuse_silence, resample, write_wav
from avdemo.media.audio import down_mix

RATE = 16_000


def level(wav: np.ndarray) -> float:
    """Root mean square of the middle half."""
    quarter = wav.shape[-1] // 4
    return float(np.sqrt(np.mean(wav[..., quarter : 3 * quarter] ** 2)))


def loudest_hertz(wav: np.ndarray, sample_rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(wav[0] * np.hanning(wav.shape[1])))
    return float(np.fft.rfftfreq(wav.shape[1], 1 / sample_rate)[np.argmax(spectrum)])


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("16.wav", "pcm_s16le"), ("24.wav", "pcm_s24le"), ("32.wav", "pcm_s32le"), ("8.wav", "pcm_u8"),
        ("float.wav", "pcm_f32le"), ("double.wav", "pcm_f64le"),
        ("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.ogg", "libopus"),
    ],
)  # fmt: skip
def test_every_kind_of_sound_file(tmp_path, name, codec):
    rate = 48_000 if codec == "libopus" else 44_100
    wav = read_audio(make_sound(tmp_path / name, tone(1.5, sample_rate=rate, channels=2), rate, codec=codec), RATE)
    assert wav.dtype == np.float32 and wav.flags.c_contiguous
    assert wav.shape[0] == 2 and wav.shape[1] == pytest.approx(1.5 * RATE, abs=0.06 * RATE)
    assert level(wav) == pytest.approx(0.5 / math.sqrt(2), rel=0.03)
    assert loudest_hertz(wav, RATE) == pytest.approx(440, abs=2)


def test_wav_round_trip_is_exact_to_16_bits(tmp_path):
    rng = np.random.default_rng(0)
    wav = rng.uniform(-0.999, 0.999, (2, 5000)).astype(np.float32)
    path = write_wav(tmp_path / "été.wav", wav, 22_050)
    assert probe(path).audio_sample_rate == 22_050
    np.testing.assert_allclose(read_audio(path, 22_050), wav, atol=0.51 / 32768)


def test_wav_that_is_too_loud_or_broken_is_clipped(tmp_path):
    loud = np.array([[2.0, -2.0, 0.0, 0.5]], np.float32)
    np.testing.assert_allclose(read_audio(write_wav(tmp_path / "a.wav", loud, RATE), RATE), [[1, -1, 0, 0.5]], atol=1e-4)
    broken = np.array([[np.nan, np.inf, -3.0, 0.25] * 500], np.float32)
    wav = read_audio(make_sound(tmp_path / "b.wav", broken, RATE, codec="pcm_f32le"), RATE)
    np.testing.assert_allclose(wav[0, :4], [0, 1, -1, 0.25])


def test_mono_stays_mono_and_stereo_averages(tmp_path):
    left, right = tone(1.0, (440,)), tone(1.0, (1000,))
    both = make_sound(tmp_path / "lr.wav", np.concatenate([left, right]))
    wav = read_audio(both, 44_100)
    np.testing.assert_allclose(wav, np.concatenate([left, right]), atol=1e-4)
    np.testing.assert_allclose(read_audio(both, 44_100, mono=True), (left + right) / 2, atol=1e-4)
    assert read_audio(make_sound(tmp_path / "m.wav", left), 44_100).shape == (1, 44_100)


@pytest.mark.parametrize("named", [True, False])
def test_surround_is_mixed_down_properly(tmp_path, named):
    tones = [tone(1.0, (hertz,), level=0.9) for hertz in (300, 500, 700, 60, 900, 1100)]  # FL FR FC LFE BL BR
    six = np.concatenate(tones)
    path = tmp_path / "six.wav"
    path = make_sound(path, six, layout="5.1") if named else make_plain_wav(path, six, 44_100)
    wav = read_audio(path, 44_100)
    unit = 1 / (1 + 2 * math.sqrt(0.5))
    half = unit * math.sqrt(0.5)
    expected = [unit * tones[0] + half * tones[2] + half * tones[4], unit * tones[1] + half * tones[2] + half * tones[5]]
    np.testing.assert_allclose(wav, np.concatenate(expected), atol=2e-3)


def test_full_scale_surround_never_clips_and_odd_layouts_work():
    for names in (["FL", "FR", "FC", "LFE", "SL", "SR", "BL", "BR"], ["NONE"] * 6, ["NONE"] * 9, ["FL", "FR", "BC"]):
        stereo = down_mix(np.ones((len(names), 10), np.float32), names)
        assert stereo.shape == (2, 10) and stereo.max() <= 1.0 + 1e-6 and stereo.min() > 0.3


def test_surround_in_a_video(tmp_path):
    path = make_clip(tmp_path / "film.mp4", wav=tone(2.0, channels=6), layout="5.1")
    assert probe(path).audio_channels == 6
    assert read_audio(path, RATE).shape == (2, 2 * RATE)
    assert level(read_audio(path, RATE, mono=True)) > 0.2


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.avi"])
@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100, 48_000])
def test_sound_of_a_video_is_as_long_as_the_video_and_in_time(tmp_path, name, rate):
    native = 48_000 if name.endswith("webm") else 44_100
    codec = {"webm": "libvpx", "avi": "mpeg4"}.get(name.rpartition(".")[2], "libx264")
    path = make_clip(tmp_path / name, wav=beep(2.0, 1.0, native), sample_rate=native, codec=codec)
    wav = read_audio(path, rate)
    assert wav.shape == (1, round(probe(path).duration_s * rate))
    assert onset_s(wav, rate) == pytest.approx(1.0, abs=0.004)


@pytest.mark.parametrize(("video_s", "audio_s"), [(0.5, 0.0), (0.0, 0.7), (0.4, 0.9), (0.8, 0.4)])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_start_offsets_keep_sound_and_pictures_together(tmp_path, name, video_s, audio_s):
    path = make_clip(tmp_path / name, wav=beep(2.0, 1.0), video_start_s=video_s, audio_start_s=audio_s)
    wav = read_audio(path, RATE)
    assert onset_s(wav, RATE) == pytest.approx(1.0 + audio_s - video_s, abs=0.004)
    assert wav.shape[1] == round(probe(path).duration_s * RATE)


def test_a_gap_in_the_sound_is_silent(tmp_path):
    import av

    whole = make_clip(tmp_path / "whole.mkv", 3.0, wav=tone(3.0), keyframe_every=1)
    path = tmp_path / "gap.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        streams = {s.index: out.add_stream_from_template(s, opaque=True) for s in source.streams}
        for packet in source.demux():
            is_lost = packet.stream.type == "audio" and packet.size and 1.0 < packet.pts * packet.time_base < 2.0
            if packet.size and not is_lost:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
    wav = read_audio(path, RATE)
    assert wav.shape == (1, 3 * RATE)
    assert not is_silent(wav[:, : RATE // 2]) and not is_silent(wav[:, 5 * RATE // 2 :])
    assert is_silent(wav[:, round(1.2 * RATE) : round(1.9 * RATE)])


def test_only_the_beginning(tmp_path, clip, limits):
    assert read_audio(clip, RATE, max_seconds=0.5).shape == (1, RATE // 2)
    song = make_sound(tmp_path / "song.flac", tone(3.0))
    assert read_audio(song, RATE, max_seconds=1.0).shape == (1, RATE)
    limits(MAX_SECONDS=2)
    assert read_audio(song, RATE, max_seconds=1.0).shape == (1, RATE)
    with pytest.raises(LimitError, match=r"song.flac lasts 3 seconds, and this app takes at most 2 seconds"):
        read_audio(song, RATE)


def test_no_sound(tmp_path):
    silent = make_clip(tmp_path / "silent.mp4", seconds=0.2, tones=None)
    with pytest.raises(NoAudioError, match=r"silent.mp4 has no sound track"):
        read_audio(silent, RATE)
    picture = tmp_path / "a.png"
    from avdemo.media import write_png

    with pytest.raises(NoAudioError, match=r"a.png is a picture"):
        read_audio(write_png(picture, np.zeros((4, 4, 3), np.uint8)), RATE)


def test_silence():
    assert is_silent(np.zeros((2, 100))) and is_silent(np.zeros((1, 0))) and is_silent(np.full((1, 9), 5e-4))
    assert not is_silent(tone(0.1, level=0.01))
    with pytest.raises(NoAudioError, match=r"The sound track of a.mp4 is silent"):
        refuse_silence(np.zeros((1, 10)), "a.mp4")
    refuse_silence(tone(0.1), "a.mp4")


@pytest.mark.parametrize(("source", "target"), [(44_100, 11_025), (11_025, 44_100), (48_000, 16_000), (22_050, 22_050)])
def test_resampling_keeps_time_and_level(source, target):
    wav = resample(tone(1.0, (440,), source), source, target)
    assert wav.shape == (1, target)
    middle = slice(target // 10, -target // 10)
    np.testing.assert_allclose(wav[:, middle], tone(1.0, (440,), target)[:, middle], atol=0.01)


def test_fit_length():
    wav = np.ones((2, 5), np.float32)
    assert fit_length(wav, 3).shape == (2, 3)
    np.testing.assert_array_equal(fit_length(wav, 7)[:, 5:], 0)
