"""Linear prediction from spectra: what follows the last samples, if a sound is noise of the colour that its tokens say.

A spectrum's inverse Fourier transform is an autocorrelation, and that gives the best linear predictor of the next sample and the
error that it will make (Levinson and Durbin; so LPCNet does it, Valin and Skoglund 2019). The SampleRNN starts from this guess and says
how the truth differs: what it writes has the right colour from the first step of training on, and does not drift away from it.

Shapes: N sounds, S tokens' times, M mel bands, K nodes of the top tier (five to a token), P coefficients.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.foley.arithmetic import compiled
from avdemo.foley.config import FoleyConfig
from avdemo.foley.tokens import UNIT_DB, between, centres

LINES = 513  # of the spectrum between 0 and half of the sample rate
NOISE = 10**-4.5  # of the power, white: what mu-law's levels add, and a limit to how steep a colour may be


class Predictor(nn.Module):
    """Spectra that tokens stand for -> coefficients and error, for each node of the top tier; nothing is learnt."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.order, self.each = config.predicts, config.token_step // config.top_step
        lines = torch.linspace(0, config.sample_rate / 2, LINES, dtype=torch.float64)
        self.register_buffer("spread", between(lines, centres(config)).T.contiguous(), persistent=False)  # (M, LINES)
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


def predictors(spectra: np.ndarray, predictor: Predictor) -> tuple[np.ndarray, np.ndarray]:
    """As :class:`Predictor`, of a token's time and its neighbours (3, M), in a tenth of the time: (5, P) and (5,), float32."""
    with torch.inference_mode():
        db = predictor.between(torch.from_numpy(spectra).double().unsqueeze(0))[0].numpy() * UNIT_DB
    power = 10 ** (db @ predictor.spread.numpy() / 10) * predictor.scale
    return _levinson(np.ascontiguousarray(np.fft.irfft(power)[:, : predictor.order + 1]))


@compiled
def _levinson(lags):
    """As :func:`levinson`, of (nodes, P + 1) float64."""
    nodes, order = lags.shape[0], lags.shape[1] - 1
    coefficients, deviations = np.empty((nodes, order), np.float32), np.empty(nodes, np.float32)
    found, before = np.empty(order), np.empty(order)
    for node in range(nodes):
        error = lags[node, 0] * (1 + NOISE)
        for step in range(order):
            left = lags[node, step + 1]
            for i in range(step):
                before[i] = found[i]
                left -= found[i] * lags[node, step - i]
            reflection = left / error
            for i in range(step):
                found[i] = before[i] - reflection * before[step - 1 - i]
            found[step] = reflection
            error *= 1 - reflection * reflection
        for i in range(order):
            coefficients[node, i] = found[i]
        deviations[node] = np.sqrt(error)
    return coefficients, deviations


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
