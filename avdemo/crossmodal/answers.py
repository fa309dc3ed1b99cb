"""What the Imagine tab answers to each event: plain values in, (what changes on the page, what changes in the state) out. No Gradio here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from avdemo import media
from avdemo.crossmodal import page, results, session
from avdemo.crossmodal.page import Changes
from avdemo.crossmodal.session import PICTURE, SOUND, State, opinion
from avdemo.errors import InputError
from avdemo.hooks import part

Answer = tuple[Changes, State | None]
Given = dict[str, Any]  # "file"; of an example "title" and "sentence"; "is_video" of a sound that has to be taken out of it


class Answers:
    """The tab without its components.

    Args:
        examples: entries of ``examples.json``.
        compute: ``compute(name, ...)`` calls the pipeline's function of that name, on whatever device there is.
        shelf: with ``put``, ``get`` and ``drop``, see :mod:`avdemo.ui.shelf`.
    """

    def __init__(self, examples: Sequence[dict[str, Any]], compute: Callable[..., Any], shelf: Any) -> None:
        self.examples, self.compute, self.shelf = session.sides(examples), compute, shelf
        self.details = {SOUND: self.painting_details, PICTURE: self.playing_details}

    def forget(self, state: State) -> None:
        """The session is over."""
        if state:
            self.shelf.drop(state["token"])

    def _known(self, state: State, direction: str, **hooks: Any) -> Any:
        """The sound as it was heard, or the picture as it was seen; heard or seen anew when it had to leave the shelf.

        Raises:
            InputError: nothing was given yet.
        """
        if not state:
            raise InputError(page.NO_RESULT[direction])
        name = "listen" if direction == SOUND else "look"
        return self.shelf.get(state["token"], lambda: self.compute(name, state["given"], **hooks))

    def _open(self, state: State, new: State, found: Any) -> None:
        """Something else was given: it takes the place of what was there."""
        self.forget(state)
        self.shelf.put(found, new["token"])

    # ---- sound -> picture -----------------------------------------------------------------------------------------

    def imagine(self, state: State, seed: float | None, count: float, variant: str, given: Given, **hooks: Any) -> Answer:
        """A sound was given: hear it and paint it."""
        if not given.get("file"):
            raise InputError(session.NO_SOUND)
        media.clean_workdirs()
        seed = session.whole(seed)
        heard = self.compute("listen", given["file"], **part(hooks, 0.0, 0.4))
        new = session.new_state(given, "imagine")
        new |= {"kind": heard.kind, "known": heard.known, "files": results.write_heard(new, heard)}
        new |= self._painted(new, heard, seed, int(count), variant, **part(hooks, 0.4, 1.0))
        changes = {**page.heard(new, heard), **page.painted(new)}
        if given.get("is_video"):
            new["files"]["sound"] = results.sound_of_video(new)
            changes["sound"] = {"value": new["files"]["sound"]}
        self._open(state, new, heard)
        return changes, new

    def repaint(self, state: State, seed: float | None, count: float, variant: str, **hooks: Any) -> Answer:
        """A knob was moved: paint the same sound with it; nothing when nothing was heard yet, nothing changed, or a seed is being typed."""
        if seed is None:
            return {}, None
        seed = session.whole(seed)
        if not state or state["painted"] == [seed, int(count), variant]:
            return {}, None
        changed = self._painted(state, self._known(state, SOUND), seed, int(count), variant, **hooks)
        return page.painted({**state, **changed}), changed

    def again(self, state: State, seed: float | None, count: float, variant: str, **hooks: Any) -> Answer:
        """The next seed."""
        if not state:
            raise InputError(page.NO_RESULT[SOUND])
        return self.repaint(state, session.after(session.whole(seed)), count, variant, **hooks)

    def _painted(self, state: State, heard: Any, seed: int, count: int, variant: str, **hooks: Any) -> State:
        """What painting changes in the state."""
        from avdemo.crossmodal.verdict import verdict

        begun = time.perf_counter()
        pictures = self.compute("paint", heard, count=count, seed=seed, variant=variant, **hooks)
        paint_s = time.perf_counter() - begun
        kinds = heard.model.network.config.kinds
        shares = self.compute("judged", pictures, checkpoint=heard.model.name)  # (count, kinds + 1)
        opinions = [opinion(verdict(kinds, share, "see")) for share in shares]
        surest = int(shares[:, kinds.index(heard.kind)].argmax())
        paths = results.write_pictures(results.painted_folder(state, seed, variant), pictures)
        shown = len(session.one_of_each(pictures))
        return {
            "pictures": [{"path": path, **said} for path, said in zip(paths[:shown], opinions[:shown], strict=True)],
            "painted": [seed, count, variant], "seed": seed, "count": count, "variant": variant, "chosen": surest if shown > 1 else 0, "due": True,
            "alike": shown < count, "paint_s": paint_s,
        }  # fmt: skip

    def painting_details(self, state: State, made: list) -> Answer:
        """The second half of the answers above, once the pictures are on the page: files, and how they were made.

        Args:
            made: gets the main facts in words and the record.
        """
        if not state or not state["due"]:
            return {}, None
        heard = self._known(state, SOUND)
        files, record = results.write_painted(state, heard)
        wait = f"{heard.timings['listen_s']:.1f} s to listen, {state['paint_s']:.1f} s to paint {state['count']} pictures"
        made += [page.facts(record, state["given"], wait), record]
        changed = {"files": files, "due": False}
        return page.downloads({**state, "files": {**state["files"], **files}}, SOUND), changed

    def choose(self, state: State, number: int) -> Answer:
        """A picture of the grid was clicked."""
        changed = {"chosen": number}
        return page.chosen({**state, **changed}), changed

    def blend(self, state: State, second: str | None, seconds: float, **hooks: Any) -> Answer:
        """A clip from this sound's pictures to those of a second sound."""
        first = self._known(state, SOUND)
        if not second:
            raise InputError(f"There is no second sound to blend {first.sound.name} with; give one, or choose one of the list.")
        other = self.compute("listen", second, **part(hooks, 0.0, 0.3))
        path = session.path_of(state, f"to_{media.stem_of(second)[:40]}.mp4")
        knobs = {"seed": state["seed"], "variant": state["variant"], "seconds": seconds}
        self.compute("blend", first, other, path, **knobs, **part(hooks, 0.3, 1.0))
        files = {"blend": str(path)}
        return page.blended({**state, "files": {**state["files"], **files}}, first, other), {"files": files}

    def round_sound(self, state: State, **hooks: Any) -> Answer:
        """Sound -> the chosen picture -> sound."""
        heard = self._known(state, SOUND)
        picture = state["pictures"][state["chosen"]]["path"]
        seen = self.compute("look", picture, **part(hooks, 0.0, 0.2))
        played = self.compute("play", seen, seed=state["seed"], **part(hooks, 0.2, 1.0))
        start = media.write_wav(session.path_of(state, "hop-1.wav"), heard.wav, heard.sample_rate)
        end = media.write_wav(session.path_of(state, "round-trip.wav"), played.wav, played.sample_rate)
        hops = [
            {"title": "The sound given, as the ear hears it", "opinion": opinion(heard.verdict), "file": str(start)},
            {
                "title": f"Picture {state['chosen'] + 1} of it, as the eye sees it",
                "opinion": opinion(seen.verdict),
                "file": picture,
            },
            {"title": "The sound made of that, as the ear hears it", "opinion": opinion(played.verdict), "file": str(end)},
        ]
        return self._arrived(state, SOUND, hops, end)

    # ---- picture -> sound -----------------------------------------------------------------------------------------

    def sonify(self, state: State, seed: float | None, seconds: float, loudness_db: float, given: Given, **hooks: Any) -> Answer:
        """A picture was given: look at it and play it."""
        if not given.get("file"):
            raise InputError(session.NO_PICTURE)
        media.clean_workdirs()
        seed = session.whole(seed)
        seen = self.compute("look", given["file"], **part(hooks, 0.0, 0.2))
        new = session.new_state(given, "sonify")
        changes, changed = self._played(new, seen, seed, seconds, loudness_db, **part(hooks, 0.2, 1.0))
        self._open(state, new, seen)
        return changes, {**new, **changed}

    def replay(self, state: State, seed: float | None, seconds: float, loudness_db: float, **hooks: Any) -> Answer:
        """A knob was moved: play the same picture with it; nothing when nothing was seen yet, nothing changed, or a seed is being typed."""
        if seed is None:
            return {}, None
        seed = session.whole(seed)
        if not state or state["played"] == [seed, seconds, loudness_db]:
            return {}, None
        return self._played(state, self._known(state, PICTURE), seed, seconds, loudness_db, **hooks)

    def next_tune(self, state: State, seed: float | None, seconds: float, loudness_db: float, **hooks: Any) -> Answer:
        """The next seed."""
        if not state:
            raise InputError(page.NO_RESULT[PICTURE])
        return self.replay(state, session.after(session.whole(seed)), seconds, loudness_db, **hooks)

    def _played(self, state: State, seen: Any, seed: int, seconds: float, loudness_db: float, **hooks: Any) -> Answer:
        begun = time.perf_counter()
        found = self.compute("play", seen, seed=seed, seconds=seconds, loudness_db=loudness_db, **hooks)
        wait = f"{seen.timings['look_s']:.1f} s to look, {time.perf_counter() - begun:.1f} s to play {seconds:g} s"
        changed = {"played": [seed, seconds, loudness_db], "seed": seed, "seconds": seconds}
        files, record = results.write_played({**state, **changed}, seen, found, loudness_db)
        facts = page.facts(record, state["given"], wait)
        changed |= {"files": files, "made": opinion(found.verdict), "due": [facts, record]}
        after = {**state, **changed}
        return {**page.played(after, seen, found), **page.downloads(after, PICTURE)}, changed

    def playing_details(self, state: State, made: list) -> Answer:
        """The second half of the answers above: how it was made."""
        if not state or not state["due"]:
            return {}, None
        made += state["due"]
        return {}, {"due": []}

    def round_picture(self, state: State, **hooks: Any) -> Answer:
        """Picture -> the sound that was made of it -> picture."""
        seen = self._known(state, PICTURE)
        heard = self.compute("listen", state["files"]["sound"], **part(hooks, 0.0, 0.6))
        picture = self.compute("paint", heard, count=1, seed=state["seed"], **part(hooks, 0.6, 0.9))[0]
        start = media.write_png(session.path_of(state, "hop-1.png"), seen.thumbnail)
        end = media.write_png(session.path_of(state, "round-trip.png"), picture)
        last = self.compute("look", end)
        hops = [
            {"title": "The picture given, as the eye sees it", "opinion": opinion(seen.verdict), "file": str(start)},
            {
                "title": "The sound made of it, as the ear hears it",
                "opinion": opinion(heard.verdict),
                "file": state["files"]["sound"],
            },
            {"title": "The picture painted of that, as the eye sees it", "opinion": opinion(last.verdict), "file": str(end)},
        ]
        return self._arrived(state, PICTURE, hops, end)

    # ---- from one direction to the other --------------------------------------------------------------------------

    def example(self, direction: str, number: int) -> tuple[Given, Changes]:
        """What an example gives, and the form with it."""
        example = self.examples[direction][number]
        return example, {direction: {"value": example["file"]}}

    def carry(self, state: State) -> tuple[Given, Changes]:
        """The chosen picture goes on into the other direction."""
        path = state["pictures"][state["chosen"]]["path"]
        given = {"file": path, "stem": f"{state['stem']}_picture-{state['chosen'] + 1}"}
        return given, {"picture": {"value": path}, **page.form(PICTURE)}

    def carry_back(self, state: State) -> tuple[Given, Changes]:
        """The sound that was made goes on into the other direction."""
        path = state["files"]["sound"]
        return {"file": path}, {"sound": {"value": path}, **page.form(SOUND)}

    # ---- both -----------------------------------------------------------------------------------------------------

    def _arrived(self, state: State, direction: str, hops: list[dict[str, Any]], end: Path) -> Answer:
        files = {"trip": str(end)}
        after = {**state, "files": {**state["files"], **files}}
        return {**page.travelled(direction, hops), **page.downloads(after, direction)}, {"files": files}
