"""MUSIC-style indexes: every bad row is named, sound and frames stay aligned, videos never cross the split."""

import json
import subprocess
import sys

import numpy as np
import pytest
from music_folder import COUNT, FPS, RATE, SLOPE, grey, write_index, write_video

from avdemo.corpora.music_index import MusicSolos, digest, pack_music, read_index, split_videos
from avdemo.errors import InputError

SAMPLES = 65_535


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("music")
    rows = [write_video(root, f"video{i}", size=(40, 30) if i else (30, 40)) for i in range(4)]
    return root, rows


@pytest.fixture(scope="module")
def pack(folder, tmp_path_factory):
    root, rows = folder
    out = tmp_path_factory.mktemp("packed")
    said: list[str] = []
    assert pack_music(write_index(root, rows), out, short_side=32, progress=lambda share, text: said.append(text)) == 4
    assert "video2.wav" in said[2]
    return out


def solos(pack, **changes) -> MusicSolos:
    return MusicSolos(pack, **{"sample_rate": RATE, "samples": SAMPLES, "frames": 3, "stride_s": 3.0, **changes})


def test_rows_with_and_without_a_header_from_here_or_above(folder) -> None:
    root, rows = folder
    plain = read_index(write_index(root, rows, "plain.csv"))
    assert [r.line for r in plain] == [1, 2, 3, 4] and plain[1].video == "video1" and plain[1].count == COUNT
    assert plain[0].frame(7) == root / "frames" / "video0" / "000007.jpg"
    headed = read_index(write_index(root, ["audio,frames,count", "", *rows], "headed.csv"))
    assert [r.line for r in headed] == [3, 4, 5, 6] and [r.audio for r in headed] == [r.audio for r in plain]
    (root / "lists").mkdir()
    below = read_index(write_index(root / "lists", [f"./{row.replace(',frames', ',./frames')}" for row in rows]))
    assert [r.frames for r in below] == [r.frames for r in plain]


def test_every_bad_row_is_named_in_one_sentence(folder) -> None:
    root, rows = folder
    (root / "frames" / "empty").mkdir()
    bad = [
        rows[0], "audio/video1.wav,frames/video1", f"audio/lost.wav,frames/video1,{COUNT}", f"audio/video1.wav,frames/lost,{COUNT}",
        "audio/video1.wav,frames/video1,many",
    ]  # fmt: skip
    with pytest.raises(InputError) as caught:
        read_index(write_index(root, bad, "bad.csv"))
    sentence = str(caught.value)
    for part in ("bad.csv", "line 2 (2 fields instead of 3)", "line 3 (no sound lost.wav)", "line 4 (no folder of frames lost)",
                 "line 5 ('many' is not a number of frames)"):  # fmt: skip
        assert part in sentence
    assert "line 1" not in sentence and str(root) not in sentence and sentence.endswith("remove them.")
    worse = [f"audio/video1.wav,frames/video1,{COUNT + 1}", f"audio/video1.wav,frames/empty,{COUNT}", "audio/video1.wav,frames/video1,100",
             rows[2], rows[2], *bad[1:]]  # fmt: skip
    with pytest.raises(InputError) as caught:
        read_index(write_index(root, worse, "worse.csv"))
    for part in ("000169.jpg is not in video1", "000001.jpg is not in empty", "100 frames, under the 160 of 20 s",
                 "line 5 (the same sound as line 4)", "and 3 more"):  # fmt: skip
        assert part in str(caught.value)


@pytest.mark.parametrize(("content", "words"), [("", "holds no rows"), ("audio,frames,count\n", "holds no rows"), (None, "cannot be read")])
def test_no_rows_or_no_file(tmp_path, content, words) -> None:
    path = tmp_path / "index.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=words):
        read_index(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seconds": 60.0}, "x.wav lasts over 42 s but its 168 frames 21 s"),
        ({"seconds": 9.0}, "lasts 9 s"),
        ({"silent": True}, "x.wav is silent; remove line 1"),
    ],
)
def test_sounds_that_cannot_belong(tmp_path, options, words) -> None:
    index = write_index(tmp_path, [write_video(tmp_path, "x", **options)])
    with pytest.raises(InputError, match=words):
        pack_music(index, tmp_path / "out", short_side=32)
    assert not (tmp_path / "out" / "music.json").exists()  # what is not whole does not look whole


def test_frames_that_are_missing_or_of_another_size(tmp_path) -> None:
    from PIL import Image

    index = write_index(tmp_path, [write_video(tmp_path, "x")])
    Image.new("RGB", (80, 30)).save(tmp_path / "frames" / "x" / "000009.jpg")
    with pytest.raises(InputError, match=r"frames in x \(line 1 of music\.csv\) differ in size"):
        pack_music(index, tmp_path / "out", short_side=32)
    (tmp_path / "frames" / "x" / "000009.jpg").unlink()
    with pytest.raises(InputError, match=r"000009\.jpg is not in x"):
        pack_music(index, tmp_path / "out", short_side=32)


def test_pack_says_what_it_holds(folder, pack) -> None:
    about = json.loads((pack / "music.json").read_text())
    assert about["index"] == "music.csv" and about["index_sha256"] == digest(folder[0] / "music.csv")
    first, second = about["videos"][:2]
    assert (first["height"], first["width"]) == (43, 32) and (second["height"], second["width"]) == (32, 43)
    assert first["frames"] == COUNT // 8 and abs(first["length"] - COUNT / FPS * RATE) < 2
    assert (pack / "music_frames.bin").stat().st_size == sum(v["frames"] * v["height"] * v["width"] * 3 for v in about["videos"])


def test_frames_of_a_window_are_those_of_its_time(pack) -> None:
    data = solos(pack)
    rng = np.random.default_rng(0)
    middles = set()
    for number in range(40):
        solo = data.draw(number % 4, "train", rng)
        assert solo.wav.shape == (SAMPLES,) and solo.wav.dtype == np.float32
        middle_s = solo.wav[SAMPLES // 2] / SLOPE
        for frame, offset in zip(solo.frames, (-3.0, 0.0, 3.0), strict=True):
            # frame f is on screen from (f - 1) / 8 to f / 8 seconds
            expected = grey(round((middle_s + offset) * FPS + 0.5))
            assert abs(float(frame.mean()) - expected) < 1.5
        assert np.abs(np.diff(solo.wav)).max() < 2.5 / 32768  # wholly inside the video: no silence at its ends
        middles.add(round(middle_s))
    assert len(middles) > 5


def test_a_draw_is_decided_by_its_generator(pack) -> None:
    a, b = (solos(pack).draw(2, "train", np.random.default_rng(9)) for _ in range(2))
    assert (a.wav == b.wav).all() and (a.frames == b.frames).all()


def test_videos_never_cross_the_split(pack, tmp_path) -> None:
    data = solos(pack)
    names = {split: {data.videos[i]["video"] for i in data.keys(split)} for split in ("train", "val")}
    assert len(names["train"]) == len(names["val"]) == 2 and not names["train"] & names["val"]
    many = [f"v{i}" for i in range(50)] + ["v3", "v7"]  # two rows of one video stay together
    held = split_videos(many, seed=0)
    assert len(held) == 10 and held == split_videos(sorted(many, reverse=True), seed=0) != split_videos(many, seed=1)
    assert split_videos(["a", "b"], 0) < {"a", "b"}


def test_packs_that_do_not_fit(pack, tmp_path) -> None:
    with pytest.raises(InputError, match="holds no packed videos"):
        solos(tmp_path)
    with pytest.raises(InputError, match="packed at 11025 Hz and 16000 Hz"):
        solos(pack, sample_rate=16_000)


def test_reading_a_pack_loads_no_media_library() -> None:
    code = "import sys, avdemo.corpora.music_index; print([m for m in ('av', 'PIL', 'torch', 'librosa', 'moviepy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
