"""The compiled sampler writes what the plain PyTorch reference writes, in any chunks, and its measurements run."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numba import njit
from tiny_foley import FRAMES, clips, lively, spoken

from avdemo.foley import arithmetic, bench, compiled
from avdemo.foley.config import FoleyConfig
from avdemo.foley.network import generate_reference
from avdemo.foley.sampler import Sampler, dice_of
from avdemo.foley.tiers import choose

CONFIG = FoleyConfig.debug()
TOLERANCE = 1e-4  # of logits


@pytest.fixture(scope="session")
def sampler(network) -> Sampler:
    return Sampler(network)


def both(network, condition, samples: int, temperature: float, clip: int = 1):
    """Levels and logits by the sampler and by the reference, from the same random numbers."""
    logits = np.zeros((samples, network.config.levels), np.float32)
    sampler = Sampler(network)
    take = sampler.begin(condition, clip, seed=11, take=2, temperature=temperature)
    levels = sampler.levels(take, samples, logits=logits)
    uniforms = torch.from_numpy(dice_of(11, 2).random((1, samples)))
    nodes = spoken(network, condition.pick([clip]), samples, seed=11, take=2, temperature=temperature)[1]
    wanted, wanted_logits, _ = generate_reference(network, nodes, uniforms, temperature)
    return levels, logits, wanted[0].numpy(), wanted_logits[0].numpy()


@pytest.mark.parametrize("temperature", [1.0, 0.6, 0.0])
def test_it_writes_what_the_reference_writes(network, condition, temperature: float) -> None:
    levels, logits, wanted, wanted_logits = both(network, condition, 2 * CONFIG.samples_per_frame // 2 + 50, temperature)
    assert np.abs(logits - wanted_logits).max() < TOLERANCE and np.array_equal(levels, wanted)
    assert len(set(levels)) > (5 if temperature else 0) and logits.std() > 0.3


def test_it_writes_what_the_reference_writes_at_the_compact_size() -> None:
    config = replace(FoleyConfig.compact(), eye="tiny", picture_size=32, voices=7)
    network = lively(config)
    with torch.no_grad():
        condition = network.condition(*clips(config, frames=2))
    levels, logits, wanted, wanted_logits = both(network, condition, 300, 1.0)
    assert np.abs(logits - wanted_logits).max() < TOLERANCE and np.array_equal(levels, wanted)
    assert len(set(levels)) > 20 and logits.std() > 0.3


@pytest.mark.parametrize("first", [37, 64])
def test_without_a_waist_too_and_from_any_sample(first: int) -> None:
    network = lively(replace(CONFIG, waist=0))
    with torch.no_grad():
        condition = network.condition(*clips(CONFIG))
    levels, logits, wanted, wanted_logits = both(network, condition, 150, 1.0)
    assert np.abs(logits - wanted_logits).max() < TOLERANCE and np.array_equal(levels, wanted)
    sampler = Sampler(network)
    take, whole = sampler.begin(condition, seed=2), sampler.begin(condition, seed=2)
    parts = np.concatenate([sampler.levels(take, first), sampler.levels(take, 150 - first)])
    assert np.array_equal(parts, sampler.levels(whole, 150))


def test_it_sounds_as_loud_as_the_condition_was_told(flow_network) -> None:
    loudness = torch.zeros(2, FRAMES)
    loudness[0], loudness[1] = 0.4, 0.7  # -36 and -18 dB
    with torch.no_grad():
        condition = flow_network.condition(*clips(CONFIG), loudness=loudness)
    assert torch.allclose(condition.gain_db, torch.tensor([[-16.0], [2.0]]).expand(2, FRAMES), atol=1e-4)
    sampler = Sampler(flow_network)
    for clip, db in ((0, -36), (1, -18)):
        wav = sampler.write(sampler.begin(condition, clip), FRAMES * CONFIG.samples_per_frame)
        assert 10 * np.log10(np.mean(np.square(wav[len(wav) // 2 :]))) == pytest.approx(db, abs=4)


def test_chunks_do_not_change_the_sound(sampler, condition) -> None:
    whole_take, take = sampler.begin(condition, seed=1), sampler.begin(condition, seed=1)
    whole = sampler.write(whole_take, 500)
    parts = [sampler.write(take, count) for count in (1, 7, 32, 33, 200, 227)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert take.at == 500 and len(take.recent) == sampler.config.reach
    for name in ("states", "recent", "raised", "rumble"):
        assert np.array_equal(getattr(take, name), getattr(whole_take, name)), name
    assert np.array_equal(sampler.write(take, 40), sampler.write(whole_take, 40))
    assert whole.dtype == np.float32 and np.abs(whole).max() <= 1


def test_the_same_seed_gives_the_same_sound_and_another_another(sampler, condition) -> None:
    def sound(clip: int = 0, **which) -> np.ndarray:
        return sampler.write(sampler.begin(condition, clip, **which), 300)

    first = sound(seed=3)
    assert np.array_equal(sound(seed=3), first)
    assert not any(
        np.array_equal(sound(**other), first) for other in ({"seed": 4}, {"seed": 3, "take": 1}, {"seed": 3, "clip": 1})
    )
    coldest = sound(seed=3, temperature=0.0)
    assert np.array_equal(sound(seed=4, temperature=0.0), coldest)


def test_the_last_video_frame_stays(network, condition, sampler) -> None:
    def longer(rows):
        return torch.cat([rows, rows[:, -1:]], 1)

    held = replace(condition, rows=longer(condition.rows), blind=condition.blind and (longer(condition.blind[0]), condition.blind[1]))
    samples = FRAMES * CONFIG.samples_per_frame + 200
    assert np.array_equal(sampler.write(sampler.begin(condition), samples), sampler.write(sampler.begin(held), samples))


def test_several_takes_side_by_side_are_the_same_as_one_after_another(sampler, condition) -> None:
    takes = [sampler.begin(condition, take=number) for number in range(3)]
    chunks = list(sampler.write_all(takes, 450, chunk_s=0.025))
    assert [chunk.shape for chunk in chunks] == [(3, 200), (3, 200), (3, 50)]
    sounds = np.concatenate(chunks, 1)
    alone = [sampler.write(sampler.begin(condition, take=number), 450) for number in range(3)]
    assert np.array_equal(sounds, np.stack(alone)) and not np.array_equal(sounds[0], sounds[1])


def test_stopping_keeps_what_is_there(sampler, condition) -> None:
    take = sampler.begin(condition)
    chunks = sampler.write_all([take], 10_000, chunk_s=0.0125)
    begun = np.concatenate([next(chunks)[0], next(chunks)[0]])
    chunks.close()
    assert take.at == 200 and np.array_equal(begun, sampler.write(sampler.begin(condition), 200))


def test_refusals(network, condition, sampler) -> None:
    for temperature in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="temperature"):
            sampler.begin(condition, temperature=temperature)
    with pytest.raises(ValueError, match="multiples of 4"):
        Sampler(lively(replace(CONFIG, dim=18)))


def test_choosing_follows_the_probabilities() -> None:
    logits = np.array([0.5, -1, 2, 0, -np.float32(80), 1, 1, 0], np.float32)
    room = np.empty_like(logits)
    for temperature in (1.0, 0.5, 2.0):
        edges = torch.softmax(torch.from_numpy(logits).double() / temperature, 0).cumsum(0)
        for uniform in np.random.default_rng(0).random(200):
            got = compiled._choose(logits, uniform, np.float32(temperature), room)
            assert (
                got
                == int(choose(torch.from_numpy(logits)[None], torch.tensor([uniform]), temperature))
                == int((edges <= uniform).sum())
            )
    assert compiled._choose(logits, 0.99, np.float32(0), room) == 2
    assert compiled._choose(logits, 1 - 1e-16, np.float32(1), room) == 7


def test_the_exponential_is_exact_to_two_units_in_the_last_place() -> None:
    @njit
    def every(x, out):
        for i in range(len(x)):
            out[i] = arithmetic.exp(x[i])

    x = np.linspace(-86, 87, 20_001, dtype=np.float32)
    out = np.empty_like(x)
    every(x, out)
    assert np.abs(out / np.exp(x.astype(np.float64)) - 1).max() < 2 * np.finfo(np.float32).eps


def test_the_logarithm_is_exact_to_two_units_in_the_last_place() -> None:
    @njit
    def every(x, out):
        for i in range(len(x)):
            out[i] = arithmetic.log(x[i])

    x = np.concatenate([np.linspace(1, 3, 20_001), np.geomspace(3, 1e12, 20_001)]).astype(np.float32)
    out = np.empty_like(x)
    every(x, out)
    wanted = np.log(x.astype(np.float64))
    assert np.abs(out - wanted).max() < 2 * np.finfo(np.float32).eps * wanted.max() and np.abs(out / wanted.clip(1e-9) - 1)[1:].max() < 1e-6


def test_float16_is_read_exactly_with_and_without_the_processor_s_help() -> None:
    by_processor, by_hand = arithmetic.from_half_by_processor, arithmetic.from_half_by_hand

    @njit
    def processor(bits, out):
        for i in range(len(bits)):
            out[i] = by_processor(bits[i])

    @njit
    def hand(bits, out):
        for i in range(len(bits)):
            out[i] = by_hand(bits[i])

    bits = np.arange(65_536, dtype=np.uint16)
    bits = bits[np.isfinite(bits.view(np.float16))]
    for read in (processor, hand)[not arithmetic.converts_halves() :]:
        out = np.empty(len(bits), np.float32)
        read(bits, out)
        assert np.array_equal(out, bits.view(np.float16).astype(np.float32))


def test_an_older_processor_is_heeded(monkeypatch) -> None:
    monkeypatch.setattr(arithmetic.platform, "machine", lambda: "x86_64")
    for features, answer in (("+avx2,+f16c", True), ("+sse2", False), ("", False)):
        monkeypatch.setattr(arithmetic.config, "CPU_FEATURES", features)
        assert arithmetic.converts_halves() is answer
    monkeypatch.setattr(arithmetic.platform, "machine", lambda: "arm64")
    assert arithmetic.converts_halves() is True


def test_the_bench_runs(flow_network, monkeypatch) -> None:
    monkeypatch.setattr(bench, "WRITTEN_S", 0.02)
    monkeypatch.setattr(bench, "REFERENCE_SAMPLES", 4)
    told: list[float] = []
    result = bench.bench(lambda share, text: told.append(share), network=flow_network, repeats=1)
    assert told == sorted(told) and told[-1] == 1.0
    assert set(bench.GOALS) <= set(result.figures) and all(0 < value < math.inf for value in result.figures.values())
    assert bench.ONE in result.table() and "16 x 16" in result.table() and "the network given" in result.table()


def test_the_floor_counts_the_multiply_adds_of_a_sample(flow_network) -> None:
    counted = []

    def count(layer, given, out) -> None:
        if isinstance(layer, torch.nn.GRU):
            weights = sum(p.numel() for name, p in layer.named_parameters() if name.startswith("weight"))
            counted.append(out[0].shape[1] * weights)
        else:
            counted.append(out[..., 0].numel() * layer.weight.numel())

    hooks = [m.register_forward_hook(count) for m in flow_network.rnn.modules() if isinstance(m, (torch.nn.Linear, torch.nn.GRU))]
    samples = 4 * CONFIG.top_step
    condition = flow_network.condition(*clips(CONFIG, 1))
    nodes = spoken(flow_network, condition, samples)[1]
    flow_network.logits(torch.zeros(1, CONFIG.reach + samples, dtype=torch.long), nodes)
    for hook in hooks:
        hook.remove()
    assert math.isclose(sum(counted) / samples, bench.sample_multiply_adds(CONFIG))


def test_without_a_checkpoint_the_bench_says_so(monkeypatch) -> None:
    monkeypatch.setattr("avdemo.checkpoints.records", dict)
    network, whence = bench._network()
    assert network.config == FoleyConfig.compact() and "random weights" in whence
