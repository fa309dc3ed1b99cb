"""The SampleRNN hears only the past, its windows fit together, and each variant is conditioned as the paper says."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from tiny_foley import FRAMES, PLAIN, clips, lively

from avdemo.errors import WeightsError
from avdemo.foley import network as network_module
from avdemo.foley import objective, seeing
from avdemo.foley.config import KINDS, FoleyConfig
from avdemo.foley.network import Foley, generate_reference
from avdemo.foley.strokes import marks

CONFIG = FoleyConfig.debug()
STEP, PER_FRAME = CONFIG.top_step, CONFIG.samples_per_frame


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(0, CONFIG.levels, shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", ["compact", "paper", "debug"])
def test_configurations(name: str) -> None:
    for variant in FoleyConfig.variants:
        config = getattr(FoleyConfig, name)(variant)
        assert FoleyConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config
        assert config.name == name and config.as_variant("seq").variant == "seq" and config.other == len(KINDS) == 10
        assert config.samples_per_frame % config.top_step == 0 and config.top_step % config.middle_step == 0


def test_sizes_of_the_configurations() -> None:
    config, paper = FoleyConfig.compact(), FoleyConfig.paper()
    assert (config.top_step, config.middle_step, config.samples_per_frame, config.silence) == (64, 16, 1280, 128)
    assert [config.frames_of(samples) for samples in (1, 1280, 1281)] == [1, 1, 2]
    assert config.reach == config.predicts == 128 and replace(config, predicts=32).reach == paper.reach == 64
    assert paper.quantiser == "linear" and (paper.dim, paper.rnn_layers, paper.visual) == (1024, 2, 4096)
    assert not (paper.motion_to_top or paper.envelope_head or paper.kind_head)
    assert not (paper.codes or paper.predicts or paper.emphasis or paper.strokes or paper.voices)
    assert [paper.as_variant(variant).conditions_nodes for variant in FoleyConfig.variants] == [True, False, False]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"variant": "loud"}, "variant"),
        ({"quantiser": "log"}, "quantiser"),
        ({"eye": "vgg19"}, "4096"),
        ({"video_fps": 30}, "whole"),
        ({"envelope_head": False}, "levelled"),
        ({"envelope_head": False, "levelled": False, "emphasis": 0.0}, "strokes need"),
        ({"levelled": False}, "emphasis"),
        ({"emphasis": 1.0}, "emphasis"),
    ],
)
def test_values_that_do_not_fit_together_are_refused(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FoleyConfig(**change)
    with pytest.raises(ValueError, match="unknown"):
        FoleyConfig.from_dict({"colour": 1})


def test_the_paper_s_layers() -> None:
    with torch.device("meta"):
        networks = {variant: Foley(FoleyConfig.paper(variant)) for variant in FoleyConfig.variants}
    flow = networks["flow"]
    assert flow.rnn.top.rnn.hidden_size == flow.rnn.middle.rnn.hidden_size == 1024 and flow.rnn.top.rnn.num_layers == 2
    assert flow.rnn.top.expand.in_features == 64 and flow.rnn.middle.expand.in_features == 16
    assert flow.rnn.mlp.first.kernel_size == (16,) and flow.rnn.mlp.answer.out_features == 256
    assert isinstance(flow.begin, torch.nn.Identity) and flow.motion.fc.out_features == 4096 and flow.to_nodes is None
    assert networks["frame"].to_nodes.in_features == 4096 and networks["frame"].seq is None and networks["seq"].motion is None
    assert not [key for key in flow.state_dict() if key.startswith("eye")]


def test_the_paper_s_eye_wants_weights_and_takes_torchvision_s() -> None:
    from torchvision.models import vgg19

    eye = seeing.VggEye(replace(FoleyConfig.paper(), picture_size=32))
    picture = torch.zeros(2, 40, 40, 3, dtype=torch.uint8)
    with pytest.raises(WeightsError, match="VGG19"):
        eye(picture)
    with pytest.raises(WeightsError, match="missing"):
        eye.load({})
    with torch.device("meta"):
        shapes = vgg19(weights=None).state_dict()
    weights = {key: torch.zeros(value.shape) for key, value in shapes.items()}
    weights["classifier.0.bias"] += torch.arange(4096.0) - 1
    eye.load(weights)
    assert torch.equal(eye(picture), F.relu(torch.arange(4096.0) - 1).expand(2, -1)) and not eye.state_dict()


def test_nothing_sees_the_present_or_the_future(network, nodes) -> None:
    reach = network.config.reach
    levels = noise(2, reach + 4 * STEP)
    changed = levels.clone()
    at = 2 * STEP + 11  # in the window
    changed[:, reach + at] = (changed[:, reach + at] + 17) % CONFIG.levels
    with torch.no_grad():
        before, after = (network.logits(x, nodes)[0] for x in (levels, changed))
    assert torch.equal(before[:, : at + 1], after[:, : at + 1])
    different = (before - after).abs().amax((0, 2)) > 0
    assert different[at + 1 : at + 1 + CONFIG.middle_step].all() and different[3 * STEP : 3 * STEP + 5].all()


def test_a_sample_follows_from_as_many_as_it_reaches(network, nodes) -> None:
    reach = network.config.reach
    levels = CONFIG.silence - 4 + noise(2, reach + STEP) % 8
    changed = levels.clone()
    changed[:, 0] += 12  # the oldest
    with torch.no_grad():
        before, after = (network.logits(x, nodes)[0][:, 0] for x in (levels, changed))
    assert (before - after).abs().amax(1).min() > 0
    silence = network.after_silence(levels)
    assert silence.shape == (2, reach + levels.shape[1]) and (silence[:, :reach] == CONFIG.silence).all()


def test_teacher_forcing_gives_the_logits_that_the_levels_were_drawn_from(network, nodes) -> None:
    uniforms = torch.rand(2, 3 * STEP, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    levels, logits, state = generate_reference(network, nodes, uniforms)
    with torch.no_grad():
        forced, after = network.logits(network.after_silence(levels), nodes)
    assert (forced - logits).abs().max() < 1e-4 and logits.std() > 0.3 and len(levels.unique()) > 5
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(state, after, strict=True))
    more = torch.rand(2, STEP, dtype=torch.float64)
    whole = generate_reference(network, nodes, torch.cat([uniforms, more], 1))[0]
    heard = levels[:, -network.config.reach :]
    rest = generate_reference(network, nodes, more, state=state, heard=heard, first=3 * STEP)[0]
    assert torch.equal(whole[:, 3 * STEP :], rest)


def test_windows_with_carried_state_are_the_whole(network, nodes) -> None:
    count = FRAMES * PER_FRAME + STEP  # beyond the last video frame
    levels = network.after_silence(noise(2, count))
    state, parts, window = None, [], 5 * STEP
    with torch.no_grad():
        whole, _ = network.logits(levels, nodes)
        for first in range(0, count, window):
            part = levels[:, first : first + network.config.reach + window]
            logits, state = network.logits(part, nodes, state, first)
            parts.append(logits)
            state = state.detach()
    assert (torch.cat(parts, 1) - whole).abs().max() < 1e-4


def test_each_row_is_told_to_its_own_samples(network, nodes) -> None:
    levels = network.after_silence(noise(2, FRAMES * PER_FRAME))
    rows = nodes.rows.clone()
    rows[:, 1] += 0.5
    with torch.no_grad():
        before, after = (network.logits(levels, n)[0] for n in (nodes, nodes._replace(rows=rows)))
    different = (before - after).abs().amax((0, 2)) > 1e-6
    assert not different[: nodes.step].any() and different[nodes.step : nodes.step + STEP].all()


def test_what_each_variant_takes_from_the_picture() -> None:
    frames, flow = clips(CONFIG)
    other, still = frames.flip(0), torch.zeros_like(flow)
    off = dict.fromkeys(("motion_to_top", "envelope_head", "kind_head", "levelled"), False)
    pure = off | PLAIN | {"emphasis": 0.0}
    with torch.no_grad():
        network = lively(replace(FoleyConfig.debug("frame"), **pure))
        one, two = network.condition(frames), network.condition(other)
        assert not torch.equal(one.rows, two.rows) and torch.equal(one.start, two.start) and one.loudness is one.kinds is None
        network = lively(replace(FoleyConfig.debug("seq"), **pure))
        one, two = network.condition(frames), network.condition(other)
        assert not one.rows.any() and not torch.equal(one.start, two.start)
        assert not torch.equal(one.start, network.condition(frames[:, [1, 0, 2]]).start)  # the order counts
        network = lively(replace(CONFIG, **pure))
        one, two = network.condition(frames, flow), network.condition(frames, still)
        assert not one.rows.any() and not torch.equal(one.start, two.start)
        network = lively(replace(CONFIG, **(pure | {"motion_to_top": True})))
        one, two = network.condition(frames, flow), network.condition(frames, still)
        assert not torch.equal(one.rows, two.rows)
        with pytest.raises(ValueError, match="flow"):
            network.condition(frames)
        with pytest.raises(ValueError, match="loudness"):
            network.condition(frames, flow, loudness=torch.zeros(2, FRAMES))


def test_a_given_loudness_takes_the_place_of_the_decided_one(network, condition) -> None:
    frames, flow = clips(CONFIG)
    with torch.no_grad():
        same = network.condition(frames, flow, loudness=condition.loudness)
        loud = network.condition(visual=network.see(frames), flow=flow, loudness=torch.ones(2, FRAMES))
    assert torch.allclose(same.rows, condition.rows, atol=1e-6) and torch.equal(loud.loudness, condition.loudness)
    assert not torch.allclose(loud.rows, condition.rows, atol=1e-2) and condition.kinds.shape == (2, 11)
    assert condition.loudness.min() >= 0 and condition.loudness.max() <= 1
    with pytest.raises(ValueError, match="frames"):
        network.condition(flow=flow)


def test_the_eye_sees_any_size_and_in_pieces(monkeypatch, flow_network) -> None:
    frames = torch.randint(0, 256, (1, 5, 45, 60, 3), dtype=torch.uint8)
    with torch.no_grad():
        whole = flow_network.see(frames)
        monkeypatch.setattr(seeing, "AT_ONCE", 2)
        assert torch.allclose(flow_network.see(frames), whole, atol=1e-5) and whole.shape == (1, 5, CONFIG.visual + CONFIG.votes)
    eye = seeing.Eye(FoleyConfig.compact()).train()
    assert eye.mix.training and not eye.blocks.training and eye(torch.zeros(1, 112, 112, 3, dtype=torch.uint8)).shape == (1, 128)


def test_the_likelihood_is_that_of_every_sample_under_its_own_condition(monkeypatch, network, condition) -> None:
    monkeypatch.setattr(network_module, "WINDOW", 4 * STEP)
    count, lengths = 10 * STEP + 5, torch.tensor([10 * STEP + 5, 77])
    levels = noise(2, count)
    got = network.log_likelihood(levels, condition, lengths)
    padded = F.pad(levels, (0, -count % STEP))
    tokens = None if network.tier is None else network.tokens_of(levels)
    with torch.no_grad():
        by_hand = network.logits(network.after_silence(padded), network.nodes(condition, tokens))[0].log_softmax(-1)
        by_hand = by_hand.gather(2, padded.unsqueeze(2)).squeeze(2)
        wanted = torch.stack([by_hand[0, :count].mean(), by_hand[1, :77].mean()])
        if tokens is not None:  # 325 samples last three times of 160, 77 one
            each = network.tier(tokens, condition.rows, condition.start)
            nats = sum(logits.log_softmax(-1).gather(2, tokens[..., n : n + 1])[..., 0] for n, logits in enumerate(each))
            wanted += torch.stack([nats[0, :3].sum() / count, nats[1, 0] / 77])
    assert torch.allclose(got, wanted, atol=1e-5)
    pairs = condition.pick([1, 0, 1])
    crossed = network.log_likelihood(levels[[0, 1, 1]], pairs)
    assert torch.allclose(crossed[2], network.log_likelihood(levels, condition)[1], atol=1e-5) and (crossed < 0).all()
    assert torch.equal(pairs.start[:, 0], condition.start[:, 1]) and torch.equal(pairs.rows[1], condition.rows[0])


def test_the_table_is_the_convolution_over_embedded_levels() -> None:
    mlp = lively(replace(CONFIG, predicts=0)).rnn.mlp
    levels, above = noise(2, 50 + CONFIG.middle_step - 1), torch.randn(2, 50, CONFIG.dim)
    weight = torch.randn(2, 50, CONFIG.levels)

    def plain() -> torch.Tensor:
        seen = mlp.first(mlp.embedding(levels).transpose(1, 2)).transpose(1, 2)
        return mlp.answer(F.relu(mlp.second(F.relu(seen + above))))

    gradients = []
    for answer in (mlp(levels, above), plain()):
        gradients.append(torch.autograd.grad((answer * weight).sum(), list(mlp.parameters())))
    assert torch.allclose(mlp(levels, above), plain(), atol=1e-4)
    assert all(torch.allclose(one, other, rtol=1e-4, atol=1e-3) for one, other in zip(*gradients, strict=True))


def test_quantisers_keep_levels() -> None:
    wav = torch.linspace(-1, 1, 999)
    for quantiser, error in (("linear", 0.00393), ("mulaw", 0.03)):
        network = lively(replace(CONFIG, quantiser=quantiser, levels=256))
        levels = network.encode(wav)
        assert levels.min() == 0 and levels.max() == 255 and int(network.encode(torch.zeros(1))) == network.config.silence
        assert (network.decode(levels) - wav).abs().max() <= error and torch.equal(network.encode(network.decode(levels)), levels)


def test_loudness_of_known_sounds() -> None:
    time_s = torch.arange(2 * PER_FRAME + 100) / CONFIG.sample_rate
    sine = torch.sin(2 * math.pi * 1000 * time_s)
    wavs = torch.stack([sine, torch.ones_like(sine), torch.zeros_like(sine), 0.1 * sine])
    loudness = objective.loudness_of(wavs, CONFIG)
    assert loudness.shape == (4, 3)
    for row, db in zip(loudness, (-3.01, 0, -60, -23.01), strict=True):
        assert torch.allclose(60 * row - 60, torch.full((3,), float(db)), atol=0.2)


def test_losses_count_only_what_is_within() -> None:
    levels = noise(2, 8)
    logits = torch.zeros(2, 8, CONFIG.levels)
    assert math.isclose(objective.level_loss(logits, levels), math.log(CONFIG.levels), rel_tol=1e-5)
    mask = objective.within(torch.tensor([8, 3]), 8)
    logits[1, 3:] = torch.randn(5, CONFIG.levels) * 9
    assert math.isclose(objective.level_loss(logits, levels, mask), math.log(CONFIG.levels), rel_tol=1e-5)
    assert objective.level_loss(logits, levels, mask & False) == 0
    decided, true = torch.tensor([[0.5, 0.9]]), torch.tensor([[0.5, 0.1]])
    assert objective.loudness_loss(decided, true, torch.tensor([[True, False]])) == 0
    assert math.isclose(objective.loudness_loss(decided, true), (0.8 - 0.05) / 2, rel_tol=1e-5)


@pytest.mark.parametrize("variant", FoleyConfig.variants)
def test_every_weight_learns(variant: str) -> None:
    """A sound that goes on, one loud and one soft clip: the losses fall, and no parameter is without a gradient."""
    config = FoleyConfig.debug(variant)
    network = lively(config).train()
    frames, flow = clips(config)
    wav = torch.sin(torch.arange(2 * PER_FRAME) * 0.3) * torch.tensor([[0.9], [0.05]])
    levels, loudness = network.encode(wav), objective.loudness_of(wav, config)
    tokens, strokes = network.tokens_of(levels), marks([[0.0], [0.05, 0.13]], 2 * config.tokens_per_frame, 0.02)
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    seen = []
    for _ in range(80):
        condition = network.condition(frames[:, :2], flow[:, :2], strokes=strokes)
        with_voices = replace(condition, rows=condition.rows + network.voices(torch.tensor([3, 0])))
        logits, _ = network.logits(network.after_silence(levels), network.nodes(condition, tokens))
        parts = {
            "nats": objective.level_loss(logits, levels),
            "tokens": -network.tokens_likelihood(tokens, with_voices, wav.shape[1]).mean(),
            "loudness": objective.loudness_loss(condition.loudness, loudness),
            "kind": F.cross_entropy(condition.kinds, torch.tensor([0, 10])),
            "kind of the sight": F.cross_entropy(network.kinds_of(network.see(frames)[..., : config.visual]), torch.tensor([0, 10])),
            "strokes": F.binary_cross_entropy_with_logits(condition.chances, strokes),
        }
        loss = sum(parts.values())
        optimizer.zero_grad()
        loss.backward()
        if not seen:
            assert not [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
        optimizer.step()
        seen.append({name: float(value) for name, value in parts.items()})
    assert set(seen[0]) == {"nats", "tokens", "loudness", "kind", "kind of the sight", "strokes"}
    assert all(min(parts[name] for parts in seen) < 0.8 * seen[0][name] for name in seen[0]), (seen[0], seen[-1])
