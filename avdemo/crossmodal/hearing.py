"""The ear: a log-mel spectrogram, and the classifier whose 128-d layer is the feature of a sound (paper, section 3.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.crossmodal.config import FEATURE, CrossmodalConfig, SoundWindow
from avdemo.dsp.mel import MelScale, log_mel, log_mel_to_power, mel_to_mag
from avdemo.dsp.stft import magnitude, stft

SILENCE = 1e-4  # root mean square below which a window is not amplified: -80 dBFS


def mel_scale(window: SoundWindow) -> MelScale:
    return MelScale(window.sample_rate, window.n_fft, window.mels, window.f_min, window.f_max)


def levelled(wav: Tensor, window: SoundWindow) -> Tensor:
    """(..., samples) brought to the window's reference level; silence stays silent."""
    rms = wav.square().mean(-1, keepdim=True).sqrt()
    return wav * (window.level / rms.clamp_min(SILENCE))


def log_mel_picture(wav: Tensor, window: SoundWindow) -> Tensor:
    """Sounds (N, samples) at any level -> LMS (N, mels, T) in [-1, 1], T = 1 + samples // hop; row 0 is the lowest band."""
    db = log_mel(magnitude(stft(levelled(wav.float(), window), window.n_fft, window.hop)), mel_scale(window))
    return (1 + 2 * (db - window.top_db) / window.range_db).clamp(-1, 1)


def picture_to_magnitude(lms: Tensor, window: SoundWindow) -> Tensor:
    """Inverse of the scaling and of the mel bands: (N, mels, T) in [-1, 1] -> linear magnitude (N, n_fft // 2 + 1, T)."""
    db = (lms.float() - 1) * (window.range_db / 2) + window.top_db
    power = log_mel_to_power(db) * (lms > -1)  # the floor means nothing was there
    return mel_to_mag(power, mel_scale(window))


class PaperTrunk(nn.Module):
    """3x3 convolutions with ReLU, each followed by 2x2 max-pooling; FC 1024; dropout; FC 128 with ReLU; dropout."""

    def __init__(self, size: tuple[int, int], widths: tuple[int, ...], dropout: tuple[float, float], hidden: int = 1024):
        super().__init__()
        layers, inputs = [], 1
        for width in widths:
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            inputs = width
        cells = (size[0] >> len(widths)) * (size[1] >> len(widths))
        self.convs = nn.Sequential(*layers)
        self.fc1, self.fc2 = nn.Linear(inputs * cells, hidden), nn.Linear(hidden, FEATURE)
        self.drop1, self.drop2 = nn.Dropout(dropout[0]), nn.Dropout(dropout[1])

    def forward(self, lms: Tensor) -> Tensor:
        """(N, 1, M, T) -> (N, 128)."""
        x = self.drop1(F.relu(self.fc1(self.convs(lms).flatten(1))))
        return self.drop2(F.relu(self.fc2(x)))


class CompactTrunk(nn.Module):
    """A 5x5 convolution of stride 2, then 3x3 ones; mean and maximum over all places instead of one big FC layer.

    Maps are pooled before BatchNorm and ReLU, which gives nearly the same answers for half the time: the large maps are what costs.
    """

    def __init__(self, widths: tuple[int, ...], dropout: tuple[float, float]):
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for number, width in enumerate(widths):
            if number == 0:
                layers.append(nn.Conv2d(inputs, width, 5, stride=2, padding=2, bias=False))
            else:
                layers.append(nn.Conv2d(inputs, width, 3, padding=1, bias=False))
                if number < len(widths) - 1:
                    layers.append(nn.MaxPool2d(2))
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            inputs = width
        self.convs = nn.Sequential(*layers)
        self.fc = nn.Linear(2 * inputs, FEATURE)
        self.drop1, self.drop2 = nn.Dropout(dropout[0]), nn.Dropout(dropout[1])

    def forward(self, lms: Tensor) -> Tensor:
        """(N, 1, M, T) -> (N, 128)."""
        x = self.convs(lms)
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return self.drop2(F.relu(self.fc(self.drop1(x))))


class Ear(nn.Module):
    """Sound classifier and sound encoder in one."""

    def __init__(self, config: CrossmodalConfig):
        super().__init__()
        self.window = config.window
        if config.ear_style == "paper":
            size = (config.window.mels, config.window.frames)
            self.trunk: nn.Module = PaperTrunk(size, config.ear_widths, config.ear_dropout)
        else:
            self.trunk = CompactTrunk(config.ear_widths, config.ear_dropout)
        self.answer = nn.Linear(FEATURE, len(config.kinds) + 1)  # the last: none of them

    def spectrogram(self, wav: Tensor) -> Tensor:
        """(N, samples) -> (N, M, T) in [-1, 1]."""
        return log_mel_picture(wav, self.window)

    def feature(self, lms: Tensor) -> Tensor:
        """(N, M, T) -> (N, 128), >= 0: the layer that conditions the painters."""
        return self.trunk(lms.unsqueeze(1).contiguous(memory_format=torch.channels_last)).float()

    def forward(self, lms: Tensor) -> Tensor:
        """(N, M, T) -> logits (N, kinds + 1)."""
        return self.answer(self.feature(lms))
