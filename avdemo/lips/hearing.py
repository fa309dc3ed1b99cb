"""Speech: from samples to log-mel columns, and the networks that hear them (paper, section 3.1, "audio encoder")."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.dsp.mel import MelScale, log_mel
from avdemo.dsp.stft import magnitude, stft
from avdemo.lips.config import LipsConfig, SpeechScale

FLOOR_DB = -80.0  # of a band: below it there is nothing
LEAST_DB = -60.0  # of a band's level in speech; lower ones are not made louder, so that silence stays silence
SPREAD_DB = 12.0  # by which bands vary
DILATIONS = (1, 2, 3, 1)  # of the listener's residual convolutions, in video frames
REACH = 1 + sum(DILATIONS)  # frames on either side that a heard feature depends on; the front's two columns are in the 1


def mel_scale(scale: SpeechScale) -> MelScale:
    return MelScale(scale.sample_rate, scale.n_fft, scale.mels, scale.f_min, scale.f_max)


def speech_db(wav: Tensor, scale: SpeechScale) -> Tensor:
    """Log-mel (..., mels, columns) in dB of (..., samples) in [-1, 1]; column c is centred on sample ``hop * c``."""
    columns = wav.shape[-1] // scale.hop
    spec = magnitude(stft(wav, scale.n_fft, scale.hop))[..., :columns]
    return log_mel(spec, mel_scale(scale)).clamp_min(FLOOR_DB)


def reference_db(mel_db: Tensor) -> Tensor:
    """What each band is measured by: its mean over the louder half of the columns, (..., mels, columns) -> (..., mels), dB.

    It takes out how loud the speech is and how voice and microphone colour it. The louder half, so that pauses do not count; never under
    :data:`LEAST_DB`.
    """
    power = (10 ** (mel_db / 10)).sum(-2)
    louder = power.topk((power.shape[-1] + 1) // 2, dim=-1).indices.unsqueeze(-2)
    return mel_db.gather(-1, louder.expand(*mel_db.shape[:-1], -1)).mean(-1).clamp_min(LEAST_DB)


def levelled(mel_db: Tensor, reference: Tensor) -> Tensor:
    """What the networks get: dB by the bands' references (..., mels), scaled to about [-3, 2]; same shape as ``mel_db``."""
    return (mel_db - reference.unsqueeze(-1)) / SPREAD_DB


def with_known(bands: Tensor, known: Tensor) -> Tensor:
    """Levelled bands (..., mels, columns) and which columns there are (..., columns) -> the networks' input (..., 1 + mels, columns).

    Columns beyond the speech's ends are 0, a level as in loud speech, and the first row says that they mean nothing.
    """
    known = known.to(bands.dtype).unsqueeze(-2)
    return torch.cat([known, bands * known], -2)


class Listeners(nn.Module):
    """Hear each video frame with its neighbours: convolutions over bands and columns, then over time, one place a frame.

    The front slides over the bands, so that what it learns of one throat serves a longer or shorter one: here it generalised to other
    voices clearly better than a layer that has weights of its own for each band. Several listeners share nothing but a batch (grouped
    convolutions): each is wrong in its own way, and their mean less than any of them.
    """

    def __init__(self, config: LipsConfig):
        super().__init__()
        if config.speech.context != REACH:
            raise ValueError(f"the listeners reach {REACH} frames and the context has {config.speech.context}")
        made, self.context, self.columns = config.generator, config.speech.context, config.speech.columns
        count, width, (few, many) = made.listeners, made.heard, (made.listeners * channels for channels in made.front)
        halved = {"stride": (2, 1), "padding": (2, 1)}
        self.front = nn.Sequential(
            nn.Conv2d(1, few, (5, 3), **halved), nn.BatchNorm2d(few), nn.ReLU(),
            nn.Conv2d(few, many, (5, 3), groups=count, **halved), nn.BatchNorm2d(many), nn.ReLU(),
            nn.Conv2d(many, many, (3, self.columns), (2, self.columns), (1, 0), groups=count), nn.BatchNorm2d(many), nn.ReLU(),
        )  # fmt: skip
        self.first = nn.Conv1d(many * -(-config.speech.mels // 8), width, 1, groups=count)
        self.known = nn.Conv1d(1, width, 1, bias=False)
        self.convs = nn.ModuleList([nn.Conv1d(width, width, 3, padding=d, dilation=d, groups=count) for d in DILATIONS])
        self.norms = nn.ModuleList([nn.BatchNorm1d(width) for _ in range(1 + len(DILATIONS))])
        self.dropout, self.front_dropout = made.dropout, made.front_dropout

    def forward(self, speech: Tensor) -> Tensor:
        """(N, 1 + mels, columns of T + 2 context frames) -> features (N, C, T), one listener's after the other's, exact at the ends too."""
        x = F.dropout1d(self.front(speech[:, None, 1:]).flatten(1, 2), self.front_dropout, self.training)
        x = F.relu(self.norms[0](self.first(x) + self.known(speech[:, :1, :: self.columns])))
        for conv, norm in zip(self.convs, self.norms[1:], strict=True):
            x = x + F.dropout(F.relu(norm(conv(x))), self.dropout, self.training)
        return x[..., self.context : x.shape[-1] - self.context]


def frames_of(speech: Tensor, columns: int) -> Tensor:
    """(N, 1 + mels, columns F) -> (N, 1 + mels * columns, F): all columns of a video frame in one place, "known" once."""
    n, rows, total = speech.shape
    known = speech[:, :1, ::columns]
    bands = speech[:, 1:].reshape(n, rows - 1, total // columns, columns).transpose(2, 3).flatten(1, 2)
    return torch.cat([known, bands], 1)


class PaperListener(nn.Module):
    """The paper's: 2-D convolutions over the log-mel picture to a map of T frames by as many places as the photo's map has."""

    def __init__(self, config: LipsConfig):
        super().__init__()
        width = config.generator.listener
        widths = (1, max(1, width // 4), max(1, width // 2), width, width)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise(widths)):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            if number in (1, 2):
                layers.append(nn.MaxPool2d(2))
        self.convs = nn.Sequential(*layers)
        self.shape = config.frames, config.size // 4

    def forward(self, speech: Tensor) -> Tensor:
        """(N, 1 + mels, 4 T columns) -> (N, C, T, F), F = side of the photo's map."""
        x = self.convs(speech[:, None, 1:].transpose(2, 3))  # (N, C, time, frequency)
        return F.adaptive_max_pool2d(x, self.shape)
