"""The Imagine tab in a real browser: every control is moved and its effect is seen. The network is a tiny one."""

from __future__ import annotations

import io
import json
import wave
import zipfile

import imagine_driver as on
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, imagine_app):
    return on.open_tab(open_page, imagine_app)


def test_every_control_from_sound_to_picture(page, things):
    on.has(page, ".av-empty:visible")
    on.upload(page, "sound", things / "Été.wav")
    on.go(page, "sound")
    on.has(page, ".av-empty:visible", 0)
    on.has(page, on.TILES, 16)
    on.says(page, "#imagine-heard-bars", "none of these")
    on.says(page, "#imagine-judgement", "of 16")
    tiles = page.locator(on.TILES)
    on.until(page, lambda: all(any(digit in words for digit in "0123456789") for words in tiles.all_inner_texts()))
    expected = [f"Été_{name}" for name in ("spectrogram.png", "grid.png", "pictures.zip", "run.json")]
    on.files_are(page, "sound", expected)
    with zipfile.ZipFile(io.BytesIO(on.fetch(page, "sound", "Été_pictures.zip"))) as archive:
        assert len(archive.namelist()) == 16

    # the seed, by its field and by Again; and back
    first = on.first_tile(page)
    page.locator("#imagine-again-sound").click()
    second = on.new_tile(page, first)
    on.holds(page, "#imagine-seed input", "1")
    on.until(page, lambda: json.loads(on.fetch(page, "sound", "Été_run.json"))["seed"] == 1)
    on.set_number(page, "seed", 0)
    first = on.new_tile(page, second)

    # how many, and by which painter
    on.set_number(page, "count", 5)
    page.wait_for_function(f"() => document.querySelectorAll('{on.TILES}').length === 5")
    on.done(page, "sound")
    page.locator("#imagine-variant").get_by_text("N: no mismatches").click()
    plain = on.new_tile(page, on.first_tile(page))
    page.locator("#imagine-variant").get_by_text("A: autoencoder").click()
    on.new_tile(page, plain)
    on.has(page, on.TILES)
    on.says(page, "#imagine-judgement", "instead of 5")
    page.locator("#imagine-variant").get_by_text("C: all terms").click()
    page.wait_for_function(f"() => document.querySelectorAll('{on.TILES}').length === 5")
    on.done(page, "sound")

    # a click chooses the picture that goes on
    chosen = on.source(page, "#imagine-chosen img")
    words = on.until(page, lambda: on.text_of(page, "#imagine-chosen-words"))  # the judge's favourite is chosen at first
    number = 4 if "Picture 3" in words else 3
    page.locator(on.TILES).nth(number - 1).click()
    on.changed(page, "#imagine-chosen img", chosen)
    page.get_by_role("button", name=f"Round trip through picture {number}").click()
    page.wait_for_selector("#imagine-hop-sound-2 #waveform")
    on.include(page, "sound", "Été_round-trip.wav")
    on.says(page, "#imagine-hop-words-sound-1", f"Picture {number}")
    on.done(page, "sound")

    # a clip towards a second sound
    page.get_by_text("Blend towards a second sound").click()
    on.upload(page, "second", things / "pluck.wav")
    on.set_number(page, "seconds", 1.5)
    page.locator("#imagine-blend").click()
    page.wait_for_selector("#imagine-clip video", state="attached")
    page.wait_for_function("() => Math.abs(document.querySelector('#imagine-clip video').duration - 1.5) < 0.2")
    on.include(page, "sound", "Été_to_pluck.mp4")
    on.done(page, "sound")

    # how it was made
    page.get_by_text("How this was made").first.click()
    on.says(page, ".av-facts:visible", "crossmodal-compact")
    record = json.loads(on.fetch(page, "sound", "Été_run.json"))
    assert record["parameters"]["count"] == 5 and record["inputs"]["sound"]["path"] is None

    # on into the other direction
    page.get_by_role("button", name=f"Hear picture {number}").click()
    page.wait_for_selector("#imagine-made #waveform")
    on.done(page, "picture")
    on.has(page, "#imagine-picture img")
    on.has(page, "#imagine-gallery", 0)
    on.include(page, "picture", f"Été_picture-{number}_sound.wav")


def test_every_control_from_picture_to_sound(page, things):
    on.other_way(page)
    on.upload(page, "picture", things / "guitar.png")
    on.go(page, "picture")
    on.files_are(page, "picture", [f"guitar_{name}" for name in ("sound.wav", "spectrogram.png", "run.json")])
    on.says(page, "#imagine-seen-bars", "none of these")
    on.says(page, "#imagine-hears", "Listening to it again")
    on.says(page, "#imagine-method", "Griffin-Lim")

    # the seed, by its field and by Again
    first, drawn = on.made(page), on.source(page, "#imagine-drawn img")
    page.locator("#imagine-again-picture").click()
    second = on.new_sound(page, first)
    drawn = on.changed(page, "#imagine-drawn img", drawn)
    on.holds(page, "#imagine-tune-seed input", "1")
    on.set_number(page, "tune-seed", 7)
    third = on.new_sound(page, second)

    # how long, how loud
    on.set_number(page, "length", 3)
    longer = on.new_sound(page, third)

    def made():
        with wave.open(io.BytesIO(on.fetch(page, "picture", "guitar_sound.wav"))) as sound:
            return sound.getnframes() / sound.getframerate(), max(sound.readframes(sound.getnframes()))

    on.until(page, lambda: made()[0] == pytest.approx(3.0, abs=0.01))
    assert made()[1] > 0
    on.set_number(page, "loudness", -35)
    on.new_sound(page, longer)
    on.until(page, lambda: json.loads(on.fetch(page, "picture", "guitar_run.json"))["parameters"]["loudness_db"] == -35)
    record = json.loads(on.fetch(page, "picture", "guitar_run.json"))
    assert record["parameters"]["seconds"] == 3 and record["seed"] == 7

    # round, and on into the other direction
    page.locator("#imagine-go-round-picture").click()
    page.wait_for_selector("#imagine-hop-picture-2 img")
    on.include(page, "picture", "guitar_round-trip.png")
    on.done(page, "picture")
    page.locator("#imagine-carry-back").click()
    page.wait_for_selector(f"{on.TILES} img")
    on.done(page, "sound")
    on.include(page, "sound", "guitar_sound_run.json")
    on.other_way(page)
    on.has(page, "#imagine-made #waveform")  # both directions keep what they have
