"""The measurements run, on the tiny model; how fast the shipped one is, ``bench crossmodal`` says."""

import math

from avdemo.crossmodal import bench
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.network import Crossmodal


def test_bench(shipped, make_media, changing, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("avdemo.benches.MATRIX", 128)
    monkeypatch.setattr(bench, "LONGEST_SECONDS", 3.0)
    video = make_media.make_clip(tmp_path / "clip.mp4", 2.0, (64, 48), 10, wav=changing(2.0))
    told: list[float] = []
    result = bench.bench(lambda share, text: told.append(share), source=video, repeats=1)
    assert told == sorted(told) and told[-1] == 1.0
    assert set(bench.GOALS) <= set(result.figures) and all(math.isfinite(value) for value in result.figures.values())
    assert result.figures[bench.PAINTED] > 0 and result.figures[bench.MEMORY] > 50 and result.figures["2 s of sound heard, s"] > 0
    assert result.as_dict()["goals"] == bench.GOALS
    assert bench.PLAYED in result.table() and "32 x 32 px" in result.table()


def test_the_floor_counts_the_arithmetic_of_a_picture() -> None:
    network = Crossmodal(CrossmodalConfig.debug()).eval()
    multiplies, seconds = bench.floor_of_picture(network, 1)
    blocks = 9 * (16 * 16 * 16 + 16 * 8 * 64 + 8 * 8 * 256 + 8 * 8 * 1024 + 8 * 3 * 1024)  # of 4, 8, 16, 32 px, and the colours
    assert blocks < 1e6 * multiplies < 1.2 * blocks and seconds > 0  # the rest: the layers that carry condition and noise
