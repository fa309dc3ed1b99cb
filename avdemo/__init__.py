"""avdemo: five audio-visual papers, alive in one app."""

__version__ = "0.1.0"
