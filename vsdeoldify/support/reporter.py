"""How work that takes long reports what it does; who starts the work decides what becomes of the reports."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


class Stage(Protocol):
    """A part of the work that consists of counted units."""

    def update(self, done: int) -> None:
        """Say how many units are done by now, those of earlier runs included."""


@dataclass(frozen=True)
class Share:
    """What one of several helpers does.

    Attributes:
        name: of the helper.
        doing: "ready", "working", or what it waits for, in a few words.
        piece: the frames that it is at: the first and the one after the last; None where it is at none.
        done: how many of these are done.
        rate: units per second; 0 where nothing is known of it yet.
    """

    name: str
    doing: str
    piece: tuple[int, int] | None = None
    done: int = 0
    rate: float = 0.0


@runtime_checkable
class SharedStage(Protocol):
    """A stage that shows who works on it; those that do not are told the sum only."""

    def shares(self, shares: Sequence[Share]) -> None:
        """Say what each of the helpers does by now."""


class Reporter(Protocol):
    """Takes the reports of a piece of work."""

    def say(self, text: str) -> None:
        """What happens, in a sentence: "going on after 500 of 2000 frames"."""

    def note(self, text: str) -> None:
        """What the person should know about the input or the result, in a sentence."""

    def stage(
        self, total: int, unit: str, *, title: str = "", done: int = 0
    ) -> AbstractContextManager[Stage]:
        """Begin a part of the work; it ends with the block.

        Args:
            total: how many units there are.
            unit: what they are called, in the plural: "frames", "%".
            title: what is worked on: "film.mkv", "reading the film".
            done: how many units an earlier run has done; they do not count for the speed.
        """


class Silent:
    """Takes all reports and drops them."""

    def say(self, text: str) -> None:
        """Drop a sentence."""

    def note(self, text: str) -> None:
        """Drop a note."""

    def stage(
        self, total: int, unit: str, *, title: str = "", done: int = 0
    ) -> AbstractContextManager[Stage]:
        """Count nothing."""
        return nullcontext(self)

    def update(self, done: int) -> None:
        """Drop a count."""


SILENT = Silent()
"""The reporter of work that nobody watches."""
