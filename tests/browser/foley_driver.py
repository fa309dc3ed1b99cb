"""What a person does on the Add sound tab, what can be seen there, and the small things that its tests give to it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from gestures import Downloads, changed, has, holds, press, problem, says, source, text_of, until  # noqa: F401 - the tests reach them through the driver

FILM = "#foley-film video"
_downloads = Downloads("#foley-files")


def write_weights(folder: Path) -> Path:
    """Save an untrained tiny network as ``foley-compact``: real, quick, and with sounds that differ."""
    path = Path(__file__).resolve().parents[1] / "foley" / "tiny_foley.py"
    spec = importlib.util.spec_from_file_location("tiny_foley_for_browser", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.tiny_weights(folder)


def write_films(folder: Path, maker) -> Path:
    """Videos and photos, and such that are none. ``maker``: ``tests/media/make_media.py``."""
    from PIL import Image

    good = maker.make_clip(folder / "Mon été.mp4", 2.0, (160, 90), 10, wav=maker.swelling(2.0))
    maker.make_clip(folder / "quiet.mp4", 1.2, (96, 64), 10, tones=None)
    maker.make_clip(folder / "long.mp4", 90.0, (64, 48), 5, tones=None)
    maker.make_clip(folder / "too long.mp4", 110.0, (64, 48), 2, tones=None)
    maker.make_clip(folder / "tall.mp4", 1.2, (120, 214), 10, rotation=90, tones=None)
    maker.make_sound(folder / "sound.mp4", maker.swelling(1.0), codec="aac")
    Image.fromarray(maker.numbered_picture(5, (150, 100))).save(folder / "dog.png")
    (folder / "text.mp4").write_text("This is a letter, not a video.\n" * 40, encoding="utf-8")
    (folder / "text.png").write_text("This is a letter, not a picture.\n" * 40, encoding="utf-8")
    (folder / "nothing.mp4").touch()
    maker.truncated(good, folder / "half.mp4", 0.5)
    return folder


# ---- on the page --------------------------------------------------------------------------------------------------------


def open_tab(open_page, app, **options):
    """The page with the Add sound tab in front."""
    page = open_page(app.url, **options)
    page.get_by_role("tab", name="Add sound").click()
    page.wait_for_selector("#foley-go")
    return page


def more(page):
    """Open the rare knobs."""
    page.locator(".tabitem:has(#foley-go) button.label-wrap").filter(has_text="More").click()
    page.wait_for_selector("#foley-variant")


def upload(page, path, which="video"):
    """Put a file into the place for a video or a photo, instead of what may be there."""
    clear = page.locator(f"#foley-{which} button[aria-label='Clear'], #foley-{which} button[aria-label='Remove Image']")
    if clear.count():
        clear.first.click()
    page.set_input_files(f"#foley-{which} input[type=file]", path)
    page.wait_for_selector(f"#foley-{which} :is(img, video)", state="attached")


def photo(page, path=None):
    """Turn the form to a photo, and give one."""
    page.locator("#foley-mode").get_by_text("A photo", exact=True).click()
    page.wait_for_selector("#foley-seconds")
    if path is not None:
        upload(page, path, "photo")


def done(page):
    """Wait until nothing runs any more."""
    page.wait_for_selector("#foley-stop", state="detached")


def go(page, button="go"):
    """Press the button and wait until everything has come."""
    press(page, f"foley-{button}", "foley-stop")
    done(page)


def film(page):
    return source(page, FILM)


def new_film(page, before):
    """Wait until the film is another one."""
    found = changed(page, FILM, before)
    done(page)
    return found


def set_number(page, which, value):
    """Type into a field or a slider's number and leave it, as a person would."""
    number = page.locator(f"#foley-{which} input[type=number]")
    number.fill(str(value))
    number.press("Tab")


def files_are(page, names):
    _downloads.are(page, names)


def include(page, name):
    _downloads.include(page, name)


def fetch(page, name):
    return _downloads.fetch(page, name)


def lasts(page, seconds, within):
    """Wait until the player has a film of that length."""
    page.wait_for_function(
        "([s, seconds, within]) => Math.abs(document.querySelector(s)?.duration - seconds) <= within", arg=[FILM, seconds, within]
    )
