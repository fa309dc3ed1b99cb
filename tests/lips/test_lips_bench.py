"""The measurements run, on the tiny model; how fast the shipped one is, ``bench lips`` says."""

import math

from avdemo.lips import bench


def test_bench(shipped, monkeypatch) -> None:
    monkeypatch.setattr("avdemo.benches.MATRIX", 128)
    monkeypatch.setattr(bench, "SHORT_S", 1.0)
    monkeypatch.setattr(bench, "LONG_S", 2.0)
    told: list[float] = []
    result = bench.bench(lambda share, text: told.append(share), repeats=1)
    assert told == sorted(told) and told[-1] == 1.0
    assert set(bench.GOALS) <= set(result.figures) and all(math.isfinite(value) for value in result.figures.values())
    assert result.figures[bench.FRAMES] > 0 and result.figures[bench.MEMORY] > 50
    assert bench.FRAMES in result.table() and "32 x 32 px" in result.table()
