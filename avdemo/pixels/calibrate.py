"""How sharp the masks of a trained network should be, chosen on validation pairs and written into the synthesizer.

Weighted BCE makes masks as unsure as the network is; a somewhat sharper mask separates better. Multiplying the synthesizer's weights and
bias by one number multiplies every logit by it, so the checkpoint stays what it was: the same network with other 17 numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from avdemo.metrics.bss import bss_eval
from avdemo.pixels.config import SOUNDS

SHARPNESS = (1.0, 1.25, 1.5, 2.0)
PAIRS = 36


def validation_pairs(sounds, photos, samples: int, seed: int = 5):
    """Yields (wavs (2, samples), photos): held-out sounds and photos of the validation split, one of each instrument in turn."""
    from avdemo.pixels.testset import whole_photo

    rng = np.random.default_rng(seed)
    have = {name: [n for kind in ("phrase", "notes") for n in sounds.numbers(name, kind, "val")] for name in SOUNDS}
    names = [name for name in SOUNDS if have[name]]
    for number in range(PAIRS):
        first = names[number % len(names)]
        pair = (first, str(rng.choice([n for n in names if n != first])))
        wavs = np.stack([sounds.wav(int(rng.choice(have[n])), 0, samples) for n in pair]) / 2
        shown = [whole_photo(photos, int(rng.choice(photos.where("val", n)))) for n in pair]
        if np.abs(wavs).max(1).min() > 1e-3:
            yield wavs, shown


@torch.no_grad()
def calibrate(checkpoint: Path, packed: Path) -> dict[float, float]:
    """Choose the sharpness with the best validation NSDR and write the checkpoint anew with it.

    Returns:
        NSDR in dB of each sharpness tried.
    """
    from avdemo.checkpoints import load_file, load_into, save
    from avdemo.corpora.mixtures import SoundPack
    from avdemo.corpora.scenes import PhotoPack
    from avdemo.pixels.config import PixelsConfig
    from avdemo.pixels.evaluation import Separator
    from avdemo.pixels.network import SoundOfPixels

    loaded = load_file(checkpoint)
    network = SoundOfPixels(PixelsConfig.from_dict(loaded.config)).eval()
    load_into(network, loaded.state, name=loaded.record.name if loaded.record else None)
    separator = Separator(network)
    scale, bias = network.synthesizer.scale.clone(), network.synthesizer.bias.clone()
    scores: dict[float, list[float]] = {sharpness: [] for sharpness in SHARPNESS}
    for wavs, shown in validation_pairs(SoundPack(packed, SOUNDS), PhotoPack(packed, SOUNDS), network.config.samples):
        mixture, visions = wavs.sum(0), [separator.vision(photo) for photo in shown]
        for sharpness in SHARPNESS:
            network.synthesizer.scale.copy_(scale * sharpness)
            network.synthesizer.bias.copy_(bias * sharpness)
            scores[sharpness].append(float(np.nanmean(bss_eval(wavs, separator.separate(mixture, visions), mixture).nsdr)))
    means = {sharpness: float(np.mean(values)) for sharpness, values in scores.items()}
    best = max(means, key=means.__getitem__)
    network.synthesizer.scale.copy_(scale * best)
    network.synthesizer.bias.copy_(bias * best)
    save(checkpoint, network.state_dict(), loaded.config, {**loaded.metadata, "sharpness": best})
    return means
