"""Which kind is seen: MobileNetV2's later blocks, as ImageNet left them, and a small network that names the kind by what they say.

What the eye learns beside the sound knows its few hundred photos; ImageNet's later blocks know a thousand things, dogs, drums, trains and
printers among them, and of photos that no training has shown they name far more. Every video frame is asked, and all of them vote.

Shapes: N clips, F video frames, M pictures, K kinds.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avdemo.backbones.mobilenet import mobilenet_features
from avdemo.foley.config import FoleyConfig
from avdemo.foley.seeing import BLOCKS, WIDTH

LAST = 17  # blocks of MobileNetV2 that are kept in all; the next one, a quarter of its weights, names nothing more
DEEP = 160  # channels of the last
SURE = 3.0  # power of the likelihoods of the kinds that are told
DROPPED = 0.1, 0.3  # while it learns: of what the blocks say, and of the hidden units


class Namer(nn.Module):
    """What the eye's blocks make of pictures -> the logits of the K kinds and of none of them."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        if config.eye == "tiny":
            self.blocks = nn.Sequential(nn.Conv2d(WIDTH, DEEP, 3, padding=1), nn.ReLU6())
        else:
            self.blocks = nn.Sequential(*list(mobilenet_features(LAST))[BLOCKS:])
        self.answer = nn.Sequential(
            nn.BatchNorm1d(2 * DEEP, affine=False), nn.Dropout(DROPPED[0]), nn.Linear(2 * DEEP, config.names), nn.ReLU(),
            nn.Dropout(DROPPED[1]), nn.Linear(config.names, len(config.kinds) + 1),
        )  # fmt: skip

    def train(self, mode: bool = True) -> Namer:
        super().train(mode)
        self.blocks.eval()
        return self

    def pooled(self, maps: Tensor) -> Tensor:
        """(M, 96, h, w) of :meth:`avdemo.foley.seeing.Eye.maps` -> (M, 320), means and maxima of what the later blocks say."""
        x = self.blocks(maps.contiguous(memory_format=torch.channels_last))
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(M, 96, h, w) -> logits (M, K + 1)."""
        return self.answer(self.pooled(maps)).float()


def among_kinds(logits: Tensor) -> Tensor:
    """Logits (N, kinds + 1) of what is seen -> what is told of the kinds, (N, kinds): how likely each is, if it is one of them, sharpened.

    Real pictures are named with doubt, and what is half of one kind and half of another sounds like neither.
    """
    return (SURE * logits[:, :-1].float()).softmax(1)


def blocks_from(view: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of :attr:`Namer.blocks` from ImageNet's features, whose keys count the blocks from the first."""
    found = {}
    for key, value in view.items():
        number, _, rest = key.partition(".")
        if number.isdigit() and BLOCKS <= int(number) < LAST:
            found[f"{int(number) - BLOCKS}.{rest}"] = value
    return found
