"""The Isolate tab in a real browser: every control is moved and its effect is seen."""

from __future__ import annotations

import io
import json
import re
import wave

import numpy as np
import pytest

pytestmark = pytest.mark.browser

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


def test_every_control_of_the_tab(page, clips):
    open_video(page, clips / "My clip é.mp4")
    assert page.locator("#pixels-fader-1").count() == 0

    # a click: its sound, the rest, the pictures, the downloads under names that say what they are
    plain = source(page, "#pixels-frame img")
    add_place(page, 0.3, 0.5, 1)
    assert source(page, "#pixels-frame img") != plain  # the marker
    one, without = samples(fetch(page, "My_clip_é_source-1.wav")), samples(fetch(page, "My_clip_é_without-source-1.wav"))
    assert one.shape == without.shape
    assert one.shape[0] == 2
    assert np.abs(one).max() > 50
    files_include(page, "My_clip_é_mix.wav")
    mixture = mix_of(page)
    assert np.abs(one + without - mixture).max() <= 2  # place and rest are all there is

    # a second place, and back to the first
    add_place(page, 0.75, 0.6, 2)
    assert page.locator("#pixels-shown label").count() == 2
    page.locator("#pixels-shown label").first.click()
    page.wait_for_selector("#pixels-sound-1 #waveform")
    page.wait_for_function("() => document.querySelector('#pixels-pictures img').src.includes('source-1_')")
    assert page.locator("#pixels-sound-2").count() == 0

    # faders: all at one is the input; each one changes the mix
    assert np.abs(mix_of(page) - mixture).max() <= 1
    for fader in ("#pixels-fader-1", "#pixels-fader-2", "#pixels-fader-rest"):
        before = page.locator("#pixels-mix a[download]").first.get_attribute("href")
        set_slider(page, fader, 0)
        page.wait_for_function("b => document.querySelector('#pixels-mix a[download]').href !== b", arg=before)
    assert np.abs(mix_of(page)).max() <= 1  # everything is down
    before = page.locator("#pixels-mix a[download]").first.get_attribute("href")
    page.locator("#pixels-fader-rest button[aria-label='Reset to default value']").click()
    page.wait_for_function("b => document.querySelector('#pixels-mix a[download]').href !== b", arg=before)

    # over the picture
    for label in ("Colours", "Nothing", "Energy"):
        before = source(page, "#pixels-frame img")
        page.locator("#pixels-view").get_by_text(label).click()
        changed(page, "#pixels-frame img", before)
        assert page.locator(".av-legend").is_visible() == (label == "Energy")
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
    assert float(page.locator("#pixels-time input[type=number]").input_value()) == pytest.approx(2.2, abs=0.06)

    # a place by numbers, with the keyboard alone
    page.get_by_text("More: give the place by numbers").click()
    page.locator("#pixels-x input").fill("40")
    page.locator("#pixels-y input").fill("90")
    page.locator("#pixels-by-numbers").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#pixels-sound-3 #waveform")
    page.wait_for_selector("#pixels-fader-3")
    assert "x 40, y 90 at 2.2 s" in page.locator("#pixels-shown").inner_text()
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
    facts = page.locator(".av-facts").inner_text()
    assert "pixels-compact" in facts
    assert "x 40, y 90 at 2.2 s" in facts
    page.get_by_text("run.json, everything needed to repeat this").click()
    record = json.loads(fetch(page, "My_clip_é_run.json"))
    assert record["parameters"]["at"] == [40, 90]
    assert record["results"]["mix"]["gains"] == [0, 0, 1]
    assert record["inputs"]["video"]["path"] is None  # where the server keeps uploads is nobody's business
    assert record["inputs"]["video"]["name"] == "My clip é.mp4"

    # undo, clear
    page.locator("#pixels-undo").click()
    page.wait_for_selector("#pixels-fader-3", state="detached")
    assert page.locator("#pixels-shown label").count() == 2
    page.locator("#pixels-clear").click()
    page.wait_for_selector("#pixels-fader-1", state="detached")
    assert page.locator("#pixels-files").count() == 0

    # and the first place is the first again, with its fader at one
    add_place(page, 0.3, 0.5, 1)
    assert page.locator("#pixels-fader-1 input[type=number]").input_value() == "1"

    # take the video away
    page.locator("#pixels-video button[aria-label='Clear']").click()
    page.wait_for_selector("#pixels-frame", state="detached")
    assert page.locator(".av-empty").is_visible()


def test_seventh_place_is_refused_in_words(page, clips):
    open_video(page, clips / "My clip é.mp4")
    for number in range(1, 7):
        click_frame(page, 0.1 + 0.12 * number, 0.5)
        page.wait_for_selector(f"#pixels-fader-{number}")
    click_frame(page, 0.5, 0.9)
    assert "There are 6 places already" in page.wait_for_selector(".av-problem").inner_text()
    assert page.locator("#pixels-shown label").count() == 6


def test_place_outside_is_refused_in_words(page, clips):
    open_video(page, clips / "My clip é.mp4")
    page.get_by_text("More: give the place by numbers").click()
    page.locator("#pixels-x input").fill("5000")
    page.locator("#pixels-by-numbers").click()
    assert "outside" in page.wait_for_selector(".av-problem").inner_text()


def test_one_click_on_an_example_fills_the_form_and_runs(page):
    page.locator("#pixels-examples button").first.click()
    page.wait_for_selector("#pixels-frame img")
    page.wait_for_selector(f"{SOUND} #waveform")
    assert page.locator("#pixels-shown label").count() >= 1
    assert page.locator("#pixels-video video").count() == 1
    page.wait_for_selector("#pixels-files a[download$='_mix.wav']", state="attached")
    # its sound is what is seen: the newest place plays
    assert page.locator(f"{SOUND} audio").first.get_attribute("src") or page.locator(f"{SOUND} #waveform").is_visible()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing.mp4", "empty"),
        ("text.mp4", "text"),
        ("half.mp4", "complete"),
        ("no sound.mp4", "sound"),
        ("silent.mp4", "silent"),
        ("blink.mp4", "short|at least"),
        ("too long.mp4", "100 s|longer|minutes|seconds"),
    ],
)
def test_bad_files_get_a_sentence_and_the_form_stays(page, clips, name, words):
    upload(page, clips / name)
    sentence = page.wait_for_selector(".av-problem").inner_text()
    assert name in sentence
    assert re.search(words, sentence), sentence
    assert "report" not in sentence  # expected, not a bug
    assert page.locator(".av-problem").get_attribute("role") == "alert"
    assert page.locator("#pixels-video video, #pixels-video .file-name").count() >= 1  # what was given is still in the form
    page.wait_for_selector("#pixels-stop", state="detached")
    # the browser itself complains that it cannot play what was given; of everything else there must be nothing
    page.complaints[:] = [text for text in page.complaints if not text.startswith("Failed to load resource")]


def test_after_a_bad_file_it_goes_on(page, clips):
    upload(page, clips / "no sound.mp4")
    page.wait_for_selector(".av-problem")
    open_video(page, clips / "My clip é.mp4")
    page.wait_for_selector(".av-problem", state="detached")
    add_place(page, 0.3, 0.5, 1)


def test_video_that_browsers_do_not_play_is_converted_for_the_player(page, clips):
    open_video(page, clips / "old.avi")
    page.wait_for_function("() => document.querySelector('#pixels-video video')?.readyState >= 2")
    assert source(page, "#pixels-video video").endswith("old.mp4")


def test_phone_video_is_upright_and_clicks_land_where_they_are(page, clips):
    open_video(page, clips / "tall.mp4")
    size = page.locator("#pixels-frame img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [120, 214]
    click_frame(page, 0.25, 0.75)
    page.wait_for_selector("#pixels-shown label")
    x, y = map(int, re.search(r"x (\d+), y (\d+)", page.locator("#pixels-shown").inner_text()).groups())
    assert abs(x - 30) <= 2
    assert abs(y - 160) <= 2


def test_stop(page, clips):
    upload(page, clips / "long.mp4")
    page.locator("#pixels-stop").click()
    page.wait_for_selector(".av-status:not(.av-problem)")
    assert "Stopped, as you asked" in page.locator(".av-status").inner_text()
    page.wait_for_selector("#pixels-stop", state="detached")
    open_video(page, clips / "My clip é.mp4")  # the lane is free again


def test_a_wait_says_what_is_done(page, clips):
    upload(page, clips / "long.mp4")
    page.wait_for_function("() => /Listening|Reading|Loading/.test(document.querySelector('#pixels-video').innerText)")
    page.wait_for_function("() => /left|done/.test(document.querySelector('#pixels-video').innerText)")
    page.locator("#pixels-stop").click()


def test_two_people_do_not_see_each_others_videos(open_page, clips):
    one, other = open_page(), open_page()
    open_video(one, clips / "My clip é.mp4")
    open_video(other, clips / "old.avi")
    add_place(one, 0.3, 0.5, 1)
    click_frame(other, 0.5, 0.5)
    other.wait_for_selector("#pixels-sound-1 #waveform")
    files_include(other, "old_source-1.wav")
    assert all(name.startswith("My_clip") for name in file_names(one))
    assert all(name.startswith("old") for name in file_names(other))


def test_webcam_is_offered(page):
    assert page.locator("#pixels-video button[aria-label*='amera'], #pixels-video button[aria-label*='ebcam']").count() >= 1


def test_clicking_where_nothing_sounds_says_so(page):
    from avdemo.pixels.tab import EXAMPLES
    from avdemo.ui.components import read_examples

    example = read_examples(EXAMPLES)[0]
    page.locator("#pixels-examples button").first.click()
    page.wait_for_selector(f"{SOUND} #waveform")
    page.wait_for_selector("#pixels-files a[download$='_mix.wav']", state="attached")
    before = page.locator("#pixels-shown label").count()
    silent = example["silent"][0]
    click_frame(page, silent["x_px"] / 640, silent["y_px"] / 360)
    assert "Nothing sounds" in page.wait_for_selector(".av-status").inner_text()
    assert page.locator("#pixels-shown label").count() == before
