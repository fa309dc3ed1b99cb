"""What the Isolate tab does between two clicks, without a word of Gradio.

A :class:`Desk` is the heavy part (the prepared video, kept on a shelf on the server); places are plain numbers and live in the
session. Clicks arrive in pixels of the *shown* frame, at most :data:`SHOWN_SIDE` long, and leave as pixels of the upright video.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avdemo import media
from avdemo.errors import InputError
from avdemo.media import stem_of
from avdemo.viz.colours import overlay_colours
from avdemo.viz.heatmap import overlay
from avdemo.viz.marker import Marker, markers
from avdemo.viz.palette import source_colour
from avdemo.viz.spectrogram import spectrogram

SHOWN_SIDE = 960  # px: longest side of the frame to click
MAX_PLACES = 6
PICTURE_WIDTH, PICTURE_HEIGHT = 960, 380  # px of one spectrogram
FAINT = 0.2  # share of the mixture's amplitude: when no place takes more, the map stays dim
KEPT_RESULTS = 8  # separated sounds kept per video, so that faders and pictures need no second pass

ENERGY, COLOURS, PLAIN = VIEWS = ("Energy", "Colours", "Nothing")  # what may lie over the picture


@dataclass(frozen=True)
class Place:
    """A click: where in the upright video, and on the frame of which moment."""

    x_px: float
    y_px: float
    time_s: float

    def words(self) -> str:
        """ "x 320, y 180 at 1.5 s"."""
        return f"x {self.x_px:.0f}, y {self.y_px:.0f} at {self.time_s:.1f} s"


class Desk:
    """One prepared video with what was computed from it last. Safe to use from several threads."""

    def __init__(self, prepared: Any) -> None:
        self.prepared = prepared
        self.click_s = 0.0  # how long the last place took
        self.records: dict[Place, dict[str, Any]] = {}  # run.json of each place, once it was asked for
        info = prepared.info
        self.scale = min(1.0, SHOWN_SIDE / max(info.width, info.height))  # shown px per video px
        self._lock = threading.Lock()
        self._results: OrderedDict[Place, Any] = OrderedDict()
        self._frame: tuple[float, np.ndarray] | None = None
        self._layers: dict[str, np.ndarray] = {}  # of the moment of _frame

    @property
    def shown_size(self) -> tuple[int, int]:
        """(width, height) of the shown frame in px."""
        info = self.prepared.info
        return max(1, round(info.width * self.scale)), max(1, round(info.height * self.scale))

    @property
    def last_moment_s(self) -> float:
        """The latest time that still has a frame of its own."""
        info = self.prepared.info
        return max(0.0, info.duration_s - 1.0 / (info.fps or 25.0))

    def place(self, shown_x: float, shown_y: float, time_s: float) -> Place:
        """The place in the video under the middle of a pixel of the shown frame; to a tenth of a pixel, as it is shown."""
        info = self.prepared.info
        x_px = min((shown_x + 0.5) / self.scale, info.width - 0.5)
        y_px = min((shown_y + 0.5) / self.scale, info.height - 0.5)
        return Place(round(x_px, 1), round(y_px, 1), round(time_s, 3))

    def isolated(self, place: Place) -> Any:
        """What sounds at ``place``; kept for the next time it is asked for.

        Raises:
            InputError: the place lies outside the picture.
        """
        if place in self._results:
            self._results.move_to_end(place)
            return self._results[place]
        from avdemo.pixels import pipeline

        begun = time.perf_counter()
        result = pipeline.predict(self.prepared, place.x_px, place.y_px, place.time_s)
        self.click_s = time.perf_counter() - begun
        self._results[place] = result
        while len(self._results) > KEPT_RESULTS:
            self._results.popitem(last=False)
        return result

    def view(self, time_s: float, kind: str, opacity: float, places: Sequence[Place]) -> np.ndarray:
        """The frame to click: the picture of that moment, one layer over it, a marker for each place.

        Args:
            kind: one of :data:`VIEWS`.
            opacity: of the layer, 0 to 1.

        Returns:
            uint8 (H, W, 3) of :attr:`shown_size`.
        """
        with self._lock:
            picture = self._picture(time_s)
            if kind == ENERGY:
                picture = overlay(picture, self._layer(ENERGY, time_s), opacity)
            elif kind == COLOURS:
                strength = self._layer(ENERGY, time_s)
                picture = overlay_colours(picture, self._layer(COLOURS, time_s), opacity, strength)
        marks = [
            Marker(place.x_px * self.scale, place.y_px * self.scale, source_colour(index), str(index + 1))
            for index, place in enumerate(places)
        ]
        return markers(picture, marks)

    def _picture(self, time_s: float) -> np.ndarray:
        """The bare frame; the last one is kept, with its layers."""
        if self._frame is None or self._frame[0] != time_s:
            self._frame = (time_s, media.read_frame(self.prepared.video, time_s, size=self.shown_size))
            self._layers.clear()
        return self._frame[1]

    def _layer(self, kind: str, time_s: float) -> np.ndarray:
        """The map for this moment: energy (h, w), 1 where it is loudest, or colours uint8 (h, w, 3)."""
        if kind not in self._layers:
            from avdemo.pixels import pipeline

            if kind == ENERGY:  # the legend says "loudest": relative to the loudest place, unless all are nearly silent
                energy = pipeline.energy_map(self.prepared, time_s)
                self._layers[kind] = energy / max(float(energy.max()), FAINT)
            else:
                self._layers[kind] = pipeline.colour_map(self.prepared, time_s)
        return self._layers[kind]

    def spectrograms(self, place: Place, number: int) -> np.ndarray:
        """Mixture, what was taken from it, and the mask, over each other: uint8 (H, W, 3)."""
        result, prepared = self.isolated(place), self.prepared
        mixture, mask = result.mixture_mag, result.mask
        config = prepared.model.network.config
        axes = {"sample_rate": config.sample_rate, "hop": config.hop, "rows": "log" if config.log_frequency else "linear"}
        axes["peak"] = float(mixture.max())
        above = spectrogram(mixture, **axes, title="All that sounds", size=(PICTURE_WIDTH, PICTURE_HEIGHT))
        below = spectrogram(
            mixture * mask, **axes, title=f"Place {number} alone", edge=source_colour(number - 1), mask=mask,
            mask_title="The mask: how much of it is this place", layout="below", size=(PICTURE_WIDTH, 2 * PICTURE_HEIGHT),
        )  # fmt: skip
        return np.concatenate([above, below])

    def mix(self, places: Sequence[Place], gains: Sequence[float], rest_gain: float) -> np.ndarray:
        """The sound with each place at its own volume and all else at ``rest_gain``; all 1 gives the input back.

        Returns:
            float32 (channels, samples).
        """
        from avdemo.pixels import pipeline

        points = [(place.x_px, place.y_px, place.time_s) for place in places]
        return pipeline.mix(self.prepared, points, list(gains), rest_gain)


# ---- the session's own state: plain and small, so that it may be copied and kept for hours --------------------------------


def new_state(video: str, token: str) -> dict[str, Any]:
    """The state of a session that has just prepared ``video``; ``token`` leads to its :class:`Desk`."""
    folder = media.new_workdir("isolate")
    return {"token": token, "video": video, "stem": stem_of(video), "folder": str(folder), "places": [], "shown": 0, "files": {}}


def places_of(state: dict[str, Any]) -> list[Place]:
    """The places chosen so far."""
    return [Place(*numbers) for numbers in state.get("places", [])]


def with_place(desk: Desk, state: dict[str, Any], place: Place) -> tuple[dict[str, Any], str]:
    """Listen at ``place`` and, when something sounds there, add it with its two files.

    Returns:
        The new state, and what to say: empty, or the sentence that nothing sounds there (the state is unchanged then).

    Raises:
        InputError: there are :data:`MAX_PLACES` already, or the place lies outside the picture.
    """
    places = places_of(state)
    if len(places) >= MAX_PLACES:
        raise InputError(f"There are {MAX_PLACES} places already; undo the last one or clear them all to choose another.")
    result = desk.isolated(place)
    if result.is_silent:
        return state, result.sentence
    number = len(places) + 1
    folder, stem = folder_of(state), state["stem"]
    sound, rest = folder / f"{stem}_source-{number}.wav", folder / f"{stem}_without-source-{number}.wav"
    media.write_wav(sound, result.wav, desk.prepared.sample_rate)
    media.write_wav(rest, result.rest, desk.prepared.sample_rate)
    files = {**_of_places(state), f"sound-{number}": str(sound), f"rest-{number}": str(rest)}
    return {**state, "places": [*state["places"], list(astuple(place))], "shown": number, "files": files}, ""


def without_places(state: dict[str, Any], keep: int) -> dict[str, Any]:
    """The state with only the first ``keep`` places."""
    kept = {f"{kind}-{number + 1}" for number in range(keep) for kind in ("sound", "rest")}
    files = {key: path for key, path in state["files"].items() if key in kept}
    return {**state, "places": state["places"][:keep], "shown": min(keep, len(state["places"])), "files": files}


def number_of(state: dict[str, Any]) -> int:
    """The number of the place that is shown, from 1. The page's own list may be a click behind.

    Raises:
        InputError: there is none.
    """
    if not state.get("places"):
        raise InputError("There is no place yet; click on the picture first.")
    return min(max(state["shown"], 1), len(state["places"]))


def with_file(state: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
    """The state with one more file to download (or a newer one under the same key)."""
    return {**state, "files": {**state["files"], key: str(path)}}


def _of_places(state: dict[str, Any]) -> dict[str, str]:
    """The files that stay true when a place comes or goes: those of the single places."""
    return {key: path for key, path in state["files"].items() if key.startswith(("sound-", "rest-"))}


def folder_of(state: dict[str, Any]) -> Path:
    """The session's work directory (made again if it was cleaned up in the meantime)."""
    folder = Path(state["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder
