"""What foley is tested with: pairs made of held-out recordings, photos and scenes, and held-out real clips; always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from avdemo.corpora.foley_pack import FoleyPack
from avdemo.corpora.held_out import held_out_folder
from avdemo.corpora.puppets import PairMaker
from avdemo.dsp.onsets import onsets
from avdemo.errors import InputError
from avdemo.foley.config import FoleyConfig
from avdemo.foley.strokes import marks

SEED = 2018  # the year of the paper
FRAMES = 50  # video frames of a pair: 4 s
SHORTEST = 25  # video frames that a real clip must have
TRIES = 60  # pairs drawn for each one that is kept, at most
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Sizes:
    """How much is asked."""

    made: int = 4  # pairs of each kind whose sound is generated; half of them by all but the chief variant
    real: int = 2  # windows of each real clip
    judged: int = 30  # sounds in the database of the retrieval, and as many queries
    judged_s: float = 1.04  # of each
    spelled: int = 2  # pairs of each kind of the training data whose cross-entropy is measured
    lessons: int = 90  # windows of each kind that the independent classifier learns from ...
    taught: int = 300  # ... and steps in which it does

    @classmethod
    def quick(cls) -> Sizes:
        return cls(1, 1, 10, 0.5, 1, 30, 150)


@dataclass(frozen=True)
class Pair:
    """A video and its sound."""

    frames: np.ndarray  # uint8 (F, S, S, 3)
    flow: np.ndarray  # float32 (F, G, G, 2)
    wav: np.ndarray  # float32 (F * 1280,)
    kind: int
    onsets_s: list[float]
    made_of: str  # "photo", "drawn", "real"
    name: str

    def strokes(self, config: FoleyConfig) -> Tensor | None:
        """When its sound begins anew, (1, S), as a network is told it; None for one that is not."""
        if not config.strokes:
            return None
        return marks([self.onsets_s], len(self.frames) * config.tokens_per_frame, config.token_step / config.sample_rate)


def made_pairs(pack: FoleyPack, config: FoleyConfig, split: str, per_kind: int, seed: int = SEED) -> list[Pair]:
    """``per_kind`` moving pairs of each kind that the split has, sorted by kind; none silent or still, for those say nothing about timing.

    Raises:
        InputError: the split has no sounds, or hardly any of a kind.
    """
    maker = PairMaker(
        pack, split, frames=FRAMES, hop=config.samples_per_frame, picture_size=config.picture_size, stills=0.0, real=0.0, seed=seed
    )
    kept: dict[int, list[Pair]] = {config.kinds.index(kind): [] for kind in sorted(maker.kinds, key=config.kinds.index)}
    for index in range(TRIES * per_kind * len(kept)):
        if all(len(pairs) == per_kind for pairs in kept.values()):
            break
        kind = config.kinds.index(maker.kind_of(index))
        if len(kept[kind]) == per_kind:
            continue
        item = maker.item(index)
        if np.abs(item["wav"]).max() > 0.01:
            kept[kind].append(_pair(item, f"{split}/{index}"))
    missing = [config.kinds[kind] for kind, pairs in kept.items() if len(pairs) < per_kind]
    if missing:
        raise InputError(f"The packed {split} data is too small: there are not enough sounds of {', '.join(missing)}.")
    return [pair for pairs in kept.values() for pair in pairs]


def _pair(item: dict, name: str) -> Pair:
    return Pair(item["frames"], item["flow"], item["wav"], item["kind"], item["onsets_s"], item["made_of"], name)


def real_pairs(pack: FoleyPack, config: FoleyConfig, split: str, windows: int) -> list[Pair]:
    """Up to ``windows`` windows of each real clip of a split, 4 s or what there is."""
    pairs = []
    for number in pack.clips_of(split):
        total = pack.clips[number]["frames"]
        count = min(FRAMES, total)
        if total < SHORTEST:
            continue
        for first in np.linspace(0, total - count, min(windows, max(1, total // count))).round().astype(int):
            clip = pack.clip(number, int(first), count)
            clip["flow"][0] = 0  # nothing came before
            wav = clip["wav"][: count * config.samples_per_frame]
            wav = np.pad(wav, (0, count * config.samples_per_frame - len(wav)))
            times = [float(t) for t in onsets(wav, pack.sample_rate)[0]]
            pairs.append(Pair(clip["frames"], clip["flow"], wav, clip["kind"], times, "real", f"{clip['name']}@{first}"))
    return pairs


def open_pack(data: Path, work: Path, *, packed: Path | None = None, progress: Progress | None = None) -> Path:
    """The packed arrays: ``packed`` or ``data`` itself when it is a pack, else one made below ``work``.

    Raises:
        InputError: there is neither.
    """

    def pack(folder: Path) -> None:
        from avdemo.corpora.pack_foley import pack_foley

        pack_foley(data, folder, progress=progress)

    return held_out_folder(data, work, "foley", pack, packed=packed)
