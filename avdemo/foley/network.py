"""Visual to Sound: a picture encoder conditions a SampleRNN that writes the sound sample by sample (paper, section 4).

What the picture says is computed once for a whole clip (:meth:`Foley.condition`), apart from the writing. The writing itself is done
by :mod:`avdemo.foley.sampler`; :func:`generate_reference` here is the same in plain PyTorch, to test it against and to write many
sounds at once on a graphics card.

Shapes: N clips, F video frames of 1280 samples, T samples, D units, L levels, V numbers for a video frame.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.dsp import mulaw
from avdemo.foley.condition import Condition, Nodes
from avdemo.foley.config import FoleyConfig
from avdemo.foley.decay import Decay
from avdemo.foley.levelling import course_db, encode, levelled_sound
from avdemo.foley.naming import Namer, among_kinds
from avdemo.foley.predictor import Predictor
from avdemo.foley.seeing import Motion, eye_of, see
from avdemo.foley.strokes import Strokes, begins, by_frame
from avdemo.foley.tiers import SampleRNN, State, choose
from avdemo.foley.token_tier import TokenTier
from avdemo.foley.tokens import Telling, Tokens
from avdemo.foley.voices import Voices

__all__ = ["Condition", "Foley", "Nodes", "State", "generate_reference"]

LOUDNESS_WIDTH = 64  # channels of the head that says how loud each frame will be
WINDOW = 3200  # samples that a likelihood is computed of at once: the memory does not grow with the length


class Foley(nn.Module):
    """One variant: the eye, what reads the motion, the heads, and the SampleRNN."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.config = config
        self.eye = eye_of(config)
        self.motion = Motion(config) if config.variant == "flow" else None
        self.seq = self.begin = self.to_nodes = None
        if config.variant != "frame":
            layers, dim = (1, config.token_dim) if config.codes else (config.rnn_layers, config.dim)
            self.seq = nn.GRU(config.visual, config.seq_hidden, layers, batch_first=True)
            same = config.seq_hidden == dim  # then its last state is the initial state, as in the paper
            self.begin = nn.Identity() if same else nn.Sequential(nn.Linear(config.seq_hidden, dim), nn.Tanh())
        if config.conditions_nodes:  # concatenating to a node's input before a linear layer is adding after one
            self.to_nodes = nn.Linear(config.visual, config.row)
        self.says_loudness = self.loudness_to_nodes = self.says_kind = self.says_strokes = self.strokes_to_nodes = None
        if config.strokes:
            self.says_strokes = Strokes(config)
            self.strokes_to_nodes = nn.Conv1d(1, config.row, 5, padding=2)
        if config.envelope_head:
            sees = config.visual + (config.tokens_per_frame if config.strokes else 0)
            hidden, last = (nn.Conv1d(i, o, 3, padding=1) for i, o in ((sees, LOUDNESS_WIDTH), (LOUDNESS_WIDTH, 1)))
            self.says_loudness = nn.Sequential(hidden, nn.ReLU(), last, nn.Sigmoid())
            self.loudness_to_nodes = nn.Conv1d(1, config.row, 3, padding=1)
        if config.kind_head:
            self.says_kind = nn.Linear(config.visual, len(config.kinds) + 1)
        self.tokens = self.tells = self.tier = self.kind_to_nodes = self.voices = None
        if config.codes:
            self.tokens, self.tells = Tokens(config), Telling(config)
            self.tier = TokenTier(config, learns_start=config.variant == "frame")
            self.kind_to_nodes = nn.Linear(len(config.kinds), config.row, bias=False)
            self.voices = Voices(config) if config.voices else None
        self.decay = Decay(config) if config.decay else None
        self.predictor = Predictor(config) if config.predicts else None
        self.rnn = SampleRNN(config)
        self.namer = Namer(config) if config.votes else None

    def encode(self, wav: Tensor) -> Tensor:
        """Samples in [-1, 1] -> levels (int64), by the configuration's quantiser."""
        return encode(wav, self.config)

    def levelled(self, wav: Tensor, loudness: Tensor, seed: int = 0) -> Tensor:
        """Sound (N, T) in [-1, 1] and its loudness (N, F) -> the levels (N, T) that the SampleRNN is to write for it; ``seed``: of its hiss."""
        return self.encode(levelled_sound(wav, loudness, self.config, seed))

    def decode(self, levels: Tensor) -> Tensor:
        """Levels -> samples in [-1, 1], float32."""
        return (mulaw.linear_decode if self.config.quantiser == "linear" else mulaw.mulaw_decode)(levels, self.config.levels)

    def see(self, frames: Tensor) -> Tensor:
        """Video frames uint8 (N, F, H, W, 3) RGB at the configuration's rate -> (N, F, V), and where there is a namer (N, F, V + votes)."""
        return see(self.eye if self.namer is None else self._with_votes, frames)

    def _with_votes(self, frames: Tensor) -> Tensor:
        maps = self.eye.maps(frames)
        return torch.cat([self.eye.numbers(maps), self.namer(maps)], 1)

    def with_motion(self, visual: Tensor, motion: Tensor | None) -> Tensor:
        """What was seen (N, F, V or V + votes), with what the motion says (N, F, V)."""
        return visual if motion is None else visual + F.pad(motion, (0, visual.shape[-1] - motion.shape[-1]))

    def kinds_of(self, seen: Tensor) -> Tensor | None:
        """Logits (N, kinds + 1) of what is seen: what its frames voted for, or, without votes, what the kind head says."""
        if seen.shape[-1] > self.config.visual:
            return seen[..., self.config.visual :].mean(1).float()
        return None if self.says_kind is None else self.says_kind(seen.mean(1)).float()

    def condition(
        self, frames: Tensor | None = None, flow: Tensor | None = None, *, visual: Tensor | None = None,
        loudness: Tensor | None = None, strokes: Tensor | None = None,
    ) -> Condition:  # fmt: skip
        """What the sound gets from the picture, once for whole clips.

        Args:
            frames: uint8 (N, F, H, W, 3) RGB at the configuration's rate; or give
            visual: what :meth:`see` made of them (of a long video, in parts).
            flow: (N, F, G, G, 2) in places per frame; "flow" needs it, the others do not look at it.
            loudness: (N, F) in [0, 1], the true one or one that a person drew, fed to the nodes in place of the decided one.
            strokes: (N, S), likewise: 1 where a stroke begins.

        Raises:
            ValueError: neither frames nor visual, no flow in "flow", or a loudness or strokes without the head for it.
            WeightsError: the paper's eye has no weights yet.
        """
        if visual is None:
            if frames is None:
                raise ValueError("a condition needs frames, or what the eye saw in them")
            visual = self.see(frames)
        if self.motion is not None:
            if flow is None:
                raise ValueError('the variant "flow" needs the optical flow')
            visual = self.with_motion(visual, self.motion(flow))
        return self.condition_of(visual, loudness, strokes)

    def condition_of(self, seen: Tensor, loudness: Tensor | None = None, strokes: Tensor | None = None) -> Condition:
        """The same from what was seen, motion included, (N, F, V or V + votes)."""
        gain_db = told = blind = None
        kinds, seen = self.kinds_of(seen), seen[..., : self.config.visual]
        if strokes is not None and self.says_strokes is None:
            raise ValueError("this network is not told strokes")
        chances, strokes, decided = self.decide(seen, strokes)
        decided = decided if self.decay is None else self.decay(decided, strokes, kinds)
        if decided is not None:
            told = decided.detach() if loudness is None else loudness  # it stays a loudness: the sound's error does not change it
            gain_db = course_db(told) if self.config.levelled else None
        elif loudness is not None:
            raise ValueError("this network is not told a loudness")
        among = None if self.kind_to_nodes is None else among_kinds(kinds)
        rows, start = self._coarsest(seen, told, among, strokes)
        if among is not None:
            blind = self._coarsest(torch.zeros_like(seen), told, torch.zeros_like(among), strokes)
        held = told if self.config.levelled else None
        return Condition(rows, start, None if decided is None else decided.float(), kinds, gain_db, held, blind, chances, strokes)

    def decide(self, seen: Tensor, strokes: Tensor | None = None) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """What the picture says of when and how loud it sounds; None for what this network does not say.

        Args:
            seen: (N, F, V). strokes: (N, S), where they begin, if that is known.

        Returns:
            logits (N, S) that a stroke begins, where one does (N, S), and the loudness (N, F) in [0, 1] that follows from both.
        """
        chances = None
        if self.says_strokes is not None:
            chances = self.says_strokes(seen).float()
            strokes = begins(chances.detach()) if strokes is None else strokes
            seen = torch.cat([seen, by_frame(strokes, self.config.tokens_per_frame).to(seen.dtype)], 2)
        decided = None if self.says_loudness is None else self.says_loudness(seen.transpose(1, 2)).squeeze(1)
        return chances, strokes, decided

    def _coarsest(self, seen: Tensor, told: Tensor | None, kinds: Tensor | None, strokes: Tensor | None) -> tuple[Tensor, Tensor]:
        """What is added to the nodes of the coarsest tier (N, S or F, R), and its first state (layers, N, D).

        Args:
            seen: (N, F, V). told: loudness (N, F). kinds: (N, kinds), how likely each is. strokes: (N, S).
        """
        n, count = seen.shape[:2]
        start = (self.tier or self.rnn.top).first_state(n) if self.seq is None else self.begin(self.seq(seen)[1])
        rows = seen.new_zeros(n, count, self.config.row) if self.to_nodes is None else self.to_nodes(seen)
        return self.told_rows(rows, told, kinds, strokes), start

    def told_rows(self, rows: Tensor, loudness: Tensor | None, kinds: Tensor | None, strokes: Tensor | None) -> Tensor:
        """What is seen in each video frame (N, F, R), with when, how loud and of which kind it sounds: (N, S, R) where tokens are written."""
        if loudness is not None:
            rows = rows + self.loudness_to_nodes(loudness.unsqueeze(1).to(rows.dtype)).transpose(1, 2)
        rows = rows if kinds is None else rows + self.kind_to_nodes(kinds).unsqueeze(1)
        rows = rows if self.tier is None else self.tier.at_times(rows)
        return rows if strokes is None else rows + self.strokes_to_nodes(strokes.unsqueeze(1).to(rows.dtype)).transpose(1, 2)

    def tokens_of(self, levels: Tensor) -> Tensor:
        """The acoustic tokens of sounds, (N, T) levels -> (N, S, B)."""
        with torch.autocast(levels.device.type, enabled=False):  # half precision would mistake the nearest entries
            return self.tokens.encode(self.tokens.spectra(self.decode(levels)))

    def nodes(self, condition: Condition, tokens: Tensor | None = None) -> Nodes:
        """What the SampleRNN is told: of the tokens (N, S, B) of its sounds where the network has them, else of the condition itself."""
        if self.tells is None:
            return Nodes(condition.rows, self.config.samples_per_frame, condition.start)
        spectra = self.tokens.decode(tokens)
        rows = self.tells(spectra)
        predictor = None
        if self.predictor is not None:
            predictor = self.predictor(torch.cat([spectra[:, :1], spectra, spectra[:, -1:]], 1))
        return Nodes(rows, self.config.token_step, self.rnn.top.first_state(len(rows)), predictor)

    def rows_of(self, nodes: Nodes, first: int, samples: int) -> Tensor:
        """(N, samples / 64, R): of the top tier's nodes from sample ``first`` on. After the last row, that one stays."""
        times = torch.arange(first, first + samples, self.config.top_step, device=nodes.rows.device)
        return nodes.rows[:, (times // nodes.step).clamp_max(nodes.rows.shape[1] - 1)]

    def predictor_of(self, nodes: Nodes, first: int, samples: int) -> tuple[Tensor, Tensor] | None:
        """Of those nodes, likewise."""
        if nodes.predictor is None:
            return None
        step = self.config.top_step
        places = torch.arange(first // step, -(-(first + samples) // step), device=nodes.rows.device)
        return tuple(part[:, places.clamp_max(part.shape[1] - 1)] for part in nodes.predictor)

    def first_state(self, nodes: Nodes) -> State:
        """Of the recurrent tiers, before the first sample."""
        return State(nodes.start, self.rnn.middle.first_state(nodes.start.shape[1]))

    def after_silence(self, levels: Tensor) -> Tensor:
        """(N, T) -> (N, reach + T) with the silence in front that every sound begins after."""
        return F.pad(levels, (self.config.reach, 0), value=self.config.silence)

    def logits(self, levels: Tensor, nodes: Nodes, state: State | None = None, first: int = 0) -> tuple[Tensor, State]:
        """Teacher-forced logits of a window.

        Args:
            levels: (N, reach + T) int64: the window and the samples before it (see :meth:`after_silence`); T is a multiple of 64.
            nodes: of the whole clips.
            state: after the window before this one; None: the window is the first.
            first: sample of the clip that the window begins with, a multiple of 64.

        Returns:
            logits (N, T, L) and the state after the window. For truncated backpropagation pass it on with ``state.detach()``.
        """
        state = self.first_state(nodes) if state is None else state
        samples = levels.shape[1] - self.config.reach
        return self.rnn(levels, self.rows_of(nodes, first, samples), state, self.predictor_of(nodes, first, samples))

    @torch.no_grad()
    def log_likelihood(self, levels: Tensor, condition: Condition, lengths: Tensor | None = None) -> Tensor:
        """Mean log-likelihood of sounds under their conditions, by teacher forcing: that of their tokens, and that of their samples.

        Args:
            levels: (N, T) int64, any T; the n-th sound is judged under the n-th condition (:meth:`Condition.pick` pairs them).
            lengths: (N,), samples of each sound that count; None: all T.

        Returns:
            (N,) nats per sample, <= 0; divided by ln 2, bits per sample.
        """
        if self.tier is None:
            return self.samples_likelihood(levels, self.nodes(condition), lengths)
        tokens = self.tokens_of(levels)
        return self.samples_likelihood(levels, self.nodes(condition, tokens), lengths) + self.tokens_likelihood(
            tokens, condition, levels.shape[1], lengths
        )

    def tokens_likelihood(self, tokens: Tensor, condition: Condition, samples: int, lengths: Tensor | None = None) -> Tensor:
        """The part of the tokens (N, S, B) of sounds of so many samples: (N,) nats per sample."""
        lengths = torch.full((len(tokens),), samples, device=tokens.device) if lengths is None else lengths.to(tokens.device)
        nats = self.tier.log_likelihood(tokens, condition.rows, condition.start)
        counts = torch.arange(tokens.shape[1], device=tokens.device) * self.config.token_step < lengths.unsqueeze(1)
        return (nats * counts).sum(1) / lengths

    @torch.no_grad()
    def samples_likelihood(self, levels: Tensor, nodes: Nodes, lengths: Tensor | None = None) -> Tensor:
        """The part of the samples, as their nodes are told: (N,) nats per sample."""
        n, count = levels.shape
        step, reach = self.config.top_step, self.config.reach
        lengths = torch.full((n,), count, device=levels.device) if lengths is None else lengths.to(levels.device)
        padded = self.after_silence(F.pad(levels, (0, -count % step), value=self.config.silence))
        window, state, total = WINDOW // step * step, None, torch.zeros(n, dtype=torch.float64, device=levels.device)
        for first in range(0, count, window):
            part = padded[:, first : first + reach + window]
            logits, state = self.logits(part, nodes, state, first)
            nats = -F.cross_entropy(logits.transpose(1, 2), part[:, reach:], reduction="none")
            counts = torch.arange(first, first + nats.shape[1], device=levels.device) < lengths.unsqueeze(1)
            total += (nats * counts).sum(1, dtype=torch.float64)
        return (total / lengths).float()


@torch.no_grad()
def generate_reference(
    network: Foley, nodes: Nodes, uniforms: Tensor, temperature: float = 1.0, *, state: State | None = None,
    heard: Tensor | None = None, first: int = 0,
) -> tuple[Tensor, Tensor, State]:  # fmt: skip
    """Write sounds sample by sample with the network's own modules: about 1000 times slower than :mod:`avdemo.foley.sampler`.

    Args:
        nodes: what :meth:`Foley.nodes` says of the N sounds.
        uniforms: (N, T) float64 in [0, 1): where each sample falls in its cumulative distribution.
        temperature: the logits are divided by it; 0 takes the likeliest level.
        state, heard, first: to go on at sample ``first``, a multiple of 64: the state and the last levels (N, reach).

    Returns:
        levels (N, T) int64, logits (N, T, L) before the temperature, and the state after the last sample.
    """
    config, rnn = network.config, network.rnn
    n, count = uniforms.shape
    far, near, reach = config.top_step, config.middle_step, config.reach
    top, middle = network.first_state(nodes) if state is None else state
    levels = uniforms.new_full((n, reach + count), config.silence, dtype=torch.long)
    if heard is not None:
        levels[:, :reach] = heard
    logits = torch.zeros(n, count, config.levels, device=uniforms.device)
    for t in range(count):
        now = reach + t
        wav = rnn.heard(levels[:, now - far : now])
        if t % far == 0:
            row = network.rows_of(nodes, first + t, 1)
            from_top, top = rnn.top(wav.unsqueeze(1), row[..., : config.dim], top)
        if t % near == 0:
            above = from_top[:, t % far // near, None]
            above = above + row[..., config.dim :] if config.tell_middle else above
            from_middle, middle = rnn.middle(wav[:, None, -config.middle_sees :], above, middle)
        guess = rnn.guess(levels[:, t : now + 1], network.predictor_of(nodes, first + t, 1))
        logits[:, t] = rnn.mlp(levels[:, now - near : now], from_middle[:, t % near, None], guess)[:, 0]
        levels[:, now] = choose(logits[:, t], uniforms[:, t], temperature)
    return levels[:, reach:], logits, State(top, middle)
