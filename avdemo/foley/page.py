"""What the Add sound tab shows in each state, in plain words: component name -> the properties that change. No Gradio here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avdemo.foley.beside import Beside
from avdemo.foley.session import KEEP, MODES, PHOTO, REPLACE, VIDEO
from avdemo.foley.verdict import LIST, OTHER
from avdemo.sessions import State
from avdemo.viz.markup import bars, quiet, said

if TYPE_CHECKING:
    import numpy as np

    from avdemo.foley.pipeline import Composition, Prepared

Changes = dict[str, dict[str, Any]]

DOES = "Give a silent video, or a photo, and hear it: its sound is written for it, sample by sample, in time with what moves."
KNOWS = (
    f"It knows ten kinds of sound: {LIST}. A small network, after Visual to Sound (2018), learned them from under an hour of recordings "
    "and makes every sound up: loud and soft with the motion, each take in the voice of one of those recordings. About half of its sounds can be "
    "recognised: waters, trains and cries mostly, dogs, drums and chainsaws every other time, fireworks, helicopters, sleepers and printers "
    "seldom. Of anything else it says that it does not know it, and writes what comes nearest."
)
MODE_CHOICES = (("A video", VIDEO), ("A photo", PHOTO))
EMPTY = (
    "No sound yet",
    "Give a video or a photo and press Add sound, or choose an example. Here you will see the sound grow while it is written, then the video "
    "with its sound, what the model took it for, and how the sound follows what moves.",
)
LOOKING = "Looking at the pictures first …"
JUDGING = "Written. Now the takes are compared with the pictures …"
VARIANT_CHOICES = (
    ("flow: also what moves", "flow"),
    ("frame: picture by picture", "frame"),
    ("seq: one look at the whole", "seq"),
)
VARIANT_INFO = (
    "How the pictures reach the sound, after the paper. Flow sees motion too and keeps time best; frame sees each picture by itself; seq sees "
    "all of them once, before the sound begins."
)
NEXT_TIME = "Counts the next time that you press Add sound or Again."
TEMPERATURE_INFO = f"How daring it is: 1 as it was learned, less is tamer and more even, more is wilder, 0 always takes the likeliest. {NEXT_TIME}"
SEED_INFO = "Again takes the next one; the same seed gives the same sound."
TAKES_INFO = f"Different sounds of one seed, to pick from. {NEXT_TIME}"
SECONDS_INFO = f"How long the photo sounds. {NEXT_TIME}"
LOUDNESS_INFO = "Louder or softer than it was written; no further than its peaks fit."
FOLLOW_INFO = "0 leaves the sound as it was written; 1 turns each moment up or down to the loudness that the model expects from the pictures."
KEEP_CHOICES = (("Replace it", REPLACE), ("Keep it, and mix this one in", KEEP))
AXES_GROWING = "Waveform of the sound as far as it is written, over the seconds of the video"
AXES_COURSE = (
    "What moves, the loudness expected from the pictures, the moments at which something is expected to begin, and the loudness of the sound, "
    "over the seconds of the video"
)
AXES_WAVES = "Waveforms of the takes over the seconds of the video"
AXES_SPECTROGRAM = "Spectrogram of the written sound and, where there is one, of the video's own, in seconds and hertz"
TOP = 4  # bars, besides that for none of them


def form(mode: str) -> Changes:
    """The half of the form for a video or for a photo."""
    return {"mode": {"value": mode}, **{f"half_{name}": {"visible": name == mode} for name in MODES}}


def begun() -> Changes:
    """A sound is about to be written."""
    return {
        "empty": {"visible": False}, "writing": {"visible": True}, "growing": {"value": None}, "grown": {"value": quiet(LOOKING)},
    }  # fmt: skip


def over(state: State) -> Changes:
    """Nothing is written any more, whether it went well or not."""
    return {"writing": {"visible": False}, "empty": {"visible": not state}}


def grown(composition: Composition, picture: np.ndarray, sentence: str, left: str) -> Changes:
    """The sound as far as it is written."""
    total_s = composition.wanted / composition.sample_rate
    many = f" of {len(composition.wavs)} takes" if len(composition.wavs) > 1 else ""
    words = f"{composition.seconds:.1f} of {total_s:.1f} s{many} written" + (f", {left}" if left else "")
    return {
        "growing": {"value": picture},
        "grown": {"value": said(f"{words}.", sentence, "Stop keeps what is there.")},
    }


def judging() -> Changes:
    """The takes are compared."""
    return {"grown": {"value": said(JUDGING)}}


def written(state: State, prepared: Prepared, record: Mapping[str, Any]) -> Changes:
    """A sound was written, or another take was picked, or it was mixed anew: the video with it."""
    results, number = record["results"], state["take"]
    changes: Changes = {
        "seen": {"visible": True},
        "verdict": {"value": said(results["sentence"], _look_for(state), _together(results), *results["notes"])},
        "film": {"value": state["files"][f"film-{number + 1}"], "label": _label(state)},
        "take": {"choices": take_choices(state), "value": number, "visible": state["takes"] > 1},
        "waves": {"visible": state["takes"] > 1},
        "seed": {"value": state["seed"]},
    }
    probability = prepared.verdict.probability
    ranked = sorted((name for name in probability if name != OTHER), key=lambda name: -probability[name])[:TOP]
    last = {OTHER: probability[OTHER]} if probability else {}
    changes["bars"] = {"value": bars({name: probability[name] for name in ranked}, "What it sees", last=last) if ranked else ""}
    return changes


def _look_for(state: State) -> str:
    return f"What to listen for: {state['sentence']}" if state["sentence"] else ""


def _together(results: Mapping[str, Any]) -> str:
    """How well the sound follows what was decided from the pictures, and how well the sound that the video had, in words."""
    r, own = results["follows"], results["beside_own"]
    decided = "" if r is None else (
        f"Its loudness follows what the model expects from the pictures (correlation {r:.2f}); whether that is right is another matter."
    )  # fmt: skip
    return " ".join(filter(None, (decided, Beside(**own).sentence if own else "")))


def _label(state: State) -> str:
    what = "The photo with its sound" if state["is_still"] else "The video with its sound"
    return f"{what}, take {state['take'] + 1}" if state["takes"] > 1 else what


def take_choices(state: State) -> list[tuple[str, int]]:
    """The takes, with how well each goes with the pictures in the judge's opinion, the best one marked."""
    scores = state["scores"]
    if not scores:
        return [(f"Take {number + 1}", number) for number in range(state["takes"])]
    shown = [f"{share:.2f}" for share in scores]
    best = max(shown) if shown.count(max(shown)) == 1 else ""  # what cannot be told apart has no best
    return [(f"Take {n + 1}: {share}{', fits best' if share == best else ''}", n) for n, share in enumerate(shown)]


def take_info(state: State) -> str:
    """What the numbers beside the takes mean."""
    if not state["scores"]:
        return "Pick the one that you like best."
    return "How probable it is that it belongs to the pictures, in the opinion of the Match tab's model, which hears what it is, not when."


def detailed(state: State) -> Changes:
    """The pictures that explain the sound, and all files made so far."""
    number = state["take"] + 1
    return {
        "course": {"value": state["files"][f"course-{number}"]},
        "spectrogram": {"value": state["files"][f"spectrogram-{number}"]},
        "files": {"value": list(state["files"].values())},
        "below": {"visible": True},
    }


def facts(record: Mapping[str, Any], given: str) -> dict[str, str]:
    """The main points of run.json for people."""
    model, parameters, timings, results = record["checkpoints"][0], record["parameters"], record["timings"], record["results"]
    rate = results["written_s"] / max(timings["compose_s"], 1e-6)
    return {
        "Given": Path(given).name,
        "What came of it": results["sentence"],
        "Model": f"{model['name']}, variant {parameters['variant']} (sha256 {model['sha256'][:12]})",
        "Seed": f"{record['seed']}, take {parameters['take'] + 1}, temperature {parameters['temperature']:g}",
        "Ran on": str(record["device"]),
        "Time": f"{timings['prepare_s']:.1f} s to look, {timings['compose_s']:.1f} s to write {results['written_s']:.1f} s "
        f"({rate:.1f} times as fast as it sounds)",
    }
