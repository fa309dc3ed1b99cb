"""The shell in a real browser: start, look in light and dark and on a phone, names for everything, trouble with weights."""

from __future__ import annotations

import re

import pytest
from gestures import has, problem, says, until

pytestmark = pytest.mark.browser

NAMELESS = """() => [...document.querySelectorAll('button, input, select, textarea, [role=button], [role=tab]')].filter(e => {
  if (e.offsetParent === null || e.type === 'file' || e.type === 'hidden' || e.ariaHidden === 'true') return false;
  const labels = e.labels ? [...e.labels].map(l => l.innerText).join('') : '';
  const after = getComputedStyle(e, '::after').content;
  const drawn = after !== 'none' && after !== 'normal';
  const named = e.ariaLabel || e.title || e.innerText.trim() || labels.trim() || e.placeholder || drawn;
  return !named && !e.querySelector('img[alt]:not([alt=""])') && !e.closest('label')?.innerText.trim();
}).map(e => e.outerHTML.slice(0, 200))"""

COLOURS = """selector => { const e = document.querySelector(selector); let ground = e, colour;
  do { colour = getComputedStyle(ground).backgroundColor; ground = ground.parentElement; }
  while (ground && /, 0\\)$|transparent/.test(colour));
  return [getComputedStyle(e).color, colour]; }"""


def colours(page, selector: str) -> list[str]:
    """Colour of the words and of the ground behind them, once they are there."""
    page.wait_for_selector(selector, state="attached")
    return page.evaluate(COLOURS, selector)


def contrast(one: str, other: str) -> float:
    """WCAG contrast of two ``rgb(r, g, b)``."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_page_says_what_it_is(page):
    assert page.title() == "avdemo"
    page.get_by_role("heading", name="avdemo").wait_for()
    until(page, lambda: page.get_by_role("tab").all_inner_texts()[:1] == ["Isolate"])
    says(page, ".av-limits:visible", "up to")
    has(page, ".av-empty:visible")


def test_nothing_comes_from_elsewhere(open_page, app):
    seen = []
    page = open_page()
    page.on("request", lambda request: seen.append(request.url))
    page.reload()
    page.wait_for_selector("#pixels-video input[type=file]", state="attached")
    assert [url for url in seen if not url.startswith((app.url, "data:", "blob:"))] == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_readable_and_nothing_sticks_out(open_page, width, dark):
    page = open_page(width=width, dark=dark)
    page.locator("#pixels-examples button").first.click()
    page.wait_for_selector("#pixels-fader-rest")
    page.wait_for_selector("#pixels-files a[download$='_mix.wav']", state="attached")
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    for selector in (".av-lead", ".av-knows", ".av-limits", ".av-header h1", "#pixels-fader-1 label span", "#pixels-undo"):
        text, ground = colours(page, selector)
        assert contrast(text, ground) >= 4.5, (selector, text, ground)
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in re.findall(r"\d+", ground)[:3]) < 200) == dark
    columns = page.evaluate(
        "() => document.querySelector('#pixels-video').getBoundingClientRect().right"
        " <= document.querySelector('#pixels-frame').getBoundingClientRect().left + 1"
    )
    assert columns == (width > 1000)  # two columns on a desk screen, one on a phone


def test_every_control_has_a_name(page):
    page.locator("#pixels-examples button").first.click()
    page.wait_for_selector("#pixels-files a[download$='_mix.wav']", state="attached")
    page.get_by_text("More: give the place by numbers").click()
    page.get_by_text("How this was made").click()
    assert page.evaluate(NAMELESS) == []
    pictures = page.locator("#pixels-frame img, #pixels-pictures img").evaluate_all("images => images.map(image => image.alt)")
    assert len(pictures) == 2
    assert all(pictures)


def test_missing_weights_are_a_sentence_not_a_dead_page(start_app, open_page, clips, tmp_path):
    broken = start_app(AVDEMO_WEIGHTS=str(tmp_path), HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hub"))
    page = open_page(broken.url)
    page.set_input_files("#pixels-video input[type=file]", clips / "My clip é.mp4")
    assert "pixels-compact" in problem(page)
    page.get_by_role("tab").first.wait_for()


def test_page_is_up_in_time(app):
    assert app.started_s < 8
