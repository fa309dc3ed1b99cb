"""Windows cover everything, weights sum to exactly one, pieces of a signal give it back."""

import itertools

import pytest
import torch

from avdemo.dsp.overlap import crossfade_weights, overlap_add, window_starts
from avdemo.dsp.stft import istft, stft

CASES = [
    (total, size, hop)
    for total, size, hop in itertools.product([1, 2, 5, 7, 63, 64, 65, 100, 257, 1000], [1, 2, 7, 64], [1, 2, 3, 5, 32, 48, 64])
    if hop <= size
]


def pad(wav: torch.Tensor, size: int) -> torch.Tensor:
    return torch.nn.functional.pad(wav, (0, max(0, size - wav.shape[-1])))


@pytest.mark.parametrize(("total", "size", "hop"), CASES)
def test_starts_cover_and_weights_sum_to_exactly_one(total: int, size: int, hop: int) -> None:
    starts = window_starts(total, size, hop)
    assert starts[0] == 0 and starts == sorted(set(starts))
    assert all(b - a <= hop for a, b in itertools.pairwise(starts))
    assert starts == [0] if total <= size else starts[-1] + size == total
    weights = crossfade_weights(starts, size, total)
    assert weights.shape == (len(starts), size) and float(weights.min()) >= 0
    for order in (list(range(len(starts))), list(reversed(range(len(starts))))):
        summed = torch.zeros(total)
        for k in order:
            length = min(size, total - starts[k])
            summed[starts[k] : starts[k] + length] += weights[k, :length]
        assert torch.equal(summed, torch.ones(total))  # exactly, not nearly
    assert float(weights[:, max(0, total) :].sum()) == 0.0 or total >= size


def test_half_overlap_is_a_linear_crossfade_and_edges_do_not_fade() -> None:
    weights = crossfade_weights([0, 50, 100], 100, 200)
    assert torch.equal(weights[0, :50], torch.ones(50)) and torch.equal(weights[2, 50:], torch.ones(50))
    fade = weights[1, :50]
    assert bool((fade.diff() > 0).all()) and float(fade.diff().diff().abs().max()) < 1e-5
    torch.testing.assert_close(weights[1, 50:], fade.flip(0), atol=2e-6, rtol=0)


@pytest.mark.parametrize(("total", "size", "hop"), [(1000, 64, 48), (1000, 64, 17), (64, 64, 32), (40, 64, 32), (65, 64, 32)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64, torch.float16, torch.float64])
def test_pieces_of_a_signal_give_it_back(total: int, size: int, hop: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    wav = torch.randn(2, 3, total, generator=generator, dtype=torch.complex64 if dtype.is_complex else torch.float32).to(dtype)
    starts = window_starts(total, size, hop)
    joined = overlap_add((pad(wav[..., s : s + size], size) for s in starts), starts, total)
    assert joined.shape == wav.shape
    torch.testing.assert_close(joined, wav.float() if dtype == torch.float16 else wav, atol=1e-6, rtol=1e-6)


def test_constant_pieces_give_exactly_the_constant() -> None:
    starts = window_starts(1000, 64, 11)
    assert torch.equal(overlap_add([torch.ones(256, 64)] * len(starts), starts, 1000), torch.ones(256, 1000))


def test_masks_of_windows_applied_to_a_long_spectrogram_partition_the_signal() -> None:
    wav = torch.rand(20_000, generator=torch.Generator().manual_seed(1)) * 2 - 1
    spec = stft(wav, 254, 64)
    starts = window_starts(spec.shape[-1], 100, 60)
    masks = torch.rand(len(starts), 128, 100, generator=torch.Generator().manual_seed(2))
    mask = overlap_add(masks, starts, spec.shape[-1])
    rest = overlap_add(1 - masks, starts, spec.shape[-1])
    assert float(mask.min()) >= 0 and float(mask.max()) <= 1
    both = istft(spec * mask, 254, 64, 20_000) + istft(spec * rest, 254, 64, 20_000)
    torch.testing.assert_close(both, wav, atol=3e-6, rtol=0)


def test_seams_are_smooth() -> None:
    starts = window_starts(300, 100, 60)
    joined = overlap_add([torch.full((100,), float(k)) for k in range(len(starts))], starts, 300)
    assert float(joined.diff().abs().max()) < 0.06


def test_nothing_in_nothing_out_and_misuse() -> None:
    assert window_starts(0, 10, 5) == []
    assert crossfade_weights([], 10, 0).shape == (0, 10)
    for bad in [(10, 0, 1), (10, 5, 0), (10, 5, 6), (-1, 5, 5)]:
        with pytest.raises(ValueError):
            window_starts(*bad)
    with pytest.raises(ValueError, match="no window"):
        crossfade_weights([0, 6], 5, 11)
    with pytest.raises(ValueError, match="No window"):
        crossfade_weights([], 5, 11)
    with pytest.raises(ValueError, match="pieces"):
        overlap_add([torch.ones(5)], [0, 5], 10)
    with pytest.raises(ValueError, match="more pieces"):
        overlap_add([torch.ones(5)] * 3, [0, 5], 10)
    with pytest.raises(ValueError, match="pieces"):
        overlap_add([], [], 0)
