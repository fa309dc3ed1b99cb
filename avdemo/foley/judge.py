"""The ears that judge, as a checkpoint of their own: taught once and the same on every machine, so that figures can be compared.

Three ears of :mod:`avdemo.foley.ear`, whose opinions are averaged: one alone hears ten in a hundred made sounds otherwise than the next
one does, though both are as often right about real ones. No network was trained with them and none was chosen by them; the app does not
use them.

    python -m avdemo.foley.judge --data PACK --out FILE
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.checkpoints import load_into, opened
from avdemo.corpora.foley_pack import FoleyPack
from avdemo.errors import WeightsError
from avdemo.foley.ear import ASKED_SEED, BATCH, RATE, UNIT_DB, Ear, windows_of
from avdemo.training.disturb import colour, mask
from avdemo.training.loop import FitResult, Progress, TrainOptions, fit

JUDGE = "foley-judge"
EARS = 3
LESSONS, ASKED, STEPS = 300, 40, 750  # windows of each kind that an ear learns from, and that it is asked about; steps
AT_ONCE = 64  # windows


class Jury(nn.Module):
    """Several ears, to be asked like one."""

    def __init__(self, kinds: int, sample_rate: int):
        super().__init__()
        self.ears = nn.ModuleList(Ear(kinds, sample_rate) for _ in range(EARS))

    def picture(self, wav: Tensor) -> Tensor:
        """(N, samples) -> (N, 1, mels, columns), the same for each."""
        return self.ears[0].picture(wav)

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 1, mels, columns) -> logarithm of the mean of their probabilities, (N, kinds)."""
        return torch.stack([ear(picture).float().softmax(1) for ear in self.ears]).mean(0).clamp_min(1e-9).log()


class Pupils(nn.Module):
    """The ears with the disturbances of training in front; each learns from draws of its own."""

    def __init__(self, jury: Jury):
        super().__init__()
        self.jury = jury

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, ears, 1, mels, columns) -> logits (N, ears, kinds)."""
        shown = pictures.unbind(1)
        return torch.stack([ear(mask(colour(part, UNIT_DB))).float() for ear, part in zip(self.jury.ears, shown, strict=True)], 1)


class JudgeRecipe:
    """For :func:`avdemo.training.loop.fit`. Validation: windows of the validation recordings.

    Args:
        lessons: windows of each kind, taken from the training recordings. asked: the same of the validation's.
    """

    def __init__(self, pack: FoleyPack, *, lessons: int = LESSONS, asked: int = ASKED, seed: int = 0):
        self.name, self.seed, self.kinds, self.rate = JUDGE, seed, tuple(pack.kinds), pack.sample_rate
        self.config: dict[str, Any] = {"kinds": list(self.kinds), "sample_rate": self.rate}
        self.pictures, self.labels = self._shown(pack, "train", lessons, seed)
        self.held, self.wanted = self._shown(pack, "val", asked, ASKED_SEED)

    @torch.no_grad()
    def _shown(self, pack: FoleyPack, split: str, per_kind: int, seed: int) -> tuple[Tensor, Tensor]:
        wavs, labels = windows_of(pack, split, self.kinds, per_kind, seed)
        ear = Ear(len(self.kinds), self.rate)
        return torch.cat([ear.picture(part) for part in wavs.split(AT_ONCE)]), labels

    def build(self) -> Pupils:
        return Pupils(Jury(len(self.kinds), self.rate))

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": list(model.parameters()), "lr": RATE}]

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 37, step, rank])
        chosen = torch.from_numpy(rng.integers(len(self.labels), size=(BATCH // world, EARS)))
        shift = int(rng.integers(self.pictures.shape[-1]))
        return {"picture": self.pictures[chosen].roll(shift, -1), "kind": self.labels[chosen]}

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        logits, kinds = model(batch["picture"]).flatten(0, 1), batch["kind"].flatten()
        loss = F.cross_entropy(logits, kinds, label_smoothing=0.05)
        return EARS * loss, {"right": (logits.argmax(1) == kinds).float().mean().detach()}

    def validate(self, model: nn.Module) -> dict[str, float]:
        logits = torch.cat([model.jury(part) for part in self.held.split(AT_ONCE)])
        right = (logits.argmax(1) == self.wanted).float()
        nats = float(F.cross_entropy(logits, self.wanted))
        return {"score": float(right.mean()) - 0.1 * nats, "right": float(right.mean()), "nats": nats}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.jury.state_dict()


def train_judge(
    packed: Path, out: Path, *, steps: int = STEPS, lessons: int = LESSONS, asked: int = ASKED, seed: int = 0, progress: Progress | None = None
) -> FitResult:  # fmt: skip
    """Teach the judges from packed arrays; the best by validation are written to ``out``."""
    recipe = JudgeRecipe(FoleyPack(packed), lessons=lessons, asked=asked, seed=seed)
    options = TrainOptions(
        steps=steps, batch_size=BATCH, seed=seed, warmup_steps=50, weight_decay=2e-2, ema_decay=0.99, validate_every=max(1, steps // 10),
        save_every=steps, log_every=25,
    )  # fmt: skip
    return fit(recipe, options, out, progress=progress)


def open_judge(name: str | Path, kinds: Sequence[str], sample_rate: int) -> Jury:
    """The judges of a checkpoint (a name, or the path of a ``.safetensors`` file), in eval mode.

    Raises:
        WeightsError: it is missing or damaged, or knows other kinds of sound.
    """
    loaded = opened(name)
    if (loaded.config["kinds"], loaded.config["sample_rate"]) != (list(kinds), sample_rate):
        raise WeightsError(f"{Path(name).stem} knows other kinds of sound than are asked about; teach ears for these.")
    jury = Jury(len(kinds), sample_rate)
    load_into(jury, loaded.state, name=str(name))
    return jury.eval()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of packed arrays, see python -m avdemo.corpora.pack_foley")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write, NAME.safetensors")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(
        train_judge(
            given.data, given.out, steps=given.steps, seed=given.seed, progress=lambda share, text: print(f"{share:.3f} {text}", flush=True)
        )
    )
