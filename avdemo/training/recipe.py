"""What a capability supplies to be trained: data, network and objective behind one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn


@runtime_checkable
class Recipe(Protocol):
    """Data + network + objective, everything :func:`avdemo.training.loop.fit` does not know.

    A recipe is stateless during training: whatever changes lives in the model, so that a run can be resumed exactly.
    """

    name: str
    config: dict[str, Any]
    """JSON-able; goes into the checkpoint's metadata and must be enough to build the network again."""

    def build(self) -> nn.Module:
        """The network with its initial weights, on the CPU; called once, after the seed was set."""
        ...

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Optimizer groups, each ``{"params": [...], "lr": base_lr}``; a group may also set ``weight_decay``, ``betas``...

        The loop multiplies every base rate by the same schedule factor in [0, 1].
        """
        ...

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        """Batch number ``step`` (from 0) for process ``rank`` of ``world``: tensors on the CPU, items along dimension 0.

        A pure function of (the recipe's seed, ``step``, ``rank``, ``world``): draw from a generator seeded with them, never
        from the global generators, because background threads call this ahead of time. Give ``batch_size / world`` items:
        ``TrainOptions.batch_size`` counts the items of one step over all processes. For a result that does not depend on
        ``world``, draw the global batch's item numbers from ``step`` and return the slice that belongs to ``rank``.
        """
        ...

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        """The mean loss over ``batch`` (a scalar with gradient) and its parts for the log.

        Call the network through ``model(...)``, once: under several processes ``model`` is a DistributedDataParallel
        wrapper, which averages gradients only for what went through its ``forward`` and hides the network's own
        attributes. Runs under bfloat16 autocast when asked for; use losses on logits, and ``.float()`` where precision
        matters. Return parts as detached tensors rather than ``.item()``, so that a GPU is not made to wait.
        """
        ...

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Scores of ``model`` (the averaged weights, in eval mode, no gradients); ``"score"`` decides, higher is better.

        Runs on the main process only, so ``model`` is the plain network; the other processes wait.
        """
        ...

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        """What to ship: usually ``model.state_dict()`` without what can be rebuilt."""
        ...
