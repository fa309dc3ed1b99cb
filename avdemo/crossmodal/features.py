"""What conditions the generators in training and in validation: features of sounds by the ear, of pictures by the eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avdemo.corpora.mixtures import SoundPack
from avdemo.crossmodal.album import Album, disturb
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.hearing import Ear
from avdemo.crossmodal.seeing import Eye, Judge, normalise
from avdemo.crossmodal.windows import ORIGINS, WindowMaker

PLAYED = ("render", "notes", "phrase")  # origins whose windows hold the instrument alone; a recording may hold other things too


def draw_windows(packed: Path, config: CrossmodalConfig, split: str, per_kind: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Windows (N, samples) float32 of the kinds alone, and their class (N,); as many of each origin that the split has."""
    maker = WindowMaker(SoundPack(packed, config.kinds), config.kinds, split, config.window.samples, seed)
    wavs, kinds = [], []
    for kind in range(len(config.kinds)):
        have = [name for name, group in zip(ORIGINS, maker.of_kind[kind], strict=True) if group]
        have = [name for name in have if name in PLAYED] or have
        for number in range(per_kind if have else 0):
            wavs.append(maker.of(kind, np.random.default_rng([seed, 79, kind, number]), have[number % len(have)]))
            kinds.append(kind)
    return np.stack(wavs), np.array(kinds)


def paired_windows(packed: Path, config: CrossmodalConfig) -> np.ndarray:
    """The sound of every packed pair, (N, samples) float32; what a pair lacks at its end is silent."""
    sounds = SoundPack(packed, config.kinds)
    return np.stack([sounds.wav(number, 0, config.window.samples) for number in range(len(sounds.entries))])


@torch.no_grad()
def sound_features(ear: Ear, wavs: np.ndarray, batch: int = 64) -> np.ndarray:
    """Windows (N, samples) -> features (N, 128)."""
    device = next(ear.parameters()).device
    parts = torch.from_numpy(wavs).split(batch)
    return torch.cat([ear.feature(ear.spectrogram(part.to(device))).cpu() for part in parts]).numpy()


@torch.no_grad()
def spectrograms(ear: Ear, wavs: np.ndarray, batch: int = 64) -> np.ndarray:
    """Windows (N, samples) -> LMS (N, 1, M, T) uint8, 255 for 1."""
    parts = [((ear.spectrogram(part) + 1) * 127.5).round().to(torch.uint8) for part in torch.from_numpy(wavs).split(batch)]
    return torch.cat(parts).unsqueeze(1).numpy()


@torch.no_grad()
def picture_features(eye: Eye, album: Album, views: int = 0, seed: int = 0, batch: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 128) of an album's pictures on white and their class; ``views`` adds as many disturbed views of each."""
    device = next(eye.parameters()).device
    frames = torch.from_numpy(album.on_white())
    features = [torch.cat([eye.feature(part.to(device)).cpu() for part in frames.split(batch)])]
    generator = torch.Generator().manual_seed(seed)
    for _ in range(views):
        parts = torch.from_numpy(album.pixels).split(batch)
        features.append(torch.cat([eye.from_pictures(disturb(part, eye.size, generator).to(device)).cpu() for part in parts]))
    return torch.cat(features).numpy(), np.tile(album.kind, 1 + views)


def by_kind(features: np.ndarray, kind: np.ndarray, kinds: int) -> list[np.ndarray]:
    """Features (N, 128) and their class -> one array (M, 128) for each class."""
    return [features[kind == k] for k in range(kinds)]


@torch.no_grad()
def answers(model: Eye | Judge, pictures: Tensor, batch: int = 64) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, S, S) in [-1, 1] -> logits (N, kinds + 1) and features (N, 128)."""
    device = next(model.parameters()).device
    logits, features = [], []
    for part in pictures.split(batch):
        seen = model.from_pictures(part.to(device)) if isinstance(model, Eye) else model.feature(part.to(device))
        features.append(seen.float().cpu())
        logits.append(model.answer(seen).float().cpu())
    return torch.cat(logits), torch.cat(features)


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Kernel distance of two sets of features (N, D), (M, D) (KID, Binkowski et al. 2018): 0 for the same distribution, unbiased."""
    scale = second.std(0).clamp_min(1e-6)
    x, y = first / scale, second / scale

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(x), len(y)
    xx, yy = kernel(x, x), kernel(y, y)
    within = (xx.sum() - xx.diagonal().sum()) / (n * (n - 1)) + (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return float(within - 2 * kernel(x, y).mean())


def to_pictures(frames: np.ndarray) -> Tensor:
    """uint8 (N, S, S, 3) -> (N, 3, S, S) in [-1, 1]."""
    return normalise(torch.from_numpy(frames))
