"""Waveforms: envelopes exact, rows in their colours on one scale, short and silent ones drawn too."""

import numpy as np
import pytest
from pictures import cpu_ms, share_of

from avdemo.viz.palette import PALETTE, REST
from avdemo.viz.waveform import envelope, waveform

RATE = 8000


def noise(seconds: float, level: float = 0.5, channels: int = 1, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).uniform(-level, level, (channels, round(RATE * seconds)))).astype(np.float32)


@pytest.mark.parametrize(("channels", "samples", "columns"), [(1, 1000, 100), (2, 1003, 97), (1, 50, 200), (2, 1, 10)])
def test_the_envelope_is_that_of_each_column(channels: int, samples: int, columns: int) -> None:
    wav = noise(1, channels=channels)[:, :samples]
    lowest, highest, rms = envelope(wav, samples, columns)
    edges = np.linspace(0, samples, columns + 1)
    for k in range(columns):
        start = min(int(edges[k]), samples - 1)
        part = wav[:, start : max(int(edges[k + 1]) if k + 1 < columns else samples, start + 1)]
        assert lowest[k] == part.min() and highest[k] == part.max()
        assert rms[k] == pytest.approx(np.sqrt(np.square(part).mean()), rel=1e-4)


def test_each_source_has_its_row_and_colour_on_one_scale() -> None:
    picture = waveform([noise(1, 0.8), noise(1, 0.2)], RATE, labels=["1", "2"])
    middle = picture.shape[0] // 2 - 31
    assert share_of(picture[:middle], PALETTE[0]) > 3 * share_of(picture[middle:], PALETTE[1]) > 0
    assert share_of(picture[middle:], PALETTE[0]) < 0.001
    louder = waveform([noise(1, 0.2)], RATE, colours=[PALETTE[0]])
    quieter = waveform([noise(1, 0.2)], RATE, colours=[PALETTE[0]], full_scale=1.0)
    assert share_of(louder, PALETTE[0]) > 3 * share_of(quieter, PALETTE[0])


def test_one_waveform_is_grey_and_may_be_stereo() -> None:
    for wav in (noise(1), noise(1, channels=2), noise(1)[0]):
        assert share_of(waveform(wav, RATE), REST) > 0.05


def test_a_shorter_one_ends_early() -> None:
    picture = waveform([noise(2), noise(1)], RATE)
    lower = picture[picture.shape[0] // 2 : -70]
    half = picture.shape[1] // 2
    assert share_of(lower[:, :half], PALETTE[1]) > 0.05 and share_of(lower[:, half + 30 :], PALETTE[1]) == 0


def test_silence_and_nothing_are_drawn_flat() -> None:
    for wav in (np.zeros(RATE, np.float32), np.zeros(0, np.float32), np.zeros((2, 1), np.float32)):
        picture = waveform(wav, RATE, labels=["nothing"])
        assert picture.dtype == np.uint8 and picture.shape == (212, 960, 3)
        assert share_of(picture, REST) < 0.01


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="no waveform"):
        waveform([], RATE)
    with pytest.raises(ValueError, match="labels"):
        waveform([noise(1), noise(1)], RATE, labels=["1"])
    with pytest.raises(ValueError, match="room"):
        waveform(noise(1), RATE, size=(100, 30))


def test_speed() -> None:
    minutes = noise(60 * 11)  # as many samples as two minutes at 44,100 Hz
    assert cpu_ms(lambda: waveform([minutes, minutes], RATE), times=2) < 250
