"""Training of what the speech says about the mouth's motion, on mouth points alone: no picture is touched, so that it takes minutes.

**Lags.** Broadcast footage is up to two frames out of sync, each video by another amount: neighbouring clips of one video agree about it.
Taken as it is, it teaches a blurred motion. So each segment is compared at every lag up to two frames, and counts at those that fit
it best; clips that are known to be in sync hold the answer in place. :mod:`avdemo.lips.lags` then tells the lag of each clip.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.corpora.lip_pack import Clip, LipPack
from avdemo.errors import InputError
from avdemo.lips.config import POINTS, LipsConfig
from avdemo.lips.lags import LAGS, best_lags, imagine_openings, is_doubtful
from avdemo.lips.network import Imagination, Shapes
from avdemo.lips.objective import motion_loss
from avdemo.lips.windows import MIRRORED, Windows, disturb_speech, silence
from avdemo.metrics.lmd import correlation
from avdemo.metrics.lmd import opening as opening_of
from avdemo.metrics.lmd import pooled_correlation as pooled

SEGMENT = 32  # frames: most clips have hardly more
FASTER = 0.15  # by how much speech and lips are sped up or slowed down together
JITTER_PX = 0.6  # at 64 px: points of a photo are found with about such an error
FALLING_SILENT = 0.12  # of the segments: a part is silent and the mouth closed
SILENT_FRAMES = (5, 20)
CLOSING = 3  # frames in which the mouth closes and opens, of which nothing is asked
CLOSED_PX = 1.5  # opening at 64 px under which a mouth counts as closed
DOUBTED_FROM = 300  # steps: before, the imagination knows too little to say which sound belongs to a frame
BELIEF = 6.0  # how sure a segment's losses are of its lag: about the number of its frames that are independent of each other
LAG_PRIOR = 0.1  # by which each squared frame of lag is less likely, as a natural logarithm
RATE = 3e-3
OTHER = 11  # clips further: whose speech is the control


def fit_shapes(pack: LipPack, config: LipsConfig) -> Shapes:
    """The directions in which mouths vary most, from all training points: differences from the speaker's mean mouth, put where the clip's is.

    Raises:
        InputError: the pack knows no points of training clips.
    """
    clips = [clip for clip in pack.of("train") if clip.has_points]
    if not clips:
        raise InputError(f"The packed clips in {pack.folder.name} have no mouth points; training needs some with landmarks.")
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        by_speaker.setdefault(clip.speaker, []).append(clip)
    size, ways, means = pack.size_px, [], []
    for group in by_speaker.values():
        points = [pack.points[clip.place].astype(np.float64) / size for clip in group]
        mean = np.concatenate([p - p.mean(1, keepdims=True) for p in points]).mean(0)
        means.append(mean)
        ways += [(p - p.mean((0, 1)) - mean).reshape(len(p), -1) for p in points]
    way = np.concatenate(ways)
    values, vectors = np.linalg.eigh(way.T @ way / len(way))
    order = np.argsort(values)[::-1][: config.generator.shapes]
    shapes = Shapes(config)
    basis = vectors[:, order].T * np.sqrt(np.maximum(values[order], 1e-12))[:, None]
    basis *= np.where(basis.sum(1, keepdims=True) < 0, -1, 1)  # eigenvectors have no sign of their own
    shapes.basis.copy_(torch.from_numpy(basis))
    usual = np.mean(means, 0)
    shapes.usual.copy_(torch.from_numpy(((usual + usual[list(MIRRORED)] * (-1, 1)) / 2).reshape(-1)))
    return shapes


class Student(nn.Module):
    """The parts of :class:`avdemo.lips.network.Lips` that are trained here, under the names that they have there."""

    def __init__(self, config: LipsConfig, shapes: Shapes):
        super().__init__()
        self.shapes, self.imagination = shapes, Imagination(config)

    def forward(self, speech: Tensor, photo_points: Tensor) -> Tensor:
        """Speech (N, 1 + mels, columns) and the photo's points (N, 20, 2) in pixels -> points of all frames as each listener imagines them
        (N, listeners, T, 20, 2).
        """
        moved = self.imagination.moved(self.imagination.listener(speech))
        shift = moved - self.imagination.still(self.shapes.state(photo_points))[:, None, :, None]
        return photo_points[:, None, None] + self.shapes.way(shift.transpose(2, 3))


class SpeechRecipe:
    """For :func:`avdemo.training.loop.fit`."""

    def __init__(self, config: LipsConfig, pack: LipPack, batch_size: int, *, seed: int = 0):
        self.name, self.config = f"lips-speech-{config.name}", config.as_dict()
        self.settings, self.pack, self.batch_size, self.seed = config, pack, batch_size, seed
        self.shapes = fit_shapes(pack, config)
        self.windows, self.held = (Windows(pack, config, split, seed) for split in ("train", "val"))
        for windows in (self.windows, self.held):
            keep = np.array([clip.has_points for clip in windows.clips])
            windows.clips = [clip for clip, has in zip(windows.clips, keep, strict=True) if has]
            windows.weights = windows.weights[keep] / windows.weights[keep].sum()
        self.closed = self._closed_mouths()

    def _closed_mouths(self) -> dict[int, np.ndarray]:
        """Clip number -> its most closed mouth (20, 2), for clips in which it closes."""
        found = {}
        for clip in self.windows.clips:
            points = self.pack.points[clip.place]
            gaps = opening_of(points)
            if gaps.min() < CLOSED_PX * self.pack.size_px / 64:
                found[clip.number] = points[gaps.argmin()]
        return found

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, 37, step, rank])
        numbers = rng.choice(len(self.windows.clips), self.batch_size // world, p=self.windows.weights).tolist()
        items = [self._segment(number, rng) for number in numbers]
        doubted = [step >= DOUBTED_FROM and is_doubtful(self.windows.clips[number]) for number in numbers]
        return {"doubted": torch.tensor(doubted)} | {
            name: torch.from_numpy(np.stack([item[name] for item in items])) for name in items[0]
        }

    def _segment(self, number: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Speech of SEGMENT frames, points of these and of LAGS more on either side, which of them count, and another frame's points."""
        clip, speech = self.windows.clips[number], self.settings.speech
        aside, per = speech.context, speech.columns
        first = int(rng.integers(min(0, clip.frames - SEGMENT), max(0, clip.frames - SEGMENT) + 1))
        bands, known = self.windows.stretch(clip, 0, clip.frames)
        speed = 1 + rng.uniform(-FASTER, FASTER)
        # frame f of the segment shows the clip's frame middle + (f - half) * speed
        middle, half = first + SEGMENT / 2, SEGMENT / 2
        place = middle + (np.arange(-LAGS, SEGMENT + LAGS) - half) * speed
        asked = ((place >= 0) & (place <= clip.frames - 1)).astype(np.float32)
        points = _between(self.pack.points[clip.place].reshape(clip.frames, -1), place).reshape(-1, POINTS, 2)
        heard = middle * per + (np.arange((SEGMENT + 2 * aside) * per) - (half + aside) * per) * speed
        known = ((heard >= 0) & (heard <= clip.frames * per - 1)).astype(np.float32)
        bands = _between(disturb_speech(bands, rng), heard)
        if rng.random() < FALLING_SILENT and clip.number in self.closed:
            length = int(rng.integers(*SILENT_FRAMES))
            begin = int(rng.integers(-length // 2, SEGMENT - length // 2))
            columns = slice(max(0, (begin + aside) * per), (begin + length + aside) * per)
            bands[columns] = silence(len(bands[columns]), speech.mels, rng)
            begin += LAGS  # among the points, which begin so many frames earlier
            asked[max(0, begin - CLOSING) : max(0, begin + length + CLOSING)] = 0
            inside = slice(max(0, begin + CLOSING), max(0, begin + length - CLOSING))
            points[inside], asked[inside] = self.closed[clip.number], 1
        photo = self.pack.points[clip.first + int(rng.integers(clip.frames))]
        photo = photo + rng.normal(scale=JITTER_PX * self.pack.size_px / 64, size=photo.shape)
        bands = np.concatenate([known[:, None], bands * known[:, None]], 1)
        return {
            "speech": bands.T.astype(np.float32), "points": points.astype(np.float32), "asked": asked, "photo": photo.astype(np.float32),
        }  # fmt: skip

    def build(self) -> nn.Module:
        return Student(self.settings, self.shapes)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": list(model.parameters()), "lr": RATE}]

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        made, size = model(batch["speech"], batch["photo"]), self.pack.size_px
        count = made.shape[1]
        points, asked = (batch[name].repeat_interleave(count, 0) for name in ("points", "asked"))
        found = [
            motion_loss(made.flatten(0, 1), points[:, lag : lag + SEGMENT], asked[:, lag : lag + SEGMENT], size)
            for lag in range(2 * LAGS + 1)
        ]
        losses, shapes, gaps = (torch.stack([part[i] for part in found], 1).unflatten(0, (-1, count)) for i in range(3))
        with torch.no_grad():
            lags = torch.arange(-LAGS, LAGS + 1, device=losses.device)
            agreed = losses.mean(1)  # the listeners agree about the lag, (N, lags)
            belief = (-BELIEF * agreed / agreed.mean() - LAG_PRIOR * lags.square()).softmax(1)
            belief = torch.where(batch["doubted"][:, None], belief, (lags == 0).float())[:, None]  # (N, 1, lags)
        parts = {
            "shape": (belief * shapes).sum(2).mean(),
            "opening": (belief * gaps).sum(2).mean(),
            "sure": belief.amax(2).mean(),
        }
        return (belief * losses).sum(2).mean(), parts

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Correlation of the imagined opening with the true one, of known speakers' new clips.

        "opening": pooled over clips; "of a clip": mean over clips; "own lag": pooled, each clip at its best lag; "swapped" and "swapped, own
        lag": the same with another clip's speech; "spread": of the imagined openings beside the true ones.
        """
        clips = self.held.clips
        imagined, true = imagine_openings(model, self.held, clips), [opening_of(self.pack.points[clip.place]) for clip in clips]
        swapped = [imagined[(number + OTHER) % len(clips)] for number in range(len(clips))]
        doubtful = [is_doubtful(clip) for clip in clips]
        found = {
            "opening": pooled(true, imagined),
            "of a clip": float(np.nanmean([correlation(t, m) for t, m in zip(true, imagined, strict=True)])),
            "own lag": pooled(true, imagined, best_lags(true, imagined, doubtful)),
            "swapped": pooled(true, swapped),
            "swapped, own lag": pooled(true, swapped, best_lags(true, swapped, doubtful)),
            "spread": float(np.sqrt(np.mean([m.var() for m in imagined]) / np.mean([t.var() for t in true]))),
        }
        return {"score": (found["opening"] + found["own lag"]) / 2, **found}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.state_dict()


def _between(rows: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Rows at broken places, the first and the last beyond the ends: (R, D), (P,) -> (P, D)."""
    place = place.clip(0, len(rows) - 1)
    low = np.minimum(place.astype(int), max(0, len(rows) - 2))
    share = (place - low)[:, None].astype(np.float32)
    return (1 - share) * rows[low] + share * rows[np.minimum(low + 1, len(rows) - 1)]
