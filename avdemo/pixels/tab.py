"""The Isolate tab: components and events. What happens between two clicks is in ``session``; the computing is in ``pipeline``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from avdemo import media
from avdemo.errors import Cancelled, InputError
from avdemo.pixels import page, results, session
from avdemo.pixels.session import MAX_PLACES, VIEWS, Desk, Place
from avdemo.ui import components as ui
from avdemo.ui import gpu
from avdemo.ui.guard import LIGHT_LANE, MODEL_LANE, Updates, for_api, moves, status_html, wire
from avdemo.ui.progress import Jobs, PlainProgress, plain_progress
from avdemo.ui.shelf import Shelf
from avdemo.viz.palette import REST, source_colour

CHECKPOINT = "pixels-compact"
EXAMPLES = Path(__file__).parent / "examples"
PREPARED_VIDEOS = 4  # kept at once for all sessions; one minute of video takes some 100 MB
SESSION_SECONDS = 4 * 3600  # how long a page that was closed is remembered
PLAYER = {"interactive": False, "type": "filepath", "buttons": ["download"]}
READ_PLAYER = "(...a) => { const v = document.querySelector('#pixels-video video'); a[1] = v ? v.currentTime : 0; return a; }"


def warm_up() -> None:
    """Load torch and the network, so that the first video need not wait for them."""
    from avdemo.pixels import pipeline

    pipeline.load_model(CHECKPOINT)


@gpu.gpu(seconds=90)
def _prepare(video: str, *, progress: PlainProgress | None = None, cancelled: Any = None) -> Any:
    from avdemo.pixels import pipeline

    prepared = pipeline.prepare(video, progress=progress, cancelled=cancelled)
    return results.on_cpu(prepared) if gpu.on_zero_gpu() else prepared


class IsolateTab:
    """Lays the tab out and answers its events."""

    def __init__(self) -> None:
        self.desks: Shelf[Desk] = Shelf(PREPARED_VIDEOS)
        self.jobs = Jobs()
        self.examples = ui.read_examples(EXAMPLES)

    # ---- layout -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Create the components and connect them; call inside the tab."""
        self.state = gr.State({}, time_to_live=SESSION_SECONDS, delete_callback=self._forget)
        self.chosen = gr.State(None)
        ui.lead(page.DOES, page.KNOWS)
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                self._lay_out_input()
            with gr.Column(scale=1, min_width=320):
                self.empty = ui.empty_state("Nothing to click on yet", page.WILL_APPEAR)
                self._lay_out_frame()
                self._lay_out_heard()
        with gr.Row(equal_height=False, visible=False) as self.results:
            with gr.Column(scale=1, min_width=320):
                self._lay_out_mixer()
            with gr.Column(scale=1, min_width=320):
                self._lay_out_pictures()
        self._connect()
        self._offer_api()

    def _lay_out_input(self) -> None:
        self.video = gr.Video(label="Your video", sources=["upload", "webcam"], elem_id="pixels-video", elem_classes=["av-video"])
        ui.limits_line("mp4, mov, webm, mkv, avi", "needs sound")
        self.stop = gr.Button("Stop", size="sm", visible=False, elem_id="pixels-stop")
        self.status = ui.status_line()
        with gr.Column(visible=False) as self.chooser:
            with gr.Row(equal_height=True):
                self.time = gr.Slider(0, 1, 0, step=0.05, label="Moment (s)", elem_id="pixels-time", scale=3, min_width=180)
                self.current = gr.Button("Use the current frame", size="sm", min_width=130, elem_id="pixels-current")
            with gr.Accordion("More: give the place by numbers", open=False):
                with gr.Row():
                    self.x = gr.Number(0, label="X (px)", info="From the upright video's left.", elem_id="pixels-x", min_width=120)
                    self.y = gr.Number(0, label="Y (px)", info="From its top.", elem_id="pixels-y", min_width=120)
                self.by_numbers = gr.Button("Listen at this place", size="sm", elem_id="pixels-by-numbers")
        if self.examples:
            titles, files = ([example[key] for example in self.examples] for key in ("title", "file"))
            self.example_row = ui.example_row(titles, files, "pixels-examples")

    def _lay_out_frame(self) -> None:
        with gr.Column(visible=False) as self.screen:
            self.frame = gr.Image(
                label="Click on what you want to hear", interactive=False, format="jpeg", type="filepath", buttons=[],
                elem_id="pixels-frame", elem_classes=["av-clickable"],
                alt_text="A frame of your video; click on what you want to hear, or give the place by numbers under More",
            )  # fmt: skip
            self.legend = ui.energy_legend()
            with gr.Row(equal_height=True):
                wide, narrow = {"scale": 3, "min_width": 260}, {"scale": 2, "min_width": 130}
                self.view = gr.Radio(list(VIEWS), value=VIEWS[0], label="Over the picture", elem_id="pixels-view", **wide)
                self.opacity = gr.Slider(0, 1, page.OPACITY, step=0.05, label="Opacity", elem_id="pixels-opacity", **narrow)

    def _lay_out_heard(self) -> None:
        with gr.Column(visible=False) as self.heard:
            self.shown = gr.Radio([], label="Place", elem_id="pixels-shown", elem_classes=["av-places"])
            self.sounds = [
                gr.Audio(
                    label=f"Place {n} alone", autoplay=True, visible=False, waveform_options=ui.waveform(source_colour(n - 1)),
                    elem_id=f"pixels-sound-{n}", elem_classes=[f"av-source-{n}"], **PLAYER,
                )
                for n in range(1, MAX_PLACES + 1)
            ]  # fmt: skip
            with gr.Row():
                self.undo = gr.Button("Undo last place", size="sm", elem_id="pixels-undo", min_width=120)
                self.clear = gr.Button("Clear all places", size="sm", elem_id="pixels-clear", min_width=120)

    def _lay_out_mixer(self) -> None:
        grey = {"waveform_options": ui.waveform(REST), **PLAYER}
        self.rest = gr.Audio(label="Everything but this place", elem_id="pixels-rest", **grey)
        ui.step("Mix the places anew")
        with gr.Group():
            *self.faders, self.fader_rest = ui.faders(MAX_PLACES, "pixels")
        self.mix = gr.Audio(label="Your mix", elem_id="pixels-mix", **grey)
        with gr.Row():
            self.film_place = gr.Button("Video with this place only", size="sm", elem_id="pixels-film-place", min_width=150)
            self.film_mix = gr.Button("Video with your mix", size="sm", elem_id="pixels-film-mix", min_width=150)
        self.film = gr.Video(label="Video", interactive=False, visible=False, elem_id="pixels-film", elem_classes=["av-video"])

    def _lay_out_pictures(self) -> None:
        self.pictures = gr.Image(
            label="What was taken", show_label=False, interactive=False, format="png", type="filepath", elem_id="pixels-pictures",
            buttons=["download", "fullscreen"],
            alt_text="Spectrograms of everything and of this place alone, and the mask between them",
        )  # fmt: skip
        self.files = gr.File(
            label="Downloads", file_count="multiple", interactive=False, elem_id="pixels-files", elem_classes=["av-downloads"]
        )
        self.how = ui.how_made(ui.model_card(CHECKPOINT))

    # ---- events -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        status, state, look = self.status, self.state, [self.time, self.view, self.opacity]
        gains = [*self.faders, self.fader_rest]
        place = [state, self.frame, self.time, self.legend, self.heard, self.results, self.film, self.shown]
        place += [*self.sounds, self.rest, *gains]
        every = [*place, self.video, self.stop, self.chooser, self.screen, self.empty, self.view, self.opacity, self.x, self.y]
        made = [state, self.stop, self.mix, self.pictures, self.files, *self.how.outputs]

        def detailed(event: Any) -> None:
            wire(event.then, self._on_details, [state, *gains], made, status, keeps_status=True)

        starts = [([self.video.upload, self.video.stop_recording], self._on_begin, [], self._on_video, [self.video])]
        if self.examples:
            starts.append((self.example_row.click, self._on_choose, [self.example_row], self._on_example, [self.chosen]))
        for trigger, begin, begin_inputs, run, run_inputs in starts:
            out = [self.stop, self.video, self.chosen]
            begun = wire(trigger, begin, begin_inputs, out, status, lane=LIGHT_LANE, mode="multiple")
            detailed(wire(begun.then, run, run_inputs, every, status, busy=self.video, mode="multiple"))
        wire(self.stop.click, self._on_stop, [], [self.stop], status, lane=LIGHT_LANE)
        wire(self.video.clear, self._on_empty, [state], every, status, lane=LIGHT_LANE)

        busy = {"busy": self.frame, "busy_style": "minimal"}
        detailed(wire(self.frame.select, self._on_click, [state, *look], place, status, **busy))
        detailed(wire(self.by_numbers.click, self._on_numbers, [state, *look, self.x, self.y], place, status, **busy))
        detailed(wire(self.undo.click, self._on_undo, [state, *look], place, status))
        detailed(wire(self.clear.click, self._on_clear, [state, *look], place, status))

        view = ([state, *look], [self.time, self.frame, self.legend], status)
        wire(moves(self.time), self._on_look, *view, mode="always_last")
        wire([self.view.input, *moves(self.opacity)], self._on_look, *view, lane=LIGHT_LANE, mode="always_last")
        wire(self.current.click, self._on_look, *view, js=READ_PLAYER)
        shown = [state, *self.sounds, self.rest, self.pictures, self.files]
        wire(self.shown.input, self._on_show, [state, self.shown], shown, status)
        wire(moves(*gains), self._on_faders, [state, *gains], made, status, mode="always_last")
        film = [state, self.film, self.files]
        wire(self.film_place.click, self._on_film_place, [state], film, status, busy=self.film)
        wire(self.film_mix.click, self._on_film_mix, [state, *gains], film, status, busy=self.film)

    def _apply(self, changes: page.Changes, state: dict | None = None) -> Updates:
        """Turn plain changes into Gradio's updates; with ``state``, remember that too."""
        numbered = {"fader": self.faders, "sound": self.sounds}
        parts = {f"{name}_{n}": part for name, those in numbered.items() for n, part in enumerate(those, 1)}
        updates: Updates = {parts.get(name) or getattr(self, name): gr.update(**change) for name, change in changes.items()}
        return updates if state is None else {**updates, self.state: state}

    def _forget(self, state: dict) -> None:
        if state:
            self.desks.drop(state["token"])

    def _desk(self, state: dict) -> Desk:
        """The session's desk; made anew when it had to leave the shelf."""
        if not state:
            raise InputError(page.NO_VIDEO)
        return self.desks.get(state["token"], lambda: Desk(_prepare(state["video"])))

    def _on_begin(self, request: gr.Request) -> Updates:
        self.jobs.announce(request.session_hash or "")
        return {self.stop: gr.update(visible=True)}

    def _on_choose(self, index: int, request: gr.Request) -> Updates:
        return {**self._on_begin(request), self.video: self.examples[index]["file"], self.chosen: index}

    def _on_stop(self, request: gr.Request) -> Updates:
        self.jobs.stop(request.session_hash or "")
        return {self.stop: gr.update(visible=False), self.status: status_html(str(Cancelled()))}

    def _on_empty(self, state: dict, request: gr.Request) -> Updates:
        self.jobs.stop(request.session_hash or "")
        self._forget(state)
        return self._apply(page.closed(), {})

    def _on_video(self, video: str, request: gr.Request, progress=gr.Progress()) -> Updates:  # noqa: B008 - gradio finds it there
        return self._open(video, [], request, progress)

    def _on_example(self, index: int, request: gr.Request, progress=gr.Progress()) -> Updates:  # noqa: B008
        example = self.examples[index]
        clicks = [(player["x_px"], player["y_px"], player.get("time_s", 0.0)) for player in example["instruments"]]
        return self._open(example["file"], clicks, request, progress)

    def _open(self, video: str, clicks: list, request: gr.Request, progress: gr.Progress) -> Updates:
        """Prepare a video, then listen at an example's ``clicks`` (x and y in px of the video, seconds)."""
        if not video:
            raise InputError(page.NO_VIDEO)
        media.clean_workdirs()
        with self.jobs.running(request.session_hash or "") as cancelled:
            if cancelled():  # stopped while it waited in the queue
                raise Cancelled
            desk = Desk(_prepare(video, progress=plain_progress(progress), cancelled=cancelled))
            state = session.new_state(video, self.desks.put(desk))
            player = results.playable(desk, state)
        for click in clicks:
            state, _ = session.with_place(desk, state, Place(*click))
        updates = self._apply(page.opened(desk, state, clicks[-1][2] if clicks else 0.0), state)
        return {**updates, self.video: player} if player else updates

    def _listen(self, state: dict, place: Place, *look: Any) -> Updates:
        desk = self._desk(state)
        state, sentence = session.with_place(desk, state, place)
        if sentence:
            gr.Info(sentence)
            return {self.status: status_html(sentence)}
        return self._apply({**page.looked(desk, state, *look), **page.places(state)}, state)

    def _on_click(self, state: dict, time_s: float, view: str, opacity: float, event: gr.SelectData) -> Updates:
        return self._listen(state, self._desk(state).place(*event.index, time_s), time_s, view, opacity)

    def _on_numbers(self, state: dict, time_s: float, view: str, opacity: float, x: float, y: float) -> Updates:
        if x is None or y is None:
            raise InputError("Give both X and Y, in pixels of the upright video.")
        return self._listen(state, Place(x, y, time_s), time_s, view, opacity)

    def _on_undo(self, state: dict, *look: Any) -> Updates:
        return self._keep(state, max(0, len(state.get("places", [])) - 1), *look)

    def _on_clear(self, state: dict, *look: Any) -> Updates:
        return self._keep(state, 0, *look)

    def _keep(self, state: dict, count: int, *look: Any) -> Updates:
        desk = self._desk(state)
        state = session.without_places(state, count)
        return self._apply({**page.looked(desk, state, *look), **page.places(state)}, state)

    def _on_look(self, state: dict, *look: Any) -> Updates:
        return self._apply(page.looked(self._desk(state), state, *look))

    def _on_show(self, state: dict, number: int) -> Updates:
        state = {**state, "shown": number}
        number = session.number_of(state)
        state = results.write_pictures(self._desk(state), state, number)
        return self._apply({**page.players(state, number), **page.pictured(state, number)}, state)

    def _on_details(self, state: dict, *gains: float) -> Updates:
        """The second half of a click, once its sound is on the page: pictures, mix, downloads, how it was made."""
        if not state or not state["places"]:
            return {self.stop: gr.update(visible=False)}
        number = session.number_of(state)
        state = results.write_pictures(self._desk(state), state, number)
        return {**self._apply(page.pictured(state, number)), **self._on_faders(state, *gains)}

    def _on_faders(self, state: dict, *gains: float) -> Updates:
        if not state or not state["places"]:  # they were cleared while a fader moved
            return {}
        desk, number = self._desk(state), session.number_of(state)
        state = results.write_mix(desk, state, gains[:-1], gains[-1])
        state, facts, record = results.write_record(desk, state, number, gains[:-1], gains[-1])
        how = dict(zip(self.how.outputs, ui.how_made_values(facts, record), strict=True))
        return {**self._apply({**page.mixed(state), "stop": {"visible": False}}, state), **how}

    def _on_film_place(self, state: dict) -> Updates:
        number = session.number_of(state)
        wav = self._desk(state).isolated(session.places_of(state)[number - 1]).wav
        return self._film(state, wav, f"source-{number}", f"Video with place {number} only")

    def _on_film_mix(self, state: dict, *gains: float) -> Updates:
        places = session.places_of(state)
        return self._film(state, self._desk(state).mix(places, gains[: len(places)], gains[-1]), "mix", "Video with your mix")

    def _film(self, state: dict, wav: Any, name: str, label: str) -> Updates:
        state = results.write_film(self._desk(state), state, wav, name)
        return self._apply(page.filmed(state, name, label), state)

    # ---- the same over the app's API ------------------------------------------------------------------------------

    def _offer_api(self) -> None:
        """``/isolate``: plain numbers in, files out, as ``python -m avdemo isolate``."""
        names = ("isolated", "rest", "energy", "run")
        gr.Button(visible=False).click(
            for_api(results.isolate),
            [gr.Video(visible=False), gr.Number(visible=False), gr.Number(visible=False), gr.Number(0, visible=False)],
            [gr.File(label=name, visible=False) for name in names],
            api_name="isolate", concurrency_id=MODEL_LANE, concurrency_limit=gpu.lane_width(),
        )  # fmt: skip


def build() -> None:
    """Build the tab; called inside its ``gr.Tab``."""
    IsolateTab().build()
