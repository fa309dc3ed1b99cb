"""Frames: the right one at each time, upright, in the right size and colours, with bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from make_media import is_upright, make_clip, make_gif, make_sound, numbered_picture, read_number, tone
from PIL import Image

from avdemo.errors import InputError
from avdemo.media import frame_times, iter_frames, probe, read_frame, read_frames
from avdemo.media.video import decode_frames, video_timeline


@pytest.mark.parametrize(
    ("name", "codec", "facts"),
    [
        ("a.mp4", "libx264", {}), ("a.mov", "libx264", {}), ("a.mkv", "libx264", {}), ("b.mp4", "libx265", {}),
        ("c.mp4", "libx264", {"pixel_format": "yuv420p10le"}), ("d.mp4", "libx264", {"pixel_format": "yuv444p"}),
        ("a.webm", "libvpx", {}), ("b.webm", "libvpx-vp9", {}), ("a.avi", "mpeg4", {}), ("b.avi", "mjpeg", {}),
    ],
)  # fmt: skip
def test_the_frame_on_screen_at_each_time(tmp_path, name, codec, facts):
    options = {"x265-params": "log-level=none"} if codec == "libx265" else None
    path = make_clip(tmp_path / name, codec=codec, options=options, **facts)
    times = [0.0, 0.03, 0.04, 0.999, 1.0, 1.0, 1.05, 1.96, 1.99]
    frames = read_frames(path, times)
    assert frames.shape == (9, 120, 160, 3) and frames.dtype == np.uint8
    assert [read_number(frame) for frame in frames] == [0, 0, 1, 24, 25, 25, 26, 49, 49]
    assert all(is_upright(frame) for frame in frames)


def test_before_the_first_and_after_the_last_frame(clip):
    assert [read_number(frame) for frame in iter_frames(clip, [-5, 0, 99])] == [0, 0, 49]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [(160, 120), (96, 160)])
def test_phone_rotation_is_applied(tmp_path, rotation, mirrored, size):
    path = make_clip(tmp_path / "phone.mp4", 0.4, size, rotation=rotation, mirrored=mirrored)
    frame = read_frame(path, 0.2)
    assert frame.shape == (size[1], size[0], 3)
    assert is_upright(frame) and read_number(frame) == 5
    small = read_frame(path, 0.2, short_side=60)
    assert min(small.shape[:2]) == 60 and is_upright(small) and read_number(small) == 5


def test_variable_frame_rate_and_start_offset(tmp_path):
    path = make_clip(tmp_path / "vfr.mp4", times_s=[0, 0.1, 0.5, 0.55, 1.3], video_start_s=0.4)
    np.testing.assert_allclose(frame_times(path), [0, 0.1, 0.5, 0.55, 1.3], atol=1e-4)
    frames = read_frames(path, [0, 0.09, 0.1, 0.49, 0.52, 0.56, 1.2, 1.31])
    assert [read_number(frame) for frame in frames] == [0, 0, 1, 1, 2, 3, 3, 4]


def test_animated_gif(tmp_path):
    path = make_gif(tmp_path / "anim.gif", [100, 50, 300, 1000])
    frames = read_frames(path, [0, 0.11, 0.2, 0.5, 1.4])
    assert [read_number(frame) for frame in frames] == [0, 1, 2, 3, 3]
    assert frames.shape[1:] == (77, 101, 3) and is_upright(frames[0])


def test_transparent_gif_lies_on_white(tmp_path):
    images = [Image.new("RGBA", (40, 30), (0, 0, 0, 0)) for _ in range(2)]
    for number, image in enumerate(images):
        image.paste((200, 0, 0, 255), (number * 10, 0, number * 10 + 10, 30))
    images[0].save(tmp_path / "t.gif", save_all=True, append_images=images[1:], duration=100, disposal=2)
    first, second = read_frames(tmp_path / "t.gif", [0, 0.15])
    assert first[15, 5].tolist() == [200, 0, 0] and first[15, 35].tolist() == [255, 255, 255]
    assert second[15, 15].tolist() == [200, 0, 0] and second[15, 5].tolist() == [255, 255, 255]


@pytest.mark.parametrize(("width", "height"), [(101, 77), (1, 1), (3, 200)])
def test_odd_sizes(tmp_path, width, height):
    path = make_clip(tmp_path / "odd.mkv", 0.2, (width, height), codec="ffv1", pixel_format="yuv444p", tones=None)
    assert read_frame(path, 0.1).shape == (height, width, 3)


@pytest.mark.parametrize("facts", [{}, {"codec": "libvpx-vp9"}, {"keyframe_every": 10}, {"keyframe_every": 1}, {"codec": "ffv1"}])
def test_skipping_and_jumping_give_the_same_pictures_as_decoding_everything(tmp_path, facts):
    path = make_clip(tmp_path / "long.mkv", 8.0, (80, 60), tones=None, **facts)
    everything = read_frames(path, frame_times(path))
    assert [read_number(frame) for frame in everything] == list(range(200))
    rng = np.random.default_rng(1)
    for _ in range(4):
        chosen = np.sort(rng.choice(200, rng.integers(1, 8)))
        np.testing.assert_array_equal(read_frames(path, chosen / 25), everything[chosen])


def test_jumps_land_right_in_mp4_with_b_frames_and_offsets(tmp_path):
    path = make_clip(tmp_path / "a.mp4", 8.0, (80, 60), keyframe_every=15, video_start_s=0.5, options={"bf": "3"})
    for number in (0, 14, 15, 16, 44, 100, 199):
        assert read_number(read_frame(path, number / 25)) == number


def test_scaling(clip):
    assert read_frame(clip, 0, short_side=224).shape == (224, 299, 3)
    assert read_frame(clip, 0, size=(50, 70)).shape == (70, 50, 3)
    assert is_upright(read_frame(clip, 0, size=(40, 30)))


def test_pixels_that_are_not_square_are_made_square(tmp_path):
    import av

    path = tmp_path / "dv.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 144, 120, "yuv420p"
        stream.codec_context.sample_aspect_ratio = 2
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(numbered_picture(3, (144, 120)))), *stream.encode(None)]:
            out.mux(packet)
    assert (probe(path).width, probe(path).height) == (288, 120)
    frame = read_frame(path)
    assert frame.shape == (120, 288, 3) and is_upright(frame) and read_number(frame) == 3


def test_pictures_belong_to_the_caller(clip):
    first, again = read_frames(clip, [0.0, 0.0])
    frames = list(iter_frames(clip, [0.0, 0.0]))
    frames[0][:] = 7
    np.testing.assert_array_equal(frames[1], first)
    np.testing.assert_array_equal(again, first)


def test_not_a_video(tmp_path, clip):
    with pytest.raises(InputError, match=r"song.wav is a sound without pictures"):
        read_frame(make_sound(tmp_path / "song.wav", tone(0.5)), 0)
    Image.new("RGB", (9, 9)).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match=r"photo.png is a picture, and a video is needed"):
        read_frame(tmp_path / "photo.png", 0)
    for times in ([1.0, 0.5], [float("nan")]):
        with pytest.raises(InputError, match=r"The times at which pictures of plain.mp4 were asked for do not ascend"):
            read_frames(clip, times)


def test_frames_lost_to_damage_are_replaced_by_neighbours(tmp_path):
    path = make_clip(tmp_path / "a.mkv", 4.0, keyframe_every=25, tones=None)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 200] = bytes(200)
    path.write_bytes(data)
    frames = read_frames(path, [0.0, 1.0, 2.0, 3.9])
    assert len(frames) == 4 and read_number(frames[0]) == 0 and read_number(frames[-1]) == 97


def test_only_what_is_asked_for_is_decoded(tmp_path):
    path = make_clip(tmp_path / "a.mp4", 8.0, (80, 60), keyframe_every=10, tones=None)
    track = video_timeline(path).video
    assert [index for index, _ in decode_frames(path, track, [5, 105, 106, 199])] == [5, 105, 106, 199]


MEMORY = """
import re, sys
from avdemo.media import frame_times, iter_frames
count = sum(1 for _ in iter_frames(sys.argv[1], frame_times(sys.argv[1]), short_side=224))
print(count, re.search('VmHWM:[^0-9]*([0-9]+)', open('/proc/self/status').read()).group(1))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads its peak memory from /proc")
def test_memory_does_not_grow_with_the_length(tmp_path):
    still = [numbered_picture(number % 2, (1920, 1080)) for number in range(2)]
    path = make_clip(tmp_path / "hd.mp4", size=(1920, 1080), pictures=still * 60, tones=None, options={"preset": "ultrafast"})
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True, cwd=root)
    count, kilobytes = map(int, done.stdout.split())
    assert count == 120
    assert kilobytes < 250_000  # 120 frames are 750 MB as RGB and 370 MB as YUV
