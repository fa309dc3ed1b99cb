"""The log-frequency warp against the paper page's formula, written out in numpy, and against grid_sample."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from avdemo.dsp.logfreq import log_frequency_hz, to_linear_frequency, to_log_frequency


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def warp_numpy(mag: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Bilinear sampling, align_corners=True: -1 is the centre of the first row, +1 that of the last."""
    rows = (heights + 1) / 2 * (mag.shape[0] - 1)
    return np.stack([np.interp(rows, np.arange(mag.shape[0]), column) for column in mag.T], axis=1)


@pytest.mark.parametrize(("rows", "bins", "frames"), [(512, 256, 256), (512, 128, 7), (257, 256, 3)])
def test_equals_the_formula(rows: int, bins: int, frames: int) -> None:
    mag = picture(rows, frames)
    y = np.linspace(-1, 1, bins)
    expected = warp_numpy(mag.numpy().astype(np.float64), (21 ** ((y + 1) / 2) - 11) / 10)
    np.testing.assert_allclose(to_log_frequency(mag, bins).numpy(), expected, atol=2e-6)


def test_equals_grid_sample_with_align_corners() -> None:
    mag = picture(2, 1, 512, 64)
    y = torch.linspace(-1, 1, 256, dtype=torch.float64)
    heights = ((21 ** ((y + 1) / 2) - 11) / 10).float()
    grid = torch.stack(torch.broadcast_tensors(torch.linspace(-1, 1, 64)[None, :], heights[:, None]), dim=-1)
    expected = F.grid_sample(mag, grid.expand(2, -1, -1, -1), mode="bilinear", align_corners=True)
    torch.testing.assert_close(to_log_frequency(mag, 256), expected, atol=3e-4, rtol=0)  # the float32 grid is that coarse


@pytest.mark.parametrize("bins", [512, 300])
def test_inverse_equals_the_inverse_formula(bins: int) -> None:
    mask = picture(256, 5)
    y = np.linspace(-1, 1, bins)
    expected = warp_numpy(mask.numpy().astype(np.float64), 2 * np.log(10 * y + 11) / np.log(21) - 1)
    np.testing.assert_allclose(to_linear_frequency(mask, bins).numpy(), expected, atol=5e-6)


def test_there_and_back_keeps_what_is_smooth() -> None:
    y = torch.linspace(0, 1, 256)[:, None]
    mask = 0.5 + 0.4 * torch.sin(6 * torch.pi * y + torch.linspace(0, 3, 40)[None, :])
    back = to_log_frequency(to_linear_frequency(mask, 512), 256)
    assert float((back - mask).abs().max()) < 0.01
    ones = torch.ones(3, 256, 4)
    assert torch.equal(to_linear_frequency(ones, 512), torch.ones(3, 512, 4))
    assert torch.equal(to_log_frequency(torch.ones(512, 4)), torch.ones(256, 4))


def test_ends_stay_and_hertz_belong_to_rows() -> None:
    hz = log_frequency_hz(256, 11_025)
    assert float(hz[0]) == pytest.approx(0.0, abs=1e-9) and float(hz[-1]) == pytest.approx(11_025 / 2)
    assert bool((hz.diff() > 0).all())
    # A picture whose rows hold their own frequency: the warp must answer with the frequencies of the new rows.
    rows_hz = torch.linspace(0, 11_025 / 2, 512)[:, None]
    torch.testing.assert_close(to_log_frequency(rows_hz, 256)[:, 0].double(), hz, atol=1e-2, rtol=1e-5)


def test_leading_dimensions_and_half_precision() -> None:
    mag = picture(3, 2, 512, 6)
    torch.testing.assert_close(to_log_frequency(mag)[1, 1], to_log_frequency(mag[1, 1]))
    assert to_log_frequency(mag.half()).dtype == torch.float16
