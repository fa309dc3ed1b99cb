"""What the fusion says about a prepared clip: how likely picture and sound belong together, and where. Milliseconds each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avdemo.errors import InputError

if TYPE_CHECKING:
    from avdemo.correspondence.preparing import Prepared

YES = 0.5  # where the network, trained on as many matches as mismatches, changes its mind
SURE = 0.1  # a mean this near to 0.5 is no verdict: it is what windows that disagree with each other give
PLACES_AT_ONCE = 60_000  # places for which the fusion is evaluated at once: its hidden layer takes 512 bytes for each


@dataclass(frozen=True)
class Scores:
    """How likely picture and sound belong together, second by second."""

    time_s: np.ndarray  # (T,) centres of the windows, on the picture's clock
    probability: np.ndarray  # (T,) float32 in [0, 1]
    mean: float  # over the windows in which something is heard
    verdict: str  # one sentence
    notes: list[str]  # sentences about what was left out and why
    is_silent: np.ndarray  # (T,) bool
    shift_s: float  # by how much the sound came later, as it was scored
    name: str  # "as it is", "sound 1.50 s later", "with the sound of ..."

    def as_dict(self) -> dict:
        """What scores.json holds."""
        return {
            "time_s": [round(float(t), 4) for t in self.time_s],
            "probability": [round(float(p), 5) for p in self.probability],
            "mean": round(self.mean, 5),
            "verdict": self.verdict,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Pairing:
    """Which window of which sound is heard with which frame."""

    seen: np.ndarray  # (T,) windows of the picture
    heard: np.ndarray  # (T,) windows of the sound
    sound: Prepared  # whose sound it is
    shift_s: float  # by how much the sound comes later, on the grid of windows


def check_shift(shift_s: float) -> None:
    """Raises InputError where a shift is no time at all."""
    if not np.isfinite(shift_s):
        raise InputError("The shift of the sound is not a number; give seconds, such as 1.5.")


def pair(prepared: Prepared, shift_s: float = 0.0, other: Prepared | None = None) -> Pairing:
    """Put the frames of a clip beside its own sound, ``shift_s`` later, or beside another clip's.

    Raises:
        InputError: nothing is left where both exist.
    """
    check_shift(shift_s)
    sound = other or prepared
    if sound.checkpoint["sha256"] != prepared.checkpoint["sha256"]:
        raise InputError(
            f"{prepared.name} and {sound.name} were heard by different models; prepare both with the same checkpoint."
        )
    if other is None:
        shift_s = round(shift_s / prepared.step_s) * prepared.step_s  # whole windows: exactly what is then heard in the film
    wanted = np.rint((prepared.time_s - shift_s - sound.time_s[0]) / sound.step_s).astype(np.int64)
    seen = np.flatnonzero((wanted >= 0) & (wanted < len(sound.time_s)))
    if not len(seen):
        raise InputError(
            f"With the sound shifted by {shift_s:+.2f} s nothing of {prepared.name} has both picture and sound; shift it by less."
        )
    return Pairing(seen, wanted[seen], sound, shift_s)


def scores(prepared: Prepared, *, shift_s: float = 0.0, other: Prepared | None = None) -> Scores:
    """How likely each second of sound belongs to the frame in its middle.

    Args:
        shift_s: the sound comes later by so much (earlier when negative); rounded to whole steps between windows.
        other: take the sound of this clip instead.

    Raises:
        InputError: the shift leaves nothing to score.
    """
    import torch

    both = pair(prepared, shift_s, other)
    network, device = prepared.model.network, prepared.model.device
    with torch.inference_mode():
        v = torch.from_numpy(prepared.v[both.seen]).to(device)
        a = torch.from_numpy(both.sound.a[both.heard]).to(device)
        probability = network.probability(v, a).cpu().numpy()
    time_s, is_silent = prepared.time_s[both.seen], both.sound.is_silent[both.heard]
    mean = float(probability[~is_silent].mean() if not is_silent.all() else probability.mean())
    notes = list(prepared.notes)
    if other is not None:
        notes += [note for note in other.notes if note not in notes]
    if abs(both.shift_s - shift_s) > 1e-3:
        notes.append(f"The sound was shifted by {both.shift_s:+.2f} s, the nearest whole step to {shift_s:+.2f} s.")
    if len(both.seen) < len(prepared.time_s):
        first_s, last_s = time_s[0] - prepared.window_s / 2, time_s[-1] + prepared.window_s / 2
        notes.append(f"Scored from {first_s:.2f} to {last_s:.2f} s, where this sound and the picture both exist.")
    if is_silent.any():
        where = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in stretches(time_s, is_silent, prepared.step_s))
        notes.append(f"There is silence around {where}; what the model says there means little and is left out of the average.")
    scored_s = min(time_s[-1] - time_s[0] + prepared.window_s, prepared.span_s[1] - prepared.span_s[0])
    verdict = _verdict(scored_s, probability, is_silent, mean)
    return Scores(time_s, probability, mean, verdict, notes, is_silent, both.shift_s, _name(both, other))


def _name(both: Pairing, other: Prepared | None) -> str:
    name = "as it is" if other is None else f"with the sound of {other.sound_source.name}"
    if abs(both.shift_s) < 1e-9:
        return name
    moved = f"{abs(both.shift_s):.2f} s {'later' if both.shift_s > 0 else 'earlier'}"
    return f"sound {moved}" if other is None else f"{name}, {moved}"


def stretches(time_s: np.ndarray, chosen: np.ndarray, step_s: float) -> list[tuple[float, float]]:
    """Runs of chosen windows as (first centre, last centre), each widened by half a step."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]])))
    return [(max(0.0, time_s[a] - step_s / 2), time_s[b - 1] + step_s / 2) for a, b in edges.reshape(-1, 2)]


def _verdict(scored_s: float, probability: np.ndarray, is_silent: np.ndarray, mean: float) -> str:
    if is_silent.all():
        return "Nothing can be heard here, so the model has nothing to judge."
    heard = probability[~is_silent]
    yes, count = int((heard >= YES).sum()), len(heard)
    windows = "the only window" if count == 1 else f"{yes} of {count} windows"
    if mean >= YES + SURE:
        words = "They belong together"
    elif mean <= YES - SURE:
        words = "They do not seem to belong together"
    else:
        words = "The model is not sure whether they belong together"
    said = f"the model says {'yes' if yes else 'no'} in {windows}" if count == 1 else f"the model says yes in {windows}"
    return f"{words}: {mean:.2f} on average over {scored_s:.1f} s ({said})."


def heat(prepared: Prepared, both: Pairing) -> np.ndarray:
    """Probability at each place of the picture for each pair: (T, h, w) float32 in [0, 1]."""
    import torch

    network, device = prepared.model.network, prepared.model.device
    rows = prepared.kept(both.seen)
    places = int(np.prod(prepared.vision_maps.shape[2:]))
    with torch.inference_mode():
        parts = []
        for part in _parts(len(rows), places):
            maps = torch.from_numpy(prepared.vision_maps[rows[part]]).to(device).float()
            a = torch.from_numpy(both.sound.a[both.heard[part]]).to(device)
            parts.append(network.where(maps, a).cpu().numpy())
    return np.concatenate(parts)


def sound_heat(prepared: Prepared, both: Pairing) -> np.ndarray:
    """Probability at each place of the spectrogram of each window for its frame: (T, f, t) float32 in [0, 1]."""
    import torch

    network, device = prepared.model.network, prepared.model.device
    rows = both.sound.kept_sound(both.heard)
    places = int(np.prod(both.sound.audio_maps.shape[2:]))
    with torch.inference_mode():
        parts = []
        for part in _parts(len(rows), places):
            maps = torch.from_numpy(both.sound.audio_maps[rows[part]]).to(device).float()
            v = torch.from_numpy(prepared.v[both.seen[part]]).to(device)
            parts.append(network.where_in_sound(maps, v).cpu().numpy())
    return np.concatenate(parts)


def _parts(count: int, places: int) -> list[slice]:
    size = max(1, PLACES_AT_ONCE // places)
    return [slice(first, first + size) for first in range(0, count, size)]


def _one(prepared: Prepared, time_s: float, shift_s: float, other: Prepared | None) -> Pairing:
    """The pair whose centre is nearest to ``time_s``."""
    if not 0 <= time_s <= prepared.duration_s + 1e-6:
        raise InputError(
            f"The time {time_s:g} s lies outside {prepared.picture.name}, which lasts {prepared.duration_s:.2f} s; give a time within it."
        )
    both = pair(prepared, shift_s, other)
    nearest = int(np.abs(prepared.time_s[both.seen] - time_s).argmin())
    return Pairing(both.seen[nearest : nearest + 1], both.heard[nearest : nearest + 1], both.sound, both.shift_s)


def where(prepared: Prepared, time_s: float = 0.0, *, shift_s: float = 0.0, other: Prepared | None = None) -> np.ndarray:
    """Where in the picture what sounds at a time is to be seen: (h, w) probabilities in [0, 1], cells covering the frame evenly.

    The fusion evaluated at each place of conv4 instead of at the maximum over all places; its frame is that of the nearest window.

    Raises:
        InputError: the time lies outside.
    """
    return heat(prepared, _one(prepared, time_s, shift_s, other))[0]


def where_in_sound(prepared: Prepared, time_s: float = 0.0, *, shift_s: float = 0.0, other: Prepared | None = None) -> np.ndarray:
    """Which parts of a second of sound belong to the frame: (f, t) probabilities in [0, 1], low frequencies first.

    Raises:
        InputError: the time lies outside.
    """
    return sound_heat(prepared, _one(prepared, time_s, shift_s, other))[0]


def embeddings(prepared: Prepared) -> dict[str, np.ndarray]:
    """What ``np.savez`` takes: pooled vectors with their times.

    Returns:
        ``time_s`` (T,) seconds; ``vision`` (T, Dv) and ``audio`` (T, Da) maxima of pool4's units; ``probability`` (T,);
        ``level_db`` (T,); ``vision_units`` (Dv,) and ``audio_units`` (Da,), the names of the columns; ``checkpoint``, its sha256.
    """
    return {
        "time_s": prepared.time_s.astype(np.float32),
        "vision": np.ascontiguousarray(prepared.v, np.float32),
        "audio": np.ascontiguousarray(prepared.a, np.float32),
        "probability": scores(prepared).probability,
        "level_db": prepared.level_db.astype(np.float32),
        "vision_units": np.array([f"vision.conv4_2.{k}" for k in range(prepared.v.shape[1])]),
        "audio_units": np.array([f"audio.conv4_2.{k}" for k in range(prepared.a.shape[1])]),
        "checkpoint": np.array(prepared.checkpoint["sha256"]),
    }
