"""What a checkpoint that was put together says of the parts that were trained one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avdemo.checkpoints import load_file, opened, save
from avdemo.training.machine import versions


def metadata_of_parts(recipe: str, about: Mapping[str, Mapping[str, Any]], spokesman: str) -> dict[str, Any]:
    """Metadata of the whole: each part's own, minutes and items summed, device and seed as ``spokesman``, one of the parts, has them."""
    one = about[spokesman]
    return {
        "recipe": recipe,
        "parts": about,
        "minutes": round(sum(entry.get("minutes", 0.0) for entry in about.values()), 1),
        "items": sum(entry.get("items", 0) for entry in about.values()),
        "device": one.get("device", ""),
        "seed": one.get("seed", 0),
        "versions": versions(),
    }


def note(checkpoint: Path, name: str, table: Mapping[str, Any]) -> None:
    """Write a table that was measured into a checkpoint's metadata, in place of one of that name.

    Raises:
        WeightsError: the checkpoint is missing or damaged.
    """
    loaded = load_file(checkpoint)
    save(checkpoint, loaded.state, loaded.config, loaded.metadata | {name: dict(table)})


def noted(checkpoint: str | Path, name: str) -> dict[str, Any]:
    """What :func:`note` wrote, empty if nothing was.

    Raises:
        WeightsError: the checkpoint is missing or damaged.
    """
    return opened(checkpoint).metadata.get(name, {})
