"""From the mouth clips to one checkpoint: finder, judge, imagination, expert, painter, generator, one after the other.

    python -m avdemo train lips --data DIR --out lips-compact.safetensors --minutes 124

The judge is never looked through in training; it is for the evaluation, and stays in the folder of the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from avdemo.backbones.mobilenet import features_of
from avdemo.checkpoints import load_file
from avdemo.checkpoints import save as save_checkpoint
from avdemo.corpora.lip_pack import LipPack
from avdemo.errors import InputError
from avdemo.lips.config import LipsConfig, Switches
from avdemo.lips.critics import SyncExpert
from avdemo.lips.generator_recipe import GeneratorRecipe
from avdemo.lips.lags import heard_lags, read_lags, write_lags
from avdemo.lips.network import Lips
from avdemo.lips.points_recipe import PointRecipe, finder_config
from avdemo.lips.seeing import PointFinder
from avdemo.lips.speech_recipe import SpeechRecipe
from avdemo.lips.sync_recipe import SyncRecipe
from avdemo.training.loop import FitResult, Progress, TrainOptions, fit
from avdemo.training.parts import metadata_of_parts

SHARES = {"points": 0.027, "judge": 0.013, "speech": 0.089, "sync": 0.035, "painter": 0.675, "generator": 0.161}  # of the training time
PAPER_SHARES = {"points": 0.05, "judge": 0.05, "generator": 0.9}
BATCHES = {"points": 64, "judge": 64, "sync": 24, "speech": 32, "painter": 16, "generator": 4}  # windows, for the finders frames
PAPER_BATCH = 24
DEFAULT_MINUTES = 124.0
CONFIGS = ("compact", "paper")
LAGS_FILE = "lags.json"
NOTED = ("steps", "items", "minutes", "seed", "device", "scores")


def switches_of(config: LipsConfig) -> Switches:
    """What a configuration is trained with."""
    return Switches.paper() if config.generator.style == "paper" else Switches()


def _options(batch_size: int, minutes: float | None, steps: int | None, seed: int, **special: Any) -> TrainOptions:
    by_time = minutes is not None
    common = {"bf16": True, "warmup_steps": 50, "schedule_by": "time" if by_time else "steps", "log_every": 25}
    return TrainOptions(steps=steps or 10**7, batch_size=batch_size, max_minutes=minutes, seed=seed, **(common | special))


def train_points(
    pack: LipPack, out: Path, config: LipsConfig, part: str, *, minutes: float | None = None, steps: int | None = None, seed: int = 0,
    resume: bool = False, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """``part``: "points", the finder that the network has in it, or "judge"."""
    recipe = PointRecipe(config, pack, part, BATCHES[part], seed=seed + (part == "judge"))
    options = _options(
        BATCHES[part], minutes, steps, seed, channels_last=True, weight_decay=1e-2, ema_decay=0.99, validate_every=150, save_every=300
    )  # fmt: skip
    return fit(recipe, options, out, resume=resume, progress=progress)


def train_sync(
    pack: LipPack, out: Path, config: LipsConfig, *, minutes: float | None = None, steps: int | None = None, seed: int = 0,
    resume: bool = False, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """The expert; it needs the lags that :func:`train_speech` leaves beside ``out``."""
    recipe = SyncRecipe(config, pack, BATCHES["sync"], lags=_lags_beside(out), seed=seed)
    options = _options(
        BATCHES["sync"], minutes, steps, seed, weight_decay=5e-2, ema_decay=0.99, validate_every=200, save_every=400
    )
    return fit(recipe, options, out, resume=resume, progress=progress)


def train_speech(
    pack: LipPack, out: Path, config: LipsConfig, *, minutes: float | None = None, steps: int | None = None, seed: int = 0,
    resume: bool = False, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """The imagination; then tells the lag of each clip, in ``lags.json`` beside ``out``."""
    recipe = SpeechRecipe(config, pack, BATCHES["speech"], seed=seed)
    options = _options(
        BATCHES["speech"], minutes, steps, seed, weight_decay=5e-2, ema_decay=0.995, validate_every=500, save_every=1000, log_every=100
    )  # fmt: skip
    result = fit(recipe, options, out, resume=resume, progress=progress)
    if result.stopped == "signal":
        return result
    student = recipe.build().eval()
    student.load_state_dict(load_file(out).state)
    write_lags(out.with_name(LAGS_FILE), heard_lags(student, pack, config))
    return result


def _lags_beside(path: Path) -> dict[str, int] | None:
    """What :func:`train_speech` found, None where it was not trained (the paper's way has no imagination)."""
    lags = path.with_name(LAGS_FILE)
    return read_lags(lags) if lags.is_file() else None


def train_generator(
    pack: LipPack, out: Path, config: LipsConfig, part: str, parts: Mapping[str, Path], *, switches: Switches | None = None,
    view: Mapping[str, Tensor] | None = None, minutes: float | None = None, steps: int | None = None, seed: int = 0, resume: bool = False,
    batch_size: int | None = None, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """``part``: "painter" or "generator". A row of the ablation is a generator with other ``switches``, from the same painter or none.

    Args:
        parts: checkpoints of the parts before: "points" always, and the lags beside it where there are any; "sync" where the switches need
            it; it starts from "painter" if there is one, else from "speech" if there is one.
    """
    switches = switches or switches_of(config)
    if part == "painter":
        switches = replace(switches, adversarial=False, correlation="", sync=False)
    finder = open_finder(parts["points"], config)
    expert = None
    if switches.sync:
        expert = SyncExpert(config)
        expert.load_state_dict(load_file(parts["sync"]).state)
    before = next((parts[name] for name in ("painter", "speech") if name in parts and name != part), None)
    batch_size = batch_size or (PAPER_BATCH if config.generator.style == "paper" else BATCHES[part])
    recipe = GeneratorRecipe(
        config, switches, pack, part, batch_size, finder=finder, start=load_file(before).state if before else None, expert=expert,
        view=view if switches.perceptual == "imagenet" else None, lags=_lags_beside(parts["points"]), seed=seed,
    )  # fmt: skip
    options = _options(
        batch_size, minutes, steps, seed, optimizer="adam", weight_decay=0.0, clip_norm=10.0 if part == "painter" else None,
        ema_decay=0.998 if switches.ema else 0.0, validate_every=300, save_every=300, final_factor=0.02 if part == "painter" else 0.1,
    )  # fmt: skip
    return fit(recipe, options, out, resume=resume, progress=progress)


def open_finder(path: Path, config: LipsConfig, part: str = "points") -> PointFinder:
    """A trained finder of mouth points ("points", or "judge") from its checkpoint, in eval mode."""
    finder = PointFinder(finder_config(config, part))
    finder.load_state_dict(load_file(path).state)
    return finder.eval().requires_grad_(False)


def train(
    data: Path, out: Path, *, config: str = "compact", resume: bool = False, minutes: float | None = None, steps: int | None = None,
    seed: int = 0, progress: Progress | None = None,
) -> None:  # fmt: skip
    """Train all parts and write ``out``.

    Args:
        data: the training data folder, or a folder of mouth crops, of GRID or of LRW, or one of packed arrays.
        out: the checkpoint. Packed arrays go to ``<stem>-pack`` beside it, the parts to ``<stem>-parts``.
        config: "compact", or "paper": the paper's layers and losses.
        minutes: training time, shared out to the parts by :data:`SHARES`; without it and without ``steps``: 124.
        steps: optimizer steps of each part instead.

    Raises:
        InputError: unknown configuration, or the data is not there.
    """
    data, out = Path(data), Path(out)
    if config not in CONFIGS:
        raise InputError(f"There is no configuration {config!r} of lips; choose one of {', '.join(CONFIGS)}.")
    settings = getattr(LipsConfig, config)()
    if minutes is None and steps is None:
        minutes = DEFAULT_MINUTES
    folder = out.with_name(out.stem + "-parts")
    folder.mkdir(parents=True, exist_ok=True)
    pack = LipPack(packed_arrays(data, out.with_name(out.stem + "-pack"), settings, progress=progress))
    view = imagenet(data, settings)
    length = {"resume": resume, "minutes": minutes, "steps": steps, "seed": seed}
    parts = train_parts(pack, folder, settings, view, progress=progress, **length)
    if "generator" in parts:
        assemble(parts, settings, out)


def packed_arrays(data: Path, packed: Path, config: LipsConfig, *, progress: Progress | None = None) -> Path:
    """The folder of packed clips, made if it is not there; ``data`` itself when it is one.

    Raises:
        InputError: ``data`` is no folder that can be packed.
    """
    if (data / "packed.json").is_file():
        return data
    if not (packed / "packed.json").is_file():
        from avdemo.corpora.pack_lips import pack, read_speakers

        clips = data / "lips" if (data / "lips" / "index.csv").is_file() else data
        pack(read_speakers(clips), packed, config.size, progress=progress)
    return packed


def imagenet(data: Path, config: LipsConfig) -> dict[str, Tensor] | None:
    """Weights of MobileNetV2's features for the perceptual loss, None where the configuration needs none.

    Raises:
        InputError: it does, and the training data folder has none.
    """
    if switches_of(config).perceptual != "imagenet":
        return None
    for folder in (data, data.parent, data.parent.parent):  # the folder of the lips alone lies inside the data folder
        init = folder / "init" / "mobilenet_v2_imagenet.safetensors"
        if init.is_file():
            from safetensors.torch import load_file as read

            return features_of(read(init))
    raise InputError(
        "The perceptual loss looks through ImageNet, but the data folder has no init/mobilenet_v2_imagenet.safetensors."
    )


def train_parts(
    pack: LipPack, folder: Path, config: LipsConfig, view: Mapping[str, Tensor] | None, *, minutes: float | None, steps: int | None,
    seed: int, resume: bool = False, progress: Progress | None = None,
) -> dict[str, Path]:  # fmt: skip
    """Train every part into ``folder`` and return their checkpoints; of a part that was stopped by a signal, and of those after it, none."""
    shares = PAPER_SHARES if config.generator.style == "paper" else SHARES
    parts: dict[str, Path] = {}
    for part, share in shares.items():
        path = folder / f"{part}.safetensors"
        length = {"minutes": minutes and minutes * share, "steps": steps, "seed": seed, "resume": resume, "progress": progress}
        if part in ("points", "judge"):
            result = train_points(pack, path, config, part, **length)
        elif part == "sync":
            result = train_sync(pack, path, config, **length)
        elif part == "speech":
            result = train_speech(pack, path, config, **length)
        else:
            result = train_generator(pack, path, config, part, parts, view=view, **length)
        if result.stopped == "signal":
            break
        parts[part] = path
    return parts


def assemble(parts: Mapping[str, Path], config: LipsConfig, out: Path) -> Path:
    """Write ``out``: the generator's weights, with metadata that says how each part was trained; minutes and items are sums.

    Raises:
        WeightsError: a part is missing or damaged. RuntimeError: it does not fit the configuration.
    """
    about: dict[str, dict[str, Any]] = {}
    for part, path in parts.items():
        loaded = load_file(path)
        about[part] = {name: loaded.metadata[name] for name in NOTED if name in loaded.metadata}
        about[part] |= {name: loaded.config[name] for name in ("switches", "weights") if name in loaded.config}
    state = load_file(parts["generator"]).state
    Lips(config).load_state_dict(state)
    metadata = metadata_of_parts(f"lips-{config.name}", about, "generator")
    return save_checkpoint(out, state, config.as_dict(), metadata)
