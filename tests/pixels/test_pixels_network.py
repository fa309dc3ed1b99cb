"""The networks against plain-torch references written here, from the same weights."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import mobilenet_v2, resnet18

from avdemo.pixels.config import PixelsConfig
from avdemo.pixels.network import IMAGENET_MEAN, IMAGENET_STD, FrameNet, SoundNet, SoundOfPixels, Synthesizer
from avdemo.pixels.objective import mask_loss, targets


def shuffled(module: nn.Module, seed: int = 0) -> nn.Module:
    """With statistics and scales that are not the initial ones, so that mixing any two up shows."""
    torch.manual_seed(seed)
    for value in module.state_dict().values():
        if value.is_floating_point() and value.ndim == 1:
            value.copy_(torch.rand_like(value) + 0.5)
    return module.eval()


# ---- sizes and names


def test_counts_and_keys_of_the_released_model() -> None:
    with torch.device("meta"):
        network = SoundOfPixels(PixelsConfig.paper())
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert counts == {"frame": 11_324_000, "sound": 30_274_210, "synthesizer": 33}
    keys = set(network.state_dict())
    level = "sound.unet_block.model"
    assert {f"{level}.0.weight", f"{level}.4.weight", f"{level}.4.bias", "sound.bn0.running_var"} <= keys
    for depth in range(1, 6):  # five blocks between the outermost and the innermost
        level += ".1.model" if depth == 1 else ".3.model"
        assert {f"{level}.1.weight", f"{level}.2.weight", f"{level}.6.weight", f"{level}.7.running_mean"} <= keys
        assert f"{level}.6.bias" not in keys
    assert {f"{level}.3.model.1.weight", f"{level}.3.model.4.weight", f"{level}.3.model.5.bias"} <= keys
    assert {f"frame.features.{stage}.0.downsample.1.weight" for stage in (5, 6, 7)} <= keys
    assert not [k for k in keys if k.startswith("frame.features.8")]


def test_configurations() -> None:
    paper, compact, debug = PixelsConfig.paper(), PixelsConfig.compact(), PixelsConfig.debug()
    assert (paper.bins, paper.spec_frames, paper.spec_bins, round(paper.window_s, 2)) == (512, 256, 256, 5.94)
    assert [round(t - paper.window_s / 2, 6) for t in paper.frame_times_s] == [-3.0, 0.0, 3.0]
    assert compact.frame_times_s == (compact.window_s / 2,)
    assert (debug.bins, debug.spec_frames, debug.spec_bins) == (128, 64, 64)
    assert PixelsConfig.debug(log_frequency=False).spec_bins == 128
    for config in (paper, compact, debug):
        assert PixelsConfig.from_dict(config.as_dict()) == config
    for wrong in ({"backbone": "vgg"}, {"mask": "soft"}, {"samples": 65_000 - 500}):
        with pytest.raises(ValueError):
            PixelsConfig.paper(**wrong)
    with pytest.raises(TypeError):
        PixelsConfig.from_dict({**paper.as_dict(), "unknown": 1})


# ---- sound


def normed(x, state, key):
    return F.batch_norm(x, state[f"{key}.running_mean"], state[f"{key}.running_var"], state[f"{key}.weight"], state[f"{key}.bias"])


def up(x, state, key):
    x = F.interpolate(F.relu(x), scale_factor=2, mode="bilinear", align_corners=True)
    return F.conv2d(x, state[f"{key}.weight"], state.get(f"{key}.bias"), padding=1)


def unet_reference(x, state, levels: int):
    """The U-Net written as one loop down and one loop up."""
    x = normed(x, state, "bn0")
    prefix, prefixes = "unet_block.model", []
    for level in range(levels):
        prefixes.append(prefix)
        prefix += ".1.model" if level == 0 else ".3.model"
    skips = []
    for level, at in enumerate(prefixes):
        if level:
            skips.append(x)  # handed on as it came in
            x = F.leaky_relu(x, 0.2)
        x = F.conv2d(x, state[f"{at}.{1 if level else 0}.weight"], stride=2, padding=1)
        if 0 < level < levels - 1:
            x = normed(x, state, f"{at}.2")
    for level, at in reversed(list(enumerate(prefixes))):
        if level == 0:
            return up(x, state, f"{at}.4")
        innermost = level == levels - 1
        x = normed(up(x, state, f"{at}.{4 if innermost else 6}"), state, f"{at}.{5 if innermost else 7}")
        x = torch.cat([skips.pop(), x], 1)  # what came in first
    raise AssertionError


@pytest.mark.parametrize("levels", [3, 5])
def test_unet_is_the_reference(levels) -> None:
    network = shuffled(SoundNet(channels=3, ngf=2, levels=levels))
    network.state_dict()["unet_block.model.4.bias"].fill_(-1.0)
    x = torch.randn(2, 1, 32, 64)
    with torch.inference_mode():
        expected = unet_reference(x, network.state_dict(), levels)
        found = network(x)
    assert found.shape == (2, 3, 32, 64)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (found < 0).any()  # no activation at the end


# ---- vision


def test_dilated_resnet_sees_what_the_strided_one_sees_and_more() -> None:
    torch.manual_seed(0)
    strided = shuffled(resnet18(weights=None))
    network = FrameNet(5, "resnet18")
    network.features.load_state_dict(nn.Sequential(*list(strided.children())[:-2]).state_dict())
    network.eval()
    x = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        stem = nn.Sequential(*list(strided.children())[:7])(x)
        assert torch.equal(network.features[:7](x), stem)  # up to layer3 nothing differs
        fine = network.features[7](stem)
        coarse = strided.layer4(stem)
        assert fine.shape == (1, 512, 14, 14) and coarse.shape == (1, 512, 7, 7)
        # dilation for stride: every other place of the fine map is a place of the coarse one
        torch.testing.assert_close(fine[:, :, ::2, ::2], coarse, rtol=1e-4, atol=1e-4)
        state = network.state_dict()
        expected = F.conv2d(fine, state["fc.weight"], state["fc.bias"], padding=1)
        torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)


def test_dilated_mobilenet_pads_right_and_bottom_as_its_weights_were_trained() -> None:
    strided = shuffled(mobilenet_v2(weights=None))
    network = FrameNet(5, "mobilenet_v2").eval()
    network.features.load_state_dict(strided.features[:18].state_dict())
    pads = 0
    for module in list(strided.features.modules()):  # the reference: padding layers instead of padded convolutions
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d) and child.stride == (2, 2):
                child.padding = (0, 0)
                setattr(module, name, nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), child))
                pads += 1
    assert pads == 5
    x = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        fine, coarse = network.features(x), strided.features[:18](x)
        assert fine.shape == (1, 320, 6, 6) and coarse.shape == (1, 320, 3, 3)
        torch.testing.assert_close(network.features[:14](x), strided.features[:14](x), rtol=1e-4, atol=1e-4)
        # padded so, a coarse place looks at the second of its two fine ones
        torch.testing.assert_close(fine[:, :, 1::2, 1::2], coarse, rtol=1e-3, atol=1e-4)


# ---- synthesizer, and all three


def test_synthesizer_is_the_weighted_sum() -> None:
    synthesizer = Synthesizer(4)
    with torch.no_grad():
        synthesizer.scale.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0]))
        synthesizer.bias.fill_(0.7)
    vision, sound = torch.rand(2, 3, 4), torch.randn(2, 4, 5, 6)
    expected = torch.einsum("k,bqk,bkft->bqft", synthesizer.scale, vision, sound) + 0.7
    torch.testing.assert_close(synthesizer(vision, sound), expected)


def test_the_whole_pass_pools_over_space_and_time() -> None:
    network = shuffled(SoundOfPixels(PixelsConfig.debug(frames=3, backbone="resnet18", normalisation="imagenet")))
    frames = torch.randint(0, 256, (2, 2, 3, 64, 64, 3), dtype=torch.uint8)
    mag = torch.rand(2, 64, 64)
    with torch.inference_mode():
        logits = network(frames, mag)
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        for b in range(2):
            sound = network.sound((mag[b] + network.config.log_floor).log()[None, None])[0]
            for q in range(2):
                x = ((frames[b, q].float() / 255 - mean) / std).permute(0, 3, 1, 2)
                vision = torch.sigmoid(network.frame(x)).amax((0, 2, 3))
                expected = (network.synthesizer.scale * vision)[:, None, None].mul(sound).sum(0) + network.synthesizer.bias
                torch.testing.assert_close(logits[b, q], expected, rtol=1e-3, atol=1e-3)


def test_unit_normalisation() -> None:
    network = SoundOfPixels(PixelsConfig.debug())
    x = network.normalise(torch.tensor([0, 255, 51], dtype=torch.uint8).expand(1, 2, 2, 3))
    torch.testing.assert_close(x[0, :, 0, 0], torch.tensor([-1.0, 1.0, -0.6]))


@pytest.mark.parametrize("mask", ["binary", "ratio"])
@pytest.mark.parametrize("log_frequency", [True, False], ids=["log", "linear"])
def test_every_kind_of_model_learns_in_every_weight(mask, log_frequency) -> None:
    torch.manual_seed(0)
    config = PixelsConfig.debug(mask=mask, log_frequency=log_frequency)
    network = SoundOfPixels(config)
    mags = torch.rand(2, 2, config.spec_bins, config.spec_frames)
    mix = mags.sum(1)
    frames = torch.randint(0, 256, (2, 2, 1, 64, 64, 3), dtype=torch.uint8)
    logits = network(frames, mix)
    assert logits.shape == mags.shape
    mask_loss(logits, targets(mags, mix, mask), mix, mask).backward()
    missing = [name for name, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not missing
    assert all(p.grad.abs().sum() > 0 for p in network.synthesizer.parameters())
