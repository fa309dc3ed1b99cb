"""The packed arrays of :mod:`avdemo.corpora.pack_foley`, memory-mapped."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from avdemo.errors import InputError


class FoleyPack:
    """Sounds, photos and real clips by number; ``sounds``, ``photos`` and ``clips`` are their entries.

    Args:
        folder: what ``pack_foley`` wrote.

    Raises:
        InputError: the folder holds no complete pack.
    """

    def __init__(self, folder: str | Path):
        folder = Path(folder)
        try:
            self.about = json.loads((folder / "packed.json").read_text())
            self.sounds, self.photos, self.clips = (json.loads((folder / f"{n}.json").read_text()) for n in ("sounds", "photos", "clips"))
            names = ("sounds", "photos", "clip_frames", "clip_flow", "clip_sounds")
            self._sounds, self._photos, self._frames, self._flow, self._clip_sounds = (
                np.load(folder / f"{name}.npy", mmap_mode="r") for name in names
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder.name} holds no complete pack of sounds for foley ({type(error).__name__}); make one with "
                "python -m avdemo.corpora.pack_foley --data DIR --out DIR."
            ) from error
        self.kinds: tuple[str, ...] = tuple(self.about["kinds"])
        self.sample_rate: int = self.about["sample_rate"]
        self.video_fps: float = self.about["video_fps"]
        self.picture = lru_cache(maxsize=4096)(self._picture)

    def wav(self, number: int, start: int = 0, samples: int | None = None) -> np.ndarray:
        """Float32 samples of sound ``number`` from ``start``, fewer at its end; all without ``samples``."""
        e = self.sounds[number]
        stop = e["length"] if samples is None else min(e["length"], start + samples)
        return np.asarray(self._sounds[e["start"] + start : e["start"] + stop], np.float32) / 32768

    def _picture(self, number: int) -> np.ndarray:
        """Photo ``number``: uint8 (height, width, 4) RGBA, kept in memory and not to be written to."""
        e = self.photos[number]
        size = e["height"] * e["width"] * 4
        rgba = np.array(self._photos[e["start"] : e["start"] + size]).reshape(e["height"], e["width"], 4)
        rgba.setflags(write=False)
        return rgba

    def clip(self, number: int, first: int = 0, count: int | None = None) -> dict:
        """``count`` frames of real clip ``number`` from frame ``first``, with their flow and their sound.

        Returns:
            "frames" uint8 (T, H, W, 3), "flow" float32 (T, G, G, 2), "wav" float32 (samples,), "kind" its number (after the last: none of them), "name".
        """
        e, side, grid = self.clips[number], self.about["clip_side"], self.about["grid"]
        last = e["frames"] if count is None else min(e["frames"], first + count)
        frame, cell = side * side * 3, grid * grid * 2
        begin, end = (round(t * self.sample_rate / self.video_fps) for t in (first, last))
        return {
            "frames": np.array(self._frames[e["frame_start"] + first * frame : e["frame_start"] + last * frame]).reshape(-1, side, side, 3),
            "flow": np.asarray(self._flow[e["flow_start"] + first * cell : e["flow_start"] + last * cell], np.float32).reshape(-1, grid, grid, 2),
            "wav": np.asarray(self._clip_sounds[e["sound_start"] + begin : e["sound_start"] + min(end, e["length"])], np.float32) / 32768,
            "kind": self.kinds.index(e["kind"]) if e["kind"] else len(self.kinds), "name": e["name"],
        }  # fmt: skip

    def sounds_of(self, kind: str, split: str) -> list[int]:
        return [i for i, e in enumerate(self.sounds) if e["kind"] == kind and e["split"] == split]

    def photos_of(self, kind: str, split: str) -> list[int]:
        """Numbers of the photos of a kind ("" for what makes none of the sounds)."""
        return [i for i, e in enumerate(self.photos) if e["kind"] == kind and e["split"] == split]

    def clips_of(self, split: str, *, strange: bool = False) -> list[int]:
        """Numbers of the real clips of the kinds, or of the ``strange`` ones, which are of none."""
        return [i for i, e in enumerate(self.clips) if e["split"] == split and bool(e["kind"]) != strange]
