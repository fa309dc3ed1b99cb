"""Random music: inside each instrument's range, in key, in time, and decided by the generator."""

import numpy as np
import pytest

from avdemo.corpora.score import DRUM_KIT, RANGES, SCALES, Outline, improvise
from avdemo.pixels.config import SOUNDS

SECONDS = 8.0


def part(instrument: str, seed: int):
    rng = np.random.default_rng(seed)
    return improvise(Outline.draw(rng, SECONDS), instrument, rng)


@pytest.mark.parametrize("instrument", SOUNDS)
def test_parts_are_playable(instrument) -> None:
    low, high = RANGES.get(instrument, (min(DRUM_KIT.values()), max(DRUM_KIT.values())))
    total = 0
    for seed in range(25):
        notes = part(instrument, seed)
        total += len(notes)
        assert all(low <= n.pitch <= high and 1 <= n.velocity <= 127 and n.duration_s > 0 for n in notes)
        assert all(0 <= n.start_s < SECONDS + 0.2 for n in notes)  # a strum's last string may come a little later
        if instrument == "drums":
            assert {n.pitch for n in notes} <= set(DRUM_KIT.values())
    assert total > 25 * 4


def test_the_generator_decides() -> None:
    assert part("violin", 5) == part("violin", 5) != part("violin", 6)


def test_parts_of_an_outline_share_key_and_chords() -> None:
    outline = Outline(beat_s=0.5, root=2, scale="minor", chords=(0, 3, 4, 0), seconds=SECONDS)
    assert [outline.chord(t) for t in (0.0, 1.9, 2.0, 4.1, 6.0, 8.0)] == [0, 0, 3, 4, 0, 0]
    keys = outline.pitches(40, 80)
    assert {(k - 2) % 12 for k in keys} == set(SCALES["minor"])
    assert {(p - 2) % 12 for p in outline.chord_pitches(0.0, 40, 80)} == {0, 3, 7}  # D minor
    for instrument in ("flute", "guitar", "piano"):
        notes = improvise(outline, instrument, np.random.default_rng(1))
        assert {n.pitch for n in notes} <= set(outline.pitches(0, 127))
