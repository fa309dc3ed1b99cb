"""How sure the network should be, fitted on validation pairs and written into its last layer.

Training sees some videos again and again and becomes surer than it should be of videos that it has not met. One number, the scale of
the margin between "match" and "mismatch" (temperature scaling, Guo et al. 2017), is fitted there; folded into the last layer it
leaves the checkpoint what it was, the same network with other 258 numbers. No answer changes sides: accuracy stays, and a probability
of 0.8 comes to mean about that. (A shift besides the scale was tried: it cost accuracy on made pairs and gained none on real ones.)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from avdemo.correspondence.objective import NEGATIVE, POSITIVE

ITERATIONS = 60


def fit_scale(margins: Tensor, wanted: Tensor, weight: Tensor) -> float:
    """The scale > 0 that minimises the weighted cross-entropy of ``scale * margins``.

    Args:
        margins: (P,) log odds; wanted: (P,) in {0, 1}; weight: (P,) >= 0.
    """
    log_scale = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    margins, wanted, weight = (t.double() for t in (margins, wanted, weight / weight.sum()))
    solver = torch.optim.LBFGS([log_scale], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        loss = (F.binary_cross_entropy_with_logits(log_scale.exp() * margins, wanted, reduction="none") * weight).sum()
        loss.backward()
        return loss

    solver.step(closure)
    return float(log_scale.detach().exp())


def pair_weights(table: Tensor, domain: Tensor, shares: Mapping[int, float]) -> Tensor:
    """(N, N) weights of the asked pairs: domains as in ``shares``, within each matches and mismatches half and half."""
    weight = torch.zeros(table.shape)
    for number, share in shares.items():
        rows = (domain == number)[:, None]
        for kind in (POSITIVE, NEGATIVE):
            asked = (table == kind) & rows
            if asked.any():
                weight[asked] = share / 2 / float(asked.sum())
    return weight


def calibrate(checkpoint: Path, held: Mapping[str, Tensor]) -> dict[str, float]:
    """Fit on a held batch of :class:`avdemo.correspondence.pair_recipe.PairRecipe` and write the checkpoint anew.

    Returns:
        ``scale`` and the weighted cross-entropy in nats ``before`` and ``after``.
    """
    from avdemo.checkpoints import load_file, load_into, save
    from avdemo.corpora.pairs import MADE, REAL
    from avdemo.correspondence.config import CorrespondenceConfig
    from avdemo.correspondence.network import Correspondence
    from avdemo.correspondence.pair_recipe import MADE_SHARE, judge_held

    loaded = load_file(checkpoint)
    network = Correspondence(CorrespondenceConfig.from_dict(loaded.config)).eval()
    load_into(network, loaded.state)
    margins, table = judge_held(network, held)
    weight = pair_weights(table, held["domain"], {MADE: MADE_SHARE, REAL: 1 - MADE_SHARE})
    asked = weight > 0
    margins, wanted, weight = margins[asked], (table == POSITIVE)[asked].float(), weight[asked]
    scale = fit_scale(margins, wanted, weight)
    with torch.no_grad():
        network.fc2.weight.mul_(scale)
        network.fc2.bias.mul_(scale)
    each = [F.binary_cross_entropy_with_logits(m, wanted, reduction="none") for m in (margins, scale * margins)]
    before, after = (float((e * weight).sum() / weight.sum()) for e in each)
    facts = {"scale": scale, "before": before, "after": after}
    save(checkpoint, network.state_dict(), loaded.config, {**loaded.metadata, "calibration": facts})
    return facts
