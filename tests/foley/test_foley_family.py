"""Three variants in one checkpoint: what they share, what is their own, and that each is the plain network it claims to be."""

from __future__ import annotations

import copy

import pytest
import torch
from tiny_foley import clips

from avdemo.checkpoints import load_file, save
from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.family import Family
from avdemo.foley.network import Foley

CONFIG = FoleyConfig.debug()


@pytest.fixture(scope="module")
def family() -> Family:
    torch.manual_seed(1)
    return Family(CONFIG).eval()


def test_every_weight_is_there_once(family) -> None:
    shared = {id(p) for p in family.shared.parameters()}
    for variant in VARIANTS:
        network = family.network(variant)
        own = [p for p in network.parameters() if id(p) not in shared]
        assert own or variant == "frame"
        assert {id(p) for p in network.parameters()} <= {id(p) for p in family.parameters()}
        assert network.config.variant == variant and network.rnn is family.network("flow").rnn
    assert len({id(p) for p in family.parameters()}) == len(list(family.parameters()))
    with pytest.raises(ValueError, match="variant"):
        family.network("loud")


def test_each_variant_alone_says_the_same(family) -> None:
    frames, flow = clips(CONFIG)
    levels = torch.randint(0, CONFIG.levels, (2, 2 * CONFIG.top_step))
    for variant in VARIANTS:
        alone = Foley(CONFIG.as_variant(variant)).eval()
        alone.load_state_dict(family.alone(variant))
        with torch.no_grad():
            there, here = (network.condition(frames, flow) for network in (family.network(variant), alone))
            assert torch.equal(there.loudness, here.loudness) and torch.equal(there.rows, here.rows)
            likely = [network.log_likelihood(levels, there) for network in (family.network(variant), alone)]
        assert torch.equal(*likely)


def test_it_is_kept_and_copied_whole(family, tmp_path) -> None:
    path = save(tmp_path / "family.safetensors", family.state_dict(), family.config.as_dict())
    loaded = load_file(path)
    again = Family(FoleyConfig.from_dict(loaded.config))
    again.load_state_dict(loaded.state)
    twin = copy.deepcopy(again)
    assert twin.network("seq").rnn is twin.network("frame").rnn is not again.network("seq").rnn
    with torch.no_grad():
        twin.network("flow").rnn.mlp.answer.bias.add_(1)
    assert not torch.equal(twin.network("frame").rnn.mlp.answer.bias, again.network("frame").rnn.mlp.answer.bias)
    assert not again.train().eval().network("flow").training


def test_the_paper_s_sizes_make_a_family_too() -> None:
    with torch.device("meta"):
        family = Family(FoleyConfig.paper())
    assert family.network("flow").says_loudness is None and family.network("frame").motion is None
