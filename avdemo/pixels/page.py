"""What the Isolate tab shows in each state, in plain words: component name -> the properties that change. No Gradio here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from avdemo.pixels import session
from avdemo.pixels.config import SOUNDS
from avdemo.pixels.session import ENERGY, MAX_PLACES, Desk, Place

Changes = dict[str, dict[str, Any]]

NO_VIDEO = "There is no video yet; upload one, record one, or choose an example."
DOES = "Click on something that makes a sound and hear it alone; then mix the voices anew, with a fader for each."
KNOWS = f"It knows {len(SOUNDS)} instruments ({', '.join(SOUNDS)}) and learned by un-mixing, after The Sound of Pixels (2018)."
WILL_APPEAR = (
    "Upload or record a video, or choose an example. A frame of it will appear here, with light where sound comes from; below "
    "it, after each click, the sound of that place, everything else without it, and a picture of what was taken."
)

OPACITY = 0.5  # of the layer over a new video


def opened(desk: Desk, state: dict[str, Any], time_s: float) -> Changes:
    """A video was prepared; the frame of ``time_s`` is shown."""
    info = desk.prepared.info
    return {
        **staged(True),
        **places(state),
        **looked(desk, state, time_s, ENERGY, OPACITY),
        "time": {"value": time_s, "maximum": round(desk.last_moment_s, 2)},
        "view": {"value": ENERGY},
        "opacity": {"value": OPACITY},
        "x": {"value": info.width // 2, "info": f"From the upright video's left, 0 to {info.width - 1}."},
        "y": {"value": info.height // 2, "info": f"From its top, 0 to {info.height - 1}."},
    }


def closed() -> Changes:
    """There is no video any more."""
    return {**staged(False), **places({}), "stop": {"visible": False}}


def staged(has_video: bool) -> Changes:
    """The frame and its knobs, or the words that stand in their place."""
    return {"chooser": {"visible": has_video}, "screen": {"visible": has_video}, "empty": {"visible": not has_video}}


def looked(desk: Desk, state: dict[str, Any], time_s: float, view: str, opacity: float) -> Changes:
    """Another moment, another layer, another opacity."""
    time_s = min(max(time_s, 0.0), desk.last_moment_s)
    picture = desk.view(time_s, view, opacity, session.places_of(state))
    return {"time": {"value": time_s}, "frame": {"value": picture}, "legend": {"visible": view == ENERGY}}


def places(state: dict[str, Any]) -> Changes:
    """A place came or went: the list, the players (of the newest), the faders; a new place's fader starts at 1."""
    chosen = session.places_of(state)
    count = len(chosen)
    changes: Changes = {
        "heard": {"visible": count > 0},
        "results": {"visible": count > 0},
        "film": {"value": None, "visible": False},
        "shown": {"choices": [(f"{n} · {place.words()}", n) for n, place in enumerate(chosen, 1)], "value": count or None},
        **players(state, count),
    }
    for n in range(1, MAX_PLACES + 1):
        changes[f"fader_{n}"] = {"visible": n <= count, "label": _fader_label(chosen, n)} | ({} if n < count else {"value": 1})
    if count == 0:
        changes["fader_rest"] = {"value": 1}
    return changes


def _fader_label(chosen: Sequence[Place], number: int) -> str:
    return f"Place {number} · {chosen[number - 1].words()}" if number <= len(chosen) else f"Place {number}"


def players(state: dict[str, Any], number: int) -> Changes:
    """The two players for one place. Each place has a player of its own for its sound, in its colour; one is seen at a time."""
    files = state.get("files", {})
    changes: Changes = {f"sound_{n}": {"visible": False, "value": None} for n in range(1, MAX_PLACES + 1) if n != number}
    if number:
        changes[f"sound_{number}"] = {"visible": True, "value": files[f"sound-{number}"]}
    return {**changes, "rest": {"value": files.get(f"rest-{number}"), "label": f"Everything but place {number}"}}


def downloads(state: dict[str, Any]) -> Changes:
    """All files made so far."""
    return {"files": {"value": list(state["files"].values())}}


def pictured(state: dict[str, Any], number: int) -> Changes:
    """The spectrograms of one place, once they are drawn."""
    return {"pictures": {"value": state["files"][f"pictures-{number}"]}, **downloads(state)}


def mixed(state: dict[str, Any]) -> Changes:
    """A new mix."""
    return {"mix": {"value": state["files"]["mix"]}, **downloads(state)}


def filmed(state: dict[str, Any], name: str, label: str) -> Changes:
    """A new video."""
    return {"film": {"value": state["files"][f"film {name}"], "visible": True, "label": label}, **downloads(state)}
