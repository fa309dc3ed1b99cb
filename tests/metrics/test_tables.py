"""Scores as text stand in columns; what could not be measured is a dash."""

from __future__ import annotations

import json

from avdemo.metrics.tables import head, line, numbered, without_nan


def test_columns_stand_below_their_names() -> None:
    title, row = head("Accuracy, %", ("ours", "theirs")), line("first", (12.34, None))
    assert len(title) == len(row)
    assert row.endswith("      12.3         -") and title.endswith("ours    theirs")
    assert line("second", (float("nan"), 1.0), 3).endswith("-     1.000")
    assert line("third", (0.1234, 56.78), (3, 1)).endswith("     0.123      56.8")


def test_long_names_are_numbered() -> None:
    lines = numbered("Accuracy", {"a very long name": 1, "another": 2})
    assert lines[0].endswith("(1)       (2)") and lines[1:] == ["  (1) a very long name", "  (2) another"]


def test_json_gets_none_for_nan() -> None:
    values = without_nan({"a": float("nan"), "b": {"c": 1.5, "d": "text"}})
    assert json.dumps(values, allow_nan=False) == '{"a": null, "b": {"c": 1.5, "d": "text"}}'
