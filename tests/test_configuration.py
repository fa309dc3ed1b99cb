"""A configuration goes through JSON and comes back, whatever dataclasses it is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from avdemo.configuration import Configuration


@dataclass(frozen=True)
class Part:
    widths: tuple[int, ...] = (4, 8)

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))


@dataclass(frozen=True)
class Whole(Configuration):
    known: ClassVar[int] = 3
    name: str = "small"
    part: Part = field(default_factory=Part)


def test_there_and_back() -> None:
    config = Whole("big", Part((1, 2, 3)))
    assert config.as_dict() == {"name": "big", "part": {"widths": (1, 2, 3)}}
    assert Whole.from_dict(json.loads(json.dumps(config.as_dict()))) == config
    assert Whole.from_dict({"part": Part((5,))}).part.widths == (5,)
    assert Whole.from_dict({}) == Whole()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown in a Whole: \['colour', 'known'\]"):
        Whole.from_dict({"name": "x", "colour": 1, "known": 4})
