"""What a person does on the Isolate tab, and what can be seen there, for the browser tests."""

from __future__ import annotations

import io
import wave

import numpy as np
from gestures import Downloads, changed, click_on, has, holds, problem, says, source, stop_as_it_comes, text_of, until  # noqa: F401 - the tests reach them through the driver

SOUND = "[id^=pixels-sound-]"
_files = Downloads("#pixels-files")
file_names, files_include, fetch = _files.names, _files.include, _files.fetch


def upload(page, path):
    """Put a video into the form, in place of the one that may be there."""
    if page.locator("#pixels-video video").count():
        page.locator("#pixels-video button[aria-label='Clear']").click()
    page.set_input_files("#pixels-video input[type=file]", path)


def open_video(page, path):
    """Upload a video and wait for its frame."""
    upload(page, path)
    changed(page, "#pixels-frame img", None)


def click_frame(page, across, down):
    """Click on the frame, in shares of its width and height."""
    click_on(page, "#pixels-frame img", across, down)


def samples(data):
    """(channels, samples) of 16-bit WAV bytes, as integers."""
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()).T.astype(int)


def mix_of(page):
    """Samples of the mix that the player plays."""
    return samples(page.request.get(mix_address(page)).body())


def mix_address(page):
    """Where the mix that the player plays is."""
    return page.locator("#pixels-mix a[download]").first.get_attribute("href")


def set_slider(page, selector, value):
    """Type into a slider's number and leave it, as a person would; it fires the same event as dragging."""
    number = page.locator(f"{selector} input[type=number]")
    for _ in range(3):  # an answer that is still on its way may put the old value back
        number.fill(str(value))
        number.press("Tab")
        if float(number.input_value()) == value:
            break


def add_place(page, across, down, number):
    """Click and wait until everything for the new place is there."""
    click_frame(page, across, down)
    page.wait_for_selector(f"#pixels-sound-{number} #waveform")
    page.wait_for_function("n => document.querySelector('#pixels-pictures img')?.src.includes(`source-${n}_`)", arg=number)
    files_include(page, f"My_clip_é_source-{number}.wav")


def open_numbers(page) -> None:
    """Open the fields for a place by numbers, and wait for the frame's middle in them: it would replace what is typed before it comes."""
    page.get_by_text("More: give the place by numbers").click()
    page.wait_for_function("() => ['x', 'y'].every(n => Number(document.querySelector(`#pixels-${n} input`)?.value) > 0)")
