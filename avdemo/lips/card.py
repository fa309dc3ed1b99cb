"""The cards and records of the trained lips and of the judge: what they are, on what they were trained, what they score.

python -m avdemo.lips.card CHECKPOINT --judge JUDGE --data DIR [--note SENTENCE ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avdemo.lips.config import LipsConfig
from avdemo.lips.report import (
    LIKENESS,
    OURS,
    PAPER,
    PAPER_ABLATION,
    PAPER_COLUMNS,
    RANDOM,
    SPEAKER,
    STILL,
    SWAPPED,
    SYNCHRONY,
    TOLD,
    TRUE,
    Evaluation,
    Rows,
)
from avdemo.training.card import ScoreRow, ScoreTable, write_card

DATA = (
    "Mouth crops of 36 speakers at 25 frames a second, 1,628 clips, 39 minutes: 35 newsreaders in Arabic (1,432 clips), and speaker s1 of GRID "
    "(English commands). 1,337 clips of 28 speakers taught, 135 other clips of theirs chose the weights, 156 clips of 8 other speakers were "
    "held out for the test. The look through ImageNet in training is by MobileNetV2 (Apache-2.0), which is not part of the checkpoint."
)
LICENCE = "Research use only: the newsreaders' footage states no licence, GRID is for research. The code that made these weights is MIT."
WHAT = (
    "One photo of lips and speech go in, the lips saying it come out: 25 frames a second of 64 x 64 pixels. After Lip Movements "
    "Generation at a Glance (Chen et al., 2018), configuration {name!r}: the speech moves 20 points of the mouth, and a painter moves the "
    "photo after them."
)
WHAT_OF_JUDGE = (
    "Finds the 20 points of a mouth in its 64 x 64 crop. It judges the generated lips in the evaluation; no training looked through it, "
    "and the app does not use it."
)
LIMITS = (
    "64 x 64 pixels, the native size of the data; more pixels of the photo are blended in around the mouth, none are invented.",
    "Learnt from newsreaders in Arabic and one speaker of English, upright and facing the camera; other languages, singing and shouting are "
    "less certain.",
    "It shows how far and how wide the mouth opens better than which sound it makes: no one should try to read these lips.",
    "Made to see how far this goes, not to make people say what they never said: ask before you use a person's photo, and leave the mark "
    "on what you pass on.",
)
ORDER = ("points", "judge", "speech", "sync", "painter", "generator")
_KINDS = {SWAPPED: "control", STILL: "floor", RANDOM: "floor", TOLD: "bound", TRUE: "bound"}
NAMES = {
    "lmd": "LMD, px", "ssim": "SSIM", "psnr": "PSNR, dB", "psnr 2018": "PSNR as of 2018, dB", "cpbd": "CPBD", "identity": "identity, %",
    "true cpbd": "CPBD of the true frames",
}  # fmt: skip


def _rows(rows: Rows, columns: Sequence[str]) -> list[ScoreRow]:
    return [
        ScoreRow(name, {NAMES.get(c, c): _three(row.get(c), c) for c in columns}, _KINDS.get(name, "ours"))
        for name, row in rows.items()
    ]


def _three(value: float | None, column: str) -> str | float | int | None:
    """CPBD and SSIM with three decimals, counts with none."""
    if value is None or value != value:
        return None
    return (
        f"{value:.3f}"
        if "cpbd" in column or column == "ssim"
        else round(value)
        if column in ("clips", "identity")
        else float(value)
    )


def _paper(rows: dict[str, tuple[float, ...]]) -> list[ScoreRow]:
    return [
        ScoreRow(name, {NAMES[c]: _three(v, c) for c, v in zip(PAPER_COLUMNS, row, strict=True)}, "paper")
        for name, row in rows.items()
    ]


def tables(scores: Evaluation) -> list[ScoreTable]:
    """Every table of the evaluation for a card, controls, floors, bounds and the paper's rows among them."""
    counts = scores.counts
    on = f"{counts['clips']} clips, {counts['frames']:,} frames of {counts['speakers']} speakers that no training saw"
    note = (
        f"On {on}; the photo is a frame of the clip, at a random place. LMD in pixels at 64 px by the judge in both, mean-centred, per point "
        "and frame. PSNR as of 2018 is how the paper's script computed it, with bytes that wrap around: two random pictures score 27.9. "
        "Identity: percent of the clips whose nearest true clip, by colours on the whole, is of the same speaker."
    )
    found = [ScoreTable("Likeness", [*_rows(scores.rows, LIKENESS), *_paper(PAPER)], note)]
    note = (
        "Correlation of the mouth's opening with the true one, by the judge. Opening: all clips pooled, as they are; of a clip: mean over "
        "clips; speaker's and own lag: the sound of each speaker, of each clip, moved by the one of five lags (two frames either way) that fits "
        "best, chosen on the row itself; spread: of the openings beside the true ones."
    )
    moving = {name: row for name, row in scores.rows.items() if "opening" in row}
    found.append(ScoreTable("Synchrony", _rows(moving, SYNCHRONY), note))
    found.append(ScoreTable("By speaker", _rows(scores.speakers, SPEAKER), "As above."))
    if scores.silence:
        note = "Mean distance of the inner lips in pixels, by the judge; in silence: from 0.4 s after the speech's end."
        found.append(ScoreTable("Is the mouth shut in silence?", [ScoreRow(OURS, scores.silence)], note))
    if scores.judge:
        note = "LMD in pixels and correlation of the opening, in the true frames of the held-out speakers."
        found.append(ScoreTable("The judge beside the data's own points", [ScoreRow("judge", scores.judge, "bound")], note))
    if rows := scores.ablation.get("rows"):
        about = scores.ablation
        done = ", ".join(f"{name} {steps}" for name, steps in about["steps"].items() if steps)
        note = (
            f"Generators taught for {about['minutes']:g} minutes each from the same painter (steps: {done}), all with landmarks and teacher and "
            f"without the expert for synchrony; judged on {about['clips']} held-out clips ({about['frames']:,} frames). Much shorter than the "
            "shipped training: the rows compare with each other."
        )
        columns = (*LIKENESS[:-1], "opening", "own lag", "spread")
        found.append(ScoreTable("Ablation", [*_rows(rows, columns), *_paper(PAPER_ABLATION)], note))
    return found


def main_scores(scores: Evaluation) -> dict[str, float]:
    """The few numbers of the record."""
    main: dict[str, float | None] = {}
    for name in (OURS, SWAPPED, STILL):
        row = scores.rows[name]
        for column, title in (("opening", "opening correlation"), ("lmd", "LMD (px)"), ("psnr", "PSNR (dB)"), ("cpbd", "CPBD")):
            main[f"{title}, {name}"] = row.get(column)
    main["CPBD, the true frames"] = scores.rows[TRUE]["cpbd"]
    return {name: round(value, 3) for name, value in main.items() if value is not None and value == value}  # JSON knows no NaN


def write_lips_card(out: Path, scores: Evaluation, *, command: str, metadata: dict[str, Any], notes: Sequence[str] = ()) -> None:
    """Write ``NAME.md`` beside ``out`` and its record with the main scores into ``index.json``.

    Args:
        out: the checkpoint.
        scores: from :func:`avdemo.lips.evaluation.evaluate`.
        command: that trains it again.
        metadata: the checkpoint's own: parts, minutes, device, seed, versions.
        notes: further sentences for the part on limits.
    """
    from avdemo.checkpoints import load_file, register

    config = LipsConfig.from_dict(load_file(out).config)
    what = WHAT.format(name=config.name)
    write_card(
        out.with_suffix(".md"), what=what, data=f"{DATA} {_parts(metadata)}".strip(), licence=LICENCE, command=command,
        config=config.as_dict(), tables=tables(scores), limits=(*notes, *LIMITS, *scores.notes), metadata=metadata,
    )  # fmt: skip
    preprocessing = {
        "size": config.size, "fps": 25, "sample_rate": config.speech.sample_rate, "n_fft": config.speech.n_fft, "hop": config.speech.hop,
        "mels": config.speech.mels,
    }  # fmt: skip
    register(
        out, capability="lips", config=config.name, licence="other: research use", training_data="See the card.", summary=what,
        scores=main_scores(scores), preprocessing=preprocessing,
    )  # fmt: skip


def _turn(part: tuple[str, Any]) -> int:
    """When a part was trained; JSON keeps no order."""
    return ORDER.index(part[0]) if part[0] in ORDER else len(ORDER)


def _parts(metadata: dict[str, Any]) -> str:
    """How long each part was trained, in a sentence."""
    parts = metadata.get("parts", {})
    told = [
        f"{name} {about['minutes']:.0f} min ({about['steps']:,} steps)"
        for name, about in sorted(parts.items(), key=_turn)
        if "steps" in about
    ]
    return f"The parts, one after the other: {', '.join(told)}." if told else ""


def write_judge_card(out: Path, scores: Evaluation, *, command: str) -> None:
    """Write the judge's ``NAME.md`` and its record.

    Args:
        out: the judge's checkpoint.
        scores: an evaluation in which it judged.
        command: that trains it again.
    """
    from avdemo.checkpoints import load_file, register

    loaded = load_file(out)
    known = {name: value for name, value in loaded.metadata.get("scores", {}).items() if name in ("lmd", "opening")}
    rows = [ScoreRow("known speakers, other clips", known), ScoreRow("held-out speakers", scores.judge)]
    note = "Beside the data's own points in the true frames: LMD in pixels, and correlation of the mouth's opening (known speakers: within a clip)."
    write_card(
        out.with_suffix(".md"), what=WHAT_OF_JUDGE, data=DATA.partition(" The look")[0], licence=LICENCE, command=command, config=loaded.config,
        tables=[ScoreTable("How well it sees", rows, note)],
        limits=("It learnt from the same people's frames as the network, so it may share some of its finder's mistakes.",),
        metadata=loaded.metadata,
    )  # fmt: skip
    register(
        out, capability="lips", config="judge", licence="other: research use", training_data="See the card.", summary=WHAT_OF_JUDGE,
        scores={f"held-out speakers, {name}": round(value, 2) for name, value in scores.judge.items()},
    )  # fmt: skip


def describe(
    out: Path, judge: Path, data: Path, *, packed: Path | None = None, command: str, notes: Sequence[str] = ()
) -> Evaluation:  # fmt: skip
    """Evaluate a freshly trained checkpoint on the held-out speakers; write both cards and records."""
    from avdemo.checkpoints import load_file
    from avdemo.lips.evaluation import evaluate

    def tell(share: float, text: str) -> None:
        print(f"{share:.0%} {text}", flush=True)

    scores = evaluate(data, packed=packed, checkpoint=str(out), judge=judge, progress=tell)
    write_lips_card(out, scores, command=command, metadata=load_file(out).metadata, notes=notes)
    write_judge_card(judge, scores, command=command)
    return scores


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the training data folder")
    parser.add_argument("--packed", type=Path, help="its packed clips, where they are there already")
    parser.add_argument("--command", required=True, help="the line that trains it again")
    parser.add_argument("--note", action="append", default=[], help="a sentence for the part on limits")
    given = parser.parse_args()
    print(
        describe(given.checkpoint, given.judge, given.data, packed=given.packed, command=given.command, notes=given.note).table()
    )
