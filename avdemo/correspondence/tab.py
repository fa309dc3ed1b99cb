"""The Match tab: components and events. What happens between two events is in ``session``; the computing is in ``pipeline``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr

from avdemo.correspondence import page, results, session
from avdemo.correspondence.answers import Answers
from avdemo.correspondence.page import HEAT, MODES, SHOWS, SIDE_WORDS, STEPS, VIDEO
from avdemo.correspondence.session import OWN, PICTURE
from avdemo.errors import AvdemoError, Cancelled
from avdemo.ui import components as ui
from avdemo.ui import gpu
from avdemo.ui.guard import LIGHT_LANE, MODEL_LANE, Updates, for_api, moves, status_html, wire
from avdemo.ui.progress import Jobs, PlainProgress, plain_progress
from avdemo.ui.shelf import Shelf
from avdemo.viz.palette import REST

CHECKPOINT = "correspondence-compact"
EXAMPLES = Path(__file__).parent / "examples"
DESKS = 4  # kept at once for all sessions
SESSION_SECONDS = 4 * 3600  # how long a page that was closed is remembered
READ_PLAYER = """(...a) => { const video = document.querySelector('#match-film video');
  a[1] = video ? Math.min(video.currentTime, document.querySelector('#match-time input[type=range]').max) : 0; return a; }"""
SHOW_RESULT = """(...a) => { const result = document.querySelector('#match-verdict');
  if (result && innerWidth < 641 && !document.querySelector('.av-problem')) result.scrollIntoView(); return a; }"""
LISTEN = {"sources": ["upload", "microphone"], "type": "filepath", "waveform_options": ui.waveform(REST)}
SMALL = {"size": "sm", "min_width": 130}
PLAYER = {"interactive": False, "type": "filepath", "buttons": ["download"], "waveform_options": ui.waveform(REST)}
DRAWN = {"interactive": False, "type": "filepath", "buttons": ["download", "fullscreen"]}


def warm_up() -> None:
    """Load torch and the network, so that the first pair need not wait for them."""
    from avdemo.correspondence import pipeline

    pipeline.load_model(CHECKPOINT)


@gpu.gpu(seconds=60)
def _prepare(
    picture: str, sound: str | None = None, step_s: float = page.STEP_S, *, progress: PlainProgress | None = None, cancelled=None
) -> Any:
    from avdemo.correspondence import pipeline

    prepared = pipeline.prepare(picture, sound, step_s=step_s, progress=progress, cancelled=cancelled)
    return results.on_cpu(prepared) if gpu.on_zero_gpu() else prepared


class MatchTab:
    """Lays the tab out and answers its events."""

    def __init__(self) -> None:
        self.jobs, self.browsing = Jobs(), Jobs()  # a look at a unit does not stop the film
        self.turns = count(1)
        self.answers = Answers(session.offered(ui.read_examples(EXAMPLES), EXAMPLES), _prepare, Shelf(DESKS))

    # ---- layout -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Create the components and connect them; call inside the tab."""
        self.state = gr.State({}, time_to_live=SESSION_SECONDS, delete_callback=self.answers.forget)
        self.chosen = gr.State(None)
        ui.lead(page.DOES, page.KNOWS)
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                self._lay_out_input()
            with gr.Column(scale=1, min_width=320):
                self.empty = ui.empty_state(page.NOTHING_YET, page.WILL_APPEAR)
                self._lay_out_seen()
        with gr.Column(visible=False) as self.results:
            self._lay_out_moment()
            self._lay_out_units()
            with gr.Row(equal_height=False):
                files = {"file_count": "multiple", "interactive": False, "elem_classes": ["av-downloads"]}
                self.files = gr.File(label="Downloads", elem_id="match-files", min_width=320, **files)
                with gr.Column(scale=1, min_width=320):
                    self.how = ui.how_made(ui.model_card(CHECKPOINT))
        self._connect()
        self._offer_api()

    def _lay_out_input(self) -> None:
        self.mode = gr.Radio(list(MODES), value=VIDEO, label="What do you have?", elem_id="match-mode")
        look = {"sources": ["upload", "webcam"]}
        with gr.Column() as self.of_video:
            self.video = gr.Video(label="Your video", elem_id="match-video", elem_classes=["av-video"], **look)
            ui.limits_line("mp4, mov, webm, mkv, avi", "needs sound")
        with gr.Column(visible=False) as self.of_pair:
            look |= {"type": "filepath", "height": 230, "alt_text": "The picture to compare with the sound"}
            self.picture = gr.Image(label="Your picture", elem_id="match-picture", **look)
            # Gradio's own opens it, and fails without a sentence; lost when an event names this output without setting a value
            self.picture.preprocess = lambda payload: payload.path if payload else None
            self.sound = gr.Audio(label="Your sound", elem_id="match-sound", **LISTEN)
            ui.limits_line("jpg, png, webp · wav, mp3, m4a, ogg, flac")
        self.modes = [self.of_video, self.of_pair]
        with gr.Row():
            self.go = gr.Button("Match", variant="primary", elem_id="match-go", scale=3)
            self.stop = gr.Button("Stop", visible=False, elem_id="match-stop", scale=1, min_width=90)
        self.status = ui.status_line()
        with gr.Column(visible=False) as self.what_if:
            ui.step("What if?")
            words = {"label": "Shift the sound by (s)", "info": page.SHIFT_INFO}
            self.shift = gr.Slider(-5, 5, 0, step=page.STEP_S, elem_id="match-shift", **words)
            self.swap = gr.Dropdown(
                page.swaps(self.answers.titles), value=OWN, label="Swap in another sound", filterable=False, elem_id="match-swap",
                info="The pictures stay; the score tells whether they go with this sound.",
            )  # fmt: skip
            with gr.Accordion("Or swap in a sound of yours", open=False):
                self.swap_sound = gr.Audio(label="Another sound", elem_id="match-swap-sound", **LISTEN)
            self.opacity = gr.Slider(
                0, 1, page.OPACITY, step=0.05, label="Heat over the pictures", elem_id="match-opacity",
                info="0 shows the pictures alone, 1 hides what is under the brightest light.",
            )  # fmt: skip
        with gr.Accordion("More", open=False):
            self.step = gr.Radio(
                [(f"{step:g} s", step) for step in STEPS], value=page.STEP_S, label="Step between windows", elem_id="match-step",
                info="Each window is one second of sound and the frame in its middle. Smaller steps take longer to prepare.",
            )  # fmt: skip
        self.rows = [row for row in (self._row(False), self._row(True)) if row]

    def _row(self, is_pair: bool) -> tuple[gr.Dataset, Callable, list] | None:
        """One click fills the form and runs: the examples that are videos, or those that are a picture and a sound."""
        examples = self.answers.examples
        numbers = [n for n, example in enumerate(examples) if (example["sound"] is not None) == is_pair]
        titles, files = ([examples[n][key] for n in numbers] for key in ("title", "file"))
        if not numbers:
            return None
        if is_pair:
            row = ui.picture_row(titles, files, "match-pairs")
        else:
            row = ui.example_row(titles, files, "match-videos")

        def choose(index: int, request: gr.Request) -> Updates:
            filled = self._apply(page.filled(examples[numbers[index]]))
            return {**self._on_begin(request), **filled, self.chosen: numbers[index]}

        return row, choose, [self.chosen, self.mode, *self.modes, *([self.picture, self.sound] if is_pair else [self.video])]

    def _lay_out_seen(self) -> None:
        with gr.Column(visible=False) as self.seen:
            self.verdict = gr.HTML("", elem_id="match-verdict", padding=False)
            film = {"label": HEAT, "interactive": False, "height": 330, "buttons": ["download"]}
            self.film = gr.Video(elem_id="match-film", **film)
            with gr.Row(equal_height=True):
                self.show = gr.Radio(list(SHOWS), value=HEAT, show_label=False, container=False, elem_id="match-show", scale=3)
                self.again = gr.Button("Draw the film again with these settings", elem_id="match-again", scale=2, **SMALL)
            plot = {"label": "Probability over time", "show_label": False, "alt_text": page.PLOT_WORDS}
            self.plot = gr.Image(format="png", elem_id="match-plot", **plot, **DRAWN)

    def _lay_out_moment(self) -> None:
        ui.step("One moment")
        with gr.Row(equal_height=True):
            self.time = gr.Slider(0, 1, 0, step=0.05, label="Moment (s)", elem_id="match-time", scale=3, min_width=180)
            self.current = gr.Button("Use the film's current moment", elem_id="match-current", **SMALL)
        with gr.Row(equal_height=False):
            frame = {"label": "The frame", "alt_text": "The frame of this moment, bright where it belongs to what is heard"}
            self.frame = gr.Image(format="jpeg", elem_id="match-frame", min_width=320, **frame, **DRAWN)
            second = {"label": "The second of sound around it", "show_label": False, "alt_text": page.SECOND_WORDS}
            self.second = gr.Image(format="png", elem_id="match-second", min_width=320, **second, **DRAWN)

    def _lay_out_units(self) -> None:
        ui.step("What single units of the network look and listen for")
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                with gr.Group():
                    self.side = gr.Radio(list(SIDE_WORDS), value=PICTURE, label="A unit for", elem_id="match-side")
                    words = {"label": "Strongest at this moment", "info": page.UNITS_INFO}
                    self.strongest = gr.Radio([], elem_id="match-strongest", **words)
                    self.unit = gr.Number(0, label="Or by number", precision=0, elem_id="match-unit")
                self.moment_sound = gr.Audio(label="Sound of the chosen moment", elem_id="match-moment-sound", **PLAYER)
            with gr.Column(scale=1, min_width=320):
                gr.HTML(page.GALLERY_STYLE)
                still = {"columns": 2, "object_fit": "contain", "allow_preview": False, "interactive": False, "buttons": []}
                self.gallery = gr.Gallery(label="What excites it most", format="png", elem_id="match-gallery", **still)

    # ---- events -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        status, state, ask = self.status, self.state, self.answers
        moment = [self.time, self.frame, self.second]
        units = [self.strongest, self.unit]
        excited = [state, *units, self.gallery, self.moment_sound]
        details = [state, self.files, *self.how.outputs]
        filmed = [state, self.film, self.show, self.files]
        scored = [state, self.verdict, self.plot, *moment, self.swap]
        every = [*scored, self.empty, self.seen, self.results, self.what_if, self.shift, self.swap_sound, self.film, self.show]
        every += [*units, self.side, self.gallery, self.moment_sound, self.files]
        knobs, given = [state, self.step, self.opacity], [self.mode, self.video, self.picture, self.sound]

        starts: list[tuple] = [(self.go.click, self._on_begin, [], [], ask.match, given)]
        starts += [(row.click, choose, [row], fills, ask.example, [self.chosen]) for row, choose, fills in self.rows]
        starts.append((self.step.input, self._on_begin, [], [], ask.step, []))
        for trigger, begin, begin_inputs, fills, run, run_inputs in starts:
            begun = wire(trigger, begin, begin_inputs, [self.stop, *fills], status, lane=LIGHT_LANE, mode="multiple")
            on_form, then = {"busy": [self.video, self.picture], "mode": "multiple"}, {"keeps_status": True}
            ran = wire(begun.then, self._job(run), [*knobs, *run_inputs], every, status, **on_form)
            ran = wire(
                ran.then, self._job(ask.first_film), [state, self.opacity], filmed, status, busy=self.film, js=SHOW_RESULT, **then
            )
            ran = wire(ran.then, self._on_details, [state], details, status, **then)
            which = [state, self.side, self.time, self.unit]
            ran = wire(ran.then, self._job(ask.first_unit, self.browsing), which, excited, status, busy=self.gallery, **then)
            wire(ran.then, lambda: {self.stop: gr.update(visible=False)}, [], [self.stop], status, lane=LIGHT_LANE, **then)
        wire(self.stop.click, self._on_stop, [], [self.stop], status, lane=LIGHT_LANE)
        wire(self.mode.input, lambda mode: self._apply(page.form(mode)), [self.mode], self.modes, status, lane=LIGHT_LANE)

        change = [state, self.time, self.opacity]
        on_plot = {"busy": self.plot, "busy_style": "minimal"}
        mine = [self.swap_sound.upload, self.swap_sound.stop_recording, self.swap_sound.clear]
        quick = {"lane": LIGHT_LANE, "mode": "always_last"}
        for changed in (
            wire(moves(self.shift), self._turn("shift_s"), [*change, self.shift], scored, status, **quick),
            wire(self.swap.input, self._turn("swap"), [*change, self.swap], scored, status, **on_plot),
            wire(mine, self._turn("mine"), [*change, self.swap_sound], scored, status, **on_plot),
        ):
            wire(changed.then, self._on_details, [state], details, status, keeps_status=True)

        look = ([state, self.time, self.opacity, self.side, self.unit], [*moment, *units], status)
        wire(moves(self.time, self.opacity), self._plain(ask.look), *look, **quick)
        wire(self.current.click, self._plain(ask.jump), *look, js=READ_PLAYER)
        wire(self.again.click, self._job(ask.film), [state, self.opacity], filmed, status, busy=self.film)
        wire(self.show.input, self._plain(ask.show), [state, self.show, self.opacity], filmed, status, busy=self.film)

        busy = {"busy": self.gallery, "mode": "always_last"}
        wire(self.side.input, self._job(ask.side, self.browsing), [state, self.side, self.time], excited, status, **busy)
        for chooser in (self.strongest, self.unit):
            wire(
                chooser.input, self._job(ask.unit, self.browsing), [state, self.side, self.time, chooser], excited, status, **busy
            )
        wire(self.gallery.select, self._on_pick, [state], [self.moment_sound], status, lane=LIGHT_LANE)

    def _apply(self, changes: page.Changes) -> Updates:
        """Turn plain changes into Gradio's updates."""
        return {  # an update makes a component anew, which a value alone need not
            getattr(self, name): change["value"] if change.keys() == {"value"} else gr.update(**change)
            for name, change in changes.items()
        }

    def _answer(self, answer: Callable, state: dict, *values: Any, turn: int = 0, **hooks: Any) -> Updates:
        """What changes on the page; ``state`` is the session's own and is changed in place, since answers may overlap."""
        before = dict(state)
        changes, after = answer(before, *values, **hooks)
        if after is None:
            return self._apply(changes)
        return {**self._apply(changes), self.state: state} if session.merge(state, before, after, turn) else {}

    def _plain(self, answer: Callable) -> Callable:
        """A handler that answers at once."""
        return lambda *values: self._answer(answer, *values)

    def _turn(self, knob: str) -> Callable:
        """A handler for a knob whose answers replace each other: one that is overtaken by a later turn is dropped."""

        def run(state: dict, time_s: float, opacity: float, value: Any) -> Updates:
            turn = next(self.turns)
            self.answers.want(state, knob, value)
            try:
                return self._answer(self.answers.change, state, time_s, opacity, turn=turn)
            except AvdemoError:
                self.answers.give_up(state)
                raise

        return run

    def _job(self, answer: Callable, jobs: Jobs | None = None) -> Callable:
        """A handler that takes its time: it tells how far it is, and can be stopped."""
        jobs = jobs or self.jobs

        def run(request: gr.Request, progress=gr.Progress(), *values: Any) -> Updates:  # noqa: B008 - gradio finds it there
            with jobs.running(request.session_hash or "") as cancelled:
                if cancelled():  # stopped while it waited in the queue
                    raise Cancelled
                return self._answer(answer, *values, progress=plain_progress(progress), cancelled=cancelled)

        return run

    def _on_begin(self, request: gr.Request) -> Updates:
        self.jobs.announce(request.session_hash or "")
        return {self.stop: gr.update(visible=True)}

    def _on_stop(self, request: gr.Request) -> Updates:
        for jobs in (self.jobs, self.browsing):
            jobs.stop(request.session_hash or "")
        return {self.stop: gr.update(visible=False), self.status: status_html(str(Cancelled()))}

    def _on_details(self, state: dict) -> Updates:
        made: list = []
        updates = self._answer(self.answers.details, state, made)
        return {**updates, **(dict(zip(self.how.outputs, ui.how_made_values(*made), strict=True)) if made else {})}

    def _on_pick(self, state: dict, event: gr.SelectData) -> Updates:
        return self._answer(self.answers.pick, state, event.index)

    # ---- the same over the app's API ------------------------------------------------------------------------------

    def _offer_api(self) -> None:
        """``/match``: files and a number in, files out, as ``python -m avdemo match``."""
        gr.Button(visible=False).click(
            for_api(results.match),
            [gr.File(visible=False), gr.File(visible=False), gr.Number(0, visible=False)],
            [gr.File(label=name, visible=False) for name in page.API_FILES],
            api_name="match", concurrency_id=MODEL_LANE, concurrency_limit=gpu.lane_width(),
        )  # fmt: skip


def build() -> None:
    """Build the tab; called inside its ``gr.Tab``."""
    MatchTab().build()
