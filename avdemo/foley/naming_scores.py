"""How well held-out photos are named: a person's own picture is the first thing that can go wrong."""

from __future__ import annotations

import numpy as np
import torch

from avdemo.corpora.foley_pack import FoleyPack
from avdemo.foley.network import Foley
from avdemo.foley.pair_store import square_of
from avdemo.foley.verdict import OTHER, named, verdict

ALL = "all kinds"
COLUMNS = ("named", "claimed", "photos")
AT_ONCE = 32


@torch.no_grad()
def photos_named(network: Foley, pack: FoleyPack, split: str = "test", seed: int = 0) -> dict[str, dict[str, float]]:
    """A row for each kind that has photos of the split, for all kinds together, and for photos of none of them; empty without a kind head.

    "named": percent whose likeliest answer, of the kinds and none of them, is the right one. "claimed": percent that the page would say it
    knows as one of the kinds, rightly or not. "photos": how many.
    """
    rows: dict[str, dict[str, float]] = {}
    if network.says_kind is None:
        return rows
    kinds, size = network.config.kinds, network.config.picture_size
    right: list[float] = []
    claimed: list[float] = []
    for kind, name in enumerate((*kinds, "")):
        numbers = pack.photos_of(name, split)
        squares = [square_of(pack.picture(number), size, np.random.default_rng([seed, 31, number])) for number in numbers]
        if not squares:
            continue
        parts = torch.from_numpy(np.stack(squares)).split(AT_ONCE)
        shares = torch.cat([network.kinds_of(network.see(part.unsqueeze(1))).softmax(1) for part in parts]).numpy()
        hits = (shares.argmax(1) == kind).astype(float)
        claims = np.array([verdict(kinds, row).known for row in shares], float)
        rows[named(name) if name else OTHER] = _row(hits, claims)
        if name:
            right += hits.tolist()
            claimed += claims.tolist()
    return ({ALL: _row(right, claimed)} if right else {}) | rows


def _row(hits: list[float] | np.ndarray, claims: list[float] | np.ndarray) -> dict[str, float]:
    return {"named": 100 * float(np.mean(hits)), "claimed": 100 * float(np.mean(claims)), "photos": float(len(hits))}
