"""L3-Net: the paper's shapes, the fusion, the places, and the tower that must not change."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from avdemo.correspondence.config import EVERYDAY, INSTRUMENTS, KINDS, CorrespondenceConfig
from avdemo.correspondence.network import Correspondence

DEBUG = CorrespondenceConfig.debug()
FROZEN = DEBUG.compact(frame_size=32, hidden=16)


def shuffled(config: CorrespondenceConfig, seed: int = 0) -> Correspondence:
    """With statistics and scales that are not the initial ones, so that mixing any two up shows."""
    torch.manual_seed(seed)
    network = Correspondence(config)
    for value in network.state_dict().values():
        if value.is_floating_point() and value.ndim == 1:
            value.copy_(torch.rand_like(value) + 0.5)
    return network.eval()


def drawn(config: CorrespondenceConfig, count: int = 2, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    side = config.frame_size
    frames = torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=generator)
    return frames, 0.2 * torch.randn(count, config.samples, generator=generator)


# ---- configurations


def test_the_papers_numbers() -> None:
    paper = CorrespondenceConfig.paper()
    assert (paper.bins, paper.spec_frames, paper.window_s, paper.frame_size) == (257, 199, 1.0, 224)
    assert (paper.win, paper.hop, paper.n_fft) == (480, 240, 512)  # 0.01 s, half overlap
    assert paper.vision_widths == paper.audio_widths == (64, 128, 256, 512) and paper.hidden == 128


def test_the_papers_shapes() -> None:
    narrow = (1, 1, 1, 512)  # widths but the last do not show in the shapes
    paper = CorrespondenceConfig.paper(vision_widths=narrow, audio_widths=narrow)
    network = Correspondence(paper).eval()
    with torch.inference_mode():
        assert network.see(torch.zeros(1, 224, 224, 3, dtype=torch.uint8)).shape == (1, 512, 28, 28)
        assert network.log_spec(torch.zeros(2, 48_000)).shape == (2, 1, 257, 199)
        assert network.hear(torch.zeros(1, 48_000)).shape == (1, 512, 32, 24)
    assert network.fc1.weight.shape == (128, 1024) and network.fc2.weight.shape == (2, 128)


def test_the_papers_layers() -> None:
    with torch.device("meta"):
        network = Correspondence(CorrespondenceConfig.paper())
    widths = (64, 128, 256, 512)
    for tower, inputs in ((network.vision, 3), (network.audio, 1)):
        counts = [(inputs, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
        convolutions = [m for m in tower.modules() if isinstance(m, nn.Conv2d)]
        assert [(m.in_channels, m.out_channels) for m in convolutions] == counts
        assert all(m.kernel_size == (3, 3) and m.stride == (1, 1) and m.padding == (1, 1) for m in convolutions)
        assert [m.num_features for m in tower.modules() if isinstance(m, nn.BatchNorm2d)] == [w for w in widths for _ in (1, 2)]
    assert {"vision.conv4_2.weight", "audio.bn1_1.running_var", "fc1.bias", "fc2.weight"} <= set(network.state_dict())
    assert "window" not in network.state_dict()


@pytest.mark.parametrize("name", ["paper", "compact", "scratch", "debug"])
def test_every_size_is_built_and_described(name) -> None:
    config = getattr(CorrespondenceConfig, name)()
    assert config.name == name and CorrespondenceConfig.from_dict(config.as_dict()) == config
    assert CorrespondenceConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config  # lists become tuples again
    assert config.window_s == 1.0 and config.spec_frames == 1 + (config.samples - config.win) // config.hop
    with torch.device("meta"):
        network = Correspondence(config)
    assert network.fc1.in_features == config.vision_embed + config.audio_embed
    if name == "paper":
        return  # its shapes have a test of their own
    network = Correspondence(config).eval()
    side = config.frame_size if name == "debug" else 64
    with torch.inference_mode():
        seen = network.see(torch.zeros(1, side, side, 3, dtype=torch.uint8))
        assert seen.shape == (1, config.vision_embed, side // config.stride, side // config.stride)
        heard = network.hear(torch.zeros(1, config.samples))
        assert heard.shape == (1, config.audio_embed, config.bins // 8, config.spec_frames // 8)
        assert network.fuse(seen.amax((2, 3)), heard.amax((2, 3))).shape == (1, 2)


def test_configurations_that_do_not_fit() -> None:
    for wrong in ({"vision": "vgg"}, {"vision_widths": (1, 2, 3)}, {"hop": 481}, {"win": 513}, {"frame_size": 225}):
        with pytest.raises(ValueError):
            CorrespondenceConfig.paper(**wrong)
    with pytest.raises(TypeError):
        CorrespondenceConfig.from_dict({**CorrespondenceConfig.paper().as_dict(), "unknown": 1})


def test_kinds() -> None:
    assert len(INSTRUMENTS) == 26 and len(EVERYDAY) == 9 and len(set(KINDS)) == 35
    assert list(INSTRUMENTS) == sorted(INSTRUMENTS) and list(EVERYDAY) == sorted(EVERYDAY)


# ---- what goes in


def test_pictures_are_normalised_to_plus_minus_one() -> None:
    frames = torch.tensor([0, 255, 51], dtype=torch.uint8).view(1, 1, 1, 3)
    torch.testing.assert_close(Correspondence(DEBUG).normalise(frames).flatten(), torch.tensor([-1.0, 1.0, -0.6]))


@pytest.mark.parametrize("name", ["paper", "compact", "debug"])
def test_log_spectrogram_against_numpy(name) -> None:
    """Each column is the windowed stretch of sound at its place, nothing from outside; 20 dB are one unit, -40 dB are zero."""
    config = getattr(CorrespondenceConfig, name)(vision="conv", vision_widths=(1,) * 4, audio_widths=(1,) * 4)
    wav = drawn(config)[1]
    with torch.inference_mode():
        found = Correspondence(config).log_spec(wav)[0, 0].numpy()
    window = np.hanning(config.win + 1)[:-1]
    columns = [wav[0, t * config.hop : t * config.hop + config.win].numpy() * window for t in range(config.spec_frames)]
    power = np.abs(np.fft.rfft(np.stack(columns, 1), config.n_fft, axis=0)) ** 2
    if config.mels:
        from avdemo.dsp.mel import MelScale, mel_filterbank

        power = mel_filterbank(MelScale(config.sample_rate, config.n_fft, config.mels)).numpy() @ power
    expected = (10 * np.log10(power + 1e-10) + 40) / 20
    assert found.shape == expected.shape == (config.bins, config.spec_frames)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_levels_of_the_log_spectrogram() -> None:
    config = CorrespondenceConfig.paper(vision_widths=(1,) * 4, audio_widths=(1,) * 4)
    network = Correspondence(config)
    time = torch.arange(config.samples) / config.sample_rate
    sine = torch.sin(2 * torch.pi * 64 * config.sample_rate / config.n_fft * time)  # at the middle of bin 64
    wavs = torch.stack([sine * 0, sine, sine / 10])
    with torch.inference_mode():
        silence, loud, soft = network.log_spec(wavs)[:, 0]
    assert torch.allclose(silence, torch.tensor(-3.0))  # -100 dB
    assert (loud.argmax(0) == 64).all()
    # amplitude 1 through a Hann window: the window's sum over two
    expected = (20 * np.log10(network.window.sum().item() / 2) + 40) / 20
    torch.testing.assert_close(loud[64], torch.full((config.spec_frames,), expected), atol=1e-3, rtol=0)
    torch.testing.assert_close(loud[64] - soft[64], torch.ones(config.spec_frames), atol=1e-3, rtol=0)  # 20 dB
    assert torch.isfinite(loud).all() and loud.min() >= -3


# ---- towers and fusion


def test_a_tower_against_plain_functions() -> None:
    network = shuffled(DEBUG)
    frames, _ = drawn(DEBUG)
    state = network.vision.state_dict()
    x = frames.permute(0, 3, 1, 2).float() / 127.5 - 1
    for block in range(1, 5):
        for conv in (1, 2):
            x = F.conv2d(x, state[f"conv{block}_{conv}.weight"], padding=1)
            bn = [state[f"bn{block}_{conv}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
            x = F.batch_norm(x, *bn).clamp_min(0)
        if block < 4:
            x = F.max_pool2d(x, 2)
    with torch.inference_mode():
        found = network.see(frames)
    assert found.shape == (2, 8, 4, 4) and (found >= 0).all()
    torch.testing.assert_close(found, x, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [DEBUG, FROZEN], ids=["conv", "mobilenet_v2"])
def test_forward_is_pooling_concatenation_and_two_layers(config) -> None:
    network = shuffled(config)
    frames, wav = drawn(config)
    with torch.inference_mode():
        v, a = network.see(frames).amax((2, 3)), network.hear(wav).amax((2, 3))
        expected = network.fc2(network.fc1(torch.cat([v, a], -1)).relu())
        torch.testing.assert_close(network(frames, wav), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(network.fuse(v, a), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(network.probability(v, a), expected.softmax(-1)[:, 1], rtol=1e-4, atol=1e-5)


def test_fusion_of_a_table_is_that_of_each_pair() -> None:
    network = shuffled(DEBUG)
    v, a = torch.rand(3, 8), torch.rand(5, 8)
    with torch.inference_mode():
        table = network.fuse(v[:, None], a[None])
        assert table.shape == (3, 5, 2)
        for row in range(3):
            for column in range(5):
                torch.testing.assert_close(table[row, column], network.fc2(network.fc1(torch.cat([v[row], a[column]])).relu()))


# ---- where


def test_each_place_is_asked_on_its_own() -> None:
    network = shuffled(DEBUG)
    maps, a = torch.rand(2, 8, 3, 5), torch.rand(2, 8)
    with torch.inference_mode():
        where, sound = network.where(maps, a), network.where_in_sound(maps, a)
        assert where.shape == sound.shape == (2, 3, 5) and where.min() >= 0 and where.max() <= 1
        for n, y, x in ((0, 0, 0), (1, 2, 4), (1, 1, 3)):
            torch.testing.assert_close(where[n, y, x], network.probability(maps[n, :, y, x], a[n]))
            torch.testing.assert_close(sound[n, y, x], network.probability(a[n], maps[n, :, y, x]))


def test_one_place_alone_decides_as_the_whole_picture_does() -> None:
    """Where every unit is strongest at one place, that place says what the pooled picture says."""
    network = shuffled(DEBUG)
    maps, a = torch.rand(1, 8, 4, 4) * 0.5, torch.rand(1, 8)
    maps[0, :, 2, 1] = 0.5 + torch.rand(8)
    with torch.inference_mode():
        pooled = network.probability(maps.amax((2, 3)), a)
        torch.testing.assert_close(network.where(maps, a)[:, 2, 1], pooled)
        torch.testing.assert_close(network.where_in_sound(maps, a)[:, 2, 1], network.probability(a, maps.amax((2, 3))))
        constant = torch.ones(1, 8, 4, 4)
        assert np.ptp(network.where(constant, a).numpy()) < 1e-6


# ---- the frozen tower, and chance


def test_the_imagenet_tower_does_not_change_in_training() -> None:
    torch.manual_seed(0)
    network = Correspondence(FROZEN)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 1e-2)
    frames, wav = drawn(FROZEN, count=4)
    network.eval()
    with torch.inference_mode():
        seen = network.vision.look(network.normalise(frames))
    for _ in range(2):
        network.train()
        F.cross_entropy(network(frames, wav), torch.tensor([0, 1, 0, 1])).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert not network.vision.features.training and network.vision.bn4_1.training and network.audio.bn1_1.training
    assert all(p.grad is None and not p.requires_grad for p in network.vision.features.parameters())
    after = network.state_dict()
    changed = {key for key in after if not torch.equal(after[key], before[key])}
    assert not [key for key in changed if key.startswith("vision.features.")]
    assert {"vision.conv4_1.weight", "vision.bn4_2.running_mean", "audio.conv1_1.weight", "fc1.weight", "fc2.bias"} <= changed
    with torch.inference_mode():
        torch.testing.assert_close(network.vision.look(network.normalise(frames)), seen)


def test_the_seed_decides_and_items_do_not_meet() -> None:
    first, second, other = shuffled(DEBUG, 3), shuffled(DEBUG, 3), shuffled(DEBUG, 4)
    frames, wav = drawn(DEBUG, count=3)
    with torch.inference_mode():
        logits = first(frames, wav)
        assert torch.equal(logits, second(frames, wav)) and torch.equal(logits, first(frames, wav))
        assert not torch.allclose(logits, other(frames, wav))
        torch.testing.assert_close(torch.cat([first(frames[i : i + 1], wav[i : i + 1]) for i in range(3)]), logits)


def test_pictures_of_other_sizes() -> None:
    network = shuffled(DEBUG)
    with torch.inference_mode():
        assert network.see(torch.zeros(1, 48, 80, 3, dtype=torch.uint8)).shape == (1, 8, 6, 10)
        assert shuffled(FROZEN).see(torch.zeros(1, 32, 64, 3, dtype=torch.uint8)).shape == (1, 256, 2, 4)
