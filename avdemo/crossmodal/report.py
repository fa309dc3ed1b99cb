"""What an evaluation found, as a table and as a dictionary, beside the paper's rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from avdemo.metrics.tables import head, line, without_nan

Rows = dict[str, dict[str, float]]  # row -> column -> value

PAPER_S2I = {  # judge's accuracy on generated pictures in percent, (training sounds, held-out sounds); 13 instruments; paper, table 2
    "S2I-C": (87.37, 75.56), "S2I-A": (10.63, 10.95), "S2I-N": (12.62, 12.32), "CMCGAN, its successor": (91.05, 76.61),
}  # fmt: skip
PAPER_I2S = {  # accuracy on generated spectrograms in percent, (training pictures, held-out pictures), as CMCGAN reports them
    "I2S": (None, 11.17), "CMCGAN, its successor": (81.09, 51.89),
}  # fmt: skip
PAPER_REPRESENTATIONS = {  # sound classifier's accuracy in percent, (3 layers, 4 layers); 13 instruments; paper, table 1
    "MS": (62.01, 66.09), "LMS": (84.12, 87.44), "CQT": (73.00, 77.78), "MFCC": (80.06, 81.05), "STFT": (74.05, 75.73),
}  # fmt: skip
OURS, RANDOM, SWAPPED, CHANCE = "S2I-C", "random weights", "another kind's input", "chance"
I2S = "I2S"
S2I_COLUMNS = ("judge, train", "judge", "eye, train", "eye", "judge, heard", "eye, heard", "INIS", "INIS, eye")
ABLATION_COLUMNS = ("judge", "eye", "distance", "features", "twins")
I2S_COLUMNS = ("ear", "second ear", "ear, again", "second ear, again", "ear, seen", "second ear, seen", "INIS")


@dataclass
class Evaluation:
    """All accuracies in percent; distances as their tables say. Rows are ours, floors, controls and bounds."""

    checkpoint: dict[str, str]
    kinds: int
    s2i: Rows = field(default_factory=dict)  # see `judging.painter_scores`
    s2i_kinds: Rows = field(default_factory=dict)  # kind -> see `judging.kind_scores`
    s2i_origins: Rows = field(default_factory=dict)
    differ: Rows = field(default_factory=dict)  # see `diversity.diversity`
    new: Rows = field(default_factory=dict)
    i2s: Rows = field(default_factory=dict)  # see `sounding.player_scores`
    i2s_kinds: Rows = field(default_factory=dict)
    varies: dict[str, Rows] = field(default_factory=dict)  # painter -> see `controls.controls`
    strange_sounds: Rows = field(default_factory=dict)  # see `rejection.rejection`
    strange_photos: Rows = field(default_factory=dict)
    representations: dict[str, Any] = field(default_factory=dict)  # see `representations.compare`
    ablation: dict[str, Any] = field(default_factory=dict)  # see `ablation.compare`; from the checkpoint's metadata
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def chance(self) -> float:
        """Percent: the kinds and "none of them" may be answered."""
        return 100 / (self.kinds + 1)

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON values; None for what could not be measured."""
        return without_nan({
            "checkpoint": self.checkpoint, "chance": self.chance, "s2i": self.s2i, "s2i_by_kind": self.s2i_kinds,
            "s2i_by_origin_of_the_sound": self.s2i_origins, "diversity": self.differ, "nearest_training_photo": self.new,
            "i2s": self.i2s, "i2s_by_kind": self.i2s_kinds, "noise_and_class": self.varies, "strange_sounds": self.strange_sounds,
            "strange_photos": self.strange_photos, "representations": self.representations, "ablation": self.ablation, "counts": self.counts,
            "notes": self.notes,
            "paper_s2i": {name: {"train": train, "test": test} for name, (train, test) in PAPER_S2I.items()},
            "paper_i2s": {name: {"train": train, "test": test} for name, (train, test) in PAPER_I2S.items()},
            "paper_representations": {name: {"3": three, "4": four} for name, (three, four) in PAPER_REPRESENTATIONS.items()},
        })  # fmt: skip

    def table(self) -> str:
        lines = [f"Checkpoint {self.checkpoint['name']} ({self.checkpoint['sha256'][:12]}), {self.kinds} instruments"]
        parts = (self._pictures, self._diversity, self._varies, self._sounds, self._strange, self._representations, self._ablation)
        for part in parts:
            lines += ["", *part()]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines)

    def _pictures(self) -> list[str]:
        lines = [
            f"Sound to picture: percent of {self.counts.get('test windows', 0)} pictures in which the instrument heard is seen",
            head("", ("judge,tr.", "judge", "eye,tr.", "eye", "judge|ear", "eye|ear", "INIS", "INIS,eye")),
            *(line(name, (row.get(c) for c in S2I_COLUMNS)) for name, row in self.s2i.items()),
            line(CHANCE, (self.chance,) * 4),
            "  judge: the paper's classifier, learnt from photos; eye: a second one; tr.: from training sounds; |ear: where the ear was right;",
            "  INIS: piano, saxophone, violin, drums, guitar among themselves (chance 20).",
            head("The paper, 13 instruments of Sub-URMP", ("train", "held out")),
            *(line(name, row) for name, row in PAPER_S2I.items()),
        ]
        for title, rows in (("By instrument, S2I-C", self.s2i_kinds), ("By origin of the sound, S2I-C", self.s2i_origins)):
            if rows:
                lines += ["", head(title, ("ear", "judge", "eye", "windows"))]
                lines += [line(name, (row[c] for c in ("ear", "judge", "eye", "windows"))) for name, row in rows.items()]
        return lines

    def _diversity(self) -> list[str]:
        lines = [head("Two pictures of a kind: mean distance; percent that have a twin", ("pixels", "features", "twins"))]
        lines += [line(name, (row[c] for c in ("pixels", "features", "twins")), (3, 3, 1)) for name, row in self.differ.items()]
        columns = ("pixels", "ratio", "features", "ratio")
        lines += ["", head("Nearest training photo of the kind: median distance; ratio to that of held-out photos", columns)]
        names = ("pixels", "pixels, ratio", "features", "features, ratio")
        return lines + [line(label, (row.get(c) for c in names), 3) for label, row in self.new.items()]

    def _varies(self) -> list[str]:
        lines = []
        for painter, rows in self.varies.items():
            lines.append(head(f"What varies the picture, {painter}", ("distance", "judge", "alike")))
            lines += [line(name, (row.get(c) for c in ("distance", "judge", "alike")), (3, 1, 1)) for name, row in rows.items()]
        return [*lines, "  alike: percent in which the judge sees what it sees in most of the group."] if lines else []

    def _sounds(self) -> list[str]:
        lines = [
            "Picture to sound: percent in which the instrument seen is heard",
            head("", ("ear", "2nd ear", "ear,again", "2nd,again", "ear|eye", "2nd|eye", "INIS")),
            *(line(name, (row.get(c) for c in I2S_COLUMNS)) for name, row in self.i2s.items()),
            line(CHANCE, (self.chance,) * 4),
            "  again: the waveform, analysed again; |eye: where the eye was right.",
            head("The paper, 13 instruments of Sub-URMP", ("train", "held out")),
            *(line(name, row) for name, row in PAPER_I2S.items()),
        ]
        if self.i2s_kinds:
            lines += ["", head("By instrument, held-out photos of both sources", ("eye", "ear", "2nd ear"))]
            lines += [line(name, (row.get(c) for c in ("eye", "ear", "second ear"))) for name, row in self.i2s_kinds.items()]
        return lines

    def _strange(self) -> list[str]:
        lines = []
        for title, rows in (("sounds", self.strange_sounds), ("photos", self.strange_photos)):
            if rows:
                lines.append(head(f"Refused as unknown, {title}: percent", ("refused", "AUC", "right", "items")))
                lines += [line(name, (row.get(c) for c in ("refused", "AUC", "right", "items"))) for name, row in rows.items()]
        return [*lines, "  right: percent of the accepted ones that are named rightly."] if lines else []

    def _representations(self) -> list[str]:
        found = self.representations
        if not found:
            return []
        title = f"The paper's sound classifier on {found['test_windows']} held-out windows, %"
        lines = [head(title, ("3 layers", "4 layers", "paper, 3", "paper, 4"))]
        for name, paper in PAPER_REPRESENTATIONS.items():  # the paper's order, which JSON does not keep
            ours = (found["rows"][name][depth]["accuracy"] for depth in ("3", "4"))
            lines.append(line(name, (*ours, *paper)))
        return [*lines, line(CHANCE, (found["chance"],) * 2)]

    def _ablation(self) -> list[str]:
        rows = self.ablation.get("rows", {})
        if not rows:
            return []
        title = f"Small painters after {self.ablation['steps']} steps, {self.ablation['windows']} held-out windows"
        lines = [head(title, ABLATION_COLUMNS)]
        lines += [line(name, (row.get(c) for c in ABLATION_COLUMNS), (1, 1, 2, 3, 1)) for name, row in rows.items()]
        return [*lines, "  distance: to the training photos, less is better; features: of two pictures of a kind; twins in percent."]
