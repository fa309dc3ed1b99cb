"""Sizes and conventions of The Sound of Pixels, in the paper's size and in the compact one that trains on two CPU cores."""

from __future__ import annotations

from dataclasses import asdict, dataclass

SOUNDS = (
    "accordion", "banjo", "clarinet", "drums", "flute", "guitar", "piano",
    "saxophone", "trombone", "trumpet", "tuba", "violin", "xylophone",
)  # fmt: skip
"""The thirteen instruments the shipped checkpoint was trained on."""


@dataclass(frozen=True)
class PixelsConfig:
    """Everything that decides the shapes of the networks and of what they read.

    The defaults are those of the released model ("Network (released model)" on the paper page).
    """

    name: str = "paper"
    backbone: str = "resnet18"  # "resnet18" | "mobilenet_v2"
    normalisation: str = "imagenet"  # "imagenet": mean/std of ImageNet; "unit": [-1, 1]
    channels: int = 32  # K: maps of the sound network = channels of the vision network (paper: 16)
    ngf: int = 64  # channels of the first U-Net level
    unet_levels: int = 7
    log_frequency: bool = True
    mask: str = "binary"  # "binary": BCE on who is loudest; "ratio": L1 on the share of the magnitude
    sample_rate: int = 11_025  # Hz
    samples: int = 65_535  # 5.94 s
    n_fft: int = 1022
    hop: int = 256  # samples
    log_bins: int = 256
    log_floor: float = 1e-10  # the sound network reads log(mag + log_floor)
    frame_size: int = 224  # px
    frames: int = 3  # per window
    frame_rate: float = 8.0  # frames per second of the stored frames
    frame_stride: int = 24  # stored frames between two that are read: 3 s

    def __post_init__(self) -> None:
        if self.backbone not in ("resnet18", "mobilenet_v2"):
            raise ValueError(f"unknown backbone {self.backbone!r}")
        if self.mask not in ("binary", "ratio"):
            raise ValueError(f"unknown kind of mask {self.mask!r}")
        smallest = 2**self.unet_levels
        if self.spec_bins % smallest or self.spec_frames % smallest:
            raise ValueError(
                f"a U-Net of {self.unet_levels} levels needs sides divisible by {smallest}, not {self.spec_bins}x{self.spec_frames}"
            )

    @property
    def bins(self) -> int:
        """Linear-frequency bins of the STFT: 512."""
        return self.n_fft // 2 + 1

    @property
    def spec_frames(self) -> int:
        """STFT frames of one window: 256."""
        return 1 + self.samples // self.hop

    @property
    def spec_bins(self) -> int:
        """Height of what the sound network reads."""
        return self.log_bins if self.log_frequency else self.bins

    @property
    def window_s(self) -> float:
        """Seconds of sound in one window."""
        return self.samples / self.sample_rate

    @property
    def frame_times_s(self) -> tuple[float, ...]:
        """Times of the frames of one window, around its middle."""
        step = self.frame_stride / self.frame_rate
        middle = self.window_s / 2
        return tuple(middle + (i - (self.frames - 1) / 2) * step for i in range(self.frames))

    @classmethod
    def paper(cls, **changes) -> PixelsConfig:
        """The released model: dilated ResNet-18, U-Net of ngf 64, K = 32."""
        return cls(**changes)

    @classmethod
    def compact(cls, **changes) -> PixelsConfig:
        """A MobileNetV2 and a U-Net of a quarter of the width: trains and runs on two CPU cores.

        Frames are 46 ms apart instead of 23: a window costs half as much, and the ideal masks lose little by it. The floor keeps
        digital silence from taking up most of the range that the first normalisation sees.
        """
        small = {"name": "compact", "backbone": "mobilenet_v2", "normalisation": "unit", "channels": 16, "ngf": 16, "frames": 1}
        return cls(**{**small, "hop": 512, "log_floor": 1e-3, **changes})

    @classmethod
    def debug(cls, **changes) -> PixelsConfig:
        """A tiny real model for tests: same code, small pictures and short sounds."""
        small = {
            "name": "debug",
            "channels": 4,
            "ngf": 4,
            "unet_levels": 4,
            "samples": 8191,
            "n_fft": 254,
            "hop": 128,
            "log_bins": 64,
            "frame_size": 64,
        }
        return cls.compact(**{**small, **changes})

    def as_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> PixelsConfig:
        """Inverse of :meth:`as_dict`; unknown keys are an error."""
        return cls(**values)
