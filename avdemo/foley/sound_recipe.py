"""The SampleRNN of a family, and how each variant's picture reaches it: learnt together, each variant on its share of the batch.

Every row of a batch goes through its pairs from the beginning to the end, a window of one video frame (80 ms) a step, and the tiers'
state goes with it: truncated backpropagation as in SampleRNN, that never has to begin in the middle of a sound. The states are buffers
of the model, so that a resumed run goes on where it stopped. Rows begin their pairs at different steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avdemo.checkpoints import trains_in_bf16
from avdemo.foley.config import LEVELLED_DB, FoleyConfig
from avdemo.foley.family import Family
from avdemo.foley.levelling import encode, gains, hiss
from avdemo.foley.looks import look
from avdemo.foley.objective import level_loss
from avdemo.foley.pair_store import PairStore
from avdemo.foley.sight_recipe import Sight
from avdemo.foley.tiers import State

ROWS = {"flow": 16, "frame": 8, "seq": 8}  # of a batch
DECIDED = 0.35  # of the pairs are told the loudness that is decided from the picture, as in use; the others the true one
RATE = 1.2e-3
AGAIN = 0.04  # of the windows begin anew in the middle of their pair, from silence and a first state
LOST, LOST_SAMPLES = 0.25, (64, 640)  # of the windows have a stretch of their past replaced by hiss: what follows must then be found from
# the picture alone, and a network that has fallen silent learns to leave silence when it should sound
NOISY, NOISE_DB = 0.5, (5.0, 35.0)  # of the windows have a past with noise, so many dB under the sound, and go on without it: what a
# network writes is never quite what it learnt from, and errors would add up
HELD = slice(0, 16_000)  # samples of each held-out pair that validation judges


class Learner(nn.Module):
    """A family with the states that its rows have reached."""

    def __init__(self, family: Family, rows: Mapping[str, int]):
        super().__init__()
        self.family, self.rows = family, dict(rows)
        config, count = family.config, sum(rows.values())
        self.register_buffer("top", torch.zeros(config.rnn_layers, count, config.dim))
        self.register_buffer("middle", torch.zeros(config.rnn_layers, count, config.dim))
        self._ddp_params_and_buffers_to_ignore = ["top", "middle"]  # each process has rows of its own

    def forward(self, levels: Tensor, seen: Tensor, whole: Tensor, flow: Tensor | None, loudness: Tensor, fresh: Tensor) -> Tensor:
        """Logits of one window of every row; remembers the states after it.

        Args:
            levels: (N, 64 + T). seen: (N, V), of the window's video frame. loudness: (N, 3), of it and its neighbours.
            whole: (N, F, V), what is seen in the whole pair, and flow (N, F, G, G, 2) where motion is still learnt: for those rows
                that are ``fresh`` (N,) bool, which begin.
        """
        config, rnn = self.family.config, self.family.network("flow").rnn
        nodes = (levels.shape[1] - config.top_step) // config.top_step
        top, middle = self.top, self.middle
        begun, rows, at = [], [], 0
        for variant, count in self.rows.items():
            network, mine = self.family.network(variant), slice(at, at + count)
            new = fresh[mine].nonzero().squeeze(1) + at
            if len(new):
                visual = whole[new]
                if network.motion is not None and flow is not None:
                    visual = visual + network.motion(flow[new])
                start = rnn.top.first_state(len(new)) if network.seq is None else network.begin(network.seq(visual)[1])
                begun.append((new, start))
            row = seen.new_zeros(count, config.row) if network.to_nodes is None else network.to_nodes(seen[mine])
            if network.loudness_to_nodes is not None:
                row = row + network.loudness_to_nodes(loudness[mine].unsqueeze(1))[:, :, 1]
            rows.append(row.float())
            at += count
        if begun:
            new = torch.cat([numbers for numbers, _ in begun])
            top = top.index_copy(1, new, torch.cat([start for _, start in begun], 1).float())
            middle = middle.index_copy(1, new, rnn.middle.first_state(len(new)).float())
        logits, state = rnn(levels, torch.cat(rows).unsqueeze(1).expand(-1, nodes, -1), State(top, middle))
        if self.training:
            self.top.copy_(state.top.detach())
            self.middle.copy_(state.middle.detach())
        return logits


class SoundRecipe:
    """Trains a :class:`Learner` on the pairs of a store, as a sight sees them."""

    def __init__(
        self, config: FoleyConfig, train: PairStore, held: PairStore, sight: Sight, *, rows: Mapping[str, int] | None = None,
        held_pairs: int = 12, start: Mapping[str, Tensor] | None = None, seed: int = 0,
    ):  # fmt: skip
        """``start``: a family's state to begin with instead of the sight's."""
        self.name, self.settings, self.config = f"foley-{config.name}-sound", config, config.as_dict()
        self.train, self.held, self.rows, self.seed = train, held, dict(rows or ROWS), seed
        self.batch_size, self.learns_motion = sum(self.rows.values()), not config.envelope_head
        self.state = start if start is not None else sight.family.state_dict()
        self.variant = [variant for variant, count in self.rows.items() for _ in range(count)]
        self.looked = {name: look(sight, store, self.rows, learns_motion=self.learns_motion) for name, store in (("train", train), ("held", held))}
        self.numbers = {"train": np.arange(len(train)), "held": np.arange(min(held_pairs, len(held)))}
        self.windows = train.flow.shape[1]

    def build(self) -> Learner:
        family = Family(self.settings)
        family.load_state_dict(self.state)
        return Learner(family, self.rows)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """What the sight learnt stays as it is, for its answers were computed once."""
        family = model.family
        seeing = [family.shared["eye"], *(family.shared[name] for name in ("says_kind",) if name in family.shared)]
        seeing += [own[name] for own in family.own.values() for name in ("says_loudness", "motion") if name in own]
        fixed = [] if self.learns_motion else [id(p) for part in seeing for p in part.parameters()]
        fixed += [id(p) for p in family.shared["eye"].parameters()]
        for variant, own in family.own.items():
            if variant not in self.rows:
                fixed += [id(p) for p in own.parameters()]
        learnt = []
        for parameter in model.parameters():
            parameter.requires_grad_(id(parameter) not in set(fixed))
            if parameter.requires_grad:
                learnt.append(parameter)
        return [{"params": learnt, "lr": RATE}]

    def batches(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        """One window of every row. Several processes go through different pairs with the same variants in their rows."""
        items = []
        for row, variant in enumerate(self.variant):
            at = step + row * self.windows // self.batch_size
            turn, window = divmod(at, self.windows)
            count = (turn * world + rank) * self.batch_size + row
            epoch, place = divmod(count, len(self.train))
            order = np.random.default_rng([self.seed, 9, epoch]).permutation(len(self.train))
            pair = int(order[place])
            rng = np.random.default_rng([self.seed, 10, count])
            decided, flipped = rng.random() < DECIDED, rng.random() < 0.5
            again = np.random.default_rng([self.seed, 11, count, window]).random() < AGAIN
            items.append((pair, window, variant, decided, flipped, step == 0 or window == 0 or again, count))
        return self._batch("train", items, np.random.default_rng([self.seed, 12, step, rank]))

    def _batch(self, split: str, items: list[tuple], rng: np.random.Generator | None = None) -> dict[str, Tensor]:
        """With ``rng`` some of the windows hear a past with noise, and some lose a stretch of it."""
        store, looked, config = (self.train if split == "train" else self.held), self.looked[split], self.settings
        size, far = config.samples_per_frame, config.top_step
        levels, told = np.zeros((len(items), far + size), np.float32), np.zeros((len(items), 3), np.float32)
        for n, (pair, window, variant, decided, flipped, fresh, count) in enumerate(items):
            begin = window * size
            before = 0 if fresh else far
            wav = store.wav[pair, begin - before : begin + size].astype(np.float32) / 32767
            if config.levelled:
                wav = wav / gains(looked.gain_db[pair], begin - before, before + size, size).numpy()
                wav = wav + hiss((self.windows * size,), seed=count)[begin - before : begin + size].numpy()
            levels[n, far - before :] = -wav if flipped else wav
            if config.envelope_head:
                course = (looked.decided[variant] if decided else looked.loudness)[pair]
                about = np.pad(course, 1)[window : window + 3]  # beyond the ends 0, as the convolution over whole pairs has it
                told[n] = about
        pairs, windows = [item[0] for item in items], [item[1] for item in items]
        fresh = torch.tensor([item[5] for item in items])
        encoded = encode(torch.from_numpy(levels), config)
        encoded[fresh, :far] = config.silence
        heard = encoded.clone()
        for n in np.flatnonzero(rng.random(len(items)) < NOISY) if rng is not None and config.levelled else ():
            scale = 10 ** ((LEVELLED_DB - rng.uniform(*NOISE_DB)) / 20)
            before = far if fresh[n] else 0
            noisy = levels[n, before:] + rng.normal(0, scale, far + size - before).astype(np.float32)
            heard[n, before:] = encode(torch.from_numpy(noisy), config)
        for n in np.flatnonzero(rng.random(len(items)) < LOST) if rng is not None and config.levelled else ():
            length = int(rng.integers(LOST_SAMPLES[0], min(LOST_SAMPLES[1], size)))
            begin = int(rng.integers(far + size - length))
            heard[n, begin : begin + length] = encode(hiss((length,), seed=int(rng.integers(2**31))), config)
        seen = np.stack([looked.seen[v][p] for p, (_, _, v, *_) in zip(pairs, items, strict=True)])
        batch = {
            "levels": heard, "targets": encoded[:, far:], "whole": torch.from_numpy(seen), "seen": torch.from_numpy(seen[np.arange(len(items)), windows]),
            "loudness": torch.from_numpy(told), "fresh": fresh,
        }  # fmt: skip
        if self.learns_motion:
            batch["flow"] = torch.from_numpy(np.stack([store.flow[p] for p in pairs]).astype(np.float32))
        return batch

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        given = {name: batch.get(name) for name in ("levels", "seen", "whole", "flow", "loudness", "fresh")}
        logits = model(**given)
        targets = batch["targets"]
        at, parts, loss = 0, {}, level_loss(logits, targets)
        with torch.no_grad():
            for variant, count in self.rows.items():
                parts[f"nats_{variant}"] = level_loss(logits[at : at + count], targets[at : at + count])
                at += count
        return loss, parts

    def validate(self, model: nn.Module) -> dict[str, float]:
        scores: dict[str, float] = {}
        pairs = self.numbers["held"]
        looked, config = self.looked["held"], self.settings
        names = {variant: ("true", "decided") if n == 0 else ("decided",) for n, variant in enumerate(self.rows)}
        wav = torch.from_numpy(np.stack([self.held.sound(int(n)) for n in pairs]))
        for variant in self.rows:
            network = model.family.network(variant)
            visual = torch.from_numpy(looked.seen[variant][pairs])
            for name in names[variant] if config.envelope_head else ("",):
                told = {"true": torch.from_numpy(looked.loudness[pairs]), "decided": None, "": None}[name]
                condition = network.condition_of(visual, told)
                levels = network.levelled(wav, torch.from_numpy(looked.loudness[pairs]))[:, HELD]
                with torch.autocast("cpu", torch.bfloat16, enabled=trains_in_bf16(torch.device("cpu"))):
                    nats = -network.log_likelihood(levels, condition)
                scores[f"nats_{variant}{'_' + name if name else ''}"] = float(nats.mean())
        chief = next(iter(self.rows))
        return {"score": -float(np.mean([v for k, v in scores.items() if k.startswith(f"nats_{chief}")])), **scores}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.family.state_dict()
