"""Records: what the index must hold, how it is read and written."""

import json
import subprocess
import sys

import pytest

from avdemo.checkpoints import record, records, register
from avdemo.checkpoints.index import CheckpointRecord
from avdemo.errors import WeightsError

SHA = "a" * 64


def entry(**changes):
    """An index with one entry that is right but for the changes."""
    return json.dumps({"x": {"capability": "p", "file": "x.safetensors", "sha256": SHA, "bytes": 1, **changes}})


def test_no_index_means_no_records(weights):
    assert records() == {}
    with pytest.raises(WeightsError, match=r"no checkpoint named 'pixels-compact'.*none yet"):
        record("pixels-compact")


def test_register_writes_one_object_per_checkpoint(make, weights):
    make("pixels-b", scores={"NSDR (dB)": 6.7})
    make("pixels-a")
    written = json.loads((weights / "index.json").read_text())
    assert list(written) == ["pixels-a", "pixels-b"]
    found = written["pixels-b"]
    assert found["bytes"] == (weights / "pixels-b.safetensors").stat().st_size
    assert len(found["sha256"]) == 64 and found["repo_id"] is None and found["revision"] is None
    assert found["scores"] == {"NSDR (dB)": 6.7}
    assert records()["pixels-b"].licence == "CC-BY-4.0"
    assert [p.name for p in weights.iterdir() if p.name.startswith(".")] == []


def test_registering_again_updates_and_keeps(make, weights):
    first = make(scores={"NSDR (dB)": 1.0}, repo_id="me/w", revision="b" * 40)
    again = register(weights / "pixels-a.safetensors", summary="Another sentence.")
    assert (again.revision, again.scores, again.summary) == (first.revision, first.scores, "Another sentence.")
    other = make(seed=1, summary="New bytes.")
    assert other.sha256 != first.sha256
    assert (other.repo_id, other.revision, other.scores) == (None, None, {})


def test_register_refuses_unknown_fields_and_a_missing_capability(make, weights):
    make()
    with pytest.raises(TypeError, match="licnce"):
        register(weights / "pixels-a.safetensors", licnce="mit")
    with pytest.raises(TypeError, match="capability"):
        register(weights / "pixels-a.safetensors", name="unknown")
    with pytest.raises(WeightsError, match=r"nothing\.safetensors cannot be read"):
        register(weights / "nothing.safetensors", capability="pixels")


def test_the_index_is_read_again_when_it_changes(make, weights):
    make()
    assert set(records()) == {"pixels-a"}
    make("pixels-b")
    assert set(records()) == {"pixels-a", "pixels-b"}
    records().clear()
    assert set(records()) == {"pixels-a", "pixels-b"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be read"),
        ("[]", "one JSON object"),
        ('{"x": {"capability": "pixels"}}', "needs at least"),
        (entry(lisence=""), "lisence"),
        (entry(file="../x.safetensors"), "without folders"),
        (entry(file="x.bin"), "without folders"),
        (entry(sha256="12"), "64 hexadecimal"),
        (entry(revision="main"), "full commit sha"),
    ],
)
def test_a_broken_index_is_a_sentence(weights, text, sentence):
    (weights / "index.json").write_text(text)
    with pytest.raises(WeightsError, match=sentence):
        records()


def test_a_branch_is_not_a_pin():
    with pytest.raises(WeightsError, match="full commit sha"):
        CheckpointRecord("a", "pixels", "a.safetensors", SHA, 1, repo_id="me/w", revision="main")


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"torch", "huggingface_hub", "safetensors"}
    code = f"import sys, avdemo.checkpoints as c; c.records(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
