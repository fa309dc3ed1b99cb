"""Writing sounds for what was seen: several takes side by side, in chunks, and what is there when somebody stops is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from avdemo.errors import InputError
from avdemo.foley.models import sampler_of
from avdemo.foley.preparing import Prepared
from avdemo.hooks import Progress, Stop, check_seed, is_whole

TEMPERATURE = 1.0
HOTTEST = 2.0
MOST_TAKES = 3
MOST_TAKE = 1000
CHUNK_S = 0.2  # of sound, between two looks at whether to go on


def check_temperature(temperature: float) -> float:
    """The temperature itself.

    Raises:
        InputError: not between 0 and HOTTEST.
    """
    if not 0 <= temperature <= HOTTEST:
        raise InputError(
            f"A temperature of {temperature:g} cannot be used; give one from 0 to {HOTTEST:g} (1 is as it was learned)."
        )
    return float(temperature)


def check_takes(takes: int) -> int:
    """The number of takes itself.

    Raises:
        InputError: it is not a whole number from 1 to MOST_TAKES.
    """
    if not (is_whole(takes) and 1 <= takes <= MOST_TAKES):
        raise InputError(f"{takes:g} takes cannot be made at once; ask for 1 to {MOST_TAKES}.")
    return int(takes)


def check_take(take: int) -> int:
    """The number of a take itself.

    Raises:
        InputError: it is not a whole number from 0 on.
    """
    if not (is_whole(take) and 0 <= take <= MOST_TAKE):
        raise InputError(f"There is no take number {take:g}; give a whole number from 0 to {MOST_TAKE}.")
    return int(take)


def check_written(seconds: float | None) -> float | None:
    """How much of the sound is to be written, itself.

    Raises:
        InputError: not more than nothing.
    """
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"{seconds:g} seconds of sound cannot be written; give more than 0, or nothing for all of it.")
    return seconds


class Composition:
    """Takes of a sound while they are written, and afterwards.

    ::

        composition = Composition(prepared, seed=3, takes=2)
        for _ in composition.grow():
            composition.wavs              # (2, samples so far) float32 in [-1, 1]

    Args:
        seed: takes of one seed differ; the same seed and number of a take always give the same sound.
        temperature: 0 takes the likeliest sample every time; 1 is as it was learned; more is wilder.
        takes: how many at once.
        first_take: number of the first of them.
        until_s: write only so much.

    Raises:
        InputError: a parameter cannot be used.
    """

    def __init__(
        self, prepared: Prepared, *, seed: int = 0, temperature: float = TEMPERATURE, takes: int = 1, first_take: int = 0,
        until_s: float | None = None,
    ) -> None:  # fmt: skip
        self.seed, self.temperature = check_seed(seed), check_temperature(temperature)
        count, first_take, until_s = check_takes(takes), check_take(first_take), check_written(until_s)
        self.sample_rate, self.whole = prepared.config.sample_rate, prepared.samples  # Hz; samples of the whole sound
        self.wanted = self.whole if until_s is None else min(self.whole, max(1, round(until_s * self.sample_rate)))
        self.written = 0
        self.write_s = 0.0  # how long it took so far
        self._room = np.zeros((count, self.wanted), np.float32)
        self._sampler = sampler_of(prepared.model)
        self._takes = [
            self._sampler.begin(prepared.condition, seed=self.seed, take=first_take + number, temperature=self.temperature)
            for number in range(count)
        ]

    @property
    def wavs(self) -> np.ndarray:
        """(takes, samples) float32 in [-1, 1]: what is written."""
        return self._room[:, : self.written]

    @property
    def seconds(self) -> float:
        """How much is written."""
        return self.written / self.sample_rate

    @property
    def is_whole(self) -> bool:
        """Whether the sound lasts as long as the video."""
        return self.written >= self.whole

    def grow(self, progress: Progress | None = None, cancelled: Stop | None = None) -> Iterator[Composition]:
        """Write on, and stop at each chunk for whoever wants to look; ends early, with what is there, when ``cancelled`` says so."""
        begun = time.perf_counter() - self.write_s
        for chunk in self._sampler.write_all(self._takes, self.wanted - self.written, chunk_s=CHUNK_S):
            self._room[:, self.written : self.written + chunk.shape[1]] = chunk
            self.written += chunk.shape[1]
            self.write_s = time.perf_counter() - begun
            if progress:
                total_s = self.wanted / self.sample_rate
                progress(self.written / self.wanted, f"Writing the sound: {self.seconds:.1f} of {total_s:.1f} s")
            yield self
            if cancelled and cancelled():
                return


def compose(prepared: Prepared, *, progress: Progress | None = None, cancelled: Stop | None = None, **parameters) -> Composition:
    """A :class:`Composition` with these parameters, written to its end, or until ``cancelled`` says so."""
    composition = Composition(prepared, **parameters)
    for _ in composition.grow(progress, cancelled):
        pass
    return composition
