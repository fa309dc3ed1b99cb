"""A job as a person meets it: what a chain connects, and what happens to the Stop button around it."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from avdemo.errors import InputError
from avdemo.ui.chain import Chain
from avdemo.ui.progress import Jobs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # outside a page, gr.Warning is a Python warning

SOMEBODY = SimpleNamespace(session_hash="somebody")


def make_chain(job, **options):
    """A page with one chain; its handlers by their place: stop, begin, run, then ..., end."""
    with gr.Blocks() as page:
        name, result, status = gr.Textbox(), gr.Textbox(), gr.HTML()
        start, stop = gr.Button(), gr.Button(visible=False)
        chain = Chain(Jobs(), status, stop)
        if "fill" in options:
            options |= {"fill_from": [result], "fills": [name]}
        chain.start(start.click, lambda *values, **hooks: job(result, *values, **hooks), [name], [result], busy=result, **options)
    return SimpleNamespace(chain=chain, name=name, result=result, handlers=[fn.fn for fn in page.fns.values()])


@pytest.fixture
def silent():
    """Progress that tells nobody: there is no browser."""
    return lambda share, desc="": None


def test_the_form_is_filled_the_job_runs_and_stop_is_in_reach_until_its_end(silent):
    def job(result, given, progress, cancelled):
        progress(0.5, "half")
        assert not cancelled()
        return {result: given.upper()}

    on = make_chain(job, fill=lambda value: {}, then=dict)
    stop, begin, run, then, end = on.handlers
    assert begin(SOMEBODY, "x")[on.chain.stop]["visible"]
    assert on.chain.jobs.busy("somebody") and on.chain.stop not in end(SOMEBODY)
    assert run(SOMEBODY, silent, "abc")[on.result] == "ABC"
    assert on.chain.status in then() and on.result not in then()
    assert not on.chain.jobs.busy("somebody") and end(SOMEBODY)[on.chain.stop]["visible"] is False
    assert "Stopped" in stop(SOMEBODY)[on.chain.status]


def test_a_job_that_was_stopped_while_it_waited_does_not_begin(silent):
    on = make_chain(lambda result, given, **hooks: pytest.fail("it began"))
    stop, begin, run, _end = on.handlers
    begin(SOMEBODY)
    stop(SOMEBODY)
    assert "Stopped" in run(SOMEBODY, silent, "abc")[on.chain.status]


def test_a_refusal_is_its_sentence_and_changes_nothing_else(silent):
    def refuse(result, given, **hooks):
        raise InputError("This cannot be used.")

    on = make_chain(refuse)
    answered = on.handlers[2](SOMEBODY, silent, "abc")
    assert list(answered) == [on.chain.status] and "This cannot be used." in answered[on.chain.status]


def test_a_job_may_show_what_grows_and_keep_it_when_it_is_stopped(silent):
    def job(result, given, progress, cancelled):
        for count in range(1, 4):
            yield {result: given[:count]}
            if cancelled():
                return

    on = make_chain(lambda *values, **hooks: None)
    with gr.Blocks():
        trigger, result, status, stop = gr.Button(), gr.Textbox(), gr.HTML(), gr.Button()
        chain = Chain(Jobs(), status, stop)

        def grows(given, **hooks):
            yield from job(result, given, **hooks)

        chain.start(trigger.click, grows, [on.name], [result], busy=result)
        handlers = [fn.fn for fn in gr.context.Context.root_block.fns.values()]
    stopped, begin, grow, _end = handlers
    begin(SOMEBODY)
    assert [updates[result] for updates in grow(SOMEBODY, silent, "abc")] == ["a", "ab", "abc"]
    begin(SOMEBODY)
    growing = grow(SOMEBODY, silent, "abc")
    assert next(growing)[result] == "a"
    stopped(SOMEBODY)
    assert list(growing) == [] and not chain.jobs.busy("somebody")
