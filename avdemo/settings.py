"""Limits and places, read from the environment once.

Every ``AVDEMO_*`` variable is listed in :class:`Settings`; nothing else in the package reads the environment for its own knobs.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from avdemo.errors import InputError

PACKAGE_ROOT = Path(__file__).resolve().parent
REPOSITORY_ROOT = PACKAGE_ROOT.parent


@dataclass(frozen=True)
class Settings:
    """What this installation allows and where it keeps things."""

    device: str  # AVDEMO_DEVICE: "auto", "cpu", "cuda", "cuda:1" ...
    weights_dir: Path  # AVDEMO_WEIGHTS: shipped checkpoints and their cards
    work_dir: Path  # AVDEMO_WORK: one fresh directory per job below it
    max_seconds: float  # AVDEMO_MAX_SECONDS: longest video or sound that is accepted
    max_megabytes: float  # AVDEMO_MAX_MB: largest upload
    work_hours: float  # AVDEMO_WORK_HOURS: job directories older than this are removed
    threads: int  # AVDEMO_THREADS: CPU threads for torch, 0 = torch's own choice
    host: str  # AVDEMO_HOST: address the app listens on
    port: int  # AVDEMO_PORT
    queue_size: int  # AVDEMO_QUEUE: how many jobs may wait


def _number(name: str, default: float, low: float, high: float) -> float:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"The environment variable {name} is {text!r}, which is not a number; unset it or give one.") from None
    if not low <= value <= high:
        raise InputError(f"The environment variable {name} is {text}; it must lie between {low:g} and {high:g}.")
    return value


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the environment (once; ``get_settings.cache_clear()`` reads it anew).

    Raises:
        InputError: a variable holds something that is not a number or out of range.
    """
    env = os.environ
    return Settings(
        device=env.get("AVDEMO_DEVICE", "auto").strip() or "auto",
        weights_dir=Path(env.get("AVDEMO_WEIGHTS") or REPOSITORY_ROOT / "weights"),
        work_dir=Path(env.get("AVDEMO_WORK") or Path(tempfile.gettempdir()) / "avdemo"),
        max_seconds=_number("AVDEMO_MAX_SECONDS", 120.0, 1.0, 3600.0),
        max_megabytes=_number("AVDEMO_MAX_MB", 200.0, 0.001, 10_000.0),
        work_hours=_number("AVDEMO_WORK_HOURS", 6.0, 0.01, 1000.0),
        threads=int(_number("AVDEMO_THREADS", 0, 0, 512)),
        host=env.get("AVDEMO_HOST") or env.get("GRADIO_SERVER_NAME") or "127.0.0.1",
        port=int(_number("AVDEMO_PORT", _number("GRADIO_SERVER_PORT", 7860, 0, 65535), 0, 65535)),
        queue_size=int(_number("AVDEMO_QUEUE", 16, 1, 1000)),
    )
