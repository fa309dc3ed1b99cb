"""Make the examples of matching: films that match, fall apart or move from one player to the other, and pictures with sounds.

    python -m avdemo.corpora.make_match_examples --out DIR [--only NAME]

Drawn and rendered here from end to end, as the films of :mod:`avdemo.corpora.make_examples`, and with the same requirements.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from avdemo.corpora.listed import make_listed
from avdemo.corpora.make_examples import LION, PANDA, RABBIT, RACCOON, Place
from avdemo.corpora.match_films import PAIR_S, SCENE_S, Film, Flight, Pair, Passage, Scene
from avdemo.corpora.tunes import TUNES, Tune

BEAT = Tune(
    "A beat", "this project", "2026", 120, 4,
    {
        "drums": """kick+closed/.5 closed snare+closed closed kick+closed kick+closed snare+closed closed
            | kick+closed closed snare+closed closed high/.25 high high mid mid mid low low
            | kick+open/.5 closed snare+closed kick+closed snare/.25 snare high high mid mid low low
            | kick+crash/4""",
    },
)  # fmt: skip

VIOLIN = Scene("park", ((Place("violin", RABBIT, 320, scale=1.25, ground=346), Passage("violin", TUNES["greensleeves"], 1)),))
DRUMS = Scene("roof", ((Place("drums", PANDA, 320, scale=1.25, ground=344), Passage("drums", BEAT)),))
TRUMPET = Scene("stage", ((Place("trumpet", LION, 335, scale=1.25, ground=346), Passage("trumpet", TUNES["ode-to-joy"])),))
#: Greensleeves goes on from where the first scene leaves it.
VIOLIN_GOES_ON = Passage("violin", TUNES["greensleeves"], 1 + SCENE_S / TUNES["greensleeves"].beat_s)
#: Of the duets that could be drawn, one whose two sounds are of different families: bowed, blown and squeezed ones are alike.
DUET = Scene(
    "park",
    (
        (Place("banjo", RACCOON, 200, scale=1.2, ground=346), Passage("banjo", TUNES["saints"], 4, pan=-0.3)),
        (Place("drums", PANDA, 445, scale=1.2, ground=346),
         Passage("drums", TUNES["saints"], 20, start_s=SCENE_S, pan=0.3)),
    ),
)  # fmt: skip
GUITAR_TUNE = Passage("guitar", TUNES["greensleeves"], 1, seconds=PAIR_S)
ACCORDION_TUNE = Passage("accordion", TUNES["ode-to-joy"], seconds=PAIR_S)

EXAMPLES: tuple[Film | Flight | Pair, ...] = (
    Film(
        "in-turns", "In turns: violin, drums, trumpet",
        "Three players, each heard while it is seen: the probability should stay high from start to end.",
        (VIOLIN, DRUMS, TRUMPET),
    ),
    Film(
        "mixed-up", "Mixed up: the panda drums, a violin is heard",
        "The same three scenes, but the violin goes on while the panda drums: the probability should fall from second 4 to 8.",
        (VIOLIN, Scene(DRUMS.background, DRUMS.cast, VIOLIN_GOES_ON), TRUMPET), pictures_of="in-turns",
    ),
    Film(
        "duet-one-plays", "Duet: first the banjo, then the drums",
        "Both are always in the picture, but only one is heard at a time: after 4 seconds the heat should move from the "
        "raccoon's banjo to the panda's drums.",
        (DUET,),
    ),
    Flight(
        "helicopter-then-sea", "Helicopter, and then the sea",
        "The helicopter flies on, but from second 4 the sea is heard instead of it: the probability should fall.",
    ),
    Pair(
        "guitar-tune", "Picture of a guitar, sound of a guitar",
        "Nobody plays and nothing moves, the kind of instrument alone decides: the probability should be high.",
        "guitar", "room", GUITAR_TUNE,
    ),
    Pair(
        "drum-beat", "Picture of a guitar, sound of drums",
        "The same picture with a drum kit's beat: the probability should be low.",
        "guitar", "room", Passage("drums", BEAT, seconds=PAIR_S),
    ),
    Pair(
        "accordion-tune", "Picture of an accordion, sound of an accordion",
        "They belong together, so the heat should lie on the accordion and not on the stage around it.",
        "accordion", "stage", ACCORDION_TUNE,
    ),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return make_listed("make_match_examples", __doc__, EXAMPLES, arguments)


if __name__ == "__main__":
    sys.exit(main())
