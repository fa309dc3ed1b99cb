"""Does the map of "where does it sound" point at the thing that sounds? Composed pictures, whose truth is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from avdemo.correspondence.config import KINDS
from avdemo.correspondence.judge import Judge, probability
from avdemo.correspondence.testset import SEED, SOUND_SETS, VIEW, Packs, Shelf, held_photos, on_white
from avdemo.metrics.localisation import Box, iou, points_at

HEIGHT_SHARE = (0.5, 0.85)  # of the picture's height that a thing takes
THREE = 0.3  # of the pictures show three things instead of two
CENTRE_SPREAD = 0.25  # of the sides: the baseline that always points at the centre is a hill of this width


@dataclass(frozen=True)
class Composed:
    """Things side by side before a background."""

    frame: np.ndarray  # (224, 448, 3) uint8
    boxes: tuple[Box, ...]  # of the things; of a cut-out, of what is left of it
    kinds: tuple[int, ...]
    sounds: tuple[int, ...]  # a window for each thing, rows of the Shelf


def compose(shelf: Shelf, count: int) -> list[Composed]:
    """The same pictures for the same packs: held-out photos of different kinds, before backgrounds that show none of them."""
    packs = shelf.packs
    photos, pieces = {}, {}
    for k, name in enumerate(KINDS):
        photos[k] = held_photos(packs, name, "web30") + held_photos(packs, name, "everyday")
        pieces[k] = [numbers for sound_set in SOUND_SETS if (numbers := packs.sounds.numbers(name, sound_set, "test"))]
    known = [k for k in photos if photos[k] and pieces[k]]
    if len(known) < 2:
        return []
    grounds = [i for i, e in enumerate(packs.photos.entries) if not e["instrument"] and e["source"] == "drawn"]
    made = []
    for number in range(count):
        rng = np.random.default_rng([SEED, 5, number])
        things = 3 if len(known) > 2 and rng.random() < THREE else 2
        first = known[number % len(known)]  # every kind equally often
        others = rng.choice([k for k in known if k != first], things - 1, replace=False)
        kinds = tuple(int(k) for k in rng.permutation([first, *others]))
        frame, boxes = _paste(packs, [int(rng.choice(photos[k])) for k in kinds], grounds, rng)
        sounds = []
        for k in kinds:
            numbers = pieces[k][rng.integers(len(pieces[k]))]
            sounds.append(shelf.window(int(rng.choice(numbers)), rng))
        made.append(Composed(frame, boxes, kinds, tuple(sounds)))
    return made


def _paste(packs: Packs, photos: list[int], grounds: list[int], rng: np.random.Generator) -> tuple[np.ndarray, tuple[Box, ...]]:
    width, height = VIEW
    if grounds:
        frame = packs.photos.picture(int(rng.choice(grounds))).convert("RGB").resize(VIEW, Image.Resampling.BILINEAR)
    else:
        frame = Image.new("RGB", VIEW, tuple(int(c) for c in rng.integers(60, 200, 3)))
    boxes, slot = [], width / len(photos)
    for column, number in enumerate(photos):
        photo = packs.photos.picture(number)
        if not packs.photos.entries[number]["cut"]:
            photo = on_white(photo).convert("RGBA")
        scale = min(rng.uniform(*HEIGHT_SHARE) * height / photo.height, 0.94 * slot / photo.width)
        size = (max(8, int(photo.width * scale)), max(8, int(photo.height * scale)))
        photo = photo.resize(size, Image.Resampling.BILINEAR)
        x = int(column * slot + rng.uniform(0, slot - size[0]))
        y = int(rng.uniform(0, height - size[1]))
        alpha = photo.getchannel("A")
        frame.paste(photo.convert("RGB"), (x, y), alpha)
        left, top, right, bottom = alpha.point(lambda level: 255 * (level > 127)).getbbox() or (0, 0, *size)
        boxes.append(Box(x + left, y + top, right - left, bottom - top))
    return np.asarray(frame), tuple(boxes)


def view_for(composed: Composed, short: int) -> np.ndarray:
    """The picture at a network's size: (short, 2 * short, 3)."""
    width, height = VIEW
    if height == short:
        return composed.frame
    return np.asarray(Image.fromarray(composed.frame).resize((width * short // height, short), Image.Resampling.BOX))


def score_maps(maps: list[list[np.ndarray]], pictures: list[Composed]) -> dict[str, float]:
    """Pointing accuracy and IoU of maps; ``maps[picture][thing]`` (h, w) in [0, 1] is the map of that thing's sound.

    Returns, in percent: ``pointing`` (the loudest place is in the box of what sounds), ``other`` (it is in the box of another
    thing), ``follows`` (right for every thing of the picture, each sounding in turn) and ``IoU`` (of the places at least half as
    loud as the loudest with the box).
    """
    right, other, follows, overlap = [], [], [], []
    for picture, of_things in zip(pictures, maps, strict=True):
        hits = [points_at(heat, box, *VIEW) for heat, box in zip(of_things, picture.boxes, strict=True)]
        right += hits
        follows.append(all(hits))
        for thing, heat in enumerate(of_things):
            other.append(any(points_at(heat, box, *VIEW) for n, box in enumerate(picture.boxes) if n != thing))
            overlap.append(iou(heat, picture.boxes[thing], *VIEW))
    means = {"pointing": right, "other": other, "follows": follows, "IoU": overlap}
    return {name: 100 * float(np.mean(values)) for name, values in means.items()}


def of_network(judge: Judge, pictures: list[Composed], a: np.ndarray) -> dict[str, float]:
    """Scores of a network, and under ``wrong sound`` how often the map of *another* thing's sound points at this thing.

    Args:
        a: (rows of the Shelf, Da) pooled sounds.
    """
    maps = []
    for picture, seen in zip(pictures, judge.maps(view_for(p, judge.config.frame_size) for p in pictures), strict=True):
        maps.append([probability(judge.where(seen, a[row])) for row in picture.sounds])
    rolled = [of_things[1:] + of_things[:1] for of_things in maps]
    return score_maps(maps, pictures) | {"wrong sound": score_maps(rolled, pictures)["pointing"]}


def of_chance(pictures: list[Composed]) -> dict[str, dict[str, float]]:
    """The floors: a place at random (with all of the picture as its map for IoU), and always the centre."""
    shares = [[box.w_px * box.h_px / (VIEW[0] * VIEW[1]) for box in picture.boxes] for picture in pictures]
    right = 100 * float(np.mean([share for picture in shares for share in picture]))
    other = 100 * float(np.mean([sum(picture) - share for picture in shares for share in picture]))
    follows = 100 * float(np.mean([np.prod(picture) for picture in shares]))
    y, x = (np.mgrid[0:14, 0:28] + 0.5) / np.array([14, 28])[:, None, None]
    hill = np.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / (2 * CENTRE_SPREAD**2))
    centre = score_maps([[hill] * len(p.boxes) for p in pictures], pictures)
    chance = {"pointing": right, "other": other, "follows": follows, "IoU": right, "wrong sound": right}
    return {"a place at random": chance, "always the centre": centre | {"wrong sound": centre["pointing"]}}
