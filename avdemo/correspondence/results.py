"""The files that the Match tab makes: scores, plot, films, spectrograms, embeddings, the record of how they were made."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avdemo import media, runs
from avdemo.correspondence.session import Desk, State, folder_of, is_changed, stem_of, suffix_of, with_file
from avdemo.errors import InputError

if TYPE_CHECKING:
    from avdemo.correspondence.pipeline import Moment, Prepared, Scores

SOUND_RATE = 44_100  # Hz, of the players
SHOWN_MOMENTS = 8  # in the unit browser's gallery
STILL_FPS = 4  # of a film in which nothing moves
STILL_SIDE = 960  # px
RUN_OUTPUTS = ("scores.json", "spectrogram.png", "embeddings.npz")  # what run.json can make again to the byte


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _write_text(path: Path, text: str) -> Path:
    with media.writing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def path_of(state: State, kind: str, ending: str) -> Path:
    """``STEM_KIND[_what-was-changed].ENDING`` in the session's folder."""
    return folder_of(state) / f"{state['stem']}_{kind}{suffix_of(state)}.{ending}"


def write_scores(desk: Desk, state: State, scored: Sequence[Scores]) -> State:
    """Write ``STEM_scores.json``, the same for what was changed, and ``STEM_plot.png`` with both lines."""
    from avdemo.correspondence import pipeline

    plain = folder_of(state) / f"{state['stem']}_scores.json"
    if not plain.is_file():
        _write_text(plain, _json(desk.own.as_dict()))
    state = with_file(state, "scores", plain, changed=False)
    if len(scored) > 1:
        state = with_file(state, "scores", _write_text(path_of(state, "scores", "json"), _json(scored[-1].as_dict())))
    path = folder_of(state) / f"{state['stem']}_plot.png"
    media.write_png(path, pipeline.plot(desk.prepared, scored))
    return with_file(state, "plot", path, changed=False)


def write_details(desk: Desk, state: State, other: Prepared | None) -> tuple[State, dict[str, str], dict[str, Any]]:
    """Write the spectrogram of what is heard, the embeddings and ``STEM_run.json``.

    With the inputs beside it, ``python -m avdemo replay STEM_run.json`` does it again.

    Returns:
        The new state, the main facts in words, and the record.
    """
    from avdemo.correspondence import pipeline

    spectrogram = path_of(state, "spectrogram", "png")
    if other is not None or not spectrogram.is_file():  # two other sounds may have the same name
        media.write_png(spectrogram, pipeline.spectrogram_picture(desk.prepared, shift_s=state["shift_s"], other=other))
    state = with_file(state, "spectrogram", spectrogram)
    vectors = folder_of(state) / f"{state['stem']}_embeddings.npz"
    if not vectors.is_file():
        with media.writing(vectors) as partial:
            np.savez(partial, **pipeline.embeddings(desk.prepared))
    state = with_file(state, "embeddings", vectors, changed=False)
    record, facts = _record(desk, state, other, spectrogram, vectors)
    path = _write_text(folder_of(state) / f"{state['stem']}_run.json", _json(record))
    return with_file(state, "record", path, changed=False), facts, record


def _record(desk: Desk, state: State, other: Prepared | None, spectrogram: Path, vectors: Path) -> tuple[dict, dict[str, str]]:
    """What ``pipeline.match`` would record, with the names that it gives, and the main points for people."""
    from avdemo.correspondence import pipeline

    prepared, scored = desk.prepared, desk.compare(state["shift_s"], other)
    folder = folder_of(state) / f"run{suffix_of(state)}"
    with media.disk_guard(folder):
        folder.mkdir(exist_ok=True)
        shutil.copyfile(spectrogram, folder / "spectrogram.png")
        shutil.copyfile(vectors, folder / "embeddings.npz")
    _write_text(folder / "scores.json", _json(scored[-1].as_dict()))
    sound = other.sound_source if other is not None else prepared.sound
    name, sha256 = prepared.checkpoint["name"], prepared.checkpoint["sha256"]
    usual = abs(state["step_s"] - pipeline.STEP_S) < 1e-9
    record = runs.write_run(
        folder, capability="correspondence", command="match",
        inputs={"picture": prepared.picture} | ({"sound": sound} if sound else {}),
        parameters={"shift_s": state["shift_s"], "checkpoint": name} | ({} if usual else {"step_s": state["step_s"]}),
        checkpoint={name: sha256}, timings=prepared.timings, outputs=RUN_OUTPUTS, device=str(prepared.model.device),
        keep_paths=False,
        results={"sentence": scored[-1].verdict, "mean": round(scored[-1].mean, 4), "windows": len(scored[-1].time_s),
                 "notes": scored[-1].notes, "mean_as_it_is": round(desk.own.mean, 4)},
    )  # fmt: skip
    facts = {
        "Compared": prepared.name,
        "What came of it": desk.own.verdict,
        **({f"And {scored[-1].name}": scored[-1].verdict} if len(scored) > 1 else {}),
        "Model": f"{name} (sha256 {sha256[:12]})",
        "Ran on": f"{prepared.model.device}, {len(prepared.time_s)} windows of one second, {state['step_s']:g} s apart",
        "Time": f"{prepared.timings['prepare_s']:.1f} s to look and listen; every comparison after that takes milliseconds",
        "Seed": "none; nothing here is left to chance",
    }
    return record, facts


# ---- films --------------------------------------------------------------------------------------------------------------


def write_film(
    desk: Desk, state: State, other: Prepared | None, opacity: float, *,
    progress: Callable | None = None, cancelled: Callable[[], bool] | None = None,
) -> State:  # fmt: skip
    """Write ``STEM_where.mp4``, the heat over the pictures with the sound that was scored; of a still ``STEM_where.png`` too."""
    from avdemo.correspondence import pipeline

    change = {"shift_s": state["shift_s"], "other": other, "opacity": opacity}
    path = path_of(state, "where", "mp4")
    pipeline.film(desk.prepared, path, progress=progress, cancelled=cancelled, **change)
    state = with_file(state, "film", path)
    if desk.prepared.is_still:
        picture = media.write_png(path_of(state, "where", "png"), pipeline.where_picture(desk.prepared, **change))
        state = with_file(state, "where", picture)
    return state


def original(desk: Desk, state: State) -> str:
    """The clip as it was given, as ``STEM.mp4`` that every browser plays; a still is shown as long as its sound lasts."""
    prepared, path = desk.prepared, folder_of(state) / f"{state['stem']}.mp4"
    if path.is_file():
        return str(path)
    wav = media.read_audio(prepared.sound_source, SOUND_RATE)
    if not prepared.is_still:
        media.replace_audio(prepared.picture, path, wav, SOUND_RATE)
        return str(path)
    picture = media.read_image(prepared.picture, max_side=STILL_SIDE)
    frames = itertools.repeat(picture, max(1, round(prepared.duration_s * STILL_FPS)))
    return str(media.write_video(path, frames, STILL_FPS, wav, SOUND_RATE))


def film_words(desk: Desk, state: State, other: Prepared | None) -> str:
    """The heading of the film as it now would be."""
    if not is_changed(state["shift_s"], other):
        return "Where the sound comes from"
    return f"Where the sound comes from, {desk.compare(state['shift_s'], other)[-1].name}"


# ---- units -------------------------------------------------------------------------------------------------------------


def draw_moments(desk: Desk, state: State, clips: Sequence[Prepared], side: str, unit: int) -> list[tuple[Moment, Path, Path]]:
    """What excites a unit most, over several clips, each with the files of its picture and of its second of sound.

    Raises:
        InputError: no such unit.
    """
    from avdemo.correspondence import pipeline

    found = pipeline.moments(clips, side, int(unit), SHOWN_MOMENTS)
    folder = folder_of(state) / "moments"
    with media.disk_guard(folder):
        folder.mkdir(exist_ok=True)
    drawn = []
    for rank, moment in enumerate(found, 1):
        name = f"{side}-unit-{unit}_{rank}_{stem_of(clips[moment.clip].picture)[:30]}_{moment.time_s:.2f}s"
        picture = media.write_png(folder / f"{name}.png", moment.picture)
        sound = media.write_wav(folder / f"{name}.wav", moment.wav, moment.sample_rate)
        drawn.append((moment, picture, sound))
    return drawn


# ---- other ways in ------------------------------------------------------------------------------------------------------


def match(picture_or_video: str, sound: str | None = None, shift_s: float = 0.0) -> tuple[str, str, str, str, str]:
    """Whether picture and sound belong together, second by second, and where; ``sound`` replaces a video's own.

    Returns:
        Paths of scores.json, where.mp4 (where.png for a picture), spectrogram.png, embeddings.npz, run.json.

    Raises:
        AvdemoError: see ``pipeline.match``.
    """
    from avdemo.correspondence import pipeline

    if not picture_or_video:
        raise InputError("There is no picture and no video in this request; send one as `picture_or_video`.")
    folder = media.new_workdir("match")
    run = pipeline.match(picture_or_video, sound or None, shift_s=shift_s or 0.0, out_dir=folder, keep_paths=False)
    written = {Path(output["name"]).stem: folder / output["name"] for output in run["outputs"]}
    return (*(str(written[kind]) for kind in ("scores", "where", "spectrogram", "embeddings")), str(folder / runs.RUN_FILE))


def stand_in(desk: Desk, state: State) -> Path:
    """A small picture to prepare a sound of its own with: only what is heard beside it matters."""
    path = folder_of(state) / "picture.png"
    return path if path.is_file() else media.write_png(path, desk.prepared.frames[0])


def on_cpu(prepared: Prepared) -> Prepared:
    """The same pair with its network in main memory, so that it can leave a process that has a graphics card."""
    return replace(prepared, model=prepared.model.on_cpu())
