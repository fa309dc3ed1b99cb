"""The Make lips speak tab in a real browser: every control is moved and its effect is seen; bad files, stopping, examples, phone and dark."""

from __future__ import annotations

import json

import lips_driver as on
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, lips_app):
    return on.open_tab(open_page, lips_app)


def refusal(page):
    """The sentence that stands there; expected, not a bug, and the page is ready again."""
    sentence = on.problem(page)
    page.forgiven |= {"Failed to load resource", "EncodingError"}
    return sentence


def test_every_control(page, mouths):
    on.has(page, ".av-empty:visible")
    on.give(page, "photo", mouths / "Zoë.png")
    page.wait_for_selector("#lips-preview img")
    on.says(page, "#lips-found", "Zoë.png")
    on.give(page, "speech", mouths / "Été.wav")

    # the square: two clicks, then its numbers
    on.draw(page)
    page.get_by_text("The square in numbers").click()
    on.until(page, lambda: 40 < float(page.locator("#lips-box-left input").input_value()) < 60)
    shown = on.picture(page, "preview")
    for which, value in (("box-left", 60), ("box-top", 40), ("box-side", 50), ("box-turn", 12)):
        on.set_number(page, which, value)
        shown = on.another(page, "preview", shown)

    on.go(page)
    on.files_are(page, [f"Zoë_{name}" for name in ("face.mp4", "lips.mp4", "phases.png", "opening.png", "run.json")])
    record = json.loads(on.fetch(page, "Zoë_run.json"))
    assert record["parameters"]["box"] == [60, 40, 50, 50] and record["parameters"]["turn_deg"] == 12
    assert record["results"]["frames"] == 40 and record["inputs"]["photo"]["path"] is None
    page.wait_for_function("() => Math.abs(document.querySelector('#lips-film video').duration - 1.6) < 0.1")
    on.has(page, "#lips-close video")
    on.has(page, "#lips-phases img")
    on.has(page, ".av-empty:visible", 0)

    # liveliness and mark
    page.get_by_text("More", exact=True).click()
    first = on.film(page)
    on.set_number(page, "lively", 0.3)
    second = on.another_film(page, first)
    page.locator("#lips-mark input").click()
    on.another_film(page, second)

    def made_with():
        return json.loads(on.fetch(page, "Zoë_run.json"))["parameters"]

    on.until(page, lambda: made_with()["lively"] == 0.3 and made_with()["mark"] is False)
    page.get_by_text("How this was made").first.click()
    on.says(page, ".av-facts:visible", "lips-compact")


def test_bad_files_get_a_sentence_and_lose_nothing(page, mouths):
    page.locator("#lips-go").click()
    assert "no photo yet" in refusal(page)
    on.give(page, "photo", mouths / "letter.png")
    page.locator(".av-status:visible", has_text="letter.png").first.wait_for()
    refusal(page)
    on.give(page, "photo", mouths / "Zoë.png")
    page.wait_for_selector("#lips-preview img")
    page.locator("#lips-go").click()
    page.get_by_text("no speech yet").first.wait_for()
    on.done(page)
    on.give(page, "speech", mouths / "silent.wav")
    page.locator("#lips-go").click()
    page.get_by_text("silent.wav is silent").first.wait_for()
    on.done(page)
    on.give(page, "speech", mouths / "Été.wav")
    page.locator("#lips-go").click()
    page.get_by_text("draw the box around the mouth").first.wait_for()
    on.done(page)
    on.draw(page)
    on.go(page)
    on.has(page, "#lips-film video")


def test_stop(page, mouths):
    on.give(page, "photo", mouths / "Zoë.png")
    page.wait_for_selector("#lips-preview img")
    on.draw(page)
    on.give(page, "speech", mouths / "long.wav")
    on.stop_as_it_comes(page, "lips-stop")
    page.locator("#lips-go").click()
    page.get_by_text("Stopped, as you asked").first.wait_for()
    on.done(page)
    on.give(page, "speech", mouths / "Été.wav")
    on.go(page)  # the lane is free again
    on.has(page, "#lips-film video")


def test_one_click_on_an_example_fills_the_form_and_runs(page):
    page.locator("#lips-examples button").nth(2).click()  # the painted face brings its square
    page.wait_for_selector("#lips-verdict strong")
    on.done(page)
    on.says(page, "#lips-verdict", "What to look for")
    on.has(page, "#lips-speech #waveform")
    on.has(page, "#lips-photo img")
    on.until(page, lambda: on.file_names(page)[:1] == ["painted_face.mp4"])


def test_webcam_and_microphone_are_offered(page):
    page.locator("#lips-photo button[aria-label*='amera'], #lips-photo button[aria-label*='ebcam']").first.wait_for(state="attached")
    page.locator("#lips-speech button[aria-label*='icrophone'], #lips-speech button[aria-label*='ecord']").first.wait_for(state="attached")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_readable_and_nothing_sticks_out(open_page, lips_app, mouths, width, dark):
    from test_browser_shell import NAMELESS, colours, contrast

    page = on.open_tab(open_page, lips_app, width=width, dark=dark)
    on.give(page, "photo", mouths / "Zoë.png")
    page.wait_for_selector("#lips-preview img")
    on.draw(page)
    on.give(page, "speech", mouths / "Été.wav")
    on.go(page)
    page.get_by_text("More", exact=True).click()
    page.get_by_text("The square in numbers").click()
    page.get_by_text("How this was made").first.click()
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    ours = ".tabitem:has(#lips-go)"
    for part in (".av-lead", ".av-knows", ".av-limits", "#lips-verdict strong", "#lips-found strong"):
        text, ground = colours(page, selector := f"{ours} {part}")
        assert contrast(text, ground) >= 4.5, (selector, text, ground)
    columns = page.evaluate(
        "() => document.querySelector('#lips-photo').getBoundingClientRect().right"
        " <= document.querySelector('#lips-film').getBoundingClientRect().left + 1"
    )
    assert columns == (width > 1000)  # two columns on a desk screen, one on a phone
    assert page.evaluate(NAMELESS) == []
    pictures = page.locator("#lips-preview img, #lips-phases img, #lips-opening img")
    on.until(page, lambda: pictures.count() == 3)
    assert all(pictures.evaluate_all("images => images.map(image => image.alt)"))
