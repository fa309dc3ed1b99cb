"""What can be seen and fetched on any tab, for the browser tests' drivers."""

from __future__ import annotations

import os
import time

PATIENCE_S = int(os.environ.get("AVDEMO_TEST_PATIENCE_S", 120))  # with a busy machine; how fast it should be is a test of its own

#: For every page: counts how often each Stop button has come. A quick job's is there for a moment only, and a look could miss it.
COUNT_STOPS = """window.stops = {}; new MutationObserver(records => {
  for (const { addedNodes } of records) for (const node of addedNodes) if (node.querySelectorAll)
    for (const e of [node, ...node.querySelectorAll("[id*='-stop']")]) if (e.id?.includes('-stop')) stops[e.id] = (stops[e.id] ?? 0) + 1;
}).observe(document, { subtree: true, childList: true });"""


def slow_down(page):
    """Make a page slow where AVDEMO_TEST_LAG_MS and AVDEMO_TEST_SLOWER ask for it: a wait that is missing in a test fails then, not by chance.

    The first delays every answer by so many milliseconds, the second makes the page's own work so many times slower.
    """
    lag, slower = (float(os.environ.get(name, 0)) for name in ("AVDEMO_TEST_LAG_MS", "AVDEMO_TEST_SLOWER"))
    if not (lag or slower):
        return
    session = page.context.new_cdp_session(page)
    if lag:
        session.send("Network.emulateNetworkConditions", {"offline": False, "latency": lag, "downloadThroughput": -1, "uploadThroughput": -1})
    if slower:
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})


def press(page, button, stop):
    """Press a button and wait until its job has begun: until the Stop button of that id has come, whether or not it is there still."""
    before = page.evaluate("id => window.stops[id] ?? 0", stop)
    page.locator(f"#{button}").click()
    page.wait_for_function("([id, before]) => (window.stops[id] ?? 0) > before", arg=[stop, before])


def stop_as_it_comes(page, stop):
    """Have the page itself press the Stop button of that id the next time that it comes: what is pressed from here may come after a quick job's end."""
    page.evaluate(
        "stop => { const look = new MutationObserver(() => { const button = document.getElementById(stop);"
        " if (button) { look.disconnect(); setTimeout(() => button.click()); } }); look.observe(document, { subtree: true, childList: true }); }",
        stop,
    )


def has(page, selector, number=1):
    """Wait until there are exactly so many of something."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_count(number, timeout=PATIENCE_S * 1000)


def says(page, selector, words):
    """Wait until these words can be read in something."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_contain_text(words, use_inner_text=True, timeout=PATIENCE_S * 1000)


def holds(page, selector, value):
    """Wait until a field has this value."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_value(value, timeout=PATIENCE_S * 1000)


def until(page, look):
    """Wait until ``look()`` finds something that is true, and return it: what one answer brings does not come all at once."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, f"after {PATIENCE_S} s still {found!r}"
        page.wait_for_timeout(50)
    return found


def text_of(page, selector):
    """What can be read in something now; nothing where it is not there."""
    return page.evaluate("s => document.querySelector(s)?.innerText ?? ''", selector)


def problem(page):
    """The sentence about what went wrong, once it is there: expected and not a bug, and read out to those who cannot see it."""
    page.locator('.av-problem[role="alert"]').wait_for()
    sentence = page.locator(".av-problem").inner_text()
    assert "report" not in sentence
    return sentence


def source(page, selector):
    """What a picture or a player shows."""
    return page.locator(selector).first.get_attribute("src")


def changed(page, selector, before):
    """Wait until a picture or a player shows something else than ``before``, a picture as a whole; returns its address."""
    page.wait_for_function(
        "([selector, before]) => { const e = document.querySelector(selector);"
        " return e && e.src && e.src !== before && (e.tagName !== 'IMG' || e.complete && e.naturalWidth > 0); }",
        arg=[selector, before],
    )
    return source(page, selector)


def click_on(page, selector, across, down):
    """Click on a picture, in shares of its width and height, once it is there as a whole: before that nobody knows its size."""
    page.wait_for_function("s => { const e = document.querySelector(s); return e?.complete && e.naturalWidth > 0; }", arg=selector)
    picture = page.locator(selector)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] * across, "y": box["height"] * down})


class Downloads:
    """The list of downloads of one tab."""

    def __init__(self, selector):
        self.selector = selector

    def names(self, page):
        """Names of the downloads."""
        return page.locator(f"{self.selector} a[download]").evaluate_all("links => links.map(link => link.download)")

    def are(self, page, names):
        """Wait until the downloads are these, in this order."""
        until(page, lambda: self.names(page) == names)

    def include(self, page, name):
        """Wait for a download of that name."""
        page.wait_for_selector(f'{self.selector} a[download="{name}"]', state="attached")

    def fetch(self, page, name):
        """Bytes of a download."""
        answer = page.request.get(page.locator(f'{self.selector} a[download="{name}"]').get_attribute("href"))
        assert answer.ok
        return answer.body()
