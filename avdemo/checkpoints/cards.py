"""Model cards in Markdown: one per checkpoint (``NAME.md``), and the ``README.md`` of a Hub repository that holds several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from avdemo.checkpoints.index import CheckpointRecord

HUB_LICENCES = frozenset({
    "mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "openrail", "unlicense",
    "cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0",
    "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0",
})  # fmt: skip
"""Identifiers that the Hub knows (huggingface.co/docs/hub/repositories-licenses), those that weights of this project can have."""


def hub_licence(licence: str) -> str:
    """The Hub's identifier for a licence, ``"other"`` when it has none: ``"CC-BY-4.0 (photos)"`` -> ``"cc-by-4.0"``."""
    words = re.findall(r"[a-z0-9][a-z0-9.\-]*[a-z0-9]", licence.lower())
    return words[0] if words and words[0] in HUB_LICENCES else "other"


def card(entry: CheckpointRecord) -> str:
    """A checkpoint's card made from its record alone, for those without a ``NAME.md`` written by hand."""
    lines = [f"# {entry.name}", ""]
    if entry.summary:
        lines += [entry.summary, ""]
    lines += _facts(entry)
    if entry.preprocessing:
        lines += ["", "## What it must be fed", "", *_table("", "value", entry.preprocessing)]
    if entry.scores:
        lines += ["", "## Measured", "", *_table("score", "value", entry.scores)]
    return "\n".join(lines) + "\n"


def readme(entries: Sequence[CheckpointRecord], repo_id: str) -> str:
    """The repository's ``README.md``: metadata for the Hub, how to use the files, a section for each checkpoint."""
    from huggingface_hub import ModelCardData

    licences = {hub_licence(entry.licence) for entry in entries}
    one = licences.pop() if len(licences) == 1 else "other"
    data = ModelCardData(
        license=one,
        license_name="see-each-checkpoint" if one == "other" else None,
        library_name="pytorch",
        tags=["audio-visual", "avdemo", *sorted({entry.capability for entry in entries})],
    )
    title = repo_id.split("/")[-1]
    body = [
        "---",
        data.to_yaml(),
        "---",
        "",
        f"# {title}",
        "",
        "Checkpoints of **avdemo**, five audio-visual papers in one app. Each is a safetensors file (fp16) that carries its "
        "configuration in its metadata.",
        "",
        "The program finds them by itself. To fetch one into its weights folder and check its sha256:",
        "",
        "```",
        *(f"python -m avdemo weights pull {entry.name}" for entry in entries),
        "```",
    ]
    for entry in entries:
        body += ["", f"## {entry.name}", ""]
        if entry.summary:
            body += [entry.summary, ""]
        body += _facts(entry)
        if entry.scores:
            body += ["", *_table("score", "value", entry.scores)]
        body += ["", f"More in [{entry.name}.md]({entry.name}.md)."]
    return "\n".join(body) + "\n"


def card_of(entry: CheckpointRecord, folder: Path) -> str:
    """``NAME.md`` of the folder where there is one, else the card made from the record."""
    written = folder / f"{entry.name}.md"
    return written.read_text("utf-8") if written.is_file() else card(entry)


def _facts(entry: CheckpointRecord) -> list[str]:
    facts = {
        "capability": entry.capability,
        "configuration": entry.config,
        "file": f"`{entry.file}`, {entry.bytes / 1e6:.1f} MB",
        "sha256": f"`{entry.sha256}`",
        "made by": "this project's own training" if entry.origin == "trained" else "the paper's authors; converted",
        "training data": entry.training_data,
        "licence of the weights": entry.licence,
    }
    return _table("", "", {key: value for key, value in facts.items() if value})


def _table(first: str, second: str, rows: dict) -> list[str]:
    return [f"| {first} | {second} |", "|---|---|", *(f"| {_cell(key)} | {_cell(value)} |" for key, value in rows.items())]


def _cell(value: object) -> str:
    if isinstance(value, float):
        value = f"{value:.4g}"
    elif isinstance(value, dict):
        value = ", ".join(f"{key} {_cell(inner)}" for key, inner in value.items())
    elif isinstance(value, (list, tuple)):
        value = ", ".join(_cell(inner) for inner in value)
    return str(value).replace("|", "\\|").replace("\n", " ")
