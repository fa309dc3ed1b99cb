"""Pictures: upright, opaque, of bounded size."""

from __future__ import annotations

import numpy as np
import pytest
from make_media import is_upright, make_gif, numbered_picture, read_number
from PIL import ExifTags, Image

from avdemo.errors import InputError, LimitError
from avdemo.media import images as images_module
from avdemo.media import probe, read_image, write_png

PICTURE = numbered_picture(5, (120, 80))
# What the sensor stored for each EXIF orientation (the picture is then shown turned back).
STORED = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_orientation(tmp_path, suffix, orientation):
    path = tmp_path / f"photo d'été.{suffix}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    STORED[orientation](Image.fromarray(PICTURE)).save(path, exif=exif)
    image = read_image(path)
    assert image.shape == (80, 120, 3) and image.dtype == np.uint8
    assert is_upright(image) and read_number(image) == 5
    assert (probe(path).width, probe(path).height) == (120, 80)
    small = read_image(path, max_side=60)
    assert small.shape == (40, 60, 3) and is_upright(small)


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
def test_transparency_lies_on_white(tmp_path, suffix):
    image = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 10, 10))
    image.save(tmp_path / f"a.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    seen = read_image(tmp_path / f"a.{suffix}")
    assert seen[5, 5].tolist() == [200, 0, 0] and seen[5, 15].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "RGB", "YCbCr"])
def test_every_colour_mode(tmp_path, mode):
    suffix = {"CMYK": "jpg", "YCbCr": "jpg"}.get(mode, "png")
    Image.new("RGB", (30, 20), (255, 255, 255)).convert(mode).save(tmp_path / f"a.{suffix}")
    for max_side in (None, 15):
        image = read_image(tmp_path / f"a.{suffix}", max_side=max_side)
        assert image.shape == ((20, 30, 3) if max_side is None else (10, 15, 3))
        assert image.min() > 250


def test_sixteen_bit_grey(tmp_path):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png")[..., 0], np.arange(256).reshape(16, 16), atol=1)


def test_small_pictures_are_not_enlarged_and_animations_give_their_first(tmp_path):
    assert read_image(write_png(tmp_path / "a.png", PICTURE), max_side=500).shape == PICTURE.shape
    assert read_number(read_image(make_gif(tmp_path / "b.gif", [100, 100, 100]))) == 0


def test_png_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    for shape in ((9, 7, 3), (9, 7)):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        np.testing.assert_array_equal(np.array(Image.open(write_png(tmp_path / "new" / "a.png", image))), image)
    assert read_image(write_png(tmp_path / "b.png", np.zeros((4, 5, 4), np.uint8))).min() == 255


def test_damaged_pictures(tmp_path):
    for suffix in ("jpg", "png", "webp"):
        whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)).save(whole)
        path.write_bytes(whole.read_bytes()[:5000])
        with pytest.raises(InputError, match=rf"cut.{suffix} is a damaged or incomplete picture"):
            read_image(path)


def test_not_a_picture(tmp_path, clip):
    with pytest.raises(InputError, match=r"plain.mp4 is a video or a sound, and a picture is needed"):
        read_image(clip)
    (tmp_path / "iphone.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(InputError, match=r"iphone.jpg is an HEIC picture, which is not supported; save it as JPEG"):
        read_image(tmp_path / "iphone.jpg")
    (tmp_path / "notes.png").write_text("Dear diary")
    with pytest.raises(InputError, match=r"notes.png holds text"):
        read_image(tmp_path / "notes.png")


def test_too_many_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(images_module, "MAX_IMAGE_PIXELS", 5000)
    with pytest.raises(LimitError, match=r"a.png has 120 x 80 pixels; at most 0 megapixels"):
        read_image(write_png(tmp_path / "a.png", PICTURE))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow's own guard refuses twice as many
    for read in (read_image, probe):
        with pytest.raises(LimitError, match=r"a.png has too many pixels"):
            read(tmp_path / "a.png")
