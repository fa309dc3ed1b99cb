"""One checkpoint out of the parts that were trained one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from avdemo.checkpoints import load_file
from avdemo.checkpoints import save as save_checkpoint
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.network import Crossmodal
from avdemo.training.parts import metadata_of_parts

NOTED = ("steps", "items", "minutes", "seed", "device", "scores")


def part_prefix(part: str) -> str:
    """Where a part lives in :class:`avdemo.crossmodal.network.Crossmodal`: "ear" -> "ear.", "C" -> "painters.C."."""
    return f"{part}." if part in ("ear", "eye", "judge", "player") else f"painters.{part}."


def assemble(parts: Mapping[str, Path], config: CrossmodalConfig, out: Path) -> Path:
    """Write ``out`` from the checkpoints of the parts "ear", "eye", "judge", "player" and one for each variant.

    The metadata says for each part how it was trained; ``minutes`` and ``items`` are sums over them.

    Raises:
        WeightsError: a part is missing or damaged. RuntimeError: one does not fit the configuration.
    """
    state: dict[str, Tensor] = {}
    about: dict[str, dict[str, Any]] = {}
    for part, path in parts.items():
        loaded = load_file(path)
        state |= {part_prefix(part) + key: value for key, value in loaded.state.items()}
        about[part] = {name: loaded.metadata[name] for name in NOTED if name in loaded.metadata}
    Crossmodal(config).load_state_dict(state)
    metadata = metadata_of_parts(f"crossmodal-{config.name}", about, next(iter(about)))
    return save_checkpoint(out, state, config.as_dict(), metadata)
