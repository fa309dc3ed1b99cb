"""The house rules that a reader could break without a test noticing: which way imports point, and what lies where.

Every import statement counts, also those inside functions; only ``if TYPE_CHECKING`` is passed over.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "avdemo"
CAPABILITIES = ("pixels", "correspondence", "crossmodal", "foley", "lips")
MAX_LINES = 320

TOP_LEVEL = {"app.py", "avdemo", "weights", "tests", "requirements.txt", "README.md", "LICENSE", "pyproject.toml", ".ci"}
TOP_LEVEL |= {".gitignore", ".gitattributes"}

GROUND = {"errors", "settings"}
# What each room may import of the package, apart from itself. Capabilities are further down.
MAY_IMPORT = {
    "errors": set(),
    "settings": {"errors"},
    "runs": GROUND,
    "replay": GROUND | {"runs", "checkpoints", "ui"},  # of ui only the list of capabilities, which knows no gradio
    "configuration": set(),  # what the configurations of networks have in common
    "hooks": {"errors"},  # how every job tells how far it is
    "sessions": GROUND | {"media", "hooks"},  # what every tab remembers
    "benches": GROUND | {"media"},  # what every bench command needs
    "media": GROUND,
    "dsp": GROUND,
    "backbones": {"errors"},  # picture networks that several capabilities start from
    "viz": GROUND,
    "checkpoints": GROUND,
    "metrics": GROUND | {"dsp"},
    "corpora": GROUND | {"media", "dsp"},
    "training": GROUND | {"checkpoints"},
    "ui": GROUND | {"media", "viz", "checkpoints", "runs"},
    "shell": GROUND,
    "cli": GROUND | {"checkpoints", "replay", "runs", "shell", "ui"},
    "__main__": GROUND | {"cli"},
}
LIBRARY = GROUND | {"backbones", "media", "dsp", "viz", "checkpoints", "runs", "hooks", "sessions"}
TEACHING = {"corpora", "training", "metrics", "benches"}  # needed to train and to measure, never to run the app
LOWEST = ("config", "network", "objective")
# A network that is too long for one file: its modules obey what network.py obeys.
NETWORK_PARTS = (
    "hearing", "seeing", "naming", "generators", "critics", "tiers", "levelling", "tokens", "token_tier", "predictor", "arithmetic", "condition",
    "strokes", "voices", "decay",
)  # fmt: skip
LOWEST += NETWORK_PARTS
# The parts of a capability; a part that is not listed may do what a recipe may, unless a pipeline or a tab reaches it.
PART_MAY_IMPORT = {
    "network": {"errors", "dsp", "backbones"},
    "objective": {"errors", "dsp"},
    "config": {"errors", "configuration"},
    "pipeline": LIBRARY,
    "recipe": LIBRARY | TEACHING,
    "evaluation": LIBRARY | TEACHING,
    "bench": LIBRARY | TEACHING,
    "tab": LIBRARY | {"ui"},
}
DECODERS = {"av", "moviepy", "librosa", "soundfile", "imageio", "imageio_ffmpeg", "PIL"}
TOUCHES_FILES = DECODERS | {"os", "io", "pathlib", "shutil", "tempfile", "safetensors", "huggingface_hub"}


def _files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _walk(node: ast.AST):
    for child in ast.iter_child_nodes(node):
        if not _is_type_checking(child):
            yield child
            yield from _walk(child)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(path: Path) -> frozenset[str]:
    """Absolute dotted names of all modules that a file imports; ``from a import b`` gives ``a.b`` (b may be a module)."""
    here = ["avdemo", *path.relative_to(PACKAGE).with_suffix("").parts]
    found = set()
    for node in _walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _top(path: Path) -> set[str]:
    """Top-level packages imported, ours and others'."""
    return {name.partition(".")[0] for name in _imports(path)}


def _ours(path: Path) -> set[tuple[str, ...]]:
    """What is imported of this package, as (room, part, ...)."""
    return {tuple(name.split(".")[1:]) for name in _imports(path) if name.startswith("avdemo.")}


def _calls(path: Path) -> set[str]:
    """Dotted names of everything called."""
    return {ast.unparse(node.func) for node in _walk(_tree(path)) if isinstance(node, ast.Call)}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _in(*rooms: str) -> list[Path]:
    return [path for path in _files() if _room(path) in rooms]


def test_imports_are_read_right(tmp_path, monkeypatch) -> None:
    """The reader itself, on a file whose imports are known."""
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    room = tmp_path / "pixels"
    room.mkdir()
    file = room / "tab.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nimport a.b\nfrom . import network\nfrom ..dsp.stft import stft\n"
        "def f():\n    from avdemo import viz\nif TYPE_CHECKING:\n    import torch\n",
        encoding="utf-8",
    )
    assert _imports(file) == {"typing.TYPE_CHECKING", "a.b", "avdemo.pixels.network", "avdemo.dsp.stft.stft", "avdemo.viz"}
    assert _top(file) == {"typing", "a", "avdemo"}


def test_only_ui_and_tabs_know_gradio() -> None:
    knowing = [path for path in _files() if _top(path) & {"gradio", "spaces", "gradio_client"}]
    assert not [_name(path) for path in knowing if _room(path) != "ui" and path.name != "tab.py"]


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_rooms_import_only_what_lies_below_them(room: str) -> None:
    wrong = [
        f"{_name(path)} imports avdemo.{'.'.join(target)}"
        for path in _in(room)
        for target in _ours(path)
        if target[0] not in MAY_IMPORT[room] | {room, "__version__"}
        and not (path.name == "cli.py" and target[0] in CAPABILITIES)  # a command may name the capability it is about
    ]
    assert not wrong


def test_every_room_has_a_rule() -> None:
    rooms = {_room(path) for path in _files()} - {"__init__"}
    assert rooms <= set(MAY_IMPORT) | set(CAPABILITIES)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_capabilities_import_downwards_and_each_other_only_through_pipelines(capability: str) -> None:
    wrong = []
    for path in _in(capability):
        part = path.relative_to(PACKAGE).parts[1].removesuffix(".py")
        allowed = PART_MAY_IMPORT.get("network" if part in NETWORK_PARTS else part, LIBRARY | TEACHING)
        for target in _ours(path):
            if target[0] in CAPABILITIES:
                if target[0] != capability and target[1:2] != ("pipeline",):
                    wrong.append(f"{_name(path)} imports avdemo.{'.'.join(target)}: capabilities meet in pipelines")
                elif part != "tab" and target[1:2] == ("tab",):
                    wrong.append(f"{_name(path)} imports a tab")
                elif part in LOWEST and target[1] not in LOWEST:
                    wrong.append(f"{_name(path)} imports avdemo.{'.'.join(target)}, which lies above it")
            elif target[0] not in allowed | {"__version__"}:
                wrong.append(f"{_name(path)} imports avdemo.{'.'.join(target)}")
    assert not wrong


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_running_a_capability_reaches_nothing_that_only_teaches(capability: str) -> None:
    """From the pipeline and the tab, through all that they import of this package."""
    waiting = [path for path in _in(capability) if path.name in ("pipeline.py", "tab.py")]
    reached: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        for target in _ours(path):
            assert target[0] not in TEACHING, f"{_name(path)} imports avdemo.{'.'.join(target)} and is reached by the app"
            for depth in range(1, len(target) + 1):
                module = PACKAGE.joinpath(*target[:depth])
                waiting += [file for file in (module.with_suffix(".py"), module / "__init__.py") if file.is_file()]


def test_only_the_list_of_capabilities_is_taken_from_ui_by_the_command_line() -> None:
    for path in _in("cli", "replay", "__main__"):
        assert all(target[1] == "capabilities" for target in _ours(path) if target[0] == "ui"), _name(path)


def test_signals_and_networks_touch_no_file() -> None:
    for path in [
        *_in("dsp", "backbones"),
        *[p for p in _in(*CAPABILITIES) if p.stem in ("network", "objective", *NETWORK_PARTS)],
    ]:
        assert not _top(path) & TOUCHES_FILES, f"{_name(path)} imports {_top(path) & TOUCHES_FILES}"
        assert not _calls(path) & {"open", "torch.load", "torch.save", "np.load", "np.save"}, _name(path)
        assert not any(name.startswith(("avdemo.media", "avdemo.checkpoints", "torchvision.io")) for name in _imports(path))


def test_media_and_pictures_do_without_torch() -> None:
    wrong = [_name(path) for path in _in("media", "viz") if _top(path) & {"torch", "torchvision", "torchaudio"}]
    assert not wrong


def test_training_needs_no_media_library() -> None:
    """So that it runs on a bare GPU machine."""
    for path in [*_in("training"), *[p for p in _in(*CAPABILITIES) if p.name in ("recipe.py", "objective.py", "network.py")]]:
        assert not _top(path) & (DECODERS - {"PIL"}), _name(path)
        assert not any(name.startswith("avdemo.media") for name in _imports(path)), _name(path)


def test_files_are_not_read_or_written_through_torchaudio_or_torchvision() -> None:
    for path in _files():
        assert not any(name.startswith("torchvision.io") for name in _imports(path)), _name(path)
        assert not _calls(path) & {"torchaudio.load", "torchaudio.save", "os.system"}, _name(path)
        assert "shell=True" not in path.read_text(encoding="utf-8"), _name(path)


def test_files_are_short_and_none_is_called_utils() -> None:
    files = [*_files(), *sorted((ROOT / "tests").rglob("*.py")), *ROOT.glob("*.py")]
    long = {p.relative_to(ROOT).as_posix(): n for p in files if (n := len(p.read_text("utf-8").splitlines())) > MAX_LINES}
    assert not long
    assert not [p for p in files if p.stem in ("utils", "util", "helpers", "misc")]


def test_the_top_level_holds_nothing_without_a_reason() -> None:
    if (ROOT / ".git").exists():
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found = {name.partition("/")[0] for name in listing.split("\0") if name}
    else:  # an unpacked archive, with the caches that running it leaves
        caches = ("__pycache__", "avdemo.egg-info", "out", "runs")
        found = {p.name for p in ROOT.iterdir() if not p.name.startswith(".") and p.name not in caches}
    assert found <= TOP_LEVEL


def test_the_entry_is_short() -> None:
    if not (ROOT / "app.py").is_file():
        pytest.skip("app.py has not been written yet")
    assert len((ROOT / "app.py").read_text("utf-8").splitlines()) < 60


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    heavy = ["torch", "gradio", "av", "librosa", "matplotlib", "huggingface_hub", "scipy", "numba", "moviepy", "accelerate"]
    code = f"import sys, avdemo.__main__; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert loaded == "[]"


@cache
def _pins(file: Path) -> dict[str, str]:
    """package -> version of the lines ``package==version``; other requirements fail here."""
    pins = {}
    for line in file.read_text("utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if not line or line.startswith("-"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^;\s]+)\s*(?:;.*)?", line)
        assert match, f"{file.name}: {line!r} is not an exact pin"
        name = re.sub(r"[-_.]+", "-", match[1]).lower()
        assert name not in pins, f"{file.name} pins {name} twice"
        pins[name] = match[2]
    return pins


REQUIREMENTS = [ROOT / "requirements.txt", ROOT / "tests/requirements.txt", PACKAGE / "training/requirements.txt"]


def test_every_requirement_is_pinned_once() -> None:
    files = [file for file in REQUIREMENTS if file.is_file()]
    if not files:
        pytest.skip("no requirements file has been written yet")
    seen: dict[str, str] = {}
    for file in files:
        for name, version in _pins(file).items():
            assert name not in seen, f"{name} is pinned in two files"
            seen[name] = version
    torches = [seen[name] for name in ("torch", "torchaudio") if name in seen]
    assert len({version.partition("+")[0] for version in torches}) <= 1, "torch and torchaudio must match"


def test_the_page_and_the_pins_name_the_same_gradio() -> None:
    readme = ROOT / "README.md"
    if not readme.is_file() or not REQUIREMENTS[0].is_file():
        pytest.skip("README.md or requirements.txt has not been written yet")
    text = readme.read_text("utf-8")
    assert text.startswith("---\n"), "README begins with the Space's front matter"
    front = dict(re.findall(r"^(\w+):\s*(.+?)\s*$", text.split("---", 2)[1], flags=re.MULTILINE))
    plain = {key: value.strip("\"'") for key, value in front.items()}
    assert plain["sdk"] == "gradio" and plain["app_file"] == "app.py"
    assert plain["sdk_version"] == _pins(REQUIREMENTS[0])["gradio"]
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    assert plain["python_version"] in ("3.11", "3.12") and requires == ">=3.11,<3.13"
