"""What the foley tests share: a tiny real network of each variant, and the condition of two made-up clips."""

from __future__ import annotations

import pytest
from tiny_foley import clips, lively


@pytest.fixture(scope="session", params=["frame", "seq", "flow"])
def network(request):
    """The tiny network of each variant. Read only."""
    from avdemo.foley.config import FoleyConfig

    return lively(FoleyConfig.debug(request.param))


@pytest.fixture(scope="session")
def condition(network):
    """Of two clips of three video frames."""
    import torch

    with torch.no_grad():
        return network.condition(*clips(network.config))


@pytest.fixture(scope="session")
def flow_network():
    """The tiny network of the variant "flow". Read only."""
    from avdemo.foley.config import FoleyConfig

    return lively(FoleyConfig.debug())
