"""Calls at an even pace."""

from threading import Event, Lock
from time import monotonic
from typing import Any


class Pace:
    """At most so many calls a second, evenly. What botocore tries again is a call too."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._lock = Lock()
        self._ended = Event()

    def end(self) -> None:
        """Lets all that wait go on at once, and whoever comes later: nobody wants their answers any more."""
        self._ended.set()

    def wait(self, **_: Any) -> None:
        """Returns when the next call may be made: botocore's handler before it sends a request."""
        with self._lock:
            now = monotonic()
            at = max(now, self._next)
            self._next = at + self._gap
        if at > now:
            self._ended.wait(at - now)
