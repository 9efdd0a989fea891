"""Engines that stay for a while after their last user has gone."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock, Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..runtime.engines.base import Engine


class Recent:
    """Holds the engines that were asked for last, and lets each go some time later.

    In an editor a script is loaded again at every change; between two loadings nobody has the engine.

    Args:
        most: how many are held; none more, so that no memory piles up.
        seconds: how long, after each was asked for last.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._held: OrderedDict[int, tuple[Engine, Timer]] = OrderedDict()
        self._lock = Lock()

    def add(self, engine: Engine) -> None:
        """Hold an engine, from now on for the whole time."""
        timer = Timer(self._seconds, self._drop, [id(engine)])
        timer.daemon = True
        gone: list[tuple[Engine, Timer]] = []
        with self._lock:
            if (before := self._held.pop(id(engine), None)) is not None:
                gone.append(before)
            while len(self._held) >= self._most:
                gone.append(self._held.popitem(last=False)[1])
            self._held[id(engine)] = engine, timer
        timer.start()
        for _, old in gone:
            old.cancel()

    def give_way(self) -> None:
        """Let the oldest go before another one is made, so that they are never more than `most` together."""
        gone: list[tuple[Engine, Timer]] = []
        with self._lock:
            while len(self._held) >= self._most:
                gone.append(self._held.popitem(last=False)[1])
        for _, timer in gone:
            timer.cancel()

    def clear(self) -> None:
        """Let all go."""
        with self._lock:
            gone = list(self._held.values())
            self._held.clear()
        for _, timer in gone:
            timer.cancel()

    def _drop(self, number: int) -> None:
        with self._lock:
            gone = self._held.pop(number, None)
        del gone
