"""Recipes: sight and sound learn, windows follow one another with their states, a run goes on where it stopped, parts assemble."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from tiny_foley import PLAIN, losses, with_tokens
from tiny_store import FRAMES

from avdemo.checkpoints import load_file
from avdemo.errors import InputError
from avdemo.foley import recipe, sound_recipe
from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.family import Family
from avdemo.foley.looks import look
from avdemo.foley.network import Foley
from avdemo.foley.objective import loudness_of
from avdemo.foley.pair_store import blocks_of
from avdemo.foley.sight_recipe import SightRecipe
from avdemo.foley.sound_recipe import SoundRecipe
from avdemo.foley.strokes import begins

CONFIG = FoleyConfig.debug()
ROWS = {"flow": 2, "frame": 1, "seq": 1}


@pytest.fixture
def sound(store, sight) -> SoundRecipe:
    return SoundRecipe(CONFIG, store, store, with_tokens(sight), rows=ROWS, held_pairs=3)


def test_the_sight_learns_kinds_strokes_and_loudness(store, sight) -> None:
    made = SightRecipe(CONFIG, store, store, 6, blocks_of(CONFIG, None).blocks.state_dict())
    models = [model.requires_grad_(False) for model in (recipe.open_sight(sight, CONFIG), made.build().eval())]
    learnt, fresh = (made.validate(model) for model in models)
    assert learnt["right_flow"] > 0.8 > fresh["right_flow"]
    assert learnt["loudness_flow"] < 0.8 * fresh["loudness_flow"]
    learnt, fresh = (made.loss(model, made.batches(1, 0, 1))[1]["strokes_flow"] for model in models)
    assert learnt < 0.7 * fresh
    model = made.build()
    made.parameter_groups(model)
    assert not any(p.requires_grad for p in model.family.network("flow").eye.blocks.parameters())
    assert not any(p.requires_grad for p in model.family.network("flow").rnn.parameters())


def test_a_look_is_what_the_networks_see(store, sight) -> None:
    seeing = recipe.open_sight(sight, CONFIG)
    looked = look(seeing, store, VARIANTS)
    network = seeing.family.network("flow")
    maps, flow = (torch.from_numpy(np.array(part[:2], np.float32)) for part in (store.maps, store.flow))
    with torch.no_grad():
        visual = network.eye.numbers(maps.flatten(0, 1)).unflatten(0, (2, FRAMES))
        condition = network.condition(visual=visual, flow=flow)
        assert torch.allclose(condition.loudness, torch.from_numpy(looked.decided["flow"][:2]), atol=1e-5)
        assert torch.equal(condition.strokes, torch.from_numpy(looked.strokes["flow"][:2])) and condition.strokes.any()
        assert torch.equal(condition.strokes, begins(condition.chances))
        again = network.condition_of(torch.from_numpy(looked.seen["flow"][:2]))
    assert torch.allclose(condition.rows, again.rows, atol=1e-5) and torch.allclose(condition.start, again.start, atol=1e-5)
    assert not np.array_equal(looked.seen["flow"], looked.seen["seq"]) and np.array_equal(looked.seen["frame"], looked.seen["seq"])


def test_windows_follow_one_another(sound, monkeypatch) -> None:
    monkeypatch.setattr(sound_recipe, "AGAIN", 0.0)
    monkeypatch.setattr(sound_recipe, "LOST", 0.0)
    monkeypatch.setattr(sound_recipe, "NOISY", 0.0)
    far, size = CONFIG.reach, CONFIG.samples_per_frame
    steps = [sound.batches(step, 0, 1) for step in range(2 * FRAMES)]
    row = 0
    fresh = [bool(batch["fresh"][row]) for batch in steps]
    assert fresh == [step % FRAMES == 0 for step in range(2 * FRAMES)]
    for before, after in pairwise(steps[:FRAMES]):
        assert torch.equal(before["levels"][row, -far:], after["levels"][row, :far])
    assert all(torch.equal(batch["levels"][:, far:], batch["targets"]) for batch in steps)
    assert (steps[0]["levels"][row, :far] == CONFIG.silence).all()
    assert steps[0]["levels"].shape == (4, far + size) and steps[0]["spectra"].shape == (4, 4 + 2 * 2, CONFIG.bands)
    assert torch.equal(steps[0]["spectra"][row, 4:], steps[1]["spectra"][row, :4])
    assert all(torch.equal(a, b) for a, b in zip(sound.batches(3, 0, 1).values(), steps[3].values(), strict=True))
    assert not torch.equal(sound.batches(3, 1, 2)["spectra"], sound.batches(3, 0, 2)["spectra"])
    begins = [[bool(batch["fresh"][n]) for batch in steps[1:FRAMES]].index(True) for n in (1, 2, 3)]
    assert len(set(begins)) > 1  # rows begin their pairs at different steps


def test_some_windows_lose_a_stretch_of_their_past_and_some_begin_anew(sound, monkeypatch) -> None:
    monkeypatch.setattr(sound_recipe, "AGAIN", 0.5)
    monkeypatch.setattr(sound_recipe, "LOST", 1.0)
    monkeypatch.setattr(sound_recipe, "NOISY", 0.0)
    batches = [sound.batches(step, 0, 1) for step in range(1, 8)]
    for batch in batches:
        other = (batch["levels"][:, CONFIG.reach :] != batch["targets"]).float().mean(1)
        assert (other > 0).any() and (other < 1).all()
    assert 4 < sum(int(batch["fresh"].sum()) for batch in batches) < 24


def test_some_windows_have_a_noisy_past_and_go_on_without_noise(sound, monkeypatch) -> None:
    monkeypatch.setattr(sound_recipe, "LOST", 0.0)
    monkeypatch.setattr(sound_recipe, "NOISY", 0.0)
    clean = sound.batches(5, 0, 1)
    monkeypatch.setattr(sound_recipe, "NOISY", 1.0)
    noisy = sound.batches(5, 0, 1)
    assert torch.equal(clean["targets"], noisy["targets"]) and torch.equal(clean["levels"][:, CONFIG.reach :], clean["targets"])
    error = (noisy["levels"] - clean["levels"])[~clean["fresh"]].float()
    assert (error.std(1) > 0.3).all() and (error.mean(1).abs() < error.std(1)).all()


def windows(made: SoundRecipe, learner) -> torch.Tensor:
    """What a learner says of the store's first pair, as it is, in every row: (rows, T, L)."""
    said = []
    with torch.no_grad():
        for step in range(FRAMES):
            batch = made._batch("train", [(0, step, variant, False, False, step == 0, 0) for variant in made.variant])
            said.append(learner(**{name: value for name, value in batch.items() if name != "targets"}))
    return torch.cat(said, 1)


def test_a_learner_s_windows_are_a_whole_sound_s(sound, store) -> None:
    """Window by window with its states, a row gives what the network gives for the whole pair at once."""
    learner = sound.build().train()
    got = windows(sound, learner)
    network = learner.family.network("flow")
    levels = network.levelled(torch.from_numpy(store.sound(0))[None], loudness_of(torch.from_numpy(store.sound(0))[None], CONFIG))
    with torch.no_grad():
        wanted, _ = network.logits(network.after_silence(levels), network.nodes(None, network.tokens_of(levels)))
    assert torch.allclose(got, wanted.expand(len(got), -1, -1), atol=1e-4)


def test_without_tokens_each_variant_tells_its_own_rows(store, sight) -> None:
    config = replace(CONFIG, **PLAIN)
    seeing = recipe.open_sight(None, config)
    made = SoundRecipe(config, store, store, seeing, rows=ROWS)
    learner, looked = made.build().train(), made.looked["train"]
    got = windows(made, learner)
    with torch.no_grad():
        for row, variant in enumerate(made.variant):
            network = learner.family.network(variant)
            condition = network.condition_of(torch.from_numpy(looked.seen[variant][:1]), torch.from_numpy(looked.loudness[:1]))
            levels = network.levelled(torch.from_numpy(store.sound(0))[None], torch.from_numpy(looked.loudness[:1]))
            wanted, _ = network.logits(network.after_silence(levels), network.nodes(condition))
            assert torch.allclose(got[row], wanted[0], atol=1e-4), variant


def test_the_sound_learns_and_leaves_the_rest_alone(store, sight, tmp_path) -> None:
    tokens, out = tmp_path / "tokens.safetensors", tmp_path / "sound.safetensors"
    recipe.train_tokens(store, store, tokens, CONFIG, sight, steps=2)
    recipe.train_sound(store, store, out, CONFIG, sight, rows=ROWS, steps=125)
    found = losses(out)
    assert found[-1] < found[0] - 0.05
    before, after = load_file(sight).state, load_file(out).state
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    found = load_file(tokens).state["shared.tokens.books"]
    assert "shared.tokens.books" in changed and torch.equal(after["shared.tokens.books"], found)  # both find the same
    assert all(key.startswith(("shared.rnn.", "shared.tells.", "shared.tokens.")) for key in changed)
    assert {"shared.rnn.mlp.bell.weight", "shared.rnn.mlp.answer.weight", "shared.tells.near.weight"} <= changed


def test_a_run_goes_on_where_it_stopped(store, sight, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(recipe, "_options", lambda *args, _was=recipe._options, **more: _was(*args, **(more | {"log_every": 1})))
    for name, steps in (("whole", (8,)), ("parts", (5, 8))):
        for last in steps:
            recipe.train_sound(store, store, tmp_path / f"{name}.safetensors", CONFIG, sight, rows=ROWS, steps=last, resume=True)
    whole, parts = (losses(tmp_path / f"{name}.safetensors") for name in ("whole", "parts"))
    assert len(whole) == len(parts) == 8 and np.allclose(whole[:5], parts[:5]) and np.allclose(whole[5], parts[5], atol=1e-4)


def load_sound(path) -> dict[str, torch.Tensor]:
    """What is learnt with the sound."""
    return {key: value for key, value in load_file(path).state.items() if key.startswith(("shared.rnn.", "shared.tells."))}


@pytest.mark.parametrize("variant", ["all", "flow", "seq"])
def test_parts_assemble(store, tmp_path, variant) -> None:
    stores = {"train": store, "val": store}
    parts = recipe.train_parts(stores, tmp_path / "parts", CONFIG, None, variant=variant, minutes=None, steps=2, seed=0)
    loaded = load_file(recipe.assemble(parts, CONFIG, tmp_path / "foley.safetensors", variant))
    config = FoleyConfig.from_dict(loaded.config)
    network = Family(config) if variant == "all" else Foley(config)
    network.load_state_dict(loaded.state)
    assert config.variant == ("flow" if variant == "all" else variant)
    assert set(loaded.metadata["parts"]) == {"sight", "tokens", "sound", "names"} and loaded.metadata["items"] > 0
    before = load_file(parts["tokens"]).state | load_sound(parts["sound"])
    shared = "shared." if variant == "all" else ""
    for part in ("rnn.mlp.answer.weight", "tells.near.weight", "tier.phase", "voices.rows.weight", "tokens.books"):
        assert torch.equal(loaded.state[shared + part], before[f"shared.{part}"]), part


def test_the_paper_s_losses_need_no_sight(store, tmp_path) -> None:
    off = dict.fromkeys(("motion_to_top", "envelope_head", "kind_head", "levelled"), False)
    plain = replace(CONFIG, **off, **PLAIN, emphasis=0.0)
    parts = recipe.train_parts({"train": store, "val": store}, tmp_path / "parts", plain, None, minutes=None, steps=2, seed=0)
    assert set(parts) == {"sound"}
    made = SoundRecipe(plain, store, store, recipe.open_sight(None, plain), rows=ROWS)
    model = made.build().train()
    made.parameter_groups(model)
    made.loss(model, made.batches(0, 0, 1))[0].backward()
    assert model.family.network("flow").motion.fc.weight.grad.abs().sum() > 0


def test_refusals(tmp_path) -> None:
    with pytest.raises(InputError, match="configuration"):
        recipe.train(tmp_path, tmp_path / "x.safetensors", config="scratch")
    with pytest.raises(InputError, match="variant"):
        recipe.train(tmp_path, tmp_path / "x.safetensors", variant="loud")
    with pytest.raises(InputError, match="vgg19"):
        recipe.imagenet(tmp_path, FoleyConfig.paper())
    assert set(sound_recipe.ROWS) == set(VARIANTS)
