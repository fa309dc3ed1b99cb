"""What the Make lips speak tab shows in each state, in plain words: component name -> the properties that change. No Gradio here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from avdemo.sessions import State
from avdemo.viz.markup import quiet, said

if TYPE_CHECKING:
    from avdemo.lips.pipeline import Prepared, Spoken

Changes = dict[str, dict[str, Any]]

DOES = "Give a photo of a face, or of lips, and speech; the lips say it."
KNOWS = (
    "A small network, after Lip Movements Generation at a Glance (2018), learned from 39 minutes of newsreaders who look at the camera. It moves "
    "mouth and chin, 64 x 64 pixels, and nothing else of the face; of side faces, songs and drawings it knows nothing and does what it can."
)
EMPTY = (
    "No lips have spoken yet",
    "Give a photo and speech and press Make them speak, or choose an example. Here will appear the video with the speech, the phases of the mouth, "
    "and how far it opens with the sound.",
)
CONSENT = (
    "Let only such faces speak whose owners agree, or that are nobody's. Each video says in its corner and in its file that it is generated; "
    "do not pass it on as a recording."
)
STYLE = "<style>#lips-preview img { cursor: crosshair; }</style>"
PREVIEW = "This is what will move"
PREVIEW_ALT = "The photo with the square around the mouth that will move"
BOX_INFO = "The mouth in its middle, and about 1.7 times as wide as the mouth. To draw it yourself, click two opposite corners in the picture."
TURN_INFO = "Clockwise, so that the corners of the mouth are level in the square."
LIVELY_INFO = "How far the mouth moves: 0 keeps it at rest, 1 moves it as the network hears the speech, 2 twice as far."
MARK_INFO = 'The word "generated" in a corner of the videos. Their files say so in any case.'
PHASES_ALT = "The photo's mouth and those that were made, from the most closed to the most open, with their times"
OPENING_ALT = "How far the mouth is open and how loud the speech is, over the seconds of the video"
BOX = ("box_left", "box_top", "box_side", "box_turn")
SEEN = ("look", "preview", "found", "face", *BOX)  # what a photo changes
SPOKEN = ("empty", "result", "film", "verdict", "close", "phases", "opening")
ONE_CORNER = "One corner is set; click the opposite one."


def no_photo() -> Changes:
    """The photo was taken away."""
    return {"look": {"visible": False}}


def looked(prepared: Prepared, face: int) -> Changes:
    """A photo was looked at."""
    count = len(prepared.mouths)
    return {
        "look": {"visible": True},
        "found": {"value": said(prepared.sentence)},
        "face": {
            "choices": [(f"Face {n}", n) for n in range(1, count + 1)],
            "value": face if count else None,
            "visible": count > 1,
        },
    }


def boxed(values: tuple[float, float, float, float]) -> Changes:
    """The numbers of a square: left, top, side, turn."""
    return {name: {"value": value} for name, value in zip(BOX, values, strict=True)}


def seen(picture: Any, notes: list[str] | None = None, sentence: str = "") -> Changes:
    """The photo with its square, and what is to be said of it."""
    changes: Changes = {"preview": {"value": picture}}
    if sentence:
        changes["found"] = {"value": said(sentence, *(notes or []))}
    return changes


def spoken(state: State, found: Spoken, record: Mapping[str, Any]) -> Changes:
    """The lips have spoken."""
    results, files = record["results"], state["files"]
    sentence = f"What to look for: {state['sentence']}" if state["sentence"] else ""
    film = (
        {"value": files["face"], "label": "The photo speaks"}
        if found.has_photo
        else {"value": files["lips"], "label": "The lips speak"}
    )
    return {
        "empty": {"visible": False},
        "result": {"visible": True},
        "film": film,
        "verdict": {"value": said(results["sentence"], sentence, *results["notes"])},
        "close": {"value": files["lips"], "visible": found.has_photo},
        "phases": {"value": files["phases"]},
        "opening": {"value": files.get("opening"), "visible": "opening" in files},
    }


def downloads(state: State) -> Changes:
    """All files made so far."""
    return {"files": {"value": list(state["files"].values())}, "below": {"visible": True}}


def facts(record: Mapping[str, Any]) -> dict[str, str]:
    """The main points of run.json for people."""
    model, times = record["checkpoints"][0], record["timings"]
    parameters, results = record["parameters"], record["results"]
    chosen = (
        "drawn by hand"
        if parameters["box"]
        else f"that of face {parameters['face']}"
        if results["faces"]
        else "the whole picture"
    )
    return {
        "Given": f"{record['inputs']['photo']['name']} and {record['inputs']['speech']['name']}",
        "Square": f"{chosen}: {', '.join(f'{value:g}' for value in results['box'])} px, turned by {results['turn_deg']:g} degrees",
        "Liveliness": f"{parameters['lively']:g}",
        "Model": f"{model['name']} (sha256 {model['sha256'][:12]})",
        "Chance": "none: the same photo and speech give the same video",
        "Ran on": str(record["device"]),
        "Time": f"{times['generate_s']:.1f} s for {results['frames']} frames, {times['write_s']:.1f} s to write the videos",
    }


def waits() -> Changes:
    """A video is about to be made: its place shows how far it is."""
    return {"empty": {"visible": False}, "result": {"visible": True}}


def over(state: State) -> Changes:
    """Nothing is made any more, whether it went well or not."""
    return {"empty": {"visible": not state}, "result": {"visible": bool(state)}}


def corner() -> Changes:
    """The first of two corners was clicked."""
    return {"found": {"value": quiet(ONE_CORNER)}}
