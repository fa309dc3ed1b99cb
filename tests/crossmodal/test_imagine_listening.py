"""What the ear makes of sounds, with a tiny real model behind the public name."""

import numpy as np
import pytest
import torch

from avdemo.crossmodal import listening, pipeline
from avdemo.crossmodal.hearing import log_mel_picture
from avdemo.crossmodal.verdict import OTHER, named, verdict
from avdemo.errors import Cancelled, InputError, LimitError, NoAudioError, WeightsError
from avdemo.settings import get_settings

RATE = 44_100


def test_listen_hears_every_window(shipped, sound) -> None:
    told: list[tuple[float, str]] = []
    heard = pipeline.listen(str(sound), progress=lambda share, words: told.append((share, words)))
    window = heard.model.network.config.window
    assert heard.sound == sound and heard.sample_rate == window.sample_rate == 8000
    assert heard.duration_s == pytest.approx(2.0, abs=0.01) and heard.wav.shape == (1, round(heard.duration_s * 8000))
    assert heard.lms.shape == (window.mels, 1 + heard.wav.shape[1] // window.hop) and heard.lms.dtype == np.float32
    assert -1 <= heard.lms.min() < heard.lms.max() <= 1
    half = window.seconds / 2
    assert heard.time_s[0] == pytest.approx(half) and np.diff(heard.time_s)[:-1] == pytest.approx(half, abs=1e-3)
    assert heard.time_s[-1] == pytest.approx(heard.duration_s - half, abs=1e-3)  # the last window ends with the sound
    assert heard.probabilities.shape == (len(heard.time_s), 17) and np.allclose(heard.probabilities.sum(1), 1, atol=1e-5)
    assert list(heard.probability) == [*heard.model.network.config.kinds, OTHER]
    assert sum(heard.probability.values()) == pytest.approx(1, abs=1e-5)
    assert heard.kind == max(heard.model.network.config.kinds, key=heard.probability.get)
    assert heard.feature.shape == (128,) and heard.feature.dtype == np.float32 and heard.audible.all()
    assert -40 < heard.level_db < 0 and not heard.is_silent and heard.notes == []
    assert heard.checkpoint["name"] == "crossmodal-compact" and len(heard.checkpoint["sha256"]) == 64
    assert set(heard.timings) == {"load_model_s", "read_s", "listen_s"}
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == 1.0 and any(words.startswith("Listening: window 1 of") for _, words in told)
    assert pipeline.load_model(pipeline.CHECKPOINT) is heard.model  # loaded once


def test_each_window_is_heard_by_itself_and_the_average_is_kept(heard) -> None:
    network, window = heard.model.network, heard.model.network.config.window
    first = window.samples // 2 * 2
    with torch.inference_mode():
        feature = network.ear.feature(network.ear.spectrogram(torch.from_numpy(heard.wav[:, first : first + window.samples])))
        share = network.ear.answer(feature).softmax(1)[0].numpy()
    assert np.allclose(heard.probabilities[2], share, atol=1e-5)
    assert np.allclose(list(heard.probability.values()), heard.probabilities.mean(0), atol=1e-6)
    assert np.ptp(heard.probabilities, axis=0).max() > 1e-3  # windows do differ


def test_the_spectrogram_in_pieces_is_the_whole(heard, monkeypatch) -> None:
    whole = log_mel_picture(torch.from_numpy(heard.wav), heard.window)[0].numpy()
    assert np.allclose(heard.lms, whole, atol=1e-5)
    monkeypatch.setattr(listening, "CHUNK_FRAMES", 37)
    assert np.allclose(listening.spectrogram_of(heard.model, heard.wav), whole, atol=1e-4)


def test_a_video_is_heard_by_its_sound(shipped, make_media, tmp_path) -> None:
    video = make_media.make_clip(tmp_path / "clip.mp4", 2.0, (64, 48), 10, wav=make_media.swelling(2.0))
    heard = pipeline.listen(video)
    alone = pipeline.listen(make_media.make_sound(tmp_path / "alone.wav", make_media.swelling(2.0)))
    assert heard.duration_s == pytest.approx(2.0, abs=0.05)
    assert np.corrcoef(heard.lms[:, 2:120].ravel(), alone.lms[:, 2:120].ravel())[0, 1] > 0.95


def test_pauses_do_not_count(shipped, make_media, tmp_path) -> None:
    wav = make_media.swelling(3.0)
    wav[:, RATE:] *= 1e-3
    heard = pipeline.listen(make_media.make_sound(tmp_path / "pause.wav", wav))
    assert 0 < heard.audible.sum() < len(heard.audible)
    assert np.allclose(list(heard.probability.values()), heard.probabilities[heard.audible].mean(0), atol=1e-6)


def test_a_short_sound_is_filled_up_and_says_so(shipped, make_media, tmp_path) -> None:
    heard = pipeline.listen(make_media.make_sound(tmp_path / "blink.wav", make_media.swelling(0.3)))
    assert len(heard.time_s) == 1 and heard.time_s[0] == pytest.approx(0.15, abs=0.01)
    (note,) = heard.notes
    assert "blink.wav lasts 0.3 seconds" in note and "filled up with silence" in note


def test_silence_is_nothing_known(shipped, make_media, tmp_path) -> None:
    for seconds in (0.2, 2.0):
        heard = pipeline.listen(make_media.make_sound(tmp_path / "hush.wav", np.zeros((1, round(seconds * RATE)), np.float32)))
        assert heard.is_silent and not heard.known and not heard.audible.any()
        assert heard.sentence == "Nothing can be heard in hush.wav: it is silent."
        assert pipeline.paint(heard, count=1).shape == (1, 32, 32, 3)
        assert heard.lms.max() == -1


def test_quiet_and_loud_are_heard_alike(shipped, make_media, tmp_path) -> None:
    loud = pipeline.listen(make_media.make_sound(tmp_path / "loud.flac", make_media.swelling(2.0), codec="flac"))
    soft = pipeline.listen(make_media.make_sound(tmp_path / "soft.wav", make_media.swelling(2.0) / 8, codec="pcm_f32le"))
    assert soft.level_db == pytest.approx(loud.level_db - 18, abs=0.3)
    assert np.allclose(loud.feature, soft.feature, atol=0.05 * loud.feature.max())


# ---- what is said


def test_a_known_sound(shipped, sound, sure) -> None:
    heard = pipeline.listen(sound, checkpoint=sure("accordion", 4.5))
    assert heard.known and heard.kind == "accordion" and heard.sentence == "This sounds like an accordion (0.85)."


def test_what_is_none_of_the_kinds(shipped, sound, sure) -> None:
    heard = pipeline.listen(sound, checkpoint=sure(OTHER, 3.0, ("flute", 1.0)))
    assert not heard.known and heard.kind == "flute"
    assert heard.sentence == (
        "This does not sound like any of the 16 instruments that this model knows; the nearest is flute (0.07)."
    )


def test_verdicts() -> None:
    def said(*shares: float, sense="hear"):
        return verdict(("drums", "tuba"), np.array(shares, np.float32), sense)

    assert said(0.9, 0.05, 0.05).sentence == "This sounds like drums (0.90)." and said(0.9, 0.05, 0.05).known
    assert said(0.1, 0.8, 0.1, sense="see").sentence == "This looks like a tuba (0.80)."
    unsure = said(0.38, 0.35, 0.27)
    assert not unsure.known and unsure.sentence == (
        "The model is not sure what it hears here; the nearest is drums (0.38), then tuba (0.35)."
    )
    assert said(0.1, 0.3, 0.6, sense="see").sentence == (
        "This does not look like any of the 2 instruments that this model knows; the nearest is tuba (0.30)."
    )
    assert not said(0.5, 0.0, 0.5).known
    assert said(0.2, 0.1, 0.1).sentence.startswith("This does not sound like any")  # nothing is near
    assert (named("accordion"), named("bagpipes"), named("violin")) == ("an accordion", "bagpipes", "a violin")


def test_the_feature_of_a_known_kind_is_that_of_the_windows_which_sound_like_it(heard, monkeypatch) -> None:
    first, second = heard.model.network.config.kinds[:2]

    def two_instruments(model, wav, step):
        shares = np.zeros((5, 17), np.float32)
        shares[:3, 0], shares[3:, 1] = 1, 1
        return np.arange(5.0), shares, np.arange(5, dtype=np.float32)[:, None] * np.ones((1, 128), np.float32), np.ones(5, bool)

    monkeypatch.setattr(listening, "hear", two_instruments)
    both = listening.listen_to(heard.model, heard.wav, heard.sound, lambda share, words: None)
    assert both.known and both.kind == first and both.probability[second] == pytest.approx(0.4)
    assert (both.feature == 1.0).all() and any(f"more like {second}" in note for note in both.notes)


def test_windows_that_disagree_are_named() -> None:
    kinds = ("drums", "tuba")
    shares = np.array([[0.8, 0.1, 0.1]] * 3 + [[0.1, 0.8, 0.1]], np.float32)
    (note,) = listening._disagreement(kinds, shares, verdict(kinds, shares.mean(0), "hear"))
    assert note == "In 1 of 4 windows it sounds more like tuba; what is painted follows the drums."
    assert listening._disagreement(kinds, shares[:3], verdict(kinds, shares[0], "hear")) == []


# ---- what cannot be heard


def refuse(kind: type, words: str, file, **options) -> None:
    with pytest.raises(kind, match=words) as caught:
        pipeline.listen(file, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".") and str(file.parent) not in sentence


def test_refusals(shipped, image, make_media, tmp_path, monkeypatch) -> None:
    mute = make_media.make_clip(tmp_path / "mute.mp4", 1.0, (64, 48), 10, tones=None)
    refuse(NoAudioError, r"mute\.mp4 is a video without a sound track", mute)
    refuse(NoAudioError, r"guitar\.png is a picture, and a sound is needed", image)
    (tmp_path / "empty.wav").touch()
    refuse(InputError, r"empty\.wav", tmp_path / "empty.wav")
    (tmp_path / "notes.mp3").write_text("not a sound")
    refuse(InputError, r"notes\.mp3", tmp_path / "notes.mp3")
    refuse(InputError, r"lost\.wav", tmp_path / "lost.wav")
    refuse(InputError, r"click\.wav lasts 0 seconds", make_media.make_sound(tmp_path / "click.wav", make_media.tone(0.04)))
    monkeypatch.setenv("AVDEMO_MAX_SECONDS", "1")
    get_settings.cache_clear()
    refuse(LimitError, r"long\.wav lasts 3 seconds", make_media.make_sound(tmp_path / "long.wav", make_media.tone(3.0)))


def test_no_weights(shipped, sound, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("AVDEMO_WEIGHTS", str(tmp_path / "none"))
    get_settings.cache_clear()
    pipeline.load_model.cache_clear()
    refuse(WeightsError, "crossmodal-compact", sound)


def test_stopping(shipped, sound, monkeypatch) -> None:
    monkeypatch.setattr(listening, "BATCH", 2)
    asked: list[int] = []
    with pytest.raises(Cancelled):
        pipeline.listen(sound, cancelled=lambda: len(asked) == 3 or asked.append(0))
    assert len(asked) == 3
