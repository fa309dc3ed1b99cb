"""The written tunes: readable, every bar full, within reach of the instruments."""

from __future__ import annotations

import pytest

from avdemo.corpora.score import RANGES
from avdemo.corpora.tunes import TUNES, parse, pitch
from avdemo.errors import InputError


def test_pitch_names():
    assert [pitch(name) for name in ("C4", "A4", "Bb3", "F#5", "C-1", "kick")] == [60, 69, 58, 78, 0, 36]
    with pytest.raises(InputError, match="H4"):
        pitch("H4")


def test_parse_keeps_lengths_until_told_otherwise():
    events, bars = parse("C4/.5 D4 | r/1 C4+E4")
    assert events == [(0.0, 0.5, (60,)), (0.5, 0.5, (62,)), (2.0, 1.0, (60, 64))]
    assert bars == [1.0, 3.0]
    assert parse("r/1 C4/.5 | ~/2") == ([(1.0, 2.5, (60,))], [1.5, 3.5])
    with pytest.raises(InputError, match="C4/x"):
        parse("C4/x")


@pytest.mark.parametrize("name", TUNES)
def test_every_bar_is_full_and_parts_end_together(name):
    tune = TUNES[name]
    ends = set()
    for text in tune.parts.values():
        _, bars = parse(text)
        lengths = [end - start for start, end in zip([0.0, *bars], bars, strict=False)]
        if tune.upbeat:
            assert lengths.pop(0) == pytest.approx(tune.upbeat)
        assert lengths == pytest.approx([tune.beats_per_bar] * len(lengths))
        ends.add(round(bars[-1], 6))
    assert len(ends) == 1
    assert 9 < tune.seconds < 14


@pytest.mark.parametrize(("name", "instrument"), [(n, i) for n, t in TUNES.items() for i in t.parts])
def test_notes_are_playable_and_repeat_with_the_seed(name, instrument):
    tune = TUNES[name]
    notes = tune.notes(instrument, seed=1, lead_in_s=0.3)
    assert notes == tune.notes(instrument, seed=1, lead_in_s=0.3)
    assert all(note.start_s >= 0.25 and note.duration_s > 0.05 and 1 <= note.velocity <= 127 for note in notes)
    if instrument != "drums":
        low, high = RANGES[instrument]
        assert all(low <= note.pitch <= high for note in notes)
