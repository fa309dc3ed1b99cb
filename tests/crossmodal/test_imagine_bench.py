"""The measurements run, on the tiny model; how fast the shipped one is, ``bench crossmodal`` says."""

import math

import pytest
import torch

from avdemo.crossmodal import bench
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.generators import Doubling
from avdemo.crossmodal.network import Crossmodal


def test_bench(shipped, make_media, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("avdemo.benches.MATRIX", 128)
    monkeypatch.setattr(bench, "LONGEST_SECONDS", 3.0)
    video = make_media.make_clip(tmp_path / "clip.mp4", 2.0, (64, 48), 10, wav=make_media.swelling(2.0))
    told: list[float] = []
    result = bench.bench(lambda share, text: told.append(share), source=video, repeats=1)
    assert told == sorted(told) and told[-1] == 1.0
    assert set(bench.GOALS) <= set(result.figures) and all(math.isfinite(value) for value in result.figures.values())
    assert result.figures[bench.PAINTED] > 0 and result.figures[bench.MEMORY] > 50 and result.figures["2 s of sound heard, s"] > 0
    assert result.as_dict()["goals"] == bench.GOALS
    assert bench.PLAYED in result.table() and "32 x 32 px" in result.table()


def test_the_floor_counts_the_arithmetic_of_a_picture() -> None:
    network = Crossmodal(CrossmodalConfig.debug()).eval()
    counted: list[int] = []
    for layer in network.painters["C"].modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            share = 4 / 9 if isinstance(layer, Doubling) else 1.0  # its places sum 2x2 instead of 3x3
            layer.register_forward_hook(lambda layer, given, out, share=share: counted.append(out.numel() * layer.weight[0].numel() * share))
    with torch.no_grad():
        network.paint(torch.zeros(1, 128), torch.zeros(1, network.config.painter.noise))
    by_hand = sum(counted)
    multiplies, seconds = bench.floor_of_picture(network, 1)
    assert 1e6 * multiplies == pytest.approx(by_hand) and seconds > 0
