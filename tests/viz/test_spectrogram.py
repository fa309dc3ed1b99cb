"""Spectrograms: a tone lies at its frequency and time on every axis, masks and edges are there, and it is quick."""

import threading

import numpy as np
import pytest
from pictures import cpu_ms, share_of

from avdemo.viz.canvas import colour_table, format_hertz, format_seconds, time_ticks
from avdemo.viz.frequency import height_to_hz, hz_to_height, ticks
from avdemo.viz.palette import PALETTE, PANEL
from avdemo.viz.spectrogram import spectrogram

RATE, HOP = 11_025, 256


def mag(rows: int = 512, columns: int = 256, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, columns), np.float32)


def plot_of(picture: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the plot of a picture drawn with a pure green edge: inside that frame, which is 5 px wide."""
    rows, columns = np.nonzero((picture == (0, 255, 0)).all(axis=-1))
    return columns.min() + 5, rows.min() + 5, columns.max() - 4, rows.max() - 4


def brightest(picture: np.ndarray, box: tuple[int, int, int, int]) -> tuple[float, float]:
    """Where in the plot the light is, as shares (from the left, from the bottom)."""
    left, top, right, bottom = box
    light = picture[top:bottom, left:right].astype(float).sum(axis=-1)
    light = np.where(light > 0.9 * light.max(), 1.0, 0.0)
    y, x = np.nonzero(light)
    return (x.mean() + 0.5) / (right - left), 1 - (y.mean() + 0.5) / (bottom - top)


@pytest.mark.parametrize("axis", ["linear", "log", "mel"])
@pytest.mark.parametrize("rows", ["linear", "log"])
def test_a_spot_lies_where_its_hertz_and_seconds_are(rows: str, axis: str) -> None:
    cells = np.zeros((512, 200), np.float32)
    height = 0.55
    cells[round(height * 511), 150] = 1.0
    picture = spectrogram(cells, RATE, HOP, rows=rows, axis=axis, edge="#00ff00", range_db=20)
    x, y = brightest(picture, plot_of(picture))
    hz = height_to_hz(np.float64(round(height * 511) / 511), rows, RATE / 2)
    assert x == pytest.approx(150.5 / 200, abs=0.006)
    assert y == pytest.approx(float(hz_to_height(hz, axis, RATE / 2)), abs=0.012)


def test_a_tone_in_a_waveform_lies_at_its_frequency() -> None:
    time_s = np.arange(RATE * 3) / RATE
    wav = np.stack([np.sin(2 * np.pi * 1000 * time_s)] * 2).astype(np.float32) * 0.3
    picture = spectrogram(wav, RATE, HOP, edge="#00ff00", range_db=30)
    _, y = brightest(picture, plot_of(picture))
    assert y == pytest.approx(float(hz_to_height(np.float64(1000), "log", RATE / 2)), abs=0.01)


def test_a_long_waveform_keeps_its_shortest_click() -> None:
    wav = np.zeros(44_100 * 60, np.float32)
    wav[44_100 * 45] = 1.0
    picture = spectrogram(wav, 44_100, HOP, edge="#00ff00", range_db=20)
    x, _ = brightest(picture, plot_of(picture))
    assert x == pytest.approx(0.75, abs=0.01)


def test_the_log_axis_is_the_one_of_the_network() -> None:
    torch = pytest.importorskip("torch")
    from avdemo.dsp.logfreq import log_frequency_hz
    from avdemo.dsp.mel import hz_to_mel

    heights = np.linspace(0, 1, 256)
    np.testing.assert_allclose(height_to_hz(heights, "log", RATE / 2), log_frequency_hz(256, RATE).numpy(), atol=1e-6)
    hz = torch.linspace(0, 5512.5, 50, dtype=torch.float64)
    np.testing.assert_allclose(hz_to_height(hz.numpy(), "mel", 5512.5), (hz_to_mel(hz) / hz_to_mel(hz[-1])).numpy(), atol=1e-12)


@pytest.mark.parametrize("axis", ["linear", "log", "mel"])
def test_axes_invert_and_ticks_ascend(axis: str) -> None:
    heights = np.linspace(0, 1, 99)
    np.testing.assert_allclose(hz_to_height(height_to_hz(heights, axis, 8000.0), axis, 8000.0), heights, atol=1e-12)
    places = ticks(axis, 8000.0, 8)
    assert [hz for _, hz in places] == sorted(hz for _, hz in places) and len(places) >= 4
    assert all(0 <= height <= 1 for height, _ in places)


def test_levels_follow_the_peak() -> None:
    cells = np.full((64, 64), 0.1, np.float32)
    picture = spectrogram(cells, RATE, HOP, peak=1.0, range_db=40, edge="#00ff00")  # 20 dB down of 40: half way
    left, top, right, bottom = plot_of(picture)
    np.testing.assert_array_equal(picture[(top + bottom) // 2, (left + right) // 2], colour_table("magma")[128])


@pytest.mark.parametrize("layout", ["beside", "below"])
def test_the_mask_is_drawn_in_the_source_s_colour(layout: str) -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[128:] = 1.0
    without = spectrogram(mag(256), RATE, HOP, rows="log", edge=PALETTE[2])
    picture = spectrogram(mag(256), RATE, HOP, rows="log", edge=PALETTE[2], mask=mask, layout=layout)
    assert picture.shape == ((560, 1600, 3) if layout == "beside" else (900, 960, 3))
    assert share_of(without, PALETTE[2]) < 0.04
    assert share_of(picture, PALETTE[2]) > 0.12  # half of one of the two plots, and the frames
    assert share_of(picture, PANEL, 0) > 0.3


def test_silence_says_so_and_odd_input_does_not_break() -> None:
    silent = spectrogram(np.zeros((512, 100), np.float32), RATE, HOP)
    assert silent.shape == (480, 960, 3) and silent.dtype == np.uint8
    assert int((silent[150:330, 300:600].astype(int).min(axis=-1) > 200).sum()) > 50  # the word
    for cells in (mag(512, 1), mag(9, 3), np.full((16, 16), np.nan, np.float32), mag(2000, 5000)):
        assert spectrogram(cells, RATE, HOP, title="A rather long title " * 9).shape == (480, 960, 3)
    assert spectrogram(np.ones(10, np.float32), RATE, HOP).shape == (480, 960, 3)
    assert spectrogram(mag(), RATE, HOP, size=(360, 220)).shape == (220, 360, 3)


def test_misuse_is_refused() -> None:
    for bad in (np.zeros((0, 5)), np.zeros((2, 20, 5))):
        with pytest.raises(ValueError):
            spectrogram(bad, RATE, HOP)
    with pytest.raises(ValueError, match="axis"):
        spectrogram(mag(), RATE, HOP, rows="bark")
    with pytest.raises(ValueError, match="room"):
        spectrogram(mag(), RATE, HOP, size=(60, 40))


def test_tick_words() -> None:
    assert [format_hertz(hz) for hz in (0, 200, 1000, 2500, 20_000)] == ["0 Hz", "200 Hz", "1 kHz", "2.5 kHz", "20 kHz"]
    assert [format_seconds(s, 6) for s in (0, 0.5, 2)] == ["0 s", "0.5 s", "2 s"]
    assert [format_seconds(s, 300) for s in (0, 90)] == ["0:00", "1:30"]
    assert time_ticks(6, 8) == [0, 1, 2, 3, 4, 5, 6] and time_ticks(0, 5) == [0.0]
    assert all(len(time_ticks(s, 6)) <= 7 for s in (0.01, 0.7, 5.94, 33, 600, 1e5))


def test_many_threads_draw_the_same_picture() -> None:
    wanted = spectrogram(mag(), RATE, HOP, title="One", edge=PALETTE[0], mask=mag(seed=1))
    different: list[int] = []

    def draw(number: int) -> None:
        if not np.array_equal(spectrogram(mag(), RATE, HOP, title="One", edge=PALETTE[0], mask=mag(seed=1)), wanted):
            different.append(number)

    threads = [threading.Thread(target=draw, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not different


def test_speed() -> None:
    assert cpu_ms(lambda: spectrogram(mag(), RATE, HOP, title="One", mask=mag(seed=1), edge=PALETTE[0])) < 150
    minutes = np.random.default_rng(0).standard_normal(44_100 * 120).astype(np.float32)
    assert cpu_ms(lambda: spectrogram(minutes, 44_100, 512), times=2) < 300
