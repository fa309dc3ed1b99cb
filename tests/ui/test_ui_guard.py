"""The guard: known errors become their sentence, unknown ones a logged id; everything else on the page stays."""

import errno
import inspect
import logging
import re

import gradio as gr
import pytest

from avdemo.errors import Cancelled, InputError, LimitError
from avdemo.ui import guard

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # outside a page, gr.Warning is a Python warning


@pytest.fixture
def status():
    with gr.Blocks(analytics_enabled=False):
        yield gr.HTML()


def test_success_clears_the_status(status):
    other = gr.Textbox()
    assert guard.guarded(lambda: {other: "x"}, status)() == {other: "x", status: ""}


def test_a_handler_may_speak_and_may_return_nothing(status):
    assert guard.guarded(lambda: {status: "<b>done</b>"}, status)() == {status: "<b>done</b>"}
    assert guard.guarded(lambda: None, status)() == {status: ""}


def test_the_second_event_of_a_chain_keeps_what_the_first_said(status):
    updates = guard.guarded(dict, status, keeps_status=True)()
    assert updates == {status: gr.skip()}


@pytest.mark.parametrize("error", [InputError("clip.mp4 has no sound; give one that has."), LimitError("clip.mp4 is too long.")])
def test_known_error_is_its_sentence_and_changes_nothing_else(status, error, recwarn):
    def handler():
        raise error

    updates = guard.guarded(handler, status)()
    assert list(updates) == [status]
    assert str(error) in updates[status]
    assert 'role="alert"' in updates[status]


def test_stopping_is_no_problem(status):
    def handler():
        raise Cancelled()

    text = guard.guarded(handler, status)()[status]
    assert "Stopped, as you asked" in text
    assert "av-problem" not in text


def test_unknown_error_is_logged_with_the_id_in_the_sentence(status, caplog):
    def handler():
        raise ZeroDivisionError("secret detail /home/someone")

    with caplog.at_level(logging.ERROR, logger="avdemo.ui"):
        text = guard.guarded(handler, status)()[status]
    short_id = re.search(r"report ([0-9a-f]{8})", text).group(1)
    assert short_id in caplog.text
    assert "ZeroDivisionError" in caplog.text  # the traceback is in the log ...
    assert "secret" not in text  # ... and not on the page


def test_full_disk_and_memory_are_explained(caplog):
    assert "no room left" in guard.sentence_for(OSError(errno.ENOSPC, "No space left on device"))
    assert "out of memory" in guard.sentence_for(MemoryError())
    assert not caplog.records


def test_sentences_are_escaped(status):
    def handler():
        raise InputError("<script>alert(1)</script>.mp4 is not a video.")

    assert "<script>" not in guard.guarded(handler, status)()[status]


def test_gradio_still_sees_the_handlers_signature(status):
    def handler(a: int, event: gr.SelectData, request: gr.Request):
        """What gradio reads to pass the event and the request."""

    wrapped = guard.guarded(handler, status)
    assert list(inspect.signature(wrapped).parameters) == ["a", "event", "request"]


def test_api_errors_carry_the_sentence(caplog):
    def known():
        raise InputError("clip.mp4 is empty; upload it again.")

    def unknown():
        raise KeyError("x")

    with pytest.raises(gr.Error) as caught:
        guard.for_api(known)()
    assert caught.value.message == "clip.mp4 is empty; upload it again."
    with pytest.raises(gr.Error, match="report"):
        guard.for_api(unknown)()
    assert guard.for_api(lambda: 3)() == 3


def test_wire_puts_the_status_last_and_keeps_the_lane():
    with gr.Blocks(analytics_enabled=False) as demo:
        status, box, button = gr.HTML(), gr.Textbox(), gr.Button()
        guard.wire(button.click, lambda x: {box: x}, [box], [box], status)
        guard.wire([button.click, box.submit], lambda x: {box: x}, [box], [box], status, lane=guard.LIGHT_LANE)
    first, second = demo.fns.values()
    assert [component._id for component in first.outputs] == [box._id, status._id]
    assert (first.concurrency_id, first.concurrency_limit) == ("model", 1)
    assert (second.concurrency_id, second.concurrency_limit) == ("light", guard.LIGHT_WIDTH)
    assert first.api_visibility == "private"


def test_a_result_may_grow_and_a_refusal_on_the_way_keeps_what_is_there(status):
    other = gr.Textbox()

    def handler(last):
        yield {other: "a"}
        yield {other: "ab"}
        if last is not None:
            raise last

    grow = guard.guarded(handler, status)
    assert inspect.isgeneratorfunction(grow)
    assert list(grow(None)) == [{other: "a", status: ""}, {other: "ab", status: ""}]
    *shown, refusal = grow(InputError("That is enough."))
    assert len(shown) == 2 and list(refusal) == [status] and "That is enough." in refusal[status]
    assert "Stopped, as you asked" in list(grow(Cancelled()))[-1][status]
