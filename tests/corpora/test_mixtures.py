"""Mixtures: decided by seed and number; every question has its true answer; levels vary within bounds."""

import numpy as np
import pytest
from tiny_pack import SECONDS, heard, hertz, write_sounds

from avdemo.corpora.mixtures import GAIN_DB, SOURCES, MixtureMaker, SoundPack

NAMES = tuple("abcdefgh")
SAMPLES, QUESTIONS = 8191, 5


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> SoundPack:
    folder = tmp_path_factory.mktemp("sounds")
    write_sounds(folder, NAMES)
    return SoundPack(folder, NAMES)


@pytest.fixture(scope="module")
def classes() -> list[tuple[int, ...]]:
    rng = np.random.default_rng(0)
    return [tuple(int(c) for c in rng.choice(len(NAMES), rng.integers(1, 4), replace=False)) for _ in range(30)]


def maker(sounds, classes, seed=0) -> MixtureMaker:
    return MixtureMaker(sounds, classes, [i % 2 == 0 for i in range(len(classes))], SAMPLES, QUESTIONS, seed)


@pytest.fixture(scope="module")
def mixtures(sounds, classes):
    made = maker(sounds, classes)
    return [made.mixture(i) for i in range(80)]


def test_pack(sounds) -> None:
    (piece, *_) = sounds.numbers("c", "notes", "train")
    wav = sounds.wav(piece, 100, SAMPLES)
    assert wav.dtype == np.float32 and wav.shape == (SAMPLES,) and heard(wav) == pytest.approx(hertz(2), abs=2)
    assert sounds.room(piece, SAMPLES) == int(SECONDS * 11_025) - SAMPLES and sounds.room(piece, 10**6) == 0
    padded = sounds.wav(piece, int(SECONDS * 11_025) - 50, SAMPLES)
    assert np.abs(padded[:50]).max() > 0 and not padded[50:].any()  # silence after its end, not the next piece
    parts = sounds.compositions("train")
    assert len(parts) == 2 and all(set(p) == set(NAMES) for p in parts)


def test_an_item_is_decided_by_seed_and_number_alone(sounds, classes, mixtures) -> None:
    again = maker(sounds, classes)
    for number in (33, 5):
        item = again.mixture(number)
        assert item.scenes == mixtures[number].scenes and item.questions == mixtures[number].questions
        assert (item.wavs == mixtures[number].wavs).all()
    other = [maker(sounds, classes, seed=1).mixture(i) for i in range(5)]
    assert any(a.scenes != b.scenes for a, b in zip(other, mixtures, strict=False))


def test_no_class_is_seen_twice(classes, mixtures) -> None:
    for item in mixtures:
        seen = [c for scene in item.scenes for c in classes[scene]]
        assert len(seen) == len(set(seen)) and 1 <= len(item.scenes) <= 3


def test_questions_are_answered_truly(classes, mixtures) -> None:
    kinds = {"sounding": 0, "silent thing": 0, "ground": 0}
    for item in mixtures:
        assert 1 <= len(item.questions) <= QUESTIONS
        assert len({(w, t) for w, t, _ in item.questions}) == len(item.questions)
        sources = [s for _, _, s in item.questions if s >= 0]
        assert sources == list(range(len(sources))) and len(sources) <= len(item.wavs) <= max(SOURCES) + 1
        for which, thing, source in item.questions:
            if thing < 0:
                kinds["ground"] += 1
                assert source == -1 and item.scenes[which] % 2 == 0  # only scenes with places sure to be ground
            elif source < 0:
                kinds["silent thing"] += 1
            else:
                kinds["sounding"] += 1
                cls = classes[item.scenes[which]][thing]
                assert heard(item.wavs[source]) == pytest.approx(hertz(cls), abs=3)
    assert all(count > 10 for count in kinds.values())


def test_levels(mixtures) -> None:
    rms = np.array([np.sqrt((m.wavs.sum(0) ** 2).mean()) for m in mixtures])
    low, high = 0.1 * 10 ** (-10 / 20), 0.1 * 10 ** (4 / 20)
    assert (rms > 0.99 * low).all() and (rms < 1.01 * high).all() and rms.max() > 2 * rms.min()
    for item in mixtures:
        each = 20 * np.log10(np.sqrt((item.wavs[: sum(s >= 0 for _, _, s in item.questions)] ** 2).mean(1)))
        assert np.ptp(each) < 2 * GAIN_DB + 0.5
    assert any(len(m.wavs) > sum(s >= 0 for _, _, s in m.questions) for m in mixtures)  # a noise that nobody shows


def test_parts_of_one_piece_start_together(tmp_path) -> None:
    """Where the sounds are parts of one composition, they are cut at the same place."""
    write_sounds(tmp_path, NAMES[:2])
    sounds = SoundPack(tmp_path, NAMES[:2])
    ramp = np.arange(len(sounds.samples), dtype=np.int64) % int(SECONDS * 11_025)  # every sample says when it is
    sounds.samples = (ramp + 1).astype(np.int16)
    made = MixtureMaker(sounds, [(0, 1)], [False], 2000, 2, 0)
    rng = np.random.default_rng(0)
    starts = [[w[0] for w in made._wavs([0, 1], rng)] for _ in range(60)]
    together = sum(a == b for a, b in starts)
    assert 15 < together < 45
