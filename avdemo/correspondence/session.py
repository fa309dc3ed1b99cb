"""What the Match tab does between two events, without a word of Gradio.

A :class:`Desk` is the heavy part (what the two towers saw and heard, kept on a shelf on the server); the session's own state is a
small dictionary of plain values. Moving a knob costs only the fusion, so it is answered at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avdemo import media
from avdemo.errors import InputError
from avdemo.media import stem_of

if TYPE_CHECKING:
    from avdemo.correspondence.pipeline import Prepared, Scores

State = dict[str, Any]
Call = Callable[..., Any]

KEPT_CLIPS = 4  # of one session, for the unit browser
KEPT_BYTES = 250e6  # for all of them together
STRONGEST = 8  # units that are offered by name
SECOND_SIZE = (960, 660)  # px of the spectrogram of one second
PICTURE, SOUND = SIDES = ("picture", "sound")
OWN = ""  # the sound of the clip itself
EXAMPLE = "example "  # + number: the sound of an example


class Desk:
    """One prepared pair, the sounds it was compared with, and what this session looked at before. Safe in several threads.

    Args:
        prepared: from ``pipeline.prepare``.
        earlier: the desk that this one takes the place of.
    """

    def __init__(self, prepared: Prepared, earlier: Desk | None = None) -> None:
        from avdemo.correspondence import pipeline

        self.prepared = prepared
        self.own: Scores = pipeline.scores(prepared)
        self.clips = _fitting(distinct([prepared, *(earlier.clips if earlier else [])]))
        self._others: dict[str, Prepared] = {}
        self._lock = threading.Lock()

    @property
    def furthest_s(self) -> float:
        """How far the sound can be shifted so that a window is left: 0 for a still, which has no time."""
        prepared = self.prepared
        room = 0.0 if prepared.is_still else float(prepared.time_s[-1] - prepared.time_s[0])
        return min(5.0, max(0, int(room / prepared.step_s + 1e-6)) * prepared.step_s)

    def other(self, swap: str, make: Call) -> Prepared | None:
        """The clip whose sound is to be heard instead; ``make(swap)`` prepares it when it is asked for the first time."""
        if swap == OWN:
            return None
        with self._lock:
            if swap in self._others:
                return self._others[swap]
        found = make(swap)
        with self._lock:
            self._others = {swap: found}  # one at a time: they are large
        return found

    def compare(self, shift_s: float, other: Prepared | None) -> list[Scores]:
        """The scores as the clip is, and, when something was changed, with the sound later or another one."""
        if not is_changed(shift_s, other):
            return [self.own]
        from avdemo.correspondence import pipeline

        return [self.own, pipeline.scores(self.prepared, shift_s=shift_s, other=other)]

    def frame(self, time_s: float, shift_s: float, other: Prepared | None, opacity: float) -> np.ndarray:
        """The picture of a moment with the heat of what is heard there: uint8 (H, W, 3)."""
        from avdemo.correspondence import pipeline

        time_s = self.inside(time_s)
        return pipeline.where_picture(self.prepared, time_s=time_s, shift_s=shift_s, other=other, opacity=opacity)

    def second(self, time_s: float, shift_s: float, other: Prepared | None) -> np.ndarray:
        """The second of sound heard at a moment, and which parts of it belong to the frame: uint8 (H, W, 3)."""
        from avdemo.correspondence import figures, pipeline, scoring

        time_s = self.inside(time_s)
        both = scoring.pair(self.prepared, shift_s, other)
        nearest = int(np.abs(self.prepared.time_s[both.seen] - time_s).argmin())
        wav = window(both.sound, int(both.heard[nearest]))
        heat = pipeline.where_in_sound(self.prepared, time_s, shift_s=shift_s, other=other)
        return figures.draw_sound(both.sound.model, wav, heat, title="What of it belongs to the frame", size=SECOND_SIZE)

    def inside(self, time_s: float) -> float:
        """The nearest moment that the clip has."""
        return min(max(float(time_s), 0.0), self.prepared.duration_s)

    def strongest(self, side: str, time_s: float) -> list[tuple[int, float]]:
        """The units that stand out at a moment, with how many standard deviations they lie above the ordinary."""
        from avdemo.correspondence import pipeline

        return pipeline.strongest_units(self.prepared, side, self.inside(time_s), STRONGEST)

    def units(self, side: str) -> int:
        """How many units the tower of this side has."""
        from avdemo.correspondence import pipeline

        return pipeline.n_units(self.prepared, side)


def window(clip: Prepared, number: int) -> np.ndarray:
    """The sound of a window, (1, samples), filled up with silence where the clip ends."""
    samples = clip.model.network.config.samples
    start = max(0, round(float(clip.time_s[number]) * clip.sample_rate) - samples // 2)
    wav = clip.wav[:, start : start + samples]
    return np.pad(wav, ((0, 0), (0, samples - wav.shape[1])))


def is_changed(shift_s: float, other: Prepared | None) -> bool:
    """Whether what is heard is not what belongs there."""
    return other is not None or abs(shift_s) > 1e-9


def distinct(clips: Sequence[Prepared]) -> list[Prepared]:
    """Each clip once, the first of those that are made of the same files."""
    seen: dict[tuple, Prepared] = {}
    for clip in clips:
        seen.setdefault(_files_of(clip), clip)
    return list(seen.values())


def _files_of(clip: Prepared) -> tuple[str, int]:
    """What tells clips apart: an upload is another path each time."""
    return clip.name, clip.info.size_bytes


def _fitting(clips: list[Prepared]) -> list[Prepared]:
    """The newest clip and as many older ones as memory should hold."""
    kept, taken = clips[:1], 0
    for clip in clips[1:KEPT_CLIPS]:
        taken += clip.vision_maps.nbytes + clip.audio_maps.nbytes + clip.wav.nbytes
        if taken > KEPT_BYTES:
            break
        kept.append(clip)
    return kept


class Library:
    """The examples, prepared once for all sessions when somebody asks for them.

    Args:
        examples: entries of ``examples.json``, see :func:`offered`.
        prepare: ``prepare(picture, sound, progress=..., cancelled=...)``.
    """

    def __init__(self, examples: Sequence[dict[str, Any]], prepare: Call) -> None:
        self.examples = examples
        self._prepare = prepare
        self._ready: dict[int, Prepared] = {}
        self._lock = threading.Lock()

    def get(self, number: int, **hooks: Any) -> Prepared:
        """One example, prepared."""
        with self._lock:
            if number not in self._ready:
                example = self.examples[number]
                self._ready[number] = self._prepare(example["file"], example.get("sound"), **hooks)
            return self._ready[number]

    def all(self, progress: Call | None = None, cancelled: Call | None = None) -> list[Prepared]:
        """All of them; the wait is for the first person only."""
        count = len(self.examples)

        def part(number: int) -> Call:
            return lambda share, text: progress and progress((number + share) / count, f"Example {number + 1} of {count}: {text}")

        return [self.get(n, progress=part(n), cancelled=cancelled) for n in range(count)]

    def title(self, clip: Prepared) -> str:
        """How a clip is called on the page: an example by its title, all else by its file."""
        titles = {_files_of(ready): self.examples[number]["title"] for number, ready in list(self._ready.items())}
        return titles.get(_files_of(clip), clip.name)


def offered(examples: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The examples whose files are all there, with absolute paths; what an example hears is under "sound" where it is apart."""
    found = []
    for example in examples:
        sound = folder / example["sound"] if example.get("sound") else None
        if sound is None or sound.is_file():
            found.append({**example, "sound": str(sound) if sound else None})
    return found


# ---- the session's own state: plain and small, so that it may be copied and kept for hours --------------------------------


def new_state(prepared: Prepared, token: str, sentence: str = "", title: str = "") -> State:
    """The state of a session that has just prepared a pair; ``token`` leads to its :class:`Desk`.

    Args:
        sentence, title: of an example: what it should show, how it is called.
    """
    picture, sound = prepared.picture, prepared.sound  # in this order, however they were given
    stem = stem_of(picture) if sound is None else f"{stem_of(picture)[:40]}_with_{stem_of(sound)[:40]}"
    return {
        "token": token, "picture": str(picture), "sound": str(sound) if sound else None, "step_s": prepared.step_s, "stem": stem,
        "folder": str(media.new_workdir("match")), "shift_s": 0.0, "swap": OWN, "swap_name": "", "sentence": sentence,
        "title": title, "fresh": True, "files": {}, "moments": [],
    }  # fmt: skip


def with_change(state: State, shift_s: float, swap: str, swap_name: str) -> State:
    """The state with another shift and another sound; files that told of the change before are forgotten."""
    files = {key: path for key, path in state["files"].items() if "_" not in key}
    return {**state, "shift_s": shift_s, "swap": swap, "swap_name": swap_name, "files": files}


def with_file(state: State, kind: str, path: Path, changed: bool = True) -> State:
    """The state with one more file to download, or a newer one.

    Args:
        changed: the file tells of the sound as it now is, shifted or swapped, and not of the clip alone.
    """
    return {**state, "files": {**state["files"], kind + (suffix_of(state) if changed else ""): str(path)}}


def suffix_of(state: State) -> str:
    """What the names of files say about the change: "", "_sound-1.50s-later", "_with-Drums"."""
    shift_s = state["shift_s"]
    moved = f"_sound-{abs(shift_s):.2f}s-{'later' if shift_s > 0 else 'earlier'}" if abs(shift_s) > 1e-9 else ""
    return (f"_with-{stem_of(state['swap_name'])[:40]}" if state["swap"] != OWN else "") + moved


def merge(live: State, before: State, after: State, turn: int = 0) -> bool:
    """Bring into the session what one answer changed, ``before`` to ``after``; others may have changed it in the meantime.

    Args:
        turn: of answers that replace each other, when this one was asked for; 0 for all others.

    Returns:
        Whether the answer still counts; not when it is about a pair that is gone, or when a later turn was answered before it.
    """
    if after["folder"] != before.get("folder"):  # another pair
        live.clear()
        live.update(after)
        return True
    if live.get("folder") != after["folder"] or (turn and live.get("turn", 0) > turn):
        return False
    gone = before["files"].keys() - after["files"].keys()
    files = {key: path for key, path in {**live["files"], **after["files"]}.items() if key not in gone}
    live.update({key: value for key, value in after.items() if value is not before[key]}, files=files)
    if turn:
        live["turn"] = turn
    return True


def folder_of(state: State) -> Path:
    """The session's work directory (made again if it was cleaned up in the meantime)."""
    folder = Path(state["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def chosen_files(wants_pair: bool, video: str | None, picture: str | None, sound: str | None) -> tuple[str, str | None]:
    """What the form holds, as the pipeline takes it: (picture, sound).

    Raises:
        InputError: something is missing; the sentence says what.
    """
    if not wants_pair:
        if not video:
            raise InputError("There is no video yet; upload one, record one, or choose an example.")
        return video, None
    if not (picture or sound):
        raise InputError("There is neither a picture nor a sound yet; give both, or choose an example.")
    if not picture:
        raise InputError(f"There is no picture yet to go with {Path(sound or '').name}; upload one or take one with the camera.")
    if not sound:
        raise InputError(f"There is no sound yet to go with {Path(picture).name}; upload one or record one.")
    return picture, sound
