"""The shipped checkpoint, on videos made of held-out recordings and photos, against random weights, other videos and real sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avdemo import checkpoints
from avdemo.foley.config import KINDS, VARIANTS

SHIPPED = "foley-compact"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(SHIPPED not in checkpoints.records(), reason=f"{SHIPPED} has not been trained yet")


@pytest.fixture(scope="module")
def family():
    from avdemo.foley.models import load_model

    return load_model(SHIPPED).on_cpu().network


def test_it_is_small_knows_ten_kinds_and_says_what_it_scores(family) -> None:
    record = checkpoints.record(SHIPPED)
    assert record.bytes < 8_600_000 and family.config.kinds == KINDS
    for name in ("cross-entropy, test (nats), flow", "kind heard (%), made videos, flow", "course, made videos, flow"):
        assert name in record.scores
    flow, random = (record.scores[f"cross-entropy, test (nats), {name}"] for name in ("flow", "random weights"))
    # random weights have the same codebooks and linear prediction, which do most of it
    assert flow < random - 0.02 and flow < np.log(family.config.levels) - 1.4


def scene(kind: str, seed: int, times_s=(0.5, 1.3, 2.1, 3.0)):
    """A drawn scene of a kind that moves at given moments: frames, flow, and the wav that moved it."""
    from avdemo.corpora.puppets import SCENES
    from avdemo.corpora.stage import VIEW, WORLD, Play
    from avdemo.corpora.takes import Take
    from avdemo.media.motion import flow

    rng, rate, count = np.random.default_rng(seed), 16_000, 50
    wav = rng.normal(0, 1e-4, 64_000).astype(np.float32)
    for time_s in times_s:
        start = round(time_s * rate)
        wav[start : start + 4800] += (0.3 * rng.normal(0, 1, 4800) * np.exp(-np.arange(4800) / 900)).astype(np.float32)
    times, ones = np.array(times_s), np.ones(count)
    take = Take(wav, "", times, np.full(len(times), 0.2), np.full(len(times), 0.3), ones, 0 * ones, placed=True)
    draw = SCENES[kind][0][1](Play.of(take, count, 12.5, rate, rng))
    frames = np.empty((count, VIEW, VIEW, 3), np.uint8)
    canvas, edge = np.empty((WORLD, WORLD, 3), np.uint8), (WORLD - VIEW) // 2
    for t in range(count):
        canvas[:] = (96, 110, 90)
        draw(canvas, t)
        frames[t] = canvas[edge:-edge, edge:-edge]
    return frames, flow(frames), wav


def written(network, frames, moved, seed: int = 0) -> np.ndarray:
    import torch

    from avdemo.foley.sampler import Sampler

    with torch.no_grad():
        condition = network.condition(torch.from_numpy(frames)[None], torch.from_numpy(moved)[None])
    sampler = Sampler(network)
    return sampler.write(sampler.begin(condition, seed=seed), len(frames) * network.config.samples_per_frame)


def test_a_drum_that_is_struck_is_heard_when_it_is_struck(family) -> None:
    """Loudness rises with the blows that are seen, in "flow", and more than with those of another video."""
    from avdemo.foley.agreement import course_score

    network, rate = family.network("flow"), family.config.sample_rate
    own, other = [], []
    for seed, times in enumerate([(0.5, 1.3, 2.1, 3.0), (0.9, 1.9, 2.6), (0.3, 1.0, 1.7, 2.4, 3.3)]):
        frames, moved, true = scene("drum", seed, times)
        _, _, strange = scene("drum", 9, tuple(t + 0.4 for t in times))
        sound = written(network, frames, moved)
        own.append(course_score(sound, true, rate))
        other.append(course_score(sound, strange, rate))
    assert np.mean(own) > 0.4 and np.mean(own) > np.mean(other) + 0.2


def test_what_is_told_is_what_sounds(family) -> None:
    """The samples follow their tokens: a barking sound's tokens, written again, give its spectrum, harmonics and all."""
    import torch

    from avdemo.foley.sampler import Sampler

    network, rate = family.network("flow"), family.config.sample_rate
    seconds = np.arange(2 * rate) / rate
    voice = sum(np.sin(2 * np.pi * 440 * n * seconds) / n for n in range(1, 9))
    wav = torch.from_numpy((0.05 * voice / np.sqrt(np.mean(voice**2)) + 0.001 * np.random.default_rng(0).normal(size=2 * rate)).astype(np.float32))
    with torch.no_grad():
        wanted = network.tokens_of(network.encode(wav.unsqueeze(0)))
        condition = network.condition_of(torch.zeros(1, 25, family.config.visual))
        sampler = Sampler(network)
        take = sampler.begin(condition)
        take.line.tokens = [tuple(numbers) for numbers in wanted[0].tolist()] + [tuple(wanted[0, -1].tolist())] * 3
        take.line.at = len(take.line.tokens)
        got = network.decode(torch.from_numpy(sampler.levels(take, 2 * rate)))
        ours = network.tokens.spectra(got.unsqueeze(0))[0, 10:90].mean(0)
        theirs = network.tokens.decode(wanted)[0, 10:90].mean(0)
    away = ours - theirs - (ours - theirs).median()
    assert float(away.abs().mean()) < 0.7 and np.corrcoef(ours, theirs)[0, 1] > 0.8  # tens of dB


def test_every_variant_writes_sound_and_not_random_weights_noise(family) -> None:
    from avdemo.foley.agreement import level_db

    frames, moved, true = scene("chainsaw", 3)
    for variant in VARIANTS:
        sound = written(family.network(variant), frames, moved)
        assert sound.shape == true.shape and np.isfinite(sound).all() and -50 < level_db(sound) < -3
        assert len(np.unique(sound.round(4))) > 200


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the training data is not here")
def test_on_held_out_recordings_and_photos(family, tmp_path) -> None:
    """More likely than under random weights, of the right kind far above chance, in time far above another video's sound."""
    from avdemo.foley.evaluation import CHECKPOINT, evaluate
    from avdemo.foley.report import OTHER, RANDOM, SAME

    assert CHECKPOINT == SHIPPED
    found = evaluate(DATA, quick=True)
    assert all(found.nats[variant]["test"] < found.nats[RANDOM]["test"] - 0.02 for variant in VARIANTS)
    assert found.made["flow"]["kind heard"] >= 30 > 25 >= found.made[OTHER]["kind heard"]
    assert found.made["flow"]["course"] > found.made[OTHER]["course"] + 0.2
    assert found.retrieval["flow"]["category, top 1"] >= 10 and SAME in found.made
