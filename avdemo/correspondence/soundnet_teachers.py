"""The two teachers that tell SoundNet what a picture shows; both look, neither hears.

1. Objects: the ImageNet MobileNetV2 of the training data folder, 1,000 classes, as in the paper's first teacher (there a VGG).
2. Kinds: the paper's second teacher knows Places' scenes, and that network is not at hand. In its stead stands a softmax
   regression from MobileNetV2's 1,280 frozen features to the kinds of our own training photos (and "none of them"). It was shown
   labels, so this student is less unsupervised than the published one. A photo that it learns from is judged by a regression that
   was not shown it, so that its answers are as unsure for training photos as for others.

Both answer once for every training and validation photo and for two frames a second of the real clips; the answers are kept
beside the packed arrays as ``teacher_objects.npy`` and ``teacher_kinds.npy`` (float16) with ``teachers.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from avdemo.backbones.mobilenet import EdgePaddedConv2d
from avdemo.checkpoints import sha256_of
from avdemo.corpora.pairs import ClipPack
from avdemo.corpora.scenes import PhotoPack
from avdemo.correspondence.config import KINDS
from avdemo.correspondence.soundnet import NONE
from avdemo.errors import InputError, StorageError, WeightsError

SIDE = 224  # px, as the ImageNet network was trained
FRAMES_PER_S = 2  # of a clip; neighbouring frames hardly differ
SPLITS = ("train", "val")
FOLDS = 4
RIDGE = 3e-3  # weight of the squared weights in the regression
BATCH = 32
VERSION = 1  # of what is kept; raise it when the answers would change
OBJECTS_TEACHER = "MobileNetV2 trained on ImageNet (1,000 classes), on the picture"
KINDS_TEACHER = (
    "softmax regression from frozen MobileNetV2 features to the kinds of the training photos and 'none of them'; stands in for "
    "the paper's Places network, which was not at hand; it was shown labels"
)

Progress = Callable[[float, str], None]


class Picture(NamedTuple):
    """A packed photo (``clip`` is -1) or a frame of a packed clip."""

    clip: int
    number: int  # of the photo, or of the frame within its clip


@dataclass(frozen=True)
class Teachings:
    """The teachers' answers. P pictures."""

    pictures: list[Picture]
    objects: np.ndarray  # (P, 1000) float16, sums 1
    kinds: np.ndarray  # (P, len(KINDS) + 1) float16, sums 1; the last class is "none of them"
    photos_right: float | None  # share of validation photos whose kind the second teacher finds; None without such photos


def pictures_to_judge(photos: PhotoPack, clips: ClipPack) -> list[Picture]:
    """Training and validation photos, then frames of the clips with sound: at least 1 / FRAMES_PER_S apart."""
    pictures = [Picture(-1, i) for i, entry in enumerate(photos.entries) if entry["split"] in SPLITS]
    for clip in sorted(i for split in SPLITS for i in clips.where(split)):
        due_s = -np.inf
        for number, frame in enumerate(clips.entries[clip]["frames"]):
            if frame["time_s"] >= due_s - 1e-3:
                pictures.append(Picture(clip, number))
                due_s = frame["time_s"] + 1 / FRAMES_PER_S
    return pictures


def squared(image: Image.Image, side: int = SIDE) -> np.ndarray:
    """The middle square of an RGB or RGBA picture (transparent places white) -> (side, side, 3) uint8."""
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        image = white
    width, height = image.size
    edge = min(width, height)
    left, top = (width - edge) / 2, (height - edge) / 2
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, left + edge, top + edge)))


class ObjectTeacher(nn.Module):
    """ImageNet's MobileNetV2 with its classifier; strided layers pad right and bottom only, as these weights were trained."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import mobilenet_v2

        self.net = mobilenet_v2(weights=None)
        for module in self.net.features.modules():
            if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
                module.__class__ = EdgePaddedConv2d

    @classmethod
    def from_file(cls, path: Path) -> ObjectTeacher:
        """The teacher with the weights of a safetensors file in torchvision's ``mobilenet_v2`` layout.

        Raises:
            InputError: no such file. WeightsError: not these weights, or without the classifier.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        if not path.is_file():
            raise InputError(f"The ImageNet weights {path.name} are not there; give the file of the training data folder's init.")
        teacher = cls()
        try:
            state = {key: value.float() if value.is_floating_point() else value for key, value in load_file(path).items()}
            teacher.net.load_state_dict(state)
        except (SafetensorError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsError(
                f"The file {path.name} does not hold a whole MobileNetV2 with its classifier in torchvision's layout ({reason}); "
                "give the one of the training data folder's init."
            ) from error
        return teacher.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (N, H, W, 3) RGB -> features (N, 1280) and probabilities of the objects (N, 1000), float32."""
        x = (frames.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(frames.device.type, torch.bfloat16):  # twice as fast; the answers are kept in 16 bits anyway
            maps = self.net.features(x)
        features = maps.float().mean((2, 3))
        return features, self.net.classifier(features).softmax(-1)


class SoftmaxRegression:
    """Multinomial logistic regression on standardised features, fitted by L-BFGS."""

    def __init__(self, features: Tensor, labels: Tensor, classes: int, *, iterations: int = 60):
        """features: (N, D) float32; labels: (N,) int64 in [0, classes)."""
        self.mean, self.scale = features.mean(0), features.std(0, unbiased=False).clamp_min(1e-3)
        x = (features - self.mean) / self.scale
        self.weight = torch.zeros(classes, x.shape[1], requires_grad=True)
        self.bias = torch.zeros(classes, requires_grad=True)
        optimizer = torch.optim.LBFGS([self.weight, self.bias], max_iter=iterations, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(F.linear(x, self.weight, self.bias), labels) + RIDGE * self.weight.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)

    @torch.no_grad()
    def probabilities(self, features: Tensor) -> Tensor:
        """(N, D) -> (N, classes)."""
        return F.linear((features - self.mean) / self.scale, self.weight, self.bias).softmax(-1)


def judge_kinds(features: Tensor, labels: Tensor, learning: Tensor, *, seed: int = 0) -> Tensor:
    """The second teacher's answer to every picture, each learning picture judged without having been learnt.

    Args:
        features: (P, D). labels: (P,) class numbers, read only where ``learning``.
        learning: (P,) bool, the pictures to learn from.

    Returns:
        (P, len(KINDS) + 1) probabilities.
    """
    answers = torch.zeros(len(features), NONE + 1)
    numbers = learning.nonzero().flatten()
    whole = SoftmaxRegression(features[numbers], labels[numbers], NONE + 1)
    answers[~learning] = whole.probabilities(features[~learning])
    order = numbers[torch.randperm(len(numbers), generator=torch.Generator().manual_seed(seed))]
    for fold in range(FOLDS):
        held = torch.zeros_like(learning)
        held[order[fold::FOLDS]] = True
        others = learning & ~held
        answers[held] = SoftmaxRegression(features[others], labels[others], NONE + 1).probabilities(features[held])
    return answers


def _batches(photos: PhotoPack, clips: ClipPack, pictures: Sequence[Picture]) -> Iterator[Tensor]:
    for first in range(0, len(pictures), BATCH):
        group = pictures[first : first + BATCH]
        images = [photos.picture(n) if clip < 0 else Image.fromarray(clips.frame(clip, n)) for clip, n in group]
        yield torch.from_numpy(np.stack([squared(image) for image in images]))


def _identity(packed: Path, init: Path, seed: int) -> str:
    """Changes with the weights, the packed pictures and the way they are judged."""
    facts = [VERSION, SIDE, FRAMES_PER_S, FOLDS, RIDGE, seed, sha256_of(init)]
    facts += [(packed / name).read_text() for name in ("photos.json", "clips.json")]
    facts += [(packed / name).stat().st_size for name in ("photos.npy", "clip_frames.npy")]
    return hashlib.sha256(json.dumps([*facts, KINDS]).encode()).hexdigest()


def teach(packed: Path, init: Path, *, seed: int = 0, progress: Progress | None = None) -> Teachings:
    """Both teachers' answers to the packed pictures: read when kept, else computed (a few minutes) and kept in ``packed``.

    Raises:
        InputError, WeightsError: ``init`` is not there, or is something else. StorageError: the answers could not be kept.
    """
    teacher = ObjectTeacher.from_file(init)
    photos, clips = PhotoPack(packed, KINDS), ClipPack(packed)
    pictures = pictures_to_judge(photos, clips)
    identity, about = _identity(packed, init, seed), packed / "teachers.json"
    kept = json.loads(about.read_text()) if about.is_file() else {}
    if kept.get("identity") == identity:
        arrays = [np.load(packed / f"teacher_{name}.npy") for name in ("objects", "kinds")]
        return Teachings(pictures, *arrays, photos_right=kept["photos_right"])
    features, objects = [], []
    for frames in _batches(photos, clips, pictures):
        seen, named = teacher(frames)
        features.append(seen)
        objects.append(named.half())
        if progress:
            progress(len(features) * BATCH / (len(pictures) + BATCH), f"The teachers look at {len(pictures)} pictures")
    entries = [photos.entries[n] if clip < 0 else None for clip, n in pictures]
    labels = torch.tensor([KINDS.index(e["instrument"]) if e and e["instrument"] else NONE for e in entries])
    learning = torch.tensor([e is not None and e["split"] == "train" for e in entries])
    kinds = judge_kinds(torch.cat(features), labels, learning, seed=seed)
    asked = torch.tensor([e is not None and e["split"] == "val" for e in entries])
    right = (kinds.argmax(1) == labels)[asked].float().mean().item() if asked.any() else None
    teachings = Teachings(pictures, torch.cat(objects).numpy(), kinds.half().numpy(), right)
    try:
        about.unlink(missing_ok=True)
        np.save(packed / "teacher_objects.npy", teachings.objects)
        np.save(packed / "teacher_kinds.npy", teachings.kinds)
        about.write_text(json.dumps({"identity": identity, "pictures": len(pictures), "photos_right": right}))
    except OSError as error:
        raise StorageError(
            f"The teachers' answers could not be written to {packed.name} ({error.strerror}); free some disk space."
        ) from error
    return teachings
