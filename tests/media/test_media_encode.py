"""Videos out: H.264, AAC, index first, as long as what went in, every picture at its own time."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from make_media import beep, is_upright, make_clip, make_gif, make_sound, numbered_picture, onset_s, read_number, tone

from avdemo.errors import InputError, LimitError
from avdemo.media import frame_times, probe, read_audio, read_frame, read_frames, replace_audio, write_video
from avdemo.media.encode import can_copy
from avdemo.media.probing import video_timeline


def check_playable(path):
    """What browsers need: H.264 yuv420p of even size, AAC, and the index before the data; returns the container's seconds."""
    with av.open(str(path)) as container:
        video = container.streams.video[0].codec_context
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")
        assert video.width % 2 == 0 and video.height % 2 == 0
        assert [stream.codec_context.name for stream in container.streams.audio] in ([], ["aac"])
        seconds = container.duration / 1e6
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    return seconds


def video_packets(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_this_pyav_can_encode():
    assert {"libx264", "aac"} <= av.codecs_available


@pytest.mark.parametrize("fps", [8, 25, 29.97, Fraction(30000, 1001), 60])
def test_write_video(tmp_path, fps):
    count = round(2 * float(fps))
    wav = beep(2.0, 1.0, 16_000)
    pictures = (numbered_picture(i, (160, 120)) for i in range(count))
    path = write_video(tmp_path / "new folder" / "é.mp4", pictures, fps, wav, 16_000)
    assert check_playable(path) == pytest.approx(2.0, abs=1 / float(fps))
    info = probe(path)
    assert info.n_frames == count and info.duration_s == pytest.approx(count / float(fps), abs=0.01)
    frames = read_frames(path, [0.0, 1.0])
    assert [read_number(frame) for frame in frames] == [0, int(np.floor(float(fps) + 0.02))]
    np.testing.assert_allclose(frames[0], numbered_picture(0, (160, 120)), atol=60)
    assert is_upright(frames[0], tolerance=12)  # colours survive
    assert onset_s(read_audio(path, 16_000), 16_000) == pytest.approx(1.0, abs=0.004)


def test_write_video_without_sound_and_with_stereo(tmp_path):
    pictures = [numbered_picture(i, (64, 48)) for i in range(10)]
    assert not probe(write_video(tmp_path / "a.mp4", pictures, 10)).has_audio
    stereo = np.concatenate([tone(1.0, (440,)), np.zeros((1, 44_100), np.float32)])
    heard = read_audio(write_video(tmp_path / "b.mp4", pictures, 10, stereo, 44_100), 44_100)
    assert heard.shape == (2, 44_100) and np.abs(heard[1, 4410:-4410]).max() < 0.01 < np.abs(heard[0, 4410:-4410]).max()


@pytest.mark.parametrize(("width", "height"), [(101, 77), (100, 77), (101, 76), (1, 1)])
def test_odd_sizes_keep_every_pixel(tmp_path, width, height):
    path = write_video(tmp_path / "odd.mp4", [numbered_picture(0, (width, height))] * 3, 10)
    check_playable(path)
    info = probe(path)
    assert (info.width, info.height) == (width + width % 2, height + height % 2)
    seen = read_frame(path)[:height, :width].astype(int)
    assert np.abs(seen[-1, -1] - numbered_picture(0, (width, height))[-1, -1]).max() < 40


def test_nothing_or_different_sizes_to_write(tmp_path):
    with pytest.raises(InputError, match=r"There are no pictures to put into a.mp4"):
        write_video(tmp_path / "a.mp4", [], 25, tone(1.0), 44_100)
    with pytest.raises(InputError, match=r"differ in size \(8 x 8 and 10 x 8\)"):
        write_video(tmp_path / "a.mp4", [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)], 25)
    with pytest.raises(InputError, match=r"a.mp4 cannot have 0 pictures per second"):
        write_video(tmp_path / "a.mp4", [np.zeros((8, 8, 3), np.uint8)], 0)
    with pytest.raises(InputError, match=r"The sound for a.mp4 has no sample rate"):
        write_video(tmp_path / "a.mp4", [np.zeros((8, 8, 3), np.uint8)], 25, tone(1.0))
    assert list(tmp_path.iterdir()) == []


SOURCES = {
    "plain": ("a.mp4", {}, True),
    "mov": ("a.mov", {}, True),
    "mkv": ("a.mkv", {}, True),
    "B-frames": ("a.mp4", {"options": {"bf": "3"}, "keyframe_every": 10}, True),
    "late video": ("a.mp4", {"video_start_s": 0.5}, True),
    "late sound": ("a.mkv", {"audio_start_s": 0.7}, True),
    "no sound": ("a.mp4", {"tones": None}, True),
    "surround": ("a.mp4", {"wav": tone(2.0, channels=6), "layout": "5.1"}, True),
    "variable rate": ("a.mp4", {"times_s": [0, 0.1, 0.5, 0.55, 1.3]}, True),
    "variable rate, webm": ("a.webm", {"times_s": [0, 0.1, 0.5, 0.55, 1.3], "codec": "libvpx", "tones": None}, False),
    "phone": ("a.mp4", {"rotation": 90}, False),
    "phone, variable rate": ("a.mov", {"rotation": 270, "times_s": [0, 0.1, 0.5, 0.55, 1.3], "tones": None}, False),
    "upside down": ("a.mp4", {"rotation": 180}, False),
    "mirrored": ("a.mp4", {"mirrored": True, "rotation": 90}, False),
    "vp8": ("a.webm", {"codec": "libvpx"}, False),
    "no duration": ("a.webm", {"codec": "libvpx", "container_options": {"live": "1"}}, False),
    "vp9, odd": ("a.webm", {"codec": "libvpx-vp9", "size": (101, 77)}, False),
    "phone, odd": ("a.mkv", {"codec": "ffv1", "size": (77, 101), "tones": None}, False),
    "10 bits": ("a.mp4", {"pixel_format": "yuv420p10le"}, False),
    "4:4:4": ("a.mp4", {"pixel_format": "yuv444p"}, False),
    "avi": ("a.avi", {"codec": "mpeg4"}, False),
    "full range": ("a.mp4", {"pixel_format": "yuvj420p"}, False),
    "mjpeg": ("a.avi", {"codec": "mjpeg"}, False),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_replace_audio(tmp_path, kind):
    name, facts, is_copied = SOURCES[kind]
    source = make_clip(tmp_path / name, **facts)
    before = probe(source)
    assert can_copy(video_timeline(source)) == is_copied
    target = replace_audio(source, tmp_path / "ünd.mp4", beep(before.duration_s, 1.0, 22_050), 22_050)
    after = probe(target)
    one_frame = 1 / before.fps if "variable" not in kind else 0.02
    assert check_playable(target) == pytest.approx(before.duration_s, abs=one_frame)
    assert after.duration_s == pytest.approx(before.duration_s, abs=one_frame)
    assert (after.width, after.height) == (before.width + before.width % 2, before.height + before.height % 2)
    np.testing.assert_allclose(frame_times(target), frame_times(source), atol=0.0011)
    frames = read_frames(target, [0.0, 0.53, 1.32])
    originals = read_frames(source, [0.0, 0.53, 1.32])
    assert [read_number(frame) for frame in frames] == [read_number(frame) for frame in originals]
    assert all(is_upright(frame) for frame in frames)
    assert onset_s(read_audio(target, 22_050), 22_050) == pytest.approx(1.0, abs=0.004)
    assert (video_packets(target) == video_packets(source)) == is_copied


def test_a_gif_becomes_a_video_with_sound(tmp_path):
    source = make_gif(tmp_path / "anim.gif", [100, 50, 300, 1000])
    target = replace_audio(source, tmp_path / "a.mp4", beep(1.45, 0.5), 44_100)
    assert check_playable(target) == pytest.approx(1.45, abs=0.03)
    np.testing.assert_allclose(frame_times(target), [0, 0.1, 0.15, 0.45], atol=0.002)
    assert read_number(read_frame(target, 0.2)) == 2 and is_upright(read_frame(target, 0))


def test_short_sound_is_padded_and_long_sound_cut(tmp_path, clip):
    for seconds in (0.3, 5.0):
        target = replace_audio(clip, tmp_path / "a.mp4", tone(seconds), 44_100)
        assert check_playable(target) == pytest.approx(2.0, abs=0.03)
        assert read_audio(target, 16_000).shape == (1, 32_000)


def test_a_video_that_begins_between_keyframes_is_encoded_anew(tmp_path):
    source = tmp_path / "a.mkv"
    with av.open(str(make_clip(tmp_path / "whole.mp4", keyframe_every=10))) as whole, av.open(str(source), "w") as out:
        stream = out.add_stream_from_template(whole.streams.video[0])
        for packet in [packet for packet in whole.demux(video=0) if packet.size][1:]:
            packet.stream = stream
            out.mux(packet)
    assert not can_copy(video_timeline(source))
    check_playable(replace_audio(source, tmp_path / "b.mp4", tone(1.0), 44_100))


def test_replacing_needs_a_video_within_the_limits(tmp_path, clip, limits):
    with pytest.raises(InputError, match=r"song.wav is a sound without pictures"):
        replace_audio(make_sound(tmp_path / "song.wav", tone(1.0)), tmp_path / "a.mp4", tone(1.0), 44_100)
    limits(MAX_SECONDS=1)
    with pytest.raises(LimitError, match=r"plain.mp4 lasts 2 seconds"):
        replace_audio(clip, tmp_path / "a.mp4", tone(1.0), 44_100)


def test_long_sound_and_pictures_are_interleaved(tmp_path):
    path = write_video(tmp_path / "a.mp4", [numbered_picture(i, (64, 48)) for i in range(200)], 10, tone(20.0), 44_100)
    with av.open(str(path)) as container:
        order = [packet.stream.type for packet in container.demux() if packet.size]
    first_half = order[: len(order) // 2]
    assert 0.3 < first_half.count("video") / 200 < 0.7
