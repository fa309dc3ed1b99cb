"""Speech of any length to frames: overlapping windows joined without a seam, one photo, constant memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from avdemo.dsp.overlap import crossfade_weights, window_starts
from avdemo.lips.config import FPS
from avdemo.lips.hearing import levelled, reference_db, speech_db, with_known
from avdemo.lips.network import Lips

WINDOWS_AT_ONCE = 4
CHUNK_S = 20.0  # of speech analysed at once
LOOKED_AT_S = 60.0  # of speech at most, spread over all of it, by which its level is known

Progress = Callable[[float, str], None]
Rest = Callable[[Tensor, Tensor, list[int], float], Tensor]  # see avdemo.lips.resting


def frame_count(samples: int, sample_rate: int) -> int:
    """Frames of video for so much speech: 25 to the second, at least one."""
    return max(1, round(samples / sample_rate * FPS))


@torch.inference_mode()
def generate(
    network: Lips, photo: np.ndarray, speech: np.ndarray, *, lively: float = 1.0, rest: Rest | None = None,
    progress: Progress | None = None,
) -> Iterator[np.ndarray]:  # fmt: skip
    """Let the lips of a photo say something.

    Each window hears the speech around it, too. Where windows overlap, their frames are averaged by weights that add up to one
    (:mod:`avdemo.dsp.overlap`). Every window starts from the same photo, so that nothing drifts.

    Args:
        photo: (S, S, 3) uint8, the mouth framed as in training.
        speech: (samples,) float32 in [-1, 1], at the network's rate.
        lively: how far the mouth moves, 1 as imagined; the compact network only.
        rest: says where the mouth shall go instead of what is imagined, for instance that it closes in silence; the compact network only.
        progress: called with the share done and a sentence.

    Yields:
        frames (S, S, 3) uint8, :func:`frame_count` of them; at most a few windows are in memory.

    Raises:
        ValueError: the photo has another size, or there is no speech.
    """
    config = network.config
    if photo.shape != (config.size, config.size, 3) or photo.dtype != np.uint8:
        raise ValueError(f"a photo {photo.dtype} {photo.shape} must be uint8 ({config.size}, {config.size}, 3)")
    if speech.ndim != 1 or not len(speech):
        raise ValueError(f"speech {speech.shape} must be (samples,), at least one")
    device = next(network.parameters()).device
    total = frame_count(len(speech), config.speech.sample_rate)
    bands = SpeechBands(speech, config)
    starts = window_starts(total, config.frames, config.frames - config.overlap)
    weights = crossfade_weights(starts, config.frames, total)
    face = (torch.from_numpy(np.ascontiguousarray(photo.transpose(2, 0, 1)))[None].float() / 127.5 - 1).to(device)
    waiting = torch.zeros(config.frames, config.size, config.size, 3)  # of the window at hand and what reaches into the next
    for number in range(0, len(starts), WINDOWS_AT_ONCE):
        group = starts[number : number + WINDOWS_AT_ONCE]
        if progress:
            progress(group[0] / total, f"Frame {group[0] + 1} of {total}")
        heard = torch.stack([bands.window(start, config.frames) for start in group]).to(device)
        faces = face.expand(len(group), -1, -1, -1)
        shift = rest(faces, heard, group, lively) if rest else None
        video, _, _ = network(faces, heard, shift, lively=lively)
        for place, start in enumerate(group, number):
            frames = video[place - number].permute(1, 2, 3, 0).float().cpu()
            waiting += frames * weights[place].view(-1, 1, 1, 1)
            done = (starts[place + 1] if place + 1 < len(starts) else total) - start
            yield from _as_frames(waiting[:done])
            waiting = torch.cat([waiting[done:], torch.zeros_like(waiting[:done])])


def _as_frames(frames: Tensor) -> np.ndarray:
    return ((frames + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()


class SpeechBands:
    """The log-mel columns of a long speech, analysed piece by piece as windows ask for them."""

    def __init__(self, speech: np.ndarray, config):
        self.speech, self.scale = speech, config.speech
        self.columns = math.ceil(len(speech) / self.scale.hop)
        self.reference = reference_db(torch.cat([self._analysed(first, last) for first, last in self._looked_at()], -1))
        self.first, self.held = 0, torch.zeros(self.scale.mels, 0)

    def _looked_at(self) -> list[tuple[int, int]]:
        """Columns by which the level is known: all, or as many pieces as fit, evenly spread."""
        per_s = FPS * self.scale.columns
        chunk, most = round(CHUNK_S * per_s), round(LOOKED_AT_S * per_s)
        if self.columns <= most:
            return [(first, min(first + chunk, self.columns)) for first in range(0, self.columns, chunk)]
        pieces = 12
        length = most // pieces
        firsts = np.linspace(0, self.columns - length, pieces).astype(int).tolist()
        return [(first, first + length) for first in firsts]

    def _analysed(self, first: int, last: int) -> Tensor:
        """Bands in dB of columns ``first`` to ``last`` (mels, last - first), as if the whole speech were analysed at once."""
        aside = math.ceil(self.scale.n_fft / 2 / self.scale.hop)
        begin = max(0, first - aside)
        piece = self.speech[begin * self.scale.hop : (last + aside) * self.scale.hop]
        missing = (last - begin) * self.scale.hop - len(piece)
        wav = torch.from_numpy(np.pad(np.asarray(piece, np.float32), (0, max(0, missing))))
        return speech_db(wav, self.scale)[:, first - begin : last - begin]

    def window(self, start: int, frames: int) -> Tensor:
        """The networks' input for ``frames`` frames from frame ``start``, with context: (1 + mels, columns)."""
        per = self.scale.columns
        first, last = (start - self.scale.context) * per, (start + frames + self.scale.context) * per
        low, high = max(0, first), min(self.columns, last)
        if low < self.first or high > self.first + self.held.shape[-1]:
            self.first = low
            end = min(self.columns, max(high, low + round(CHUNK_S * FPS * per)))
            self.held = levelled(self._analysed(low, end), self.reference)
        bands, known = torch.zeros(self.scale.mels, last - first), torch.zeros(last - first)
        if high > low:
            bands[:, low - first : high - first] = self.held[:, low - self.first : high - self.first]
            known[low - first : high - first] = 1
        return with_known(bands, known)
