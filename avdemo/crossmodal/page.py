"""What the Imagine tab shows in each state, in plain words: component name -> the properties that change. No Gradio here."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avdemo.crossmodal.config import KINDS
from avdemo.crossmodal.session import DIRECTIONS, PICTURE, SOUND, State
from avdemo.viz.markup import QUIET, said
from avdemo.viz.markup import bars as drawn_bars

if TYPE_CHECKING:
    from avdemo.crossmodal.pipeline import Heard, Played, Seen

Changes = dict[str, dict[str, Any]]

DOES = "Give the sound of an instrument and see it played; or give a picture of one and hear it."
KNOWS = (
    f"It knows {len(KINDS)} instruments ({', '.join(KINDS)}). Small networks that learned from photos and recordings of them, after Deep "
    "Cross-Modal Audio-Visual Generation (2017), make up every picture and every sound; of anything else they should say that they do not know it."
)
MODES = (("Sound → picture", SOUND), ("Picture → sound", PICTURE))
NO_RESULT = {
    SOUND: "Nothing has been heard yet; give a sound and press Imagine.",
    PICTURE: "Nothing has been seen yet; give a picture and press Play it.",
}
EMPTY = {
    SOUND: (
        "No picture yet",
        "Give a sound and press Imagine, or choose an example. Here will appear the pictures that the sound brings to mind, what a judge "
        "sees in each of them, and what was heard: which instrument, and its spectrogram.",
    ),
    PICTURE: (
        "No sound yet",
        "Give a picture and press Play it, or choose an example. Here will appear the sound that the picture brings to mind, its "
        "spectrogram, what was seen, and what the model hears in its own sound.",
    ),
}
AXES_HEARD = "Spectrogram of the sound, in seconds and hertz"
AXES_DRAWN = "Spectrogram that was drawn, in seconds and hertz"
VARIANT_CHOICES = (("C: all terms", "C"), ("N: no mismatches", "N"), ("A: autoencoder", "A"))
VARIANT_INFO = (
    "C learned with every term of the paper. N was never shown a picture with the wrong sound, so it need not care which instrument it is. "
    "A had no adversary, only the distance to the right photos: one blurred average, whatever the seed. "
    "Both are here for comparison and paint little that can be recognised."
)
SEED_INFO = "Again takes the next one; the same seed gives the same result."
COUNT, MOST_SHOWN = 16, 36
SECONDS, LOUDNESS_DB, BLEND_S = 4.0, -20.0, 4.0
LOUDNESS_INFO = "Average level below full scale; quieter where its peaks would not fit otherwise."
TOP = 5  # bars, besides that for none of them
KNOBS = {SOUND: ("seed", "count", "variant"), PICTURE: ("tune_seed", "length", "loudness")}
SHOWS = {  # what an answer about something given, or about a knob, may change
    SOUND: (
        "sound", "seed", "empty_sound", "seen_sound", "verdict", "gallery", "judgement", "chosen", "chosen_words", "carry", "go_round_sound", "clip",
        "heard_bars", "spectrogram", "trip_sound",
    ),
    PICTURE: (
        "tune_seed", "empty_picture", "seen_picture", "sight", "made", "hears", "drawn", "method", "seen_bars", "made_bars",
        "trip_picture",
    ),
}  # fmt: skip
STYLE = """<style>
#imagine-gallery .grid-wrap { max-height: none; }
#imagine-gallery .grid-container { grid-template-columns: repeat(4, minmax(0, 1fr)) !important; grid-template-rows: none !important;
  grid-auto-rows: max-content; height: auto; }
@media (max-width: 640px) { #imagine-gallery .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; } }
#imagine-gallery .thumbnail-lg { aspect-ratio: auto; height: auto; display: flex; flex-direction: column; }
#imagine-gallery .thumbnail-lg img { aspect-ratio: 1; width: 100%; height: auto; flex: none; }
#imagine-gallery .caption-label { position: static; max-width: 100%; margin: 0; border: 0; border-radius: 0; white-space: normal;
  font-size: .78rem; line-height: 1.25; text-align: center; padding: 3px 4px; flex: 1; }
#imagine-gallery .thumbnail-item.selected { outline: 3px solid var(--color-accent); outline-offset: -1px; }
:is(#imagine-chosen, #imagine-picture, [id^=imagine-hop]) img { width: 100%; height: 100%; object-fit: contain; }
</style>"""


def bars(probability: Mapping[str, float], heading: str) -> str:
    """The likeliest instruments and "none of these", with a bar for each (HTML)."""
    from avdemo.crossmodal.verdict import OTHER

    ranked = sorted((name for name in probability if name != OTHER), key=lambda name: -probability[name])[:TOP]
    return drawn_bars({name: probability[name] for name in ranked}, heading, last={OTHER: probability[OTHER]})


def _look_for(state: State) -> str:
    return f"What to look for: {state['sentence']}" if state["sentence"] else ""


def form(direction: str) -> Changes:
    """The half of the tab for one direction."""
    return {"mode": {"value": direction}, **{f"half_{name}": {"visible": name == direction} for name in DIRECTIONS}}


# ---- sound -> picture ---------------------------------------------------------------------------------------------------


def heard(state: State, found: Heard) -> Changes:
    """A sound was heard; the pictures come with :func:`painted`."""
    told = said(found.sentence, _look_for(state), *found.notes)
    return {
        "empty_sound": {"visible": False},
        "seen_sound": {"visible": True},
        "verdict": {"value": told},
        "heard_bars": {"value": bars(found.probability, "What it heard")},
        "spectrogram": {"value": state["files"]["spectrogram"]},
        "clip": {"value": None, "visible": False},
        "trip_sound": {"visible": False},
    }


def painted(state: State) -> Changes:
    """The grid with the judge's opinions; the picture that it is surest of is chosen."""
    pictures = [(picture["path"], picture["words"]) for picture in state["pictures"]]
    return {
        "gallery": {"value": pictures, "selected_index": state["chosen"]},
        "judgement": {"value": f'<div style="{QUIET}">{html.escape(judgement(state))}</div>'},
        "seed": {"value": state["seed"]},
        **chosen(state),
    }


def judgement(state: State) -> str:
    """How many of the pictures show what was heard, in the judge's opinion."""
    pictures, kind = state["pictures"], state["kind"]
    right = sum(picture["kind"] == kind for picture in pictures)
    words = f"The judge, a classifier that learned from real photos only, sees {named(kind)} in {right} of {len(pictures)}"
    if not state["known"]:
        words = f"The sound is not known, so these need not show anything; the judge sees {named(kind)}, the nearest, in {right} of {len(pictures)}"
    if state["alike"]:
        return f"{words}. All seeds give this same picture, so there is one instead of {state['count']}."
    surest = "The one that it is surest of is chosen; click" if right else "Click"
    return f"{words}. {surest} on another to choose that."


def named(kind: str) -> str:
    """An instrument with its article."""
    from avdemo.crossmodal.verdict import named

    return named(kind)


def chosen(state: State) -> Changes:
    """The chosen picture, larger, and what can be done with it."""
    number, picture = state["chosen"] + 1, state["pictures"][state["chosen"]]
    return {
        "chosen": {"value": picture["path"], "label": f"Picture {number}"},
        "chosen_words": {"value": said(f"Picture {number}", f"What the judge sees in it: {picture['words']}.")},
        "carry": {"value": f"Hear picture {number}"},
        "go_round_sound": {"value": f"Round trip through picture {number}"},
    }


def blended(state: State, first: Heard, second: Heard) -> Changes:
    """The clip from one sound's pictures to another's."""
    words = f"From {first.sound.name} ({first.kind}) to {second.sound.name} ({second.kind})"
    return {"clip": {"value": state["files"]["blend"], "label": words, "visible": True}, **downloads(state, SOUND)}


# ---- picture -> sound ---------------------------------------------------------------------------------------------------


def played(state: State, seen: Seen, found: Played) -> Changes:
    """A picture was seen and a sound was made of it."""
    return {
        "empty_picture": {"visible": False},
        "seen_picture": {"visible": True},
        "sight": {"value": said(seen.sentence, _look_for(state), *seen.notes)},
        "made": {"value": state["files"]["sound"]},
        "hears": {"value": f'<div style="{QUIET}">{html.escape(found.sentence)}</div>'},
        "drawn": {"value": state["files"]["spectrogram"]},
        "seen_bars": {"value": bars(seen.probability, "What it saw in the picture")},
        "made_bars": {"value": bars(found.heard, "What it hears in the sound it made")},
        "method": {"value": f'<div style="{QUIET}">How the spectrogram became a sound: {html.escape(found.method)}.</div>'},
        "tune_seed": {"value": state["seed"]},
        "trip_picture": {"visible": False},
    }


# ---- both ---------------------------------------------------------------------------------------------------------------


def downloads(state: State, direction: str) -> Changes:
    """All files made so far."""
    return {
        f"files_{direction}": {"value": list(state["files"].values()), "visible": True},
        f"how_{direction}": {"visible": True},
    }


def trip_parts(direction: str) -> list[str]:
    """Names of what :func:`travelled` changes."""
    hops = (f"{part}_{direction}_{number}" for part in ("hop_words", "hop") for number in range(3))
    return [f"trip_{direction}", f"trip_words_{direction}", *hops]


def travelled(direction: str, hops: Sequence[Mapping[str, Any]]) -> Changes:
    """A round trip: each hop with its class and probability.

    Args:
        hops: ``title``, ``opinion`` (see :func:`session.opinion`) and ``file`` of each.
    """
    changes: Changes = {f"trip_{direction}": {"visible": True}, f"trip_words_{direction}": {"value": said(fate(hops))}}
    for number, hop in enumerate(hops):
        words = (
            f'<div style="margin: 0 0 4px"><span style="{QUIET}">{number + 1}. {html.escape(hop["title"])}</span><br>'
            f"<strong>{html.escape(hop['opinion']['words'])}</strong></div>"
        )
        changes[f"hop_words_{direction}_{number}"] = {"value": words}
        changes[f"hop_{direction}_{number}"] = {"value": hop["file"]}
    return changes


def fate(hops: Sequence[Mapping[str, Any]]) -> str:
    """What became of the instrument on its way, in one sentence."""
    kinds = [hop["opinion"]["kind"] for hop in hops]
    start, end = kinds[0], kinds[-1]
    if not start:
        return "What it began with is not known, so there is no instrument to follow."
    if all(kind == start for kind in kinds):
        return f"It stays {named(start)} all the way round."
    if end == start:
        return f"It comes back as {named(start)}, though not every hop was sure of it."
    lost = next(number for number, kind in enumerate(kinds) if kind != start)
    became = named(kinds[lost]) if kinds[lost] else "nothing that the model is sure of"
    return f"It begins as {named(start)} and at hop {lost + 1} becomes {became}."


def facts(record: Mapping[str, Any], given: str, wait: str) -> dict[str, str]:
    """The main points of run.json for people."""
    model = record["checkpoints"][0]
    return {
        "Given": Path(given).name,
        "What came of it": record["results"]["sentence"],
        "Model": f"{model['name']} (sha256 {model['sha256'][:12]})",
        "Seed": str(record["seed"]),
        "Ran on": str(record["device"]),
        "Time": wait,
    }
