"""What the eye makes of pictures, and the sounds played from them: steady, without seams, the same for the same seed."""

import numpy as np
import pytest
import torch
from PIL import Image

from avdemo import media
from avdemo.crossmodal import looking, pipeline, playing
from avdemo.crossmodal.chance import noise
from avdemo.crossmodal.figures import magnitudes
from avdemo.crossmodal.models import stepper
from avdemo.crossmodal.verdict import OTHER
from avdemo.errors import Cancelled, InputError, LimitError


def test_look(shipped, image) -> None:
    told: list[float] = []
    seen = pipeline.look(str(image), progress=lambda share, words: told.append(share))
    assert seen.image == image and seen.thumbnail.shape == (100, 150, 3) and seen.thumbnail.dtype == np.uint8
    assert seen.feature.shape == (128,) and list(seen.probability)[-1] == OTHER
    assert sum(seen.probability.values()) == pytest.approx(1, abs=1e-5)
    assert seen.checkpoint["name"] == "crossmodal-compact" and told == sorted(told) and told[-1] == 1.0
    assert set(seen.timings) == {"read_s", "load_model_s", "look_s"}
    with pytest.raises(Cancelled):
        pipeline.look(image, cancelled=lambda: True)


def test_an_oblong_picture_is_seen_in_its_middle_and_whole(seen, make_media) -> None:
    picture = make_media.numbered_picture(5, (150, 100))
    views = looking.squares(picture, 32)
    assert views.shape == (2, 32, 32, 3)
    assert np.allclose(views[0, 16, 16], picture[50, 75], atol=12) and make_media.is_upright(views[1, 6:26])
    assert np.allclose(
        views[1, 1, 16], np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]), axis=0)
    )
    eye = seen.model.network.eye
    with torch.inference_mode():
        feature = eye.feature(torch.from_numpy(views)).mean(0).numpy()
    assert np.allclose(seen.feature, feature, atol=1e-5)
    assert len(looking.squares(picture[:, :100], 32)) == 1
    for size in ((3000, 30), (30, 3000)):
        assert looking.squares(np.zeros((*size, 3), np.uint8), 32).shape == (2, 32, 32, 3)


def test_a_rotated_photo_is_seen_upright(shipped, make_media, tmp_path) -> None:
    upright = make_media.numbered_picture(5, (120, 100))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned 90 degrees clockwise
    Image.fromarray(np.rot90(upright).copy()).save(tmp_path / "phone.png", exif=exif)
    seen = pipeline.look(tmp_path / "phone.png")
    assert seen.thumbnail.shape == (100, 120, 3) and make_media.is_upright(seen.thumbnail)


def test_what_is_said_of_pictures(shipped, image, sure, tmp_path) -> None:
    assert pipeline.look(image, checkpoint=sure("piano", 4.5)).sentence == "This looks like a piano (0.85)."
    cat = pipeline.look(image, checkpoint=sure(OTHER, 3.0, ("flute", 1.0)))
    assert not cat.known and cat.sentence.startswith("This does not look like any of the 16 instruments")
    plain = media.write_png(tmp_path / "grey.png", np.full((60, 60, 3), 130, np.uint8))
    seen = pipeline.look(plain, checkpoint=sure("piano", 4.5))
    assert not seen.known and seen.sentence == "There is nothing to see in grey.png: it is all of one colour."


def test_pictures_that_cannot_be_used(shipped, sound, image, make_media, tmp_path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "notes.png").write_text("no picture")
    tiny = media.write_png(tmp_path / "tiny.png", make_media.numbered_picture(1, (10, 10)))
    Image.new("1", (40_000, 3_000)).save(tmp_path / "huge.png")
    broken = make_media.truncated(image, tmp_path / "broken.png", 0.5)
    for path, kind, words in (
        (tmp_path / "empty.png", InputError, r"empty\.png"),
        (tmp_path / "notes.png", InputError, r"notes\.png"),
        (tmp_path / "lost.png", InputError, r"lost\.png"),
        (sound, InputError, r"Été\.wav is a video or a sound, and a picture is needed"),
        (tiny, InputError, r"tiny\.png is 10 x 10 pixels, too small"),
        (tmp_path / "huge.png", LimitError, r"huge\.png has 40000 x 3000 pixels; at most 110 megapixels"),
        (broken, InputError, r"broken\.png is (a )?damaged"),
    ):
        with pytest.raises(kind, match=words) as caught:
            pipeline.look(path)
        assert str(caught.value).endswith(".") and str(path.parent) not in str(caught.value)


# ---- playing


def test_play(seen) -> None:
    told: list[float] = []
    played = pipeline.play(seen, seed=3, seconds=2.5, progress=lambda share, words: told.append(share))
    window = played.window
    assert played.wav.shape == (1, 20_000) and played.wav.dtype == np.float32 and played.sample_rate == 8000
    assert played.lms.shape == (window.mels, 1 + -(-20_000 // window.hop)) and -1 <= played.lms.min() < played.lms.max() <= 1
    assert 20 * np.log10(np.sqrt(np.mean(played.wav**2))) == pytest.approx(playing.LOUDNESS_DB, abs=0.5)
    assert np.abs(played.wav).max() <= playing.PEAK and abs(played.wav[0, 0]) < 1e-4 and abs(played.wav[0, -1]) < 1e-4
    assert sum(played.heard.values()) == pytest.approx(1, abs=1e-5) and "Listening to it again" in played.sentence
    assert "Griffin-Lim" in played.method and told == sorted(told) and told[-1] == 1.0
    assert set(played.timings) == {"draw_s", "invert_s", "listen_again_s"}
    again = pipeline.play(seen, seed=3, seconds=2.5)
    assert (again.wav == played.wav).all() and (again.lms == played.lms).all()
    assert not np.allclose(pipeline.play(seen, seed=4, seconds=2.5).lms, played.lms, atol=0.01)


def test_the_ear_hears_what_was_played(seen) -> None:
    played = pipeline.play(seen, seconds=2.0)
    from avdemo.crossmodal.listening import hear

    _, shares, _, audible = hear(played.model, played.wav, stepper(None, None))
    assert np.allclose(list(played.heard.values()), shares[audible].mean(0), atol=1e-6)


def test_the_sound_has_the_spectrogram_that_was_drawn(seen) -> None:
    """Where the spectrogram is that of a sound: mel bands back to frequencies, and the phase, lose little."""
    from avdemo.crossmodal.hearing import log_mel_picture, picture_to_magnitude
    from avdemo.dsp.phase import griffin_lim

    window = seen.model.network.config.window
    rng = np.random.default_rng(0)
    wav = np.cumsum(rng.standard_normal((1, window.samples)), axis=1).astype(np.float32)
    wav = np.diff(wav, prepend=0) + 0.5 * np.sin(np.arange(window.samples) * 0.3, dtype=np.float32)
    lms = log_mel_picture(torch.from_numpy(wav), window)
    mag = picture_to_magnitude(lms, window)
    back = griffin_lim(mag, window.n_fft, window.hop, window.samples, iterations=playing.ROUNDS)
    assert float((log_mel_picture(back, window) - lms).abs().mean()) * window.range_db / 2 < 3.0  # dB


def test_a_longer_sound_begins_like_a_shorter_one(seen) -> None:
    short = playing.draw(seen.model, seen.feature, 5, 40, stepper(None, None))
    long = playing.draw(seen.model, seen.feature, 5, 200, stepper(None, None))
    steady = 32 - 32 // playing.OVERLAP  # frames of the first window that no other reaches
    assert torch.equal(short[:, :steady], long[:, :steady]) and short.shape == (32, 40) and long.shape == (32, 200)


def test_windows_of_one_sound_are_neighbours_and_loud_alike(seen) -> None:
    first = noise(9, 0, 4000)
    for number in (1, 2):
        z = playing._near(first, 9, number)
        assert z.std() == pytest.approx(1, abs=0.05)
        assert np.corrcoef(z, first)[0, 1] == pytest.approx(np.sqrt(1 - playing.NEIGHBOURHOOD**2), abs=0.03)
    assert (playing._near(first, 9, 0) == first).all()
    window = seen.model.network.config.window
    lms = playing.draw(seen.model, seen.feature, 9, 8 * 24 + 8, stepper(None, None)).numpy()
    power = 10 ** (lms * window.range_db / 20)
    alone = [power[:, k * 24 + 8 : k * 24 + 24].mean() for k in range(8)]  # where one window stands alone
    assert 10 * np.log10(max(alone) / min(alone)) < 4


def test_no_seam_is_quieter_or_louder_than_what_is_beside_it(seen, monkeypatch) -> None:
    """Windows of noise of one colour, each another: the joined sound keeps its level through every crossfade."""
    model = seen.model
    window = model.network.config.window
    made: list[int] = []

    def noisy(feature, z):
        made.append(0)
        generator = torch.Generator().manual_seed(len(made))
        return torch.log(torch.rand(1, window.mels, window.frames, generator=generator) + 1e-4) / 9.21

    monkeypatch.setattr(model.network, "play", noisy)
    lms = playing.draw(model, seen.feature, 0, 8 * 24 + 8, stepper(None, None)).numpy()
    level = (10 ** (lms * window.range_db / 20)).mean(0)
    seams = np.zeros(len(level), bool)
    for start in range(24, 8 * 24, 24):
        seams[start : start + 8] = True
    assert len(made) == 8 and abs(10 * np.log10(level[seams].mean() / level[~seams].mean())) < 0.5


def test_an_empty_window_is_not_blown_up(seen, monkeypatch) -> None:
    window = seen.model.network.config.window
    levels = iter([0.5, -0.9])
    monkeypatch.setattr(seen.model.network, "play", lambda feature, z: torch.full((1, window.mels, window.frames), next(levels)))
    lms = playing.draw(seen.model, seen.feature, 0, 56, stepper(None, None))
    lifted = playing.LIFT_DB / (window.range_db / 2)
    assert float(lms[0, 0]) == pytest.approx(0.5, abs=1e-4) and float(lms[0, -1]) == pytest.approx(-0.9 + lifted, abs=1e-3)


@pytest.mark.parametrize(
    ("seconds", "kind"), [(0.0, InputError), (-1, InputError), (float("nan"), InputError), (20.5, LimitError)]
)
def test_lengths_that_cannot_be_played(seen, seconds, kind) -> None:
    with pytest.raises(kind, match=r"A sound of .* seconds .*; ask for"):
        pipeline.play(seen, seconds=seconds)


def test_loudness(seen) -> None:
    quiet = pipeline.play(seen, seconds=0.5, loudness_db=-40)
    assert 20 * np.log10(np.sqrt(np.mean(quiet.wav**2))) == pytest.approx(-40, abs=0.5)
    with pytest.raises(InputError, match="loudness"):
        pipeline.play(seen, loudness_db=3)


def test_stopping_at_every_step(seen) -> None:
    asked: list[int] = []
    pipeline.play(seen, seconds=1.0, cancelled=lambda: bool(asked.append(0)))
    for number in (*range(5), len(asked) // 2, len(asked) - 1):
        left = iter([False] * number + [True])
        with pytest.raises(Cancelled):
            pipeline.play(seen, seconds=1.0, cancelled=lambda left=left: next(left))


# ---- figures


def test_the_spectrogram_is_drawn_where_the_bands_lie(heard, seen) -> None:
    picture = pipeline.spectrogram_picture(heard, title="What the model hears")
    assert picture.shape == (480, 960, 3) and picture.dtype == np.uint8 and picture.std() > 20
    assert pipeline.spectrogram_picture(pipeline.play(seen, seconds=1.0), size=(640, 360)).shape == (360, 640, 3)
    window = heard.window
    lms = np.full((window.mels, 5), -1.0, np.float32)
    lms[20] = 0.5
    rows = magnitudes(lms, window)
    assert rows.shape == lms.shape and abs(int(rows[:, 2].argmax()) - 20) <= 1  # 40 Hz of 4 kHz: nearly the same rows
    assert 20 * np.log10(rows.max()) == pytest.approx((0.5 - 1) * window.range_db / 2, abs=6)
    assert rows.min() == pytest.approx(1e-4)
