"""The Add sound tab in a real browser: bad files, stopping, examples, light and dark, desk and phone."""

from __future__ import annotations

import foley_driver as on
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, foley_app):
    return on.open_tab(open_page, foley_app)


def refusal(page):
    """The sentence that stands there; expected, not a bug, and the page is ready again."""
    sentence = on.problem(page)
    on.done(page)
    # the browser itself complains that it cannot show what was given; of everything else there must be nothing
    page.forgiven |= {"Failed to load resource", "EncodingError"}
    return sentence


def test_bad_videos_get_a_sentence_and_lose_nothing(page, films):
    page.locator("#foley-go").click()
    assert "no video yet" in refusal(page)
    page.wait_for_selector(".av-empty:visible")
    page.locator("#foley-again").click()
    page.get_by_text("Nothing has been written yet").first.wait_for()
    on.done(page)
    on.upload(page, films / "quiet.mp4")
    on.go(page)
    shown = on.film(page)
    for name, words in (("text.mp4", "text.mp4"), ("nothing.mp4", "nothing.mp4"), ("half.mp4", "half.mp4"), ("too long.mp4", "at most"),
                        ("sound.mp4", "a sound without pictures")):  # fmt: skip
        on.upload(page, films / name)
        page.locator("#foley-go").click()
        page.locator(".av-problem").filter(has_text=words).first.wait_for()
        refusal(page)
        on.has(page, "#foley-writing", 0)
        assert on.film(page) == shown
    on.upload(page, films / "tall.mp4")
    on.go(page)
    on.has(page, ".av-problem", 0)
    on.new_film(page, shown)
    on.lasts(page, 1.2, 0.11)
    width, height = page.evaluate("s => [document.querySelector(s).videoWidth, document.querySelector(s).videoHeight]", on.FILM)
    assert width != height


def test_bad_photos_get_a_sentence(page, films):
    on.photo(page)
    page.locator("#foley-go").click()
    assert "no photo yet" in refusal(page)
    page.set_input_files("#foley-photo input[type=file]", films / "text.png")
    page.wait_for_selector("#foley-photo img", state="attached")
    page.locator("#foley-go").click()
    page.locator(".av-problem").filter(has_text="text.png").first.wait_for()
    refusal(page)


def test_stop_keeps_what_is_there(page, films):
    on.upload(page, films / "long.mp4")
    on.more(page)
    page.locator("#foley-takes").get_by_text("3", exact=True).click()  # so that there is time to press Stop on any machine
    page.locator("#foley-go").click()
    page.wait_for_selector("#foley-growing img")
    on.says(page, "#foley-grown", "Stop keeps what is there")
    page.locator("#foley-stop").click()
    on.done(page)
    on.until(page, lambda: "of 90 s; the rest is silent" in on.text_of(page, "#foley-verdict").replace("90.0", "90"))
    on.lasts(page, 90, 0.3)
    on.upload(page, films / "quiet.mp4")
    on.go(page)  # the lane is free again
    on.lasts(page, 1.2, 0.11)


def test_one_click_on_an_example_fills_the_form_and_runs(page):
    from avdemo.foley.tab import EXAMPLES
    from avdemo.ui.components import read_examples

    examples = read_examples(EXAMPLES)
    on.photo(page)  # the form turns back to videos
    page.locator("#foley-examples button").first.click()
    page.wait_for_selector("#foley-verdict strong")
    on.done(page)
    on.says(page, "#foley-verdict", f"What to listen for: {examples[0]['sentence']}")
    on.has(page, "#foley-video video")
    on.lasts(page, examples[0]["seconds"], 0.1)


def test_the_webcam_is_offered(page):
    page.locator("#foley-video button[aria-label*='ebcam'], #foley-video button[aria-label*='amera']").first.wait_for(state="attached")
    on.photo(page)
    page.locator("#foley-photo button[aria-label*='ebcam'], #foley-photo button[aria-label*='amera']").first.wait_for(state="attached")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_readable_and_nothing_sticks_out(open_page, foley_app, films, width, dark):
    from test_browser_shell import NAMELESS, colours, contrast

    page = on.open_tab(open_page, foley_app, width=width, dark=dark)
    on.upload(page, films / "quiet.mp4")
    on.more(page)
    page.locator("#foley-takes").get_by_text("2", exact=True).click()
    on.go(page)
    page.locator(".tabitem:has(#foley-go)").get_by_text("How this was made").click()
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    ours = ".tabitem:has(#foley-go)"
    for part in (
        ".av-lead",
        ".av-knows",
        ".av-limits",
        "#foley-verdict strong",
        "#foley-verdict div div",
        "#foley-bars span",
        ".av-facts td",
    ):
        text, ground = colours(page, selector := f"{ours} {part}")
        assert contrast(text, ground) >= 4.5, (selector, text, ground)
    columns = page.evaluate(
        "() => document.querySelector('#foley-video').getBoundingClientRect().right"
        " <= document.querySelector('#foley-film').getBoundingClientRect().left + 1"
    )
    assert columns == (width > 1000)  # two columns on a desk screen, one on a phone
    assert page.evaluate(NAMELESS) == []
    pictures = page.locator("#foley-course img, #foley-waves img, #foley-spectrogram img")
    on.until(page, lambda: pictures.count() == 3)
    assert all(pictures.evaluate_all("images => images.map(image => image.alt)"))
