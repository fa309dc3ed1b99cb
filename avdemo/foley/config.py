"""Sizes and conventions of Visual to Sound, in the paper's size and in a compact one that writes sound faster than it is heard."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from avdemo.configuration import Configuration

KINDS = ("baby_cry", "chainsaw", "dog", "drum", "fireworks", "helicopter", "printer", "rail", "snoring", "water")
"""The ten kinds of sound of VEGAS, which the shipped networks know."""
VARIANTS = ("frame", "seq", "flow")
"""How the picture conditions the sound (paper, section 4): at every video frame, once at the start, once with optical flow."""
QUANTISERS = ("linear", "mulaw")
EYES = ("mobilenet_v2", "vgg19", "tiny")
QUIETEST_DB = -60.0  # dB under full scale: loudness 0 of a video frame's sound; full scale is loudness 1
LEVELLED_DB = -20.0  # root mean square that a levelled network writes at; peaks 20 dB higher still fit
HISS_DB = -62.0  # of the noise that levelled sound gets: after digital silence a network would be silent for ever


@dataclass(frozen=True)
class FoleyConfig(Configuration):
    """Everything that decides the shapes of a network and of what it reads. The defaults are the compact ones.

    A network is one of the variants. The switches go beyond the paper:

    - ``codes`` and ``books``: above the SampleRNN's tiers there is one more, the token tier (:mod:`avdemo.foley.token_tier`), which writes
      the spectrum of every 20 ms as acoustic tokens; the picture conditions it, and it alone tells the SampleRNN what to write. 0: none.
    - ``predicts``: the SampleRNN starts from linear prediction of so high an order by the tokens' spectra
      (:mod:`avdemo.foley.predictor`). 0: it does not.
    - ``emphasis``: what it writes is a levelled sound whose heights are raised (each sample less so much of the one before), so that the
      noise of 256 levels lies under the sound in all bands and not in the low ones alone.
    - ``motion_to_top`` ("flow" alone): what is seen in each video frame, motion included, also conditions the coarsest tier's nodes, so that
      timing can be followed; in the paper it reaches them only through the state that they begin with.
    - ``envelope_head``: an output beside the others says from the picture alone how loud the sound of each video frame will be; it is
      trained on the true loudness and fed to the coarsest tier's nodes, so that loudness and timing are decided from the picture first.
    - ``kind_head``: another says which kind is seen, and a token tier is told; the eye learns from it what sound alone would teach it slowly.
    - ``names``: in use not that one is asked, but a network of so many units on ImageNet's later blocks (:mod:`avdemo.foley.naming`), which
      knows more photos. 0: that one.
    - ``levelled``: the SampleRNN writes every sound equally loud, and what it writes is multiplied by the course of loudness that it was
      told (:mod:`avdemo.foley.levelling`), so that it need not learn each texture at each level.
    - ``strokes``: another output says when something begins to sound, to 20 ms (:mod:`avdemo.foley.strokes`); loudness and tokens follow
      from it.
    - ``decay``: loudness falls from one stroke to the next as the kind's recordings do (:mod:`avdemo.foley.decay`).
    - ``voices``: the token tier is told which of so many recordings it hears (:mod:`avdemo.foley.voices`). 0: it is not.
    - ``waist``: what a tier tells its successors goes through so few numbers, which takes half of the weights away.
    - ``tell_middle``: what is told to the top tier's nodes is told to those of the middle one too.
    - ``middle_sees``: those see more than their own samples.
    """

    variants: ClassVar[tuple[str, ...]] = VARIANTS

    name: str = "compact"
    kinds: tuple[str, ...] = KINDS
    variant: str = "flow"
    sample_rate: int = 16_000  # Hz
    levels: int = 256
    quantiser: str = "mulaw"  # "linear": the paper's
    frame_sizes: tuple[int, int] = (16, 4)  # samples to a node of the middle tier; nodes of that to one of the top tier
    middle_sees: int = 64  # samples before a node of the middle tier; SampleRNN's sees its own 16
    dim: int = 160  # units of each recurrent tier and of the sample-level MLP
    rnn_layers: int = 1
    waist: int = 64  # 0: each successor of a tier has its own projection of all of it
    embed: int = 16  # numbers that stand for the level of a sample
    video_fps: float = 12.5
    eye: str = "mobilenet_v2"  # "vgg19": the paper's fc6; "tiny": for tests
    picture_size: int = 112  # px
    visual: int = 128  # numbers that stand for a video frame
    seq_hidden: int = 128  # units of the recurrent network over video frames
    flow_grid: int = 28  # places of the optical flow in a row and in a column
    motion: int = 64  # channels of the network that reads the flow
    motion_to_top: bool = True
    envelope_head: bool = True
    kind_head: bool = True
    names: int = 256
    levelled: bool = True
    tell_middle: bool = True
    codes: int = 512  # entries of a codebook of acoustic tokens; 0: no tokens
    books: int = 4
    bands: int = 72  # of the spectra that tokens stand for
    tokens_per_frame: int = 4
    token_dim: int = 192  # units of the token tier
    predicts: int = 128
    emphasis: float = 0.85
    strokes: bool = True
    decay: bool = True
    voices: int = 0

    def __post_init__(self) -> None:
        for name in ("kinds", "frame_sizes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON gives lists
        for name, known in (("variant", VARIANTS), ("quantiser", QUANTISERS), ("eye", EYES)):
            if getattr(self, name) not in known:
                raise ValueError(f"unknown {name} {getattr(self, name)!r}; it is one of {', '.join(known)}")
        if self.eye == "vgg19" and self.visual != 4096:
            raise ValueError("VGG19's fc6 has 4096 numbers: visual=4096")
        if self.levelled and not self.envelope_head:
            raise ValueError("a levelled network needs the envelope head, which tells how loud its sound will be")
        if not self.middle_step <= self.middle_sees <= self.top_step:
            raise ValueError(
                f"a node of the middle tier sees {self.middle_step} to {self.top_step} samples, not {self.middle_sees}"
            )
        if self.codes and (self.samples_per_frame % self.tokens_per_frame or self.token_step % self.top_step):
            raise ValueError(
                f"a token's time must be a whole part of a video frame and a whole number of top-tier steps of {self.top_step}"
            )
        if self.predicts and not self.codes:
            raise ValueError("the linear prediction is made of what tokens say")
        if (self.strokes or self.voices) and not self.codes:
            raise ValueError("strokes and voices are what a token tier is told, and there is none")
        if self.strokes and not self.envelope_head:
            raise ValueError("strokes need the envelope head, which tells how loud they are")
        if not 0 <= self.emphasis < 1 or (self.emphasis and not self.levelled):
            raise ValueError("an emphasis lies from 0 to 1, and is part of levelling")
        if self.decay and not (self.strokes and self.kind_head):
            raise ValueError("what dies away is what was struck, each kind in its own time: that needs strokes and the kind head")
        if self.codes and not self.kind_head:
            raise ValueError("a token tier needs the kind head, which tells it what is seen")
        if self.votes and self.eye == "vgg19":
            raise ValueError("kinds are named by the compact eye's later blocks, and VGG19 has none: names=0")
        if self.samples_per_frame % self.top_step:
            raise ValueError(
                f"a video frame of {self.samples_per_frame} samples does not last a whole number of top-tier steps of {self.top_step}"
            )

    @property
    def votes(self) -> int:
        """Numbers behind the V that stand for a video frame: how it votes for each kind and for none of them; 0 where nobody votes."""
        return len(self.kinds) + 1 if self.kind_head and self.names else 0

    @property
    def middle_step(self) -> int:
        """Samples from one node of the middle tier to the next; also what the sample-level MLP sees: 16, 1 ms."""
        return self.frame_sizes[0]

    @property
    def top_step(self) -> int:
        """Samples from one node of the top tier to the next, and what a node sees before it: 64, 4 ms."""
        return self.frame_sizes[0] * self.frame_sizes[1]

    @property
    def reach(self) -> int:
        """Samples before one that it depends on, but for the tiers' states: 128."""
        return max(self.top_step, self.predicts)

    @property
    def samples_per_frame(self) -> int:
        """s = ceil(sr_audio / sr_video) of the paper: each video frame conditions so many samples: 1280, 80 ms."""
        return math.ceil(self.sample_rate / self.video_fps)

    @property
    def silence(self) -> int:
        """The class number that digital silence gets."""
        return self.levels // 2

    @property
    def other(self) -> int:
        """Number of the class "none of the kinds" of the kind head."""
        return len(self.kinds)

    @property
    def token_step(self) -> int:
        """Samples that a token stands for: 320, 20 ms."""
        return self.samples_per_frame // self.tokens_per_frame

    @property
    def token_window(self) -> int:
        """Samples that a token's spectrum is made of, around them: 768, 48 ms."""
        return 12 * self.token_step // 5

    @property
    def node_row(self) -> int:
        """Numbers that are added to the SampleRNN's nodes: to those of the top tier, and maybe those of the middle one after them."""
        return self.dim * (2 if self.tell_middle else 1)

    @property
    def row(self) -> int:
        """Numbers that a video frame adds to the nodes of the coarsest tier."""
        return self.token_dim if self.codes else self.node_row

    @property
    def conditions_nodes(self) -> bool:
        """True if what is seen in each video frame goes to the top tier's nodes (and not only to their first state)."""
        return self.variant == "frame" or (self.variant == "flow" and self.motion_to_top)

    def frames_of(self, samples: int) -> int:
        """How many video frames so many samples last, a broken one counted as whole."""
        return -(-samples // self.samples_per_frame)

    def as_variant(self, variant: str) -> FoleyConfig:
        """The same sizes for another variant."""
        return replace(self, variant=variant)

    @classmethod
    def compact(cls, variant: str = "flow") -> FoleyConfig:
        return cls(variant=variant)

    @classmethod
    def paper(cls, variant: str = "flow") -> FoleyConfig:
        """The paper's layers. It gives neither the tiers' sizes (here SampleRNN's) nor the video's frame rate (here the compact one)."""
        return cls(
            name="paper",
            variant=variant,
            quantiser="linear",
            middle_sees=16,
            dim=1024,
            rnn_layers=2,
            waist=0,
            embed=256,
            eye="vgg19",
            picture_size=224,
            visual=4096,
            seq_hidden=1024,
            motion=256,
            motion_to_top=False,
            envelope_head=False,
            kind_head=False,
            names=0,
            levelled=False,
            tell_middle=False,
            codes=0,
            predicts=0,
            emphasis=0.0,
            strokes=False,
            decay=False,
        )

    @classmethod
    def debug(cls, variant: str = "flow") -> FoleyConfig:
        """A tiny real one, for tests. Two layers, so that tests see both ways of a tier."""
        return cls(
            name="debug",
            variant=variant,
            sample_rate=8000,
            levels=64,
            frame_sizes=(8, 4),
            middle_sees=16,
            dim=16,
            rnn_layers=2,
            waist=8,
            embed=4,
            eye="tiny",
            picture_size=32,
            visual=12,
            seq_hidden=8,
            flow_grid=8,
            motion=6,
            names=7,
            codes=16,
            books=2,
            bands=10,
            token_dim=12,
            predicts=40,
            voices=5,
        )
