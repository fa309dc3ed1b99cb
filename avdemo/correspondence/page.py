"""What the Match tab shows in each state, in plain words: component name -> the properties that change. No Gradio here."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avdemo.correspondence import results
from avdemo.correspondence.config import EVERYDAY, INSTRUMENTS
from avdemo.correspondence.session import EXAMPLE, OWN, PICTURE, SOUND, Desk, State, suffix_of
from avdemo.viz.palette import source_colour

if TYPE_CHECKING:
    from avdemo.correspondence.pipeline import Moment, Prepared, Scores

Changes = dict[str, dict[str, Any]]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


DOES = "Give a video, or a picture and a sound: do they belong together, when, and where in the picture does the sound come from?"
KNOWS = (
    f"It knows {len(INSTRUMENTS)} instruments ({_listed(INSTRUMENTS)}) and {len(EVERYDAY)} everyday things ({_listed(EVERYDAY)}). "
    "It learned from photos of them put beside sounds of the same kind and from few real clips, after Look, Listen and Learn "
    "(2017): it goes by what kind of thing is seen and heard, hardly by the exact moment, and guesses about everything else."
)
NOTHING_YET = "Nothing to compare yet"
WILL_APPEAR = (
    "Give a video, or a picture and a sound, and press Match; or choose an example. Here will appear whether they belong together, "
    "the film with light where the sound comes from, and the probability over time; below, any single moment and the "
    "units of the network with what excites them most."
)
NO_RESULT = "Nothing has been compared yet; give a video, or a picture and a sound, and press Match."

VIDEO, PAIR = MODES = ("A video", "A picture and a sound")
HEAT, GIVEN = SHOWS = ("Where the sound comes from", "As it was given")
SIDE_WORDS = (("Pictures", PICTURE), ("Sounds", SOUND))
STEPS = (0.1, 0.2, 0.25, 0.5, 1.0)  # s between windows; each divides the slider's 5 s
STEP_S = 0.25
OPACITY = 0.7
OWN_SOUND = "Its own sound"
SHIFT_INFO = (
    "Above 0 the sound comes later, below 0 earlier. The score falls where the wrong thing is heard then; one player who "
    "plays on and on still matches."
)
NO_SHIFT = "A still picture, or a clip of hardly more than a second, has no other moment to shift the sound to."
API_FILES = ("scores", "where", "spectrogram", "embeddings", "run")
PLOT_WORDS = "How likely picture and sound belong together, over time; the words above say the averages"
SECOND_WORDS = "Spectrogram of the second of sound, and again with light on what belongs to the frame"
GALLERY_STYLE = (
    "<style>#match-gallery .grid-wrap { max-height: none; } #match-gallery .thumbnail-lg { aspect-ratio: 8 / 5; }"
    "#match-gallery .caption-label { max-width: 100%; }</style>"
)
UNITS_INFO = "Units of the last layer, with how far they rise above the ordinary, in standard deviations (σ)."


def swaps(titles: Sequence[str], own: str = "") -> list[tuple[str, str]]:
    """What the dropdown offers: the clip's own sound, one that was uploaded (``own``, its path), the examples'."""
    uploaded = [(f"Yours: {Path(own).name}", own)] if own else []
    return [(OWN_SOUND, OWN), *uploaded, *((title, f"{EXAMPLE}{number}") for number, title in enumerate(titles))]


def form(mode: str) -> Changes:
    """The inputs of one of the two modes."""
    return {"of_video": {"visible": mode == VIDEO}, "of_pair": {"visible": mode == PAIR}}


def filled(example: dict[str, Any]) -> Changes:
    """The form with an example in it."""
    pair = example.get("sound") is not None
    files = {"picture": example["file"], "sound": example["sound"]} if pair else {"video": example["file"]}
    return {
        "mode": {"value": PAIR if pair else VIDEO},
        **form(PAIR if pair else VIDEO),
        **{name: {"value": file} for name, file in files.items()},
    }


def opened(desk: Desk, state: State, titles: Sequence[str]) -> Changes:
    """A pair was prepared: all knobs are back where they start, the first results are there."""
    time_s, far = first_moment(desk), desk.furthest_s
    shift = {"value": 0, "step": state["step_s"], "interactive": far > 0, "info": SHIFT_INFO if far else NO_SHIFT}
    return {
        "empty": {"visible": False},
        "seen": {"visible": True},
        "results": {"visible": True},
        "what_if": {"visible": True},
        "shift": {**shift, "minimum": -far or -1, "maximum": far or 1},
        "swap": {"choices": swaps(titles), "value": OWN},
        "swap_sound": {"value": None},
        "time": {"value": time_s, "maximum": int(desk.prepared.duration_s * 100) / 100},
        "film": {"value": None, "label": HEAT},
        "show": {"value": HEAT},
        "gallery": {"value": None},
        "moment_sound": {"value": None},
        "files": {"value": list(state["files"].values())},
        **choice(desk, PICTURE, time_s),
        "side": {"value": PICTURE},
    }


def first_moment(desk: Desk) -> float:
    """Where the match is best: the moment to look at first."""
    heard = [number for number, silent in enumerate(desk.own.is_silent) if not silent] or range(len(desk.own.time_s))
    best = max(heard, key=lambda number: desk.own.probability[number])
    return round(float(desk.own.time_s[best]), 2)


def compared(state: State, scored: Sequence[Scores]) -> Changes:
    """The words and the plot about the scores, as the clip is and as it was changed."""
    return {"verdict": {"value": verdict(state, scored)}, "plot": {"value": state["files"]["plot"]}}


def looked(desk: Desk, state: State, other: Prepared | None, time_s: float, opacity: float) -> Changes:
    """One moment: its frame with heat, its second of sound with heat."""
    time_s = desk.inside(time_s)
    shift_s = state["shift_s"]
    return {
        "frame": {"value": desk.frame(time_s, shift_s, other, opacity)},
        "second": {"value": desk.second(time_s, shift_s, other)},
    }


def choice(desk: Desk, side: str, time_s: float, unit: int | None = None) -> Changes:
    """The units that stand out at a moment; ``unit`` stays chosen, or the first of them is when there is none."""
    strongest = desk.strongest(side, time_s)
    if unit is None:
        unit = strongest[0][0] if strongest else 0
    most = desk.units(side) - 1
    return {
        "strongest": {
            "choices": [(f"{number} ({strength:+.1f} σ)", number) for number, strength in strongest],
            "value": unit if unit in [number for number, _ in strongest] else None,
        },
        "unit": {"value": unit, "info": f"Any of them, 0 to {most}."},
    }


def excited(drawn: Sequence[tuple[Moment, Path, Path]], names: Sequence[str], side: str, unit: int) -> Changes:
    """The gallery of the moments that excite a unit most; ``names`` of the clips they are from."""
    what = "frames" if side == PICTURE else "seconds of sound"
    captions = [
        f"{moment.value:.1f} at {moment.time_s:.1f} s · {name}" for (moment, _, _), name in zip(drawn, names, strict=True)
    ]
    pictures = [(str(picture), caption) for (_, picture, _), caption in zip(drawn, captions, strict=True)]
    label = f"The {what} that excite unit {unit} most" if drawn else f"Nothing excites unit {unit} in any clip here"
    return {"gallery": {"value": pictures, "label": label}}


def picked(moments: Sequence[dict[str, str]], number: int, play: bool = False) -> Changes:
    """The player with what is heard at one of the gallery's moments."""
    if not moments:
        return {"moment_sound": {"value": None, "label": "Sound of the chosen moment"}}
    moment = moments[number]
    return {"moment_sound": {"value": moment["sound"], "label": f"Sound: {moment['caption']}", "autoplay": play}}


def filmed(desk: Desk, state: State, other: Prepared | None) -> Changes:
    """The film, newly drawn."""
    film = state["files"]["film" + suffix_of(state)]
    return {"film": {"value": film, "label": results.film_words(desk, state, other)}, "show": {"value": HEAT}, **downloads(state)}


def downloads(state: State) -> Changes:
    """All files made so far."""
    return {"files": {"value": list(state["files"].values())}}


# ---- words --------------------------------------------------------------------------------------------------------------

METER = "flex: 1 1 120px; height: 10px; border-radius: 5px; background: var(--border-color-primary); overflow: hidden"
ROW = "display: flex; align-items: center; gap: 10px; margin: 6px 0 0"
QUIET = "color: var(--body-text-color-subdued); font-size: .9rem; margin: 6px 0 0"


def verdict(state: State, scored: Sequence[Scores]) -> str:
    """The result in words, with a meter for each line of the plot in that line's colour (HTML)."""
    own, changed = scored[0], scored[1] if len(scored) > 1 else None
    parts = [f'<strong style="font-size: 1.1rem">{html.escape(own.verdict)}</strong>']
    parts += [
        _meter(each.name.capitalize() if each is own else _name(state, each), each.mean, n) for n, each in enumerate(scored)
    ]
    if changed is not None:
        parts.append(f'<div style="margin: 6px 0 0">{html.escape(difference(state, own, changed))}</div>')
    if state["sentence"]:
        parts.append(f'<div style="{QUIET}">What to look for: {html.escape(state["sentence"])}</div>')
    notes = [note for each in scored for note in each.notes]
    parts += [f'<div style="{QUIET}">{html.escape(note)}</div>' for note in dict.fromkeys(notes)]
    return f'<div class="av-verdict" role="status">{"".join(parts)}</div>'


def _name(state: State, changed: Scores) -> str:
    """What was changed, with the title of the example or the file whose sound is heard."""
    if state["swap"] == OWN:
        return changed.name.capitalize()
    moved = changed.name.rpartition(", ")[2] if abs(changed.shift_s) > 1e-9 else ""
    return f"With the sound of “{state['swap_name']}”" + (f", {moved}" if moved else "")


def _meter(words: str, mean: float, number: int) -> str:
    fill = f'<i style="display: block; height: 100%; width: {100 * mean:.0f}%; background: {source_colour(number)}"></i>'
    label = f'<span style="flex: 0 1 auto">{html.escape(words)}</span>'
    value = f'<span style="font-variant-numeric: tabular-nums; font-weight: 650">{mean:.2f}</span>'
    return f'<div style="{ROW}">{label}<span style="{METER}" aria-hidden="true">{fill}</span>{value}</div>'


def difference(state: State, own: Scores, changed: Scores) -> str:
    """How the score moved, in one sentence."""
    moved = changed.mean - own.mean
    words = _name(state, changed)
    if abs(moved) < 0.02:
        return f"{words}, the average stays where it was: what is heard is still of a kind that belongs there, or never did."
    return f"{words}, the average {'falls' if moved < 0 else 'rises'} by {abs(moved):.2f}, from {own.mean:.2f} to {changed.mean:.2f}."
