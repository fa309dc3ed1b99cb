"""Put the weights folder on the Hub in one commit, then pin that commit in the records."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from avdemo.checkpoints import hub
from avdemo.checkpoints.cards import card_of, readme
from avdemo.checkpoints.index import INDEX, CheckpointRecord, record, records, write_records
from avdemo.checkpoints.integrity import fault
from avdemo.checkpoints.store import shipped_path
from avdemo.errors import WeightsError
from avdemo.settings import get_settings


def publish(repo_id: str, *, names: Sequence[str] | None = None, private: bool = False) -> tuple[str, list[CheckpointRecord]]:
    """Upload checkpoints, their cards and a README to a Hub repository, made when it does not exist.

    Everything goes up in one commit; only after the Hub has confirmed it do the records get its sha. Publishing the same
    files again makes no new commit and pins the one that is there.

    Args:
        repo_id: ``owner/name``.
        names: which checkpoints; by default all that were trained here. Imported ones are other people's work, so they
            go up only when named.
        private: for a repository that is made now.

    Returns:
        The full sha of the commit, and the records as they now stand.

    Raises:
        WeightsError: nothing to publish, a file missing or damaged, no right to write, no network.
    """
    if not re.fullmatch(r"[\w.\-]+/[\w.\-]+", repo_id):
        raise WeightsError(f"The repository {repo_id!r} must be given as `owner/name`, in letters, digits, '-', '_' and '.'.")
    entries = [record(name) for name in names] if names else [r for r in records().values() if r.origin == "trained"]
    if not entries:
        raise WeightsError("There is nothing to publish: no checkpoint of this project's own training is in the weights folder.")
    for entry in entries:
        trouble = fault(shipped_path(entry), entry.sha256, entry.bytes, fresh=True)
        if trouble:
            raise WeightsError(f"Nothing was published: the checkpoint file {entry.file} in the weights folder {trouble}.")
    sha = _upload(repo_id, entries, private=private)
    pinned = [replace(entry, repo_id=repo_id, revision=sha) for entry in entries]
    write_records(pinned)
    return sha, pinned


def _upload(repo_id: str, entries: list[CheckpointRecord], *, private: bool) -> str:
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=hub.endpoint())
    with hub.spoken(f"The weights could not be published to {repo_id}"):
        api.create_repo(repo_id, exist_ok=True, private=private or None)  # None: the owner's default
        by_path = _takes_xet(repo_id)
        operations = [CommitOperationAdd(path, content) for path, content in _texts(repo_id, entries).items()]
        for entry in entries:
            path = shipped_path(entry)
            # huggingface_hub sends a path by the Xet protocol whenever hf_xet is installed, whatever the server says. An open
            # buffer it sends by plain LFS, which every Hub understands; 20 MB do not need more.
            operations.append(CommitOperationAdd(entry.file, str(path) if by_path else io.BytesIO(path.read_bytes())))
        listed = ", ".join(entry.name for entry in entries)
        sha = api.create_commit(repo_id, operations, commit_message=f"Publish {listed}").oid
    if not re.fullmatch(r"[0-9a-f]{40}", sha or ""):
        raise WeightsError(
            f"The weights went to {repo_id}, but it answered no full commit sha ({sha!r}); the records stay as they were."
        )
    return sha


def _texts(repo_id: str, entries: list[CheckpointRecord]) -> dict[str, bytes]:
    """The small files of the repository, by path."""
    folder: Path = get_settings().weights_dir
    # A file cannot hold the sha of its own commit. Without one, the folder downloaded as it is serves as a weights folder.
    index = {e.name: {k: v for k, v in asdict(e).items() if k not in ("name", "repo_id", "revision")} for e in entries}
    texts = {"README.md": readme(entries, repo_id), INDEX: json.dumps(index, indent=2, ensure_ascii=False) + "\n"}
    texts.update({f"{entry.name}.md": card_of(entry, folder) for entry in entries})
    return {path: text.encode("utf-8") for path, text in texts.items()}


def _takes_xet(repo_id: str) -> bool:
    """Whether this Hub hands out tokens for Xet storage (huggingface.co does; mirrors and self-made Hubs may not)."""
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers, get_session

    url = f"{hub.endpoint() or constants.ENDPOINT}/api/models/{repo_id}/xet-write-token/main"
    return get_session().get(url, headers=build_hf_headers()).status_code == 200
