"""The token tier of :mod:`avdemo.foley.token_tier` writing, one time of 20 ms after another, just before the SampleRNN needs it.

What the picture makes likelier than it would be of any sound of that loudness is stressed (classifier-free guidance): otherwise what was
written before counts for more than what is seen, and a cry may drift into a bark.

A time takes some 2 million multiply-adds, fifty times a second: numpy's products do. Each is made by itself, whatever the chunks that are
asked for, so that chunks do not change the sound. What was written is forgotten as soon as no time still to come looks at it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from avdemo.foley.condition import Condition
from avdemo.foley.network import Foley
from avdemo.foley.predictor import predictors
from avdemo.foley.token_tier import anew, shut
from avdemo.foley.tokens import SPREAD, USUAL, Telling
from avdemo.foley.voices import voiced

GUIDANCE = 3.0  # how many times what the picture changes in the logits counts (classifier-free guidance, Ho and Salimans 2022)


class Told(NamedTuple):
    """What the SampleRNN is told at a token's time, or at several (with one dimension more)."""

    row: np.ndarray  # (R,): is added to the nodes
    predictor: np.ndarray  # (5, P): coefficients of each top node; (0, 1) where samples are not guessed
    deviation: np.ndarray  # (5,)


@dataclass
class Line:
    """The tokens of a sound that is being written, as far as they are still needed."""

    told: np.ndarray  # (2, S, D): what is added to the nodes at each time, and what would be if the picture were not known
    state: np.ndarray  # (2, D), likewise
    start: np.ndarray  # (2, D), that it began with
    shut: np.ndarray | None  # (F, C) bool: entries of the first book that are not chosen
    anew: np.ndarray | None  # (S,) bool: times at which a sound begins again
    dice: np.random.Generator
    temperature: float
    last: tuple[int, ...] = ()  # tokens of the time before
    at: int = 0  # times written
    tokens: list[tuple[int, ...]] = field(default_factory=list)  # of the times from ``first`` on
    rows: list[Told] = field(default_factory=list)  # what they tell the SampleRNN, as far as it is known
    first: int = 0


class TokenWriter:
    """A token tier's weights, and those of what tells the SampleRNN. Threads may share it."""

    def __init__(self, network: Foley):
        tier, tells = network.tier, network.tells
        array = lambda tensor: np.array(tensor.detach().float().cpu(), order="C")  # noqa: E731
        self.books = array(network.tokens.books)
        self.embed = [array(part.weight) for part in tier.embed]
        self.voices, self.per_frame = network.voices, network.config.tokens_per_frame
        self.gates = [
            (array(getattr(tier.rnn, f"weight_{of}_l0")), array(getattr(tier.rnn, f"bias_{of}_l0"))) for of in ("ih", "hh")
        ]
        self.heads = [
            [(array(part.weight), array(part.bias)) for part in pair] for pair in zip(tier.hidden, tier.answer, strict=True)
        ]
        near = array(tells.near.weight)  # (H, M, taps)
        self.near = np.ascontiguousarray(near.transpose(0, 2, 1)).reshape(len(near), -1), array(tells.near.bias)
        self.tell = array(tells.rows.weight[..., 0]), array(tells.rows.bias)

        self.predictor, self.silent = copy.deepcopy(network.predictor), network.tokens.silent().cpu()

    def begin(self, condition: Condition, clip: int, dice: np.random.Generator, temperature: float) -> Line:
        """The line of one clip's sound. ``dice`` gives a number for its voice, where there are any, then one for each token."""
        condition = condition.pick([clip]).to("cpu")
        if self.voices is not None:
            condition = voiced(condition, self.voices, [self.voices.draw(condition.kinds[0], dice.random())])
        both = (condition.rows, condition.start), condition.blind
        told, start = (
            np.stack([np.array(part.detach().numpy(), order="C") for part in parts])
            for parts in ([rows[0] for rows, _ in both], [start[0, 0] for _, start in both])
        )
        rules = shut(condition.told, self.silent), anew(condition, self.per_frame)
        return Line(told, start.copy(), start, *(None if rule is None else rule[0].numpy() for rule in rules), dice, temperature)

    def rows(self, line: Line, first: int, last: int) -> Told:
        """What the SampleRNN is told at these times, rows (times, R) and nodes (5 times, 64); those before them are forgotten."""
        reach = Telling.REACH
        while line.at <= last + reach:
            line.tokens.append(self._next(line))
        while line.first + len(line.rows) <= last:
            line.rows.append(self._row(line, line.first + len(line.rows)))
        gone = max(0, first - line.first)
        keep = max(0, gone - reach)  # rows go with their times, spectra are looked at a little longer
        del line.tokens[:keep], line.rows[:keep]
        line.first += keep
        wanted = line.rows[first - line.first : last - line.first + 1]
        return Told(
            np.stack([told.row for told in wanted]), *(np.concatenate(parts) for parts in list(zip(*wanted, strict=True))[1:])
        )

    def _next(self, line: Line) -> tuple[int, ...]:
        """The tokens of the next time."""
        dim = line.told.shape[2]
        if line.anew is not None and line.at < len(line.anew) and line.anew[line.at]:
            line.state, line.last = line.start.copy(), ()
        past = np.zeros(dim, np.float32)
        for table, number in zip(self.embed, line.last, strict=False):
            past = past + table[number]
        (wx, bx), (wh, bh) = self.gates
        for way, rows in enumerate(line.told):  # one by one: products of matrices would round otherwise
            told = rows[min(line.at, len(rows) - 1)] + past
            from_x, from_h = wx @ told + bx, wh @ line.state[way] + bh
            gates = 1 / (1 + np.exp(-(from_x[: 2 * dim] + from_h[: 2 * dim])))
            new = np.tanh(from_x[2 * dim :] + gates[:dim] * from_h[2 * dim :])
            line.state[way] = new + gates[dim:] * (line.state[way] - new)
        chosen, numbers = np.zeros(dim, np.float32), []
        for book, ((wide, bias), (answer, offset)) in enumerate(self.heads):
            seeing, blind = (answer @ np.maximum(wide @ state + bias + chosen, 0) + offset for state in line.state)
            logits = blind + GUIDANCE * (seeing - blind)
            if book == 0 and line.shut is not None:
                logits[line.shut[min(line.at // self.per_frame, len(line.shut) - 1)]] = -np.inf
            numbers.append(_choose(logits, line.dice.random(), line.temperature))
            chosen = chosen + self.embed[book][numbers[-1]]
        line.last, line.at = tuple(numbers), line.at + 1
        return line.last

    def _row(self, line: Line, time: int) -> Told:
        reach = Telling.REACH
        around = [line.tokens[max(0, t) - line.first] for t in range(time - reach, time + reach + 1)]
        spectra = np.stack([sum(book[number] for book, number in zip(self.books, numbers, strict=True)) for numbers in around])
        hidden = np.maximum(self.near[0] @ ((spectra - USUAL) / SPREAD).astype(np.float32).ravel() + self.near[1], 0)
        row = self.tell[0] @ hidden + self.tell[1]
        if self.predictor is None:
            return Told(row, np.zeros((0, 1), np.float32), np.zeros(0, np.float32))
        return Told(row, *predictors(spectra[reach - 1 : reach + 2], self.predictor))


def token_dice(seed: int, take: int = 0) -> np.random.Generator:
    """Where the random numbers of a take's voice and tokens come from: one for the voice, one for each token, in order."""
    return np.random.default_rng([seed, take, 1])


def _choose(logits: np.ndarray, uniform: float, temperature: float) -> int:
    """As :func:`avdemo.foley.tiers.choose`, of one token."""
    if temperature == 0:
        return int(logits.argmax())
    sharp = logits.astype(np.float64) / temperature
    summed = np.exp(sharp - sharp.max()).cumsum()
    return min(int(np.searchsorted(summed, uniform * summed[-1], side="right")), len(logits) - 1)
