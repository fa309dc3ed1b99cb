"""The files that the Isolate tab makes from a session's places: mix, pictures, videos, the record of how they were made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from avdemo import media, runs
from avdemo.errors import InputError
from avdemo.pixels.session import Desk, Place, folder_of, places_of

State = dict[str, Any]


def with_file(state: State, key: str, path: Path) -> State:
    """The state with one more file to download (or a newer one under the same key)."""
    return {**state, "files": {**state["files"], key: str(path)}}


def write_mix(desk: Desk, state: State, gains: Sequence[float], rest_gain: float) -> State:
    """Write ``STEM_mix.wav`` (state file "mix"); ``gains`` beyond the number of places are passed over."""
    places = places_of(state)
    path = folder_of(state) / f"{state['stem']}_mix.wav"
    media.write_wav(path, desk.mix(places, gains[: len(places)], rest_gain), desk.prepared.sample_rate)
    return with_file(state, "mix", path)


def write_pictures(desk: Desk, state: State, number: int) -> State:
    """Write ``STEM_source-N_spectrograms.png`` (state file "pictures-N"): everything, the N-th place alone, and its mask."""
    path = folder_of(state) / f"{state['stem']}_source-{number}_spectrograms.png"
    media.write_png(path, desk.spectrograms(places_of(state)[number - 1], number))
    return with_file(state, f"pictures-{number}", path)


def write_film(desk: Desk, state: State, wav: np.ndarray, name: str) -> State:
    """Write ``STEM_NAME.mp4``, the video with ``wav`` (channels, samples) as its only sound (state file "film NAME")."""
    path = folder_of(state) / f"{state['stem']}_{name}.mp4"
    media.replace_audio(state["video"], path, wav, desk.prepared.sample_rate)
    return with_file(state, f"film {name}", path)


def write_record(
    desk: Desk, state: State, number: int, gains: Sequence[float], rest_gain: float
) -> tuple[State, dict[str, str], dict[str, Any]]:
    """Write ``STEM_run.json`` (state file "record"): how the N-th place was isolated, and the mix as it stands.

    With the video beside it, ``python -m avdemo replay STEM_run.json`` isolates that place again.

    Returns:
        The new state, the main facts in words, and the record.
    """
    places = places_of(state)
    place = places[number - 1]
    if place not in desk.records:
        desk.records[place] = _record(desk, state, place, number)
    mix = {"places": state["places"], "gains": list(gains[: len(places)]), "rest_gain": rest_gain}
    record = {**desk.records[place], "results": {**desk.records[place]["results"], "mix": mix}}
    path = folder_of(state) / f"{state['stem']}_run.json"
    with media.writing(path) as partial:
        partial.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return with_file(state, "record", path), _facts(desk, place, record), record


def _record(desk: Desk, state: State, place: Place, number: int) -> dict[str, Any]:
    """What ``pipeline.isolate`` would record for this place; its outputs have the names they have there."""
    prepared, found = desk.prepared, desk.isolated(place)
    folder = folder_of(state) / f"place-{number}"
    with media.disk_guard(folder):
        folder.mkdir(exist_ok=True)
    media.write_wav(folder / "isolated.wav", found.wav, prepared.sample_rate)
    media.write_wav(folder / "rest.wav", found.rest, prepared.sample_rate)
    return runs.write_run(
        folder, capability="pixels", command="isolate", inputs={"video": state["video"]},
        parameters={"at": [place.x_px, place.y_px], "time_s": place.time_s, "checkpoint": prepared.checkpoint["name"]},
        checkpoint={prepared.checkpoint["name"]: prepared.checkpoint["sha256"]}, keep_paths=False,
        timings={**prepared.timings, "click_s": desk.click_s}, outputs=["isolated.wav", "rest.wav"],
        device=str(prepared.model.device),
        results={"sentence": found.sentence, "level_db": round(found.level_db, 2), "is_silent": found.is_silent},
    )  # fmt: skip


def _facts(desk: Desk, place: Place, record: dict[str, Any]) -> dict[str, str]:
    """The record's main points for people."""
    prepared = desk.prepared
    return {
        "Place": place.words(),
        "What came of it": record["results"]["sentence"],
        "Model": f"{prepared.checkpoint['name']} (sha256 {prepared.checkpoint['sha256'][:12]})",
        "Ran on": f"{record['device']}, {prepared.n_windows} windows of sound",
        "Time": f"{prepared.timings['prepare_s']:.1f} s to prepare, {record['timings']['click_s'] * 1000:.0f} ms for the click",
        "Seed": "none; nothing here is left to chance",
    }


# ---- videos that browsers play ------------------------------------------------------------------------------------------

PLAYED_VIDEO = {"h264", "vp8", "vp9", "av1"}
PLAYED_AUDIO = {"aac", "mp3", "opus", "vorbis", "flac"}
PLAYED_FILES = {".mp4", ".m4v", ".mov", ".webm"}


def plays_in_browsers(video: str | Path) -> bool:
    """Whether every browser of today plays the file as it is, with its sound."""
    from avdemo.media.timeline import read_timeline

    timeline = read_timeline(Path(video))
    picture, sound = timeline.video, timeline.audio
    return (
        Path(video).suffix.lower() in PLAYED_FILES
        and picture is not None
        and picture.codec in PLAYED_VIDEO
        and picture.pixel_format in ("yuv420p", "yuvj420p")
        and (sound is None or sound.codec in PLAYED_AUDIO)
    )


def playable(desk: Desk, state: State) -> str | None:
    """A copy for the player, as ``STEM.mp4``, when browsers would not play the video itself; else None."""
    if plays_in_browsers(state["video"]):
        return None
    path = folder_of(state) / f"{state['stem']}.mp4"
    media.replace_audio(state["video"], path, desk.prepared.wav, desk.prepared.sample_rate)
    return str(path)


# ---- other ways in ------------------------------------------------------------------------------------------------------


def isolate(video: str, x: float, y: float, time_s: float = 0.0) -> tuple[str, str, str, str]:
    """Isolate what sounds at (x, y), in pixels of the upright video, on the frame at time_s seconds.

    Returns:
        Paths of isolated.wav, rest.wav, energy.png, run.json.

    Raises:
        AvdemoError: see ``pipeline.isolate``.
    """
    from avdemo.pixels import pipeline

    if not video:
        raise InputError("There is no video in this request; send one as `video`.")
    if x is None or y is None:
        raise InputError("Give both x and y, in pixels of the upright video.")
    folder = media.new_workdir("isolate")
    pipeline.isolate(video, at=(x, y), time_s=time_s or 0.0, out_dir=folder, keep_paths=False)
    return tuple(str(folder / name) for name in ("isolated.wav", "rest.wav", "energy.png", "run.json"))


def on_cpu(prepared: Any) -> Any:
    """The same prepared video with everything in main memory, so that it can leave a process that has a graphics card."""
    import torch

    cpu = torch.device("cpu")
    heard = prepared.heard
    heard = replace(
        heard, maps=[maps.to(cpu, torch.bfloat16) for maps in heard.maps],
        mag=heard.mag.to(cpu), weights=heard.weights.to(cpu), wav=heard.wav.to(cpu), spec=heard.spec.to(cpu),
    )  # fmt: skip
    seen = type(prepared.seen)((key, vision.to(cpu)) for key, vision in prepared.seen.items())
    return replace(prepared, heard=heard, model=prepared.model.on_cpu(), seen=seen)
