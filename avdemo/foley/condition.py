"""What the networks of ``foley`` hand to each other: what a picture says of its sound, and what the SampleRNN is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """All that the sound of N clips gets from their pictures."""

    rows: Tensor  # (N, S, R): what is added to the coarsest tier's nodes: the token tier's, every 20 ms; or (N, F, R), the top one's
    start: Tensor  # (layers, N, D): that tier's state before the first sample
    loudness: Tensor | None  # (N, F) in [0, 1], decided from the picture: 0 is -60 dB, 1 full scale; None without that head
    kinds: Tensor | None  # (N, kinds + 1) logits of what is seen, the last for none of the kinds; None without that head
    gain_db: Tensor | None = (
        None  # (N, F): how much louder than it is written the sound is; None for a network that is not levelled
    )
    told: Tensor | None = (
        None  # (N, F): the loudness that the sound is held to, decided or given; None for one that is not levelled
    )
    blind: tuple[Tensor, Tensor] | None = None  # rows and start that tell a token tier no more than when and how loud, to be guided away from
    chances: Tensor | None = None  # (N, S) logits: whether a stroke begins in each 20 ms; None for a network that does not say
    strokes: Tensor | None = None  # (N, S): 1 where one does, decided or given

    def pick(self, clips: Sequence[int] | Tensor) -> Condition:
        """Those of these clips, in this order; a clip may come several times."""
        index = torch.as_tensor(clips, device=self.rows.device)
        return self._each(lambda name, part: part[:, index] if name == "start" else part[index])

    def to(self, device: str | torch.device) -> Condition:
        """The same on another device, in float32."""
        return self._each(lambda name, part: part.to(device, torch.float32))

    def _each(self, change: Callable[[str, Tensor], Tensor]) -> Condition:
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "blind"}
        parts = {name: None if value is None else change(name, value) for name, value in values.items()}
        blind = self.blind and (change("rows", self.blind[0]), change("start", self.blind[1]))
        return Condition(**parts, blind=blind)


class Nodes(NamedTuple):
    """What the nodes of the SampleRNN are told in N sounds, and what they begin with."""

    rows: Tensor  # (N, K, R): what is added to the top tier's nodes, and to the middle one's
    step: int  # samples that each of the K holds for
    start: Tensor  # (layers, N, D): the top tier's state before the first sample
    predictor: tuple[Tensor, Tensor] | None = None  # coefficients (N, K', P) and deviation (N, K'), for 64 samples each
