"""What was struck dies away: how fast is measured in true sounds, and what is decided does not last longer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_foley import clips, lively

from avdemo.foley import recipe
from avdemo.foley.config import FoleyConfig
from avdemo.foley.decay import FEWEST, REACH, SOON, STRUCK, Decay, drops_of
from avdemo.foley.objective import loudness_of

CONFIG = FoleyConfig.debug()
KINDS = len(CONFIG.kinds)
DRUM, WATER = 0, 1  # whatever they are called


def struck_at(*frames: int, count: int = 20) -> torch.Tensor:
    """Strokes (1, 4 * count) in the second quarter of these video frames."""
    strokes = torch.zeros(1, 4 * count)
    strokes[0, [4 * frame + 1 for frame in frames]] = 1
    return strokes


def sure_of(kind: int) -> torch.Tensor:
    return 40 * torch.nn.functional.one_hot(torch.tensor([kind]), KINDS + 1).float()


@pytest.fixture
def decay() -> Decay:
    """A drum that loses a tenth of the loudness in every video frame from the third on; water does not die away."""
    made = Decay(CONFIG)
    made.drops[DRUM] = (torch.arange(REACH) - 1).clamp_min(0) * 0.1
    return made


def test_it_falls_from_stroke_to_stroke_and_no_further_than_silence(decay) -> None:
    steady = torch.full((1, 20), 0.8)
    found = decay(steady, struck_at(4, 9), sure_of(DRUM))[0]
    assert torch.equal(found[:6], steady[0, :6])  # nothing is known of what was before the first, and a stroke may last two frames
    assert torch.allclose(found[4:9], torch.tensor([0.8, 0.8, 0.7, 0.6, 0.5]), atol=1e-6)
    assert torch.allclose(found[9:19], (0.8 - (torch.arange(10) - 1).clamp_min(0) * 0.1).clamp_min(0), atol=1e-6) and found[19] == 0
    assert torch.equal(decay(steady, struck_at(), sure_of(DRUM)), steady)


def test_what_is_softer_already_stays_and_a_stroke_may_rise_for_a_frame(decay) -> None:
    course = torch.tensor([[0.2, 0.5, 0.9, 0.3, 0.1, 0.1, 0.9, 0.9]])
    found = decay(course, struck_at(1, count=8), sure_of(DRUM))
    assert torch.allclose(found, torch.tensor([[0.2, 0.5, 0.9, 0.3, 0.1, 0.1, 0.5, 0.4]]), atol=1e-6)
    assert (found <= course).all()


def test_kinds_die_away_each_in_its_own_time(decay) -> None:
    steady, strokes = torch.full((1, 20), 0.8), struck_at(2)
    rising = torch.linspace(0.1, 0.9, 20)[None]
    assert torch.equal(decay(rising, strokes, sure_of(WATER)), rising) and (decay(rising, strokes, sure_of(DRUM)) < rising).any()
    unsure = torch.zeros(1, KINDS + 1)
    unsure[0, DRUM], unsure[0, KINDS] = 0.1, 0.5  # rather none of them: it is written in the nearest one's voice, and dies away like it
    assert torch.equal(decay(steady, strokes, unsure), decay(steady, strokes, sure_of(DRUM)))
    both = decay(rising.repeat(2, 1), strokes.repeat(2, 1), torch.cat([sure_of(WATER), sure_of(DRUM)]))
    assert torch.equal(both[:1], rising) and both[1, 5] < 0.2


def test_it_is_measured_in_true_sounds() -> None:
    """Three of four strokes fall by 0.12 a frame, every fourth by 0.06; what is not struck stays as loud."""
    strokes = struck_at(2, 10).repeat(2 * FEWEST, 1)
    loudness = torch.full((2 * FEWEST, 20), 0.9)
    for n in range(FEWEST):
        rate = 0.06 if n % 4 == 0 else 0.12
        for first, end in ((2, 10), (10, 20)):
            loudness[n, first:end] = (0.9 - rate * torch.arange(end - first)).clamp_min(0)
    kinds = [DRUM] * FEWEST + [WATER] * FEWEST
    drops = drops_of(loudness, strokes, kinds, KINDS)
    assert drops.shape == (KINDS, REACH) and not drops[WATER].any() and not drops[2:].any()
    assert 0.06 * SOON < drops[DRUM, SOON] <= 0.12 * SOON + 1e-6 and drops[DRUM, SOON] > STRUCK
    assert (drops[DRUM].diff() >= 0).all()  # a sound that has died away does not come back
    assert not drops_of(loudness[:3], strokes[:3], kinds[:3], KINDS).any()  # three sounds tell nothing
    assert not drops_of(loudness, 0 * strokes, kinds, KINDS).any()
    assert not drops_of(loudness, strokes, [KINDS] * len(kinds), KINDS).any()  # and none of the kinds is none


def test_the_network_tells_it_of_what_it_decides_and_not_of_what_it_is_told() -> None:
    network = lively(CONFIG)
    network.decay.drops[:] = 0.05 * torch.arange(REACH)
    plain = lively(replace(CONFIG, decay=False))
    pictures, told = clips(CONFIG, 1, 12), torch.full((1, 12), 0.7)
    strokes = struck_at(1, count=12)[:, : 12 * CONFIG.tokens_per_frame]
    with torch.no_grad():
        dies, stays = (one.condition(*pictures, strokes=strokes) for one in (network, plain))
        given = network.condition(*pictures, loudness=told, strokes=strokes)
    assert (dies.loudness < stays.loudness - 1e-3).any() and (dies.loudness <= stays.loudness).all()
    assert torch.equal(dies.told, dies.loudness) and not torch.equal(dies.rows, stays.rows)
    assert torch.equal(given.told, told)


def test_assembling_measures_it_in_the_training_pairs(store) -> None:
    from avdemo.foley.family import Family

    family = Family(CONFIG)
    assert not family.network("seq").decay.drops.any()
    recipe.learn_decay(family, store)
    loudness = torch.cat([loudness_of(torch.from_numpy(store.sound(n))[None], CONFIG) for n in range(len(store))])
    wanted = drops_of(loudness, store.strokes(CONFIG), store.kind.tolist(), KINDS)
    assert torch.equal(family.network("seq").decay.drops, wanted) and torch.equal(family.network("frame").decay.drops, wanted)
    assert any(key.endswith("decay.drops") for key in family.state_dict()) and any("decay" in key for key in family.alone("flow"))
