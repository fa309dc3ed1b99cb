"""A folder of VEGAS: which kind a video is of, which split, and that it can be packed."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from tiny_foley_sounds import write_foley_data
from video_clips import write_clip

from avdemo.corpora.foley_pack import FoleyPack
from avdemo.corpora.pack_foley import FoleyPlan, pack_foley
from avdemo.corpora.vegas import STRANGE, kind_of, vegas_videos
from avdemo.errors import InputError


@pytest.fixture(scope="module")
def vegas(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vegas")
    first = write_clip(folder / "dog" / "videos" / "a_0.mp4", 1)
    for name in [f"dog/videos/a_{n}.mp4" for n in range(1, 20)] + ["Rail_Transport/b_0.mp4", "water_flowing/c_0.mp4", "cat/d_0.mp4"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(first, folder / name)
    return folder


def test_folders_say_the_kind() -> None:
    assert kind_of("baby_cry/x.mp4") == "baby_cry" and kind_of("data/Water-Flowing/videos/x.mp4") == "water"
    assert kind_of("rail_transport/x.mp4") == "rail" and kind_of("cat/dog.mp4") is None and kind_of("train/dog/x.mp4") == "dog"


def test_kinds_splits_and_report(vegas) -> None:
    videos, report = vegas_videos(vegas)
    dogs = [v for v in videos if v.kind == "dog"]
    assert {v.kind for v in videos} == {"dog", "rail", "water"} and len(dogs) == 20
    assert sum(v.split == "test" for v in dogs) == 2 and sum(v.split == "val" for v in dogs) == 1
    assert report.dropped[STRANGE] == ["cat/d_0.mp4"]
    assert [(v.video.name, v.split) for v in vegas_videos(vegas)[0]] == [(v.video.name, v.split) for v in videos]


def test_a_given_split_stays(vegas, tmp_path) -> None:
    for split in ("train", "test"):
        (tmp_path / split / "dog").mkdir(parents=True)
        shutil.copy(vegas / "dog" / "videos" / "a_0.mp4", tmp_path / split / "dog" / f"{split}.mp4")
        shutil.copy(vegas / "dog" / "videos" / "a_0.mp4", tmp_path / split / "dog" / f"{split}2.mp4")
    videos, _ = vegas_videos(tmp_path)
    assert {v.split for v in videos if "test" in v.video.name} == {"test"} and {v.kind for v in videos} == {"dog"}


def test_no_known_kind_is_refused(vegas, tmp_path) -> None:
    (tmp_path / "cat").mkdir()
    shutil.copy(vegas / "cat" / "d_0.mp4", tmp_path / "cat")
    with pytest.raises(InputError, match="baby_cry"):
        vegas_videos(tmp_path)


def test_its_videos_are_packed_as_clips_and_sounds(vegas, tmp_path) -> None:
    data = write_foley_data(tmp_path / "data")
    pack_foley(data, tmp_path / "pack", vegas=vegas, plan=FoleyPlan(made_printers=0, backgrounds=0, emoji=False))
    pack = FoleyPack(tmp_path / "pack")
    clips = [i for i, e in enumerate(pack.clips) if e["name"].startswith("vegas/")]
    sounds = [e for e in pack.sounds if e["source"] == "vegas"]
    assert len(clips) == len(sounds) == 22
    clip = pack.clip(clips[0])
    assert clip["frames"].shape[0] == 25 and len(clip["wav"]) == 25 * 1280 and np.ptp(clip["frames"][0].mean((0, 2))) > 5
