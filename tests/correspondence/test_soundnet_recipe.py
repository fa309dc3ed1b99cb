"""SoundNet's teachers and a short training, on tiny arrays made here: a kind is a colour and a pitch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file as load_tensors
from safetensors.torch import save_file

from avdemo.checkpoints import load_file
from avdemo.corpora.pairs import ClipPack
from avdemo.corpora.scenes import PhotoPack
from avdemo.correspondence.config import KINDS
from avdemo.correspondence.soundnet import NONE, SoundNet, SoundNetConfig
from avdemo.correspondence.soundnet_recipe import SoundNetRecipe, train_soundnet
from avdemo.correspondence.soundnet_teachers import ObjectTeacher, judge_kinds, pictures_to_judge, squared, teach
from avdemo.errors import InputError, WeightsError
from avdemo.settings import get_settings
from avdemo.training.recipe import Recipe

CONFIG = SoundNetConfig.debug()
RATE = CONFIG.sample_rate
COLOURS = {"guitar": (230, 20, 20), "violin": (20, 20, 230), "": (120, 120, 120)}
HERTZ = {"guitar": 300.0, "violin": 1500.0, "baby_cry": 700.0}
GUITAR, VIOLIN, BABY = (KINDS.index(name) for name in ("guitar", "violin", "baby_cry"))


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch):
    monkeypatch.setenv("AVDEMO_DEVICE", "cpu")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def _tone(kind: str, seconds: float) -> np.ndarray:
    return np.round(3000 * np.sin(2 * np.pi * HERTZ[kind] * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def _packed(arrays: list[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """One flat array, and where each begins."""
    return np.concatenate([a.ravel() for a in arrays]), [0, *np.cumsum([a.size for a in arrays])[:-1].tolist()]


def write_pack(folder: Path) -> Path:
    """Photos of guitar, violin and of neither; sounds of these and of baby_cry; clips of baby_cry and of unknown things."""
    rng = np.random.default_rng(0)
    photos = [(kind, split) for kind in COLOURS for split in ("train",) * 5 + ("val", "test")]
    pixels = [np.full((40, 48, 4), (*COLOURS[kind], 255), np.uint8) for kind, _ in photos]
    pixels = [np.clip(p.astype(int) + rng.integers(-15, 16, (1, 1, 4)) * [1, 1, 1, 0], 0, 255).astype(np.uint8) for p in pixels]
    flat, starts = _packed(pixels)
    np.save(folder / "photos.npy", flat)
    shape = {"source": "web", "height": 40, "width": 48, "cut": False}
    entries = [{"instrument": k, "split": s, "start": at, **shape} for (k, s), at in zip(photos, starts, strict=True)]
    (folder / "photos.json").write_text(json.dumps(entries))

    sounds = [
        (kind, sort, split) for kind in HERTZ for sort, split in (("notes", "train"), ("render", "train"), ("notes", "val"))
    ]
    flat, starts = _packed([_tone(kind, 1.5) for kind, _, _ in sounds])
    np.save(folder / "sounds.npy", flat)
    entries = [
        {"instrument": k, "kind": sort, "split": s, "group": 0, "start": at, "length": round(1.5 * RATE)}
        for (k, sort, s), at in zip(sounds, starts, strict=True)
    ]
    (folder / "sounds.json").write_text(json.dumps(entries))

    clips = [("a.mp4", "baby_cry", "train", True), ("b.mp4", "other", "train", True), ("c.mp4", "other", "train", False)]
    clips += [("d.mp4", "baby_cry", "val", True), ("e.mp4", "other", "val", True), ("f.mp4", "other", "test", True)]
    frames, frame_starts = _packed([np.full((24, 32, 3), 40 * clip + 3 * t, np.uint8) for clip in range(6) for t in range(12)])
    np.save(folder / "clip_frames.npy", frames)
    waves, wave_starts = _packed([_tone("baby_cry", 2.0) for _ in clips])
    np.save(folder / "clip_sounds.npy", waves)
    entries = [
        {
            "clip": name, "cls": cls, "split": split, "has_sound": has_sound, "sound_start": wave_starts[i], "sound_length": 2 * RATE,
            "frames": [{"time_s": t / 4, "start": frame_starts[12 * i + t], "height": 24, "width": 32} for t in range(12)],
        }
        for i, (name, cls, split, has_sound) in enumerate(clips)
    ]  # fmt: skip
    (folder / "clips.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    return write_pack(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def init(tmp_path_factory) -> Path:
    """Random MobileNetV2 weights with the statistics of coloured pictures, so that colours differ in its features."""
    torch.manual_seed(0)
    teacher = ObjectTeacher()
    for module in teacher.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        teacher.net.features.train()(torch.rand(12, 3, 1, 1).expand(-1, -1, 96, 96) * 2 - 1)
    path = tmp_path_factory.mktemp("init") / "mobilenet.safetensors"
    save_file({key: value.half() if value.ndim > 1 else value for key, value in teacher.net.state_dict().items()}, path)
    return path


@pytest.fixture(scope="module")
def teachings(packed, init):
    return teach(packed, init)


@pytest.fixture(scope="module")
def recipe(packed, teachings):
    return SoundNetRecipe(CONFIG, packed, teachings, batch_size=6)


# ---- the teachers


def test_the_object_teacher_pads_as_it_was_trained(init) -> None:
    teacher = ObjectTeacher.from_file(init)
    strided = [m for m in teacher.net.features.modules() if isinstance(m, torch.nn.Conv2d) and m.stride == (2, 2)]
    assert len(strided) == 5
    picture = torch.rand(1, 3, 8, 8)
    by_hand = torch.nn.functional.conv2d(torch.nn.functional.pad(picture, (0, 1, 0, 1)), strided[0].weight, stride=2)
    torch.testing.assert_close(strided[0](picture), by_hand)
    features, objects = teacher(torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8))
    assert features.shape == (2, 1280) and objects.shape == (2, 1000)
    torch.testing.assert_close(objects.sum(1), torch.ones(2))


def test_other_weights_are_refused(init, tmp_path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.safetensors"):
        ObjectTeacher.from_file(tmp_path / "nowhere.safetensors")
    headless = tmp_path / "headless.safetensors"
    save_file({k: v for k, v in load_tensors(init).items() if not k.startswith("classifier")}, headless)
    with pytest.raises(WeightsError, match=r"headless\.safetensors"):
        ObjectTeacher.from_file(headless)
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(WeightsError, match=r"text\.safetensors"):
        ObjectTeacher.from_file(tmp_path / "text.safetensors")


def test_squared_takes_the_middle_on_white() -> None:
    rgba = np.zeros((10, 30, 4), np.uint8)
    rgba[:, 10:20] = (200, 10, 10, 255)
    middle = squared(Image.fromarray(rgba, "RGBA"), 10)
    assert middle.shape == (10, 10, 3) and (middle == (200, 10, 10)).all()
    assert (squared(Image.fromarray(np.zeros((6, 6, 4), np.uint8), "RGBA"), 6) == 255).all()


def test_which_pictures_are_judged(packed) -> None:
    pictures = pictures_to_judge(PhotoPack(packed, KINDS), ClipPack(packed))
    assert sum(clip < 0 for clip, _ in pictures) == 3 * 6  # no test photo
    assert {clip for clip, _ in pictures} == {-1, 0, 1, 3, 4}  # no clip without sound, none of the test
    assert [n for clip, n in pictures if clip == 0] == [0, 2, 4, 6, 8, 10]  # two of four frames a second


def test_a_learnt_picture_is_judged_by_a_regression_that_did_not_learn_it() -> None:
    rng = torch.Generator().manual_seed(0)
    features = torch.randn(60, 80, generator=rng)  # more numbers than pictures: noise can be learnt by heart
    labels = torch.randint(0, 2, (60,), generator=rng)
    learning = torch.arange(60) < 40
    answers = judge_kinds(features, labels, learning)
    torch.testing.assert_close(answers.sum(1), torch.ones(60))
    by_heart = judge_kinds(torch.cat([features, features[:40]]), torch.cat([labels, labels[:40]]), torch.arange(100) < 40)[60:]
    rows = torch.arange(40)
    assert (by_heart[rows, labels[:40]] > 0.5).all()  # a picture equal to a learnt one is known
    assert (answers[rows, labels[:40]] > 0.5).float().mean() < 0.8


def test_the_answers_are_kept(packed, init, teachings) -> None:
    assert teachings.objects.dtype == teachings.kinds.dtype == np.float16
    assert teachings.objects.shape == (18 + 4 * 6, 1000) and teachings.kinds.shape == (42, NONE + 1)
    assert teachings.photos_right == 1.0  # colours are easy
    named = [PhotoPack(packed, KINDS).entries[n]["instrument"] for clip, n in teachings.pictures if clip < 0]
    expected = [KINDS.index(name) if name else NONE for name in named]
    assert teachings.kinds[:18].argmax(1).tolist() == expected
    asked = []
    again = teach(packed, init, progress=lambda share, text: asked.append(share))
    assert not asked and np.array_equal(again.objects, teachings.objects) and np.array_equal(again.kinds, teachings.kinds)
    assert again.photos_right == teachings.photos_right and again.pictures == teachings.pictures


# ---- the recipe


def test_sound_and_picture_go_together(recipe, teachings) -> None:
    pairs = recipe.pairs
    assert pairs.kinds == sorted((GUITAR, VIOLIN, BABY)) and pairs.taught == {GUITAR, VIOLIN} and set(pairs.real) == {0, 1}
    rng = np.random.default_rng(0)
    for kind, name in ((GUITAR, "guitar"), (VIOLIN, "violin"), (BABY, "baby_cry")):
        pair = pairs.made(kind, rng)
        spectrum = np.abs(np.fft.rfft(pair.wav))
        assert pair.wav.shape == (RATE,) and pair.wav.dtype == np.float32 and abs(spectrum.argmax() - HERTZ[name]) <= 1
        if kind == BABY:  # no photo: a frame of a training clip of that kind
            assert teachings.pictures[pair.picture].clip == 0
        else:
            assert teachings.kinds[pair.picture].argmax() == kind
    for _ in range(20):
        pair = pairs.filmed(0, rng)
        clip, number = teachings.pictures[pair.picture]
        assert clip == 0 and number / 4 < 2.0 and pair.kind == BABY and pair.wav.shape == (RATE,)
    assert set(recipe.held_clip.tolist()) == {-1, 3, 4}


def test_the_second_of_sound_lies_around_the_frame(packed, teachings) -> None:
    """A sound whose loudness tells the time."""
    pairs = SoundNetRecipe(CONFIG, packed, teachings).pairs
    ramp = np.arange(2 * RATE, dtype=np.int16)  # sample number as value
    sounds = np.array(pairs.clips.sounds)
    sounds[: 2 * RATE] = ramp
    pairs.clips.sounds = sounds
    rng = np.random.default_rng(0)
    for _ in range(30):
        pair = pairs.filmed(0, rng)
        time_s = teachings.pictures[pair.picture].number / 4
        middle_s = (pair.wav[0] * 32768 + RATE / 2) / RATE
        assert abs(middle_s - np.clip(time_s, 0.5, 1.5)) <= 0.25 + 1e-3


def test_batches_are_decided_by_their_number(recipe) -> None:
    assert isinstance(recipe, Recipe)
    batch = recipe.batches(3, 0, 1)
    assert {k: tuple(v.shape) for k, v in batch.items()} == {"wav": (6, RATE), "objects": (6, 1000), "kinds": (6, NONE + 1)}
    again = recipe.batches(3, 0, 1)
    halves = [recipe.batches(3, rank, 2) for rank in range(2)]
    for name, values in batch.items():
        assert torch.equal(values, again[name]) and torch.equal(values, torch.cat([half[name] for half in halves]))
    torch.testing.assert_close(batch["objects"].sum(1), torch.ones(6))
    assert not torch.equal(batch["wav"], recipe.batches(4, 0, 1)["wav"])


def test_the_student_learns_which_pitch_has_which_picture(recipe) -> None:
    torch.manual_seed(0)
    student = recipe.build().train()
    before = recipe.validate(student.eval())
    optimizer = torch.optim.Adam([{**group, "lr": 5e-3} for group in recipe.parameter_groups(student)])
    student.train()
    for step in range(60):
        loss, _ = recipe.loss(student, recipe.batches(step, 0, 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    after = recipe.validate(student.eval())
    assert set(after) == {"score", "kind_right", "kl", "margin", "clips_margin"}
    assert after["kl"] < before["kl"] and after["margin"] > before["margin"] + 0.1
    assert after["score"] == after["kind_right"] == 1.0


def test_training_writes_a_student_that_names_its_teachers(packed, init, teachings, tmp_path) -> None:
    out = tmp_path / "soundnet.safetensors"
    result = train_soundnet(packed, out, init=init, steps=2, config=CONFIG)
    assert result.stopped == "done" and result.steps_done == 2
    loaded = load_file(out)
    student = SoundNet(SoundNetConfig.from_dict(loaded.config))
    student.load_state_dict(loaded.state)
    assert "ImageNet" in loaded.metadata["teachers"]["objects"] and "Places" in loaded.metadata["teachers"]["kinds"]
    assert loaded.metadata["teachers"]["kinds_right_on_validation_photos"] == 1.0
    assert loaded.metadata["kinds"] == [*KINDS, "none"] and loaded.metadata["recipe"] == "correspondence-soundnet"


def test_what_is_missing_is_named(packed, init, tmp_path) -> None:
    with pytest.raises(InputError, match=r"photos\.json"):
        train_soundnet(tmp_path, tmp_path / "x.safetensors", init=init)
    with pytest.raises(InputError, match=r"nowhere\.safetensors"):
        train_soundnet(packed, tmp_path / "x.safetensors", init=tmp_path / "nowhere.safetensors")
