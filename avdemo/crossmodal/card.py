"""The card and the record of a trained crossmodal checkpoint: what it is, on what it was trained, what it scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.report import (
    ABLATION_COLUMNS,
    CHANCE,
    I2S_COLUMNS,
    PAPER_I2S,
    PAPER_REPRESENTATIONS,
    PAPER_S2I,
    RANDOM,
    S2I_COLUMNS,
    SWAPPED,
    Evaluation,
    Rows,
)
from avdemo.training.card import ScoreRow, ScoreTable, write_card

DATA = (
    "Sounds of {kinds} instruments: recorded notes strung into phrases (Philharmonia Orchestra samples, VSCO-2-CE, FreePats, Tone.js "
    "samples), real phrases from FSDKaggle2018 (Freesound), and music composed at random and rendered with the soundfonts FluidR3 GM, "
    "FluidR3 Mono and MuseScore General, Csound's General MIDI bank and FreePats; other instruments, everyday recordings and noise "
    "as none of them. Photos of the same instruments from the web (no licence stated), for the eye also emoji of Noto Color Emoji and drawn "
    "players; photos of other things "
    "as none of them. A picture and a sound are paired by kind: nobody is seen playing what is heard. Held out for the test: other "
    "recordings and phrases, the soundfont TimGM6mb, other photos of the same source, and photos of another source. The eye starts from "
    "MobileNetV2 as ImageNet taught it, and so does the network through which the discriminators look."
)
LICENCE = (
    "Research use only: the photos carry no licence, some recordings are CC BY-NC, and the Philharmonia samples may not be "
    "republished as samples. The code that made these weights is MIT."
)
LIMITS = (
    "It knows {names}. Everything else is at best called unknown; the table says how often.",
    "A picture shows the kind of instrument, not the very instrument, player or moment of the sound; a sound is of the kind that is seen.",
    "The photos are mostly single instruments before white, and so are the pictures; they are {size} pixels wide.",
    "The judge is the paper's small classifier, and learnt from the photos that the painters learnt from; the eye is the second opinion.",
)
WHAT = (
    "A sound goes in, pictures of the instrument that plays come out (S2I); a picture of an instrument goes in, its sound comes out "
    "(I2S). After Deep Cross-Modal Audio-Visual Generation (Chen et al., 2017), configuration {name!r}."
)
SECOND = (
    "A second sound classifier, for a second opinion on the sounds that I2S makes: the paper's four convolution layers with more "
    "kernels, BatchNorm, and a smaller FC layer. Evaluation asks it; the app does not."
)
DATA_OF_SECOND = (
    "6,000 windows of the ear's training sounds (see that card): recorded notes, real phrases, renders; other instruments, everyday "
    "recordings and noise as none of the kinds."
)
_KINDS = {
    RANDOM: "floor", CHANCE: "floor", SWAPPED: "control", "made copies of training photos": "control",
    "sounds of other kinds, one z": "control",
}  # fmt: skip


def _kind(name: str) -> str:
    return "bound" if name.startswith("real ") else _KINDS.get(name, "ours")


def _rows(rows: Rows, columns: Mapping[str, str]) -> list[ScoreRow]:
    """Rows with the given columns, title -> key; those that no row has are left out."""
    kept = {title: key for title, key in columns.items() if any(key in row for row in rows.values())}
    return [ScoreRow(name, {title: row.get(key) for title, key in kept.items()}, _kind(name)) for name, row in rows.items()]


def _same(names: Sequence[str]) -> dict[str, str]:
    return {name: name for name in names}


def _paper(rows: Mapping[str, tuple[float | None, float | None]], train: str, test: str) -> list[ScoreRow]:
    return [ScoreRow(f"{name}, 13 instruments of Sub-URMP", {train: a, test: b}, "paper") for name, (a, b) in rows.items()]


def tables(scores: Evaluation) -> list[ScoreTable]:
    """Every table of the evaluation for a card, floors, controls and the paper's rows among them; those without rows are left out."""
    found = []
    counts = scores.counts
    if scores.s2i:
        floor = ScoreRow(CHANCE, dict.fromkeys(S2I_COLUMNS[:4], scores.chance), "floor")
        rows = [*_rows(scores.s2i, _same(S2I_COLUMNS)), floor, *_paper(PAPER_S2I, "judge, train", "judge")]
        note = (
            f"Percent of the pictures in which the instrument heard is seen: one picture of each of {counts['test windows']} held-out "
            f"windows, and of {counts['train windows']} training windows (train). Judge: the paper's classifier; eye: another one, for a "
            "second opinion; heard: where the ear was right; INIS: the paper's five kinds among themselves (chance 20). Another kind's "
            "input: judged against a kind that was not heard. Real photos are of the painted size."
        )
        found.append(ScoreTable("Sound to picture", rows, note))
    for title, rows in (
        ("Sound to picture by instrument, S2I-C", scores.s2i_kinds),
        ("Sound to picture by origin of the sound, S2I-C", scores.s2i_origins),
    ):
        if rows:
            found.append(ScoreTable(title, _rows(rows, _same(("ear", "judge", "eye", "windows"))), "Percent right."))
    if scores.differ:
        note = (
            "Distance between two pictures of a kind: root mean square between pixels at 32 px, as a share of the range, and 1 - cosine "
            "between the eye's features; percent of the pictures that have a twin, nearer than 0.05 in pixels."
        )
        rows = _rows(scores.differ, _same(("pixels", "features", "twins")))
        found.append(ScoreTable("Are the pictures of a kind different?", rows, note))
    if scores.new:
        note = (
            "Median distance to the nearest training photo of the kind, mirrored too, and its ratio to that of held-out photos: near 1 is "
            "as new as a new photo. The copies, training photos mirrored, moved and made brighter, show what remembering would score."
        )
        columns = _same(("pixels", "pixels, ratio", "features", "features, ratio"))
        found.append(ScoreTable("Are they new? The nearest training photo", _rows(scores.new, columns), note))
    for painter, rows in scores.varies.items():
        note = "Mean distance of two pictures in pixels; percent in which the judge is right, and sees what it sees in most of the group."
        found.append(ScoreTable(f"What varies the picture, {painter}", _rows(rows, _same(("distance", "judge", "alike"))), note))
    if scores.i2s:
        floor = ScoreRow(CHANCE, dict.fromkeys(I2S_COLUMNS[:4], scores.chance), "floor")
        # the paper has one column more, for training pictures
        rows = [*_rows(scores.i2s, _same(I2S_COLUMNS)), floor, *_paper(PAPER_I2S, "training pictures", "ear")]
        note = (
            "Percent of the spectrograms in which the instrument seen is heard. Second ear: a classifier that no player was trained "
            "with; again: the waveform made of the spectrogram, analysed again; seen: where the eye was right; INIS: the ear on the "
            "paper's five kinds among themselves."
        )
        found.append(ScoreTable("Picture to sound", rows, note))
    if scores.i2s_kinds:
        rows = _rows(scores.i2s_kinds, _same(("eye", "ear", "second ear")))
        found.append(ScoreTable("Picture to sound by instrument", rows, "Percent right, held-out photos of both sources."))
    for title, rows in (("sounds", scores.strange_sounds), ("photos", scores.strange_photos)):
        if rows:
            note = (
                "Percent called unknown by the app's rule; AUC of the best kind's probability against what it knows; right: percent of the "
                "accepted ones that are named rightly. Of other instruments and everyday things it has met others in training, of speech "
                "nothing."
            )
            columns = _same(("refused", "AUC", "right", "items"))
            found.append(ScoreTable(f"What is refused, {title}", _rows(rows, columns), note))
    if found_table := scores.representations:
        found.append(_representations(found_table))
    if rows := scores.ablation.get("rows"):
        note = (
            f"Painters of the size of N and A, each taught for {scores.ablation['steps']} steps with one switch off; judge and eye: percent "
            f"of the pictures of {scores.ablation['windows']} held-out windows in which the instrument heard is seen; distance: kernel "
            "distance to training photos in the eye's features (less is better); features: mean distance of two pictures of a kind; twins: "
            "percent that have one. Early stopping is on in all rows."
        )
        found.append(ScoreTable("What each switch brings", _rows(rows, _same(ABLATION_COLUMNS)), note))
    return found


def _representations(table: Mapping[str, Any]) -> ScoreTable:
    rows = []
    for name in PAPER_REPRESENTATIONS:  # the paper's order, which JSON does not keep
        rows.append(ScoreRow(name, {f"{depth} layers": table["rows"][name][depth]["accuracy"] for depth in ("3", "4")}))
    rows.append(ScoreRow(CHANCE, dict.fromkeys(("3 layers", "4 layers"), table["chance"]), "floor"))
    rows += [
        ScoreRow(f"{name}, 13 instruments of Sub-URMP", {"3 layers": three, "4 layers": four}, "paper")
        for name, (three, four) in PAPER_REPRESENTATIONS.items()
    ]
    note = (
        f"The paper's sound classifier, taught side by side for {table['steps']} steps of {table['batch']} out of "
        f"{table['train_windows']:,} windows; percent right of {table['test_windows']} held-out windows of other recordings and another "
        "soundfont."
    )
    return ScoreTable("Which picture of a sound is heard best?", rows, note)


def main_scores(scores: Evaluation) -> dict[str, float]:
    """The few numbers of the record."""
    main: dict[str, float | None] = {}
    for row in ("S2I-C", "S2I-N", "S2I-A", RANDOM):
        if row in scores.s2i:
            main[f"judge on pictures from held-out sounds (%), {row}"] = scores.s2i[row]["judge"]
    if "S2I-C" in scores.s2i:
        main["eye on pictures from held-out sounds (%), S2I-C"] = scores.s2i["S2I-C"]["eye"]
    for name, row in scores.i2s.items():
        if name.startswith("I2S") or name == RANDOM:
            main[f"ear on spectrograms (%), {name}"] = row["ear"]
            main[f"ear on the sound (%), {name}"] = row.get("ear, again")
    return {name: round(value, 1) for name, value in main.items() if value is not None and value == value}  # JSON knows no NaN


def write_imagine_card(
    out: Path, scores: Evaluation, *, command: str, metadata: dict[str, Any], notes: Sequence[str] = (), minutes: float | None = None
) -> None:  # fmt: skip
    """Write ``NAME.md`` beside ``out`` and its record with the main scores into ``index.json``.

    Args:
        out: the checkpoint.
        scores: from :func:`avdemo.crossmodal.evaluation.evaluate`.
        command: that trains it again.
        metadata: the checkpoint's own: steps, minutes, device, seed, versions.
        notes: further sentences for the part on limits.
        minutes: that training took, where the metadata does not know it all.
    """
    from avdemo.checkpoints import load_file, register

    config = CrossmodalConfig.from_dict(load_file(out).config)
    what = WHAT.format(name=config.name)
    known = {"names": ", ".join(config.kinds), "size": config.picture_size}
    limits = [limit.format(**known) for limit in LIMITS]
    write_card(
        out.with_suffix(".md"), what=what, data=DATA.format(kinds=len(config.kinds)), licence=LICENCE, command=command,
        config=config.as_dict(), tables=tables(scores), limits=(*limits, *notes, *scores.notes), metadata=metadata, minutes=minutes,
    )  # fmt: skip
    preprocessing = {
        "sample_rate": config.window.sample_rate,
        "samples": config.window.samples,
        "n_fft": config.window.n_fft,
        "hop": config.window.hop,
        "mels": config.window.mels,
        "eye_size": config.eye_size,
        "picture_size": config.picture_size,
    }
    register(
        out, capability="crossmodal", config=config.name, licence="other: research use", training_data="See the card.", summary=what,
        scores=main_scores(scores), preprocessing=preprocessing,
    )  # fmt: skip


def write_second_ear_card(out: Path, *, command: str) -> None:
    """Write the second ear's ``NAME.md`` and its record, from what its checkpoint knows of itself.

    Args:
        out: the checkpoint of :func:`avdemo.crossmodal.second_ear.train_second_ear`.
        command: that trains it again.
    """
    from avdemo.checkpoints import load_file, register

    loaded = load_file(out)
    kinds, about = loaded.config["kinds"], loaded.metadata
    known = {name: 100 * value for name, value in about.get("scores", {}).items() if name != "score"}
    note = "Percent right of validation windows (of the kinds, of none of them, by origin); the held-out ones are in the evaluation's tables."
    rows = [ScoreRow("second ear", known), ScoreRow(CHANCE, {"known": 100 / (len(kinds) + 1)}, "floor")]
    found = [ScoreTable("Validation", rows, note)] if known else []
    if about.get("representations"):
        found.append(_representations(about["representations"]))
    write_card(
        out.with_suffix(".md"), what=SECOND, data=DATA_OF_SECOND, licence=LICENCE, command=command, config=loaded.config, tables=found,
        limits=(f"It knows {', '.join(kinds)}.", "It judges sounds that were made; the app does not use it."), metadata=about,
    )  # fmt: skip
    register(
        out, capability="crossmodal", config="second-ear", licence="other: research use", training_data="See the card.", summary=SECOND,
        scores={f"validation, {name} (%)": round(value, 1) for name, value in known.items()},
    )  # fmt: skip


def describe(
    out: Path, packed: Path, *, command: str, data: Path | None = None, second: str | Path | None = None,
    notes: Sequence[str] = (), minutes: float | None = None,
) -> Evaluation:  # fmt: skip
    """Evaluate a freshly trained checkpoint on the held-out part of its packed arrays; write card and record.

    Args:
        data: the training data folder, for its recorded speech.
        second: the second ear's checkpoint; by default the one that ships.
    """
    from avdemo.checkpoints import load_file
    from avdemo.crossmodal.evaluation import evaluate

    scores = evaluate(data or packed, packed=packed, checkpoint=str(out), second=second)
    write_imagine_card(out, scores, command=command, metadata=load_file(out).metadata, notes=notes, minutes=minutes)
    return scores
