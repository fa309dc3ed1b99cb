"""An independent ear for the evaluation: a small classifier of log-mel spectrograms, taught in a minute from the training recordings.

It never meets a generated sound before it judges one, and nothing is ever trained against it. How often it is right about real
held-out recordings stands beside what it says of generated ones.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.corpora.foley_pack import FoleyPack
from avdemo.dsp.mel import MelScale, log_mel
from avdemo.dsp.stft import magnitude, stft
from avdemo.training.disturb import colour, mask

WINDOW_S = 2.0
N_FFT, HOP, MELS = 512, 320, 64
FLOOR_DB = -80.0  # under the loudest
UNIT_DB = 20.0  # what a difference of 1 stands for
BATCH, RATE = 32, 3e-3
TRIES = 3  # stretches of a recording of which the loudest is taken
ASKED_SEED = 2018  # of the windows of real recordings that an ear is asked about
LOUD = 0.003  # of full scale: quieter windows are not judged


class Ear(nn.Module):
    """Sounds (N, samples) -> logits (N, kinds). It hears no levels, only shapes."""

    def __init__(self, kinds: int, sample_rate: int):
        super().__init__()
        self.scale = MelScale(sample_rate, N_FFT, MELS)
        widths = (1, 16, 32, 64, 96)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*layers)
        self.answer = nn.Linear(2 * widths[-1], kinds)

    def picture(self, wav: Tensor) -> Tensor:
        """(N, samples) -> (N, 1, mels, columns): dB over the mean of the sound, in units of 20 dB."""
        level = log_mel(magnitude(stft(wav, N_FFT, HOP)), self.scale)
        level = level.maximum(level.amax((1, 2), keepdim=True) + FLOOR_DB)
        return ((level - level.mean((1, 2), keepdim=True)) / UNIT_DB).unsqueeze(1)

    def forward(self, picture: Tensor) -> Tensor:
        x = self.layers(picture)
        return self.answer(F.dropout(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1), 0.3, self.training))


def windows_of(pack: FoleyPack, split: str, kinds: tuple[str, ...], per_kind: int, seed: int) -> tuple[Tensor, Tensor]:
    """Windows of 2 s of a split's recordings, (kinds * per_kind, samples), and their kinds; short recordings lie somewhere in silence.

    Kinds that the split does not have are left out.
    """
    rng = np.random.default_rng([seed, 31])
    size = round(WINDOW_S * pack.sample_rate)
    found, there = np.zeros((len(kinds), per_kind, size), np.float32), []
    for k, kind in enumerate(kinds):
        groups: dict[str, list[int]] = {}
        for number in pack.sounds_of(kind, split):
            groups.setdefault(pack.sounds[number]["group"], []).append(number)
        if not groups:
            continue
        there.append(k)
        names = list(groups)
        share = np.sqrt([sum(pack.sounds[i]["length"] for i in group) for group in groups.values()])
        for n in range(per_kind):
            number = int(rng.choice(groups[names[int(rng.choice(len(names), p=share / share.sum()))]]))
            room = pack.sounds[number]["length"] - size
            if room > 0:
                parts = [pack.wav(number, int(start), size) for start in rng.integers(room, size=TRIES)]
                found[k, n] = max(parts, key=lambda part: float(np.square(part).sum()))
            else:
                wav = pack.wav(number)[:size]
                start = int(rng.integers(size - len(wav) + 1))
                found[k, n, start : start + len(wav)] = wav
    labels = torch.tensor(there).repeat_interleave(per_kind)
    return torch.from_numpy(found[there].reshape(-1, size)), labels


def teach_ear(pack: FoleyPack, kinds: tuple[str, ...], per_kind: int, steps: int, *, seed: int = 0) -> Ear:
    """A new ear, taught on ``per_kind`` windows of the training recordings of each kind in so many steps; in eval mode."""
    wavs, labels = windows_of(pack, "train", kinds, per_kind, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        ear = Ear(len(kinds), pack.sample_rate)
        with torch.no_grad():
            pictures = torch.cat([ear.picture(part) for part in wavs.split(64)])
        optimizer = torch.optim.AdamW(ear.parameters(), lr=RATE, weight_decay=2e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
        for _ in range(steps):
            chosen = torch.randint(len(labels), (BATCH,))
            picture = mask(colour(pictures[chosen].roll(int(torch.randint(pictures.shape[-1], ())), -1), UNIT_DB))
            F.cross_entropy(ear(picture), labels[chosen], label_smoothing=0.05).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return ear.eval()


@torch.no_grad()
def heard_kinds(ear: Ear, wavs: list[np.ndarray], sample_rate: int) -> np.ndarray:
    """The kind that each sound is heard as, (sounds,); -1 for one that is silent. Windows of 2 s are averaged."""
    size = round(WINDOW_S * sample_rate)
    answers = []
    for wav in wavs:
        starts = range(0, max(1, len(wav) - size // 2), size)
        windows = [np.pad(wav[s : s + size], (0, max(0, size - len(wav[s : s + size])))) for s in starts]
        loud = [w for w in windows if np.abs(w).max() > LOUD]
        if not loud:
            answers.append(-1)
            continue
        answers.append(int(ear(ear.picture(torch.from_numpy(np.stack(loud)))).softmax(1).mean(0).argmax()))
    return np.array(answers)


def ear_scores(ear: Ear, pack: FoleyPack, per_kind: int) -> dict[str, dict[str, float]]:
    """What an ear hears in real recordings: "all" and each kind -> split -> percent right of ``per_kind`` windows of each kind."""
    row: dict[str, dict[str, float]] = {"all": {}} | {kind: {} for kind in pack.kinds}
    for split in ("train", "val", "test"):
        wavs, kinds = windows_of(pack, split, pack.kinds, per_kind, ASKED_SEED)
        right = heard_kinds(ear, list(wavs.numpy()), pack.sample_rate) == kinds.numpy()
        row["all"][split] = 100 * float(right.mean())
        for number, kind in enumerate(pack.kinds):
            if (mine := kinds.numpy() == number).any():
                row[kind][split] = 100 * float(right[mine].mean())
    return row
