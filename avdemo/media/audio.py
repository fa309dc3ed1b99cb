"""Sound in: any codec, layout and rate to float32 (channels, samples), aligned with the pictures. Sound out: 16-bit WAV.

Mixing down follows ITU-R BS.775: centre and surround channels go into left and right at -3 dB, the subwoofer channel is
left out; the sum is scaled so that it can never clip.
"""

from __future__ import annotations

import math
import wave
from pathlib import Path

import av
import numpy as np

from avdemo.errors import InputError, NoAudioError
from avdemo.media.container import file_size, open_media
from avdemo.media.images import identify_image
from avdemo.media.probing import refuse_long
from avdemo.media.timeline import Timeline, decode, demux, only, read_timeline
from avdemo.media.workdir import writing
from avdemo.settings import get_settings

HALF = math.sqrt(0.5)  # -3 dB
GAINS = {  # channel -> (into left, into right)
    "FL": (1.0, 0.0), "FR": (0.0, 1.0), "FC": (HALF, HALF), "LFE": (0.0, 0.0), "LFE2": (0.0, 0.0),
    "BL": (HALF, 0.0), "BR": (0.0, HALF), "SL": (HALF, 0.0), "SR": (0.0, HALF), "BC": (0.5, 0.5),
    "FLC": (1.0, 0.0), "FRC": (0.0, 1.0), "WL": (1.0, 0.0), "WR": (0.0, 1.0), "DL": (1.0, 0.0), "DR": (0.0, 1.0),
    "TFL": (HALF, 0.0), "TFR": (0.0, HALF), "TFC": (0.5, 0.5), "TBL": (HALF, 0.0), "TBR": (0.0, HALF), "TBC": (0.5, 0.5),
    "TC": (0.5, 0.5), "TSL": (HALF, 0.0), "TSR": (0.0, HALF),
}  # fmt: skip
USUAL_ORDER = {  # what files mean that only say how many channels they have (the order of WAVE_FORMAT_EXTENSIBLE)
    3: ("FL", "FR", "FC"), 4: ("FL", "FR", "BL", "BR"), 5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"), 7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}  # fmt: skip
GAP_S = 0.05  # timestamps this close to where the sound has got to are rounding, not a gap
SILENT_PEAK = 1e-3  # -60 dB of full scale: below it there is only the noise of the recorder


def read_audio(path: str | Path, sample_rate: int, *, mono: bool = False, max_seconds: float | None = None) -> np.ndarray:
    """Decode a file's sound.

    Time zero is the first video frame when there is video (sound that begins later is preceded by silence, earlier
    sound is cut off), else the first sample. With video, the sound is as long as the video; gaps are silent.

    Args:
        path: a video or sound.
        sample_rate: wanted samples per second.
        mono: average to one channel; otherwise mono stays mono and everything else becomes stereo.
        max_seconds: read only the beginning. When None, files above ``settings.max_seconds`` are refused.

    Returns:
        float32 (channels, samples) in [-1, 1], channels 1 or 2.

    Raises:
        NoAudioError: there is no sound track.
        LimitError: longer than this installation takes, and no ``max_seconds`` given.
        InputError: not readable.
    """
    path = Path(path)
    file_size(path)
    if identify_image(path) is not None:
        raise NoAudioError(f"{path.name} is a picture, and a sound is needed here; give a sound or a video that has one.")
    timeline = read_timeline(path)
    if timeline.audio is None:
        raise NoAudioError(f"{path.name} has no sound track; give a file that has one.")
    if max_seconds is None:
        refuse_long(path.name, timeline.duration_s, get_settings().max_seconds)
    native, native_rate = _decode_aligned(path, timeline, max_seconds)
    if mono and len(native) > 1:
        native = native.mean(axis=0, keepdims=True)
    wav = resample(native, native_rate, sample_rate)
    if timeline.video is not None:  # exactly as long as the video, whatever the rounding of the two rates
        length_s = timeline.duration_s if max_seconds is None else min(timeline.duration_s, max_seconds)
        wav = fit_length(wav, round(length_s * sample_rate))
    return np.clip(wav, -1.0, 1.0, out=wav)


def _decode_aligned(path: Path, timeline: Timeline, max_seconds: float | None) -> tuple[np.ndarray, int]:
    """Decode at the file's own rate, each block at its own time; returns float32 (1 or 2, samples) and the rate."""
    track = timeline.audio
    # A damaged time stamp may lie years ahead: nothing counts behind the end that the packets agree on.
    end_s = timeline.duration_s + (0.0 if timeline.video is not None else 1.0)
    limit_s = end_s if timeline.duration_s > 0 else get_settings().max_seconds
    limit_s = limit_s if max_seconds is None else min(limit_s, max_seconds)
    origin_s = timeline.origin_s if timeline.video is not None else None
    blocks: list[tuple[int, np.ndarray]] = []  # (first sample, float32 (1 or 2, n))
    rate = channels = 0
    expected = 0
    with open_media(path) as container:
        stream = next(s for s in container.streams.audio if s.index == track.index)
        stream.thread_type = "AUTO"
        only(container, stream)
        for frame in (frame for packet in demux(container, [stream]) for frame in decode(packet)):
            block = _to_float(frame)
            if not rate:
                rate, channels = frame.sample_rate, len(block)
            elif frame.sample_rate != rate:
                block = resample(block, frame.sample_rate, rate)
            if len(block) != channels:  # a broadcast that changes between mono and stereo
                block = np.repeat(block.mean(axis=0, keepdims=True), channels, axis=0)
            time_s = float(frame.pts * frame.time_base) if frame.pts is not None else None
            if origin_s is None:
                origin_s = time_s or 0.0
            first = expected if time_s is None else round((time_s - origin_s) * rate)
            if blocks and abs(first - expected) < GAP_S * rate:
                first = expected
            expected = first + block.shape[1]
            if first > limit_s * rate:
                break
            blocks.append((first, block))
    if not blocks:
        raise InputError(f"The sound track of {path.name} is damaged and cannot be decoded; export or upload the file again.")
    return _assemble(blocks, channels, round(limit_s * rate), pad=timeline.video is not None), rate


def _assemble(blocks: list[tuple[int, np.ndarray]], channels: int, limit: int, pad: bool) -> np.ndarray:
    """Lay blocks on one strip of silence, (channels, samples): ``limit`` samples when ``pad``, else at most that many."""
    end = limit if pad else min(limit, max(first + block.shape[1] for first, block in blocks))
    strip = np.zeros((channels, max(0, end)), dtype=np.float32)
    for first, block in blocks:
        start, stop = max(0, first), min(end, first + block.shape[1])
        if stop > start:
            strip[:, start:stop] = block[:, start - first : stop - first]
    return np.nan_to_num(strip, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)


def _to_float(frame) -> np.ndarray:
    """A decoded frame as float32 (1 or 2, samples) in [-1, 1]."""
    samples = frame.to_ndarray()
    count = frame.layout.nb_channels
    if not frame.format.is_planar:
        samples = samples.reshape(-1, count).T  # (1, n * channels) interleaved -> (channels, n)
    if samples.dtype == np.uint8:
        wav = (samples.astype(np.float32) - 128.0) / 128.0
    elif samples.dtype.kind == "i":
        wav = samples.astype(np.float32) / float(1 << (8 * samples.dtype.itemsize - 1))
    else:
        wav = samples.astype(np.float32)
    return wav if count <= 2 else down_mix(wav, [channel.name for channel in frame.layout.channels])


def down_mix(wav: np.ndarray, channel_names: list[str]) -> np.ndarray:
    """Mix (channels, n) down to stereo (2, n) by the names of the channels (ITU-R BS.775), never louder than full scale.

    Channels without a name count as in the usual order for their number; beyond eight they alternate left and right.
    """
    names = channel_names if all(name in GAINS for name in channel_names) else USUAL_ORDER.get(len(channel_names), ())
    pairs = [GAINS[name] for name in names] or [(1.0, 0.0) if i % 2 == 0 else (0.0, 1.0) for i in range(len(channel_names))]
    gains = np.array(pairs, dtype=np.float32).T  # (2, channels)
    return (gains / gains.sum(axis=1).max()) @ wav


def resample(wav: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Change the sample rate of float32 (1 or 2, n) without shifting it in time; returns float32 (1 or 2, ceil(n to/from))."""
    length = math.ceil(wav.shape[1] * to_rate / from_rate)
    if from_rate == to_rate or not length:
        return np.array(wav, dtype=np.float32)
    layout = "mono" if len(wav) == 1 else "stereo"
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=to_rate)
    pieces = []
    for start in range(0, wav.shape[1], from_rate):  # a second at a time
        second = np.ascontiguousarray(wav[:, start : start + from_rate], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(second, "fltp", layout)
        frame.sample_rate = from_rate
        pieces += resampler.resample(frame)
    pieces += resampler.resample(None)
    return fit_length(np.concatenate([piece.to_ndarray() for piece in pieces], axis=1), length)


def fit_length(wav: np.ndarray, samples: int) -> np.ndarray:
    """Cut (channels, n) to ``samples``, or add silence at its end."""
    missing = samples - wav.shape[1]
    return np.pad(wav, ((0, 0), (0, missing))) if missing > 0 else wav[:, :samples]


def is_silent(wav: np.ndarray) -> bool:
    """Whether nothing in (channels, samples) rises above -60 dB of full scale."""
    return wav.size == 0 or float(np.abs(wav).max()) < SILENT_PEAK


def refuse_silence(wav: np.ndarray, name: str) -> None:
    """Raise NoAudioError when a sound track, the one of the file ``name``, holds nothing but silence."""
    if is_silent(wav):
        raise NoAudioError(f"The sound track of {name} is silent; give a file in which something can be heard.")


def write_wav(path: str | Path, wav: np.ndarray, sample_rate: int) -> Path:
    """Write float (channels, samples) in [-1, 1] as 16-bit PCM; louder samples are clipped. Returns the path.

    Raises:
        StorageError: the disk is full or may not be written; no partial file is left.
    """
    path = Path(path)
    wav = np.atleast_2d(wav)
    pcm = np.clip(np.rint(wav.T * 32768.0), -32768, 32767).astype("<i2")  # (samples, channels)
    with writing(path) as partial, wave.open(str(partial), "wb") as file:
        file.setnchannels(len(wav))
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(pcm.tobytes())
    return path
