"""What a file is and whether it is accepted, for every kind of file that people upload."""

from __future__ import annotations

import time

import av
import numpy as np
import pytest
from make_media import claim_seconds, make_clip, make_gif, make_sound, numbered_picture, tone
from PIL import Image

from avdemo.errors import InputError, LimitError, NoAudioError
from avdemo.media import check_limits, probe, say_seconds


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("a.mp4", {}),
        ("a.mov", {}),
        ("a.mkv", {}),
        ("a.webm", {"codec": "libvpx"}),
        ("b.webm", {"codec": "libvpx-vp9", "audio_codec": "libopus"}),
        ("a.avi", {"codec": "mpeg4"}),
        ("b.avi", {"codec": "mjpeg"}),
        ("vidéo de l'été (1).mp4", {}),
        ("100% a:b#c.mp4", {}),
    ],
)
def test_video_containers(tmp_path, name, facts):
    info = probe(make_clip(tmp_path / name, **facts))
    assert (info.kind, info.name, info.width, info.height, info.n_frames) == ("video", name, 160, 120, 50)
    assert info.duration_s == pytest.approx(2.0, abs=0.04)
    assert info.fps == pytest.approx(25, rel=0.01)
    assert info.has_audio and info.audio_channels == 1 and info.audio_sample_rate in (44_100, 48_000)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.m4a", "a.flac", "a.ogg"])
def test_sound_files(tmp_path, name):
    rate = 48_000 if name.endswith("ogg") else 44_100
    info = probe(make_sound(tmp_path / name, tone(1.5, sample_rate=rate, channels=2), rate))
    assert (info.kind, info.has_audio, info.audio_channels, info.audio_sample_rate) == ("audio", True, 2, rate)
    assert (info.width, info.fps, info.n_frames) == (0, 0.0, 0)
    assert info.duration_s == pytest.approx(1.5, abs=0.06)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp"])
def test_pictures(tmp_path, name):
    Image.fromarray(numbered_picture(1, (31, 17))).save(tmp_path / name)
    info = probe(tmp_path / name)
    assert (info.kind, info.width, info.height, info.duration_s, info.has_audio) == ("image", 31, 17, 0.0, False)


def test_the_content_counts_and_not_the_name(tmp_path, clip):
    renamed = tmp_path / "music.mp3"
    renamed.write_bytes(clip.read_bytes())
    assert probe(renamed).kind == "video"
    picture = tmp_path / "clip.mp4"
    Image.fromarray(numbered_picture(1, (30, 20))).save(picture, format="PNG")
    assert probe(picture).kind == "image"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_phone_video_has_its_upright_size(tmp_path, rotation):
    info = probe(make_clip(tmp_path / "phone.mp4", seconds=0.2, size=(96, 160), rotation=rotation))
    assert (info.width, info.height, info.rotation) == (96, 160, rotation)


def test_animated_gif_is_a_silent_video(tmp_path):
    info = probe(make_gif(tmp_path / "anim.gif", [100, 50, 300, 1000]))
    assert (info.kind, info.has_audio, info.width, info.height, info.n_frames) == ("video", False, 101, 77, 4)
    assert info.duration_s == pytest.approx(1.45)


def test_variable_frame_rate(tmp_path):
    info = probe(make_clip(tmp_path / "vfr.mp4", times_s=[0, 0.1, 0.5, 0.55, 1.3], tones=None))
    assert info.duration_s == pytest.approx(2.0, abs=0.002)
    assert info.fps == pytest.approx(2.5, abs=0.01)


def test_start_offsets(tmp_path):
    info = probe(make_clip(tmp_path / "late.mp4", video_start_s=0.5, audio_start_s=0.8))
    assert info.video_start_s == pytest.approx(0.5)
    assert info.audio_start_s == pytest.approx(0.8, abs=0.03)
    assert info.duration_s == pytest.approx(2.3, abs=0.04)  # the sound ends at 2.8 on a clock on which the video begins at 0.5


def test_a_webm_without_duration_is_measured_by_its_packets(tmp_path):
    path = make_clip(tmp_path / "browser.webm", codec="libvpx", container_options={"live": "1"})
    with av.open(str(path)) as container:
        assert container.duration is None
    assert probe(path).duration_s == pytest.approx(2.0, abs=0.04)


def test_a_wrong_duration_in_the_header_is_not_believed(tmp_path):
    path = claim_seconds(make_clip(tmp_path / "wrong.mkv", tones=None), 1000)
    with av.open(str(path)) as container:
        assert container.duration == 1e9
    assert probe(path).duration_s == pytest.approx(2.0, abs=0.04)


def test_a_song_with_a_cover_is_no_video(tmp_path):
    path = tmp_path / "song.m4a"
    cover = np.full((64, 64, 3), 200, np.uint8)
    with av.open(str(path), "w", format="mp4") as out:
        sound, picture = out.add_stream("aac", rate=44_100), out.add_stream("png", rate=1)
        sound.layout = "mono"
        picture.width, picture.height, picture.pix_fmt = 64, 64, "rgb24"
        picture.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(tone(1.0), "fltp", "mono")
        frame.sample_rate = 44_100
        for packet in [*picture.encode(av.VideoFrame.from_ndarray(cover)), *picture.encode(None)]:
            out.mux(packet)
        for packet in [*sound.encode(frame), *sound.encode(None)]:
            out.mux(packet)
    assert probe(path).kind == "audio"


def test_ten_minutes_of_1080p_are_refused_at_once_with_a_sentence(tmp_path):
    path = make_clip(tmp_path / "concert à Nîmes.mp4", times_s=[0, 300], seconds=600, size=(1920, 1080), tones=None)
    began = time.perf_counter()
    with pytest.raises(LimitError) as error:
        check_limits(path)
    assert time.perf_counter() - began < 2
    assert str(error.value) == (
        "concert à Nîmes.mp4 lasts 10 minutes, and this app takes at most 2 minutes: cut it to the part you need and give that."
    )


def test_a_file_above_the_size_limit_is_refused_from_its_header(tmp_path, limits):
    path = make_clip(tmp_path / "big.mp4", times_s=[0, 300], seconds=600, tones=None)
    limits(MAX_MB=0.001)
    assert probe(path).duration_s == pytest.approx(600, abs=1)
    with pytest.raises(LimitError, match=r"big.mp4 lasts 10 minutes"):
        check_limits(path)
    limits(MAX_SECONDS=1000)
    with pytest.raises(LimitError, match=r"big.mp4 has 0\.0 MB, and this app takes at most 0.001 MB: cut it"):
        check_limits(path)


def test_limits_follow_the_settings(clip, limits):
    assert check_limits(clip).duration_s == pytest.approx(2.0)
    limits(MAX_SECONDS=1)
    with pytest.raises(LimitError, match=r"plain.mp4 lasts 2 seconds, and this app takes at most 1 second:"):
        check_limits(clip)


def test_what_a_task_needs(tmp_path, clip):
    assert check_limits(probe(clip), needs_audio=True, needs_video=True, min_seconds=1.5).kind == "video"
    silent = make_clip(tmp_path / "silent.mp4", tones=None, seconds=0.5)
    with pytest.raises(NoAudioError, match=r"silent.mp4 is a video without a sound track"):
        check_limits(silent, needs_audio=True)
    with pytest.raises(InputError, match=r"silent.mp4 lasts 0.5 seconds, and at least 6 seconds are needed"):
        check_limits(silent, min_seconds=6)
    sound = make_sound(tmp_path / "song.wav", tone(1.0))
    with pytest.raises(InputError, match=r"song.wav is a sound without pictures, and a video is needed"):
        check_limits(sound, needs_video=True)
    picture = tmp_path / "photo.png"
    Image.fromarray(numbered_picture(1, (30, 20))).save(picture)
    with pytest.raises(InputError, match=r"photo.png is a picture, and a video is needed"):
        check_limits(picture, needs_video=True)
    with pytest.raises(NoAudioError, match=r"photo.png is a picture, and a sound is needed"):
        check_limits(picture, needs_audio=True)


def test_pictures_larger_than_8k_are_refused(tmp_path):
    path = make_clip(tmp_path / "wall.mkv", 0.1, (9000, 4100), 10, codec="mjpeg", tones=None)
    with pytest.raises(LimitError, match=r"wall.mkv has pictures of 9000 x 4100 pixels"):
        probe(path)


def test_a_changed_file_is_read_anew(tmp_path):
    path = make_clip(tmp_path / "a.mp4", seconds=1)
    assert probe(path).n_frames == 25
    make_clip(path, seconds=0.4)
    assert probe(path).n_frames == 10


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.44, "0.4 seconds"), (1, "1 second"), (59.96, "1 minute"), (61, "1 minute 1 second"), (125, "2 minutes 5 seconds")],
)
def test_say_seconds(seconds, said):
    assert say_seconds(seconds) == said
