"""What the Add sound tab answers to each event: plain values in, (what changes on the page, what changes in the state) out. No Gradio here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from avdemo import media
from avdemo.errors import Cancelled, InputError
from avdemo.foley import page, results, session
from avdemo.foley.page import Changes
from avdemo.foley.session import KEEP, Desk, Knobs
from avdemo.hooks import part, seed_after
from avdemo.sessions import State, new_state, whole

Answer = tuple[Changes, State | None]
LOOK_EVERY_S = 0.4  # between two pictures of the growing sound


class Answers:
    """The tab without its components.

    Args:
        examples: entries of ``examples.json``.
        compute: ``compute(name, ...)`` calls the pipeline's function of that name, on whatever device there is.
        shelf: with ``put``, ``get`` and ``drop``, see :mod:`avdemo.ui.shelf`.
        time_left: ``time_left(share, seconds since the start)`` in words.
    """

    def __init__(
        self,
        examples: Sequence[dict[str, Any]],
        compute: Callable[..., Any],
        shelf: Any,
        time_left: Callable[[float, float], str],
    ) -> None:
        self.examples, self.compute, self.shelf, self.time_left = examples, compute, shelf, time_left

    def forget(self, state: State) -> None:
        """The session is over."""
        if state:
            self.shelf.drop(state["token"])

    # ---- writing --------------------------------------------------------------------------------------------------

    def example(self, number: int) -> tuple[dict[str, Any], Changes]:
        """What an example gives, and the form with it."""
        example = self.examples[number]
        mode = session.PHOTO if example.get("kind") == "photo" else session.VIDEO
        return example, {**page.form(mode), mode: {"value": example["file"]}}

    def given(self, mode: str, video: str | None, photo: str | None) -> dict[str, Any]:
        """What the form holds; without a file the sentence comes when it is used."""
        return {"file": photo if mode == session.PHOTO else video, "mode": mode}

    def compose(self, state: State, *form: Any, **hooks: Any) -> Iterator[Answer]:
        """The form as it stands; the last of its values is what was given."""
        *values, given = form
        yield from self._compose(state, self._knobs(*values), given, **hooks)

    def again(self, state: State, *form: Any, **hooks: Any) -> Iterator[Answer]:
        """The same video with the next seed."""
        knobs = self._knobs(*form[:-1])
        if not state:
            raise InputError(session.NO_RESULT)
        given = {"file": state["given"], "sentence": state["sentence"], "stem": state["stem"]}
        if knobs.seed == state["seed"]:
            knobs = Knobs(**{**vars(knobs), "seed": seed_after(knobs.seed)})
        yield from self._compose(state, knobs, given, **hooks)

    def _knobs(
        self,
        variant: str,
        temperature: float,
        seed: float | None,
        takes: float,
        seconds: float,
        loudness_db: float,
        follow: float,
        own: str,
    ) -> Knobs:
        return Knobs(variant, temperature, whole(seed), int(takes), seconds, loudness_db, follow, own == KEEP)

    def _compose(self, state: State, knobs: Knobs, given: dict[str, Any], **hooks: Any) -> Iterator[Answer]:
        from avdemo.foley import pipeline

        if not given.get("file"):
            raise InputError(session.NO_PHOTO if given.get("mode") == session.PHOTO else session.NO_VIDEO)
        media.clean_workdirs()
        desk = self._desk(state, given["file"])
        prepared = desk.see(knobs, lambda *file, **options: self.compute("prepare", *file, **options), **part(hooks, 0.0, 0.3))
        composition = pipeline.Composition(prepared, seed=knobs.seed, temperature=knobs.temperature, takes=knobs.takes)
        begun, looked = time.perf_counter(), 0.0
        for _ in composition.grow(cancelled=hooks.get("cancelled")):  # the growing picture says how far it is
            now = time.perf_counter()
            if now - looked >= LOOK_EVERY_S:
                looked = now
                left = self.time_left(composition.written / composition.wanted, now - begun)
                yield page.grown(composition, pipeline.growing_picture(composition), prepared.verdict.sentence, left), None
        stopped = not composition.is_whole
        scores: list[float] = []
        if knobs.takes > 1 and not stopped and pipeline.can_rank():
            yield page.judging(), None
            scores = self._ranked(prepared, composition, knobs, **hooks)
        desk = Desk(desk.given, desk.prepared, composition, prepared)
        new = new_state(given, "foley")
        new |= {
            "variant": knobs.variant, "seed": knobs.seed, "temperature": knobs.temperature, "takes": knobs.takes, "is_still": prepared.is_still,
            "until_s": composition.seconds if stopped else None, "scores": scores, "due": True, **knobs.mix,
        }  # fmt: skip
        new["take"] = max(range(knobs.takes), key=scores.__getitem__) if scores else 0
        new["files"], record = results.write_take(new, desk)
        self.forget(state)
        self.shelf.put(desk, new["token"])
        changes = page.written(new, prepared, record)
        if knobs.takes > 1:
            changes["waves"] |= {"value": pipeline.growing_picture(composition)}
            changes["take"] |= {"info": page.take_info(new)}
        yield changes, {**new, "record": record}

    def _ranked(self, prepared: Any, composition: Any, knobs: Knobs, **hooks: Any) -> list[float]:
        """How well each take goes with the pictures; nothing when somebody stops while it is found out."""
        from avdemo.foley import pipeline

        mix = {"loudness_db": knobs.loudness_db, "follow": knobs.follow}
        sounds = [pipeline.finish(prepared, wav, **mix)[0] for wav in composition.wavs]
        try:
            return pipeline.rank(prepared, sounds, cancelled=hooks.get("cancelled"))
        except Cancelled:
            return []

    def _desk(self, state: State, file: str) -> Desk:
        """The session's desk while the video stays the same, else a new one."""
        if state and state["given"] == str(file):
            return self.shelf.get(state["token"], lambda: Desk(str(file)))
        return Desk(str(file))

    # ---- a written sound ------------------------------------------------------------------------------------------

    def known(self, state: State) -> Desk:
        """The desk with the takes; they are written again when they had to leave the shelf.

        Raises:
            InputError: nothing has been written yet.
        """
        if not state:
            raise InputError(session.NO_RESULT)
        return self.shelf.get(state["token"], lambda: self._write_again(state))

    def _write_again(self, state: State) -> Desk:
        from avdemo.foley import pipeline

        length = {"seconds": state["record"]["parameters"]["seconds"]} if state["is_still"] else {}
        prepared = self.compute("prepare", state["given"], variant=state["variant"], **length)
        chosen = {name: state[name] for name in ("seed", "temperature", "takes", "until_s")}
        return Desk(state["given"], {}, pipeline.compose(prepared, **chosen), prepared)

    def mix(self, state: State, loudness_db: float, follow: float, own: str, **hooks: Any) -> Answer:
        """What is done to the sound was changed; nothing when there is none yet."""
        changed = {"loudness_db": loudness_db, "follow": follow, "keep": own == KEEP}
        if not state or all(state[name] == value for name, value in changed.items()):
            return {}, None
        return self._finished(state, changed)

    def pick(self, state: State, take: int, **hooks: Any) -> Answer:
        """Another take was picked."""
        return ({}, None) if take is None or not state or take == state["take"] else self._finished(state, {"take": int(take)})

    def _finished(self, state: State, changed: dict[str, Any]) -> Answer:
        desk, after = self.known(state), {**state, **changed}
        files, record = results.write_take(after, desk)
        after["files"] = {**state["files"], **files}
        return page.written(after, desk.shown, record), {**changed, "files": files, "record": record, "due": True}

    def details(self, state: State, made: list) -> Answer:
        """The second half of the answers above, once the video is on the page: pictures, files, how it was made.

        Args:
            made: gets the main facts in words and the record.
        """
        if not state or not state["due"]:
            return page.over(state), None
        desk = self.known(state)
        sound = results.sound_of(state, desk)
        files = {**results.write_course(state, desk.shown, sound), **results.write_spectrogram(state, desk.shown, sound)}
        made += [page.facts(state["record"], state["given"]), state["record"]]
        after = {**state, "files": {**state["files"], **files}}
        return {**page.over(state), **page.detailed(after)}, {"files": files, "due": False}
