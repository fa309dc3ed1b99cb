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
    tiles = page.locator(on.TILES)
    on.has(page, ".av-empty:visible", 0)
    assert tiles.count() == 16
    assert "none of these" in page.locator("#imagine-heard-bars").inner_text()
    assert "of 16" in page.locator("#imagine-judgement").inner_text()
    assert all(any(digit in words for digit in "0123456789") for words in tiles.all_inner_texts())
    expected = [f"Été_{name}" for name in ("spectrogram.png", "grid.png", "pictures.zip", "run.json")]
    assert on.files(page, "sound") == expected
    with zipfile.ZipFile(io.BytesIO(on.fetch(page, "sound", "Été_pictures.zip"))) as archive:
        assert len(archive.namelist()) == 16

    # the seed, by its field and by Again; and back
    first = on.first_tile(page)
    page.locator("#imagine-again-sound").click()
    second = on.new_tile(page, first)
    assert page.locator("#imagine-seed input").input_value() == "1"
    assert json.loads(on.fetch(page, "sound", "Été_run.json"))["seed"] == 1
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
    assert "instead of 5" in page.locator("#imagine-judgement").inner_text()
    page.locator("#imagine-variant").get_by_text("C: all terms").click()
    page.wait_for_function(f"() => document.querySelectorAll('{on.TILES}').length === 5")
    on.done(page, "sound")

    # a click chooses the picture that goes on
    chosen = on.source(page, "#imagine-chosen img")
    number = (
        4 if "Picture 3" in page.locator("#imagine-chosen-words").inner_text() else 3
    )  # the judge's favourite is chosen at first
    page.locator(on.TILES).nth(number - 1).click()
    on.changed(page, "#imagine-chosen img", chosen)
    page.get_by_role("button", name=f"Round trip through picture {number}").click()
    page.wait_for_selector("#imagine-hop-sound-2 #waveform")
    on.include(page, "sound", "Été_round-trip.wav")
    assert f"Picture {number}" in page.locator("#imagine-hop-words-sound-1").inner_text()
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
    assert "crossmodal-compact" in page.locator(".av-facts:visible").inner_text()
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
    assert on.files(page, "picture") == [f"guitar_{name}" for name in ("sound.wav", "spectrogram.png", "run.json")]
    assert "none of these" in page.locator("#imagine-seen-bars").inner_text()
    assert "Listening to it again" in page.locator("#imagine-hears").inner_text()
    assert "Griffin-Lim" in page.locator("#imagine-method").inner_text()

    # the seed, by its field and by Again
    first, drawn = on.made(page), on.source(page, "#imagine-drawn img")
    page.locator("#imagine-again-picture").click()
    second = on.new_sound(page, first)
    drawn = on.changed(page, "#imagine-drawn img", drawn)
    assert page.locator("#imagine-tune-seed input").input_value() == "1"
    on.set_number(page, "tune-seed", 7)
    third = on.new_sound(page, second)

    # how long, how loud
    on.set_number(page, "length", 3)
    longer = on.new_sound(page, third)
    with wave.open(io.BytesIO(on.fetch(page, "picture", "guitar_sound.wav"))) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(3.0, abs=0.01)
        loud = max(sound.readframes(sound.getnframes()))
    assert loud
    on.set_number(page, "loudness", -35)
    on.new_sound(page, longer)
    record = json.loads(on.fetch(page, "picture", "guitar_run.json"))
    assert record["parameters"]["loudness_db"] == -35 and record["parameters"]["seconds"] == 3 and record["seed"] == 7

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
