"""Files to arrays and back: what people upload, decoded upright and in time; what we make, written as every browser plays it.

    info = check_limits("clip.mp4", needs_audio=True)           # refuses with a sentence
    wav = read_audio(info.path, 11_025, mono=True)              # float32 (1, samples), time 0 = the first video frame
    frames = read_frames(info.path, [0.0, 3.0], short_side=224) # uint8 (2, H, W, 3)

Names are looked up on first use, so that importing the package costs nothing (PyAV and Pillow load with the first call). No
module here may have the name of a public function: once imported, it would hide the function.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "MediaInfo": "probing", "probe": "probing", "check_limits": "probing", "say_seconds": "probing",
    "read_audio": "audio", "resample": "audio", "write_wav": "audio", "is_silent": "audio", "refuse_silence": "audio",
    "fit_length": "audio",
    "iter_frames": "video", "read_frames": "video", "read_frame": "video", "frame_times": "video",
    "read_image": "images", "write_png": "images",
    "write_video": "encode", "replace_audio": "encode",
    "new_workdir": "workdir", "clean_workdirs": "workdir", "writing": "workdir", "disk_guard": "workdir",
    "stem_of": "workdir",
}  # fmt: skip
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name when the name is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
