"""Renderings of other origin: the MIDI files are right, and a pack grows by them once and keeps what it had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from avdemo.corpora import more_fonts
from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.pair_sounds import PairPiece
from avdemo.corpora.score import Note
from avdemo.errors import InputError


@pytest.fixture
def packed(tmp_path) -> Path:
    old = np.arange(100, dtype=np.int16)
    np.save(tmp_path / "sounds.npy", old)
    entry = {"instrument": "piano", "kind": "notes", "split": "test", "group": 0, "start": 0, "length": 100}
    (tmp_path / "sounds.json").write_text(json.dumps([entry]))
    (tmp_path / "packed.json").write_text(json.dumps({"seed": 0}))
    return tmp_path


def test_a_midi_file_says_what_is_played_when() -> None:
    data = more_fonts.midi_file([Note(0.0, 0.5, 60, 90), Note(1.0, 0.25, 64, 70)], channel=0, program=40)
    assert data[:14] == b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0" and data[14:18] == b"MTrk"
    assert len(data) == 22 + int.from_bytes(data[18:22], "big")
    track = data[22:]
    assert track[:3] == bytes([0, 0xC0, 40]) and track[3:7] == bytes([0, 0x90, 60, 90])
    assert track[7:12] == bytes([0x83, 0x60, 0x80, 60, 0])  # half a second later: 480 ticks
    assert track[12:17] == bytes([0x83, 0x60, 0x90, 64, 70]) and track.endswith(b"\x00\xff\x2f\x00")


def _piece(instrument: str, value: int) -> PairPiece:
    return PairPiece(instrument, "render", "train", 0, np.full(50, value, np.int16))


def _sevens(instruments: list[str], number_of: int, *_: int) -> list[PairPiece]:
    return [_piece(instruments[number_of], 7)]


def _nines(instruments: list[str], number_of: int, *_: int) -> list[PairPiece]:
    return [_piece(instruments[number_of], 9)]


def test_a_pack_grows_once_and_keeps_what_it_had(packed, monkeypatch) -> None:
    monkeypatch.setattr(more_fonts, "by_csound", _sevens)
    monkeypatch.setattr(more_fonts, "by_freepats", _nines)
    before = json.loads((packed / "sounds.json").read_text())
    for _ in range(2):
        assert more_fonts.add_fonts(packed, ["piano", "tuba"], sample_rate=8000) == ["csound", "freepats"]
        sounds = SoundPack(packed, ["piano", "tuba"])
        assert len(sounds.entries) == 5 and sounds.entries[0] == before[0]
        np.testing.assert_array_equal(np.asarray(sounds.samples[:100]), np.arange(100))
        numbers = sounds.numbers("tuba", "render", "train")
        assert [round(float(sounds.wav(n, 0, 50)[0] * 32768)) for n in numbers] == [7, 9]
    assert json.loads((packed / "packed.json").read_text()) == {"seed": 0, "more_fonts": ["csound", "freepats"]}


def test_a_font_that_is_not_installed_is_left_out(packed, monkeypatch) -> None:
    monkeypatch.setattr(more_fonts, "CSOUND_FONT", "nowhere.sf2")
    monkeypatch.setattr(more_fonts, "FREEPATS", packed / "nowhere.cfg")
    assert more_fonts.add_fonts(packed, ["piano"], sample_rate=8000) == []
    assert len(SoundPack(packed, ["piano"]).entries) == 1
    with pytest.raises(InputError, match="freepats and timidity"):
        more_fonts.freepats_wav([], "piano", 8000, np.random.default_rng(0))


@pytest.mark.skipif(shutil.which("timidity") is None or not more_fonts.FREEPATS.is_file(), reason="timidity and FreePats are not installed")
def test_freepats_plays_the_note_that_is_written() -> None:
    wav = more_fonts.freepats_wav([Note(0.5, 2.0, 69, 100)], "flute", 24_000, np.random.default_rng(0))
    assert len(wav) == 144_000
    heard = wav[24_000:48_000]
    hz = np.abs(np.fft.rfft(heard)).argmax() * 24_000 / len(heard)
    assert hz == pytest.approx(440, rel=0.02) or hz == pytest.approx(880, rel=0.02)
