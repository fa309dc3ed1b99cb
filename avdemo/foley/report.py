"""What an evaluation of foley found, as a table and as a dictionary, beside the paper's rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from avdemo.foley.listening import COLUMNS
from avdemo.foley.naming_scores import COLUMNS as NAMED
from avdemo.metrics.tables import head, line, without_nan

Rows = dict[str, dict[str, float]]  # row -> column -> value

PAPER_NATS = {"frame": (2.6143, 2.7061), "seq": (2.5991, 2.6866), "flow": (2.6037, 2.6839)}  # train, test; unit not stated; table 2
PAPER_CATEGORY = {"frame": (40.55, 53.59), "seq": (44.14, 58.28), "flow": (45.47, 60.31)}  # top 1, top 5, percent; table 3
PAPER_INSTANCE = {"frame": (4.77, 7.81), "seq": (5.70, 9.14), "flow": (5.94, 10.08)}
PAPER_PREFERRED = {"frame": 28.52, "seq": 34.74, "flow": 36.74}  # percent of the votes of people; table 4
RETRIEVED = ("category, top 1", "category, top 5", "instance, top 1", "instance, top 5")
NATS = ("train", "test", "test, decided")
RANDOM, CHANCE = "random weights", "chance"
SAME, OTHER, TRUE, TOLD = "sound of another video of the kind", "sound of a video of another kind", "real sound", "told the true strokes and loudness"
RELATIVE = ", against other videos"


@dataclass
class Evaluation:
    """Percent, nats per sample, correlations and dB, as the tables say. Rows are ours, floors, controls and bounds."""

    checkpoint: dict[str, str]
    nats: Rows = field(default_factory=dict)  # variant -> NATS
    retrieval: Rows = field(default_factory=dict)  # see `likelihoods.retrieval`
    made: Rows = field(default_factory=dict)  # see `listening.scores`: pairs made of held-out recordings and photos
    real: Rows = field(default_factory=dict)  # the same on real clips
    kinds: Rows = field(default_factory=dict)  # kind -> the same, the chief variant on made pairs
    photos: Rows = field(default_factory=dict)  # see `naming_scores.photos_named`
    ear: Rows = field(default_factory=dict)  # what the independent ear says of real recordings
    counts: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON values; None for what could not be measured."""
        return without_nan({
            "checkpoint": self.checkpoint, "nats": self.nats, "bits": in_bits(self.nats), "retrieval": self.retrieval, "made": self.made,
            "real": self.real, "by_kind": self.kinds, "photos": self.photos, "independent_ear": self.ear, "counts": self.counts, "notes": self.notes,
            "paper": {
                "cross_entropy": {name: {"train": a, "test": b} for name, (a, b) in PAPER_NATS.items()},
                "category_retrieval": {name: {"top 1": a, "top 5": b} for name, (a, b) in PAPER_CATEGORY.items()},
                "instance_retrieval": {name: {"top 1": a, "top 5": b} for name, (a, b) in PAPER_INSTANCE.items()},
                "preferred": PAPER_PREFERRED,
            },
        })  # fmt: skip

    def table(self) -> str:
        lines = [f"Checkpoint {self.checkpoint['name']} ({self.checkpoint['sha256'][:12]})", ""]
        lines += [
            "Cross-entropy per sample; decided: told the loudness that was decided from the picture, else the true one",
            head("", [*NATS, *(f"{name}" for name in ("bits,test",))]),
            *(line(name, [*(row.get(c) for c in NATS), bits(row.get("test"))], 3) for name, row in self.nats.items()),
            head("The paper (VEGAS, linear levels, unit not stated)", ("train", "test")),
            *(line(name, row, 4) for name, row in PAPER_NATS.items()),
            "",
            f"Retrieval by likelihood, percent: {self.counts.get('judged', 0):.0f} videos, as many sounds",
            head("", ("cat. 1", "cat. 5", "inst. 1", "inst. 5")),
            *(line(name, (row.get(c) for c in RETRIEVED)) for name, row in self.retrieval.items()),
            head("The paper, 1,280 sounds (chance of a category: 10)", ("cat. 1", "cat. 5", "inst. 1", "inst. 5")),
            *(line(name, (*PAPER_CATEGORY[name], *PAPER_INSTANCE[name])) for name in PAPER_CATEGORY),
        ]  # fmt: skip
        for title, rows in (
            ("Made pairs of held-out recordings, photos and scenes", self.made), ("Real held-out clips", self.real),
            ("By kind, made pairs", self.kinds),
        ):  # fmt: skip
            if rows:
                lines += ["", head(title, ("seen,%", "heard,%", "onsets,%", "course", "level,dB", "pairs"))]
                lines += [line(name, (row.get(c) for c in COLUMNS), (1, 1, 1, 2, 1, 0)) for name, row in rows.items()]
        lines += [
            "  seen: the kind is named by the network; heard: by an independent ear, in the sound; onsets: F1 within 0.1 s;",
            "  course: correlation of loudness in dB; level: distance.",
        ]
        if self.photos:
            lines += ["", head("Held-out photos, percent: named rightly, claimed to be known", ("named", "claimed", "photos"))]
            lines += [line(name, (row.get(c) for c in NAMED), (1, 1, 0)) for name, row in self.photos.items()]
        if self.ear:
            lines += ["", head("The independent ear on real recordings, percent right", ("train", "val", "test"))]
            lines += [line(name, (row.get(c) for c in ("train", "val", "test"))) for name, row in self.ear.items()]
        lines += ["", *self.notes] if self.notes else []
        return "\n".join(lines)


def bits(nats: float | None) -> float | None:
    return None if nats is None else nats / math.log(2)


def in_bits(rows: Rows) -> Rows:
    return {name: {column: value / math.log(2) for column, value in row.items()} for name, row in rows.items()}
