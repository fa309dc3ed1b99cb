"""The speech that lips shall say: read, looked at, and refused with a sentence where no lips could say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo import media
from avdemo.lips.config import FPS, SpeechScale

OUT_RATE = 48_000  # Hz, of the speech in the videos: three times the networks' rate
SHORTEST_S = 0.12  # three frames
QUIET_SHARE = 0.5  # of a second's mean level: a frame under it counts as a gap, after Scheirer and Slaney (1997)
FEW_GAPS = 0.1  # share of such frames below which a sound is hardly speech: 1 in 100 spoken sentences, half of all music
NARROW_HZ = 4000.0  # what the telephone lets through ends under it
NARROW_SHARE = 10**-4.5  # of the power: with less above NARROW_HZ nothing is there
LOOKED_AT_S = 60.0
MUSIC_LEAST_S = 2.0  # shorter sounds are not judged


@dataclass(frozen=True)
class Speech:
    """``wav`` float32 (channels, samples) at OUT_RATE goes into the videos; ``heard`` (samples,) at the networks' rate decides the lips."""

    path: Path
    wav: np.ndarray
    heard: np.ndarray
    heard_rate: int
    notes: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        return self.heard.shape[0] / self.heard_rate

    @property
    def frames(self) -> int:
        """Of video for it: 25 to the second."""
        from avdemo.lips.generation import frame_count

        return frame_count(len(self.heard), self.heard_rate)


def read_speech(path: Path | str, scale: SpeechScale | None = None) -> Speech:
    """Read a sound file, or the sound of a video.

    Raises:
        NoAudioError: no sound track, or a silent one.
        LimitError: longer or larger than this installation takes.
        InputError: not readable, or too short.
    """
    path = Path(path)
    scale = scale or SpeechScale()
    info = media.check_limits(path, needs_audio=True, min_seconds=SHORTEST_S)
    wav = media.read_audio(path, OUT_RATE)
    media.refuse_silence(wav, path.name)
    heard = media.resample(wav.mean(0, keepdims=True), OUT_RATE, scale.sample_rate)[0]
    return Speech(path, wav, heard, scale.sample_rate, tuple(_remarks(info, heard, scale.sample_rate)))


def _remarks(info: media.MediaInfo, heard: np.ndarray, rate: int) -> list[str]:
    notes = []
    part = heard[: round(LOOKED_AT_S * rate)]
    if info.audio_sample_rate <= 2 * NARROW_HZ or is_narrow(part, rate):
        notes.append(
            f"{info.name} has nothing above 4 kHz, like a telephone: s, f and t are hard to tell apart in it, so the lips follow less exactly."
        )
    if len(part) >= MUSIC_LEAST_S * rate and gaps(part, rate) < FEW_GAPS:
        notes.append(
            f"{info.name} has hardly a pause between sounds, as music and noise have; the networks know speech only, so take care what they "
            "make of it."
        )
    return notes


def levels(heard: np.ndarray, rate: int) -> np.ndarray:
    """Root mean square of each video frame's samples, (frames,) float32; the last one may be short."""
    samples = rate // FPS
    count = max(1, -(-len(heard) // samples))
    padded = np.pad(heard, (0, count * samples - len(heard)))
    return np.sqrt(np.square(padded.reshape(count, samples), dtype=np.float64).mean(1)).astype(np.float32)


def gaps(heard: np.ndarray, rate: int) -> float:
    """Share of 40 ms frames that are quieter than half of the mean of the second around them: speech has many, music few."""
    level = levels(heard, rate)
    half = FPS // 2
    padded = np.pad(level, (half, half), mode="reflect") if len(level) > half else np.pad(level, (half, half), mode="edge")
    mean = np.convolve(padded, np.ones(2 * half + 1) / (2 * half + 1), "valid")
    return float((level < QUIET_SHARE * mean).mean())


def is_narrow(heard: np.ndarray, rate: int) -> bool:
    """Whether next to nothing is above 4 kHz."""
    power = np.square(np.abs(np.fft.rfft(heard)))
    edge = round(NARROW_HZ * 1.05 / rate * len(heard))
    return float(power[edge:].sum()) < NARROW_SHARE * float(power.sum())
