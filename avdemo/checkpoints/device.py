"""Where and in which precision networks run: decided here, once, for every capability."""

from __future__ import annotations

import torch

from avdemo.errors import InputError
from avdemo.settings import get_settings


def choose_device(wanted: str | None = None) -> torch.device:
    """The device to run on, and torch's thread count from ``AVDEMO_THREADS`` where that is set.

    Args:
        wanted: "auto" (a CUDA GPU when there is one, else the CPU), "cpu", "cuda" or "cuda:1"; None takes ``AVDEMO_DEVICE``.

    Raises:
        InputError: the name means nothing to torch, or that device is not in this machine.
    """
    settings = get_settings()
    wanted = (settings.device if wanted is None else wanted).lower()
    if settings.threads and torch.get_num_threads() != settings.threads:
        torch.set_num_threads(settings.threads)
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise InputError(f"The device {wanted!r} is not known here; set AVDEMO_DEVICE to auto, cpu, cuda or cuda:N.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"The device {wanted!r} was asked for, but torch finds no CUDA GPU; set AVDEMO_DEVICE to cpu or auto.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise InputError(
            f"The device {wanted!r} was asked for, but the GPUs here are cuda:0 to cuda:{last}; choose one with AVDEMO_DEVICE."
        )
    return device


def inference_dtype(device: torch.device) -> torch.dtype:
    """bf16 on GPUs that compute in it, fp16 on older ones, fp32 on the CPU (where halves are slower, not faster)."""
    if device.type != "cuda":
        return torch.float32
    with torch.cuda.device(device):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def trains_in_bf16(device: torch.device) -> bool:
    """Whether ``device`` computes in bfloat16; a processor without AVX-512 only imitates it, ten times slower than float32."""
    if device.type == "cuda":
        return inference_dtype(device) == torch.bfloat16
    return device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
