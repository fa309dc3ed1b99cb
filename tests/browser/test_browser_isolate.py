"""The Isolate tab in a real browser: every control is moved and its effect is seen."""

from __future__ import annotations

import json

import numpy as np
import pytest
from isolate_driver import (
    add_place,
    changed,
    fetch,
    files_include,
    has,
    holds,
    mix_address,
    mix_of,
    open_numbers,
    open_video,
    samples,
    says,
    set_slider,
    source,
    until,
)

pytestmark = pytest.mark.browser


def test_every_control_of_the_tab(page, clips):
    open_video(page, clips / "My clip é.mp4")
    has(page, "#pixels-fader-1", 0)

    # a click: its sound, the rest, the pictures, the downloads under names that say what they are
    plain = source(page, "#pixels-frame img")
    add_place(page, 0.3, 0.5, 1)
    changed(page, "#pixels-frame img", plain)  # the marker
    one, without = samples(fetch(page, "My_clip_é_source-1.wav")), samples(fetch(page, "My_clip_é_without-source-1.wav"))
    assert one.shape == without.shape
    assert one.shape[0] == 2
    assert np.abs(one).max() > 50
    files_include(page, "My_clip_é_mix.wav")
    until(page, lambda: np.abs(one + without - mix_of(page)).max() <= 2)  # place and rest are all there is
    mixture = mix_of(page)

    # a second place, and back to the first
    add_place(page, 0.75, 0.6, 2)
    has(page, "#pixels-shown label", 2)
    page.locator("#pixels-shown label").first.click()
    page.wait_for_selector("#pixels-sound-1 #waveform")
    page.wait_for_function("() => document.querySelector('#pixels-pictures img').src.includes('source-1_')")
    has(page, "#pixels-sound-2", 0)

    # faders: all at one is the input; each one changes the mix
    until(page, lambda: np.abs(mix_of(page) - mixture).max() <= 1)
    for fader in ("#pixels-fader-1", "#pixels-fader-2", "#pixels-fader-rest"):
        before = mix_address(page)
        set_slider(page, fader, 0)
        page.wait_for_function("b => document.querySelector('#pixels-mix a[download]').href !== b", arg=before)
    until(page, lambda: np.abs(mix_of(page)).max() <= 1)  # everything is down
    before = mix_address(page)
    page.locator("#pixels-fader-rest button[aria-label='Reset to default value']").click()
    page.wait_for_function("b => document.querySelector('#pixels-mix a[download]').href !== b", arg=before)

    # over the picture
    for label in ("Colours", "Nothing", "Energy"):
        before = source(page, "#pixels-frame img")
        page.locator("#pixels-view").get_by_text(label).click()
        changed(page, "#pixels-frame img", before)
        has(page, ".av-legend:visible", int(label == "Energy"))
    before = source(page, "#pixels-frame img")
    set_slider(page, "#pixels-opacity", 0.1)
    changed(page, "#pixels-frame img", before)

    # another moment: by the slider, and from the player
    before = source(page, "#pixels-frame img")
    set_slider(page, "#pixels-time", 1.5)
    before = changed(page, "#pixels-frame img", before)
    page.evaluate("() => { document.querySelector('#pixels-video video').currentTime = 2.2; }")
    page.wait_for_function("() => document.querySelector('#pixels-video video').currentTime > 2.1")
    page.locator("#pixels-current").click()
    changed(page, "#pixels-frame img", before)
    moment = page.locator("#pixels-time input[type=number]")
    until(page, lambda: float(moment.input_value()) == pytest.approx(2.2, abs=0.06))

    # a place by numbers, with the keyboard alone
    open_numbers(page)
    page.locator("#pixels-x input").fill("40")
    page.locator("#pixels-y input").fill("91")
    page.locator("#pixels-by-numbers").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#pixels-sound-3 #waveform")
    page.wait_for_selector("#pixels-fader-3")
    says(page, "#pixels-shown", "x 40, y 91 at 2.2 s")
    files_include(page, "My_clip_é_source-3_spectrograms.png")

    # videos with the new sound
    page.locator("#pixels-film-place").click()
    page.wait_for_selector("#pixels-film video")
    files_include(page, "My_clip_é_source-3.mp4")
    page.locator("#pixels-film-mix").click()
    files_include(page, "My_clip_é_mix.mp4")
    assert fetch(page, "My_clip_é_mix.mp4")[4:8] == b"ftyp"
    page.wait_for_function("() => document.querySelector('#pixels-film video').readyState >= 1")

    # how it was made
    page.get_by_text("How this was made").click()
    says(page, ".av-facts:visible", "pixels-compact")
    says(page, ".av-facts:visible", "x 40, y 91 at 2.2 s")
    page.get_by_text("run.json, everything needed to repeat this").click()
    until(page, lambda: json.loads(fetch(page, "My_clip_é_run.json"))["parameters"]["at"] == [40, 91])
    record = json.loads(fetch(page, "My_clip_é_run.json"))
    assert record["results"]["mix"]["gains"] == [0, 0, 1]
    assert record["inputs"]["video"]["path"] is None  # where the server keeps uploads is nobody's business
    assert record["inputs"]["video"]["name"] == "My clip é.mp4"

    # undo, clear
    page.locator("#pixels-undo").click()
    page.wait_for_selector("#pixels-fader-3", state="detached")
    has(page, "#pixels-shown label", 2)
    page.locator("#pixels-clear").click()
    page.wait_for_selector("#pixels-fader-1", state="detached")
    has(page, "#pixels-files", 0)

    # and the first place is the first again, with its fader at one
    add_place(page, 0.3, 0.5, 1)
    holds(page, "#pixels-fader-1 input[type=number]", "1")

    # take the video away
    page.locator("#pixels-video button[aria-label='Clear']").click()
    page.wait_for_selector("#pixels-frame", state="detached")
    has(page, ".av-empty:visible")
