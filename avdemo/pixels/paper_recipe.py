"""Training after the paper: whole videos, end to end, the largest value over space and time (``--config paper``).

An item is N solo videos: three frames of each, and the mean of their sounds. The network gets each sound back from its own frames
(section 3.2, "mix-and-separate training"). The videos are those of :mod:`avdemo.pixels.solos`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.errors import InputError, WeightsError
from avdemo.pixels.config import PixelsConfig
from avdemo.pixels.listen import improvement_db, spectra
from avdemo.pixels.network import SoundOfPixels
from avdemo.pixels.objective import mask_loss, targets
from avdemo.pixels.solos import Solos, crop_frames, open_solos
from avdemo.training.loop import FitResult, fit
from avdemo.training.options import TrainOptions

VOLUME = (0.5, 1.5)  # jitter of each source
LR, BACKBONE_LR = 1e-3, 1e-4
EPOCHS = 100
BATCH = 80  # of the released training script: 4 GPUs with 20 items each
VALIDATION_ITEMS = 64
_STAGES = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}  # torchvision's names -> ours

Progress = Callable[[float, str], None]


@dataclass
class PaperRecipe:
    """Mix-and-separate as in the paper, for any configuration.

    Args:
        solos: the data.
        sources: N of the items, 2 to 4; with several numbers every step draws one of them.
        backbone: initial weights of ``frame.features``; None trains it from scratch, at the rate of everything else.
    """

    pixels: PixelsConfig
    solos: Solos
    batch_size: int = BATCH
    sources: tuple[int, ...] = (2,)
    seed: int = 0
    backbone: dict[str, Tensor] | None = None
    name: str = "pixels-paper"

    def __post_init__(self) -> None:
        self.config: dict[str, Any] = self.pixels.as_dict()
        if not self.sources or not all(2 <= n <= 4 for n in self.sources):
            raise InputError(f"A mixture has 2 to 4 sources, not {', '.join(map(str, self.sources)) or 'none'}.")
        for split, needed in (("train", max(self.sources)), ("val", 2)):
            if (have := len(self.solos.keys(split))) < needed:
                raise InputError(f"The {split} split has {have} different players and {needed} are needed; give more videos.")
        held = [self._item("val", 2, np.random.default_rng([self.seed, 53, i])) for i in range(VALIDATION_ITEMS)]
        self.held = {k: torch.from_numpy(np.stack([item[k] for item in held])) for k in held[0]}

    def _item(self, split: str, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """``frames`` uint8 (N, frames, S, S, 3) and ``wavs`` (N, samples), whose sum is the mixture."""
        keys = self.solos.keys(split)
        drawn = [self.solos.draw(keys[i], split, rng) for i in rng.choice(len(keys), count, replace=False)]
        is_training = split == "train"
        wavs = np.stack([s.wav for s in drawn])
        if is_training:
            wavs = np.clip(wavs * rng.uniform(*VOLUME, (count, 1)), -1, 1)
        frames = np.stack([crop_frames(s.frames, self.pixels.frame_size, rng if is_training else None) for s in drawn])
        return {"frames": frames, "wavs": (wavs / count).astype(np.float32)}

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        count = int(np.random.default_rng([self.seed, 59, step]).choice(self.sources))
        share = self.batch_size // world
        first = step * self.batch_size + rank * share
        items = [self._item("train", count, np.random.default_rng([self.seed, 61, i])) for i in range(first, first + share)]
        return {k: torch.from_numpy(np.stack([item[k] for item in items])) for k in items[0]}

    def build(self) -> nn.Module:
        network = SoundOfPixels(self.pixels)
        if self.backbone is not None:
            network.frame.features.load_state_dict(self.backbone)
        return network

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        fresh = [*model.sound.parameters(), *model.synthesizer.parameters(), *model.frame.fc.parameters()]
        rate = LR if self.backbone is None else BACKBONE_LR
        return [{"params": fresh, "lr": LR}, {"params": list(model.frame.features.parameters()), "lr": rate}]

    def _spectra(self, wavs: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N, samples) -> magnitudes (B, N, F, T) of the sources and (B, F, T) of the mixtures."""
        with torch.no_grad(), torch.autocast(wavs.device.type, enabled=False):
            pairs = [spectra(w, self.pixels) for w in wavs]
        return torch.stack([m for m, _ in pairs]), torch.stack([m for _, m in pairs])

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        mags, mix = self._spectra(batch["wavs"])
        logits = model(batch["frames"], mix).float()
        loss = mask_loss(logits, targets(mags, mix, self.pixels.mask), mix, self.pixels.mask)
        return loss, {"loss": loss.detach()}

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Pairs of held-out videos: improvement of the magnitudes in dB, and the same with the two pictures swapped."""
        device = next(model.parameters()).device
        gains, wrong = [], []
        for first in range(0, VALIDATION_ITEMS, 8):
            frames, wavs = (self.held[k][first : first + 8].to(device) for k in ("frames", "wavs"))
            mags, mix = self._spectra(wavs)
            masks = torch.sigmoid(model(frames, mix).float())
            gains.append(improvement_db(masks, mags, mix))
            wrong.append(improvement_db(masks.flip(1), mags, mix))
        return {"score": torch.cat(gains).mean().item(), "swapped": torch.cat(wrong).mean().item()}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.state_dict()


def read_backbone(path: Path, config: PixelsConfig) -> dict[str, Tensor]:
    """The state of ``frame.features`` from a torchvision state dict (``.pth`` or ``.safetensors``) of the backbone.

    Raises:
        WeightsError: not readable, or of another network; the sentence says what is missing.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from avdemo.checkpoints.released import read_released

    if path.suffix == ".safetensors":
        try:
            state = load_file(path)
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"The initial weights {path.name} cannot be read ({error}); get the file anew.") from error
    else:
        state = read_released(path)
    if config.backbone == "resnet18":
        split = {key: key.partition(".") for key in state}
        state = {f"{_STAGES[stage]}.{rest}": state[key] for key, (stage, _, rest) in split.items() if stage in _STAGES}
    else:
        state = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
    state = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    with torch.device("meta"):
        expected = SoundOfPixels(config).frame.features.state_dict()
    # files from before PyTorch 0.4.1 have no counters
    counters = {k: torch.zeros((), dtype=torch.long) for k in expected if k.endswith("num_batches_tracked")}
    state = {k: v for k, v in {**counters, **state}.items() if k in expected}  # the classifier and what lies above is not needed
    misfits = [k for k, v in expected.items() if k not in state or state[k].shape != v.shape]
    if misfits:
        raise WeightsError(
            f"The initial weights {path.name} are not those of torchvision's {config.backbone}: features.{misfits[0]} is missing or "
            "has another shape; give a state dict of that network."
        )
    return state


def find_init(data: Path, config: PixelsConfig) -> Path | None:
    """The backbone's initial weights in ``init/`` beside the data: ``resnet18*.pth`` or ``.safetensors``; None without any."""
    folder = (data if data.is_dir() else data.parent) / "init"
    return next((p for p in sorted(folder.glob(f"{config.backbone}*")) if p.suffix in (".pth", ".pt", ".safetensors")), None)


def paper_options(
    items_per_epoch: int, *, batch_size: int = BATCH, steps: int | None = None, minutes: float | None = None, seed: int = 0
) -> TrainOptions:
    """The paper's optimisation: SGD with momentum 0.9 and weight decay 1e-4; 100 epochs, the rate x0.1 at epochs 40 and 80.

    Args:
        steps: instead of 100 epochs; the rate still falls at 40 % and 80 % of them.
        minutes: the end by the clock; without ``steps`` the rate follows it.
    """
    epoch = max(1, -(-items_per_epoch // batch_size))
    by_clock = minutes is not None and steps is None
    total = steps or EPOCHS * epoch
    often = max(1, min(epoch, total // 20))
    on_gpu = torch.cuda.is_available()
    return TrainOptions(
        steps=total, batch_size=batch_size, decay="step", milestones=(0.4, 0.8), gamma=0.1, optimizer="sgd", momentum=0.9,
        weight_decay=1e-4, clip_norm=None, ema_decay=0.0, bf16=on_gpu, channels_last=True, seed=seed, workers=8 if on_gpu else 1,
        max_minutes=minutes, schedule_by="time" if by_clock else "steps", validate_every=often, save_every=often,
        log_every=min(50, often),
    )  # fmt: skip


def train_paper(
    data: Path, pack: Path, out: Path, *, resume: bool = False, minutes: float | None = None, steps: int | None = None,
    seed: int = 0, progress: Progress | None = None, config: PixelsConfig | None = None, init: Path | None = None,
    batch_size: int | None = None, sources: tuple[int, ...] = (2,),
) -> FitResult:  # fmt: skip
    """Train as the paper does and write ``out``.

    Args:
        data, pack: see :func:`avdemo.pixels.solos.open_solos`.
        minutes, steps: see :func:`paper_options`.
        config: the released model's by default.
        init: torchvision's weights of the backbone; by default those that :func:`find_init` finds. Without any it is trained from
            scratch, which the paper did not do.
        batch_size: 80 on a GPU, 8 without.

    Returns:
        how the run ended.
    """
    config = config or PixelsConfig.paper()
    batch_size = batch_size or (BATCH if torch.cuda.is_available() else 8)
    init = init or find_init(data, config)
    backbone = read_backbone(init, config) if init is not None else None
    solos, items = open_solos(data, pack, config, seed=seed, progress=progress)
    if progress:
        way = f"begins with {init.name}" if init is not None else "is trained from scratch, since there is none in init/"
        progress(0.0, f"The {config.backbone} {way}")
    recipe = PaperRecipe(config, solos, batch_size, sources, seed, backbone)
    options = paper_options(items, batch_size=batch_size, steps=steps, minutes=minutes, seed=seed)
    return fit(recipe, options, out, resume=resume and out.with_suffix(".state").is_file(), progress=progress)
