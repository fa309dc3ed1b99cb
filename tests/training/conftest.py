"""Training tests run on the CPU, wherever they run: the same bits are asked for."""

from __future__ import annotations

import pytest
import torch

from avdemo.settings import get_settings


@pytest.fixture(autouse=True)
def _on_one_core(monkeypatch):
    monkeypatch.setenv("AVDEMO_DEVICE", "cpu")
    get_settings.cache_clear()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    get_settings.cache_clear()
