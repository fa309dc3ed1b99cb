"""A small shelf for heavy objects, so that a session's own state stays small.

What a video's preparation yields (network features, the decoded sound) is large. It stands here under a random token; the session
keeps the token. When the shelf is full the least recently used object goes, and whoever comes back for it makes it anew.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """Least-recently-used store of at most ``places`` objects. Safe to use from many threads."""

    def __init__(self, places: int) -> None:
        if places < 1:
            raise ValueError("a shelf needs at least one place")
        self.places = places
        self._lock = threading.Lock()
        self._things: OrderedDict[str, T] = OrderedDict()

    def put(self, thing: T, token: str | None = None) -> str:
        """Store ``thing`` and return its token (a fresh, unguessable one unless given)."""
        token = token or secrets.token_urlsafe(16)
        with self._lock:
            self._things[token] = thing
            self._things.move_to_end(token)
            while len(self._things) > self.places:
                self._things.popitem(last=False)
        return token

    def get(self, token: str, make: Callable[[], T]) -> T:
        """What stands under ``token``; when it had to go, ``make()`` makes it again and it is stored anew."""
        with self._lock:
            if token in self._things:
                self._things.move_to_end(token)
                return self._things[token]
        thing = make()  # outside the lock: this may take seconds
        self.put(thing, token)
        return thing

    def drop(self, token: str) -> None:
        """Forget ``token``; unknown tokens are fine."""
        with self._lock:
            self._things.pop(token, None)

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, token: str) -> bool:
        return token in self._things
