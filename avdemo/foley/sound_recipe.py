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
from avdemo.foley.levelling import encode, hiss, levelled_sound
from avdemo.foley.looks import hiss_seed, look
from avdemo.foley.network import Foley
from avdemo.foley.objective import level_loss, loudness_of
from avdemo.foley.pair_store import PairStore
from avdemo.foley.sight_recipe import Sight
from avdemo.foley.tiers import State
from avdemo.foley.tokens import Telling
from avdemo.foley.variations import varied

ROWS = {"flow": 16, "frame": 8, "seq": 8}  # of a batch
DECIDED = 0.35  # of the pairs are told the loudness that is decided from the picture, as in use; the others the true one
RATE = 1.2e-3
AGAIN = 0.04  # of the windows begin anew in the middle of their pair, from silence and a first state
LOST, LOST_SAMPLES = (
    0.1,
    (64, 640),
)  # of the windows have a stretch of their past replaced by hiss: what follows must then be found from
# the picture alone, and a network that has fallen silent learns to leave silence when it should sound
NOISY, NOISE_DB = (
    0.25,
    (20.0, 45.0),
)  # of the windows have a past with noise, so many dB under the sound, and go on without it: what a
# network writes is never quite what it learnt from, and errors would add up
HELD_HISS = 1_000_003  # seed of the hiss of held-out sounds
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

    def forward(self, levels: Tensor, fresh: Tensor, spectra: Tensor | None = None, **seen: Tensor | None) -> Tensor:
        """Logits of one window of every row; remembers the states after it.

        Args:
            levels: (N, reach + T). fresh: (N,) bool, rows that begin.
            spectra: (N, K + 4, M), that the window's tokens and two on either side stand for, where the SampleRNN is told tokens;
            seen: else what :meth:`_pictured` needs.
        """
        config, rnn = self.family.config, self.family.network("flow").rnn
        count, predictor = (levels.shape[1] - config.reach) // config.top_step, None
        if spectra is None:
            rows, start = self._pictured(fresh, **seen)
            rows = rows.unsqueeze(1).expand(-1, count, -1)
        else:
            rows = self.family.shared["tells"].inner(spectra).repeat_interleave(config.token_step // config.top_step, 1)
            start = rnn.top.first_state(len(levels))
            if config.predicts:
                with torch.no_grad(), torch.autocast(levels.device.type, enabled=False):
                    predictor = self.family.shared["predictor"](spectra[:, 1:-1])
        chosen = fresh[None, :, None]
        top = torch.where(chosen, start.float(), self.top)
        middle = torch.where(chosen, rnn.middle.first_state(len(levels)).float(), self.middle)
        logits, state = rnn(levels, rows.float(), State(top, middle), predictor)
        if self.training:
            self.top.copy_(state.top.detach())
            self.middle.copy_(state.middle.detach())
        return logits

    def _pictured(
        self, fresh: Tensor, seen: Tensor, whole: Tensor, loudness: Tensor, flow: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """What the picture tells the SampleRNN's nodes (N, R), and how the rows that begin begin, (layers, N, D).

        Args:
            seen: (N, V), of the window's video frame. loudness: (N, 3), of it and its neighbours.
            whole: (N, F, V), what is seen in the whole pair, and flow (N, F, G, G, 2) where motion is still learnt: for fresh rows.
        """
        config, rnn = self.family.config, self.family.network("flow").rnn
        start = torch.zeros_like(self.top)
        begun, rows, at = [], [], 0
        for variant, count in self.rows.items():
            network, mine = self.family.network(variant), slice(at, at + count)
            new = fresh[mine].nonzero().squeeze(1) + at
            if len(new):
                visual = whole[new]
                if network.motion is not None and flow is not None:
                    visual = visual + network.motion(flow[new])
                begun.append(
                    (new, rnn.top.first_state(len(new)) if network.seq is None else network.begin(network.seq(visual)[1]))
                )
            row = seen.new_zeros(count, config.row) if network.to_nodes is None else network.to_nodes(seen[mine])
            if network.loudness_to_nodes is not None:
                row = row + network.loudness_to_nodes(loudness[mine].unsqueeze(1))[:, :, 1]
            rows.append(row.float())
            at += count
        for new, state in begun:
            start = start.index_copy(1, new, state.float())
        return torch.cat(rows), start


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
        self._sounds: dict[tuple, tuple[np.ndarray, Tensor]] = {}
        network, stores = sight.family.network("flow"), (("train", train), ("held", held))
        self.tokens, self.values = network.tokens, network.decode(torch.arange(config.levels))
        self.variant = [variant for variant, count in self.rows.items() for _ in range(count)]
        self.looked = {name: look(sight, store, self.rows, learns_motion=self.learns_motion) for name, store in stores}
        self.known = np.flatnonzero(train.kind < len(config.kinds))
        self.numbers = {"held": np.arange(min(held_pairs, len(held)))}
        self.windows = train.flow.shape[1]

    def build(self) -> Learner:
        family = Family(self.settings)
        family.load_state_dict(self.state)
        return Learner(family, self.rows)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """What the sight learnt stays as it is, for its answers were computed once."""
        family = model.family
        if self.settings.codes:  # the picture is the token tier's matter
            for parameter in model.parameters():
                parameter.requires_grad_(False)
            learnt = [p for part in ("rnn", "tells") for p in family.shared[part].parameters()]
            for parameter in learnt:
                parameter.requires_grad_(True)
            return [{"params": learnt, "lr": RATE}]
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
            epoch, place = divmod(count, len(self.known))
            order = np.random.default_rng([self.seed, 9, epoch]).permutation(self.known)
            pair = int(order[place])
            rng = np.random.default_rng([self.seed, 10, count])
            decided, flipped = rng.random() < DECIDED, rng.random() < 0.5
            again = np.random.default_rng([self.seed, 11, count, window]).random() < AGAIN
            items.append((pair, window, variant, decided, flipped, step == 0 or window == 0 or again, count))
        return self._batch("train", items, np.random.default_rng([self.seed, 12, step, rank]))

    def _batch(self, split: str, items: list[tuple], rng: np.random.Generator | None = None) -> dict[str, Tensor]:
        """With ``rng`` some of the windows hear a past with noise, and some lose a stretch of it."""
        store, looked, config = (self.train if split == "train" else self.held), self.looked[split], self.settings
        size, far = config.samples_per_frame, config.reach
        levels, told = np.zeros((len(items), far + size), np.float32), np.zeros((len(items), 3), np.float32)
        for n, (pair, window, variant, decided, flipped, fresh, count) in enumerate(items):
            begin = window * size
            before = 0 if fresh else far
            wav = self._sound(split, pair, count if rng is not None else None)[0][begin - before : begin + size]
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
        if config.codes:
            sounds = [
                self._sound(split, pair, item[6] if rng is not None else None) for pair, item in zip(pairs, items, strict=True)
            ]
            return {"levels": heard, "targets": encoded[:, far:], "fresh": fresh, "spectra": self._spectra(sounds, windows)}
        seen = np.stack([looked.seen[v][p] for p, (_, _, v, *_) in zip(pairs, items, strict=True)])
        batch = {
            "levels": heard, "targets": encoded[:, far:], "whole": torch.from_numpy(seen), "seen": torch.from_numpy(seen[np.arange(len(items)), windows]),
            "loudness": torch.from_numpy(told), "fresh": fresh,
        }  # fmt: skip
        if self.learns_motion:
            batch["flow"] = torch.from_numpy(np.stack([store.flow[p] for p in pairs]).astype(np.float32))
        return batch

    @torch.no_grad()
    def _sound(self, split: str, pair: int, count: int | None) -> tuple[np.ndarray, Tensor]:
        """A pair's levelled sound (T,), float32, and the spectra (S, M) that its tokens stand for, where there are tokens.

        With ``count`` a variation of it, but without tokens only its hiss is another one: what is seen must go with it.
        """
        key = (split, pair, count)
        if key not in self._sounds:
            config, store = self.settings, self.train if split == "train" else self.held
            wav = store.sound(pair)
            if count is not None and config.codes:
                wav = varied(wav, np.random.default_rng([self.seed, 13, count]), config.sample_rate)
            wav = torch.from_numpy(wav).unsqueeze(0)
            levelled = levelled_sound(wav, loudness_of(wav, config), config, seed=0 if count is None else hiss_seed(self.seed, count))
            levels = encode(levelled, config)
            spectra = None if not config.codes else self.tokens.decode(self.tokens.encode(self.tokens.spectra(self.values[levels])))
            while len(self._sounds) >= 4 * self.batch_size:
                self._sounds.pop(next(iter(self._sounds)))
            self._sounds[key] = levelled[0].numpy(), None if spectra is None else spectra[0]
        return self._sounds[key]

    def _spectra(self, sounds: list[tuple[np.ndarray, Tensor]], windows: list[int]) -> Tensor:
        """(N, K + 4, M): what the tokens of these windows and two on either side stand for."""
        each, reach = self.settings.tokens_per_frame, Telling.REACH
        places = torch.arange(-reach, each + reach)
        return torch.stack([s[(places + w * each).clamp(0, len(s) - 1)] for (_, s), w in zip(sounds, windows, strict=True)])

    def loss(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float | Tensor]]:
        given = {name: value for name, value in batch.items() if name != "targets"}
        logits = model(**given)
        targets = batch["targets"]
        at, parts, loss = 0, {}, level_loss(logits, targets)
        with torch.no_grad():
            for variant, count in self.rows.items():
                parts[f"nats_{variant}"] = level_loss(logits[at : at + count], targets[at : at + count])
                at += count
        return loss, parts

    def validate(self, model: nn.Module) -> dict[str, float]:
        if self.settings.codes:
            return self._validate_spoken(model.family.network("flow"))
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

    def _validate_spoken(self, network: Foley) -> dict[str, float]:
        """Nats per sample of held-out sounds, told their own tokens."""
        pairs, looked = self.numbers["held"], self.looked["held"]
        wav = torch.from_numpy(np.stack([self.held.sound(int(n)) for n in pairs]))
        levels = network.levelled(wav, torch.from_numpy(looked.loudness[pairs]), HELD_HISS)
        with torch.no_grad():
            nodes = network.nodes(None, network.tokens_of(levels))
        with torch.autocast("cpu", torch.bfloat16, enabled=trains_in_bf16(torch.device("cpu"))):
            nats = -float(network.samples_likelihood(levels[:, HELD], nodes).mean())
        return {"score": -nats, "nats": nats}

    def export(self, model: nn.Module) -> dict[str, Tensor]:
        return model.family.state_dict()
