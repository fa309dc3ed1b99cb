"""Griffin-Lim: as good as librosa's, seeded, and quick."""

import librosa
import pytest
import torch

from avdemo.dsp.phase import griffin_lim
from avdemo.dsp.stft import stft

N_FFT, HOP, RATE = 512, 128, 8000


def chirps() -> torch.Tensor:
    time_s = torch.arange(RATE) / RATE
    wav = torch.sin(2 * torch.pi * (200 * time_s + 300 * time_s**2)) + 0.5 * torch.sin(2 * torch.pi * 1100 * time_s)
    return 0.3 * wav * torch.sin(torch.pi * time_s)


def convergence_db(wav: torch.Tensor, mag: torch.Tensor) -> float:
    """Spectral convergence: how far the waveform's own magnitudes lie under the wanted ones; lower is better."""
    return 20 * float(torch.log10((stft(wav, N_FFT, HOP).abs() - mag).norm() / mag.norm()))


@pytest.fixture(scope="module")
def mag() -> torch.Tensor:
    return stft(chirps(), N_FFT, HOP).abs()


def test_magnitudes_come_back_as_well_as_librosa_s(mag: torch.Tensor) -> None:
    ours = griffin_lim(mag, N_FFT, HOP, RATE, iterations=32)
    theirs = librosa.griffinlim(mag.numpy(), n_iter=32, hop_length=HOP, length=RATE, random_state=0)
    assert ours.shape == (RATE,) and ours.dtype == torch.float32
    assert convergence_db(ours, mag) < -20
    assert convergence_db(ours, mag) < convergence_db(torch.from_numpy(theirs), mag) + 1.5


def test_momentum_and_iterations_help(mag: torch.Tensor) -> None:
    none = convergence_db(griffin_lim(mag, N_FFT, HOP, iterations=0), mag[:, : 1 + HOP * (mag.shape[1] - 1) // HOP])
    plain = convergence_db(griffin_lim(mag, N_FFT, HOP, iterations=32, momentum=0.0), mag)
    fast = convergence_db(griffin_lim(mag, N_FFT, HOP, iterations=32), mag)
    assert fast < plain < none


def test_the_seed_decides(mag: torch.Tensor) -> None:
    one = griffin_lim(mag, N_FFT, HOP, iterations=4, seed=7)
    assert torch.equal(one, griffin_lim(mag, N_FFT, HOP, iterations=4, seed=7))
    assert not torch.equal(one, griffin_lim(mag, N_FFT, HOP, iterations=4, seed=8))


def test_it_leaves_the_global_random_state_alone(mag: torch.Tensor) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    griffin_lim(mag, N_FFT, HOP, iterations=1)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("length", [None, 1, 4000, RATE, RATE + 100, 3 * RATE])
def test_lengths(mag: torch.Tensor, length: int | None) -> None:
    wav = griffin_lim(torch.stack([mag, mag]), N_FFT, HOP, length, iterations=2)
    assert wav.shape == (2, HOP * (mag.shape[1] - 1) if length is None else length)
    assert bool(wav.isfinite().all())


def test_silence_and_one_frame() -> None:
    assert float(griffin_lim(torch.zeros(257, 20), N_FFT, HOP).abs().max()) == 0.0
    assert griffin_lim(torch.ones(257, 1), N_FFT, HOP, 50).shape == (50,)
    assert griffin_lim(torch.ones(257, 1), N_FFT, HOP).shape == (0,)


def test_wrong_rows_and_momentum_are_refused() -> None:
    with pytest.raises(ValueError, match="rows"):
        griffin_lim(torch.ones(256, 4), N_FFT, HOP)
    with pytest.raises(ValueError, match="momentum"):
        griffin_lim(torch.ones(257, 4), N_FFT, HOP, momentum=1.5)


def test_it_tells_how_far_it_is_and_can_be_stopped(mag: torch.Tensor) -> None:
    told: list[float] = []
    griffin_lim(mag, N_FFT, HOP, iterations=4, step=told.append)
    assert told == [0, 0.25, 0.5, 0.75]

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        griffin_lim(mag, N_FFT, HOP, iterations=4, step=stop)
