"""By how many frames the mouth of a clip comes after its sound, where the footage itself is out of sync.

Two who can tell: the imagination, from the mouth's points, which serves training; and the expert for synchrony, from the frames, which never
learnt what the generator makes and so may say at which lag a held-out clip is to be judged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.corpora.lip_pack import Clip, LipPack
from avdemo.errors import InputError
from avdemo.lips.batches import as_video
from avdemo.lips.config import LipsConfig
from avdemo.lips.critics import SyncExpert
from avdemo.lips.windows import Windows
from avdemo.metrics.lmd import best_lag, opening

LAGS = 2  # frames either way


def is_doubtful(clip: Clip) -> bool:
    """Whether a clip's sync is to be looked for: whoever made the data scored it. Clips that were not scored count as in sync."""
    return clip.lag is not None


@torch.no_grad()
def imagine_openings(student: nn.Module, windows: Windows, clips: Sequence[Clip]) -> list[np.ndarray]:
    """The opening that a student (:class:`avdemo.lips.speech_recipe.Student`) imagines in each frame of whole clips, (frames,) pixels."""
    found = []
    for clip in clips:
        bands, known = windows.speech(clip, 0, clip.frames)
        speech = torch.from_numpy(np.concatenate([known[:, None], bands], 1).T[None].copy())
        photo = torch.from_numpy(windows.pack.points[clip.place][clip.frames // 2][None].copy())
        found.append(opening(student(speech, photo)[0].mean(0).numpy()))
    return found


def best_lags(true: Sequence[np.ndarray], imagined: Sequence[np.ndarray], doubtful: Sequence[bool]) -> list[int]:
    """Of each clip, by how many frames its true opening comes later than the imagined one; 0 where there is no doubt."""
    return [
        best_lag(one[: len(other)], other[: len(one)], LAGS)[0] if look else 0
        for one, other, look in zip(true, imagined, doubtful, strict=True)
    ]


def heard_lags(student: nn.Module, pack: LipPack, config: LipsConfig) -> dict[str, int]:
    """The lags of all doubtful clips of the training and validation splits that have mouth points, by the clips' names."""
    found = {}
    for split in ("train", "val"):
        windows = Windows(pack, config, split)
        clips = [clip for clip in windows.clips if is_doubtful(clip) and clip.has_points]
        true = [opening(pack.points[clip.place]) for clip in clips]
        lags = best_lags(true, imagine_openings(student, windows, clips), [True] * len(clips))
        found |= {clip.name: lag for clip, lag in zip(clips, lags, strict=True)}
    return found


@torch.no_grad()
def seen_lags(expert: SyncExpert, windows: Windows, clips: Sequence[Clip]) -> dict[str, int]:
    """The lags that the expert for synchrony sees in the true frames: the mean cosine over the clip decides; 0 where there is no doubt."""
    config = expert.config
    found = {}
    for clip in clips:
        if not is_doubtful(clip):
            found[clip.name] = 0
            continue
        firsts = range(0, clip.frames - config.frames + 1, max(1, config.frames // 4))
        frames = np.stack([windows.pack.frames[clip.first + first :][: config.frames] for first in firsts])
        seen = expert.see(as_video(torch.from_numpy(frames)))
        scores = {lag: _agreement(expert, seen, windows, clip, firsts, lag) for lag in range(-LAGS, LAGS + 1)}
        found[clip.name] = max(scores, key=lambda lag: (scores[lag], -abs(lag)))
    return found


def _agreement(expert: SyncExpert, seen: Tensor, windows: Windows, clip: Clip, firsts: range, lag: int) -> float:
    parts = (windows.speech(clip, first - lag, expert.config.frames) for first in firsts)
    speech = np.stack([np.concatenate([known[:, None], bands], 1).T for bands, known in parts])
    return float((seen * expert.hear(torch.from_numpy(speech))).sum(2).mean())


def write_lags(path: Path, lags: dict[str, int]) -> None:
    """As JSON: clip name -> frames."""
    path.write_text(json.dumps(lags, indent=0), encoding="utf-8")


def read_lags(path: Path) -> dict[str, int]:
    """Inverse of :func:`write_lags`.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        return {str(name): int(lag) for name, lag in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"The lags of the clips cannot be read from {path.name} ({error}); train the part speech again."
        ) from error
