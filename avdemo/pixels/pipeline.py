"""Files in, typed results out: a video is prepared once, then every click is quick.

>>> from avdemo.pixels import pipeline
>>> clip = pipeline.prepare(Path("duet.mp4"))
>>> found = pipeline.predict(clip, x_px=170, y_px=200)
>>> found.wav.shape, found.sentence
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avdemo import media
from avdemo.checkpoints.running import Model
from avdemo.errors import Cancelled, InputError, NoAudioError

if TYPE_CHECKING:
    from avdemo.pixels.separation import Heard

SAMPLE_RATE = 44_100  # Hz, of everything that comes out
CHECKPOINT = "pixels-compact"
MIN_SECONDS = 1.0
LONG_SIDE = 448  # px, of the frame that the vision network sees; its short side is that of the training frames
STRIDE = 16  # px of that frame for each place of the vision map
SILENT_DB = -17.0  # a place that takes less of the mixture than this makes no sound of its own
KEPT_FRAMES = 24  # vision maps kept for each clip

Progress = Callable[[float, str], None]
_run_lock = threading.Lock()


@dataclass
class Prepared:
    """A clip that both networks are ready to answer questions about."""

    video: Path
    info: media.MediaInfo
    wav: np.ndarray  # (channels, samples) at SAMPLE_RATE
    sample_rate: int
    duration_s: float
    n_windows: int
    timings: dict[str, float]
    checkpoint: dict[str, str]
    model: Model = field(repr=False)
    heard: Heard = field(repr=False)
    seen: OrderedDict = field(default_factory=OrderedDict, repr=False)


@dataclass(frozen=True)
class Isolated:
    """What a place sounds like."""

    wav: np.ndarray  # (channels, samples) float32 at SAMPLE_RATE
    rest: np.ndarray  # the input minus ``wav``
    mask: np.ndarray  # (256, T) in [0, 1], log-frequency rows
    mixture_mag: np.ndarray  # (256, T)
    level_db: float  # of this place, relative to the mixture
    is_silent: bool
    x_px: float
    y_px: float
    time_s: float
    sentence: str


@lru_cache(maxsize=2)
def load_model(name: str = CHECKPOINT) -> Model:
    """The checkpoint of a name or path, loaded once; errors as of :func:`avdemo.checkpoints.running.open_model`."""
    from avdemo.checkpoints.running import open_model
    from avdemo.pixels.config import PixelsConfig
    from avdemo.pixels.network import SoundOfPixels

    return open_model(name, lambda config: SoundOfPixels(PixelsConfig.from_dict(config)))


def prepare(
    video: Path | str,
    *,
    checkpoint: str = CHECKPOINT,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Prepared:
    """Decode a video's sound and run the sound network over all of it.

    Args:
        video: any video with a sound track, within the limits of the settings.
        progress: called with the share done and what is being done.
        cancelled: asked before each window.

    Raises:
        InputError, LimitError, NoAudioError: the file cannot be used; one sentence says why.
        WeightsError: no usable checkpoint.
        Cancelled: ``cancelled`` said so.
    """
    import torch

    from avdemo.pixels.separation import FULL_RATE_FACTOR, hear

    video = Path(video)
    tell = progress or (lambda share, text: None)
    begun = time.perf_counter()
    tell(0.02, "Reading the file")
    info = media.check_limits(video, needs_audio=True, needs_video=True, min_seconds=MIN_SECONDS)
    wav = media.read_audio(video, SAMPLE_RATE)
    if media.is_silent(wav):
        raise NoAudioError(
            f"The sound track of {video.name} is silent, so there is nothing to separate; choose a video in which something can be heard."
        )
    read = time.perf_counter()
    tell(0.1, "Loading the model")
    model = load_model(checkpoint)
    loaded = time.perf_counter()

    def step(done: int, total: int) -> None:
        if cancelled and cancelled():
            raise Cancelled
        tell(0.15 + 0.8 * done / total, f"Listening: window {done + 1} of {total}")

    mono = media.resample(wav.mean(0, keepdims=True), SAMPLE_RATE, SAMPLE_RATE // FULL_RATE_FACTOR)[0]
    with _run_lock:
        heard = hear(model.network, torch.from_numpy(wav), torch.from_numpy(mono), step=step, dtype=model.dtype)
    done = time.perf_counter()
    tell(1.0, "Ready: click on something that sounds")
    timings = {"read_s": read - begun, "load_model_s": loaded - read, "listen_s": done - loaded, "prepare_s": done - begun}
    return Prepared(
        video, info, wav, SAMPLE_RATE, wav.shape[1] / SAMPLE_RATE, len(heard.starts), timings,
        {"name": model.name, "sha256": model.sha256}, model, heard,
    )  # fmt: skip


def _vision(clip: Prepared, time_s: float):
    """Vision map (K, h, w) of the frame on screen at ``time_s``; kept, since most clicks come on the same frame."""
    import torch

    time_s = _check_time(clip, time_s)
    key = round(time_s, 2)
    if key in clip.seen:
        clip.seen.move_to_end(key)
        return clip.seen[key]
    width, height = clip.info.width, clip.info.height
    short = clip.model.network.config.frame_size
    scale = min(short / min(width, height), LONG_SIDE / max(width, height))
    size = tuple(max(4 * STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (width, height))
    frame = media.read_frame(clip.video, time_s, size=size)
    with torch.inference_mode(), _run_lock:
        batch = torch.from_numpy(np.ascontiguousarray(frame)).unsqueeze(0).to(clip.model.device)
        with torch.autocast(batch.device.type, clip.model.dtype, enabled=clip.model.dtype != torch.float32):
            seen = clip.model.network.look_twice(batch)[0].float()
    clip.seen[key] = seen
    while len(clip.seen) > KEPT_FRAMES:
        clip.seen.popitem(last=False)
    return seen


def _check_time(clip: Prepared, time_s: float) -> float:
    if not 0 <= time_s <= clip.duration_s + 1e-6:
        raise InputError(
            f"The time {time_s:g} s lies outside {clip.video.name}, which lasts {clip.duration_s:.2f} s; give a time within it."
        )
    return min(float(time_s), max(0.0, clip.duration_s - 1e-3))


def _place(clip: Prepared, x_px: float, y_px: float, time_s: float):
    """Vision vector (K,) of one pixel, blended from the four nearest places of the map."""
    import torch

    width, height = clip.info.width, clip.info.height
    if not (0 <= x_px < width and 0 <= y_px < height):
        raise InputError(
            f"The point ({x_px:g}, {y_px:g}) lies outside {clip.video.name}, which is {width} x {height} pixels; click inside the picture."
        )
    seen = _vision(clip, time_s)
    at = torch.tensor([[(x_px + 0.5) / width, (y_px + 0.5) / height]], device=seen.device) * 2 - 1
    return torch.nn.functional.grid_sample(seen[None], at[None, None], padding_mode="border", align_corners=False)[0, :, 0, 0]


def predict(clip: Prepared, x_px: float, y_px: float, time_s: float = 0.0) -> Isolated:
    """The sound of one place.

    Args:
        x_px, y_px: pixel of the upright video.
        time_s: which frame was clicked.

    Raises:
        InputError: the point or the time lies outside the video.
    """
    from avdemo.pixels import separation

    mask = separation.mask_of(clip.model.network, clip.heard, _place(clip, x_px, y_px, time_s))
    wav = separation.apply_gain(clip.heard, mask).numpy()
    mag = clip.heard.mag.cpu()
    share = float((mask * mag).square().sum() / mag.square().sum().clamp(min=1e-9))
    level_db = 10 * float(np.log10(max(share, 1e-8)))
    is_silent = level_db < SILENT_DB
    if is_silent:
        sentence = f"Nothing sounds at ({x_px:.0f}, {y_px:.0f}): this place takes {level_db:.0f} dB of the mixture. Click on an instrument that plays."
    else:
        sentence = f"The sound at ({x_px:.0f}, {y_px:.0f}) makes up {100 * share:.0f} % of the mixture's energy."
    return Isolated(
        wav, clip.wav - wav, mask.numpy(), mag.numpy(), level_db, is_silent, float(x_px), float(y_px), float(time_s), sentence
    )


def energy_map(clip: Prepared, time_s: float = 0.0) -> np.ndarray:
    """Sound energy of every place around a time: (h, w) share of the mixture's amplitude, in [0, 1]."""
    from avdemo.pixels import separation

    return separation.place_energies(clip.model.network, clip.heard, _vision(clip, time_s), time_s)[0].numpy()


def colour_map(clip: Prepared, time_s: float = 0.0) -> np.ndarray:
    """Every place coloured by the sound it makes: uint8 (h, w, 3); places that sound alike look alike, quiet ones are dark."""
    from avdemo.pixels import separation

    share, spectra = separation.place_energies(clip.model.network, clip.heard, _vision(clip, time_s), time_s)
    return (separation.colours_of(spectra, share) * 255).round().byte().numpy()


def mix(
    clip: Prepared, points: Sequence[tuple[float, float, float]], gains: Sequence[float], rest_gain: float = 1.0
) -> np.ndarray:
    """Mix places with a volume each.

    Args:
        points: (x_px, y_px, time_s) of each.
        gains: factor of each, 1 = as it is.
        rest_gain: factor of what none of the places claims.

    Returns:
        (channels, samples); with every factor 1 it is the input.

    Raises:
        InputError: a point outside, or not one gain for each point.
    """
    from avdemo.pixels import separation

    if len(points) != len(gains):
        raise InputError(f"There are {len(points)} points but {len(gains)} volumes; give one volume for each point.")
    if not points:
        return clip.wav * np.float32(rest_gain)
    masks = [separation.mask_of(clip.model.network, clip.heard, _place(clip, *point)) for point in points]
    shares, _ = separation.partition(masks)
    # written as a change of the input, so that factors of 1 change nothing at all
    change = sum((gain - rest_gain) * share for gain, share in zip(gains, shares, strict=True))
    if all(gain == rest_gain for gain in gains):
        return clip.wav * np.float32(rest_gain)
    return clip.wav * np.float32(rest_gain) + separation.apply_gain(clip.heard, change).numpy()


def isolate(
    video: Path | str, at: tuple[float, float], time_s: float = 0.0, out_dir: Path | str = ".", *, checkpoint: str = CHECKPOINT,
    progress: Progress | None = None, cancelled: Callable[[], bool] | None = None, keep_paths: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """One click, written to files: ``isolated.wav``, ``rest.wav``, ``energy.png``, ``run.json``.

    Returns:
        the content of ``run.json``.

    Raises:
        AvdemoError: see :func:`prepare` and :func:`predict`; StorageError when the folder cannot be written.
    """
    from avdemo import runs
    from avdemo.viz.heatmap import overlay, with_colour_bar

    out = Path(out_dir)
    clip = prepare(video, checkpoint=checkpoint, progress=progress, cancelled=cancelled)
    begun = time.perf_counter()
    found = predict(clip, at[0], at[1], time_s)
    clicked = time.perf_counter() - begun
    with media.disk_guard(out):
        out.mkdir(parents=True, exist_ok=True)
    media.write_wav(out / "isolated.wav", found.wav, clip.sample_rate)
    media.write_wav(out / "rest.wav", found.rest, clip.sample_rate)
    frame = media.read_frame(clip.video, _check_time(clip, time_s))
    media.write_png(out / "energy.png", with_colour_bar(overlay(frame, energy_map(clip, time_s))))
    return runs.write_run(
        out, capability="pixels", command="isolate", inputs={"video": clip.video},
        parameters={"at": [float(at[0]), float(at[1])], "time_s": float(time_s), "checkpoint": checkpoint},
        checkpoint={clip.model.name: clip.model.sha256}, timings={**clip.timings, "click_s": clicked},
        outputs=["isolated.wav", "rest.wav", "energy.png"], device=str(clip.model.device), keep_paths=keep_paths,
        results={"sentence": found.sentence, "level_db": round(found.level_db, 2), "is_silent": found.is_silent},
    )  # fmt: skip
