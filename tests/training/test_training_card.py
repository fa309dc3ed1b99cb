"""The model card: everything a stranger asks for, in valid Markdown tables."""

from __future__ import annotations

import pytest

from avdemo.errors import StorageError
from avdemo.training.card import ScoreRow, ScoreTable, write_card

FIELDS = {
    "what": "Isolates the sound of a place in a picture.",
    "data": "Drawn duets,\n30,000 mixtures.",
    "licence": "CC BY 4.0, because of the photos.",
    "command": "python -m avdemo train pixels --data DIR --out weights/pixels-tiny.safetensors",
    "config": {"channels": 16},
}
TABLE = ScoreTable(
    "Separation, held-out notes",
    [
        ScoreRow("mixture", {"NSDR (dB)": 0.0}, "floor"),
        ScoreRow("this checkpoint", {"NSDR (dB)": 6.712, "SIR (dB)": 14.0}),
        ScoreRow("wrong | picture", {"NSDR (dB)": -11.04, "SIR (dB)": None}, "control"),
        ScoreRow("Sound of Pixels", {"NSDR (dB)": 8.87}, "paper"),
    ],
    note="Mean over 200 mixtures of two.",
)


def test_a_card_holds_every_field_and_table(tmp_path):
    metadata = {"device": "CPU (2 threads)", "minutes": 44.7, "items": 30000, "steps": 1875, "seed": 3}
    metadata["versions"] = {"torch": "2.11"}
    path = write_card(
        tmp_path / "new" / "pixels-tiny.md", **FIELDS, tables=[TABLE], limits=["Knows eight instruments."], metadata=metadata
    )
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# pixels-tiny\n")
    for part in (
        "Isolates the sound",
        "- data: Drawn duets, 30,000 mixtures.",
        "- device: CPU (2 threads)",
        "- time: 45 minutes",
        "- items seen: 30,000",
        "- steps: 1,875",
        "- seed: 3",
        "torch 2.11",
        FIELDS["command"],
        "- Knows eight instruments.",
        "CC BY 4.0, because of the photos.",
        '"channels": 16',
        "Mean over 200 mixtures of two.",
        "| | NSDR (dB) | SIR (dB) |",
        "| mixture (floor: what doing nothing scores) | 0.00 | – |",
        "| **this checkpoint** | **6.71** | **14.00** |",
        "| wrong \\| picture (control: should fail) | -11.04 | – |",
        "| Sound of Pixels (as the paper reports, on its own data) | 8.87 | – |",
    ):
        assert part in text, part
    assert [p.name for p in path.parent.iterdir()] == ["pixels-tiny.md"]


def test_given_figures_win_over_the_metadata(tmp_path):
    metadata = {"device": "CPU", "minutes": 9.0, "items": 1}
    path = write_card(tmp_path / "a.md", **FIELDS, device="one H200", minutes=2.5, items=7, metadata=metadata)
    text = path.read_text(encoding="utf-8")
    assert "- device: one H200" in text and "- time: 2.5 minutes" in text and "- items seen: 7" in text


def test_a_card_without_a_licence_is_refused(tmp_path):
    with pytest.raises(ValueError, match="licence"):
        write_card(tmp_path / "a.md", **(FIELDS | {"licence": " "}))
    with pytest.raises(ValueError, match="unknown kind"):
        write_card(tmp_path / "a.md", **FIELDS, tables=[ScoreTable("T", [ScoreRow("x", {}, "guess")])])
    assert not (tmp_path / "a.md").exists()


def test_a_card_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"a\.md could not be written"):
        write_card(tmp_path / "file" / "a.md", **FIELDS)
