"""Training of the eye and of the judge: photos, disturbed, and their class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.crossmodal.album import Album, disturb, load_album
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.seeing import Eye, Judge, normalise

OTHER_SHARE = 0.2  # of the pictures show none of the kinds
SMOOTHING = 0.05
TUNED = 0.15  # of the rate: what ImageNet taught moves slowly


class SightRecipe:
    """For :func:`avdemo.training.loop.fit`.

    Args:
        part: "eye" or "judge".
        init: state of MobileNetV2's blocks, for an eye that starts from ImageNet.
    """

    def __init__(
        self, config: CrossmodalConfig, packed: Path, part: str, batch_size: int, *, seed: int = 0, rate: float = 2e-3,
        init: Mapping[str, Tensor] | None = None,
    ):  # fmt: skip
        self.name = f"crossmodal-{part}-{config.name}"
        self.settings, self.config, self.part = config, config.as_dict(), part
        self.batch_size, self.seed, self.rate, self.init = batch_size, seed, rate, init
        self.size = config.eye_size if part == "eye" else Judge(config).size
        self.album = load_album(packed, config.kinds, "train", max(self.size, 96), drawn=part == "eye")
        self.of_kind = [np.flatnonzero(self.album.kind == k) for k in range(len(config.kinds) + 1)]
        self.held = load_album(packed, config.kinds, "val", self.size)

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 71, step, rank])
        n, kinds = self.batch_size // world, len(self.settings.kinds)
        other = rng.random(n) < OTHER_SHARE * bool(len(self.of_kind[kinds]))
        kind = np.where(other, kinds, rng.integers(kinds, size=n))
        numbers = [int(rng.choice(self.of_kind[k])) for k in kind]
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        pictures = disturb(torch.from_numpy(self.album.pixels[numbers]), self.size, generator)
        return {"pictures": pictures, "kind": torch.from_numpy(kind)}

    def build(self) -> nn.Module:
        if self.part == "judge":
            return Judge(self.settings)
        eye = Eye(self.settings)
        if self.init is not None and eye.small is None:
            missing, _ = eye.blocks.load_state_dict(dict(self.init), strict=False)
            if missing:
                raise ValueError(f"the initial weights lack {missing[:3]}")
        return eye

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        tuned = [p for name, p in model.named_parameters() if name.startswith("blocks.")]
        new = [p for name, p in model.named_parameters() if not name.startswith("blocks.")]
        groups = [{"params": new, "lr": self.rate}]
        return groups + ([{"params": tuned, "lr": TUNED * self.rate}] if tuned else [])

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        logits = model(batch["pictures"]).float()
        loss = F.cross_entropy(logits, batch["kind"], label_smoothing=SMOOTHING)
        return loss, {"accuracy": (logits.argmax(1) == batch["kind"]).float().mean()}

    def validate(self, model: nn.Module) -> dict[str, float]:
        return sight_scores(model, self.held, len(self.settings.kinds))

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.state_dict()


@torch.no_grad()
def see(model: Eye | Judge, frames: np.ndarray, batch: int = 64) -> Tensor:
    """Logits (N, kinds + 1) of pictures (N, S, S, 3) uint8."""
    device = next(model.parameters()).device
    parts = torch.from_numpy(frames).split(batch)
    return torch.cat([model(normalise(part.to(device))).float().cpu() for part in parts])


def sight_scores(model: Eye | Judge, album: Album, kinds: int) -> dict[str, float]:
    """Accuracy in [0, 1] on pictures of the kinds (``known``) and of other things (``other``); ``score`` weighs all classes alike."""
    kind = torch.from_numpy(album.kind)
    right = (see(model, album.on_white()).argmax(1) == kind).float()
    per_kind = torch.stack([right[kind == k].mean() for k in range(kinds + 1) if (kind == k).any()])
    return {"score": float(per_kind.mean()), "known": float(right[kind < kinds].mean()), "other": float(right[kind == kinds].mean())}
