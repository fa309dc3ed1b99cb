"""What tells that a video is made: a word in its corner, and the file's own metadata."""

from __future__ import annotations

import numpy as np

WORD = "generated"
SHARE, LEAST_PX, MOST_PX = 1 / 26, 12, 44  # of the shorter side: the word's height
PANEL_OPACITY = 0.62


class Mark:
    """The word in a lower corner of pictures of one size.

    Args:
        avoid: x of what the word should not cover, as a share of the width; it goes to the other side.
    """

    def __init__(self, width: int, height: int, avoid: float = 0.0):
        from PIL import Image, ImageDraw

        from avdemo.viz.canvas import font

        text_px = min(MOST_PX, max(LEAST_PX, round(min(width, height) * SHARE)))
        letters = font(text_px, True)
        pad = max(2, text_px // 3)
        size = min(width, round(letters.getlength(WORD)) + 2 * pad), min(height, text_px + 2 * pad)
        cover = Image.new("L", size, 0)
        ImageDraw.Draw(cover).text((size[0] / 2, size[1] / 2), WORD, fill=255, font=letters, anchor="mm")
        self.ink = np.asarray(cover, np.float32)[..., None] / 255
        margin = min(pad, (width - size[0]) // 2, (height - size[1]) // 2)
        left = margin if avoid > 0.5 else width - size[0] - margin
        self.place = slice(height - size[1] - margin, height - margin), slice(left, left + size[0])

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Write it into uint8 (H, W, 3), in place; returns the picture."""
        under = picture[self.place].astype(np.float32) * (1 - PANEL_OPACITY)
        picture[self.place] = (under * (1 - self.ink) + 255 * self.ink + 0.5).astype(np.uint8)
        return picture


def metadata(checkpoint: str, photo: str, speech: str) -> dict[str, str]:
    """What the mp4 says of itself; players and ``ffprobe`` show it."""
    return {
        "title": f"Generated: {photo} says {speech}",
        "comment": f"Generated video, not a recording: the lips were made by avdemo ({checkpoint}) from one photo and a speech.",
        "artist": "avdemo",
    }
