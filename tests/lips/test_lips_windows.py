"""Data, losses and recipes: what is drawn, what each switch does, and that every part learns on made data and assembles."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tiny_lips_pack import write_lips_pack

from avdemo.lips import objective, points_recipe
from avdemo.lips.config import LipsConfig, Switches
from avdemo.lips.windows import MIRRORED, Look, Windows, disturb_speech, silence

CONFIG, PAPER = LipsConfig.debug(), LipsConfig.debug_paper()
OFF = dict.fromkeys(("adversarial", "sync", "landmarks", "teacher"), False)
PIXELS = Switches(perceptual="", correlation="", **OFF)


# ---- what is drawn


def test_windows_come_from_their_split(pack) -> None:
    windows = Windows(pack, CONFIG, "train")
    drawn = windows.draw(np.random.default_rng(0), 300)
    assert {w.clip.split for w in drawn} == {"train"} and len({w.clip.number for w in drawn}) == len(windows.clips)
    assert all(0 <= w.first <= w.clip.frames - CONFIG.frames and 0 <= w.photo < w.clip.frames for w in drawn)
    assert len({w.photo - w.first for w in drawn}) > 10  # the photo is any frame of the clip
    held = Windows(pack, CONFIG, "val").held(3)
    assert held == Windows(pack, CONFIG, "val").held(3) and len({w.clip.speaker for w in held}) == 3
    with pytest.raises(ValueError, match="no nonsense clip"):
        Windows(pack, CONFIG, "nonsense")
    with pytest.raises(ValueError, match="px"):
        Windows(pack, LipsConfig.compact(), "train")


def test_windows_lie_where_something_is_said(pack, tmp_path) -> None:
    entries = json.loads((pack.folder / "clips.json").read_text())
    for entry in entries:
        entry["spoken"] = [16, 24]
    said = write_lips_pack(tmp_path, clips=16)
    (tmp_path / "clips.json").write_text(json.dumps(entries))
    said = type(said)(tmp_path)
    assert min(w.first for w in Windows(said, CONFIG, "train").draw(np.random.default_rng(0), 100)) >= 16 - CONFIG.frames // 2


def test_the_sound_of_a_window_is_that_of_its_frames(pack) -> None:
    windows = Windows(pack, CONFIG, "train")
    clip = windows.clips[0]
    bands, known = windows.speech(clip, 0, clip.frames)
    aside = CONFIG.speech.context * CONFIG.speech.columns
    assert known[:aside].sum() == known[-aside:].sum() == 0 and known[aside:-aside].all() and not bands[:aside].any()
    loud = bands[aside:-aside].mean(1).reshape(clip.frames, -1).mean(1)
    assert np.corrcoef(loud, points_recipe.opening(torch.from_numpy(pack.points[clip.place])).numpy())[0, 1] > 0.9
    late = Windows(pack, CONFIG, "train", lags={clip.name: 2})
    moved, known = late.speech(clip, 0, clip.frames)
    np.testing.assert_array_equal(moved[8:], bands[:-8])  # its mouth comes two frames late, so it hears what was two frames ago
    assert known[: aside + 8].sum() == 0 and known[aside + 8]


def test_a_mirror_moves_points_and_pixels_alike() -> None:
    import tiny_lips_pack

    points = tiny_lips_pack.mouth_films.mouth_points((13.0, 18.0), 18, 5, 0.1)
    frame = tiny_lips_pack.mouth_films.draw_mouth((32, 32), points)
    still = np.ones(3, np.float32)
    look = Look(True, (2, -1), still, 0 * still)
    shown, moved = look.frames(frame), look.points(points, 32)
    assert np.abs(shown[4:-4, 4:-4].astype(int) - tiny_lips_pack.mouth_films.draw_mouth((32, 32), moved)[4:-4, 4:-4]).mean() < 1
    assert moved[0, 0] < moved[6, 0] and list(np.array(MIRRORED)[list(MIRRORED)]) == list(range(20))
    brighter = Look(False, (0, 0), still, 0 * still + 30).frames(frame)
    assert (brighter.astype(int) - frame).mean() > 15


def test_disturbed_speech_is_another_of_the_same_and_silence_is_silent() -> None:
    bands = np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32)
    one, again = (disturb_speech(bands, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.shape == bands.shape and one.dtype == np.float32 and not np.allclose(one, bands)
    assert (
        np.median([np.corrcoef(bands.mean(1), disturb_speech(bands, np.random.default_rng(s)).mean(1))[0, 1] for s in range(20)])
        > 0.7
    )
    assert silence(40, 16, np.random.default_rng(2)).mean() < -1


# ---- losses


def test_the_mouth_counts_more() -> None:
    points = torch.tensor([[10.0, 20.0], [22.0, 20.0]]).repeat(1, 10, 1)
    weight = objective.mouth_weights(points, 32)
    assert weight.shape == (1, 1, 32, 32) and float(weight.mean()) == pytest.approx(1)
    assert weight[0, 0, 20, 16] > 2 * weight[0, 0, 2, 2]


def test_adversarial_losses_are_those_of_the_paper() -> None:
    good, bad = torch.full((2, 1, 4), 9.0), torch.full((2, 1, 4), -9.0)
    assert objective.critic_loss(good, bad, bad, hinge=False) < 1e-3
    zero = torch.zeros(2, 1, 4)
    assert float(objective.critic_loss(zero, zero, zero, hinge=False)) == pytest.approx(2 * np.log(2))  # -log D - (log + log) / 2
    assert objective.generator_loss(good, hinge=False) < 1e-3 < objective.generator_loss(bad, hinge=False)
    two = torch.cat([good, bad], 1)  # real, and yet not matching
    assert float(objective.critic_loss(two, -two, two, hinge=True)) > float(
        objective.critic_loss(two.abs(), -two.abs(), two, hinge=True)
    )


def test_landmarks_and_motion_are_nothing_for_the_same() -> None:
    points = torch.rand(3, 5, 20, 2) * 32
    assert objective.landmark_loss(points, points, 32) == 0
    asked = torch.ones(3, 5)
    assert objective.motion_loss(points, points, asked, 32)[0].tolist() == [0, 0, 0]
    wrong = points.clone()
    wrong[1, 4] += 3
    losses, _, _ = objective.motion_loss(wrong, points, asked, 32)
    assert losses[1] > 0 == losses[0]
    asked[1, 4] = 0
    assert objective.motion_loss(wrong, points, asked, 32)[0].sum() == 0


def test_contrast_finds_the_places() -> None:
    seen = torch.nn.functional.normalize(torch.randn(4, 3, 16), dim=2)
    loss, right = objective.contrast_loss(seen, seen, torch.tensor(20.0))
    assert right == 1 and loss < 0.5
    shifted, wrong = objective.contrast_loss(seen, seen.roll(1, 1), torch.tensor(20.0))
    assert wrong < 0.5 and shifted > loss
    assert objective.sync_loss(seen, seen) < 1e-6
