"""Made pairs: the same number gives the same pair, motion falls where the sound is, silence stays, levels are kept."""

from __future__ import annotations

import numpy as np
import pytest
from bursts import RATE, bursts
from tiny_foley_sounds import write_foley_data

from avdemo.corpora import puppets
from avdemo.corpora.foley_pack import FoleyPack
from avdemo.corpora.pack_foley import FoleyPlan, pack_foley
from avdemo.corpora.photo_puppets import photo_puppet
from avdemo.corpora.puppets import SCENES, PairMaker
from avdemo.corpora.stage import VIEW, WORLD, Play
from avdemo.corpora.takes import Take, TakeMaker
from avdemo.dsp.onsets import envelope, onsets
from avdemo.errors import InputError
from avdemo.media.motion import GRID, flow, motion_energy

FPS, FRAMES = 12.5, 50
SCENE_CASES = [(kind, scene) for kind, scenes in SCENES.items() for scene in dict.fromkeys(scene for _, scene, _ in scenes)]


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> FoleyPack:
    home = tmp_path_factory.mktemp("foley")
    pack_foley(write_foley_data(home / "data"), home / "pack", plan=FoleyPlan(made_printers=2, backgrounds=0, emoji=False))
    return FoleyPack(home / "pack")


def _play(wav: np.ndarray, seed: int = 0, what: str = "") -> Play:
    times, force, bright = onsets(wav, RATE)
    ones = np.ones(FRAMES)
    take = Take(wav, what, times, force, bright, ones, 0 * ones)
    return Play.of(take, FRAMES, FPS, RATE, np.random.default_rng(seed))


def _film(draw, seed: int = 3) -> np.ndarray:
    ground = np.random.default_rng(seed).integers(60, 120, (WORLD // 8, WORLD // 8, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    frames = []
    for t in range(FRAMES):
        canvas = ground.copy()
        draw(canvas, t)
        frames.append(canvas)
    return np.stack(frames)


def _photo(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rgba = rng.integers(0, 256, (20, 24, 4)).repeat(6, 0).repeat(6, 1).astype(np.uint8)
    rgba[..., 3] = 255
    return rgba


@pytest.mark.parametrize(("kind", "scene"), SCENE_CASES, ids=lambda v: getattr(v, "__name__", v))
def test_nothing_stirs_in_silence(kind, scene) -> None:
    frames = _film(scene(_play(np.zeros(FRAMES * 1280, np.float32))))
    assert (frames == frames[0]).all()


@pytest.mark.parametrize("kind", SCENES)
@pytest.mark.parametrize("cut", [False, True])
def test_a_photo_lies_still_in_silence(kind, cut) -> None:
    frames = _film(photo_puppet(kind, _photo(), cut, _play(np.zeros(FRAMES * 1280, np.float32))))
    assert (frames == frames[0]).all()


@pytest.mark.parametrize(("kind", "scene"), [c for c in SCENE_CASES if c[0] in ("drum", "dog")], ids=lambda v: getattr(v, "__name__", v))
def test_motion_bursts_within_one_frame_of_an_onset(kind, scene) -> None:
    truth = (0.9, 2.03, 3.1)
    energy = np.mean([motion_energy(flow(_film(scene(_play(bursts(truth, 4.0, 0.4), seed))))) for seed in range(3)], 0)
    for onset in truth:
        first = int(np.ceil(onset * FPS - 1e-6))  # the first frame on which it has happened
        around = energy[first - 4 : first + 6]
        assert abs(int(around.argmax()) - 4) <= 1, np.round(around, 3)


@pytest.mark.parametrize("kind", ["drum", "dog", "fireworks"])
def test_photos_burst_within_one_frame_of_an_onset(kind) -> None:
    truth = (0.9, 2.03, 3.1)
    film = _film(photo_puppet(kind, _photo(), kind == "dog", _play(bursts(truth, 4.0, 0.4), 1)))
    change = np.abs(np.diff(film.astype(int), axis=0)).mean((1, 2, 3))  # from frame k to k + 1
    for onset in truth:
        first = int(np.ceil(onset * FPS - 1e-6))
        around = change[first - 4 : first + 4]
        assert abs(int((around > 0.5 * around.max()).argmax()) - 3) <= 1, np.round(around, 1)


@pytest.mark.parametrize("kind", ["drum", "dog", "baby_cry"])
def test_motion_follows_loudness_and_not_that_of_another_sound(pack, kind, monkeypatch) -> None:
    monkeypatch.setattr(puppets, "SILENCES", 0.0)
    maker = PairMaker(pack, "train", stills=0, real=0, seed=1)
    maker.kinds = [kind]
    pairs = [maker.item(i) for i in range(8)]
    loud = [np.sqrt(envelope(p["wav"], RATE, FPS, FRAMES)) for p in pairs]
    moved = [motion_energy(p["flow"]) for p in pairs]

    def agreement(shift: int) -> float:
        return float(np.mean([np.corrcoef(loud[i][1:], moved[(i + shift) % 8][1:])[0, 1] for i in range(8)]))

    assert agreement(0) > 0.25
    assert agreement(0) > np.mean([agreement(shift) for shift in range(1, 8)]) + 0.15


def test_a_pair_is_what_it_promises(pack) -> None:
    maker = PairMaker(pack, "train", seed=4)
    seen = set()
    for index in range(16):
        pair = maker.item(index)
        seen.add(pack.kinds[pair["kind"]])
        assert pair["wav"].shape == (FRAMES * 1280,) and pair["wav"].dtype == np.float32 and np.abs(pair["wav"]).max() <= 1
        assert pair["frames"].shape == (FRAMES, VIEW, VIEW, 3) and pair["frames"].dtype == np.uint8
        assert pair["flow"].shape == (FRAMES, GRID, GRID, 2) and pair["flow"].dtype == np.float32
        assert pair["onsets_s"] == sorted(pair["onsets_s"]) and all(0 <= t < 4 for t in pair["onsets_s"])
        assert pair["still"] == (not pair["flow"].any()) or not pair["still"]
    assert len(seen) >= 5


def test_the_same_number_gives_the_same_pair(pack) -> None:
    one, two = PairMaker(pack, "train", seed=7), PairMaker(pack, "train", seed=7)
    two.item(5)  # what was made before does not matter
    for index in (0, 1, 2, 11):
        a, b = one.item(index), two.item(index)
        assert all(np.array_equal(a[key], b[key]) for key in ("wav", "frames", "flow")) and a["onsets_s"] == b["onsets_s"]
    other = PairMaker(pack, "train", seed=8).item(0)
    assert not np.array_equal(other["wav"], one.item(0)["wav"])


def test_stills_do_not_move_and_sound_all_the_same(pack, monkeypatch) -> None:
    monkeypatch.setattr(puppets, "SILENCES", 0.0)
    maker = PairMaker(pack, "train", stills=1.0, real=0, seed=2)
    for index in range(6):
        pair = maker.item(index)
        assert pair["still"] and (pair["frames"] == pair["frames"][0]).all() and not pair["flow"].any() and pair["wav"].any()


def test_silent_pairs_have_a_moving_camera_and_no_sound(pack, monkeypatch) -> None:
    monkeypatch.setattr(puppets, "SILENCES", 1.0)
    pair = PairMaker(pack, "train", real=0, seed=2).item(0)
    assert not pair["wav"].any() and not pair["still"] and pair["onsets_s"] == []


def test_a_split_hears_only_its_own_recordings(pack) -> None:
    for split in ("train", "val", "test"):
        takes = TakeMaker(pack, split, FRAMES, FPS, FRAMES * 1280)
        heard = {pack.sounds[i]["split"] for groups in takes._groups.values() for group in groups for i in group}
        maker = PairMaker(pack, split)
        shown = {pack.photos[i]["split"] for photos in maker._photos.values() for i in photos}
        assert heard == {split} and shown <= {split}
        assert {pack.clips[i]["split"] for i in maker._clips} <= {split}


def test_levels_are_kept(pack) -> None:
    """Held-out windows are stretches of the packed recording, bit by bit, never made louder."""
    takes = TakeMaker(pack, "test", FRAMES, FPS, FRAMES * 1280)
    number = pack.sounds_of("chainsaw", "test")[0]
    whole = pack.wav(number)
    for seed in range(12):
        take = takes.draw("chainsaw", np.random.default_rng(seed))
        assert np.abs(take.wav).max() <= np.abs(whole).max() + 1e-6
    quiet, loud = (_play(bursts([1.0], 4.0, level)).loud.max() for level in (0.05, 0.4))
    assert loud > 1.8 * quiet > 0


def test_what_goes_by_is_loudest_where_it_is_nearest(pack) -> None:
    takes = TakeMaker(pack, "test", FRAMES, FPS, FRAMES * 1280)
    passing = [t for seed in range(60) if (t := takes.draw("helicopter", np.random.default_rng(seed))).passing]
    assert passing
    for take in passing:
        nearest = int(take.near.argmax())
        assert take.near.max() <= 1 + 1e-9 and abs(take.side[nearest]) < 0.1
        assert np.all(np.diff(take.near[: nearest + 1]) >= -1e-9) and np.all(np.diff(take.near[nearest:]) <= 1e-9)


def test_other_lengths_rates_and_sizes(pack) -> None:
    pair = PairMaker(pack, "val", frames=17, hop=640, picture_size=96, seed=1).item(3)
    assert pair["frames"].shape == (17, 96, 96, 3) and len(pair["wav"]) == 17 * 640 and len(pair["flow"]) == 17


def test_real_clips_are_cut_with_their_own_sound(pack) -> None:
    split = pack.clips[0]["split"]
    maker = PairMaker(pack, split, frames=8, real=1.0, seed=0)
    pair = maker.item(0)
    assert pair["made_of"] == "real" and len(pair["frames"]) == 8 and len(pair["wav"]) == 8 * 1280 and not pair["flow"][0].any()


def test_clips_of_other_things_are_of_no_kind_and_come_only_where_they_are_asked_for(pack) -> None:
    usual = PairMaker(pack, "train", frames=8, real=1.0, seed=0)
    strange = PairMaker(pack, "train", frames=8, real=0.0, strange=1.0, seed=0)
    both = PairMaker(pack, "train", frames=8, real=0.5, strange=0.5, seed=0)
    kinds = [{maker.item(index)["kind"] for index in range(12)} for maker in (usual, strange, both)]
    dog, other = pack.kinds.index("dog"), len(pack.kinds)
    assert kinds == [{dog}, {other}, {dog, other}] and strange.kind_of(0) is None
    pair = strange.item(0)
    assert pair["made_of"] == "real" and pair["recording"] == "clips/other/street.mp4"
    assert pair["wav"].any() and not pair["flow"][0].any()
    held = PairMaker(pack, "test", frames=8, real=0.0, strange=1.0, seed=0)  # there are none to be held out
    assert all(held.kind_of(index) is not None and held.item(index)["kind"] < other for index in range(4))


def test_a_pair_names_the_recordings_that_its_sound_was_cut_from(pack, monkeypatch) -> None:
    maker = PairMaker(pack, "train", frames=8, real=0.2, seed=5)
    groups = {(e["group"], e["kind"]) for e in pack.sounds if e["split"] == "train"}
    named = set()
    for index in range(20):
        pair = maker.item(index)
        if not pair["wav"].any():
            continue
        if pair["made_of"] == "real":
            assert pair["recording"] == "clips/dog/yard.mp4"
        else:
            assert (pair["recording"], pack.kinds[pair["kind"]]) in groups
        named.add(pair["recording"])
    assert len(named) > 5 and "clips/dog/yard.mp4" in named
    monkeypatch.setattr(puppets, "SILENCES", 1.0)
    assert PairMaker(pack, "train", frames=8, real=0, seed=2).item(0)["recording"] == ""


def test_a_split_without_sounds_is_refused(pack) -> None:
    with pytest.raises(InputError, match="no sounds"):
        PairMaker(pack, "none")
