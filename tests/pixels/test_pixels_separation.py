"""From maps to masks to sound: windows join without seams, shares add up to one, silence stays silence."""

import pytest
import torch

from avdemo.dsp.stft import stft
from avdemo.pixels import separation
from avdemo.pixels.config import PixelsConfig
from avdemo.pixels.network import SoundOfPixels

RATE = 44_100
CONFIGS = {"log": PixelsConfig.debug(), "linear": PixelsConfig.debug(log_frequency=False)}
SIZE = CONFIGS["log"].spec_frames  # frames of a window
HOP = 4 * CONFIGS["log"].hop  # samples of a frame at the full rate


def make(kind: str) -> SoundOfPixels:
    torch.manual_seed(0)
    network = SoundOfPixels(CONFIGS[kind]).eval()
    network.synthesizer.scale.data.mul_(20)  # masks far from one half
    return network


@pytest.fixture(scope="module", params=sorted(CONFIGS))
def network(request) -> SoundOfPixels:
    return make(request.param)


def signal(frames: int, channels: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise, and what the network hears of it (every fourth sample will do for a test)."""
    wav = 0.1 * torch.randn(channels, HOP * frames, generator=torch.Generator().manual_seed(frames))
    return wav, wav.mean(0)[::4]


def vision(network) -> torch.Tensor:
    return torch.linspace(0, 1, network.config.channels)


@torch.inference_mode()
def mask_of_window(network, heard, number: int) -> torch.Tensor:
    scaled = (vision(network) * network.synthesizer.scale).to(heard.maps[number].dtype)
    z = torch.einsum("k,kft->ft", scaled.float(), heard.maps[number].float())
    return torch.sigmoid(z + network.synthesizer.bias)


def test_a_short_clip_has_the_mask_of_its_only_window(network) -> None:
    heard = separation.hear(network, *signal(SIZE // 2))
    assert heard.starts == [0] and heard.maps[0].shape == (4, network.config.spec_bins, SIZE)
    mask = separation.mask_of(network, heard, vision(network))
    assert mask.shape == heard.mag.shape == (network.config.spec_bins, SIZE // 2 + 1)
    torch.testing.assert_close(mask, mask_of_window(network, heard, 0)[:, : SIZE // 2 + 1], rtol=0, atol=0.02)
    assert mask.std() > 0.01


def test_windows_are_crossfaded(network) -> None:
    heard = separation.hear(network, *signal(2 * SIZE))
    assert heard.starts[:2] == [0, SIZE // 2] and heard.starts[-1] == heard.frames - SIZE
    mask = separation.mask_of(network, heard, vision(network))
    alone = [mask_of_window(network, heard, number) for number in range(len(heard.starts))]
    half = SIZE // 2
    torch.testing.assert_close(mask[:, :half], alone[0][:, :half], rtol=0, atol=0.02)  # only one window knows these frames
    low = torch.minimum(alone[0][:, half:], alone[1][:, :half])
    high = torch.maximum(alone[0][:, half:], alone[1][:, :half])
    both = mask[:, half:SIZE]
    assert (both > low - 0.02).all() and (both < high + 0.02).all()
    assert (low - high).abs().mean() > 1e-3  # and they did differ


def test_a_mask_of_one_everywhere_stays_one_and_gives_back_the_input() -> None:
    network = make("log")
    network.synthesizer.bias.data.fill_(60.0)
    wav, mono = signal(3 * SIZE + 5)
    heard = separation.hear(network, wav, mono)
    mask = separation.mask_of(network, heard, vision(network))
    assert torch.equal(mask, torch.ones_like(mask))
    torch.testing.assert_close(separation.apply_gain(heard, mask), wav, rtol=0, atol=1e-5)


def test_a_window_does_not_hear_what_lies_outside_it(network) -> None:
    wav, mono = signal(3 * SIZE)
    changed = mono.clone()
    tail = slice(2 * SIZE * HOP // 4, None)
    changed[tail] = mono[tail].flip(0)  # as loud as before
    steps = []
    a = separation.hear(network, wav, mono, step=lambda done, total: steps.append((done, total)))
    b = separation.hear(network, wav, changed)
    torch.testing.assert_close(a.maps[0], b.maps[0])
    assert not torch.allclose(a.maps[-1].float(), b.maps[-1].float(), atol=1e-2)
    assert steps == [(i, len(a.starts)) for i in range(len(a.starts))]


def test_silence_stays_silence(network) -> None:
    wav = torch.zeros(1, HOP * SIZE)
    heard = separation.hear(network, wav, wav[0, ::4])
    mask = separation.mask_of(network, heard, vision(network))
    assert torch.isfinite(mask).all()
    assert not separation.apply_gain(heard, mask).any()
    share, spectra = separation.place_energies(network, heard, torch.rand(4, 3, 5), 0.1)
    assert not share.any() and torch.isfinite(spectra).all()
    assert torch.isfinite(separation.colours_of(spectra, share)).all()


@pytest.mark.parametrize("extra", [-3, -2, -1, 0, 1, 2])
def test_any_number_of_samples_fits(extra) -> None:
    """The full-rate and the quarter-rate signal round their lengths differently; both must give the same frames."""
    network = make("log")
    samples = HOP * 40 + extra
    wav = torch.randn(1, samples) * 0.1
    mono = torch.randn(-(-samples // 4)) * 0.1
    heard = separation.hear(network, wav, mono)
    assert heard.mag.shape[1] == heard.spec.shape[2] - 1
    assert separation.apply_gain(heard, separation.mask_of(network, heard, vision(network))).shape == wav.shape


@pytest.mark.parametrize("extra", [0, HOP // 2, HOP - 5, HOP - 1])
def test_no_click_at_the_end(extra) -> None:
    """Windows may overlap by half only; then the last samples lie under the rim of the last window alone."""
    network = make("log")
    wav = 0.1 * torch.randn(1, HOP * 30 + extra, generator=torch.Generator().manual_seed(extra))
    heard = separation.hear(network, wav, wav[0, ::4])
    found = separation.apply_gain(heard, torch.rand(heard.mag.shape, generator=torch.Generator().manual_seed(1)))
    assert found.abs().max() < 1.5 * wav.abs().max()


def test_full_band_fits_the_full_rate_spectrogram(network) -> None:
    heard = separation.hear(network, *signal(SIZE))
    config = network.config
    full = separation.full_band(heard, torch.full_like(heard.mag, 0.25))
    assert full.shape == heard.spec.shape[1:] == (4 * config.n_fft // 2 + 1, SIZE + 2)
    torch.testing.assert_close(full, torch.full_like(full, 0.25), rtol=0, atol=1e-5)
    rising = torch.linspace(0, 1, config.spec_bins)[:, None].expand(-1, heard.frames)
    full = separation.full_band(heard, rising)
    assert (full[: config.bins].diff(dim=0) >= -1e-6).all()  # low stays low, high stays high
    above = full[config.bins :]
    assert (above == above[0]).all() and (above > 0.7).all() and (above <= 1).all()  # the octave below speaks for it


def test_bins_of_both_rates_are_the_same_frequencies() -> None:
    config = PixelsConfig.compact()
    time = torch.arange(RATE) / RATE
    tone = torch.sin(2 * torch.pi * 1000 * time)
    low = stft(tone[::4], config.n_fft, config.hop).abs().mean(1).argmax()
    high = stft(tone, 4 * config.n_fft, 4 * config.hop).abs().mean(1).argmax()
    assert low == high


def test_shares_add_up_to_one() -> None:
    torch.manual_seed(0)
    masks = [torch.rand(8, 9) for _ in range(3)]
    shares, rest = separation.partition(masks)
    torch.testing.assert_close(torch.stack([*shares, rest]).sum(0), torch.ones(8, 9))
    claimed = torch.stack(masks).sum(0)
    for share, mask in zip(shares, masks, strict=True):
        torch.testing.assert_close(share[claimed <= 1], mask[claimed <= 1])  # nobody is given more than was claimed
        assert (share <= mask + 1e-7).all()
    assert not rest[claimed >= 1].gt(1e-6).any()


def test_energy_is_where_the_mask_is_open(network) -> None:
    wav, mono = signal(2 * SIZE)
    heard = separation.hear(network, wav, mono)
    seen = torch.rand(4, 3, 5, generator=torch.Generator().manual_seed(0))
    share, spectra = separation.place_energies(network, heard, seen, 0.4)
    assert share.shape == (3, 5) and (share >= 0).all() and (share <= 1).all()
    assert spectra.shape == (3, 5, network.config.spec_bins // 2) and share.std() > 0
    closed = make("log" if network.config.log_frequency else "linear")
    closed.synthesizer.bias.data.fill_(-90.0)
    assert separation.place_energies(closed, heard, seen, 0.4)[0].max() < 1e-6
    colours = separation.colours_of(spectra, share)
    assert colours.shape == (3, 5, 3) and (colours >= 0).all() and (colours <= 1).all()
