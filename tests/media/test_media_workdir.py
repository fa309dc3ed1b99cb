"""Job folders, and what happens when the disk says no."""

from __future__ import annotations

import errno
import os
import resource
import stat
import time

import numpy as np
import pytest
from make_media import numbered_picture, tone

from avdemo.errors import Cancelled, InputError, StorageError
from avdemo.media import (
    clean_workdirs,
    disk_guard,
    new_workdir,
    replace_audio,
    stem_of,
    write_png,
    write_video,
    write_wav,
    writing,
)


@pytest.fixture
def root(tmp_path, limits):
    limits(WORK=tmp_path / "jobs", WORK_HOURS=1)
    return tmp_path / "jobs"


def test_every_job_has_a_fresh_private_folder_with_a_telling_name(root):
    first, second = new_workdir("isolate"), new_workdir("isolate")
    assert first != second and first.parent == second.parent == root
    assert first.is_dir() and first.name.startswith("isolate-")
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    assert new_workdir("Été à la plage/../x.mp4").name.startswith("Ete-a-la-plage-x-mp4-")
    assert new_workdir("///").name.startswith("job-") and new_workdir("x" * 500).is_dir()


def age(folder, hours):
    then = time.time() - hours * 3600
    for entry in (*folder.rglob("*"), folder):
        os.utime(entry, (then, then))


def test_cleaning_removes_old_jobs_and_nothing_else(root):
    assert clean_workdirs() == 0
    old, busy, fresh = new_workdir("old"), new_workdir("busy"), new_workdir("fresh")
    for job in (old, busy):
        (job / "sub").mkdir()
        (job / "sub" / "a.wav").write_bytes(b"x")
        age(job, 2)
    (busy / "sub" / "b.wav").write_bytes(b"x")  # still being written to
    others = root / "someone-else"
    others.mkdir()
    (root / "note.txt").write_text("keep")
    age(others, 50)
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / ".avdemo-job").touch()
    age(outside, 50)
    (root / "link").symlink_to(outside)
    assert clean_workdirs() == 1
    assert sorted(entry.name for entry in root.iterdir()) == sorted([busy.name, fresh.name, "link", "note.txt", "someone-else"])
    assert outside.is_dir()


def test_work_folder_that_cannot_be_made(tmp_path, limits):
    (tmp_path / "file").touch()
    limits(WORK=tmp_path / "file" / "jobs")
    with pytest.raises(StorageError, match=r"jobs could not be written \(Not a directory\)"):
        new_workdir("a")


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "résultat.txt"
    with writing(target) as partial:
        partial.write_text("done")
        assert not target.exists() and partial.suffix == ".txt"
    assert target.read_text() == "done"
    for error in (Cancelled(), ValueError("bug"), KeyboardInterrupt()):
        with pytest.raises(type(error)), writing(target) as partial:
            partial.write_text("half")
            raise error
        assert [entry.name for entry in target.parent.iterdir()] == ["résultat.txt"] and target.read_text() == "done"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "The disk is full, so a.wav could not be written; free some space, or set AVDEMO_WORK"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EACCES, "a.wav could not be written: there is no permission to write in the folder out"),
        (errno.EROFS, "a.wav could not be written: there is no permission"),
        (errno.EIO, "a.wav could not be written (Input/output error)"),
    ],
)
def test_disk_trouble_is_a_sentence(tmp_path, code, sentence):
    with pytest.raises(StorageError) as error, disk_guard(tmp_path / "out" / "a.wav"):
        raise OSError(code, os.strerror(code))
    assert str(error.value).startswith(sentence) and str(error.value).endswith(".")


def frames(count=40):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (120, 160, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize("kind", ["wav", "png", "video", "replace"])
def test_a_disk_that_fills_up_while_writing_leaves_no_partial_file(tmp_path, clip, kind):
    writers = {
        "wav": lambda path: write_wav(path, tone(5.0), 44_100),
        "png": lambda path: write_png(path, frames(1)[0]),
        "video": lambda path: write_video(path, frames(), 25, tone(1.6), 44_100),
        "replace": lambda path: replace_audio(clip, path, np.random.default_rng(0).uniform(-1, 1, (2, 88_200)), 44_100),
    }
    out = tmp_path / "out"
    out.mkdir()
    # The system refuses to let any file of this process grow further, which is what a full disk or quota does.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StorageError) as error:
            writers[kind](out / "a.bin")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(error.value).startswith("The disk is full, so a.bin could not be written")
    assert list(out.iterdir()) == []


def test_an_error_while_making_frames_is_not_hidden_and_leaves_nothing(tmp_path):
    def broken():
        yield numbered_picture(0, (64, 48))
        raise InputError("The third picture is missing; draw it.")

    with pytest.raises(InputError, match=r"The third picture is missing"):
        write_video(tmp_path / "a.mp4", broken(), 25, tone(1.0), 44_100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Été à 2.mp4", "Été_à_2"),
        ("../../etc/passwd", "passwd"),
        ("a b  c.tar.mov", "a_b_c_tar"),
        ("?.mp4", "clip"),
        ("x" * 300 + ".mp4", "x" * 60),
        ("e\u0301.mp4", "é"),
    ],
)
def test_stems_are_fit_for_downloads(name, stem):
    assert stem_of(name) == stem
