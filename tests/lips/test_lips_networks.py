"""Shapes, gradients and promises of the networks, untrained and tiny; the paper's and the compact ones."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from avdemo.corpora import lips_data
from avdemo.lips import config as lips_config
from avdemo.lips.config import GeneratorConfig, LipsConfig, SpeechScale, Switches, ablations
from avdemo.lips.critics import Correlator, Critic, SyncExpert
from avdemo.lips.hearing import REACH, Listeners, frames_of, levelled, reference_db, speech_db, with_known
from avdemo.lips.network import Lips, Shapes
from avdemo.lips.seeing import PointFinder, opening, optical_flow
from avdemo.metrics import lmd

COMPACT, PAPER = LipsConfig.debug(), LipsConfig.debug_paper()
BOTH = pytest.mark.parametrize("config", [COMPACT, PAPER], ids=["compact", "paper"])


def things(config: LipsConfig, n: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """A photo and speech for it."""
    generator = torch.Generator().manual_seed(3)
    photo = torch.rand(n, 3, config.size, config.size, generator=generator) * 2 - 1
    bands = torch.randn(n, config.speech.mels, config.columns, generator=generator)
    return photo, with_known(bands, torch.ones(n, config.columns))


def network(config: LipsConfig) -> Lips:
    torch.manual_seed(1)
    made = Lips(config)
    for module in made.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # the statistics of what it is shown next
    made.train()
    with torch.no_grad():
        made(*things(config, 4))  # so that its BatchNorms know ordinary statistics
    return made.eval()


# ---- configurations


def test_conventions_agree_with_the_data() -> None:
    scale = SpeechScale()
    assert (lips_config.FPS, lips_config.POINTS) == (
        lips_data.FPS,
        lips_data.POINTS,
    ) and lips_config.INNER_PAIRS == lmd.INNER_PAIRS
    assert (scale.sample_rate, scale.samples) == (lips_data.SAMPLE_RATE, lips_data.SAMPLES_PER_FRAME)
    assert LipsConfig.compact().speech.context >= 4 and LipsConfig.compact().speech.context == REACH


def test_the_papers_sizes() -> None:
    config = LipsConfig.paper()
    assert (config.columns, config.speech.mels, config.frames, config.size) == (64, 128, 16, 64)
    assert 15e6 < sum(p.numel() for p in Lips(config).parameters()) < 19e6  # the released generator has 16.7 M


@pytest.mark.parametrize("name", ["compact", "paper", "debug", "debug_paper"])
def test_configurations_survive_json(name) -> None:
    config = getattr(LipsConfig, name)()
    assert LipsConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config
    with pytest.raises(ValueError, match="unknown"):
        LipsConfig.from_dict(config.as_dict() | {"teeth": 32})


def test_what_does_not_fit_is_refused() -> None:
    for wrong in ({"size": 60}, {"overlap": 16}, {"critic": "harsh"}):
        with pytest.raises(ValueError):
            LipsConfig(**wrong)
    with pytest.raises(ValueError):
        GeneratorConfig(style="cubist")
    with pytest.raises(ValueError):
        SpeechScale(columns=7)
    with pytest.raises(ValueError, match="reach 8"):
        Listeners(dataclasses.replace(COMPACT, speech=SpeechScale(context=4)))
    with pytest.raises(ValueError, match="needs a discriminator"):
        Switches(perceptual="critic", adversarial=False)
    with pytest.raises(ValueError, match="one of"):
        Switches(streams="four")


def test_the_rows_of_the_ablation_differ_from_the_full_model_as_the_paper_says() -> None:
    rows = ablations(Switches.paper())
    assert len(rows) == 9 and len(set(rows.values())) == 9
    pixels = rows["pix only"]
    assert pixels.pixel and not (pixels.adversarial or pixels.perceptual or pixels.correlation)
    assert not rows["gen only"].pixel and rows["gen only"].adversarial
    assert (
        rows["two-stream discriminator, no correlation"].streams == "two"
        and not rows["two-stream discriminator, no correlation"].correlation
    )


# ---- hearing


def test_one_frame_is_four_columns_and_the_level_does_not_matter() -> None:
    scale = SpeechScale()
    wav = 0.1 * torch.randn(16_000, generator=torch.Generator().manual_seed(0)) * torch.linspace(0.2, 1, 16_000)
    bands = speech_db(wav, scale)
    assert bands.shape == (64, 100)
    quieter = speech_db(0.2 * wav, scale)
    assert levelled(bands, reference_db(bands)) == pytest.approx(levelled(quieter, reference_db(quieter)), abs=1e-3)
    silent = speech_db(torch.zeros(16_000), scale)
    assert levelled(silent, reference_db(silent)).max() < -1.5  # silence is not made loud


def test_pauses_do_not_move_the_reference() -> None:
    loud = torch.randn(16, 60, generator=torch.Generator().manual_seed(0)) * 3 - 20
    padded = torch.cat([loud, torch.full((16, 50), -80.0)], 1)
    assert (reference_db(padded) - loud.mean(1)).abs().max() < 3


def test_unknown_columns_are_marked_and_empty() -> None:
    bands, known = torch.ones(1, 4, 8), torch.tensor([[0.0, 0, 0, 0, 1, 1, 1, 1]])
    speech = with_known(bands, known)
    assert speech.shape == (1, 5, 8) and speech[0, 1:, :4].abs().sum() == 0
    frames = frames_of(speech, 4)
    assert frames.shape == (1, 17, 2) and frames[0, 0].tolist() == [0, 1]


def test_columns_of_a_frame_stay_in_order() -> None:
    bands = torch.arange(24.0).view(1, 3, 8)  # 3 bands, 8 columns
    frames = frames_of(with_known(bands, torch.ones(1, 8)), 4)
    assert frames[0, 1:, 1].view(3, 4).tolist() == bands[0, :, 4:].tolist()


def test_heard_features_do_not_depend_on_where_the_window_begins() -> None:
    net = network(COMPACT)
    long = torch.randn(1, COMPACT.speech.mels, (3 * COMPACT.frames + 2 * REACH) * 4)
    speech = with_known(long, torch.ones(1, long.shape[-1]))
    whole = net.imagination.listener(speech)
    begin = COMPACT.frames + 3
    part = net.imagination.listener(speech[..., begin * 4 : (begin + COMPACT.heard) * 4])
    torch.testing.assert_close(part, whole[..., begin : begin + COMPACT.frames], rtol=1e-4, atol=1e-5)


def test_listeners_share_nothing_and_their_mean_counts() -> None:
    net = network(LipsConfig.debug())
    made, imagination = net.config.generator, net.imagination
    assert made.listeners == 2 and made.heard == 2 * made.listener
    speech = with_known(torch.randn(1, net.config.speech.mels, net.config.columns), torch.ones(1, net.config.columns))
    state = torch.zeros(1, made.shapes)
    heard = imagination.listener(speech)
    with torch.no_grad():
        for conv in imagination.listener.convs:
            conv.weight[made.listener :].add_(0.3)  # of the second
    other = imagination.listener(speech)
    assert torch.equal(other[:, : made.listener], heard[:, : made.listener])
    assert not torch.allclose(other[:, made.listener :], heard[:, made.listener :])
    each = imagination.moved(other)
    assert each.shape == (1, 2, made.shapes, net.config.frames)
    torch.testing.assert_close(imagination(speech, state)[0], each.mean(1) - imagination.still(state).unsqueeze(2))


# ---- generators


@BOTH
def test_a_window_comes_out_and_every_weight_learns(config) -> None:
    net = Lips(config)
    photo, speech = things(config)
    video, heard, _ = net(photo, speech)
    assert video.shape == (2, 3, config.frames, config.size, config.size) and video.abs().max() <= 1
    assert heard.shape == (2, config.generator.heard, config.frames)
    (video * torch.randn_like(video)).sum().backward()
    without = {name.split(".")[0] for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert without <= {"finder"}  # which is taught before


@BOTH
def test_other_speech_gives_other_frames_even_untrained(config) -> None:
    net = network(config)
    photo, speech = things(config)
    with torch.no_grad():
        own, swapped = net(photo, speech)[0], net(photo, speech.flip(0))[0]
    assert (own - swapped).abs().mean() > 1e-4
    assert (own[:, :, 1:] - own[:, :, :-1]).abs().mean() > 1e-4  # and moves


@BOTH
def test_the_photo_decides_who_is_seen(config) -> None:
    net = network(config)
    photo, speech = things(config)
    with torch.no_grad():
        own, other = net(photo, speech)[0], net(photo.flip(0), speech)[0]
    assert (own - other).abs().mean() > 1e-2


def test_the_compact_painter_begins_with_the_photo() -> None:
    net = network(COMPACT)
    photo, speech = things(COMPACT)
    with torch.no_grad():
        video = net(photo, speech)[0]
    assert (video - photo.unsqueeze(2)).abs().mean() < 0.5 * (photo - photo.mean()).abs().mean()


def test_a_photo_moves_as_it_is_told() -> None:
    painter = Lips(COMPACT).painter
    photo = torch.rand(1, 3, COMPACT.size, COMPACT.size)
    same = painter.warp(photo, torch.zeros(1, 2, COMPACT.size // 2, COMPACT.size // 2))
    torch.testing.assert_close(same, photo, rtol=1e-4, atol=1e-4)
    move = torch.zeros(1, 2, COMPACT.size // 2, COMPACT.size // 2)
    move[:, 0] = torch.atanh(torch.tensor(2 / COMPACT.size / 0.2))  # two pixels
    torch.testing.assert_close(painter.warp(photo, move)[..., 4:-4], photo[..., 6:-2], rtol=1e-3, atol=1e-3)


def test_told_shifts_replace_what_is_imagined_where_there_are_any() -> None:
    net = network(COMPACT)
    photo, speech = things(COMPACT)
    _, _, imagined = net(photo, speech)
    told = torch.full_like(imagined, torch.nan)
    told[0] = imagined[0] + 2
    with torch.no_grad():
        plain, some = net(photo, speech)[0], net(photo, speech, told)[0]
    torch.testing.assert_close(plain[1], some[1])
    assert (plain[0] - some[0]).abs().mean() > 1e-4


def test_a_livelier_mouth_moves_further_about_the_same_rest() -> None:
    net = network(COMPACT)
    with torch.no_grad():
        _, _, once = net(*things(COMPACT))
        _, _, twice = net(*things(COMPACT), lively=2.0)
        _, _, still = net(*things(COMPACT), lively=0.0)
    torch.testing.assert_close(twice - once, once - still)
    assert (still - still[..., :1]).abs().max() < 1e-6


def test_a_finder_stays_as_it_was_taught() -> None:
    net = Lips(COMPACT).train()
    before = {name: buffer.clone() for name, buffer in net.finder.named_buffers()}
    net(*things(COMPACT))
    assert all(torch.equal(buffer, before[name]) for name, buffer in net.finder.named_buffers())


def test_shapes_are_points_and_back() -> None:
    shapes = Shapes(COMPACT)
    numbers = torch.randn(5, 7, COMPACT.generator.shapes)
    way = shapes.way(numbers)
    assert way.shape == (5, 7, 20, 2)
    torch.testing.assert_close(shapes.numbers(way), numbers)
    points = torch.rand(5, 20, 2) * 32
    torch.testing.assert_close(shapes.state(points), shapes.state(points + torch.tensor([3.0, -2.0])), rtol=1e-4, atol=1e-4)


# ---- judges


@BOTH
@pytest.mark.parametrize("streams", ["three", "two", "differences"])
@pytest.mark.parametrize("hinge", [True, False])
def test_the_discriminator_answers_with_all_its_streams(config, streams, hinge) -> None:
    critic = Critic(config, Switches(streams=streams, hinge=hinge))
    video = (torch.rand(2, 3, config.frames, config.size, config.size) * 2 - 1).requires_grad_()
    _, speech = things(config)
    seen, middle = critic.look(video)
    scores = critic.answer(seen, speech)
    assert scores.shape[:2] == (2, 2 if hinge else 1) and len(middle) >= 2
    scores.sum().backward()
    assert video.grad.abs().sum() > 0 and all(p.grad is not None for p in critic.parameters())
    assert (critic.motion is None) == (streams == "two")
    other = critic.answer(seen.detach(), speech.flip(0))
    assert not torch.allclose(scores[:, -1], other[:, -1])


@BOTH
@pytest.mark.parametrize("plain", [False, True])
def test_the_correlator_hears_and_sees_change(config, plain) -> None:
    correlator = Correlator(config, plain=plain)
    heard = torch.randn(2, config.generator.heard, config.frames, requires_grad=True)
    video = (torch.rand(2, 3, config.frames, config.size, config.size) * 2 - 1).requires_grad_()
    cosine = correlator(heard, video)
    assert cosine.shape == (2,) and cosine.abs().max() <= 1
    cosine.sum().backward()
    assert heard.grad.abs().sum() > 0 and video.grad.abs().sum() > 0
    if not plain:  # a constant added to what is heard changes nothing
        torch.testing.assert_close(correlator(heard + 1, video), cosine)


def test_the_expert_looks_at_several_places() -> None:
    expert = SyncExpert(LipsConfig.compact())
    assert expert.places == 3
    expert = SyncExpert(COMPACT)
    video = torch.rand(2, 3, COMPACT.frames, COMPACT.size, COMPACT.size)
    assert expert.see(video).shape == expert.hear(things(COMPACT)[1]).shape == (2, expert.places, 64)


def test_the_finder_answers_in_pixels() -> None:
    finder = PointFinder(COMPACT).eval()
    found = finder(things(COMPACT)[0])
    assert found.shape == (2, 20, 2) and (found - COMPACT.size / 2).abs().max() < COMPACT.size / 2


def test_opening_is_that_of_the_metric() -> None:
    points = torch.randn(4, 20, 2) * 5
    assert opening(points).numpy() == pytest.approx(lmd.opening(points.numpy()), rel=1e-5)


@pytest.mark.parametrize(("right", "down"), [(1.0, 0.0), (0.0, -1.0), (0.6, 0.8)])
def test_optical_flow_of_a_moving_texture(right, down) -> None:
    size = 48
    rows, columns = torch.meshgrid(torch.arange(size * 1.0), torch.arange(size * 1.0), indexing="ij")

    def picture(time: float) -> torch.Tensor:
        x, y = columns - 2 * right * time, rows - 2 * down * time  # two pixels are one at half size
        return 0.4 * torch.sin(x / 3.1) * torch.cos(y / 3.7) + 0.3 * torch.sin((x + y) / 5)

    video = torch.stack([picture(float(t)) for t in range(3)]).expand(1, 3, -1, -1, -1)
    flow = optical_flow(video)
    assert flow.shape == (1, 2, 2, 24, 24)
    found = flow[0, :, :, 4:-4, 4:-4].mean((1, 2, 3))
    assert found.tolist() == pytest.approx([right, down], abs=0.2)
    still = optical_flow(video[:, :, :1].expand(-1, -1, 3, -1, -1))
    assert still.abs().max() < 1e-6
