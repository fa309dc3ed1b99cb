"""From the training data folder to one checkpoint: the ear, the eye, the judge, the painters, the player, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avdemo.backbones.mobilenet import features_of
from avdemo.checkpoints import load_file
from avdemo.corpora.paired_set import packed_partners
from avdemo.crossmodal.album import load_album
from avdemo.crossmodal.assembly import assemble
from avdemo.crossmodal.config import FEATURE, CrossmodalConfig, Switches
from avdemo.crossmodal.duel_recipe import DuelRecipe
from avdemo.crossmodal.ear_recipe import EarRecipe
from avdemo.crossmodal.features import (
    answers,
    by_kind,
    draw_windows,
    kernel_distance,
    paired_windows,
    picture_features,
    sound_features,
    spectrograms,
    to_pictures,
)
from avdemo.crossmodal.generators import Generator
from avdemo.crossmodal.hearing import Ear
from avdemo.crossmodal.pools import KindPool, PairPool, Pool, is_paired
from avdemo.crossmodal.seeing import BLOCKS, Eye, Judge
from avdemo.crossmodal.sight_recipe import SightRecipe
from avdemo.errors import InputError
from avdemo.training.loop import FitResult, Progress, TrainOptions, fit

FEATURES_PER_KIND, HELD_PER_KIND = 320, 24  # windows that condition the painters, in training and in validation
SPECTROGRAMS_PER_KIND = 320  # that the player learns from
VIEWS = 3  # disturbed views of each photo that condition the player
DUEL_BATCH = 16  # of generator and critic: on a short budget, many small steps
SHARES = {"ear": 0.1994, "eye": 0.0609, "judge": 0.0776, "C": 0.3518, "N": 0.0526, "A": 0.0360, "player": 0.2217}  # of the training time
DEFAULT_MINUTES = 180.5
CONFIGS = ("compact", "paper")
PAPER_SWITCHES = dict.fromkeys(("augment", "spectral_norm", "hinge", "projected", "reconstruct", "classify", "diverse", "ema"), False)


def _options(batch_size: int, minutes: float | None, steps: int | None, seed: int, **special: Any) -> TrainOptions:
    by_time = minutes is not None
    common = {"bf16": True, "channels_last": True, "warmup_steps": 50, "schedule_by": "time" if by_time else "steps"}
    return TrainOptions(steps=steps or 10**7, batch_size=batch_size, max_minutes=minutes, seed=seed, **(common | special))


def train_ear(
    packed: Path, out: Path, config: CrossmodalConfig, *, minutes: float | None = None, steps: int | None = None, seed: int = 0,
    resume: bool = False, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    recipe = EarRecipe(config, packed, 64, seed=seed)
    options = _options(64, minutes, steps, seed, weight_decay=1e-2, ema_decay=0.995, validate_every=150, save_every=300, log_every=25)
    return fit(recipe, options, out, resume=resume, progress=progress)


def train_sight(
    packed: Path, out: Path, config: CrossmodalConfig, part: str, *, init: Mapping[str, Tensor] | None = None, minutes: float | None = None,
    steps: int | None = None, seed: int = 0, resume: bool = False, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """``part``: "eye" or "judge"."""
    batch_size = 32 if part == "eye" else 64
    recipe = SightRecipe(config, packed, part, batch_size, seed=seed, init=init)
    options = _options(batch_size, minutes, steps, seed, weight_decay=2e-2, ema_decay=0.995, validate_every=150, save_every=300, log_every=25)
    return fit(recipe, options, out, resume=resume, progress=progress)


def open_part(path: Path, config: CrossmodalConfig, part: str) -> torch.nn.Module:
    """A trained part from its checkpoint, in eval mode."""
    makers: dict[str, Callable[[], torch.nn.Module]] = {"ear": lambda: Ear(config), "eye": lambda: Eye(config), "judge": lambda: Judge(config)}
    network = makers.get(part, lambda: Generator(config.player if part == "player" else config.painter_of(part)))()
    network.load_state_dict(load_file(path).state)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def variant_switches(variant: str, base: Switches | None = None) -> Switches:
    """``base`` for "C"; "N" without what tells kinds apart, the mismatches and the classifier; "A" without any discriminator."""
    base = base or Switches()
    return {"C": base, "N": replace(base, mismatch=False, classify=False), "A": replace(base, adversarial=False)}[variant]


def painter_judge(
    config: CrossmodalConfig, judge: Judge, eye: Eye, features: np.ndarray, kind: np.ndarray, real: Tensor, *, by_judge: bool = True
) -> Callable[[Generator], dict[str, float]]:
    """Scores a painter on held-out sounds: the judge's accuracy less the distance of its pictures from real ones.

    Accuracy alone is soon at its top and would choose an early painter whose pictures are plain signs; the kernel distance (in the
    eye's features, from training photos) goes on falling while they become pictures.
    """
    known = answers(eye, real)[1]
    z = torch.randn(len(features), config.painter.noise, generator=torch.Generator().manual_seed(5))

    @torch.no_grad()
    def score(generator: Generator) -> dict[str, float]:
        parts = zip(torch.from_numpy(features).split(64), z.split(64), strict=True)
        pictures = torch.cat([generator(f, noise).float() for f, noise in parts])
        logits, _ = answers(judge, pictures)
        eye_logits, seen = answers(eye, pictures)
        right = float((logits.argmax(1) == torch.from_numpy(kind)).float().mean())
        distance = kernel_distance(seen, known)
        found = {"judge": right, "eye": float((eye_logits.argmax(1) == torch.from_numpy(kind)).float().mean()), "distance": distance}
        return {"score": right - distance if by_judge else -1 / (1 + next(count)), **found}

    count = iter(range(10**9))  # without early stopping each validation counts as better than the last
    return score


def train_painter(
    packed: Path, out: Path, config: CrossmodalConfig, variant: str, parts: Mapping[str, Path], *, switches: Switches | None = None,
    view: Mapping[str, Tensor] | None = None, small: bool = False, minutes: float | None = None, steps: int | None = None, seed: int = 0,
    start: Path | None = None, resume: bool = False, batch_size: int = DUEL_BATCH, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """S2I. ``parts`` holds the checkpoints of "ear", "eye" and "judge"; ``small``: the sketcher's size for variant C too."""
    if switches is None:
        switches = variant_switches(variant)
    ear, eye, judge = (open_part(parts[name], config, name) for name in ("ear", "eye", "judge"))
    held, held_kinds = draw_windows(packed, config, "val", HELD_PER_KIND, seed + 1)
    album = load_album(packed, config.kinds, "train", config.picture_size, others=False)
    frames = album.on_white()
    if is_paired(packed):
        pool: Pool = PairPool(sound_features(ear, paired_windows(packed, config)), packed_partners(packed), album.entry)
    else:
        wavs, kinds = draw_windows(packed, config, "train", FEATURES_PER_KIND, seed)
        pool = KindPool(by_kind(sound_features(ear, wavs), kinds, len(config.kinds)))
    sample = np.random.default_rng(seed).permutation(len(frames))[:1200]
    judge_of = painter_judge(
        config, judge, eye, sound_features(ear, held), held_kinds, to_pictures(frames[sample]), by_judge=switches.early_stopping
    )
    recipe = DuelRecipe(
        config, config.sketcher if small else config.painter_of(variant), switches, frames.transpose(0, 3, 1, 2), album.kind, pool,
        judge_of, batch_size, name=f"S2I-{variant}", seed=seed, view=view, start=load_file(start).state if start else None,
    )  # fmt: skip
    options = _duel_options(batch_size, minutes, steps, seed, switches)
    return fit(recipe, options, out, resume=resume, progress=progress)


def _duel_options(batch_size: int, minutes: float | None, steps: int | None, seed: int, switches: Switches) -> TrainOptions:
    return _options(
        batch_size, minutes, steps, seed, optimizer="adam", weight_decay=0.0, clip_norm=None, ema_decay=0.998 if switches.ema else 0.0,
        validate_every=400, save_every=400, log_every=25, final_factor=0.25,
    )  # fmt: skip


def player_judge(
    config: CrossmodalConfig, ear: Ear, features: np.ndarray, kind: np.ndarray, real: np.ndarray, *, by_judge: bool = True
) -> Callable[[Generator], dict[str, float]]:
    """Scores a player on held-out pictures: the ear's accuracy less the distance of its spectrograms from real ones."""

    def listened(lms: Tensor) -> tuple[Tensor, Tensor]:
        feature = torch.cat([ear.feature(part) for part in lms.split(64)])
        return ear.answer(feature), feature

    with torch.no_grad():
        known = listened(torch.from_numpy(real[:, 0]).float() / 127.5 - 1)[1]
    z = torch.randn(len(features), config.player.noise, generator=torch.Generator().manual_seed(5))

    @torch.no_grad()
    def score(generator: Generator) -> dict[str, float]:
        parts = zip(torch.from_numpy(features).split(64), z.split(64), strict=True)
        logits, heard = listened(torch.cat([generator(f, noise).float() for f, noise in parts]).squeeze(1))
        right, distance = float((logits.argmax(1) == torch.from_numpy(kind)).float().mean()), kernel_distance(heard, known)
        return {"score": right - distance if by_judge else -1 / (1 + next(count)), "ear": right, "distance": distance}

    count = iter(range(10**9))
    return score


def train_player(
    packed: Path, out: Path, config: CrossmodalConfig, parts: Mapping[str, Path], *, switches: Switches | None = None,
    view: Mapping[str, Tensor] | None = None, minutes: float | None = None, steps: int | None = None, seed: int = 0, start: Path | None = None,
    resume: bool = False, batch_size: int = DUEL_BATCH, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """I2S. ``parts`` holds the checkpoints of "ear" and "eye"."""
    switches = switches or Switches()
    ear, eye = open_part(parts["ear"], config, "ear"), open_part(parts["eye"], config, "eye")
    album = load_album(packed, config.kinds, "train", config.eye_size, others=False, drawn=True)
    if is_paired(packed):
        windows = paired_windows(packed, config)
        real, kinds = spectrograms(ear, windows[album.entry]), album.kind
        own = np.zeros((len(windows), FEATURE), np.float32)
        own[album.entry] = picture_features(eye, album)[0]
        pool: Pool = PairPool(own, packed_partners(packed), album.entry)
    else:
        wavs, kinds = draw_windows(packed, config, "train", SPECTROGRAMS_PER_KIND, seed + 2)
        real = spectrograms(ear, wavs)
        pool = KindPool(by_kind(*picture_features(eye, album, VIEWS, seed), len(config.kinds)))
    held = load_album(packed, config.kinds, "val", config.eye_size, others=False)
    held_features, held_kinds = picture_features(eye, held)
    sample = np.random.default_rng(seed).permutation(len(real))[:1200]
    judge_of = player_judge(config, ear, held_features, held_kinds, real[sample], by_judge=switches.early_stopping)
    recipe = DuelRecipe(
        config, config.player, switches, real, kinds, pool, judge_of, batch_size, name="I2S", seed=seed, view=view,
        start=load_file(start).state if start else None,
    )  # fmt: skip
    return fit(recipe, _duel_options(batch_size, minutes, steps, seed, switches), out, resume=resume, progress=progress)


def train(
    data: Path, out: Path, *, config: str = "compact", resume: bool = False, minutes: float | None = None, steps: int | None = None,
    seed: int = 0, progress: Progress | None = None,
) -> None:  # fmt: skip
    """Train all parts and write ``out``; the compact configuration also writes its card and record beside it.

    Args:
        data: the training data folder, or a folder of Sub-URMP or INIS.
        out: the checkpoint. Packed arrays go to ``<stem>-pack`` beside it, the parts to ``<stem>-parts``.
        config: "compact", or "paper": the paper's layers and losses.
        minutes: training time, shared out to the parts by :data:`SHARES`; without it and without ``steps``: 180.5.
        steps: optimizer steps of each part instead.

    Raises:
        InputError: unknown configuration, or the data is not there.
    """
    data, out = Path(data), Path(out)
    if config not in CONFIGS:
        raise InputError(f"There is no configuration {config!r} of crossmodal; choose one of {', '.join(CONFIGS)}.")
    settings = getattr(CrossmodalConfig, config)()
    if minutes is None and steps is None:
        minutes = DEFAULT_MINUTES
    folder = out.with_name(out.stem + "-parts")
    folder.mkdir(parents=True, exist_ok=True)
    packed = packed_arrays(data, out.with_name(out.stem + "-pack"), settings, seed=seed, progress=progress)
    if is_paired(packed):
        settings = replace(settings, kinds=tuple(json.loads((packed / "packed.json").read_text())["kinds"]))
    init = data / "init" / "mobilenet_v2_imagenet.safetensors"
    length = {"resume": resume, "minutes": minutes, "steps": steps, "seed": seed}
    parts = train_parts(packed, folder, settings, init if init.is_file() else None, progress=progress, **length)
    assemble(parts, settings, out)
    if config == "compact" and not is_paired(packed):
        from avdemo.crossmodal.card import describe

        length = f" --minutes {minutes:g}" if minutes else f" --steps {steps}"
        command = f"python -m avdemo train crossmodal --data DIR --out {out.name} --config {config}{length} --seed {seed}"
        describe(out, packed, data=data, minutes=minutes, command=command)


def packed_arrays(data: Path, packed: Path, config: CrossmodalConfig, *, seed: int, progress: Progress | None = None) -> Path:
    """The folder of packed photos and sounds, made if it is not there.

    Raises:
        InputError: ``data`` is no folder that can be packed.
    """
    if (packed / "packed.json").is_file():
        return packed
    if (data / "instruments" / "photos.csv").is_file():
        from avdemo.corpora.more_fonts import add_fonts
        from avdemo.corpora.pack_pairs import pack_pairs

        pack_pairs(data, packed, sample_rate=config.window.sample_rate, seed=seed, progress=progress)
        add_fonts(packed, config.kinds, sample_rate=config.window.sample_rate, seed=seed, progress=progress)
    else:
        from avdemo.corpora.pack_paired import pack, read_paired

        pack(read_paired(data), packed, max(config.eye_size, config.picture_size), config.window.sample_rate, progress=progress)
    return packed


def train_parts(
    packed: Path, folder: Path, config: CrossmodalConfig, init: Path | None, *, minutes: float | None, steps: int | None, seed: int,
    resume: bool = False, progress: Progress | None = None,
) -> dict[str, Path]:  # fmt: skip
    """Train every part into ``folder`` and return their checkpoints.

    Args:
        init: ImageNet weights in torchvision's ``mobilenet_v2`` layout.

    Raises:
        InputError: the configuration needs ``init`` and it is None.
    """
    plain = Switches(**PAPER_SWITCHES) if config.name == "paper" else Switches()
    view: dict[str, Tensor] = {}
    if init is not None:
        from safetensors.torch import load_file as read

        view = features_of(read(init))
    elif plain.projected or config.eye_style == "mobilenet_v2":
        raise InputError("This configuration starts from ImageNet, but the data folder has no init/mobilenet_v2_imagenet.safetensors.")
    parts: dict[str, Path] = {}
    for part, share in SHARES.items():
        path = parts[part] = folder / f"{part}.safetensors"
        length = {"minutes": minutes and minutes * share, "steps": steps, "seed": seed, "resume": resume, "progress": progress}
        if part == "ear":
            train_ear(packed, path, config, **length)
        elif part in ("eye", "judge"):
            blocks = {k: v for k, v in view.items() if int(k.split(".")[0]) < BLOCKS} if config.eye_style == "mobilenet_v2" else None
            train_sight(packed, path, config, part, init=blocks, **length)
        elif part == "player":
            train_player(packed, path, config, parts, switches=plain, view=view or None, **length)
        else:
            switches = variant_switches(part, plain)
            train_painter(packed, path, config, part, parts, switches=switches, view=view or None, **length)
    return parts
