"""Still pictures: upright, opaque RGB in; PNG out."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from avdemo.errors import InputError, LimitError
from avdemo.media.container import ACCEPTED, file_size, unreadable
from avdemo.media.workdir import writing

MAX_IMAGE_PIXELS = 110_000_000  # a 108-megapixel phone picture, 330 MB as RGB
EXIF_ROTATIONS = {1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}  # clockwise degrees, mirroring left aside
EXIF_SIDEWAYS = (5, 6, 7, 8)
# What Pillow's decoders raise on damaged files.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, MemoryError)


@dataclass(frozen=True)
class ImageHeader:
    """A picture's size when upright, and its file format as Pillow names it."""

    width: int
    height: int
    rotation: int
    format: str


def identify_image(path: Path) -> ImageHeader | None:
    """The header of a still picture; None when the file is something else (or an animated gif, which is a video).

    Raises:
        LimitError: more pixels than memory should hold.
    """
    try:
        with _opened(path) as image:
            if image.format == "GIF" and getattr(image, "is_animated", False):
                return None
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            width, height = image.size[::-1] if orientation in EXIF_SIDEWAYS else image.size
            return ImageHeader(width, height, EXIF_ROTATIONS.get(orientation, 0), image.format or "")
    except Image.DecompressionBombError:
        raise _too_large(path, "too many pixels") from None
    except (UnidentifiedImageError, *DECODE_ERRORS):
        return None


def _opened(path: Path) -> Image.Image:
    """Open without Pillow's own warning about large pictures: ours is a sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path)


def read_image(path: str | Path, *, max_side: int | None = None) -> np.ndarray:
    """Read a picture as the person who took it sees it.

    Args:
        path: jpg, png, webp, bmp, tiff, avif or gif (of an animation, the first picture).
        max_side: shrink so that neither side is longer than this many pixels; smaller pictures stay as they are.

    Returns:
        uint8 (H, W, 3) RGB: turned by its EXIF orientation, transparency laid over white.

    Raises:
        InputError: missing, empty, damaged, or not a picture.
        LimitError: more pixels than memory should hold.
    """
    path = Path(path)
    file_size(path)
    try:
        with _opened(path) as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                raise _too_large(path, f"{image.width} x {image.height} pixels")
            if max_side is not None:
                image.draft("RGB", (max_side, max_side))  # JPEG can be decoded at 1/2, 1/4, 1/8: faster, less memory
            picture = ImageOps.exif_transpose(image)
            if max_side is not None and picture.mode not in ("P", "1") and not picture.mode.startswith(("I", "F")):
                picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
            picture = _opaque(picture)
            if max_side is not None:
                picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
            return np.array(picture)
    except UnidentifiedImageError:
        raise _not_a_picture(path) from None
    except Image.DecompressionBombError:
        raise _too_large(path, "too many pixels") from None
    except DECODE_ERRORS as error:
        raise InputError(f"{path.name} is a damaged or incomplete picture; export or upload it again.") from error


def _too_large(path: Path, what: str) -> LimitError:
    most = f"{MAX_IMAGE_PIXELS / 1e6:.0f} megapixels"
    return LimitError(f"{path.name} has {what}; at most {most} can be read, so shrink it and give that.")


def _not_a_picture(path: Path) -> InputError:
    from avdemo.media.timeline import read_timeline  # here, since probing looks at pictures first

    try:
        read_timeline(path)
    except InputError:
        return unreadable(path)
    return InputError(f"{path.name} is a video or a sound, and a picture is needed here; accepted are {ACCEPTED}.")


def _opaque(image: Image.Image) -> Image.Image:
    """RGB, with anything transparent over white and 16-bit greys scaled to 8 bits."""
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.asarray(image, dtype=np.float64)
        top = 255.0 if grey.max(initial=0) <= 255 and image.mode != "I;16" else 65535.0
        return Image.fromarray((np.clip(grey / top, 0, 1) * 255 + 0.5).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def write_png(path: str | Path, image: np.ndarray) -> Path:
    """Write uint8 (H, W), (H, W, 3) or (H, W, 4) as PNG; returns the path.

    Raises:
        StorageError: the disk is full or may not be written; no partial file is left.
    """
    path = Path(path)
    with writing(path) as partial:
        Image.fromarray(np.ascontiguousarray(image, dtype=np.uint8)).save(partial, format="PNG", compress_level=4)
    return path
