"""From maps to masks to sound: what happens after both networks have run. Torch; touches no file.

The networks work at 11,025 Hz. The sound that comes out keeps the input's rate and channels: a 4088-sample window at 44,100
Hz has the same bins (10.79 Hz apart) and the same frames as a 1022-sample window at 11,025 Hz, so a mask made for one fits
the other; above 5.5 kHz each frame takes the mask's mean over the octave below, weighted by the mixture's power.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from avdemo.dsp.logfreq import to_linear_frequency, to_log_frequency
from avdemo.dsp.overlap import crossfade_weights, window_starts
from avdemo.dsp.stft import istft, magnitude, stft
from avdemo.pixels.config import PixelsConfig
from avdemo.pixels.network import SoundOfPixels

FULL_RATE_FACTOR = 4  # 44,100 / 11,025
REFERENCE_RMS = 0.1  # mixtures are heard at this level (-20 dBFS), as in training
COARSE_T, COARSE_F = 4, 2  # every so many frames and rows are enough to say how loud a place is
HEAT_SECONDS = 3.0  # the energy map looks this far before and after its time


@dataclass
class Heard:
    """One clip after the sound network.

    ``maps``: one (K, F, 256) tensor for each window; ``mag``: (F, T) magnitudes of the mixture at the reference level.
    """

    config: PixelsConfig
    maps: list[Tensor]
    starts: list[int]
    weights: Tensor  # (windows, 256), adding up to one
    mag: Tensor  # (F, T), frequency axis of the config
    wav: Tensor  # (channels, samples) at the full rate
    spec: Tensor = field(repr=False)  # (channels, F_full, T + 1) complex

    @property
    def frames(self) -> int:
        return self.mag.shape[-1]


@torch.inference_mode()
def hear(
    network: SoundOfPixels,
    wav: Tensor,
    mono: Tensor,
    *,
    step: Callable[[int, int], None] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Heard:
    """Run the sound network over a clip of any length in half-overlapping windows.

    Args:
        wav: (channels, samples) at four times the network's rate.
        mono: (samples / 4,) at the network's rate.
        step: called with (windows done, windows in all) before each.
        dtype: of the computation on a GPU.
    """
    config, device = network.config, network.synthesizer.bias.device
    mono = mono.to(device)
    mono = mono * (REFERENCE_RMS / mono.square().mean().sqrt().clamp(min=1e-6))
    mag = magnitude(stft(mono, config.n_fft, config.hop))
    mag = to_log_frequency(mag, config.log_bins) if config.log_frequency else mag[: config.bins]
    # One frame beyond the end: where only the rim of the last window reaches, the inverse would divide by next to nothing.
    beyond = torch.nn.functional.pad(wav, (0, FULL_RATE_FACTOR * config.hop))
    spec = stft(beyond, FULL_RATE_FACTOR * config.n_fft, FULL_RATE_FACTOR * config.hop)
    mag = mag[:, : spec.shape[-1] - 1]  # the shorter signal's length is rounded up, which may make one frame more
    total, size = mag.shape[-1], config.spec_frames
    starts = window_starts(total, size, size // 2)
    padded = torch.nn.functional.pad(mag, (0, max(0, size - total)))
    maps = []
    for number, start in enumerate(starts):
        if step:
            step(number, len(starts))
        window = padded[:, start : start + size].unsqueeze(0)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            out = network.hear(window)[0]
        maps.append(out.half() if device.type == "cuda" else out.to(torch.bfloat16))
    return Heard(config, maps, starts, crossfade_weights(starts, size, total), mag, wav, spec)


def _logits(network: SoundOfPixels, vision: Tensor, maps: Tensor) -> Tensor:
    """vision (N, K), maps (K, F, T) -> (N, F, T)."""
    synthesizer = network.synthesizer
    return (
        torch.matmul((vision * synthesizer.scale).to(maps.dtype), maps.flatten(1)).unflatten(1, maps.shape[1:]).float()
        + synthesizer.bias
    )


@torch.inference_mode()
def mask_of(network: SoundOfPixels, heard: Heard, vision: Tensor) -> Tensor:
    """Mask of one place over the whole clip: vision (K,) -> (F, T) in [0, 1], on the config's frequency axis."""
    mask = torch.zeros(heard.config.spec_bins, heard.frames)
    for start, maps, weights in zip(heard.starts, heard.maps, heard.weights, strict=True):
        piece = torch.sigmoid(_logits(network, vision[None], maps)[0]).cpu() * weights.cpu()
        mask[:, start : start + piece.shape[1]] += piece[:, : heard.frames - start]
    return mask.clamp(0.0, 1.0)


def full_band(heard: Heard, mask: Tensor) -> Tensor:
    """A mask (F, T) on the config's axis -> (F_full, T + 1) for the full-rate spectrogram."""
    config = heard.config
    low = to_linear_frequency(mask, config.bins) if config.log_frequency else mask
    # the octave below the network's upper end says what its overtones above do
    octave = slice(config.spec_bins * 3 // 4, config.spec_bins)
    power = heard.mag[octave].cpu().square() + 1e-9
    above = (mask[octave] * power).sum(0) / power.sum(0)
    extra = heard.spec.shape[-2] - low.shape[0]
    full = torch.cat([low, above.expand(extra, -1)])
    return torch.cat([full, full[:, -1:].expand(-1, heard.spec.shape[-1] - full.shape[1])], 1)


@torch.inference_mode()
def apply_gain(heard: Heard, gain: Tensor) -> Tensor:
    """Multiply the full-rate spectrogram by (F, T) gains with the mixture's phase -> (channels, samples)."""
    config = heard.config
    spec = heard.spec * full_band(heard, gain)
    return istft(spec, FULL_RATE_FACTOR * config.n_fft, FULL_RATE_FACTOR * config.hop, heard.wav.shape[-1])


def partition(masks: list[Tensor]) -> tuple[list[Tensor], Tensor]:
    """Shares of several places and of the rest: they add up to one in every cell.

    Where places claim more than there is, they share it in proportion; what nobody claims is the rest.
    """
    total = torch.stack(masks).sum(0)
    shares = [mask / total.clamp(min=1.0) for mask in masks]
    return shares, (1.0 - torch.stack(shares).sum(0)).clamp(min=0.0)


@torch.inference_mode()
def place_energies(network: SoundOfPixels, heard: Heard, vision: Tensor, time_s: float) -> tuple[Tensor, Tensor]:
    """How much of the mixture each place takes around a time.

    Args:
        vision: (K, h, w) in [0, 1].
        time_s: middle of the stretch, seconds.

    Returns:
        share of the mixture's amplitude (h, w) in [0, 1], and each place's spectrum over frequency (h, w, F').
    """
    config = heard.config
    frames_per_s = config.sample_rate / config.hop
    first = max(0, int((time_s - HEAT_SECONDS) * frames_per_s))
    last = min(heard.frames, int((time_s + HEAT_SECONDS) * frames_per_s) + 1)
    places = vision.flatten(1).T  # (N, K)
    spectra = torch.zeros(len(places), len(range(0, config.spec_bins, COARSE_F)), device=vision.device)
    whole = torch.zeros((), device=vision.device)
    claimed = first
    for start, maps in zip(heard.starts, heard.maps, strict=True):
        begin, end = max(start, claimed), min(start + config.spec_frames, last)
        if end <= begin:
            continue
        claimed = end
        mag = heard.mag[::COARSE_F, begin:end:COARSE_T]
        part = maps[:, ::COARSE_F, begin - start : end - start : COARSE_T].contiguous()
        power = (torch.sigmoid(_logits(network, places, part)) * mag).square()
        spectra += power.sum(2)
        whole += mag.square().sum()
    share = (spectra.sum(1) / whole.clamp(min=1e-9)).clamp(0, 1).sqrt()
    return share.unflatten(0, vision.shape[1:]).cpu(), spectra.sqrt().unflatten(0, vision.shape[1:]).cpu()


def colours_of(spectra: Tensor, share: Tensor) -> Tensor:
    """Pixels coloured by the sound they make: the first three principal components of their spectra (figure 5 of the paper).

    Args:
        spectra: (h, w, F') amplitudes.
        share: (h, w) in [0, 1]; quiet places stay dark.

    Returns:
        (h, w, 3) in [0, 1].
    """
    h, w = share.shape
    x = spectra.flatten(0, 1).double()
    x = x / x.norm(dim=1, keepdim=True).clamp(min=1e-9)
    weight = share.flatten().double().square()
    mean = (x * weight[:, None]).sum(0) / weight.sum().clamp(min=1e-9)
    centred = (x - mean) * weight.sqrt()[:, None]
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    axes = axes[:3] * torch.sign(axes[:3].sum(1, keepdim=True) + 1e-12)  # the same colours every time
    at = (x - mean) @ axes.T
    spread = at.abs().amax(0, keepdim=True).clamp(min=1e-6)
    colours = (0.5 + 0.5 * at / spread).clamp(0, 1)
    light = (share / share.max().clamp(min=0.05)).flatten()[:, None].double()
    return (colours * light).float().view(h, w, 3)
