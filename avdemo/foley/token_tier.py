"""The token tier: above the SampleRNN's tiers, it writes the acoustic tokens of every 20 ms, from the picture and from those before.

It is the coarsest tier, so it is the one that the picture conditions (paper, section 4): in "frame" each video frame is added to its
nodes, in "seq" the picture is its first state, in "flow" both, with motion. Below it nothing knows of the picture.

Shapes: N sounds, S times of 20 ms, B codebooks of C entries, D units.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.foley.condition import Condition
from avdemo.foley.config import FoleyConfig
from avdemo.foley.tiers import choose
from avdemo.foley.tokens import AUDIBLE, STROKE


class TokenTier(nn.Module):
    """A GRU over the tokens so far. The tokens of one time are chosen one book after another, each told the choices before it."""

    def __init__(self, config: FoleyConfig, *, learns_start: bool):
        super().__init__()
        dim = config.token_dim
        self.dropped = 0.0  # share of the units that are left out while it learns
        self.forgotten = 0.0, 0.0  # and of the times whose past is left out, and of the sounds of which all is
        self.embed = nn.ModuleList(nn.Embedding(config.codes, dim) for _ in range(config.books))
        self.phase = nn.Parameter(torch.zeros(config.tokens_per_frame, dim))  # which part of its video frame a time is
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.hidden = nn.ModuleList(nn.Linear(dim, dim) for _ in range(config.books))
        self.answer = nn.ModuleList(nn.Linear(dim, config.codes) for _ in range(config.books))
        self.start = nn.Parameter(torch.zeros(1, dim)) if learns_start else None

    def first_state(self, n: int) -> Tensor:
        """The learned initial state, (1, N, D), of a tier that learns one."""
        return self.start.unsqueeze(1).expand(-1, n, -1).contiguous()

    def at_times(self, rows: Tensor) -> Tensor:
        """What video frames add, (N, F, D) -> what is added at each time, (N, S, D)."""
        return (rows.unsqueeze(2) + self.phase).flatten(1, 2)

    @staticmethod
    def rows(rows: Tensor, count: int) -> Tensor:
        """The first ``count`` rows (N, S, D); after the last, that one stays."""
        return rows[:, torch.arange(count, device=rows.device).clamp_max(rows.shape[1] - 1)]

    def forward(self, tokens: Tensor, rows: Tensor, state: Tensor) -> list[Tensor]:
        """Teacher-forced logits (N, S, C) of each book.

        Args:
            tokens: (N, S, B) int64, the right ones; each time sees those before it, and nothing before the first.
            rows: (N, S, D), of the times. state: (1, N, D).
        """
        past = sum(embed(tokens[:, :-1, book]) for book, embed in enumerate(self.embed))
        if self.training and any(self.forgotten):
            shapes = past.shape[:2], (len(past), 1)
            times, sounds = (torch.rand(shape, device=past.device) >= share for shape, share in zip(shapes, self.forgotten, strict=True))
            past = past * (times & sounds).unsqueeze(2)
        told = F.pad(past, (0, 0, 1, 0)) + self.rows(rows, tokens.shape[1])
        out, _ = self.rnn(F.dropout(told, self.dropped, self.training), state)
        out = F.dropout(out, self.dropped, self.training)
        logits, chosen = [], 0
        for book, (hidden, answer) in enumerate(zip(self.hidden, self.answer, strict=True)):
            if book:
                chosen = chosen + self.embed[book - 1](tokens[..., book - 1])
            logits.append(answer(F.relu(hidden(out) + chosen)).float())
        return logits

    @torch.no_grad()
    def write(
        self, sighted: tuple[Tensor, Tensor], blind: tuple[Tensor, Tensor], uniforms: Tensor, temperature: float = 1.0, *,
        guidance: float = 1.0, shut: Tensor | None = None, anew: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Tokens (N, S, B), written time by time; :mod:`avdemo.foley.token_writer` does the same faster.

        Args:
            sighted: rows (N, S, D) of the times, and state (1, N, D). blind: those that know nothing of the picture.
            uniforms: (N, S, B) float64 in [0, 1): where each token falls in its cumulative distribution.
            temperature: the logits are divided by it; 0 takes the likeliest token.
            guidance: how many times the difference of sighted from blind counts.
            shut: (N, F, C) bool, entries of the first book that are not chosen while a video frame lasts.
            anew: (N, S) bool, times at which a sound begins again, with the first state and no past.
        """
        tokens = torch.zeros(uniforms.shape, dtype=torch.long, device=uniforms.device)
        told = [self.rows(rows, tokens.shape[1]) for rows, _ in (sighted, blind)]
        states = [state for _, state in (sighted, blind)]
        past = torch.zeros_like(told[0][:, 0])
        for time in range(tokens.shape[1]):
            outs = []
            if anew is not None and time < anew.shape[1]:
                again = anew[:, time, None]
                past = torch.where(again, torch.zeros_like(past), past)
                states = [torch.where(again, start, state) for state, (_, start) in zip(states, (sighted, blind), strict=True)]
            for way in range(2):
                out, states[way] = self.rnn((told[way][:, time] + past).unsqueeze(1), states[way])
                outs.append(out[:, 0])
            past, chosen = 0, 0
            for book, (hidden, answer) in enumerate(zip(self.hidden, self.answer, strict=True)):
                seeing, unseeing = (answer(F.relu(hidden(out) + chosen)) for out in outs)
                logits = unseeing + guidance * (seeing - unseeing)
                if shut is not None and book == 0:
                    logits = logits.masked_fill(shut[:, min(time // len(self.phase), shut.shape[1] - 1)], -torch.inf)
                tokens[:, time, book] = number = choose(logits, uniforms[:, time, book], temperature)
                past = chosen = past + self.embed[book](number)
        return tokens

    def log_likelihood(self, tokens: Tensor, rows: Tensor, state: Tensor) -> Tensor:
        """Nats (N, S) <= 0 of the tokens of each time, all books together."""
        logits = self(tokens, rows, state)
        return sum(
            -F.cross_entropy(logit.transpose(1, 2), tokens[..., book], reduction="none") for book, logit in enumerate(logits)
        )


def shut(told: Tensor | None, silent: Tensor) -> Tensor | None:
    """Silent entries (C,) of the first codebook, in the video frames that are told (N, F) to be heard: (N, F, C) bool.

    The tier learnt beside loudness that was decided wrongly, so it may stay silent, and the gain would make hiss of that.
    """
    return None if told is None else (told > AUDIBLE).unsqueeze(2) & silent


def anew(condition: Condition, per_frame: int) -> Tensor | None:
    """Times at which the tier is to forget what it wrote, or a bang would sound like the hush before it: (N, S) bool.

    Those are the strokes, where something is told to be heard; in a network that does not say when strokes begin, video frames that are much
    louder than the one before.
    """
    told = condition.told
    if told is None:
        return None
    if condition.strokes is not None:
        audible = torch.maximum(told, F.pad(told[:, 1:], (0, 1))) > AUDIBLE  # one late in its video frame is heard in the next
        return (condition.strokes > 0.5) & audible.repeat_interleave(per_frame, 1)
    struck = (F.pad(told, (1, 0)).diff() > STROKE) & (told > AUDIBLE)
    return struck.repeat_interleave(per_frame, 1) & (torch.arange(per_frame * told.shape[1], device=told.device) % per_frame == 0)
