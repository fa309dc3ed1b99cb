"""The shipped checkpoint: on the shipped examples, on sounds of a soundfont that its training never heard, and against random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avdemo import checkpoints
from avdemo.errors import InputError

EXAMPLES = Path(__file__).parents[2] / "avdemo" / "correspondence" / "examples"
LISTED = json.loads((EXAMPLES / "examples.json").read_text()) if (EXAMPLES / "examples.json").is_file() else []
SHIPPED = "correspondence-compact"
EDGE_S = 0.6  # windows nearer to a cut hear or see both sides of it
TOLD_APART = ("drums", "violin", "guitar", "trumpet", "piano", "flute")

pytestmark = pytest.mark.skipif(SHIPPED not in checkpoints.records(), reason="correspondence-compact has not been trained yet")


def _named(title: str) -> dict:
    return next(e for e in LISTED if e["file"] == title)


def _inside(time_s: np.ndarray, spans: list[list[float]]) -> np.ndarray:
    return np.any([(time_s > a + EDGE_S) & (time_s < b - EDGE_S) for a, b in spans], axis=0)


@pytest.mark.parametrize("example", [e for e in LISTED if e["kind"] == "video"], ids=lambda e: e["file"])
def test_examples_match_where_they_should(example) -> None:
    from avdemo.correspondence import pipeline

    found = pipeline.score(EXAMPLES / example["file"])
    time_s, probability = np.asarray(found.time_s), np.asarray(found.probability)
    matching = _inside(time_s, example["expected"]["matches"])
    assert probability[matching].mean() > 0.55 and (probability[matching] > 0.5).mean() > 0.8
    if example["expected"]["mismatches"]:
        falling = _inside(time_s, example["expected"]["mismatches"])
        assert probability[falling].mean() < min(0.45, probability[matching].mean() - 0.2)


def test_pairs_tell_the_right_sound_from_the_wrong_one() -> None:
    from avdemo.correspondence import pipeline

    pairs = {(e["file"], e["sound"]): bool(e["expected"]["matches"]) for e in LISTED if e["kind"] == "pair"}
    means = {pair: pipeline.score(EXAMPLES / pair[0], EXAMPLES / pair[1]).mean for pair in pairs}
    assert all((means[pair] > 0.5) == matches for pair, matches in pairs.items()), means


def test_the_heat_moves_to_who_plays() -> None:
    """In the duet only one of the two players sounds at a time: each is warmer while it plays than while the other does."""
    from avdemo.correspondence import pipeline

    example = _named("duet-one-plays.mp4")
    clip = pipeline.prepare(EXAMPLES / example["file"])
    spans = [s for s in example["spans"] if "x_px" in s]
    assert len(spans) == 2
    warmth = np.zeros((2, 2))  # [who sounds, where]
    for row, sounding in enumerate(spans):
        heat = pipeline.where(clip, float(np.mean(sounding["span_s"])))
        heat = heat / heat.max()
        for column, place in enumerate(spans):
            y, x = (
                int(place["y_px"] * heat.shape[0] / example["height_px"]),
                int(place["x_px"] * heat.shape[1] / example["width_px"]),
            )
            warmth[row, column] = heat[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max()
    assert warmth[0, 0] > warmth[0, 1] and warmth[1, 1] > warmth[1, 0], warmth


def _melodies() -> np.ndarray:
    """(kinds, takes, samples at 24 kHz) played by the soundfont that no training used."""
    pytest.importorskip("fluidsynth", reason="pyfluidsynth or the fluidsynth library is not installed", exc_type=ImportError)
    from avdemo.corpora.acoustics import to_target_level
    from avdemo.corpora.pack_sounds import TEST_FONT, find_font
    from avdemo.corpora.render import SoundfontPlayer
    from avdemo.corpora.score import Outline, improvise

    try:
        player = SoundfontPlayer(find_font(TEST_FONT), 24_000)
    except InputError as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(8)
    takes = []
    for name in TOLD_APART:
        wavs = [player.play(improvise(Outline.draw(rng, 3.0), name, rng), name, 3.0, rng) for _ in range(6)]
        takes.append([to_target_level(wav.astype(np.float32))[24_000:48_000] for wav in wavs])
    player.close()
    return np.array(takes)


def _auc(network, emoji_frame) -> float:
    """How often a drawn instrument's own sound ranks above another's: 0.5 is chance."""
    import torch

    frames = np.stack([emoji_frame(name) for name in TOLD_APART])
    wavs = _melodies()
    with torch.inference_mode():
        v = network.see(torch.from_numpy(frames)).amax((2, 3))
        a = network.hear(torch.from_numpy(wavs.reshape(-1, wavs.shape[-1]))).amax((2, 3))
        table = network.probability(v[:, None], a[None]).numpy().reshape(len(v), len(TOLD_APART), -1)
    own = np.array([table[k, k] for k in range(len(v))])
    others = np.array([np.delete(table[k], k, 0).ravel() for k in range(len(v))])
    return float(np.mean([(o[:, None] > r[None]).mean() for o, r in zip(own, others, strict=True)]))


def test_it_beats_random_weights_on_a_soundfont_it_never_heard(emoji_frame) -> None:
    from avdemo.correspondence.judge import untrained
    from avdemo.correspondence.pipeline import load_model

    ours = load_model(SHIPPED).network
    rng = np.random.default_rng(0)
    size = ours.config.frame_size
    blank = untrained(
        ours.config, rng.integers(0, 256, (8, size, size, 3), dtype=np.uint8),
        rng.normal(0, 0.1, (8, ours.config.samples)).astype(np.float32),
    )  # fmt: skip
    assert _auc(ours, emoji_frame) > 0.7 > 0.62 > _auc(blank.eval(), emoji_frame)


def test_another_sound_and_silence_score_lower_than_its_own() -> None:
    from avdemo.correspondence import pipeline

    drums = pipeline.prepare(EXAMPLES / _named("mixed-up.mp4")["file"])
    clip = pipeline.prepare(EXAMPLES / _named("in-turns.mp4")["file"])
    assert pipeline.scores(clip, other=drums).mean < pipeline.scores(clip).mean - 0.1
