"""What a person does on the Make lips speak tab, and the small things that its tests give to it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from gestures import Downloads, changed, click_on, has, press, problem, says, source, stop_as_it_comes, until  # noqa: F401 - the tests reach them through the driver

RATE = 16_000
_downloads = Downloads("#lips-files")


def _lips_input():
    path = Path(__file__).resolve().parents[1] / "lips" / "made_lips_input.py"
    spec = importlib.util.spec_from_file_location("lips_input", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_weights(folder: Path) -> Path:
    """Save an untrained tiny network as ``lips-compact``: real, quick, and with lips that move."""
    from avdemo.checkpoints import register, save

    network = _lips_input().tiny_lips()
    register(save(folder / "lips-compact.safetensors", network.state_dict(), network.config.as_dict()), capability="lips")
    return folder


def write_things(folder: Path, maker) -> Path:
    """Photos and speech, and such that are none. ``maker``: ``tests/media/make_media.py``."""
    from PIL import Image

    words = _lips_input().syllables
    for name, seconds in (("Été.wav", 1.6), ("long.wav", 95.0)):
        maker.make_plain_wav(folder / name, words(seconds), RATE)
    maker.make_plain_wav(folder / "silent.wav", np.zeros((1, RATE), np.float32), RATE)
    Image.fromarray(maker.numbered_picture(5, (160, 120))).save(folder / "Zoë.png")
    for name in ("letter.png", "letter.wav"):
        (folder / name).write_text("This is a letter, nothing else.\n" * 40, encoding="utf-8")
    return folder


# ---- on the page --------------------------------------------------------------------------------------------------------


def open_tab(open_page, app, **options):
    """The page with the tab in front."""
    page = open_page(app.url, **options)
    page.get_by_role("tab", name="Make lips speak").click()
    page.wait_for_selector("#lips-go")
    return page


def give(page, which, path):
    """Put a file into "photo" or "speech", instead of what may be there."""
    clear = page.locator(f"#lips-{which} button[aria-label='Clear'], #lips-{which} button[aria-label='Remove Image']")
    if clear.count():
        clear.first.click()
    page.set_input_files(f"#lips-{which} input[type=file]", path)
    page.wait_for_selector(f"#lips-{which} :is(img, audio, #waveform)", state="attached")


def picture(page, which):
    return source(page, f"#lips-{which} img")


def another(page, which, before):
    """Wait until another picture is shown."""
    return changed(page, f"#lips-{which} img", before)


def film(page):
    return source(page, "#lips-film video")


def another_film(page, before):
    """Wait until another video is shown."""
    found = changed(page, "#lips-film video", before)
    done(page)
    return found


def done(page):
    """Wait until nothing runs any more."""
    page.wait_for_selector("#lips-stop", state="detached")


def draw(page, first=(0.3, 0.35), second=(0.65, 0.8)):
    """Click two opposite corners, as shares of the preview."""
    for across, down in (first, second):
        before = picture(page, "preview")
        click_on(page, "#lips-preview img", across, down)
        another(page, "preview", before)


def go(page):
    """Press the button and wait until everything has come."""
    press(page, "lips-go", "lips-stop")
    done(page)


def set_number(page, which, value):
    """Type into a field or a slider's number and leave it, as a person would."""
    number = page.locator(f"#lips-{which} input[type=number]")
    for _ in range(3):  # an answer that is still on its way may put the old value back
        number.fill(str(value))
        number.press("Tab")
        if float(number.input_value()) == value:
            break


def file_names(page):
    return _downloads.names(page)


def files_are(page, names):
    _downloads.are(page, names)


def fetch(page, name):
    return _downloads.fetch(page, name)
