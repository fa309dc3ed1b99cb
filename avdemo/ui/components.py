"""Pieces that every tab shares, so that all tabs look and speak alike."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from avdemo.settings import Settings, get_settings

# viz.heatmap's colours at 0, 0.2 ... 1 (a test compares); written out, so that building the page does not load a plotting library
ENERGY_STOPS = ("transparent", "#741a6e", "#b43359", "#e9612b", "#fca80d", "#f3f68a")


WAVEFORM = "#8f95a3"  # what a player has not played yet; seen on light and on dark


def waveform(colour: str) -> dict[str, Any]:
    """A player's options: what was played is in ``colour`` (#rrggbb)."""
    return {"waveform_color": WAVEFORM, "waveform_progress_color": colour, "show_recording_waveform": True}


def duration_words(seconds: float) -> str:
    """``90`` -> "90 seconds", ``120`` -> "2 minutes"."""
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds / 60:g} minutes"
    return f"{seconds:g} seconds"


def lead(does: str, knows: str) -> gr.HTML:
    """The sentence under a tab's name: what it does, and what its model knows."""
    return gr.HTML(f'<div class="av-lead">{html.escape(does)} <span class="av-knows">{html.escape(knows)}</span></div>')


def step(text: str) -> gr.HTML:
    """A short heading over one step of the form."""
    return gr.HTML(f'<div class="av-step" role="heading" aria-level="3">{html.escape(text)}</div>')


def limits_text(formats: str, needs: str = "", settings: Settings | None = None, *, is_timed: bool = True) -> str:
    """What an input accepts, in one line; a picture is not ``is_timed``."""
    settings = settings or get_settings()
    longest = f"{duration_words(settings.max_seconds)} and " if is_timed else ""
    parts = [formats, f"up to {longest}{settings.max_megabytes:g} MB"]
    if needs:
        parts.append(needs)
    return " · ".join(parts)


def limits_line(formats: str, needs: str = "", *, is_timed: bool = True) -> gr.HTML:
    """The limits under an input."""
    return gr.HTML(f'<div class="av-limits">{html.escape(limits_text(formats, needs, is_timed=is_timed))}</div>')


def empty_state(title: str, text: str) -> gr.HTML:
    """What stands in the result area before there is a result."""
    return gr.HTML(f'<div class="av-empty"><strong>{html.escape(title)}</strong>{html.escape(text)}</div>')


def energy_legend(low: str = "silent", high: str = "loudest") -> gr.HTML:
    """What the colours of a sound-energy heatmap mean (the stops are viz.heatmap's own, from clear to bright)."""
    stops = ", ".join(ENERGY_STOPS)
    bar = f'<i style="background: linear-gradient(90deg, {stops})" aria-hidden="true"></i>'
    return gr.HTML(f'<div class="av-legend">{html.escape(low)} {bar} {html.escape(high)}</div>')


def status_line() -> gr.HTML:
    """Where the guard speaks; pass it to :func:`avdemo.ui.guard.wire`."""
    return gr.HTML("", elem_classes=["av-status-line"])


@dataclass(frozen=True)
class HowMade:
    """The closed accordion under every result: which model, which settings, how long it took."""

    facts: gr.HTML
    record: gr.Code

    @property
    def outputs(self) -> list[gr.components.Component]:
        """The components to list as outputs, in the order of :func:`how_made_values`."""
        return [self.facts, self.record]


def how_made(card: str) -> HowMade:
    """Build the accordion "How this was made".

    Args:
        card: the checkpoint's model card (Markdown), see :func:`model_card`.
    """
    with gr.Accordion("How this was made", open=False):
        facts = gr.HTML("")
        with gr.Accordion("The model and what it learned from", open=False):
            gr.Markdown(card, elem_classes=["av-scroll"])
        with gr.Accordion("run.json, everything needed to repeat this", open=False):
            record = gr.Code("", language="json", interactive=False, show_label=False, elem_classes=["av-scroll"])
    return HowMade(facts, record)


def facts_html(facts: Mapping[str, Any]) -> str:
    """A two-column table of plain facts."""
    escaped = [(html.escape(key), html.escape(str(value))) for key, value in facts.items()]
    rows = "".join(f"<tr><th scope='row'>{key}</th><td>{value}</td></tr>" for key, value in escaped)
    return f'<table class="av-facts"><tbody>{rows}</tbody></table>'


def how_made_values(facts: Mapping[str, Any], record: Mapping[str, Any]) -> tuple[str, str]:
    """The two values for :attr:`HowMade.outputs`."""
    return facts_html(facts), json.dumps(record, indent=2, ensure_ascii=False)


def model_card(name: str, settings: Settings | None = None) -> str:
    """The card that stands beside the checkpoint, without its front matter; a plain sentence where there is none."""
    path = (settings or get_settings()).weights_dir / f"{name}.md"
    if not path.is_file():
        return f"The checkpoint `{name}` comes without a card in this installation."
    text = path.read_text(encoding="utf-8")
    if text.startswith("---"):
        _, _, rest = text[3:].partition("\n---")
        text = rest.lstrip("\n") or text
    return text


def read_examples(folder: Path) -> list[dict[str, Any]]:
    """The examples that a folder offers: the entries of its ``examples.json`` whose file is there.

    Each entry has ``file`` (made absolute here) and ``title``; whatever else it has is the capability's own.
    """
    listing = folder / "examples.json"
    if not listing.is_file():
        return []
    content = json.loads(listing.read_text(encoding="utf-8"))
    entries = content["examples"] if isinstance(content, dict) else content
    found = []
    for entry in entries:
        path = folder / entry["file"]
        if path.is_file():
            found.append({**entry, "file": str(path)})
    return found


def example_row(titles: Sequence[str], files: Sequence[str], elem_id: str) -> gr.Dataset:
    """Example videos as pictures with titles; ``click`` hands the handler the index. One click must fill the form *and* run.

    Args:
        titles: one for each; also what a screen reader says.
        files: the videos.
    """
    rules = [
        f"#{elem_id} .gallery-item:nth-of-type({number})::after {{ content: {json.dumps(title)}; }}"
        for number, title in enumerate(titles, 1)
    ]
    style = "<style>" + html.escape("\n".join(rules), quote=False) + "</style>"
    with gr.Column(elem_classes=["av-examples"]):
        gr.HTML(f'<div class="av-step" role="heading" aria-level="3">Or start with one of these</div>{style}')
        return gr.Dataset(
            show_label=False,
            components=[gr.Video(render=False)],
            samples=[[file] for file in files],
            type="index",
            samples_per_page=12,
            elem_id=elem_id,
        )


def picture_row(titles: Sequence[str], files: Sequence[str], elem_id: str) -> gr.Dataset:
    """Example pictures with their titles under them, as :func:`example_row` shows videos."""
    item = f"#{elem_id} .gallery-item"
    rules = [f"{item}:nth-of-type({n})::after {{ content: {json.dumps(title)}; }}" for n, title in enumerate(titles, 1)]
    rules.append(f"{item} img {{ width: 100%; height: 100%; object-fit: cover; }}")
    with gr.Column(elem_classes=["av-examples"]):
        gr.HTML("<style>" + html.escape("\n".join(rules), quote=False) + "</style>")
        pictures = {"components": [gr.Image(render=False)], "samples": [[file] for file in files]}
        return gr.Dataset(show_label=False, type="index", samples_per_page=12, elem_id=elem_id, **pictures)


def title_row(titles: Sequence[str], elem_id: str) -> gr.Dataset:
    """Examples that have nothing to show, such as sounds, as buttons with their titles."""
    item = f"#{elem_id} .gallery-item"
    rules = (
        f"{item} {{ justify-content: center; min-height: 44px; }}{item} .gallery {{ display: block !important; }}"
        f"{item} :is(span, .gallery) {{ padding: 2px 6px; font-size: .86rem; line-height: 1.3; }}"
    )
    with gr.Column(elem_classes=["av-examples"]):
        gr.HTML(f"<style>{rules}</style>")
        buttons = {"components": [gr.Textbox(render=False)], "samples": [[title] for title in titles]}
        return gr.Dataset(show_label=False, type="index", samples_per_page=12, elem_id=elem_id, **buttons)


def faders(count: int, prefix: str) -> list[gr.Slider]:
    """Volume faders in the sources' colours: ``count`` hidden ones, for the places to come, and last one for everything else."""
    each = [
        gr.Slider(
            0, 2, 1, step=0.05, label=f"Place {number}", visible=False,
            elem_id=f"{prefix}-fader-{number}", elem_classes=[f"av-source-{number}"],
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
    rest = gr.Slider(
        0, 2, 1, step=0.05, label="Everything else", elem_id=f"{prefix}-fader-rest", elem_classes=["av-source-rest"],
        info="Volume: 0 is silence, 1 as it was, 2 twice as loud. With all faders at 1 you hear the video's own sound.",
    )  # fmt: skip
    return [*each, rest]
