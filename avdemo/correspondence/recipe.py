"""``python -m avdemo train correspondence --data DIR --out FILE``: data -> packed arrays -> pictures -> network -> checkpoint and card.

The compact configurations train on packed arrays: :mod:`avdemo.correspondence.pair_recipe`. The paper's configuration trains on a
folder of videos, decoded on the fly: :mod:`avdemo.correspondence.paper_recipe`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from avdemo.correspondence.config import CorrespondenceConfig
from avdemo.errors import InputError

DEFAULT_MINUTES = 60.0
SECOND_SHARE = 1 / 3  # of the time goes to the disturbed part
SCENES, HELD_SCENES = 12_000, 700
BATCH = 64
PICTURE_SIZE = 224  # px of the pictures as they are drawn
CONFIGS = ("compact", "scratch", "paper")

Progress = Callable[[float, str], None]


def train_pairs(
    packed: Path, out: Path, config: CorrespondenceConfig, *, init: Path | None = None, start: Path | None = None, resume: bool = False,
    minutes: float | None = None, steps: int | None = None, seed: int = 0, rivals: int | None = None, progress: Progress | None = None,
    scenes: int = SCENES, batch_size: int = BATCH, disturbed: bool = False,
) -> None:  # fmt: skip
    """Train a compact configuration from packed arrays.

    Args:
        init: ImageNet weights in torchvision's ``mobilenet_v2`` layout, for a vision tower that starts from them.
        start: a checkpoint of the same configuration to go on from with a fresh optimizer.
        disturbed: with the disturbances of :mod:`avdemo.correspondence.disturb`.
    """
    from avdemo.backbones.mobilenet import features_of
    from avdemo.checkpoints import load_file
    from avdemo.correspondence.calibrate import calibrate
    from avdemo.correspondence.network import Correspondence
    from avdemo.correspondence.pair_recipe import PairRecipe
    from avdemo.correspondence.pictures import draw_pictures, frozen_maps, smaller
    from avdemo.training.loop import fit
    from avdemo.training.options import TrainOptions

    blocks = None
    if config.vision == "mobilenet_v2":
        from safetensors.torch import load_file as read

        if init is None or not init.is_file():
            raise InputError(
                "This vision tower starts from ImageNet, but the data folder has no init/mobilenet_v2_imagenet.safetensors."
            )
        blocks = features_of(read(init))
        eyes = Correspondence(config)
        eyes.vision.features.load_state_dict(blocks)
    sources = []
    for split, count in (("train", scenes), ("val", HELD_SCENES)):
        drawn = draw_pictures(packed, split, count, size=PICTURE_SIZE, seed=seed, progress=progress)
        is_frozen = config.vision == "mobilenet_v2"
        sources.append((drawn, frozen_maps(drawn, eyes, progress=progress) if is_frozen else smaller(drawn, config.frame_size)))
    recipe = PairRecipe(
        config, packed, sources[0], sources[1], batch_size, seed=seed, init=blocks, rivals=rivals,
        start=load_file(start).state if start is not None else None, disturbed=disturbed,
    )  # fmt: skip
    by_time = {"schedule_by": "time"} if steps is None else {}
    minutes = minutes if minutes is not None else (DEFAULT_MINUTES if steps is None else None)
    options = TrainOptions(
        steps=steps or 1_000_000, max_minutes=minutes, batch_size=batch_size, warmup_steps=100, ema_decay=0.998, weight_decay=1e-4,
        validate_every=250, save_every=500, log_every=50, bf16=True, channels_last=True, seed=seed, **by_time,
    )  # fmt: skip
    fit(recipe, options, out, resume=resume and out.with_suffix(".state").is_file(), progress=progress)
    calibrate(out, recipe.held)


def _train_in_parts(
    packed: Path, out: Path, config: CorrespondenceConfig, init: Path, start: Path | None, *, minutes: float | None, steps: int | None,
    seed: int, **common: Any,
) -> None:  # fmt: skip
    """First the pairs as they are; then other pairs, disturbed, from the first part's best weights (or from ``start``)."""
    if minutes is None and steps is None:
        minutes = DEFAULT_MINUTES
    shares = (1 - SECOND_SHARE, SECOND_SHARE) if start is None else (0.0, 1.0)
    for part, share in enumerate(shares):
        if not share:
            continue
        length = {"minutes": minutes and minutes * share, "steps": steps and max(1, round(steps * share))}
        target = out if part else out.with_name(out.stem + "-part1.safetensors")
        train_pairs(packed, target, config, init=init, start=start, seed=seed + part, disturbed=bool(part), **length, **common)
        start = target


def train(
    data: Path, out: Path, *, config: str = "compact", resume: bool = False, minutes: float | None = None, steps: int | None = None,
    seed: int = 0, start: Path | None = None, progress: Progress | None = None,
) -> None:  # fmt: skip
    """Train and write ``out``; the compact configurations also write its card and record beside it.

    Args:
        data: the training data folder, or for ``config="paper"`` a folder of videos.
        out: the checkpoint; its name without suffix becomes the checkpoint's name. Packed arrays go to ``<stem>-pack`` beside it.
        config: "compact" (vision starts from ImageNet), "scratch" (compact, nothing learnt before) or "paper".
        minutes: training time; the learning rate follows the clock. Without it and without ``steps``: an hour.
        steps: optimizer steps instead.
        start: a compact checkpoint to go on from with a fresh optimizer.

    Raises:
        InputError: unknown configuration, or the data is not there.
    """
    data, out = Path(data), Path(out)
    if config not in CONFIGS:
        raise InputError(f"There is no configuration {config!r} of correspondence; choose one of {', '.join(CONFIGS)}.")
    if not data.exists():
        raise InputError(f"The data folder {data.name} does not exist; give the folder that holds instruments/photos.csv.")
    out.parent.mkdir(parents=True, exist_ok=True)
    settings = getattr(CorrespondenceConfig, config)()
    packed = out.with_name(out.stem + "-pack")
    common = {"resume": resume, "minutes": minutes, "steps": steps, "seed": seed, "progress": progress}
    if config == "paper":
        from avdemo.correspondence.paper_recipe import train_paper

        train_paper(data, out, config=settings, **common)
        return
    from avdemo.corpora.pack_pairs import pack_pairs

    if not (packed / "packed.json").is_file():
        pack_pairs(data, packed, sample_rate=settings.sample_rate, seed=seed, progress=progress)
    init = data / "init" / "mobilenet_v2_imagenet.safetensors"
    _train_in_parts(packed, out, settings, init, Path(start) if start is not None else None, **common)
    from avdemo.correspondence.card import describe

    length = f" --minutes {minutes:g}" if minutes else f" --steps {steps}" if steps else ""
    begun = " --start FILE" if start is not None else ""
    describe(
        out,
        packed,
        data=data,
        minutes=minutes,
        command=f"python -m avdemo train correspondence --data DIR --out {out.name} --config {config}{length}{begun} --seed {seed}",
    )
