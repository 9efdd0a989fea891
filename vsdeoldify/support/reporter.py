"""How work that takes long reports what it does; who starts the work decides what becomes of the reports."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Stage(Protocol):
    """A part of the work that consists of counted units."""

    def update(self, done: int) -> None:
        """Say how many units are done by now, those of earlier runs included."""


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
