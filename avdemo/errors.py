"""Exceptions that carry a sentence for the person in front of the app.

Everything raised on purpose derives from :class:`AvdemoError`; its ``str()`` is one plain sentence that says
what is wrong and what to do about it. The app shows that sentence, the command line prints it and exits with 2.
Anything else that escapes is a bug and is reported as one.
"""

from __future__ import annotations


class AvdemoError(Exception):
    """Base of every expected error; ``str(error)`` is a sentence fit for a user."""


class InputError(AvdemoError):
    """The file or parameter given cannot be used as it is."""


class LimitError(InputError):
    """The input is fine but larger or longer than this installation accepts."""


class NoAudioError(InputError):
    """A sound was needed and the file has none, or only silence."""


class WeightsError(AvdemoError):
    """A checkpoint is missing, corrupt, or does not fit the network."""


class StorageError(AvdemoError):
    """A result could not be written (disk full, no permission)."""


class Cancelled(AvdemoError):
    """The user stopped the job; what was finished before is kept."""

    def __init__(self, sentence: str = "Stopped, as you asked. Nothing was lost; press the button again to start over."):
        super().__init__(sentence)
