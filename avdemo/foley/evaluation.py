"""The paper's tables, ours beside them (``python -m avdemo evaluate foley --data DIR``).

How likely held-out sounds are under their videos; which sounds a video finds by likelihood; whether what is generated is heard as the
right kind, comes at the right moments and is as loud as it should be. Beside random weights, chance, other videos' sounds, and what the
true loudness or the real sound would score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avdemo.corpora.foley_pack import FoleyPack
from avdemo.errors import WeightsError
from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.ear import Ear, ear_scores, teach_ear
from avdemo.foley.family import Family
from avdemo.foley.judge import JUDGE, open_judge
from avdemo.foley.likelihoods import cross_entropy, likelihoods, retrieval, retrieval_chance, seen_of
from avdemo.foley.listening import by_kind, generate, kinds_seen, scores, shuffled
from avdemo.foley.models import CHECKPOINT, load_model
from avdemo.foley.naming_scores import photos_named
from avdemo.foley.network import Foley
from avdemo.foley.report import CHANCE, OTHER, RANDOM, RELATIVE, SAME, TOLD, TRUE, Evaluation
from avdemo.foley.testset import Pair, Sizes, made_pairs, open_pack, real_pairs
from avdemo.training.floor import untrained

CHIEF = "flow"  # the variant that is asked most
Progress = Callable[[float, str], None]


def evaluate(
    data: Path, *, quick: bool = False, progress: Progress | None = None, checkpoint: str = CHECKPOINT, packed: Path | None = None,
    sizes: Sizes | None = None, judge: str | Path | None = JUDGE,
) -> Evaluation:  # fmt: skip
    """Evaluate a checkpoint on everything held out.

    Args:
        data: the training data folder, or a folder of packed arrays.
        quick: less of everything.
        checkpoint: name or path of a family.
        packed: packed arrays that are there already; otherwise they are made below the work folder.
        sizes: how much is asked, instead of what ``quick`` says.
        judge: name or path of the independent ear's checkpoint; None, or one for other kinds: an ear is taught for this evaluation.

    Raises:
        InputError: the data is not there. WeightsError: no checkpoint.
    """
    from avdemo.settings import get_settings

    tell = progress or (lambda share, text: None)
    sizes = sizes or (Sizes.quick() if quick else Sizes())
    model = load_model(str(checkpoint)).on_cpu()
    family = model.network
    config = family.config
    folder = open_pack(Path(data), get_settings().work_dir, packed=packed, progress=lambda s, t: tell(0.1 * s, t))
    pack = FoleyPack(folder)
    tell(0.1, "Making the test's videos")
    made, real = made_pairs(pack, config, "test", sizes.made), real_pairs(pack, config, "test", sizes.real)
    known = made_pairs(pack, config, "train", sizes.spelled)
    tell(0.16, "Asking the independent ear about real sounds")
    result = Evaluation({"name": model.name, "sha256": model.sha256})
    ear = _judging_ear(judge, pack, config, sizes, result)
    result.ear = ear_scores(ear, pack, max(2, sizes.lessons // 4))
    result.counts = {"made": float(len(made)), "real": float(len(real)), "judged": float(min(sizes.judged, len(made)))}
    judged = _spread(made, sizes.judged)
    kinds = np.array([pair.kind for pair in judged])
    result.retrieval[CHANCE] = retrieval_chance(kinds)
    result.photos = photos_named(family.network(CHIEF), pack) | {CHANCE: {"named": 100 / (len(config.kinds) + 1)}}
    few = _spread(made, max(len(config.kinds), len(made) // 2))
    visual: dict[int, Tensor] = {}
    networks = {variant: family.network(variant) for variant in VARIANTS} | {RANDOM: _floor(family, made[0])}
    for number, (name, network) in enumerate(networks.items()):
        first, last = 0.22 + 0.76 * number / len(networks), 0.22 + 0.76 * (number + 1) / len(networks)

        def part(share: float, text: str, first: float = first, last: float = last, name: str = name) -> None:
            tell(first + (last - first) * share, f"{name}: {text}")

        part(0.0, "Looking at the videos")
        asked = made if name == CHIEF else few
        with torch.no_grad():
            for pair in (*made, *real, *known):
                if name != RANDOM and id(pair) not in visual:  # the variants share their eye
                    visual[id(pair)] = network.see(torch.from_numpy(pair.frames).unsqueeze(0))
            wanted = (*made, *real, *known) if name != RANDOM else (*asked, *real, *known)
            seen = {id(pair): seen_of(network, pair, visual.get(id(pair)) if name != RANDOM else None) for pair in wanted}
        _likely(result, name, network, seen, few, known)
        if name != RANDOM:
            found = likelihoods(
                network, judged, [seen[id(p)] for p in judged], sizes.judged_s, lambda s, t: part(0.1 + 0.4 * s, t)
            )
            result.retrieval[name] = retrieval(found, kinds)
            result.retrieval[name + RELATIVE] = retrieval(found - found.mean(0, keepdims=True), kinds)
        _listen(result, name, network, seen, asked, real, ear, lambda s, t: part(0.5 + 0.5 * s, t))
    for rows, pairs in ((result.made, made), (result.real, real)):
        if pairs:
            rows[TRUE] = scores([pair.wav for pair in pairs], pairs, ear, config.sample_rate)
            rows[CHANCE] = {"kind heard": 100 / len(config.kinds)}
    if not real:
        result.notes.append("The pack holds no held-out real clips.")
    tell(1.0, "Done")
    return result


def _judging_ear(judge: str | Path | None, pack: FoleyPack, config: FoleyConfig, sizes: Sizes, result: Evaluation) -> Ear:
    try:
        if judge is not None:
            return open_judge(judge, config.kinds, config.sample_rate)
    except WeightsError as error:
        result.notes.append(str(error))
    result.notes.append(
        "The independent ear was taught for this evaluation, so percentages of kinds heard differ by some points from one machine to another."
    )
    return teach_ear(pack, config.kinds, sizes.lessons, sizes.taught)


def _spread(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """So many of the pairs, which are sorted by kind, as evenly over the kinds as can be."""
    places = np.linspace(0, len(pairs) - 1, min(count, len(pairs))).round().astype(int)
    return [pairs[int(place)] for place in places]


def _floor(family: Family, pair: Pair) -> Foley:
    """The chief variant with random weights. Codebooks, which no training made, and linear prediction from them it has all the same."""
    frames, flow = (torch.from_numpy(part).unsqueeze(0) for part in (pair.frames, pair.flow))
    network = untrained(lambda: Foley(family.config.as_variant(CHIEF)), lambda network: network.condition(frames, flow))
    if network.tokens is not None:
        network.tokens.load_state_dict(family.network(CHIEF).tokens.state_dict())
    return network


def _likely(
    result: Evaluation, name: str, network: Foley, seen: dict[int, Tensor], test: list[Pair], train: list[Pair]
) -> None:  # fmt: skip
    on_test = cross_entropy(network, test, [seen[id(p)] for p in test])
    on_train = cross_entropy(network, train, [seen[id(p)] for p in train])
    row = {"train": on_train.get("true", on_train["decided"]), "test": on_test.get("true", on_test["decided"])}
    result.nats[name] = row | {"test, decided": on_test["decided"]}


def _listen(
    result: Evaluation, name: str, network: Foley, seen: dict[int, Tensor], made: list[Pair], real: list[Pair], ear: Ear, tell: Progress
) -> None:  # fmt: skip
    rate, kinds = network.config.sample_rate, network.config.kinds
    for pairs, rows, share in ((made, result.made, 0.0), (real, result.real, 0.5)):
        if not pairs:
            continue
        sounds = generate(network, pairs, [seen[id(p)] for p in pairs], progress=lambda s, t, share=share: tell(share + 0.35 * s, t))
        rows[name] = {"kind seen": kinds_seen(network, pairs, [seen[id(p)] for p in pairs])} | scores(sounds, pairs, ear, rate)
        if name != CHIEF:
            continue
        for label, same in ((SAME, True), (OTHER, False)):
            rows[label] = scores([sounds[n] for n in shuffled(pairs, same_kind=same)], pairs, ear, rate)
        few = pairs[:: max(1, len(pairs) // 30)]
        told = generate(network, few, [seen[id(p)] for p in few], told=True)
        rows[f"{name}, {TOLD}"] = scores(told, few, ear, rate)
        if pairs is made:
            result.kinds = by_kind(sounds, pairs, ear, kinds, rate)
