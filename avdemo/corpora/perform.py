"""A tune to sound: one stem per instrument, each in its place in a small room, together one mix.

Unlike :mod:`avdemo.corpora.render`, which makes much dry mono sound for training, this makes a little that is pleasant to hear:
one fixed program per instrument, swells on held notes, stereo, reverb. Stems stay exact: their sum *is* the mix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from avdemo.corpora.score import Note
from avdemo.errors import InputError

SOUNDFONT_PLACES = ("/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/soundfonts/FluidR3_GM.sf2")
#: General MIDI (bank, program) of each instrument.
PROGRAMS = {
    "accordion": (0, 21), "banjo": (0, 105), "clarinet": (0, 71), "drums": (128, 0), "flute": (0, 73), "guitar": (0, 25),
    "piano": (0, 0), "saxophone": (0, 65), "trombone": (0, 57), "trumpet": (0, 56), "tuba": (0, 58), "violin": (0, 40),
    "xylophone": (0, 13),
}  # fmt: skip
SUSTAINED = {"accordion", "clarinet", "flute", "saxophone", "trombone", "trumpet", "tuba", "violin"}
MODULATION, EXPRESSION = 1, 11  # MIDI controllers: vibrato, loudness of a held note
PEAK = 10 ** (-3 / 20)  # of the mix: -3 dBFS
REVERB_SECONDS = 0.9  # time to fall by 60 dB
REVERB_SHARE = 0.08  # reverberated energy beside the direct sound's


def find_soundfont() -> Path:
    """The installed FluidR3 General MIDI soundfont (MIT licence).

    Raises:
        InputError: it is in none of the usual places.
    """
    for place in SOUNDFONT_PLACES:
        if Path(place).is_file():
            return Path(place)
    raise InputError(
        "The soundfont FluidR3_GM.sf2 is not installed; install it (on Debian and Ubuntu: apt install fluid-soundfont-gm) "
        "and try again."
    )


def _events(notes: Sequence[Note], sustained: bool) -> list[tuple[float, int, str, int, int]]:
    """(time, order, kind, a, b): ``on`` pitch velocity, ``off`` pitch 0, ``control`` number value; sorted."""
    events: list[tuple[float, int, str, int, int]] = []
    for note in notes:
        end = note.start_s + note.duration_s
        events += [(note.start_s, 2, "on", note.pitch, note.velocity), (end, 0, "off", note.pitch, 0)]
        if sustained:
            for step in range(9):  # swell in a quarter of a second, vibrato once the note is held
                at = note.start_s + 0.03 * step
                if at < end:
                    events.append((at, 1, "control", EXPRESSION, 96 + 3 * step))
                    events.append((at, 1, "control", MODULATION, max(0, 6 * (step - 4))))
    return sorted(events)


def play_part(soundfont: Path, instrument: str, notes: Sequence[Note], seconds: float, sample_rate: int) -> np.ndarray:
    """One part, dry: float32 (samples,), as the soundfont gives it (levels are set by :func:`mix_parts`).

    Raises:
        InputError: the soundfont cannot be read, or the instrument is not one of :data:`PROGRAMS`.
    """
    import fluidsynth

    if instrument not in PROGRAMS:
        raise InputError(f"No program is known for {instrument!r}; there are {', '.join(PROGRAMS)}.")
    synth = fluidsynth.Synth(gain=0.4, samplerate=float(sample_rate))
    try:
        for effect in ("reverb", "chorus"):
            synth.setting(f"synth.{effect}.active", 0)
        font = synth.sfload(str(soundfont))
        if font < 0:
            raise InputError(f"{soundfont.name} is not a soundfont that fluidsynth can read; install FluidR3_GM.sf2 anew.")
        bank, program = PROGRAMS[instrument]
        channel = 9 if bank else 0
        synth.program_select(channel, font, bank, program)
        pieces, done, total = [], 0, round(seconds * sample_rate)
        for time_s, _, kind, a, b in _events(notes, instrument in SUSTAINED):
            at = min(round(time_s * sample_rate), total)
            if at > done:
                pieces.append(synth.get_samples(at - done))
                done = at
            if kind == "on":
                synth.noteon(channel, a, b)
            elif kind == "off":
                synth.noteoff(channel, a)
            else:
                synth.cc(channel, a, b)
        if done < total:
            pieces.append(synth.get_samples(total - done))
    finally:
        synth.delete()
    return np.concatenate(pieces).reshape(-1, 2).mean(1).astype(np.float32) / 32768


def room_response(sample_rate: int, seed: int = 0) -> np.ndarray:
    """Impulse response of a small warm room without its direct sound: float32 (2, samples), energy 1 per channel."""
    rng = np.random.default_rng(seed)
    length = round(REVERB_SECONDS * sample_rate)
    time_s = np.arange(length) / sample_rate
    tail = rng.standard_normal((2, length)) * 10 ** (-3 * time_s / REVERB_SECONDS)
    # High tones die first: each third of the tail is smoothed more than the one before.
    for third, width in enumerate((3, 7, 13)):
        part = slice(third * length // 3, (third + 1) * length // 3)
        for channel in range(2):
            tail[channel, part] = np.convolve(tail[channel, part], np.hanning(width + 2)[1:-1] / width, mode="same")
    tail[:, : round(0.012 * sample_rate)] = 0  # the first wall is two metres away
    return (tail / np.sqrt((tail**2).sum(1, keepdims=True))).astype(np.float32)


def _convolve(wav: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(samples,) with (2, taps) -> (2, samples), cut to the length of ``wav``."""
    size = 1 << (len(wav) + response.shape[1] - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(wav, size) * np.fft.rfft(response, size), size)[:, : len(wav)]


def _loudness(wav: np.ndarray, sample_rate: int) -> float:
    """RMS over the tenths of a second that sound, after a filter that leaves out what the ear hardly hears (below 150 Hz)."""
    spectrum = np.fft.rfft(wav)
    hertz = np.fft.rfftfreq(len(wav), 1 / sample_rate)
    weighted = np.fft.irfft(spectrum * hertz**2 / (hertz**2 + 150.0**2), len(wav))
    block = sample_rate // 10
    energy = (weighted[: len(weighted) // block * block].reshape(-1, block) ** 2).mean(1)
    return float(np.sqrt(energy[energy > 0.01 * energy.max()].mean())) if energy.max() > 0 else 0.0


def mix_parts(
    dry: Mapping[str, np.ndarray], pans: Mapping[str, float], levels_db: Mapping[str, float], sample_rate: int
) -> dict[str, np.ndarray]:
    """Bring parts to equal loudness, place them in stereo and in a room.

    Args:
        dry: instrument -> float32 (samples,), all of one length.
        pans: instrument -> -1 (left) to 1 (right); modest values sound natural.
        levels_db: instrument -> loudness relative to the others, 0 where absent.

    Returns:
        instrument -> stem, float32 (2, samples); their sum peaks at -3 dBFS and fades out over the last fifth of a second.
    """
    response = room_response(sample_rate)
    stems = {}
    for instrument, wav in dry.items():
        loudness = _loudness(wav, sample_rate)
        level = 10 ** (levels_db.get(instrument, 0.0) / 20) / loudness if loudness else 0.0
        angle = (pans.get(instrument, 0.0) + 1) * np.pi / 4  # constant power
        direct = np.stack([np.cos(angle) * wav, np.sin(angle) * wav]) * np.sqrt(2)
        stems[instrument] = level * (direct + np.sqrt(REVERB_SHARE) * _convolve(wav, response))
    length = len(next(iter(dry.values())))
    fade = np.ones(length)
    last = min(length, sample_rate // 5)
    fade[length - last :] = np.cos(np.linspace(0, np.pi / 2, last)) ** 2
    stems = {instrument: stem * fade for instrument, stem in stems.items()}
    peak = np.abs(sum(stems.values())).max()
    return {instrument: (stem * (PEAK / max(peak, 1e-9))).astype(np.float32) for instrument, stem in stems.items()}
