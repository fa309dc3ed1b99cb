"""Spectrograms in magma with axes in seconds and hertz, and the mask that cut the sound out beside them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from avdemo.viz.canvas import Box, Canvas, colour_table, format_hertz, ramp_table
from avdemo.viz.frequency import Axis, height_to_hz, hz_to_height, ticks
from avdemo.viz.palette import INK, PANEL

SILENCE = 1e-5  # magnitude under which there is nothing to show
EDGE_PX = 5


def spectrogram(
    signal: np.ndarray,
    sample_rate: float,
    hop: int,
    *,
    rows: Axis = "linear",
    axis: Axis | None = None,
    title: str = "",
    edge: str | None = None,
    peak: float | None = None,
    range_db: float = 70.0,
    mask: np.ndarray | None = None,
    mask_rows: Axis | None = None,
    mask_title: str = "Mask",
    layout: Literal["beside", "below"] = "below",
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Draw a spectrogram.

    Args:
        signal: magnitudes (F, T) >= 0, the last row at half the sample rate; or a waveform, (samples,) or (channels, samples)
            with at most 8 channels.
        sample_rate: Hz, of the waveform.
        hop: samples between columns. (For a waveform, the window is 4 hops long.)
        rows: frequency axis along which the rows of ``signal`` lie; ``log`` is the axis of The Sound of Pixels.
        axis: frequency axis to draw; None: as the rows lie (for a waveform: log).
        title: heading; empty: no room is left for it.
        edge: colour of the source: a frame around the plot and a dot before the heading.
        peak: magnitude that is shown brightest. None: the loudest cell. Give the mixture's to all parts of one mixture, so that
            brightness can be compared.
        range_db: shown below ``peak``, in dB.
        mask: (F', T') in [0, 1], drawn in its own panel in the source's colour.
        mask_rows: frequency axis of the mask's rows; None: as ``rows``.
        layout: where the mask goes; below is the one to read on a phone.
        size: (width, height) px of the whole picture.

    Returns:
        (height, width, 3) uint8.

    Raises:
        ValueError: empty, neither a spectrogram nor a waveform, an unknown axis, or a size that leaves no room for a plot.
    """
    signal = np.asarray(signal)
    if signal.size == 0:
        raise ValueError("There is nothing to draw: the signal is empty.")
    wide = size[0] if size else (1600 if mask is not None and layout == "beside" else 960)
    if signal.ndim == 1 or (signal.ndim == 2 and signal.shape[0] <= 8):
        mag, column_s = _magnitudes(np.atleast_2d(signal), sample_rate, hop, columns=wide)
        rows, axis = "linear", axis or "log"
    elif signal.ndim == 2:
        mag, column_s = signal, hop / sample_rate
    else:
        raise ValueError(f"A spectrogram needs (F, T) magnitudes or a waveform, not an array of shape {signal.shape}.")
    axis = axis or rows
    size = size or ((1600, 560) if mask is not None and layout == "beside" else (960, 480 if mask is None else 900))

    # Beside: each half is shown as wide as a single picture on a desk, so text is sized by the half.
    canvas = Canvas(size, text_px=max(11, round(26 * size[0] / (1600 if mask is not None and layout == "beside" else 960))))
    parts = _split(size, 1 if mask is None else 2, layout)
    duration_s = mag.shape[1] * column_s
    loudest = float(peak) if peak is not None else float(mag.max(initial=0.0))
    box = _plot_box(canvas, parts[0], bool(title or (mask is not None and mask_title)))
    cells = _resample(mag, box, rows, axis, sample_rate / 2)
    level = 1.0 + 20.0 / range_db * np.log10(np.maximum(cells, 1e-12) / max(loudest, SILENCE))
    pixels = colour_table("magma")[_index(level)]
    _draw(canvas, parts[0], box, pixels, axis, sample_rate / 2, duration_s, title, edge)
    _draw_bar(canvas, box, colour_table("magma"), [(0.0, f"−{range_db:g} dB"), (1.0, "0 dB")])
    if loudest <= SILENCE or level.max() <= 0:
        canvas.text((box.left + box.right) / 2, (box.top + box.bottom) / 2, "silence", anchor="mm")
    if mask is not None:
        box = _plot_box(canvas, parts[1], bool(title or mask_title))
        table = ramp_table(PANEL, edge or INK)
        pixels = table[_index(_resample(np.asarray(mask), box, mask_rows or rows, axis, sample_rate / 2))]
        _draw(canvas, parts[1], box, pixels, axis, sample_rate / 2, duration_s, mask_title, edge)
        _draw_bar(canvas, box, table, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")])
    return canvas.array()


def _index(level: np.ndarray) -> np.ndarray:
    return (np.clip(np.nan_to_num(level), 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _magnitudes(wav: np.ndarray, sample_rate: float, hop: int, columns: int) -> tuple[np.ndarray, float]:
    """Magnitudes (F, T) of a (channels, samples) waveform and the seconds per column.

    A long waveform gets a larger hop, up to the window's length (so no sample is left out), and then columns are averaged: more
    of them than pixels are wasted.
    """
    mono = wav[0] if wav.shape[0] == 1 else wav.mean(axis=0, dtype=np.float32)
    n_fft = 4 * hop
    step = min(n_fft, max(hop, mono.size // columns))
    padded = np.pad(mono.astype(np.float32, copy=False), n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::step]  # (T, n_fft)
    joined = max(1, len(frames) // columns)
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    block = 256 * joined  # frames transformed at once: bounds memory
    parts = []
    for first in range(0, len(frames), block):
        mag = np.abs(np.fft.rfft(frames[first : first + block] * window))
        parts.append(np.add.reduceat(mag, np.arange(0, len(mag), joined)) / joined if joined > 1 else mag)
    return np.concatenate(parts).T, step * joined / sample_rate


def _split(size: tuple[int, int], count: int, layout: str) -> list[Box]:
    width, height = size
    if count == 1:
        return [Box(0, 0, width, height)]
    if layout == "beside":
        return [Box(0, 0, width // 2, height), Box(width // 2, 0, width, height)]
    return [Box(0, 0, width, height // 2), Box(0, height // 2, width, height)]


def _plot_box(canvas: Canvas, part: Box, has_title: bool) -> Box:
    em = canvas.text_px
    left = part.left + round(canvas.text_width("500 Hz")) + 24
    right = part.right - round(canvas.text_width("−70 dB")) - round(em * 1.4) - 22
    box = Box(left, part.top + (round(em * 1.9) if has_title else 18), right, part.bottom - round(em * 1.75) - EDGE_PX)
    if box.width < 16 or box.height < 16:
        raise ValueError(f"A picture of {part.width} x {part.height} px leaves no room for a spectrogram with axes.")
    return box


def _resample(cells: np.ndarray, box: Box, rows: Axis, axis: Axis, top_hz: float) -> np.ndarray:
    """(F, T) along ``rows`` -> (height, width) of the box along ``axis``, highest frequency on top."""
    last_row = cells.shape[0] - 1
    edges = np.linspace(1.0, 0.0, box.height + 1)
    row = hz_to_height(height_to_hz(edges, axis, top_hz), rows, top_hz) * last_row
    column = np.linspace(0.0, cells.shape[1], box.width + 1) - 0.5
    return _sample(_sample(cells, row[1:], row[:-1]).T, column[:-1], column[1:]).T


def _sample(cells: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Values between the positions ``low`` and ``high`` (row k is centred at k): the rows' mean, or a blend of the nearest two.

    The mean where a pixel spans more than a row, so that a thin line is not skipped; the blend where rows are wider than pixels.
    """
    last = cells.shape[0] - 1
    middle = np.clip((low + high) / 2, 0, last)
    below = np.minimum(middle.astype(np.int64), max(0, last - 1))
    share = (middle - below)[:, None].astype(np.float32)
    blended = cells[below] * (1 - share) + cells[np.minimum(below + 1, last)] * share
    spans = high - low > 1.0
    if spans.any():
        running = np.concatenate([np.zeros((1, cells.shape[1])), np.cumsum(cells, axis=0, dtype=np.float64)])

        def integral(position: np.ndarray) -> np.ndarray:
            place = np.clip(position + 0.5, 0, last + 1)
            whole = np.minimum(place.astype(np.int64), last)
            return running[whole] + cells[whole] * (place - whole)[:, None]

        width = np.clip(high[spans] + 0.5, 0, last + 1) - np.clip(low[spans] + 0.5, 0, last + 1)
        blended[spans] = (integral(high[spans]) - integral(low[spans])) / np.maximum(width, 1e-9)[:, None]
    return blended


def _draw(
    canvas: Canvas,
    part: Box,
    box: Box,
    pixels: np.ndarray,
    axis: Axis,
    top_hz: float,
    duration_s: float,
    title: str,
    edge: str | None,
) -> None:
    canvas.paste(pixels, box)
    canvas.frame(box, edge, EDGE_PX)
    room = EDGE_PX if edge else 1
    canvas.time_axis(box, duration_s, room)
    most = max(2, int(box.height / (canvas.text_px * 1.9)))
    canvas.value_axis(box, [(height, format_hertz(hz)) for height, hz in ticks(axis, top_hz, most)], room)
    if title:
        canvas.title(Box(box.left, part.top, part.right - 4, part.bottom), part.top + canvas.text_px * 0.3, title, edge)


def _draw_bar(canvas: Canvas, box: Box, table: np.ndarray, labels: list[tuple[float, str]]) -> None:
    width = max(6, round(canvas.text_px * 0.5))
    left = box.right + EDGE_PX + round(canvas.text_px * 0.45)
    bar = Box(left, box.top, left + width, box.bottom)
    column = table[np.linspace(255, 0, bar.height).round().astype(np.int64)]
    canvas.paste(np.ascontiguousarray(np.repeat(column[:, None], bar.width, axis=1)), bar)
    canvas.value_axis(bar, labels, right=True)
