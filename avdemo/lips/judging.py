"""How well generated clips follow the true ones: likeness, sharpness, mouth points and opening as an independent finder sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from avdemo.lips.generation import SpeechBands, generate
from avdemo.lips.network import Lips
from avdemo.lips.points_recipe import find_points
from avdemo.lips.seeing import PointFinder
from avdemo.lips.testset import Asked
from avdemo.metrics.cpbd import cpbd
from avdemo.metrics.lmd import best_lag, correlation, lmd, opening
from avdemo.metrics.lmd import pooled_correlation as pooled
from avdemo.metrics.ssim_psnr import psnr, psnr_as_of_2018, ssim

LAGS = 2  # frames either way at which a clip may fit best
SILENCE_S, SETTLED_S = 1.2, 0.4  # of silence behind the speech, and after how much of it the mouth is looked at
SAMPLE_RATE, FPS = 16_000, 25


@dataclass(frozen=True)
class Seen:
    """A clip as it was made and judged: mouth points (T, 20, 2) px, and the scores of its frames."""

    points: np.ndarray
    scores: Mapping[str, float]
    look: np.ndarray  # what it looks like on the whole, see `look`


def make(network: Lips, asked: Asked, speech: np.ndarray) -> np.ndarray:
    """Frames (T, S, S, 3) uint8 for a clip's photo and some speech."""
    return np.stack(list(generate(network, asked.photo, speech)))[: len(asked.frames)]


@torch.inference_mode()
def told(network: Lips, asked: Asked) -> np.ndarray:
    """Frames when the painter is told the true mouth points instead of imagining them: what painting alone can reach."""
    config, total = network.config, len(asked.frames)
    bands = SpeechBands(asked.speech, config)
    photo = torch.from_numpy(asked.photo.transpose(2, 0, 1).copy())[None].float() / 127.5 - 1
    own, _ = network.look(photo)
    made = np.zeros_like(asked.frames)
    for first in [*range(0, total - config.frames, config.frames), total - config.frames]:
        part = slice(first, first + config.frames)
        shift = network.shapes.numbers(torch.from_numpy(asked.points[part]) - own).T[None]
        video, _, _ = network(photo, bands.window(first, config.frames)[None], shift)
        made[part] = ((video[0].permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
    return made


def see(judge: PointFinder, frames: np.ndarray, asked: Asked, known: np.ndarray, every: int) -> Seen:
    """Judge frames (T, S, S, 3) beside the true ones.

    Args:
        known: what the judge finds in the true frames, (T, 20, 2) px: both are seen by the same eyes.
        every: one frame in so many is compared.
    """
    points = find_points(judge, frames)
    pairs = list(zip(asked.frames[::every], frames[::every], strict=True))
    scores = {
        "lmd": lmd(known, points),
        "ssim": _mean(ssim(true, made) for true, made in pairs),
        "psnr": _mean(min(psnr(true, made), 60.0) for true, made in pairs),  # the photo's own frame would be infinitely alike
        "psnr 2018": _mean(min(psnr_as_of_2018(true, made), 60.0) for true, made in pairs),
        "cpbd": _mean(cpbd(made) for _, made in pairs),
    }
    return Seen(points, scores, look(frames))


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def look(frames: np.ndarray, cells: int = 16) -> np.ndarray:
    """Frames on the whole: their mean in 16 x 16 cells, (768,)."""
    mean = frames.astype(np.float32).mean(0)
    side = mean.shape[0] // cells
    return mean.reshape(cells, side, cells, side, 3).mean((1, 3)).reshape(-1)


def row(
    seen: Sequence[Seen], known: Sequence[np.ndarray], speakers: Sequence[str], looks: Sequence[np.ndarray]
) -> dict[str, float]:
    """A row of the table: means of the clips' scores, and the opening's correlations.

    "opening": pooled over clips; "of a clip": mean over clips; "speaker's lag": pooled, the sound of each speaker moved by the one of five
    lags that fits best; "own lag": so for each clip; "spread": of the openings beside the true ones; "identity": see :func:`identity`.
    The lags are chosen on the row itself, so read them beside the controls'.
    """
    true, made = [opening(points) for points in known], [opening(one.points) for one in seen]
    means = {name: _mean(one.scores[name] for one in seen) for name in seen[0].scores}
    own = [best_lag(t, m, LAGS)[0] for t, m in zip(true, made, strict=True)]
    alike = [correlation(t, m) for t, m in zip(true, made, strict=True)]
    return means | {
        "opening": pooled(true, made),
        "of a clip": float(np.nanmean(alike)),
        "speaker's lag": pooled(true, made, speaker_lags(true, made, speakers)),
        "own lag": pooled(true, made, own),
        "spread": float(np.sqrt(np.mean([m.var() for m in made]) / np.mean([t.var() for t in true]))),
        "identity": identity([one.look for one in seen], looks, speakers),
    }


def speaker_lags(true: Sequence[np.ndarray], made: Sequence[np.ndarray], speakers: Sequence[str]) -> list[int]:
    """Of each clip, the lag at which all clips of its speaker together fit best."""
    found = {}
    for speaker in set(speakers):
        group = [number for number, name in enumerate(speakers) if name == speaker]
        curves = [true[n] for n in group], [made[n] for n in group]
        found[speaker] = max(range(-LAGS, LAGS + 1), key=lambda lag: (pooled(*curves, [lag] * len(curves[0])), -abs(lag)))
    return [found[name] for name in speakers]


def identity(made: Sequence[np.ndarray], true: Sequence[np.ndarray], speakers: Sequence[str]) -> float:
    """Percent of the clips that look most like true clips of their own speaker: nearest by :func:`look` to any other clip's truth."""
    names, right = np.array(speakers), []
    for number, one in enumerate(made):
        distance = np.array([np.linalg.norm(one - other) for other in true])
        distance[number] = np.inf
        right.append(names[int(np.argmin(distance))] == names[number])
    return 100 * float(np.mean(right))


def in_silence(network: Lips, judge: PointFinder, asked: Sequence[Asked], known: Sequence[np.ndarray]) -> dict[str, float]:
    """How far mouths are open, in pixels: while something is said, and in silence after it; beside the true ones and the photos'."""
    quiet = np.zeros(int(SILENCE_S * SAMPLE_RATE), np.float32)
    said, silent, photo = [], [], []
    for one in asked:
        frames = np.stack(list(generate(network, one.photo, np.concatenate([one.speech, quiet]))))
        gaps = opening(find_points(judge, frames))
        said.append(gaps[: len(one.frames)].mean())
        silent.append(gaps[len(one.frames) + int(SETTLED_S * FPS) :].mean())
        photo.append(opening(find_points(judge, one.photo[None])).mean())
    true = [opening(points) for points in known]
    return {
        "speaking": float(np.mean(said)), "silence": float(np.mean(silent)), "the photo": float(np.mean(photo)),
        "true, speaking": float(np.mean([t.mean() for t in true])), "true, most closed": float(np.mean([np.quantile(t, 0.1) for t in true])),
    }  # fmt: skip
