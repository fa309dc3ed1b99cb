"""More renderings for a finished pack: soundfonts of other origin, so that a classifier learns instruments instead of one family's samples.

The fonts of :mod:`avdemo.corpora.pair_sounds` share most of their samples. Csound's General MIDI bank and FreePats do not. On Debian:
``csound-soundfont``, ``freepats`` and ``timidity``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from avdemo.corpora.acoustics import weather
from avdemo.corpora.pack_sounds import find_font
from avdemo.corpora.pair_sounds import PIECE_SECONDS, PairPiece, make_piece, rendered
from avdemo.corpora.render import ON_DRUM_CHANNEL, PROGRAMS
from avdemo.corpora.score import Note, Outline, improvise
from avdemo.errors import InputError

CSOUND_FONT = "sf_GMbank.sf2"
FREEPATS = Path("/etc/timidity/freepats.cfg")
PER_KIND = 120  # pieces that each of them plays of each instrument
TICKS = 480  # of a MIDI file in a beat of half a second

Progress = Callable[[float, str], None]


def _length(value: int) -> bytes:
    """A MIDI file's variable-length number."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | value & 0x7F)
    return bytes(reversed(out))


def midi_file(notes: Sequence[Note], channel: int, program: int) -> bytes:
    """A type-0 MIDI file of one part at 120 beats a minute."""
    events = [(n.start_s, bytes([0x90 | channel, n.pitch, n.velocity])) for n in notes]
    events += [(n.start_s + n.duration_s, bytes([0x80 | channel, n.pitch, 0])) for n in notes]
    track, now = bytes([0, 0xC0 | channel, program]), 0
    for time_s, message in sorted(events, key=lambda event: (event[0], event[1][0] & 0x90)):
        tick = round(time_s * 2 * TICKS)
        track += _length(max(0, tick - now)) + message
        now = max(now, tick)
    track += b"\x00\xff\x2f\x00"
    head = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1]) + TICKS.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


def freepats_wav(notes: Sequence[Note], instrument: str, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A part played by FreePats through timidity: mono float32 (samples,) of :data:`PIECE_SECONDS`, from its first note on.

    Raises:
        InputError: timidity or FreePats is not installed, or it cannot play.
    """
    program = shutil.which("timidity")
    if program is None or not FREEPATS.is_file():
        raise InputError("FreePats or timidity is not installed; on Debian the packages are freepats and timidity.")
    drums = instrument in ON_DRUM_CHANNEL
    number = 0 if drums else int(rng.choice(PROGRAMS[instrument]))
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "part.mid", Path(folder) / "part.raw"
        midi.write_bytes(midi_file(notes, 9 if drums else 0, number))
        options = ["-c", str(FREEPATS), "-OrslM", "-s", str(sample_rate), "-EFreverb=0", "-EFchorus=0", "-o", str(wav)]
        done = subprocess.run([program, *options, str(midi)], capture_output=True, check=False)
        if done.returncode or not wav.is_file():
            raise InputError(f"timidity could not play a part ({done.stderr.decode(errors='replace').strip()[-200:]}).")
        samples = np.frombuffer(wav.read_bytes(), "<i2").astype(np.float32) / 32768
    total = round(PIECE_SECONDS * sample_rate)
    return np.pad(samples[:total], (0, max(0, total - len(samples))))


def by_csound(instruments: Sequence[str], number_of: int, count: int, sample_rate: int, seed: int) -> list[PairPiece]:
    """``count`` training pieces of ``instruments[number_of]``.

    Raises:
        InputError: the soundfont is not installed.
    """
    find_font(CSOUND_FONT)
    return list(rendered(CSOUND_FONT, {instruments[number_of]: count}, "train", sample_rate, seed))


def by_freepats(instruments: Sequence[str], number_of: int, count: int, sample_rate: int, seed: int) -> list[PairPiece]:
    """``count`` training pieces of ``instruments[number_of]``; none of one that FreePats has no patch for, which comes out silent."""
    instrument, pieces = instruments[number_of], []
    for number in range(count):
        rng = np.random.default_rng([seed, 83, number_of, number])
        wav = freepats_wav(improvise(Outline.draw(rng, PIECE_SECONDS), instrument, rng), instrument, sample_rate, rng)
        if np.abs(wav).max() < 1e-3:
            break
        pieces.append(make_piece(instrument, "render", "train", number, weather(wav, sample_rate, rng)))
    return pieces


def add_fonts(
    packed: Path, instruments: Sequence[str], *, per_kind: int = PER_KIND, sample_rate: int, seed: int = 0, workers: int = 2,
    progress: Progress | None = None,
) -> list[str]:  # fmt: skip
    """Add training pieces to a pack's ``sounds.npy`` and ``sounds.json``; does nothing for a pack that has them.

    Returns:
        the fonts that play; one that is not installed is missing.
    """
    about = json.loads((packed / "packed.json").read_text())
    if "more_fonts" in about:
        return about["more_fonts"]
    played, pieces = [], []
    with ProcessPoolExecutor(workers) as pool:
        jobs = {
            name: [pool.submit(make, instruments, number, per_kind, sample_rate, seed) for number in range(len(instruments))]
            for name, make in (("csound", by_csound), ("freepats", by_freepats))
        }
        for name, parts in jobs.items():
            try:
                for part in parts:
                    pieces += part.result()
                    if progress:
                        progress(len(pieces) / (2 * per_kind * len(instruments)), f"{len(pieces)} pieces by other soundfonts")
            except InputError:
                continue  # the pack is then what it was; its record says which fonts play
            played.append(name)
    entries = json.loads((packed / "sounds.json").read_text())
    old = np.load(packed / "sounds.npy", mmap_mode="r")
    start = len(old)
    for piece in pieces:
        entries.append(
            {"instrument": piece.instrument, "kind": piece.kind, "split": piece.split, "group": piece.group, "start": start}
            | {"length": len(piece.samples)}
        )
        start += len(piece.samples)
    partial = packed / "sounds.npy.partial"
    with partial.open("wb") as file:
        shape = {"descr": "<i2", "fortran_order": False, "shape": (start,)}
        np.lib.format.write_array_header_1_0(file, shape)
        old.tofile(file)
        for piece in pieces:
            piece.samples.tofile(file)
    del old
    os.replace(partial, packed / "sounds.npy")
    (packed / "sounds.json").write_text(json.dumps(entries))
    (packed / "packed.json").write_text(json.dumps(about | {"more_fonts": played}, indent=1))
    return played
