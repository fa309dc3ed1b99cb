"""The card and the record of a trained correspondence checkpoint: what it is, on what it was trained, what it scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avdemo.correspondence.config import EVERYDAY, INSTRUMENTS, CorrespondenceConfig
from avdemo.correspondence.report import OURS, PAPER_AVC, PAPER_ESC50, RANDOM, Evaluation
from avdemo.training.card import ScoreRow, ScoreTable, write_card

DATA = (
    f"Made pairs of {len(INSTRUMENTS)} instruments and {len(EVERYDAY)} everyday things: photos from the web (no licence stated), "
    "emoji of Noto Color Emoji and drawn players, composed into scenes, each with a second of sound of one of the things in it: "
    "recorded notes (Philharmonia Orchestra samples, VSCO-2-CE, FreePats, Tone.js samples), real phrases from FSDKaggle2018 "
    "(Freesound), everyday recordings (Donate-a-Cry, Khan's snoring sounds, Dirt-Samples, Moodist, Blanket), and music composed at "
    "random and rendered with the soundfonts FluidR3 GM, FluidR3 Mono and MuseScore General. Picture and sound of a made pair agree in "
    "kind, not in moment. Real pairs: frames and overlapping sound of 34 short videos from the web (no licence stated); 19 more lend "
    "their pictures. No ESC sound. Held out for the test: 30 other videos, web photos of the same source and of another one, other "
    "recordings, and the soundfont TimGM6mb (which also makes some of the test's helicopters and waters)."
)
LICENCE = (
    "Research use only: the photos and videos carry no licence, some recordings are CC BY-NC, and the Philharmonia samples may not be "
    "republished as samples. The code that made these weights is MIT."
)
LIMITS = (
    "The paper learns from millions of unlabelled videos; here most pairs were put together by kind, with labels, and real videos are "
    "few. Its scores on real clips of things that it was not taught are what to expect of it there, not those on made pairs.",
    f"It was taught {', '.join(INSTRUMENTS)}; {', '.join(EVERYDAY)}. Of other things it has seen next to nothing.",
    "It judges what is seen and heard, not when: a sound shifted by a second within the same scene keeps its probability, mostly.",
    "Silence, noise and grey pictures have the probabilities that the controls show; they need not be low.",
)
WHAT = {
    "mobilenet_v2": "The vision tower starts from MobileNetV2 as ImageNet taught it (supervised, frozen); the paper's starts from nothing.",
    "conv": "Both towers start from random weights, as in the paper.",
}
_KINDS = {
    RANDOM: "floor",
    "chance": "floor",
    "MFCC, nothing learnt before": "floor",
    "a place at random": "floor",
    "always the centre": "floor",
}


def tables(scores: Evaluation) -> list[ScoreTable]:
    """Every table of the evaluation for a card, floors, controls and the paper's rows among them; those without rows are left out."""
    found = []
    counts = scores.real_counts
    if scores.real:
        columns = {"accuracy": "accuracy", "low": "low", "high": "high", "AUC": "auc", "of another class": "other class"}
        rows = _rows(scores.real, columns)
        rows.append(ScoreRow("chance", {"accuracy": 50.0}, "floor"))
        rows += [ScoreRow(f"{name}, {where}", {"accuracy": value}, "paper") for name, pair in PAPER_AVC.items()
                 for where, value in zip(("Flickr-SoundNet", "Kinetics-Sounds"), pair, strict=True) if value is not None]  # fmt: skip
        note = (
            f"Percent of pairs told right, matches and mismatches half and half; {counts['windows']} seconds of {counts['clips']} "
            f"held-out clips, {counts['silent']} silent ones left out; low and high: 95 % interval, drawn over clips. The paper's rows "
            "are of two other, far larger benchmarks."
        )
        found.append(ScoreTable("Do picture and sound belong together? Real clips", rows, note))
    for title, rows in scores.made.items():
        any_row = next(iter(rows.values()))
        note = f"{any_row['photos']:.0f} photos with {any_row['sounds']:.0f} sounds, all pairs; kinds weigh the same."
        of_set = [*_rows(rows, {"accuracy": "accuracy", "AUC": "auc"}), ScoreRow("chance", {"accuracy": 50.0}, "floor")]
        found.append(ScoreTable(f"Made pairs: {title}", of_set, note))
    if scores.kinds:
        kinds = dict.fromkeys(kind for row in scores.kinds.values() for kind in row)
        rows = [ScoreRow(kind, {title: row.get(kind) for title, row in scores.kinds.items()}) for kind in kinds]
        found.append(ScoreTable("Made pairs: accuracy by kind, percent", rows, "A dash: nothing of that kind is held out there."))
    if scores.controls:
        names = dict.fromkeys(name for row in scores.controls.values() for name in row if name != "windows")
        rows = [
            ScoreRow(
                name,
                {title: row.get(name) for title, row in scores.controls.items()},
                "ours" if name == "right pair" else "control",
            )
            for name in names
        ]
        note = "Wrong pair: the sound of another clip or kind. Shifted: within the clip, the same frames in each row."
        found.append(ScoreTable("Mean probability of a match, in [0, 1]", rows, note))
    for title, rows in scores.esc.items():
        of_set = _rows(rows, {"accuracy": "accuracy", "worst fold": "low", "best fold": "high"})
        of_set += [ScoreRow(f"{name}, all of ESC-50", {"accuracy": value}, "paper") for name, value in PAPER_ESC50.items()]
        note = "Pool4 of the sound tower at 4 x 3 places and a linear SVM; percent. The paper's rows are of all of ESC-50: another benchmark."
        if title != "ESC-10":
            note += (
                " Folds by recording inside fold 4: not the published five-fold number, and a fifth of the clips to learn from."
            )
        found.append(ScoreTable(title, of_set, note))
    if scores.pointing:
        columns = {
            "points at it": "pointing",
            "at another thing": "other",
            "at it, wrong sound": "wrong sound",
            "all things": "follows",
        }
        note = f"{scores.pointing_counts['pictures']} composed pictures of two or three things, each sounding in turn; percent."
        found.append(ScoreTable("Where does it sound?", _rows(scores.pointing, {**columns, "IoU": "IoU"}), note))
    for title, rows in scores.retrieval.items():
        columns = {name: name for name in ("R@1", "R@5", "R@10", "median rank")}
        found.append(
            ScoreTable(
                f"Retrieval, {title}", _rows(rows, columns), f"Gallery of {next(iter(rows.values()))['gallery']:.0f}; percent."
            )
        )
    return found


def _rows(rows: Mapping[str, Mapping[str, float]], columns: Mapping[str, str]) -> list[ScoreRow]:
    return [
        ScoreRow(name, {title: row.get(key) for title, key in columns.items()}, _KINDS.get(name, "ours"))
        for name, row in rows.items()
    ]


def main_scores(scores: Evaluation) -> dict[str, float]:
    """The few numbers of the record."""
    main = {}
    for row in (OURS, RANDOM):
        of = "" if row == OURS else f", {row}"
        if row in scores.real:
            main[f"accuracy (%), real clips{of}"] = scores.real[row]["accuracy"]
        main |= {f"accuracy (%), {title}{of}": rows[row]["accuracy"] for title, rows in scores.made.items()}
        main |= {f"{title} (%){of}": rows[row]["accuracy"] for title, rows in scores.esc.items()}
        if row in scores.pointing:
            main[f"points at what sounds (%){of}"] = scores.pointing[row]["pointing"]
    return {name: round(value, 1) for name, value in main.items() if value == value}  # JSON knows no NaN


def write_match_card(
    out: Path,
    scores: Evaluation,
    *,
    command: str,
    metadata: dict[str, Any],
    notes: Sequence[str] = (),
    minutes: float | None = None,
) -> None:
    """Write ``NAME.md`` beside ``out`` and its record with the main scores into ``index.json``.

    Args:
        out: the checkpoint.
        scores: from :func:`avdemo.correspondence.evaluation.evaluate`.
        command: that trains it again.
        metadata: the checkpoint's own: steps, minutes, device, seed, versions.
        notes: further sentences for the part on limits.
        minutes: that training took, where the metadata knows only its last part.
    """
    from avdemo.checkpoints import load_file, register

    config = CorrespondenceConfig.from_dict(load_file(out).config)
    what = (
        "A frame and a second of sound go in; the probability that they belong together comes out, also for each place of the frame. "
        f"After Look, Listen and Learn (Arandjelovic and Zisserman, 2017), configuration {config.name!r}. {WHAT[config.vision]}"
    )
    write_card(
        out.with_suffix(".md"), what=what, data=DATA, licence=LICENCE, command=command, config=config.as_dict(), tables=tables(scores),
        limits=(*LIMITS, *notes, *scores.notes), metadata=metadata, minutes=minutes,
    )  # fmt: skip
    preprocessing = ("frame_size", "sample_rate", "samples", "win", "hop", "n_fft", "mels")
    register(
        out, capability="correspondence", config=config.name, licence="other: research use", training_data="See the card.", summary=what,
        scores=main_scores(scores), preprocessing={name: getattr(config, name) for name in preprocessing},
    )  # fmt: skip


def describe(
    out: Path, packed: Path, *, command: str, data: Path | None = None, beside: Mapping[str, str | Path] | None = None,
    student: str | Path | None = None, notes: Sequence[str] = (), minutes: float | None = None,
) -> Evaluation:  # fmt: skip
    """Evaluate a freshly trained checkpoint on the held-out part of its packed arrays; write card and record.

    Args:
        data: the training data folder, for the ESC tables.
        beside: other checkpoints for rows of their own, such as ``{"from scratch": path}``.
        student: a SoundNet student's checkpoint, for a row of the ESC tables.
    """
    from avdemo.checkpoints import load_file
    from avdemo.correspondence.evaluation import evaluate

    scores = evaluate(data or packed, packed=packed, checkpoint=str(out), beside=beside, student=student)
    write_match_card(out, scores, command=command, metadata=load_file(out).metadata, notes=notes, minutes=minutes)
    return scores
