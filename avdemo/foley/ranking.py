"""Which of several takes goes best with the pictures, in the opinion of the judge of correspondence where that is installed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avdemo import media
from avdemo.errors import NoAudioError
from avdemo.foley.finishing import SOUND_RATE
from avdemo.foley.preparing import Prepared
from avdemo.hooks import Progress, Stop, part

LEAST_STEP_S, MOST_WINDOWS = 0.5, 60  # between the seconds that are judged; and how many at most


def can_rank() -> bool:
    """Whether the judge's checkpoint is here.

    Raises:
        WeightsError: the list of checkpoints is damaged.
    """
    from avdemo.checkpoints.index import records
    from avdemo.correspondence import pipeline as judge

    return judge.CHECKPOINT in records()


def rank(
    prepared: Prepared, sounds: Sequence[np.ndarray], *, progress: Progress | None = None, cancelled: Stop | None = None
) -> list[float]:
    """How probable it is that each sound belongs to the pictures: means over the seconds in which it can be heard, 0 to 1.

    Args:
        sounds: finished ones, each (1, samples) at :data:`SOUND_RATE`; a silent one gets 0.

    Raises:
        WeightsError: the judge cannot be used; see :func:`can_rank`.
        Cancelled: ``cancelled`` said so.
    """
    from avdemo.correspondence import pipeline as judge

    hooks = {"progress": progress, "cancelled": cancelled}
    step_s = max(LEAST_STEP_S, prepared.duration_s / MOST_WINDOWS)
    found = []
    with tempfile.TemporaryDirectory(prefix="avdemo-takes-") as folder:
        for number, sound in enumerate(sounds):
            path = media.write_wav(Path(folder) / "take.wav", sound, SOUND_RATE)
            try:
                clip = judge.prepare(
                    prepared.video, path, step_s=step_s, **part(hooks, number / len(sounds), (number + 1) / len(sounds))
                )
                found.append(float(judge.scores(clip).mean))
            except NoAudioError:
                found.append(0.0)
    return found
