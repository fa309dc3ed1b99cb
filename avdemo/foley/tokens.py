"""Acoustic tokens: the spectrum of every 20 ms of sound, as numbers of entries of codebooks.

A token says which of a few hundred spectra comes closest, a second one which of a few hundred corrections (a residual vector quantiser).
The token tier (:mod:`avdemo.foley.token_tier`) writes them from the picture, and the SampleRNN writes the samples that sound so. Both
follow from the sound alone, so that every sound has its tokens, and the codebooks are found once, by k-means, before anything is learnt.

Shapes: N sounds, T samples, S tokens' times of 20 ms, B codebooks of C entries, M mel bands.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.dsp.mel import POWER_FLOOR
from avdemo.foley.config import FoleyConfig

LOWEST_HZ = 31.25  # middle of the lowest band, and the step to the next ones; further up steps grow with the frequency
FLOOR_DB = -90.0  # re a sine of full scale in its band: under the hiss
SILENT_DB = -54.0  # mean of all bands: less is hiss alone, or little more
AUDIBLE = 0.2  # of loudness, -48 dB: where so much is told, something is to sound
STROKE = 0.2  # of loudness, 12 dB more than in the video frame before: a sound begins anew
USUAL, SPREAD = -6.05, 1.7  # mean and deviation of such numbers, of the training sounds
UNIT_DB = 10.0  # spectra are counted in tens of dB, as networks like their numbers


def centres(config: FoleyConfig) -> Tensor:
    """Middles of the bands in Hz (M,), float64: each further than the one before by 31 Hz or by a share of it, up to half of the rate."""
    low, high = 1.0, 4.0
    for _ in range(60):
        growth = (low + high) / 2
        hz = [LOWEST_HZ]
        while len(hz) < config.bands + 1:
            hz.append(max(hz[-1] + LOWEST_HZ, hz[-1] * growth))
        low, high = (low, growth) if hz[-1] > config.sample_rate / 2 else (growth, high)
    return torch.tensor(hz[:-1], dtype=torch.float64)


def between(hz: Tensor, middles: Tensor) -> Tensor:
    """Shares (..., M) of the two bands that frequencies (...) lie between; beyond the ends, of the last."""
    hz = hz.clamp(middles[0], middles[-1])
    above = torch.searchsorted(middles, hz).clamp(1, len(middles) - 1)
    share = (hz - middles[above - 1]) / (middles[above] - middles[above - 1])
    shares = hz.new_zeros(*hz.shape, len(middles))
    return shares.scatter(-1, above.unsqueeze(-1) - 1, (1 - share).unsqueeze(-1)).scatter(-1, above.unsqueeze(-1), share.unsqueeze(-1))


class Tokens(nn.Module):
    """The codebooks: (B, C, M), zeros until they were found."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.step, self.window = config.token_step, config.token_window
        self.register_buffer("books", torch.zeros(config.books, config.codes, config.bands))
        self.lines = 2 ** math.ceil(math.log2(self.window))  # of the Fourier transform: so that each band has some
        hz = torch.linspace(0, config.sample_rate / 2, self.lines // 2 + 1, dtype=torch.float64)
        spread = between(hz, centres(config)).T
        self.register_buffer("filters", (spread / spread.sum(1, keepdim=True)).float(), persistent=False)
        self.register_buffer("hann", torch.hann_window(self.window), persistent=False)

    def spectra(self, wav: Tensor) -> Tensor:
        """Sound (N, T) in [-1, 1] -> mel spectra (N, S, M) in tens of dB, S = ceil(T / step); each looks 24 ms to both sides of its middle."""
        count = -(-wav.shape[1] // self.step)
        margin = (self.window - self.step) // 2
        wav = F.pad(wav, (margin, margin + count * self.step - wav.shape[1]))
        lines = torch.fft.rfft(wav.unfold(1, self.window, self.step) * self.hann, self.lines)
        power = (lines.real.square() + lines.imag.square()) * (2 / self.hann.sum()) ** 2
        return (power @ self.filters.T).clamp_min(10 ** (FLOOR_DB / 10)).log10() * (10 / UNIT_DB)

    def encode(self, spectra: Tensor) -> Tensor:
        """(N, S, M) -> (N, S, B) int64: of each book the entry nearest to what the books before it left over."""
        left, numbers = spectra.flatten(0, 1), []
        for book in self.books:
            number = (book.square().sum(1) - 2 * left @ book.T).argmin(1)
            numbers.append(number)
            left = left - book[number]
        return torch.stack(numbers, 1).view(*spectra.shape[:2], -1)

    def decode(self, tokens: Tensor) -> Tensor:
        """(N, S, B) -> (N, S, M), the sum of the entries."""
        return sum(book[tokens[..., number]] for number, book in enumerate(self.books))

    def silent(self) -> Tensor:
        """Which entries of the first book stand for nothing but hiss, (C,) bool."""
        return (10**self.books[0]).mean(1).clamp_min(POWER_FLOOR).log10() * UNIT_DB < SILENT_DB

    @torch.no_grad()
    def find(self, spectra: np.ndarray, *, seed: int = 0) -> list[float]:
        """Find the codebooks by k-means, in place.

        Args:
            spectra: (many, M).

        Returns:
            for each book the root mean square, in dB, of what is left over after it.
        """
        from sklearn.cluster import MiniBatchKMeans

        left, errors = spectra.astype(np.float32), []
        for book in self.books:
            if len(left) < len(book):
                raise ValueError(f"{len(left)} spectra are too few for {len(book)} entries")
            means = MiniBatchKMeans(
                len(book), batch_size=8192, n_init=1, max_iter=30, random_state=seed, reassignment_ratio=0.002
            ).fit(left)
            book.copy_(torch.from_numpy(means.cluster_centers_))
            book.copy_(book.half())  # as a checkpoint keeps it
            left = left - book.numpy()[means.predict(left)]
            errors.append(float(UNIT_DB * np.sqrt(np.square(left).mean())))
        return errors


class Telling(nn.Module):
    """What the spectra that tokens stand for tell the nodes of the SampleRNN: (N, S, M) -> (N, S, R)."""

    REACH, HIDDEN = 2, 128  # tokens to both sides that are looked at; units

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.near = nn.Conv1d(config.bands, self.HIDDEN, 2 * self.REACH + 1)
        self.rows = nn.Conv1d(self.HIDDEN, config.node_row, 1)

    def inner(self, spectra: Tensor) -> Tensor:
        """Without the REACH first and last ones, which have no neighbours: (N, S, M) -> (N, S - 2 REACH, R)."""
        return self.rows(F.relu(self.near((spectra - USUAL).transpose(1, 2) / SPREAD))).transpose(1, 2)

    def forward(self, spectra: Tensor) -> Tensor:
        """Of whole sounds; before and after them it is as at their ends."""
        return self.inner(F.pad(spectra.transpose(1, 2), (self.REACH, self.REACH), mode="replicate").transpose(1, 2))
