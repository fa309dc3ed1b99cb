"""The list of capabilities, in the order of their tabs.

Adding a capability is one folder with a ``tab.py`` and one line here. A ``tab.py`` offers ``build() -> None``, called inside its
``gr.Tab``, and may offer ``warm_up() -> None``, called once in the background when the page is up.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Capability:
    """One tab: the folder it lives in and the verb on it."""

    name: str  # folder below avdemo/, also the tab's id in links
    verb: str  # what the tab says
    needs: str = ""  # a checkpoint without which there is no point in showing the tab: one that is still in training

    @property
    def module(self) -> str:
        """Dotted name of the module that builds the tab."""
        return f"avdemo.{self.name}.tab"


CAPABILITIES: tuple[Capability, ...] = (
    Capability("pixels", "Isolate"),
    Capability("foley", "Add sound", needs="foley-compact"),
    Capability("lips", "Make lips speak", needs="lips-compact"),
    Capability("crossmodal", "Imagine", needs="crossmodal-compact"),
    Capability("correspondence", "Match"),
)


def _exists(capability: Capability) -> bool:
    """True when the capability's folder has a tab; nothing is imported but (empty) parent packages."""
    try:
        return importlib.util.find_spec(capability.module) is not None
    except ModuleNotFoundError:  # the folder itself is not there
        return False


def _is_trained(capability: Capability) -> bool:
    if not capability.needs:
        return True
    from avdemo.checkpoints.index import records
    from avdemo.errors import WeightsError

    try:
        return capability.needs in records()
    except WeightsError:
        return True  # the index is damaged: the tab says so


def available(capabilities: Sequence[Capability] = CAPABILITIES) -> list[Capability]:
    """The capabilities whose tab is in this installation, with the checkpoint that it needs, in the order of the list."""
    return [capability for capability in capabilities if _exists(capability) and _is_trained(capability)]


def load_tab(capability: Capability) -> ModuleType:
    """Import the module that builds ``capability``'s tab."""
    return importlib.import_module(capability.module)
