"""The colours of sources. The same colour means the same source everywhere: marker, fader, waveform, spectrogram edge.

Chosen by a search under three demands, which ``tests/viz/test_palette.py`` checks: at least 3:1 contrast on white *and* on the
dark panel (so that one palette serves both themes); every pair apart in OKLab for normal sight and under simulated protan-,
deuteran- and tritanopia, at least as far as the closest pair of Okabe and Ito's palette; and the first four, which are what most
videos need, farther still.
A colour never stands alone: every source also has a number.
"""

from __future__ import annotations

PALETTE: tuple[str, ...] = (
    "#c7880a",  # amber
    "#7055c6",  # violet
    "#319ac4",  # blue
    "#c9290d",  # red
    "#e84f92",  # pink
    "#0a7847",  # green
    "#9772fe",  # lavender
    "#aa3b8f",  # plum
)
REST = "#82868f"  # grey: what no click has claimed

PANEL = "#15171c"  # background of every drawn picture
INK = "#eceef1"  # text and ticks on the panel
FAINT = "#5b606b"  # lines on the panel that only help the eye


def source_colour(index: int) -> str:
    """Hex colour of the source with this index (0, 1, ...); starts over after the last."""
    return PALETTE[index % len(PALETTE)]


def rgb(colour: str) -> tuple[int, int, int]:
    """``"#rrggbb"`` -> (r, g, b) in 0 ... 255.

    Raises:
        ValueError: not a colour of that form.
    """
    digits = colour.removeprefix("#")
    if len(digits) != 6:
        raise ValueError(f"{colour!r} is not a colour like #c7880a.")
    red, green, blue = (int(digits[k : k + 2], 16) for k in (0, 2, 4))
    return red, green, blue


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2, 0 (black) ... 1 (white)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2, 1 ... 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on ``colour``."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, colour))
