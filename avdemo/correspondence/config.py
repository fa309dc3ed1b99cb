"""Sizes and conventions of Look, Listen and Learn, in the paper's size and in compact ones that train on two CPU cores."""

from __future__ import annotations

from dataclasses import asdict, dataclass

INSTRUMENTS = (
    "accordion", "bagpipes", "banjo", "bongo", "castanets", "clarinet", "clavichord", "drums", "dulcimer", "flute", "guiro",
    "guitar", "harmonica", "harp", "maracas", "ocarina", "piano", "saxophone", "sitar", "steel_drum", "tambourine", "trombone",
    "trumpet", "tuba", "violin", "xylophone",
)  # fmt: skip
EVERYDAY = ("baby_cry", "dog", "fireworks", "helicopter", "printer", "rain", "snoring", "train", "water")
KINDS = (*INSTRUMENTS, *EVERYDAY)
"""Kinds of things that the made training pairs show and sound; "" elsewhere means: none of these."""


@dataclass(frozen=True)
class CorrespondenceConfig:
    """Everything that decides the shapes of the network and of what it reads. The defaults are the paper's (section 3.1)."""

    name: str = "paper"
    vision: str = "conv"  # "conv": the paper's tower; "mobilenet_v2": a tower whose first blocks are ImageNet's, frozen
    vision_widths: tuple[int, ...] = (64, 128, 256, 512)
    frame_size: int = 224  # px
    audio_widths: tuple[int, ...] = (64, 128, 256, 512)
    sample_rate: int = 48_000  # Hz
    samples: int = 48_000  # 1 s
    win: int = 480  # samples: 0.01 s
    hop: int = 240  # samples: half overlap
    n_fft: int = 512
    mels: int = 0  # bands of a mel spectrogram; 0: the linear spectrogram, as in the paper
    hidden: int = 128  # of the fusion

    def __post_init__(self) -> None:
        if self.vision not in ("conv", "mobilenet_v2"):
            raise ValueError(f"unknown vision tower {self.vision!r}")
        object.__setattr__(self, "vision_widths", tuple(self.vision_widths))  # JSON gives lists
        object.__setattr__(self, "audio_widths", tuple(self.audio_widths))
        if len(self.vision_widths) != 4 or len(self.audio_widths) != 4:
            raise ValueError("both towers have four blocks")
        if not self.hop <= self.win <= self.n_fft or self.frame_size % self.stride:
            raise ValueError(f"{self} does not fit together")

    @property
    def bins(self) -> int:
        """Rows of the spectrogram: 257 in the paper."""
        return self.mels or self.n_fft // 2 + 1

    @property
    def spec_frames(self) -> int:
        """Columns of the spectrogram of one window: 199 in the paper."""
        return 1 + (self.samples - self.win) // self.hop

    @property
    def window_s(self) -> float:
        """Seconds of sound in one window."""
        return self.samples / self.sample_rate

    @property
    def stride(self) -> int:
        """Pixels of the frame for each place of the vision map."""
        return 16 if self.vision == "mobilenet_v2" else 8

    @property
    def vision_embed(self) -> int:
        return self.vision_widths[-1]

    @property
    def audio_embed(self) -> int:
        return self.audio_widths[-1]

    @classmethod
    def paper(cls, **changes) -> CorrespondenceConfig:
        """Both towers 64-128-256-512, pictures of 224 px, 257 x 199 spectrograms at 48 kHz."""
        return cls(**changes)

    @classmethod
    def compact(cls, **changes) -> CorrespondenceConfig:
        """A vision tower that starts from ImageNet and a narrow audio tower over 96 mel bands at 24 kHz (10-ms hop)."""
        small = {"name": "compact", "vision": "mobilenet_v2", "vision_widths": (0, 0, 256, 256)}
        small |= {"audio_widths": (16, 48, 128, 256), "sample_rate": 24_000, "samples": 24_000, "win": 600, "hop": 240}
        return cls(**{**small, "n_fft": 1024, "mels": 96, **changes})

    @classmethod
    def scratch(cls, **changes) -> CorrespondenceConfig:
        """As :meth:`compact`, with the paper's tower, narrow and on pictures of 112 px, from random weights."""
        small = {"name": "scratch", "vision": "conv", "vision_widths": (16, 48, 128, 256), "frame_size": 112}
        return cls.compact(**{**small, **changes})

    @classmethod
    def debug(cls, **changes) -> CorrespondenceConfig:
        """A tiny real model for tests: same code, small pictures and few channels."""
        small = {"name": "debug", "vision": "conv", "vision_widths": (4, 4, 8, 8), "frame_size": 32, "audio_widths": (4, 4, 8, 8)}
        small |= {"sample_rate": 8000, "samples": 8000, "win": 200, "hop": 80, "n_fft": 256, "mels": 32, "hidden": 16}
        return cls(**{**small, **changes})

    def as_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> CorrespondenceConfig:
        """Inverse of :meth:`as_dict`; unknown keys are an error."""
        return cls(**values)
