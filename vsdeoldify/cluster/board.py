"""Which worker makes which piece: the lowest one first, and near the end some twice."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from ..film.pieces import Claim, Workshop
from ..support.errors import FilmError

_LOSSES = 3
"""Workers that may be lost over one piece."""


@dataclass
class Attempt:
    """A worker's attempt at a piece.

    Attributes:
        claim: the piece.
        worker: the worker's name.
        name: of the attempt.
        began: when it was given out.
        frames: how many are rendered.
        heard: when something was last heard of it.
        on_rendered: called once, when the worker's renderer is free again.
    """

    claim: Claim
    worker: str
    name: str
    began: float
    frames: int = 0
    heard: float = 0.0
    on_rendered: Callable[[], None] = field(default=lambda: None)

    @property
    def length(self) -> int:
        """Frames of the piece."""
        return self.claim.end - self.claim.first

    def left(self, now: float) -> float:
        """Seconds that it takes yet, as far as it shows; the longer it says nothing, the more."""
        elapsed = now - self.began
        return max(elapsed / max(self.frames, 1) * (self.length - self.frames), now - self.heard)


class Board:
    """The pieces of a film and who is at them; all methods may be called from any thread.

    Args:
        workshop: the folder of pieces.
        clock: gives the time in seconds.
    """

    def __init__(self, workshop: Workshop, clock: Callable[[], float] = time.monotonic) -> None:
        self._workshop = workshop
        self._clock = clock
        self._changed = threading.Condition()
        self._missing = set(workshop.missing())
        self._attempts: dict[str, Attempt] = {}
        self._failed: dict[int, dict[str, str]] = {}
        self._losses: dict[int, list[str]] = {}
        self._rates: dict[str, list[float]] = {}
        self.made: Counter[str] = Counter()
        """Frames of delivered pieces, by the workers' names."""
        self.error: FilmError | None = None
        """What stops the film."""
        self.stopped = False

    @property
    def finished(self) -> bool:
        """Whether nothing is to be done any more."""
        with self._changed:
            return not self._missing or self.error is not None

    @property
    def frames(self) -> int:
        """Frames of this run that are rendered or delivered, each piece once."""
        with self._changed:
            under_way: dict[int, int] = {}
            for attempt in self._attempts.values():
                number = attempt.claim.number
                if number in self._missing:
                    under_way[number] = max(under_way.get(number, 0), attempt.frames)
            return self.made.total() + sum(under_way.values())

    def attempts(self) -> list[Attempt]:
        """Those under way, in the order of their pieces."""
        with self._changed:
            return sorted(self._attempts.values(), key=lambda attempt: attempt.claim.number)

    def rate(self, worker: str) -> float:
        """Frames per second of a worker in its last pieces, or in the one that it is at; 0: unknown."""
        with self._changed:
            if known := self._rates.get(worker):
                return sum(known) / len(known)
            now = self._clock()
            own = [attempt for attempt in self._attempts.values() if attempt.worker == worker]
            return max((attempt.frames / max(now - attempt.began, 1e-3) for attempt in own), default=0.0)

    def take(self, worker: str, name: str, wait: Callable[[], bool]) -> Attempt | None:
        """The next piece for a worker.

        Args:
            worker: its name.
            name: of the attempt.
            wait: whether the worker still wants one; asked now and then while there is none for it.

        Returns:
            None where nothing is to be done any more.
        """
        with self._changed:
            while True:
                if not self._missing or self.error is not None or self.stopped or not wait():
                    return None
                if (number := self._next(worker)) is not None:
                    now = self._clock()
                    attempt = Attempt(self._workshop.claim(number), worker, name, now, heard=now)
                    self._attempts[name] = attempt
                    return attempt
                self._changed.wait(0.3)

    def _next(self, worker: str) -> int | None:
        under_way: dict[int, list[Attempt]] = {}
        for attempt in self._attempts.values():
            under_way.setdefault(attempt.claim.number, []).append(attempt)
        open_ones = [n for n in sorted(self._missing) if worker not in self._failed.get(n, {})]
        for number in open_ones:
            if number not in under_way:
                return number
        # All are under way: one that this worker would have done before whoever is at it.
        now = self._clock()
        speed = self.rate(worker)
        for number in open_ones:
            attempts = under_way[number]
            if speed and len(attempts) == 1 and attempts[0].worker != worker:
                slow = attempts[0]
                if slow.left(now) > slow.length / speed + 1:
                    return number
        return None

    def told(self, name: str, frames: int, *, rendered: bool) -> None:
        """Take note of how far an attempt is."""
        with self._changed:
            attempt = self._attempts.get(name)
            if attempt is None:
                return
            attempt.frames, attempt.heard = frames, self._clock()
        if rendered:
            attempt.on_rendered()

    def deliver(self, attempt: Attempt) -> list[Attempt]:
        """Take in a finished piece.

        Returns:
            The other attempts at it, which are of no use any more.

        Raises:
            OSError: its file cannot be renamed.
        """
        counts = self._workshop.deliver(attempt.claim)
        with self._changed:
            self._attempts.pop(attempt.name, None)
            others = [
                other for other in self._attempts.values() if other.claim.number == attempt.claim.number
            ]
            for other in others:
                del self._attempts[other.name]
            if counts:
                self._missing.discard(attempt.claim.number)
                self.made[attempt.worker] += attempt.length
                rates = self._rates.setdefault(attempt.worker, [])
                rates.append(attempt.length / max(self._clock() - attempt.began, 1e-3))
                del rates[:-3]
            self._changed.notify_all()
            return others

    def drop(self, attempt: Attempt) -> None:
        """Forget an attempt that came to nothing through nobody's fault."""
        with self._changed:
            self._attempts.pop(attempt.name, None)
            self._changed.notify_all()
        attempt.claim.path.unlink(missing_ok=True)

    def failed(self, attempt: Attempt, text: str, others: int) -> None:
        """Take note that a worker cannot make a piece; what two of them say, or the only one, stops the film.

        Args:
            attempt: that at the piece.
            text: what the worker says.
            others: how many other workers there are.
        """
        self.drop(attempt)
        with self._changed:
            number = attempt.claim.number
            if number not in self._missing:
                return
            said = self._failed.setdefault(number, {})
            alike = [worker for worker, other in said.items() if other == text]
            said[attempt.worker] = text
            if alike or not others:
                self.error = FilmError(text)
            elif len(said) > others:
                told = "; ".join(f"{worker}: {words}" for worker, words in said.items())
                first, last = attempt.claim.first, attempt.claim.end - 1
                self.error = FilmError(f"no worker can make the frames {first} to {last} ({told})")
            self._changed.notify_all()

    def lost(self, worker: str) -> None:
        """Give the pieces of a worker that is gone to others."""
        with self._changed:
            own = [attempt for attempt in self._attempts.values() if attempt.worker == worker]
            for attempt in own:
                number = attempt.claim.number
                if attempt.frames >= attempt.length or number not in self._missing:
                    continue
                lost = self._losses.setdefault(number, [])
                lost.append(worker)
                if len(lost) >= _LOSSES:
                    first, last = attempt.claim.first, attempt.claim.end - 1
                    self.error = FilmError(
                        f"{len(lost)} workers were lost while they made the frames {first} to {last} "
                        f"({', '.join(dict.fromkeys(lost))}): was their memory full? A smaller "
                        "--render-factor needs less; --resume goes on"
                    )
        for attempt in own:
            self.drop(attempt)

    def give_up(self, workers: Collection[str]) -> None:
        """Stop the film where none of the workers that are left can make a piece.

        Args:
            workers: their names.
        """
        with self._changed:
            for number, said in self._failed.items():
                if workers and number in self._missing and said.keys() >= set(workers):
                    self.error = self.error or FilmError(next(iter(said.values())))
                    self._changed.notify_all()

    def stop(self, error: FilmError | None = None) -> None:
        """Give out nothing more."""
        with self._changed:
            self.stopped = True
            self.error = self.error or error
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until something is finished, or for so long."""
        with self._changed:
            self._changed.wait(seconds)
