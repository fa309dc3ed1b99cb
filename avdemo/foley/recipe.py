"""From the training data folder to one checkpoint of all three variants: pairs are made, then sight, tokens, samples and names are learnt.

python -m avdemo train foley --data DIR --out foley-compact.safetensors --minutes 100
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avdemo.backbones.mobilenet import features_of
from avdemo.checkpoints import load_file
from avdemo.checkpoints import save as save_checkpoint
from avdemo.corpora.foley_pack import FoleyPack
from avdemo.errors import InputError
from avdemo.foley.audition import audition
from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.decay import drops_of
from avdemo.foley.family import Family
from avdemo.foley.names_recipe import DECAY, NamesRecipe
from avdemo.foley.objective import loudness_of
from avdemo.foley.pair_store import PairStore, blocks_of, make_pairs
from avdemo.foley.sight_recipe import Sight, SightRecipe
from avdemo.foley.sound_recipe import ROWS, SoundRecipe
from avdemo.foley.token_recipe import TokenRecipe, find_codebooks
from avdemo.training.loop import FitResult, Progress, TrainOptions, fit
from avdemo.training.machine import keep_freed_memory
from avdemo.training.parts import metadata_of_parts

SHARES = {"sight": 0.12, "tokens": 0.44, "sound": 0.44}  # of the training time
PAIRS = {"train": 4000, "val": 160}  # of 4 s, made before
SIGHT_BATCH = 12  # pairs
DEFAULT_MINUTES = 114.0
CONFIGS = ("compact", "paper")
NAMING_STEPS = 2000  # of the namer, which takes a minute whatever time the others have
WRITES = ("shared.rnn.", "shared.tells.")  # what is learnt with the sound where there are tokens
NOTED = ("steps", "items", "minutes", "seed", "device", "scores")


def _options(batch_size: int, minutes: float | None, steps: int | None, seed: int, **special: Any) -> TrainOptions:
    by_time = minutes is not None
    common = {"bf16": True, "schedule_by": "time" if by_time else "steps", "log_every": 25}
    return TrainOptions(steps=steps or 10**7, batch_size=batch_size, max_minutes=minutes, seed=seed, **(common | special))


def train_sight(
    train: PairStore, held: PairStore, out: Path, config: FoleyConfig, view: Mapping[str, Tensor] | None, *, minutes: float | None = None,
    steps: int | None = None, seed: int = 0, resume: bool = False, batch_size: int = SIGHT_BATCH, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """What is decided from the picture. ``view``: ImageNet's weights, with which the pairs were made."""
    blocks = blocks_of(config, view).blocks.state_dict()
    recipe = SightRecipe(config, train, held, batch_size, blocks, seed=seed)
    options = _options(
        batch_size, minutes, steps, seed, warmup_steps=50, weight_decay=3e-2, ema_decay=0.995, validate_every=200, save_every=200
    )  # fmt: skip
    return fit(recipe, options, out, resume=resume, progress=progress)


def train_tokens(
    train: PairStore, held: PairStore, out: Path, config: FoleyConfig, sight: Path | None, *, minutes: float | None = None,
    steps: int | None = None, seed: int = 0, resume: bool = False, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """The token tier and the ways to it, after its codebooks are found."""
    looking = open_sight(sight, config)
    find_codebooks(looking.family, train, seed=seed)
    recipe = TokenRecipe(config, train, held, looking, seed=seed)
    options = _options(
        recipe.batch_size, minutes, steps, seed, optimizer="adam", weight_decay=0.0, betas=(0.9, 0.99), warmup_steps=100, final_factor=0.01,
        ema_decay=0.995, validate_every=100, save_every=300,
    )  # fmt: skip
    return fit(recipe, options, out, resume=resume, progress=progress)


def train_sound(
    train: PairStore, held: PairStore, out: Path, config: FoleyConfig, sight: Path | None, *, rows: Mapping[str, int] | None = None,
    minutes: float | None = None, steps: int | None = None, seed: int = 0, resume: bool = False, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """The SampleRNN and the ways to it. Where it is told tokens, their codebooks are found first, and are those of :func:`train_tokens`.

    Args:
        sight: the checkpoint of :func:`train_sight`; None for a configuration that decides nothing from the picture.
        rows: variant -> rows of a batch; None: :data:`avdemo.foley.sound_recipe.ROWS`.
    """
    looking = open_sight(sight, config)
    if config.codes:
        find_codebooks(looking.family, train, seed=seed)
    recipe = SoundRecipe(config, train, held, looking, rows=rows, seed=seed)
    options = _options(
        recipe.batch_size, minutes, steps, seed, optimizer="adam", weight_decay=0.0, betas=(0.9, 0.99), warmup_steps=100, final_factor=0.01,
        ema_decay=0.998, validate_every=300, save_every=300,
    )  # fmt: skip
    return fit(recipe, options, out, resume=resume, progress=progress)


def train_names(
    train: PairStore, held: PairStore, out: Path, config: FoleyConfig, view: Mapping[str, Tensor] | None, pack: FoleyPack | None = None, *,
    steps: int | None = None, seed: int = 0, resume: bool = False, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """What names the kind that is seen. ``pack``: with the photos."""
    recipe = NamesRecipe(config, train, held, view, pack, seed=seed)
    special = {"warmup_steps": 20, "weight_decay": DECAY, "ema_decay": 0.99, "validate_every": 100, "save_every": 1000, "bf16": False}
    options = _options(recipe.batch_size, None, steps or NAMING_STEPS, seed, **special)
    return fit(recipe, options, out, resume=resume, progress=progress)


def open_sight(path: Path | None, config: FoleyConfig) -> Sight:
    """A trained sight from its checkpoint, a new one without."""
    family = Family(config)
    if path is not None:
        family.load_state_dict(load_file(path).state)
    return Sight(family).eval()


def train(
    data: Path, out: Path, *, config: str = "compact", variant: str = "all", resume: bool = False, minutes: float | None = None,
    steps: int | None = None, seed: int = 0, progress: Progress | None = None,
) -> None:  # fmt: skip
    """Train all parts and write ``out``; all variants of the compact configuration get a card and a record beside it.

    Args:
        data: the training data folder, or one of packed arrays.
        out: the checkpoint. Packed arrays go to ``<stem>-pack`` beside it, made pairs to ``<stem>-pairs``, the parts to ``<stem>-parts``.
        config: "compact", or "paper": the paper's layers and losses.
        variant: "all": a family of the three; or one of them, which is then written alone.
        minutes: training time, shared out to the parts by :data:`SHARES`; without it and without ``steps``: 100. Making pairs comes on top.
        steps: optimizer steps of each part instead.

    Raises:
        InputError: unknown configuration or variant, or the data is not there.
    """
    data, out = Path(data), Path(out)
    if config not in CONFIGS:
        raise InputError(f"There is no configuration {config!r} of foley; choose one of {', '.join(CONFIGS)}.")
    if variant not in ("all", *VARIANTS):
        raise InputError(f"There is no variant {variant!r} of foley; choose all or one of {', '.join(VARIANTS)}.")
    settings = getattr(FoleyConfig, config)()
    keep_freed_memory()
    if minutes is None and steps is None:
        minutes = DEFAULT_MINUTES
    packed = packed_arrays(data, out.with_name(out.stem + "-pack"), seed=seed, progress=progress)
    view = imagenet(data, settings)
    folder = out.with_name(out.stem + "-pairs")
    stores = {
        split: make_pairs(packed, folder / split, settings, split, count, view=view, seed=seed, progress=progress)
        for split, count in PAIRS.items()
    }
    if settings.codes:
        settings = replace(settings, voices=len(stores["train"].recordings(len(settings.kinds))))
    length = {"minutes": minutes, "steps": steps, "seed": seed, "resume": resume, "progress": progress}
    pack = FoleyPack(packed)
    parts = train_parts(stores, out.with_name(out.stem + "-parts"), settings, view, variant=variant, pack=pack, **length)
    assemble(parts, settings, out, variant, store=stores["train"], pack=pack, progress=progress)
    if config == "compact" and variant == "all":
        from avdemo.foley.card import describe

        length = f" --minutes {minutes:g}" if minutes else f" --steps {steps}"
        describe(
            out,
            packed,
            command=f"python -m avdemo train foley --data DIR --out {out.name} --config {config}{length} --seed {seed}",
        )


def packed_arrays(data: Path, packed: Path, *, seed: int, progress: Progress | None = None) -> Path:
    """The folder of packed sounds, photos and clips, made if it is not there; ``data`` itself when it is one.

    Raises:
        InputError: ``data`` is no folder that can be packed.
    """
    if (data / "packed.json").is_file():
        return data
    if not (packed / "packed.json").is_file():
        from avdemo.corpora.pack_foley import pack_foley

        pack_foley(data, packed, seed=seed, progress=progress)
    return packed


def imagenet(data: Path, config: FoleyConfig) -> dict[str, Tensor] | None:
    """What the eye starts from: MobileNetV2's features, or the paper's VGG19 whole; None for the tiny eye.

    Raises:
        InputError: the data folder has no such weights.
    """
    if config.eye == "tiny":
        return None
    name = "vgg19_imagenet.safetensors" if config.eye == "vgg19" else "mobilenet_v2_imagenet.safetensors"
    for folder in (data, data.parent):
        if (folder / "init" / name).is_file():
            from safetensors.torch import load_file as read

            state = read(folder / "init" / name)
            return dict(state) if config.eye == "vgg19" else features_of(state)
    source = (
        "torchvision's VGG19_Weights.IMAGENET1K_V1, saved as safetensors"
        if config.eye == "vgg19"
        else "torchvision's MobileNetV2"
    )
    raise InputError(f"The eye starts from ImageNet, but the data folder has no init/{name} ({source}).")


def train_parts(
    stores: Mapping[str, PairStore], folder: Path, config: FoleyConfig, view: Mapping[str, Tensor] | None, *, variant: str = "all",
    pack: FoleyPack | None = None, minutes: float | None, steps: int | None, seed: int, resume: bool = False, progress: Progress | None = None,
) -> dict[str, Path]:  # fmt: skip
    """Train every part into ``folder`` and return their checkpoints. Tokens and sound do not wait for each other: both need sight alone.

    ``pack``: with the photos that the namer learns from beside the pairs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = ROWS if variant == "all" else {variant: sum(ROWS.values())}
    length = {"steps": steps, "seed": seed, "resume": resume, "progress": progress}
    parts: dict[str, Path] = {}
    names = ["sight"] * (config.envelope_head or config.kind_head) + ["tokens"] * (config.codes > 0) + ["sound"]
    whole, before = sum(SHARES[name] for name in names), None
    for name in names:
        parts[name], length["minutes"] = folder / f"{name}.safetensors", minutes and minutes * SHARES[name] / whole
        if name == "sight":
            train_sight(stores["train"], stores["val"], parts[name], config, view, **length)
            before = parts[name]
        elif name == "tokens":
            train_tokens(stores["train"], stores["val"], parts[name], config, before, **length)
        else:
            train_sound(stores["train"], stores["val"], parts[name], config, before, rows=rows, **length)
    if config.votes:
        parts["names"] = folder / "names.safetensors"
        del length["minutes"]
        train_names(stores["train"], stores["val"], parts["names"], config, view, pack, **length)
    return parts


def learn_decay(family: Family, store: PairStore) -> None:
    """Measure in the training pairs' sounds how fast their kinds die away, in place."""
    loudness = torch.cat([loudness_of(torch.from_numpy(store.sound(n)).unsqueeze(0), family.config) for n in range(len(store))])
    found = drops_of(loudness, store.strokes(family.config), store.kind.tolist(), len(family.config.kinds))
    family.network("flow").decay.drops.copy_(found)


def assemble(
    parts: Mapping[str, Path], config: FoleyConfig, out: Path, variant: str = "all", *, store: PairStore | None = None,
    pack: FoleyPack | None = None, progress: Progress | None = None,
) -> Path:  # fmt: skip
    """Write ``out``: the family, or one variant alone, with metadata that says how each part was trained; minutes and items are sums.

    Args:
        store, pack: the training pairs, which tell how fast their kinds die away, and their recordings; with both, voices are auditioned.

    Raises:
        WeightsError: a part is missing or damaged. RuntimeError: it does not fit the configuration.
    """
    about: dict[str, dict[str, Any]] = {}
    for part, path in parts.items():
        loaded = load_file(path)
        about[part] = {name: loaded.metadata[name] for name in NOTED if name in loaded.metadata}
    family = Family(config)
    state = load_file(parts["sound"]).state
    if "tokens" in parts:  # of the sound's training only what it learnt
        written = {key: value for key, value in state.items() if key.startswith(WRITES)}
        state = load_file(parts["tokens"]).state | written
    if "names" in parts:
        state |= {f"shared.namer.{key}": value for key, value in load_file(parts["names"]).state.items()}
    family.load_state_dict(state)
    if config.decay and store is not None:
        learn_decay(family, store)
    if config.voices and store is not None and pack is not None:
        audition(family.eval(), store, pack, progress=progress)
    metadata = metadata_of_parts(f"foley-{config.name}", about, "sound")
    if variant == "all":
        return save_checkpoint(out, family.state_dict(), family.config.as_dict(), metadata)
    return save_checkpoint(out, family.alone(variant), config.as_variant(variant).as_dict(), metadata)
