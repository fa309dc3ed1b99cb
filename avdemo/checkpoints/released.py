"""Bring in what a paper's authors released as PyTorch pickles: read safely, checked key by key, kept as safetensors."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from avdemo.checkpoints.files import misfit, save
from avdemo.checkpoints.index import CheckpointRecord, register
from avdemo.checkpoints.integrity import sha256_of
from avdemo.errors import WeightsError


def read_released(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a ``.pth`` file, on the CPU, without the ``module.`` that ``DataParallel`` puts before each key.

    ``weights_only=True``: a pickle can run any code when opened; this reads tensors and refuses everything else.

    Raises:
        WeightsError: missing, truncated, not a PyTorch file, or more than a plain dict of tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"The file {path.name} is missing; give the path of a released .pth file.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"The file {path.name} was refused: it is more than a PyTorch state dict and could run code when opened."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise WeightsError(f"The file {path.name} is truncated or not a PyTorch file; download it again.") from error
    plain = isinstance(state, Mapping) and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items())
    if not plain or not state:
        raise WeightsError(f"The file {path.name} does not hold a state dict (names with tensors); give the released file.")
    return {key.removeprefix("module."): tensor for key, tensor in state.items()}


def import_released(
    files: Mapping[str, str | Path], network: nn.Module, *, out: str | Path, config: Mapping, **fields
) -> CheckpointRecord:
    """Convert released files into one checkpoint with a record.

    Args:
        files: submodule of the network -> released file, as in ``{"sound": "sound_best.pth"}``.
        network: its keys and shapes are what the files must have; its values are not read (it may be on the meta device).
        out: ``NAME.safetensors``; its record goes into the ``index.json`` beside it.
        config: what rebuilds the network; its ``name`` goes into the record.
        fields: further fields of the record, ``capability`` among them.

    Raises:
        WeightsError: a file cannot be read, or does not fit its submodule; two files that were swapped are named as such.
        StorageError: the checkpoint cannot be written.
    """
    expected = {part: {k: tuple(v.shape) for k, v in network.get_submodule(part).state_dict().items()} for part in files}
    joined: dict[str, Tensor] = {}
    for part, path in files.items():
        state = read_released(path)
        whole = {**_counters(expected[part]), **state}
        trouble = misfit(expected[part], whole)
        if trouble:
            others = [o for o in files if o != part and not misfit(expected[o], {**_counters(expected[o]), **state})]
            hint = f"; it is the {others[0]} file, so check the order" if others else ""
            raise WeightsError(f"The file {Path(path).name} does not fit the {part} network: {trouble}{hint}.")
        joined.update({f"{part}.{key}": tensor for key, tensor in whole.items()})
    source = {part: {"file": Path(path).name, "sha256": sha256_of(path)} for part, path in files.items()}
    written = save(out, joined, config, {"source": source})
    return register(written, origin="imported", config=config.get("name", ""), **fields)


def _counters(expected: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Batch norm's counters of steps, which PyTorch before 0.4.1 did not write and inference does not read."""
    return {key: torch.tensor(0) for key in expected if key.endswith("num_batches_tracked")}
