"""Pictures of what the network says: the probability over time, and which parts of the sound it goes by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from avdemo.correspondence import scoring

if TYPE_CHECKING:
    from avdemo.correspondence.preparing import Prepared
    from avdemo.correspondence.scoring import Scores
    from avdemo.correspondence.towers import Model

RANGE_DB = 70.0  # of a spectrogram, under its loudest cell
CHUNK_FRAMES = 2000  # columns of a spectrogram computed at once: bounds memory for an hour of sound
FINE = 2  # lines are drawn this much larger and then shrunk: smooth


# ---- the sound ----------------------------------------------------------------------------------------------------------


def level_of(model: Model, wav: np.ndarray, columns: int = 2000) -> np.ndarray:
    """The spectrogram that the network hears, (F, at most about 2 ``columns``) in dB; columns of long sounds are averaged.

    Args:
        wav: (1, samples) at the model's rate.
    """
    import torch

    from avdemo.correspondence.network import LOG_MIDDLE_DB, LOG_SPREAD_DB

    c = model.network.config
    spare = c.win - c.hop  # half on either side, so that column k stands for the samples from k hops on
    padded = np.pad(wav[0], (spare // 2, c.win))
    total = max(1, -(-wav.shape[1] // c.hop))
    joined = max(1, total // columns)
    parts = []
    chunk = max(joined, CHUNK_FRAMES // joined * joined)
    with torch.inference_mode():
        for first in range(0, total, chunk):
            count = min(chunk, total - first)
            piece = torch.from_numpy(padded[first * c.hop : (first + count - 1) * c.hop + c.win]).to(model.device)
            level = model.network.log_spec(piece[None])[0, 0].cpu().numpy()  # (F, count)
            parts.append(
                np.add.reduceat(level, np.arange(0, count, joined), axis=1)
                / np.diff(np.append(np.arange(0, count, joined), count))
            )
    return np.concatenate(parts, axis=1) * LOG_SPREAD_DB + LOG_MIDDLE_DB


def spread(heats: np.ndarray, starts_s: np.ndarray, window_s: float, duration_s: float) -> np.ndarray:
    """Join heats of overlapping windows: the mean of all that cover a place.

    Args:
        heats: (N, f, t), each of ``window_s`` seconds.
        starts_s: (N,) where each begins.

    Returns:
        (f, columns) over ``duration_s``, 0 where there is no window.
    """
    rows, columns = heats.shape[1:]
    total = max(columns, round(duration_s / window_s * columns))
    added, covered = np.zeros((rows, total + columns), np.float32), np.zeros(total + columns, np.float32)
    for heat, start in zip(heats, np.clip(np.rint(starts_s / window_s * columns), 0, total).astype(int), strict=True):
        added[:, start : start + columns] += heat
        covered[start : start + columns] += 1
    return (added / np.maximum(covered, 1))[:, :total]


def spectrogram_picture(
    prepared: Prepared, *, shift_s: float = 0.0, other: Prepared | None = None, size: tuple[int, int] = (960, 900)
) -> np.ndarray:
    """The whole sound as the network hears it, and under it the same with the places that belong to the picture.

    Args:
        shift_s, other: as for :func:`avdemo.correspondence.scoring.scores`; time runs on the sound's own clock.
        size: (width, height) px.

    Returns:
        (height, width, 3) uint8: axes in seconds and hertz, the heat is a probability.
    """
    both = scoring.pair(prepared, shift_s, other)
    sound = both.sound
    window_s = sound.model.network.config.window_s
    duration_s = sound.wav.shape[1] / sound.sample_rate
    heat = spread(scoring.sound_heat(prepared, both), sound.time_s[both.heard] - window_s / 2, window_s, duration_s)
    return draw_sound(sound.model, sound.wav, heat, size=size)


def draw_sound(
    model: Model, wav: np.ndarray, heat: np.ndarray, *, title: str = "Where in the sound", is_unit: bool = False,
    size: tuple[int, int] = (960, 900),
) -> np.ndarray:  # fmt: skip
    """A spectrogram in magma and, under it, the same in grey with a heatmap (f, t) in [0, 1] over it.

    Args:
        wav: (1, samples) at the model's rate.
        heat: probabilities; with ``is_unit`` the activation of a unit, 1 being the largest of those shown, without the first panel.
        title: over the panel with the heat.

    Returns:
        (height, width, 3) uint8.
    """
    from avdemo.viz.canvas import Box, Canvas, colour_table, format_hertz, ramp_table
    from avdemo.viz.frequency import ticks
    from avdemo.viz.heatmap import COLOURS, overlay
    from avdemo.viz.palette import INK, PANEL

    config = model.network.config
    level = level_of(model, wav)
    shown = np.clip(1 + (level - max(float(level.max()), -80.0)) / RANGE_DB, 0, 1)
    duration_s = wav.shape[1] / config.sample_rate
    axis = "mel" if config.mels else "linear"
    canvas = Canvas(size)
    em = canvas.text_px
    panels = [title] if is_unit else ["What the model hears", title]
    height = size[1] // len(panels)
    for number, words in enumerate(panels):
        top = number * height
        left, right = round(canvas.text_width("500 Hz")) + 24, size[0] - round(canvas.text_width("−70 dB")) - round(em * 1.9) - 22
        box = Box(left, top + round(em * 1.9), right, top + height - round(em * 1.75) - 4)
        cells = _enlarged(shown[::-1], box)
        with_heat = is_unit or number == 1
        if with_heat:
            grey = ramp_table(PANEL, INK)[(cells * 200).astype(np.uint8)]  # not to full white, so that the heat stands out
            pixels = overlay(grey, np.ascontiguousarray(heat[::-1]), 0.75)
            bar, labels = (
                colour_table(COLOURS)[40:249],
                [(0.0, "0"), (0.5, "" if is_unit else "0.5"), (1.0, "max" if is_unit else "1")],
            )
        else:
            pixels = colour_table("magma")[(cells * 255).astype(np.uint8)]
            bar, labels = colour_table("magma"), [(0.0, f"−{RANGE_DB:g} dB"), (1.0, "0 dB")]
        canvas.paste(np.ascontiguousarray(pixels), box)
        canvas.frame(box, None, 1)
        canvas.time_axis(box, duration_s, 1)
        most = max(2, int(box.height / (em * 1.9)))
        canvas.value_axis(box, [(at, format_hertz(hz)) for at, hz in ticks(axis, config.sample_rate / 2, most)], 1)
        canvas.title(Box(box.left, top, size[0] - 4, top + height), top + em * 0.3, words, None)
        side = Box(right + round(em * 0.6), box.top, right + round(em * 1.1), box.bottom)
        column = bar[np.linspace(len(bar) - 1, 0, side.height).round().astype(int)]
        canvas.paste(np.ascontiguousarray(np.repeat(column[:, None], side.width, axis=1)), side)
        canvas.value_axis(side, [(at, word) for at, word in labels if word], right=True)
    return canvas.array()


def _enlarged(cells: np.ndarray, box) -> np.ndarray:
    """(F, T) -> (height, width) of the box: means where pixels are larger than cells, smooth where they are smaller."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(cells, np.float32))
    wide = picture.resize(
        (box.width, cells.shape[0]), Image.Resampling.BOX if cells.shape[1] > box.width else Image.Resampling.BILINEAR
    )
    return np.clip(np.asarray(wide.resize((box.width, box.height), Image.Resampling.BILINEAR)), 0, 1)


# ---- the probability ----------------------------------------------------------------------------------------------------


def plot(prepared: Prepared, scores_list: Sequence[Scores], *, size: tuple[int, int] = (960, 400)) -> np.ndarray:
    """Probability over the seconds of the picture, one line for each of the scores, named and with its average.

    Returns:
        (height, width, 3) uint8; silence is shaded, the line at 0.5 is where the model changes its mind.

    Raises:
        ValueError: nothing to draw.
    """
    from PIL import Image

    from avdemo.viz.canvas import TEXT_PX, Box, Canvas
    from avdemo.viz.palette import FAINT, INK, source_colour

    if not scores_list:
        raise ValueError("There are no scores to plot.")
    width, height = (FINE * side for side in size)
    canvas = Canvas((width, height), round(FINE * TEXT_PX * size[0] / 960))
    em = canvas.text_px
    box = Box(round(em * 2.3), round(em * (0.6 + 1.4 * len(scores_list))), width - round(em * 1.6), height - round(em * 2))
    duration_s = max(prepared.duration_s, 1e-3)

    def at(time_s: float, probability: float) -> tuple[float, float]:
        return box.left + time_s / duration_s * box.width, box.bottom - probability * box.height

    for first, last in scoring.stretches(scores_list[0].time_s, scores_list[0].is_silent, prepared.step_s):
        shade = (at(first, 1)[0], box.top, min(box.right, at(last, 0)[0]), box.bottom)
        canvas.draw.rectangle(shade, fill="#23262d")
        canvas.text((shade[0] + shade[2]) / 2, box.bottom - em * 0.4, canvas.fitted("silence", shade[2] - shade[0]), "md", FAINT)
    canvas.frame(box, None, 1)
    middle = at(0, 0.5)[1]
    for x in range(box.left, box.right, 8 * FINE):
        canvas.draw.line((x, middle, min(x + 4 * FINE, box.right), middle), fill=FAINT, width=FINE)
    canvas.time_axis(box, duration_s, 1)
    canvas.value_axis(box, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")], 1)
    for number, scored in enumerate(scores_list):
        colour = source_colour(number)
        canvas.title(Box(box.left, 0, box.right, height), em * (0.2 + 1.4 * number), f"{scored.mean:.2f}  {scored.name}", colour)
        points = [at(t, p) for t, p in zip(scored.time_s, scored.probability, strict=True)]
        if len(points) > 1:
            canvas.draw.line(points, fill=colour, width=2 * FINE + 1, joint="curve")
        if len(points) <= 60:
            for x, y in points:
                canvas.dot(x, y, 3.5 * FINE, colour)
        if len(points) == 1:
            canvas.draw.line((*points[0], points[0][0], box.bottom), fill=INK, width=1)
    return np.array(canvas.image.resize(size, Image.Resampling.BOX))
