"""Speech and a tiny network made for the lips tests, also of the browser, and where the app's examples lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).resolve().parents[2] / "avdemo" / "lips" / "examples"


def syllables(seconds: float, rate: int = 16_000, pauses: tuple[tuple[float, float], ...] = ()) -> np.ndarray:
    """Noise in the rhythm of syllables, (1, samples), silent in the pauses (from, to) in seconds."""
    at = np.arange(round(seconds * rate)) / rate
    wav = 0.2 * np.random.default_rng(1).normal(size=len(at)) * np.maximum(0, np.sin(2 * np.pi * 4 * at)) ** 2
    for first, last in pauses:
        wav[(at >= first) & (at < last)] = 0
    return wav[None].astype(np.float32)


def tiny_lips():
    """An untrained network of the debug configuration whose lips move visibly."""
    import torch

    from avdemo.lips.config import LipsConfig
    from avdemo.lips.network import Lips

    torch.manual_seed(3)
    network = Lips(LipsConfig.debug())
    with torch.no_grad():
        network.imagination.motion.weight.mul_(60)
        for parameter in network.painter.parameters():
            parameter.add_(0.15 * torch.randn_like(parameter))
        at = torch.linspace(0, 2 * torch.pi, 21)[:-1]
        network.finder.middle.copy_(0.5 + torch.stack([-0.28 * torch.cos(at), 0.12 * torch.sin(at)], 1))
    return network.eval()
