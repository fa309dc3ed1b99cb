"""Pictures of sounds: what they depend on, the judge, the film from one sound to another, and the round trip."""

import numpy as np
import pytest

from avdemo import media
from avdemo.crossmodal import blending, pipeline
from avdemo.crossmodal.chance import check_seed, noise
from avdemo.errors import Cancelled, InputError, LimitError


def test_a_picture_depends_on_the_seed_and_its_number_only(heard) -> None:
    told: list[float] = []
    four = pipeline.paint(heard, count=4, seed=7, progress=lambda share, words: told.append(share))
    assert four.shape == (4, 32, 32, 3) and four.dtype == np.uint8 and told == [0, 0.25, 0.5, 0.75]
    assert (pipeline.paint(heard, count=2, seed=7) == four[:2]).all()
    assert len(np.unique(four.reshape(4, -1), axis=0)) == 4
    assert not (pipeline.paint(heard, count=1, seed=8) == four[:1]).all()


def test_variants(heard) -> None:
    pictures = {variant: pipeline.paint(heard, count=2, seed=1, variant=variant) for variant in ("C", "N", "A")}
    assert not (pictures["C"] == pictures["N"]).all()
    assert (pictures["A"][0] == pictures["A"][1]).all()  # an autoencoder paints without noise
    with pytest.raises(InputError, match=r"no painter 'B' in this model; it has C \(all terms\), N .*, A .*\."):
        pipeline.paint(heard, variant="B")


@pytest.mark.parametrize("count", [0, -3, 2.5, float("nan"), True])
def test_too_few_pictures(heard, count) -> None:
    with pytest.raises(InputError, match=r"cannot be painted; ask for 1 to 64\."):
        pipeline.paint(heard, count=count)


def test_too_many_pictures(heard) -> None:
    with pytest.raises(LimitError, match="1000 pictures are more than"):
        pipeline.paint(heard, count=1000)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**32, float("nan")])
def test_seeds_that_cannot_be_used(heard, seed) -> None:
    with pytest.raises(InputError, match="whole number from 0"):
        pipeline.paint(heard, count=1, seed=seed)


def test_noise_is_the_same_everywhere() -> None:
    z = noise(3, 5, 4000)
    assert z.dtype == np.float32 and (z[:10] == noise(3, 5, 10)).all() and not (z == noise(3, 6, 4000)).any()
    assert abs(z.mean()) < 0.1 and z.std() == pytest.approx(1, abs=0.05) and check_seed(4.0) == 4


def test_stopping_between_two_pictures(heard) -> None:
    asked: list[int] = []
    with pytest.raises(Cancelled):
        pipeline.paint(heard, count=5, cancelled=lambda: len(asked) == 3 or asked.append(0))


def test_the_judge_looks_at_pictures(heard) -> None:
    import torch

    pictures = pipeline.paint(heard, count=3)
    shares = pipeline.judged(pictures)
    assert shares.shape == (3, 17) and np.allclose(shares.sum(1), 1, atol=1e-5)
    floats = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        assert np.allclose(shares, heard.model.network.judge(floats).softmax(1).numpy(), atol=1e-4)


# ---- from one sound to another


def test_a_blend_is_a_film_with_the_pictures_of_both_at_its_ends(heard, other_sound, tmp_path) -> None:
    other, told = pipeline.listen(other_sound), []
    path = pipeline.blend(
        heard, other, tmp_path / "film.mp4", seed=2, seconds=2.0, progress=lambda share, words: told.append(share)
    )
    info = media.probe(path)
    assert info.duration_s == pytest.approx(2.0, abs=0.1) and info.has_audio and (info.width, info.height) == (384, 384)
    assert told == sorted(told) and told[-1] == 1.0
    frames = media.read_frames(path, [0.0, 1.0, 1.95]).astype(int)
    for frame, ending in ((frames[0], heard), (frames[2], other)):
        wanted = pipeline.paint(ending, count=1, seed=2)[0]
        assert np.abs(frame.reshape(32, 12, 32, 12, 3).mean((1, 3)) - wanted).mean() < 20
    assert np.abs(frames[1] - frames[0]).mean() > 0.5


def test_the_feature_turns_evenly_from_one_to_the_other() -> None:
    a, b = np.array([2.0, 0, 0], np.float32), np.array([0, 4.0, 0], np.float32)
    assert np.allclose(blending.between(a, b, 0.0), a, atol=1e-6) and np.allclose(blending.between(a, b, 1.0), b, atol=1e-6)
    assert np.allclose(blending.between(a, b, 0.5), 3 * np.array([1, 1, 0]) / np.sqrt(2), atol=1e-6)
    assert np.allclose(blending.between(a, a, 0.3), a) and np.isfinite(blending.between(a, 0 * a, 0.5)).all()
    share = blending.shares(101)
    assert share[0] == share[15] == 0 and share[-1] == share[85] == 1 and (np.diff(share) >= 0).all() and share[50] == 0.5


def test_the_sounds_are_crossfaded_at_one_loudness(make_media) -> None:
    rate = 8000
    low, high = (make_media.tone(1.0, (hz,), rate, level=level) for hz, level in ((200.0, 0.05), (1500.0, 0.9)))
    mixed = blending.crossfade(low, high, 3 * rate, rate)
    assert mixed.shape == (1, 3 * rate) and np.abs(mixed).max() <= blending.PEAK
    levels = [np.sqrt(np.mean(part**2)) for part in np.split(mixed[0], 12)]
    assert max(levels) / min(levels) < 1.25
    first, last = (np.abs(np.fft.rfft(part)) for part in (mixed[0, : rate // 2], mixed[0, -rate // 2 :]))
    assert first.argmax() == 100 and last.argmax() == 750


def test_films_that_cannot_be_made(heard, other_sound, sure, tmp_path) -> None:
    stranger = pipeline.listen(other_sound, checkpoint=sure("harp", 3.0))
    with pytest.raises(InputError, match=r"Été\.wav and pluck\.wav were heard by different models"):
        pipeline.blend(heard, stranger, tmp_path / "film.mp4")
    for seconds, kind in ((0.2, InputError), (float("nan"), InputError), (60.0, LimitError)):
        with pytest.raises(kind, match="A film of"):
            pipeline.blend(heard, heard, tmp_path / "film.mp4", seconds=seconds)
    with pytest.raises(InputError, match="painter"):
        pipeline.blend(heard, heard, tmp_path / "film.mp4", variant="Z")
    with pytest.raises(Cancelled):
        pipeline.blend(heard, heard, tmp_path / "film.mp4", cancelled=lambda: True)
    assert list(tmp_path.glob("*.mp4")) == []


# ---- there and back


def test_round_trip_of_a_sound(heard) -> None:
    told: list[float] = []
    trip = pipeline.round_trip(heard, seed=4, seconds=1.0, progress=lambda share, words: told.append(share))
    given, painted, played = trip.hops
    assert [hop.what for hop in trip.hops] == ["sound", "picture", "sound"] and [hop.made for hop in trip.hops] == [
        False,
        True,
        True,
    ]
    assert given.verdict == heard.verdict and (painted.picture == pipeline.paint(heard, count=1, seed=4)[0]).all()
    assert played.wav.shape == (1, 8000) and played.sample_rate == 8000 and sum(played.probability.values()) == pytest.approx(1)
    assert trip.sentence.count("→") == 2 and told == sorted(told) and told[-1] == 1.0


def test_round_trip_of_a_picture_and_of_files(seen, sound) -> None:
    trip = pipeline.round_trip(seen, seed=4, seconds=1.0)
    assert [hop.what for hop in trip.hops] == ["picture", "sound", "picture"]
    again = pipeline.round_trip(seen.image, seed=4, seconds=1.0)
    assert again.sentence == trip.sentence and (again.hops[2].picture == trip.hops[2].picture).all()
    assert pipeline.round_trip(str(sound), seconds=1.0).hops[0].what == "sound"


def test_what_a_round_trip_says(shipped, sound, sure) -> None:
    trip = pipeline.round_trip(sound, seconds=1.0, checkpoint=sure("tuba", 6.0))
    assert trip.sentence == "sound: tuba (0.96) → picture: tuba (0.96) → sound: tuba (0.96). It stayed a tuba all the way."
    lost = pipeline.round_trip(sound, seconds=1.0, checkpoint=sure("tuba", 1.0))
    assert lost.sentence.endswith("What it began with is no instrument that the model knows, so there was nothing to keep.")


def test_a_lost_instrument_is_named() -> None:
    from avdemo.crossmodal.hops import Hop, _words
    from avdemo.crossmodal.verdict import verdict

    def hops(*kinds: str):
        names = ("drums", "tuba")
        verdicts = [verdict(names, np.array([k == "drums", k == "tuba", k == ""], np.float32), "hear") for k in kinds]
        return tuple(Hop("sound", False, found) for found in verdicts)

    assert _words(hops("tuba", "drums", "drums")).endswith("It was a tuba until the first hop.")
    assert _words(hops("tuba", "drums", "tuba")).endswith("It was a tuba until the first hop, but it came back.")
    assert _words(hops("tuba", "tuba", "drums")).endswith("It was a tuba until the last hop.")
    assert _words(hops("drums", "drums", "")).endswith("until the last hop, after which the model is not sure of it any more.")


# ---- half precision


def test_in_half_precision_as_on_a_graphics_card_it_is_nearly_the_same(heard, seen) -> None:
    import dataclasses

    import torch

    from avdemo.crossmodal.listening import listen_to
    from avdemo.crossmodal.looking import look_at

    halves = dataclasses.replace(heard.model, dtype=torch.bfloat16)
    again = listen_to(halves, heard.wav, heard.sound, lambda share, words: None)
    assert (again.lms == heard.lms).all() and again.feature.dtype == np.float32
    assert np.allclose(again.probabilities, heard.probabilities, atol=0.02)
    pictures = pipeline.paint(again, count=2), pipeline.paint(heard, count=2)
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() < 6
    look = look_at(halves, seen.thumbnail, seen.image)
    assert np.allclose(list(look.probability.values()), list(seen.probability.values()), atol=0.02)
    assert np.abs(pipeline.play(look, seconds=1.0).lms - pipeline.play(seen, seconds=1.0).lms).mean() < 0.05
