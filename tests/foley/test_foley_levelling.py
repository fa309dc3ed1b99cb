"""The gain that is taken from a sound before it is learnt, and given back after it was written."""

from __future__ import annotations

import numpy as np
import torch
from tiny_foley import lively

from avdemo.foley.config import FoleyConfig
from avdemo.foley.levelling import course_db, gains
from avdemo.foley.objective import loudness_of

CONFIG = FoleyConfig.debug()
PER_FRAME = CONFIG.samples_per_frame


def test_the_gain_follows_the_loudest_neighbour() -> None:
    loudness = torch.tensor([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    assert course_db(loudness).tolist() == [[-40.0, -40.0, 20.0, 20.0, 20.0, -40.0]]


def test_the_gain_changes_evenly_from_middle_to_middle() -> None:
    gain_db = torch.tensor([-40.0, 20.0])
    db = 20 * gains(gain_db, 0, 2 * PER_FRAME, PER_FRAME).log10()
    assert torch.allclose(db[: PER_FRAME // 2], torch.tensor(-40.0)) and torch.allclose(db[-PER_FRAME // 2 :], torch.tensor(20.0))
    between = db[PER_FRAME // 2 : PER_FRAME + PER_FRAME // 2].diff()
    assert torch.allclose(between, between.mean(), rtol=0.05, atol=1e-4) and between.mean() > 0
    parts = torch.cat([gains(gain_db, first, 100, PER_FRAME) for first in range(0, 1000, 100)])
    assert torch.equal(parts, gains(gain_db, 0, 1000, PER_FRAME))
    assert torch.equal(gains(gain_db, 5 * PER_FRAME, 10, PER_FRAME), torch.full((10,), 10.0))  # after the end it stays
    assert gains(torch.tensor([[-20.0]]), 0, 5, PER_FRAME).shape == (1, 5)


def test_levelled_sound_comes_back_as_loud_as_it_was() -> None:
    network = lively(CONFIG)
    rng = np.random.default_rng(2)
    wav = torch.from_numpy(rng.normal(0, 1, (2, 6 * PER_FRAME)).astype(np.float32))
    wav = torch.stack([wav[0] * 0.003, wav[1] * 0.1])
    loudness = loudness_of(wav, CONFIG)
    levels = network.levelled(wav, loudness)
    written = network.decode(levels)
    assert torch.allclose(written.square().mean(1).sqrt(), torch.tensor(0.1), rtol=0.3)  # one level for both
    back = written * gains(course_db(loudness), 0, wav.shape[1], PER_FRAME)
    assert ((back - wav).square().mean(1) / wav.square().mean(1) < 0.01).all()
    plain = lively(FoleyConfig.from_dict(CONFIG.as_dict() | {"levelled": False}))
    assert torch.equal(plain.levelled(wav, loudness), plain.encode(wav))
