"""Visual to Sound: a picture encoder conditions a SampleRNN that writes the sound sample by sample (paper, section 4).

What the picture says is computed once for a whole clip (:meth:`Foley.condition`), apart from the writing. The writing itself is done
by :mod:`avdemo.foley.sampler`; :func:`generate_reference` here is the same in plain PyTorch, to test it against and to write many
sounds at once on a graphics card.

Shapes: N clips, F video frames of 1280 samples, T samples, D units, L levels, V numbers for a video frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.dsp import mulaw
from avdemo.foley.colouring import Colour
from avdemo.foley.config import FoleyConfig
from avdemo.foley.levelling import course_db, encode, gains, hiss
from avdemo.foley.seeing import Motion, eye_of, see
from avdemo.foley.tiers import SampleRNN, State

__all__ = ["Condition", "Foley", "State", "generate_reference"]

LOUDNESS_WIDTH = 64  # channels of the head that says how loud each frame will be
WINDOW = 3200  # samples that a likelihood is computed of at once: the memory does not grow with the length


@dataclass(frozen=True)
class Condition:
    """All that the sound of N clips gets from their pictures."""

    rows: Tensor  # (N, F, R): what each video frame adds to the top tier's nodes, and to the middle one's if told; zeros in "seq"
    start: Tensor  # (layers, N, D): the top tier's state before the first sample
    loudness: Tensor | None  # (N, F) in [0, 1], decided from the picture: 0 is -60 dB, 1 full scale; None without that head
    kinds: Tensor | None  # (N, kinds + 1) logits of what is seen, the last for none of the kinds; None without that head
    gain_db: Tensor | None = None  # (N, F): how much louder than it is written the sound is; None for a network that is not levelled
    told: Tensor | None = None  # (N, F): the loudness that the sound is held to, decided or given; None for one that is not levelled
    colour_db: Tensor | None = None  # (N, 65): what is added to the spectrum of what is written; None for one that is not coloured

    def pick(self, clips: Sequence[int] | Tensor) -> Condition:
        """Those of these clips, in this order; a clip may come several times."""
        index = torch.as_tensor(clips, device=self.rows.device)
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        parts = {name: value[index] for name, value in values.items() if name != "start" and value is not None}
        return Condition(**(dict.fromkeys(values) | parts | {"start": self.start[:, index]}))


class Foley(nn.Module):
    """One variant: the eye, what reads the motion, the heads, and the SampleRNN."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.config = config
        self.eye = eye_of(config)
        self.motion = Motion(config) if config.variant == "flow" else None
        self.seq = self.begin = self.to_nodes = None
        if config.variant != "frame":
            self.seq = nn.GRU(config.visual, config.seq_hidden, config.rnn_layers, batch_first=True)
            same = config.seq_hidden == config.dim  # then its last state is the initial state, as in the paper
            self.begin = nn.Identity() if same else nn.Sequential(nn.Linear(config.seq_hidden, config.dim), nn.Tanh())
        if config.conditions_nodes:  # concatenating to a node's input before a linear layer is adding after one
            self.to_nodes = nn.Linear(config.visual, config.row)
        self.says_loudness = self.loudness_to_nodes = self.says_kind = None
        if config.envelope_head:
            hidden, last = (nn.Conv1d(i, o, 3, padding=1) for i, o in ((config.visual, LOUDNESS_WIDTH), (LOUDNESS_WIDTH, 1)))
            self.says_loudness = nn.Sequential(hidden, nn.ReLU(), last, nn.Sigmoid())
            self.loudness_to_nodes = nn.Conv1d(1, config.row, 3, padding=1)
        if config.kind_head:
            self.says_kind = nn.Linear(config.visual, len(config.kinds) + 1)
        self.colour = Colour(len(config.kinds)) if config.coloured else None
        self.rnn = SampleRNN(config)

    def encode(self, wav: Tensor) -> Tensor:
        """Samples in [-1, 1] -> levels (int64), by the configuration's quantiser."""
        return encode(wav, self.config)

    def levelled(self, wav: Tensor, loudness: Tensor) -> Tensor:
        """Sound (N, T) in [-1, 1] and its loudness (N, F) -> the levels (N, T) that the SampleRNN is to write for it."""
        if self.config.levelled:
            wav = wav / gains(course_db(loudness), 0, wav.shape[1], self.config.samples_per_frame) + hiss(wav.shape).to(wav.device)
        return self.encode(wav)

    def decode(self, levels: Tensor) -> Tensor:
        """Levels -> samples in [-1, 1], float32."""
        return (mulaw.linear_decode if self.config.quantiser == "linear" else mulaw.mulaw_decode)(levels, self.config.levels)

    def see(self, frames: Tensor) -> Tensor:
        """Video frames uint8 (N, F, H, W, 3) RGB at the configuration's rate -> (N, F, V)."""
        return see(self.eye, frames)

    def condition(
        self, frames: Tensor | None = None, flow: Tensor | None = None, *, visual: Tensor | None = None,
        loudness: Tensor | None = None,
    ) -> Condition:  # fmt: skip
        """What the sound gets from the picture, once for whole clips.

        Args:
            frames: uint8 (N, F, H, W, 3) RGB at the configuration's rate; or give
            visual: (N, F, V), what :meth:`see` made of them (of a long video, in parts).
            flow: (N, F, G, G, 2) in places per frame; "flow" needs it, the others do not look at it.
            loudness: (N, F) in [0, 1], the true one or one that a person drew, fed to the nodes in place of the decided one.

        Raises:
            ValueError: neither frames nor visual, no flow in "flow", or a loudness without the head for it.
            WeightsError: the paper's eye has no weights yet.
        """
        if visual is None:
            if frames is None:
                raise ValueError("a condition needs frames, or what the eye saw in them")
            visual = self.see(frames)
        if self.motion is not None:
            if flow is None:
                raise ValueError('the variant "flow" needs the optical flow')
            visual = visual + self.motion(flow)
        return self.condition_of(visual, loudness)

    def condition_of(self, seen: Tensor, loudness: Tensor | None = None) -> Condition:
        """The same from what was seen, motion included, (N, F, V)."""
        n, count = seen.shape[:2]
        start = self.rnn.top.first_state(n) if self.seq is None else self.begin(self.seq(seen)[1])
        rows = seen.new_zeros(n, count, self.config.row) if self.to_nodes is None else self.to_nodes(seen)
        decided = gain_db = told = None
        if self.says_loudness is not None:
            decided = self.says_loudness(seen.transpose(1, 2)).squeeze(1)
            told = decided.detach() if loudness is None else loudness  # it stays a loudness: the sound's error does not change it
            rows = rows + self.loudness_to_nodes(told.unsqueeze(1).to(rows.dtype)).transpose(1, 2)
            gain_db = course_db(told) if self.config.levelled else None
        elif loudness is not None:
            raise ValueError("this network is not told a loudness")
        kinds = None if self.says_kind is None else self.says_kind(seen.mean(1)).float()
        colour_db = None if self.colour is None else self.colour(kinds)
        return Condition(rows, start, None if decided is None else decided.float(), kinds, gain_db, told if self.config.levelled else None, colour_db)

    def rows_of(self, condition: Condition, first: int, samples: int) -> Tensor:
        """(N, samples / 64, R): of the top tier's nodes from sample ``first`` on. After the last video frame, that one stays."""
        step = self.config.top_step
        times = torch.arange(first, first + samples, step, device=condition.rows.device)
        return condition.rows[:, (times // self.config.samples_per_frame).clamp_max(condition.rows.shape[1] - 1)]

    def first_state(self, condition: Condition) -> State:
        """Of the recurrent tiers, before the first sample."""
        return State(condition.start, self.rnn.middle.first_state(condition.start.shape[1]))

    def after_silence(self, levels: Tensor) -> Tensor:
        """(N, T) -> (N, 64 + T) with the silence in front that every sound begins after."""
        return F.pad(levels, (self.config.top_step, 0), value=self.config.silence)

    def logits(self, levels: Tensor, condition: Condition, state: State | None = None, first: int = 0) -> tuple[Tensor, State]:
        """Teacher-forced logits of a window.

        Args:
            levels: (N, 64 + T) int64: the window and the 64 samples before it (see :meth:`after_silence`); T is a multiple of 64.
            condition: of the whole clips.
            state: after the window before this one; None: the window is the first.
            first: sample of the clip that the window begins with, a multiple of 64.

        Returns:
            logits (N, T, L) and the state after the window. For truncated backpropagation pass it on with ``state.detach()``.
        """
        state = self.first_state(condition) if state is None else state
        rows = self.rows_of(condition, first, levels.shape[1] - self.config.top_step)
        return self.rnn(levels, rows, state)

    def forward(
        self, levels: Tensor, frames: Tensor | None = None, flow: Tensor | None = None, *, visual: Tensor | None = None,
        loudness: Tensor | None = None, state: State | None = None, first: int = 0,
    ) -> tuple[Tensor, State, Condition]:  # fmt: skip
        """:meth:`condition` and :meth:`logits` in one call, for training on many machines -> logits, state, condition."""
        condition = self.condition(frames, flow, visual=visual, loudness=loudness)
        return *self.logits(levels, condition, state, first), condition

    @torch.no_grad()
    def log_likelihood(self, levels: Tensor, condition: Condition, lengths: Tensor | None = None) -> Tensor:
        """Mean log-likelihood of sounds under their conditions, by teacher forcing.

        Args:
            levels: (N, T) int64, any T; the n-th sound is judged under the n-th condition (:meth:`Condition.pick` pairs them).
            lengths: (N,), samples of each sound that count; None: all T.

        Returns:
            (N,) nats per sample, <= 0; divided by ln 2, bits per sample.
        """
        n, count = levels.shape
        step = self.config.top_step
        lengths = torch.full((n,), count, device=levels.device) if lengths is None else lengths.to(levels.device)
        padded = self.after_silence(F.pad(levels, (0, -count % step), value=self.config.silence))
        window, state, total = WINDOW // step * step, None, torch.zeros(n, dtype=torch.float64, device=levels.device)
        for first in range(0, count, window):
            part = padded[:, first : first + step + window]
            logits, state = self.logits(part, condition, state, first)
            nats = -F.cross_entropy(logits.transpose(1, 2), part[:, step:], reduction="none")
            counts = torch.arange(first, first + nats.shape[1], device=levels.device) < lengths.unsqueeze(1)
            total += (nats * counts).sum(1, dtype=torch.float64)
        return (total / lengths).float()


@torch.no_grad()
def generate_reference(
    network: Foley, condition: Condition, uniforms: Tensor, temperature: float = 1.0, *, state: State | None = None,
    heard: Tensor | None = None, first: int = 0,
) -> tuple[Tensor, Tensor, State]:  # fmt: skip
    """Write sounds sample by sample with the network's own modules: about 1000 times slower than :mod:`avdemo.foley.sampler`.

    Args:
        uniforms: (N, T) float64 in [0, 1): where each sample falls in its cumulative distribution.
        temperature: the logits are divided by it; 0 takes the likeliest level.
        state, heard, first: to go on at sample ``first``, a multiple of 64: the state and the last 64 levels (N, 64).

    Returns:
        levels (N, T) int64, logits (N, T, L) before the temperature, and the state after the last sample.
    """
    config, rnn = network.config, network.rnn
    n, count = uniforms.shape
    far, near = config.top_step, config.middle_step
    top, middle = network.first_state(condition) if state is None else state
    levels = uniforms.new_full((n, far + count), config.silence, dtype=torch.long)
    if heard is not None:
        levels[:, :far] = heard
    logits = torch.zeros(n, count, config.levels, device=uniforms.device)
    for t in range(count):
        wav = rnn.heard(levels[:, t : t + far])
        if t % far == 0:
            row = network.rows_of(condition, first + t, 1)
            from_top, top = rnn.top(wav.unsqueeze(1), row[..., : config.dim], top)
        if t % near == 0:
            above = from_top[:, t % far // near, None]
            above = above + row[..., config.dim :] if config.tell_middle else above
            from_middle, middle = rnn.middle(wav[:, None, -near:], above, middle)
        logits[:, t] = rnn.mlp(levels[:, t + far - near : t + far], from_middle[:, t % near, None])[:, 0]
        levels[:, far + t] = choose(logits[:, t], uniforms[:, t], temperature)
    return levels[:, far:], logits, State(top, middle)


def choose(logits: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Logits (N, L) and uniform numbers (N,) -> levels (N,): the first whose cumulative probability is more than the number."""
    if temperature == 0:
        return logits.argmax(1)
    summed = torch.softmax(logits.double() / temperature, 1).cumsum(1)
    number = torch.searchsorted(summed, (uniforms.double() * summed[:, -1]).unsqueeze(1), right=True)
    return number.squeeze(1).clamp_max(logits.shape[1] - 1)
