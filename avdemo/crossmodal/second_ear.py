"""The second ear: another sound classifier on the LMS, for a second opinion on sounds that the player made.

It shares nothing with the ear but the training sounds: other layers, other weights, other draws; and no player was ever trained
with it. It is the paper's sound classifier of four layers with three changes: more kernels, BatchNorm between (without it, it
heard 46 % of the validation windows rightly after 800 steps, with fresh windows), and a smaller FC layer, for the file's sake.

    python -m avdemo.crossmodal.second_ear --data PACK --out FILE --table JSON
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.checkpoints import load_file, load_into, opened, save
from avdemo.crossmodal.config import FEATURE, CrossmodalConfig, SoundWindow
from avdemo.crossmodal.ear_recipe import EarRecipe, Listener
from avdemo.crossmodal.hearing import log_mel_picture
from avdemo.crossmodal.representations import DROPOUT, kept_windows
from avdemo.training.disturb import colour, mask
from avdemo.training.loop import FitResult, Progress, TrainOptions, fit

SECOND_EAR = "crossmodal-second-ear"
WIDTHS, HIDDEN, MOMENTS = (12, 24, 48, 64), 192, 2  # kernels; units of the first FC layer; places in time that it tells apart
SEED = 1009  # added to the seed: other draws than the ear's
BATCH, STEPS = 64, 750


class SecondEar(nn.Module):
    """Like :class:`avdemo.crossmodal.hearing.Ear` for whoever asks for a spectrogram and an answer."""

    def __init__(self, window: SoundWindow, kinds: Sequence[str]):
        super().__init__()
        self.window, self.kinds = window, tuple(kinds)
        layers: list[nn.Module] = []
        for inputs, width in zip((1, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        bands = window.mels >> len(WIDTHS)
        self.convs = nn.Sequential(*layers, nn.AdaptiveAvgPool2d((bands, MOMENTS)), nn.Flatten())
        self.dense = nn.Sequential(
            nn.Linear(WIDTHS[-1] * bands * MOMENTS, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT[0]),
            nn.Linear(HIDDEN, FEATURE), nn.ReLU(), nn.Dropout(DROPOUT[1]), nn.Linear(FEATURE, len(kinds) + 1),
        )  # fmt: skip

    def spectrogram(self, wav: Tensor) -> Tensor:
        """(N, samples) -> (N, M, T) in [-1, 1]."""
        return log_mel_picture(wav, self.window)

    def forward(self, lms: Tensor) -> Tensor:
        """(N, M, T) -> logits (N, kinds + 1)."""
        return self.dense(self.convs(lms.unsqueeze(1).contiguous(memory_format=torch.channels_last)))


class SecondEarRecipe(EarRecipe):
    """The ear's training with this network in its place, on the spectrograms that the representations were compared on."""

    def __init__(self, config: CrossmodalConfig, lms: np.ndarray, kinds: np.ndarray, packed: Path, *, seed: int = 0):
        super().__init__(config, packed, BATCH, seed=seed + SEED)
        self.name = f"crossmodal-second-ear-{config.name}"
        self.config = {"window": asdict(config.window), "kinds": list(config.kinds)}
        self.lms, self.kinds = lms, kinds

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 83, step, rank])
        rows = np.sort(rng.integers(len(self.kinds), size=self.batch_size // world))
        return {"wav": torch.from_numpy(self.lms[rows].astype(np.float32)), "kind": torch.from_numpy(self.kinds[rows])}

    def build(self) -> nn.Module:
        return Drawn(SecondEar(self.settings.window, self.settings.kinds))


class Drawn(Listener):
    """A listener to whom spectrograms are shown that are there already."""

    def forward(self, lms: Tensor) -> Tensor:
        """(N, M, T) -> logits (N, kinds + 1)."""
        if self.training:
            lms = mask(colour(lms.unsqueeze(1), self.ear.window.range_db / 2)).squeeze(1).clamp(-1, 1)
        return self.ear(lms)


def train_second_ear(
    packed: Path, out: Path, config: CrossmodalConfig, *, minutes: float | None = None, steps: int | None = None, seed: int = 0,
    resume: bool = False, cache: Path | None = None, table: Mapping[str, Any] | None = None, progress: Progress | None = None,
    **sizes: int,
) -> FitResult:  # fmt: skip
    """Train it on packed sounds; for ``minutes`` or ``steps``, whichever is given.

    Args:
        cache: folder of the spectrograms, by default beside ``out``; those of :func:`avdemo.crossmodal.representations.compare` are
            used if it had the same folder, ``seed`` and ``sizes``.
        table: what it measured, to be kept in the checkpoint for the evaluation's table.
        sizes: "train" and "test_per_kind", numbers of windows.
    """
    shown, _ = kept_windows(packed, cache or out.parent, config, seed=seed, progress=progress, **sizes)
    recipe = SecondEarRecipe(config, shown.pictures["LMS"], shown.kinds, packed, seed=seed)
    options = TrainOptions(
        steps=steps or 10**7, batch_size=BATCH, max_minutes=minutes, seed=seed, bf16=True, channels_last=True, warmup_steps=50,
        schedule_by="steps" if minutes is None else "time", weight_decay=1e-2, ema_decay=0.99, validate_every=200, save_every=400,
        log_every=25,
    )  # fmt: skip
    result = fit(recipe, options, out, resume=resume, progress=progress)
    if table is not None:
        keep_table(out, table)
    return result


def keep_table(out: Path, table: Mapping[str, Any]) -> None:
    """Write the representations' table into the metadata of the second ear's checkpoint."""
    loaded = load_file(out)
    save(out, loaded.state, loaded.config, loaded.metadata | {"representations": dict(table)})


def open_second_ear(name: str | Path) -> SecondEar:
    """The second ear of a checkpoint (a name, or the path of a ``.safetensors`` file), in eval mode on the CPU.

    Raises:
        WeightsError: it is missing, damaged, or does not fit.
    """
    loaded = opened(name)
    network = SecondEar(SoundWindow(**loaded.config["window"]), loaded.config["kinds"])
    load_into(network, loaded.state, name=str(name))
    return network.eval()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of packed sounds")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write, NAME.safetensors")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--table", type=Path, help="what the representations scored, to be kept in the checkpoint")
    given = parser.parse_args()
    print(
        train_second_ear(
            given.data,
            given.out,
            CrossmodalConfig.compact(),
            steps=given.steps,
            table=json.loads(given.table.read_text()) if given.table else None,
            progress=lambda share, text: print(f"{share:.3f} {text}", flush=True),
        )
    )
