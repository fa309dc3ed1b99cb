"""Pictures that explain: what will move, how the mouth opens with the speech, and the phases of the mouth."""

from __future__ import annotations

import numpy as np

from avdemo.lips.config import FPS
from avdemo.lips.framing import Prepared
from avdemo.lips.speaking import Spoken, loudness
from avdemo.media.mouths import MouthBox

SHOWN_PX = 760  # longer side of the preview
MOVES, OTHER = "#e84f92", "#319ac4"  # the square that will move; the other mouths
PHASES = 8
TILE_PX, GAP_PX = 150, 6


def _corners(box: MouthBox, width: int, height: int) -> list[tuple[float, float]]:
    x, y, side, angle = box.pixels(width, height)
    cos, sin = np.cos(angle) * side / 2, np.sin(angle) * side / 2
    return [(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def preview(prepared: Prepared, box: MouthBox | None, pending: tuple[float, float] | None = None) -> np.ndarray:
    """The photo with the square that will move: uint8 (H, W, 3).

    Args:
        pending: the first of two corners that are being clicked, pixels of the upright photo.
    """
    from PIL import Image, ImageDraw

    from avdemo.viz.canvas import font
    from avdemo.viz.palette import ink_on

    picture = Image.fromarray(prepared.picture)
    scale = SHOWN_PX / max(picture.size)
    shown = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
    )
    draw = ImageDraw.Draw(shown)
    thick = 4
    letters = font(20, True)
    for number, mouth in enumerate(prepared.mouths, 1):
        if len(prepared.mouths) > 1:
            corners = _corners(mouth.box, *shown.size)
            if mouth.box != box:
                draw.line([*corners, corners[0]], fill=OTHER, width=2)
            x, y = min(c[0] for c in corners), max(0.0, min(c[1] for c in corners) - 26)
            colour = MOVES if mouth.box == box else OTHER
            draw.rectangle((x, y, x + 24, y + 24), fill=colour)
            draw.text((x + 12, y + 12), str(number), fill=ink_on(colour), font=letters, anchor="mm")
    if box is not None:
        corners = _corners(box, *shown.size)
        for colour, width in (("#000000", thick + 3), (MOVES, thick)):
            draw.line([*corners, corners[0], corners[1]], fill=colour, width=width, joint="curve")
    if pending is not None:
        x, y = pending[0] / prepared.width * shown.width, pending[1] / prepared.height * shown.height
        for colour, width in (("#000000", 7), (MOVES, 3)):
            draw.line((x - 14, y, x + 14, y), fill=colour, width=width)
            draw.line((x, y - 14, x, y + 14), fill=colour, width=width)
    return np.asarray(shown)


def shown_size(prepared: Prepared) -> tuple[int, int]:
    """Width and height of :func:`preview`."""
    scale = SHOWN_PX / max(prepared.picture.shape[:2])
    return max(1, round(prepared.picture.shape[1] * scale)), max(1, round(prepared.picture.shape[0] * scale))


def opening_plot(spoken: Spoken) -> np.ndarray | None:
    """How far the mouth is open over time, as a line, over the speech's loudness: uint8 (H, W, 3); None where no points are known."""
    if spoken.opening is None:
        return None
    from avdemo.viz.lines import lines
    from avdemo.viz.palette import PALETTE, REST

    loud = loudness(spoken)
    loud = np.sqrt(loud / max(1e-6, float(loud.max())))  # square root: quiet sounds stay visible
    top = max(0.1, float(spoken.opening.max()) * 1.1)
    ticks = [(share, f"{round(100 * share * top)}%") for share in (0.0, 0.5, 1.0)]
    return lines(
        [loud, spoken.opening / top], 1 / FPS, spoken.count / FPS, labels=["Loudness of the speech", "Mouth opening, of the square's side"],
        ticks=ticks, colours=[REST, PALETTE[4]], filled=[0],
    )  # fmt: skip


def phases(spoken: Spoken) -> np.ndarray:
    """The photo's mouth and, from the most closed to the most open, the mouths that were made, with their times: uint8 (H, W, 3)."""
    from PIL import Image

    from avdemo.viz.canvas import Canvas

    numbers = phase_frames(spoken)
    tiles = [("photo", spoken.crop), *((f"{number / FPS:.2f} s", spoken.frame(number)) for number in numbers)]
    columns = min(len(tiles), (PHASES + 2) // 2)
    rows = -(-len(tiles) // columns)
    label_px = 30
    canvas = Canvas((columns * (TILE_PX + GAP_PX) + GAP_PX, rows * (TILE_PX + label_px + GAP_PX) + GAP_PX), text_px=20)
    for place, (words, frame) in enumerate(tiles):
        left = GAP_PX + place % columns * (TILE_PX + GAP_PX)
        top = GAP_PX + place // columns * (TILE_PX + label_px + GAP_PX)
        canvas.image.paste(Image.fromarray(frame).resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC), (left, top))
        canvas.text(left + TILE_PX / 2, top + TILE_PX + 3, words, anchor="ma")
    return canvas.array()


def phase_frames(spoken: Spoken) -> list[int]:
    """Numbers of frames, from the most closed to the most open mouth; evenly spread over time where no points are known."""
    count = min(PHASES + 1, spoken.count)
    places = np.linspace(0, spoken.count - 1, count).round().astype(int)
    order = np.arange(spoken.count) if spoken.opening is None else np.argsort(spoken.opening, kind="stable")
    return [int(order[place]) for place in places]
