"""The model card of a trained checkpoint: ``weights/NAME.md``, what a stranger needs to know before using it.

A score table reads only beside what nothing, chance and perfection score: every card therefore takes the floors and
controls measured with the checkpoint, and the paper's own row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avdemo.errors import StorageError

Value = float | int | str | None


@dataclass(frozen=True)
class ScoreRow:
    """One line of a score table: ``scores`` by column name; numbers are shown with two decimals, None as a dash."""

    label: str
    scores: Mapping[str, Value]
    kind: str = "ours"
    """``"ours"`` or a key of :data:`KINDS`, whose words are put beside the label."""


@dataclass(frozen=True)
class ScoreTable:
    """Scores measured in one way; ``note`` says on what, and how they are defined."""

    title: str
    rows: Sequence[ScoreRow]
    note: str = ""

    def columns(self) -> list[str]:
        """Every column that any row has, in order of appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row.scores))


KINDS = {
    "ours": "",
    "floor": "floor: what doing nothing scores",
    "control": "control: should fail",
    "bound": "upper bound",
    "paper": "as the paper reports, on its own data",
}


def write_card(
    path: Path,
    *,
    what: str,
    data: str,
    licence: str,
    command: str,
    config: Mapping[str, Any],
    tables: Sequence[ScoreTable] = (),
    limits: Sequence[str] = (),
    device: str = "",
    minutes: float | None = None,
    items: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write the card ``NAME.md`` at ``path``; whole or not at all.

    Args:
        path: beside the checkpoint; the file's stem is the checkpoint's name.
        what: one or two sentences: what goes in, what comes out, after which paper.
        data: what it was trained on, with counts, sources and what was held out.
        licence: under which terms the weights may be used, and because of which data.
        command: the line that trains it again.
        config: the network's configuration, as in the checkpoint.
        tables: measured scores with floors, controls, bounds and the paper's row.
        limits: sentences on what it cannot do.
        device, minutes, items: what training took; taken from ``metadata`` where left out.
        metadata: the checkpoint's own (:func:`avdemo.training.loop.fit` writes it); adds seed, steps and versions.

    Raises:
        ValueError: a text that must be there is empty, a table has no rows, or a row is of an unknown kind.
        StorageError: the file cannot be written.
    """
    for name, text in (("what", what), ("data", data), ("licence", licence), ("command", command)):
        if not text.strip():
            raise ValueError(f"A model card needs {name!r}.")
    about = metadata or {}
    device = device or str(about.get("device", ""))
    minutes = about.get("minutes") if minutes is None else minutes
    items = about.get("items") if items is None else items
    lines = [f"# {path.stem}", "", what.strip(), "", "## Training", ""]
    facts = {
        "data": data,
        "device": device,
        "time": "" if minutes is None else f"{minutes:.0f} minutes" if minutes >= 10 else f"{minutes:.1f} minutes",
        "items seen": "" if items is None else f"{items:,}",
        "steps": f"{about['steps']:,}" if "steps" in about else "",
        "processes": str(about["processes"]) if about.get("processes", 1) != 1 else "",
        "seed": str(about.get("seed", "")),
        "versions": ", ".join(f"{name} {number}" for name, number in about.get("versions", {}).items()),
    }
    lines += [f"- {name}: {_one_line(text)}" for name, text in facts.items() if text]
    lines += ["", "```", command.strip(), "```"]
    if tables:
        lines += ["", "## Scores"]
        for table in tables:
            lines += ["", *_table(table)]
    if limits:
        lines += ["", "## Limits", "", *(f"- {_one_line(limit)}" for limit in limits)]
    lines += ["", "## Licence", "", licence.strip()]
    lines += ["", "## Configuration", "", "```json", json.dumps(dict(config), indent=2, sort_keys=True), "```"]
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise StorageError(f"The model card {path.name} could not be written ({error.strerror or error}).") from error
    return path


def _table(table: ScoreTable) -> list[str]:
    if not table.rows:
        raise ValueError(f"The score table {table.title!r} has no rows.")
    unknown = {row.kind for row in table.rows} - KINDS.keys()
    if unknown:
        raise ValueError(f"The score table {table.title!r} has rows of the unknown kind {', '.join(sorted(unknown))}.")
    columns = table.columns()
    lines = [f"### {table.title}", ""]
    if table.note:
        lines += [table.note.strip(), ""]
    lines += ["| | " + " | ".join(_cell(name) for name in columns) + " |"]
    lines += ["|---|" + "---:|" * len(columns)]
    for row in table.rows:
        label = _cell(row.label) + (f" ({KINDS[row.kind]})" if KINDS[row.kind] else "")
        cells = [_cell(row.scores.get(name)) for name in columns]
        if row.kind == "ours":
            label, cells = f"**{label}**", [f"**{cell}**" for cell in cells]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return lines


def _cell(value: Value) -> str:
    if value is None:
        return "–"
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    return _one_line(text).replace("|", "\\|")


def _one_line(text: str) -> str:
    return " ".join(text.split())
