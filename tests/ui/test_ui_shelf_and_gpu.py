"""The shelf of heavy objects, and the ZeroGPU shim (driven by a stand-in for Hugging Face's own ``spaces`` package)."""

import sys
import types

import pytest

from avdemo.ui import gpu
from avdemo.ui.shelf import Shelf


def test_least_recently_used_goes_first_and_comes_back_on_demand():
    shelf = Shelf(2)
    a, b = shelf.put("A"), shelf.put("B")
    assert shelf.get(a, pytest.fail) == "A"  # a is now the younger one
    c = shelf.put("C")
    assert len(shelf) == 2
    assert b not in shelf
    assert shelf.get(b, lambda: "B again") == "B again"
    assert a not in shelf
    assert shelf.get(c, pytest.fail) == "C"


def test_tokens_are_unguessable_and_dropping_is_forgiving():
    shelf = Shelf(50)
    tokens = {shelf.put(i) for i in range(50)}
    assert len(tokens) == 50
    assert all(len(token) >= 20 for token in tokens)
    shelf.drop("never heard of")
    token = tokens.pop()
    shelf.drop(token)
    assert token not in shelf


def test_a_shelf_needs_a_place():
    with pytest.raises(ValueError):
        Shelf(0)


def test_elsewhere_the_shim_changes_nothing(monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)

    def work(x):
        return x

    assert gpu.gpu(30)(work) is work
    assert gpu.lane_width() == 1


def test_on_zero_gpu_the_call_goes_through_spaces_without_closures(monkeypatch):
    lent = []

    def borrow(duration):
        def decorate(function):
            def call(*args, **kwargs):
                lent.append((duration, kwargs))
                return function(*args, **kwargs)

            return call

        return decorate

    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=borrow))
    told = []

    @gpu.gpu(seconds=30)
    def work(x, *, scale=1, progress=None, cancelled=None):
        """Twice."""
        assert progress is None
        assert cancelled is None
        return x * 2 * scale

    assert work(2, scale=3, progress=lambda fraction, text: told.append(text), cancelled=lambda: False) == 12
    assert lent == [(30, {"scale": 3})]
    assert told == ["Working on a shared graphics card"]
    assert work.__doc__ == "Twice."
    assert gpu.lane_width() > 1
