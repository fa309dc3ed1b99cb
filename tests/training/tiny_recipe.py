"""A recipe that trains in a blink, and a script that trains it: ``python tiny_recipe.py OUT OPTIONS_JSON [--resume]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import nn

from avdemo.training.loop import fit
from avdemo.training.options import TrainOptions

BATCH = 8


class TinyRecipe:
    """Which quarter of the plane a point lies in; with dropout, so that random numbers matter."""

    name = "tiny"

    def __init__(self, *, seed: int = 0, dropout: float = 0.2, lr: float = 0.02) -> None:
        self.seed, self.dropout, self.lr = seed, dropout, lr
        self.config = {"dropout": dropout, "width": 16}

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Dropout(self.dropout), nn.Linear(16, 4))

    def parameter_groups(self, model: nn.Module) -> list[dict]:
        first, last = model[0], model[3]
        return [{"params": list(first.parameters()), "lr": self.lr / 10}, {"params": list(last.parameters()), "lr": self.lr}]

    def batches(self, step: int, rank: int, world: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(1000 * self.seed + step)
        points = torch.randn(BATCH, 2, generator=generator)
        share = slice(rank * BATCH // world, (rank + 1) * BATCH // world)
        return {"points": points[share], "labels": ((points[:, 0] > 0) * 2 + (points[:, 1] > 0)).long()[share]}

    def loss(self, model: nn.Module, batch: dict) -> tuple[torch.Tensor, dict]:
        logits = model(batch["points"]).float()
        loss = nn.functional.cross_entropy(logits, batch["labels"])
        return loss, {"accuracy": (logits.argmax(1) == batch["labels"]).float().mean()}

    def validate(self, model: nn.Module) -> dict[str, float]:
        assert not model.training
        batch = self.batches(10**6, 0, 1)
        loss, parts = self.loss(model, batch)
        return {"score": -float(loss), "accuracy": float(parts["accuracy"])}

    def export(self, model: nn.Module) -> dict[str, torch.Tensor]:
        return model.state_dict()


def main(out: str, options: str, *flags: str) -> None:
    from accelerate import PartialState

    recipe = TinyRecipe(dropout=0.0 if "--no-dropout" in flags else 0.2)
    seen: dict[str, torch.Tensor] = {}
    built = recipe.build

    def build() -> nn.Module:
        model = built()
        seen.update(model.state_dict(keep_vars=True))
        return model

    recipe.build = build
    result = fit(
        recipe,
        TrainOptions(**json.loads(options)),
        Path(out),
        resume="--resume" in flags,
        progress=lambda share, sentence: print(f"{share:.3f} {sentence}", flush=True),
    )
    state = PartialState()
    torch.save({name: t.detach() for name, t in seen.items()}, f"{out}.rank{state.process_index}of{state.num_processes}")
    print(f"stopped={result.stopped} steps={result.steps_done}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
