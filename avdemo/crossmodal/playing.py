"""A sound of what was seen: spectrograms of two seconds joined into one, and one waveform made for the whole.

**Steady and without seams.** The player draws windows of 2 s from noise. For a longer sound it draws several from *neighbouring*
noise, so that they are one player's; each is brought to the same loudness; and they overlap by a quarter and are crossfaded. The
crossfade adds powers, not decibels: half of a tone's power is 3 dB less, but halfway from a tone to nothing *in decibels* is 40 dB
less, and every seam would be a hole. (Windows of five tunes, joined: the seams were within 1 dB of what is beside them; in decibels
they were 2 to 6 dB quieter.) Phase does not exist until all is joined: then one inversion makes the waveform, so no two
waveforms meet anywhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from avdemo.checkpoints.running import Model
from avdemo.crossmodal.chance import check_seed, noise
from avdemo.crossmodal.listening import hear
from avdemo.crossmodal.models import Progress, Step, Stop, at_work, stepper
from avdemo.crossmodal.verdict import Verdict, verdict
from avdemo.errors import InputError, LimitError

if TYPE_CHECKING:
    from torch import Tensor

    from avdemo.crossmodal.config import SoundWindow
    from avdemo.crossmodal.looking import Seen

SECONDS = 4.0
MIN_SECONDS, MAX_SECONDS = 0.5, 20.0
LOUDNESS_DB = -20.0  # root mean square of the sound, in dB of full scale
QUIETEST_DB, LOUDEST_DB = -60.0, -6.0
PEAK = 0.95  # never exceeded: what would be louder is turned down as a whole
NEIGHBOURHOOD = 0.5  # how far the windows' noise lies from the first's: 0 the same, 1 unrelated
OVERLAP = 4  # windows share a 4th of their length
LIFT_DB = 12.0  # a window is turned up by at most so much: one that is nearly empty stays so
ROUNDS = 64  # of Griffin-Lim: 32 end 0.4 to 0.9 dB further from the spectrogram, 128 only 0.1 to 1.6 dB nearer in twice the time
FADE_S = 0.008  # at the beginning and the end, against a click
METHOD = (
    "log-mel windows joined by a crossfade of their power, then Richardson-Lucy for the mel bands "
    f"and {ROUNDS} rounds of fast Griffin-Lim for the phase, once for the whole sound"
)


@dataclass
class Played:
    """A sound played from a picture."""

    wav: np.ndarray  # (1, samples) float32
    sample_rate: int  # Hz
    lms: np.ndarray  # (M, T) float32 in [-1, 1], as it was drawn and joined
    method: str  # how it became a sound
    verdict: Verdict  # of the ear, which listens to ``wav`` again
    seed: int
    notes: list[str]
    timings: dict[str, float]
    model: Model = field(repr=False)

    @property
    def heard(self) -> dict[str, float]:
        """What the ear hears in it: the probability of each kind and of "none of these"."""
        return self.verdict.probability

    @property
    def sentence(self) -> str:
        """What the ear hears in it, in words."""
        return f"Listening to it again, the model says: {self.verdict.sentence}"

    @property
    def window(self) -> SoundWindow:
        """What a window of the model covers."""
        return self.model.network.config.window


def check_seconds(seconds: float) -> float:
    """The length itself.

    Raises:
        InputError, LimitError: not between MIN_SECONDS and MAX_SECONDS.
    """
    if not math.isfinite(seconds) or seconds < MIN_SECONDS:
        raise InputError(f"A sound of {seconds:g} seconds cannot be played; ask for {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds.")
    if seconds > MAX_SECONDS:
        raise LimitError(f"A sound of {seconds:g} seconds is longer than can be played; ask for at most {MAX_SECONDS:g} seconds.")
    return float(seconds)


def check_loudness(loudness_db: float) -> float:
    """The loudness itself.

    Raises:
        InputError: not between QUIETEST_DB and LOUDEST_DB.
    """
    if not QUIETEST_DB <= loudness_db <= LOUDEST_DB:
        raise InputError(f"A loudness of {loudness_db:g} dB cannot be used; give one from {QUIETEST_DB:g} to {LOUDEST_DB:g}.")
    return float(loudness_db)


def play(
    seen: Seen, *, seed: int = 0, seconds: float = SECONDS, loudness_db: float = LOUDNESS_DB, progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> Played:  # fmt: skip
    """Play what was seen.

    Args:
        seed: of the noise and of the phase to start from; a longer sound of the same seed begins with the same spectrogram.
        seconds: MIN_SECONDS ... MAX_SECONDS.
        loudness_db: root mean square of the sound in dB of full scale, QUIETEST_DB ... LOUDEST_DB; less where its peaks would not fit.

    Raises:
        InputError, LimitError: a parameter cannot be used.
        Cancelled: ``cancelled`` said so.
    """
    import torch

    from avdemo.crossmodal.hearing import picture_to_magnitude
    from avdemo.dsp.phase import griffin_lim

    seed, seconds, loudness_db = check_seed(seed), check_seconds(seconds), check_loudness(loudness_db)
    begun = time.perf_counter()
    step = stepper(progress, cancelled)
    model = seen.model
    window = model.network.config.window
    samples = round(seconds * window.sample_rate)
    lms = draw(model, seen.feature, seed, 1 + -(-samples // window.hop), stepper(progress, cancelled, 0.0, 0.3))
    drawn = time.perf_counter()
    step(0.3, "From mel bands to frequencies")
    with torch.inference_mode():
        mag = picture_to_magnitude(lms[None], window)[0]  # (F, T)
        phase = stepper(progress, cancelled, 0.4, 0.85)
        wav = griffin_lim(
            mag,
            window.n_fft,
            window.hop,
            samples,
            iterations=ROUNDS,
            seed=seed,
            step=lambda share: phase(share, "Finding the phase"),
        )
    wav = wav.cpu().numpy()[None]
    wav = _finished(wav, window.sample_rate, loudness_db)
    inverted = time.perf_counter()
    _, shares, _, audible = hear(model, wav, stepper(progress, cancelled, 0.85, 1.0))
    found = verdict(model.network.config.kinds, shares[audible].mean(0) if audible.any() else shares.mean(0), "hear")
    step(1.0, "Played")
    timings = {"draw_s": drawn - begun, "invert_s": inverted - drawn, "listen_again_s": time.perf_counter() - inverted}
    return Played(wav, window.sample_rate, lms.cpu().numpy(), METHOD, found, seed, list(seen.notes), timings, model)


def draw(model: Model, feature: np.ndarray, seed: int, frames: int, step: Step) -> Tensor:
    """Draw windows from neighbouring noise and join them: LMS (M, frames) in [-1, 1], on the model's device.

    Window ``k`` depends on the seed and on ``k`` only.
    """
    import torch

    from avdemo.dsp.overlap import overlap_add

    window, length = model.network.config.window, model.network.config.player.noise
    hop = window.frames - window.frames // OVERLAP
    count = 1 + max(0, -(-(frames - window.frames) // hop))
    nepers = window.range_db / 2 * math.log(10) / 10  # of power, for each unit of LMS
    first = noise(seed, 0, length)
    known = torch.from_numpy(feature[None]).to(model.device)

    def powers() -> Iterator[Tensor]:
        """Of each window, (M, frames) re the LMS's 1, all with the first one's mean over bands and time."""
        level = 0.0
        for number in range(count):
            step(number / count, f"Drawing: window {number + 1} of {count}")
            with at_work(model):
                lms = model.network.play(known, torch.from_numpy(_near(first, seed, number)[None]).to(model.device))[0]
            power = torch.exp(nepers * lms.float())
            own = float(power.mean())
            level = level or own
            yield power * min(level / own, 10 ** (LIFT_DB / 10))

    total = (count - 1) * hop + window.frames
    with torch.inference_mode():
        joined = overlap_add(powers(), range(0, count * hop, hop), total)[:, :frames]
        return (joined.clamp_min(math.exp(-nepers)).log() / nepers).clamp(-1, 1)


def _near(first: np.ndarray, seed: int, number: int) -> np.ndarray:
    """Noise of window ``number``, still N(0, 1): mostly the first window's, so that neighbours resemble each other."""
    if number == 0:
        return first
    own = noise(seed, number, len(first))
    return (math.sqrt(1 - NEIGHBOURHOOD**2) * first + NEIGHBOURHOOD * own).astype(np.float32)


def _finished(wav: np.ndarray, rate: int, loudness_db: float) -> np.ndarray:
    """Bring (1, samples) to its loudness, keep its peaks below full scale, and fade its ends."""
    rms, peak = float(np.sqrt(np.mean(np.square(wav)))), float(np.abs(wav).max())
    if peak > 0:
        wav = wav * min(10 ** (loudness_db / 20) / rms, PEAK / peak)
    fade = np.sin(np.linspace(0, np.pi / 2, min(round(FADE_S * rate), wav.shape[1] // 2))) ** 2
    wav[:, : len(fade)] *= fade
    wav[:, wav.shape[1] - len(fade) :] *= fade[::-1]
    return wav.astype(np.float32)
