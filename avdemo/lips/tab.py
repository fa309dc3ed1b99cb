"""The Make lips speak tab: components and events. What happens between two events is in ``answers``; the computing is in ``pipeline``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from avdemo import sessions
from avdemo.errors import Cancelled
from avdemo.lips import page, results
from avdemo.lips.answers import Answers
from avdemo.ui import components as ui
from avdemo.ui import gpu
from avdemo.ui.chain import Chain
from avdemo.ui.guard import LIGHT_LANE, MODEL_LANE, Updates, for_api, moves, wire
from avdemo.ui.progress import Jobs, PlainProgress, plain_progress
from avdemo.ui.shelf import Shelf
from avdemo.viz.palette import REST

CHECKPOINT = "lips-compact"
EXAMPLES = Path(__file__).parent / "examples"
PLACES = 24  # photos and results kept at once for all sessions
SESSION_SECONDS = 4 * 3600  # how long a page that was closed is remembered
SHOW_RESULT = """(...a) => { const shown = document.querySelector('#lips-verdict');
  if (shown && innerWidth < 641 && !document.querySelector('.av-problem'))
    (document.querySelector('#lips-film') ?? shown).scrollIntoView(); return a; }"""
DRAWN = {"interactive": False, "type": "filepath", "format": "png"}
BUTTONS = {"buttons": ["download", "fullscreen"]}
HALF = {"scale": 1, "min_width": 320}


def warm_up() -> None:
    """Load torch and the networks, so that the first photo need not wait for them."""
    from avdemo.lips import pipeline

    pipeline.load_model(CHECKPOINT)


@gpu.gpu(seconds=60)
def _compute(name: str, *values: Any, progress: PlainProgress | None = None, cancelled: Any = None, **options: Any) -> Any:
    """A function of the pipeline, by its name, on whatever device there is."""
    from avdemo.lips import pipeline

    hooks = {key: hook for key, hook in (("progress", progress), ("cancelled", cancelled)) if hook is not None}
    return getattr(pipeline, name)(*values, **options, **hooks)


class LipsTab:
    """Lays the tab out and answers its events."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.answers = Answers(ui.read_examples(EXAMPLES), _compute, Shelf(PLACES))
        self.part: dict[str, Any] = {}  # components by the names that ``page`` uses

    # ---- layout -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Create the components and connect them; call inside the tab."""
        memory = {"time_to_live": SESSION_SECONDS, "delete_callback": self.answers.forget}
        self.sight, self.state, self.given = gr.State({}, **memory), gr.State({}, **memory), gr.State({})
        ui.lead(page.DOES, page.KNOWS)
        gr.HTML(page.STYLE, padding=False)
        with gr.Row(equal_height=False):
            with gr.Column(**HALF):
                self._lay_out_input()
            with gr.Column(**HALF):
                self.part["empty"] = ui.empty_state(*page.EMPTY)
                with gr.Column(visible=False) as self.part["result"]:
                    self._lay_out_result()
                with gr.Column(visible=False) as self.part["below"]:
                    files = {"file_count": "multiple", "interactive": False, "elem_classes": ["av-downloads"]}
                    self._add("files", gr.File, label="Downloads", **files)
                    self.how = ui.how_made(ui.model_card(CHECKPOINT))
        self._connect()
        self._offer_api()

    def _add(self, name: str, kind: type = gr.HTML, *values: Any, **options: Any) -> None:
        """A component under its name; words, unless ``kind`` says otherwise."""
        options |= {"padding": False} if kind is gr.HTML else {}
        self.part[name] = kind(*values, elem_id=f"lips-{name.replace('_', '-')}", **options)

    def _lay_out_input(self) -> None:
        words = {"label": "Your photo", "alt_text": "The photo that shall speak"}
        self._add("photo", gr.Image, type="filepath", sources=["upload", "webcam"], height=220, **words)
        # Gradio's own opens it, and fails without a sentence; lost when an event names this output without setting a value
        self.part["photo"].preprocess = lambda payload: payload.path if payload else None
        ui.limits_line("jpg, png, webp", is_timed=False)
        with gr.Column(visible=False) as self.part["look"]:
            self._lay_out_square()
        wave = {"waveform_options": ui.waveform(REST)}
        self._add("speech", gr.Audio, label="Your speech", sources=["upload", "microphone"], type="filepath", **wave)
        ui.limits_line("wav, mp3, m4a, ogg, flac, or a video's sound")
        with gr.Row():
            self._add("go", gr.Button, "Make them speak", variant="primary", scale=3, min_width=120)
            self._add("stop", gr.Button, "Stop", visible=False, scale=1, min_width=90)
        gr.HTML(f'<div class="av-limits">{page.CONSENT}</div>')
        self.chain = Chain(self.jobs, ui.status_line(), self.part["stop"])
        with gr.Accordion("More", open=False):
            self._add("lively", gr.Slider, 0, 2, 1, step=0.05, label="Liveliness", info=page.LIVELY_INFO)
            self._add("mark", gr.Checkbox, True, label="Mark the videos as generated", info=page.MARK_INFO)
        self.row = None
        if self.answers.examples:
            ui.step("Or start with one of these")
            titles, files = ([example[key] for example in self.answers.examples] for key in ("title", "file"))
            self.row = ui.picture_row(titles, files, "lips-examples")

    def _lay_out_square(self) -> None:
        ui.step(page.PREVIEW)
        self._add("found")
        words = {"show_label": False, "label": page.PREVIEW, "alt_text": page.PREVIEW_ALT}
        self._add("preview", gr.Image, buttons=["fullscreen"], **words, **DRAWN)
        self._add("face", gr.Radio, [], label="Which face?", visible=False)
        gr.HTML(f'<div class="av-limits">{page.BOX_INFO}</div>')
        with gr.Accordion("The square in numbers", open=False):
            with gr.Row(equal_height=True):
                for name, label in (("box_left", "Left (px)"), ("box_top", "Top (px)"), ("box_side", "Side (px)")):
                    self._add(name, gr.Number, None, precision=0, label=label, min_width=90)
            self._add("box_turn", gr.Slider, -45, 45, 0, step=0.1, label="Turn (degrees)", info=page.TURN_INFO)

    def _lay_out_result(self) -> None:
        self._add("film", gr.Video, label="The photo speaks", interactive=False, height=380, buttons=["download"])
        self._add("verdict")
        self._add(
            "close",
            gr.Video,
            label="The mouth alone, as the network made it",
            interactive=False,
            height=260,
            buttons=["download"],
        )
        words = {"label": "Phases of the mouth", "alt_text": page.PHASES_ALT, "show_label": False}
        self._add("phases", gr.Image, **words, **BUTTONS, **DRAWN)
        words = {"label": "How far the mouth opens", "alt_text": page.OPENING_ALT, "show_label": False}
        self._add("opening", gr.Image, **words, **BUTTONS, **DRAWN)

    # ---- events -------------------------------------------------------------------------------------------------

    def _parts(self, names: Sequence[str]) -> list[Any]:
        return [self.part[name] for name in names]

    def _connect(self) -> None:
        part, ask = self.part, self.answers
        box = self._parts(page.BOX)
        seen = [self.sight, *self._parts(page.SEEN)]
        status = self.chain.status
        wire(part["photo"].input, self._on_photo, [self.sight, part["photo"]], seen, status, busy=part["photo"], mode="multiple")
        quick = {"status": status, "lane": LIGHT_LANE, "mode": "always_last"}
        wire(part["face"].input, self._on_sight(ask.choose), [self.sight, part["face"]], seen, **quick)
        turned = [*(number.input for number in box[:3]), *moves(box[3])]
        wire(turned, self._on_sight(ask.move), [self.sight, *box], [self.sight, part["preview"], part["found"]], **quick)
        wire(part["preview"].select, self._on_click, [self.sight], seen, status, lane=LIGHT_LANE, mode="multiple")

        form = [self.sight, self.state, *self._parts(("speech", "photo", "lively", "mark")), self.given, *box]
        shown = [self.sight, self.state, *self._parts(dict.fromkeys((*page.SEEN, *page.SPOKEN)))]
        begin = {"busy": part["film"], "fills": [self.given, *self._parts(("empty", "result"))]}  # not the photo: see where it is laid out
        self._start(
            part["go"].click, self._on_speak, form, shown, fill=lambda: {self.given: {}, **self._apply(page.waits())}, **begin
        )
        begin["fills"] = [*begin["fills"], *self._parts(("photo", "speech"))]
        if self.row is not None:
            self._start(self.row.click, self._on_speak, form, shown, fill=self._on_example, fill_from=[self.row], **begin)
        shown = [self.state, *self._parts(page.SPOKEN)]
        knob = {"busy": part["film"], "mode": "always_last"}
        self._start(moves(part["lively"]), self._on_knob(ask.relive), [self.state, part["lively"]], shown, **knob)
        self._start(part["mark"].input, self._on_knob(ask.remark), [self.state, part["mark"]], shown, **knob)

    def _start(self, trigger: Any, job: Callable, inputs: list, outputs: list, **how: Any) -> None:
        """Connect an event to a job, which is followed by the files and how they were made."""
        after = [self.state, *self._parts(("files", "below", "empty", "result")), *self.how.outputs]
        then = {"then": self._on_details, "then_from": [self.state], "then_to": after, "js": SHOW_RESULT}
        self.chain.start(trigger, job, inputs, outputs, **then, **how)

    def _apply(self, changes: page.Changes) -> Updates:
        """Turn plain changes into Gradio's updates."""
        return {  # an update makes a component anew, which a value alone need not
            self.part[name]: change["value"] if change.keys() == {"value"} else gr.update(**change)
            for name, change in changes.items()
        }

    def _on_photo(self, sight: dict, photo: str | None, progress=gr.Progress()) -> Updates:  # noqa: B008 - gradio finds it there
        changes, new = self.answers.look(dict(sight), photo, progress=plain_progress(progress))
        return {**self._apply(changes), self.sight: new}

    def _on_sight(self, answer: Callable) -> Callable:
        """A handler for an answer about the photo; the session's own sight is changed in place, since answers may overlap."""

        def run(sight: dict, *values: Any) -> Updates:
            before = dict(sight)
            changes, changed = answer(before, *values)
            if changed is None or sight.get("token") != before.get("token"):
                return {}
            sight.update(changed)
            return {**self._apply(changes), self.sight: sight}

        return run

    def _on_click(self, sight: dict, event: gr.SelectData) -> Updates:
        return self._on_sight(lambda before: self.answers.click(before, *event.index))(sight)

    def _on_example(self, number: int) -> Updates:
        given, changes = self.answers.example(number)
        return {self.given: given, **self._apply({**changes, **page.waits()})}

    def _on_speak(self, *values: Any, **hooks: Any) -> Updates:
        sight, state, *form = values
        changes, new, sight = self.answers.speak(dict(sight), dict(state), *form, **hooks)
        if hooks["cancelled"]():  # a later job of this session took its place
            raise Cancelled
        return {**self._apply(changes), self.state: new, **({self.sight: sight} if sight else {})}

    def _on_knob(self, answer: Callable) -> Callable:
        def run(state: dict, value: Any, **hooks: Any) -> Updates:
            before = dict(state)
            changes, changed = answer(before, value, **hooks)
            if changed is None or not sessions.merge(state, before, changed):
                return {}
            return {**self._apply(changes), self.state: state}

        return run

    def _on_details(self, state: dict) -> Updates:
        made: list = []
        before = dict(state)
        changes, changed = self.answers.details(before, made)
        updates = self._apply({**page.over(state), **changes})
        if changed is not None and sessions.merge(state, before, changed):
            updates |= {self.state: state, **dict(zip(self.how.outputs, ui.how_made_values(*made), strict=True))}
        return updates

    # ---- the same over the app's API ------------------------------------------------------------------------------

    def _offer_api(self) -> None:
        """``/lips``, with the parameters of ``python -m avdemo lips``."""
        hidden = {"visible": False}
        numbers = [gr.Number(value, **hidden) for value in (0.0, 1, 1.0)]
        gr.Button(visible=False).click(
            for_api(results.lips),
            [gr.File(**hidden), gr.File(**hidden), gr.Number(0, **hidden), gr.Textbox("", **hidden), *numbers, gr.Checkbox(True, **hidden)],
            [gr.File(label=name, **hidden) for name in ("face", "lips", "run")],
            api_name="lips", concurrency_id=MODEL_LANE, concurrency_limit=gpu.lane_width(),
        )  # fmt: skip


def build() -> None:
    """Build the tab; called inside its ``gr.Tab``."""
    LipsTab().build()
