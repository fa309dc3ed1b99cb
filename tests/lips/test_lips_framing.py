"""Faces and mouths in photos, squares drawn by hand, and the sentences about them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from avdemo import media
from avdemo.errors import InputError
from avdemo.lips import framing
from avdemo.lips.faces import Face, distinct, find_faces
from avdemo.lips.framing import Mouth, Prepared, box_px, chosen_box, crop_of, prepare, remarks
from avdemo.media.mouths import MIDDLE, WIDTH_SHARE, MouthBox, framed, into_crop, out_of_crop

PORTRAIT_FACE = (232, 230, 190)  # middle and side of the face in the example, px, found by eye


class Compass:
    """Finds a mouth wherever it is told that one is: what a perfect finder would answer."""

    def __init__(self, middle, corners_px, angle=0.0, sure=1.0):
        self.middle, self.corners, self.angle, self.sure = np.array(middle, float), corners_px, angle, sure

    def refined(self, picture, start):
        height, width = picture.shape[:2]
        centre, side = framed(self.middle, self.corners, self.angle)
        return MouthBox(centre[0] / width, centre[1] / height, side / height, self.angle)

    def sureness(self, picture, box):
        return self.sure

    def lopsidedness(self, picture, box):
        return 0.0

    def corners_px(self, picture, box):
        return self.corners


def prepared_of(picture: np.ndarray, mouths=(), kind=framing.FACE, scale=1.0) -> Prepared:
    from pathlib import Path

    height, width = picture.shape[:2]
    return Prepared(
        Path("Zoë.jpg"), picture, scale, round(width / scale), round(height / scale), tuple(mouths), kind, "lips-compact", 64
    )


# ---- the framing is that of training


def test_a_mouth_is_framed_as_in_training() -> None:
    """The same square as the training data's own framing gives for a still clip."""
    from avdemo.corpora.mouth_crops import follow

    points = np.zeros((20, 2))
    points[:, 0], points[:, 1] = 100 + 25 * np.cos(np.linspace(np.pi, 3 * np.pi, 21)[:-1]), 80.0
    points[6], points[0] = (125, 84), (75, 76)
    (box,) = follow(points[None], 200, 150)
    across = points[6] - points[0]
    centre, side = framed(points.mean(0), math.hypot(*across), math.atan2(across[1], across[0]))
    assert (
        box.x * 200 == pytest.approx(centre[0])
        and box.y * 150 == pytest.approx(centre[1])
        and box.side * 150 == pytest.approx(side)
    )
    crop = into_crop(points, box, 200, 150, 64)
    assert crop.mean(0) == pytest.approx(np.array(MIDDLE) * 64, abs=0.01)
    assert math.hypot(*(crop[6] - crop[0])) == pytest.approx(WIDTH_SHARE * 64, rel=1e-4)
    assert out_of_crop(crop, box, 200, 150, 64) == pytest.approx(points, abs=1e-3)


# ---- faces


def test_a_face_is_found_upright_and_tilted(portrait) -> None:
    picture = media.read_image(portrait)
    (face,) = [face for face in find_faces(picture) if face.side > 100]
    x, y, side = PORTRAIT_FACE
    assert abs(face.x - x) < 0.25 * side and abs(face.y - y) < 0.25 * side and 0.6 < face.side / side < 1.5
    turned = np.asarray(Image.fromarray(picture).rotate(-24, fillcolor=(128, 128, 128)))  # clockwise
    assert any(f.side > 100 and abs(f.angle - math.radians(24)) < 1e-6 for f in find_faces(turned, 24.0))


def test_nothing_is_no_face(plain) -> None:
    assert find_faces(media.read_image(plain)) == []


def test_one_face_is_found_once() -> None:
    faces = [Face(50, 50, 40), Face(53, 49, 44), Face(150, 60, 30)]
    assert distinct(faces) == [faces[1], faces[2]]


def test_places_in_a_tilted_face() -> None:
    assert Face(100, 100, 40, math.pi / 2).place(0.5, 1.0) == pytest.approx((80, 100))
    assert Face(100, 100, 40).place(0.5, 0.79) == pytest.approx((100, 111.6))


def test_the_points_decide_where_the_mouth_is(portrait) -> None:
    picture = media.read_image(portrait)
    face = find_faces(picture)[0]
    mouth = framing._mouth_of(picture, face, Compass((230, 285), 90, 0.06))
    x, y, side, angle = mouth.box.pixels(picture.shape[1], picture.shape[0])
    assert side == pytest.approx(90 / WIDTH_SHARE) and abs(x - 230) < 2 and abs(y - 285) < 3 and angle == 0.06 and mouth.sure == 1
    doubtful = framing._mouth_of(picture, face, Compass((230, 285), 90, sure=0.1))
    assert doubtful.sure == 0.1 and doubtful.box.angle == 0  # then it is where mouths usually are
    usual = doubtful.box.pixels(picture.shape[1], picture.shape[0])
    assert usual[0] == pytest.approx(face.x, abs=1) and face.y < usual[1] < face.y + face.side / 2


def test_a_picture_of_a_mouth_is_told_by_its_points() -> None:
    picture = np.zeros((100, 110, 3), np.uint8)
    assert framing._mouth_alone(picture, Compass((55, 49), 58)).box.side == pytest.approx(1.0)
    assert framing._mouth_alone(picture, Compass((55, 49), 20)) is None  # far too small in it
    assert framing._mouth_alone(picture, Compass((55, 49), 58, sure=0.2)) is None
    assert framing._mouth_alone(np.zeros((100, 300, 3), np.uint8), Compass((150, 49), 58)) is None


# ---- the square


@pytest.fixture
def photo() -> Prepared:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (150, 200, 3), dtype=np.uint8)
    mouths = [Mouth(MouthBox(0.5, 0.6, 0.4, 0.1), 0.8), Mouth(MouthBox(0.2, 0.3, 0.3), 0.7, True)]
    return prepared_of(picture, mouths, scale=0.5)  # the photo has 400 x 300 px


def test_a_found_square_or_a_drawn_one(photo) -> None:
    assert chosen_box(photo) == photo.mouths[0].box and chosen_box(photo, face=2) == photo.mouths[1].box
    drawn = chosen_box(photo, (100, 60, 80, 40), 90.0)
    assert drawn == MouthBox(140 / 400, 80 / 300, 80 / 300, math.pi / 2)
    assert box_px(photo, drawn) == ((100, 40, 80, 80), 90.0)
    assert crop_of(photo, drawn).shape == (64, 64, 3)
    assert box_px(photo, photo.mouths[0].box) == ((140, 120, 120, 120), 5.7)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"box": (1, 2, 3)}, "not four numbers"),
        ({"box": (1, 2, float("nan"), 3)}, "not four numbers"),
        ({"box": (1, 2, 0, 3)}, "no size"),
        ({"box": (500, 60, 80, 80)}, "does not lie in Zoë.jpg, which has 400 x 300"),
        ({"box": (100, 60, 80, 80), "turn_deg": 120.0}, "turned by 120"),
        ({"box": (100, 60, 10, 10)}, "too small: its box has 10 pixels"),
        ({"face": 3}, "no face 3"),
        ({"face": 0}, "no face 0"),
    ],
)
def test_squares_that_cannot_be(photo, how, words) -> None:
    with pytest.raises(InputError, match=words):
        chosen_box(photo, **how)


def test_sentences_and_remarks(photo) -> None:
    assert photo.sentence.startswith("2 faces were found in Zoë.jpg")
    assert remarks(photo, photo.mouths[0].box) == []
    assert "seems to be turned" in remarks(photo, photo.mouths[1].box)[0]
    small, drawn = remarks(photo, chosen_box(photo, (100, 60, 30, 30)))
    assert "small in this photo: its box has 30" in small and "drawn by hand" in drawn
    nobody = prepared_of(photo.picture)
    assert nobody.sentence.startswith("No face that looks at the camera was found") and "draw the box" in nobody.sentence
    with pytest.raises(InputError, match="draw the box"):
        chosen_box(nobody)
    unsure = prepared_of(photo.picture, [Mouth(MouthBox(0.5, 0.5, 0.3), 0.1)])
    assert "no certain mouth" in unsure.sentence and "No mouth was found for certain" in remarks(unsure, unsure.mouths[0].box)[0]


def test_prepare_with_an_untrained_finder(shipped, portrait, plain) -> None:
    """The face is found, its mouth is not certain; in a pattern there is none."""
    prepared = prepare(portrait)
    assert prepared.kind == "face" and len(prepared.mouths) == 1 and prepared.mouths[0].sure < framing.SURE
    assert prepared.size == 32 and prepared.timings["prepare_s"] > 0
    assert prepare(plain).mouths == ()


def test_large_photos_are_worked_on_smaller(shipped, tmp_path) -> None:
    Image.fromarray(np.zeros((900, 2560, 3), np.uint8)).save(tmp_path / "wide.png")
    prepared = prepare(tmp_path / "wide.png")
    assert prepared.picture.shape == (450, 1280, 3) and (prepared.width, prepared.height, prepared.scale) == (2560, 900, 0.5)
