"""Single units of pool4: which are excited, and by which frames and which seconds of sound (paper, section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from avdemo.correspondence import figures
from avdemo.errors import InputError

if TYPE_CHECKING:
    from avdemo.correspondence.preparing import Prepared

Side = Literal["picture", "sound"]
APART_S = 1.0  # two moments of a clip nearer than this would show the same
FLAT = 1e-3  # a unit whose batch-norm scale is below this never moves


@dataclass(frozen=True)
class Moment:
    """A frame, or a second of sound, that excites a unit."""

    name: str  # of the file that is shown or heard
    clip: int  # its number in the list given
    time_s: float  # centre of the window; 0 for the frame of a still
    value: float  # the unit's activation after pool4, >= 0
    picture: np.ndarray = field(repr=False)  # (H, W, 3) uint8: frame or spectrogram, with heat where the unit is active
    wav: np.ndarray = field(repr=False)  # (1, samples) the second of sound around it
    sample_rate: int = 0


def n_units(prepared: Prepared, side: Side) -> int:
    """How many units the tower of this side has."""
    return _pooled(prepared, side).shape[1]


def strongest_units(prepared: Prepared, side: Side, time_s: float | None = None, count: int = 8) -> list[tuple[int, float]]:
    """The units that stand out most, at a moment or anywhere in the clip.

    Units differ in how far they swing; each is measured against its own mean and spread over the training pairs, which
    batch normalisation keeps.

    Returns:
        (unit, how many standard deviations its activation lies above the training mean), the strongest first.
    """
    pooled = _pooled(prepared, side)
    values = pooled.max(0) if time_s is None else pooled[prepared.window_at(time_s)]
    network = prepared.model.network
    norm = (network.vision if side == "picture" else network.audio).bn4_2
    scale, middle = norm.weight.detach().abs().cpu().numpy(), norm.bias.detach().cpu().numpy()
    strength = np.where(scale > FLAT, (values - middle) / np.maximum(scale, FLAT), -np.inf)
    order = np.argsort(-strength, kind="stable")[:count]
    return [(int(unit), float(strength[unit])) for unit in order if np.isfinite(strength[unit])]


def moments(clips: Sequence[Prepared], side: Side, unit: int, count: int = 6) -> list[Moment]:
    """What excites a unit most, over several clips, strongest first; moments of one clip at least a second apart.

    Fewer than ``count``, or none, where the unit is not active at all.

    Raises:
        InputError: no such unit.
    """
    found = []
    for number, clip in enumerate(clips):
        pooled = _pooled(clip, side)
        if not 0 <= unit < pooled.shape[1]:
            raise InputError(f"There is no unit {unit} on this side; they are numbered 0 to {pooled.shape[1] - 1}.")
        values = pooled[:1, unit] if clip.is_still and side == "picture" else pooled[:, unit]
        taken: list[float] = []
        for window in np.argsort(-values, kind="stable"):
            if len(taken) == count or values[window] <= 0:
                break
            time_s = float(clip.time_s[window])
            if all(abs(time_s - other) >= APART_S - 1e-6 for other in taken):
                taken.append(time_s)
                found.append((float(values[window]), number, int(window)))
    found.sort(key=lambda item: (-item[0], item[1], item[2]))
    found = found[:count]
    most = max([value for value, _, _ in found], default=0.0)
    return [_moment(clips[number], number, side, unit, window, value, most) for value, number, window in found]


def _pooled(prepared: Prepared, side: Side) -> np.ndarray:
    if side not in ("picture", "sound"):
        raise InputError(f"There is no side {side!r}; there are picture and sound.")
    return prepared.v if side == "picture" else prepared.a


def _moment(clip: Prepared, number: int, side: Side, unit: int, window: int, value: float, most: float) -> Moment:
    one = np.array([window])
    half = clip.model.network.config.samples // 2
    middle = round(float(clip.time_s[window]) * clip.sample_rate)
    wav = clip.wav[:, max(0, middle - half) : middle + half]
    wav = np.pad(wav, ((0, 0), (0, 2 * half - wav.shape[1])))
    if side == "picture":
        from avdemo.viz.heatmap import overlay

        row = int(clip.kept(one)[0])
        picture = overlay(clip.frames[row], _share(clip.vision_maps[row, unit], most))
    else:
        row = int(clip.kept_sound(one)[0])
        heat = _share(clip.audio_maps[row, unit], most)
        picture = figures.draw_sound(clip.model, wav, heat, title=f"Unit {unit}", is_unit=True, size=(640, 400))
    time_s = 0.0 if clip.is_still and side == "picture" else float(clip.time_s[window])
    name = clip.picture.name if side == "picture" else clip.sound_source.name
    return Moment(name, number, time_s, value, picture, wav, clip.sample_rate)


def _share(activation: np.ndarray, most: float) -> np.ndarray:
    """Activation in [0, 1] of the strongest shown, so that moments can be compared."""
    return activation.astype(np.float32) / most if most > 0 else np.zeros(activation.shape, np.float32)
