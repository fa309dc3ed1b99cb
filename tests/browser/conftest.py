"""The real app in a process of its own, driven over HTTP and in a real browser.

The browser is the chromium of this machine; without one the browser tests skip, except in CI (``CI=true``), where they fail.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from diagnosis import SITE, pytest_runtest_makereport, watch  # noqa: F401 - pytest finds the hook here
from gestures import COUNT_STOPS, PATIENCE_S, slow_down

ROOT = Path(__file__).resolve().parents[2]
MAX_SECONDS = 100  # of the app under test; short, so that "too long" is a small file
START_SECONDS = 180  # patience with a busy machine; how fast it should be is a test of its own
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


def _load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def media_maker():
    """``tests/media/make_media.py``, which writes clips of every kind."""
    return _load(ROOT / "tests" / "media" / "make_media.py")


@dataclass
class App:
    """A running app."""

    url: str
    process: subprocess.Popen
    started_s: float  # processor seconds from the start of Python to the first page: what it takes on an idle machine
    log: list[str] = field(default_factory=list)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _processor_seconds(pid: int) -> float:
    """Processor time that a process has taken so far, where /proc tells; else 0."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def start_app(tmp_path_factory) -> Iterator[Callable[..., App]]:
    """Start ``python app.py`` on a free port; extra variables as keywords. All are stopped at the end."""
    running: list[App] = []

    def start(**variables: str) -> App:
        folder = tmp_path_factory.mktemp("app")
        port = _free_port()
        environment = {
            **os.environ, "AVDEMO_PORT": str(port), "AVDEMO_HOST": "127.0.0.1", "AVDEMO_WORK": str(folder / "work"),
            "GRADIO_TEMP_DIR": str(folder / "gradio"), "AVDEMO_MAX_SECONDS": str(MAX_SECONDS), "AVDEMO_DEVICE": "cpu",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(SITE), os.environ.get("PYTHONPATH")))), **variables,
        }  # fmt: skip
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        app = App(f"http://127.0.0.1:{port}/", process, 0.0)
        threading.Thread(target=lambda: app.log.extend(process.stdout), daemon=True).start()
        pause = threading.Event()
        while not _is_up(app.url):
            if process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                process.kill()
                pytest.fail("the app did not start:\n" + "".join(app.log))
            pause.wait(0.1)
        app.started_s = _processor_seconds(process.pid)
        running.append(app)
        return app

    yield start
    for app in running:
        app.process.terminate()
        try:
            app.process.wait(10)
        except subprocess.TimeoutExpired:
            app.process.kill()


@pytest.fixture(scope="session")
def app(start_app) -> App:
    """One app for all tests that do not need one of their own."""
    return start_app()


@pytest.fixture(scope="session")
def chromium():
    """A browser for the session."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    path = os.environ.get("CHROMIUM") or next(filter(None, found), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have playwright and a chromium")
        pytest.skip("needs playwright and a chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, app):
    """Open the page; what the console complains of is collected in ``page.complaints``.

    At the end there must be none but those that begin with one of ``page.forgiven``: a complaint may come later than what it is about.
    """
    contexts = []

    def open_it(url: str = app.url, width: int = 1280, height: int = 900, dark: bool = False, **options):
        scheme = "dark" if dark else "light"
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        contexts.append(context)
        context.add_init_script(COUNT_STOPS)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.complaints, page.forgiven = [], {"The play() request was interrupted"}  # a sound that plays by itself, gone at once
        watch(page)
        slow_down(page)
        # looks ten times a second instead of with every painted picture: a browser without a screen need not paint
        page.wait_for_function = functools.partial(page.wait_for_function, polling=100)
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        open_it.pages.append(page)
        page.goto(url)
        page.wait_for_selector("#pixels-video input[type=file]", state="attached")
        return page

    open_it.pages = []
    yield open_it
    pages = [page for context in contexts for page in context.pages]
    complaints = [text for page in pages for text in page.complaints if not text.startswith(tuple(page.forgiven))]
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page):
    """The page on a desk screen, light."""
    return open_page()


@pytest.fixture(scope="session")
def clips(tmp_path_factory, media_maker) -> Path:
    """Clips to upload: a good one with an awkward name, one of a kind browsers do not play, and every kind of bad one."""
    folder = tmp_path_factory.mktemp("clips")
    make, tone = media_maker.make_clip, media_maker.tone
    good = make(folder / "My clip é.mp4", 3.0, (320, 180), tones=(262.0, 330.0, 1180.0), channels=2)
    make(folder / "long.mp4", 60.0, (160, 96), 5, tones=(262.0, 990.0))
    make(folder / "old.avi", 2.0, (160, 120), codec="mpeg4", tones=(262.0, 990.0))
    make(folder / "tall.mp4", 2.0, (120, 214), rotation=90, tones=(262.0, 990.0))
    make(folder / "no sound.mp4", 2.0, tones=None)
    make(folder / "silent.mp4", 2.0, wav=0 * tone(2.0))
    make(folder / "blink.mp4", 0.3)
    make(folder / "too long.mp4", MAX_SECONDS + 5, (64, 48), 2)
    (folder / "nothing.mp4").touch()
    (folder / "text.mp4").write_text("This is a letter, not a video.\n" * 40, encoding="utf-8")
    media_maker.truncated(good, folder / "half.mp4", 0.5)
    return folder


@pytest.fixture(scope="session")
def pairs(tmp_path_factory, media_maker) -> Path:
    """Files for the Match tab: such that can be compared and such that cannot."""
    from match_driver import write_pairs

    return write_pairs(tmp_path_factory.mktemp("pairs"), media_maker)


@pytest.fixture(scope="session")
def match_app(start_app, tmp_path_factory) -> App:
    """An app whose judge of correspondence is a tiny untrained network: real, and quick."""
    from match_driver import write_weights

    return start_app(AVDEMO_WEIGHTS=str(write_weights(tmp_path_factory.mktemp("weights"))))


@pytest.fixture(scope="session")
def things(tmp_path_factory, media_maker) -> Path:
    """Files for the Imagine tab: sounds and pictures, and such that are none."""
    from imagine_driver import write_things

    return write_things(tmp_path_factory.mktemp("things"), media_maker)


@pytest.fixture(scope="session")
def imagine_app(start_app, tmp_path_factory) -> App:
    """An app whose ears, eyes and painters are a tiny untrained network: real, and quick."""
    from imagine_driver import write_weights

    return start_app(AVDEMO_WEIGHTS=str(write_weights(tmp_path_factory.mktemp("weights"))))


@pytest.fixture(scope="session")
def films(tmp_path_factory, media_maker) -> Path:
    """Files for the Add sound tab: videos and photos, and such that are none."""
    from foley_driver import write_films

    return write_films(tmp_path_factory.mktemp("films"), media_maker)


@pytest.fixture(scope="session")
def foley_app(start_app, tmp_path_factory) -> App:
    """An app whose writers of sound are tiny untrained networks: real, and quick."""
    from foley_driver import write_weights

    return start_app(AVDEMO_WEIGHTS=str(write_weights(tmp_path_factory.mktemp("weights"))))


@pytest.fixture(scope="session")
def mouths(tmp_path_factory, media_maker) -> Path:
    """Files for the Make lips speak tab: a photo and speech, and such that are none."""
    from lips_driver import write_things

    return write_things(tmp_path_factory.mktemp("mouths"), media_maker)


@pytest.fixture(scope="session")
def lips_app(start_app, tmp_path_factory) -> App:
    """An app whose lips are moved by a tiny untrained network: real, and quick."""
    from lips_driver import write_weights

    return start_app(AVDEMO_WEIGHTS=str(write_weights(tmp_path_factory.mktemp("weights"))))
