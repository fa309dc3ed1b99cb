"""From a video or a photo to what is seen in it and to takes of sound, with a tiny network that learned nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from avdemo import media
from avdemo.errors import Cancelled, InputError, LimitError
from avdemo.foley import pipeline
from avdemo.foley.finishing import FOLLOW_DB, PEAK, loudness_of
from avdemo.foley.preparing import MotionReader, square_frames
from avdemo.foley.verdict import NAMES, OTHER, verdict


def test_a_video_is_seen_as_training_saw_its_clips(shipped, video) -> None:
    import torch

    from avdemo.media.motion import flow, motion_energy

    told = []
    seen = pipeline.prepare(video, progress=lambda share, words: told.append((share, words)))
    config, count = seen.config, len(seen.motion)
    assert count == config.frames_of(round(seen.duration_s * config.sample_rate)) and seen.duration_s == pytest.approx(3.2)
    assert [share for share, _ in told] == sorted(share for share, _ in told) and any("Looking" in words for _, words in told)
    frames = np.stack(list(square_frames(video, config, count)))
    assert frames.shape == (count, config.picture_size, config.picture_size, 3)
    moved = flow(frames)
    assert np.allclose(seen.motion, motion_energy(moved)) and seen.motion.max() > 0
    with torch.no_grad():
        whole = seen.model.network.condition(torch.from_numpy(frames)[None], torch.from_numpy(moved)[None])
    for part in dataclasses.fields(whole):
        one, other = (value if isinstance(value, tuple) else (value,) for value in (getattr(whole, part.name), getattr(seen.condition, part.name)))
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(one, other, strict=True)), part.name
    assert sum(seen.verdict.probability.values()) == pytest.approx(1, abs=1e-5)
    assert set(seen.verdict.probability) == {*NAMES.values(), OTHER}


def test_motion_is_read_in_parts_as_in_one_go(shipped) -> None:
    import torch

    model = pipeline.with_variant(pipeline.load_model(), "flow")
    flow = np.random.default_rng(0).normal(0, 1, (41, 8, 8, 2)).astype(np.float32)
    with torch.no_grad():
        whole = model.network.motion(torch.from_numpy(flow)[None])
    for sizes in ((41,), (1,) * 41, (3, 2, 20, 1, 15), (5, 4, 32)):
        reader = MotionReader(model)
        for start, size in zip(np.cumsum((0, *sizes[:-1])), sizes, strict=True):
            reader.take(flow[start : start + size])
        assert torch.allclose(reader.finish(), whole, atol=1e-5), sizes
    assert MotionReader(pipeline.with_variant(pipeline.load_model(), "seq")).finish() is None


def test_a_photo_stays_as_long_as_it_is_asked_to(shipped, photo) -> None:
    seen = pipeline.prepare(photo, seconds=1.5)
    assert seen.is_still and seen.duration_s == 1.5 and not seen.motion.any()
    frames = seen.config.frames_of(round(1.5 * seen.config.sample_rate))
    assert len(seen.condition.loudness[0]) == frames and len(seen.condition.rows[0]) == frames * seen.config.tokens_per_frame
    assert pipeline.compose(seen).wavs.shape == (1, 12_000)


def test_moments_at_which_something_begins_are_in_seconds(seen) -> None:
    strokes = seen.condition.strokes.clone().zero_()
    strokes[0, [0, 7, 100]] = 1
    struck = dataclasses.replace(seen, condition=dataclasses.replace(seen.condition, strokes=strokes))
    assert struck.strokes_s == [0.01, 0.15, 2.01]
    assert dataclasses.replace(seen, condition=dataclasses.replace(seen.condition, strokes=None)).strokes_s == []
    assert len(seen.strokes_s) == int(seen.condition.strokes.sum())
    assert all(0 <= time_s < seen.duration_s for time_s in seen.strokes_s)


@pytest.mark.parametrize("variant", ["frame", "seq", "flow"])
def test_every_variant_writes_and_the_same_seed_writes_the_same(shipped, video, variant) -> None:
    seen = pipeline.prepare(video, variant=variant)
    assert seen.config.variant == variant
    wav = pipeline.compose(seen, seed=4).wavs
    assert wav.shape == (1, seen.samples) and wav.std() > 1e-4 and np.abs(wav).max() <= 1
    assert np.array_equal(pipeline.compose(pipeline.prepare(video, variant=variant), seed=4).wavs, wav)
    assert not np.array_equal(pipeline.compose(seen, seed=5).wavs, wav)
    assert not np.array_equal(pipeline.compose(seen, seed=4, temperature=0.5).wavs, wav)


def test_variants_write_different_sounds(shipped, video) -> None:
    sounds = [pipeline.compose(pipeline.prepare(video, variant=v), seed=1, until_s=0.5).wavs for v in ("frame", "seq", "flow")]
    assert not any(np.array_equal(sounds[a], sounds[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_a_sound_grows_in_chunks_and_is_the_same_however_far_one_looks(seen) -> None:
    told, lengths = [], []
    composition = pipeline.Composition(seen, seed=2, takes=3)
    for grown in composition.grow(lambda share, words: told.append((share, words))):
        lengths.append(grown.wavs.shape[1])
    assert lengths == sorted(lengths) and len(lengths) == 16 and lengths[-1] == seen.samples and composition.is_whole
    assert told[-1][0] == 1 and "3.2 of 3.2 s" in told[-1][1] and composition.write_s > 0
    assert composition.wavs.shape == (3, seen.samples) and not np.array_equal(composition.wavs[0], composition.wavs[1])
    third = pipeline.compose(seen, seed=2, first_take=2)
    assert np.array_equal(third.wavs[0], composition.wavs[2])
    beginning = pipeline.compose(seen, seed=2, until_s=1.25)
    assert (
        np.array_equal(beginning.wavs[0], composition.wavs[0][: round(1.25 * seen.config.sample_rate)]) and not beginning.is_whole
    )


def test_stopping_keeps_what_is_there(seen) -> None:
    asked = iter([False, False, True])
    part = pipeline.compose(seen, seed=2, cancelled=lambda: next(asked))
    assert part.seconds == pytest.approx(0.6) and not part.is_whole
    assert np.array_equal(part.wavs, pipeline.compose(seen, seed=2).wavs[:, : part.written])
    sound, notes = pipeline.finish(seen, part.wavs[0])
    assert sound.shape == (1, round(3.2 * pipeline.SOUND_RATE)) and not sound[:, round(0.65 * pipeline.SOUND_RATE) :].any()
    assert notes == ["Written up to 0.6 s of 3.2 s; the rest is silent."]
    for hook in (lambda: True,):
        with pytest.raises(Cancelled):
            pipeline.prepare(seen.video, cancelled=hook)


def test_loudness_moves_and_never_clips(seen) -> None:
    wav = pipeline.compose(seen).wavs[0]
    wav *= 0.1 / np.abs(wav).max()
    plain, _ = pipeline.finish(seen, wav, follow=0)
    louder, notes = pipeline.finish(seen, wav, follow=0, loudness_db=6)
    assert np.allclose(louder, plain * 10 ** (6 / 20), atol=1e-6) and not notes
    softer, _ = pipeline.finish(seen, wav, follow=0, loudness_db=-20)
    assert np.allclose(softer, plain / 10, atol=1e-6)
    most, notes = pipeline.finish(seen, wav * 4, follow=0, loudness_db=20)
    assert np.abs(most).max() == pytest.approx(PEAK, abs=1e-4) and "softer than asked for" in notes[0]
    silent, notes = pipeline.finish(seen, 0 * wav)
    assert not silent.any() and "expects silence" in notes[0]


def test_the_sound_can_be_pulled_to_the_loudness_that_the_pictures_promise(seen, monkeypatch) -> None:
    import torch

    frames = len(seen.motion)
    promised = torch.from_numpy(np.where(np.arange(frames) % 10 < 5, 0.8, 0.65).astype(np.float32))[None]
    seen = dataclasses.replace(seen, condition=dataclasses.replace(seen.condition, loudness=promised))
    wav = 0.1 * np.sin(np.arange(seen.samples) * 0.3).astype(np.float32)
    agreed = [pipeline.agreement(seen, pipeline.finish(seen, wav, follow=follow)[0]) for follow in (0.5, 1.0)]
    assert min(agreed) > 0.9
    reached = loudness_of(wav, seen), loudness_of(pipeline.followed(seen, wav, 1.0), seen)
    off = [np.abs(loud - promised[0].numpy())[2:-2] * 60 for loud in reached]
    assert off[1].mean() < 0.4 * off[0].mean() and (off[0] - off[1]).max() <= FOLLOW_DB + 1
    assert np.array_equal(pipeline.followed(seen, wav, 0.0), wav)


def test_the_film_keeps_or_replaces_the_video_s_sound_and_lasts_as_long(seen, tmp_path) -> None:
    sound, _ = pipeline.finish(seen, 0.3 * pipeline.compose(seen).wavs[0])
    own = pipeline.original_sound(seen)
    replaced = pipeline.film(seen, sound, tmp_path / "replaced.mp4")
    kept = pipeline.film(seen, sound, tmp_path / "kept.mp4", keep=True)
    for path in (replaced, kept):
        assert abs(media.probe(path).duration_s - media.probe(seen.video).duration_s) < 1 / seen.info.fps
    heard = [media.read_audio(path, pipeline.SOUND_RATE, mono=True)[0] for path in (replaced, kept)]
    own, sound = own.mean(0), sound[0]
    inside = slice(4000, -4000)
    assert np.corrcoef(heard[0][inside], sound[inside])[0, 1] > 0.6
    assert abs(np.corrcoef(heard[0][inside], own[inside])[0, 1]) < 0.2 < 0.6 < np.corrcoef(heard[1][inside], own[inside])[0, 1]


def test_the_verdict_is_honest() -> None:
    kinds = tuple(NAMES)
    sure, unsure, other = (np.full(11, 0.02) for _ in range(3))
    sure[3], unsure[2], unsure[5], other[10], other[1] = 0.8, 0.42, 0.4, 0.7, 0.12
    assert verdict(kinds, sure).known and verdict(kinds, sure).sentence == "This looks like drums (0.80)."
    found = verdict(kinds, unsure)
    assert not found.known and found.sentence == "The model is not sure what it sees: a dog (0.42) or a helicopter (0.40)."
    found = verdict(kinds, other)
    assert (
        not found.known
        and found.sentence.startswith("This model knows ten kinds")
        and "nearest: a chainsaw (0.12)." in found.sentence
    )
    assert "does not say" in verdict(kinds, None).sentence


def test_refusals_say_what_to_do(shipped, bad, video, photo) -> None:
    for name, words in (
        ("nothing.mp4", "nothing.mp4"), ("text.mp4", "text.mp4"), ("half.mp4", "half.mp4"), ("sound.wav", "a sound without pictures"),
        ("gone.mp4", "gone.mp4"), ("blink.mp4", "at least 0.1 seconds"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words) as caught:
            pipeline.prepare(bad / name)
        assert str(caught.value).endswith(".")
    with pytest.raises(LimitError, match="at most 20"):
        pipeline.prepare(photo, seconds=21)
    with pytest.raises(InputError, match="There is no variant 'best'"):
        pipeline.prepare(video, variant="best")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"seed": -1}, "seed"), ({"temperature": 3}, "temperature"), ({"temperature": float("nan")}, "temperature"), ({"takes": 4}, "takes"),
        ({"first_take": -1}, "take number"), ({"until_s": 0}, "cannot be written"),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(seen, parameters, words) -> None:
    with pytest.raises(InputError, match=words):
        pipeline.compose(seen, **parameters)
