"""Windows as the tensors that a training step takes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from avdemo.lips.windows import Look, Window, Windows, disturb_speech


def window_batch(
    windows: Windows, drawn: list[Window], rng: np.random.Generator, *, changed: bool = True, speech_of: list[Window] | None = None,
    kept: int | None = None,
) -> dict[str, Tensor]:  # fmt: skip
    """Windows as tensors: "frames" (N, T, S, S, 3) and "photo" (N, S, S, 3) uint8, "points" (N, T, 20, 2), "speech" (N, 1 + mels, columns).

    Args:
        changed: mirrored, moved, coloured, and heard differently at random.
        speech_of: windows whose speech is taken instead.
        kept: so many frames of each window, drawn at random; then "chosen" (N, kept) says which, in order.
    """
    config = windows.config
    items: dict[str, list[np.ndarray]] = {"frames": [], "photo": [], "points": [], "speech": []}
    if kept is not None:
        items["chosen"] = [np.sort(rng.permutation(windows.config.frames)[:kept]) for _ in drawn]
    for number, window in enumerate(drawn):
        frames, photo, points = windows.frames(window), windows.photo(window), windows.points(window)
        if kept is not None:
            frames, points = frames[items["chosen"][number]], points[items["chosen"][number]]
        if changed:
            look = Look.draw(rng, config.size)
            both = look.frames(np.concatenate([frames, photo[None]]))
            frames, photo, points = both[:-1], both[-1], look.points(points, config.size)
        items["frames"].append(frames)
        items["photo"].append(photo)
        items["points"].append(points)
        items["speech"].append(heard_by(windows, speech_of[number] if speech_of else window, rng if changed else None))
    return {name: torch.from_numpy(np.stack(values)) for name, values in items.items()}


def heard_by(windows: Windows, window: Window, rng: np.random.Generator | None) -> np.ndarray:
    """The networks' input of a window's speech (1 + mels, columns), heard differently with ``rng``."""
    bands, known = windows.speech(window.clip, window.first, windows.config.frames)
    if rng is not None:
        bands = disturb_speech(bands, rng) * known[:, None]
    return np.concatenate([known[:, None], bands], 1).T.astype(np.float32)


def as_video(frames: Tensor) -> Tensor:
    """(N, T, S, S, 3) uint8 -> (N, 3, T, S, S) in [-1, 1]."""
    return (frames.float() / 127.5 - 1).permute(0, 4, 1, 2, 3)


def as_pictures(frames: Tensor) -> Tensor:
    """(N, S, S, 3) uint8 -> (N, 3, S, S) in [-1, 1]."""
    return (frames.float() / 127.5 - 1).permute(0, 3, 1, 2)


def as_frames(video: Tensor) -> np.ndarray:
    """(N, 3, T, S, S) in [-1, 1] -> (N, T, S, S, 3) uint8."""
    return ((video.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 4, 1).contiguous().cpu().numpy()
