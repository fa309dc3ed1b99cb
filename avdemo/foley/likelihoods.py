"""How likely sounds are under videos: cross-entropy, and the paper's retrieval by likelihood (section 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from avdemo.checkpoints import trains_in_bf16
from avdemo.foley.network import Foley
from avdemo.foley.objective import loudness_of
from avdemo.foley.testset import Pair
from avdemo.metrics.retrieval import chance, retrieve

Progress = Callable[[float, str], None]
AT_ONCE = 40  # sounds under one video
HISS = 2018  # seed of the hiss of the sounds that are judged; no training has had it
SPREAD = 0.1  # of a decided loudness around the true one, 6 dB: the scale of a Laplace density
DEPTHS = (1, 5)


@torch.no_grad()
def seen_of(network: Foley, pair: Pair, visual: Tensor | None = None) -> Tensor:
    """What a variant sees in a video, motion included, (1, F, V or V + votes); ``visual``: what its eye saw, where that is known already."""
    visual = network.see(torch.from_numpy(pair.frames).unsqueeze(0)) if visual is None else visual
    return network.with_motion(visual, network.motion and network.motion(torch.from_numpy(pair.flow).unsqueeze(0)))


def _quick() -> torch.autocast:
    """In bfloat16 where the processor computes in it; nats move by less than 0.01."""
    return torch.autocast("cpu", torch.bfloat16, enabled=trains_in_bf16(torch.device("cpu")))


@torch.no_grad()
def cross_entropy(network: Foley, pairs: Sequence[Pair], seen: Sequence[Tensor], seconds: float = 2.0) -> dict[str, float]:
    """Mean nats per sample of the sounds under their own videos, by teacher forcing; "true": told their loudness and strokes."""
    nats: dict[str, list[float]] = {"true": [], "decided": []}
    count = round(seconds * network.config.sample_rate)
    for pair, visual in zip(pairs, seen, strict=True):
        wav = torch.from_numpy(pair.wav).unsqueeze(0)
        loudness = loudness_of(wav, network.config)
        for name, told in (("true", (loudness, pair.strokes(network.config))), ("decided", ())):
            if name == "true" and network.says_loudness is None:
                continue
            condition = network.condition_of(visual, *told)
            with _quick():
                nats[name].append(-float(network.log_likelihood(network.levelled(wav, loudness, HISS)[:, :count], condition)))
    return {name: float(np.mean(values)) for name, values in nats.items() if values}


@torch.no_grad()
def likelihoods(
    network: Foley, sounds: Sequence[Pair], seen: Sequence[Tensor], seconds: float, progress: Progress | None = None
) -> np.ndarray:
    """(videos, sounds) nats per sample, of every sound under every video: log p(levels | video, course) + log p(course | video).

    The course is the sound's own loudness in each video frame, and its strokes where the network says such; a network without that
    head has no second part. With acoustic tokens the first part is log p(samples | tokens) + log p(tokens | video, course).
    """
    config = network.config
    frames = config.frames_of(round(seconds * config.sample_rate))
    count = frames * config.samples_per_frame
    wav = torch.from_numpy(np.stack([pair.wav[:count] for pair in sounds]))
    loudness = loudness_of(wav, config)
    strokes = torch.cat([pair.strokes(config)[:, : frames * config.tokens_per_frame] for pair in sounds]) if config.strokes else None
    levels = network.levelled(wav, loudness, HISS)
    found = np.zeros((len(seen), len(sounds)))
    tokens = samples = None
    if network.tier is not None:  # what follows from the tokens is the same under every video
        tokens = network.tokens_of(levels)
        with _quick():
            samples = torch.cat([network.samples_likelihood(levels[p], network.nodes(None, tokens[p])) for p in _parts(len(sounds))])
    for number, visual in enumerate(seen):
        for part in _parts(len(sounds)):
            many = visual[:, :frames].expand(part.stop - part.start, -1, -1)
            known = (loudness[part] if network.says_loudness is not None else None, None if strokes is None else strokes[part])
            condition = network.condition_of(many, *known)
            if tokens is None:
                with _quick():
                    nats = network.log_likelihood(levels[part], condition)
            else:
                nats = samples[part] + network.tokens_likelihood(tokens[part], condition, count)
            if condition.loudness is not None:
                error = (condition.loudness - loudness[part]).abs() / SPREAD
                nats = nats - (error + np.log(2 * SPREAD)).sum(1) / count
            if condition.chances is not None:
                nats = nats - F.binary_cross_entropy_with_logits(condition.chances, strokes[part], reduction="none").sum(1) / count
            found[number, part] = nats.numpy()
        if progress:
            progress((number + 1) / len(seen), f"Retrieving: video {number + 1} of {len(seen)}")
    return found


def _parts(count: int) -> list[slice]:
    return [slice(first, min(first + AT_ONCE, count)) for first in range(0, count, AT_ONCE)]


def retrieval(found: np.ndarray, kinds: np.ndarray) -> dict[str, float]:
    """Percent of the videos (as many as sounds, in their order) that find a sound of their kind, or their own, among the first."""
    same, own = kinds[:, None] == kinds[None], np.eye(len(kinds), dtype=bool)
    row = {}
    for name, relevant in (("category", same), ("instance", own)):
        recall = retrieve(found, relevant, DEPTHS).recall
        row |= {f"{name}, top {depth}": 100 * recall[depth] for depth in DEPTHS}
    return row


def retrieval_chance(kinds: np.ndarray) -> dict[str, float]:
    """The same of a random order."""
    row = {}
    for name, relevant in (("category", kinds[:, None] == kinds[None]), ("instance", np.eye(len(kinds), dtype=bool))):
        recall = chance(relevant, DEPTHS).recall
        row |= {f"{name}, top {depth}": 100 * recall[depth] for depth in DEPTHS}
    return row
