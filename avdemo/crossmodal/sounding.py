"""I2S: does the ear hear the instrument that was seen? (the paper's I2S, section 4.3; CMCGAN's table)

The ear is asked twice: about the spectrogram that the player drew, and about the sound that was made of it, analysed again: what a
person hears went through the inversion. The second ear is a classifier that no player was trained with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.judging import among, inis, percent, right
from avdemo.crossmodal.jury import Jury, noises
from avdemo.crossmodal.network import Crossmodal
from avdemo.crossmodal.testset import SEED, Photos, Sounds

EARS = ("ear", "second ear")


def ears(jury: Jury, lms: np.ndarray) -> dict[str, np.ndarray]:
    """Each listener's probabilities for spectrograms (N, M, T)."""
    return {"ear": jury.ear_on(lms)} | ({"second ear": jury.second_on(lms)} if jury.second is not None else {})


def opinions(shares: dict[str, np.ndarray], kinds: np.ndarray, config: CrossmodalConfig) -> dict[str, float]:
    """Percent right of each listener, and of the ear's on the INIS kinds among themselves."""
    five = inis(config)
    found = {name: percent(right(answer, kinds)) for name, answer in shares.items()}
    return found | ({"INIS": among(shares["ear"], kinds, five)} if five else {})


def draw(
    jury: Jury, photos: Photos, per_photo: int, player: Crossmodal | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectrograms (N, M, T) of every photo ``per_photo`` times, their kinds (N,), and whether the eye was right (N,)."""
    features, shares = jury.look(photos.pictures)
    z = noises(SEED, per_photo * len(features), jury.config.player.noise)
    lms = jury.play(np.repeat(features, per_photo, axis=0), z, player)
    return lms, np.repeat(photos.kinds, per_photo), np.repeat(right(shares, photos.kinds), per_photo)


def player_scores(
    jury: Jury, photos: Photos, per_photo: int, inverted: int, player: Crossmodal | None = None
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """A row of the table for a source of photos, and for each kind how often eye and ears are right.

    Args:
        inverted: spectrograms of each kind that become a sound and are heard again; 0 for none.

    Returns:
        "ear", "second ear", "INIS", the same with ", again" for the sound, "ear, seen" where the eye was right, "photos",
        "spectrograms".
    """
    config = jury.config
    lms, kinds, seen = draw(jury, photos, per_photo, player)
    shares = ears(jury, lms)
    row = opinions(shares, kinds, config)
    row |= {f"{name}, seen": percent(right(answer, kinds)[seen]) for name, answer in shares.items()}
    if inverted:
        # of each kind spread evenly, so that every photo has its turn
        chosen = np.concatenate([_evenly(np.flatnonzero(kinds == k), inverted) for k in np.unique(kinds)])
        again = jury.spectrograms(np.stack(list(jury.to_sound(lms[chosen]))))
        row |= {f"{name}, again": value for name, value in opinions(ears(jury, again), kinds[chosen], config).items()}
    row |= {"photos": float(len(photos.pictures)), "spectrograms": float(len(lms))}
    by_kind = {}
    for number, name in enumerate(config.kinds):
        if (rows := kinds == number).any():
            answers = {who: percent(right(answer, kinds)[rows]) for who, answer in shares.items()}
            by_kind[name] = {"eye": percent(seen[rows]), **answers}
    return row, by_kind


def _evenly(rows: np.ndarray, count: int) -> np.ndarray:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]


def swapped(jury: Jury, photos: Photos, per_photo: int) -> dict[str, float]:
    """The control: sounds of another kind's picture, judged against this kind; the mean over all other kinds."""
    lms, kinds, _ = draw(jury, photos, per_photo)
    shares, count = ears(jury, lms), len(jury.config.kinds)
    if count < 2:
        return {}
    return {
        name: float(np.mean([percent(right(answer, (kinds + turn) % count)) for turn in range(1, count)]))
        for name, answer in shares.items()
    }


def real_scores(jury: Jury, sounds: Sounds) -> dict[str, dict[str, float]]:
    """The bound: both listeners on real held-out windows, all of them and by origin."""
    shares = ears(jury, jury.spectrograms(sounds.wavs))
    titles: Sequence[tuple[str, np.ndarray]] = [("real held-out sounds", np.ones(len(sounds.kinds), bool))]
    titles = [*titles, *((f"real held-out sounds: {name}", sounds.origins == name) for name in np.unique(sounds.origins))]
    found = {}
    for title, rows in titles:
        found[title] = opinions({name: answer[rows] for name, answer in shares.items()}, sounds.kinds[rows], jury.config)
    return found
