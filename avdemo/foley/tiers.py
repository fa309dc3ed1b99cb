"""SampleRNN in three tiers (Mehri et al. 2017): two recurrent ones over frames of samples, and an MLP that chooses the next sample.

A node of the top tier sees the last 64 samples and a condition, one of the middle tier the last 16 (64 in the compact configuration) and
what the top tier tells it;
the MLP sees the last 16 levels and what the middle tier tells it, and gives the logits of the next level. Each recurrent tier tells
each of its successors something else, by a learned projection (the paper's learned upsampling). Nothing sees the present.

Shapes: N sounds, T samples (a multiple of 64), S steps of a tier, D units, L levels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.dsp import mulaw
from avdemo.foley.config import FoleyConfig
from avdemo.foley.predictor import guess


class State(NamedTuple):
    """What the two recurrent tiers remember, each (layers, N, D)."""

    top: Tensor
    middle: Tensor

    def detach(self) -> State:
        """For truncated backpropagation: the same numbers without their past."""
        return State(self.top.detach(), self.middle.detach())


class Tier(nn.Module):
    """A recurrent tier: samples (S, taps) and what comes from above -> GRU -> ``spread`` different vectors for each step.

    With a ``waist`` they are made of so many numbers, themselves made of the GRU's state.
    """

    def __init__(self, taps: int, dim: int, layers: int, spread: int, waist: int = 0, *, learns_start: bool = True):
        super().__init__()
        self.expand = nn.Linear(taps, dim)
        self.rnn = nn.GRU(dim, dim, layers, batch_first=True)
        self.squeeze = nn.Linear(dim, waist) if waist else None
        self.spread = nn.Linear(waist or dim, spread * dim)
        self.start = nn.Parameter(torch.zeros(layers, dim)) if learns_start else None

    def first_state(self, n: int) -> Tensor:
        """The learned initial state, (layers, N, D), of a tier that learns one."""
        return self.start.unsqueeze(1).expand(-1, n, -1).contiguous()

    def forward(self, samples: Tensor, above: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (N, S, taps) in [-2, 2] and above (N, S, D) -> (N, S * spread, D) and the state after the last step."""
        out, state = self.rnn(self.expand(samples) + above, state)
        narrow = out if self.squeeze is None else self.squeeze(out)
        return self.spread(narrow).view(len(samples), -1, out.shape[-1]), state


TAIL = 12.0  # a bell curve whose tails fall like the 24th power: what is far off costs tens of nats, not thousands
WIDEST = 2.0  # by the MLP, as a power of e


class _SumOfRows(torch.autograd.Function):
    """Rows of a table, chosen and added: (R, D) and (M, K) row numbers -> (M, D).

    The same as an embedding bag, but for its backward pass, which adds up the gradients of each row in one go after sorting (half the
    time on a processor; this is done for every sample).
    """

    @staticmethod
    def forward(ctx, table: Tensor, numbers: Tensor) -> Tensor:
        ctx.save_for_backward(numbers)
        ctx.rows = len(table)
        return F.embedding_bag(numbers, table, mode="sum")

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (numbers,) = ctx.saved_tensors
        flat = numbers.flatten()
        order = torch.argsort(flat)
        begins = flat.new_zeros(ctx.rows)
        begins[1:] = torch.bincount(flat, minlength=ctx.rows).cumsum(0)[:-1]
        return F.embedding_bag(order // numbers.shape[1], gradient.contiguous(), begins, mode="sum"), None


class Guess(NamedTuple):
    """What linear prediction says of samples, each (N, T); see :mod:`avdemo.foley.predictor`."""

    sample: Tensor
    deviation: Tensor  # of the truth from it


class SampleMLP(nn.Module):
    """The last 16 levels, embedded, and what the middle tier says -> logits of the next.

    The first layer is a convolution over the 16 embedded levels. An embedded level is one of L vectors, so what a tap makes of it is one
    of L vectors too: :meth:`table` holds them all, and the convolution is a sum of 16 of its rows. The compiled sampler does the same.

    Where there is a guess of the sample, its level adds one row more, and the logits are corrections to those of a bell curve around it,
    whose place and width the MLP says too. At first it says nothing else.
    """

    def __init__(self, levels: int, embed: int, taps: int, dim: int, *, values: Tensor | None = None):
        """``values`` (L,): of the levels, in [-1, 1], where samples are guessed."""
        super().__init__()
        self.embedding = nn.Embedding(levels, embed)
        self.first = nn.Conv1d(embed, dim, taps, bias=False)  # its bias is in what the middle tier says
        self.second = nn.Linear(dim, dim)
        self.answer = nn.Linear(dim, levels)
        self.guessed = self.bell = None
        if values is not None:
            self.guessed, self.bell = nn.Embedding(levels, dim), nn.Linear(dim, 2)
            for parameter in (self.guessed.weight, *self.answer.parameters(), *self.bell.parameters()):
                nn.init.zeros_(parameter)
            self.register_buffer("values", values, persistent=False)
            self.register_buffer("widths", cells(values), persistent=False)

    def table(self) -> Tensor:
        """(taps, L, D): what each tap makes of each level. Tap 0 is the oldest sample."""
        return torch.einsum("le,dek->kld", self.embedding.weight, self.first.weight)

    def forward(self, levels: Tensor, above: Tensor, guess: Guess | None = None) -> Tensor:
        """Levels (N, T + taps - 1) int64 and above (N, T, D) -> logits (N, T, L) float32."""
        table = self.table()
        taps, rows, dim = table.shape
        numbers = levels.unfold(1, taps, 1) + rows * torch.arange(taps, device=levels.device)
        seen = _SumOfRows.apply(table.reshape(-1, dim), numbers.reshape(-1, taps)).view(above.shape)
        if guess is None:
            return self.answer(F.relu(self.second(F.relu(seen + above)))).float()
        hidden = F.relu(self.second(F.relu(seen + above + self.guessed(self.number(guess)))))
        shift, wider = self.bell(hidden).float().unbind(-1)
        return self.answer(hidden).float() + self.bell_logits(guess, shift, wider)

    def number(self, guess: Guess) -> Tensor:
        """The levels (N, T) that guessed samples are nearest to."""
        return torch.bucketize(guess.sample, (self.values[1:] + self.values[:-1]) / 2)

    def bell_logits(self, guess: Guess, shift: Tensor | float = 0.0, wider: Tensor | None = None) -> Tensor:
        """Logits (N, T, L) of a bell curve around a guess, moved by so many deviations, and so much wider as a power of e (limited)."""
        deviation = guess.deviation if wider is None else guess.deviation * torch.exp(WIDEST * torch.tanh(wider / WIDEST))
        middle = (guess.sample + shift * guess.deviation).clamp(-1, 1)
        sharp = (deviation.square() + self.widths[self.number(guess)].square() / 12).rsqrt()
        away = (self.values - middle.unsqueeze(-1)) * sharp.unsqueeze(-1)
        return self.widths.log() - TAIL * torch.log1p(away.square() / (2 * TAIL))


def cells(values: Tensor) -> Tensor:
    """The part of [-1, 1] that each of these values, in order, is the nearest of."""
    middles = (values[1:] + values[:-1]) / 2
    return torch.cat([middles, middles.new_ones(1)]) - torch.cat([-middles.new_ones(1), middles])


class SampleRNN(nn.Module):
    """The three tiers, over a whole window of samples at once (teacher forcing)."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.config = config
        near, spread = config.frame_sizes
        self.top = Tier(
            config.top_step,
            config.dim,
            config.rnn_layers,
            spread,
            config.waist,
            learns_start=config.codes > 0 or config.variant == "frame",
        )
        self.middle = Tier(config.middle_sees, config.dim, config.rnn_layers, near, config.waist)
        decode = mulaw.linear_decode if config.quantiser == "linear" else mulaw.mulaw_decode
        values = decode(torch.arange(config.levels), config.levels) if config.predicts else None
        self.mlp = SampleMLP(config.levels, config.embed, near, config.dim, values=values)

    def heard(self, levels: Tensor) -> Tensor:
        """Levels as the recurrent tiers hear them: evenly spaced in [-2, 2], whatever the quantiser."""
        return 2.0 * mulaw.linear_decode(levels, self.config.levels)

    def forward(
        self, levels: Tensor, rows: Tensor, state: State, predictor: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, State]:
        """Logits of every sample of a window.

        Args:
            levels: (N, reach + T) int64, the window and the samples before it (silence, before the first window).
            rows: (N, T / 64, D or 2D), what the condition adds to each node of the top tier, and to each of the middle tier below it.
            state: of the tiers before the window.
            predictor: coefficients (N, T / 64, P) and deviation (N, T / 64) of each node's samples, where samples are guessed.

        Returns:
            logits (N, T, L) of the window's samples, and the state after it.
        """
        far, near, sees, dim = self.config.top_step, self.config.middle_step, self.config.middle_sees, self.config.dim
        wav = self.heard(levels[:, self.config.reach - far :])
        above, top = self.top(wav[:, :-far].unflatten(1, (-1, far)), rows[..., :dim], state.top)
        if self.config.tell_middle:
            above = above + rows[..., dim:].repeat_interleave(far // near, 1)
        above, middle = self.middle(wav[:, far - sees : -near].unfold(1, sees, near), above, state.middle)
        return self.mlp(levels[:, self.config.reach - near : -1], above, self.guess(levels, predictor)), State(top, middle)

    def guess(self, levels: Tensor, predictor: tuple[Tensor, Tensor] | None) -> Guess | None:
        """Of the samples that follow the first levels, (N, reach + T)."""
        if predictor is None:
            return None
        coefficients, deviation = predictor
        step = (levels.shape[1] - self.config.reach) // deviation.shape[1]
        with torch.autocast(levels.device.type, enabled=False):  # half precision would be a worse guess than none
            return Guess(guess(self.mlp.values[levels[:, self.config.reach - self.config.predicts :]], coefficients), deviation.repeat_interleave(step, 1))


def choose(logits: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Logits (N, L) and uniform numbers (N,) -> levels (N,): the first whose cumulative probability is more than the number."""
    if temperature == 0:
        return logits.argmax(1)
    summed = torch.softmax(logits.double() / temperature, 1).cumsum(1)
    number = torch.searchsorted(summed, (uniforms.double() * summed[:, -1]).unsqueeze(1), right=True)
    return number.squeeze(1).clamp_max(logits.shape[1] - 1)
