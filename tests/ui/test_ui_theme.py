"""The theme is readable: contrast (WCAG 2.1) of what text stands on, light and dark; nothing is fetched from elsewhere."""

import re

import pytest

from avdemo.ui import theme as look

TEXT = [  # (text, ground): at least 4.5
    ("body_text_color", "body_background_fill"),
    ("body_text_color", "block_background_fill"),
    ("body_text_color", "color_accent_soft"),
    ("body_text_color_subdued", "body_background_fill"),
    ("body_text_color_subdued", "block_background_fill"),
    ("block_label_text_color", "block_label_background_fill"),
    ("block_title_text_color", "block_background_fill"),
    ("block_info_text_color", "block_background_fill"),
    ("input_placeholder_color", "input_background_fill"),
    ("body_text_color", "input_background_fill"),
    ("link_text_color", "block_background_fill"),
    ("link_text_color_hover", "block_background_fill"),
    ("accordion_text_color", "block_background_fill"),
    ("button_primary_text_color", "button_primary_background_fill"),
    ("button_primary_text_color", "button_primary_background_fill_hover"),
    ("button_secondary_text_color", "button_secondary_background_fill"),
    ("button_secondary_text_color", "button_secondary_background_fill_hover"),
    ("checkbox_label_text_color", "checkbox_label_background_fill"),
    ("checkbox_label_text_color_selected", "checkbox_label_background_fill_selected"),
]
SHAPES = [  # (edge or handle, ground): at least 3
    ("input_border_color", "block_background_fill"),
    ("button_secondary_border_color", "block_background_fill"),
    ("slider_color", "block_background_fill"),
    ("color_accent", "block_background_fill"),
    ("loader_color", "block_background_fill"),
    ("checkbox_border_color", "block_background_fill"),
]


def luminance(colour: str) -> float:
    """WCAG relative luminance of #rrggbb or "white"."""
    colour = {"white": "#ffffff", "black": "#000000"}.get(colour, colour)
    assert re.fullmatch(r"#[0-9a-f]{6}", colour), colour
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def computed(name: str, mode: str) -> str:
    return look.build_theme()._get_computed_value(name + mode)


@pytest.mark.parametrize("mode", ["", "_dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_is_readable(text, ground, mode):
    assert contrast(computed(text, mode), computed(ground, mode)) >= 4.5


@pytest.mark.parametrize("mode", ["", "_dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_can_be_seen(shape, ground, mode):
    assert contrast(computed(shape, mode), computed(ground, mode)) >= 3


def test_problem_boxes_are_readable():
    boxes = re.findall(r"\.av-problem \{[^}]*background: (#\w{6}); color: (#\w{6})", look.CSS)
    assert len(boxes) == 2
    assert all(contrast(*box) >= 7 for box in boxes)


def test_nothing_is_fetched_from_elsewhere():
    theme = look.build_theme()
    assert theme._stylesheets == []
    addresses = re.findall(r"https?://[^'\"\s)]+", theme._get_theme_css() + look.CSS)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}  # a name inside drawings that come with gradio, not a place


def test_each_source_has_its_colour():
    css = look.source_css(["#111111", "#222222"], "#333333")
    for name, colour in (("1", "#111111"), ("2", "#222222"), ("rest", "#333333")):
        assert f".av-source-{name} {{ border-left: 6px solid {colour}" in css


def test_the_accent_is_no_sources_colour():
    from avdemo.viz.palette import PALETTE

    for accent in (look.ACCENT.c500, look.ACCENT.c600):
        for colour in PALETTE:
            distance = sum((int(accent[i : i + 2], 16) - int(colour[i : i + 2], 16)) ** 2 for i in (1, 3, 5)) ** 0.5
            assert distance > 40
