"""Sizes and conventions of Lip Movements Generation at a Glance, in the paper's size and in a compact one that trains on two cores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from avdemo.configuration import Configuration

FPS = 25
POINTS = 20  # of a mouth: 12 of the outer and 8 of the inner contour, iBUG 48-67
OUTER = 12  # of them are on the outer contour
INNER_PAIRS = ((13, 19), (14, 18), (15, 17))  # upper and lower point of the inner lips; their distances are the opening


@dataclass(frozen=True)
class SpeechScale:
    """How speech is seen: log-mel columns, a whole number of them to a video frame."""

    sample_rate: int = 16_000  # Hz
    n_fft: int = 512  # samples: 32 ms
    mels: int = 64
    f_min: float = 60.0  # Hz
    f_max: float = 7600.0  # Hz
    columns: int = 4  # to one video frame (paper, section 4)
    context: int = 8  # video frames heard before the first and behind the last frame that is shown

    def __post_init__(self) -> None:
        if self.sample_rate % (FPS * self.columns):
            raise ValueError(f"{self.columns} columns to a frame of 1/{FPS} s are no whole samples at {self.sample_rate} Hz")

    @property
    def hop(self) -> int:
        """Samples between columns: 10 ms."""
        return self.sample_rate // FPS // self.columns

    @property
    def samples(self) -> int:
        """To one video frame."""
        return self.hop * self.columns

    @property
    def rows(self) -> int:
        """Of the networks' input: one that says where the speech is known, then the bands."""
        return 1 + self.mels


@dataclass(frozen=True)
class Switches:
    """What a generator's training uses; each can be turned off to see what it brings.

    The paper's: ``pixel``; ``perceptual`` "critic" (distance in the discriminator's middle layers), "imagenet" (in those of a frozen
    MobileNetV2) or ""; ``adversarial``; ``streams`` of the discriminator: "three" (speech, frames, optical flow), "two" (without flow) or
    "differences" (frame differences instead of flow); ``correlation`` of speech with motion: "derivative" (derivative of the heard
    features with optical flow), "plain" (heard features with frames) or "".

    Today's: ``sync``: an expert for synchrony, trained first and frozen, must find the frames in step with the speech (Prajwal et al.
    2020). ``landmarks``: a frozen finder of mouth points must find them where they should be. ``teacher``: half of the windows are
    painted from the true mouth points instead of those imagined from the speech, and only these are compared with the true frames, so
    that the painter need not blur what nobody can know. ``hinge`` and ``spectral_norm`` for the discriminator; ``ema``: averaged weights
    ship; ``early_stopping``: those that are best on validation ship, not the last.
    """

    pixel: bool = True
    perceptual: str = "imagenet"
    adversarial: bool = True
    streams: str = "three"
    correlation: str = "derivative"
    sync: bool = True
    landmarks: bool = True
    teacher: bool = True
    hinge: bool = True
    spectral_norm: bool = True
    ema: bool = True
    early_stopping: bool = True

    def __post_init__(self) -> None:
        allowed = {
            "perceptual": ("critic", "imagenet", ""), "streams": ("three", "two", "differences"), "correlation": ("derivative", "plain", ""),
        }  # fmt: skip
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be one of {values}")
        if self.perceptual == "critic" and not self.adversarial:
            raise ValueError("a distance in the discriminator's layers needs a discriminator: adversarial=True")
        if not any((self.pixel, self.perceptual, self.adversarial, self.correlation, self.sync, self.landmarks)):
            raise ValueError("a generator without any loss learns nothing")

    @classmethod
    def paper(cls) -> Switches:
        """The full model of the paper."""
        today = dict.fromkeys(("sync", "landmarks", "teacher", "hinge", "spectral_norm", "ema", "early_stopping"), False)
        return cls(perceptual="critic", **today)


def ablations(full: Switches) -> dict[str, Switches]:
    """The rows of the paper's ablation (its table 1) for a full model: name -> switches. "plain" is non-derivative correlation."""
    no_corr = replace(full, correlation="")
    gan = replace(no_corr, perceptual="")
    return {
        "gen only": replace(gan, pixel=False),
        "pix only": replace(gan, adversarial=False),
        "gen + pix": gan,
        "gen + pix + perc": no_corr,
        "full": full,
        "full, non-derivative correlation": replace(full, correlation="plain"),
        "full, two-stream discriminator": replace(full, streams="two"),
        "two-stream discriminator, no correlation": replace(no_corr, streams="two"),
        "full, frame-difference discriminator": replace(full, streams="differences"),
    }


@dataclass(frozen=True)
class GeneratorConfig:
    """``style`` "paper": features duplicated into a volume, 3-D residual blocks; "compact": mouth points move, a photo is warped."""

    style: str = "compact"
    listener: int = 96  # channels of what a listener hears (paper: 256)
    listeners: int = 4  # that imagine the motion each for itself; their mean counts (paper: one)
    front: tuple[int, int] = (8, 16)  # channels of a listener's convolutions over bands and columns
    photo_widths: tuple[int, ...] = (
        24,
        48,
        96,
    )  # channels of the photo's maps at a half, a quarter, an eighth (paper: at 1, 1/2, 1/4)
    blocks: int = 2  # residual ones (paper: in three dimensions)
    shapes: int = 12  # directions in which the mouth's points may move
    condition: int = 96  # of what a frame is painted from
    dropout: float = 0.3  # in the listeners
    front_dropout: float = 0.15  # of whole rows of maps behind their front

    def __post_init__(self) -> None:
        if self.style not in ("compact", "paper"):
            raise ValueError(f"unknown style of generator {self.style!r}")
        for name in ("photo_widths", "front"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON gives lists

    @property
    def heard(self) -> int:
        """Channels of the heard features: what all listeners hear."""
        return self.listener * (1 if self.style == "paper" else self.listeners)


@dataclass(frozen=True)
class LipsConfig(Configuration):
    """Everything that decides the shapes of the networks and of what they read. The defaults are the compact ones."""

    name: str = "compact"
    size: int = 64  # px, side of the photo and of the frames
    frames: int = 16  # of a window
    overlap: int = 0  # frames that joined windows share; the compact network's frames do not depend on where its windows lie
    speech: SpeechScale = field(default_factory=SpeechScale)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    finder_widths: tuple[int, ...] = (16, 32, 64, 96)  # of the finder of mouth points
    critic: str = "compact"  # "paper": 3-D convolutions
    critic_widths: tuple[int, ...] = (24, 48, 64, 96)  # of a stream of frames (paper: 64-256-256-256)

    def __post_init__(self) -> None:
        for name in ("finder_widths", "critic_widths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.size % 16 or self.frames % 4:
            raise ValueError(f"frames of {self.size} px and windows of {self.frames} frames must be halved four times and twice")
        if not 0 <= self.overlap < self.frames:
            raise ValueError(f"windows of {self.frames} frames cannot share {self.overlap}")
        if self.critic not in ("compact", "paper"):
            raise ValueError(f"unknown style of discriminator {self.critic!r}")

    @property
    def heard(self) -> int:
        """Video frames of speech that a window hears."""
        return self.frames + 2 * self.speech.context

    @property
    def columns(self) -> int:
        """Log-mel columns that a window hears."""
        return self.heard * self.speech.columns

    @classmethod
    def compact(cls) -> LipsConfig:
        return cls()

    @classmethod
    def paper(cls) -> LipsConfig:
        """The paper's sizes: 64 x 128 log-mel for 16 frames, no context, 64 x 64 px; about the released generator's 16.7 M parameters."""
        return cls(
            name="paper",
            overlap=8,
            speech=SpeechScale(n_fft=1024, mels=128, f_min=0.0, f_max=8000.0, context=0),
            generator=GeneratorConfig("paper", listener=256, photo_widths=(64, 128, 256), blocks=3, dropout=0.0),
            critic="paper",
            critic_widths=(64, 256, 256, 256),
        )

    @classmethod
    def debug(cls) -> LipsConfig:
        """A tiny real one, for tests: the compact layers."""
        return cls(
            name="debug",
            size=32,
            frames=8,
            speech=SpeechScale(n_fft=256, mels=16, context=8),
            generator=GeneratorConfig(
                listener=6,
                listeners=2,
                front=(2, 3),
                photo_widths=(6, 8, 12),
                blocks=1,
                shapes=4,
                condition=8,
                dropout=0.0,
                front_dropout=0.0,
            ),
            finder_widths=(4, 6, 8, 8),
            critic_widths=(4, 6, 8, 8),
        )

    @classmethod
    def debug_paper(cls) -> LipsConfig:
        """A tiny one of the paper's layers."""
        return cls(
            name="debug_paper",
            size=32,
            frames=8,
            overlap=4,
            speech=SpeechScale(n_fft=256, mels=16, f_min=0.0, f_max=8000.0, context=0),
            generator=GeneratorConfig("paper", listener=8, photo_widths=(4, 6, 8), blocks=1, dropout=0.0),
            finder_widths=(4, 6, 8, 8),
            critic="paper",
            critic_widths=(4, 6, 8, 8),
        )
