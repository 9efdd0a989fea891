"""A film by many workers: find them, keep them at work, and say what becomes of it."""

import platform
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..film.colorize import MakePieces
from ..film.pieces import Plan, Workshop
from ..film.recipe import Recipe
from ..support.errors import FilmError
from ..support.reporter import Reporter, Share, SharedStage, Stage
from . import bench
from .board import Board
from .extra import needed
from .facts import Device, differences, facts_of
from .hand import Hand
from .local import local_cluster
from .order import Order, make_order, motion_of, precision_of
from .security import Address, Unreachable, check_reachable, read_certificate, security_of

_LOOK = 1.0
"""Seconds between two looks for workers."""
_REMIND = 60.0
"""Seconds between two words on what is waited for."""
_TOLD = 0.5

Connect = Callable[[], AbstractContextManager[Any]]
"""Gives a connected client of Dask."""


def on_this_computer(devices: list[Device], recipe: Recipe, torch_dir: str | None) -> MakePieces:
    """What makes the pieces of a film by several workers of this computer.

    Args:
        devices: one for each worker.
        recipe: how the film is coloured.
        torch_dir: where model files are, beside the usual places.
    """

    def make(plan: Plan, workshop: Workshop, done: int, stage: Stage, reporter: Reporter) -> None:
        if workshop.missing():
            with local_cluster(devices, torch_dir) as connect:
                _Crew(plan, workshop, recipe, connect, reporter, alone=True).make(done, stage)

    return make


def on_cluster(address: Address, certificate: Path | None, recipe: Recipe) -> MakePieces:
    """What makes the pieces of a film by the workers of a cluster.

    Args:
        address: where its scheduler is.
        certificate: the cluster's; None for one without encryption.
        recipe: how the film is coloured.
    """

    @contextmanager
    def connect() -> Iterator[Any]:
        with needed():
            from distributed import Client

            from .nodes import set_up
        check_reachable(address, certificate)
        set_up()
        security = None if certificate is None else security_of(read_certificate(certificate))
        try:
            client = Client(
                str(address), security=security, set_as_default=False, timeout=15, direct_to_workers=False
            )
        except OSError as error:
            # It may have ended, or be about to start, in this very moment.
            raise Unreachable(f"{address} does not answer as a cluster does") from error
        try:
            yield client
        finally:
            with suppress(Exception):
                client.close(timeout=3)

    def make(plan: Plan, workshop: Workshop, done: int, stage: Stage, reporter: Reporter) -> None:
        if workshop.missing():
            _Crew(plan, workshop, recipe, connect, reporter).make(done, stage)

    return make


class _Crew:
    """The workers of one film."""

    def __init__(
        self,
        plan: Plan,
        workshop: Workshop,
        recipe: Recipe,
        connect: Connect,
        reporter: Reporter,
        *,
        alone: bool = False,
    ) -> None:
        self._alone = alone
        self.board = Board(workshop)
        self.client: Any = None
        self._workshop, self._connect, self._reporter = workshop, connect, reporter
        name, folder = uuid4().hex[:12], workshop.folder
        self._mark = folder / f".{name}.part"
        self._mark.write_text(name)
        owner = f"{platform.node()}:{folder}"
        self.order: Order = make_order(plan, recipe, name, owner, folder, (self._mark.name, name))
        self._own = facts_of(Device("cpu", "", half=False))
        self._precision, self._motion = precision_of(recipe), motion_of(plan.job)
        self._half: bool | None = None
        self._hands: dict[str, Hand] = {}
        self._said: queue.Queue[str] = queue.Queue()
        self._guard = threading.Lock()
        self._sending: dict[str, threading.Lock] = {}
        self._waiting_since: float | None = None
        self._reminded = 0.0
        self._warned = False

    def say(self, text: str) -> None:
        """Tell the person something, from any thread."""
        self._said.put(text)

    def check(self, greeting: bench.Greeting) -> str:
        """Why a worker is not to take part; empty if it is."""
        with self._guard:
            found = differences(
                self._own,
                greeting.facts,
                precision=self._precision,
                half=self._half,
                motion=self._motion,
            )
            if found:
                return "; ".join(found)
            if self._half is None:
                self._half = greeting.facts.half
        return ""

    def name_for(self, wanted: str) -> str:
        """A name that no other worker has."""
        with self._guard:
            taken = {hand.name for hand in list(self._hands.values()) if not hand.gone}
            names = (wanted if n == 1 else f"{wanted} ({n})" for n in range(1, len(taken) + 2))
            return next(name for name in names if name not in taken)

    def others(self, hand: Hand) -> int:
        """How many other workers can make pieces."""
        return sum(other.at_hand for other in list(self._hands.values()) if other is not hand)

    def sending(self, host: str) -> threading.Lock:
        """Held while something is sent to a machine."""
        with self._guard:
            return self._sending.setdefault(host, threading.Lock())

    def make(self, done: int, stage: Stage) -> None:
        """Make all pieces that are missing.

        Raises:
            FilmError: they cannot be made; those that are done stay.
        """
        was_there = False
        try:
            while not self.board.finished:
                try:
                    with self._connect() as self.client:
                        was_there = True
                        self._work(done, stage)
                except Unreachable as error:
                    if not was_there:
                        raise
                    self._wait(str(error))
            if self.board.error is not None:
                raise self.board.error
        finally:
            self.board.stop()
            self._mark.unlink(missing_ok=True)
            self._pass_on()

    def _work(self, done: int, stage: Stage) -> None:
        """Make pieces for as long as the cluster is there."""
        self.client.subscribe_topic(f"vsdeoldify-{self.order.name}", self._told)
        looked = 0.0
        try:
            while not self.board.finished:
                now = time.monotonic()
                if now - looked >= _LOOK:
                    looked = now
                    if not self._look():
                        raise Unreachable("the cluster does not answer any more")
                self._report(done, stage)
                self.board.wait(_TOLD)
            self._report(done, stage)
        finally:
            self._release()
            for hand in self._hands.values():
                hand.lose()
                self.board.lost(hand.name)
            self._hands.clear()

    def _told(self, event: Any) -> None:
        _, message = event
        self.board.told(message["attempt"], message["frames"], rendered=message["rendered"])

    def _look(self) -> bool:
        """See who is there; whether the scheduler answers."""
        if self.client.status != "running":
            return False
        try:
            there = set(self.client.nthreads())
        except Exception:
            return False
        for address in there - set(self._hands):
            self._hands[address] = Hand(self, address)
            self._hands[address].start()
        for address in set(self._hands) - there:
            hand = self._hands.pop(address)
            was_ready = hand.ready
            hand.lose()
            self.board.lost(hand.name)
            if was_ready:
                self.say(f"{hand.name} is lost; the film goes on without it")
        hands = list(self._hands.values())
        if any(not hand.left_out for hand in hands):
            self._waiting_since = None
            self.board.give_up({hand.name for hand in hands if hand.at_hand})
        elif not hands:
            self._wait("no worker is there: vsdeoldify worker starts one")
        elif self._alone:
            self.board.stop(FilmError("none of the workers on this computer can make the film, see above"))
        else:
            self._wait("no worker that is there can make this film: vsdeoldify worker starts another")
        return True

    def _wait(self, why: str) -> None:
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since, self._reminded = now, 0.0
        if now - self._reminded >= _REMIND or not self._reminded:
            self._reminded = now
            self.say(f"waiting: {why}. Ctrl-C ends this; the finished pieces stay, and --resume goes on")
        self._pass_on()
        if self.client is None or self.client.status != "running":
            time.sleep(2)

    def _report(self, done: int, stage: Stage) -> None:
        self._pass_on()
        if frames := self.board.frames:
            stage.update(done + frames)
        if not self._warned and self.board.made and (shortage := self._workshop.shortage()):
            self._reporter.note(shortage)
            self._warned = True
        if isinstance(stage, SharedStage):
            stage.shares(self._shares())

    def _shares(self) -> list[Share]:
        attempts = self.board.attempts()
        shares = []
        for hand in list(self._hands.values()):
            if not hand.name:
                continue  # It has not said its name yet.
            own = [attempt for attempt in attempts if attempt.worker == hand.name]
            rate = self.board.rate(hand.name)
            if own and hand.ready:
                at = min(own, key=lambda attempt: attempt.frames / attempt.length)
                piece = at.claim.first, at.claim.end
                shares.append(Share(hand.name, "working", piece, at.frames, rate))
            else:
                doing = "ready" if hand.ready else hand.doing
                shares.append(Share(hand.name, doing, None, 0, rate))
        return shares

    def _pass_on(self) -> None:
        """Say what was to be said; only this thread may."""
        while True:
            try:
                text = self._said.get_nowait()
            except queue.Empty:
                return
            self._reporter.say(text)

    def _release(self) -> None:
        """Tell the workers that the film is done, without waiting for one that was stopped."""
        told = [threading.Thread(target=hand.release, daemon=True) for hand in self._hands.values()]
        for thread in told:
            thread.start()
        deadline = time.monotonic() + 3
        for thread in told:
            thread.join(max(0.0, deadline - time.monotonic()))
