"""What a person does on the Match tab, what can be seen there, and the small things that its tests compare."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from gestures import Downloads, changed, has, holds, press, problem, says, source, stop_as_it_comes, text_of, until  # noqa: F401 - the tests reach them through the driver

RATE = 44_100
_files = Downloads("#match-files")
file_names, files_are, files_include, fetch = _files.names, _files.are, _files.include, _files.fetch


def write_weights(folder: Path) -> Path:
    """Save an untrained tiny network as ``correspondence-compact``: real, quick, and with answers that differ."""
    import torch

    from avdemo.checkpoints import register, save
    from avdemo.correspondence.config import CorrespondenceConfig
    from avdemo.correspondence.network import Correspondence

    config = CorrespondenceConfig.debug()
    torch.manual_seed(3)
    network = Correspondence(config)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the statistics of what it is shown next, so that units are excited here and there
    with torch.no_grad():
        network.train()(torch.randint(0, 256, (8, 32, 48, 3), dtype=torch.uint8), 0.3 * torch.randn(8, config.samples))
        network.fc2.weight.mul_(3.0)
    register(
        save(folder / "correspondence-compact.safetensors", network.state_dict(), config.as_dict()), capability="correspondence"
    )
    return folder


def write_pairs(folder: Path, maker) -> Path:
    """Files to compare, and such that cannot be compared. ``maker``: ``tests/media/make_media.py``."""
    from PIL import Image

    maker.make_clip(folder / "Été à deux.mp4", 4.0, (192, 128), 10, wav=maker.swelling(4.0))
    maker.make_clip(folder / "odd.avi", 2.0, (96, 64), 10, codec="mpeg4", wav=maker.swelling(2.0, 2))
    maker.make_clip(folder / "long.mp4", 60.0, (160, 96), 5, wav=maker.swelling(60.0))
    maker.make_clip(folder / "no sound.mp4", 2.0, (96, 64), 10, tones=None)
    maker.make_clip(folder / "silent.mp4", 2.0, (96, 64), 10, wav=np.zeros((1, 2 * RATE), np.float32))
    maker.make_clip(folder / "too long.mp4", 105.0, (64, 48), 2)
    Image.fromarray(maker.numbered_picture(5, (150, 100))).save(folder / "guitar.png")
    maker.make_sound(folder / "pluck.wav", maker.swelling(3.0, 1))
    maker.make_plain_wav(folder / "silent.wav", np.zeros((1, 2 * RATE), np.float32), RATE)
    (folder / "nothing.mp4").touch()
    for name in ("letter.png", "letter.wav", "letter.mp4"):
        (folder / name).write_text("This is a letter, nothing else.\n" * 40, encoding="utf-8")
    return folder


# ---- on the page --------------------------------------------------------------------------------------------------------


def open_tab(open_page, app, **options):
    """The page with the Match tab in front."""
    page = open_page(app.url, **options)
    page.get_by_role("tab", name="Match").click()
    page.wait_for_selector("#match-go")
    return page


def upload(page, which, path):
    """Put a file into one of the form's places ("video", "picture", "sound", "swap-sound"), instead of what may be there."""
    clear = page.locator(f"#match-{which} button[aria-label='Clear'], #match-{which} button[aria-label='Remove Image']")
    if clear.count():
        clear.first.click()
    page.set_input_files(f"#match-{which} input[type=file]", path)
    page.wait_for_selector(f"#match-{which} :is(video, img, audio, #waveform, .file-name)", state="attached")


def choose(page, which, label):
    """Choose one of the options of a radio button."""
    page.locator(f"#match-{which}").get_by_text(label, exact=True).click()


def pair_mode(page):
    choose(page, "mode", "A picture and a sound")
    page.wait_for_selector("#match-picture")


def match(page):
    """Press the button and wait until everything has come: the units' gallery is the last."""
    press(page, "match-go", "match-stop")
    everything(page)


def everything(page):
    """Wait until a comparison is through."""
    page.wait_for_selector("#match-verdict strong")
    page.wait_for_selector("#match-film video", state="attached")
    page.wait_for_selector("#match-gallery .thumbnail-item img")
    page.wait_for_selector("#match-stop", state="detached")


def set_slider(page, which, value):
    """Type into a slider's number and leave it, as a person would; it fires the same event as dragging."""
    number = page.locator(f"#match-{which} input[type=number]")
    number.fill(str(value))
    number.press("Tab")


def moment(page):
    """The moment that the slider's number tells, s."""
    return float(page.locator("#match-time input[type=number]").input_value())


def go_elsewhere(page, early, late):
    """Move to another moment than the one that is shown, which is the best match and may be anywhere."""
    set_slider(page, "time", early if moment(page) > (early + late) / 2 else late)


def swap_for(page, label):
    """Choose from the list of sounds."""
    page.locator("#match-swap input").click()
    page.locator("[role=option]").filter(has_text=label).first.click()


def files_lack(page, name):
    """Wait until a download is gone."""
    page.wait_for_selector(f'#match-files a[download="{name}"]', state="detached")


def scores(page, name):
    """A downloaded scores.json, read."""
    return json.loads(fetch(page, name))
