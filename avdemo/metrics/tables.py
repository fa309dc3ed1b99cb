"""Tables of scores as plain text, and as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

WIDTH = 68  # characters, of the first column


def head(title: str, columns: Iterable[str]) -> str:
    """A line that begins a table."""
    return f"{title:<{WIDTH}}" + "".join(f"{name:>10}" for name in columns)


def line(name: str, values: Iterable[float | None], digits: int | Sequence[int] = 1) -> str:
    """A line of a table; None and NaN are shown as a dash. ``digits``: behind the point, in all columns or in each."""
    row = list(values)
    places = [digits] * len(row) if isinstance(digits, int) else digits
    cells = (f"{v:>10.{n}f}" if v is not None and v == v else f"{'-':>10}" for v, n in zip(row, places, strict=True))
    return f"  {name:<{WIDTH - 2}}" + "".join(cells)


def numbered(title: str, columns: Iterable[str]) -> list[str]:
    """A head for columns whose names are long: numbers, explained below."""
    names = list(columns)
    return [head(title, [f"({i})" for i, _ in enumerate(names, 1)]), *(f"  ({i}) {name}" for i, name in enumerate(names, 1))]


def without_nan(value: Any) -> Any:
    """The same with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and value != value else value
