"""The Isolate tab in a real browser: bad files, limits, stopping, odd videos, examples, several people."""

from __future__ import annotations

import re

import pytest
from isolate_driver import (
    SOUND,
    add_place,
    click_frame,
    file_names,
    files_include,
    has,
    open_numbers,
    open_video,
    problem,
    says,
    source,
    stop_as_it_comes,
    text_of,
    until,
    upload,
)  # fmt: skip

pytestmark = pytest.mark.browser


def test_seventh_place_is_refused_in_words(page, clips):
    open_video(page, clips / "My clip é.mp4")
    for number in range(1, 7):
        click_frame(page, 0.1 + 0.12 * number, 0.5)
        page.wait_for_selector(f"#pixels-fader-{number}")
    click_frame(page, 0.5, 0.9)
    says(page, ".av-problem", "There are 6 places already")
    has(page, "#pixels-shown label", 6)


def test_place_outside_is_refused_in_words(page, clips):
    open_video(page, clips / "My clip é.mp4")
    open_numbers(page)
    page.locator("#pixels-x input").fill("5000")
    page.locator("#pixels-by-numbers").click()
    says(page, ".av-problem", "outside")


def test_one_click_on_an_example_fills_the_form_and_runs(page):
    page.locator("#pixels-examples button").first.click()
    page.wait_for_selector("#pixels-frame img")
    page.wait_for_selector(f"{SOUND} #waveform")
    page.locator("#pixels-shown label").first.wait_for(state="attached")
    has(page, "#pixels-video video")
    page.wait_for_selector("#pixels-files a[download$='_mix.wav']", state="attached")
    # its sound is what is seen: the newest place plays
    has(page, f"{SOUND} #waveform:visible")


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
    sentence = problem(page)
    assert name in sentence
    assert re.search(words, sentence), sentence
    page.locator("#pixels-video video, #pixels-video .file-name").first.wait_for(state="attached")  # what was given is still in the form
    page.wait_for_selector("#pixels-stop", state="detached")
    # the browser itself complains that it cannot play what was given; of everything else there must be nothing
    page.forgiven.add("Failed to load resource")


def test_after_a_bad_file_it_goes_on(page, clips):
    upload(page, clips / "no sound.mp4")
    page.wait_for_selector(".av-problem")
    open_video(page, clips / "My clip é.mp4")
    page.wait_for_selector(".av-problem", state="detached")
    add_place(page, 0.3, 0.5, 1)


def test_video_that_browsers_do_not_play_is_converted_for_the_player(page, clips):
    open_video(page, clips / "old.avi")
    page.wait_for_function("() => document.querySelector('#pixels-video video')?.readyState >= 2")
    until(page, lambda: source(page, "#pixels-video video").endswith("old.mp4"))


def test_phone_video_is_upright_and_clicks_land_where_they_are(page, clips):
    open_video(page, clips / "tall.mp4")
    size = page.locator("#pixels-frame img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [120, 214]
    click_frame(page, 0.25, 0.75)
    page.wait_for_selector("#pixels-shown label")
    place = until(page, lambda: re.search(r"x (\d+), y (\d+)", text_of(page, "#pixels-shown")))
    x, y = map(int, place.groups())
    assert abs(x - 30) <= 2
    assert abs(y - 160) <= 2


def test_quick_hands(page, clips):
    open_video(page, clips / "My clip é.mp4")
    add_place(page, 0.3, 0.5, 1)
    add_place(page, 0.75, 0.6, 2)
    page.evaluate("() => ['pixels-undo', 'pixels-clear'].forEach(id => document.getElementById(id).click())")
    page.wait_for_selector("#pixels-shown label", state="detached")
    add_place(page, 0.3, 0.5, 1)  # what came after Undo met a page without places, and said so to nobody
    has(page, ".wrap .error:visible", 0)
    has(page, "#pixels-shown label")


def test_stop(page, clips):
    stop_as_it_comes(page, "pixels-stop")
    upload(page, clips / "long.mp4")
    page.wait_for_function("() => /Stopped, as you asked/.test(document.querySelector('.av-status')?.innerText)")
    page.wait_for_selector("#pixels-stop", state="detached")
    open_video(page, clips / "My clip é.mp4")  # the lane is free again


def test_a_wait_says_what_is_done(page, clips):
    # what is said may stand there for a moment only, on a fast machine: everything is written down, with its time in ms
    page.evaluate(
        "() => { window.said = []; new MutationObserver(() => said.push([performance.now(), document.querySelector('#pixels-video').innerText]))"
        ".observe(document.body, { subtree: true, childList: true, characterData: true }); }"
    )
    open_video(page, clips / "long.mp4")
    said = page.evaluate("() => window.said")
    worked = [time for time, words in said if re.search("Listening|Reading|Loading", words)]
    assert worked
    quick = max(worked) - min(worked) < 3000  # in so short a wait nobody can tell how long it will take
    assert quick or re.search("left|done", " ".join(words for _, words in said))


def test_two_people_do_not_see_each_others_videos(open_page, clips):
    one, other = open_page(), open_page()
    open_video(one, clips / "My clip é.mp4")
    open_video(other, clips / "old.avi")
    add_place(one, 0.3, 0.5, 1)
    click_frame(other, 0.5, 0.5)
    other.wait_for_selector("#pixels-sound-1 #waveform")
    files_include(other, "old_source-1.wav")
    assert all(name.startswith("My_clip") for name in until(one, lambda: file_names(one)))
    assert all(name.startswith("old") for name in until(other, lambda: file_names(other)))


def test_webcam_is_offered(page):
    page.locator("#pixels-video button[aria-label*='amera'], #pixels-video button[aria-label*='ebcam']").first.wait_for(state="attached")


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
    says(page, ".av-status:visible", "Nothing sounds")
    has(page, "#pixels-shown label", before)
