"""A mouth that closes where the speech is silent, whatever the photo shows: the networks learned it, and mouths that smile forget it.

Where nothing is heard for a moment, the imagined points are moved so that the inner lips meet, in the directions in which mouths move.
The painter then paints those points, as it paints all others.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from avdemo.lips.config import INNER_PAIRS, POINTS
from avdemo.lips.network import Lips

SILENT_DB, HEARD_DB = -42.0, -32.0  # beside the speech's level: altogether silent, and altogether heard
LEAST_FRAMES = 4  # of silence: shorter gaps are stops of consonants
EASE = 3  # frames in which the mouth closes and opens
UPPER, LOWER = (0.35, -0.65)  # of the gap: by how much the upper lip goes down and the lower one up
UPPER_LIP = (1, 2, 3, 4, 5, 13, 14, 15)  # of the 20 points
LOWER_LIP = (7, 8, 9, 10, 11, 17, 18, 19)
ROUNDS = 3  # of closing: the few directions do not reach it at once
LEFT_OPEN = 0.006  # of the side: lips that meet


def silence_of(level: np.ndarray) -> np.ndarray:
    """How silent each video frame is, (T,) in [0, 1], from the speech's levels (T,), root mean squares."""
    louder = np.sort(level)[len(level) // 2 :]
    loud = max(1e-6, float(np.sqrt(np.square(louder, dtype=np.float64).mean())))
    db = 20 * np.log10(np.maximum(level, 1e-9) / loud)
    silent = np.clip((HEARD_DB - db) / (HEARD_DB - SILENT_DB), 0, 1).astype(np.float32)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (silent > 0.5).astype(int), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first < LEAST_FRAMES:
            silent[first:last] = 0
    kernel = np.hanning(2 * EASE + 1)
    padded = np.pad(silent, EASE, mode="edge")
    return np.minimum(silent, np.convolve(padded, kernel / kernel.sum(), "valid")).astype(np.float32)


class Resting:
    """Called with a window's photo, speech and place, it says where the mouth's points shall go.

    Args:
        level: of the speech at each video frame, (T,).
    """

    def __init__(self, network: Lips, level: np.ndarray):
        if not network.is_compact:
            raise ValueError("only the compact network has points that can be moved")
        self.network = network
        self.silence = torch.from_numpy(silence_of(level))

    def __call__(self, photo: Tensor, speech: Tensor, starts: list[int], lively: float) -> Tensor:
        """Photo (N, 3, S, S) in [-1, 1], speech (N, 1 + mels, columns), first frames of the windows -> shift (N, K, T)."""
        network = self.network
        points, state = network.look(photo)
        imagined, heard = network.imagination(speech, state)
        imagined = imagined + (lively - 1) * network.imagination.moved(heard).mean(1)
        frames = imagined.shape[2]
        silence = torch.zeros(len(starts), frames)
        for number, start in enumerate(starts):
            known = self.silence[start : start + frames]
            silence[number, : len(known)] = known
        silence = silence.to(imagined.device)
        if not float(silence.max()):
            return imagined
        closed = imagined.transpose(1, 2)  # (N, T, K)
        for _ in range(ROUNDS):
            there = points.unsqueeze(1) + network.shapes.way(closed)
            closed = closed + network.shapes.numbers(_towards_each_other(there, network.config.size))
        return imagined + silence.unsqueeze(1) * (closed.transpose(1, 2) - imagined)


def _towards_each_other(points: Tensor, size: int) -> Tensor:
    """How the lips have to move to meet: points (..., 20, 2) in pixels -> the same shape."""
    pairs = torch.tensor(INNER_PAIRS, device=points.device)
    gap = (points[..., pairs[:, 1], 1] - points[..., pairs[:, 0], 1]).mean(-1)
    gap = (gap - LEFT_OPEN * size).clamp_min(0)
    way = torch.zeros(POINTS, device=points.device)
    way[list(UPPER_LIP)], way[list(LOWER_LIP)] = UPPER, LOWER
    move = torch.zeros_like(points)
    move[..., 1] = gap.unsqueeze(-1) * way
    return move
