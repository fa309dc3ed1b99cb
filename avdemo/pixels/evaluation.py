"""The paper's table, ours beside it (``python -m avdemo evaluate pixels --data DIR``).

Separation by BSS-eval on held-out sounds and photos, beside doing nothing, NMF, ideal masks, the wrong picture and random
weights; localisation on composed frames with exact truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avdemo.dsp.logfreq import to_linear_frequency, to_log_frequency
from avdemo.dsp.stft import istft, stft
from avdemo.metrics.bss import Separation, bss_eval, summarise
from avdemo.metrics.localisation import Box, energy_shares, points_at
from avdemo.metrics.masks import ideal_separation
from avdemo.metrics.nmf import ClassNmf
from avdemo.pixels.config import SOUNDS, PixelsConfig
from avdemo.pixels.listen import middle_places
from avdemo.pixels.network import SoundOfPixels
from avdemo.pixels.separation import REFERENCE_RMS, hear, place_energies
from avdemo.pixels.testset import FRAME_PX, PHOTOS, SETS, Pair, duet_frame, open_packs, pairs

PAPER_TABLE = {  # Table 1, MUSIC, mixtures of two; NSDR, SIR, SAR in dB
    "NMF": (3.14, 6.70, 10.10), "DeepConvSep": (6.12, 8.38, 11.02), "Spectral regression": (5.12, 7.72, 10.43),
    "Ratio mask, linear": (6.67, 12.85, 13.87), "Ratio mask, log": (8.56, 13.75, 14.19),
    "Binary mask, linear": (6.94, 12.87, 11.12), "Binary mask, log": (8.87, 15.02, 12.28),
}  # fmt: skip
METHODS = (
    "mixture", "nmf", "random weights", "wrong picture", "ours", "ours, whole frame", "ours, both places compete",
    "ideal ratio mask", "ideal binary mask",
)  # fmt: skip
NMF_SECONDS = 60  # of training sound for each instrument's dictionary
MIDDLE_SHARE = 0.8
BACKGROUND_PX = 12  # places this close to a player are neither player nor background


@dataclass
class Evaluation:
    """Scores: ``separation[set][method] = {"NSDR", "SIR", "SAR", "n", "skipped"}`` in dB, NSDR by instrument, localisation."""

    checkpoint: dict[str, str]
    separation: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    instruments: dict[str, dict[str, float]] = field(default_factory=dict)
    localisation: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        paper = {name: dict(zip(("NSDR", "SIR", "SAR"), row, strict=True)) for name, row in PAPER_TABLE.items()}
        return {
            "checkpoint": self.checkpoint, "separation": self.separation, "nsdr_by_instrument": self.instruments,
            "localisation": self.localisation, "paper_table_1": paper,
        }  # fmt: skip

    def table(self) -> str:
        lines = [f"Checkpoint {self.checkpoint['name']} ({self.checkpoint['sha256'][:12]}), mixtures of two, dB"]
        for name, rows in self.separation.items():
            lines += ["", f"{name:<34}{'NSDR':>8}{'SIR':>8}{'SAR':>8}{'n':>6}{'skipped':>9}"]
            for method, row in rows.items():
                lines.append(
                    f"  {method:<32}{row['NSDR']:>8.2f}{row['SIR']:>8.2f}{row['SAR']:>8.2f}{row['n']:>6.0f}{row['skipped']:>9.0f}"
                )
        lines += ["", f"{'The paper, on MUSIC':<34}{'NSDR':>8}{'SIR':>8}{'SAR':>8}"]
        lines += [f"  {name:<32}{row[0]:>8.2f}{row[1]:>8.2f}{row[2]:>8.2f}" for name, row in PAPER_TABLE.items()]
        lines += ["", "NSDR by instrument" + " " * 16 + "".join(f"{name:>10}" for name in self.instruments)]
        for instrument in SOUNDS:
            row = [scores.get(instrument, float("nan")) for scores in self.instruments.values()]
            lines.append(f"  {instrument:<32}" + "".join(f"{value:>10.2f}" if value == value else f"{'-':>10}" for value in row))
        lines += ["", "Localisation, two players side by side before a background"]
        lines += [f"  {name:<52}{value:>8.2f}" for name, value in self.localisation.items()]
        return "\n".join(lines)


class Separator:
    """The network with the little that evaluation needs: one window, whole photos."""

    def __init__(self, network: SoundOfPixels):
        self.network, self.config = network.eval(), network.config

    @torch.inference_mode()
    def see(self, frame: np.ndarray) -> Tensor:
        device = self.network.synthesizer.bias.device
        return self.network.look_twice(torch.from_numpy(np.array(frame))[None].to(device))[0]

    def vision(self, frame: np.ndarray, *, whole: bool = False) -> Tensor:
        """What a photo of one player shows, (K,).

        Each channel's 80th percentile over the middle of the photo, where its subject is: it lets a single odd place not decide
        (chosen on validation pairs, 7.30 dB against 7.10 for the maximum). ``whole``: the maximum over all of it, as in the paper.
        """
        seen = self.see(frame)
        return seen.amax((1, 2)) if whole else seen[:, middle_places(*seen.shape[1:])].quantile(MIDDLE_SHARE, dim=1)

    @torch.inference_mode()
    def separate(self, mixture: np.ndarray, visions: list[Tensor], *, compete: bool = False) -> np.ndarray:
        """mixture (samples,), one (K,) for each source -> (sources, samples); mixture's phase.

        ``compete``: the places share every cell (softmax), for when all players are known to be asked about.
        """
        config, network = self.config, self.network
        wav = torch.from_numpy(mixture)
        # one frame more than the network reads: the last samples would lie under the rim of a single window
        spec = stft(torch.nn.functional.pad(wav, (0, config.hop)), config.n_fft, config.hop)
        level = REFERENCE_RMS / wav.square().mean().sqrt().clamp(min=1e-6)
        mag = (spec[:, : config.spec_frames] * level).abs()
        read = to_log_frequency(mag, config.log_bins) if config.log_frequency else mag
        maps = network.hear(read[None])
        logits = network.synthesizer(torch.stack(visions)[None], maps)[0]
        masks = torch.softmax(logits, 0) if compete else torch.sigmoid(logits)
        if config.log_frequency:
            masks = to_linear_frequency(masks, config.bins)
        masks = torch.cat([masks, masks[..., -1:].expand(*masks.shape[:-1], spec.shape[-1] - masks.shape[-1])], -1)
        return istft(masks * spec, config.n_fft, config.hop, len(mixture)).numpy()


def _ideal(wavs: np.ndarray, mixture: np.ndarray, kind: str, config: PixelsConfig) -> np.ndarray:
    """Masks made from the sources themselves: what no mask on this grid can beat; (sources, samples)."""
    bins = config.log_bins if config.log_frequency else None
    padded = [np.pad(wav, (0, config.hop)) for wav in (*wavs, mixture)]
    masked = ideal_separation(np.stack(padded[:-1]), padded[-1], kind, n_fft=config.n_fft, hop=config.hop, log_bins=bins)
    return masked[:, : len(mixture)]


def _summary(separations: list[Separation]) -> dict[str, float]:
    means = summarise(separations)
    return {
        "NSDR": means["nsdr"].value, "SIR": means["sir"].value, "SAR": means["sar"].value,
        "n": means["nsdr"].n, "skipped": means["nsdr"].skipped,
    }  # fmt: skip


def _separation(
    title: str,
    items: Iterable[Pair],
    ours: Separator,
    blank: Separator,
    nmf: ClassNmf | None,
    result: Evaluation,
    only_ours: bool,
) -> None:
    rows: dict[str, list[Separation]] = {}
    by_instrument: dict[str, list[float]] = {}
    for pair in items:
        mixture = pair.wavs.sum(0)
        visions = [ours.vision(photo) for photo in pair.photos]
        estimates = {"ours": ours.separate(mixture, visions), "wrong picture": ours.separate(mixture, visions[::-1])}
        estimates["ours, whole frame"] = ours.separate(mixture, [ours.vision(photo, whole=True) for photo in pair.photos])
        estimates["ours, both places compete"] = ours.separate(mixture, visions, compete=True)
        if not only_ours:
            estimates["mixture"] = np.stack([mixture, mixture])
            estimates["random weights"] = blank.separate(mixture, [blank.vision(photo) for photo in pair.photos])
            for kind in ("binary", "ratio"):
                estimates[f"ideal {kind} mask"] = _ideal(pair.wavs, mixture, kind, ours.config)
            if nmf is not None:
                estimates["nmf"] = nmf.separate(mixture, pair.instruments)
        for method, estimate in estimates.items():
            scores = bss_eval(pair.wavs, estimate, mixture)
            rows.setdefault(method, []).append(scores)
            if method == "ours":
                for name, value in zip(pair.instruments, scores.nsdr, strict=True):
                    by_instrument.setdefault(name, []).append(float(value))
    result.separation[title] = {method: _summary(rows[method]) for method in METHODS if method in rows}
    result.instruments[title.split(",")[0]] = {name: float(np.nanmean(values)) for name, values in by_instrument.items()}


@torch.inference_mode()
def _localise(items: list[Pair], backdrops: list[np.ndarray], ours: Separator) -> dict[str, float]:
    """Click on each player's middle; then ask where each separated sound comes from, and how loud the background is."""
    hits, own, others, ground, nsdr = [], [], [], [], []
    width, height = FRAME_PX
    for number, pair in enumerate(items):
        rng = np.random.default_rng([7, number])
        frame, places = duet_frame(pair, backdrops[number % len(backdrops)], rng)
        boxes = [Box(*place) for place in places]
        seen = ours.see(frame)
        h, w = seen.shape[1:]
        mixture = pair.wavs.sum(0)
        vision = [seen[:, int((b.y_px + b.h_px / 2) * h / height), int((b.x_px + b.w_px / 2) * w / width)] for b in boxes]
        estimates = ours.separate(mixture, vision)
        nsdr.append(bss_eval(pair.wavs, estimates, mixture))
        spec = torch.zeros(1, 4096)  # the full-rate sound is not asked for here
        heard = hear(ours.network, spec, torch.from_numpy(mixture))
        for source, estimate in enumerate(estimates):
            if np.abs(estimate).max() < 1e-5:
                hits.append(False)
                continue
            # the mixture's masks over the separated sound: how much of it does each place claim
            alone = replace(heard, mag=hear(ours.network, spec, torch.from_numpy(estimate)).mag)
            energy = place_energies(ours.network, alone, seen, len(estimate) / ours.config.sample_rate / 2)[0].numpy()
            hits.append(points_at(energy, boxes[source], width, height))
            shares = energy_shares(energy**2, boxes[source], [boxes[1 - source]], width, height)
            own.append(shares.own)
            others.append(shares.others)
        energy = place_energies(ours.network, heard, seen, len(mixture) / ours.config.sample_rate / 2)[0].numpy()
        y, x = np.mgrid[0:h, 0:w]
        x, y = (x + 0.5) * width / w, (y + 0.5) * height / h
        margin = BACKGROUND_PX
        bare = np.ones((h, w), bool)
        for b in boxes:
            bare &= ~(
                (x > b.x_px - margin) & (x < b.x_px + b.w_px + margin) & (y > b.y_px - margin) & (y < b.y_px + b.h_px + margin)
            )
        if bare.any():
            ground.append(float((energy[bare] ** 2).mean()))
    clicked = _summary(nsdr)
    return {
        "separated sound points at its player, %": 100 * float(np.mean(hits)), "chance (area of a player's box), %": _box_share(items),
        "its energy inside the right box, %": 100 * float(np.nanmean(own)), "its energy inside the other box, %": 100 * float(np.nanmean(others)),
        "background against the mixture, dB": 10 * float(np.log10(np.mean(ground) + 1e-9)), "NSDR of clicks on the players' middles, dB": clicked["NSDR"],
    }  # fmt: skip


def _box_share(items: list[Pair]) -> float:
    shares = []
    for number, pair in enumerate(items):
        _, places = duet_frame(pair, np.zeros((8, 8, 3), np.uint8), np.random.default_rng([7, number]))
        shares += [w * h / (FRAME_PX[0] * FRAME_PX[1]) for _, _, w, h in places]
    return 100 * float(np.mean(shares))


def evaluate(
    data: Path, *, checkpoint: str = "pixels-compact", quick: bool = False, progress: Callable[[float, str], None] | None = None
) -> Evaluation:
    """Evaluate a checkpoint on the held-out test.

    Args:
        data: the training data folder, or a folder of packed arrays.
        quick: a tenth of the mixtures, without NMF.

    Raises:
        InputError: the data is not there. WeightsError: no checkpoint.
    """
    from avdemo.pixels.pipeline import load_model
    from avdemo.settings import get_settings

    tell = progress or (lambda share, text: None)
    sounds, photos = open_packs(Path(data), get_settings().work_dir, lambda s, t: tell(0.3 * s, t))
    model = load_model(checkpoint)
    torch.manual_seed(0)
    ours, blank = Separator(model.network), Separator(SoundOfPixels(model.network.config))
    result = Evaluation({"name": model.name, "sha256": model.sha256})
    samples, rate = ours.config.samples, ours.config.sample_rate
    nmf = None
    if not quick:
        tell(0.32, "Learning the NMF dictionaries")
        nmf = ClassNmf().fit({name: _training_sounds(sounds, name, rate) for name in SOUNDS})
    for number, which in enumerate(SETS):
        tell(0.4 + 0.15 * number, f"Separating {which}")
        count = 13 if quick else None
        _separation(
            f"{which}, photos of the training source",
            pairs(sounds, photos, which, "web30", samples, count),
            ours,
            blank,
            nmf,
            result,
            False,
        )
    if PHOTOS and not quick:
        tell(0.85, "Separating with photos from another source")
        for which in ("notes", "phrases"):
            _separation(
                f"{which} + other photos, web10", pairs(sounds, photos, which, "web10", samples), ours, blank, None, result, True
            )
    tell(0.92, "Localising")
    views = photos.where("train", "", ("everyday", "drawn"))
    backdrops = [np.asarray(photos.picture(i).convert("RGB")) for i in views[::7]][:40]
    duets = list(pairs(sounds, photos, "notes", "web30", samples, 13 if quick else 39))
    result.localisation = _localise(duets, backdrops, ours)
    tell(1.0, "Done")
    return result


def _training_sounds(sounds, name: str, rate: int) -> list[np.ndarray]:
    """About a minute of one instrument's training sounds, of every kind."""
    chosen = []
    for kind in ("ensemble", "notes", "phrase"):
        numbers = sounds.numbers(name, kind, "train")
        chosen += [sounds.wav(n, 0, 4 * rate) for n in numbers[:: max(1, len(numbers) // 5)][: NMF_SECONDS // 12]]
    return chosen
