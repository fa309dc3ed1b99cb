"""Which videos of a folder are found, which can be used, and for what."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import video_clips
from video_clips import make_media, write_clip

from avdemo.corpora import video_folder
from avdemo.corpora.video_folder import fixed_splits, scan_videos, source_of
from avdemo.corpora.video_lists import MISSING, UNLISTED, Report, find_videos, read_list
from avdemo.errors import InputError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def found(data: Path, report: Report | None = None) -> dict[str, str]:
    return {f.name: f.split for f in find_videos(data, report)}


# ---- layouts


def test_a_folder_of_classes_and_a_flat_one(tmp_path) -> None:
    touch(tmp_path, "guitar/a.mp4", "guitar/b.WEBM", "piano/a.mkv", "loose.avi", "notes.txt", "guitar/cover.jpg")
    assert found(tmp_path) == {"guitar/a.mp4": "", "guitar/b.WEBM": "", "loose.avi": "", "piano/a.mkv": ""}


def test_split_folders(tmp_path) -> None:
    touch(tmp_path, "train/guitar/a.mp4", "validate/guitar/b.mp4", "test/c.mp4", "extra/d.mp4", "e.mp4")
    report = Report()
    assert found(tmp_path, report) == {"train/guitar/a.mp4": "train", "validate/guitar/b.mp4": "val", "test/c.mp4": "test"}
    assert report.dropped == {UNLISTED: ["e.mp4", "extra/d.mp4"]}


def test_a_class_called_train_is_a_class(tmp_path) -> None:
    touch(tmp_path, "train/a.mp4", "dog/b.mp4")
    assert found(tmp_path) == {"train/a.mp4": "", "dog/b.mp4": ""}


def test_lists_beside_the_videos(tmp_path) -> None:
    touch(tmp_path, *[f"guitar/{name}.mp4" for name in "abcdef"])
    (tmp_path / "ks_train.txt").write_text("guitar/a.mp4 3\n# a remark\n\nb\nother/c.mp4\nlost.mp4\ne.mp4\n")
    (tmp_path / "ks_test.csv").write_text("path,label\nguitar/d.mp4,guitar\nguitar/e.mp4,guitar\n")
    (tmp_path / "remarks.txt").write_text("nothing to do with it")
    report = Report()
    names = found(tmp_path, report)
    assert names == {f"guitar/{n}.mp4": s for n, s in zip("abcde", ["train"] * 3 + ["test"] * 2, strict=True)}  # e is in both
    assert report.dropped == {MISSING: ["lost.mp4"], UNLISTED: ["guitar/f.mp4"]}
    (tmp_path / "ks_train.txt").unlink()
    assert found(tmp_path)["guitar/f.mp4"] == "train"  # what no list names


def test_the_tables_of_kinetics(tmp_path) -> None:
    touch(tmp_path, "playing guitar/-bcdefghijk_000010_000020.mp4", "lmnopqrstuv.mp4")
    table = "label,youtube_id,time_start,time_end,split\n"
    table += "playing guitar,-bcdefghijk,10,20,train\nsinging,lmnopqrstuv,5,15,train\nsinging,goneforever,0,10,train\n"
    (tmp_path / "train.csv").write_text(table)
    report = Report()
    assert set(found(tmp_path, report).values()) == {"train"} and len(find_videos(tmp_path)) == 2
    assert report.dropped == {MISSING: ["goneforever_000000_000010"]}


def test_a_list_of_paths(tmp_path) -> None:
    touch(tmp_path, "videos/1/a.mp4", "videos/2/b b.mp4", "lists/c.mp4")
    (tmp_path / "lists" / "flickr.txt").write_text("videos/1/a.mp4\nvideos/2/b b.mp4\nc.mp4\nvideos/1/a.mp4\n")
    assert found(tmp_path / "lists" / "flickr.txt") == {"videos/1/a.mp4": "", "videos/2/b b.mp4": "", "c.mp4": ""}
    (tmp_path / "lists" / "c.mp4").unlink()
    assert found(tmp_path / "lists") == {"videos/1/a.mp4": "", "videos/2/b b.mp4": ""}  # all that the folder holds


def test_the_folder_of_clips_keeps_its_own_split(tmp_path) -> None:
    rows = [f"dog/SpecVQGAN__video_{n}.mp4,dog,{'real' if n % 2 else 'generated'},x,10.0,30" for n in range(40)]
    touch(tmp_path, "clips/index.csv", "lips/a.mp4")
    (tmp_path / "clips" / "index.csv").write_text("file,cls,sound,source,seconds,fps\n" + "\n".join(rows) + "\n")
    names = found(tmp_path)
    assert names == found(tmp_path / "clips") and len(names) == 40
    assert set(names.values()) == {"train", "val", "test"} and not any("lips" in name for name in names)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", r"list l\.txt cannot be read"),
        (b"# nothing\n", "it lists none"),
        (b"a.mp4\nb.mp4\n", "none of the 2 that are listed is there"),
    ],
)
def test_lists_that_say_nothing(tmp_path, content, words) -> None:
    (tmp_path / "l.txt").write_bytes(content)
    with pytest.raises(InputError, match=words):
        find_videos(tmp_path / "l.txt")


def test_nothing_there(tmp_path) -> None:
    with pytest.raises(InputError, match="There is no folder or list named lost"):
        find_videos(tmp_path / "lost")
    with pytest.raises(InputError, match=r"There are no videos in .*: no file ends in \.3gp"):
        find_videos(tmp_path)


def test_strange_lines_name_nothing(tmp_path) -> None:
    (tmp_path / "l.csv").write_text('"x' + "y" * 3000 + '.mp4"\n"a\x00b.mp4"\n')
    assert len(list(read_list(tmp_path / "l.csv"))) == 2
    with pytest.raises(InputError, match="none of the 2"):
        find_videos(tmp_path / "l.csv")


# ---- sources and splits


def test_sources() -> None:
    assert source_of("x/abcdefghijk_000010_000020.mp4") == source_of("y/abcdefghijk_000030_000040.webm") == "abcdefghijk"
    assert source_of("a_cdefghij-_000030.mp4") == "a_cdefghij-"
    assert source_of("dog/video_01951.mp4") == "dog/video_01951.mp4"  # a number is not a time
    assert source_of("dog/1.mp4") != source_of("cat/1.mp4")


def test_the_fixed_split_is_by_name_and_stays() -> None:
    names = [f"v{n}" for n in range(400)]
    splits = fixed_splits(("", n) for n in names)
    counts = [list(splits.values()).count(s) for s in ("train", "val", "test")]
    assert sum(counts) == 400 and counts[0] > 290 and 20 < counts[1] < 60 and 20 < counts[2] < 60
    fewer = fixed_splits(("", n) for n in names[::-1][:200])
    assert all(splits[key] == split for key, split in fewer.items())


def test_small_folders_keep_two_sources_on_both_sides() -> None:
    for count in range(4, 30):
        splits = list(fixed_splits(("", f"w{n}") for n in range(count)).values())
        assert splits.count("val") >= 2 and splits.count("train") >= 2
        assert count >= 20 or "test" not in splits
    assert set(fixed_splits([("", "a"), ("", "b")]).values()) == {"train"}


def test_a_given_split_stays_and_only_validation_is_added() -> None:
    given = {("train", f"v{n}") for n in range(50)} | {("test", f"t{n}") for n in range(5)}
    splits = fixed_splits(given)
    assert all(splits["test", f"t{n}"] == "test" for n in range(5))
    counts = [list(splits.values()).count(s) for s in ("train", "val", "test")]
    assert counts[2] == 5 and 2 <= counts[1] <= 12 and sum(counts) == 55
    whole = fixed_splits({*given, ("val", "x")})
    assert all(split == key[0] for key, split in whole.items())


# ---- which can be used


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    """Four good videos, and one of each kind that is not. Read only."""
    root = tmp_path_factory.mktemp("mixed")
    for number, name in enumerate(("guitar/a.mp4", "guitar/b.mp4", "piano/c.mkv")):
        write_clip(root / name, number)
    write_clip(root / "piano/late.mp4", 3, late_s=0.7)
    write_clip(root / "piano/too_late.mp4", 3, late_s=1.2)
    write_clip(root / "piano/mute.mp4", sound=False)
    write_clip(root / "piano/blink.mp4", seconds=1.0)
    make_media.make_sound(root / "sound.wav", make_media.tone(2.0)).rename(root / "piano" / "radio.mp4")
    whole = make_media.make_clip(root / "whole.mp4")
    make_media.truncated(whole, root / "guitar" / "torn.mp4", 0.5)
    whole.unlink()
    (root / "guitar" / "text.mp4").write_text("not a video")
    return root


def test_the_report_counts_what_is_left_out(mixed, tmp_path) -> None:
    heard: list[str] = []
    videos, report = scan_videos(mixed, progress=lambda share, text: heard.append(text))
    assert {v.name for v in videos} == {"guitar/a.mp4", "guitar/b.mp4", "piano/c.mkv", "piano/late.mp4"}
    assert {why: sorted(names) for why, names in report.dropped.items()} == {
        "without sound": ["piano/mute.mp4"],
        "without pictures": ["piano/radio.mp4"],
        "shorter than 1.1 s": ["piano/blink.mp4", "piano/too_late.mp4"],
        "damaged": ["guitar/text.mp4", "guitar/torn.mp4"],
    }
    sentence = report.sentence()
    assert sentence.startswith("4 videos can be used (2 train, 2 val, 0 test); left out: ") and sentence.endswith(".")
    assert "1 without sound (mute.mp4)" in sentence and "2 damaged (text.mp4, torn.mp4)" in sentence
    assert heard == ["Looking at video 1 of 10"]


def test_a_video_is_used_where_picture_and_sound_exist(mixed) -> None:
    spans = {v.path.name: (v.start_s, v.end_s) for v in scan_videos(mixed)[0]}
    assert spans["a.mp4"] == pytest.approx((0.0, 2.0), abs=0.01)
    assert spans["late.mp4"] == pytest.approx((0.7, 2.0), abs=0.01)


def test_only_the_beginning_of_a_long_video_is_used(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(video_folder, "READ_S", 1.5)
    write_clip(tmp_path / "long.mp4", seconds=3.0)
    assert scan_videos(tmp_path)[0][0].end_s == 1.5


def test_what_was_seen_is_remembered_until_a_file_changes(tmp_path) -> None:
    for number in range(4):
        write_clip(tmp_path / "in" / f"{number}.mp4", number)
    memory = tmp_path / "out.videos.json"
    first, _ = scan_videos(tmp_path / "in", memory=memory)
    known = json.loads(memory.read_text())
    assert len(known) == 4 and sorted(p.name for p in tmp_path.iterdir()) == ["in", "out.videos.json"]
    path = str(tmp_path / "in" / "1.mp4")
    memory.write_text(json.dumps(known | {path: [*known[path][:4], 1.5]}))  # as if it had been seen so
    again, _ = scan_videos(tmp_path / "in", memory=memory)
    assert [v.end_s for v in again] == [first[0].end_s, 1.5, first[2].end_s, first[3].end_s]
    os.utime(path, ns=(1, 1))
    assert scan_videos(tmp_path / "in", memory=memory)[0] == first
    for damage in ("{", "[]"):
        memory.write_text(damage)
        assert scan_videos(tmp_path / "in", memory=memory)[0] == first


def test_nothing_can_be_used(tmp_path) -> None:
    write_clip(tmp_path / "mute.mp4", sound=False)
    with pytest.raises(
        InputError, match=r"None of the videos in .* can be used: 0 videos .* left out: 1 without sound \(mute\.mp4\)"
    ):
        scan_videos(tmp_path)


def test_finding_loads_no_media_library() -> None:
    code = "import sys, avdemo.corpora.video_pairs; print([m for m in ('av', 'PIL', 'torch', 'librosa') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_clips_of_these_tests_say_what_they_should(tmp_path) -> None:
    from avdemo.media import read_audio, read_frame

    path = write_clip(tmp_path / "a.mp4", 2)
    assert video_clips.said(read_frame(path, 0.75)) == pytest.approx(video_clips.levels(2, 7), abs=3)
    assert read_audio(path, video_clips.RATE)[0, 8000] == pytest.approx(video_clips.base(2) + video_clips.SLOPE, abs=1e-4)
