"""Single units of pool4: which stand out, and what excites them."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from avdemo.correspondence import pipeline
from avdemo.errors import InputError


@pytest.mark.parametrize("side", ["picture", "sound"])
def test_strongest_units_are_measured_against_their_training_mean(clip, side) -> None:
    count = pipeline.n_units(clip, side)
    assert count == 8
    found = pipeline.strongest_units(clip, side, count=5)
    values = [value for _, value in found]
    assert len(found) == 5 and values == sorted(values, reverse=True) and len({unit for unit, _ in found}) == 5
    pooled = clip.v if side == "picture" else clip.a
    tower = clip.model.network.vision if side == "picture" else clip.model.network.audio
    scale, middle = tower.bn4_2.weight.detach().numpy(), tower.bn4_2.bias.detach().numpy()
    unit, value = found[0]
    assert value == pytest.approx((pooled[:, unit].max() - middle[unit]) / abs(scale[unit]), rel=1e-4)
    (unit, value), *_ = pipeline.strongest_units(clip, side, time_s=2.0, count=1)
    assert value == pytest.approx((pooled[6, unit] - middle[unit]) / abs(scale[unit]), rel=1e-4)


def test_units_that_never_move_are_not_strong(clip) -> None:
    network = clip.model.network
    other = type(network)(network.config).eval()
    other.load_state_dict(network.state_dict())
    other.vision.bn4_2.weight.data[0] = 0.0
    clip = dataclasses.replace(clip, model=dataclasses.replace(clip.model, network=other))
    assert 0 not in [unit for unit, _ in pipeline.strongest_units(clip, "picture", count=8)]


@pytest.mark.parametrize("side", ["picture", "sound"])
def test_moments_come_from_all_clips_strongest_first_and_apart(clip, still, side) -> None:
    unit = pipeline.strongest_units(clip, side, count=1)[0][0]
    found = pipeline.moments([clip, still], side, unit, count=4)
    assert found and [m.value for m in found] == sorted((m.value for m in found), reverse=True)
    pooled = [c.v if side == "picture" else c.a for c in (clip, still)]
    assert found[0].value == pytest.approx(max(float(p[:, unit].max()) for p in pooled))
    for number, prepared in enumerate((clip, still)):
        times = sorted(m.time_s for m in found if m.clip == number)
        assert all(b - a >= 1.0 - 1e-6 for a, b in pairwise(times))
        name = prepared.picture.name if side == "picture" else prepared.sound_source.name
        assert all(m.name == name for m in found if m.clip == number)
    for moment in found:
        assert moment.picture.dtype == np.uint8 and moment.picture.ndim == 3 and moment.value > 0
        assert moment.wav.shape == (1, clip.model.network.config.samples) and moment.sample_rate == clip.sample_rate


def test_a_still_has_one_frame_to_show(still) -> None:
    unit = pipeline.strongest_units(still, "picture", count=1)[0][0]
    (moment,) = pipeline.moments([still], "picture", unit)
    assert moment.time_s == 0.0 and moment.picture.shape == still.frames[0].shape
    assert len(pipeline.moments([still], "sound", pipeline.strongest_units(still, "sound", count=1)[0][0])) <= 2  # of 2 s


def test_the_heat_of_a_moment_lies_where_the_unit_is_active(clip) -> None:
    unit = pipeline.strongest_units(clip, "picture", count=1)[0][0]
    (moment,) = pipeline.moments([clip], "picture", unit, count=1)
    window = clip.window_at(moment.time_s)
    changed = np.abs(moment.picture.astype(int) - clip.frames[window]).sum(2)
    activation = clip.vision_maps[window, unit].astype(np.float32)
    hot = np.unravel_index(activation.argmax(), activation.shape)
    cell_h, cell_w = changed.shape[0] // activation.shape[0], changed.shape[1] // activation.shape[1]
    cells = changed.reshape(activation.shape[0], cell_h, activation.shape[1], cell_w).mean((1, 3))
    assert cells[hot] > 10


def test_a_unit_that_is_nowhere_active_has_no_moments(clip) -> None:
    quiet = dataclasses.replace(clip, v=np.zeros_like(clip.v))
    assert pipeline.moments([quiet], "picture", 0) == [] and pipeline.moments([], "sound", 0) == []


def test_units_and_sides_that_do_not_exist(clip) -> None:
    with pytest.raises(InputError, match="numbered 0 to 7"):
        pipeline.moments([clip], "sound", 8)
    with pytest.raises(InputError, match="no side 'smell'"):
        pipeline.strongest_units(clip, "smell")
