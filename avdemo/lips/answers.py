"""What the Make lips speak tab answers to each event: plain values in, (what changes on the page, what changes in the state) out. No Gradio.

A session has two memories: ``sight``, of the photo that is looked at (``token``, ``photo``, ``face``, ``auto``: the numbers of the found
square, ``pending``: the first of two clicked corners), and the state of what was spoken.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avdemo import media
from avdemo.errors import InputError
from avdemo.hooks import part
from avdemo.lips import page, results
from avdemo.lips.page import Changes
from avdemo.sessions import State, folder_of, new_state

if TYPE_CHECKING:
    from avdemo.lips.pipeline import Prepared, Spoken

Answer = tuple[Changes, State | None]
Numbers = tuple[float | None, float | None, float | None, float | None]  # left, top, side, turn
NO_PHOTO = "There is no photo yet; upload one, take one with the camera, or choose an example."
NO_SPEECH = "There is no speech yet; upload some, record yourself, or choose an example."
NO_RESULT = "No lips have spoken yet; give a photo and speech and press Make them speak."
NO_BOX = "A number of the box is empty; give its left, top and side in pixels."


class Answers:
    """The tab without its components.

    Args:
        examples: entries of ``examples.json``.
        compute: ``compute(name, ...)`` calls the pipeline's function of that name, on whatever device there is.
        shelf: with ``put``, ``get`` and ``drop``, see :mod:`avdemo.ui.shelf`.
    """

    def __init__(self, examples: Sequence[dict[str, Any]], compute: Callable[..., Any], shelf: Any) -> None:
        self.examples, self.compute, self.shelf = examples, compute, shelf

    def forget(self, state: State) -> None:
        """The session is over, or the photo was taken away."""
        if state:
            self.shelf.drop(state["token"])

    # ---- the photo ------------------------------------------------------------------------------------------------

    def look(self, sight: State, photo: str | None, **hooks: Any) -> Answer:
        """A photo was given: find its mouths."""
        if not photo:
            self.forget(sight)
            return page.no_photo(), {}
        new, prepared = self._seen(photo, **hooks)
        self.forget(sight)
        return self._looked(new, prepared), new

    def _seen(self, photo: str, **hooks: Any) -> tuple[State, Prepared]:
        from avdemo.lips import pipeline

        prepared = self.compute("prepare", photo, **hooks)
        new: State = {"token": secrets.token_urlsafe(16), "photo": str(photo), "face": 1, "pending": None}
        self.shelf.put(prepared, new["token"])
        if prepared.mouths:
            new["auto"] = _numbers(pipeline.box_px(prepared, pipeline.chosen_box(prepared)))
        else:  # a start for the hand: where a mouth is in a portrait
            side = round(min(prepared.width, prepared.height) * 0.3)
            new["auto"] = (round((prepared.width - side) / 2), round(prepared.height * 0.62 - side / 2), side, 0.0)
        return new, prepared

    def _looked(self, sight: State, prepared: Prepared) -> Changes:
        return {
            **page.looked(prepared, sight["face"]),
            **page.boxed(sight["auto"]),
            **self._drawn(sight, prepared, sight["auto"]),
        }

    def photo_of(self, sight: State) -> Prepared:
        """The photo as it was looked at; looked at anew when it had to leave the shelf."""
        return self.shelf.get(sight["token"], lambda: self.compute("prepare", sight["photo"]))

    def _drawn(self, sight: State, prepared: Prepared, numbers: Numbers) -> Changes:
        from avdemo.lips import pipeline

        box = pipeline.chosen_box(prepared, **square_of(sight, prepared, numbers))
        picture = pipeline.preview(prepared, box)
        return page.seen(picture, pipeline.remarks(prepared, box), prepared.sentence)

    def choose(self, sight: State, face: int | None) -> Answer:
        """Another face was chosen."""
        from avdemo.lips import pipeline

        if not sight or face is None:
            return {}, None
        prepared = self.photo_of(sight)
        auto = _numbers(pipeline.box_px(prepared, pipeline.chosen_box(prepared, face=face)))
        changed = {"face": face, "auto": auto, "pending": None}
        return {**page.boxed(auto), **self._drawn({**sight, **changed}, prepared, auto)}, changed

    def move(self, sight: State, *numbers: float | None) -> Answer:
        """A number of the square was changed; nothing while one is being typed."""
        if not sight or any(number is None for number in numbers):
            return {}, None
        return self._drawn(sight, self.photo_of(sight), numbers), {"pending": None}

    def click(self, sight: State, x: float, y: float) -> Answer:
        """A place of the shown picture was clicked: the first corner of a square, or the second."""
        from avdemo.lips import pipeline

        if not sight:
            return {}, None
        prepared = self.photo_of(sight)
        shown = pipeline.shown_size(prepared)
        x, y = x / shown[0] * prepared.width, y / shown[1] * prepared.height
        if sight["pending"] is None:
            return {**page.seen(pipeline.preview(prepared, None, (x, y))), **page.corner()}, {"pending": (x, y)}
        first = sight["pending"]
        side = max(abs(x - first[0]), abs(y - first[1]))
        middle = (x + first[0]) / 2, (y + first[1]) / 2
        numbers = (round(middle[0] - side / 2), round(middle[1] - side / 2), round(side), 0.0)
        return {**page.boxed(numbers), **self._drawn(sight, prepared, numbers)}, {"pending": None}

    # ---- speaking -------------------------------------------------------------------------------------------------

    def example(self, number: int) -> tuple[dict[str, Any], Changes]:
        """What an example gives, and the form with it."""
        example = self.examples[number]
        speech = str(Path(example["file"]).parent / example["speech"])
        return {**example, "speech": speech}, {"photo": {"value": example["file"]}, "speech": {"value": speech}}

    def speak(
        self, sight: State, state: State, speech: str | None, photo: str | None, lively: float, mark: bool, given: State, *numbers: float | None,
        **hooks: Any,
    ) -> tuple[Changes, State | None, State | None]:  # fmt: skip
        """Let the photo speak; ``given`` is an example, or empty. Also returns the sight when it is a new one."""
        if not given and not photo:
            raise InputError(NO_PHOTO)
        speech = given.get("speech") or speech
        if not speech:
            raise InputError(NO_SPEECH)
        media.clean_workdirs()
        heard = self.compute("read_speech", speech)
        changes: Changes = {}
        fresh = bool(given) or not sight or sight["photo"] != str(photo)
        if fresh:
            old, (sight, prepared) = sight, self._seen(given.get("file") or photo, **part(hooks, 0.0, 0.15))
            self.forget(old)
            numbers = tuple(given["box"]) if given.get("box") else sight["auto"]
            changes = {**self._looked(sight, prepared), **page.boxed(numbers), **self._drawn(sight, prepared, numbers)}
        prepared = self.photo_of(sight)
        if not prepared.mouths and tuple(numbers) == tuple(sight["auto"]):  # nobody has moved the square to a mouth yet
            raise InputError(prepared.sentence)
        square = square_of(sight, prepared, numbers)
        new = new_state({"file": sight["photo"], "sentence": given.get("sentence", "")}, "lips")
        spoken = self._spoken(new, prepared, heard, square, lively, **part(hooks, 0.15, 0.6))
        answer, changed = self._written(new, spoken, square, mark, **part(hooks, 0.6, 1.0))
        self.forget(state)
        self.shelf.put(spoken, new["token"])
        new |= {"speech": str(speech), "numbers": list(numbers), "square": square, "lively": lively, **changed}
        return {**changes, **answer}, new, sight if fresh else None

    def _spoken(
        self, state: State, prepared: Prepared, heard: Any, square: dict[str, Any], lively: float, **hooks: Any
    ) -> Spoken:
        from avdemo.lips import pipeline

        box = pipeline.chosen_box(prepared, **square)
        return self.compute("speak", prepared, heard, box, folder_of(state), lively=lively, **hooks)

    def _written(self, state: State, spoken: Spoken, square: dict[str, Any], mark: bool, **hooks: Any) -> Answer:
        files, record = results.write_spoken(state, spoken, mark=bool(mark), **square, **hooks)
        after = {**state, "files": {**state["files"], **files}}
        return page.spoken(after, spoken, record), {"files": files, "mark": bool(mark), "due": [page.facts(record), record]}

    def relive(self, state: State, lively: float, **hooks: Any) -> Answer:
        """The liveliness was changed: the same photo and speech once more; nothing when no lips have spoken."""
        if not state or state["lively"] == lively:
            return {}, None
        before = self._known(state)
        spoken = self._spoken(state, before.prepared, before.speech, state["square"], lively, **part(hooks, 0.0, 0.5))
        self.shelf.put(spoken, state["token"])
        answer, changed = self._written(state, spoken, state["square"], state["mark"], **part(hooks, 0.5, 1.0))
        return answer, {**changed, "lively": lively}

    def remark(self, state: State, mark: bool, **hooks: Any) -> Answer:
        """The mark was put on or taken off: the videos are written anew, the frames stay."""
        if not state or state["mark"] == bool(mark):
            return {}, None
        return self._written(state, self._known(state), state["square"], mark, **hooks)

    def _known(self, state: State) -> Spoken:
        """What was spoken; spoken again when it had to leave the shelf."""

        def again() -> Spoken:
            prepared = self.compute("prepare", state["given"])
            return self._spoken(state, prepared, self.compute("read_speech", state["speech"]), state["square"], state["lively"])

        return self.shelf.get(state["token"], again)

    def details(self, state: State, made: list) -> Answer:
        """The second half of the answers above: the files, and how they were made.

        Args:
            made: gets the main facts in words and the record.
        """
        if not state or not state["due"]:
            return {}, None
        made += state["due"]
        return page.downloads(state), {"due": []}


def _numbers(box: tuple[tuple[float, float, float, float], float]) -> tuple[float, float, float, float]:
    """A box and its turn -> left, top, side, turn."""
    (left, top, side, _), turn = box
    return left, top, side, turn


def square_of(sight: State, prepared: Prepared, numbers: Sequence[float | None]) -> dict[str, Any]:
    """``box``, ``turn_deg`` and ``face`` for the pipeline: the found square while nobody changed its numbers, else the drawn one.

    Raises:
        InputError: a number is missing.
    """
    if any(number is None or not math.isfinite(number) for number in numbers):
        raise InputError(NO_BOX)
    if prepared.mouths and tuple(numbers) == tuple(sight["auto"]):
        return {"box": None, "turn_deg": 0.0, "face": sight["face"]}
    left, top, side, turn = (float(number) for number in numbers)
    return {"box": (left, top, side, side), "turn_deg": turn, "face": 1}
