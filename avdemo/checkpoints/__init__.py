"""Checkpoints: one record each, found in ``weights/``, then the Hub cache, then the Hub; always the recorded bytes.

Names are re-exported lazily, so that importing this package loads neither torch nor huggingface_hub.

    load("pixels-compact")      -> Loaded(record, config, state, metadata, path, sha256)
    resolve("pixels-compact")   -> Path of the verified file
    save(path, state, config)   -> fp16 safetensors;  register(path, ...) -> its record in index.json
"""

from __future__ import annotations

from importlib import import_module

_WHERE = {
    "CheckpointRecord": "index",
    "record": "index",
    "records": "index",
    "register": "index",
    "sha256_of": "integrity",
    "locate": "store",
    "pull": "store",
    "resolve": "store",
    "verify": "store",
    "Loaded": "files",
    "load": "files",
    "load_file": "files",
    "load_into": "files",
    "opened": "files",
    "save": "files",
    "Model": "running",
    "open_model": "running",
    "choose_device": "device",
    "inference_dtype": "device",
    "trains_in_bf16": "device",
    "publish": "publishing",
    "import_released": "released",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str):
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
