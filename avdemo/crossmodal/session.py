"""What the Imagine tab remembers between two events, without a word of Gradio.

Each of the two directions has a state of its own: a small dictionary of plain values and paths. What is heavy (the sound as it was
heard, the picture as it was seen) stands on a shelf on the server under the state's ``token``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avdemo.hooks import seed_after as after
from avdemo.sessions import NO_SEED, State, folder_of, merge, new_state, path_of, whole

if TYPE_CHECKING:
    from avdemo.crossmodal.verdict import Verdict

__all__ = [
    "DIRECTIONS", "NO_PICTURE", "NO_SEED", "NO_SOUND", "PICTURE", "SOUND", "State", "after", "folder_of", "merge", "new_state",
    "one_of_each", "opinion", "path_of", "sides", "whole",
]  # fmt: skip
SOUND, PICTURE = DIRECTIONS = ("sound", "picture")  # what a direction begins with
PICTURE_FORMATS = (".png", ".jpg", ".jpeg", ".webp")  # of examples; all others are sounds
NO_SOUND = "There is no sound yet; upload one, record one, take that of a video, or choose an example."
NO_PICTURE = "There is no picture yet; upload one, take one with the camera, or choose an example."


def sides(examples: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Examples by direction: sounds to see, pictures to hear."""
    found: dict[str, list[dict[str, Any]]] = {SOUND: [], PICTURE: []}
    for example in examples:
        found[PICTURE if Path(example["file"]).suffix.lower() in PICTURE_FORMATS else SOUND].append(example)
    return found


# ---- opinions about pictures and sounds ---------------------------------------------------------------------------------


def opinion(found: Verdict) -> dict[str, Any]:
    """What a classifier says about one picture or sound, small enough for the state: ``kind`` ("" when it knows none), ``p``, ``words``."""
    from avdemo.crossmodal.verdict import OTHER, UNSURE, named

    p = found.probability[found.kind]
    if found.known:
        return {"kind": found.kind, "p": p, "words": f"{named(found.kind)} {p:.2f}"}
    if p >= max(UNSURE, found.probability[OTHER]):
        return {"kind": "", "p": p, "words": f"perhaps {named(found.kind)} {p:.2f}"}
    return {"kind": "", "p": p, "words": f"nothing it knows ({found.kind} {p:.2f})"}


def one_of_each(pictures: np.ndarray) -> np.ndarray:
    """The pictures (N, S, S, 3), or the first alone when all are the same, as an autoencoder's are: its noise changes nothing."""
    return pictures[:1] if (pictures == pictures[:1]).all() else pictures
