"""The Match tab in a real browser: every control is moved and its effect is seen. The network is a tiny one."""

from __future__ import annotations

import io
import json

import match_driver as on
import numpy as np
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, match_app):
    return on.open_tab(open_page, match_app)


def test_every_control_of_a_video(page, pairs):
    on.has(page, ".av-empty:visible")
    on.has(page, "#match-shift", 0)  # nothing to shift yet
    on.upload(page, "video", pairs / "Été à deux.mp4")
    on.match(page)
    on.has(page, ".av-empty:visible", 0)
    expected = [
        f"Été_à_deux_{name}" for name in ("scores.json", "plot.png", "where.mp4", "spectrogram.png", "embeddings.npz", "run.json")
    ]
    on.files_are(page, expected)
    own = on.scores(page, "Été_à_deux_scores.json")
    assert len(own["time_s"]) == 13
    on.says(page, "#match-verdict", f"{own['mean']:.2f}")
    page.wait_for_function("() => document.querySelector('#match-film video').readyState >= 2")
    with np.load(io.BytesIO(on.fetch(page, "Été_à_deux_embeddings.npz"))) as vectors:
        assert vectors["vision"].shape[0] == vectors["audio"].shape[0] == len(vectors["time_s"])

    # the sound later: score, plot, moment and files follow; and back
    plain, second = on.source(page, "#match-plot img"), on.source(page, "#match-second img")
    on.set_slider(page, "shift", 1)
    plot = on.changed(page, "#match-plot img", plain)
    on.changed(page, "#match-second img", second)
    later = "Été_à_deux_scores_sound-1.00s-later.json"
    on.files_include(page, later)
    assert on.scores(page, later)["mean"] != own["mean"]
    on.says(page, "#match-verdict", "later")
    page.locator("#match-shift button[aria-label='Reset to default value']").click()
    on.files_lack(page, later)
    on.until(page, lambda: "later" not in on.text_of(page, "#match-verdict"))

    # another sound: of one's own, and away with it
    on.set_slider(page, "shift", -0.5)
    page.get_by_text("Or swap in a sound of yours").click()
    on.upload(page, "swap-sound", pairs / "pluck.wav")
    on.files_include(page, "Été_à_deux_scores_with-Yours_pluck_sound-0.50s-earlier.json")
    on.holds(page, "#match-swap input", "Yours: pluck.wav")
    on.says(page, "#match-verdict", "“Yours: pluck.wav”")
    swapped = on.changed(page, "#match-plot img", plot)
    on.swap_for(page, "Its own sound")
    on.files_lack(page, "Été_à_deux_scores_with-Yours_pluck_sound-0.50s-earlier.json")
    on.changed(page, "#match-plot img", swapped)
    on.swap_for(page, "Yours: pluck.wav")
    on.files_include(page, "Été_à_deux_scores_with-Yours_pluck_sound-0.50s-earlier.json")
    page.locator("#match-swap-sound button[aria-label='Clear']").click()
    on.files_lack(page, "Été_à_deux_scores_with-Yours_pluck_sound-0.50s-earlier.json")
    on.holds(page, "#match-swap input", "Its own sound")

    # the film as it would be now, and the clip as it was given
    film = on.source(page, "#match-film video")
    page.locator("#match-again").click()
    film = on.changed(page, "#match-film video", film)
    on.says(page, "#match-film", "0.50 s earlier")
    on.files_include(page, "Été_à_deux_where_sound-0.50s-earlier.mp4")
    on.choose(page, "show", "As it was given")
    given = on.changed(page, "#match-film video", film)
    assert given != film
    on.choose(page, "show", "Where the sound comes from")
    on.changed(page, "#match-film video", given)
    on.set_slider(page, "shift", 0)
    on.files_lack(page, "Été_à_deux_scores_sound-0.50s-earlier.json")

    # how strong the heat is, in the frame and in the film
    frame, film = on.source(page, "#match-frame img"), on.source(page, "#match-film video")
    on.set_slider(page, "opacity", 0.05)
    frame = on.changed(page, "#match-frame img", frame)
    page.locator("#match-again").click()
    on.changed(page, "#match-film video", film)
    on.until(page, lambda: "earlier" not in on.text_of(page, "#match-film"))

    # another moment: by the slider, and from the film
    strongest = on.text_of(page, "#match-strongest")
    second = on.source(page, "#match-second img")
    on.go_elsewhere(page, 0.6, 3.0)
    frame = on.changed(page, "#match-frame img", frame)
    on.changed(page, "#match-second img", second)
    page.evaluate("() => { document.querySelector('#match-film video').currentTime = 3.2; }")
    page.wait_for_function("() => document.querySelector('#match-film video').currentTime > 3.1")
    page.locator("#match-current").click()
    on.changed(page, "#match-frame img", frame)
    on.until(page, lambda: on.moment(page) == pytest.approx(3.2, abs=0.11))
    on.until(page, lambda: on.text_of(page, "#match-strongest") != strongest)

    # units: of either side, by strength and by number; their moments can be heard
    gallery = "#match-gallery .thumbnail-item img"
    first = on.source(page, gallery)
    on.choose(page, "side", "Sounds")
    first = on.changed(page, gallery, first)
    on.says(page, "#match-gallery", "seconds of sound")
    page.locator("#match-strongest label").nth(1).click()
    number = page.locator("#match-strongest label").nth(1).inner_text().split()[0]
    page.wait_for_function("n => document.querySelector('#match-gallery').innerText.includes(`unit ${n} `)", arg=number)
    on.holds(page, "#match-unit input", number)
    first = on.source(page, gallery)
    other = "0" if number != "0" else "1"
    page.locator("#match-unit input").fill(other)
    page.wait_for_function("n => document.querySelector('#match-gallery').innerText.includes(`unit ${n} `)", arg=other)
    page.locator("#match-unit input").fill("99999")
    on.says(page, ".av-problem", "no unit 99999")
    page.locator("#match-strongest label").first.click()
    page.wait_for_selector(".av-problem", state="detached")
    heard = page.locator("#match-moment-sound a[download]").get_attribute("href")
    if page.locator("#match-gallery .thumbnail-item").count() > 1:
        page.locator("#match-gallery .thumbnail-item").nth(1).click()
        page.wait_for_function("b => document.querySelector('#match-moment-sound a[download]').href !== b", arg=heard)

    # windows further apart
    page.get_by_text("More", exact=True).click()
    on.choose(page, "step", "0.5 s")
    page.wait_for_function("() => document.querySelector('#match-verdict').innerText.includes('of 7 windows')")
    on.everything(page)
    on.until(page, lambda: len(on.scores(page, "Été_à_deux_scores.json")["time_s"]) == 7)

    # how it was made
    page.get_by_text("How this was made").click()
    on.says(page, ".av-facts:visible", "correspondence-compact")
    on.says(page, ".av-facts:visible", "7 windows")
    record = json.loads(on.fetch(page, "Été_à_deux_run.json"))
    assert record["inputs"]["picture"] == {**record["inputs"]["picture"], "path": None, "name": "Été à deux.mp4"}


def test_every_control_of_a_picture_and_a_sound(page, pairs):
    on.pair_mode(page)
    on.has(page, "#match-video", 0)
    on.upload(page, "picture", pairs / "guitar.png")
    on.upload(page, "sound", pairs / "pluck.wav")
    on.match(page)
    on.files_include(page, "guitar_with_pluck_where.png")
    on.files_include(page, "guitar_with_pluck_where.mp4")
    on.has(page, "#match-shift input[type=range]:disabled")  # a still has no time, and it says so
    on.says(page, "#match-shift", "still picture")
    plot = on.source(page, "#match-plot img")
    page.get_by_text("Or swap in a sound of yours").click()
    on.upload(page, "swap-sound", pairs / "pluck.wav")
    on.changed(page, "#match-plot img", plot)
    frame = on.source(page, "#match-frame img")
    on.set_slider(page, "opacity", 0.2)
    on.changed(page, "#match-frame img", frame)
    second = on.source(page, "#match-second img")
    on.go_elsewhere(page, 0.6, 2.4)
    on.changed(page, "#match-second img", second)
    on.choose(page, "mode", "A video")
    page.wait_for_selector("#match-video")
    on.has(page, "#match-picture", 0)
