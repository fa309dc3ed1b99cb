"""The list of capabilities: order, what is shown, and that one broken tab leaves the others alone."""

import importlib.util
import sys
import types

import gradio as gr
import pytest

from avdemo.pixels import pipeline
from avdemo.ui import capabilities
from avdemo.ui.app import build_demo, warm_up
from avdemo.ui.capabilities import CAPABILITIES, Capability


def verbs(demo):
    return [block.label for block in demo.blocks.values() if isinstance(block, gr.Tab)]


def text_of(demo):
    return " ".join(str(block.value) for block in demo.blocks.values() if isinstance(block, gr.HTML))


@pytest.fixture
def tab(monkeypatch):
    """Make ``avdemo.NAME.tab`` modules that exist only here."""

    def make(name, **content):
        for dotted in (f"avdemo.{name}", f"avdemo.{name}.tab"):
            module = types.ModuleType(dotted)
            module.__spec__ = importlib.util.spec_from_loader(dotted, loader=None)
            monkeypatch.setitem(sys.modules, dotted, module)
        module.__dict__.update(content)
        return Capability(name, name.title())

    return make


def test_the_tabs_are_verbs_in_the_order_of_the_design():
    assert [c.verb for c in CAPABILITIES] == ["Isolate", "Add sound", "Make lips speak", "Imagine", "Match"]
    assert len({c.name for c in CAPABILITIES}) == len(CAPABILITIES)


def test_only_what_is_installed_is_shown():
    shown = capabilities.available([*CAPABILITIES, Capability("no_such_folder", "Fly")])
    assert "pixels" in [c.name for c in shown]
    assert "no_such_folder" not in [c.name for c in shown]
    for capability in shown:
        assert importlib.util.find_spec(capability.module) is not None


def test_looking_for_tabs_imports_nothing_heavy(python):
    code = "import sys; from avdemo.ui import capabilities; capabilities.available(); print(*sys.modules)"
    assert not {"torch", "gradio", "av"} & set(python(code).split())


def test_a_sixth_capability_is_one_folder_and_one_line(tab):
    demo = build_demo([tab("sixth", build=lambda: gr.HTML("the sixth is here"))])
    assert verbs(demo) == ["Sixth"]
    assert "the sixth is here" in text_of(demo)


def test_a_broken_tab_says_so_and_the_others_go_on(tab, caplog):
    def breaks():
        raise RuntimeError("boom")

    demo = build_demo([tab("first", build=breaks), tab("second", build=lambda: gr.HTML("second works"))])
    assert verbs(demo) == ["First", "Second"]
    assert "second works" in text_of(demo)
    assert "report" in text_of(demo)
    assert "boom" in caplog.text
    assert "boom" not in text_of(demo)


def test_warming_up_survives_a_failure(tab, caplog):
    warmed = []

    def breaks():
        raise RuntimeError("no weights")

    warm_up([tab("first", warm_up=breaks), tab("second", warm_up=lambda: warmed.append(2)), tab("third")])
    assert warmed == [2]
    assert "first" in caplog.text


def test_the_page_builds_without_torch(python):
    code = "import sys; from avdemo.ui.app import build_demo; build_demo(); print(*sys.modules)"
    assert not {"torch", "librosa", "matplotlib.pyplot", "av"} & set(python(code).split())


def test_a_tab_waits_for_the_checkpoint_it_needs(tmp_path, use_weights) -> None:
    waiting = capabilities.Capability("pixels", "Isolate", needs="pixels-huge")
    use_weights(tmp_path, pipeline)
    assert capabilities.available([waiting]) == []
    (tmp_path / "index.json").write_text("not an index")
    assert capabilities.available([waiting]) == [waiting]  # the tab can say what is wrong


def test_lists_that_change_are_read_only_by_their_own_event():
    # in any other event their answer may be a moment older than the list, which Gradio refuses with words of its own
    page = build_demo()
    lists = {block._id: block.elem_id for block in page.blocks.values() if isinstance(block, gr.Radio) and not block.choices}
    assert "pixels-shown" in lists.values()
    read = [(lists[part._id], fn.targets) for fn in page.fns.values() for part in fn.inputs if part._id in lists]
    assert read
    assert [name for name, targets in read if not all(lists.get(block) == name and event == "input" for block, event in targets)] == []
