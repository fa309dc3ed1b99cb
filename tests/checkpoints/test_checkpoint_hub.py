"""Publish, wipe, pull, verify against a Hub on loopback; and everything that can go wrong on the way, as a sentence."""

import json
import os
import shutil
import stat
import subprocess
import sys

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from avdemo.checkpoints import load, locate, publish, pull, records, resolve, verify
from avdemo.checkpoints.cli import weights_app
from avdemo.errors import StorageError, WeightsError

REPO = "me/avdemo-weights"


def flip(path):
    """Change the last byte, keep the length."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def wipe(weights, cache=True):
    for path in weights.glob("*.safetensors"):
        path.unlink()
    if cache:
        shutil.rmtree(constants.HF_HUB_CACHE, ignore_errors=True)


def published(hub, path):
    """A text file as the Hub has it."""
    return hub.blobs[hub.repositories[REPO].files("main")[path]].decode()


def test_publish_wipe_pull_verify(hub, make, weights):
    before = make(scores={"NSDR (dB)": 6.7}, training_data="photos and notes")
    make("pixels-b", seed=1)
    (weights / "pixels-b.md").write_text("# Written by hand\n")
    content = (weights / before.file).read_bytes()

    sha, pinned = publish(REPO)
    assert len(sha) == 40 and sha == hub.repositories[REPO].head
    assert [(r.repo_id, r.revision) for r in pinned] == [(REPO, sha)] * 2
    assert {r.revision for r in records().values()} == {sha}
    assert hub.asked("/lfs-upload/", "PUT") == 2 and hub.asked("xet-write-token") == 1

    wipe(weights)
    assert locate("pixels-a") == ("hub", None)
    assert verify("pixels-a") == ("absent", "not downloaded yet")
    assert pull("pixels-a").read_bytes() == content
    assert verify("pixels-a")[0] == "ok" and locate("pixels-a")[0] == "weights"
    assert load("pixels-a").config == {"name": "debug", "channels": 8}
    assert stat.S_IMODE((weights / before.file).stat().st_mode) == 0o644
    assert [p.name for p in weights.iterdir() if p.name.startswith(".")] == []


def test_what_is_published_beside_the_weights(hub, make, weights):
    make(scores={"NSDR (dB)": 6.7}, training_data="photos and notes", preprocessing={"sample_rate": 11025})
    make("pixels-b", seed=1)
    (weights / "pixels-b.md").write_text("# Written by hand\n")
    publish(REPO)
    readme = published(hub, "README.md")
    assert readme.startswith("---\nlibrary_name: pytorch\nlicense: cc-by-4.0\n")
    assert "| NSDR (dB) | 6.7 |" in readme and "python -m avdemo weights pull pixels-a" in readme and "photos and notes" in readme
    assert published(hub, "pixels-b.md") == "# Written by hand\n"
    assert "| sample_rate | 11025 |" in published(hub, "pixels-a.md")
    index = json.loads(published(hub, "index.json"))
    assert set(index) == {"pixels-a", "pixels-b"} and "revision" not in index["pixels-a"]
    assert set(hub.repositories[REPO].files("main")) == {
        *("README.md", "index.json", "pixels-a.md", "pixels-a.safetensors", "pixels-b.md", "pixels-b.safetensors")
    }


def test_different_licences_are_not_one(hub, make):
    make(licence="CC-BY-4.0")
    make("pixels-b", seed=1, licence="cc-by-nc-4.0")
    publish(REPO)
    assert "license: other\nlicense_name: see-each-checkpoint\n" in published(hub, "README.md")


def test_the_published_folder_is_a_weights_folder(hub, make, weights, tmp_path, monkeypatch):
    from huggingface_hub import snapshot_download

    from avdemo.settings import get_settings

    make()
    publish(REPO)
    folder = tmp_path / "elsewhere"
    snapshot_download(REPO, local_dir=folder, endpoint=hub.url)
    monkeypatch.setenv("AVDEMO_WEIGHTS", str(folder))
    get_settings.cache_clear()
    assert resolve("pixels-a") == folder / "pixels-a.safetensors"


def test_publishing_again_makes_no_new_commit(hub, make):
    make()
    first, _ = publish(REPO)
    second, _ = publish(REPO)
    assert first == second and len(hub.repositories[REPO].commits) == 1
    make(seed=9)
    assert records()["pixels-a"].revision is None
    third, _ = publish(REPO)
    assert third != first and len(hub.repositories[REPO].commits) == 2


def test_old_pins_stay_reachable(hub, make, weights):
    old = make()
    first, _ = publish(REPO)
    index = (weights / "index.json").read_text()
    make(seed=9)
    publish(REPO)
    (weights / "index.json").write_text(index)
    wipe(weights)
    assert load("pixels-a").sha256 == old.sha256
    assert records()["pixels-a"].revision == first


def test_imported_weights_go_up_only_when_named(hub, make):
    make(origin="imported")
    with pytest.raises(WeightsError, match="nothing to publish"):
        publish(REPO)
    publish(REPO, names=["pixels-a"])
    assert records()["pixels-a"].published


def test_resolution_order(hub, make, weights):
    make()
    publish(REPO)
    assert resolve("pixels-a") == weights / "pixels-a.safetensors" and hub.asked("/resolve/") == 0
    wipe(weights)
    path = resolve("pixels-a")
    assert path.is_relative_to(constants.HF_HUB_CACHE) and locate("pixels-a")[0] == "cache"
    asked = len(hub.requests)
    assert resolve("pixels-a") == path and len(hub.requests) == asked


def test_wrong_bytes_from_the_hub(hub, make, weights):
    make()
    publish(REPO)
    wipe(weights)
    hub.tampered.add("pixels-a.safetensors")
    with pytest.raises(WeightsError, match=r"that me/avdemo-weights served is not the recorded one: .* weights pull pixels-a`\."):
        resolve("pixels-a")
    with pytest.raises(WeightsError, match=r"in the Hub cache is not the recorded one"):
        resolve("pixels-a")
    with pytest.raises(WeightsError, match=r"served is not the recorded one: .*it was not installed"):
        pull("pixels-a")
    assert not (weights / "pixels-a.safetensors").exists()
    hub.tampered.clear()
    pull("pixels-a")
    assert verify("pixels-a")[0] == "ok"


def test_a_damaged_file_is_replaced_by_pull(hub, make, weights):
    make()
    publish(REPO)
    path = weights / "pixels-a.safetensors"
    flip(path)
    with pytest.raises(
        WeightsError, match=r"weights folder is not the recorded one.*get it anew with `python -m avdemo weights pull"
    ):
        resolve("pixels-a")
    pull("pixels-a")
    assert resolve("pixels-a") == path


def test_truncated_in_the_cache(hub, make, weights):
    make()
    publish(REPO)
    wipe(weights)
    path = resolve("pixels-a")
    os.truncate(path.resolve(), 100)
    with pytest.raises(WeightsError, match=r"in the Hub cache is truncated: 100 of [\d,]+ bytes"):
        resolve("pixels-a")
    pull("pixels-a")
    assert verify("pixels-a")[0] == "ok"


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda hub: hub.repositories.clear(), "there is no such repository at http://127"),
        (lambda hub: hub.repositories[REPO].commits.clear(), "has no such commit"),
        (lambda hub: hub.repositories[REPO].commits[hub.repositories[REPO].head].clear(), "file is not in the repository"),
        (lambda hub: setattr(hub, "down", True), "answered 503; try again later"),
    ],
)
def test_what_is_gone_from_the_hub(hub, make, weights, harm, sentence):
    make()
    publish(REPO)
    wipe(weights)
    harm(hub)
    with pytest.raises(WeightsError, match=f"The checkpoint pixels-a could not be downloaded from {REPO}: .*{sentence}"):
        resolve("pixels-a")


def test_private_repositories_need_a_token(hub, make, weights, monkeypatch):
    make()
    publish(REPO, private=True)
    wipe(weights)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(WeightsError, match="private; log in with `hf auth login`"):
        pull("pixels-a")
    monkeypatch.setenv("HF_TOKEN", hub.token)
    pull("pixels-a")


def test_publishing_without_a_token(hub, make, monkeypatch):
    make()
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(WeightsError, match=r"could not be published to me/avdemo-weights: .*log in with `hf auth login`"):
        publish(REPO)
    assert not records()["pixels-a"].published


def test_damaged_files_are_not_published(hub, make, weights):
    make()
    flip(weights / "pixels-a.safetensors")
    with pytest.raises(WeightsError, match=r"Nothing was published: .* is not the recorded one"):
        publish(REPO)
    assert hub.requests == []


def test_a_repository_has_an_owner(make):
    make()
    with pytest.raises(WeightsError, match="must be given as `owner/name`"):
        publish("weights")


def test_connection_refused(make, weights):
    make(repo_id=REPO, revision="c" * 40)
    wipe(weights)
    with pytest.raises(WeightsError, match=r"could not be downloaded from .* cannot be reached; check the network"):
        resolve("pixels-a")
    make()
    with pytest.raises(WeightsError, match=r"could not be published .* cannot be reached"):
        publish(REPO)


def test_an_endpoint_that_is_no_hub(hub, make, weights, monkeypatch):
    make(repo_id=REPO, revision="c" * 40)
    wipe(weights)
    monkeypatch.setenv("HF_ENDPOINT", hub.url + "/somewhere")
    with pytest.raises(WeightsError, match="answered 404"):
        resolve("pixels-a")


def test_a_weights_folder_that_is_full(hub, make, weights, monkeypatch):
    make()
    publish(REPO)
    wipe(weights)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StorageError, match=r"pixels-a\.safetensors could not be written .*No space left.*AVDEMO_WEIGHTS"):
        pull("pixels-a")
    assert list(weights.glob(".*")) == []


def run(*words):
    """The command line in a process of its own: the environment alone says where the Hub is."""
    code = "from avdemo.checkpoints.cli import weights_app; weights_app()"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120)


def test_the_command_line_and_offline_mode(hub, make, weights, monkeypatch):
    make()
    done = run("publish", REPO)
    assert done.returncode == 0 and hub.repositories[REPO].head in done.stdout, done.stderr
    wipe(weights)

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(hub.requests)
    done = run("pull", "pixels-a")
    assert done.returncode == 2 and len(hub.requests) == asked
    assert done.stderr.strip().splitlines() == [
        f"The checkpoint pixels-a could not be downloaded from {REPO}: offline mode is on; unset HF_HUB_OFFLINE to allow it."
    ]
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert run("pull").returncode == 0
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = run("verify")
    assert done.returncode == 0 and "ok" in done.stdout


def test_list_and_verify(make, weights):
    invoke = CliRunner().invoke
    for command in ("list", "verify", "pull"):
        done = invoke(weights_app, [command])
        assert done.exit_code == 0 and done.stderr.startswith("No checkpoint ")
    make()
    make("pixels-b", seed=1, repo_id=REPO, revision="c" * 40)
    (weights / "pixels-b.safetensors").unlink()
    listed = {r["name"]: r for r in json.loads(invoke(weights_app, ["list", "--json"]).stdout)}
    assert listed["pixels-a"]["where"] == "weights" and listed["pixels-b"]["where"] == "hub"
    assert len(listed["pixels-b"]["revision"]) == 40
    assert "pixels-a" in invoke(weights_app, ["list"]).stdout
    assert invoke(weights_app, ["verify"]).exit_code == 0

    flip(weights / "pixels-a.safetensors")
    done = invoke(weights_app, ["verify"])
    assert done.exit_code == 2 and "pixels-a.safetensors in the weights folder is not the recorded one" in done.stderr
    (weights / "pixels-a.safetensors").unlink()
    done = invoke(weights_app, ["verify", "pixels-a"])
    assert done.exit_code == 2 and "The checkpoint pixels-a is missing and not published." in done.stderr
    done = invoke(weights_app, ["verify", "pixels-z"])
    assert done.exit_code == 2 and "no checkpoint named 'pixels-z'" in done.stderr
