"""What a person does on the Imagine tab, what can be seen there, and the small things that its tests give to it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from gestures import Downloads, changed, has, holds, press, problem, says, source, stop_as_it_comes, text_of, until  # noqa: F401 - the tests reach them through the driver

RATE = 44_100
TILES = "#imagine-gallery .thumbnail-item"
_downloads = {direction: Downloads(f"#imagine-files-{direction}") for direction in ("sound", "picture")}


def _crossmodal_fixtures():
    path = Path(__file__).resolve().parents[1] / "crossmodal" / "conftest.py"
    spec = importlib.util.spec_from_file_location("crossmodal_fixtures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_weights(folder: Path) -> Path:
    """Save an untrained tiny network as ``crossmodal-compact``: real, quick, and with answers that differ."""
    from avdemo.checkpoints import register, save

    network = _crossmodal_fixtures().tiny_network()
    path = save(folder / "crossmodal-compact.safetensors", network.state_dict(), network.config.as_dict())
    register(path, capability="crossmodal")
    return folder


def write_things(folder: Path, maker) -> Path:
    """Sounds and pictures, and such that are none. ``maker``: ``tests/media/make_media.py``."""
    from PIL import Image

    maker.make_sound(folder / "Été.wav", maker.swelling(2.0))
    maker.make_sound(folder / "pluck.wav", maker.tone(1.2, (440.0, 880.0)))
    maker.make_sound(folder / "long.wav", maker.swelling(95.0))
    maker.make_clip(folder / "Mon été.mp4", 2.0, (64, 48), 10, wav=maker.swelling(2.0, 2))
    maker.make_clip(folder / "no sound.mp4", 1.0, (64, 48), 10, tones=None)
    maker.make_plain_wav(folder / "silent.wav", np.zeros((1, RATE), np.float32), RATE)
    Image.fromarray(maker.numbered_picture(5, (150, 100))).save(folder / "guitar.png")
    Image.fromarray(np.full((60, 60, 3), 90, np.uint8)).save(folder / "grey.png")
    for name in ("letter.png", "letter.wav"):
        (folder / name).write_text("This is a letter, nothing else.\n" * 40, encoding="utf-8")
    return folder


# ---- on the page --------------------------------------------------------------------------------------------------------


def open_tab(open_page, app, **options):
    """The page with the Imagine tab in front."""
    page = open_page(app.url, **options)
    page.get_by_role("tab", name="Imagine").click()
    page.wait_for_selector("#imagine-go-sound")
    return page


def other_way(page, label="Picture → sound", half="picture"):
    """Turn to the other direction."""
    page.locator("#imagine-mode").get_by_text(label, exact=True).click()
    page.wait_for_selector(f"#imagine-go-{half}")


def upload(page, which, path):
    """Put a file into one of the places ("sound", "second", "picture"), instead of what may be there."""
    clear = page.locator(f"#imagine-{which} button[aria-label='Clear'], #imagine-{which} button[aria-label='Remove Image']")
    if clear.count():
        clear.first.click()
    page.set_input_files(f"#imagine-{which} input[type=file]", path)
    page.wait_for_selector(f"#imagine-{which} :is(img, audio, #waveform)", state="attached")


def take_video(page, path):
    """Choose a video whose sound is to be taken."""
    with page.expect_file_chooser() as chooser:
        page.locator("#imagine-video").click()
    chooser.value.set_files(path)


def done(page, direction):
    """Wait until nothing runs any more."""
    page.wait_for_selector(f"#imagine-stop-{direction}", state="detached")


def go(page, direction):
    """Press the button and wait until everything has come."""
    press(page, f"imagine-go-{direction}", f"imagine-stop-{direction}")
    done(page, direction)


def first_tile(page):
    return source(page, f"{TILES} img")


def new_tile(page, before):
    """Wait until the first picture of the grid is another one."""
    tile = changed(page, f"{TILES} img", before)
    done(page, "sound")
    return tile


def made(page):
    """Where the sound that was made can be fetched."""
    return page.locator("#imagine-made a[download]").first.get_attribute("href")


def new_sound(page, before):
    """Wait until another sound was made."""
    page.wait_for_function("b => document.querySelector('#imagine-made a[download]')?.getAttribute('href') !== b", arg=before)
    done(page, "picture")
    return made(page)


def set_number(page, which, value):
    """Type into a field or a slider's number and leave it, as a person would."""
    number = page.locator(f"#imagine-{which} input[type=number]")
    number.fill(str(value))
    number.press("Tab")


def files_are(page, direction, names):
    _downloads[direction].are(page, names)


def include(page, direction, name):
    _downloads[direction].include(page, name)


def fetch(page, direction, name):
    return _downloads[direction].fetch(page, name)
