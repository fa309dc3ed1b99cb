"""The Add sound tab: components and events. What happens between two events is in ``answers``; the computing is in ``pipeline``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from avdemo import sessions
from avdemo.foley import page, results
from avdemo.foley.answers import Answers
from avdemo.foley.session import REPLACE, VIDEO
from avdemo.ui import components as ui
from avdemo.ui import gpu
from avdemo.ui.chain import Chain
from avdemo.ui.guard import LIGHT_LANE, MODEL_LANE, Updates, for_api, moves, wire
from avdemo.ui.progress import Jobs, PlainProgress, time_left
from avdemo.ui.shelf import Shelf

CHECKPOINT, VARIANT = "foley-compact", "flow"
EXAMPLES = Path(__file__).parent / "examples"
DESKS = 6  # videos kept at once for all sessions
SESSION_SECONDS = 4 * 3600  # how long a page that was closed is remembered
STILL_SECONDS, LONGEST_STILL, HOTTEST, MOST_TAKES, FOLLOW = 5.0, 20, 1.5, 3, 0.5
SHOW_RESULT = """(...a) => { const shown = document.querySelector('#foley-verdict');
  if (shown && innerWidth < 641 && !document.querySelector('.av-problem')) shown.scrollIntoView(); return a; }"""
SHOW_WRITING = """() => { const show = tries => { const growing = document.querySelector('#foley-growing');
  if (growing) growing.scrollIntoView({block: 'center'}); else if (tries) setTimeout(() => show(tries - 1), 100); };
  if (innerWidth < 641) show(50); }"""  # on a phone it lies under the form
LOOK = {"sources": ["upload", "webcam"]}
DRAWN = {"interactive": False, "type": "filepath", "format": "png", "show_label": False}
SHOWN = ("empty", "writing", "grown", "growing")  # while a sound is written
KNOBS = ("variant", "temperature", "seed", "takes", "seconds", "loudness", "follow", "own")
MIX = ("loudness", "follow", "own")
WRITTEN = ("seen", "verdict", "film", "take", "waves", "bars", "seed")


def warm_up() -> None:
    """Load torch and the networks and compile the sampler, so that the first sound need not wait for them."""
    from avdemo.foley import pipeline

    pipeline.warm_up()


@gpu.gpu(seconds=60)
def _compute(name: str, *values: Any, progress: PlainProgress | None = None, cancelled: Any = None, **options: Any) -> Any:
    """A function of the pipeline, by its name, on whatever device there is."""
    from avdemo.foley import pipeline

    hooks = {key: hook for key, hook in (("progress", progress), ("cancelled", cancelled)) if hook is not None}
    found = getattr(pipeline, name)(*values, **options, **hooks)
    return results.on_cpu(found) if gpu.on_zero_gpu() else found


class FoleyTab:
    """Lays the tab out and answers its events."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.answers = Answers(ui.read_examples(EXAMPLES), _compute, Shelf(DESKS), time_left)
        self.part: dict[str, Any] = {}  # components by the names that ``page`` uses

    # ---- layout -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Create the components and connect them; call inside the tab."""
        self.state = gr.State({}, time_to_live=SESSION_SECONDS, delete_callback=self.answers.forget)
        self.given, self.picked = gr.State({}), gr.State(None)
        ui.lead(page.DOES, page.KNOWS)
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                self._lay_out_input()
            with gr.Column(scale=1, min_width=320):
                self.part["empty"] = ui.empty_state(*page.EMPTY)
                self._lay_out_writing()
                self._lay_out_result()
        with gr.Column(visible=False) as self.part["below"], gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                files = {"file_count": "multiple", "interactive": False, "elem_classes": ["av-downloads"]}
                self._add("files", gr.File, label="Downloads", **files)
                self.how = ui.how_made(ui.model_card(CHECKPOINT))
            with gr.Column(scale=1, min_width=320):
                buttons = {"buttons": ["download", "fullscreen"]}
                words = {"label": "Spectrogram", "alt_text": page.AXES_SPECTROGRAM}
                self._add("spectrogram", gr.Image, **words, **buttons, **DRAWN)
        self._connect()
        self._offer_api()

    def _add(self, name: str, kind: type = gr.HTML, *values: Any, **options: Any) -> None:
        """A component under its name; words, unless ``kind`` says otherwise."""
        options |= {"padding": False} if kind is gr.HTML else {}
        self.part[name] = kind(*values, elem_id=f"foley-{name.replace('_', '-')}", **options)

    def _lay_out_input(self) -> None:
        self._add("mode", gr.Radio, list(page.MODE_CHOICES), value=VIDEO, label="What do you have?")
        with gr.Column() as self.part["half_video"]:
            self._add("video", gr.Video, label="Your video", elem_classes=["av-video"], **LOOK)
            ui.limits_line("mp4, mov, webm, mkv, avi, gif")
        with gr.Column(visible=False) as self.part["half_photo"]:
            words = {"label": "Your photo", "alt_text": "The photo to hear"}
            self._add("photo", gr.Image, type="filepath", height=260, **words, **LOOK)
            # Gradio's own opens it, and fails without a sentence; lost when an event names this output without setting a value
            self.part["photo"].preprocess = lambda payload: payload.path if payload else None
            ui.limits_line("jpg, png, webp", is_timed=False)
            length = {"label": "Length (s)", "info": page.SECONDS_INFO}
            self._add("seconds", gr.Slider, 1, LONGEST_STILL, STILL_SECONDS, step=0.5, **length)
        with gr.Row():
            self._add("go", gr.Button, "Add sound", variant="primary", scale=3, min_width=120)
            self._add("again", gr.Button, "Again", scale=2, min_width=100)
            self._add("stop", gr.Button, "Stop", visible=False, scale=1, min_width=90)
        self.chain = Chain(self.jobs, ui.status_line(), self.part["stop"])
        with gr.Accordion("More", open=False):
            self._lay_out_knobs()
        self.row = self._row()

    def _lay_out_knobs(self) -> None:
        words = {"label": "How do the pictures reach the sound?", "info": f"{page.VARIANT_INFO} {page.NEXT_TIME}"}
        self._add("variant", gr.Radio, list(page.VARIANT_CHOICES), value=VARIANT, **words)
        with gr.Row(equal_height=True):
            self._add("seed", gr.Number, 0, precision=0, minimum=0, label="Seed", info=page.SEED_INFO, min_width=150)
            words = {"label": "Takes at once", "info": page.TAKES_INFO, "min_width": 150}
            self._add("takes", gr.Radio, list(range(1, MOST_TAKES + 1)), value=1, **words)
        self._add("temperature", gr.Slider, 0, HOTTEST, 1, step=0.05, label="Temperature", info=page.TEMPERATURE_INFO)
        self._add("loudness", gr.Slider, -30, 20, 0, step=1, label="Loudness (dB)", info=page.LOUDNESS_INFO)
        self._add("follow", gr.Slider, 0, 1, FOLLOW, step=0.05, label="Follow the picture", info=page.FOLLOW_INFO)
        self._add("own", gr.Radio, list(page.KEEP_CHOICES), value=REPLACE, label="The video's own sound, if it has one")

    def _row(self) -> gr.Dataset | None:
        """One click fills the form and runs."""
        titles, files = ([example[key] for example in self.answers.examples] for key in ("title", "file"))
        return ui.example_row(titles, files, "foley-examples") if files else None

    def _lay_out_writing(self) -> None:
        with gr.Column(visible=False, elem_id="foley-writing") as self.part["writing"]:
            self._add("grown")
            self._add("growing", gr.Image, label="The sound as it is written", alt_text=page.AXES_GROWING, buttons=[], **DRAWN)

    def _lay_out_result(self) -> None:
        with gr.Column(visible=False) as self.part["seen"]:
            self._add("film", gr.Video, label="The video with its sound", interactive=False, height=330, buttons=["download"])
            self._add("take", gr.Radio, [], label="Which take?", visible=False)
            self._add("verdict")
            words = {"label": "The takes", "alt_text": page.AXES_WAVES, "visible": False}
            self._add("waves", gr.Image, buttons=["download", "fullscreen"], **words, **DRAWN)
            words = {"label": "What moves, and how loud it is", "alt_text": page.AXES_COURSE}
            self._add("course", gr.Image, buttons=["download", "fullscreen"], **words, **DRAWN)
            self._add("bars")

    # ---- events -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        part, ask = self.part, self.answers
        knobs = [part[name] for name in KNOBS]
        form = [part[name] for name in ("mode", "video", "photo")]
        halves = [part[name] for name in ("mode", "half_video", "half_photo")]
        starts: list[tuple] = [
            (part["go"].click, ask.compose, lambda *values: (ask.given(*values), {}), form, []),
            (part["again"].click, ask.again, lambda: ({}, {}), [], []),
        ]
        if self.row is not None:
            starts.append((self.row.click, ask.compose, ask.example, [self.row], [*halves, part["video"], part["photo"]]))
        for trigger, answer, fill, fill_from, fills in starts:
            filled = {"fill": self._filled(fill), "fill_from": fill_from, "fills": [self.given, *self._parts(SHOWN), *fills]}
            self._start(trigger, self._growing(answer), [*knobs, self.given], [*SHOWN, *WRITTEN], busy=part["growing"], **filled)
            trigger(None, js=SHOW_WRITING, api_visibility="private", show_progress="hidden")
        mixing = {"busy": part["film"], "mode": "always_last"}
        turned = [*moves(part["loudness"], part["follow"]), part["own"].input]
        self._start(turned, self._quick(ask.mix), [part[name] for name in MIX], WRITTEN, **mixing)
        picking = {"fill": lambda take: {self.picked: take}, "fill_from": [part["take"]], "fills": [self.picked], **mixing}
        self._start(part["take"].input, self._quick(ask.pick), [self.picked], WRITTEN, **picking)
        light = {"status": self.chain.status, "lane": LIGHT_LANE}
        wire(part["mode"].input, lambda mode: self._apply(page.form(mode)), [part["mode"]], halves, **light)

    def _parts(self, names: Sequence[str]) -> list[Any]:
        return [self.part[name] for name in names]

    def _start(self, trigger: Any, job: Callable, inputs: list, shows: Sequence[str], **how: Any) -> None:
        """Connect an event to a job, which is followed by the pictures, the files and how they were made."""
        after = [self.state, *self._parts(("writing", "empty", "course", "spectrogram", "files", "below")), *self.how.outputs]
        then = {"then": self._on_details, "then_from": [self.state], "then_to": after, "js": SHOW_RESULT}
        self.chain.start(trigger, job, [self.state, *inputs], [self.state, *self._parts(dict.fromkeys(shows))], **then, **how)

    def _filled(self, fill: Callable) -> Callable:
        """A handler that fills the form and shows that something begins."""

        def run(*values: Any) -> Updates:
            found, changes = fill(*values)
            return {self.given: found, **self._apply({**page.begun(), **changes})}

        return run

    def _growing(self, answer: Callable) -> Callable:
        """A job that shows what is there while more is written."""

        def run(state: dict, *values: Any, **hooks: Any) -> Iterator[Updates]:
            for changes, changed in answer(dict(state), *values, **hooks):
                yield self._merged(state, changes, changed)

        return run

    def _quick(self, answer: Callable) -> Callable:
        """A job that answers once."""
        return lambda state, *values, **hooks: self._merged(state, *answer(dict(state), *values, **hooks))

    def _merged(self, state: dict, changes: page.Changes, changed: dict | None) -> Updates:
        """What changes on the page; ``state`` is the session's own and is changed in place, since answers may overlap."""
        if changed is None:
            return self._apply(changes)
        return {**self._apply(changes), self.state: state} if sessions.merge(state, dict(state), changed) else {}

    def _apply(self, changes: page.Changes) -> Updates:
        """Turn plain changes into Gradio's updates."""
        return {  # an update makes a component anew, which a value alone need not
            self.part[name]: change["value"] if change.keys() == {"value"} else gr.update(**change)
            for name, change in changes.items()
        }

    def _on_details(self, state: dict) -> Updates:
        made: list = []
        updates = self._merged(state, *self.answers.details(dict(state), made))
        return {**updates, **(dict(zip(self.how.outputs, ui.how_made_values(*made), strict=True)) if made else {})}

    # ---- the same over the app's API ------------------------------------------------------------------------------

    def _offer_api(self) -> None:
        """``/foley``, with the parameters of ``python -m avdemo foley``."""
        hidden = {"visible": False}
        numbers = [gr.Number(value, **hidden) for value in (0, 1, 0)]
        gr.Button(visible=False).click(
            for_api(results.foley),
            [gr.File(**hidden), gr.Textbox(VARIANT, **hidden), *numbers, gr.Textbox(REPLACE, **hidden)],
            [gr.File(label=name, **hidden) for name in ("video", "sound", "run")],
            api_name="foley", concurrency_id=MODEL_LANE, concurrency_limit=gpu.lane_width(),
        )  # fmt: skip


def build() -> None:
    """Build the tab; called inside its ``gr.Tab``."""
    FoleyTab().build()
