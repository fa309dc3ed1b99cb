"""Kept pairs of the tiny configuration, made without any pack: noise that is loud when the flow is, of a pitch and a colour that tell the kind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FRAMES, PLACES = 6, 4


def write_store(folder: Path, pairs: int = 12, seed: int = 0, *, strange: int = 0) -> Path:
    """A store of :class:`avdemo.foley.pair_store.PairStore` for ``FoleyConfig.debug()``, of three kinds; returns its folder.

    The sounds come from five recordings. The ``strange`` last pairs are of none of the kinds.
    """
    from avdemo.foley.config import FoleyConfig

    config, rng = FoleyConfig.debug(), np.random.default_rng(seed)
    folder.mkdir(parents=True)
    count, grid = FRAMES * config.samples_per_frame, config.flow_grid
    kinds = rng.integers(3, size=pairs)
    kinds[pairs - strange :] = len(config.kinds)
    loud = rng.random((pairs, FRAMES)) < 0.5
    gain = np.where(loud, 0.3, 0.01).repeat(config.samples_per_frame, 1)
    pitch = np.sin(np.arange(count)[None] * 0.2 * (1 + kinds[:, None]))
    np.save(folder / "wav.npy", np.round(32767 * gain * (pitch + 0.3 * rng.normal(size=(pairs, count))).clip(-3, 3)).astype(np.int16))
    flow = np.where(loud, 3.0, 0.0)[..., None, None, None] + rng.normal(0, 0.1, (pairs, FRAMES, grid, grid, 2))
    np.save(folder / "flow.npy", flow.astype(np.float16))
    maps = rng.normal(0, 0.1, (pairs, FRAMES, 96, PLACES, PLACES))
    maps[np.arange(pairs), :, kinds] += 2.0
    np.save(folder / "maps.npy", maps.astype(np.float16))
    np.save(folder / "others.npy", rng.normal(0, 0.1, (5, 96, PLACES, PLACES)).astype(np.float16))
    step_s = config.samples_per_frame / config.sample_rate
    begins = [[float(f) * step_s for f in np.flatnonzero(row & ~np.append(False, row[:-1]))] for row in loud]
    about = [
        {"kind": int(k), "onsets_s": times, "made_of": "drawn", "still": False, "recording": f"one/{k}/{n % 2 * (k != 2)}"}
        for n, (k, times) in enumerate(zip(kinds, begins, strict=True))
    ]
    (folder / "pairs.json").write_text(json.dumps(about))
    return folder
