"""Waveforms of several sources, one row each, in their colours and on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avdemo.viz.canvas import Box, Canvas
from avdemo.viz.palette import FAINT, PANEL, REST, rgb, source_colour

ROW_PX, LABEL_PX = 120, 30  # at a width of 960


def waveform(
    wavs: np.ndarray | Sequence[np.ndarray],
    sample_rate: float,
    *,
    colours: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    full_scale: float | None = None,
) -> np.ndarray:
    """Draw the envelope (lowest to highest sample, pale) and the loudness (root mean square, full colour) over time.

    Args:
        wavs: one waveform or several, each (samples,) or (channels, samples) in [-1, 1]; they start together.
        sample_rate: Hz, of all of them.
        colours: hex colour of each; None: the palette in order (grey for a single one).
        labels: name of each, written over its row.
        size: (width, height) px; None: 960 px wide, with 120 px per row and room for its label.
        full_scale: sample value at the top of a row, the same for all rows, so that loudness can be compared; None: the loudest.

    Returns:
        (height, width, 3) uint8.

    Raises:
        ValueError: nothing to draw, too few colours or labels, or too little room.
    """
    single = isinstance(wavs, np.ndarray) and wavs.ndim <= 2
    signals = [np.atleast_2d(np.asarray(wav, np.float32)) for wav in ([wavs] if single else wavs)]
    count = len(signals)
    if count == 0:
        raise ValueError("There is no waveform to draw.")
    colours = list(colours) if colours is not None else [REST] if count == 1 else [source_colour(k) for k in range(count)]
    labels = list(labels) if labels is not None else [""] * count
    if len(colours) < count or len(labels) < count:
        raise ValueError(f"{count} waveforms need {count} colours and labels, not {len(colours)} and {len(labels)}.")
    canvas = Canvas(size or (960, (ROW_PX + (LABEL_PX if any(labels) else 0)) * count + 62))
    em = canvas.text_px
    plot = Box(round(em * 0.6), round(em * 0.4), canvas.image.width - round(em * 0.6), canvas.image.height - round(em * 1.9))
    row_px = plot.height // count
    label_px = round(em * 1.35) if any(labels) else 0
    if plot.width < 16 or row_px - label_px < 12:
        raise ValueError(f"A picture of {canvas.image.width} x {canvas.image.height} px leaves no room for {count} waveforms.")
    samples = max(1, max(signal.shape[1] for signal in signals))
    loudest = full_scale or max(max(float(np.abs(s).max(initial=0.0)) for s in signals), 1e-4)
    for k, (signal, colour, label) in enumerate(zip(signals, colours, labels, strict=False)):
        box = Box(plot.left, plot.top + k * row_px + label_px, plot.right, plot.top + (k + 1) * row_px - 4)
        if label:
            canvas.title(box, box.top - label_px, label, colour)
        canvas.paste(_row(signal, samples, loudest, box, colour), box)
    canvas.time_axis(Box(plot.left, plot.top, plot.right, plot.top + count * row_px), samples / sample_rate)
    return canvas.array()


def _row(signal: np.ndarray, samples: int, full_scale: float, box: Box, colour: str) -> np.ndarray:
    """Pixels (height, width, 3) of one waveform whose time axis is ``samples`` long."""
    lowest, highest, rms = (np.clip(curve / full_scale, -1, 1) for curve in envelope(signal, samples, box.width))
    middle = box.height / 2
    pixel = np.arange(box.height)[:, None]

    def cover(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
        """How much of each pixel lies between the heights ``top`` and ``bottom`` of its column: smooth outlines."""
        return np.clip(np.minimum(bottom, pixel + 1) - np.maximum(top, pixel), 0.0, 1.0)

    reach = middle - 1
    outline = cover(middle - highest * reach, np.maximum(middle - lowest * reach, middle - highest * reach + 1.0))
    body = cover(middle - rms * reach, middle + rms * reach)
    base = np.zeros((box.height, box.width, 3), np.float32) + np.array(rgb(PANEL), np.float32)
    base[int(middle)] = rgb(FAINT)  # the line of silence
    share = np.maximum(0.45 * outline, body)[..., None].astype(np.float32)
    return (base * (1 - share) + np.array(rgb(colour), np.float32) * share + 0.5).astype(np.uint8)


def envelope(signal: np.ndarray, samples: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest, highest and root-mean-square value per column, each (columns,).

    Args:
        signal: (channels, n <= samples); channels are taken together, time after n is silent.
        samples: length of the time axis.
        columns: pixels it is drawn on.
    """
    edges = np.linspace(0, samples, columns + 1)
    start = np.minimum(edges[:-1].astype(np.int64), samples - 1)
    length = np.maximum(np.diff(np.append(start, samples)), 1)
    padded = signal if signal.shape[1] == samples else np.pad(signal, ((0, 0), (0, samples - signal.shape[1])))
    lowest = np.minimum.reduceat(padded, start, axis=1).min(axis=0)
    highest = np.maximum.reduceat(padded, start, axis=1).max(axis=0)
    energy = np.add.reduceat(np.square(padded), start, axis=1).mean(axis=0) / length
    return lowest, highest, np.sqrt(energy)
