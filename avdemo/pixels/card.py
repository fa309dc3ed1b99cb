"""The card and the record of a trained pixels checkpoint: what it is, on what it was trained, what it scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from avdemo.pixels.config import SOUNDS, PixelsConfig
from avdemo.pixels.evaluation import PAPER_TABLE, Evaluation

DATA = (
    "Photos of {n} instruments from the web (no licence stated; about 2,000 in training, 165 held out for validation) composed into scenes, "
    "with the instrument emoji of Noto Color Emoji and drawn backgrounds; single notes (Philharmonia Orchestra samples, VSCO-2-CE, FreePats, "
    "Tone.js samples), real phrases from FSDKaggle2018 (Freesound), and music composed at random and rendered with the soundfonts FluidR3 GM, "
    "FluidR3 Mono and MuseScore General. Held out for the test: web photos of the same source (5 an instrument) and of another source; whole "
    "sources of recorded notes for seven instruments and the index's own held-out notes for the other six; 40 real phrases; the soundfont "
    "TimGM6mb. Picture and sound are paired by instrument, not by moment."
)
LICENCE = (
    "Research use only: the photos carry no licence, some recordings are CC BY-NC, and the Philharmonia samples may not be republished as "
    "samples. The code that made these weights is MIT."
)
LIMITS = (
    "It knows thirteen instruments: "
    + ", ".join(SOUNDS)
    + ". Anything else is either silent to it or taken for the most similar of these.",
    "It tells instruments by how they look and sound, not by motion: two violins in one picture get the same sound.",
    "Its masks are made from 0 to 5.5 kHz; above, each moment follows the octave below.",
    "Photos from another source than the training photos are recognised less often; see the table.",
    "The backbone was taught which instrument is where on composed scenes; the paper learns it from sound alone, end to end.",
)


def write_pixels_card(
    out: Path, scores: Evaluation, *, command: str, metadata: dict[str, Any], notes: tuple[str, ...] = ()
) -> None:
    """Write ``NAME.md`` beside ``out`` and its record with the main scores into ``index.json``.

    Args:
        out: the checkpoint.
        scores: from :func:`avdemo.pixels.evaluation.evaluate`.
        command: that trains it again.
        metadata: the checkpoint's own.
        notes: further sentences for the part on limits.
    """
    from avdemo.checkpoints import register
    from avdemo.training.card import ScoreRow, ScoreTable, write_card

    kinds = {
        "mixture": "floor",
        "nmf": "floor",
        "random weights": "floor",
        "wrong picture": "control",
        "ideal ratio mask": "bound",
        "ideal binary mask": "bound",
    }
    columns = ("NSDR", "SIR", "SAR")
    tables = []
    for title, rows in scores.separation.items():
        table = [ScoreRow(name, {c: row[c] for c in columns}, kinds.get(name, "ours")) for name, row in rows.items()]
        table.append(ScoreRow("binary mask, log", dict(zip(columns, PAPER_TABLE["Binary mask, log"], strict=True)), "paper"))
        count = next(iter(rows.values()))["n"]
        tables.append(ScoreTable(f"Mixtures of two: {title}", table, f"dB, BSS-eval v3, {count:.0f} sources."))
    rows = [ScoreRow(name, {c: s.get(name) for c, s in scores.instruments.items()}) for name in SOUNDS]
    tables.append(ScoreTable("NSDR by instrument, dB", rows, "A dash: no held-out sound of that kind."))
    rows = [ScoreRow(name, {"": value}) for name, value in scores.localisation.items()]
    tables.append(ScoreTable("Localisation: two players side by side before a background", rows))
    config = metadata.get("config") or PixelsConfig.compact().as_dict()
    what = "A video's frames and its sound go in; the sound of any pixel comes out. After The Sound of Pixels (Zhao et al., 2018), compact size."
    write_card(
        out.with_suffix(".md"), what=what, data=DATA.format(n=len(SOUNDS)), licence=LICENCE, command=command, config=config,
        tables=tables, limits=(*LIMITS, *notes), metadata=metadata,
    )  # fmt: skip
    main = {f"NSDR (dB), {title}": round(rows["ours"]["NSDR"], 2) for title, rows in scores.separation.items()}
    main |= {
        f"wrong picture NSDR (dB), {title}": round(rows["wrong picture"]["NSDR"], 2) for title, rows in scores.separation.items()
    }
    register(
        out, capability="pixels", config=config.get("name", "compact"), licence="other: research use", training_data="See the card.",
        summary=what, scores=main,
        preprocessing={k: config[k] for k in ("sample_rate", "n_fft", "hop", "frame_size", "normalisation")},
    )  # fmt: skip


def describe(out: Path, packed: Path, *, command: str) -> None:
    """Evaluate a freshly trained checkpoint on the held-out part of its packed arrays; write card and record."""
    from avdemo.checkpoints import load_file
    from avdemo.pixels.evaluation import evaluate

    metadata = load_file(out).metadata
    write_pixels_card(out, evaluate(packed, checkpoint=str(out)), command=command, metadata=metadata)
