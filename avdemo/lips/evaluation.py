"""The paper's tables, ours beside them (``python -m avdemo evaluate lips --data DIR``).

On speakers whom no training saw: are the frames like the true ones, are they sharp, are the mouth's points where they should be, does it
open when the true one does; beside somebody else's speech, the still photo, random weights, and the true mouth points told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from avdemo.checkpoints import opened
from avdemo.lips.config import LipsConfig
from avdemo.lips.judging import Seen, in_silence, look, make, row, see, told
from avdemo.lips.models import CHECKPOINT, load_model
from avdemo.lips.network import Lips
from avdemo.lips.points_recipe import find_points
from avdemo.lips.report import OURS, RANDOM, STILL, SWAPPED, TOLD, TRUE, Evaluation
from avdemo.lips.seeing import PointFinder
from avdemo.lips.testset import Asked, Sizes, open_pack, read_test
from avdemo.metrics.cpbd import cpbd
from avdemo.metrics.lmd import centred, opening
from avdemo.metrics.lmd import pooled_correlation as pooled
from avdemo.training.parts import noted

JUDGE = "lips-judge"
QUIET_CLIPS = 24  # that are asked about silence
RANDOM_SEED = 11

Progress = Callable[[float, str], None]


def evaluate(
    data: Path, *, quick: bool = False, progress: Progress | None = None, checkpoint: str = CHECKPOINT, packed: Path | None = None,
    judge: str | Path = JUDGE, sizes: Sizes | None = None,
) -> Evaluation:  # fmt: skip
    """Evaluate a checkpoint on the held-out speakers.

    Args:
        data: the training data folder, or a folder of mouth crops, or of packed arrays.
        quick: a few clips of each speaker.
        checkpoint, judge: names or paths; the judge is a finder of mouth points that no training looked through.
        packed: packed arrays that are there already; otherwise the held-out clips are packed below the work folder.
        sizes: how much is asked, instead of what ``quick`` says.

    Raises:
        InputError: the data is not there, or holds out nobody. WeightsError: no checkpoint, or no judge.
    """
    from avdemo.settings import get_settings

    tell = progress or (lambda share, text: None)
    sizes = sizes or (Sizes.quick() if quick else Sizes())
    model = load_model(str(checkpoint))
    network, eyes = model.on_cpu().network, open_judge(judge)
    pack = open_pack(Path(data), get_settings().work_dir, packed=packed, progress=lambda s, t: tell(0.1 * s, t))
    asked = read_test(pack, network.config, sizes)
    result = Evaluation({"name": model.name, "sha256": model.sha256})
    result.counts = {
        "clips": len(asked), "speakers": len({one.clip.speaker for one in asked}), "frames": sum(len(one.frames) for one in asked)
    }  # fmt: skip
    tell(0.1, "Looking at the true frames")
    known = [find_points(eyes, one.frames) for one in asked]
    result.judge = judge_scores(asked, known)
    floor = random_network(network.config)
    makers = {
        OURS: lambda one: make(network, one, one.speech),
        SWAPPED: lambda one: make(network, one, one.foreign),
        STILL: lambda one: np.repeat(one.photo[None], len(one.frames), 0),
        RANDOM: lambda one: make(floor, one, one.speech),
    }
    if network.is_compact:
        makers[TOLD] = lambda one: told(network, one)
    speakers, looks = [one.clip.speaker for one in asked], [look(one.frames) for one in asked]
    for number, (name, maker) in enumerate(makers.items()):
        seen = []
        for place, (one, points) in enumerate(zip(asked, known, strict=True)):
            if place % 8 == 0:
                tell(0.12 + 0.78 * (number + place / len(asked)) / len(makers), f"{name}: clip {place + 1} of {len(asked)}")
            seen.append(see(eyes, maker(one), one, points, sizes.every))
        result.rows[name] = row(seen, known, speakers, looks)
        if name == OURS:
            result.speakers = by_speaker(seen, known, asked)
    tell(0.9, "How sharp the true frames are")
    sharp = [float(np.mean([cpbd(frame) for frame in one.frames[:: sizes.every]])) for one in asked]
    result.rows[TRUE] = {"cpbd": float(np.mean(sharp))}
    for one, value in zip(asked, sharp, strict=True):
        entry = result.speakers[one.clip.speaker]
        entry["true cpbd"] = entry.get("true cpbd", 0.0) + value / entry["clips"]
    tell(0.95, "What the mouths do in silence")
    some = np.linspace(0, len(asked) - 1, min(QUIET_CLIPS, len(asked))).astype(int)
    result.silence = in_silence(network, eyes, [asked[n] for n in some], [known[n] for n in some])
    result.ablation = noted(checkpoint, "ablation")
    result.notes.append(
        "The footage's own synchrony is not exact, and of most speakers unknown; the columns with a lag show what it may cost, and what "
        "choosing a lag gives to a control that cannot know anything."
    )
    tell(1.0, "Done")
    return result


def open_judge(judge: str | Path) -> PointFinder:
    """The finder of mouth points that judges.

    Raises:
        WeightsError: there is none of that name, or it is damaged.
    """
    loaded = opened(judge)
    finder = PointFinder(LipsConfig.from_dict(loaded.config))
    finder.load_state_dict(loaded.state)
    return finder.eval().requires_grad_(False)


def random_network(config: LipsConfig) -> Lips:
    """The same network before any training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        return Lips(config).eval()


def judge_scores(asked: Sequence[Asked], known: Sequence[np.ndarray]) -> dict[str, float]:
    """The judge's points in the true frames beside the data's own: distance in pixels as LMD, and the opening's correlation."""
    distances = [
        np.linalg.norm(centred(points) - centred(one.points), axis=-1).mean() for one, points in zip(asked, known, strict=True)
    ]
    follows = pooled([opening(one.points) for one in asked], [opening(points) for points in known])
    return {"lmd": float(np.mean(distances)), "opening": follows}


def by_speaker(seen: Sequence[Seen], known: Sequence[np.ndarray], asked: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """Speaker -> a few columns of the table."""
    found: dict[str, dict[str, float]] = {}
    for speaker in sorted({one.clip.speaker for one in asked}):
        group = [number for number, one in enumerate(asked) if one.clip.speaker == speaker]
        curves = [opening(known[n]) for n in group], [opening(seen[n].points) for n in group]
        scores = {name: float(np.mean([seen[n].scores[name] for n in group])) for name in ("lmd", "psnr", "cpbd")}
        found[speaker] = {"opening": pooled(*curves), **scores, "clips": len(group)}
    return found
