"""What names the kind that is seen: every video frame votes, ImageNet's blocks stay as they are, and what it learns holds for new pictures."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_foley import clips, losses

from avdemo.checkpoints import load_file
from avdemo.corpora.doodles import doodle
from avdemo.foley import recipe
from avdemo.foley.config import FoleyConfig
from avdemo.foley.family import Family
from avdemo.foley.names_recipe import NamesRecipe, part_of
from avdemo.foley.naming import Namer, blocks_from
from avdemo.foley.naming_scores import ALL, photos_named
from avdemo.foley.network import Foley
from avdemo.foley.pair_store import blocks_of, maps_of, square_of

CONFIG = FoleyConfig.debug()
VOTES = len(CONFIG.kinds) + 1


class Photos:
    """A pack's photos: of the first kind red ones, of the second green ones, and blue ones of none."""

    def photos_of(self, kind, split):
        return {CONFIG.kinds[0]: [0, 1], CONFIG.kinds[1]: [2, 3], "": [4, 5]}.get(kind, [])

    def picture(self, number):
        rgba = np.zeros((40, 60, 4), np.uint8)
        rgba[..., number // 2] = 200 + number
        rgba[..., 3] = 255
        return rgba


def test_every_frame_votes_and_the_picture_alone_decides(flow_network) -> None:
    frames, flow = clips(CONFIG)
    with torch.no_grad():
        seen = flow_network.see(frames)
        assert seen.shape == (*frames.shape[:2], CONFIG.visual + VOTES)
        votes = seen[..., CONFIG.visual :]
        maps = flow_network.eye.maps(frames.flatten(0, 1))
        assert torch.allclose(votes.flatten(0, 1), flow_network.namer(maps), atol=1e-5)
        condition = flow_network.condition(frames, flow)
        assert torch.allclose(condition.kinds, votes.mean(1), atol=1e-5)
        assert torch.equal(condition.kinds, flow_network.condition(frames, 0 * flow).kinds)  # nothing that moves has a vote
        swapped = seen.clone()
        swapped[..., CONFIG.visual :] = swapped[..., CONFIG.visual :].flip(0)
        other = flow_network.condition_of(swapped)
        assert torch.equal(other.kinds, condition.kinds.flip(0))
        own = flow_network.condition_of(seen)
        assert torch.equal(other.loudness, own.loudness) and not torch.allclose(other.rows, own.rows, atol=1e-4)


def test_without_votes_the_kind_head_is_asked(flow_network) -> None:
    frames, _ = clips(CONFIG)
    with torch.no_grad():
        seen = flow_network.see(frames)[..., : CONFIG.visual]
        assert torch.equal(flow_network.condition_of(seen).kinds, flow_network.says_kind(seen.mean(1)))
        plain = Foley(replace(CONFIG, names=0)).eval()
        assert plain.namer is None and plain.see(frames).shape[-1] == CONFIG.visual
        assert Foley(replace(FoleyConfig.debug(), kind_head=False, codes=0, predicts=0, strokes=False, decay=False, voices=0)).namer is None
    with pytest.raises(ValueError, match="names=0"):
        replace(FoleyConfig.compact(), eye="vgg19", visual=4096)


def test_the_compact_one_goes_on_where_the_eye_ends() -> None:
    """With one set of ImageNet weights, the eye's blocks and the namer's are the whole network's."""
    from avdemo.backbones.mobilenet import mobilenet_features

    torch.manual_seed(0)
    whole = mobilenet_features().eval()
    config = FoleyConfig.compact()
    eye, namer = blocks_of(config, whole.state_dict()), Namer(config).eval()
    namer.blocks.load_state_dict(blocks_from(whole.state_dict()))
    frames = torch.randint(0, 256, (2, 112, 112, 3), dtype=torch.uint8)
    with torch.no_grad():
        found = namer.pooled(eye.maps(frames))
        wanted = whole[:17](frames.permute(0, 3, 1, 2).float() / 127.5 - 1)
    assert torch.allclose(found, torch.cat([wanted.mean((2, 3)), wanted.amax((2, 3))], 1), atol=1e-4)
    assert not namer.train().blocks.training and namer.answer.training
    assert sum(p.numel() for p in namer.parameters()) < 1.1e6


def test_it_learns_from_pairs_and_photos(store, tmp_path) -> None:
    made = NamesRecipe(CONFIG, store, store, None, Photos())
    other = CONFIG.other
    assert {(0, "pairs"), (0, "photos"), (1, "photos"), (other, "photos"), (other, "doodles")} <= set(made.groups)
    assert made.groups[0, "photos"].shape == (8, 320) and made.held[0, "photos"].shape == (2, 320)
    batch = made.batches(3, 0, 1)
    again = made.batches(3, 0, 1)
    assert torch.equal(batch["said"], again["said"]) and batch["said"].shape == (256, 320)
    none = float((batch["kind"] == other).float().mean())
    assert 0.15 < none < 0.45 and len(batch["kind"].unique()) == len({kind for kind, _ in made.groups})
    out = tmp_path / "names.safetensors"
    recipe.train_names(store, store, out, CONFIG, None, Photos(), steps=300)
    assert losses(out)[-1] < 0.6 * losses(out)[0]
    namer = Namer(CONFIG).eval()
    namer.load_state_dict(load_file(out).state)
    model = made.build()
    learnt = [p for group in made.parameter_groups(model) for p in group["params"]]
    assert learnt and not any(p.requires_grad for p in model.namer.blocks.parameters())  # they stay as ImageNet left them
    eye = blocks_of(CONFIG, None)
    for kind, numbers in ((0, (0, 1)), (1, (2, 3)), (other, (4, 5))):
        squares = np.stack([square_of(Photos().picture(number), CONFIG.picture_size, np.random.default_rng(0)) for number in numbers])
        with torch.no_grad():
            answers = namer(torch.from_numpy(maps_of(eye, squares).astype(np.float32))).argmax(1)
        assert (answers == kind).all(), (kind, answers)


def test_parts_of_photos_and_doodles() -> None:
    rgba = np.zeros((50, 80, 4), np.uint8)
    rgba[..., 3] = 255
    rgba[:, 40:] = 255
    whole = square_of(rgba, 20, np.random.default_rng(0))
    parts = np.stack([part_of(rgba, 20, np.random.default_rng(seed)) for seed in range(20)])
    assert whole.shape == (20, 20, 3) and parts.shape == (20, 20, 20, 3)
    edges = [int(np.argmax(np.abs(np.diff(part[10, :, 0].astype(int))))) for part in parts]
    assert len(set(edges)) > 5  # other places
    rising = [part[10, -1, 0] > part[10, 0, 0] for part in parts if part[10, -1, 0] != part[10, 0, 0]]
    assert any(rising) and not all(rising)  # some are mirrored
    clear = np.zeros((30, 30, 4), np.uint8)
    grounds = {tuple(square_of(clear, 8, np.random.default_rng(seed))[4, 4]) for seed in range(5)}
    assert len(grounds) == 5  # what is cut out stands before any colour
    pictures = [doodle(np.random.default_rng(seed), 32) for seed in range(12)]
    assert all(picture.shape == (32, 32, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert np.array_equal(pictures[3], doodle(np.random.default_rng(3), 32))
    assert np.mean([picture.std() for picture in pictures]) > 20


def test_it_comes_into_the_whole(store, tmp_path) -> None:
    stores = {"train": store, "val": store}
    parts = recipe.train_parts(stores, tmp_path / "parts", CONFIG, None, minutes=None, steps=2, seed=0)
    assert "names" in parts
    for variant in ("all", "seq"):
        loaded = load_file(recipe.assemble(parts, CONFIG, tmp_path / f"{variant}.safetensors", variant))
        names = load_file(parts["names"]).state
        front = "shared.namer." if variant == "all" else "namer."
        assert names and all(torch.equal(loaded.state[front + key], value) for key, value in names.items())
        network = Family(FoleyConfig.from_dict(loaded.config)) if variant == "all" else Foley(FoleyConfig.from_dict(loaded.config))
        network.load_state_dict(loaded.state)


def test_photos_are_named_kind_by_kind(flow_network) -> None:
    network = copy.deepcopy(flow_network)

    def see(frames):
        """Votes for the first kind where it is red, for the second where it is green, and for none where it is blue."""
        votes = torch.zeros(*frames.shape[:2], CONFIG.visual + VOTES)
        means = frames.float().mean((2, 3)) / 20
        votes[..., CONFIG.visual], votes[..., CONFIG.visual + 1], votes[..., -1] = means.unbind(-1)
        return votes

    network.see = see
    rows = photos_named(network, Photos(), "test")
    assert list(rows) == [ALL, "a crying baby", "a chainsaw", "none of these"]
    assert rows[ALL] == {"named": 100.0, "claimed": 100.0, "photos": 4.0} and rows["none of these"] == {"named": 100.0, "claimed": 0.0, "photos": 2.0}
    network.see = lambda frames: see(frames.flip(-1))  # red looks blue, and blue red
    rows = photos_named(network, Photos(), "test")
    assert rows["a crying baby"] == {"named": 0.0, "claimed": 0.0, "photos": 2.0} and rows["none of these"]["claimed"] == 100
    assert rows[ALL]["named"] == 50 and rows["a chainsaw"]["named"] == 100
    without = Foley(replace(CONFIG, kind_head=False, codes=0, predicts=0, strokes=False, decay=False, voices=0))
    assert photos_named(without, Photos()) == {}
