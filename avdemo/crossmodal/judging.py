"""S2I: does the judge see the instrument that was heard? (paper, section 4.3, table 2)

The judge learnt from real training photos and answers among the kinds and "none of them", so that chance is below one in sixteen. The
eye is a second opinion: another network, pretrained on ImageNet, that no painter was trained with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from avdemo.crossmodal.config import INIS, CrossmodalConfig
from avdemo.crossmodal.jury import Jury, noises
from avdemo.crossmodal.network import Crossmodal
from avdemo.crossmodal.testset import SEED, Sounds, TestSet

SECOND = "eye"


@dataclass(frozen=True)
class Painted:
    """A picture for each window."""

    frames: np.ndarray  # (N, S, S, 3) uint8
    kinds: np.ndarray  # (N,) what was played
    heard: np.ndarray  # (N,) bool: the ear was right
    origins: np.ndarray  # (N,) str
    judge: np.ndarray  # (N, kinds + 1) probabilities
    eye: np.ndarray


@dataclass(frozen=True)
class Heard:
    """Windows as the ear hears them."""

    sounds: Sounds
    features: np.ndarray  # (N, 128)
    shares: np.ndarray  # (N, kinds + 1)

    @property
    def right(self) -> np.ndarray:
        return self.shares.argmax(1) == self.sounds.kinds


def hear(jury: Jury, sounds: Sounds) -> Heard:
    return Heard(sounds, *jury.hear(sounds.wavs))


def paint(jury: Jury, heard: Heard, variant: str = "C", painter: Crossmodal | None = None, seed: int = SEED) -> Painted:
    """One picture of each window."""
    frames = jury.paint(heard.features, noises(seed, len(heard.features), jury.config.painter.noise), variant, painter)
    return Painted(frames, heard.sounds.kinds, heard.right, heard.sounds.origins, jury.judge(frames), jury.see(frames)[1])


def percent(right: np.ndarray) -> float:
    """Share of True in percent; NaN of nothing."""
    return 100 * float(np.mean(right)) if len(right) else float("nan")


def right(shares: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """(N,) bool."""
    return shares.argmax(1) == kinds


def among(shares: np.ndarray, kinds: np.ndarray, allowed: Sequence[int]) -> float:
    """Percent right of the items of the allowed classes, when only those may be answered."""
    asked = np.isin(kinds, allowed)
    return percent(np.asarray(allowed)[shares[asked][:, allowed].argmax(1)] == kinds[asked])


def inis(config: CrossmodalConfig) -> list[int]:
    """Numbers of the kinds that the paper's INIS set has."""
    return [config.kinds.index(name) for name in INIS if name in config.kinds]


def opinions(judge: np.ndarray, eye: np.ndarray, kinds: np.ndarray, config: CrossmodalConfig) -> dict[str, float]:
    """What both see in pictures of known kinds: percent right, and of the INIS kinds among themselves."""
    five = inis(config)
    found = {"judge": percent(right(judge, kinds)), SECOND: percent(right(eye, kinds))}
    return found | ({"INIS": among(judge, kinds, five), f"INIS, {SECOND}": among(eye, kinds, five)} if five else {})


def painter_scores(train: Painted, test: Painted, config: CrossmodalConfig) -> dict[str, float]:
    """A row of the table: pictures from training sounds and from held-out ones; and those of which the ear was right."""
    of_train = {f"{name}, train": value for name, value in opinions(train.judge, train.eye, train.kinds, config).items()}
    heard = {
        "judge, heard": percent(right(test.judge, test.kinds)[test.heard]),
        f"{SECOND}, heard": percent(right(test.eye, test.kinds)[test.heard]),
    }
    return of_train | opinions(test.judge, test.eye, test.kinds, config) | heard | {"pictures": float(len(test.frames))}


def swapped(painted: Painted, config: CrossmodalConfig) -> dict[str, float]:
    """The control: pictures of another kind's sound, judged against this kind; the mean over all other kinds."""
    if len(config.kinds) < 2:
        return {}
    found = []
    for turn in range(1, len(config.kinds)):
        asked = (painted.kinds + turn) % len(config.kinds)
        found.append(opinions(painted.judge, painted.eye, asked, config))
    return {name: float(np.mean([row[name] for row in found])) for name in ("judge", SECOND)}


def real_scores(jury: Jury, test: TestSet) -> dict[str, dict[str, float]]:
    """The bound: both on real photos, squared and as large as the painted ones."""
    titles = {"web30": "real held-out photos", "web10": "real photos of another source", "train": "real training photos"}
    found = {}
    for name, title in titles.items():
        album = test.squares[name]
        if len(album):
            frames = album.on_white()
            found[title] = opinions(jury.judge(frames), jury.see(frames)[1], album.kind, jury.config)
    return found


def kind_scores(painted: Painted, config: CrossmodalConfig) -> dict[str, dict[str, float]]:
    """For each kind: how often the ear, the judge and the eye are right."""
    groups = ((name, painted.kinds == number) for number, name in enumerate(config.kinds))
    return _by_group(painted, groups)


def origin_scores(painted: Painted) -> dict[str, dict[str, float]]:
    """The same for each origin of the sounds."""
    return _by_group(painted, ((str(name), painted.origins == name) for name in np.unique(painted.origins)))


def _by_group(painted: Painted, groups: Iterable[tuple[str, np.ndarray]]) -> dict[str, dict[str, float]]:
    found = {}
    for name, rows in groups:
        if rows.any():
            found[name] = {
                "ear": percent(painted.heard[rows]),
                "judge": percent(right(painted.judge, painted.kinds)[rows]),
                SECOND: percent(right(painted.eye, painted.kinds)[rows]),
                "windows": float(rows.sum()),
            }
    return found
