"""What people give: sounds that start late or end early, short clips, files the wrong way round, and files that cannot be used."""

import re

import numpy as np
import pytest

from avdemo import media
from avdemo.correspondence import pipeline
from avdemo.errors import AvdemoError, InputError, LimitError, NoAudioError, WeightsError
from avdemo.settings import get_settings

SIZE, FPS = (64, 48), 10


@pytest.fixture
def make(make_media, tmp_path):
    """Makes a clip of some seconds with a sound of some (other) length."""

    def clip(name: str, seconds: float, sound_s: float | None = None, **options):
        wav = make_media.swelling(seconds if sound_s is None else sound_s)
        return make_media.make_clip(tmp_path / name, seconds, SIZE, FPS, wav=wav, **options)

    return clip


def test_a_sound_that_starts_late_is_scored_from_there(shipped, make) -> None:
    clip = pipeline.prepare(make("late.mp4", 4.0, 3.0, audio_start_s=1.0))
    assert clip.span_s == pytest.approx((1.0, 4.0), abs=0.06)
    assert clip.time_s[0] == pytest.approx(1.5, abs=0.06) and clip.time_s[-1] <= 3.56 and not clip.is_silent.any()
    assert clip.level_db.min() > -40  # no window holds the silence before it
    (note,) = clip.notes
    assert re.search(r"late\.mp4 starts at (0\.9[5-9]|1\.0\d) s", note) and pipeline.scores(clip).notes == [note]


def test_a_sound_that_ends_early_is_scored_up_to_there(shipped, make) -> None:
    clip = pipeline.prepare(make("early.mp4", 4.0, 2.0))
    assert clip.span_s == pytest.approx((0.0, 2.0), abs=0.06) and clip.time_s[-1] == pytest.approx(1.5, abs=0.06)
    assert any("ends at 2.0" in note and "(4.00 s)" in note for note in clip.notes)
    assert "over 2.0 s" in pipeline.scores(clip).verdict


def test_a_video_with_another_sound(shipped, video, sound, make_media, tmp_path) -> None:
    clip = pipeline.prepare(video, sound)
    assert clip.sound == sound and clip.sound_source == sound and clip.span_s == pytest.approx((0.0, 2.0), abs=0.01)
    assert any("pluck.wav ends at 2.00 s" in note for note in clip.notes)
    own = pipeline.prepare(video)
    assert np.allclose(clip.v, own.v[:5]) and not np.allclose(clip.a, own.a[:5])
    longer = pipeline.prepare(video, make_media.make_sound(tmp_path / "long.wav", make_media.swelling(5.0)))
    assert longer.span_s[1] == pytest.approx(3.0, abs=0.05) and any("long.wav goes on to 5.00 s" in note for note in longer.notes)
    assert np.allclose(pipeline.prepare(sound, video).a, clip.a)  # the sound first: put right


def test_the_sound_of_another_video(shipped, video, make) -> None:
    clip = pipeline.prepare(video, make("other.mp4", 2.0))
    assert clip.sound.name == "other.mp4" and len(clip.time_s) == 5


def test_image_and_sound_in_either_order(shipped, image, sound) -> None:
    one, other = pipeline.prepare(image, sound), pipeline.prepare(sound, image)
    assert one.picture == other.picture == image and one.sound == other.sound == sound
    assert (pipeline.scores(one).probability == pipeline.scores(other).probability).all() and one.notes == other.notes == []


def test_half_a_second_is_filled_up_with_silence_and_says_so(shipped, make) -> None:
    clip = pipeline.prepare(make("blink.mp4", 0.6))
    assert len(clip.time_s) == 1 and clip.time_s[0] == pytest.approx(0.3, abs=0.06)
    assert any("last 0.6 seconds together" in note and "filled up with silence" in note for note in clip.notes)
    found = pipeline.scores(clip)
    assert len(found.probability) == 1 and "over 0.6 s" in found.verdict and "the only window" in found.verdict
    assert pipeline.plot(clip, [found]).shape == (400, 960, 3)
    assert pipeline.spectrogram_picture(clip).shape == (900, 960, 3)


def test_a_portrait_a_panorama_and_a_tiny_picture_keep_their_shape_where_they_can(shipped, make_media, sound, tmp_path) -> None:
    shapes = {(48, 96): (8, 4), (400, 40): (4, 8), (5, 5): (4, 4)}  # the map's rows and columns; a panorama is squeezed
    for size, shape in shapes.items():
        picture = media.write_png(tmp_path / f"{size[0]}.png", make_media.numbered_picture(3, size))
        assert pipeline.prepare(picture, sound).vision_maps.shape[2:] == shape


# ---- what cannot be used


def refuse(kind: type, words: str, *files, **options) -> str:
    with pytest.raises(kind, match=words) as caught:
        pipeline.prepare(*files, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".") and str(files[0].parent) not in sentence
    return sentence


def test_sounds_that_are_missing_or_silent(shipped, make_media, make, image, sound, tmp_path) -> None:
    mute = make_media.make_clip(tmp_path / "mute.mp4", 1.5, SIZE, FPS, tones=None)
    refuse(NoAudioError, r"mute\.mp4 is a video without a sound track; give a sound file with it", mute)
    assert pipeline.prepare(mute, sound).sound == sound  # the way out
    silent = make_media.make_clip(tmp_path / "silent.mp4", 1.5, SIZE, FPS, wav=np.zeros((1, 66_150), np.float32))
    refuse(NoAudioError, r"The sound of silent\.mp4 is silent", silent)
    hush = make_media.make_sound(tmp_path / "hush.wav", np.zeros((1, 66_150), np.float32))
    refuse(NoAudioError, r"hush\.wav is silent", image, hush)
    refuse(NoAudioError, r"mute\.mp4", image, mute)


def test_pictures_and_sounds_in_the_wrong_place(shipped, image, sound) -> None:
    refuse(InputError, r"guitar\.png is a picture without sound; give a sound with it", image)
    refuse(InputError, r"pluck\.wav is a sound without pictures.*give an image or a video first", sound)
    refuse(InputError, r"pluck\.wav is a sound without pictures.*with it", sound, sound)
    refuse(NoAudioError, r"guitar\.png is a picture, and a sound is needed", image, image)


def test_files_that_are_nothing(shipped, tmp_path, video, image) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    (tmp_path / "empty.wav").touch()
    for files in (
        (tmp_path / "notes.mp4",),
        (tmp_path / "lost.mp4",),
        (image, tmp_path / "empty.wav"),
        (video, tmp_path / "notes.mp4"),
    ):
        refuse(AvdemoError, files[-1].name, *files)


def test_too_short_and_too_long(shipped, make_media, make, image, tmp_path, monkeypatch) -> None:
    click = make_media.make_sound(tmp_path / "click.wav", make_media.tone(0.05))
    refuse(InputError, r"click\.wav is shorter than 0\.1 s", image, click)
    never = make("never.mp4", 2.0, 1.0, audio_start_s=2.5)
    refuse(InputError, r"In never\.mp4 the picture and the sound never meet", never)
    monkeypatch.setenv("AVDEMO_MAX_SECONDS", "1")
    get_settings.cache_clear()
    long = make_media.make_sound(tmp_path / "long.wav", make_media.tone(3.0))
    refuse(LimitError, r"long\.wav lasts 3 seconds", image, long)


def test_no_weights(shipped, image, sound, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("AVDEMO_WEIGHTS", str(tmp_path / "none"))
    get_settings.cache_clear()
    pipeline.load_model.cache_clear()
    with pytest.raises(WeightsError, match="correspondence-compact"):
        pipeline.prepare(image, sound)
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"broken\.safetensors"):
        pipeline.prepare(image, sound, checkpoint=str(tmp_path / "broken.safetensors"))


def test_a_checkpoint_by_its_file(shipped, image, sound) -> None:
    path = str(shipped / "correspondence-compact.safetensors")
    clip = pipeline.prepare(image, sound, checkpoint=path)
    assert clip.checkpoint["name"] == path
    assert clip.checkpoint["sha256"] == pipeline.prepare(image, sound).checkpoint["sha256"]
