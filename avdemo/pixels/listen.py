"""Second part of the training: mix-and-separate with the backbone's maps computed once.

An item is a mixture of one to four sounds and up to three scenes. The network is asked about places: things that sound,
things that are silent, bare ground. Half of the questions about things take the maximum over the thing (as the paper's
training does over the frame), half a single random place of it (as a click does).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.corpora.mixtures import Mixture, MixtureMaker, SoundPack
from avdemo.corpora.scenes import GROUND, MIDDLE, PhotoPack, SceneMaker
from avdemo.dsp.logfreq import to_log_frequency
from avdemo.dsp.stft import magnitude, stft
from avdemo.pixels.config import SOUNDS, PixelsConfig
from avdemo.pixels.network import SoundOfPixels
from avdemo.pixels.objective import mask_loss, targets

SCENES = 3  # at most, in an item
QUESTIONS = 4
SOUNDS_AT_ONCE = 5  # sources and a noise
SILENCE_COUNTS = 0.4  # weight of a question whose answer is silence
WHOLE_FRAME = 0.35  # of the questions about a photo that fills the frame
VALIDATION_MIXTURES = 64
ANSWER_OFFSET = 2.5  # a sure answer stands about twice as far above the mean of all answers


@torch.no_grad()
def feature_maps(model: SoundOfPixels, frames: Tensor, batch: int = 32) -> Tensor:
    """Backbone maps of uint8 frames (N, S, S, 3) -> (N, C, g, g) float16."""
    maps = []
    for part in frames.split(batch):
        x = model.normalise(part).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=x.device.type == "cpu"):
            maps.append(model.frame.features(x).half())
    return torch.cat(maps)


def spectra(wavs: Tensor, config: PixelsConfig) -> tuple[Tensor, Tensor]:
    """Sounds (P, samples) -> magnitudes (P, F, T) of each and (F, T) of their sum, on the axis of the config."""
    spec = stft(wavs, config.n_fft, config.hop)
    mag = magnitude(torch.cat([spec, spec.sum(0, keepdim=True)]))
    if config.log_frequency:
        mag = to_log_frequency(mag, config.log_bins)
    return mag[:-1], mag[-1]


class Listener(nn.Module):
    """The whole network, run on stored backbone maps, answering questions about places."""

    def __init__(self, config: PixelsConfig, backbone: dict[str, Tensor] | None, answer: dict[str, Tensor] | None = None):
        super().__init__()
        self.pixels = SoundOfPixels(config)
        if backbone is not None:
            self.pixels.frame.features.load_state_dict(backbone)
        if answer is not None:
            start_from_answer(self.pixels.frame.fc, answer)
        self.pixels.frame.features.requires_grad_(False)
        with torch.no_grad():
            self.pixels.synthesizer.bias.fill_(-2.0)  # where nothing is seen, nothing is heard

    def forward(self, maps: Tensor, mag: Tensor, places: Tensor, scene: Tensor) -> Tensor:
        """maps (B, S, C, g, g), mag (B, F, T), places (B, Q, g, g) bool, scene (B, Q) -> logits (B, Q, F, T)."""
        net = self.pixels
        seen = torch.sigmoid(net.frame.fc(maps.flatten(0, 1).to(net.frame.fc.weight.dtype)).float())
        seen = seen.unflatten(0, maps.shape[:2])  # (B, S, K, g, g)
        asked = seen[torch.arange(len(maps), device=maps.device)[:, None], scene]  # (B, Q, K, g, g)
        vision = asked.masked_fill(~places.unsqueeze(2), 0.0).amax((3, 4))
        return net.synthesizer(vision, net.hear(mag))


@torch.no_grad()
def start_from_answer(fc: nn.Conv2d, answer: dict[str, Tensor]) -> None:
    """Let the first channels of the vision network say how much a place looks like each instrument.

    They then start out as different as the instruments are, instead of K times the same grey, and the sound network can begin at
    once to learn what each of them sounds like. Later training is free to change them.
    """
    weight, bias = answer["weight"], answer["bias"]
    count = min(len(SOUNDS), fc.out_channels)
    fc.weight.mul_(0.1)
    fc.weight[:count, :, 1, 1] = (weight - weight.mean(0))[:count, :, 0, 0]
    fc.bias[:count] = (bias - bias.mean())[:count] - ANSWER_OFFSET


@dataclass
class ListenRecipe:
    """Mix-and-separate on packed scenes and sounds.

    Args:
        pack: folder with ``photos.*`` and ``sounds.*``.
        backbone: state of the trained backbone (``frame.features.*``) and of its linear answer (``answer.*``).
        scene_count: how many scenes are drawn and looked at beforehand.
    """

    pixels: PixelsConfig
    pack: Path
    batch_size: int
    backbone: dict[str, Tensor]
    scene_count: int = 9000
    seed: int = 0
    lr: float = 1.5e-3
    start: dict[str, Tensor] | None = None
    name: str = "pixels"

    def __post_init__(self) -> None:
        self.config: dict[str, Any] = self.pixels.as_dict()
        self.features = {k.removeprefix("frame.features."): v for k, v in self.backbone.items() if k.startswith("frame.features.")}
        self.answer = {k.removeprefix("answer."): v for k, v in self.backbone.items() if k.startswith("answer.")} or None
        photos, self.sounds = PhotoPack(self.pack, SOUNDS), SoundPack(self.pack, SOUNDS)
        looker = SoundOfPixels(self.pixels).eval()
        looker.frame.features.load_state_dict(self.features)
        looker.to(memory_format=torch.channels_last)
        maker = SceneMaker(photos, "train", self.pixels.frame_size, seed=self.seed + 7)
        self.things, self.classes, maps = [], [], []
        kept = self._kept_maps()
        for first in range(0, self.scene_count, 256):
            scenes = [maker.scene(i) for i in range(first, min(first + 256, self.scene_count))]
            if not kept.is_file():
                maps.append(feature_maps(looker, torch.from_numpy(np.stack([s.frame for s in scenes]))))
            self.things += [s.things for s in scenes]
            self.classes += [s.classes for s in scenes]
        if maps:
            np.save(kept.with_suffix(".part.npy"), torch.cat(maps).numpy())
            kept.with_suffix(".part.npy").rename(kept)
        self.maps = torch.from_numpy(np.load(kept))
        grounds = [bool((t == GROUND).any()) for t in self.things]
        self.maker = MixtureMaker(self.sounds, self.classes, grounds, self.pixels.samples, QUESTIONS, self.seed)
        self.held = self._held(photos, looker)

    def _kept_maps(self) -> Path:
        """Where the maps of these scenes with this backbone are kept, so that a resumed run need not look again."""
        tag = hashlib.sha256(f"{self.pixels.frame_size} {self.seed} {self.scene_count}".encode())
        for name, value in sorted(self.features.items()):
            tag.update(name.encode() + value.numpy().tobytes())
        return self.pack / f"maps-{tag.hexdigest()[:12]}.npy"

    def _places(self, scene: int, thing: int, rng: np.random.Generator) -> np.ndarray:
        grid = self.things[scene]
        where = grid == (GROUND if thing < 0 else thing)
        if not where.any():
            return where
        if thing >= 0 and len(self.classes[scene]) == 1 and not (grid == GROUND).any() and rng.random() < WHOLE_FRAME:
            return np.ones_like(where)  # the paper's question: the maximum over the frame, so that its corners learn to be quiet
        if thing >= 0 and rng.random() < 0.5:
            return where  # the maximum over the thing
        one = np.zeros_like(where)
        at = np.argwhere(where)
        one[tuple(at[rng.integers(len(at))])] = True
        return one

    def _item(self, mixture: Mixture, rng: np.random.Generator) -> dict[str, Tensor]:
        mags, mag_mix = spectra(torch.from_numpy(mixture.wavs), self.pixels)
        grid = self.things[0].shape
        places = np.zeros((QUESTIONS, *grid), bool)
        scene, weight = np.zeros(QUESTIONS, np.int64), np.zeros(QUESTIONS, np.float32)
        wanted = mags.new_zeros(QUESTIONS, *mag_mix.shape)
        for number, (which, thing, source) in enumerate(mixture.questions):
            places[number] = self._places(mixture.scenes[which], thing, rng)
            scene[number] = which
            if not places[number].any():
                continue
            weight[number] = 1.0 if source >= 0 else SILENCE_COUNTS
            if source >= 0:
                wanted[number] = mags[source]
        numbers = [*mixture.scenes, *[mixture.scenes[0]] * (SCENES - len(mixture.scenes))]
        return {
            "maps": self.maps[numbers], "mag": mag_mix, "wanted": wanted, "places": torch.from_numpy(places),
            "scene": torch.from_numpy(scene), "weight": torch.from_numpy(weight),
        }  # fmt: skip

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        share = self.batch_size // world
        first = step * self.batch_size + rank * share
        items = [
            self._item(self.maker.mixture(i), np.random.default_rng([self.seed, 37, i])) for i in range(first, first + share)
        ]
        return {k: torch.stack([item[k] for item in items]) for k in items[0]}

    def build(self) -> nn.Module:
        model = Listener(self.pixels, self.features, self.answer)
        if self.start is not None:
            model.pixels.load_state_dict(self.start)
        return model

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        net = model.pixels
        eyes = [*net.frame.fc.parameters(), *net.synthesizer.parameters()]
        return [{"params": list(net.sound.parameters()), "lr": self.lr}, {"params": eyes, "lr": self.lr, "weight_decay": 0.0}]

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        logits = model(batch["maps"], batch["mag"], batch["places"], batch["scene"]).float()
        kind = self.pixels.mask
        loss = mask_loss(logits, targets(batch["wanted"], batch["mag"], kind), batch["mag"], kind, batch["weight"])
        return loss, {"loss": loss.detach()}

    def _held(self, photos: PhotoPack, looker: SoundOfPixels) -> dict[str, Tensor]:
        """Validation: pairs of held-out photos (whole frames) with held-out real phrases and recorded notes."""
        rng = np.random.default_rng([self.seed, 41])
        frames, mags, mixes = [], [], []
        have = {c: [n for kind in ("phrase", "notes") for n in self.sounds.numbers(c, kind, "val")] for c in SOUNDS}
        names = [c for c in SOUNDS if have[c]]
        while len(mixes) < VALIDATION_MIXTURES:
            pair = rng.choice(names, 2, replace=False)
            wavs = np.stack([self.sounds.wav(int(rng.choice(have[c])), 0, self.pixels.samples) for c in pair])
            if np.abs(wavs).max(1).min() < 1e-3:
                continue
            size = self.pixels.frame_size
            for c in pair:
                picture = photos.picture(int(rng.choice(photos.where("val", str(c)))))
                frames.append(np.asarray(flatten(picture).resize((size, size))))
            each, mix = spectra(torch.from_numpy(wavs / 2), self.pixels)
            mags.append(each)
            mixes.append(mix)
        maps = feature_maps(looker, torch.from_numpy(np.stack(frames))).unflatten(0, (-1, 2))
        return {"maps": maps, "mags": torch.stack(mags), "mix": torch.stack(mixes)}

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        gains, wrong = [], []
        device = next(model.parameters()).device
        for first in range(0, VALIDATION_MIXTURES, 8):
            maps, mags, mix = (self.held[k][first : first + 8].to(device) for k in ("maps", "mags", "mix"))
            places = torch.ones(len(maps), 2, *maps.shape[-2:], dtype=torch.bool, device=device)
            scene = torch.tensor([[0, 1]], device=device).expand(len(maps), 2)
            masks = torch.sigmoid(model(maps, mix, places, scene).float())
            gains.append(improvement_db(masks, mags, mix))
            wrong.append(improvement_db(masks.flip(1), mags, mix))
        return {"score": torch.cat(gains).mean().item(), "swapped": torch.cat(wrong).mean().item()}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.pixels.state_dict()


def middle_places(height: int, width: int) -> Tensor:
    """(h, w) bool: the ellipse in the middle of a map in which a photo surely shows its subject, as in composed scenes."""
    y = (torch.arange(height)[:, None] + 0.5) / height - 0.5
    x = (torch.arange(width) + 0.5) / width - 0.5
    return (x / MIDDLE) ** 2 + (y / MIDDLE) ** 2 < 1


def flatten(picture):
    """RGBA picture on white, as RGB."""
    from PIL import Image

    white = Image.new("RGB", picture.size, (255, 255, 255))
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def improvement_db(masks: Tensor, mags: Tensor, mix: Tensor) -> Tensor:
    """A quick stand-in for NSDR during training: error of the magnitudes with the mask, against that of the mixture itself;
    (B, Q) dB.
    """
    mix = mix.unsqueeze(1)
    energy = (mags**2).sum((2, 3)) + 1e-6
    with_mask = ((mags - masks * mix) ** 2).sum((2, 3)) + 1e-6 * energy
    without = ((mags - mix) ** 2).sum((2, 3)) + 1e-6 * energy
    return (10 * torch.log10(without / with_mask)).clamp(-30, 30)
