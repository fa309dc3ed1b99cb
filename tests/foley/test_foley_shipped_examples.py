"""The shipped checkpoint on the shipped examples: it sees what they show, and is heard when something happens in them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from avdemo import checkpoints
from avdemo.foley.verdict import named
from avdemo.settings import PACKAGE_ROOT

SHIPPED = "foley-compact"
EXAMPLES = PACKAGE_ROOT / "foley" / "examples"
LISTED = json.loads((EXAMPLES / "examples.json").read_text(encoding="utf-8"))
SECONDS = 3.0  # written of each: a second of sound takes up to one of computing

pytestmark = pytest.mark.skipif(SHIPPED not in checkpoints.records(), reason="foley-compact has not been trained yet")


@pytest.fixture(scope="module")
def seen():
    """What the usual variant sees in each example."""
    from avdemo.foley import pipeline

    return {entry["file"]: pipeline.prepare(EXAMPLES / entry["file"]) for entry in LISTED}


def test_it_sees_what_the_examples_promise(seen) -> None:
    wrong = [
        (entry["file"], seen[entry["file"]].verdict.sentence)
        for entry in LISTED
        if entry["expected"] and seen[entry["file"]].verdict.kind != named(entry["expected"])
    ]
    assert not wrong
    assert not any(seen[entry["file"]].verdict.known for entry in LISTED if not entry["expected"]), "a ball is none of the kinds"


def test_it_expects_a_sound_when_something_happens(seen) -> None:
    for name in ("drums.mp4", "dog.mp4", "fireworks.mp4"):
        found = seen[name]
        hits = [hit for entry in LISTED if entry["file"] == name for hit in entry["hits_s"] if hit > 0]
        at = np.zeros(len(found.loudness), bool)
        for hit in hits:
            at[int(hit / found.frame_s) : int(hit / found.frame_s) + 4] = True
        assert found.loudness[at].mean() > found.loudness[~at].mean() + (0.05 if name == "drums.mp4" else 0.15), name
    loudness = seen["train.mp4"].loudness
    third = len(loudness) // 5
    assert loudness[2 * third : 3 * third].mean() > max(loudness[:5].mean(), loudness[-5:].mean())


def test_what_it_writes_is_heard_and_follows(seen) -> None:
    from avdemo.foley import pipeline

    for name in ("dog.mp4", "fireworks.mp4"):
        written = pipeline.compose(seen[name], seed=1, until_s=SECONDS)
        sound, _ = pipeline.finish(seen[name], written.wavs[0])
        assert np.abs(sound).max() > 0.02, name
        loud = pipeline.heard_loudness(seen[name], sound)[: int(SECONDS / seen[name].frame_s)]
        assert np.corrcoef(loud, seen[name].loudness[: len(loud)])[0, 1] > 0.5, name
