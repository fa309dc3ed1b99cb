"""The Match tab in a real browser: bad files, stopping, examples, several people, light and dark, desk and phone."""

from __future__ import annotations

import json
import re

import match_driver as on
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, match_app):
    return on.open_tab(open_page, match_app)


def refusal(page):
    """The sentence after pressing the button; expected, not a bug, and the page is ready again."""
    page.locator("#match-go").click()
    sentence = on.problem(page)
    page.wait_for_selector("#match-stop", state="detached")
    # the browser itself complains that it cannot show what was given; of everything else there must be nothing
    page.forgiven.add("Failed to load resource")
    return sentence


def test_without_files_it_says_what_is_missing(page, pairs):
    assert "no video yet" in refusal(page)
    on.pair_mode(page)
    page.locator("#match-go").click()
    page.get_by_text("neither a picture nor a sound").first.wait_for()
    on.upload(page, "picture", pairs / "guitar.png")
    page.locator("#match-go").click()
    page.get_by_text("no sound yet to go with guitar.png").first.wait_for()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing.mp4", "empty"),
        ("letter.mp4", "text"),
        ("no sound.mp4", "without a sound track"),
        ("silent.mp4", "silent"),
        ("too long.mp4", "takes at most"),
    ],
)
def test_a_bad_video_gets_a_sentence_and_then_it_goes_on(page, pairs, name, words):
    on.upload(page, "video", pairs / name)
    sentence = refusal(page)
    assert name in sentence
    assert re.search(words, sentence), sentence
    if name == "no sound.mp4":
        on.upload(page, "video", pairs / "Été à deux.mp4")
        on.match(page)
        on.has(page, ".av-problem", 0)


def test_a_picture_and_a_sound_that_are_neither(page, pairs):
    if page.locator("#match-pairs button").count():  # also after an example was in the form
        page.locator("#match-pairs button").first.click()
        on.everything(page)
        page.locator("#match-picture button[aria-label*='lear'], #match-picture button[aria-label*='emove']").first.click()
    else:
        on.pair_mode(page)
    page.set_input_files("#match-picture input[type=file]", pairs / "letter.png")
    page.wait_for_selector("#match-picture img", state="attached")
    on.upload(page, "sound", pairs / "pluck.wav")
    assert "letter.png" in refusal(page)
    on.upload(page, "picture", pairs / "guitar.png")
    on.upload(page, "sound", pairs / "silent.wav")
    page.locator("#match-go").click()
    page.get_by_text("silent.wav is silent").first.wait_for()
    page.forgiven.add("Failed to load resource")


def test_a_sound_that_cannot_be_swapped_in_leaves_everything_as_it_was(page, pairs):
    on.upload(page, "video", pairs / "Été à deux.mp4")
    on.match(page)
    plot = on.source(page, "#match-plot img")
    page.get_by_text("Or swap in a sound of yours").click()
    on.upload(page, "swap-sound", pairs / "silent.wav")
    on.says(page, ".av-problem", "silent.wav is silent")
    assert on.source(page, "#match-plot img") == plot
    on.holds(page, "#match-swap input", "Its own sound")


def test_stop(page, pairs):
    on.upload(page, "video", pairs / "long.mp4")
    on.stop_as_it_comes(page, "match-stop")
    page.locator("#match-go").click()
    page.get_by_text("Stopped, as you asked").first.wait_for()
    page.wait_for_selector("#match-stop", state="detached")
    on.upload(page, "video", pairs / "Été à deux.mp4")
    on.match(page)  # the lane is free again


def test_two_people_do_not_see_each_others_clips(open_page, match_app, pairs):
    one, other = on.open_tab(open_page, match_app), on.open_tab(open_page, match_app)
    on.upload(one, "video", pairs / "Été à deux.mp4")
    on.upload(other, "video", pairs / "odd.avi")
    on.match(one)
    on.match(other)
    for page, theirs in ((one, "Été"), (other, "odd")):
        on.until(page, lambda page=page: on.file_names(page))
        assert all(name.startswith(theirs) for name in on.file_names(page))
    assert "Été" not in on.text_of(other, "#match-gallery")
    other.wait_for_function("() => document.querySelector('#match-film video').readyState >= 2")  # an avi, made to play
    one.forgiven.add("Failed to load resource")
    other.forgiven.add("Failed to load resource")


def test_webcam_and_microphone_are_offered(page):
    page.locator("#match-video button[aria-label*='amera'], #match-video button[aria-label*='ebcam']").first.wait_for(state="attached")
    on.pair_mode(page)
    page.locator("#match-picture button[aria-label*='amera'], #match-picture button[aria-label*='ebcam']").first.wait_for(state="attached")
    page.locator("#match-sound button[aria-label*='icrophone'], #match-sound button[aria-label*='ecord']").first.wait_for(state="attached")


@pytest.mark.parametrize("row", ["videos", "pairs"])
def test_one_click_on_an_example_fills_the_form_and_runs(page, row):
    from avdemo.correspondence.tab import EXAMPLES
    from avdemo.ui.components import read_examples

    examples = [example for example in read_examples(EXAMPLES) if bool(example.get("sound")) == (row == "pairs")]
    if not examples:
        pytest.skip(f"this installation has no example {row}")
    page.locator(f"#match-{row} button").first.click()
    on.everything(page)
    on.has(page, "#match-video video" if row == "videos" else "#match-picture img")
    on.says(page, "#match-verdict", f"What to look for: {examples[0]['sentence']}")
    if row == "videos":  # the sound of any other example can be put in
        plot = on.source(page, "#match-plot img")
        title = read_examples(EXAMPLES)[1]["title"]
        on.swap_for(page, title)
        on.changed(page, "#match-plot img", plot)
        on.says(page, "#match-verdict", title)
        page.wait_for_selector("#match-files a[download*='_with-']", state="attached")
        made = next(name for name in on.file_names(page) if name.endswith("_run.json"))
        on.until(page, lambda: "sound" in json.loads(on.fetch(page, made))["inputs"])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_readable_and_nothing_sticks_out(open_page, match_app, pairs, width, dark):
    from test_browser_shell import NAMELESS, colours, contrast

    page = on.open_tab(open_page, match_app, width=width, dark=dark)
    on.upload(page, "video", pairs / "Été à deux.mp4")
    on.match(page)
    on.until(page, lambda: (page.evaluate("() => window.scrollY") > 0) == (width < 1000))  # on a phone the result comes into view by itself
    on.set_slider(page, "shift", 1)
    on.files_include(page, "Été_à_deux_scores_sound-1.00s-later.json")
    page.get_by_text("More", exact=True).click()
    page.get_by_text("How this was made").click()
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    ours = ".tabitem:has(#match-go)"
    for part in (".av-lead", ".av-knows", ".av-limits", "#match-verdict strong", "#match-verdict div", "#match-again"):
        text, ground = colours(page, selector := f"{ours} {part}")
        assert contrast(text, ground) >= 4.5, (selector, text, ground)
    columns = page.evaluate(
        "() => document.querySelector('#match-video').getBoundingClientRect().right"
        " <= document.querySelector('#match-film').getBoundingClientRect().left + 1"
    )
    assert columns == (width > 1000)  # two columns on a desk screen, one on a phone
    assert page.evaluate(NAMELESS) == []
    pictures = page.locator("#match-plot img, #match-frame img, #match-second img")
    on.until(page, lambda: pictures.count() == 3)
    assert all(pictures.evaluate_all("images => images.map(image => image.alt)"))
