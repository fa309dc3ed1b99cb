"""The Imagine tab in a real browser: bad files, stopping, videos, examples, several people, light and dark, desk and phone."""

from __future__ import annotations

import imagine_driver as on
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, imagine_app):
    return on.open_tab(open_page, imagine_app)


def refusal(page):
    """The sentence that stands there; expected, not a bug, and the page is ready again."""
    sentence = on.problem(page)
    # the browser itself complains that it cannot show what was given; of everything else there must be nothing
    page.forgiven |= {"Failed to load resource", "EncodingError"}
    return sentence


def test_bad_sounds_get_a_sentence_and_lose_nothing(page, things):
    page.locator("#imagine-go-sound").click()
    assert "no sound yet" in refusal(page)
    on.upload(page, "sound", things / "Été.wav")
    on.go(page, "sound")
    tile = on.first_tile(page)
    on.take_video(page, things / "no sound.mp4")
    page.get_by_text("no sound.mp4").first.wait_for()
    assert "sound" in refusal(page)
    on.done(page, "sound")
    page.locator("#imagine-blend").or_(page.get_by_text("Blend towards a second sound")).first.click()
    page.locator("#imagine-blend").click()
    page.get_by_text("no second sound").first.wait_for()
    assert on.first_tile(page) == tile
    on.done(page, "sound")
    on.upload(page, "sound", things / "silent.wav")
    on.go(page, "sound")
    on.says(page, "#imagine-verdict", "it is silent")
    on.has(page, ".av-problem", 0)


def test_bad_pictures_get_a_sentence(page, things):
    on.other_way(page)
    page.locator("#imagine-go-picture").click()
    assert "no picture yet" in refusal(page)
    page.set_input_files("#imagine-picture input[type=file]", things / "letter.png")
    page.wait_for_selector("#imagine-picture img", state="attached")
    page.locator("#imagine-go-picture").click()
    page.get_by_text("letter.png").first.wait_for()
    refusal(page)
    on.upload(page, "picture", things / "grey.png")
    on.go(page, "picture")
    on.says(page, "#imagine-sight", "nothing to see in grey.png")


def test_the_sound_of_a_video_fills_the_form_and_runs(page, things):
    on.take_video(page, things / "Mon été.mp4")
    page.wait_for_selector(f"{on.TILES} img")
    on.done(page, "sound")
    page.wait_for_selector("#imagine-sound #waveform")
    on.include(page, "sound", "Mon_été_sound.wav")


def test_stop(page, things):
    on.upload(page, "sound", things / "long.wav")
    on.stop_as_it_comes(page, "imagine-stop-sound")
    page.locator("#imagine-go-sound").click()
    page.get_by_text("Stopped, as you asked").first.wait_for()
    on.done(page, "sound")
    on.upload(page, "sound", things / "pluck.wav")
    on.go(page, "sound")  # the lane is free again
    on.has(page, on.TILES, 16)


@pytest.mark.parametrize("direction", ["sound", "picture"])
def test_one_click_on_an_example_fills_the_form_and_runs(page, direction):
    from avdemo.crossmodal.session import sides
    from avdemo.crossmodal.tab import EXAMPLES
    from avdemo.ui.components import read_examples

    examples = sides(read_examples(EXAMPLES))[direction]
    if not examples:
        pytest.skip(f"this installation has no example that begins with a {direction}")
    if direction == "picture":
        on.other_way(page)
    page.locator(f"#imagine-examples-{direction} button").first.click()
    page.wait_for_selector("#imagine-verdict strong" if direction == "sound" else "#imagine-sight strong")
    on.done(page, direction)
    said = "#imagine-verdict" if direction == "sound" else "#imagine-sight"
    on.says(page, said, f"What to look for: {examples[0]['sentence']}")
    on.has(page, "#imagine-sound #waveform" if direction == "sound" else "#imagine-picture img")
    if direction == "sound":  # the list of second sounds holds the same examples
        page.get_by_text("Blend towards a second sound").click()
        page.locator("#imagine-second-example input").click()
        page.locator("[role=option]").filter(has_text=examples[1]["title"]).click()
        page.wait_for_selector("#imagine-second #waveform")


def test_webcam_and_microphone_are_offered(page):
    page.locator("#imagine-sound button[aria-label*='icrophone'], #imagine-sound button[aria-label*='ecord']").first.wait_for(state="attached")
    on.other_way(page)
    page.locator("#imagine-picture button[aria-label*='amera'], #imagine-picture button[aria-label*='ebcam']").first.wait_for(state="attached")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_readable_and_nothing_sticks_out(open_page, imagine_app, things, width, dark):
    from test_browser_shell import NAMELESS, colours, contrast

    page = on.open_tab(open_page, imagine_app, width=width, dark=dark)
    on.upload(page, "sound", things / "Été.wav")
    on.go(page, "sound")
    page.locator("#imagine-go-round-sound").click()
    page.wait_for_selector("#imagine-trip-sound strong")
    on.done(page, "sound")
    page.get_by_text("Blend towards a second sound").click()
    page.get_by_text("How this was made").first.click()
    sticks_out = "() => document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(sticks_out) <= 0
    ours = ".tabitem:has(#imagine-mode)"
    parts = (".av-lead", ".av-knows", ".av-limits", "#imagine-verdict strong", "#imagine-judgement div", "#imagine-gallery .caption-label",
             "#imagine-heard-bars span", "#imagine-hop-words-sound-1 span")  # fmt: skip
    for part in parts:
        text, ground = colours(page, selector := f"{ours} {part}")
        assert contrast(text, ground) >= 4.5, (selector, text, ground)
    columns = page.evaluate(
        "() => document.querySelector('#imagine-sound').getBoundingClientRect().right"
        " <= document.querySelector('#imagine-gallery').getBoundingClientRect().left + 1"
    )
    assert columns == (width > 1000)  # two columns on a desk screen, one on a phone
    assert page.evaluate(NAMELESS) == []
    page.locator("#imagine-carry").click()
    page.wait_for_selector("#imagine-made #waveform")
    on.done(page, "picture")
    assert page.evaluate(sticks_out) <= 0 and page.evaluate(NAMELESS) == []
    pictures = page.locator("#imagine-drawn img, #imagine-picture img")
    on.until(page, lambda: pictures.count() == 2)
    assert all(pictures.evaluate_all("images => images.map(image => image.alt)"))
