"""What an evaluation of lips found, as a table and as a dictionary, beside the paper's rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from avdemo.metrics.tables import head, line, without_nan

Rows = dict[str, dict[str, float]]  # row -> column -> value

OURS, SWAPPED, STILL, RANDOM = "ours", "ours, somebody else's speech", "the still photo", "random weights"
TOLD, TRUE = "ours, told the true mouth points", "the true frames"
LIKENESS = ("lmd", "ssim", "psnr", "psnr 2018", "cpbd", "identity")
SYNCHRONY = ("opening", "of a clip", "speaker's lag", "own lag", "spread")
SPEAKER = ("opening", "lmd", "psnr", "cpbd", "true cpbd", "clips")
DIGITS = {
    "lmd": 2,
    "ssim": 3,
    "cpbd": 3,
    "true cpbd": 3,
    "psnr": 1,
    "psnr 2018": 1,
    "identity": 0,
    "clips": 0,
}  # two for all others

PAPER = {  # LMD, SSIM, PSNR as of 2018, CPBD; paper, table 3
    "Vondrick et al., GRID": (2.38, 0.60, 28.45, 0.129), "Chung et al., GRID": (1.35, 0.74, 29.36, 0.016),
    "the paper's full model, GRID": (1.18, 0.73, 29.89, 0.175), "the paper's full model, LDC": (1.82, 0.57, 28.87, 0.172),
    "the paper's full model, LRW": (1.92, 0.53, 28.65, 0.075),
}  # fmt: skip
PAPER_ABLATION = {  # LMD, SSIM, PSNR as of 2018, CPBD on GRID; paper, table 1
    "gen only": (1.37, 0.67, 29.46, 0.176), "pix only": (1.28, 0.79, 29.81, 0.006), "gen + pix": (1.33, 0.66, 29.66, 0.182),
    "gen + pix + perc": (1.31, 0.70, 29.40, 0.209), "full": (1.18, 0.73, 29.98, 0.175),
    "full, non-derivative correlation": (1.96, 0.52, 28.6, 0.218), "full, two-stream discriminator": (1.39, 0.68, 29.59, 0.187),
    "two-stream discriminator, no correlation": (1.42, 0.59, 29.46, 0.176),
    "full, frame-difference discriminator": (1.40, 0.66, 29.51, 0.210),
}  # fmt: skip
PAPER_COLUMNS = ("lmd", "ssim", "psnr 2018", "cpbd")

EXPLAINED = (
    "  lmd: px at 64 px, mean-centred, per point and frame, by the judge in both; psnr 2018: as the paper's script computed it, with bytes",
    "  that wrap around; cpbd: sharpness; identity: percent of clips whose nearest true clip is of the same speaker.",
)
LAGS_EXPLAINED = (
    "  opening: correlation with the true opening, pooled; of a clip: mean over clips; speaker's / own lag: with the best of five lags for",
    "  each speaker / clip, chosen on the row itself; spread: of the openings beside the true ones.",
)


@dataclass
class Evaluation:
    """Rows are ours, controls, floors and bounds; columns as :func:`avdemo.lips.judging.row` says."""

    checkpoint: dict[str, str]
    rows: Rows = field(default_factory=dict)
    speakers: Rows = field(default_factory=dict)
    silence: dict[str, float] = field(default_factory=dict)  # see `judging.in_silence`
    judge: dict[str, float] = field(default_factory=dict)  # how well the judge sees held-out speakers
    ablation: dict[str, Any] = field(default_factory=dict)  # see `ablation.measure`; from the checkpoint's metadata
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON values; None for what could not be measured."""
        paper = {
            table: {name: dict(zip(PAPER_COLUMNS, row, strict=True)) for name, row in rows.items()}
            for table, rows in (("paper", PAPER), ("paper_ablation", PAPER_ABLATION))
        }
        return without_nan({
            "checkpoint": self.checkpoint, "rows": self.rows, "by_speaker": self.speakers, "opening_in_silence": self.silence,
            "judge": self.judge, "ablation": self.ablation, "counts": self.counts, "notes": self.notes, **paper,
        })  # fmt: skip

    def table(self) -> str:
        counts = self.counts
        lines = [
            f"Checkpoint {self.checkpoint['name']} ({self.checkpoint['sha256'][:12]}): {counts['clips']} clips, {counts['frames']} frames of "
            f"{counts['speakers']} speakers that no training saw",
            "", *_table("Likeness", self.rows, LIKENESS), *EXPLAINED,
            "", *_table("Synchrony", {name: row for name, row in self.rows.items() if "opening" in row}, SYNCHRONY), *LAGS_EXPLAINED,
            "", *_paper("The paper, on its own data", PAPER),
            "", *_table("By speaker, ours", self.speakers, SPEAKER),
        ]  # fmt: skip
        if self.silence:
            lines += ["", head("Mean opening, px", self.silence), line(OURS, self.silence.values(), 2)]
        if self.judge:
            lines += [
                "",
                head("The judge on the true frames, beside the data's points", self.judge),
                line("judge", self.judge.values(), 2),
            ]
        if rows := self.ablation.get("rows"):
            title = f"Ablation: {self.ablation['minutes']:g} minutes each from the same painter"
            columns = (*LIKENESS[:-1], "opening", "own lag")
            lines += ["", *_table(title, rows, columns), *_paper("The paper's ablation, GRID", PAPER_ABLATION)]
        return "\n".join(lines + (["", *self.notes] if self.notes else []))


def _table(title: str, rows: Rows, columns: tuple[str, ...]) -> list[str]:
    digits = [DIGITS.get(name, 2) for name in columns]
    short = {"speaker's lag": "sp. lag"}
    return [
        head(title, (short.get(name, name) for name in columns)),
        *(line(name, (row.get(c) for c in columns), digits) for name, row in rows.items()),
    ]


def _paper(title: str, rows: dict[str, tuple[float, ...]]) -> list[str]:
    digits = [DIGITS[name] for name in PAPER_COLUMNS]
    return [head(title, PAPER_COLUMNS), *(line(name, row, digits) for name, row in rows.items())]
