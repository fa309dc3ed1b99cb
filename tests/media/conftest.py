"""Fixtures for the media tests: limits that a test can set, and one plain clip that all tests read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from make_media import make_clip

from avdemo.settings import get_settings


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set environment variables such as AVDEMO_MAX_SECONDS for one test: ``limits(MAX_SECONDS=10)``."""

    def set_limits(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"AVDEMO_{name}", str(value))
        get_settings.cache_clear()

    yield set_limits
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, 160 x 120, 25 frames per second, H.264 and mono AAC with a tone of 440 Hz. Read only."""
    return make_clip(tmp_path_factory.mktemp("clip") / "plain.mp4")
