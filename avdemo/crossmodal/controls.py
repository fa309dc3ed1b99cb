"""What varies with what: the noise z must vary the picture and keep the instrument, another sound of the kind must keep it too."""

from __future__ import annotations

import numpy as np

from avdemo.crossmodal.diversity import pixel_distances, thumbnails
from avdemo.crossmodal.judging import Heard, percent, right
from avdemo.crossmodal.jury import Jury, noises
from avdemo.crossmodal.testset import SEED

SOUNDS, CHANCES = 2, 6  # of each kind; z of each sound


def _pairs(frames: np.ndarray, groups: np.ndarray) -> float:
    """Mean distance (root mean square of the pixels' range) of two pictures of one group."""
    means = []
    for group in np.unique(groups):
        small = thumbnails(frames[groups == group])
        if len(small) > 1:
            means.append(pixel_distances(small, small)[~np.eye(len(small), dtype=bool)].mean())
    return float(np.mean(means)) if means else float("nan")


def _agreement(judge: np.ndarray, groups: np.ndarray) -> float:
    """Percent of the pictures in which the judge sees what it sees in most of their group."""
    answers = judge.argmax(1)
    most = [np.bincount(answers[groups == group]).max() for group in np.unique(groups)]
    return 100 * float(np.sum(most) / len(answers)) if len(answers) else float("nan")


def controls(
    jury: Jury, heard: Heard, variant: str = "C", *, sounds: int = SOUNDS, chances: int = CHANCES
) -> dict[str, dict[str, float]]:
    """For one painter: rows "one sound, other z", "other sounds of the kind, one z", "sounds of other kinds, one z".

    Each has the mean distance between two pictures, "judge" (percent right) and "alike" (percent that the judge sees as most of their
    group).
    """
    chosen = np.concatenate(
        [np.flatnonzero(heard.sounds.kinds == k)[: max(sounds, chances)] for k in np.unique(heard.sounds.kinds)]
    )
    kinds, features = heard.sounds.kinds[chosen], heard.features[chosen]
    place = np.concatenate([np.arange(np.sum(kinds == k)) for k in np.unique(kinds)])
    z = noises(SEED + 1, chances, jury.config.painter.noise)
    first = place < sounds
    frames = jury.paint(np.repeat(features[first], chances, axis=0), np.tile(z, (int(first.sum()), 1)), variant)
    of_kind = np.repeat(kinds[first], chances)
    one_sound = np.repeat(np.arange(int(first.sum())), chances)
    judge = jury.judge(frames)
    found = {
        "one sound, other z": {
            "distance": _pairs(frames, one_sound),
            "judge": percent(right(judge, of_kind)),
            "alike": _agreement(judge, one_sound),
        }
    }
    frames = jury.paint(features, np.tile(z[:1], (len(features), 1)), variant)
    judge = jury.judge(frames)
    found["other sounds of the kind, one z"] = {
        "distance": _pairs(frames, kinds),
        "judge": percent(right(judge, kinds)),
        "alike": _agreement(judge, kinds),
    }
    found["sounds of other kinds, one z"] = {"distance": _pairs(frames, place), "judge": percent(right(judge, kinds))}
    return found
