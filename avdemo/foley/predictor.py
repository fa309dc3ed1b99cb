"""Linear prediction from spectra: what follows the last samples, if a sound is noise of the colour that its tokens say.

A spectrum's inverse Fourier transform is an autocorrelation, and that gives the best linear predictor of the next sample and the
error that it will make (Levinson and Durbin; so LPCNet does it, Valin and Skoglund 2019). The SampleRNN starts from this guess and says
how the truth differs: what it writes has the right colour from the first step of training on, and does not drift away from it.

Shapes: N sounds, S tokens' times, M mel bands, K nodes of the top tier (five to a token), P coefficients.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avdemo.dsp.mel import MelScale, hz_to_mel, mel_to_hz
from avdemo.foley.config import FoleyConfig
from avdemo.foley.tokens import LOWEST_HZ, UNIT_DB

LINES = 257  # of the spectrum between 0 and half of the sample rate
NOISE = 10**-4.2  # of the power, white: what mu-law's levels add, and a limit to how steep a colour may be


class Predictor(nn.Module):
    """Spectra that tokens stand for -> coefficients and error, for each node of the top tier; nothing is learnt."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.order, self.each = config.top_step, config.token_step // config.top_step
        scale = MelScale(config.sample_rate, config.token_window, config.bands, LOWEST_HZ)
        ends = hz_to_mel(torch.tensor([scale.f_min, scale.top_hz], dtype=torch.float64))
        centres = mel_to_hz(torch.linspace(*ends.tolist(), config.bands + 2, dtype=torch.float64))[1:-1]
        lines = torch.linspace(0, config.sample_rate / 2, LINES, dtype=torch.float64).clamp(centres[0], centres[-1])
        above = torch.searchsorted(centres, lines).clamp(1, config.bands - 1)
        share = (lines - centres[above - 1]) / (centres[above] - centres[above - 1])
        spread = torch.zeros(config.bands, LINES, dtype=torch.float64)
        spread[above - 1, torch.arange(LINES)] = 1 - share
        spread[above, torch.arange(LINES)] += share
        self.register_buffer("spread", spread, persistent=False)  # (M, LINES)
        hann = torch.hann_window(config.token_window, dtype=torch.float64)
        self.scale = float(hann.sum().square() / 4 / hann.square().sum())  # of a sine's power in its band to noise's in all bands

    def between(self, spectra: Tensor) -> Tensor:
        """Spectra of tokens' times and one more on either side, (N, S + 2, M) -> of the nodes' middles, (N, 5 S, M)."""
        at = (torch.arange(self.each, device=spectra.device) + 0.5) / self.each - 0.5  # from the middle of the token's time
        before, after = (-at).clamp_min(0), at.clamp_min(0)
        here, last, following = (part.unsqueeze(2) for part in (spectra[:, 1:-1], spectra[:, :-2], spectra[:, 2:]))
        mixed = here * (1 - before - after).unsqueeze(1) + last * before.unsqueeze(1) + following * after.unsqueeze(1)
        return mixed.flatten(1, 2)

    def forward(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """(N, S + 2, M) -> coefficients (N, 5 S, P), the first of the newest sample, and the error's deviation (N, 5 S)."""
        db = self.between(spectra.double()) * UNIT_DB
        power = 10 ** (db @ self.spread / 10) * self.scale
        lags = torch.fft.irfft(power, dim=-1)[..., : self.order + 1]
        return levinson(lags)


def levinson(lags: Tensor) -> tuple[Tensor, Tensor]:
    """Autocorrelations (..., P + 1) float64 -> the best predictor's coefficients (..., P) and its error's deviation (...), float32."""
    zero = lags[..., :1] * (1 + NOISE)
    shape, order = lags.shape[:-1], lags.shape[-1] - 1
    flat, error = lags.reshape(-1, order + 1), zero.reshape(-1).clone()
    found = flat.new_zeros(len(flat), 0)
    for step in range(order):
        left = flat[:, step + 1] - (found * flat[:, 1 : step + 1].flip(1)).sum(1)
        reflection = (left / error).unsqueeze(1)
        found = torch.cat([found - reflection * found.flip(1), reflection], 1)
        error = error * (1 - reflection[:, 0].square())
    return found.view(*shape, order).float(), error.sqrt().view(shape).float()


def guess(past: Tensor, coefficients: Tensor) -> Tensor:
    """What is predicted for every sample of a window.

    Args:
        past: (N, P + T), the window's samples and those before it, in [-1, 1].
        coefficients: (N, K, P), for T / K samples each.

    Returns:
        (N, T)
    """
    _, nodes, order = coefficients.shape
    step = (past.shape[1] - order) // nodes
    windows = past[:, :-1].unfold(1, order, 1).unflatten(1, (nodes, step))  # (N, K, step, P), oldest first
    return torch.einsum("nksp,nkp->nks", windows, coefficients.flip(-1)).flatten(1)
