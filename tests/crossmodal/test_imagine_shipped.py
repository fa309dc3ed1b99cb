"""The shipped checkpoint: on the shipped examples, on a soundfont that no training heard, and against random weights and the wrong input."""

from __future__ import annotations

import json

import numpy as np
import pytest

from avdemo import checkpoints
from avdemo.errors import InputError
from avdemo.settings import PACKAGE_ROOT

SHIPPED = "crossmodal-compact"
EXAMPLES = PACKAGE_ROOT / "crossmodal" / "examples"
LISTED = json.loads((EXAMPLES / "examples.json").read_text(encoding="utf-8"))
TAKES = 8

pytestmark = pytest.mark.skipif(SHIPPED not in checkpoints.records(), reason="crossmodal-compact has not been trained yet")


@pytest.fixture(scope="module")
def jury():
    from avdemo.crossmodal.jury import Jury
    from avdemo.crossmodal.pipeline import load_model

    return Jury(load_model(SHIPPED), None)


def _examples(kind: str) -> list[dict]:
    return [entry for entry in LISTED if entry["kind"] == kind]


def test_it_hears_and_sees_what_the_examples_promise() -> None:
    from avdemo.crossmodal import pipeline

    for kind, ask in (("sound", pipeline.listen), ("picture", pipeline.look)):
        answers = {entry["file"]: (ask(EXAMPLES / entry["file"]), entry["expected"]) for entry in _examples(kind)}
        wrong = {file: found.sentence for file, (found, expected) in answers.items() if expected and found.kind != expected}
        assert len(wrong) <= 1, wrong
        assert all(not found.known for found, expected in answers.values() if not expected), "a voice or a cat is no instrument"


@pytest.fixture(scope="module")
def melodies(jury) -> tuple[np.ndarray, np.ndarray]:
    """Windows (N, samples) played by the soundfont that no training used, and their kinds."""
    pytest.importorskip("fluidsynth", reason="pyfluidsynth or the fluidsynth library is not installed", exc_type=ImportError)
    from avdemo.corpora.acoustics import to_target_level
    from avdemo.corpora.pack_sounds import TEST_FONT, find_font
    from avdemo.corpora.render import SoundfontPlayer
    from avdemo.corpora.score import Outline, improvise

    window = jury.config.window
    try:
        player = SoundfontPlayer(find_font(TEST_FONT), window.sample_rate)
    except InputError as error:
        pytest.skip(str(error))
    rng, wavs, kinds = np.random.default_rng(8), [], []
    for number, name in enumerate(jury.config.kinds):
        for _ in range(TAKES):
            wav = player.play(improvise(Outline.draw(rng, 4.0), name, rng), name, 4.0, rng).astype(np.float32)
            wavs.append(to_target_level(wav)[-window.samples - 12_000 :][: window.samples])
            kinds.append(number)
    player.close()
    return np.array(wavs), np.array(kinds)


def test_pictures_follow_the_sound_and_not_chance(jury, melodies) -> None:
    """The judge finds in a picture the instrument that was played, far more often than in those of random weights."""
    from avdemo.crossmodal.jury import noises, random_network

    wavs, kinds = melodies
    features, _ = jury.hear(wavs)
    z = noises(3, len(features), jury.config.painter.noise)
    known = len(jury.config.kinds)

    def right(painter=None) -> float:
        return float((jury.judge(jury.paint(features, z, "C", painter))[:, :known].argmax(1) == kinds).mean())

    ours, floor = right(), right(random_network(jury, features))
    assert ours > 0.2 > 0.13 > floor
    other = np.roll(features, TAKES, axis=0)  # another instrument's sound
    swapped = float((jury.judge(jury.paint(other, z))[:, :known].argmax(1) == kinds).mean())
    assert swapped < ours / 2


def test_the_noise_varies_the_picture_and_the_seed_keeps_it(jury, melodies) -> None:
    from avdemo.crossmodal.jury import noises

    features = np.repeat(jury.hear(melodies[0][:1])[0], 6, axis=0)
    z = noises(4, 6, jury.config.painter.noise)
    first, again = jury.paint(features, z), jury.paint(features, z)
    np.testing.assert_array_equal(first, again)
    apart = [np.abs(first[a].astype(int) - first[b].astype(int)).mean() for a in range(6) for b in range(a)]
    assert min(apart) > 4  # grey levels


def test_sounds_follow_the_picture(jury) -> None:
    """Of the drawn instruments, the ear finds more in the sounds of their own picture than in those of another's."""
    from avdemo.crossmodal import pipeline

    own, others = [], []
    pictures = [entry for entry in _examples("picture") if entry["expected"]]
    for entry in pictures:
        heard = pipeline.play(pipeline.look(EXAMPLES / entry["file"]), seed=1, seconds=4).heard
        own.append(heard[entry["expected"]])
        others += [heard[e["expected"]] for e in pictures if e is not entry]
    assert np.mean(own) > 0.3 > 0.15 > np.mean(others)
