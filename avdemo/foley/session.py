"""What the Add sound tab remembers between two events, without a word of Gradio.

The session's own state is a small dictionary of plain values and paths; what is heavy (what was seen in the video, the takes that were
written) is a :class:`Desk` on a shelf on the server, under the state's ``token``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from avdemo.errors import InputError

if TYPE_CHECKING:
    from avdemo.foley.pipeline import Composition, Prepared

VIDEO, PHOTO = MODES = ("video", "photo")
KEEP, REPLACE = "keep", "replace"
NO_VIDEO = "There is no video yet; upload one, record one with the camera, or choose an example."
NO_PHOTO = "There is no photo yet; upload one, or take one with the camera."
NO_RESULT = "Nothing has been written yet; give a video or a photo and press Add sound."


@dataclass(frozen=True)
class Knobs:
    """How the form stands: what decides a sound (``variant`` to ``seconds``), and what is done to it afterwards."""

    variant: str
    temperature: float
    seed: int
    takes: int
    seconds: float  # length of a photo's sound
    loudness_db: float
    follow: float
    keep: bool

    @property
    def mix(self) -> dict[str, Any]:
        """What is done to a written sound."""
        return {"loudness_db": self.loudness_db, "follow": self.follow, "keep": self.keep}


@dataclass
class Desk:
    """One video or photo: what each variant saw in it, and the takes that were written last."""

    given: str
    prepared: dict[tuple[str, float], Prepared] = field(default_factory=dict)  # by variant and length
    composition: Composition | None = None
    shown: Prepared | None = None  # what the takes were written for

    def see(self, knobs: Knobs, prepare: Callable[..., Prepared], **hooks: Any) -> Prepared:
        """What the knobs' variant sees; looked at when it is asked for the first time."""
        key = (knobs.variant, knobs.seconds)
        if key not in self.prepared:
            self.prepared[key] = prepare(self.given, variant=knobs.variant, seconds=knobs.seconds, **hooks)
        return self.prepared[key]


def chosen_file(mode: str, video: str | None, photo: str | None) -> str:
    """What the form holds.

    Raises:
        InputError: nothing.
    """
    if mode == PHOTO:
        if not photo:
            raise InputError(NO_PHOTO)
        return photo
    if not video:
        raise InputError(NO_VIDEO)
    return video
