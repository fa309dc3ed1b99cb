"""Notes to sound: with the sampled instruments of a soundfont, or with recorded single notes.

Used to make training data and examples, never by the app. Soundfonts need ``pyfluidsynth`` and the fluidsynth library.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avdemo.corpora.score import HAND_PERCUSSION, Note

PROGRAMS = {  # General MIDI programs that count as the instrument
    "accordion": (21, 21, 23), "banjo": (105,), "clarinet": (71,), "flute": (73, 73, 72), "guitar": (24, 25, 25, 26, 27),
    "piano": (0, 1, 2, 3), "saxophone": (64, 65, 66, 67), "trombone": (57,), "trumpet": (56, 56, 59), "tuba": (58,),
    "violin": (40,), "xylophone": (13, 13, 12), "bagpipes": (109,), "clavichord": (7, 7, 6), "dulcimer": (15,), "harmonica": (22,),
    "harp": (46,), "ocarina": (79,), "sitar": (104,), "steel_drum": (114,), "helicopter": (125,), "water": (122,),
}  # fmt: skip
ON_DRUM_CHANNEL = {"drums", *HAND_PERCUSSION}
DRUM_BANK = 128
DRUM_PROGRAMS = (0, 0, 8, 16, 32)


class SoundfontPlayer:
    """Plays parts with one soundfont.

    Args:
        soundfont: an .sf2 or .sf3 file.
        sample_rate: of what it renders, in Hz.
    """

    def __init__(self, soundfont: Path, sample_rate: int):
        import fluidsynth

        self.sample_rate = sample_rate
        self._synth = fluidsynth.Synth(gain=0.5, samplerate=float(sample_rate))
        for effect in ("reverb", "chorus"):
            self._synth.setting(f"synth.{effect}.active", 0)
        self._font = self._synth.sfload(str(soundfont))
        if self._font < 0:
            raise OSError(f"{soundfont} is not a soundfont that fluidsynth can read")

    def play(self, notes: Sequence[Note], instrument: str, seconds: float, rng: np.random.Generator) -> np.ndarray:
        """Render one part, mono float32 (samples,), peak below 1; which of the instrument's programs plays is drawn from
        ``rng``.
        """
        channel = 9 if instrument in ON_DRUM_CHANNEL else 0
        self._synth.system_reset()
        if instrument in ON_DRUM_CHANNEL:
            program = int(rng.choice(DRUM_PROGRAMS))
            if self._synth.program_select(channel, self._font, DRUM_BANK, program) != 0:
                self._synth.program_select(channel, self._font, DRUM_BANK, 0)
        else:
            self._synth.program_select(channel, self._font, 0, int(rng.choice(PROGRAMS[instrument])))
        events = sorted(
            [(n.start_s, 1, n) for n in notes] + [(n.start_s + n.duration_s, 0, n) for n in notes], key=lambda e: (e[0], e[1])
        )
        pieces, done, total = [], 0, int(seconds * self.sample_rate)
        for time_s, on, note in events:
            at = min(int(time_s * self.sample_rate), total)
            if at > done:
                pieces.append(self._synth.get_samples(at - done))
                done = at
            if at >= total:
                break
            if on:
                self._synth.noteon(channel, note.pitch, note.velocity)
            else:
                self._synth.noteoff(channel, note.pitch)
        if done < total:
            pieces.append(self._synth.get_samples(total - done))
        stereo = np.concatenate(pieces).reshape(-1, 2).astype(np.float32) / 32768
        return stereo.mean(1)

    def close(self) -> None:
        self._synth.delete()


def resample_ratio(wav: np.ndarray, ratio: float) -> np.ndarray:
    """Play ``wav`` faster by ``ratio`` (pitch and speed together), linear interpolation, (samples,) -> (samples / ratio,)."""
    at = np.arange(int(len(wav) / ratio)) * ratio
    return np.interp(at, np.arange(len(wav)), wav).astype(np.float32)


def play_recorded(
    notes: Sequence[Note], recorded: dict[int, list[np.ndarray]], seconds: float, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """Play a part with recorded notes: each note takes the nearest recorded pitch and shifts it by resampling.

    Args:
        recorded: MIDI pitch -> recordings (samples,). For drums the pitches are only keys.
        seconds: length of the result.

    Returns:
        mono float32 (samples,), peak at most 1.
    """
    total = int(seconds * sample_rate)
    wav = np.zeros(total, np.float32)
    pitches = np.array(sorted(recorded))
    for note in notes:
        near = int(pitches[np.argmin(np.abs(pitches - note.pitch) + rng.random(len(pitches)) * 0.5)])
        takes = recorded[near]
        take = takes[rng.integers(len(takes))]
        shift = float(np.clip(note.pitch - near, -3, 3))  # further than this a recording stops sounding like its instrument
        sound = resample_ratio(take, 2 ** (shift / 12)) if shift else take
        keep = min(len(sound), int((note.duration_s + 0.08) * sample_rate), total - int(note.start_s * sample_rate))
        if keep <= 8:
            continue
        piece = sound[:keep] * (note.velocity / 100)
        fade = min(keep, int(0.06 * sample_rate))
        piece[-fade:] = piece[-fade:] * np.linspace(1, 0, fade, dtype=np.float32)
        start = int(note.start_s * sample_rate)
        wav[start : start + keep] += piece
    peak = float(np.abs(wav).max())
    return wav / peak if peak > 1 else wav
