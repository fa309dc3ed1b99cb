"""Both towers once, then scores and heat: with a tiny real model behind the public name."""

import dataclasses

import numpy as np
import pytest
import torch

from avdemo import media
from avdemo.correspondence import films, pipeline, scoring, towers
from avdemo.errors import Cancelled, InputError

CENTRES = 0.5 + 0.25 * np.arange(9)  # of a clip of 3 s


def test_prepare_sees_and_hears_every_quarter_of_a_second(shipped, video) -> None:
    told: list[tuple[float, str]] = []
    clip = pipeline.prepare(str(video), progress=lambda share, text: told.append((share, text)))
    assert np.allclose(clip.time_s, CENTRES, atol=0.01) and clip.notes == []
    assert clip.picture == video and clip.sound is None and clip.sound_source == video and not clip.is_still
    assert clip.span_s == pytest.approx((0.0, 3.0), abs=0.05) and clip.duration_s == pytest.approx(3.0, abs=0.05)
    network = clip.model.network
    assert clip.v.shape == (9, network.config.vision_embed) and clip.a.shape == (9, network.config.audio_embed)
    assert clip.vision_maps.dtype == clip.audio_maps.dtype == np.float16 and len(clip.vision_maps) == len(clip.audio_maps) == 9
    assert (clip.vision_maps.max((2, 3)).astype(np.float32) == clip.v).all()  # the hottest place agrees with the score
    assert (clip.audio_maps.max((2, 3)).astype(np.float32) == clip.a).all()
    assert clip.frames.shape == (9, 32, 48, 3) and clip.frames.dtype == np.uint8  # the shape of 96 x 64
    assert clip.level_db.shape == (9,) and -60 < clip.level_db.min() < clip.level_db.max() < 0 and not clip.is_silent.any()
    assert clip.wav.shape == (1, round(clip.duration_s * network.config.sample_rate))
    assert clip.checkpoint["name"] == "correspondence-compact" and len(clip.checkpoint["sha256"]) == 64
    assert set(clip.timings) == {"load_model_s", "read_s", "listen_s", "look_s", "prepare_s"}
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == 1.0 and any(text.startswith("Looking: frame 1 of 9") for _, text in told)
    assert pipeline.load_model(pipeline.CHECKPOINT) is clip.model  # loaded once


def test_each_window_is_the_second_around_its_frame(clip, make_media) -> None:
    """Frame and second of window 6, taken by hand, give what was kept."""
    network, config = clip.model.network, clip.model.network.config
    size = towers.frame_size(config, clip.info.width, clip.info.height)
    assert size == (48, 32)
    frame = media.read_frame(clip.picture, float(clip.time_s[6]), size=size)
    assert make_media.read_number(frame) == 20  # 2.0 s at 10 per second
    first = round((clip.time_s[6] - 0.5) * config.sample_rate)
    second = clip.wav[:, first : first + config.samples]
    with torch.inference_mode():
        v = network.see(torch.from_numpy(frame[None])).amax((2, 3)).numpy()[0]
        a = network.hear(torch.from_numpy(second)).amax((2, 3)).numpy()[0]
    assert np.allclose(v, clip.v[6], rtol=2e-3, atol=1e-4) and np.allclose(a, clip.a[6], rtol=2e-3, atol=1e-4)
    assert np.ptp(clip.v, axis=0).max() > 0.01 and np.ptp(clip.a, axis=0).max() > 0.01  # the windows do differ


def test_step(shipped, video) -> None:
    clip = pipeline.prepare(video, step_s=0.5)
    assert np.allclose(clip.time_s, [0.5, 1.0, 1.5, 2.0, 2.5], atol=0.01)
    with pytest.raises(InputError, match="between"):
        pipeline.prepare(video, step_s=0.0)


def expected(clip, seen, heard, other=None) -> np.ndarray:
    with torch.inference_mode():
        pair = torch.from_numpy(clip.v[seen]), torch.from_numpy((other or clip).a[heard])
        return clip.model.network.probability(*pair).numpy()


def test_scores_are_the_fusion_of_frame_and_sound(clip) -> None:
    found = pipeline.scores(clip)
    assert (found.time_s == clip.time_s).all() and found.probability.shape == (9,) and found.name == "as it is"
    assert np.allclose(found.probability, expected(clip, slice(0, 9), slice(0, 9)), atol=1e-6)
    assert 0 <= found.probability.min() < found.probability.max() <= 1
    assert found.mean == pytest.approx(found.probability.mean(), abs=1e-6) and found.notes == []
    assert pipeline.score(clip.picture).probability.tolist() == found.probability.tolist()
    plain = found.as_dict()
    assert len(plain["time_s"]) == len(plain["probability"]) == 9 and plain["mean"] == pytest.approx(found.mean, abs=1e-5)


def test_shift_puts_earlier_sound_beside_each_frame(clip) -> None:
    later = pipeline.scores(clip, shift_s=0.5)
    assert np.allclose(later.time_s, CENTRES[2:], atol=0.01) and later.name == "sound 0.50 s later" and later.shift_s == 0.5
    assert np.allclose(later.probability, expected(clip, slice(2, 9), slice(0, 7)), atol=1e-6)
    earlier = pipeline.scores(clip, shift_s=-0.5)
    assert np.allclose(earlier.time_s, CENTRES[:7], atol=0.01) and earlier.name == "sound 0.50 s earlier"
    assert np.allclose(earlier.probability, expected(clip, slice(0, 7), slice(2, 9)), atol=1e-6)
    assert any("Scored from 0.50 to 3.00 s" in note for note in later.notes)
    between = pipeline.scores(clip, shift_s=0.6)
    assert between.shift_s == 0.5 and any("+0.50 s, the nearest whole step to +0.60 s" in note for note in between.notes)


def test_another_sound(clip, still) -> None:
    swapped = pipeline.scores(clip, other=still)  # its sound lasts 2 s
    assert np.allclose(swapped.time_s, CENTRES[:5], atol=0.01) and swapped.name == "with the sound of pluck.wav"
    assert np.allclose(swapped.probability, expected(clip, slice(0, 5), slice(0, 5), still), atol=1e-6)
    other_model = dataclasses.replace(still, checkpoint={"name": "x", "sha256": "0" * 64})
    with pytest.raises(InputError, match="different models"):
        pipeline.scores(clip, other=other_model)


@pytest.mark.parametrize(
    ("shift_s", "words"), [(5.0, "shift it by less"), (-2.5, "shift it by less"), (float("nan"), "not a number")]
)
def test_shifts_that_leave_nothing(clip, shift_s, words) -> None:
    with pytest.raises(InputError, match=words):
        pipeline.scores(clip, shift_s=shift_s)


def test_verdicts(clip, sure) -> None:
    assert pipeline.scores(sure(clip, 3.0)).verdict == (
        "They belong together: 0.95 on average over 3.0 s (the model says yes in 9 of 9 windows)."
    )
    assert pipeline.scores(sure(clip, -3.0)).verdict == (
        "They do not seem to belong together: 0.05 on average over 3.0 s (the model says yes in 0 of 9 windows)."
    )
    assert pipeline.scores(sure(clip, 0.1)).verdict.startswith("The model is not sure whether they belong together: 0.52")


def test_silence_is_named_and_left_out_of_the_average(shipped, make_media, tmp_path) -> None:
    wav = make_media.swelling(4.0)
    wav[:, 2 * 44_100 :] = 0
    clip = pipeline.prepare(make_media.make_sound(tmp_path / "half.wav", wav), _picture(make_media, tmp_path))
    found = pipeline.scores(clip)
    assert found.is_silent.tolist() == [t - 0.5 > 2.05 for t in clip.time_s.tolist()]  # resampling rings a little
    assert any("silence around 2.6 to 3.6 s" in note for note in found.notes)
    assert found.mean == pytest.approx(found.probability[~found.is_silent].mean())
    quiet = dataclasses.replace(clip, is_silent=np.ones(len(clip.time_s), bool))
    assert "Nothing can be heard" in pipeline.scores(quiet).verdict


def _picture(make_media, folder):
    return media.write_png(folder / "picture.png", make_media.numbered_picture(3, (64, 48)))


# ---- where


def test_where_is_the_fusion_at_each_place(clip) -> None:
    heat = pipeline.where(clip, 2.0)
    assert heat.shape == clip.vision_maps.shape[2:] == (4, 6) and 0 <= heat.min() < heat.max() <= 1
    place = clip.vision_maps[6, :, 1, 2].astype(np.float32)
    with torch.inference_mode():
        at_place = clip.model.network.probability(torch.from_numpy(place), torch.from_numpy(clip.a[6]))
    assert heat[1, 2] == pytest.approx(float(at_place), abs=1e-5)
    assert not np.allclose(heat, pipeline.where(clip, 2.0, shift_s=1.0))
    heard = pipeline.where_in_sound(clip, 2.0)
    assert heard.shape == clip.audio_maps.shape[2:] and 0 <= heard.min() < heard.max() <= 1
    assert (pipeline.where(clip, 0.0) == pipeline.where(clip, 0.5)).all()  # before the first centre: the first window


@pytest.mark.parametrize("time_s", [-0.1, 4.0, float("nan")])
def test_times_outside(clip, time_s) -> None:
    for ask in (pipeline.where, pipeline.where_in_sound):
        with pytest.raises(InputError, match=r"outside Été à deux\.mp4, which lasts 3\.00"):
            ask(clip, time_s)


def test_heat_between_windows_is_a_blend_and_there_is_none_outside(clip) -> None:
    heat = scoring.heat(clip, scoring.pair(clip))
    assert np.allclose(films.blend(heat, clip.time_s, float(clip.time_s[3])), heat[3])
    assert np.allclose(films.blend(heat, clip.time_s, float(clip.time_s[3]) + 0.125), (heat[3] + heat[4]) / 2, atol=1e-5)
    assert np.allclose(films.blend(heat, clip.time_s, 0.1), heat[0]) and films.blend(heat, clip.time_s + 2, 0.5).max() == 0


def test_a_still_is_seen_once(still) -> None:
    assert still.is_still and still.duration_s == pytest.approx(2.0, abs=0.01) and still.name == "guitar.png with pluck.wav"
    assert len(still.vision_maps) == len(still.frames) == 1 and still.v.shape[0] == len(still.time_s) == 5
    assert len(still.audio_maps) == 5
    heats = [pipeline.where(still, t) for t in (0.5, 1.5)]
    assert heats[0].shape == still.vision_maps.shape[2:] and not np.allclose(*heats)  # another sound, another place


def test_long_clips_keep_the_maps_of_some_windows_and_the_scores_of_all(clip, monkeypatch) -> None:
    each = clip.vision_maps[0].nbytes + clip.audio_maps[0].nbytes
    monkeypatch.setattr(towers, "MAP_BYTES", each * 3)
    short = pipeline.prepare(clip.picture)
    assert short.every == 3 and len(short.vision_maps) == len(short.audio_maps) == len(short.frames) == 3
    for kept, window in enumerate((0, 3, 6)):
        assert (short.vision_maps[kept] == clip.vision_maps[window]).all() and (short.frames[kept] == clip.frames[window]).all()
        assert (short.audio_maps[kept] == clip.audio_maps[window]).all()
    assert short.kept(np.arange(9)).tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert np.allclose(pipeline.scores(short).probability, pipeline.scores(clip).probability)
    assert np.allclose(pipeline.where(short, 2.0), pipeline.where(clip, 2.0), atol=1e-6)
    assert scoring.heat(short, scoring.pair(short)).shape == (9, 4, 6)


def test_stopping(shipped, video, monkeypatch) -> None:
    monkeypatch.setattr(towers, "BATCH", 4)
    asked = []
    with pytest.raises(Cancelled):
        pipeline.prepare(video, cancelled=lambda: len(asked) == 4 or asked.append(0))
    assert len(asked) == 4  # three batches of sound, one of frames


def test_embeddings(clip, tmp_path) -> None:
    np.savez(tmp_path / "vectors.npz", **pipeline.embeddings(clip))
    with np.load(tmp_path / "vectors.npz") as read:  # no pickles inside
        assert np.allclose(read["time_s"], clip.time_s) and (read["vision"] == clip.v).all() and (read["audio"] == clip.a).all()
        assert read["probability"].shape == read["level_db"].shape == (9,)
        assert read["vision_units"][1] == "vision.conv4_2.1" and len(read["audio_units"]) == clip.a.shape[1]
        assert str(read["checkpoint"]) == clip.checkpoint["sha256"]


def test_batch_norms_of_the_frozen_backbone_can_be_put_into_its_convolutions() -> None:
    from avdemo.backbones import mobilenet

    torch.manual_seed(0)
    features = mobilenet.mobilenet_features()[:4].train()  # blocks with and without a stride of two
    picture = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        features(picture)  # statistics that are not 0 and 1
        before = features.eval()(picture)
        towers._fuse(features)
        after = features(picture)
    assert not [m for m in features.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert before.std() > 0.01 and (before - after).abs().max() < 1e-4
