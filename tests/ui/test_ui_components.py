"""The shared pieces: limits, cards, examples, facts."""

import dataclasses
import json

import pytest

from avdemo.settings import get_settings
from avdemo.ui import components


@pytest.mark.parametrize(
    ("seconds", "words"), [(120, "2 minutes"), (90, "90 seconds"), (60, "60 seconds"), (600, "10 minutes"), (2.5, "2.5 seconds")]
)
def test_duration_words(seconds, words):
    assert components.duration_words(seconds) == words


def test_limits_come_from_the_settings():
    settings = dataclasses.replace(get_settings(), max_seconds=120.0, max_megabytes=200.0)
    assert components.limits_text("mp4, mov", "needs sound", settings) == "mp4, mov · up to 2 minutes and 200 MB · needs sound"


def test_model_card_without_its_front_matter(tmp_path):
    settings = dataclasses.replace(get_settings(), weights_dir=tmp_path)
    assert "without a card" in components.model_card("absent", settings)
    (tmp_path / "a.md").write_text("---\nlicense: mit\n---\n# A\ntext with --- in it\n", encoding="utf-8")
    assert components.model_card("a", settings) == "# A\ntext with --- in it\n"
    (tmp_path / "b.md").write_text("# B\n", encoding="utf-8")
    assert components.model_card("b", settings) == "# B\n"


def test_examples_whose_file_is_missing_are_left_out(tmp_path):
    assert components.read_examples(tmp_path) == []
    (tmp_path / "a.mp4").write_bytes(b"x")
    entries = [{"file": "a.mp4", "title": "A", "clicks": []}, {"file": "b.mp4", "title": "B"}]
    for content in (entries, {"examples": entries}):
        (tmp_path / "examples.json").write_text(json.dumps(content), encoding="utf-8")
        assert components.read_examples(tmp_path) == [{"file": str(tmp_path / "a.mp4"), "title": "A", "clicks": []}]


def test_facts_are_escaped():
    assert "<b>" not in components.facts_html({"<b>": "<b>"})


def test_how_made_values_are_a_table_and_json():
    table, record = components.how_made_values({"Model": "x"}, {"café": 1})
    assert "<th scope='row'>Model</th>" in table
    assert json.loads(record) == {"café": 1}
    assert "café" in record


def test_the_legend_has_the_heatmaps_colours():
    import numpy as np

    from avdemo.viz.heatmap import heatmap

    shown = heatmap(np.linspace(0, 1, 6, dtype=np.float32)[None].repeat(6, axis=0), (6, 6))[3]
    assert shown[0, 3] == 0
    assert components.ENERGY_STOPS[0] == "transparent"
    for stop, colour in zip(components.ENERGY_STOPS[1:], shown[1:, :3].astype(int), strict=True):
        named = np.array([int(stop[i : i + 2], 16) for i in (1, 3, 5)])
        assert np.abs(named - colour).max() <= 6, (stop, colour)


def test_faders_start_at_one_in_the_sources_colours():
    import gradio as gr

    with gr.Blocks(analytics_enabled=False):
        *places, rest = components.faders(6, "demo")
    assert [fader.value for fader in (*places, rest)] == [1] * 7
    assert [fader.visible for fader in places] == [False] * 6
    assert places[2].elem_classes == ["av-source-3"]
    assert rest.elem_classes == ["av-source-rest"]


def test_a_picture_row_shows_its_titles_and_a_player_its_colour():
    import gradio as gr

    from avdemo.ui import components

    with gr.Blocks() as page:
        row = components.picture_row(['A "guitar"', "A violin"], ["/x/a.png", "/x/b.png"], "some-row")
    assert [sample[0] for sample in row.raw_samples] == ["/x/a.png", "/x/b.png"]
    style = next(block.value for block in page.blocks.values() if isinstance(block, gr.HTML))
    assert '#some-row .gallery-item:nth-of-type(1)::after { content: "A \\"guitar\\""; }' in style.replace("&gt;", ">")
    assert components.waveform("#123456")["waveform_progress_color"] == "#123456"


def test_examples_without_a_picture_are_buttons_with_their_titles():
    import gradio as gr

    from avdemo.ui import components

    with gr.Blocks():
        row = components.title_row(["Violin: a tune", "A <b>voice</b>"], "some-sounds")
    assert [sample[0] for sample in row.raw_samples] == ["Violin: a tune", "A <b>voice</b>"] and row.type == "index"


def test_a_picture_has_no_length():
    from avdemo.ui.components import limits_text

    assert "seconds" not in limits_text("png", is_timed=False) and "minutes" not in limits_text("png", is_timed=False)
    assert "MB" in limits_text("png", is_timed=False)
