"""Packed arrays for an evaluation: those that are there, or a small pack of the held-out data made for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from avdemo.corpora.pack_pairs import PairPlan, pack_pairs
from avdemo.errors import InputError


def held_out_pack(
    data: Path, work: Path, name: str, plan: PairPlan, *, packed: Path | None = None, progress: Callable[[float, str], None] | None = None
) -> Path:  # fmt: skip
    """:func:`held_out_folder` of players and their sounds.

    Args:
        plan: how much of the training data such a pack holds beside the held-out data.
    """
    return held_out_folder(data, work, name, lambda folder: pack_pairs(data, folder, plan=plan, progress=progress), packed=packed)


def held_out_folder(data: Path, work: Path, name: str, pack: Callable[[Path], object], *, packed: Path | None = None) -> Path:
    """The folder of packed arrays: ``packed`` or ``data`` itself when it is a pack, else one made below ``work``, once.

    Args:
        name: of the capability; it names the folder.
        pack: makes the arrays in a folder.

    Raises:
        InputError: there is neither.
    """
    if packed is not None and not (packed / "packed.json").is_file():
        raise InputError(f"The folder {packed.name} holds no packed.json; give a folder that training has packed completely.")
    folder = packed or data
    if not (folder / "packed.json").is_file():
        tag = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:10]
        folder = work / f"{name}-test-{tag}"
        if not (folder / "packed.json").is_file():
            pack(folder)
    return folder
