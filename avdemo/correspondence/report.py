"""What an evaluation found, as a table and as a dictionary, beside the paper's rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from avdemo.metrics.tables import head, line, numbered, without_nan

PAPER_AVC = {  # accuracy in percent, chance 50: (Flickr-SoundNet, Kinetics-Sounds); paper, table 1
    "supervised direct": (None, 65.0), "supervised pretraining": (None, 74.0), "L3-Net": (78.0, 74.0),
}  # fmt: skip
PAPER_ESC50 = {  # accuracy in percent, five folds; paper, table 2
    "SVM-MFCC": 39.6, "autoencoder": 39.9, "random forest": 44.3, "Piczak ConvNet": 64.5, "SoundNet": 74.2,
    "L3 with random weights": 62.5, "L3": 79.3, "human": 81.3,
}  # fmt: skip
OURS, RANDOM = "ours", "random weights"
_REAL = ("accuracy", "low", "high", "auc", "matches", "mismatches", "other class")
_POINTING = ("pointing", "other", "wrong sound", "follows", "IoU")


@dataclass
class Evaluation:
    """All scores in percent, but probabilities in [0, 1] and ranks; rows are "ours", variants beside it, floors and controls."""

    checkpoint: dict[str, str]
    real: dict[str, dict[str, float]] = field(default_factory=dict)  # row -> see `agreement.real_scores`
    real_counts: dict[str, int] = field(default_factory=dict)  # clips, windows, silent windows left out
    controls: dict[str, dict[str, float]] = field(default_factory=dict)  # set -> control -> mean probability of "match"
    made: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)  # set -> row -> `agreement.made_scores`
    kinds: dict[str, dict[str, float]] = field(default_factory=dict)  # set -> kind -> accuracy of ours
    esc: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)  # set -> row -> `esc.cross_validate`
    pointing: dict[str, dict[str, float]] = field(default_factory=dict)  # row -> see `pointing`
    pointing_counts: dict[str, int] = field(default_factory=dict)
    retrieval: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)  # gallery and direction -> row -> scores
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON values; None for what could not be measured."""
        return without_nan({
            "checkpoint": self.checkpoint, "avc_real_clips": self.real, "real_clips": self.real_counts, "controls": self.controls,
            "avc_made_pairs": self.made, "accuracy_by_kind": self.kinds, "esc": self.esc, "pointing": self.pointing,
            "pointing_pictures": self.pointing_counts, "retrieval": self.retrieval, "notes": self.notes,
            "paper_avc": {name: {"Flickr-SoundNet": flickr, "Kinetics-Sounds": ks} for name, (flickr, ks) in PAPER_AVC.items()},
            "paper_esc50_five_folds": PAPER_ESC50,
        })  # fmt: skip

    def table(self) -> str:
        lines = [f"Checkpoint {self.checkpoint['name']} ({self.checkpoint['sha256'][:12]})"]
        for part in (self._agreement, self._controls, self._esc, self._pointing, self._retrieval):
            lines += ["", *part()]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines)

    def _agreement(self) -> list[str]:
        counts = self.real_counts
        columns = ("accuracy", "low", "high", "AUC", "matches", "mismatch", "o. class")
        lines = [
            "Do they belong together? Percent of pairs told right, matches and mismatches half and half",
            head(f"{counts.get('clips', 0)} real clips, {counts.get('windows', 0)} windows", columns),
            *(line(name, (row[c] for c in _REAL)) for name, row in self.real.items()),
            line("chance", (50.0,)),
            "  low, high: 95 % interval, drawn over clips; o. class: mismatches of another class of clip only.",
            f"  {counts.get('silent', 0)} silent windows are left out.",
        ]
        for title, rows in self.made.items():
            any_row = next(iter(rows.values()))
            lines += ["", head(f"{title} ({any_row['photos']:.0f}, {any_row['sounds']:.0f} sounds)", ("accuracy", "AUC"))]
            lines += [line(name, (row["accuracy"], row["auc"])) for name, row in rows.items()]
        lines += ["", head("The paper, on other benchmarks", ("Flickr", "Kinetics"))]
        lines += [line(name, row) for name, row in PAPER_AVC.items()]
        if self.kinds:
            names = list(dict.fromkeys(kind for row in self.kinds.values() for kind in row))
            lines += ["", *numbered("Accuracy by kind, ours", self.kinds)]
            lines += [line(kind, (row.get(kind) for row in self.kinds.values())) for kind in names]
        return lines

    def _controls(self) -> list[str]:
        names = list(dict.fromkeys(name for row in self.controls.values() for name in row if name != "windows"))
        lines = numbered("Mean probability of a match, ours", self.controls)
        return lines + [line(name, (row.get(name) for row in self.controls.values()), 3) for name in names]

    def _esc(self) -> list[str]:
        lines = ["Sound features and a linear SVM: accuracy in percent, with the worst and the best fold"]
        for title, rows in self.esc.items():
            lines.append(head(f"{title}, {next(iter(rows.values()))['clips']:.0f} clips", ("accuracy", "low", "high")))
            lines += [line(name, (row["accuracy"], row["low"], row["high"])) for name, row in rows.items()]
        lines.append(head("The paper: all of ESC-50, its five folds, another benchmark", ("accuracy",)))
        return lines + [line(name, (value,)) for name, value in PAPER_ESC50.items()]

    def _pointing(self) -> list[str]:
        counts = self.pointing_counts
        lines = [head(f"Where? {counts.get('pictures', 0)} composed pictures, %", ("points", "other", "wrong", "all", "IoU"))]
        lines += [line(name, (row[c] for c in _POINTING)) for name, row in self.pointing.items()]
        return [
            *lines, "  points: at what sounds; other: at another thing; wrong: at this thing though another sounds; all: right for every",
            "  thing of the picture in turn; IoU: of the places at least half as probable as the best with the box.",
        ]  # fmt: skip

    def _retrieval(self) -> list[str]:
        lines = []
        for title, rows in self.retrieval.items():
            any_row = next(iter(rows.values()))
            lines.append(head(f"{title} of {any_row['gallery']:.0f}", ("R@1", "R@5", "R@10", "median")))
            lines += [line(name, (row["R@1"], row["R@5"], row["R@10"], row["median rank"])) for name, row in rows.items()]
        return lines
