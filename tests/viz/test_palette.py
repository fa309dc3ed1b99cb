"""The palette's three demands: contrast in both themes, apart for every kind of sight, the first four farther."""

import itertools

import numpy as np
import pytest

from avdemo.viz.palette import FAINT, INK, PALETTE, PANEL, REST, contrast, ink_on, rgb, source_colour

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB
SIGHTS = {
    "normal": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
OKABE_ITO = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


def closest(colours: tuple[str, ...], sight: str) -> float:
    """Distance in OKLab of the two most similar colours."""
    srgb = np.array([rgb(c) for c in colours]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ SIGHTS[sight].T, 0, 1)
    lab = np.cbrt(seen @ TO_LMS.T) @ TO_OKLAB.T
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(lab, 2))


@pytest.mark.parametrize("colour", [*PALETTE, REST])
def test_every_colour_is_seen_in_both_themes(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 3 and contrast(colour, PANEL) >= 3
    assert contrast(ink_on(colour), colour) >= 4.5  # the number on a marker


def test_colours_are_apart_for_every_kind_of_sight() -> None:
    okabe_ito = min(closest(OKABE_ITO, sight) for sight in SIGHTS)
    assert min(closest(PALETTE, sight) for sight in SIGHTS) >= okabe_ito
    assert min(closest(PALETTE[:4], sight) for sight in SIGHTS) >= 1.15 * okabe_ito


def test_text_is_readable_on_the_panel() -> None:
    assert contrast(INK, PANEL) >= 7 and contrast(FAINT, PANEL) < 4


def test_there_are_colours_for_any_number_of_sources() -> None:
    assert len(set(PALETTE)) == 8
    assert source_colour(0) == PALETTE[0] and source_colour(9) == PALETTE[1]


@pytest.mark.parametrize("bad", ["", "#12", "red", "#gg0000"])
def test_bad_colours_are_refused(bad: str) -> None:
    with pytest.raises(ValueError):
        rgb(bad)
