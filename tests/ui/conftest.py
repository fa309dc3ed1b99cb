"""Helpers of the ui tests."""

import subprocess
import sys

import pytest


@pytest.fixture
def python():
    """Run code in a fresh interpreter; returns what it printed."""

    def run(code: str) -> str:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
