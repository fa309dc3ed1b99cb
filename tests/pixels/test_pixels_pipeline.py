"""Files in, results out, with a tiny real model behind the public name."""

import copy
import dataclasses
import json

import numpy as np
import pytest

from avdemo import media
from avdemo.errors import AvdemoError, Cancelled, InputError, NoAudioError, WeightsError
from avdemo.pixels import pipeline
from avdemo.replay import replay

SECONDS, WIDTH, HEIGHT = 2.4, 160, 120  # 60 frames


@pytest.fixture(scope="module")
def video(make_media, tmp_path_factory):
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, int(SECONDS * 44_100))).astype(np.float32)
    noise[1] *= 0.3  # left and right differ
    return make_media.make_clip(tmp_path_factory.mktemp("clip") / "Été à deux.mp4", SECONDS, (WIDTH, HEIGHT), wav=noise)


@pytest.fixture
def clip(shipped, video):
    return pipeline.prepare(video)


def with_bias(clip, value: float):
    """The same clip with a model that hears everything everywhere, or nothing."""
    network = copy.deepcopy(clip.model.network)
    network.synthesizer.bias.data.fill_(value)
    return dataclasses.replace(clip, model=dataclasses.replace(clip.model, network=network))


def test_prepare(shipped, video) -> None:
    told: list[tuple[float, str]] = []
    clip = pipeline.prepare(str(video), progress=lambda share, text: told.append((share, text)))
    assert clip.wav.shape == (2, round(SECONDS * 44_100)) and clip.sample_rate == 44_100
    assert clip.duration_s == pytest.approx(SECONDS, abs=0.03) and clip.n_windows == len(clip.heard.starts) > 1
    assert clip.checkpoint["name"] == "pixels-compact" and len(clip.checkpoint["sha256"]) == 64
    assert set(clip.timings) == {"read_s", "load_model_s", "listen_s", "prepare_s"}
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == 1.0 and any("window 2 of" in text for _, text in told)
    assert pipeline.load_model("pixels-compact") is clip.model  # loaded once


def test_isolated_and_rest_are_the_input(clip) -> None:
    found = pipeline.predict(clip, 20, 30, 0.5)
    assert found.wav.dtype == found.rest.dtype == np.float32 and found.wav.shape == clip.wav.shape
    assert np.abs(found.wav + found.rest - clip.wav).max() < 1e-6
    assert found.mask.shape == found.mixture_mag.shape and found.mask.min() >= 0 and found.mask.max() <= 1
    assert not found.is_silent and "makes up" in found.sentence and found.level_db <= 0
    assert (found.x_px, found.y_px, found.time_s) == (20.0, 30.0, 0.5)


def test_clicking_again_gives_the_same_and_elsewhere_another(clip) -> None:
    first, again = pipeline.predict(clip, 20, 30, 0.5), pipeline.predict(clip, 20, 30, 0.5)
    assert (first.wav == again.wav).all()
    elsewhere = pipeline.predict(clip, 150, 110, 0.5)
    assert np.abs(first.mask - elsewhere.mask).max() > 1e-3
    assert len(clip.seen) == 1  # the frame was looked at once


def test_kept_frames_are_bounded(clip, monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "KEPT_FRAMES", 2)
    for time_s in (0.0, 0.2, 0.4, 0.6):
        pipeline.predict(clip, 5, 5, time_s)
    assert list(clip.seen) == [0.4, 0.6]


def test_masks_of_everything_and_of_nothing(clip) -> None:
    everything = pipeline.predict(with_bias(clip, 80.0), 80, 60)
    assert np.abs(everything.rest).max() < 1e-4 and everything.level_db == pytest.approx(0, abs=0.01)
    nothing = pipeline.predict(with_bias(clip, -80.0), 80, 60)
    assert nothing.is_silent and "Nothing sounds at (80, 60)" in nothing.sentence and np.abs(nothing.wav).max() < 1e-6


def test_faders_at_one_give_back_the_input(clip) -> None:
    points = [(20, 30, 0.0), (150, 110, 0.5), (80, 60, 1.0)]
    assert np.abs(pipeline.mix(clip, points, [1.0, 1.0, 1.0]) - clip.wav).max() < 1e-6
    assert np.abs(pipeline.mix(clip, [], []) - clip.wav).max() < 1e-6
    assert np.abs(pipeline.mix(clip, points, [0.0, 0.0, 0.0], rest_gain=0.0)).max() < 1e-6
    # faders are linear: what each adds can be taken apart again
    alone = [pipeline.mix(clip, points, [float(i == n) for i in range(3)], rest_gain=0.0) for n in range(3)]
    rest = pipeline.mix(clip, points, [0.0] * 3, rest_gain=1.0)
    assert np.abs(sum(alone) + rest - clip.wav).max() < 1e-4
    mixed = pipeline.mix(clip, points, [0.5, 2.0, 0.0], rest_gain=0.25)
    expected = 0.5 * alone[0] + 2.0 * alone[1] + 0.25 * rest
    assert np.abs(mixed - expected).max() < 1e-4


def test_energy_and_colours(clip) -> None:
    energy = pipeline.energy_map(clip, 1.0)
    assert energy.ndim == 2 and energy.shape[1] > energy.shape[0] and 0 <= energy.min() < energy.max() <= 1
    colours = pipeline.colour_map(clip, 1.0)
    assert colours.shape == (*energy.shape, 3) and colours.dtype == np.uint8 and colours.max() > 0
    assert (pipeline.colour_map(clip, 1.0) == colours).all()
    assert pipeline.energy_map(with_bias(clip, -80.0), 1.0).max() < 1e-3


@pytest.mark.parametrize(("x", "y"), [(-1, 5), (160, 5), (5, 120), (5, -0.5), (float("nan"), 5)])
def test_points_outside(clip, x, y) -> None:
    with pytest.raises(InputError, match=r"outside Été à deux\.mp4, which is 160 x 120 pixels"):
        pipeline.predict(clip, x, y)


@pytest.mark.parametrize("time_s", [-0.1, SECONDS + 1, float("nan")])
def test_times_outside(clip, time_s) -> None:
    for ask in (lambda: pipeline.predict(clip, 5, 5, time_s), lambda: pipeline.energy_map(clip, time_s)):
        with pytest.raises(InputError, match=r"outside Été à deux\.mp4, which lasts 2\.4"):
            ask()


def test_corners_and_the_last_moment_can_be_clicked(clip) -> None:
    for x, y in ((0, 0), (WIDTH - 1, HEIGHT - 1), (WIDTH - 0.01, 0)):
        assert np.isfinite(pipeline.predict(clip, x, y, clip.duration_s).wav).all()


def test_as_many_volumes_as_points(clip) -> None:
    with pytest.raises(InputError, match="2 points but 1 volumes"):
        pipeline.mix(clip, [(1, 1, 0), (2, 2, 0)], [1.0])


# ---- videos that cannot be used


@pytest.mark.parametrize(
    ("name", "options", "kind", "words"),
    [
        ("silent.mp4", {"wav": np.zeros((1, 66_150), np.float32), "seconds": 1.5}, NoAudioError, "silent.mp4 is silent"),
        ("mute.mp4", {"tones": None, "seconds": 1.5}, NoAudioError, "mute.mp4"),
        ("short.mp4", {"seconds": 0.5}, InputError, "short.mp4"),
    ],
)  # fmt: skip
def test_refusals_name_the_file(shipped, make_media, tmp_path, name, options, kind, words) -> None:
    path = make_media.make_clip(tmp_path / name, size=(64, 48), **options)
    with pytest.raises(kind, match=words) as caught:
        pipeline.prepare(path)
    assert str(tmp_path) not in str(caught.value) and str(caught.value).endswith(".")


def test_files_that_are_no_video(shipped, tmp_path, make_media) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    (tmp_path / "empty.mp4").touch()
    sound = make_media.make_sound(tmp_path / "only.wav", make_media.tone(2.0))
    for path in (tmp_path / "notes.mp4", tmp_path / "empty.mp4", sound, tmp_path / "lost.mp4"):
        with pytest.raises(AvdemoError, match=path.name):
            pipeline.prepare(path)


def test_stopping(shipped, video) -> None:
    asked = []
    with pytest.raises(Cancelled):
        pipeline.prepare(video, cancelled=lambda: len(asked) == 1 or asked.append(0))
    assert asked == [0]  # after the first window, before the second


def test_no_weights(monkeypatch, tmp_path, shipped, video) -> None:
    from avdemo.settings import get_settings

    monkeypatch.setenv("AVDEMO_WEIGHTS", str(tmp_path / "none"))
    get_settings.cache_clear()
    pipeline.load_model.cache_clear()
    with pytest.raises(WeightsError, match="pixels-compact"):
        pipeline.prepare(video)


# ---- one click, written to files


def test_isolate_writes_four_files_that_replay_to_the_same_bytes(shipped, video, tmp_path) -> None:
    out = tmp_path / "out"
    run = pipeline.isolate(video, (20, 30), 0.5, out)
    assert {p.name for p in out.iterdir()} == {"isolated.wav", "rest.wav", "energy.png", "run.json"}
    assert json.loads((out / "run.json").read_text()) == run
    assert run["capability"] == "pixels" and run["parameters"] == {"at": [20.0, 30.0], "time_s": 0.5, "checkpoint": "pixels-compact"}
    assert run["checkpoints"][0]["name"] == "pixels-compact" and run["results"]["is_silent"] is False
    source = media.read_audio(video, 44_100)
    both = media.read_audio(out / "isolated.wav", 44_100) + media.read_audio(out / "rest.wav", 44_100)
    assert np.abs(both - source).max() < 2.5 / 32768
    again = replay(out / "run.json", tmp_path / "again")
    assert again.identical, again.sentence()


def test_isolate_refuses_before_it_writes(shipped, video, tmp_path) -> None:
    with pytest.raises(InputError, match="click inside the picture"):
        pipeline.isolate(video, (500, 30), 0.0, tmp_path / "out")
    assert not (tmp_path / "out").exists()
