"""The round trip: a sound's picture's sound, or a picture's sound's picture; is it still the same instrument?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from avdemo import media
from avdemo.crossmodal.listening import Heard, listen, listen_to
from avdemo.crossmodal.looking import Seen, look, look_at
from avdemo.crossmodal.models import CHECKPOINT, Progress, Stop, stepper
from avdemo.crossmodal.painting import paint
from avdemo.crossmodal.playing import SECONDS, play
from avdemo.crossmodal.verdict import Answered, Verdict, named


@dataclass(frozen=True)
class Hop(Answered):
    """A sound or a picture on the way, and what the ear or the eye makes of it."""

    what: Literal["sound", "picture"]
    made: bool  # by the model; False for what was given
    verdict: Verdict
    picture: np.ndarray | None = None  # (h, w, 3) uint8
    wav: np.ndarray | None = None  # (1, samples) float32
    sample_rate: int = 0  # Hz, of ``wav``


@dataclass(frozen=True)
class RoundTrip:
    """Three hops: what was given, what was made of it, and what was made of that."""

    hops: tuple[Hop, Hop, Hop]
    sentence: str


def round_trip(
    start: Path | str | Heard | Seen, *, seed: int = 0, variant: str = "C", seconds: float = SECONDS, checkpoint: str = CHECKPOINT,
    progress: Progress | None = None, cancelled: Stop | None = None,
) -> RoundTrip:  # fmt: skip
    """Sound -> picture -> sound, or picture -> sound -> picture; the class is followed at each hop.

    Args:
        start: a picture, a sound or a video (its sound is taken), or one that was heard or seen already.
        seed, variant, seconds: as for ``paint`` and ``play``; of the painted pictures, number 0 is taken as it comes.
        checkpoint: for a file.

    Raises:
        AvdemoError: as for ``listen``, ``look``, ``paint`` and ``play``.
    """
    part = [stepper(progress, None, edge / 4, (edge + 1) / 4) for edge in range(4)]
    if isinstance(start, (str, Path)):
        begin = look if media.probe(start).kind == "image" else listen
        start = begin(start, checkpoint=checkpoint, progress=part[0], cancelled=cancelled)
    model = start.model
    name = start.sound if isinstance(start, Heard) else start.image
    if isinstance(start, Heard):
        picture = paint(start, count=1, seed=seed, variant=variant, progress=part[1], cancelled=cancelled)[0]
        seen = look_at(model, picture, Path(f"the picture of {name.name}"))
        played = play(seen, seed=seed, seconds=seconds, progress=part[2], cancelled=cancelled)
        hops = (
            _heard(start, False),
            _seen(seen, True, picture),
            Hop("sound", True, played.verdict, None, played.wav, played.sample_rate),
        )
    else:
        played = play(start, seed=seed, seconds=seconds, progress=part[1], cancelled=cancelled)
        heard = listen_to(model, played.wav, Path(f"the sound of {name.name}"), stepper(progress, cancelled, 0.5, 0.75))
        picture = paint(heard, count=1, seed=seed, variant=variant, progress=part[3], cancelled=cancelled)[0]
        seen = look_at(model, picture, Path(f"the picture of {name.name}"))
        hops = (_seen(start, False, start.thumbnail), _heard(heard, True), _seen(seen, True, picture))
    part[3](1.0, "Done")
    return RoundTrip(hops, _words(hops))


def _heard(heard: Heard, made: bool) -> Hop:
    return Hop("sound", made, heard.verdict, None, heard.wav, heard.sample_rate)


def _seen(seen: Seen, made: bool, picture: np.ndarray) -> Hop:
    return Hop("picture", made, seen.verdict, picture)


def _words(hops: tuple[Hop, ...]) -> str:
    way = " → ".join(f"{hop.what}: {hop.kind} ({hop.probability[hop.kind]:.2f})" for hop in hops)
    if not hops[0].known:
        return f"{way}. What it began with is no instrument that the model knows, so there was nothing to keep."
    kind = hops[0].kind
    lost = next((hop for hop in hops[1:] if not hop.known or hop.kind != kind), None)
    if lost is None:
        return f"{way}. It stayed {named(kind)} all the way."
    ending = "the last hop" if lost is hops[-1] else "the first hop"
    back = ", but it came back" if lost is hops[1] and hops[-1].known and hops[-1].kind == kind else ""
    unsure = ", after which the model is not sure of it any more" if lost.kind == kind and not back else ""
    return f"{way}. It was {named(kind)} until {ending}{back}{unsure}."
