"""What a picture shows: the eye's answer, and the feature that sounds are played from."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avdemo import media
from avdemo.checkpoints.running import Model
from avdemo.crossmodal.models import CHECKPOINT, Progress, Stop, at_work, load_model, stepper
from avdemo.crossmodal.verdict import Answered, Verdict, verdict
from avdemo.errors import InputError

MIN_SIDE = 24  # px, of the shorter side
LONG_SIDE = 1024  # px at which a picture is read
THUMBNAIL_PX = 480  # long side of the picture that is kept
PLAIN = 2.0  # standard deviation, of 255, under which a picture shows nothing
OBLONG = 1.15  # long side over short side from which on one square does not show the picture


@dataclass
class Seen(Answered):
    """A picture that sounds can be played from: K kinds."""

    image: Path
    thumbnail: np.ndarray  # (h, w, 3) uint8, upright, at most THUMBNAIL_PX
    feature: np.ndarray  # (128,) float32
    verdict: Verdict
    notes: list[str]
    checkpoint: dict[str, str]  # {"name", "sha256"}
    timings: dict[str, float]
    model: Model = field(repr=False)


def look(
    image: Path | str, *, checkpoint: str = CHECKPOINT, progress: Progress | None = None, cancelled: Stop | None = None
) -> Seen:
    """See a picture, upright as its EXIF says.

    Raises:
        InputError, LimitError: the file cannot be used; one sentence says why. (A plain colour can: it is nothing known.)
        WeightsError: no usable checkpoint.
        Cancelled: ``cancelled`` said so.
    """
    step = stepper(progress, cancelled)
    begun = time.perf_counter()
    step(0.02, "Reading the picture")
    info = media.check_limits(Path(image))
    if info.kind == "image" and min(info.width, info.height) < MIN_SIDE:
        raise InputError(
            f"{info.name} is {info.width} x {info.height} pixels, too small to see anything in it; "
            f"give a picture of at least {MIN_SIDE} pixels on each side."
        )
    picture = media.read_image(info.path, max_side=LONG_SIDE)
    read = time.perf_counter()
    step(0.2, "Loading the model")
    model = load_model(checkpoint)
    loaded = time.perf_counter()
    step(0.5, "Looking at the picture")
    seen = look_at(model, picture, info.path)
    seen.timings = {"read_s": read - begun, "load_model_s": loaded - read} | seen.timings
    step(1.0, "Seen")
    return seen


def look_at(model: Model, picture: np.ndarray, image: Path) -> Seen:
    """:func:`look` for a picture (H, W, 3) uint8 that is already there; ``image`` is how it is called."""
    import torch

    begun = time.perf_counter()
    network = model.network
    with at_work(model):
        features = network.eye.feature(torch.from_numpy(squares(picture, network.config.eye_size)).to(model.device))
        shares = network.eye.answer(features).float().softmax(1).mean(0).cpu().numpy()
    found = verdict(network.config.kinds, shares, "see")
    if float(picture.std(axis=(0, 1)).max()) < PLAIN:
        found = dataclasses.replace(
            found, known=False, sentence=f"There is nothing to see in {image.name}: it is all of one colour."
        )
    return Seen(
        image, _thumbnail(picture), features.mean(0).cpu().numpy(), found, [], {"name": model.name, "sha256": model.sha256},
        {"look_s": time.perf_counter() - begun}, model,
    )  # fmt: skip


def squares(picture: np.ndarray, size: int) -> np.ndarray:
    """The squares (N, size, size, 3) uint8 that the eye looks at: the picture, or of an oblong one its middle and the whole.

    The whole is laid on a ground of the colour that prevails at its edges.
    """
    from PIL import Image

    height, width = picture.shape[:2]
    short, long = sorted((height, width))
    top, left = (height - short) // 2, (width - short) // 2
    views = [picture[top : top + short, left : left + short]]
    if long > OBLONG * short:
        edges = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        whole = np.empty((long, long, 3), np.uint8)
        whole[:] = np.median(edges, axis=0).astype(np.uint8)
        top, left = (long - height) // 2, (long - width) // 2
        whole[top : top + height, left : left + width] = picture
        views.append(whole)
    shrunk = [
        Image.fromarray(np.ascontiguousarray(v)).resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0) for v in views
    ]
    return np.stack([np.asarray(view) for view in shrunk])


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    from PIL import Image

    small = Image.fromarray(picture)
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    return np.asarray(small)
