"""A network in training: its weights, their average, its optimizer, and one step of all three."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from avdemo.checkpoints import trains_in_bf16
from avdemo.training.average import Average
from avdemo.training.journal import Meter
from avdemo.training.machine import seed_everything
from avdemo.training.options import TrainOptions
from avdemo.training.recipe import Recipe


class Trainee:
    """Builds the recipe's network on the accelerator's device; under several processes, wraps it to share gradients.

    ``average`` exists on the main process only, the one that validates and saves. On several GPUs batch norm uses the
    statistics of the whole batch (on several CPU processes torch cannot: each normalises with its own share).
    """

    def __init__(self, recipe: Recipe, options: TrainOptions, accelerator: Accelerator, saved: dict[str, Any] | None) -> None:
        self.recipe, self.options, self.accelerator = recipe, options, accelerator
        self.device = accelerator.device
        self.bf16 = options.bf16 and trains_in_bf16(self.device)
        seed_everything(options.seed)
        model = recipe.build().to(self.device)
        if options.channels_last:
            model = model.to(memory_format=torch.channels_last)
        self.average = Average(model, options.ema_decay, options.ema_every) if accelerator.is_main_process else None
        if accelerator.num_processes > 1 and self.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        if saved:
            model.load_state_dict(saved["model"])
            if self.average is not None:
                self.average.model.load_state_dict(saved["average"])
        model.train()
        self.model = accelerator.prepare_model(model)
        if self.average is not None:
            self.average.follow(model)
        groups = recipe.parameter_groups(model)
        self.base_rates: list[float] = [group["lr"] for group in groups]
        self.parameters: list[nn.Parameter] = [p for group in groups for p in group["params"]]
        self.optimizer = _make_optimizer(groups, options)
        if saved:
            self.optimizer.load_state_dict(saved["optimizer"])

    def state_dicts(self) -> dict[str, Any]:
        """``{"model", "average", "optimizer"}`` as the constructor's ``saved`` takes them; main process only."""
        assert self.average is not None
        return {
            "model": self.accelerator.unwrap_model(self.model).state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def step(self, number: int, batch: dict[str, Tensor], factor: float, meter: Meter) -> bool:
        """Optimizer step ``number`` (from 0) with every base rate times ``factor``; adds the loss and its parts to ``meter``.

        False when the step was skipped because the gradient was not finite; the weights are as before then.
        """
        options = self.options
        seed_everything(options.seed, number, self.accelerator.process_index)
        for group, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * factor
        autocast = torch.autocast(self.device.type, dtype=torch.bfloat16) if self.bf16 else nullcontext()
        with autocast:
            loss, parts = self.recipe.loss(self.model, self._on_device(batch))
        self.accelerator.backward(loss)
        limit = options.clip_norm if options.clip_norm is not None else float("inf")
        # the gradient is already the mean over processes here, so every process sees the same norm and decides alike
        norm = self.accelerator.clip_grad_norm_(self.parameters, limit)
        finite = bool(torch.isfinite(norm))
        if finite:
            self.optimizer.step()
            if self.average is not None:
                self.average.update(number)
            meter.add(**{"loss": loss, "gradient_norm": norm, **parts})
        self.optimizer.zero_grad(set_to_none=True)
        return finite

    def _on_device(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        moved = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
        if self.options.channels_last:
            pictures = {name: tensor for name, tensor in moved.items() if tensor.dim() == 4}
            moved |= {name: tensor.contiguous(memory_format=torch.channels_last) for name, tensor in pictures.items()}
        return moved


def _make_optimizer(groups: list[dict[str, Any]], options: TrainOptions) -> torch.optim.Optimizer:
    # fused: one pass over memory instead of one per operation, on CPU and GPU
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=options.momentum, weight_decay=options.weight_decay, fused=True)
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, betas=options.betas, weight_decay=options.weight_decay, fused=True)
