"""Work that waits until a person pauses: of each kind only the newest is done."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

type Work = Callable[[], "Future[Any]"]


class Later:
    """Begins work a while after the last wish; all methods may be called from any thread.

    Args:
        pause: seconds without another wish after which the work begins.
        ended: called when a work has been done, well or not.
    """

    def __init__(self, pause: float, ended: Callable[[], None]) -> None:
        self._pause, self._told = pause, ended
        self._lock = threading.RLock()
        self._waiting: dict[Hashable, Work] = {}
        self._begun: dict[Hashable, Future[Any]] = {}
        self._timer: threading.Timer | None = None

    @property
    def pending(self) -> list[Any]:
        """The keys of what waits or is in work."""
        with self._lock:
            return [*{**self._waiting, **self._begun}]

    def put(self, key: Hashable, work: Work) -> None:
        """Do this later, in place of what waits under the same key."""
        with self._lock:
            self._waiting[key] = work
            self.postpone()

    def postpone(self) -> None:
        """Begin to wait anew."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._pause, self.hurry)
            self._timer.daemon = True
            self._timer.start()

    def drop(self, key: Hashable) -> None:
        """Forget what waits under a key, and wait for what is in work under it."""
        with self._lock:
            self._waiting.pop(key, None)
            begun = self._begun.get(key)
        if begun is not None:
            wait([begun])

    def hurry(self) -> None:
        """Begin everything that waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            for key, work in waiting.items():
                begun = self._begun[key] = work()
                begun.add_done_callback(partial(self._ended, key))

    def finish(self, seconds: float | None = None) -> None:
        """Do everything that waits, and wait for it, at most so long."""
        self.hurry()
        with self._lock:
            begun = [*self._begun.values()]
        wait(begun, seconds)

    def _ended(self, key: Hashable, done: "Future[Any]") -> None:
        with self._lock:
            if self._begun.get(key) is done:
                del self._begun[key]
        self._told()
