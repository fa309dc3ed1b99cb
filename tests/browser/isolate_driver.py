"""What a person does on the Isolate tab, and what can be seen there, for the browser tests."""

from __future__ import annotations

import io
import wave

import numpy as np

SOUND = "[id^=pixels-sound-]"


def upload(page, path):
    """Put a video into the form, in place of the one that may be there."""
    if page.locator("#pixels-video video").count():
        page.locator("#pixels-video button[aria-label='Clear']").click()
    page.set_input_files("#pixels-video input[type=file]", path)


def open_video(page, path):
    """Upload a video and wait for its frame."""
    upload(page, path)
    changed(page, "#pixels-frame img", None)


def source(page, selector):
    """What a picture or a player shows."""
    return page.locator(selector).first.get_attribute("src")


def changed(page, selector, before):
    """Wait until a picture or a player shows something else than ``before``; returns it."""
    page.wait_for_function(
        "([selector, before]) => { const e = document.querySelector(selector); return e && e.src && e.src !== before; }",
        arg=[selector, before],
    )
    return source(page, selector)


def click_frame(page, across, down):
    """Click on the frame, in shares of its width and height."""
    frame = page.locator("#pixels-frame img")
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    frame.click(position={"x": box["width"] * across, "y": box["height"] * down})


def file_names(page):
    """Names of the downloads."""
    return page.locator("#pixels-files a[download]").evaluate_all("links => links.map(link => link.download)")


def files_include(page, name):
    """Wait for a download of that name."""
    page.wait_for_selector(f'#pixels-files a[download="{name}"]', state="attached")


def fetch(page, name):
    """Bytes of a download."""
    answer = page.request.get(page.locator(f'#pixels-files a[download="{name}"]').get_attribute("href"))
    assert answer.ok
    return answer.body()


def samples(data):
    """(channels, samples) of 16-bit WAV bytes, as integers."""
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()).T.astype(int)


def mix_of(page):
    """Samples of the mix that the player plays."""
    answer = page.request.get(page.locator('#pixels-mix a[download]').first.get_attribute("href"))
    return samples(answer.body())


def set_slider(page, selector, value):
    """Type into a slider's number and leave it, as a person would; it fires the same event as dragging."""
    number = page.locator(f"{selector} input[type=number]")
    number.fill(str(value))
    number.press("Tab")


def add_place(page, across, down, number):
    """Click and wait until everything for the new place is there."""
    click_frame(page, across, down)
    page.wait_for_selector(f"#pixels-sound-{number} #waveform")
    page.wait_for_function("n => document.querySelector('#pixels-pictures img')?.src.includes(`source-${n}_`)", arg=number)
    files_include(page, f"My_clip_é_source-{number}.wav")
