"""Pictures of what was heard, and what the judge sees in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avdemo.checkpoints.running import Model
from avdemo.crossmodal.chance import check_seed, is_whole, noise
from avdemo.crossmodal.models import CHECKPOINT, Progress, Stop, at_work, load_model, stepper
from avdemo.errors import InputError, LimitError

if TYPE_CHECKING:
    from avdemo.crossmodal.listening import Heard

NOISELESS = ("A",)  # an autoencoder learnt without noise: z = 0
MOST = 64  # pictures at once
WORDS = {"C": "all terms", "N": "trained without mismatches", "A": "an autoencoder, without a discriminator"}


def check_count(count: int) -> int:
    """The number itself.

    Raises:
        InputError, LimitError: not a whole number from 1 to MOST.
    """
    if not is_whole(count) or count < 1:
        raise InputError(f"{count} pictures cannot be painted; ask for 1 to {MOST}.")
    if count > MOST:
        raise LimitError(
            f"{count} pictures are more than are painted at once; ask for at most {MOST}, and for more with another seed."
        )
    return int(count)


def check_variant(model: Model, variant: str) -> str:
    """The name of a painter that the model has.

    Raises:
        InputError: there is none of that name.
    """
    have = model.network.config.variants
    if variant not in have:
        names = ", ".join(f"{name} ({WORDS[name]})" if name in WORDS else name for name in have)
        raise InputError(f"There is no painter {variant!r} in this model; it has {names}.")
    return variant


def paint(
    heard: Heard, *, count: int = 16, seed: int = 0, variant: str = "C", progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> np.ndarray:  # fmt: skip
    """Paint what was heard.

    Args:
        count: 1 ... MOST.
        seed: of the noise; picture ``i`` depends on the seed and on ``i`` only.
        variant: "C", "N" or "A": S2I-C, S2I-N, S2I-A.

    Returns:
        (count, S, S, 3) uint8.

    Raises:
        InputError, LimitError: a parameter cannot be used.
        Cancelled: ``cancelled`` said so.
    """
    count, seed = check_count(count), check_seed(seed)
    check_variant(heard.model, variant)
    step = stepper(progress, cancelled)
    pictures = []
    for number in range(count):
        step(number / count, f"Painting: picture {number + 1} of {count}")
        pictures.append(paint_one(heard.model, heard.feature, seed, number, variant))
    return np.stack(pictures)


def paint_one(model: Model, feature: np.ndarray, seed: int, number: int, variant: str) -> np.ndarray:
    """Feature (128,) and the ``number``-th noise of a seed -> a picture (S, S, 3) uint8.

    One at a time: a batch is not faster on a CPU, and its size would decide the last bits.
    """
    import torch

    length = model.network.config.painter.noise
    z = np.zeros(length, np.float32) if variant in NOISELESS else noise(seed, number, length)
    with at_work(model):
        known, chance = (torch.from_numpy(part[None]).to(model.device) for part in (feature, z))
        return model.network.paint(known, chance, variant)[0].cpu().numpy()


def judged(pictures: np.ndarray, *, checkpoint: str = CHECKPOINT) -> np.ndarray:
    """What the judge, the paper's picture classifier that learnt from real photos, sees in painted pictures.

    Args:
        pictures: (N, S, S, 3) uint8, of the painters' size.

    Returns:
        (N, kinds + 1) float32 probabilities, the last of none of the kinds.

    Raises:
        WeightsError: no usable checkpoint.
    """
    import torch

    from avdemo.crossmodal.seeing import normalise

    model = load_model(checkpoint)
    with at_work(model):
        logits = model.network.judge(normalise(torch.from_numpy(np.ascontiguousarray(pictures)).to(model.device)))
        return logits.float().softmax(1).cpu().numpy()
