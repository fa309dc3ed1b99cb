"""What a failed browser test leaves behind: what the page says, which requests are open, what the app logs and where its threads are.

A wait that runs out says nothing by itself of who let whom wait.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

SITE = Path(__file__).parent / "site"  # a Python that finds it prints where its threads are when SIGUSR1 comes
PATIENCE_S = 5.0
LAST = 40
LOOK = """async () => {
  const frame = new Promise(done => { requestAnimationFrame(() => done('painted')); setTimeout(() => done('not painted within 1 s'), 1000); });
  return { visible: document.visibilityState, frame: await frame,
    says: [...document.querySelectorAll('.av-status, .toast-body, .av-problem')].map(e => e.innerText),
    waits: [...document.querySelectorAll('.wrap.generating, .wrap.translucent, .progress-text')].map(e => e.innerText).filter(Boolean),
    fields: [...document.querySelectorAll('input[type=number]')].map(e => (e.closest('[id]')?.id ?? '?') + '=' + e.value),
    buttons: [...document.querySelectorAll('button[id]')].map(e => e.id) };
}"""


def watch(page) -> None:
    """Remember the page's requests: in ``page.asked`` all of them, in ``page.open_requests`` those without an answer so far."""
    page.asked, page.open_requests = [], {}
    begun = time.monotonic()

    def asked(request) -> None:
        page.open_requests[request] = request.url
        if "/assets/" in request.url:
            return
        body = (request.post_data or "")[:300] if "/queue/join" in request.url else ""
        page.asked.append(f"{time.monotonic() - begun:7.2f} s {request.method} {request.url} {body}")

    page.on("request", asked)
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: page.open_requests.pop(request, None))


def threads_of(app) -> str:
    """What the app printed when asked where its threads are, without those that wait for work; empty where it cannot be asked."""
    before = len(app.log)
    os.kill(app.process.pid, signal.SIGUSR1)
    pause, end = threading.Event(), time.monotonic() + PATIENCE_S
    while len(app.log) == before and time.monotonic() < end:
        pause.wait(0.1)
    pause.wait(0.3)  # until the rest has come through the pipe
    stacks = "".join(app.log[before:]).split("\n\n")
    return "\n\n".join(stack for stack in stacks if "queue.py" not in "".join(stack.splitlines()[1:3]))


def of_page(page) -> str:
    """The page's side of it."""
    try:
        seen = page.evaluate(LOOK)
    except Exception as error:  # a page that crashed is an answer too
        seen = f"the page does not answer: {error}"
    lines = [f"{page.url}", f"{seen}", "open requests:", *page.open_requests.values(), "last requests:", *page.asked[-LAST:]]
    return "\n".join([*lines, "console:", *page.complaints])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add both sides to the report of a browser test that failed."""
    report = yield
    if report.when == "call" and report.failed:
        values = getattr(item, "funcargs", {})
        for page in values.get("open_page").pages if "open_page" in values else ():
            report.sections.append(("the page", of_page(page)))
        for name, app in values.items():
            if name.endswith("app") and hasattr(app, "process") and app.process.poll() is None:
                log = "".join(app.log[-LAST:])
                report.sections.append((f"the app behind {name}", log + threads_of(app)))
    return report
