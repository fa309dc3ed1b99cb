"""The measurements run, on the tiny model and a short clip; how fast the shipped one is, ``bench correspondence`` says."""

import math

import pytest

from avdemo import media
from avdemo.correspondence import bench
from avdemo.correspondence.config import CorrespondenceConfig
from avdemo.correspondence.network import Correspondence


def test_a_clip_of_any_length_is_made_from_an_example(video, make_media, tmp_path) -> None:
    path = bench.make_clip(video, tmp_path / "clip.mp4", 4.0)
    info = media.probe(path)
    assert info.duration_s == pytest.approx(4.0, abs=0.05) and info.has_audio and (info.width, info.height) == (96, 64)
    numbers = [make_media.read_number(frame) for frame in media.iter_frames(path, [0.0, 2.0, 3.4])]
    assert numbers[:2] == [0, 20] and numbers[2] == pytest.approx(5, abs=1)  # the example begins again


def test_the_floor_counts_the_arithmetic_of_a_window() -> None:
    config = CorrespondenceConfig.debug()
    network = Correspondence(config).eval()
    small, _ = bench.floor_of_window(network, (32, 32), 1)
    large, seconds = bench.floor_of_window(network, (64, 32), 1)
    first = 9 * (3 * 4 + 4 * 4) * 32 * 32  # multiply-adds of the first block of the vision tower on 32 x 32 px
    assert large > small > first / 1e6 and seconds > 0
    assert 2 * first / 1e6 > large - small > first / 1e6  # twice the places, the same sound


def test_bench(shipped, video, monkeypatch) -> None:
    monkeypatch.setattr(bench, "CLIP_SECONDS", 2.0)
    monkeypatch.setattr(bench, "LONG_SECONDS", 3.0)
    monkeypatch.setattr("avdemo.benches.MATRIX", 128)
    told: list[float] = []
    result = bench.bench(lambda share, text: told.append(share), source=video, repeats=1)
    assert told == sorted(told) and told[-1] == 1.0
    assert set(bench.GOALS) <= set(result.figures) and all(math.isfinite(value) for value in result.figures.values())
    assert result.figures[bench.SCORED] > 0 and result.figures["memory, MB"] > 50
    assert result.figures["windows per second (decoded, seen and heard)"] > 0
    assert result.as_dict()["goals"] == bench.GOALS
    table = result.table()
    assert bench.SCORED in table and "million multiply-adds" in table and "48 x 32" in table


def test_there_is_an_example_to_measure_with() -> None:
    assert bench.example("correspondence").suffix == ".mp4"
