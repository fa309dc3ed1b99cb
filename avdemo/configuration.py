"""What the configurations of networks have in common: a way into JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, Self, get_type_hints


class Configuration:
    """Base of frozen dataclasses that decide a network's shapes; what does not fit together they refuse themselves."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, dataclasses inside as dictionaries of their own."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`as_dict`, also after a way through JSON; unknown names are refused.

        Raises:
            ValueError: the values do not fit together, or a name is unknown.
        """
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown in a {cls.__name__}: {sorted(unknown)}")
        kinds = get_type_hints(cls)
        parts = {name: value for name, value in values.items() if is_dataclass(kinds[name]) and isinstance(value, Mapping)}
        return cls(**(dict(values) | {name: kinds[name](**value) for name, value in parts.items()}))
