"""The paper's tables, ours beside them (``python -m avdemo evaluate correspondence --data DIR``).

Do picture and sound belong together, on real clips and made pairs that no training saw; what the sound features are worth on ESC;
where the map points on composed pictures; retrieval. Beside random weights, chance, wrong pairs, silence, noise and grey pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from avdemo.correspondence import agreement, esc, pointing
from avdemo.correspondence.config import KINDS
from avdemo.correspondence.judge import Judge, at_rate, fit_samples, probability, untrained
from avdemo.correspondence.pipeline import CHECKPOINT, load_model
from avdemo.correspondence.report import OURS, RANDOM, Evaluation
from avdemo.correspondence.testset import (
    Gallery,
    MadeSet,
    RealWindows,
    Shelf,
    fit_frame,
    gallery,
    made_sets,
    open_packs,
    real_windows,
)
from avdemo.metrics.retrieval import Retrieval

BESIDE = {"from scratch": "correspondence-scratch"}  # label -> checkpoint, evaluated too where the weights folder has it
STUDENT = "correspondence-soundnet"
PICTURES = 160  # composed
NOISE_RMS = 0.1
CALIBRATION = 32  # pictures and windows from which random weights take their statistics

Progress = Callable[[float, str], None]


def evaluate(
    data: Path, *, quick: bool = False, progress: Progress | None = None, checkpoint: str = CHECKPOINT, packed: Path | None = None,
    beside: Mapping[str, str | Path] | None = None, student: str | Path | None = None,
) -> Evaluation:  # fmt: skip
    """Evaluate a checkpoint on everything held out.

    Args:
        data: the training data folder, or a folder of packed arrays (then without ESC, which is never packed for training).
        quick: less of everything and only ESC-10, without overlap of its windows.
        checkpoint: name or path.
        packed: packed arrays that are there already; otherwise the held-out data of ``data`` is packed below the work folder.
        beside: variants for rows of their own, label -> name or path; by default those of :data:`BESIDE` that are there.
        student: a SoundNet student's checkpoint for a row of the ESC tables; by default :data:`STUDENT` where it is there.

    Raises:
        InputError: the data is not there. WeightsError: no checkpoint.
    """
    from avdemo.checkpoints import records
    from avdemo.settings import get_settings

    tell = progress or (lambda share, text: None)
    known = records()
    if beside is None:
        beside = {label: name for label, name in BESIDE.items() if name in known and name != checkpoint}
    if student is None and STUDENT in known:
        student = STUDENT
    model = load_model(str(checkpoint))
    packs = open_packs(Path(data), get_settings().work_dir, packed=packed, progress=lambda s, t: tell(0.2 * s, t))
    shelf = Shelf(packs)
    windows = real_windows(packs, 6) if quick else real_windows(packs)
    sets = made_sets(shelf, quick=quick)
    pictures = pointing.compose(shelf, 24 if quick else PICTURES)
    shown = gallery(shelf)
    judges = {OURS: Judge(model.network)}
    judges |= {label: Judge(load_model(str(name)).network) for label, name in beside.items()}
    judges[RANDOM] = _blank(judges[OURS], shelf)
    result = Evaluation({"name": model.name, "sha256": model.sha256})
    for number, (row, judge) in enumerate(judges.items()):
        tell(0.22 + 0.4 * number / len(judges), f"Pairs, places and galleries: {row}")
        _judge(row, judge, shelf, windows, sets, pictures, shown, result)
    result.pointing |= pointing.of_chance(pictures) if pictures else {}
    _classify(Path(data), judges, student, quick, result, lambda s, t: tell(0.62 + 0.38 * s, t))
    tell(1.0, "Done")
    return result


def _blank(ours: Judge, shelf: Shelf) -> Judge:
    """Random weights in our configuration."""
    config = ours.config
    photos = [Image.fromarray(shelf.frame(row, config)) for row in range(min(CALIBRATION, len(shelf.photos)))]
    square = (config.frame_size, config.frame_size)
    frames = [np.asarray(photo.resize(square)) for photo in photos] or [np.full((*square, 3), 128, np.uint8)]
    rows = range(min(CALIBRATION, len(shelf.windows)))
    wavs = shelf.wavs(rows) if len(rows) else np.zeros((1, shelf.packs.sample_rate), np.float32)
    wavs = fit_samples(at_rate(wavs, shelf.packs.sample_rate, config.sample_rate), config.samples)
    network = untrained(config, np.stack(frames), wavs)
    return Judge(network.to(ours.device))


def _judge(
    row: str, judge: Judge, shelf: Shelf, windows: RealWindows, sets: list[MadeSet], pictures: list[pointing.Composed], shown: Gallery,
    result: Evaluation,
) -> None:  # fmt: skip
    """Everything about one network but the ESC tables."""
    rate = shelf.packs.sample_rate
    v = judge.pictures(shelf.frame(i, judge.config) for i in range(len(shelf.photos)))
    a = judge.sounds((shelf.wavs([i])[0] for i in range(len(shelf.windows))), rate)
    odd = _odd_ones(judge, rate)
    if len(windows.clip):
        clips = shelf.packs.clips
        seen = judge.pictures(fit_frame(Image.fromarray(clips.frame(*frame)), judge.config) for frame in windows.frames)
        heard = judge.sounds(windows.wavs, rate)
        odds = judge.table(seen, heard)
        result.real[row] = agreement.real_scores(odds, windows)
        for way, found in agreement.clip_retrieval(odds, windows).items():
            _keep(result, f"{way}, the very clip", row, found)
        if row == OURS:
            result.real_counts = {
                "clips": len(set(windows.clip.tolist())),
                "windows": len(windows.clip),
                "silent": windows.silent,
            }
            matches, mismatches, _ = agreement.real_pairs(windows)
            chances = probability(odds)
            result.controls["real clips"] = {
                "right pair": float(chances[matches].mean()), "wrong pair": float(chances[mismatches].mean()),
                **_controls(judge, seen, heard, odd), **agreement.shifts(odds, windows),
            }  # fmt: skip
    for made in sets:
        odds = judge.table(v[made.photos], a[made.sounds])
        scores = agreement.made_scores(odds, made)
        result.made.setdefault(made.title, {})[row] = scores
        if row == OURS:
            result.kinds[made.title] = {KINDS[k]: value for k, value in agreement.kind_accuracies(odds, made).items()}
            pairs = {name: scores[name] for name in ("right pair", "wrong pair")}
            result.controls[made.title] = pairs | _controls(judge, v[made.photos], a[made.sounds], odd)
    if pictures:
        result.pointing[row] = pointing.of_network(judge, pictures, a)
        result.pointing_counts = {"pictures": len(pictures), "sounds": sum(len(p.boxes) for p in pictures)}
    if len(shown.kinds):
        odds = judge.table(v[shown.photos], a[shown.sounds])
        for way, found in agreement.both_ways(odds, shown.kinds[:, None] == shown.kinds[None]).items():
            _keep(result, f"{way}, one of the same kind", row, found)


def _odd_ones(judge: Judge, rate: int) -> dict[str, np.ndarray]:
    """Pooled silence, noise and a grey picture."""
    noise = NOISE_RMS * np.random.default_rng(0).standard_normal(rate)
    silence, hiss = judge.sounds(np.stack([np.zeros(rate), noise]).astype(np.float32), rate)
    size = judge.config.frame_size
    return {"silence": silence, "noise": hiss, "grey": judge.pictures([np.full((size, size, 3), 128, np.uint8)])[0]}


def _controls(judge: Judge, v: np.ndarray, a: np.ndarray, odd: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean probabilities of pairs of which one side shows or sounds nothing."""
    asked = {"silent sound": (v, odd["silence"]), "white noise": (v, odd["noise"]), "grey picture": (odd["grey"], a)}
    return {name: float(probability(judge.log_odds(*pair)).mean()) for name, pair in asked.items()}


def _keep(result: Evaluation, title: str, row: str, found: dict[str, Retrieval]) -> None:
    rows = result.retrieval.setdefault(title, {})
    rows.setdefault("chance", _as_scores(found["chance"]))
    rows[row] = _as_scores(found["ours"])


def _as_scores(found: Retrieval) -> dict[str, float]:
    recall = {f"R@{k}": 100 * share for k, share in found.recall.items()}
    return recall | {"median rank": found.median_rank, "queries": float(found.queries), "gallery": float(found.gallery)}


def _classify(
    data: Path, judges: dict[str, Judge], student: str | Path | None, quick: bool, result: Evaluation, tell: Progress
) -> None:
    """The ESC tables."""
    sets = esc.read_sets(data)[: 1 if quick else None]
    if not sets:
        result.notes.append("The data folder has no esc/index.csv, so the ESC tables are left out.")
        return
    rows = {row: esc.tower_features(judge) for row, judge in judges.items()}
    if student is not None:
        rows["SoundNet student"] = esc.student_features(student)
    rows["MFCC, nothing learnt before"] = esc.mfcc_features()
    steps = len(sets) * len(rows)
    for number, found in enumerate(sets):
        for turn, (row, (rate, features)) in enumerate(rows.items()):
            done = (number * len(rows) + turn) / steps
            embedded = esc.embed(
                found,
                rate,
                features,
                hop_s=1.0 if quick else esc.HOP_S,
                progress=lambda s, t, d=done: tell(d + 0.5 * s / steps, t),
            )
            said = f"{found.title}, {row}"
            scores = esc.cross_validate(
                embedded,
                found.labels,
                found.folds,
                progress=lambda s, t, d=done, w=said: tell(d + (0.5 + 0.5 * s) / steps, f"{w}: {t}"),
            )
            result.esc.setdefault(found.title, {})[row] = scores
            del embedded
