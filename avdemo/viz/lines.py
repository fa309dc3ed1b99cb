"""Several curves over the same seconds, each with its name in its colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from avdemo.viz.canvas import TEXT_PX, Box, Canvas
from avdemo.viz.palette import INK, source_colour

FINE = 2  # drawn this much larger and then shrunk: smooth lines


def lines(
    curves: Sequence[np.ndarray],
    step_s: float,
    duration_s: float,
    *,
    labels: Sequence[str],
    ticks: Sequence[tuple[float, str]] = ((0.0, "0"), (0.5, "0.5"), (1.0, "1")),
    colours: Sequence[str] | None = None,
    filled: Sequence[int] = (),
    moments_s: Sequence[float] = (),
    moments_label: str = "",
    size: tuple[int, int] = (960, 400),
) -> np.ndarray:
    """Draw curves.

    Args:
        curves: each (T,) in [0, 1]; value t stands for the ``step_s`` seconds from t * step_s on, and is drawn at their middle.
        labels: name of each.
        ticks: of the axis on the left: height in [0, 1] and words.
        colours: of each; None: the palette in order.
        filled: numbers of curves that are drawn as pale areas instead of lines, behind the others.
        moments_s: drawn as dashes that hang from the top, and named ``moments_label`` after the curves.
        size: (width, height) px.

    Returns:
        (height, width, 3) uint8.

    Raises:
        ValueError: nothing to draw, or a name is missing.
    """
    if not curves or len(labels) != len(curves):
        raise ValueError(f"{len(curves)} curves cannot be drawn with {len(labels)} names.")
    colours = list(colours or (source_colour(number) for number in range(len(curves))))
    width, height = (FINE * side for side in size)
    canvas = Canvas((width, height), round(FINE * TEXT_PX * size[0] / 960))
    em = canvas.text_px
    left = round(max(canvas.text_width(words) for _, words in ticks) + em * 0.9)
    rows = len(curves) + bool(len(moments_s))
    box = Box(left, round(em * (0.6 + 1.4 * rows)), width - round(em * 0.8), height - round(em * 2))
    duration_s = max(duration_s, 1e-3)

    def points(curve: np.ndarray) -> list[tuple[float, float]]:
        times = np.clip((np.arange(len(curve)) + 0.5) * step_s, 0, duration_s)
        values = np.clip(np.nan_to_num(curve), 0, 1)
        x, y = box.left + times / duration_s * box.width, box.bottom - values * box.height
        return [(box.left, y[0]), *zip(x.tolist(), y.tolist(), strict=True), (box.right, y[-1])]

    for number in filled:
        area = [(box.left, box.bottom), *points(curves[number]), (box.right, box.bottom)]
        shade = Image.new("L", (width, height))
        ImageDraw.Draw(shade).polygon(area, fill=110)
        canvas.image.paste(Image.new("RGB", (width, height), colours[number]), (0, 0), shade)
    canvas.frame(box, None, 1)
    canvas.time_axis(box, duration_s, 1)
    canvas.value_axis(box, ticks, 1)
    for number, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        canvas.title(Box(box.left, 0, box.right, height), em * (0.2 + 1.4 * number), label, colours[number])
        if number not in filled:
            canvas.draw.line(points(curve), fill=colours[number], width=2 * FINE + 1, joint="curve")
    if len(moments_s):
        canvas.title(Box(box.left, 0, box.right, height), em * (0.2 + 1.4 * len(curves)), moments_label, INK)
        for time_s in moments_s:
            x = box.left + min(max(time_s / duration_s, 0.0), 1.0) * box.width
            canvas.draw.line([(x, box.top), (x, box.top + 0.06 * box.height)], fill=INK, width=2 * FINE + 1)
    return np.array(canvas.image.resize(size, Image.Resampling.BOX))
