"""Media for tests, made on the spot: every clip says in its pixels which frame it is and which way is up.

Upright pictures have a red corner top left, green top right, blue bottom left, white bottom right, on grey; across the
middle run ten black or white blocks, the frame's number in binary, most significant first. :func:`read_number` reads it
back at any size. Nothing here uses the package under test.
"""

from __future__ import annotations

import struct
import wave
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

CORNERS = {"top left": (220, 30, 30), "top right": (30, 200, 30), "bottom left": (30, 30, 220), "bottom right": (250, 250, 250)}
BITS = 10
TICKS = 90_000  # per second; divisible by every common frame rate


def numbered_picture(number: int, size: tuple[int, int]) -> np.ndarray:
    """The upright picture of one frame, uint8 (H, W, 3), for a size of (width, height) pixels."""
    width, height = size
    picture = np.full((height, width, 3), 128, np.uint8)
    h, w = max(1, height // 4), max(1, width // 4)
    picture[:h, :w], picture[:h, -w:] = CORNERS["top left"], CORNERS["top right"]
    picture[-h:, :w], picture[-h:, -w:] = CORNERS["bottom left"], CORNERS["bottom right"]
    edges = np.linspace(0, width, BITS + 1).round().astype(int)
    for bit in range(BITS):
        value = 255 if number >> (BITS - 1 - bit) & 1 else 0
        picture[3 * height // 8 : 5 * height // 8, edges[bit] : edges[bit + 1]] = value
    return picture


def read_number(picture: np.ndarray) -> int:
    """Which frame a picture (H, W, 3) of any size is."""
    height, width = picture.shape[:2]
    centres = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    blocks = picture[height // 2, centres].mean(axis=1) > 128
    return int("".join("1" if block else "0" for block in blocks), 2)


def is_upright(picture: np.ndarray, tolerance: int = 40) -> bool:
    """Whether all four corners of a picture (H, W, 3) have the colours they should have."""
    height, width = picture.shape[:2]
    y, x = max(1, height // 10), max(1, width // 10)
    seen = {"top left": picture[y, x], "top right": picture[y, -x - 1]}
    seen |= {"bottom left": picture[-y - 1, x], "bottom right": picture[-y - 1, -x - 1]}
    return all(np.abs(seen[corner].astype(int) - colour).max() <= tolerance for corner, colour in CORNERS.items())


def tone(seconds: float, hertz: Sequence[float] = (440.0,), sample_rate: int = 44_100, channels: int = 1, level: float = 0.5):
    """Sines added up to a peak of at most ``level``, the same in every channel: float32 (channels, samples)."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    mixed = sum(np.sin(2 * np.pi * f * time) for f in hertz) * (level / max(1, len(hertz)))
    return np.repeat(np.asarray(mixed, np.float32).reshape(1, -1), channels, axis=0)


def swelling(seconds: float, seed: int = 0, sample_rate: int = 44_100) -> np.ndarray:
    """A rising tone that comes and goes, in noise; no second is like another: float32 (1, samples)."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    sound = 0.1 * (1.1 + np.sin((3.1 + seed) * time_s)) * np.sin(2 * np.pi * (300 + 400 * time_s) * time_s)
    return (sound + 0.02 * np.random.default_rng(seed).standard_normal(len(time_s)))[None].astype(np.float32)


def beep(seconds: float, at_s: float, sample_rate: int = 44_100, channels: int = 1) -> np.ndarray:
    """Silence with 50 ms of 1 kHz from ``at_s`` on: float32 (channels, samples)."""
    wav = np.zeros((channels, round(seconds * sample_rate)), np.float32)
    burst = tone(0.05, (1000.0,), sample_rate, channels)
    first = round(at_s * sample_rate)
    wav[:, first : first + burst.shape[1]] = burst[:, : wav.shape[1] - first]
    return wav


def onset_s(wav: np.ndarray, sample_rate: int) -> float:
    """When something is first heard in (channels, samples)."""
    return float(np.argmax(np.abs(wav).max(axis=0) > 0.1)) / sample_rate


def make_clip(
    path: Path,
    seconds: float = 2.0,
    size: tuple[int, int] = (160, 120),
    fps: float | Fraction = 25,
    *,
    tones: Sequence[float] | None = (440.0,),
    wav: np.ndarray | None = None,
    sample_rate: int | None = None,
    channels: int = 1,
    layout: str | None = None,
    codec: str = "libx264",
    audio_codec: str | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    times_s: Sequence[float] | None = None,
    video_start_s: float = 0.0,
    audio_start_s: float = 0.0,
    keyframe_every: int | None = None,
    pixel_format: str | None = None,
    container_options: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    pictures: Sequence[np.ndarray] | None = None,
    container: str | None = None,
) -> Path:
    """Write a video with numbered, oriented frames and tones; the container follows from the name's ending.

    Args:
        size: (width, height) in pixels of the upright picture.
        tones: sines in the sound track, in Hz; None for no sound track (unless ``wav`` is given).
        wav: float32 (channels, samples), instead of ``tones``.
        sample_rate: of the sound in Hz; 44,100, or 48,000 where Opus wants that.
        layout: channel layout such as "5.1", when ``wav`` has more than two channels.
        rotation: clockwise degrees (0, 90, 180, 270) that a player has to turn the stored pictures.
        mirrored: store them mirrored left to right as well.
        times_s: when each frame comes on screen (variable frame rate), instead of ``fps``; ``seconds`` is then the end.
        video_start_s, audio_start_s: shift a stream on the file's clock.
        pictures: upright uint8 (H, W, 3), instead of numbered ones.
    """
    suffix = path.suffix.lower()
    if audio_codec is None:
        audio_codec = {".webm": "libopus", ".avi": "pcm_s16le"}.get(suffix, "aac")
    sample_rate = sample_rate or (48_000 if audio_codec == "libopus" else 44_100)
    if times_s is None:
        count = len(pictures) if pictures is not None else round(seconds * float(fps))
        times_s = [float(i / Fraction(fps).limit_denominator(1001)) for i in range(count)]
    if wav is None and tones is not None:
        wav = tone(seconds, tones, sample_rate, channels)
    with av.open(str(path), "w", format=container, options=container_options or {}) as out:
        stream = out.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=options or {})
        stored = (size[1], size[0]) if rotation in (90, 270) else size
        stream.width, stream.height = stored
        stream.pix_fmt = pixel_format or {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        fixed_rate = codec in ("mpeg4", "gif", "mjpeg") or suffix == ".avi"
        stream.codec_context.time_base = 1 / Fraction(fps).limit_denominator(1001) if fixed_rate else Fraction(1, TICKS)
        if codec == "gif":
            stream.codec_context.time_base = Fraction(1, 100)
        if times_s[1:] and np.ptp(np.diff(times_s)) > 1e-6:
            stream.codec_context.max_b_frames = 0  # the last frame has to be encoded last, or its duration is lost
        if keyframe_every:
            stream.gop_size = keyframe_every
        if rotation or mirrored:
            stream.set_display_rotation(-rotation, hflip=mirrored)
        sound = None
        if wav is not None:
            sound = out.add_stream(audio_codec, rate=sample_rate, bit_rate=96_000 * len(wav))
            sound.layout = layout or {1: "mono", 2: "stereo"}[len(wav)]
        packets = []
        for number, time_s in enumerate(times_s):
            picture = pictures[number] if pictures is not None else numbered_picture(number, size)
            frame = av.VideoFrame.from_ndarray(_stored(picture, rotation, mirrored), format="rgb24")
            base = stream.codec_context.time_base
            frame.pts, frame.time_base = round((time_s + video_start_s) / base), base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        _set_durations(packets, [*times_s, seconds], video_start_s)
        if sound is not None:
            packets += _encode_sound(sound, wav, sample_rate, audio_start_s)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            out.mux(packet)
    return path


def _stored(picture: np.ndarray, rotation: int, mirrored: bool) -> np.ndarray:
    """What the sensor wrote, so that turning it ``rotation`` degrees clockwise (and mirroring) shows ``picture``."""
    if mirrored:
        picture = picture[:, ::-1]
    return np.ascontiguousarray(np.rot90(picture, rotation // 90))  # rot90 turns counter-clockwise


def _set_durations(packets, times_s: Sequence[float], start_s: float) -> None:
    """Encoders do not pass durations on; the last frame's would be lost."""
    ends = {round((a + start_s) * TICKS): b - a for a, b in pairwise(times_s)}
    for packet in packets:
        on_screen = ends.get(round(packet.pts * packet.time_base * TICKS))
        if on_screen is not None:
            packet.duration = max(1, round(on_screen / packet.time_base))


def _encode_sound(stream, wav: np.ndarray, sample_rate: int, start_s: float) -> list:
    packets = []
    for first in range(0, wav.shape[1], 4096):
        block = np.ascontiguousarray(wav[:, first : first + 4096], np.float32)
        frame = av.AudioFrame.from_ndarray(block, "fltp", stream.layout.name)
        frame.sample_rate, frame.time_base = sample_rate, Fraction(1, sample_rate)
        frame.pts = first + round(start_s * sample_rate)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def make_sound(
    path: Path, wav: np.ndarray, sample_rate: int = 44_100, *, codec: str | None = None, layout: str | None = None
) -> Path:
    """Write float32 (channels, samples) as wav, mp3, m4a, ogg or flac, by the name's ending."""
    usual = {".wav": "pcm_s16le", ".mp3": "libmp3lame", ".m4a": "aac", ".ogg": "libopus", ".flac": "flac"}
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec or usual[path.suffix], rate=sample_rate, bit_rate=96_000 * len(wav))
        stream.layout = layout or {1: "mono", 2: "stereo"}[len(wav)]
        for packet in _encode_sound(stream, wav, sample_rate, 0.0):
            out.mux(packet)
    return path


def make_plain_wav(path: Path, wav: np.ndarray, sample_rate: int) -> Path:
    """16-bit WAV by the standard library: says how many channels there are but not which."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(wav))
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.rint(wav.T * 32767).astype("<i2").tobytes())
    return path


def make_gif(path: Path, durations_ms: Sequence[int], size: tuple[int, int] = (101, 77)) -> Path:
    """An animated gif of numbered pictures, each on screen as long as given."""
    from PIL import Image

    images = [Image.fromarray(numbered_picture(number, size)) for number in range(len(durations_ms))]
    images[0].save(path, save_all=True, append_images=images[1:], duration=list(durations_ms), loop=0, disposal=2)
    return path


def truncated(source: Path, target: Path, fraction: float) -> Path:
    """The first part of a file, as after an interrupted upload."""
    data = source.read_bytes()
    target.write_bytes(data[: round(len(data) * fraction)])
    return target


def claim_seconds(path: Path, seconds: float) -> Path:
    """Make the header of a webm or mkv say that it lasts this long (its Duration element, a double in milliseconds)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3
    data[at : at + 8] = struct.pack(">d", seconds * 1000)
    path.write_bytes(data)
    return path
