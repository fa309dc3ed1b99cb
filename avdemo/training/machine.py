"""What a run needs from the machine under it: device, seeds, signals, names and versions for its card."""

from __future__ import annotations

import ctypes
import platform
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.metadata import version

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs

from avdemo.settings import get_settings

#: mallopt's M_MMAP_MAX: nothing gets pages of its own; M_TRIM_THRESHOLD: up to 2 GiB stay; M_TOP_PAD: the heap grows by 64 MiB.
KEEPING = {-4: 0, -1: 2**31 - 1, -2: 2**26}


def make_accelerator(*, find_unused_parameters: bool = False) -> Accelerator:
    """The device and processes of this run: ``AVDEMO_DEVICE`` and whatever launched the process decide."""
    name = get_settings().device
    if name.startswith("cuda:") and torch.cuda.is_available():
        torch.cuda.set_device(name)
    return Accelerator(
        cpu=name == "cpu",
        # bfloat16 is entered around the whole loss by Trainee; with "bf16" here the forward would be wrapped a second time
        mixed_precision="no",
        kwargs_handlers=[
            DistributedDataParallelKwargs(find_unused_parameters=find_unused_parameters),
            InitProcessGroupKwargs(timeout=timedelta(hours=2)),  # the others wait while the main process validates
        ],
    )


def seed_everything(seed: int, step: int = -1, rank: int = 0) -> None:
    """Seed Python, numpy and torch from all three numbers.

    Done before every step, so that what is drawn in it (dropout) depends on nothing that happened before: a resumed run
    draws the same, and no generator's state needs saving.
    """
    words = np.random.SeedSequence([seed, step + 1, rank]).generate_state(2)
    random.seed(int(words[0]))
    np.random.seed(int(words[0]))  # (a recipe may call code that draws from the global generator)
    torch.manual_seed(int(words[1]))


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees, instead of giving it back and getting it anew, zeroed page by page, in every step.

    With large tensors on a processor that is up to half of a step's time. glibc's allocator alone knows how; True when it was told.
    """
    try:
        tell = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return all(tell(option, value) == 1 for option, value in KEEPING.items())


def device_name(device: torch.device) -> str:
    """For a model card: the GPU's name, or the processor's architecture and the threads used."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    return {"python": platform.python_version()} | {name: version(name) for name in ("torch", "accelerate", "numpy")}


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second one acts as it did before. Only the main thread can listen."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def heard(number: int, _frame: object) -> None:
        asked.set()
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, heard)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
