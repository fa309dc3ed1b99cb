"""A small Hugging Face Hub on 127.0.0.1: what huggingface_hub 2.4 asks of it to publish and read model repositories.

Answers: create a repository, validate a card, pre-upload, LFS batch + upload, commit, repository information, resolve by
HEAD and GET (with the redirect, the ETag and the ``X-*`` headers of the real one, and ranges). It has no Xet storage: the
token for it is answered with 404. Everything is kept in memory.

    with LoopbackHub() as hub:
        HF_ENDPOINT=hub.url HF_TOKEN=hub.token ...
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml


@dataclass
class Repository:
    """A branch ``main`` without history but for the snapshots."""

    commits: dict[str, dict[str, str]] = field(default_factory=dict)  # commit sha -> {path: blob id}
    head: str | None = None
    private: bool = False

    def files(self, revision: str) -> dict[str, str] | None:
        if revision == "main":
            return self.commits[self.head] if self.head else {}
        return self.commits.get(revision)


class LoopbackHub:
    """The server and what tests want to know of it or do to it.

    Attributes:
        url: for ``HF_ENDPOINT``.
        token: the one that may write.
        requests: ``(method, path)`` of everything that was asked.
        tampered: paths whose bytes are changed on their way out, keeping their number.
        down: answer 503 to everything.
    """

    token = "hf_loopback"

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}  # blob id -> bytes; the sha256 for LFS files, the git blob sha1 for the others
        self.requests: list[tuple[str, str]] = []
        self.tampered: set[str] = set()
        self.down = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.files_url = f"http://localhost:{self._server.server_port}"  # large files come from another host
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> LoopbackHub:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def asked(self, part: str, method: str | None = None) -> int:
        """How many requests had ``part`` in their path."""
        return sum(part in path and method in (None, verb) for verb, path in self.requests)


def git_blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _error(status: int, code: str | None = None, message: str = "") -> tuple[int, dict, bytes]:
    headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
    return status, headers, json.dumps({"error": message}).encode()


def _json(value: object, status: int = 200) -> tuple[int, dict, bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


class _Handler(BaseHTTPRequestHandler):
    """Routes are ``(method, pattern, function name)``; each function returns ``(status, headers, body)``."""

    protocol_version = "HTTP/1.1"
    hub: LoopbackHub
    routes = (
        ("POST", r"/api/repos/create", "create"),
        ("POST", r"/api/validate-yaml", "validate"),
        ("GET", r"/api/models/([^/]+/[^/]+)/xet-(?:read|write)-token/.+", "no_xet"),
        ("POST", r"/api/models/([^/]+/[^/]+)/preupload/(.+)", "preupload"),
        ("POST", r"/api/models/([^/]+/[^/]+)/commit/(.+)", "commit"),
        ("GET", r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", "tree"),
        ("GET", r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", "info"),
        ("POST", r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", "lfs_batch"),
        ("PUT", r"/lfs-upload/([0-9a-f]{64})", "lfs_put"),
        ("GET", r"/lfs-files/([0-9a-f]{64})/(.+)", "lfs_get"),
        ("HEAD", r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "resolve"),
        ("GET", r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "resolve"),
    )

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        self.body = self._read_body()
        answer = _error(404, None, "no such page")
        for method, pattern, name in self.routes:
            match = re.fullmatch(pattern, path)
            if method == self.command and match:
                answer = getattr(self, name)(*match.groups())
                break
        status, headers, body = _error(503, None, "down") if self.hub.down else answer
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, *_) -> None:
        """Tests read ``hub.requests`` instead."""

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _may_write(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    # writing

    def create(self):
        asked = json.loads(self.body)
        if not self._may_write():
            return _error(401, None, "Invalid username or password.")
        name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
        status = 409 if name in self.hub.repositories else 200
        self.hub.repositories.setdefault(name, Repository(private=asked.get("visibility") == "private"))
        return _json({"url": f"{self.hub.url}/{name}", "name": name}, status)

    def validate(self):
        front = re.match(r"---\n(.*?)\n---\n", json.loads(self.body)["content"], re.DOTALL)
        metadata = yaml.safe_load(front[1]) if front else None
        if not isinstance(metadata, dict) or "license" not in metadata:
            return _json({"errors": [{"message": "the card has no metadata with a license"}], "warnings": []}, 400)
        return _json({"errors": [], "warnings": []})

    def no_xet(self, _repo):
        return _error(404, None, "this Hub has no Xet storage")

    def preupload(self, repo, revision):
        repository = self.hub.repositories.get(repo)
        if repository is None or not self._may_write():
            return _error(404, "RepoNotFound", "Repository not found")
        there = repository.files(revision) or {}
        files = [
            {
                "path": f["path"],
                "uploadMode": "lfs" if f["path"].endswith(".safetensors") else "regular",
                "shouldIgnore": False,
                "oid": there.get(f["path"]),
            }
            for f in json.loads(self.body)["files"]
        ]
        return _json({"files": files})

    def lfs_batch(self, _repo):
        if not self._may_write():
            return _error(401, None, "log in")
        objects = []
        for item in json.loads(self.body)["objects"]:
            upload = {"upload": {"href": f"{self.hub.url}/lfs-upload/{item['oid']}"}}
            objects.append(item if item["oid"] in self.hub.blobs else {**item, "actions": upload})
        return _json({"transfer": "basic", "objects": objects})

    def lfs_put(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            return _error(400, None, "the bytes do not have the announced sha256")
        self.hub.blobs[oid] = self.body
        return 200, {}, b""

    def commit(self, repo, _revision):
        repository = self.hub.repositories.get(repo)
        if repository is None or not self._may_write():
            return _error(404, "RepoNotFound", "Repository not found")
        files = dict(repository.files("main") or {})
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                content = base64.b64decode(value["content"])
                files[value["path"]] = git_blob_id(content)
                self.hub.blobs[git_blob_id(content)] = content
            elif item["key"] == "lfsFile":
                if value["oid"] not in self.hub.blobs:
                    return _error(400, None, f"{value['path']} was never uploaded")
                files[value["path"]] = value["oid"]
        sha = hashlib.sha1(json.dumps([repository.head, files]).encode()).hexdigest()
        repository.commits[sha] = files
        repository.head = sha
        return _json({"commitUrl": f"{self.hub.url}/{repo}/commit/{sha}", "commitOid": sha})

    # reading

    def info(self, repo, revision=None):
        repository = self.hub.repositories.get(repo)
        if repository is None:
            return _error(404, "RepoNotFound", "Repository not found")
        files = repository.files(revision or "main")
        if files is None:
            return _error(404, "RevisionNotFound", "Invalid rev id")
        sha = repository.head if revision in (None, "main") else revision
        siblings = [{"rfilename": path} for path in files]
        return _json({"id": repo, "sha": sha, "private": repository.private, "tags": [], "siblings": siblings})

    def tree(self, repo, revision):
        repository = self.hub.repositories.get(repo)
        files = repository.files(revision) if repository else None
        if files is None:
            return _error(404, "RevisionNotFound", "Invalid rev id")
        entries = []
        for path, blob in files.items():
            size = len(self.hub.blobs[blob])
            lfs = {"lfs": {"oid": blob, "size": size, "pointerSize": 130}} if len(blob) == 64 else {}
            entries.append({"type": "file", "path": path, "oid": blob[:40], "size": size, **lfs})
        return _json(entries)

    def resolve(self, repo, revision, path):
        repository = self.hub.repositories.get(repo)
        if repository is None or (repository.private and not self._may_write()):
            return _error(404, "RepoNotFound", "Repository not found")
        files = repository.files(revision)
        if files is None:
            return _error(404, "RevisionNotFound", "Invalid rev id")
        commit = repository.head if revision == "main" else revision
        if path not in files:
            status, headers, body = _error(404, "EntryNotFound", "Entry not found")
            return status, {**headers, "X-Repo-Commit": commit}, body
        blob = files[path]
        size = str(len(self.hub.blobs[blob]))
        if len(blob) == 64:  # LFS: the file itself lies elsewhere
            headers = {"X-Repo-Commit": commit, "X-Linked-Etag": f'"{blob}"', "X-Linked-Size": size}
            return 302, {**headers, "Location": f"{self.hub.files_url}/lfs-files/{blob}/{path}"}, b""
        return 200, {"X-Repo-Commit": commit, "ETag": f'"{blob}"', "Content-Length": size}, self.hub.blobs[blob]

    def lfs_get(self, oid, path):
        content = self.hub.blobs[oid]
        if path in self.hub.tampered:
            content = content[:-1] + bytes([content[-1] ^ 1])
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked:
            start = int(asked[1])
            return 206, {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}, content[start:]
        return 200, {"ETag": f'"{oid}"'}, content
