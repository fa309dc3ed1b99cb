"""What a trained sight makes of every pair of a store, computed once before the sound is learnt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avdemo.foley.levelling import course_db
from avdemo.foley.network import Foley
from avdemo.foley.objective import loudness_of
from avdemo.foley.pair_store import PairStore
from avdemo.foley.sight_recipe import Sight

AT_ONCE = 8  # pairs


@dataclass(frozen=True)
class Looked:
    """Of P pairs of F video frames: what is seen, V numbers, and how loud it is and should be, in [0, 1]."""

    seen: dict[str, np.ndarray]  # variant -> (P, F, V), motion included where it is learnt already
    decided: dict[str, np.ndarray]  # variant -> loudness (P, F) decided from the picture; none without that head
    strokes: dict[str, np.ndarray]  # variant -> where strokes begin (P, S), likewise
    loudness: np.ndarray  # (P, F), the true one
    gain_db: Tensor  # (P, F), see avdemo.foley.levelling


@torch.inference_mode()
def look(sight: Sight, store: PairStore, variants: Iterable[str], *, learns_motion: bool = False) -> Looked:
    """See every pair as each variant does. ``learns_motion``: motion is still to be learnt, so what it says is left out."""
    config, sight = sight.config, sight.eval()
    seen: dict[str, list[np.ndarray]] = {variant: [] for variant in variants}
    decided: dict[str, list[np.ndarray]] = {variant: [] for variant in seen}
    strokes: dict[str, list[np.ndarray]] = {variant: [] for variant in seen}
    loudness = []
    eye = sight.family.network("flow").eye
    for first in range(0, len(store), AT_ONCE):
        part = slice(first, min(first + AT_ONCE, len(store)))
        visual = torch.from_numpy(np.array(store.maps[part], np.float32))
        if config.eye != "vgg19":
            visual = eye.numbers(visual.flatten(0, 1)).unflatten(0, visual.shape[:2])
        wav = np.asarray(store.wav[part], np.float32) / 32767
        loudness.append(loudness_of(torch.from_numpy(wav), config).numpy())
        flow = torch.from_numpy(np.array(store.flow[part], np.float32))
        for variant in seen:
            network = sight.family.network(variant)
            mine = visual if network.motion is None or learns_motion else visual + network.motion(flow)
            seen[variant].append(mine.numpy())
            _, struck, loud = network.decide(mine)
            for parts, part_of in ((decided, loud), (strokes, struck)):
                if part_of is not None:
                    parts[variant].append(part_of.numpy())
    true = np.concatenate(loudness)
    return Looked(
        {variant: np.concatenate(parts) for variant, parts in seen.items()},
        *({variant: np.concatenate(parts) for variant, parts in said.items() if parts} for said in (decided, strokes)),
        true,
        course_db(torch.from_numpy(true)).clone(),
    )


@torch.inference_mode()
def tokens_of(network: Foley, store: PairStore, loudness: np.ndarray, seed: int = 0) -> np.ndarray:
    """The acoustic tokens of the sound of every pair, int16 (P, S, B); loudness (P, F)."""
    found = []
    for first in range(0, len(store), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        wav = torch.from_numpy(np.asarray(store.wav[part], np.float32) / 32767)
        levels = network.levelled(wav, torch.from_numpy(loudness[part]), hiss_seed(seed, first))
        found.append(network.tokens_of(levels).numpy().astype(np.int16))
    return np.concatenate(found)


def hiss_seed(*numbers: int) -> int:
    """Another hiss for each sound: a network would learn one by heart, and know it again in the sounds that it is judged by."""
    return int(np.random.default_rng([18, *numbers]).integers(2**31))
