"""What happens in the studio, told to every page that listens."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

type Event = dict[str, Any]


class Hub:
    """Hands events to all listeners; it is a `Reporter` too, so that work can report to the pages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Queue[Event | None]]] = {}
        self._count = 0
        self._closed = False
        self._stage: Event | None = None

    def tell(self, kind: str, **values: Any) -> None:
        """Tell all that listen."""
        event = {"event": kind, **values}
        with self._lock:
            listeners = list(self._listeners.values())
        for loop, queue in listeners:
            with suppress(RuntimeError):  # The server has just ended.
                loop.call_soon_threadsafe(queue.put_nowait, event)

    async def listen(self) -> AsyncIterator[Event | None]:
        """Events from now on; None now and then, so that a listener that is gone is noticed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        with self._lock:
            self._count += 1
            number = self._count
            self._listeners[number] = asyncio.get_running_loop(), queue
            stage, closed = self._stage, self._closed
        try:
            if stage is not None:
                yield stage
            while not closed:
                try:
                    event = await asyncio.wait_for(queue.get(), 10)
                except TimeoutError:
                    yield None
                    continue
                if event is not None and event["event"] == "close":
                    return
                yield event
        finally:
            with self._lock:
                self._listeners.pop(number, None)

    def close(self) -> None:
        """End all listening."""
        self._closed = True
        self.tell("close")

    def say(self, text: str) -> None:
        """Tell a sentence."""
        self.tell("message", text=text)

    def note(self, text: str) -> None:
        """Tell what the person should know."""
        self.tell("message", text=text)

    @contextmanager
    def stage(self, total: int, unit: str, *, title: str = "", done: int = 0) -> Iterator["Counter"]:
        """Tell how far the block is."""
        counter = Counter(self, {"event": "work", "title": title, "unit": unit, "total": total, "done": done})
        counter.update(done)
        try:
            yield counter
        finally:
            self._stage = None

    def working(self, event: Event) -> None:
        """Tell how far the work is, and remember it for those who come later."""
        self._stage = event
        self.tell(event["event"], **{key: value for key, value in event.items() if key != "event"})


class Counter:
    """Tells how far a stage is, some fifty times in all."""

    def __init__(self, hub: Hub, facts: Event) -> None:
        self._hub, self._facts = hub, facts
        self._told = -1.0

    def update(self, done: int) -> None:
        """Say how many units are done by now."""
        share = done / max(self._facts["total"], 1)
        if share - self._told >= 0.02 or share >= 1:
            self._told = share
            self._hub.working({**self._facts, "done": done})
