"""The examples are small, complete, and say where they come from; the drawn ones can be drawn again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_lips_input import EXAMPLES

from avdemo import media
from avdemo.corpora import make_lips_examples as make
from avdemo.errors import InputError


def listed() -> list[dict]:
    return json.loads((EXAMPLES / "examples.json").read_text(encoding="utf-8"))


def test_they_are_complete_small_and_as_the_maker_describes_them() -> None:
    assert listed() == [example.describe() for example in make.EXAMPLES]
    files = {name for entry in listed() for name in (entry["file"], entry["speech"])}
    assert {path.name for path in EXAMPLES.iterdir()} == files | {"examples.json", "README.md"}
    assert sum(path.stat().st_size for path in EXAMPLES.iterdir()) < 600_000
    for entry in listed():
        photo, speech = media.probe(EXAMPLES / entry["file"]), media.probe(EXAMPLES / entry["speech"])
        assert photo.kind == "image" and speech.kind == "audio" and 3 < speech.duration_s < 12
        if entry["box"]:
            left, top, side, _ = entry["box"]
            assert min(left, top) >= 0 and left + side <= photo.width and top + side <= photo.height


def test_pictures_are_made_again() -> None:
    for example in make.EXAMPLES:
        try:
            drawn = example.picture()
        except InputError as error:
            pytest.skip(str(error))  # no emoji font
        kept = media.read_image(EXAMPLES / f"{example.name}.jpg")
        assert drawn.shape == kept.shape and np.abs(drawn.astype(int) - kept).mean() < 4


def test_the_shipped_model_finds_the_mouths_and_closes_them_in_silence(tmp_path, monkeypatch) -> None:
    """Skips where the trained checkpoint is not there."""
    from avdemo.checkpoints.index import records
    from avdemo.lips import pipeline
    from avdemo.lips.resting import silence_of
    from avdemo.lips.speech import levels
    from avdemo.settings import get_settings

    monkeypatch.delenv("AVDEMO_WEIGHTS", raising=False)
    get_settings.cache_clear()
    pipeline.load_model.cache_clear()
    if pipeline.CHECKPOINT not in records():
        pytest.skip("this installation has no trained lips")
    portrait, alone = (pipeline.prepare(EXAMPLES / f"{name}.jpg") for name in ("portrait", "mouth"))
    assert portrait.kind == "face" and portrait.mouths[0].sure > pipeline.SURE
    (left, top, side, _), turn = pipeline.box_px(portrait, portrait.mouths[0].box)
    assert abs(left - 154) < 15 and abs(top - 211) < 15 and abs(side - 150) < 20 and 0 < turn < 8
    assert alone.kind == "crop" and alone.mouths[0].sure > pipeline.SURE
    speech = pipeline.read_speech(EXAMPLES / "portrait.m4a")
    spoken = pipeline.speak(portrait, speech, portrait.mouths[0].box, tmp_path)
    silence = silence_of(levels(speech.heard, speech.heard_rate))[: spoken.count]
    assert np.median(spoken.opening[silence > 0.9]) < 0.6 * np.median(spoken.opening[silence < 0.1])
