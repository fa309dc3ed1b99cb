"""Who judges generated lips: the three-stream discriminator, the correlation of sound and motion, the expert for synchrony.

The discriminator's streams (paper, section 3.3): the speech, the frames, and the optical flow between them; in the paper's ablation the
third stream is left out ("two") or sees the differences of frames instead ("differences").
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from avdemo.lips.config import LipsConfig, Switches
from avdemo.lips.hearing import frames_of
from avdemo.lips.seeing import SLOPE, half_grey, optical_flow

GAIN = 10.0  # of the scores under spectral normalisation, which alone would keep them far inside the hinge's margin
COARSEST = 4  # places on each side of the last maps
EMBEDDING = 16  # numbers a frame in which sound and motion are correlated
SYNC_FRAMES = 8  # that the expert for synchrony looks at
SYNC_STEP = 4  # frames between the places of a window at which it looks
SYNC_CONTEXT = 2  # frames that it hears before and behind those it sees
SYNC_WIDTHS = (32, 64, 96)


def _normed(layer: nn.Module, normed: bool) -> nn.Module:
    return spectral_norm(layer) if normed else layer


def shown(speech: Tensor, config: LipsConfig) -> Tensor:
    """Of the speech that a window hears, (N, 1 + mels, columns), the columns of the frames that it shows."""
    aside = config.speech.context * config.speech.columns
    return speech[..., aside : speech.shape[-1] - aside]


class FrameStream(nn.Module):
    """Maps of frames, flow or differences: 2-D convolutions on each frame, and convolutions over time between them.

    (2 + 1)-D instead of 3-D convolutions: as many layers at a quarter of the cost.
    """

    def __init__(self, channels: int, size: int, widths: tuple[int, ...], *, normed: bool):
        super().__init__()
        count = (size // COARSEST).bit_length() - 1
        self.space, self.time = nn.ModuleList(), nn.ModuleList()
        for before, after in zip((channels, *widths[: count - 1]), widths[:count], strict=True):
            self.space.append(_normed(nn.Conv2d(before, after, 4, 2, 1), normed))
            last_two = len(self.space) > count - 2
            self.time.append(
                _normed(nn.Conv3d(after, after, (4, 1, 1), (2, 1, 1), (1, 0, 0)), normed) if last_two else nn.Identity()
            )
        self.width = widths[count - 1]

    def forward(self, video: Tensor) -> list[Tensor]:
        """(N, C, T, S, S) -> maps of all layers, the last (N, width, T/4, 4, 4)."""
        maps = []
        x = video
        for space, time in zip(self.space, self.time, strict=True):
            n, _, t = x.shape[:3]
            x = F.leaky_relu(space(x.transpose(1, 2).flatten(0, 1)), SLOPE)
            x = x.unflatten(0, (n, t)).transpose(1, 2)
            x = x if isinstance(time, nn.Identity) else F.leaky_relu(time(x), SLOPE)
            maps.append(x)
        return maps


class PaperFrameStream(nn.Module):
    """The paper's: four strided 3-D convolutions, to maps of T/4 x 4 x 4 (flow is upsampled to the frames' size first)."""

    def __init__(self, channels: int, size: int, widths: tuple[int, ...], *, normed: bool):
        super().__init__()
        self.size, self.width = size, widths[-1]
        self.space = nn.ModuleList()
        for number, (before, after) in enumerate(zip((channels, *widths[:-1]), widths, strict=True)):
            stride = 2 if number in (1, 2) else 1  # over time
            self.space.append(_normed(nn.Conv3d(before, after, (3, 4, 4), (stride, 2, 2), 1), normed))

    def forward(self, video: Tensor) -> list[Tensor]:
        """(N, C, T, S, S) -> maps of all layers, the last (N, width, T/4, S/16, S/16)."""
        if video.shape[-1] != self.size:
            video = F.interpolate(video, size=(video.shape[2], self.size, self.size), mode="trilinear", align_corners=False)
        maps = []
        for conv in self.space:
            video = F.leaky_relu(conv(video), SLOPE)
            maps.append(video)
        return maps


class SpeechStream(nn.Module):
    """The paper's second input of the discriminator: 2-D convolutions over the log-mel picture (32-64-128-256), then one layer."""

    def __init__(self, config: LipsConfig, outputs: int, *, normed: bool):
        super().__init__()
        widths = (32, 64, 128, 256) if config.critic == "paper" else (16, 32, 48, 64)
        layers: list[nn.Module] = []
        for before, after in zip((1, *widths[:-1]), widths, strict=True):
            layers += [_normed(nn.Conv2d(before, after, (3, 4), (2, 2), 1), normed), nn.LeakyReLU(SLOPE)]
        self.convs = nn.Sequential(*layers)
        self.answer = _normed(nn.Conv1d(widths[-1] * (config.speech.mels // 16), outputs, 1), normed)

    def forward(self, speech: Tensor) -> Tensor:
        """Speech of the shown frames (N, 1 + mels, 4 T) -> (N, outputs, T/4)."""
        x = self.convs(speech[:, None, 1:].transpose(2, 3))  # (N, C, T/4, mels/16)
        return F.leaky_relu(self.answer(x.transpose(2, 3).flatten(1, 2)), SLOPE)


class Critic(nn.Module):
    """Three-stream discriminator. Without hinge loss it is the paper's: one score for all; with it, one score says whether the frames
    look real, whatever is said, and another whether they belong to the speech: one score for both unlearns from each mismatch what it
    learnt from real frames.
    """

    def __init__(self, config: LipsConfig, switches: Switches):
        super().__init__()
        self.config, self.streams, self.apart = config, switches.streams, switches.hinge
        normed = switches.spectral_norm
        make = PaperFrameStream if config.critic == "paper" else FrameStream
        size, widths = config.size, config.critic_widths
        self.frames = make(3, size, widths, normed=normed)
        seen = self.frames.width
        self.motion: nn.Module | None = None
        if self.streams != "two":
            self.motion = make(
                2 if self.streams == "three" else 1, size if config.critic == "paper" else size // 2, widths, normed=normed
            )
            seen += self.motion.width
        self.speech = SpeechStream(config, seen if self.apart else 256 if config.critic == "paper" else 64, normed=normed)
        joined = 512 if config.critic == "paper" else 96
        inputs = seen if self.apart else seen + self.speech.answer.out_channels
        self.join = _normed(nn.Conv3d(inputs, joined, 1), normed)
        self.plain = _normed(nn.Conv3d(joined, 1, 1), normed)
        self.gain = GAIN if normed else 1.0

    def look(self, video: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Video (N, 3, T, S, S) in [-1, 1] -> its last maps (N, C, T/4, 4, 4), and the middle layers' maps."""
        maps = self.frames(video)
        last, middle = maps[-1], maps[:-1]
        if self.motion is not None:
            if self.streams == "three":
                way = optical_flow(video)
            else:
                half = half_grey(video)
                way = half[:, :, 1:] - half[:, :, :-1]
            way = F.pad(way, (0, 0, 0, 0, 1, 0))  # as many as there are frames; nothing moves before the first
            moving = self.motion(way)
            last, middle = torch.cat([last, moving[-1]], 1), middle + moving[:-1]
        return last, middle

    def answer(self, seen: Tensor, speech: Tensor) -> Tensor:
        """Last maps of :meth:`look` and the window's speech (N, 1 + mels, columns) -> scores (N, 1 or 2, places)."""
        said = self.speech(shown(speech, self.config))[..., None, None]
        if not self.apart:
            together = torch.cat([seen, said.expand(-1, -1, *seen.shape[2:])], 1)
            return self.gain * self.plain(F.leaky_relu(self.join(together), SLOPE)).flatten(2).float()
        real = self.plain(F.leaky_relu(self.join(seen), SLOPE))
        belongs = (seen * said).sum(1, keepdim=True) / seen.shape[1] ** 0.5
        return self.gain * torch.cat([real, belongs], 1).flatten(2).float()


class Correlator(nn.Module):
    """phi_s and phi_v of the correlation loss (paper, section 3.2): the change of what is heard, and the motion of what is seen.

    Derivatives are correlated because lips and sound are delayed against each other by an amount that varies. With ``plain`` it is
    the ablation: what is heard with the frames themselves.
    """

    def __init__(self, config: LipsConfig, *, plain: bool):
        super().__init__()
        self.plain = plain
        width = config.generator.heard
        self.sound = nn.Sequential(nn.Conv1d(width, 32, 3, padding=1), nn.LeakyReLU(SLOPE), nn.Conv1d(32, EMBEDDING, 1))
        self.sight = nn.Sequential(
            nn.Conv2d(1 if plain else 2, 16, 4, 4), nn.LeakyReLU(SLOPE), nn.Conv2d(16, 24, 4, 2, 1), nn.LeakyReLU(SLOPE)
        )
        self.answer = nn.Linear(24 * (config.size // 16) ** 2, EMBEDDING)

    def forward(self, heard: Tensor, video: Tensor) -> Tensor:
        """Heard features (N, C, T) and video (N, 3, T, S, S) -> cosine of the two over the window, (N,)."""
        return self.compare(self.hear(heard), self.see(video))

    def hear(self, heard: Tensor) -> Tensor:
        """-> (N, 16 numbers x frames)."""
        return self.sound(heard if self.plain else heard[..., 1:] - heard[..., :-1]).flatten(1)

    def see(self, video: Tensor) -> Tensor:
        """-> (N, 16 numbers x frames)."""
        seen = half_grey(video) if self.plain else optical_flow(video)
        n, _, t = seen.shape[:3]
        found = self.answer(self.sight(seen.transpose(1, 2).flatten(0, 1)).flatten(1))
        return found.view(n, t, EMBEDDING).transpose(1, 2).flatten(1)

    @staticmethod
    def compare(sound: Tensor, sight: Tensor) -> Tensor:
        return F.cosine_similarity(sound.float(), sight.float(), dim=1)


class SyncExpert(nn.Module):
    """How well eight frames and the speech around them go together, after Wav2Lip's expert (Prajwal et al. 2020, there of five frames).

    It sees mouths in grey at half size, so that it cannot tell people apart by their skin.
    """

    def __init__(self, config: LipsConfig, outputs: int = 64):
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        for before, after in zip((SYNC_FRAMES, *SYNC_WIDTHS[:-1]), SYNC_WIDTHS, strict=True):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
        self.sight = nn.Sequential(*layers)
        self.seen = nn.Linear(SYNC_WIDTHS[-1] * (config.size // 16) ** 2, outputs)
        bands = 1 + config.speech.mels * config.speech.columns
        self.sound = nn.Sequential(
            nn.Conv1d(bands, 96, 3, padding=1), nn.BatchNorm1d(96), nn.LeakyReLU(SLOPE),
            nn.Conv1d(96, 96, 3, padding=1), nn.BatchNorm1d(96), nn.LeakyReLU(SLOPE),
        )  # fmt: skip
        self.heard = nn.Linear(96 * (SYNC_FRAMES + 2 * SYNC_CONTEXT) // 2, outputs)
        self.scale = nn.Parameter(torch.tensor(2.0))  # logarithm of what cosines are multiplied by

    @property
    def places(self) -> int:
        """At how many places of a window it looks."""
        return (self.config.frames - SYNC_FRAMES) // SYNC_STEP + 1

    def see(self, video: Tensor) -> Tensor:
        """(N, 3, T, S, S) -> unit vectors (N, places, outputs)."""
        frames = half_grey(video)[:, 0]
        windows = torch.stack([frames[:, k * SYNC_STEP : k * SYNC_STEP + SYNC_FRAMES] for k in range(self.places)], 1)
        found = self.seen(self.sight(windows.flatten(0, 1)).flatten(1))
        return F.normalize(found.float(), dim=1).unflatten(0, windows.shape[:2])

    def hear(self, speech: Tensor) -> Tensor:
        """The window's speech (N, 1 + mels, columns) -> unit vectors (N, places, outputs)."""
        x = self.sound(frames_of(speech, self.config.speech.columns))
        first, length = self.config.speech.context - SYNC_CONTEXT, SYNC_FRAMES + 2 * SYNC_CONTEXT
        windows = torch.stack([x[..., first + k * SYNC_STEP :][..., :length] for k in range(self.places)], 1)
        found = self.heard(F.avg_pool1d(windows.flatten(0, 1), 2).flatten(1))
        return F.normalize(found.float(), dim=1).unflatten(0, windows.shape[:2])
