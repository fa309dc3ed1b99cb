"""Training of the expert for synchrony on real clips; frozen, it then teaches the generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.corpora.lip_pack import LipPack
from avdemo.lips.batches import as_video, window_batch
from avdemo.lips.config import LipsConfig
from avdemo.lips.critics import SyncExpert
from avdemo.lips.objective import contrast_loss
from avdemo.lips.windows import Windows

RATE = 1.5e-3
HELD = 96  # validation windows
LARGEST_SCALE = 3.5  # logarithm: what cosines are multiplied by stays under 33


class SyncRecipe:
    """For :func:`avdemo.training.loop.fit`: whole windows, of which the expert looks at several places."""

    def __init__(
        self, config: LipsConfig, pack: LipPack, batch_size: int, *, lags: Mapping[str, int] | None = None, seed: int = 0
    ):
        self.name, self.config = f"lips-sync-{config.name}", config.as_dict()
        self.settings, self.batch_size, self.seed = config, batch_size, seed
        self.windows, self.held = (Windows(pack, config, split, seed, lags=lags) for split in ("train", "val"))

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 41, step, rank])
        return window_batch(self.windows, self.windows.draw(rng, self.batch_size // world), rng)

    def build(self) -> nn.Module:
        return _Pair(SyncExpert(self.settings))

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": list(model.parameters()), "lr": RATE}]

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        loss, right, _ = model(as_video(batch["frames"]), batch["speech"])
        return loss, {"place": right}

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """The loss, the share of frames that find their own place among three, and how often their own speech beats another's."""
        rng = np.random.default_rng(0)
        windows = self.held.held(HELD)
        losses, rights, wins = [], [], []
        for first in range(0, len(windows), 24):
            batch = window_batch(self.held, windows[first : first + 24], rng, changed=False)
            loss, right, cosines = model(as_video(batch["frames"]), batch["speech"])
            own = cosines.diagonal()
            others = ~torch.eye(len(own), dtype=torch.bool)
            losses.append(float(loss))
            rights.append(float(right))
            wins.append(float((own[:, None] > cosines)[others].float().mean()) if len(own) > 1 else np.nan)
        return {"score": -float(np.mean(losses)), "place": float(np.mean(rights)), "beats another": float(np.nanmean(wins))}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.expert.state_dict()


class _Pair(nn.Module):
    """An expert's loss in one call."""

    def __init__(self, expert: SyncExpert):
        super().__init__()
        self.expert = expert

    def forward(self, video: Tensor, speech: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> loss, share at the right place, and the mean cosine (N, N) of each window's frames with each window's speech."""
        seen, heard = self.expert.see(video), self.expert.hear(speech)
        loss, right = contrast_loss(seen, heard, self.expert.scale.clamp(max=LARGEST_SCALE).exp())
        return loss, right, torch.einsum("npd,mpd->nm", seen, heard).detach() / seen.shape[1]
