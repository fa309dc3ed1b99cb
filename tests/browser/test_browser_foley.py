"""The Add sound tab in a real browser: every control is moved and its effect is seen. The network is a tiny one."""

from __future__ import annotations

import io
import json
import wave

import foley_driver as on
import numpy as np
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, foley_app):
    return on.open_tab(open_page, foley_app)


def sound(page, name="Mon_été_sound.wav"):
    """Samples of a download."""
    with wave.open(io.BytesIO(on.fetch(page, name))) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(float) / 32768


def record(page, name="Mon_été_run.json"):
    return json.loads(on.fetch(page, name))


def test_every_control(page, films):
    on.has(page, ".av-empty:visible")
    on.upload(page, films / "Mon été.mp4")
    on.go(page)
    on.has(page, ".av-empty:visible", 0)
    on.has(page, "#foley-growing", 0)
    on.lasts(page, 2.0, 0.11)
    kinds = ("with-sound.mp4", "sound.wav", "run.json", "loudness.png", "spectrogram.png")
    on.files_are(page, [f"Mon_été_{kind}" for kind in kinds])
    on.has(page, "#foley-take", 0)
    on.has(page, "#foley-waves", 0)
    on.has(page, "#foley-course img")
    on.says(page, "#foley-bars", "none of these")
    assert len(sound(page)) == 2 * 48_000

    # the seed, by Again and by its field; and back
    on.more(page)
    first, made = on.film(page), sound(page)
    on.go(page, "again")
    on.new_film(page, first)
    on.holds(page, "#foley-seed input", "1")
    on.until(page, lambda: record(page)["seed"] == 1)
    on.set_number(page, "seed", 0)
    on.go(page)
    on.until(page, lambda: np.array_equal(sound(page), made))

    # what decides the sound: variant and temperature
    for press, name, value in (
        ("frame: picture by picture", "variant", "frame"),
        ("seq: one look at the whole", "variant", "seq"),
    ):
        page.locator("#foley-variant").get_by_text(press).click()
        on.go(page)
        on.until(page, lambda name=name, value=value: record(page)["parameters"][name] == value)
        assert not np.array_equal(sound(page), made)
    page.locator("#foley-variant").get_by_text("flow: also what moves").click()
    on.set_number(page, "temperature", 0.5)
    on.go(page)
    on.until(page, lambda: record(page)["parameters"]["temperature"] == 0.5)
    assert not np.array_equal(sound(page), made)

    # what is done to it afterwards, at once: loudness, following, the video's own sound
    shown = on.film(page)
    on.set_number(page, "follow", 0)
    shown = on.new_film(page, shown)
    on.until(page, lambda: record(page)["parameters"]["follow"] == 0)
    plain = sound(page)
    on.set_number(page, "loudness", -12)
    shown = on.new_film(page, shown)
    on.until(page, lambda: np.abs(sound(page)).max() == pytest.approx(np.abs(plain).max() / 4, rel=0.03))
    course = on.source(page, "#foley-course img")
    on.set_number(page, "follow", 1)
    shown = on.new_film(page, shown)
    on.changed(page, "#foley-course img", course)
    on.until(page, lambda: record(page)["parameters"]["follow"] == 1)
    alone = sound(page)
    page.locator("#foley-own").get_by_text("Keep it, and mix this one in").click()
    shown = on.new_film(page, shown)
    on.until(page, lambda: record(page)["parameters"]["keep"])
    assert np.array_equal(sound(page), alone)
    page.locator("#foley-own").get_by_text("Replace it").click()
    on.new_film(page, shown)
    on.until(page, lambda: not record(page)["parameters"]["keep"])

    # several takes, to pick from
    page.locator("#foley-takes").get_by_text("3", exact=True).click()
    on.go(page)
    on.has(page, "#foley-waves img")
    on.has(page, "#foley-take input", 3)
    shown = on.film(page)
    on.include(page, "Mon_été_take-1_with-sound.mp4")
    page.locator("#foley-take").get_by_text("Take 3").click()
    on.new_film(page, shown)
    on.include(page, "Mon_été_take-3_sound.wav")
    assert not np.array_equal(sound(page, "Mon_été_take-3_sound.wav"), sound(page, "Mon_été_take-1_sound.wav"))
    assert record(page, "Mon_été_take-3_run.json")["parameters"]["take"] == 2

    # how it was made
    page.locator(".tabitem:has(#foley-go)").get_by_text("How this was made").click()
    on.says(page, ".av-facts:visible", "foley-compact, variant flow")


def test_a_photo(page, films):
    on.photo(page, films / "dog.png")
    on.set_number(page, "seconds", 2.5)
    on.go(page)
    on.lasts(page, 2.5, 0.1)
    on.include(page, "dog_with-sound.mp4")
    shown = on.film(page)
    on.set_number(page, "seconds", 1.5)
    on.go(page)
    on.new_film(page, shown)
    on.lasts(page, 1.5, 0.1)
    page.locator("#foley-mode").get_by_text("A video", exact=True).click()
    page.wait_for_selector("#foley-video")
    on.has(page, on.FILM)  # what is there stays
