"""The Imagine tab: components and events. What happens between two events is in ``answers``; the computing is in ``pipeline``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from avdemo.crossmodal import page, results, session
from avdemo.crossmodal.answers import Answers
from avdemo.crossmodal.session import DIRECTIONS, PICTURE, SOUND
from avdemo.errors import Cancelled
from avdemo.ui import components as ui
from avdemo.ui import gpu
from avdemo.ui.chain import Chain
from avdemo.ui.guard import LIGHT_LANE, MODEL_LANE, Updates, for_api, moves, wire
from avdemo.ui.progress import Jobs, PlainProgress
from avdemo.ui.shelf import Shelf
from avdemo.viz.palette import REST

CHECKPOINT = "crossmodal-compact"
EXAMPLES = Path(__file__).parent / "examples"
PLACES = 12  # sounds and pictures kept at once for all sessions
SESSION_SECONDS = 4 * 3600  # how long a page that was closed is remembered
SHOW = """(...a) => { const shown = [...document.querySelectorAll('%s')].find(e => e.offsetParent);
  if (shown && %s && !document.querySelector('.av-problem')) shown.scrollIntoView({block: '%s'}); return a; }"""
SHOW_RESULT = SHOW % ("#imagine-verdict, #imagine-sight", "innerWidth < 641", "start")
SHOW_TRIP = SHOW % ("#imagine-trip-sound, #imagine-trip-picture", "true", "end")
WAVE = {"waveform_options": ui.waveform(REST)}
LISTEN = {"sources": ["upload", "microphone"], "type": "filepath", **WAVE}
PLAYER = {"interactive": False, "type": "filepath", "buttons": ["download"], **WAVE}
DRAWN = {"interactive": False, "type": "filepath", "buttons": ["download", "fullscreen"], "format": "png"}
HALF = {"scale": 1, "min_width": 320}


def warm_up() -> None:
    """Load torch and the networks, so that the first sound need not wait for them."""
    from avdemo.crossmodal import pipeline

    pipeline.load_model(CHECKPOINT)


@gpu.gpu(seconds=60)
def _compute(name: str, *values: Any, progress: PlainProgress | None = None, cancelled: Any = None, **options: Any) -> Any:
    """A function of the pipeline, by its name, on whatever device there is."""
    from avdemo.crossmodal import pipeline

    hooks = {key: hook for key, hook in (("progress", progress), ("cancelled", cancelled)) if hook is not None}
    found = getattr(pipeline, name)(*values, **options, **hooks)
    return results.on_cpu(found) if gpu.on_zero_gpu() else found


class ImagineTab:
    """Lays the tab out and answers its events."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.answers = Answers(ui.read_examples(EXAMPLES), _compute, Shelf(PLACES))
        self.part: dict[str, Any] = {}  # components by the names that ``page`` uses

    # ---- layout -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Create the components and connect them; call inside the tab."""
        ui.lead(page.DOES, page.KNOWS)
        memory = {"time_to_live": SESSION_SECONDS, "delete_callback": self.answers.forget}
        self.state = {direction: gr.State({}, **memory) for direction in DIRECTIONS}
        self.given = {direction: gr.State({}) for direction in DIRECTIONS}
        self.chain: dict[str, Chain] = {}
        self.how, self.rows = {}, {}
        gr.HTML(page.STYLE)
        self._add("mode", gr.Radio, list(page.MODES), value=SOUND, show_label=False, container=False)
        for direction, gives, shows in (
            (SOUND, self._give_sound, self._show_pictures),
            (PICTURE, self._give_picture, self._show_sound),
        ):
            with gr.Column(visible=direction == SOUND) as self.part[f"half_{direction}"]:
                with gr.Row(equal_height=False):
                    with gr.Column(**HALF):
                        gives()
                        self.rows[direction] = self._row(direction)
                    with gr.Column(**HALF):
                        self.part[f"empty_{direction}"] = ui.empty_state(*page.EMPTY[direction])
                        with gr.Column(visible=False) as self.part[f"seen_{direction}"]:
                            shows()
                self._lay_out_trip(direction)
                with gr.Row(equal_height=False):
                    files = {"file_count": "multiple", "interactive": False, "elem_classes": ["av-downloads"], "visible": False}
                    self._add(f"files_{direction}", gr.File, label="Downloads", min_width=320, **files)
                    with gr.Column(visible=False, **HALF) as self.part[f"how_{direction}"]:
                        self.how[direction] = ui.how_made(ui.model_card(CHECKPOINT))
        self._connect()
        self._offer_api()

    def _add(self, name: str, kind: type = gr.HTML, *values: Any, **options: Any) -> None:
        """A component under its name; words, unless ``kind`` says otherwise."""
        options |= {"padding": False} if kind is gr.HTML else {}
        self.part[name] = kind(*values, elem_id=f"imagine-{name.replace('_', '-')}", **options)

    def _buttons(self, direction: str, words: str) -> None:
        with gr.Row():
            self._add(f"go_{direction}", gr.Button, words, variant="primary", scale=3, min_width=120)
            self._add(f"again_{direction}", gr.Button, "Again", scale=2, min_width=120)
            self._add(f"stop_{direction}", gr.Button, "Stop", visible=False, scale=1, min_width=90)
        self.chain[direction] = Chain(self.jobs, ui.status_line(), self.part[f"stop_{direction}"])

    def _seed_and(self, seed: str, name: str, *values: Any, **options: Any) -> None:
        with gr.Row(equal_height=True):
            self._add(seed, gr.Number, 0, precision=0, minimum=0, label="Seed", info=page.SEED_INFO, min_width=150)
            self._add(name, gr.Slider, *values, min_width=240, **options)

    def _give_sound(self) -> None:
        self._add("sound", gr.Audio, label="Your sound", **LISTEN)
        self._add("video", gr.UploadButton, "Or take the sound of a video", file_types=["video"], size="sm")
        ui.limits_line("wav, mp3, m4a, ogg, flac · mp4, mov, webm, mkv, avi")
        self._buttons(SOUND, "Imagine")
        self._seed_and("seed", "count", 1, page.MOST_SHOWN, page.COUNT, step=1, label="Number of pictures")
        words = {"label": "Which painter?", "info": page.VARIANT_INFO}
        self._add("variant", gr.Radio, list(page.VARIANT_CHOICES), value="C", **words)
        with gr.Accordion("Blend towards a second sound", open=False):
            offered = [(example["title"], example["file"]) for example in self.answers.examples[SOUND]]
            words = {"label": "The second sound: an example", "visible": bool(offered), "filterable": False}
            self._add("second_example", gr.Dropdown, offered, value=None, **words)
            self._add("second", gr.Audio, label="The second sound", **LISTEN)
            self._add("seconds", gr.Slider, 1, 20, page.BLEND_S, step=0.5, label="Length (s)")
            self._add("blend", gr.Button, "Make the clip")

    def _show_pictures(self) -> None:
        self._add("verdict")
        still = {"columns": 4, "object_fit": "cover", "allow_preview": False, "interactive": False, "buttons": []}
        self._add("gallery", gr.Gallery, label="What it brings to mind", show_label=False, format="png", **still)
        self._add("judgement")
        with gr.Row(equal_height=False):
            words = {"label": "The chosen picture", "alt_text": "The chosen picture, larger"}
            self._add("chosen", gr.Image, height=240, scale=1, min_width=150, **words, **DRAWN)
            with gr.Column(scale=1, min_width=150):
                self._add("chosen_words")
                self._add("carry", gr.Button, "Hear this picture")
                self._add("go_round_sound", gr.Button, "Round trip through this picture")
        self._add("clip", gr.Video, interactive=False, visible=False, height=330, buttons=["download"])
        self._add("heard_bars")
        self._add("spectrogram", gr.Image, label="What was heard", show_label=False, alt_text=page.AXES_HEARD, **DRAWN)

    def _give_picture(self) -> None:
        look = {"sources": ["upload", "webcam"], "type": "filepath", "height": 260, "alt_text": "The picture to hear"}
        self._add("picture", gr.Image, label="Your picture", **look)
        # Gradio's own opens it, and fails without a sentence; lost when an event names this output without setting a value
        self.part["picture"].preprocess = lambda payload: payload.path if payload else None
        ui.limits_line("jpg, png, webp", is_timed=False)
        self._buttons(PICTURE, "Play it")
        self._seed_and("tune_seed", "length", 2, 20, page.SECONDS, step=0.5, label="Length (s)")
        self._add("loudness", gr.Slider, -40, -10, page.LOUDNESS_DB, step=1, label="Loudness (dB)", info=page.LOUDNESS_INFO)

    def _show_sound(self) -> None:
        self._add("sight")
        self._add("made", gr.Audio, label="The sound it brings to mind", **PLAYER)
        self._add("hears")
        with gr.Row():
            self._add("carry_back", gr.Button, "See this sound", min_width=150)
            self._add("go_round_picture", gr.Button, "Round trip", min_width=150)
        self._add("drawn", gr.Image, label="What was drawn", show_label=False, alt_text=page.AXES_DRAWN, **DRAWN)
        for name in ("method", "seen_bars", "made_bars"):
            self._add(name)

    def _lay_out_trip(self, direction: str) -> None:
        """Three hops, side by side."""
        name = f"trip_{direction}"
        with gr.Column(visible=False, elem_id=f"imagine-trip-{direction}") as self.part[name]:
            ui.step("Round trip")
            self._add(f"trip_words_{direction}")
            with gr.Row(equal_height=False):
                for number in range(3):
                    with gr.Column(scale=1, min_width=240):
                        self._add(f"hop_words_{direction}_{number}")
                        hop, label = f"hop_{direction}_{number}", f"Hop {number + 1}"
                        if (direction == SOUND) == (number != 1):
                            self._add(hop, gr.Audio, label=label, **PLAYER)
                        else:
                            self._add(
                                hop, gr.Image, label=label, height=200, alt_text=f"The picture of hop {number + 1}", **DRAWN
                            )

    def _row(self, direction: str) -> gr.Dataset | None:
        """One click fills the form and runs."""
        examples = self.answers.examples[direction]
        titles, files = ([example[key] for example in examples] for key in ("title", "file"))
        if not examples:
            return None
        ui.step("Or start with one of these")
        name = f"imagine-examples-{direction}"
        return ui.picture_row(titles, files, name) if direction == PICTURE else ui.title_row(titles, name)

    # ---- events -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        part, ask, state = self.part, self.answers, self.state
        halves = [part[name] for name in ("mode", *(f"half_{direction}" for direction in DIRECTIONS))]
        starts: dict[str, list[tuple]] = {
            SOUND: [
                (part["go_sound"].click, lambda file: ({"file": file}, {}), [part["sound"]], []),
                (part["video"].upload, lambda file: ({"file": file, "is_video": True}, {}), [part["video"]], []),
                (part["carry_back"].click, ask.carry_back, [state[PICTURE]], [part["sound"], *halves]),
            ],
            PICTURE: [
                (part["go_picture"].click, lambda file: ({"file": file}, {}), [part["picture"]], []),
                (part["carry"].click, ask.carry, [state[SOUND]], [part["picture"], *halves]),
            ],
        }
        for direction, row in self.rows.items():
            if row is not None:
                choose = functools.partial(ask.example, direction)
                starts[direction].append((row.click, choose, [row], [part[direction]]))
        jobs = {SOUND: (ask.imagine, ask.repaint, ask.again), PICTURE: (ask.sonify, ask.replay, ask.next_tune)}
        knobs = {name: [part[knob] for knob in page.KNOBS[name]] for name in DIRECTIONS}
        busy, watched = {SOUND: part["gallery"], PICTURE: part["made"]}, {SOUND: part["chosen"], PICTURE: part["made"]}
        rounds = {SOUND: ask.round_sound, PICTURE: ask.round_picture}
        turned = {
            SOUND: [*moves(part["count"]), part["variant"].input, part["seed"].input],
            PICTURE: [*moves(part["length"], part["loudness"]), part["tune_seed"].input],
        }
        for direction in DIRECTIONS:
            start, change, again = jobs[direction]
            common = {"direction": direction, "shows": page.SHOWS[direction], "busy": busy[direction]}
            for trigger, fill, fill_from, fills in starts[direction]:
                given = [*knobs[direction], self.given[direction]]
                self._start(trigger, start, given, fill=fill, fill_from=fill_from, fills=fills, js=SHOW_RESULT, **common)
            self._start(turned[direction], change, knobs[direction], mode="always_last", **common)
            self._start(part[f"again_{direction}"].click, again, knobs[direction], **common)
            trip = {"direction": direction, "shows": page.trip_parts(direction), "js": SHOW_TRIP}
            self._start(part[f"go_round_{direction}"].click, rounds[direction], [], busy=watched[direction], **trip)
        clip = {"direction": SOUND, "shows": ["clip"], "busy": part["second"]}
        self._start(part["blend"].click, ask.blend, [part["second"], part["seconds"]], **clip)

        light = {"status": self.chain[SOUND].status, "lane": LIGHT_LANE}
        second = [part["second_example"]], [part["second"]]
        wire(part["second_example"].input, lambda file: {part["second"]: file}, *second, **light)
        wire(part["mode"].input, lambda direction: self._apply(page.form(direction)), [part["mode"]], halves, **light)
        chosen = [state[SOUND], *(part[name] for name in ("chosen", "chosen_words", "carry", "go_round_sound"))]
        wire(part["gallery"].select, self._on_choose, [state[SOUND]], chosen, **light)

    def _start(
        self, trigger: Any, answer: Callable, inputs: list, *, direction: str, shows: Sequence[str], busy: Any,
        fill: Callable | None = None, fills: Sequence = (), **how: Any,
    ) -> None:  # fmt: skip
        """Connect an event to an answer, which is followed by the files and how they were made.

        Args:
            answer: of :class:`Answers`, called with the state and ``inputs``.
            shows: names of what it may change.
            fill: gives what was given, and what changes in the form (``fills``).
        """
        state, given, made = self.state[direction], self.given[direction], self.how[direction].outputs

        def filled(*values: Any) -> Updates:
            found, changes = fill(*values)
            return {given: found, **self._apply(changes)}

        def run(*values: Any, **hooks: Any) -> Updates:
            return self._answer(direction, answer, *values, **hooks)

        def details(before: dict) -> Updates:
            told: list = []
            updates = self._answer(direction, self.answers.details[direction], before, told)
            return {**updates, **(dict(zip(made, ui.how_made_values(*told), strict=True)) if told else {})}

        files = [self.part[f"{part}_{direction}"] for part in ("files", "how")]
        if fill:
            how |= {"fill": filled, "fills": [given, *fills]}
        how |= {"then": details, "then_from": [state], "then_to": [state, *files, *made]}
        outputs = [state, *files, *(self.part[name] for name in shows)]
        self.chain[direction].start(trigger, run, [state, *inputs], outputs, busy=busy, **how)

    def _apply(self, changes: page.Changes) -> Updates:
        """Turn plain changes into Gradio's updates."""
        return {  # an update makes a component anew, which a value alone need not
            self.part[name]: change["value"] if change.keys() == {"value"} else gr.update(**change)
            for name, change in changes.items()
        }

    def _answer(self, direction: str, answer: Callable, state: dict, *values: Any, **hooks: Any) -> Updates:
        """What changes on the page; ``state`` is the session's own and is changed in place, since answers may overlap."""
        before = dict(state)
        changes, changed = answer(before, *values, **hooks)
        if hooks and hooks["cancelled"]():  # a later job of this session took its place
            raise Cancelled
        if changed is None:
            return self._apply(changes)
        return {**self._apply(changes), self.state[direction]: state} if session.merge(state, before, changed) else {}

    def _on_choose(self, state: dict, event: gr.SelectData) -> Updates:
        return self._answer(SOUND, self.answers.choose, state, event.index)

    # ---- the same over the app's API ------------------------------------------------------------------------------

    def _offer_api(self) -> None:
        """``/imagine`` and ``/sonify``, with the parameters of ``python -m avdemo imagine`` and ``sonify``."""
        hidden = {"visible": False}
        lane = {"concurrency_id": MODEL_LANE, "concurrency_limit": gpu.lane_width()}
        run = [gr.File(label=name, **hidden) for name in ("spectrogram", "run")]
        gr.Button(visible=False).click(
            for_api(results.imagine),
            [gr.File(**hidden), gr.Number(4, **hidden), gr.Number(0, **hidden), gr.Textbox("C", **hidden)],
            [gr.File(label="pictures", file_count="multiple", **hidden), *run], api_name="imagine", **lane,
        )  # fmt: skip
        gr.Button(visible=False).click(
            for_api(results.sonify),
            [gr.File(**hidden), gr.Number(0, **hidden), gr.Number(page.SECONDS, **hidden)],
            [gr.File(label=name, **hidden) for name in ("wav", "spectrogram", "run")], api_name="sonify", **lane,
        )  # fmt: skip


def build() -> None:
    """Build the tab; called inside its ``gr.Tab``."""
    ImagineTab().build()
