"""SoundNet, the rival that Look, Listen and Learn is compared with: strided 1-D convolutions over the raw waveform.

A student of two teachers that look at pictures (the objective is in :mod:`avdemo.correspondence.soundnet_objective`, the teachers
in :mod:`avdemo.correspondence.soundnet_teachers`). The published network has eight layers, reads 5-s windows at 22,050 Hz and
learnt from two million videos; this compact one has five, reads windows of 1 s at 24 kHz (or longer: everything is convolution
and mean) and learns in minutes. Second teacher: kinds of our own photos instead of Places' scenes.

Shapes: N windows, samples of sound, T places in time, C channels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.correspondence.config import KINDS
from avdemo.errors import InputError

OBJECTS = 1000  # classes of ImageNet, the first teacher's
NONE = len(KINDS)  # number of the second teacher's last class: a picture of none of the kinds


@dataclass(frozen=True)
class SoundNetConfig:
    """Everything that decides the shapes. Each layer: convolution (kernel, stride), BatchNorm, ReLU, max-pool (1: none)."""

    name: str = "soundnet-compact"
    sample_rate: int = 24_000  # Hz
    samples: int = 24_000  # of the shortest window: 1 s
    widths: tuple[int, ...] = (24, 48, 128, 256, 512)
    kernels: tuple[int, ...] = (64, 16, 16, 8, 4)  # samples, then places
    strides: tuple[int, ...] = (4, 2, 2, 2, 2)
    pools: tuple[int, ...] = (4, 4, 2, 1, 1)  # after the five layers: 2048 samples to a place, 12 or 13 places in 1 s
    feature_layer: int = 4  # from 1; whose activation a linear SVM gets
    feature_places: int = 4  # in time, to which that activation is max-pooled
    objects: int = OBJECTS
    kinds: int = len(KINDS) + 1

    def __post_init__(self) -> None:
        for field in ("widths", "kernels", "strides", "pools"):
            object.__setattr__(self, field, tuple(getattr(self, field)))  # JSON gives lists
        if not len(self.widths) == len(self.kernels) == len(self.strides) == len(self.pools):
            raise ValueError("every layer has a width, a kernel, a stride and a pool")
        if not 1 <= self.feature_layer <= len(self.widths):
            raise ValueError(f"there is no layer {self.feature_layer}")

    @property
    def features(self) -> int:
        """D: length of the vector for the SVM."""
        return self.widths[self.feature_layer - 1] * self.feature_places

    @classmethod
    def compact(cls, **changes) -> SoundNetConfig:
        """Five layers over 24-kHz sound; trains in minutes on two cores."""
        return cls(**changes)

    @classmethod
    def debug(cls, **changes) -> SoundNetConfig:
        """A tiny real model for tests: same code, fewer channels and samples."""
        small = {"name": "soundnet-debug", "sample_rate": 8000, "samples": 8000, "widths": (4, 4, 8, 8, 8)}
        return cls(**{**small, "kernels": (32, 8, 8, 4, 4), **changes})

    def as_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> SoundNetConfig:
        """Inverse of :meth:`as_dict`; unknown keys are an error."""
        return cls(**values)


class SoundNet(nn.Module):
    """The student: convolutions, then for each teacher a linear answer, averaged over time."""

    def __init__(self, config: SoundNetConfig):
        super().__init__()
        self.config = config
        inputs = 1
        for layer, (width, kernel, stride) in enumerate(zip(config.widths, config.kernels, config.strides, strict=True), 1):
            setattr(self, f"conv{layer}", nn.Conv1d(inputs, width, kernel, stride, kernel // 2, bias=False))
            setattr(self, f"bn{layer}", nn.BatchNorm1d(width))
            inputs = width
        self.objects = nn.Linear(inputs, config.objects)
        self.kinds = nn.Linear(inputs, config.kinds)

    def activation(self, wav: Tensor, layer: int | None = None) -> Tensor:
        """(N, samples) in [-1, 1] -> (N, C, T), what ``layer`` (from 1; the last one by default) hands on, >= 0.

        Raises:
            InputError: the sound is shorter than the window the network was made for.
        """
        c = self.config
        if wav.shape[-1] < c.samples:
            raise InputError(
                f"SoundNet was given {wav.shape[-1] / c.sample_rate:.2f} s of sound and needs {c.samples / c.sample_rate:g} s at "
                f"{c.sample_rate} Hz; pad it with silence or give a longer one."
            )
        x = wav[:, None]
        for number in range(1, (layer or len(c.widths)) + 1):
            x = F.relu(getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(x)))
            if c.pools[number - 1] > 1:
                x = F.max_pool1d(x, c.pools[number - 1])
        return x

    def forward(self, wav: Tensor) -> tuple[Tensor, Tensor]:
        """(N, samples) -> scores (logits) of the objects (N, 1000) and of the kinds (N, 36)."""
        heard = self.activation(wav).mean(2)  # a mean of linear answers is the linear answer to the mean
        return self.objects(heard).float(), self.kinds(heard).float()

    def features(self, wav: Tensor, layer: int | None = None) -> Tensor:
        """(N, samples) -> (N, D) for a linear SVM: a layer's activation, max-pooled to a few places in time.

        Args:
            layer: from 1; the configuration's ``feature_layer`` by default (D is then ``config.features``).
        """
        maps = self.activation(wav, layer or self.config.feature_layer)
        return F.adaptive_max_pool1d(maps, self.config.feature_places).flatten(1).float()
