"""The pictures of the training, drawn once: composed scenes and frames of real clips, with what the frozen blocks see in them.

The blocks that ImageNet taught never change, so their maps are computed once and training reads only these.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avdemo.corpora.pairs import ClipPack, PictureTable
from avdemo.correspondence.config import KINDS

if TYPE_CHECKING:
    from avdemo.correspondence.network import Correspondence

CLIP_VIEWS = 2  # crops of each real training frame
CLASS_KINDS = {"drum": "drums"}  # names of the clips' folders that differ from ours
SHARD = 500

Progress = Callable[[float, str], None]


def _draw(
    packed: Path, split: str, seed: int, first: int, count: int, size: int
) -> tuple[np.ndarray, list[list[int]], list[bool]]:
    """Scenes ``first`` ... of a split: frames, kinds of their things, whether a single photo fills the frame."""
    from avdemo.corpora.scenes import GROUND, PhotoPack, SceneMaker

    pack = PhotoPack(packed, KINDS)
    have = [name for name in KINDS if pack.where(split, name)]
    maker = SceneMaker(PhotoPack(packed, have), split, size, seed=seed)
    scenes = [maker.scene(i) for i in range(first, first + count)]
    kinds = [[KINDS.index(have[c]) for c in scene.classes] for scene in scenes]
    whole = [len(scene.classes) == 1 and not (scene.things == GROUND).any() for scene in scenes]
    return np.stack([scene.frame for scene in scenes]), kinds, whole


def _views(frame: np.ndarray, size: int, views: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Random square crops, mirrored half the time; one central crop when ``views`` is 0."""
    from PIL import Image

    image = Image.fromarray(frame)
    short = min(image.size)
    crops = []
    for _ in range(max(1, views)):
        side = short if views == 0 else int(short * rng.uniform(0.7, 1.0))
        x, y = ((length - side) * (0.5 if views == 0 else rng.random()) for length in image.size)
        crop = image.resize((size, size), Image.Resampling.BILINEAR, box=(x, y, x + side, y + side))
        crops.append(np.asarray(crop)[:, :: -1 if views and rng.random() < 0.5 else 1])
    return crops


def _clip_pictures(
    packed: Path, split: str, size: int, seed: int
) -> tuple[list[np.ndarray], list[list[int]], list[int], list[float]]:
    clips = ClipPack(packed)
    frames, kinds, numbers, times = [], [], [], []
    rng = np.random.default_rng([seed, 41])
    for clip in clips.where(split, with_sound=False):
        entry = clips.entries[clip]
        name = CLASS_KINDS.get(entry["cls"], entry["cls"])
        for number, frame in enumerate(entry["frames"]):
            for view in _views(clips.frame(clip, number), size, CLIP_VIEWS if split == "train" else 0, rng):
                frames.append(view)
                kinds.append([KINDS.index(name)] if name in KINDS else [])
                numbers.append(clip)
                times.append(frame["time_s"])
    return frames, kinds, numbers, times


def draw_pictures(
    packed: Path, split: str, scenes: int, *, size: int = 224, seed: int = 0, workers: int = 2, progress: Progress | None = None
) -> Path:
    """Draw the pictures of a split once into ``pictures-<split>-<key>.npy`` (N, size, size, 3) uint8 with a ``.json`` beside it
    (``kinds``, ``whole``, ``clip``, ``time_s`` of each); returns the path of the array.
    """
    facts = json.dumps([split, scenes, size, seed, (packed / "photos.json").stat().st_size])
    out = packed / f"pictures-{split}-{hashlib.sha256(facts.encode()).hexdigest()[:10]}.npy"
    if out.with_suffix(".json").is_file():
        return out
    frames, kinds, numbers, times = _clip_pictures(packed, split, size, seed)
    table = np.lib.format.open_memmap(out, "w+", np.uint8, (scenes + len(frames), size, size, 3))
    facts_of_scenes: list[list[int]] = []
    whole: list[bool] = []
    with ProcessPoolExecutor(workers) as pool:
        starts = range(0, scenes, SHARD)
        jobs = [pool.submit(_draw, packed, split, seed, first, min(SHARD, scenes - first), size) for first in starts]
        for first, job in zip(starts, jobs, strict=True):
            drawn, their_kinds, single = job.result()
            table[first : first + len(drawn)] = drawn
            facts_of_scenes += their_kinds
            whole += single
            if progress:
                progress(first / max(1, scenes), f"{first} scenes drawn")
    for number, frame in enumerate(frames):
        table[scenes + number] = frame
    table.flush()
    record = {
        "kinds": facts_of_scenes + kinds,
        "whole": whole + [True] * len(frames),
        "clip": [-1] * scenes + numbers,
        "time_s": [0.0] * scenes + times,
    }
    out.with_suffix(".json").write_text(json.dumps(record))
    return out


def picture_table(path: Path) -> tuple[PictureTable, np.ndarray]:
    """The record beside an array of :func:`draw_pictures`: the table, and whether one photo fills the picture (N,) bool."""
    record = json.loads(path.with_suffix(".json").read_text())
    return PictureTable(record["kinds"], record["clip"], record["time_s"]), np.array(record["whole"])


def frozen_maps(pictures: Path, network: Correspondence, *, batch: int = 32, progress: Progress | None = None) -> Path:
    """What the frozen blocks of the network see in every picture, float16 (N, h, w, 320), computed once; returns the path.

    Only for networks whose vision tower starts from ImageNet.
    """
    import torch

    out = pictures.with_name(pictures.stem + "-maps.npy")
    if out.is_file():
        return out
    frames = np.load(pictures, mmap_mode="r")
    part = out.with_suffix(".part")
    maps: np.ndarray | None = None
    network.eval()
    for first in range(0, len(frames), batch):
        some = torch.from_numpy(np.ascontiguousarray(frames[first : first + batch]))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            seen = network.vision.look(network.normalise(some)).permute(0, 2, 3, 1).to(torch.float16).numpy()
        if maps is None:
            maps = np.lib.format.open_memmap(part, "w+", np.float16, (len(frames), *seen.shape[1:]))
        maps[first : first + len(seen)] = seen
        if progress and first % (20 * batch) == 0:
            progress(first / len(frames), f"{first} pictures looked at")
    if maps is not None:
        maps.flush()
    part.rename(out)
    return out


def smaller(pictures: Path, size: int) -> Path:
    """The same pictures at ``size`` px by averaging whole blocks of pixels; returns the path of the array."""
    frames = np.load(pictures, mmap_mode="r")
    if frames.shape[1] == size:
        return pictures
    out = pictures.with_name(f"{pictures.stem}-{size}.npy")
    if not out.is_file():
        factor = frames.shape[1] // size
        part = out.with_suffix(".part")
        small = np.lib.format.open_memmap(part, "w+", np.uint8, (len(frames), size, size, 3))
        for first in range(0, len(frames), SHARD):
            some = frames[first : first + SHARD].reshape(-1, size, factor, size, factor, 3)
            small[first : first + len(some)] = some.mean((2, 4)).round().astype(np.uint8)
        small.flush()
        part.rename(out)
    return out
