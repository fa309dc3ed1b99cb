"""Mouth crops, GRID and LRW: what is found, how mouths are framed, and that a pack holds what the folders show."""

from __future__ import annotations

import json

import mouth_films as made
import numpy as np
import pytest

from avdemo.corpora.grid import HELD_OUT, NO_ALIGNMENT, UNKNOWN_SPEAKER, read_grid, spoken_s
from avdemo.corpora.lip_pack import LipPack
from avdemo.corpora.lips_data import FPS, MISSING, SAMPLE_RATE, SAMPLES_PER_FRAME, UNLISTED_POINTS, read_lips, split_of
from avdemo.corpora.lrw import NO_SPLIT, read_lrw
from avdemo.corpora.mouth_crops import MIDDLE, WIDTH_SHARE, MouthBox, cut, follow, into_crop
from avdemo.corpora.pack_lips import SHORT, SILENT, UNREADABLE, main, pack, parse_box, read_speakers
from avdemo.errors import InputError


@pytest.fixture(scope="module")
def lips(tmp_path_factory):
    return made.write_lips_folder(tmp_path_factory.mktemp("lips"))


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return made.write_grid(tmp_path_factory.mktemp("grid"))


@pytest.fixture(scope="module")
def lrw(tmp_path_factory):
    return made.write_lrw(tmp_path_factory.mktemp("lrw"))


# ---- the folders


def test_crops_are_listed_with_speaker_split_and_sync(lips) -> None:
    found = read_speakers(lips)
    assert (found.source, found.cropped, len(found.clips)) == ("lips", True, 5)
    assert [clip.split for clip in found.clips] == ["train", "train", "test", "val", "train"]
    assert [(clip.lag, clip.lag_r) for clip in found.clips[:2]] == [(-1, 0.6), (None, None)]
    assert found.clips[0].points.shape == (20, 20, 2)
    assert "2 speakers to learn from, 1 held out" in found.sentence()


def test_what_is_missing_is_reported(tmp_path) -> None:
    folder = made.write_lips_folder(tmp_path, without=1)
    next(folder.rglob("000.mp4")).unlink()
    report = read_lips(folder).report
    assert set(report.dropped) == {MISSING, UNLISTED_POINTS} and sum(report.kept.values()) == 3
    with pytest.raises(InputError, match=r"no index\.csv"):
        read_lips(tmp_path / "people")
    with pytest.raises(InputError, match="There is no folder"):
        read_speakers(tmp_path / "nothing")


def test_grid_is_split_by_speakers_and_knows_when_something_is_said(grid) -> None:
    (grid / "readme.mp4").write_bytes(b"")
    found = read_speakers(grid)
    (grid / "readme.mp4").unlink()
    assert found.source == "grid" and not found.cropped and found.report.dropped == {UNKNOWN_SPEAKER: ["readme.mp4"]}
    assert {clip.split for clip in found.clips if clip.speaker in HELD_OUT} == {"test"}
    assert {clip.split for clip in found.clips if clip.speaker not in HELD_OUT} <= {"train", "val"}
    assert all(clip.spoken_s == (0.3, 0.6) for clip in found.clips)
    assert [clip.sound is not None for clip in found.clips] == [True] * 3 + [False] * 6


def test_alignments(tmp_path) -> None:
    assert spoken_s(made.ALIGNMENT) == (0.3, 0.6)
    assert spoken_s("0 75000 sil\n") is None
    folder = made.write_grid(tmp_path, ("s3",), 2)
    (folder / "alignments/s3/bbaf0n.align").write_text("here are more words\n")
    (folder / "alignments/s3/bbaf1n.align").unlink()
    found = read_grid(folder)
    assert found.report.dropped == {NO_ALIGNMENT: ["bbaf0n.mp4"]} and "1 clips have no alignment" in found.sentence()


def test_a_tenth_of_a_known_speakers_clips_is_for_validation() -> None:
    splits = [split_of(f"s3/{number}", "s3", HELD_OUT) for number in range(1000)]
    assert 60 < splits.count("val") < 140 and set(splits) == {"train", "val"}
    assert split_of("s2/1", "s2", HELD_OUT) == "test"


def test_lrw_keeps_its_splits(lrw) -> None:
    found = read_speakers(lrw)
    assert found.source == "lrw" and [clip.split for clip in found.clips] == ["test", "train", "val"] * 2
    assert len({clip.speaker for clip in found.clips}) == 2  # by file name; nobody knows better
    assert "Nobody knows" in found.sentence()


def test_lrw_without_films_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no videos"):
        read_lrw(tmp_path)


def test_lrw_names_what_lies_in_no_split(tmp_path) -> None:
    folder = made.write_lrw(tmp_path, ("ABOUT",))
    (folder / "stray.mp4").write_bytes(b"")
    assert read_lrw(folder).report.dropped == {NO_SPLIT: ["stray.mp4"]}


# ---- framing


def test_a_box_follows_the_mouth_steadily_and_levels_it() -> None:
    middles = [(100 + t, 80 + 0.5 * t) for t in range(30)]
    points = np.stack([made.mouth_points(m, 40, gap, 0.2) for m, gap in zip(middles, made.gaps(30, 10), strict=True)])
    points[7] = np.nan
    boxes = follow(points, 200, 160)
    assert len(boxes) == 30 and {round(b.angle, 3) for b in boxes} == {0.2} and len({b.side for b in boxes}) == 1
    crops = np.stack([into_crop(p, b, 200, 160, 64) for p, b in zip(points, boxes, strict=True)])[8:22]
    across = crops[:, 6] - crops[:, 0]
    assert across[:, 0] == pytest.approx(WIDTH_SHARE * 64, abs=0.1) and across[:, 1] == pytest.approx(0, abs=0.05)
    assert crops.mean(1) == pytest.approx(np.tile(64 * np.array(MIDDLE), (14, 1)), abs=0.6)
    assert follow(np.full((9, 20, 2), np.nan), 200, 160) is None


def test_the_crop_shows_the_mouth_where_the_points_say() -> None:
    points = made.mouth_points((120, 70), 40, 12, 0.25)
    frame = made.draw_mouth((200, 150), points)
    (box,) = follow(points[None], 200, 150)
    crop, moved = cut(frame, box, 64), into_crop(points, box, 200, 150, 64)
    again = made.draw_mouth((64, 64), moved)
    assert crop.shape == (64, 64, 3)

    def error(right: int, down: int) -> float:
        return float(np.abs(np.roll(crop, (down, right), (0, 1)).astype(int) - again).mean())

    assert error(0, 0) < 1.5 and min(error(1, 0), error(-1, 0), error(0, 1), error(0, -1)) > error(0, 0)


def test_beyond_the_frame_its_edge_goes_on() -> None:
    frame = made.face(5, (10, 8), (60, 60))
    crop = cut(frame, MouthBox(0.1, 0.1, 0.8), 32)
    assert np.abs(crop[0, 0].astype(int) - made.SKIN).max() <= 1


# ---- the pack


def test_packed_crops_are_what_the_films_show(lips, tmp_path) -> None:
    told = []
    report = pack(read_lips(lips), tmp_path / "pack", 48, progress=lambda share, text: told.append(text))
    packed = LipPack(tmp_path / "pack")
    assert report.kept == {"train": 3, "test": 1, "val": 1} and told
    assert packed.frames.shape == (100, 48, 48, 3) and packed.points.shape == (100, 20, 2) and len(packed.speech) == 100 * SAMPLES_PER_FRAME
    assert [clip.first for clip in packed.clips] == [0, 20, 40, 60, 80] and packed.of("test")[0].speaker == "spk2"
    for clip in packed.clips:
        assert clip.has_points and clip.spoken == (0, 20) and (clip.lag is None) == (clip.number % 2 == 1)
        for frame, points in list(zip(packed.frames[clip.place], packed.points[clip.place], strict=True))[::7]:
            assert np.abs(frame.astype(int) - made.draw_mouth((48, 48), points)).mean() < 5
        wav, true = packed.wav(clip), made.speech(20 / FPS, clip.number)[0]
        assert len(wav) == len(true) and np.sqrt(np.mean(wav**2)) == pytest.approx(np.sqrt(np.mean(true**2)), rel=0.15)
        loud = [np.abs(part).mean() for part in np.split(wav, 20)]
        assert np.corrcoef(loud, [np.abs(part).mean() for part in np.split(true, 20)])[0, 1] > 0.9


def test_a_fixed_box_serves_without_a_detector(grid, tmp_path) -> None:
    main([str(grid), str(tmp_path / "pack"), "--size", "32"])
    packed = LipPack(tmp_path / "pack")
    assert len(packed.clips) == 9 and not any(clip.has_points for clip in packed.clips) and np.isnan(packed.points).all()
    assert {clip.spoken for clip in packed.clips} == {(7, 15)}
    reddish = packed.frames[0].astype(int)
    lips_there = (reddish[..., 0] - reddish[..., 1] > 70).nonzero()
    assert 12 < lips_there[1].mean() < 20 and 12 < lips_there[0].mean() < 20  # in the middle, about


def test_a_detector_frames_and_marks(lrw, tmp_path) -> None:
    middle = (131.0, 158.0)  # what it says, and a little beside the drawn mouth
    seen = []

    def find(frame: np.ndarray) -> np.ndarray | None:
        seen.append(frame.shape)
        return None if len(seen) % 10 == 0 else made.mouth_points(middle, 52, 5)

    report = pack(read_lrw(lrw), tmp_path / "pack", 64, find_mouth=find)
    packed = LipPack(tmp_path / "pack")
    assert sum(report.kept.values()) == 6 and seen[0] == (256, 256, 3)
    known = np.isfinite(packed.points).all((1, 2))
    assert 0.85 < known.mean() < 0.95 and not any(clip.has_points for clip in packed.clips)
    assert packed.points[known].mean((0, 1)) == pytest.approx(64 * np.array(MIDDLE), abs=0.2)


def test_films_that_cannot_be_used_are_named(tmp_path) -> None:
    folder = made.write_lips_folder(tmp_path / "data", clips=4)
    files = sorted((folder / "people").rglob("*.mp4"))
    files[0].write_bytes(b"no film")
    made.write_film(files[1], [made.face(3, (48, 48), (96, 96))] * 9, made.speech(9 / FPS))
    made.write_film(files[2], [made.face(3, (48, 48), (96, 96))] * 20, np.zeros((1, 20 * SAMPLES_PER_FRAME), np.float32))
    report = pack(read_lips(folder), tmp_path / "pack", 32)
    assert {why: len(names) for why, names in report.dropped.items()} == {UNREADABLE: 1, SHORT: 1, SILENT: 1}
    assert json.loads((tmp_path / "pack" / "packed.json").read_text())["frames"] == 20
    files[3].write_bytes(b"no film")
    with pytest.raises(InputError, match="None of the 4 clips"):
        pack(read_lips(folder), tmp_path / "pack", 32)
    with pytest.raises(InputError, match="no packed mouth clips"):
        LipPack(tmp_path / "pack")  # what was there is not taken for the new


def test_the_command_line(lips, tmp_path, capsys) -> None:
    assert main([str(lips), str(tmp_path / "pack"), "--size", "32"]) == 0
    assert "5 clips can be used" in capsys.readouterr().err
    assert main([str(lips), str(tmp_path / "pack"), "--box", "5,5"]) == 2
    assert "three shares" in capsys.readouterr().err
    assert parse_box("0.5,0.7,0.3") == MouthBox(0.5, 0.7, 0.3)


def test_rates_divide() -> None:
    assert SAMPLES_PER_FRAME * FPS == SAMPLE_RATE
