"""``python -m avdemo train pixels --data DIR --out FILE``: data -> packed arrays -> backbone -> separator -> checkpoint and card.

The compact configuration trains in two parts: :mod:`avdemo.pixels.look`, then :mod:`avdemo.pixels.listen`. The paper's
configuration trains end to end as the paper does: :mod:`avdemo.pixels.paper_recipe`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from avdemo.errors import InputError
from avdemo.pixels.config import SOUNDS, PixelsConfig

LOOK_SHARE = 0.25  # of the minutes go to the backbone
DEFAULT_MINUTES = 120.0
DEFAULT_STEPS = 12_000
LOOK_BATCH, LISTEN_BATCH = 32, 16

Progress = Callable[[float, str], None]


def pack(data: Path, out: Path, *, seed: int = 0, progress: Progress | None = None) -> Path:
    """Make the packed arrays in ``out`` unless they are there; returns ``out``.

    Raises:
        InputError: ``data`` has no instrument photos and sounds, or a soundfont is missing.
    """
    from avdemo.corpora.pack_photos import pack_photos
    from avdemo.corpora.pack_sounds import pack_sounds

    done = out / "packed.json"
    if done.is_file():
        return out
    config = PixelsConfig.compact()
    tell = progress or (lambda share, text: None)
    pictures = pack_photos(data, out, SOUNDS, progress=lambda s, t: tell(0.3 * s, t))
    pieces = pack_sounds(data, out, SOUNDS, config.sample_rate, seed=seed, progress=lambda s, t: tell(0.3 + 0.7 * s, t))
    done.write_text(json.dumps({"pictures": pictures, "pieces": pieces, "seed": seed}))
    return out


def _backbone(path: Path):
    from avdemo.checkpoints import load_file

    return load_file(path).state


def _train_backbone(
    data: Path, packed: Path, out: Path, config: PixelsConfig, common: dict, resume: bool, minutes: float | None, steps: int | None,
    seed: int, progress: Progress | None,
) -> Path:  # fmt: skip
    from avdemo.pixels.look import LookRecipe, imagenet_features
    from avdemo.training.loop import fit
    from avdemo.training.options import TrainOptions

    look_out = out.with_name(out.stem + "-look.safetensors")
    init = data / "init" / "mobilenet_v2_imagenet.safetensors"
    look = LookRecipe(config, packed, LOOK_BATCH, seed=seed, init=imagenet_features(init) if init.is_file() else None)
    look_options = TrainOptions(
        steps=max(1, steps // 20) if steps else DEFAULT_STEPS, max_minutes=minutes * LOOK_SHARE if minutes else None,
        batch_size=LOOK_BATCH, warmup_steps=30, ema_decay=0.99, validate_every=100, save_every=200, log_every=20, **common,
    )  # fmt: skip
    fit(look, look_options, look_out, resume=resume and look_out.is_file(), progress=progress)
    return look_out


def _train_compact(
    data: Path, packed: Path, out: Path, *, resume: bool, minutes: float | None, steps: int | None, seed: int,
    progress: Progress | None, start: Path | None,
) -> None:  # fmt: skip
    from avdemo.pixels.listen import ListenRecipe
    from avdemo.training.loop import fit
    from avdemo.training.options import TrainOptions

    config = PixelsConfig.compact()
    by_time = {"schedule_by": "time"} if steps is None else {}
    minutes = minutes if minutes is not None else (DEFAULT_MINUTES if steps is None else None)
    common = {"bf16": True, "channels_last": True, "seed": seed, "decay": "cosine", **by_time}
    if start is not None:
        whole = _backbone(start)
        listen = ListenRecipe(config, packed, LISTEN_BATCH, whole, seed=seed, start=whole)
        look_minutes = 0.0
    else:
        look_out = _train_backbone(data, packed, out, config, common, resume, minutes, steps, seed, progress)
        listen = ListenRecipe(config, packed, LISTEN_BATCH, _backbone(look_out), seed=seed)
        look_minutes = minutes * LOOK_SHARE if minutes else 0.0
    listen_options = TrainOptions(
        steps=steps or 20 * DEFAULT_STEPS, max_minutes=minutes - look_minutes if minutes else None, batch_size=LISTEN_BATCH,
        warmup_steps=100, ema_decay=0.998, validate_every=500, save_every=500, log_every=50, **common,
    )  # fmt: skip
    fit(listen, listen_options, out, resume=resume and out.with_suffix(".state").is_file(), progress=progress)


def train(
    data: Path, out: Path, *, config: str = "compact", resume: bool = False, minutes: float | None = None, steps: int | None = None,
    seed: int = 0, start: Path | None = None, progress: Progress | None = None,
) -> None:  # fmt: skip
    """Train and write ``out`` with its card and record beside it.

    Args:
        data: the training data folder (with ``instruments/``), or for ``config="paper"`` also a MUSIC index file.
        out: the checkpoint; its name without suffix becomes the checkpoint's name. Packed arrays go to ``<stem>-pack`` beside it.
        config: "compact" or "paper".
        minutes: training time; the learning rate follows the clock. Without it and without ``steps``: two hours.
        steps: optimizer steps of the separator instead.
        start: a compact checkpoint to go on from with a fresh optimizer, such as the shipped one; its backbone is kept.

    Raises:
        InputError: unknown configuration, or the data is not there.
    """
    data, out = Path(data), Path(out)
    if config not in ("compact", "paper"):
        raise InputError(f"There is no configuration {config!r} of pixels; choose compact or paper.")
    if not data.exists():
        raise InputError(f"The data folder {data.name} does not exist; give the folder that holds instruments/photos.csv.")
    out.parent.mkdir(parents=True, exist_ok=True)
    packed = out.with_name(out.stem + "-pack")
    if config == "paper":
        from avdemo.pixels.paper_recipe import train_paper

        train_paper(
            data,
            packed,
            out,
            resume=resume,
            minutes=minutes,
            steps=steps,
            seed=seed,
            progress=progress,
            config=PixelsConfig.paper(),
        )
    else:
        pack(data, packed, seed=seed, progress=progress)
        begin = Path(start) if start is not None else None
        _train_compact(data, packed, out, resume=resume, minutes=minutes, steps=steps, seed=seed, progress=progress, start=begin)
    from avdemo.pixels.calibrate import calibrate
    from avdemo.pixels.card import describe

    length = f" --minutes {minutes:g}" if minutes else f" --steps {steps}" if steps else ""
    command = f"python -m avdemo train pixels --data DIR --out {out.name} --config {config}{length} --seed {seed}"
    if (packed / "sounds.json").is_file():  # a MUSIC index has no labelled test of ours
        calibrate(out, packed)
        describe(out, packed, command=command)
