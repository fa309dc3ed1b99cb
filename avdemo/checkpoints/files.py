"""Tensors <-> safetensors files that say themselves how to build the network they belong to.

Stored: floating tensors of two or more dimensions (convolutions, matrices) as fp16, which halves the file and moves an output
by about 1e-3; smaller floating ones (biases, batch-norm weights and running statistics) as fp32, because a running variance
can leave fp16's range and they weigh next to nothing; integers and booleans as they are. Loaded: every float as fp32.

The file's metadata holds one JSON object, ``{"config": {...}, "metadata": {...}}``, under the key ``avdemo``. One key only:
safetensors writes several in random order, and the same weights should be the same bytes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from avdemo.checkpoints.index import CheckpointRecord, record
from avdemo.checkpoints.integrity import sha256_of
from avdemo.checkpoints.store import resolve
from avdemo.errors import StorageError, WeightsError

_KEY = "avdemo"
_LARGEST_HALF = torch.finfo(torch.float16).max
_NAMED = 3  # how many keys a sentence lists before it counts the others


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory."""

    record: CheckpointRecord | None  # None for a file that has no record
    config: dict  # arguments of the network's configuration
    state: dict[str, Tensor]  # floats as fp32
    metadata: dict  # what the recipe noted: steps, seed, versions
    path: Path
    sha256: str


def _stored(key: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu()
    if not tensor.is_floating_point():
        return tensor.clone().contiguous()
    largest = max(-tensor.min(), tensor.max()) if tensor.numel() else tensor.new_tensor(0)  # min and max hand NaN on
    if not torch.isfinite(largest):
        raise WeightsError(f"The tensor {key} holds values that are not finite, so this checkpoint was not written.")
    half = tensor.ndim >= 2 and largest <= _LARGEST_HALF
    return tensor.to(torch.float16 if half else torch.float32, copy=True).contiguous()


def save(path: str | Path, state: Mapping[str, Tensor], config: Mapping, metadata: Mapping | None = None) -> Path:
    """Write a checkpoint (see the top of this module for the precisions); whole or not at all.

    Args:
        path: ``NAME.safetensors``; its folder is made when missing.
        state: a state dict, on any device.
        config: what rebuilds the network, JSON values only.
        metadata: anything worth keeping about the run, JSON values only.

    Raises:
        WeightsError: a tensor holds NaN or infinity.
        StorageError: the file cannot be written.
    """
    path = Path(path)
    header = {_KEY: json.dumps({"config": dict(config), "metadata": dict(metadata or {})}, sort_keys=True, allow_nan=False)}
    tensors = {key: _stored(key, tensor) for key, tensor in state.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".save-", dir=path.parent) as folder:
            save_file(tensors, Path(folder) / path.name, metadata=header)
            os.chmod(Path(folder) / path.name, 0o644)
            os.replace(Path(folder) / path.name, path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(
            f"The checkpoint {path.name} could not be written ({reason}); make room or choose another folder."
        ) from error
    return path


def load_file(path: str | Path, *, device: torch.device | str | None = None, entry: CheckpointRecord | None = None) -> Loaded:
    """Read a checkpoint file as it is, without asking whether its bytes are the recorded ones.

    Raises:
        WeightsError: missing, truncated, not safetensors, or without this project's configuration.
    """
    path = Path(path)
    sha256 = sha256_of(path)
    try:
        with safe_open(path, framework="pt", device=str(device or "cpu")) as file:
            header = (file.metadata() or {}).get(_KEY)
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"The checkpoint file {path.name} is damaged or not a safetensors file ({error}); get it anew."
        ) from error
    try:
        about = json.loads(header) if header else {}
        config, metadata = about["config"], about["metadata"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise WeightsError(f"The file {path.name} carries no configuration, so it was not written by this program.") from error
    state = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in state.items()}
    return Loaded(entry, config, state, metadata, path, sha256)


def load(name: str, *, device: torch.device | str | None = None) -> Loaded:
    """Resolve, verify and read a checkpoint by name.

    Args:
        name: a record's name, such as ``"pixels-compact"``.
        device: where to put the tensors; the CPU by default.

    Raises:
        WeightsError: see :func:`avdemo.checkpoints.store.resolve` and :func:`load_file`.
    """
    entry = record(name)
    return load_file(resolve(name), device=device, entry=entry)


def opened(name: str | Path) -> Loaded:
    """A checkpoint by its name, verified, or, if it ends in ``.safetensors``, by its path, as it is.

    Raises:
        WeightsError: it is missing or damaged.
    """
    return load_file(name) if str(name).endswith(".safetensors") else load(str(name))


def load_into(module: nn.Module, state: Mapping[str, Tensor], *, name: str | None = None) -> None:
    """Copy the state into the module; every key must be there, none may be left over, every shape must agree.

    Args:
        name: what to call the checkpoint in the sentence.

    Raises:
        WeightsError: which keys are missing, unexpected, or of another shape. The module is left as it was.
    """
    trouble = misfit({key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}, state)
    if trouble:
        raise WeightsError(f"The checkpoint{f' {name}' if name else ''} does not fit {type(module).__name__}: {trouble}.")
    module.load_state_dict(dict(state), strict=True)


def misfit(expected: Mapping[str, tuple[int, ...]], state: Mapping[str, Tensor]) -> str | None:
    """How the state differs from the expected keys and shapes, in a few words; None when it does not."""
    parts = []
    if missing := [key for key in expected if key not in state]:
        parts.append(f"missing {_some(missing)}")
    if unexpected := [key for key in state if key not in expected]:
        parts.append(f"unexpected {_some(unexpected)}")
    shapes = [
        f"{key} ({_size(state[key].shape)} instead of {_size(shape)})"
        for key, shape in expected.items()
        if key in state and tuple(state[key].shape) != tuple(shape)
    ]
    if shapes:
        parts.append(f"another shape in {_some(shapes)}")
    return "; ".join(parts) or None


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a single number"


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
