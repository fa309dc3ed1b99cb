"""Every way in which an upload can be bad gets one sentence that names the file, whatever is tried with it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from make_media import make_clip, make_gif, make_sound, numbered_picture, tone, truncated
from PIL import Image

from avdemo.errors import AvdemoError, InputError
from avdemo.media import check_limits, probe, read_audio, read_frame, read_image, replace_audio

READERS = {
    "probe": probe,
    "check_limits": check_limits,
    "read_audio": lambda path: read_audio(path, 11_025),
    "read_frame": lambda path: read_frame(path, 0.5, short_side=64),
    "replace_audio": lambda path: replace_audio(path, path.with_name("out.mp4"), np.zeros((1, 44_100)), 44_100),
}


def no_file(folder):
    return folder / "gone.mp4"


def a_folder(folder):
    (folder / "clips.mp4").mkdir()
    return folder / "clips.mp4"


def zero_bytes(folder):
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def text(folder):
    (folder / "notes.mp4").write_text("Ceci n'est pas une vidéo.\n" * 50, encoding="utf-8")
    return folder / "notes.mp4"


def playlist(folder):
    make_sound(folder / "secret.wav", tone(0.5))
    (folder / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{folder / 'secret.wav'}\n#EXT-X-ENDLIST\n")
    return folder / "list.mp4"


def concat_script(folder):
    make_sound(folder / "secret.wav", tone(0.5))
    (folder / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{folder / 'secret.wav'}'\n")
    return folder / "concat.mp4"


def rubbish(folder):
    (folder / "rubbish.mp4").write_bytes(random.Random(0).randbytes(5000))
    return folder / "rubbish.mp4"


def pdf(folder):
    (folder / "paper.mp4").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + random.Random(1).randbytes(3000))
    return folder / "paper.mp4"


def no_index(folder):
    return truncated(make_clip(folder / "whole.mp4"), folder / "half.mp4", 0.5)


def cut_pictures(folder):
    path = make_clip(folder / "whole.mp4", container_options={"movflags": "+faststart"})
    return truncated(path, folder / "stopped.mp4", 0.08)


def cut_in_the_index(folder):
    path = make_clip(folder / "whole.mp4", container_options={"movflags": "+faststart"})
    return truncated(path, folder / "index.mp4", 0.01)


BAD = {
    no_file: "There is no file named gone.mp4",
    a_folder: "clips.mp4 is a folder",
    zero_bytes: "empty.mp4 is empty (0 bytes)",
    text: "notes.mp4 holds text, whatever its name says",
    playlist: "list.mp4 holds text",
    concat_script: "concat.mp4 holds text",
    rubbish: "rubbish.mp4 is damaged or of a kind that cannot be read",
    pdf: "paper.mp4 is damaged or of a kind that cannot be read",
    no_index: "half.mp4 is not complete: its index (the 'moov' part) is missing",
    cut_pictures: "stopped.mp4 is not complete",
    cut_in_the_index: "index.mp4 is not complete",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_a_sentence_that_names_the_file(tmp_path, make, reader):
    path = make(tmp_path)
    with pytest.raises(InputError) as error:
        READERS[reader](path)
    sentence = str(error.value)
    assert sentence.startswith(BAD[make]), sentence
    assert sentence.endswith(".") and "\n" not in sentence and str(tmp_path) not in sentence
    assert not (tmp_path / "out.mp4").exists() and not list(tmp_path.glob(".part-*"))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.wav"])
def test_an_interrupted_upload_is_told_from_a_short_one(tmp_path, name):
    whole = tmp_path / f"whole-{name}"
    if name.endswith("wav"):
        make_sound(whole, tone(2.0))
    else:
        options = {"movflags": "+faststart"} if name.endswith("mp4") else {}
        codec = {"webm": "libvpx", "avi": "mpeg4"}.get(name.rpartition(".")[2], "libx264")
        make_clip(whole, codec=codec, container_options=options)
    assert probe(whole).duration_s == pytest.approx(2.0, abs=0.05)
    with pytest.raises(InputError, match=rf"^{name} is not complete: only \d+% of it is there"):
        probe(truncated(whole, tmp_path / name, 0.6))


def test_a_live_recording_that_just_stops_is_used_as_far_as_it_goes(tmp_path):
    whole = make_clip(tmp_path / "live.webm", codec="libvpx", container_options={"live": "1"})
    assert 0.5 < probe(truncated(whole, tmp_path / "cut.webm", 0.6)).duration_s < 1.9


def test_damaged_bytes_never_end_in_anything_but_a_sentence(tmp_path):
    whole = [
        make_clip(tmp_path / "a.mp4", 0.6), make_clip(tmp_path / "r.mp4", 0.6, rotation=90),
        make_clip(tmp_path / "a.webm", 0.6, codec="libvpx"), make_clip(tmp_path / "a.avi", 0.6, codec="mpeg4"),
        make_clip(tmp_path / "a.mkv", 0.6, codec="libvpx-vp9"), make_gif(tmp_path / "a.gif", [100, 100, 100]),
        make_sound(tmp_path / "a.wav", tone(0.5)), make_sound(tmp_path / "a.mp3", tone(0.5)),
        make_sound(tmp_path / "a.flac", tone(0.5)),
    ]  # fmt: skip
    Image.fromarray(numbered_picture(1, (60, 40))).save(tmp_path / "a.jpg")
    Image.fromarray(numbered_picture(1, (60, 40))).save(tmp_path / "a.png")
    whole += [tmp_path / "a.jpg", tmp_path / "a.png"]
    for seed in range(66):
        chance = random.Random(seed)
        source = whole[seed % len(whole)]
        data = bytearray(source.read_bytes())
        if seed % 3 == 0:
            data = data[: chance.randrange(1, len(data))]
        for _ in range(chance.choice([0, 1, 5, 50]) if seed % 3 else 0):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if seed % 3 == 2:
            start = chance.randrange(len(data))
            data[start : start + 300] = bytes(len(data[start : start + 300]))
        path = tmp_path / f"bad{source.suffix}"
        path.write_bytes(data)
        for read in (*READERS.values(), lambda path: read_image(path, max_side=50)):
            try:
                read(path)
            except AvdemoError as error:
                assert "bad" in str(error) and str(error).endswith(".")
