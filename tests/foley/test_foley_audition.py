"""The audition: each voice is heard, shares follow what is heard, and nothing else of the network changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_foley import tiny_family

from avdemo.foley import audition as stage
from avdemo.foley.ear import Ear


@pytest.fixture
def family(store):
    """Shares as training leaves them: how often each voice is met."""
    made = tiny_family()
    voices, names = made.network("flow").voices, store.recordings(len(made.config.kinds))
    with torch.no_grad():
        voices.shares.zero_()
        for entry in store.about:
            voices.shares[entry["kind"], names[entry["recording"]]] += 1
        voices.shares /= voices.shares.sum(1, keepdim=True).clamp_min(1)
    return made


@pytest.fixture(autouse=True)
def ear(monkeypatch):
    """An untaught ear in place of one that would learn for a minute; what it hears differs from sound to sound all the same."""
    torch.manual_seed(6)
    made = Ear(10, 8000).eval()
    with torch.no_grad():
        made.answer.weight.mul_(30)
    monkeypatch.setattr(stage, "teach_ear", lambda *args, **more: made)
    return made


def test_shares_follow_what_is_heard(family, store) -> None:
    voices, told = family.network("flow").voices, []
    before, state = voices.shares.clone(), {key: value.clone() for key, value in family.state_dict().items()}
    heard = stage.audition(family, store, None, progress=lambda share, text: told.append(share))
    assert heard.shape == (len(before[0]),) and ((heard >= 0) & (heard <= 1)).all() and told[-1] == 1
    after, known = voices.shares, before.sum(1) > 0
    assert torch.allclose(after.sum(1)[known], torch.ones(int(known.sum()))) and not after[~known].any()
    assert not after[before == 0].any()  # a voice does not change its kind
    for kind in known.nonzero().flatten().tolist():
        mine = before[kind].nonzero().flatten().numpy()
        ratio = (after[kind] / before[kind])[mine].numpy()
        assert (np.argsort(ratio) == np.argsort(heard[mine])).all()
    changed = {key for key, value in family.state_dict().items() if not torch.equal(value, state[key])}
    assert changed == {"shared.voices.shares"}


def test_the_same_audition_ends_the_same(family, store) -> None:
    voices = family.network("flow").voices
    before, ends = voices.shares.clone(), []
    for _ in range(2):
        voices.shares.copy_(before)
        stage.audition(family, store, None, seed=4)
        ends.append(voices.shares.clone())
    assert torch.equal(*ends)
