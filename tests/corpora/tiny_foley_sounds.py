"""A made-up data folder with every kind of sound that foley knows, a few seconds of each: bursts of noise at known times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bursts import RATE, bursts
from tiny_pairs import write_data

from avdemo.media import write_wav

SECONDS = 3.0
BURSTS_S = (0.4, 1.1, 2.2)
TEN = ("baby_cry", "chainsaw", "dog_bark", "helicopter", "rain", "sea_waves")
ESC = [  # class, fold or "" for ESC-50's fold 4, original recording
    *((f"esc10/{cls}", f"fold{fold}", f"{fold}{n}") for n, cls in enumerate(TEN) for fold in range(1, 6)),
    ("esc10/rooster", "fold5", "777"),
    ("esc50_fold4/fireworks", "", "119647"), ("esc50_fold4/fireworks", "", "119648"), ("esc50_fold4/train", "", "165791"),
    ("esc50_fold4/train", "", "165606"), ("esc50_fold4/snoring", "", "180337"), ("esc50_fold4/chainsaw", "", "41"),
    ("esc50_fold4/pouring_water", "", "777"), ("esc50_fold4/water_drops", "", "901"), ("esc50_fold4/clapping", "", "902"),
]  # fmt: skip
EVERYDAY = [  # file, class, seconds
    ("fireworks/moodist__fireworks.wav", "fireworks", 32.0), ("printer/misc__lastfax_printer.wav", "printer", SECONDS),
    ("printer/misc__emojisound_printer.wav", "printer", SECONDS), ("printer/misc__homebeats_printer.wav", "printer", SECONDS),
    ("train/moodist__subway-station.wav", "train", SECONDS), ("water/moodist__waves.wav", "water", SECONDS),
]  # fmt: skip


def write_foley_data(data: Path) -> Path:
    """Make the folder (what :mod:`tiny_pairs` has, and more); returns it."""
    write_data(data)
    rows = ["file,cls,source,licence,split,group"]
    for number, (cls, fold, group) in enumerate(ESC):
        source = "esc10" if fold else "esc50f4"
        file = f"{cls}/{source}__{number}.wav"
        (data / "esc" / file).parent.mkdir(parents=True, exist_ok=True)
        write_wav(data / "esc" / file, bursts(BURSTS_S, SECONDS, 0.1 + 0.004 * number, number)[None], RATE)
        rows.append(f"{file},{cls},{source},made,{fold or 'fold4'},{group}")
    (data / "esc" / "index.csv").write_text("\n".join(rows) + "\n")
    index = data / "sounds" / "index.csv"
    lines = index.read_text().splitlines()
    for number, (file, cls, seconds) in enumerate(EVERYDAY):
        (data / "sounds" / file).parent.mkdir(parents=True, exist_ok=True)
        write_wav(data / "sounds" / file, bursts(np.arange(0.3, seconds - 0.5, 0.9), seconds, seed=90 + number)[None], RATE)
        lines.append(f"{file},{cls},made,made,train,")
    index.write_text("\n".join(lines) + "\n")
    return data
