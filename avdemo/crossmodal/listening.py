"""What a sound is: the ear's answer for each window of it, and the feature that pictures are painted from."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avdemo import media
from avdemo.checkpoints.running import Model
from avdemo.crossmodal.models import CHECKPOINT, Progress, Step, Stop, at_work, load_model, stepper
from avdemo.crossmodal.verdict import Answered, Verdict, verdict
from avdemo.errors import InputError

if TYPE_CHECKING:
    from avdemo.crossmodal.config import SoundWindow

MIN_SECONDS = 0.1  # below this there is nothing to hear
BATCH = 8  # windows at a time
QUIET_DB = 30.0  # a window this much under the loudest one is a pause: amplified, it would be noise
CHUNK_FRAMES = 4000  # columns of a spectrogram computed at once: bounds memory for an hour of sound
MINORITY = 0.25  # of the windows: if so many sound like something else, that is said


@dataclass
class Heard(Answered):
    """A sound that pictures can be painted from: W windows, K kinds."""

    sound: Path
    duration_s: float
    wav: np.ndarray  # (1, samples) float32 at the model's rate
    sample_rate: int
    level_db: float  # root mean square in dB of full scale, at least -100
    lms: np.ndarray  # (M, 1 + samples // hop) float32 in [-1, 1], of the whole sound
    time_s: np.ndarray  # (W,) centres of the windows
    probabilities: np.ndarray  # (W, K + 1) float32, the last of none of the kinds
    audible: np.ndarray  # (W,) bool: not a pause
    feature: np.ndarray  # (128,) float32, mean over the audible windows; of a known kind, over those that sound like it
    verdict: Verdict  # of the mean over the audible windows (over all of a silent sound)
    is_silent: bool
    notes: list[str]
    checkpoint: dict[str, str]  # {"name", "sha256"}
    timings: dict[str, float]
    model: Model = field(repr=False)

    @property
    def window(self) -> SoundWindow:
        """What a window of the model covers."""
        return self.model.network.config.window


def listen(
    sound: Path | str, *, checkpoint: str = CHECKPOINT, progress: Progress | None = None, cancelled: Stop | None = None
) -> Heard:
    """Hear a sound, or the sound of a video.

    Args:
        sound: any sound or video file.
        progress: called with the share done and what is being done.
        cancelled: asked before each batch of windows.

    Raises:
        InputError, LimitError, NoAudioError: the file cannot be used; one sentence says why. (Silence can: it is nothing known.)
        WeightsError: no usable checkpoint.
        Cancelled: ``cancelled`` said so.
    """
    begun = time.perf_counter()
    step = stepper(progress, cancelled)
    step(0.02, "Reading the sound")
    info = media.check_limits(Path(sound), needs_audio=True, min_seconds=MIN_SECONDS)
    checked = time.perf_counter()
    model = load_model(checkpoint)
    loaded = time.perf_counter()
    wav = media.read_audio(info.path, model.network.config.window.sample_rate, mono=True)
    read = time.perf_counter()
    heard = listen_to(model, wav, info.path, stepper(progress, cancelled, 0.2, 0.95))
    heard.timings = {"load_model_s": loaded - checked, "read_s": checked - begun + read - loaded} | heard.timings
    step(1.0, "Heard")
    return heard


def listen_to(model: Model, wav: np.ndarray, sound: Path, step: Step) -> Heard:
    """:func:`listen` for a sound (1, samples) that is already there at the model's rate; ``sound`` is how it is called.

    Raises:
        InputError: shorter than MIN_SECONDS.
        Cancelled: ``step`` said so.
    """
    config = model.network.config
    window, rate = config.window, config.window.sample_rate
    duration_s = wav.shape[1] / rate
    if duration_s < MIN_SECONDS - 0.5 / rate:
        raise InputError(f"{sound.name} is shorter than {MIN_SECONDS:g} s, too short to hear anything in it; give a longer one.")
    begun = time.perf_counter()
    is_silent = media.is_silent(wav)
    time_s, probabilities, features, audible = hear(model, wav, step)
    chosen = audible if audible.any() else np.ones_like(audible)
    found = verdict(config.kinds, probabilities[chosen].mean(0), "hear")
    notes = []
    if duration_s < window.seconds - 0.01:
        notes.append(
            f"{sound.name} lasts {media.say_seconds(duration_s)}; the {media.say_seconds(window.seconds)} "
            f"that the model hears at once are filled up with silence."
        )
    if is_silent:
        found = dataclasses.replace(found, known=False, sentence=f"Nothing can be heard in {sound.name}: it is silent.")
    else:
        notes += _disagreement(config.kinds, probabilities[chosen], found)
    if found.known:  # a mean over windows of two instruments would be a feature of neither
        chosen = chosen & (probabilities.argmax(1) == config.kinds.index(found.kind))
    level_db = 20 * float(np.log10(np.sqrt(np.mean(np.square(wav))) + 1e-5))
    lms = spectrogram_of(model, wav)
    timings = {"listen_s": time.perf_counter() - begun}
    return Heard(
        sound, duration_s, wav, rate, level_db, lms, time_s, probabilities, audible, features[chosen].mean(0), found,
        is_silent, notes, {"name": model.name, "sha256": model.sha256}, timings, model,
    )  # fmt: skip


def hear(model: Model, wav: np.ndarray, step: Step) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The ear on each window of a sound (1, samples), a window beginning every half window; the last ends with the sound.

    Returns:
        centres (W,) in seconds, probabilities (W, kinds + 1), features (W, 128), and which windows are no pause (W,).
    """
    import torch

    from avdemo.dsp.overlap import window_starts

    network, window = model.network, model.network.config.window
    starts = window_starts(wav.shape[1], window.samples, window.samples // 2)
    probabilities, features, levels = [], [], []
    for first in range(0, len(starts), BATCH):
        step(first / len(starts), f"Listening: window {first + 1} of {len(starts)}")
        batch = np.concatenate(
            [media.fit_length(wav[:, start : start + window.samples], window.samples) for start in starts[first : first + BATCH]]
        )
        levels.append(np.sqrt(np.square(batch).mean(1)))
        with at_work(model, exact=True):
            lms = network.ear.spectrogram(torch.from_numpy(batch).to(model.device))
        with at_work(model):
            feature = network.ear.feature(lms)
            probabilities.append(network.ear.answer(feature).float().softmax(1).cpu().numpy())
            features.append(feature.cpu().numpy())
    level = np.concatenate(levels)
    audible = (level > level.max() * 10 ** (-QUIET_DB / 20)) & (not media.is_silent(wav))
    centres = np.array([(start + min(start + window.samples, wav.shape[1])) / 2 for start in starts]) / window.sample_rate
    return centres, np.concatenate(probabilities), np.concatenate(features), audible


def spectrogram_of(model: Model, wav: np.ndarray) -> np.ndarray:
    """LMS (M, 1 + samples // hop) in [-1, 1] of a whole sound (1, samples), brought to the reference level as a whole."""
    import torch

    from avdemo.crossmodal.hearing import SILENCE, log_mel_picture

    window = model.network.config.window
    whole = max(SILENCE, _rms(wav))
    parts = []
    for piece, skipped, count in _pieces(wav, window):
        # The piece is brought to its share of the whole's level, not to a level of its own.
        shared = dataclasses.replace(window, level=window.level * max(SILENCE, _rms(piece)) / whole)
        with at_work(model, exact=True):
            lms = log_mel_picture(torch.from_numpy(np.ascontiguousarray(piece)).to(model.device), shared)[0]
        parts.append(lms[:, skipped : skipped + count].cpu().numpy())
    return np.concatenate(parts, axis=1)


def _pieces(wav: np.ndarray, window: SoundWindow) -> Iterator[tuple[np.ndarray, int, int]]:
    """Overlapping pieces (1, samples) with how many columns of each to leave out at its beginning, and how many to take then."""
    total = 1 + wav.shape[1] // window.hop
    guard = -(-window.n_fft // (2 * window.hop))  # columns that hear beyond a piece's edge
    for first in range(0, total, CHUNK_FRAMES):
        count, skipped = min(CHUNK_FRAMES, total - first), min(first, guard)
        yield wav[:, (first - skipped) * window.hop : (first + count + guard) * window.hop], skipped, count


def _rms(wav: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(wav, dtype=np.float64))))


def _disagreement(kinds: tuple[str, ...], probabilities: np.ndarray, found: Verdict) -> list[str]:
    """A note where many windows sound like another instrument than the whole does."""
    best = [(*kinds, "")[number] for number in probabilities.argmax(1)]
    counts = {kind: best.count(kind) for kind in kinds if kind != found.kind}
    other = max(counts, key=lambda kind: counts[kind])
    if len(best) < 3 or counts[other] < MINORITY * len(best):
        return []
    shown = f"what is painted follows the {found.kind}" if found.known else "what is painted follows a blend of all"
    return [f"In {counts[other]} of {len(best)} windows it sounds more like {other}; {shown}."]
