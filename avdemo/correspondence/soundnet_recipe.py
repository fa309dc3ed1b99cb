"""Teaching SoundNet: packed pairs of picture and sound + two teachers of pictures -> a student that hears.

Real pairs are frames of the real clips with the second of sound around them, as in the paper. Made pairs are a packed sound of a
kind with a training photo of that kind drawn anew each time: not synchronous, and chosen by label, which the paper's are not.
Frames of training clips of a known kind count as photos of it. No ESC sound is used.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.pair_sounds import MERGED
from avdemo.corpora.pairs import SOUND_KINDS, ClipPack
from avdemo.corpora.scenes import PhotoPack
from avdemo.correspondence.config import KINDS
from avdemo.correspondence.soundnet import SoundNet, SoundNetConfig
from avdemo.correspondence.soundnet_objective import divergence, soundnet_objective
from avdemo.correspondence.soundnet_teachers import KINDS_TEACHER, OBJECTS_TEACHER, Teachings, teach
from avdemo.errors import InputError

if TYPE_CHECKING:
    from avdemo.training.loop import FitResult

REAL_SHARE = 0.3  # of the items come from real clips
GAIN_DB = 12.0
JITTER_S = 0.25  # between the frame and the middle of its second of sound
PAUSE = 0.003  # RMS below which a window is a pause of its piece and another is drawn
VALIDATION_ROUNDS = 8  # of pairs, each with one of every kind and one of every clip
ENOUGH_PHOTOS = 5  # for training, below which the second teacher can hardly name a kind
BATCH = 32
RATE = 1e-3
DEFAULT_MINUTES = 8.0
MOST_STEPS = 100_000  # when the clock decides
PACKED = ("photos.json", "sounds.json", "clips.json")

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Pair:
    """A second of sound and the number of a judged picture."""

    wav: np.ndarray  # (samples,) float32
    picture: int
    kind: int  # of the sound; -1 where unknown
    clip: int  # -1 for a made pair


class Pairs:
    """Draws pairs of one split; ``rng`` decides.

    Args:
        packed: folder of the packed pairs.
        teachings: what the teachers said; its pictures are the ones that may appear.
    """

    def __init__(self, packed: Path, teachings: Teachings, config: SoundNetConfig, split: str):
        self.config = config
        photos = PhotoPack(packed, KINDS)
        self.sounds, self.clips = SoundPack(packed, KINDS), ClipPack(packed)
        shown: dict[str, list[list[int]]] = {name: [[] for _ in KINDS] for name in ("train", "val")}
        self.real: dict[int, list[int]] = {}  # clip -> numbers of its judged frames that lie within its sound
        audible = set(self.clips.where(split))
        for number, (clip, of_clip) in enumerate(teachings.pictures):
            if clip < 0:
                entry = photos.entries[of_clip]
                if entry["instrument"]:
                    shown[entry["split"]][KINDS.index(entry["instrument"])].append(number)
                continue
            entry = self.clips.entries[clip]
            kind = self._kind(clip)
            if entry["split"] == "train" and kind >= 0:
                shown["train"][kind].append(number)
            if clip in audible and entry["frames"][of_clip]["time_s"] * config.sample_rate < entry["sound_length"]:
                self.real.setdefault(clip, []).append(number)
        self.pictures = teachings.pictures
        self.shown = [shown[split][k] or shown["train"][k] for k in range(len(KINDS))]
        heard = [[self.sounds.numbers(name, kind, split) for kind in SOUND_KINDS] for name in KINDS]
        self.heard = [[numbers for numbers in groups if numbers] for groups in heard]
        self.kinds = [k for k in range(len(KINDS)) if self.shown[k] and self.heard[k]]
        photographed = Counter(entry["instrument"] for entry in photos.entries if entry["split"] == "train")
        self.taught = frozenset(k for k, name in enumerate(KINDS) if photographed[name] >= ENOUGH_PHOTOS)
        """Kinds that the second teacher can name."""

    def _kind(self, clip: int) -> int:
        cls = self.clips.entries[clip]["cls"]
        name = MERGED.get(cls, cls)
        return KINDS.index(name) if name in KINDS else -1

    def made(self, kind: int, rng: np.random.Generator) -> Pair:
        """A sound and a picture of ``kind`` (one of ``kinds``); each sort of sound is as likely."""
        groups, samples = self.heard[kind], self.config.samples
        numbers = groups[rng.integers(len(groups))]
        number = int(numbers[rng.integers(len(numbers))])
        for _ in range(5):
            wav = self.sounds.wav(number, int(rng.integers(self.sounds.room(number, samples) + 1)), samples)
            if np.sqrt(np.mean(wav**2)) > PAUSE:
                break
        return Pair(wav, int(rng.choice(self.shown[kind])), kind, -1)

    def filmed(self, clip: int, rng: np.random.Generator) -> Pair:
        """A judged frame of ``clip`` (one of ``real``) and the second of sound around it."""
        picture = int(rng.choice(self.real[clip]))
        time_s = self.clips.entries[clip]["frames"][self.pictures[picture].number]["time_s"] + rng.uniform(-JITTER_S, JITTER_S)
        start = round(time_s * self.config.sample_rate) - self.config.samples // 2
        return Pair(self.clips.wav(clip, start, self.config.samples), picture, self._kind(clip), clip)

    def draw(self, rng: np.random.Generator) -> Pair:
        """Any pair: kinds are equally likely, and so are clips."""
        if self.real and (not self.kinds or rng.random() < REAL_SHARE):
            return self.filmed(int(rng.choice(list(self.real))), rng)
        return self.made(int(rng.choice(self.kinds)), rng)


class SoundNetRecipe:
    """Data, student and objective (see the module's docstring); ``config`` builds the student again."""

    name = "correspondence-soundnet"

    def __init__(self, soundnet: SoundNetConfig, packed: Path, teachings: Teachings, batch_size: int = BATCH, *, seed: int = 0):
        """Raises: InputError when no training picture and sound go together."""
        self.soundnet, self.batch_size, self.seed = soundnet, batch_size, seed
        self.config: dict[str, Any] = soundnet.as_dict()
        objects, kinds = (torch.from_numpy(a).float() for a in (teachings.objects, teachings.kinds))
        self.teachers = (objects / objects.sum(1, keepdim=True), kinds / kinds.sum(1, keepdim=True))
        self.pairs = Pairs(packed, teachings, soundnet, "train")
        if not self.pairs.kinds and not self.pairs.real:
            raise InputError(f"In the folder {packed.name} no picture and sound go together; pack the training pairs anew.")
        held = Pairs(packed, teachings, soundnet, "val")
        rng = np.random.default_rng([seed, 43])
        drawn = [held.made(kind, rng) for _ in range(VALIDATION_ROUNDS) for kind in held.kinds]
        drawn += [held.filmed(clip, rng) for _ in range(VALIDATION_ROUNDS) for clip in held.real]
        self.held = self._batch(drawn) if drawn else None
        self.held_kind = torch.tensor([pair.kind for pair in drawn])
        self.held_clip = torch.tensor([pair.clip for pair in drawn])

    def _batch(self, pairs: list[Pair]) -> dict[str, Tensor]:
        numbers = torch.tensor([pair.picture for pair in pairs])
        objects, kinds = self.teachers
        return {"wav": torch.from_numpy(np.stack([p.wav for p in pairs])), "objects": objects[numbers], "kinds": kinds[numbers]}

    def build(self) -> nn.Module:
        return SoundNet(self.soundnet)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        matrices = [p for p in model.parameters() if p.ndim > 1]
        others = [p for p in model.parameters() if p.ndim <= 1]
        return [{"params": matrices, "lr": RATE}, {"params": others, "lr": RATE, "weight_decay": 0.0}]

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        """``wav`` (B, samples) of any loudness, the teachers' ``objects`` (B, 1000) and ``kinds`` (B, 36)."""
        share = self.batch_size // world
        first = step * self.batch_size + rank * share
        pairs = []
        for index in range(first, first + share):
            rng = np.random.default_rng([self.seed, 41, index])
            pair = self.pairs.draw(rng)
            gain = np.float32(10 ** (rng.uniform(-GAIN_DB, GAIN_DB) / 20) * rng.choice([-1, 1]))
            pairs.append(Pair(pair.wav * gain, pair.picture, pair.kind, pair.clip))
        return self._batch(pairs)

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        return soundnet_objective(model(batch["wav"]), (batch["objects"], batch["kinds"]))

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """On held-out sounds with pictures that go with them. Without any, the score is nan.

        ``score`` (and ``kind_right``, the same): how often the student's likeliest kind is the sound's, the mean over the kinds
        that the second teacher can name; chance is 1 / 36. ``kl``: both divergences from the picture's distributions, in nats;
        ``margin``: how much larger they are from another pair's (a wrong kind's, or for ``clips_margin`` another clip's).
        """
        if self.held is None:
            return {"score": float("nan")}
        device = next(model.parameters()).device
        chunks = [model(wav.to(device)) for wav in self.held["wav"].split(64)]
        answers = [torch.cat([chunk[head] for chunk in chunks]).cpu() for head in (0, 1)]
        likeliest = answers[1].argmax(1)
        each = [
            (likeliest[self.held_kind == k] == k).float().mean().item() for k in sorted(self.pairs.taught)
            if (self.held_kind == k).any()
        ]  # fmt: skip
        right = float(np.mean(each)) if each else float("nan")
        kl = self._divergence(answers, torch.arange(len(likeliest)))
        scores = {"score": right, "kind_right": right, "kl": kl.mean().item()}
        made = self.held_clip < 0
        for name, asked, label in (("margin", made, self.held_kind), ("clips_margin", ~made, self.held_clip)):
            other = self._other(asked, label)
            if other is not None:
                scores[name] = (self._divergence(answers, other) - kl)[asked].mean().item()
        return scores

    def _divergence(self, answers: list[Tensor], order: Tensor) -> Tensor:
        assert self.held is not None
        return sum(divergence(a, self.held[name][order]) for a, name in zip(answers, ("objects", "kinds"), strict=True))

    @staticmethod
    def _other(asked: Tensor, label: Tensor) -> Tensor | None:
        """For each asked item the number of an asked item with another label; None when there is only one label."""
        numbers = asked.nonzero().flatten()
        if len(label[numbers].unique()) < 2:
            return None
        generator = torch.Generator().manual_seed(7)
        order = torch.arange(len(label))
        for number in numbers.tolist():
            others = numbers[label[numbers] != label[number]]
            order[number] = others[torch.randint(len(others), (), generator=generator)]
        return order

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return dict(model.state_dict())


def train_soundnet(
    packed: Path, out: Path, *, init: Path, minutes: float | None = None, steps: int | None = None, seed: int = 0,
    progress: Progress | None = None, config: SoundNetConfig | None = None,
) -> FitResult:  # fmt: skip
    """Judge the packed pictures (once; kept), teach the student, write ``out``; its metadata names the teachers.

    Args:
        packed: the packed pairs (see :mod:`avdemo.corpora.pairs`); the teachers' answers are kept there.
        out: the checkpoint, NAME.safetensors.
        init: the ImageNet MobileNetV2 with its classifier, of the training data folder's ``init``.
        minutes: time for all of it, the teachers' included; the rate follows the clock. Without it and ``steps``: eight.
        steps: optimizer steps of 32 pairs instead.
        config: of the student; compact by default.

    Raises:
        InputError: the packed pairs or ``init`` are not there. WeightsError: ``init`` is something else.
        StorageError: the disk is full.
    """
    from avdemo.checkpoints import load_file, save
    from avdemo.training.loop import fit
    from avdemo.training.options import TrainOptions

    packed, out = Path(packed), Path(out)
    missing = [name for name in PACKED if not (packed / name).is_file()]
    if missing:
        raise InputError(f"The folder {packed.name} lacks {missing[0]}; pack the training pairs there first.")
    began = time.monotonic()
    out.parent.mkdir(parents=True, exist_ok=True)
    teachings = teach(packed, Path(init), seed=seed, progress=progress)
    if minutes is None and steps is None:
        minutes = DEFAULT_MINUTES
    # however slow the teachers were, the student gets a quarter of the time
    left = max(minutes / 4, minutes - (time.monotonic() - began) / 60) if minutes is not None else None
    recipe = SoundNetRecipe(config or SoundNetConfig.compact(), packed, teachings, seed=seed)
    options = TrainOptions(
        steps=steps or MOST_STEPS, max_minutes=left, batch_size=BATCH, warmup_steps=50, ema_decay=0.995, bf16=True, seed=seed,
        schedule_by="steps" if steps else "time", weight_decay=0.02, clip_norm=5.0, validate_every=200, save_every=1000, log_every=20,
    )  # fmt: skip
    result = fit(recipe, options, out, progress=progress)
    if out.is_file() and result.best_score is not None:
        about = load_file(out)
        teachers = {
            "objects": OBJECTS_TEACHER,
            "kinds": KINDS_TEACHER,
            "kinds_right_on_validation_photos": teachings.photos_right,
        }
        save(out, about.state, about.config, about.metadata | {"teachers": teachers, "kinds": [*KINDS, "none"]})
    return result
