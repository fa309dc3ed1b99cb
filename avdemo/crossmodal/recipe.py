"""From the training data folder to one checkpoint: the ear, the eye, the judge, the painters, the player, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avdemo.checkpoints import load_file
from avdemo.crossmodal.album import load_album
from avdemo.crossmodal.config import CrossmodalConfig, Switches
from avdemo.crossmodal.duel_recipe import DuelRecipe
from avdemo.crossmodal.ear_recipe import EarRecipe
from avdemo.crossmodal.features import (
    answers,
    by_kind,
    draw_windows,
    kernel_distance,
    picture_features,
    sound_features,
    spectrograms,
    to_pictures,
)
from avdemo.crossmodal.generators import Generator
from avdemo.crossmodal.hearing import Ear
from avdemo.crossmodal.seeing import Eye, Judge
from avdemo.crossmodal.sight_recipe import SightRecipe
from avdemo.training.loop import FitResult, Progress, TrainOptions, fit

FEATURES_PER_KIND, HELD_PER_KIND = 320, 24  # windows that condition the painters, in training and in validation
SPECTROGRAMS_PER_KIND = 320  # that the player learns from
VIEWS = 3  # disturbed views of each photo that condition the player
PARTS = ("ear", "eye", "judge", "C", "N", "A", "player")


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
    start: Path | None = None, resume: bool = False, batch_size: int = 32, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """S2I. ``parts`` holds the checkpoints of "ear", "eye" and "judge"; ``small``: the sketcher's size for variant C too."""
    if switches is None:
        switches = {"C": Switches(), "N": Switches(mismatch=False), "A": Switches(adversarial=False)}[variant]
    ear, eye, judge = (open_part(parts[name], config, name) for name in ("ear", "eye", "judge"))
    wavs, kinds = draw_windows(packed, config, "train", FEATURES_PER_KIND, seed)
    features = by_kind(sound_features(ear, wavs), kinds, len(config.kinds))
    held, held_kinds = draw_windows(packed, config, "val", HELD_PER_KIND, seed + 1)
    album = load_album(packed, config.kinds, "train", config.picture_size, others=False)
    frames = album.on_white()
    sample = np.random.default_rng(seed).permutation(len(frames))[:1200]
    judge_of = painter_judge(
        config, judge, eye, sound_features(ear, held), held_kinds, to_pictures(frames[sample]), by_judge=switches.early_stopping
    )
    recipe = DuelRecipe(
        config, config.sketcher if small else config.painter_of(variant), switches, frames.transpose(0, 3, 1, 2), album.kind, features,
        judge_of, batch_size, name=f"S2I-{variant}", seed=seed, view=view, start=load_file(start).state if start else None,
    )  # fmt: skip
    options = _duel_options(batch_size, minutes, steps, seed, switches)
    return fit(recipe, options, out, resume=resume, progress=progress)


def _duel_options(batch_size: int, minutes: float | None, steps: int | None, seed: int, switches: Switches) -> TrainOptions:
    return _options(
        batch_size, minutes, steps, seed, optimizer="adam", weight_decay=0.0, clip_norm=None, ema_decay=0.998 if switches.ema else 0.0,
        validate_every=250, save_every=500, log_every=25, final_factor=0.25,
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
    resume: bool = False, batch_size: int = 32, progress: Progress | None = None,
) -> FitResult:  # fmt: skip
    """I2S. ``parts`` holds the checkpoints of "ear" and "eye"."""
    switches = switches or Switches()
    ear, eye = open_part(parts["ear"], config, "ear"), open_part(parts["eye"], config, "eye")
    wavs, kinds = draw_windows(packed, config, "train", SPECTROGRAMS_PER_KIND, seed + 2)
    real = spectrograms(ear, wavs)
    album = load_album(packed, config.kinds, "train", config.eye_size, others=False, drawn=True)
    features = by_kind(*picture_features(eye, album, VIEWS, seed), len(config.kinds))
    held = load_album(packed, config.kinds, "val", config.eye_size, others=False)
    held_features, held_kinds = picture_features(eye, held)
    sample = np.random.default_rng(seed).permutation(len(real))[:1200]
    judge_of = player_judge(config, ear, held_features, held_kinds, real[sample], by_judge=switches.early_stopping)
    recipe = DuelRecipe(
        config, config.player, switches, real, kinds, features, judge_of, batch_size, name="I2S", seed=seed, view=view,
        start=load_file(start).state if start else None,
    )  # fmt: skip
    return fit(recipe, _duel_options(batch_size, minutes, steps, seed, switches), out, resume=resume, progress=progress)
