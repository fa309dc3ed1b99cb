"""The shipped checkpoint against floors, on sounds that its training never heard and on the shipped examples."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from avdemo import checkpoints
from avdemo.errors import InputError
from avdemo.metrics.bss import bss_eval

EXAMPLES = Path(__file__).parents[2] / "avdemo" / "pixels" / "examples"
LISTED = json.loads((EXAMPLES / "examples.json").read_text()) if (EXAMPLES / "examples.json").is_file() else []
SHIPPED = "pixels-compact"


@pytest.fixture(scope="module")
def separator():
    from avdemo.pixels.evaluation import Separator
    from avdemo.pixels.pipeline import load_model

    return Separator(load_model(SHIPPED).network)


@pytest.mark.parametrize("name", sorted(checkpoints.records()))
def test_shipped_files_are_whole_and_described(name):
    record = checkpoints.records()[name]
    path = checkpoints.resolve(name)
    assert checkpoints.sha256_of(path, fresh=True) == record.sha256
    assert path.stat().st_size < 20_000_000
    card = path.with_suffix(".md").read_text()
    assert "train" in card and record.scores, "a checkpoint ships with its command and its scores"


def _melodies(names: list[str]) -> np.ndarray:
    """Parts of one composition from the soundfont that no training used: (players, samples), the mixture is their sum."""
    from scipy.signal import resample_poly

    from avdemo.corpora.acoustics import to_target_level
    from avdemo.corpora.pack_sounds import TEST_FONT, find_font
    from avdemo.corpora.render import SoundfontPlayer
    from avdemo.corpora.score import Outline, improvise
    from avdemo.pixels.config import PixelsConfig

    config = PixelsConfig.compact()
    pytest.importorskip("fluidsynth", reason="pyfluidsynth or the fluidsynth library is not installed", exc_type=ImportError)
    try:
        player = SoundfontPlayer(find_font(TEST_FONT), 2 * config.sample_rate)
    except InputError as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(len("".join(names)))
    outline = Outline.draw(rng, config.window_s + 0.5)
    wavs = [resample_poly(player.play(improvise(outline, n, rng), n, config.window_s + 0.5, rng), 1, 2) for n in names]
    player.close()
    return np.stack([to_target_level(w.astype(np.float32))[: config.samples] for w in wavs]) / len(names)


def test_pictures_decide_what_is_heard(separator, emoji_frame):
    """Over several duets: well above doing nothing, and far above what the other player's picture gives."""
    right, wrong = [], []
    for pair in (["violin", "drums"], ["trumpet", "piano"], ["flute", "guitar"], ["accordion", "banjo"], ["saxophone", "drums"]):
        wavs = _melodies(pair)
        mixture = wavs.sum(0)
        seen = [separator.vision(emoji_frame(name)) for name in pair]
        right.append(bss_eval(wavs, separator.separate(mixture, seen), mixture).nsdr)
        wrong.append(bss_eval(wavs, separator.separate(mixture, seen[::-1]), mixture).nsdr)
    assert np.nanmean(right) > 4.0
    assert np.nanmean(right) > np.nanmean(wrong) + 8.0


@pytest.mark.parametrize("example", LISTED, ids=lambda e: e["file"])
def test_examples_do_what_the_app_promises(example):
    """Players sound, the background does not, and two players do not get the same sound."""
    from avdemo.pixels import pipeline

    clip = pipeline.prepare(EXAMPLES / example["file"])
    found = [pipeline.predict(clip, p["x_px"], p["y_px"], 1.0) for p in example["instruments"]]
    for player, sound in zip(example["instruments"], found, strict=True):
        assert not sound.is_silent, f"{player['name']} in {example['file']} is not heard"
    for place in example.get("silent", []):
        quiet = pipeline.predict(clip, place["x_px"], place["y_px"], 1.0)
        assert quiet.level_db < min(sound.level_db for sound in found)
        assert quiet.is_silent, f"{place['name']} in {example['file']} sounds at {quiet.level_db:.0f} dB"
    for first in range(len(found)):
        for second in range(first):
            overlap = np.minimum(found[first].mask, found[second].mask).sum() / np.maximum(found[first].mask, found[second].mask).sum()
            assert overlap < 0.6


@pytest.mark.data
def test_held_out_photos_and_recordings_beat_the_floors():
    data = os.environ.get("AVDEMO_DATA")
    if not data:
        pytest.skip("set AVDEMO_DATA to the training data folder")
    from avdemo.pixels.evaluation import evaluate

    result = evaluate(Path(data), quick=True)
    for rows in result.separation.values():
        assert rows["ours"]["NSDR"] > max(3.0, rows["random weights"]["NSDR"] + 3.0)
        assert rows["ours"]["NSDR"] > rows["wrong picture"]["NSDR"] + 8.0
        assert rows["ours"]["NSDR"] < rows["ideal binary mask"]["NSDR"]
