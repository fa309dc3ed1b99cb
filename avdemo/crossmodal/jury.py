"""The networks as the evaluation asks them: many at a time, numpy in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.checkpoints.running import Model
from avdemo.crossmodal.chance import noise
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.hearing import picture_to_magnitude
from avdemo.crossmodal.looking import squares
from avdemo.crossmodal.models import at_work
from avdemo.crossmodal.network import Crossmodal
from avdemo.crossmodal.playing import ROUNDS
from avdemo.crossmodal.second_ear import SecondEar
from avdemo.crossmodal.seeing import normalise
from avdemo.dsp.phase import griffin_lim
from avdemo.training import floor

BATCH = 32
SHOWN = 64  # features from which random generators take their statistics


def noises(seed: int, count: int, length: int) -> np.ndarray:
    """The first ``count`` z of a seed: (count, length)."""
    return np.stack([noise(seed, number, length) for number in range(count)]) if count else np.zeros((0, length), np.float32)


@dataclass(frozen=True)
class Jury:
    """A checkpoint's networks and the second ear. Probabilities are (N, kinds + 1) and sum to 1."""

    model: Model
    second: SecondEar | None

    @property
    def config(self) -> CrossmodalConfig:
        return self.model.network.config

    @property
    def network(self) -> Crossmodal:
        return self.model.network

    def _each(self, work: Callable[..., Tensor], *columns: np.ndarray) -> np.ndarray:
        parts: list[np.ndarray] = []
        for first in range(0, len(columns[0]), BATCH):
            batch = [torch.from_numpy(np.ascontiguousarray(c[first : first + BATCH])).to(self.model.device) for c in columns]
            with at_work(self.model):
                result = work(*batch)
                parts.append((result if result.dtype == torch.uint8 else result.float()).cpu().numpy())
        if not parts:
            raise ValueError("nothing to ask the networks about")
        return np.concatenate(parts)

    def hear(self, wavs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Windows (N, samples) -> features (N, 128) and the ear's probabilities."""
        features = self._each(lambda wav: self.network.ear.feature(self.network.ear.spectrogram(wav)), wavs)
        return features, self._each(lambda f: self.network.ear.answer(f).float().softmax(1), features)

    def ear_on(self, lms: np.ndarray) -> np.ndarray:
        """The ear's probabilities for spectrograms (N, M, T)."""
        return self._each(lambda picture: self.network.ear(picture).float().softmax(1), lms)

    def second_on(self, lms: np.ndarray) -> np.ndarray:
        """The second ear's."""
        return self._each(lambda picture: self.second(picture).float().softmax(1), lms)

    def spectrograms(self, wavs: np.ndarray) -> np.ndarray:
        """Windows (N, samples) -> LMS (N, M, T)."""
        return self._each(self.network.ear.spectrogram, wavs)

    def look(self, pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Photos (H, W, 3) of any size, as the app looks at them -> features (N, 128) and the eye's probabilities."""
        views = [squares(picture, self.config.eye_size) for picture in pictures]
        features, shares = self.see(np.concatenate(views))
        ends = np.cumsum([len(v) for v in views])[:-1]
        return tuple(np.stack([part.mean(0) for part in np.split(values, ends)]) for values in (features, shares))

    def see(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Square pictures (N, S, S, 3) uint8 -> features (N, 128) and the eye's probabilities."""
        features = self._each(self.network.eye.feature, frames)
        return features, self._each(lambda f: self.network.eye.answer(f).float().softmax(1), features)

    def judge(self, frames: np.ndarray) -> np.ndarray:
        """The judge's probabilities for square pictures (N, S, S, 3) uint8."""
        return self._each(lambda part: self.network.judge(normalise(part)).float().softmax(1), frames)

    def paint(self, features: np.ndarray, z: np.ndarray, variant: str = "C", painter: Crossmodal | None = None) -> np.ndarray:
        """Pictures (N, S, S, 3) uint8, by another network's painter if one is given."""
        return self._each(lambda f, chance: (painter or self.network).paint(f, chance, variant), features, z)

    def play(self, features: np.ndarray, z: np.ndarray, player: Crossmodal | None = None) -> np.ndarray:
        """LMS (N, M, T) in [-1, 1]."""
        return self._each(lambda f, chance: (player or self.network).play(f, chance), features, z)

    def to_sound(self, lms: np.ndarray) -> Iterator[np.ndarray]:
        """Each spectrogram's waveform (samples,), inverted as the pipeline does it."""
        window = self.config.window
        for number, picture in enumerate(lms):
            with torch.inference_mode():
                mag = picture_to_magnitude(torch.from_numpy(picture[None]).to(self.model.device), window)[0]
                wav = griffin_lim(mag, window.n_fft, window.hop, window.samples, iterations=ROUNDS, seed=number)
            yield wav.cpu().numpy()


def random_network(jury: Jury, features: np.ndarray) -> Crossmodal:
    """Generators with random weights: the floor. ``features`` (N, 128) are of the kind that they are used with."""
    config = jury.config
    shown = torch.from_numpy(features[np.linspace(0, len(features) - 1, SHOWN).astype(int)])
    generator = torch.Generator().manual_seed(0)

    def show(network: Crossmodal) -> None:
        for maker, length in (
            *((p, config.painter.noise) for p in network.painters.values()),
            (network.player, config.player.noise),
        ):
            maker(shown, torch.randn(SHOWN, length, generator=generator))

    return floor.untrained(lambda: Crossmodal(config), show).to(jury.model.device)


def with_painter(jury: Jury, painter: nn.Module) -> Crossmodal:
    """A network whose painter "C" is this one."""
    network = Crossmodal(jury.config).eval()
    network.painters["C"] = painter
    return network.to(jury.model.device)
