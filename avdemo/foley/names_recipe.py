"""How the namer is learnt: from the made pairs' frames, real clips' among them, from squares of the photos, and from doodles of nothing.

The blocks stay as ImageNet left them, so what they say of each picture is computed once; the rest takes a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.checkpoints import trains_in_bf16
from avdemo.corpora.doodles import doodle
from avdemo.corpora.foley_pack import FoleyPack
from avdemo.foley.config import FoleyConfig
from avdemo.foley.naming import Namer, blocks_from
from avdemo.foley.pair_store import PairStore, blocks_of, maps_of, square_of

BATCH = 256  # pictures
RATE, DECAY, SMOOTHED = 2e-3, 0.1, 0.05
NONE = 0.3  # of the pictures show none of the kinds; the others show each kind as often
DRAWN = 0.25  # of those, where there are doodles, show nothing in particular
OF_PHOTOS = 0.5  # of the pictures of a kind that has photos are squares of them, the others frames of made pairs
FRAMES, SQUARES, DOODLES = 6, 4, 600  # of a pair, of a photo, in all
SMALLEST = 0.6  # a square's side, of the photo's shorter one
AT_ONCE = 64  # pictures
Groups = dict[tuple[int, str], np.ndarray]  # (kind, "pairs", "photos" or "doodles") -> what the blocks say (pictures, 320)


def part_of(rgba: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A smaller square of a photo (height, width, 4), perhaps mirrored: uint8 (size, size, 3)."""
    side = int(min(rgba.shape[:2]) * rng.uniform(SMALLEST, 1))
    y, x = (int(rng.integers(length - side + 1)) for length in rgba.shape[:2])
    square = square_of(rgba[y : y + side, x : x + side], size, rng)
    return np.ascontiguousarray(square[:, ::-1]) if rng.random() < 0.5 else square


class Learner(nn.Module):
    """A namer, of which what follows the blocks is learnt."""

    def __init__(self, namer: Namer):
        super().__init__()
        self.namer = namer

    def forward(self, said: Tensor) -> Tensor:
        """What the blocks say, (M, 320) -> logits (M, kinds + 1)."""
        return self.namer.answer(said).float()


class NamesRecipe:
    """Trains a :class:`Namer`. Validation: held-out photos, and frames of held-out pairs.

    Args:
        view: ImageNet's weights, with which the pairs were made; None: random ones.
        pack: with the photos; without it there are the pairs alone.
    """

    def __init__(
        self, config: FoleyConfig, train: PairStore, held: PairStore, view: Mapping[str, Tensor] | None, pack: FoleyPack | None = None, *,
        seed: int = 0,
    ):  # fmt: skip
        self.name, self.settings, self.config, self.seed = f"foley-{config.name}-names", config, config.as_dict(), seed
        self.batch_size = BATCH
        self.namer = Namer(config).eval()
        if view is not None:
            self.namer.blocks.load_state_dict(blocks_from(dict(view)))
        self.eye = blocks_of(config, view, seed)
        self.groups, self.held = self._groups(train, pack, "train"), self._groups(held, pack, "val")

    def _groups(self, store: PairStore, pack: FoleyPack | None, split: str) -> Groups:
        size, train = self.settings.picture_size, split == "train"
        found: Groups = {}
        times = np.linspace(0, store.maps.shape[1] - 1, min(FRAMES, store.maps.shape[1])).round().astype(int)
        for kind in np.unique(store.kind):
            maps = (store.maps[pair, times] for pair in np.flatnonzero(store.kind == kind))
            found[int(kind), "pairs"] = self._said(maps)
        for kind, name in enumerate((*self.settings.kinds, "")) if pack else ():
            numbers = pack.photos_of(name, split)
            squares = [
                (part_of if square else square_of)(pack.picture(number), size, np.random.default_rng([self.seed, 21, number, square]))
                for number in numbers
                for square in range(SQUARES if train else 1)
            ]
            if squares:
                found[kind, "photos"] = self._said(self._seen(squares))
        if pack and train:
            drawn = [doodle(np.random.default_rng([self.seed, 22, number]), size) for number in range(DOODLES)]
            found[self.settings.other, "doodles"] = self._said(self._seen(drawn))
        return found

    def _seen(self, pictures: list[np.ndarray]) -> Iterator[np.ndarray]:
        for first in range(0, len(pictures), AT_ONCE):
            yield maps_of(self.eye, np.stack(pictures[first : first + AT_ONCE]))

    @torch.inference_mode()
    def _said(self, maps: Iterable[np.ndarray]) -> np.ndarray:
        """(M, 96, h, w), some at a time -> what the later blocks say of all, (M, 320)."""
        with torch.autocast("cpu", torch.bfloat16, enabled=trains_in_bf16(torch.device("cpu"))):
            return np.concatenate([self.namer.pooled(torch.from_numpy(part.astype(np.float32))).float().numpy() for part in maps])

    def build(self) -> Learner:
        namer = Namer(self.settings)
        namer.blocks.load_state_dict(self.namer.blocks.state_dict())
        return Learner(namer)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        model.namer.blocks.requires_grad_(False)
        return [{"params": list(model.namer.answer.parameters()), "lr": RATE}]

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        """What the blocks say of pictures, "said" (M, 320), and their "kind" (M,)."""
        rng = np.random.default_rng([self.seed, 23, step, rank])
        other = self.settings.other
        shown = sorted({kind for kind, _ in self.groups} - {other})
        nothing = [name for name in ("photos", "pairs", "doodles") if (other, name) in self.groups]
        said, kinds = [], []
        for _ in range(self.batch_size // world):
            if nothing and rng.random() < NONE:
                real = [name for name in nothing if name != "doodles"]
                key = other, "doodles" if "doodles" in nothing and (not real or rng.random() < DRAWN) else str(rng.choice(real))
            else:
                kind = int(rng.choice(shown))
                has = (kind, "photos") in self.groups, (kind, "pairs") in self.groups
                key = kind, "photos" if has[0] and (not has[1] or rng.random() < OF_PHOTOS) else "pairs"
            said.append(self.groups[key][rng.integers(len(self.groups[key]))])
            kinds.append(key[0])
        return {"said": torch.from_numpy(np.stack(said)), "kind": torch.tensor(kinds)}

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        logits = model(batch["said"])
        right = (logits.argmax(1) == batch["kind"]).float().mean()
        return F.cross_entropy(logits, batch["kind"], label_smoothing=SMOOTHED), {"right": right.detach()}

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Shares named rightly: of photos of the kinds, of photos of none of them, and of frames of made pairs."""
        right: dict[str, list[np.ndarray]] = {}
        for (kind, name), said in self.held.items():
            what = name if kind < self.settings.other else f"none_{name}"
            right.setdefault(what, []).append((model(torch.from_numpy(said)).argmax(1) == kind).numpy())
        shares = {f"right_{what}": float(np.concatenate(found).mean()) for what, found in right.items()}
        return {"score": float(np.mean(list(shares.values()))), **shares}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.namer.state_dict()
