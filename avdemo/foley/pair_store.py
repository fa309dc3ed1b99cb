"""Made pairs, kept: what :class:`avdemo.corpora.puppets.PairMaker` draws and what the eye's first blocks, which stay as they are, make of it.

Making a pair of 4 s takes as long as several training steps, and the blocks take as long again. Both are done once; training then reads
arrays, one folder a split::

    wav.npy   int16 (pairs, samples)             maps.npy  float16 (pairs, frames, 96, h, w), see :meth:`avdemo.foley.seeing.Eye.maps`
    flow.npy  float16 (pairs, frames, G, G, 2)   pairs.json  [{"kind", "onsets_s", "made_of", "still",
    "recording"}, ...]; written last

``others.npy`` float16 (pictures, 96, h, w) are pictures of none of the kinds. Pairs whose kind is the number after the last are of none of
them either: what is seen can be learnt from them, but not what sounds like a kind.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from avdemo.checkpoints import trains_in_bf16
from avdemo.corpora.foley_pack import FoleyPack
from avdemo.corpora.puppets import STRANGE, PairMaker
from avdemo.foley.config import FoleyConfig
from avdemo.foley.seeing import Eye, VggEye, eye_of
from avdemo.foley.strokes import marks

FRAMES = 50  # video frames of a pair, 4 s
OTHERS = 500  # pictures of none of the kinds, at most
AT_ONCE = 25  # pictures that the blocks see at once
Progress = Callable[[float, str], None]


class PairStore:
    """The arrays of one split, memory-mapped, and ``about``: the entries of ``pairs.json``."""

    def __init__(self, folder: Path):
        self.wav, self.flow, self.maps, self.others = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("wav", "flow", "maps", "others")
        )
        self.about: list[dict] = json.loads((folder / "pairs.json").read_text())
        self.kind = np.array([entry["kind"] for entry in self.about])
        self._strokes: Tensor | None = None

    def part(self, numbers: np.ndarray) -> PairStore:
        """Some of the pairs, in memory."""
        part = copy.copy(self)
        part.wav, part.flow, part.maps, part.kind = (np.array(a[numbers]) for a in (self.wav, self.flow, self.maps, self.kind))
        part.about, part._strokes = [self.about[int(number)] for number in numbers], None
        return part

    def __len__(self) -> int:
        return len(self.about)

    def strokes(self, config: FoleyConfig) -> Tensor:
        """1 where something begins to sound, for each pair and 20 ms, (pairs, S)."""
        if self._strokes is None:
            count = self.flow.shape[1] * config.tokens_per_frame
            self._strokes = marks([entry["onsets_s"] for entry in self.about], count, config.token_step / config.sample_rate)
        return self._strokes

    def recordings(self, kinds: int) -> dict[str, int]:
        """The recordings that the sounds of pairs of these kinds come from, with numbers from 0 on, by name; silence has none."""
        names = {entry["recording"] for entry in self.about if entry["kind"] < kinds} - {""}
        return {name: number for number, name in enumerate(sorted(names))}

    def sound(self, number: int) -> np.ndarray:
        """Float32 samples of a pair."""
        return np.asarray(self.wav[number], np.float32) / 32767


def blocks_of(config: FoleyConfig, view: Mapping[str, Tensor] | None, seed: int = 0) -> Eye | VggEye:
    """An eye whose blocks hold ImageNet's weights (``view``), or random ones without; the paper's eye with all of its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        eye = eye_of(config)
    if isinstance(eye, VggEye):
        eye.load(view)
        return eye
    if view is not None:
        eye.blocks.load_state_dict({key: value for key, value in view.items() if key in eye.blocks.state_dict()})
    return eye.eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def maps_of(eye: Eye | VggEye, frames: np.ndarray) -> np.ndarray:
    """uint8 (M, H, W, 3) -> float16 (M, 96, h, w), or (M, 4096) of the paper's eye."""
    with torch.autocast("cpu", torch.bfloat16, enabled=trains_in_bf16(torch.device("cpu"))):
        parts = [eye.maps(part) for part in torch.from_numpy(frames).split(AT_ONCE)]
    return torch.cat(parts).contiguous().float().numpy().astype(np.float16)


def make_pairs(
    packed: Path, folder: Path, config: FoleyConfig, split: str, count: int, *, view: Mapping[str, Tensor] | None = None, seed: int = 0,
    real: float | None = None, progress: Progress | None = None,
) -> PairStore:  # fmt: skip
    """Make ``count`` pairs of a split into ``folder``, unless they are there.

    Args:
        view: ImageNet's weights of the blocks.
        real: share of pairs from real clips; None: :class:`PairMaker`'s.
    """
    if (folder / "pairs.json").is_file():
        return PairStore(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pack = FoleyPack(packed)
    special = {"strange": STRANGE if split == "train" else 0.0} | ({} if real is None else {"real": real})
    maker = PairMaker(pack, split, frames=FRAMES, hop=config.samples_per_frame, picture_size=config.picture_size, seed=seed, **special)
    eye = blocks_of(config, view)
    others = maps_of(eye, _others(pack, split, config.picture_size, seed))
    np.save(folder / "others.npy", others)
    grid, samples = config.flow_grid, FRAMES * config.samples_per_frame
    shapes = {"wav": (samples,), "flow": (FRAMES, grid, grid, 2), "maps": (FRAMES, *others.shape[1:])}
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.int16 if name == "wav" else np.float16, (count, *shape))
        for name, shape in shapes.items()
    }
    about = []
    for number in range(count):
        pair = maker.item(number)
        arrays["wav"][number] = np.round(pair["wav"].clip(-1, 1) * 32767)
        arrays["flow"][number] = pair["flow"]
        still = pair["still"]
        seen = maps_of(eye, pair["frames"][:1] if still else pair["frames"])
        arrays["maps"][number] = seen
        about.append({name: pair[name] for name in ("kind", "onsets_s", "made_of", "still", "recording")})
        if progress and number % 20 == 19:
            progress((number + 1) / count, f"{number + 1} pairs of {split}")
    for array in arrays.values():
        array.flush()
    (folder / "pairs.json").write_text(json.dumps(about))
    return PairStore(folder)


def _others(pack: FoleyPack, split: str, size: int, seed: int) -> np.ndarray:
    """Pictures of none of the kinds, (n, size, size, 3): the middle square, cut-out ones before one colour."""
    rng = np.random.default_rng([seed, 77])
    numbers = pack.photos_of("", split) or pack.photos_of("", "train")
    numbers = [int(i) for i in rng.permutation(numbers)[:OTHERS]]
    return np.stack([square_of(pack.picture(number), size, rng) for number in numbers])


def square_of(rgba: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """The largest square somewhere in a photo (height, width, 4), uint8 (size, size, 3); a cut-out one before one colour."""
    side = min(rgba.shape[:2])
    y, x = (int(rng.integers(s - side + 1)) for s in rgba.shape[:2])
    square = rgba[y : y + side, x : x + side].astype(np.float32)
    alpha = square[..., 3:] / 255
    flat = square[..., :3] * alpha + rng.uniform(0, 255, 3).astype(np.float32) * (1 - alpha)
    return cv2.resize(flat, (size, size), interpolation=cv2.INTER_AREA).round().clip(0, 255).astype(np.uint8)
