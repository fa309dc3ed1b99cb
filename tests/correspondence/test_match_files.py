"""What is written: the film, the pictures, and all of it by one call that can be replayed."""

import json

import numpy as np
import pytest

from avdemo import media
from avdemo.correspondence import figures, pipeline
from avdemo.errors import Cancelled, InputError
from avdemo.replay import replay


def test_the_film_has_the_length_the_shape_and_the_sound_of_the_video(clip, tmp_path) -> None:
    told: list[float] = []
    path = pipeline.film(clip, tmp_path / "where.mp4", progress=lambda share, text: told.append(share))
    info = media.probe(path)
    assert info.has_audio and info.fps == pytest.approx(10, abs=0.01) and info.duration_s == pytest.approx(3.0, abs=0.05)
    assert info.width == 320 and info.height > 64  # wide enough for the words of the colour bar under it
    assert told == sorted(told) and told
    own = media.read_audio(clip.picture, 8000, mono=True)[0, :22_000]
    film = media.read_audio(path, 8000, mono=True)[0, :22_000]
    assert np.corrcoef(own, film)[0, 1] > 0.9


def test_the_film_shows_each_frame_with_its_heat(clip, sure, tmp_path, make_media) -> None:
    plain = pipeline.film(clip, tmp_path / "plain.mp4", opacity=0.0)
    frames = media.read_frames(plain, [0.0, 1.2, 2.8])[:, :64, 112:208]
    assert [make_media.read_number(frame) for frame in frames] == [0, 12, 28]
    for answer, change in ((3.0, True), (-9.0, False)):
        film = pipeline.film(sure(clip, answer), tmp_path / "sure.mp4", opacity=1.0)
        differs = np.abs(media.read_frames(film, [1.2])[0, :64, 112:208].astype(int) - frames[1]).mean()
        assert differs > 50 if change else differs < 5


def test_a_shifted_film_sounds_later(shipped, make_media, tmp_path) -> None:
    video = make_media.make_clip(tmp_path / "beep.mp4", 3.0, (64, 48), 10, wav=make_media.beep(3.0, 1.0))
    clip = pipeline.prepare(video)
    later = media.read_audio(pipeline.film(clip, tmp_path / "later.mp4", shift_s=0.5), 44_100)
    assert make_media.onset_s(later, 44_100) == pytest.approx(1.5, abs=0.05)
    earlier = media.read_audio(pipeline.film(clip, tmp_path / "earlier.mp4", shift_s=-0.5), 44_100)
    assert make_media.onset_s(earlier, 44_100) == pytest.approx(0.5, abs=0.05)


def test_a_swapped_film_has_the_other_sound_and_a_still_can_be_filmed(clip, still, tmp_path) -> None:
    swapped = media.read_audio(pipeline.film(clip, tmp_path / "swapped.mp4", other=still), 8000, mono=True)
    other = media.read_audio(still.sound, 8000, mono=True)
    assert np.corrcoef(swapped[0, :15_000], other[0, :15_000])[0, 1] > 0.9
    info = media.probe(pipeline.film(still, tmp_path / "still.mp4"))
    assert info.has_audio and info.duration_s == pytest.approx(2.0, abs=0.1)


def test_stopping_a_film_leaves_no_file(clip, tmp_path) -> None:
    with pytest.raises(Cancelled):
        pipeline.film(clip, tmp_path / "where.mp4", cancelled=lambda: True)
    assert list(tmp_path.glob("*.mp4")) == [] and list(tmp_path.glob(".part*")) == []


def test_where_picture(clip, still, sure) -> None:
    picture = pipeline.where_picture(still)
    assert picture.dtype == np.uint8 and picture.shape[1] == 320 and picture.shape[0] > 100
    hot, cold = (pipeline.where_picture(sure(still, answer)).astype(int) for answer in (3.0, -9.0))
    plain = pipeline.where_picture(still, opacity=0.0)
    assert np.abs(hot - plain).mean() > 20 and np.abs(cold - plain).mean() < 1
    assert pipeline.where_picture(clip, time_s=1.0, shift_s=0.5, opacity=0.3).shape[1] == 320
    with pytest.raises(InputError, match="outside"):
        pipeline.where_picture(clip, time_s=9.0)


def test_plot_draws_a_line_for_each(clip, still) -> None:
    own = pipeline.scores(clip)
    one = pipeline.plot(clip, [own])
    both = pipeline.plot(clip, [own, pipeline.scores(clip, shift_s=0.5), pipeline.scores(clip, other=still)], size=(480, 300))
    assert one.shape == (400, 960, 3) and both.shape == (300, 480, 3) and one.dtype == np.uint8
    with pytest.raises(ValueError, match="no scores"):
        pipeline.plot(clip, [])


def test_the_plot_is_high_where_the_probability_is(clip) -> None:
    import dataclasses

    own = pipeline.scores(clip)
    rows = []
    for level in (0.05, 0.95):
        flat = dataclasses.replace(own, probability=np.full_like(own.probability, level), name="")
        picture = pipeline.plot(clip, [flat]).astype(int)[60:, 100:-60]
        amber = np.abs(picture - (199, 136, 10)).sum(2) < 60
        rows.append(np.nonzero(amber)[0].mean())
    assert rows[0] > rows[1] + 150


def test_spectrogram_picture(clip) -> None:
    picture = pipeline.spectrogram_picture(clip)
    assert picture.shape == (900, 960, 3) and picture.dtype == np.uint8 and picture.std() > 20
    assert pipeline.spectrogram_picture(clip, shift_s=0.5, size=(480, 500)).shape == (500, 480, 3)


def test_the_spectrogram_in_pieces_is_that_of_the_network(clip, monkeypatch) -> None:
    import torch

    config = clip.model.network.config
    whole = figures.level_of(clip.model, clip.wav)
    monkeypatch.setattr(figures, "CHUNK_FRAMES", 37)
    assert np.allclose(figures.level_of(clip.model, clip.wav), whole, atol=1e-4)
    first = (config.win - config.hop) // 2 // config.hop + 1  # columns that lie wholly inside
    start = first * config.hop - (config.win - config.hop) // 2
    with torch.inference_mode():
        hears = clip.model.network.log_spec(torch.from_numpy(clip.wav[:, start : start + config.samples]))[0, 0].numpy()
    assert np.allclose(whole[:, first : first + hears.shape[1]], hears * 20 - 40, atol=1e-3)
    fewer = figures.level_of(clip.model, clip.wav, columns=50)
    assert fewer.shape[1] == -(-whole.shape[1] // (whole.shape[1] // 50)) and np.allclose(fewer[:, 3], whole[:, 18:24].mean(1))


def test_heats_of_overlapping_windows_are_averaged() -> None:
    heats = np.stack([np.full((2, 4), 1.0), np.full((2, 4), 0.5)]).astype(np.float32)
    joined = figures.spread(heats, np.array([0.5, 1.0]), 1.0, 3.0)
    assert joined.shape == (2, 12)
    assert np.allclose(joined[0], [0, 0, 1, 1, 0.75, 0.75, 0.5, 0.5, 0, 0, 0, 0])


# ---- one call


def test_match_writes_five_files_that_replay_to_the_same_bytes(shipped, video, tmp_path) -> None:
    out, told = tmp_path / "out", []
    run = pipeline.match(video, shift_s=0.5, out_dir=out, progress=lambda share, text: told.append(share))
    assert {p.name for p in out.iterdir()} == {"scores.json", "where.mp4", "spectrogram.png", "embeddings.npz", "run.json"}
    assert json.loads((out / "run.json").read_text()) == run and told == sorted(told) and told[-1] == 1.0
    assert run["capability"] == "correspondence" and run["command"] == "match" and list(run["inputs"]) == ["picture"]
    assert run["parameters"] == {"shift_s": 0.5, "step_s": 0.25, "checkpoint": "correspondence-compact"}
    written = json.loads((out / "scores.json").read_text())
    found = pipeline.score(video, shift_s=0.5)
    assert written == found.as_dict() and run["results"]["sentence"] == found.verdict == written["verdict"]
    again = replay(out / "run.json", tmp_path / "again")
    assert again.identical, again.sentence()


def test_match_of_a_still_writes_a_picture_and_replays_beside_its_inputs(shipped, image, sound, tmp_path) -> None:
    out = tmp_path / "out"
    run = pipeline.match(sound, image, out_dir=out, keep_paths=False)  # the wrong way round
    assert {p.name for p in out.iterdir()} == {"scores.json", "where.png", "spectrogram.png", "embeddings.npz", "run.json"}
    assert run["inputs"]["picture"]["name"] == "guitar.png" and run["inputs"]["sound"]["name"] == "pluck.wav"
    assert run["inputs"]["picture"]["path"] is None
    for file in (image, sound):
        (out / file.name).write_bytes(file.read_bytes())
    again = replay(out / "run.json")
    assert again.identical, again.sentence()


def test_match_refuses_before_it_writes(shipped, video, tmp_path) -> None:
    for shift_s in (float("inf"), 30.0):
        with pytest.raises(InputError, match="shift"):
            pipeline.match(video, shift_s=shift_s, out_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()
