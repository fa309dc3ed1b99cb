"""How good are the sound tower's features for telling sounds? ESC-10 and a fifth of ESC-50, by the paper's protocol (section 4.1).

Each clip of five seconds is cut into overlapping windows of one second; a window's features are pool4 at 4 x 3 places, brought to
mean 0 and deviation 1; a linear one-versus-all SVM is trained on windows, and its scores are summed over a clip. Nothing of ESC is
in the training of the network. The SVM's C is chosen for every fold inside its training clips.

ESC-10 has official folds. Of ESC-50 there is fold 4 alone: its clips are divided here into five parts, all clips cut from one
recording in the same part. That is *not* the published five-fold number: there is a fifth of the training clips.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avdemo.correspondence.judge import Judge, fit_samples
from avdemo.metrics.svm import fit_path

SECONDS = 5
HOP_S = 0.5
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # of C, tried upwards until the inner validation falls
SELECTION_STEPS = 40  # of the solver, while C is chosen
FOLDS = 5
MFCCS, MFCC_RATE = 20, 22_050

Progress = Callable[[float, str], None]
Features = Callable[[np.ndarray, int], np.ndarray]  # windows (N, samples) and their rate -> (N, D)


@dataclass(frozen=True)
class EscSet:
    """Clips with what must be told apart; C clips."""

    title: str
    files: list[Path]
    labels: np.ndarray  # (C,)
    folds: np.ndarray  # (C,) 0 ... FOLDS - 1
    _sounds: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def sounds(self, sample_rate: int) -> np.ndarray:
        """(C, 5 s) int16, decoded once for each rate."""
        if sample_rate not in self._sounds:
            from avdemo.media import read_audio

            clips = [fit_samples(read_audio(path, sample_rate, mono=True)[0], SECONDS * sample_rate) for path in self.files]
            self._sounds[sample_rate] = np.stack([np.round(clip * 32767).astype(np.int16) for clip in clips])
        return self._sounds[sample_rate]


def read_sets(data: Path) -> list[EscSet]:
    """ESC-10 and fold 4 of ESC-50; empty when the folder has no ``esc/index.csv``."""
    index = data / "esc" / "index.csv"
    if not index.is_file():
        return []
    with index.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    sets = []
    for source, title in (("esc10", "ESC-10"), ("esc50f4", "ESC-50, fold 4 only")):
        of_set = [row for row in rows if row["source"] == source]
        if not of_set:
            continue
        classes = sorted({row["cls"] for row in of_set})
        labels = np.array([classes.index(row["cls"]) for row in of_set])
        if source == "esc10":
            names = sorted({row["split"] for row in of_set})
            folds = np.array([names.index(row["split"]) for row in of_set])
        else:
            folds = by_recording(np.array([row["group"] for row in of_set]), labels)
        sets.append(EscSet(title, [index.parent / row["file"] for row in of_set], labels, folds))
    return sets


def by_recording(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Folds (C,) in which no group is divided and classes are spread as evenly as that allows."""
    from sklearn.model_selection import StratifiedGroupKFold

    folds = np.zeros(len(groups), int)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for number, (_, test) in enumerate(splitter.split(groups, labels, groups)):
        folds[test] = number
    return folds


# ---- features ------------------------------------------------------------------------------------------------------------


def tower_features(judge: Judge) -> tuple[int, Features]:
    """The rate at which to read, and pool4 of the sound tower at 4 x 3 places."""
    return judge.config.sample_rate, lambda windows, rate: judge.sound_features(windows)


def student_features(name: str | Path) -> tuple[int, Features]:
    """The same for a SoundNet student's checkpoint, by name or path.

    Raises:
        WeightsError: it is missing or damaged.
    """
    import torch

    from avdemo.checkpoints import load_into, opened
    from avdemo.correspondence.soundnet import SoundNet, SoundNetConfig

    loaded = opened(name)
    student = SoundNet(SoundNetConfig.from_dict(loaded.config)).eval()
    load_into(student, loaded.state, name=loaded.path.stem)

    @torch.inference_mode()
    def features(windows: np.ndarray, rate: int) -> np.ndarray:
        parts = [student.features(torch.from_numpy(windows[i : i + 32])) for i in range(0, len(windows), 32)]
        return torch.cat(parts).numpy()

    return student.config.sample_rate, features


def mfcc_features() -> tuple[int, Features]:
    """Twenty MFCCs with their first and second differences: mean and deviation over the window (librosa's defaults, hop 512)."""
    import librosa

    def features(windows: np.ndarray, rate: int) -> np.ndarray:
        coefficients = librosa.feature.mfcc(y=windows, sr=rate, n_mfcc=MFCCS)  # (N, 20, T)
        every = [coefficients, *(librosa.feature.delta(coefficients, order=order) for order in (1, 2))]
        return np.concatenate([statistic(x, axis=-1) for x in every for statistic in (np.mean, np.std)], axis=1).astype(
            np.float32
        )

    return MFCC_RATE, features


def windows_of(clip: np.ndarray, sample_rate: int, hop_s: float) -> np.ndarray:
    """A clip (samples,) int16 -> windows of a second (W, samples) float32."""
    hop = round(hop_s * sample_rate)
    starts = range(0, len(clip) - sample_rate + 1, hop)
    return np.stack([clip[s : s + sample_rate] for s in starts]).astype(np.float32) / 32768


def embed(
    esc: EscSet, sample_rate: int, features: Features, *, hop_s: float = HOP_S, progress: Progress | None = None
) -> np.ndarray:
    """Features of every window of every clip, (C, W, D) float32. Windows of digital silence are computed once: ESC pads with them."""
    nothing = features(np.zeros((1, sample_rate), np.float32), sample_rate)[0]
    rows = []
    for number, clip in enumerate(esc.sounds(sample_rate)):
        windows = windows_of(clip, sample_rate, hop_s)
        found = np.broadcast_to(nothing, (len(windows), len(nothing))).copy()
        audible = windows.any(1)
        if audible.any():
            found[audible] = features(windows[audible], sample_rate)
        rows.append(found)
        if progress and number % 40 == 0:
            progress(number / len(esc.labels), f"{esc.title}: clip {number} of {len(esc.labels)}")
    return np.stack(rows)


# ---- classification ------------------------------------------------------------------------------------------------------


def cross_validate(
    features: np.ndarray, labels: np.ndarray, folds: np.ndarray, *, progress: Progress | None = None
) -> dict[str, float]:
    """Accuracy over the folds: train on windows, sum the scores over the clip.

    Args:
        features: (C, W, D). labels, folds: (C,).

    Returns:
        ``accuracy`` of all clips, ``low`` and ``high`` of single folds in percent; ``clips``; ``C``, the median of those chosen.
    """
    told = np.zeros(len(labels), bool)
    numbers, chosen, shares = np.unique(folds), [], []
    for turn, fold in enumerate(numbers):
        train = folds != fold
        strength = _choose(features[train], labels[train], folds[train], int(numbers[(turn + 1) % len(numbers)]))
        machine = list(fit_path(*_flat(features[train], labels[train]), [s for s in STRENGTHS if s <= strength]))[-1]
        told[~train] = _tell(machine, features[~train]) == labels[~train]
        chosen.append(strength)
        shares.append(100 * float(told[~train].mean()))
        if progress:
            progress((turn + 1) / len(numbers), f"fold {turn + 1} of {len(numbers)}")
    return {"accuracy": 100 * float(told.mean()), "low": min(shares), "high": max(shares), "clips": float(len(labels)),
            "C": float(np.median(chosen))}  # fmt: skip


def _choose(features: np.ndarray, labels: np.ndarray, folds: np.ndarray, held: int) -> float:
    """The C with the best accuracy on one of the training folds, after training on the others, on every second window."""
    inner = folds != held
    if inner.all() or not inner.any():
        return STRENGTHS[len(STRENGTHS) // 2]
    path: Iterator = fit_path(*_flat(features[inner][:, ::2], labels[inner]), STRENGTHS, steps=SELECTION_STEPS, tolerance=1e-4)
    best, best_share = STRENGTHS[0], -1.0
    for strength, machine in zip(STRENGTHS, path, strict=True):
        share = float((_tell(machine, features[~inner]) == labels[~inner]).mean())
        if share > best_share:
            best, best_share = strength, share
        elif share < best_share:
            break
    return best


def _flat(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clips, windows, size = features.shape
    return np.ascontiguousarray(features).reshape(clips * windows, size), np.repeat(labels, windows)


def _tell(machine, features: np.ndarray) -> np.ndarray:
    """Labels (C,) of clips (C, W, D)."""
    clips, windows, size = features.shape
    scores = machine.decide(np.ascontiguousarray(features).reshape(-1, size)).reshape(clips, windows, -1).sum(1)
    return machine.classes[scores.argmax(1)]
