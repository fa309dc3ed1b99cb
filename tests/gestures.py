"""What can be seen and fetched on any tab, for the browser tests' drivers."""

from __future__ import annotations

#: For every page: counts how often each Stop button has come. A quick job's is there for a moment only, and a look could miss it.
COUNT_STOPS = """window.stops = {}; new MutationObserver(records => {
  for (const { addedNodes } of records) for (const node of addedNodes) if (node.querySelectorAll)
    for (const e of [node, ...node.querySelectorAll("[id*='-stop']")]) if (e.id?.includes('-stop')) stops[e.id] = (stops[e.id] ?? 0) + 1;
}).observe(document, { subtree: true, childList: true });"""


def press(page, button, stop):
    """Press a button and wait until its job has begun: until the Stop button of that id has come, whether or not it is there still."""
    before = page.evaluate("id => window.stops[id] ?? 0", stop)
    page.locator(f"#{button}").click()
    page.wait_for_function("([id, before]) => (window.stops[id] ?? 0) > before", arg=[stop, before])


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


class Downloads:
    """The list of downloads of one tab."""

    def __init__(self, selector):
        self.selector = selector

    def names(self, page):
        """Names of the downloads."""
        return page.locator(f"{self.selector} a[download]").evaluate_all("links => links.map(link => link.download)")

    def include(self, page, name):
        """Wait for a download of that name."""
        page.wait_for_selector(f'{self.selector} a[download="{name}"]', state="attached")

    def fetch(self, page, name):
        """Bytes of a download."""
        answer = page.request.get(page.locator(f'{self.selector} a[download="{name}"]').get_attribute("href"))
        assert answer.ok
        return answer.body()
