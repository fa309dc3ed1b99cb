"""Sizes and conventions of Deep Cross-Modal Audio-Visual Generation, in the paper's size and in a compact one that trains on two cores."""

from __future__ import annotations

from dataclasses import dataclass, field

from avdemo.configuration import Configuration

KINDS = (
    "accordion", "bagpipes", "banjo", "clarinet", "drums", "flute", "guitar", "harmonica", "harp", "piano", "saxophone", "trombone",
    "trumpet", "tuba", "violin", "xylophone",
)  # fmt: skip
"""The instruments that the shipped networks know."""
INIS = ("piano", "saxophone", "violin", "drums", "guitar")
"""Those of them that the paper's INIS set has."""
VARIANTS = ("C", "N", "A")
"""Painters: all terms (S2I-C), without the mismatch term (S2I-N), without any discriminator (S2I-A)."""
FEATURE = 128  # of the sound's and of the picture's feature (paper, section 3)
PHI = 64  # of the condition phi(A), phi(I)


@dataclass(frozen=True)
class SoundWindow:
    """What one log-mel spectrogram (LMS) covers. It stands for -80 dB to 0 dB under a level that usual peaks reach."""

    sample_rate: int = 24_000  # Hz
    n_fft: int = 1536  # samples: 64 ms
    hop: int = 384  # samples: 16 ms
    mels: int = 128
    f_min: float = 40.0  # Hz
    f_max: float = 10_000.0  # Hz
    frames: int = 128
    top_db: float = 28.0  # of power, for a sound of the reference level: what becomes 1
    range_db: float = 80.0  # below it: what becomes -1
    level: float = 0.1  # root mean square that every window is brought to

    @property
    def samples(self) -> int:
        return (self.frames - 1) * self.hop

    @property
    def seconds(self) -> float:
        """2.03 s."""
        return self.samples / self.sample_rate


@dataclass(frozen=True)
class Switches:
    """What an S2I or I2S training uses beyond the paper's losses; each can be turned off to see what it brings.

    ``mismatch``: the matching-aware term for another instrument's sound. ``same_mismatch``: share of the mismatches that are the same
    instrument by another player (the paper's second kind; it means something only where picture and sound come from one player).
    ``adversarial`` False is S2I-A. ``augment``: differentiable augmentation (Zhao et al. 2020). ``spectral_norm``: Miyato et al. 2018.
    ``hinge``: hinge loss instead of cross-entropy. ``projected``: the discriminator looks through ImageNet's features (Sauer et al.
    2021). ``reconstruct``: half of each batch gets its z from an encoder of the real picture and must paint that one again, which
    gives the noise a meaning (VAE-GAN, Larsen et al. 2016). ``ema``: the averaged generator ships. ``early_stopping``: the judge's
    favourite on validation ships instead of the last. ``classify``: a classifier of kinds looks through the same features as a
    projected discriminator, learns from real pictures, and pulls the painted ones towards their kind (AC-GAN, Odena et al. 2017).
    ``diverse``: two pictures of one feature shall differ as much, in those features, as two real ones of its kind (after mode seeking,
    Mao et al. 2019); only where pictures and sounds belong together by kind, and with ``projected``.
    """

    adversarial: bool = True
    mismatch: bool = True
    same_mismatch: float = 0.0
    augment: bool = True
    spectral_norm: bool = True
    hinge: bool = True
    projected: bool = True
    reconstruct: bool = True
    classify: bool = True
    diverse: bool = True
    ema: bool = True
    early_stopping: bool = True


@dataclass(frozen=True)
class GeneratorConfig:
    """``style`` "deconvolution": the paper's; "modulated": skip excitation, and the condition at every layer."""

    widths: tuple[int, ...] = (192, 192, 128, 64, 48)  # channels at 4 px, 8 px, ...
    channels: int = 3
    noise: int = 10  # of z
    style: str = "modulated"
    shuffle: bool = True  # the last doubling is a sub-pixel convolution (Shi et al. 2016), at a third of the cost

    def __post_init__(self) -> None:
        if self.style not in ("modulated", "deconvolution"):
            raise ValueError(f"unknown style of generator {self.style!r}")
        if self.style == "deconvolution" and self.shuffle:
            raise ValueError("the paper's generator ends with a plain convolution: shuffle=False")
        object.__setattr__(self, "widths", tuple(self.widths))  # JSON gives lists

    @property
    def size(self) -> int:
        """px, side of what comes out."""
        return 4 * 2 ** (len(self.widths) - 1 + self.shuffle)


@dataclass(frozen=True)
class CrossmodalConfig(Configuration):
    """Everything that decides the shapes of the networks and of what they read. The defaults are the compact ones."""

    name: str = "compact"
    kinds: tuple[str, ...] = KINDS
    window: SoundWindow = field(default_factory=SoundWindow)
    ear_widths: tuple[int, ...] = (24, 48, 96, 192, 256)
    ear_style: str = "compact"  # "paper": 3x3 convolutions, FC 1024, FC 128
    ear_dropout: tuple[float, float] = (0.3, 0.3)  # drop probabilities; the paper's 0.7 and 0.8 read as keep probabilities
    eye_style: str = "mobilenet_v2"  # "paper": the judge's layers
    eye_size: int = 160  # px
    judge_widths: tuple[int, ...] = (16, 16, 32, 32, 64, 64)
    judge_hidden: int = 256
    painter: GeneratorConfig = field(default_factory=lambda: GeneratorConfig(noise=32))
    sketcher: GeneratorConfig = field(default_factory=lambda: GeneratorConfig((96, 96, 64, 48, 32), noise=32))
    """The painters of the variants that ship for comparison, N and A, and of the table of switches."""
    player: GeneratorConfig = field(default_factory=lambda: GeneratorConfig(channels=1, noise=32))
    variants: tuple[str, ...] = VARIANTS

    def __post_init__(self) -> None:
        for name in ("kinds", "ear_widths", "ear_dropout", "judge_widths", "variants"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.player.size != self.window.mels or self.player.size != self.window.frames:
            raise ValueError(f"a player of {self.player.size} px does not draw {self.window.mels} bands by {self.window.frames} frames")
        if self.painter.channels != 3 or self.sketcher.channels != 3 or self.player.channels != 1:
            raise ValueError("a painter has three channels, a player one")
        if (self.painter.size, self.painter.noise) != (self.sketcher.size, self.sketcher.noise):
            raise ValueError("all painters paint one size, from one noise")

    @property
    def other(self) -> int:
        """Number of the class "none of the kinds"."""
        return len(self.kinds)

    def painter_of(self, variant: str) -> GeneratorConfig:
        """Of a variant, "C", "N" or "A"."""
        return self.painter if variant == "C" else self.sketcher

    @property
    def picture_size(self) -> int:
        """px, side of the painted pictures."""
        return self.painter.size

    @classmethod
    def compact(cls) -> CrossmodalConfig:
        return cls()

    @classmethod
    def paper(cls) -> CrossmodalConfig:
        """The paper's layers. It does not say the picture's size (64 px here) nor the LMS's parameters."""
        return cls(
            name="paper",
            window=SoundWindow(n_fft=1024, hop=188, mels=64, frames=64),  # 0.49 s
            ear_widths=(4, 8, 16, 16),
            ear_style="paper",
            eye_style="paper",
            eye_size=64,
            judge_hidden=1024,
            painter=GeneratorConfig((512, 256, 128, 64, 32), style="deconvolution", shuffle=False),
            sketcher=GeneratorConfig((512, 256, 128, 64, 32), style="deconvolution", shuffle=False),
            player=GeneratorConfig((512, 256, 128, 64, 32), channels=1, style="deconvolution", shuffle=False),
        )

    @classmethod
    def debug(cls) -> CrossmodalConfig:
        """A tiny real one, for tests."""
        return cls(
            name="debug",
            window=SoundWindow(sample_rate=8000, n_fft=256, hop=128, mels=32, frames=32, f_max=4000.0),
            ear_widths=(4, 8, 8),
            eye_style="paper",
            eye_size=32,
            judge_widths=(4, 4, 8, 8, 8, 8),
            judge_hidden=16,
            painter=GeneratorConfig((16, 8, 8), noise=4),
            sketcher=GeneratorConfig((8, 8, 8), noise=4),
            player=GeneratorConfig((16, 8, 8), channels=1, noise=4),
        )
