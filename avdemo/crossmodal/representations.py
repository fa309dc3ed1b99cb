"""Which picture of a sound is heard best? The paper's table of five representations and two depths (section 4.2, table 1).

All ten classifiers are the paper's sound classifier and are taught side by side: in every step each gets the same windows, so that
none has had more of anything. Their windows are drawn once and kept as arrays in a cache folder.

One more, the *second ear*, reads the LMS with four layers too, but learns much longer, from windows that are drawn afresh and
disturbed. It takes no part in making anything, so that its answers are a second opinion on sounds that the player made.

    python -m avdemo.crossmodal.representations --data PACK --out FILE --minutes M
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.checkpoints import trains_in_bf16
from avdemo.corpora.mixtures import SoundPack
from avdemo.crossmodal.config import FEATURE, CrossmodalConfig
from avdemo.crossmodal.ear_recipe import held_windows
from avdemo.crossmodal.hearing import PaperTrunk
from avdemo.crossmodal.transforms import TRANSFORMS, pictures, rows
from avdemo.crossmodal.windows import WindowMaker
from avdemo.errors import StorageError

WIDTHS = {3: (4, 8, 16), 4: (4, 8, 16, 16)}  # kernels of the layers; the paper gives those of four
HIDDEN = 1024
DROPOUT = (0.3, 0.2)  # drop probabilities; the paper's 0.7 and 0.8 read as keep probabilities
RATE, BATCH = 1e-3, 32
TRAIN, TEST_PER_KIND = 6000, 50
MINUTES = 15.0
CHUNK = 64  # windows that are turned into pictures at a time

Progress = Callable[[float, str], None]


class SoundClassifier(nn.Module):
    """The paper's sound classifier on pictures of one representation, standardised by the training windows' mean and deviation."""

    def __init__(self, size: tuple[int, int], layers: int, classes: int, hidden: int = HIDDEN):
        super().__init__()
        self.trunk = PaperTrunk(size, WIDTHS[layers], DROPOUT, hidden)
        self.answer = nn.Linear(FEATURE, classes)
        self.register_buffer("mean", torch.zeros(size[0], 1))
        self.register_buffer("deviation", torch.ones(size[0], 1))

    def forward(self, picture: Tensor) -> Tensor:
        """(N, rows, frames) -> logits (N, classes)."""
        return self.answer(self.trunk(((picture - self.mean) / self.deviation).unsqueeze(1)))


@dataclass(frozen=True)
class Windows:
    """Windows of one split in every representation."""

    pictures: dict[str, np.ndarray]  # name -> (N, rows, frames) float16
    kinds: np.ndarray  # (N,) class numbers
    origins: list[str]  # of each window; "other" for none of the kinds, "" where it was not asked


def kept_windows(
    packed: Path, cache: Path, config: CrossmodalConfig, *, train: int = TRAIN, test_per_kind: int = TEST_PER_KIND, seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Windows, Windows]:  # fmt: skip
    """Training and held-out windows as arrays; made in ``cache`` unless they are there.

    Raises:
        StorageError: the folder cannot be written.
    """
    about = {"window": asdict(config.window), "kinds": config.kinds, "train": train, "test_per_kind": test_per_kind, "seed": seed}
    about["sounds"] = hashlib.sha256((packed / "sounds.json").read_bytes()).hexdigest()
    tag = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
    folder = cache / f"representations-{tag}"
    if not (folder / "windows.json").is_file():
        try:
            _keep(packed, folder, config, train, test_per_kind, seed, progress or (lambda share, text: None))
        except OSError as error:
            raise StorageError(
                f"The windows could not be kept in {folder.name} ({error.strerror or error}); make room or choose another folder."
            ) from error
    facts = json.loads((folder / "windows.json").read_text())
    found = []
    for split in ("train", "test"):
        arrays = {name: np.load(folder / f"{split}-{name}.npy", mmap_mode="r") for name in TRANSFORMS}
        found.append(Windows(arrays, np.array(facts[split]["kinds"]), facts[split]["origins"]))
    return found[0], found[1]


def _keep(
    packed: Path, folder: Path, config: CrossmodalConfig, train: int, test_per_kind: int, seed: int, tell: Progress
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sounds, window = SoundPack(packed, config.kinds), config.window
    maker = WindowMaker(sounds, config.kinds, "train", window.samples, seed + 5, window.sample_rate)
    held, kinds, origins = held_windows(WindowMaker(sounds, config.kinds, "test", window.samples, seed + 6), test_per_kind)
    items = {"train": (train, lambda i: maker.item(i)), "test": (len(kinds), lambda i: (held[i].numpy(), int(kinds[i])))}
    total, done, facts = train + len(kinds), 0, {}
    for split, (count, item) in items.items():
        shape = {name: (count, rows(name, window), window.frames) for name in TRANSFORMS}
        arrays = {
            name: np.lib.format.open_memmap(folder / f"{split}-{name}.npy", "w+", np.float16, shape[name]) for name in TRANSFORMS
        }
        found: list[int] = []
        for first in range(0, count, CHUNK):
            drawn = [item(i) for i in range(first, min(first + CHUNK, count))]
            for name, picture in pictures(torch.from_numpy(np.stack([wav for wav, _ in drawn])), window).items():
                arrays[name][first : first + len(drawn)] = picture
            found += [kind for _, kind in drawn]
            done += len(drawn)
            tell(done / total, f"{done} of {total} windows in five representations")
        for array in arrays.values():
            array.flush()
        facts[split] = {"kinds": found, "origins": origins if split == "test" else [""] * count}
    (folder / "windows.json").write_text(json.dumps(facts))


def _classifier(name: str, layers: int, windows: Windows, config: CrossmodalConfig) -> SoundClassifier:
    """Untrained; the cepstrum is standardised by coefficient (their sizes differ a hundredfold), the others as a whole."""
    size = (rows(name, config.window), config.window.frames)
    model = SoundClassifier(size, layers, len(config.kinds) + 1)
    some = windows.pictures[name][:: max(1, len(windows.kinds) // 1000)].astype(np.float32)
    axes = (0, 2) if name == "MFCC" else None
    mean, deviation = some.mean(axes, keepdims=True), some.std(axes, keepdims=True)
    model.mean.copy_(torch.from_numpy(np.broadcast_to(mean.reshape(-1, 1), (size[0], 1)).copy()))
    model.deviation.copy_(torch.from_numpy(np.broadcast_to(deviation.reshape(-1, 1), (size[0], 1)).copy()).clamp_min(1e-4))
    return model


def teach_all(
    windows: Windows, config: CrossmodalConfig, *, minutes: float = MINUTES, steps: int | None = None, seed: int = 0,
    progress: Progress | None = None,
) -> tuple[dict[tuple[str, int], SoundClassifier], int]:  # fmt: skip
    """Ten classifiers, (name, layers) -> network in eval mode, and how many steps each had.

    Args:
        minutes: for all of them together; the rate falls to nothing as a cosine meanwhile.
        steps: the same by steps instead.
    """
    tell = progress or (lambda share, text: None)
    models, optimizers, halves = {}, {}, trains_in_bf16(torch.device("cpu"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name in TRANSFORMS:
            for layers in WIDTHS:
                models[name, layers] = _classifier(name, layers, windows, config).train().to(memory_format=torch.channels_last)
                optimizers[name, layers] = torch.optim.AdamW(
                    models[name, layers].parameters(), RATE, weight_decay=1e-2, fused=True
                )
        rng, began, step, share = np.random.default_rng([seed, 71]), time.monotonic(), 0, 0.0
        while share < 1:
            chosen = np.sort(rng.choice(len(windows.kinds), min(BATCH, len(windows.kinds)), replace=False))
            kinds = torch.from_numpy(windows.kinds[chosen])
            for name in TRANSFORMS:
                batch = torch.from_numpy(windows.pictures[name][chosen].astype(np.float32))
                for layers in WIDTHS:
                    optimizer = optimizers[name, layers]
                    optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1 + np.cos(np.pi * share))
                    optimizer.zero_grad(set_to_none=True)
                    with torch.autocast("cpu", torch.bfloat16, enabled=halves):
                        answer = models[name, layers](batch)
                    F.cross_entropy(answer.float(), kinds).backward()
                    optimizer.step()
            step += 1
            share = step / steps if steps else (time.monotonic() - began) / (60 * minutes)
            if step % 10 == 0:
                tell(min(1.0, share), f"ten sound classifiers, step {step}")
    return {key: model.eval() for key, model in models.items()}, step


@torch.no_grad()
def scores(answers: np.ndarray, windows: Windows, kinds: int) -> dict[str, float]:
    """Percent right on held-out windows of the kinds, by origin too; ``of the kinds``: where "none of them" cannot be answered.

    Args:
        answers: logits (N, kinds + 1).
    """
    known = windows.kinds < kinds
    right = 100.0 * (answers.argmax(1) == windows.kinds)
    closed = 100.0 * (answers[:, :kinds].argmax(1) == windows.kinds)
    by_origin = {name: np.array([o == name for o in windows.origins]) for name in sorted(set(windows.origins))}
    found = {"accuracy": float(right[known].mean()), "of the kinds": float(closed[known].mean())}
    return found | {name: float(right[rows].mean()) for name, rows in by_origin.items()}


@torch.no_grad()
def logits(model: nn.Module, lms: np.ndarray) -> np.ndarray:
    """(N, classes) of pictures (N, rows, frames)."""
    parts = [model(torch.from_numpy(lms[i : i + CHUNK].astype(np.float32))).float().numpy() for i in range(0, len(lms), CHUNK)]
    return np.concatenate(parts)


def compare(
    packed: Path, out: Path, *, config: CrossmodalConfig | None = None, minutes: float = MINUTES, steps: int | None = None,
    cache: Path | None = None, train: int = TRAIN, test_per_kind: int = TEST_PER_KIND, seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The table, written to ``out`` as JSON and returned.

    Args:
        packed: packed sounds (:mod:`avdemo.corpora.pack_pairs`).
        out: ``NAME.json``.
        minutes: for all ten together; ``steps`` of each instead.
        cache: folder of the arrays (1.1 GB for 7,000 windows); by default beside ``out``.
        train, test_per_kind: numbers of windows; of "none of the kinds" there are four times as many as of a kind.

    Returns:
        ``{"rows": {"LMS": {"3": scores, "4": scores}, ...}, "train_windows", "test_windows", "steps", "minutes", "chance"}``; see
        :func:`scores`.

    Raises:
        StorageError: something cannot be written.
    """
    config = config or CrossmodalConfig.compact()
    tell = progress or (lambda share, text: None)
    began = time.monotonic()
    sizes = {"train": train, "test_per_kind": test_per_kind, "seed": seed}
    shown, held = kept_windows(packed, cache or out.parent, config, progress=lambda s, t: tell(0.3 * s, t), **sizes)
    models, taken = teach_all(
        shown, config, minutes=minutes, steps=steps, seed=seed, progress=lambda s, t: tell(0.3 + 0.68 * s, t)
    )
    table: dict[str, dict[str, dict[str, float]]] = {}
    for (name, layers), model in models.items():
        answers = logits(model, held.pictures[name])
        table.setdefault(name, {})[str(layers)] = scores(answers, held, len(config.kinds))
    known = held.kinds < len(config.kinds)
    result = {
        "rows": table, "train_windows": len(shown.kinds), "test_windows": int(known.sum()), "steps": taken, "batch": BATCH,
        "minutes": round((time.monotonic() - began) / 60, 1), "chance": 100.0 / (len(config.kinds) + 1),
    }  # fmt: skip
    try:
        out.write_text(json.dumps(result, indent=1))
    except OSError as error:
        raise StorageError(f"The table {out.name} could not be written ({error.strerror or error}).") from error
    tell(1.0, "done")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of packed sounds")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for all ten classifiers together")
    parser.add_argument("--steps", type=int, help="of each classifier, instead of minutes")
    given = parser.parse_args()
    found = compare(
        given.data,
        given.out,
        minutes=given.minutes,
        steps=given.steps,
        progress=lambda share, text: print(f"{share:.3f} {text}", flush=True),
    )
    print(json.dumps(found["rows"], indent=1))
