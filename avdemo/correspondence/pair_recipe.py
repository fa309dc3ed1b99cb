"""The compact configurations' data + network + objective: pairs from packed arrays, every picture asked about every sound.

The paper draws one pair at a time. Here the towers run once for each of N pictures and N sounds, and the fusion, which costs next
to nothing, judges all N x N pairs: one match and many mismatches for each picture, weighted half and half.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.pairs import MADE, REAL, ClipPack, PairMaker
from avdemo.correspondence.config import KINDS, CorrespondenceConfig
from avdemo.correspondence.disturb import DROPPED, DROPPED_MAPS, UNIT_DB
from avdemo.correspondence.network import Correspondence
from avdemo.correspondence.objective import NEGATIVE, POSITIVE, pair_loss, pair_table
from avdemo.correspondence.pictures import picture_table
from avdemo.training.disturb import colour, mask

CROPPED = 0.4  # of the pictures that one photo fills are seen only through a random part
SMALLEST_PART = 0.5  # of each side
VALIDATION_PAIRS = 700
MADE_SHARE = 0.7  # of the validation score; the rest are real clips


class PairTable(nn.Module):
    """The network asked about all pairs of a batch; ``disturbed`` in training as :mod:`avdemo.correspondence.disturb` says."""

    def __init__(self, network: Correspondence, disturbed: bool = False):
        super().__init__()
        self.network, self.disturbed = network, disturbed

    def forward(self, pictures: Tensor, parts: Tensor | None, wav: Tensor) -> Tensor:
        """Pictures (N, S, S, 3) uint8, or what the frozen blocks saw in them (N, h, w, 320) float16; the part of each that
        may be seen (N, h, w) in {0, 1}; sounds (N, samples) -> logits (N, N, 2), rows are pictures.
        """
        network, disturbed = self.network, self.disturbed and self.training
        if pictures.dtype == torch.uint8:
            seen = network.vision(network.normalise(pictures))
        else:
            maps = pictures.permute(0, 3, 1, 2).float()
            seen = network.vision.understand(F.dropout2d(maps, DROPPED_MAPS) if disturbed else maps)
        seen = seen if parts is None else seen * parts[:, None]  # activations are >= 0: what is hidden cannot win the maximum
        spec = network.log_spec(wav)
        spec = mask(colour(spec, UNIT_DB)) if disturbed else spec
        heard = network.audio(spec.contiguous(memory_format=torch.channels_last))
        v, a = seen.amax((2, 3)), heard.amax((2, 3))
        if disturbed:
            v, a = F.dropout(v, DROPPED), F.dropout(a, DROPPED)
        return network.fuse(v[:, None], a[None])


class PairRecipe:
    """For :func:`avdemo.training.loop.fit`.

    Args:
        pictures, held: arrays of :func:`avdemo.correspondence.pictures.draw_pictures` (or their maps) of the splits train
            and val, with the record of the pictures beside them.
        init: state of MobileNetV2's blocks, for a vision tower that starts from ImageNet.
        rivals: sounds of other videos that each picture is asked about; None: all of the batch.
    """

    def __init__(
        self, config: CorrespondenceConfig, packed: Path, pictures: tuple[Path, Path], held: tuple[Path, Path], batch_size: int, *,
        seed: int = 0, init: Mapping[str, Tensor] | None = None, start: Mapping[str, Tensor] | None = None, rivals: int | None = None,
        rate: float = 1e-3, disturbed: bool = False,
    ):  # fmt: skip
        self.name = f"correspondence-{config.name}"
        self.settings, self.config = config, config.as_dict()
        self.batch_size, self.seed, self.init, self.start, self.rivals, self.rate = batch_size, seed, init, start, rivals, rate
        self.disturbed = disturbed
        sounds, clips = SoundPack(packed, KINDS), ClipPack(packed)
        common = {"sample_rate": config.sample_rate, "samples": config.samples}
        table, self.whole = picture_table(pictures[0])
        self.pictures = np.load(pictures[1], mmap_mode="r")
        self.maker = PairMaker(sounds, clips, table, split="train", seed=seed, **common)
        held_table, _ = picture_table(held[0])
        self.held_pictures = np.load(held[1], mmap_mode="r")
        self.held_maker = PairMaker(sounds, clips, held_table, split="val", seed=seed + 1, real_share=0.4, **common)
        self.held = self._batch(self.held_maker, self.held_pictures, range(VALIDATION_PAIRS), None)

    # ---- the data --------------------------------------------------------------------------------------------------

    def _parts(self, items, rng: np.random.Generator) -> np.ndarray:
        side = self.settings.frame_size // self.settings.stride
        parts = np.ones((len(items), side, side), np.float32)
        for number, item in enumerate(items):
            if self.whole[item.picture] and rng.random() < CROPPED:
                high, wide = (int(rng.integers(round(SMALLEST_PART * side), side + 1)) for _ in range(2))
                top, left = int(rng.integers(side - high + 1)), int(rng.integers(side - wide + 1))
                parts[number] = 0
                parts[number, top : top + high, left : left + wide] = 1
        return parts

    def _batch(self, maker: PairMaker, pictures: np.ndarray, indices, rng: np.random.Generator | None) -> dict[str, Tensor]:
        items = [maker.item(i) for i in indices]
        seen, heard = (torch.zeros(len(items), len(KINDS), dtype=torch.bool) for _ in range(2))
        for number, item in enumerate(items):
            seen[number, list(maker.table.kinds[item.picture])] = True
            heard[number, list(item.heard)] = True
        batch = {
            "pictures": torch.from_numpy(np.stack([pictures[item.picture] for item in items])),
            "wav": torch.from_numpy(np.stack([item.wav for item in items]).astype(np.float32)),
            "video": torch.tensor([item.video for item in items]),
            "domain": torch.tensor([item.domain for item in items]),
            "has_pair": torch.tensor([item.has_pair for item in items]),
            "seen": seen,
            "heard": heard,
        }
        if rng is not None:
            batch["parts"] = torch.from_numpy(self._parts(items, rng))
        return batch

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        share = self.batch_size // world
        first = step * self.batch_size + rank * share
        rng = np.random.default_rng([self.seed, 43, step, rank])
        return self._batch(self.maker, self.pictures, range(first, first + share), rng)

    # ---- network and objective -------------------------------------------------------------------------------------

    def build(self) -> nn.Module:
        network = Correspondence(self.settings)
        if self.settings.vision == "mobilenet_v2" and self.init is not None:
            missing, _ = network.vision.features.load_state_dict(self.init, strict=False)
            if missing:
                raise ValueError(f"the initial weights lack {missing[:3]}")
        if self.start is not None:
            network.load_state_dict(self.start)
        return PairTable(network, self.disturbed)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": [p for p in model.parameters() if p.requires_grad], "lr": self.rate}]

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        logits = model(batch["pictures"], batch["parts"], batch["wav"])
        loss, parts = pair_loss(logits, self._table(batch))
        return loss, {"loss": loss.detach(), **parts}

    def _table(self, batch: Mapping[str, Tensor]) -> Tensor:
        generator = torch.Generator(batch["video"].device).manual_seed(int(batch["video"].abs().sum()) + self.seed)
        asked = (batch[name] for name in ("video", "domain", "seen", "heard", "has_pair"))
        return pair_table(*asked, self.rivals, generator)

    def validate(self, model: nn.Module) -> dict[str, float]:
        return held_scores(*judge_held(model.network, self.held), self.held["domain"])

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.network.state_dict()


@torch.no_grad()
def judge_held(network: Correspondence, held: Mapping[str, Tensor], batch: int = 48) -> tuple[Tensor, Tensor]:
    """All pictures of a held batch against all of its sounds.

    Returns:
        margins (N, N), the logit of "match" minus that of "mismatch", and what :func:`pair_table` says of each pair.
    """
    device = next(network.parameters()).device
    v, a = [], []
    for pictures, wav in zip(held["pictures"].split(batch), held["wav"].split(batch), strict=True):
        pictures = pictures.to(device)
        known = pictures.dtype != torch.uint8
        seen = network.vision.understand(pictures.permute(0, 3, 1, 2).float()) if known else network.see(pictures)
        v.append(seen.amax((2, 3)))
        a.append(network.hear(wav.to(device)).amax((2, 3)))
    logits = network.fuse(torch.cat(v)[:, None], torch.cat(a)[None]).float().cpu()
    asked = (held[name] for name in ("video", "domain", "seen", "heard", "has_pair"))
    return logits[..., 1] - logits[..., 0], pair_table(*asked, None, torch.Generator())


def held_scores(margins: Tensor, table: Tensor, domain: Tensor) -> dict[str, float]:
    """Balanced accuracy on made and on real pairs, in [0, 1], and the weighted mean of both as ``score``."""
    scores = {}
    for name, number in (("made", MADE), ("real", REAL)):
        rows = (domain == number)[:, None]
        right = [(margins[(table == POSITIVE) & rows] > 0).float(), (margins[(table == NEGATIVE) & rows] < 0).float()]
        scores[name] = float(sum(r.mean() for r in right) / 2) if all(len(r) for r in right) else float("nan")
        scores[f"{name}_matches"] = float(right[0].mean())
    known = [(scores[n], share) for n, share in (("made", MADE_SHARE), ("real", 1 - MADE_SHARE)) if scores[n] == scores[n]]
    return {"score": sum(s * w for s, w in known) / sum(w for _, w in known), **scores}
