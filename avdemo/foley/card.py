"""The card and the record of a trained foley checkpoint: what it is, on what it was trained, what it scores, what is weak."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.listening import COLUMNS
from avdemo.foley.naming_scores import ALL
from avdemo.foley.naming_scores import COLUMNS as NAMED
from avdemo.foley.report import (
    CHANCE,
    NATS,
    OTHER,
    PAPER_CATEGORY,
    PAPER_INSTANCE,
    PAPER_NATS,
    RANDOM,
    RELATIVE,
    RETRIEVED,
    SAME,
    TOLD,
    TRUE,
    Evaluation,
    Rows,
    bits,
)
from avdemo.training.card import ScoreRow, ScoreTable, write_card

WHAT = (
    "A silent video goes in, a sound for it comes out, sample by sample at 16 kHz. After Visual to Sound (Zhou et al., 2018), "
    "configuration {name!r}. One file holds the three variants frame, seq and flow; they share the eye and all that writes, and were trained "
    "together. Beyond the paper: when something begins to sound and how loud each video frame is are decided from the picture first (what is "
    "struck dies away at least as its kind's recordings do); a tier above the SampleRNN's, which the picture conditions, writes the spectrum "
    "of every 20 ms as four acoustic tokens, in the voice of one of the recordings that it learnt from; and the SampleRNN, which writes sound "
    "of one level for them, starts from linear prediction by those "
    "spectra. Which kind is seen is named by MobileNetV2's later blocks, as ImageNet left them, and a small network on them."
)
DATA = (
    "Pairs of 4 s made of recordings and pictures: a photo or a drawn scene moves in time with a recording's onsets and loudness. "
    "Recordings of {kinds} kinds: ESC-10 and ESC-50, donateacry, drum samples and breaks, Freesound and others as the data's lists say; "
    "printers are mostly synthesised. Photos from Caltech-101, Tiny Images, the web (no licence stated), stills of clips, emoji of Noto Color "
    "Emoji; few of them show a chainsaw, a printer, fireworks or a sleeper, which are mostly drawn. 8 of 100 pairs come from six real "
    "clips of the kinds, and as many, from which only the sight learns, from 26 of other things. Held out for the test: other recordings, "
    "photos and clips (drawn scenes are of the same kinds). The eye starts from MobileNetV2 as ImageNet taught it. What names the kinds also "
    "learns from squares of the training photos, 370 of other things among them, and from 600 doodles of nothing in particular."
)
LICENCE = (
    "Research use only: the photos carry no licence, and some recordings are CC BY-NC. The code that made these weights is MIT."
)
LIMITS = (
    "It knows ten kinds of sound: {names}. Of anything else it makes the nearest of them.",
    "There is under an hour of recordings, and every take takes the voice of one of them, drawn by the seed: what is written is close to what "
    "was learnt, and there are few voices of some kinds.",
    "Motion tells the moment in made videos; in real ones it often does not, and the loudness follows the true one little.",
    "What follows in a sound follows mostly from what came before and from its voice: the picture says when, how loud and of which kind, and "
    "little else. Its influence is stressed while sound is written (guidance), but not where likelihoods are measured.",
    "The cross-entropy is of sound brought to one level, its heights raised, mu-law quantised, with a hiss under it and its tokens counted in; it "
    "cannot be compared with the paper's, which is of linearly quantised sound. Most of it linear prediction does: see the row of random weights.",
)
JUDGE_WHAT = (
    "Two seconds of sound go in, how likely each of foley's ten kinds is comes out: three small classifiers of log-mel spectrograms, whose "
    "opinions are averaged. They judge the sounds that foley makes in the evaluation; no network was trained with them or chosen by them, and "
    "the app does not use them."
)
JUDGE_DATA = (
    "Windows of 2 s of foley's training recordings (see that card), 300 of each kind; each ear draws its own. The validation recordings chose "
    "the weights."
)
JUDGE_LIMITS = (
    "They learnt from the same recordings as the network that they judge, so they may share what those lack: of printers nearly all are "
    "synthesised, and they hear hardly one of the real ones.",
    "They hear no levels and do not know that a sound may be none of the ten.",
)
_KINDS = {RANDOM: "floor", CHANCE: "floor", SAME: "control", OTHER: "control", TRUE: "bound"}


def _kind(name: str) -> str:
    return "bound" if name.endswith(TOLD) else _KINDS.get(name, "ours")


def _rows(rows: Rows, columns: Iterable[str]) -> list[ScoreRow]:
    names = list(columns)
    known = {name: {column: value for column, value in row.items() if value == value} for name, row in rows.items()}  # NaN is not known
    return [ScoreRow(name, {column: row.get(column) for column in names}, _kind(name)) for name, row in known.items()]


def _paper(rows: Mapping[str, tuple[float, ...]], columns: Sequence[str]) -> list[ScoreRow]:
    return [ScoreRow(f"{name}, VEGAS", dict(zip(columns, row, strict=True)), "paper") for name, row in rows.items()]


def tables(scores: Evaluation) -> list[ScoreTable]:
    """Every table of the evaluation for a card; those without rows are left out."""
    found = []
    if scores.nats:
        rows = {name: row | {"test, bits": bits(row.get("test"))} for name, row in scores.nats.items()}
        paper = {name: tuple(f"{value:.4f}" for value in row) for name, row in PAPER_NATS.items()}
        note = (
            "Nats per sample of 2 s of made pairs, told the true loudness or the decided one. The paper's unit is not stated, its levels "
            "are linear and carry the loudness."
        )
        found.append(ScoreTable("Cross-entropy", [*_rows(rows, (*NATS, "test, bits")), *_paper(paper, NATS[:2])], note))
    if scores.retrieval:
        both = {name: (*PAPER_CATEGORY[name], *PAPER_INSTANCE[name]) for name in PAPER_CATEGORY}
        note = (
            f"Percent of {scores.counts.get('judged', 0):.0f} videos whose kind, or very sound, is among the first of as many sounds, ranked "
            f"by likelihood (the paper: 1,280 sounds, chance of a kind 10); {RELATIVE[2:]}: less the sound's mean likelihood under all videos."
        )
        found.append(ScoreTable("Retrieval by likelihood", [*_rows(scores.retrieval, RETRIEVED), *_paper(both, RETRIEVED)], note))
    note = (
        "Kind seen: percent that the network names, of ten kinds and none of them; kind heard: percent that "
        "an independent classifier hears as the video's kind; onsets: F1 in percent, within 0.1 s; course: "
        "correlation of the loudness in dB over time; level: mean distance in dB. Controls: the sound generated for another video."
    )
    for title, rows in (
        ("Generated sound, made videos", scores.made),
        ("Generated sound, real clips", scores.real),
        ("Generated sound by kind, made videos, flow", scores.kinds),
    ):
        if rows:
            found.append(ScoreTable(title, _rows(rows, COLUMNS), note))
    if scores.photos:
        note = (
            "Percent of held-out photos that get the right name, of ten kinds and none of them, and of those that the page says it knows as one of the "
            "kinds, rightly or not (of photos of none of them: false alarms)."
        )
        found.append(ScoreTable("Kinds named in photos", _rows(scores.photos, NAMED), note))
    if scores.ear:
        note = "Percent right of windows of real recordings."
        found.append(ScoreTable("The independent classifier", _rows(scores.ear, ("train", "val", "test")), note))
    return found


def main_scores(scores: Evaluation) -> dict[str, float]:
    """The few numbers of the record."""
    main: dict[str, float | None] = {}
    for name in (*VARIANTS, RANDOM):
        main[f"cross-entropy, test (nats), {name}"] = scores.nats.get(name, {}).get("test")
    for name in ("flow", RANDOM, OTHER):
        for where, rows in (("made", scores.made), ("real", scores.real)):
            main[f"kind heard (%), {where} videos, {name}"] = rows.get(name, {}).get("kind heard")
    for name in ("flow", SAME):
        main[f"course, made videos, {name}"] = scores.made.get(name, {}).get("course")
        main[f"onsets (F1, %), made videos, {name}"] = scores.made.get(name, {}).get("onsets")
        main[f"course, real videos, {name}"] = scores.real.get(name, {}).get("course")
    main["photos of the kinds named rightly (%)"] = scores.photos.get(ALL, {}).get("named")
    return {name: round(value, 2) for name, value in main.items() if value is not None and value == value}  # JSON knows no NaN


def write_foley_card(
    out: Path, scores: Evaluation, *, command: str, metadata: Mapping[str, Any], notes: Sequence[str] = (), minutes: float | None = None
) -> None:  # fmt: skip
    """Write ``NAME.md`` beside ``out`` and its record with the main scores into ``index.json``.

    Args:
        out: the checkpoint.
        scores: from :func:`avdemo.foley.evaluation.evaluate`.
        command: that trains it again.
        metadata: the checkpoint's own: steps, minutes, device, seed, versions.
        notes: further sentences for the part on limits.
        minutes: that training took, where the metadata does not know it all.
    """
    from avdemo.checkpoints import load_file, register

    config = FoleyConfig.from_dict(load_file(out).config)
    what = WHAT.format(name=config.name)
    limits = [limit.format(names=", ".join(config.kinds)) for limit in LIMITS]
    write_card(
        out.with_suffix(".md"), what=what, data=DATA.format(kinds=len(config.kinds)), licence=LICENCE, command=command,
        config=config.as_dict(), tables=tables(scores), limits=(*limits, *notes, *scores.notes), metadata=metadata, minutes=minutes,
    )  # fmt: skip
    preprocessing = {
        "sample_rate": config.sample_rate,
        "video_fps": config.video_fps,
        "picture_size": config.picture_size,
        "flow_grid": config.flow_grid,
    }
    register(
        out, capability="foley", config=config.name, licence="other: research use", training_data="See the card.", summary=what,
        scores=main_scores(scores), preprocessing=preprocessing,
    )  # fmt: skip


def write_judge_card(out: Path, heard: Rows, *, command: str) -> None:
    """Write the judge's ``NAME.md`` and its record.

    Args:
        out: the checkpoint of :func:`avdemo.foley.judge.train_judge`.
        heard: from :func:`avdemo.foley.ear.ear_scores`.
        command: that teaches it again.
    """
    from avdemo.checkpoints import load_file, register

    loaded = load_file(out)
    kinds, splits = loaded.config["kinds"], ("train", "val", "test")
    rows = [*_rows(heard, splits), ScoreRow(CHANCE, dict.fromkeys(splits, 100 / len(kinds)), "floor")]
    write_card(
        out.with_suffix(".md"), what=JUDGE_WHAT, data=JUDGE_DATA, licence=LICENCE, command=command, config=loaded.config,
        tables=[ScoreTable("What it hears in real recordings", rows, "Percent right of windows of 2 s.")], limits=JUDGE_LIMITS,
        metadata=loaded.metadata,
    )  # fmt: skip
    register(
        out, capability="foley", config="judge", licence="other: research use", training_data="See the card.", summary=JUDGE_WHAT,
        scores={f"real recordings, {split} (%)": round(heard["all"][split], 1) for split in splits},
    )  # fmt: skip


def describe(
    out: Path, packed: Path, *, command: str, notes: Sequence[str] = (), minutes: float | None = None
) -> Evaluation:  # fmt: skip
    """Evaluate a freshly trained checkpoint on the held-out part of its packed arrays; write card and record."""
    from avdemo.checkpoints import load_file
    from avdemo.foley.evaluation import evaluate

    scores = evaluate(packed, packed=packed, checkpoint=str(out))
    write_foley_card(out, scores, command=command, metadata=load_file(out).metadata, notes=notes, minutes=minutes)
    return scores
