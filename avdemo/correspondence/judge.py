"""The network with the little that evaluation needs: many pictures, many seconds of sound, every pair of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.correspondence.config import CorrespondenceConfig
from avdemo.correspondence.network import Correspondence
from avdemo.training import floor

BATCH = 16
POOL4 = (4, 3)  # places in frequency and time to which the paper pools conv4_2 for classification


class Judge:
    """Embeds lists and compares tables; everything it returns is numpy, float32."""

    def __init__(self, network: Correspondence):
        self.network, self.config = network.eval(), network.config
        self.device = network.fc1.weight.device

    @torch.inference_mode()
    def maps(self, frames: Iterable[np.ndarray]) -> Iterator[Tensor]:
        """uint8 (H, W, 3) frames -> each one's (D, h, w); neighbours of one size go through the network together."""
        for _, group in groupby(frames, key=np.shape):
            for part in _batches(group):
                seen = self.network.see(torch.from_numpy(np.stack(part)).to(self.device))
                yield from seen

    @torch.inference_mode()
    def pictures(self, frames: Iterable[np.ndarray]) -> np.ndarray:
        """Pooled pictures (N, Dv)."""
        pooled = [seen.amax((1, 2)).cpu() for seen in self.maps(frames)]
        return torch.stack(pooled).numpy() if pooled else np.zeros((0, self.config.vision_embed), np.float32)

    @torch.inference_mode()
    def sounds(self, wavs: np.ndarray, sample_rate: int) -> np.ndarray:
        """Windows of a second (N, samples) at ``sample_rate`` -> pooled sounds (N, Da)."""
        pooled = [self._hear(part, sample_rate).amax((2, 3)).cpu() for part in _batches(wavs)]
        return torch.cat(pooled).numpy() if pooled else np.zeros((0, self.config.audio_embed), np.float32)

    @torch.inference_mode()
    def sound_features(self, wavs: np.ndarray) -> np.ndarray:
        """Windows (N, samples) at the network's rate -> (N, 12 Da), pool4 at 4 x 3 places (paper, section 4.1)."""
        pool = nn.AdaptiveMaxPool2d(POOL4)
        return torch.cat([pool(self._hear(part, self.config.sample_rate)).flatten(1).cpu() for part in _batches(wavs)]).numpy()

    def _hear(self, wavs: list[np.ndarray], sample_rate: int) -> Tensor:
        stack = at_rate(np.stack(wavs), sample_rate, self.config.sample_rate)
        return self.network.hear(torch.from_numpy(fit_samples(stack, self.config.samples)).to(self.device))

    @torch.inference_mode()
    def log_odds(self, v: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Pooled pictures (..., Dv) and sounds (..., Da), broadcast: ln(p / (1 - p)) of "match". Unlike p it never saturates."""
        logits = self.network.fuse(torch.from_numpy(v).to(self.device), torch.from_numpy(a).to(self.device)).float()
        return (logits[..., 1] - logits[..., 0]).cpu().numpy()

    def table(self, v: np.ndarray, a: np.ndarray) -> np.ndarray:
        """Every picture (P, Dv) with every sound (S, Da): log odds (P, S)."""
        rows = [self.log_odds(v[first : first + 64, None], a[None]) for first in range(0, len(v), 64)]
        return np.concatenate(rows) if rows else np.zeros((0, len(a)), np.float32)

    def where(self, vision_map: Tensor, a: np.ndarray) -> np.ndarray:
        """Log odds (h, w) of a pooled sound (Da,) at each place of a map (D, h, w)."""
        return self.log_odds(vision_map.permute(1, 2, 0).cpu().numpy(), a)


def probability(log_odds: np.ndarray) -> np.ndarray:
    """In [0, 1], float64."""
    return 1 / (1 + np.exp(-np.clip(np.asarray(log_odds, np.float64), -700, 700)))


def at_rate(wavs: np.ndarray, sample_rate: int, wanted: int) -> np.ndarray:
    """(..., samples) at another rate, float32."""
    if sample_rate == wanted:
        return wavs.astype(np.float32, copy=False)
    from math import gcd

    from scipy.signal import resample_poly

    common = gcd(sample_rate, wanted)
    return resample_poly(wavs, wanted // common, sample_rate // common, axis=-1).astype(np.float32)


def fit_samples(wavs: np.ndarray, samples: int) -> np.ndarray:
    """(..., any) -> (..., samples): cut, or padded with silence."""
    short = samples - wavs.shape[-1]
    return np.ascontiguousarray(wavs[..., :samples]) if short <= 0 else np.pad(wavs, [(0, 0)] * (wavs.ndim - 1) + [(0, short)])


def _batches(items: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
    part: list[np.ndarray] = []
    for item in items:
        part.append(item)
        if len(part) == BATCH:
            yield part
            part = []
    if part:
        yield part


def untrained(config: CorrespondenceConfig, frames: np.ndarray, wavs: np.ndarray, seed: int = 0) -> Correspondence:
    """A network of this configuration with random weights: the floor. Its statistics are those of the given frames (N, H, W, 3) and
    windows (N, samples).
    """

    def show(network: Correspondence) -> None:
        network.see(torch.from_numpy(frames))
        network.hear(torch.from_numpy(wavs))

    return floor.untrained(lambda: Correspondence(config), show, seed)
