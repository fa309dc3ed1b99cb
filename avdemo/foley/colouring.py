"""The mean spectrum of what is written, brought to that of the kind that is seen: a filter behind the SampleRNN.

A small SampleRNN writes the loud half of a spectrum well and a hiss over all of it, since its levels are few and its errors white; and it
drifts from one kind's colour to another's. How its mean spectrum differs from the recordings' is measured once for each kind, on training
pairs, after training (:mod:`avdemo.foley.calibrate`). What is written is filtered by the difference, the kinds mixed as they are seen.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

BINS = 65  # frequencies from 0 to half of the sample rate, evenly
TAPS = 128  # of the filter
LONG = 1024  # in which its phase is found
NATS = np.log(10) / 20  # of an amplitude in one dB


class Colour(nn.Module):
    """For each kind, and none of them, how many dB are to be added at each frequency: (kinds + 1, BINS), zeros until it was measured."""

    def __init__(self, kinds: int):
        super().__init__()
        self.register_buffer("db", torch.zeros(kinds + 1, BINS))

    def forward(self, kinds: Tensor) -> Tensor:
        """Logits (N, kinds + 1) of what is seen -> dB (N, BINS)."""
        return kinds.float().softmax(1) @ self.db.float()


def minimum_phase(db: np.ndarray) -> np.ndarray:
    """The shortest filter, (TAPS,) float64, that has these dB (BINS,): nothing of it comes before its first sample.

    Its phase follows from its magnitudes by way of the cepstrum (Oppenheim and Schafer).
    """
    fine = np.interp(np.linspace(0, 1, LONG // 2 + 1), np.linspace(0, 1, BINS), db.astype(np.float64)) * NATS
    fold = np.zeros(LONG)
    fold[[0, LONG // 2]], fold[1 : LONG // 2] = 1, 2
    whole = np.fft.irfft(np.exp(np.fft.rfft(np.fft.irfft(fine) * fold)))
    taps = whole[:TAPS]
    taps[TAPS // 2 :] *= np.hanning(TAPS + 1)[TAPS // 2 : -1]
    return taps
