"""The networks: shapes, ranges, what conditions them, and that each configuration builds, saves and comes back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from avdemo.crossmodal.config import KINDS, CrossmodalConfig, GeneratorConfig, Switches
from avdemo.crossmodal.critics import Critic
from avdemo.crossmodal.generators import Doubling, Generator, condition
from avdemo.crossmodal.hearing import log_mel_picture, mel_scale, picture_to_magnitude
from avdemo.crossmodal.network import Crossmodal
from avdemo.dsp.mel import log_mel

CONFIG = CrossmodalConfig.debug()


@pytest.fixture(scope="module")
def network() -> Crossmodal:
    torch.manual_seed(0)
    return Crossmodal(CONFIG).eval()


@pytest.mark.parametrize("name", ["compact", "paper", "debug"])
def test_configurations_survive_json_and_say_their_sizes(name) -> None:
    config = getattr(CrossmodalConfig, name)()
    assert CrossmodalConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config
    assert config.picture_size == {"compact": 128, "paper": 64, "debug": 32}[name]
    assert config.other == len(KINDS) == 16


def test_the_paper_s_layers() -> None:
    config = CrossmodalConfig.paper()
    network = Crossmodal(config)
    convs = [m for m in network.ear.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convs] == [4, 8, 16, 16] and {c.kernel_size for c in convs} == {(3, 3)}
    assert network.ear.trunk.fc1.out_features == 1024 and network.ear.trunk.fc2.out_features == 128
    assert [m.out_channels for m in network.judge.modules() if isinstance(m, torch.nn.Conv2d)] == [16, 16, 32, 32, 64, 64]
    assert network.judge.fc1.out_features == 1024
    assert config.painter.noise == 10 and abs(config.window.seconds - 0.5) < 0.01
    z, feature = torch.randn(2, 10), torch.rand(2, 128)
    assert network.eval().paint(feature, z).shape == (2, 64, 64, 3)
    critic = Critic(3, 64, projected=False, normed=False)
    assert critic.heads.look([torch.zeros(1, 3, 64, 64)])[0].shape == (1, 512, 4, 4)


def test_a_configuration_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="does not draw"):
        CrossmodalConfig(player=GeneratorConfig((8, 8), channels=1))
    with pytest.raises(ValueError, match="unknown"):
        CrossmodalConfig.from_dict({"colour": 1})
    with pytest.raises(ValueError, match="style"):
        GeneratorConfig(style="dream")


def test_what_comes_out_has_shape_and_range(network) -> None:
    wav = 0.1 * torch.randn(3, CONFIG.window.samples)
    lms = network.ear.spectrogram(wav)
    assert lms.shape == (3, 32, 32) and lms.min() >= -1 and lms.max() <= 1
    feature = network.ear.feature(lms)
    assert feature.shape == (3, 128) and feature.min() >= 0
    assert network.ear.answer(feature).shape == (3, 17)
    frames = network.paint(feature, torch.randn(3, CONFIG.painter.noise))
    assert frames.shape == (3, 32, 32, 3) and frames.dtype == torch.uint8
    seen = network.eye.feature(frames)
    assert seen.shape == (3, 128) and network.eye.answer(seen).shape == (3, 17)
    assert network.eye.feature(torch.randint(0, 256, (1, 77, 77, 3), dtype=torch.uint8)).shape == (1, 128)
    assert network.judge(torch.rand(3, 3, 32, 32)).shape == (3, 17)
    played = network.play(seen, torch.randn(3, CONFIG.player.noise))
    assert played.shape == (3, 32, 32) and played.min() >= -1 and played.max() <= 1


def test_sound_and_noise_both_change_the_picture(network) -> None:
    feature, z = torch.rand(2, 128), torch.randn(2, CONFIG.painter.noise)
    first = network.paint(feature[:1], z[:1], "N").int()
    assert (network.paint(feature[1:], z[:1], "N").int() - first).abs().sum() > 0
    assert (network.paint(feature[:1], z[1:], "N").int() - first).abs().sum() > 0
    assert (network.paint(feature[:1], z[:1], "C").int() - first).abs().sum() > 0
    assert torch.equal(network.paint(feature[:1], z[:1], "N").int(), first)
    assert torch.equal(*(network.paint(feature[:1], noise, "A") for noise in z.split(1)))  # an autoencoder has none


def test_the_condition_does_not_hear_how_loud_a_sound_is() -> None:
    feature = torch.rand(4, 128)
    torch.testing.assert_close(condition(7 * feature), condition(feature), atol=1e-3, rtol=1e-3)
    wav = 0.05 * torch.randn(2, CONFIG.window.samples)
    torch.testing.assert_close(log_mel_picture(wav, CONFIG.window), log_mel_picture(9 * wav, CONFIG.window))
    assert torch.equal(log_mel_picture(torch.zeros(1, CONFIG.window.samples), CONFIG.window), torch.full((1, 32, 32), -1.0))


def test_the_way_back_from_a_log_mel_picture_gives_the_same_picture() -> None:
    window = CrossmodalConfig.compact().window
    time_s = torch.arange(window.samples) / window.sample_rate
    wav = sum(torch.sin(2 * torch.pi * 330 * h * time_s) / h for h in range(1, 8)) + 0.02 * torch.randn(window.samples)
    lms = log_mel_picture(wav[None], window)
    again = log_mel(picture_to_magnitude(lms, window), mel_scale(window))
    scaled = (1 + 2 * (again - window.top_db) / window.range_db).clamp(-1, 1)
    assert (scaled - lms)[lms > -1].abs().mean() < 0.01  # 0.4 dB


@pytest.mark.parametrize("projected", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_critics_answer_about_picture_and_feature(projected, channels) -> None:
    torch.manual_seed(0)
    critic = Critic(channels, 32, projected=projected, normed=True).eval()
    pictures, features = torch.rand(2, channels, 32, 32) * 2 - 1, torch.rand(2, 128)
    seen = critic.see(pictures)
    known = critic.heads.look(seen)
    scores = critic.heads.answer(known, features)
    assert scores.shape[0] == 2 and scores.dtype == torch.float32
    assert not torch.allclose(scores, critic.heads.answer(known, features.flip(0)))
    assert not torch.allclose(scores, critic.heads.answer(critic.heads.look(critic.see(-pictures)), features))
    learns = [name for name, p in critic.named_parameters() if p.requires_grad]
    assert learns and all(name.startswith("heads.") for name in learns)


def test_generators_double_up_to_their_size() -> None:
    for style in ("modulated", "deconvolution"):
        config = GeneratorConfig((8, 8, 4, 4, 4), style=style, shuffle=False)
        made = Generator(config)(torch.rand(2, 128), torch.randn(2, 10))
        assert made.shape == (2, 3, 64, 64) == (2, 3, config.size, config.size)
        assert np.abs(made.detach().numpy()).max() <= 1


def test_a_doubling_is_nearest_upsampling_and_a_convolution() -> None:
    double, x = Doubling(5, 7), torch.randn(2, 5, 6, 8)
    plain = torch.nn.functional.conv2d(torch.nn.functional.interpolate(x, scale_factor=2), double.weight, padding=1)
    torch.testing.assert_close(double(x), plain)


def test_switches_are_all_on_except_the_second_mismatch() -> None:
    on = Switches()
    assert on.same_mismatch == 0.0 and all(value for name, value in vars(on).items() if name != "same_mismatch")
