"""Composed scenes: decided by seed and number, and their labels say what is where."""

import numpy as np
import pytest
from tiny_pack import write_photos

from avdemo.corpora.scenes import GROUND, UNSURE, PhotoPack, SceneMaker

NAMES = ("red", "green", "blue")  # the strongest channel of a place tells the class, however the photo was varied


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> PhotoPack:
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder, NAMES, cut=False)
    return PhotoPack(folder, NAMES)


@pytest.fixture(scope="module")
def scenes(pack):
    maker = SceneMaker(pack, "train", size=128, seed=3)
    return [maker.scene(i) for i in range(60)]


def test_pack_gives_back_pictures_and_finds_them(pack) -> None:
    assert len(pack.where("train", "red")) == 2 and len(pack.where("val", "red")) == 1
    assert len(pack.where("train", None)) == 2 * 3 + 6 and len(pack.where("train", "", ("everyday", "drawn"))) == 3
    picture = pack.picture(pack.where("val", "green")[0])
    assert picture.size == (48, 60) and picture.getpixel((20, 30)) == (20, 230, 20, 255)


def test_a_scene_is_decided_by_seed_and_number_alone(pack, scenes) -> None:
    again = SceneMaker(pack, "train", size=128, seed=3)
    for number in (41, 7):  # in another order
        scene = again.scene(number)
        assert (scene.frame == scenes[number].frame).all() and (scene.things == scenes[number].things).all()
        assert scene.classes == scenes[number].classes
    other = SceneMaker(pack, "train", size=128, seed=4)
    assert any((other.scene(i).frame != scenes[i].frame).any() for i in range(3))


def test_shapes_and_labels(scenes) -> None:
    counts = {len(s.classes) for s in scenes}
    assert counts == {1, 2, 3}
    for scene in scenes:
        assert scene.frame.shape == (128, 128, 3) and scene.frame.dtype == np.uint8
        assert scene.things.shape == (8, 8)
        assert set(np.unique(scene.things)) <= {UNSURE, GROUND, *range(len(scene.classes))}
        assert len(set(scene.classes)) == len(scene.classes)
    assert any((s.things == GROUND).any() for s in scenes) and not all((s.things == GROUND).any() for s in scenes)


def test_labelled_places_show_the_thing(scenes) -> None:
    shows, asked, missing, things = 0, 0, 0, 0
    for scene in scenes:
        for number, cls in enumerate(scene.classes):
            where = np.argwhere(scene.things == number)
            things += 1
            missing += not len(where)
            for y, x in where:
                tile = scene.frame[16 * y : 16 * y + 16, 16 * x : 16 * x + 16].reshape(-1, 3).mean(0)
                shows += int(tile.argmax() == cls)
                asked += 1
    assert shows / asked > 0.95
    assert missing / things < 0.1  # hidden behind another


def test_ground_is_where_no_thing_is(pack) -> None:
    maker = SceneMaker(pack, "train", size=64, stride=16)
    cover = np.zeros((64, 64), np.float32)
    cover[16:32, 16:32] = 1
    cover[16:32, 32:40] = 1  # half a place more
    sure, near = maker._labels(cover)
    assert np.argwhere(sure).tolist() == [[1, 1]]
    assert not near[3].any() and near[0].tolist() == [False, True, True, False]  # touched places and their neighbours are not asked
    sliver = np.zeros((64, 64), np.float32)
    sliver[0:16, 0:3] = 1  # a thing too thin to fill any place is where it fills most
    assert np.argwhere(maker._labels(sliver)[0]).tolist() == [[0, 0]]


def test_validation_scenes_show_held_out_pictures_only(pack, monkeypatch) -> None:
    shown: list[int] = []
    read = PhotoPack.picture
    monkeypatch.setattr(PhotoPack, "picture", lambda self, index: shown.append(index) or read(self, index))
    maker = SceneMaker(pack, "val", size=64, seed=1)
    for number in range(20):
        maker.scene(number)
    splits = {pack.entries[i]["split"] for i in shown if pack.entries[i]["instrument"]}
    assert splits == {"val"}
