"""L3-Net: a vision tower, an audio tower and a fusion that says whether the two belong together (paper, section 3.1).

Shapes: N items, D channels of conv4_2, h x w places of the picture, f x t places of the spectrogram.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.backbones import mobilenet
from avdemo.correspondence.config import CorrespondenceConfig
from avdemo.dsp.mel import POWER_FLOOR, MelScale, mel_spectrogram

LOG_MIDDLE_DB, LOG_SPREAD_DB = -40.0, 20.0  # brings usual levels to about [-3, 3]
MAG_FLOOR = 1e-5  # -100 dB


class ConvTower(nn.Module):
    """Four blocks of two 3x3 convolutions with BatchNorm and ReLU; 2x2 max-pool after the first three."""

    def __init__(self, inputs: int, widths: tuple[int, ...]):
        super().__init__()
        for block, width in enumerate(widths, 1):
            for conv in (1, 2):
                setattr(self, f"conv{block}_{conv}", nn.Conv2d(inputs, width, 3, padding=1, bias=False))
                setattr(self, f"bn{block}_{conv}", nn.BatchNorm2d(width))
                inputs = width

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, D, H/8, W/8), what pool4 takes the maximum of."""
        for block in range(1, 5):
            for conv in (1, 2):
                x = F.relu(getattr(self, f"bn{block}_{conv}")(getattr(self, f"conv{block}_{conv}")(x)))
            if block < 4:
                x = F.max_pool2d(x, 2)
        return x


class ImageNetTower(nn.Module):
    """MobileNetV2's blocks, frozen with their statistics, and two convolutions of our own in the place of conv4."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        self.features = mobilenet.mobilenet_features()
        self.features.requires_grad_(False)
        self.conv4_1 = nn.Conv2d(mobilenet.WIDTH, widths[-2], 1, bias=False)
        self.bn4_1 = nn.BatchNorm2d(widths[-2])
        self.conv4_2 = nn.Conv2d(widths[-2], widths[-1], 3, padding=1, bias=False)
        self.bn4_2 = nn.BatchNorm2d(widths[-1])

    def train(self, mode: bool = True) -> ImageNetTower:
        super().train(mode)
        self.features.eval()  # statistics of small batches would shift what was learnt
        return self

    def look(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 320, H/16, W/16), the part that never changes."""
        with torch.no_grad():
            return self.features(x)

    def understand(self, maps: Tensor) -> Tensor:
        """(N, 320, h, w) -> (N, D, h, w)."""
        return F.relu(self.bn4_2(self.conv4_2(F.relu(self.bn4_1(self.conv4_1(maps))))))

    def forward(self, x: Tensor) -> Tensor:
        return self.understand(self.look(x))


class Correspondence(nn.Module):
    """The two towers and the fusion: concatenation, ``hidden`` units with ReLU, two answers (index 1: "match")."""

    def __init__(self, config: CorrespondenceConfig):
        super().__init__()
        self.config = config
        if config.vision == "mobilenet_v2":
            self.vision: nn.Module = ImageNetTower(config.vision_widths)
        else:
            self.vision = ConvTower(3, config.vision_widths)
        self.audio = ConvTower(1, config.audio_widths)
        self.fc1 = nn.Linear(config.vision_embed + config.audio_embed, config.hidden)
        self.fc2 = nn.Linear(config.hidden, 2)
        self.register_buffer("window", torch.hann_window(config.win), persistent=False)

    # ---- what goes in ----------------------------------------------------------------------------------------------

    def normalise(self, frames: Tensor) -> Tensor:
        """uint8 (N, H, W, 3) RGB -> float (N, 3, H, W) in [-1, 1]."""
        return (frames.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)

    def log_spec(self, wav: Tensor) -> Tensor:
        """(N, samples) -> (N, 1, F, T) log spectrogram, about [-3, 3] for usual levels; 257 x 199 in the paper's size.

        Frames lie wholly inside the window of sound: T = 1 + (samples - win) // hop.
        """
        c = self.config
        spare = c.n_fft - c.win
        padded = F.pad(wav.float(), (spare // 2, spare - spare // 2))
        spec = torch.stft(padded, c.n_fft, c.hop, c.win, self.window, center=False, return_complex=True)
        power = torch.view_as_real(spec).square().sum(-1)
        if c.mels:
            scale = MelScale(c.sample_rate, c.n_fft, c.mels)
            power = mel_spectrogram(power, scale, power=1.0)  # already squared
            level_db = 10 * torch.log10(power.clamp_min(POWER_FLOOR))
        else:
            level_db = 10 * torch.log10(power + MAG_FLOOR**2)
        return ((level_db - LOG_MIDDLE_DB) / LOG_SPREAD_DB).unsqueeze(1)

    # ---- the towers ------------------------------------------------------------------------------------------------

    def see(self, frames: Tensor) -> Tensor:
        """uint8 frames (N, H, W, 3), sides divisible by the stride -> (N, D, h, w) activation of conv4_2, >= 0."""
        return self.vision(self.normalise(frames)).float()

    def hear(self, wav: Tensor) -> Tensor:
        """Sounds (N, samples) -> (N, D, f, t) activation of conv4_2, >= 0."""
        return self.audio(self.log_spec(wav).contiguous(memory_format=torch.channels_last)).float()

    # ---- the fusion ------------------------------------------------------------------------------------------------

    def fuse(self, v: Tensor, a: Tensor) -> Tensor:
        """Pooled vision (..., Dv) and sound (..., Da), broadcast against each other -> logits (..., 2)."""
        seen, heard = self.fc1.weight.split([self.config.vision_embed, self.config.audio_embed], 1)
        # a linear layer of a concatenation is the sum of two linear layers: every pair of a table shares their work
        hidden = F.linear(v, seen) + F.linear(a, heard, self.fc1.bias)
        return self.fc2(F.relu(hidden))

    def probability(self, v: Tensor, a: Tensor) -> Tensor:
        """As :meth:`fuse`, but the probability (...) in [0, 1] that the two belong together."""
        return self.fuse(v, a).float().softmax(-1)[..., 1]

    def forward(self, frames: Tensor, wav: Tensor) -> Tensor:
        """One frame and one window of sound for each item -> logits (N, 2)."""
        return self.fuse(self.see(frames).amax((2, 3)), self.hear(wav).amax((2, 3)))

    # ---- where -----------------------------------------------------------------------------------------------------

    def where(self, vision_map: Tensor, a: Tensor) -> Tensor:
        """The fusion evaluated at each place of the picture: (N, D, h, w) and pooled sounds (N, D) -> (N, h, w) in [0, 1]."""
        return self.probability(vision_map.permute(0, 2, 3, 1), a[:, None, None])

    def where_in_sound(self, audio_map: Tensor, v: Tensor) -> Tensor:
        """The same over the spectrogram: (N, D, f, t) and pooled pictures (N, D) -> (N, f, t) in [0, 1]."""
        return self.probability(v[:, None, None], audio_map.permute(0, 2, 3, 1))
