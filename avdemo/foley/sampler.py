"""The SampleRNN of :mod:`avdemo.foley.tiers`, writing faster than its sound is heard, in chunks, several takes side by side.

The same arithmetic as :func:`avdemo.foley.network.generate_reference`, in float32 and in another order of additions: logits differ by
less than 1e-4 (3e-6 as measured). As the random numbers are drawn outside, the levels are the same ones, until a number falls into the
gap that this leaves between two levels: at the compact size about once in a hundred thousand samples, and from there on the two write
different sounds, each as likely. On one machine the same seed always gives the same sound. Matrices are rounded to float16, which
changes nothing in a network that comes from a checkpoint.

It runs on the processor also where there is a graphics card: one sample after another is no work for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from avdemo.foley.compiled import Weights, write
from avdemo.foley.config import QUIETEST_DB
from avdemo.foley.levelling import LEAST, gains, hold, strokes, without_emphasis, without_rumble
from avdemo.foley.network import Condition, Foley
from avdemo.foley.tiers import SampleMLP
from avdemo.foley.token_writer import Line, TokenWriter, Told, token_dice

THREADS = 2  # takes that are written at the same time
NOT_GUESSED = np.zeros((0, 1), np.float32), np.zeros(0, np.float32)
CHUNK_S = 0.2  # of sound, between two looks at whether to go on


@dataclass
class Take:
    """A sound that is being written: all that is needed to go on, and nothing of what was written before the last 128 levels."""

    rows: (
        np.ndarray | None
    )  # (F, R): what each video frame adds to the top tier's nodes, and to the middle one's; None: that is in
    line: Line | None  # the tokens that are written above it
    states: np.ndarray  # (2, layers, D): of the top tier and of the middle one
    recent: np.ndarray  # (reach,): the last levels
    dice: np.random.Generator  # gives one number per sample
    temperature: float
    gain_db: np.ndarray | None = None  # (F,): how much louder than written it sounds in each video frame; None: as written
    told_db: np.ndarray | None = None  # (F,): the loudness that it is held to; None: it is not
    begins: np.ndarray | None = None  # samples at which strokes begin, rising; None: that follows from the loudness alone
    power: float = LEAST  # running mean of what sounded
    raised: np.ndarray = field(default_factory=lambda: np.zeros(1))  # state of the filter that takes the emphasis away
    rumble: np.ndarray = field(default_factory=lambda: np.zeros((1, 2)))  # state of the filter that takes it away
    at: int = 0  # samples written


class Sampler:
    """A network's weights, brought once into the order that the compiled loop reads them in. Threads may share it."""

    def __init__(self, network: Foley):
        self.config = network.config
        if self.config.middle_step % 4 or self.config.dim % 4 or self.config.waist % 4:
            raise ValueError(
                "the compiled sampler adds up rows by four: the middle tier's step, the units and the waist must be multiples of 4"
            )
        with torch.no_grad():
            self._weights = _weights(network)
            self._middle = _array(network.rnn.middle.first_state(1)[:, 0])
            self._top = _array(network.rnn.top.first_state(1)[:, 0]) if network.tier is not None else None
            self._writer = TokenWriter(network) if network.tier is not None else None
            self._values = _array(network.decode(torch.arange(self.config.levels)))

    def begin(self, condition: Condition, clip: int = 0, *, seed: int = 0, take: int = 0, temperature: float = 1.0) -> Take:
        """A new sound for one clip of a condition. Takes of one seed differ; the same seed and take give the same sound.

        Args:
            temperature: the logits are divided by it; 0 takes the likeliest level every time (and no two takes differ).

        Raises:
            ValueError: the temperature is negative or not a number.
        """
        if not 0 <= temperature < np.inf:
            raise ValueError(f"a temperature is a number from 0 on, not {temperature}")
        line = self._writer and self._writer.begin(condition, clip, token_dice(seed, take), temperature)
        return Take(
            rows=None if line else _array(condition.rows[clip]),
            line=line,
            states=np.stack([self._top.copy() if line else _array(condition.start[:, clip]), self._middle]),
            recent=np.full(self.config.reach, self.config.silence, np.int64),
            dice=dice_of(seed, take),
            temperature=temperature,
            gain_db=None if condition.gain_db is None else _array(condition.gain_db[clip]),
            told_db=None if condition.told is None else QUIETEST_DB * (1 - _array(condition.told[clip])),
            begins=None if condition.strokes is None else self._begins(condition.strokes[clip]),
        )

    def _begins(self, strokes: torch.Tensor) -> np.ndarray:
        """Strokes (S,) -> the samples that they begin with: the middle of their 20 ms."""
        return (np.flatnonzero(_array(strokes) > 0.5) + 0.5) * self.config.token_step

    def levels(self, take: Take, samples: int, *, logits: np.ndarray | None = None) -> np.ndarray:
        """The next ``samples`` levels (int64) of a take, which goes on after them. ``logits`` (samples, L) float32 is filled if given."""
        levels = np.empty(samples, np.int64)
        logits = np.empty((0, self.config.levels), np.float32) if logits is None else logits
        if take.line is None:
            told, first, step = Told(take.rows, *NOT_GUESSED), 0, self.config.samples_per_frame
        else:
            step = self.config.token_step
            first = take.at // step
            told = self._writer.rows(take.line, first, (take.at + samples - 1) // step)
        write(
            *self._weights, told.row, first, step, told.predictor, told.deviation, first * (step // self.config.top_step), take.at,
            take.recent, take.states, take.dice.random(samples), np.float32(take.temperature), levels, logits,
        )  # fmt: skip
        take.at += samples
        return levels

    def write(self, take: Take, samples: int) -> np.ndarray:
        """The next samples of a take, float32 in [-1, 1], as loud as the condition says."""
        first = take.at
        wav = self._values[self.levels(take, samples)]
        if take.gain_db is None:
            return wav.astype(np.float32).clip(-1, 1)
        # in double precision: vector instructions round the last samples of a chunk otherwise, and chunks must not change the sound
        per_frame, rate = self.config.samples_per_frame, self.config.sample_rate
        wav, take.raised = without_emphasis(wav, take.raised, self.config.emphasis)
        wav, take.rumble = without_rumble(wav, take.rumble, rate)
        gain = gains(torch.from_numpy(take.gain_db).double(), first, samples, per_frame).numpy()
        course = strokes(take.told_db, first, samples, per_frame, rate, take.begins)
        wav, take.power = hold(wav * gain, course, take.power, rate)
        return wav.astype(np.float32).clip(-1, 1)

    def write_all(self, takes: Sequence[Take], samples: int, *, chunk_s: float = CHUNK_S) -> Iterator[np.ndarray]:
        """Write several takes, two at a time, in chunks (takes, up to chunk_s seconds) float32 in [-1, 1], ``samples`` in all.

        Whoever wants to stop stops asking; what was given before is complete.
        """
        chunk = max(1, round(chunk_s * self.config.sample_rate))
        with ThreadPoolExecutor(min(THREADS, len(takes))) as threads:
            for first in range(0, samples, chunk):
                yield np.stack(list(threads.map(partial(self.write, samples=min(chunk, samples - first)), takes)))


def dice_of(seed: int, take: int = 0) -> np.random.Generator:
    """Where the random numbers of a take come from: one float64 in [0, 1) per sample, in order."""
    return np.random.default_rng([seed, take])


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.array(tensor.detach().float().cpu(), order="C")  # a copy, also where a training goes on with the tensor


def _halves(tensor: torch.Tensor) -> np.ndarray:
    """The bits of float16 numbers, as uint16."""
    return _array(tensor).astype(np.float16).view(np.uint16)


def _weights(network: Foley) -> Weights:
    rnn, mlp = network.rnn, network.rnn.mlp
    tiers, dim, waist = (rnn.top, rnn.middle), network.config.dim, network.config.waist
    none = torch.zeros(dim, 0)

    def of_layers(name: str) -> torch.Tensor:
        """(2, layers, 2, ...) parameters of the recurrent layers."""
        every = [
            [[getattr(t.rnn, f"{name}_{of}_l{layer}") for of in ("ih", "hh")] for layer in range(t.rnn.num_layers)] for t in tiers
        ]
        return torch.stack([torch.stack([torch.stack(pair) for pair in layers]) for layers in every])

    return Weights(
        expand=_halves(torch.cat([tier.expand.weight.T for tier in tiers])),
        expand_bias=_array(torch.stack([tier.expand.bias for tier in tiers])),
        gates=_halves(of_layers("weight").transpose(-1, -2)),
        gates_bias=_array(of_layers("bias")),
        squeeze=_halves(torch.stack([tier.squeeze.weight.T if waist else none for tier in tiers])),
        squeeze_bias=_array(torch.stack([tier.squeeze.bias if waist else none[0] for tier in tiers])),
        spread=_halves(torch.cat([tier.spread.weight.unflatten(0, (-1, dim)).transpose(1, 2) for tier in tiers])),
        spread_bias=_array(torch.cat([tier.spread.bias.unflatten(0, (-1, dim)) for tier in tiers])),
        table=_array(mlp.table()),
        second=_halves(mlp.second.weight.T),
        second_bias=_array(mlp.second.bias),
        answer=_halves(mlp.answer.weight.T),
        answer_bias=_array(mlp.answer.bias),
        heard=_array(rnn.heard(torch.arange(network.config.levels))),
        **_of_guesses(mlp, dim),
    )


def _of_guesses(mlp: SampleMLP, dim: int) -> dict[str, np.ndarray]:
    if mlp.bell is None:
        return {"guessed": np.zeros((0, dim), np.float32), "bell": np.zeros((2, 0), np.float32), "bell_bias": np.zeros(2, np.float32)} | {
            "at_levels": np.zeros(0, np.float32), "widths": np.zeros((2, 0), np.float32)
        }  # fmt: skip
    widths = torch.stack([mlp.widths, mlp.widths.log()])
    arrays = {
        "guessed": mlp.guessed.weight,
        "bell": mlp.bell.weight,
        "bell_bias": mlp.bell.bias,
        "at_levels": mlp.values,
        "widths": widths,
    }
    return {name: _array(tensor) for name, tensor in arrays.items()}
