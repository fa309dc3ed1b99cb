"""Made speech: eSpeak NG, the synthesiser of Debian's ``espeak-ng``, reads a sentence. Examples are made with it; the app never needs it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from avdemo.errors import InputError


def find_espeak() -> str:
    """The installed ``espeak-ng``.

    Raises:
        InputError: it is not on the PATH.
    """
    found = shutil.which("espeak-ng")
    if found is None:
        raise InputError(
            "The speech synthesiser espeak-ng is not installed; install it (on Debian and Ubuntu: apt install espeak-ng) and try again."
        )
    return found


def speak(text: str, sample_rate: int, *, voice: str = "en-gb", words_per_minute: int = 150) -> np.ndarray:
    """A sentence as sound: mono float32 (samples,) in [-1, 1]; the same call gives the same samples.

    Args:
        text: what is said.
        sample_rate: of the result, in Hz.
        voice: one of ``espeak-ng --voices``.
        words_per_minute: 80 to 450.

    Raises:
        InputError: no espeak-ng, or it does not know the voice.
    """
    from avdemo.media import read_audio

    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        command = [find_espeak(), "-v", voice, "-s", str(words_per_minute), "-w", str(wav), "--", text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not wav.is_file():
            said = done.stderr.strip().splitlines()
            why = said[-1] if said else f"exit code {done.returncode}"
            raise InputError(
                f"espeak-ng could not speak with the voice {voice} ({why}); espeak-ng --voices lists those there are."
            )
        return read_audio(wav, sample_rate, mono=True)[0]
