"""A tiny capability named "stamp" that exists only here: the command line and run.json are tested on it in milliseconds."""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

import avdemo
from avdemo import cli
from avdemo.__main__ import main
from avdemo.settings import get_settings
from avdemo.ui import capabilities

CAPABILITY = "stamp"  # writes a few numbers behind the bytes of a file

PARTS = {
    "pipeline": """
        from pathlib import Path
        from avdemo.errors import InputError
        from avdemo.runs import write_run

        CHECKPOINT = {}

        def helper(text):
            return text

        def isolate(video, at=(0.0, 0.0), time_s=0.0, out_dir="out", seed=0, *, progress=None):
            if not Path(video).is_file():
                raise InputError(f"There is no file {Path(video).name}; check the name.")
            if at[0] == 13:
                raise ZeroDivisionError("thirteen")
            if progress:
                progress(0.5, "stamping")
            out = Path(out_dir)
            out.mkdir(parents=True, exist_ok=True)
            (out / "stamped.bin").write_bytes(Path(video).read_bytes() + repr((tuple(at), time_s, seed)).encode())
            (out / "plain.bin").write_bytes(b"always the same")
            return write_run(
                out, capability="stamp", command="isolate", inputs={"video": video}, parameters={"at": at, "time_s": time_s},
                checkpoint=CHECKPOINT, timings={"stamp_s": 0.001}, outputs=["stamped.bin", out / "plain.bin"], seed=seed,
                device="cpu", results={"sentence": "Stamped."},
            )
    """,
    "evaluation": """
        class Table:
            def __init__(self, data, quick): self.data, self.quick = data, quick
            def table(self): return f"score of {self.data.name}: 1"
            def as_dict(self): return {"score": 1, "quick": self.quick}

        def evaluate(data, *, quick=False, progress=None):
            progress(1.0, "measured")
            return Table(data, quick)
    """,
    "bench": """
        class Bench:
            def table(self): return "fast"
            def as_dict(self): return {"seconds": 0.5}

        def bench(progress=None):
            return Bench()
    """,
    "recipe": """
        def train(data, out, *, config, resume, minutes, steps, seed, progress):
            if config == "paper":
                import accelerate_that_nobody_has
            out.write_text(repr((data.name, config, resume, minutes, steps, seed)))
    """,
}


@pytest.fixture
def stamp(tmp_path, monkeypatch):
    """Registers the capability, as a real package that is found like the others; its pipeline also answers to `isolate`."""
    room = tmp_path / "rooms" / CAPABILITY
    room.mkdir(parents=True)
    (room / "__init__.py").touch()
    for part, source in PARTS.items():
        (room / f"{part}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    monkeypatch.setattr(avdemo, "__path__", [*avdemo.__path__, str(room.parent)])
    monkeypatch.setattr(cli, "NAMES", [*cli.NAMES, CAPABILITY])
    monkeypatch.setattr(capabilities, "CAPABILITIES", (*capabilities.CAPABILITIES, capabilities.Capability(CAPABILITY, "Stamp")))
    part_of = cli.part_of
    monkeypatch.setattr(cli, "part_of", lambda name, part: part_of(CAPABILITY if part == "pipeline" else name, part))
    for variable, folder in (("AVDEMO_WORK", "work"), ("AVDEMO_WEIGHTS", "weights")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.delenv("AVDEMO_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield part_of(CAPABILITY, "pipeline")
    get_settings.cache_clear()
    for name in [name for name in sys.modules if name.startswith(f"avdemo.{CAPABILITY}")]:
        del sys.modules[name]


@pytest.fixture
def video(tmp_path) -> Path:
    path = tmp_path / "Été à deux.mp4"
    path.write_bytes(b"not really a video")
    return path


@pytest.fixture
def refused(capsys):
    """Runs a command that must refuse, with one sentence and not a word more, and gives the sentence."""

    def run(*arguments: str, code: int = 2) -> str:
        assert main(arguments) == code
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1 and printed.err.rstrip()[-1] == ".", printed.err
        assert "Traceback" not in printed.err
        return printed.err

    return run


@pytest.fixture
def use_weights(tmp_path, monkeypatch):
    """Settings that point to a folder of weights, for a pipeline that may have loaded others: ``use_weights(folder, pipeline)``."""
    pipelines = []

    def use(folder: Path, pipeline) -> Path:
        monkeypatch.setenv("AVDEMO_WEIGHTS", str(folder))
        monkeypatch.setenv("AVDEMO_WORK", str(tmp_path / "work"))
        monkeypatch.setenv("AVDEMO_DEVICE", "cpu")
        pipelines.append(pipeline)
        get_settings.cache_clear()
        pipeline.load_model.cache_clear()
        return folder

    yield use
    monkeypatch.undo()
    get_settings.cache_clear()
    for pipeline in pipelines:
        pipeline.load_model.cache_clear()


@pytest.fixture(scope="session")
def make_media() -> ModuleType:
    """What makes clips, sounds and pictures on the spot: a helper of another folder of tests, which is not on the import path."""
    file = Path(__file__).resolve().parent / "media" / "make_media.py"
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def emoji_frame():
    """A drawn instrument large on a plain ground: ``emoji_frame(name)`` gives (224, 224, 3) uint8."""

    def draw(name: str):
        import numpy as np
        from PIL import Image

        from avdemo.corpora.drawn import emoji_cutout
        from avdemo.errors import InputError

        try:
            cutout = Image.fromarray(emoji_cutout(name), "RGBA").resize((176, 176))
        except InputError as error:
            pytest.skip(str(error))
        frame = Image.new("RGB", (224, 224), (214, 222, 230))
        frame.paste(cutout, (24, 24), cutout)
        return np.asarray(frame)

    return draw
