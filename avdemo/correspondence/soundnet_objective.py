"""SoundNet's objective: the student's two distributions from the sound follow the teachers' from the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def divergence(logits: Tensor, wanted: Tensor) -> Tensor:
    """KL(teacher || student) of each item, in nats: (N, classes) scores and probabilities -> (N,) >= 0."""
    return (torch.xlogy(wanted, wanted) - wanted * F.log_softmax(logits.float(), -1)).sum(-1)


def soundnet_objective(answers: Sequence[Tensor], teachers: Sequence[Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Sum over the teachers of the mean KL(teacher || student).

    Args:
        answers: the student's scores (logits) for each teacher, (N, classes).
        teachers: each teacher's probabilities for the picture that goes with the sound, (N, classes), sums 1.

    Returns:
        the loss, and for the log ``loss``, ``kl_objects``, ``kl_kinds`` (nats).
    """
    objects, kinds = (divergence(logits, wanted).mean() for logits, wanted in zip(answers, teachers, strict=True))
    loss = objects + kinds
    return loss, {"loss": loss.detach(), "kl_objects": objects.detach(), "kl_kinds": kinds.detach()}
