"""From a photo to the square around the mouth that will move: found, or drawn by hand; framed as the training crops are."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avdemo import media
from avdemo.errors import InputError
from avdemo.lips.faces import MOUTH, TURNS_DEG, find_faces
from avdemo.lips.models import CHECKPOINT, Progress, Step, Stop, load_model, stepper
from avdemo.media.mouths import MouthBox, cut
from avdemo.media.mouths import framed as square_around

if TYPE_CHECKING:
    from avdemo.lips.locating import Locator

LONGEST_PX = 1280  # of the photo that is worked on, and of face.mp4
LEAST_PX = 16  # side of a square: a mouth of nine pixels
COARSE_PX = 40  # under it a mouth is seen, but hardly its lips
SURE = 0.45  # how surely the points follow a mouth; 19 of 20 real mouths are above 0.6, 19 of 20 other places under 0.3
LOPSIDED = (
    0.11  # of the corners' distance: how far the upper lip's middle is from the middle of the corners when a head is turned
)
CROP_SHAPE = 1.35  # longer side by shorter side of a picture that may be a mouth alone
CROP_SIDE = 0.9  # of the shorter side, where such a mouth is looked for
CROP_WIDTH = (0.36, 0.95)  # distance of its corners, as a share of the shorter side
FACE, CROP = "face", "crop"


@dataclass(frozen=True)
class Mouth:
    """One mouth. ``sure``: how surely its points were found, about 0 for anything else, about 1 for a mouth."""

    box: MouthBox
    sure: float
    is_lopsided: bool = False


@dataclass(frozen=True)
class Prepared:
    """A photo that was looked at. ``picture`` is what is worked on, uint8 (H, W, 3); ``scale`` is its size over the photo's."""

    photo: Path
    picture: np.ndarray
    scale: float
    width: int  # px of the upright photo as given
    height: int
    mouths: tuple[Mouth, ...]  # the largest face's first
    kind: str  # FACE: a picture with a mouth somewhere; CROP: a mouth and nothing else
    checkpoint: str
    size: int  # px of the network's frames
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What was found."""
        name, count = self.photo.name, len(self.mouths)
        if self.kind == CROP:
            return f"{name} shows a mouth and little else, so all of it will move."
        if not count:
            return (
                f"No face that looks at the camera was found in {name}; draw the box around the mouth yourself, about 1.7 times as wide as the "
                "mouth, or give another photo. Drawings, statues, side faces and very small faces need the box."
            )
        if self.mouths[0].sure < SURE:
            return f"Something like a face was found in {name}, but no certain mouth; look at the box and move it where it should be."
        return (
            f"One face was found in {name}." if count == 1 else f"{count} faces were found in {name}; the largest is the first."
        )


def prepare(
    photo: Path | str, *, checkpoint: str = CHECKPOINT, progress: Progress | None = None, cancelled: Stop | None = None
) -> Prepared:
    """Look for faces and their mouths in a photo.

    Raises:
        InputError, LimitError: no picture, damaged, or too large.
        WeightsError: no usable checkpoint.
        Cancelled: ``cancelled`` said so.
    """
    step = stepper(progress, cancelled)
    step(0.0, "Opening the photo")
    begun = time.perf_counter()
    photo = Path(photo)
    info = media.probe(photo)
    picture = media.read_image(photo, max_side=LONGEST_PX)
    step(0.1, "Looking for faces")
    model = load_model(checkpoint)
    locate = _locator(model)
    width = picture.shape[1]
    mouths = _mouths(picture, locate, step)
    kind = FACE
    alone = None if mouths and mouths[0].sure >= SURE else _mouth_alone(picture, locate)
    if alone is not None:
        mouths, kind = [alone], CROP
    return Prepared(
        photo, picture, width / info.width, info.width, info.height, tuple(mouths), kind, checkpoint, model.network.config.size,
        {"prepare_s": time.perf_counter() - begun},
    )  # fmt: skip


def _locator(model) -> Locator | None:
    from avdemo.lips.locating import Locator

    return Locator(model) if model.network.is_compact else None


def _mouths(picture: np.ndarray, locate: Locator | None, step: Step) -> list[Mouth]:
    """The certain mouths, the largest face's first; where there are none, what may be one in something that looks like an upright face."""
    doubtful: list[Mouth] = []
    for number, turn in enumerate(TURNS_DEG):
        mouths = [_mouth_of(picture, face, locate) for face in find_faces(picture, turn)]
        certain = [
            mouth for mouth in mouths if mouth.sure >= SURE
        ]  # the others are windows, knots and folds that look like faces
        if certain:
            return certain
        doubtful = doubtful or mouths[: 1 if turn == 0 else 0]
        step(0.3 + 0.2 * number, "Looking for faces")
    return doubtful


def _mouth_of(picture: np.ndarray, face, locate: Locator | None) -> Mouth:
    """The mouth of a face: where mouths usually are, and from there where its points are found."""
    height, width = picture.shape[:2]
    centre, side = square_around(np.array(face.place(*MOUTH[:2])), MOUTH[2] * face.side, face.angle)
    usual = MouthBox(float(centre[0]) / width, float(centre[1]) / height, side / height, face.angle)
    if locate is None:
        return Mouth(usual, 0.0)
    box = locate.refined(picture, usual)
    sure = locate.sureness(picture, box) if box else 0.0
    if box is None or sure < SURE:
        return Mouth(usual, sure)
    return Mouth(box, sure, locate.lopsidedness(picture, box) > LOPSIDED)


def _mouth_alone(picture: np.ndarray, locate: Locator | None) -> Mouth | None:
    """The mouth of a picture that shows nothing else; None when it is no such picture."""
    height, width = picture.shape[:2]
    if locate is None or max(width, height) > CROP_SHAPE * min(width, height):
        return None
    box = MouthBox(0.5, 0.5, CROP_SIDE * min(width, height) / height)
    sure = locate.sureness(picture, box)
    found = locate.refined(picture, box) if sure >= SURE else None
    if found is None:
        return None
    corners = locate.corners_px(picture, found) / min(width, height)
    return Mouth(found, sure) if CROP_WIDTH[0] <= corners <= CROP_WIDTH[1] else None


# ---- the square that will move -------------------------------------------------------------------------------------------


def chosen_box(
    prepared: Prepared, box: tuple[float, float, float, float] | None = None, turn_deg: float = 0.0, face: int = 1
) -> MouthBox:  # fmt: skip
    """The square that will move: one drawn by hand, or that of a face.

    Args:
        box: left, top, width and height in pixels of the upright photo; the square around its middle with its longer side counts.
        turn_deg: by how much the drawn box is turned, clockwise.
        face: which mouth, from 1, where no box is given.

    Raises:
        InputError: no mouth was found and no box given; or there is no such face; or the box is too small or outside of the photo.
    """
    if box is None:
        if not prepared.mouths:
            raise InputError(prepared.sentence)
        if not (isinstance(face, int | float) and face == int(face) and 1 <= face <= len(prepared.mouths)):
            raise InputError(f"There is no face {face} in {prepared.photo.name}; it has {len(prepared.mouths)}, counted from 1.")
        found = prepared.mouths[int(face) - 1].box
    else:
        found = _drawn_box(prepared, box, turn_deg)
    _refuse_tiny(prepared, found)
    return found


def _drawn_box(prepared: Prepared, box: tuple[float, float, float, float], turn_deg: float) -> MouthBox:
    words = ",".join(f"{value:g}" if isinstance(value, int | float) else str(value) for value in box)
    if len(box) != 4 or not all(isinstance(value, int | float) and math.isfinite(value) for value in box):
        raise InputError(
            f"The box {words} is not four numbers; give its left, top, width and height in pixels, such as 180,260,96,96."
        )
    left, top, across, down = box
    if across <= 0 or down <= 0:
        raise InputError(f"The box {words} has no size; give its left, top, width and height in pixels, such as 180,260,96,96.")
    if not (math.isfinite(turn_deg) and -90 <= turn_deg <= 90):
        raise InputError(f"The box cannot be turned by {turn_deg:g} degrees; give -90 to 90.")
    x, y = left + across / 2, top + down / 2
    side = max(across, down)
    if not (0 <= x < prepared.width and 0 <= y < prepared.height) or side > 2 * max(prepared.width, prepared.height):
        raise InputError(
            f"The box {words} does not lie in {prepared.photo.name}, which has {prepared.width} x {prepared.height} pixels."
        )
    return MouthBox(x / prepared.width, y / prepared.height, side / prepared.height, math.radians(turn_deg))


def _refuse_tiny(prepared: Prepared, box: MouthBox) -> None:
    side = box.side * prepared.height
    if side < LEAST_PX:
        raise InputError(
            f"The mouth in {prepared.photo.name} is too small: its box has {side:.0f} pixels, and at least {LEAST_PX} are needed; "
            "give a photo in which the face is larger."
        )


def box_px(prepared: Prepared, box: MouthBox) -> tuple[tuple[float, float, float, float], float]:
    """A square as people give it: left, top, width, height in whole pixels of the upright photo, and its turn in degrees."""
    x, y, side, angle = box.pixels(prepared.width, prepared.height)
    return (round(x - side / 2), round(y - side / 2), round(side), round(side)), round(math.degrees(angle), 1)


def crop_of(prepared: Prepared, box: MouthBox) -> np.ndarray:
    """What the network sees: (S, S, 3) uint8."""
    return cut(prepared.picture, box, prepared.size)


def remarks(prepared: Prepared, box: MouthBox) -> list[str]:
    """What a person should know of the square that will move."""
    notes = []
    side = box.side * prepared.height
    if side < COARSE_PX:
        notes.append(f"The mouth is small in this photo: its box has {side:.0f} pixels. A larger face gives sharper lips.")
    mouth = next((mouth for mouth in prepared.mouths if mouth.box == box), None)
    if mouth is not None and mouth.is_lopsided:
        notes.append(
            "The head seems to be turned; the networks learned from faces that look at the camera, so the lips may slip."
        )
    if mouth is not None and mouth.sure < SURE:
        notes.append("No mouth was found for certain, so the box is where a mouth usually is; look whether it fits.")
    if mouth is None and prepared.kind == FACE:
        notes.append("The box was drawn by hand.")
    return notes
