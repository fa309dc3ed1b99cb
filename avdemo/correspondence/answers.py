"""What the Match tab answers to each event: plain values in, (what changes on the page, the new state) out. No Gradio here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from avdemo import media
from avdemo.correspondence import page, results, session
from avdemo.correspondence.page import GIVEN, PAIR, Changes
from avdemo.correspondence.session import EXAMPLE, OWN, Desk, Library, State
from avdemo.errors import InputError

if TYPE_CHECKING:
    from avdemo.correspondence.pipeline import Prepared

Answer = tuple[Changes, State | None]


class Answers:
    """The tab without its components.

    Args:
        examples: entries of ``examples.json``, see :func:`session.offered`.
        prepare: as ``pipeline.prepare``, on whatever device there is.
        desks: a shelf with ``put``, ``get``, ``drop`` and ``in``, see :mod:`avdemo.ui.shelf`.
    """

    def __init__(self, examples: Sequence[dict[str, Any]], prepare: Callable[..., Prepared], desks: Any) -> None:
        self.examples, self.prepare, self.desks = examples, prepare, desks
        self.titles = [example["title"] for example in examples]
        self.library = Library(examples, prepare)

    # ---- a pair ---------------------------------------------------------------------------------------------------

    def match(
        self, state: State, step_s: float, opacity: float, mode: str, video: str | None, picture: str | None, sound: str | None,
        **hooks: Any,
    ) -> Answer:  # fmt: skip
        """The form as it stands."""
        return self._open(state, step_s, opacity, *session.chosen_files(mode == PAIR, video, picture, sound), **hooks)

    def example(self, state: State, step_s: float, opacity: float, number: int, **hooks: Any) -> Answer:
        """An example, by its number."""
        example = self.examples[number]
        words = (example.get("sentence", ""), example["title"])
        return self._open(state, step_s, opacity, example["file"], example["sound"], *words, **hooks)

    def step(self, state: State, step_s: float, opacity: float, **hooks: Any) -> Answer:
        """The same pair again, with windows closer together or further apart; nothing when there is none yet."""
        if not state:
            return {}, None
        kept = (state["picture"], state["sound"], state["sentence"], state["title"])
        return self._open(state, step_s, opacity, *kept, **hooks)

    def _open(
        self, state: State, step_s: float, opacity: float, picture: str, sound: str | None, sentence: str = "", title: str = "",
        **hooks: Any,
    ) -> Answer:  # fmt: skip
        media.clean_workdirs()
        prepared = self.prepare(picture, sound, step_s, **hooks)
        token = state.get("token")
        earlier = self.desks.get(token, lambda: None) if token and token in self.desks else None
        desk = Desk(prepared, earlier)
        state = session.new_state(prepared, self.desks.put(desk, token), sentence, title)
        scored = desk.compare(0.0, None)
        state = results.write_scores(desk, state, scored)
        looked = page.looked(desk, state, None, page.first_moment(desk), opacity)
        return {**looked, **page.compared(state, scored), **page.opened(desk, state, self.titles)}, state

    def desk(self, state: State) -> Desk:
        """The session's desk; made anew when it had to leave the shelf.

        Raises:
            InputError: nothing has been compared yet.
        """
        if not state:
            raise InputError(page.NO_RESULT)
        return self.desks.get(
            state["token"], lambda: Desk(self.prepare(state["picture"], state["sound"], state["step_s"]))
        )  # fmt: skip

    def forget(self, state: State) -> None:
        """The session is over."""
        if state:
            self.desks.drop(state["token"])

    # ---- what if --------------------------------------------------------------------------------------------------

    def _other(self, desk: Desk, state: State) -> Prepared | None:
        """The clip whose sound is to be heard instead."""

        def make(swap: str) -> Prepared:
            if swap.startswith(EXAMPLE):
                return self.library.get(int(swap.removeprefix(EXAMPLE)))
            return self.prepare(str(results.stand_in(desk, state)), swap, state["step_s"])

        return desk.other(state["swap"], make)

    def want(self, live: State, knob: str, value: Any) -> None:
        """Note, in place, what a knob was turned to before it is answered: turns of several knobs may overlap.

        Args:
            live: the session's own state.
            knob: "shift_s"; "swap", a choice of the list; "mine", an uploaded sound's path, or None when it was taken away.

        Raises:
            InputError: nothing has been compared yet.
        """
        wanted = {"shift_s": 0.0, "swap": OWN, "mine": "", **live.get("want", {})}
        if knob == "mine":
            swap = value or (OWN if wanted["swap"] == wanted["mine"] else wanted["swap"])
            wanted |= {"mine": value or "", "swap": swap}
        else:
            wanted[knob] = value
        self.desk(live)
        live["want"] = wanted

    def give_up(self, live: State) -> None:
        """What was wanted last cannot be: want what is shown again."""
        if "want" in live:
            live["want"] = {**live["want"], "shift_s": live["shift_s"], "swap": live["swap"]}

    def change(self, state: State, time_s: float, opacity: float) -> Answer:
        """The sound comes later, or another one is heard: whatever :meth:`want` noted."""
        desk, wanted = self.desk(state), state["want"]
        names = {value: label for label, value in page.swaps(self.titles, wanted["mine"])}
        swap = wanted["swap"] if wanted["swap"] in names else OWN
        state = session.with_change(state, wanted["shift_s"] if desk.furthest_s else 0.0, swap, names[swap])
        other = self._other(desk, state)
        scored = desk.compare(state["shift_s"], other)
        state = results.write_scores(desk, state, scored)
        changes = {**page.compared(state, scored), **page.looked(desk, state, other, time_s, opacity)}
        return {**changes, "swap": {"choices": page.swaps(self.titles, wanted["mine"]), "value": swap}}, state

    def details(self, state: State, made: list) -> Answer:
        """The second half of every answer, once its score is on the page: files, and how it was made.

        Args:
            made: gets the main facts in words and the record.
        """
        if not state:
            return {}, None
        desk = self.desk(state)
        state, *told = results.write_details(desk, state, self._other(desk, state))
        made += told
        return page.downloads(state), state

    # ---- films ----------------------------------------------------------------------------------------------------

    def film(self, state: State, opacity: float, **hooks: Any) -> Answer:
        """The film with the heat, the shift and the sound as they now are."""
        desk = self.desk(state)
        other = self._other(desk, state)
        state = results.write_film(desk, state, other, opacity, **hooks)
        return page.filmed(desk, state, other), state

    def first_film(self, state: State, opacity: float, **hooks: Any) -> Answer:
        """The film of a pair that was just scored; nothing when scoring failed."""
        return self.film(state, opacity, **hooks) if state and state["fresh"] else ({}, None)

    def show(self, state: State, what: str, opacity: float) -> Answer:
        """The film with heat, or the clip as it was given."""
        desk = self.desk(state)
        if what == GIVEN:
            return {"film": {"value": results.original(desk, state), "label": GIVEN}}, None
        if "film" + session.suffix_of(state) not in state["files"]:  # not drawn yet: it was stopped, or the sound changed
            return self.film(state, opacity)
        return page.filmed(desk, state, self._other(desk, state)), None

    # ---- one moment, one unit -------------------------------------------------------------------------------------

    def look(self, state: State, time_s: float, opacity: float, side: str, unit: int | None) -> Answer:
        """Another moment, or another opacity."""
        desk = self.desk(state)
        changes = page.looked(desk, state, self._other(desk, state), time_s, opacity)
        return {**changes, **page.choice(desk, side, desk.inside(time_s), unit)}, None

    def jump(self, state: State, time_s: float, *look: Any) -> Answer:
        """As :meth:`look`, at the moment where the film is: the slider follows."""
        changes, _ = self.look(state, time_s, *look)
        return {**changes, "time": {"value": self.desk(state).inside(time_s)}}, None

    def side(self, state: State, side: str, time_s: float, **hooks: Any) -> Answer:
        """The other tower: its strongest unit at this moment."""
        return self.unit(state, side, time_s, None, **hooks)

    def first_unit(self, state: State, side: str, time_s: float, unit: int | None, **hooks: Any) -> Answer:
        """The strongest unit of a pair that was just scored; nothing when that failed, or the film was stopped."""
        if not state or not state["fresh"] or "film" not in state["files"]:
            return {}, None
        return self.unit({**state, "fresh": False}, side, time_s, unit, **hooks)

    def unit(self, state: State, side: str, time_s: float, unit: int | None, **hooks: Any) -> Answer:
        """What excites a unit most, over this session's clips and the examples; None: the strongest at this moment.

        Raises:
            InputError: no such unit.
        """
        desk = self.desk(state)
        changes = page.choice(desk, side, time_s, unit)
        unit = changes["unit"]["value"]
        clips = session.distinct([*desk.clips, *self.library.all(**hooks)])
        drawn = results.draw_moments(desk, state, clips, side, unit)
        names = [self.library.title(clips[moment.clip]) for moment, _, _ in drawn]
        excited = page.excited(drawn, names, side, unit)
        shown = [{"sound": str(sound), "caption": caption} for (_, _, sound), (_, caption) in
                 zip(drawn, excited["gallery"]["value"], strict=True)]  # fmt: skip
        return {**changes, **excited, **page.picked(shown, 0)}, {**state, "moments": shown}

    def numbered(self, state: State, side: str, time_s: float, unit: int | None, **hooks: Any) -> Answer:
        """As :meth:`unit`, for one whose number is being typed: what stands in the field is left alone."""
        if unit is None:
            raise InputError("Give the number of a unit, or choose one of the strongest.")
        changes, state = self.unit(state, side, time_s, unit, **hooks)
        return {name: change for name, change in changes.items() if name != "unit"}, state

    def pick(self, state: State, number: int) -> Answer:
        """One of the gallery's moments: its sound plays."""
        return page.picked(state.get("moments", []), number, play=True), None
