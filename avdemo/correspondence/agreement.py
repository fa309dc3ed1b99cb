"""Do picture and sound belong together? Accuracy, controls and retrieval, all read from tables of every picture with every sound.

The paper draws one mismatch for each match and reports how many of both are told right. Here every possible mismatch is asked
instead of one drawn, and matches and mismatches weigh the same: the same number in expectation (chance is 50 %), without the luck
of the draw.
"""

from __future__ import annotations

import numpy as np

from avdemo.correspondence.judge import probability
from avdemo.correspondence.testset import SEED, MadeSet, RealWindows
from avdemo.metrics import detection
from avdemo.metrics.retrieval import Retrieval, chance, retrieve

RESAMPLES = 2000
SHIFTS_S = (1, 2, 4)


def balanced_accuracy(odds: np.ndarray, matches: np.ndarray, mismatches: np.ndarray) -> float:
    """Percent of the pairs told right, matches and mismatches half and half; NaN without either.

    Args:
        odds: (P, S) log odds of "match".
        matches, mismatches: (P, S) bool or weights >= 0; pairs that are in neither are not asked.
    """
    yes = odds > 0
    asked = [(yes, np.asarray(matches, float)), (~yes, np.asarray(mismatches, float))]
    if any(weight.sum() == 0 for _, weight in asked):
        return float("nan")
    return 100 * sum(0.5 * float((right * weight).sum() / weight.sum()) for right, weight in asked)


def auc(odds: np.ndarray, matches: np.ndarray, mismatches: np.ndarray) -> float:
    """Percent of (match, mismatch) couples of which the match has the higher odds: accuracy's companion without a threshold."""
    return detection.auc(odds[np.asarray(matches, bool)], odds[np.asarray(mismatches, bool)])


# ---- real clips ----------------------------------------------------------------------------------------------------------


def real_pairs(windows: RealWindows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matches, mismatches, and mismatches of clips whose classes differ ("other" differs from everything); (W, W) bool each."""
    recording = np.array([windows.recording[c] for c in windows.clip])
    mismatches = recording[:, None] != recording[None]
    kind = np.array([windows.kind[c] for c in windows.clip])
    alike = (kind[:, None] == kind[None]) & (kind != "other")[:, None]
    return np.eye(len(recording), dtype=bool), mismatches, mismatches & ~alike


def interval(odds: np.ndarray, windows: RealWindows, resamples: int = RESAMPLES) -> tuple[float, float]:
    """95 % interval of the accuracy in percent, by drawing clips (not windows, which of one clip are alike) with replacement."""
    clips, index = np.unique(windows.clip, return_inverse=True)
    matches, mismatches, _ = real_pairs(windows)
    member = np.eye(len(clips))[index]  # (W, C)
    yes = odds > 0
    right_match, all_match = (member.T @ np.diag(x) for x in (yes & matches, matches))  # (C,)
    right_other, all_other = (member.T @ x @ member for x in ((~yes & mismatches).astype(float), mismatches.astype(float)))
    rng = np.random.default_rng([SEED, 6])
    scores = []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(len(clips), size=len(clips)), minlength=len(clips)).astype(float)
        asked = weight @ all_other @ weight
        if asked > 0:
            scores.append(50 * (weight @ right_match / (weight @ all_match) + weight @ right_other @ weight / asked))
    if not scores:
        return float("nan"), float("nan")
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


def real_scores(odds: np.ndarray, windows: RealWindows) -> dict[str, float]:
    """Accuracy with its interval, AUC, how often matches and mismatches are told, and accuracy against other classes only; percent."""
    matches, mismatches, other_class = real_pairs(windows)
    low, high = interval(odds, windows)
    yes = 100 * (odds > 0)
    return {
        "accuracy": balanced_accuracy(odds, matches, mismatches), "low": low, "high": high, "auc": auc(odds, matches, mismatches),
        "matches": _mean(yes[matches]), "mismatches": _mean(100 - yes[mismatches]),
        "other class": balanced_accuracy(odds, matches, other_class),
    }  # fmt: skip


def shifts(odds: np.ndarray, windows: RealWindows) -> dict[str, float]:
    """Mean probability of the windows of which the sound of 1, 2 and 4 s later is there too, at each shift and at none."""
    place = {(int(c), int(s)): i for i, (c, s) in enumerate(zip(windows.clip, windows.second, strict=True))}
    rows = [i for (c, s), i in place.items() if all((c, s + shift) in place for shift in SHIFTS_S)]
    chances = probability(odds)
    found = {}
    for shift in (0, *SHIFTS_S):
        later = [chances[i, place[int(windows.clip[i]), int(windows.second[i]) + shift]] for i in rows]
        found[f"sound {shift} s later"] = _mean(later)
    return found | {"windows": float(len(rows))}


def clip_retrieval(odds: np.ndarray, windows: RealWindows) -> dict[str, dict[str, Retrieval]]:
    """Which clip's sound belongs to a clip's frames, and back: mean log odds over all windows of both; the very clip is wanted."""
    clips, index = np.unique(windows.clip, return_inverse=True)
    member = np.eye(len(clips))[index]
    counts = member.sum(0)
    means = member.T @ odds @ member / counts[:, None] / counts[None]
    return both_ways(means, np.eye(len(clips), dtype=bool))


# ---- made pairs and galleries --------------------------------------------------------------------------------------------


def kind_weights(made: MadeSet) -> tuple[np.ndarray, np.ndarray]:
    """Weights (P, S) of matches and mismatches with which each kind, and each couple of kinds, counts the same."""
    photos, sounds = ((k[:, None] == np.unique(k)[None]).astype(float) for k in (made.photo_kinds, made.sound_kinds))
    per_photo, per_sound = ((x / x.sum(0)).sum(1) for x in (photos, sounds))  # 1 / how many there are of the kind
    weight = per_photo[:, None] * per_sound[None]
    same = made.photo_kinds[:, None] == made.sound_kinds[None]
    return weight * same, weight * ~same


def made_scores(odds: np.ndarray, made: MadeSet) -> dict[str, float]:
    """Accuracy (kinds weigh the same), AUC, mean probability of matches and of wrong pairs; percent, probabilities in [0, 1]."""
    matches, mismatches = kind_weights(made)
    chances = probability(odds)
    return {
        "accuracy": balanced_accuracy(odds, matches, mismatches), "auc": auc(odds, matches > 0, mismatches > 0),
        "right pair": float(np.average(chances, weights=matches)), "wrong pair": float(np.average(chances, weights=mismatches)),
        "photos": float(len(made.photos)), "sounds": float(len(made.sounds)),
    }  # fmt: skip


def kind_accuracies(odds: np.ndarray, made: MadeSet) -> dict[int, float]:
    """For each kind: its photos with its own sounds, and its photos and its sounds with those of other kinds; percent."""
    same = made.photo_kinds[:, None] == made.sound_kinds[None]
    found = {}
    for kind in np.unique(made.photo_kinds):
        about = (made.photo_kinds == kind)[:, None] | (made.sound_kinds == kind)[None]
        found[int(kind)] = balanced_accuracy(odds, same & about, ~same & about)
    return found


def both_ways(odds: np.ndarray, relevant: np.ndarray) -> dict[str, dict[str, Retrieval]]:
    """Retrieval picture -> sound (rows are queries) and sound -> picture, beside chance."""
    return {
        "picture -> sound": {"ours": retrieve(odds, relevant), "chance": chance(relevant)},
        "sound -> picture": {"ours": retrieve(odds.T, relevant.T), "chance": chance(relevant.T)},
    }


def _mean(values) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
