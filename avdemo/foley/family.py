"""The three variants in one checkpoint: they share the eye, the SampleRNN and all that says the same in each, and are trained together.

What belongs to one variant alone is small: how its picture reaches the nodes, what it makes of motion, how loud it expects the sound.
"""

from __future__ import annotations

from torch import nn

from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.network import Foley

SHARED = (
    "eye", "namer", "seq", "begin", "rnn", "says_kind", "loudness_to_nodes", "kind_to_nodes", "strokes_to_nodes", "tokens", "tells", "tier", "voices",
    "predictor", "decay",
)  # fmt: skip
OWN = ("motion", "to_nodes", "says_loudness", "says_strokes")


class Family(nn.Module):
    """One :class:`Foley` for each variant, of the same sizes; the configuration's own variant says nothing."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.config = config.as_variant("flow")
        members = {variant: Foley(config.as_variant(variant)) for variant in VARIANTS}
        givers = dict.fromkeys(SHARED, members["flow"]) | dict.fromkeys(
            ("rnn", "tier"), members["frame"]
        )  # that knows where they begin
        shared = {name: getattr(giver, name) for name, giver in givers.items()}
        self.shared = nn.ModuleDict({name: module for name, module in shared.items() if module is not None})
        self.own = nn.ModuleDict()
        for variant, member in members.items():
            for name, module in shared.items():
                if getattr(member, name) is not None:
                    setattr(member, name, module)
            self.own[variant] = nn.ModuleDict({name: m for name in OWN if (m := getattr(member, name)) is not None})
        self._members = [members]  # in a list, so that nothing is a part of this module twice

    def network(self, variant: str) -> Foley:
        """The network of a variant; its parts are this module's.

        Raises:
            ValueError: no such variant.
        """
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; it is one of {', '.join(VARIANTS)}")
        return self._members[0][variant].train(self.training)

    def alone(self, variant: str) -> dict:
        """State of a variant that needs no others: it fits :class:`Foley` of that variant."""
        wanted = Foley(self.config.as_variant(variant)).state_dict().keys()
        return {key: value for key, value in self.network(variant).state_dict().items() if key in wanted}
