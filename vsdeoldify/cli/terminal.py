"""How a command reports: messages and a bar on stderr for people, or lines of JSON on stdout for programs.

Work goes on where nobody reads any more. The bar is our own: tqdm (it comes with timm's hub client) takes
0.1 s of CPU time to import, as much as all of `vsdeoldify --help`; into a file it writes every state of its
bar, where ours writes a line every half minute; and its time left counts the seconds in which the networks
are loaded, so that it begins with hours.
"""

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

from ..support.reporter import Share
from ..support.words import clock

_EVERY_TERMINAL = 0.2
_EVERY_FILE = 30.0
_EVERY_LINE = 0.5


class StatusLine:
    """The last line of a terminal, written over again and again.

    Args:
        stream: where to write; by default stderr.

    Attributes:
        terminal: whether it is one; nothing can be written over elsewhere.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self.terminal = self._stream is not None and self._stream.isatty()
        self._width = 0

    def show(self, text: str) -> None:
        """Write the line over."""
        self._write("\r" + text.ljust(self._width))
        self._width = max(self._width, len(text))

    def wipe(self) -> None:
        """Remove the line."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def say(self, message: str) -> None:
        """Write a message that stays, above the line."""
        self.wipe()
        self._write(message + "\n")

    def _write(self, text: str) -> None:
        # A terminal may be closed, a pipe's reader gone: no reason to stop.
        with contextlib.suppress(OSError):
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()


class Progress:
    """Shows how far a job of counted units is: a bar on a terminal, else a line now and then.

    Args:
        total: how many units there are.
        unit: what they are called, in the plural.
        done: how many of them were done before this run; they do not count for the speed.
        title: what stands before the bar.
        stream: where to write; by default stderr.
        line: the line to write, in place of one of its own.
    """

    def __init__(
        self,
        total: int,
        unit: str,
        *,
        done: int = 0,
        title: str = "",
        stream: TextIO | None = None,
        line: StatusLine | None = None,
    ) -> None:
        self._total, self._unit, self._title = total, unit, title
        self._first = self._done = done
        self._line = StatusLine(stream) if line is None else line
        self._started = self._shown = time.monotonic()
        self._running: tuple[float, int] | None = None
        self._shares = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.wipe()

    def shares(self, shares: Sequence[Share]) -> None:
        """Say what each of several helpers does; they stand behind the bar, where there is room."""
        parts = []
        for share in shares:
            at = f"{share.rate:.3g}/s" if share.doing == "working" and share.rate else share.doing
            parts.append(f"{share.name}: {at}")
        self._shares = ", ".join(parts)

    def say(self, message: str) -> None:
        """Print a message above the bar."""
        self._line.say(message)

    def update(self, done: int) -> None:
        """Say how many units are done by now."""
        self._done = done
        now = time.monotonic()
        if self._running is None:
            # Loading the networks takes a while and says nothing about the time left.
            self._running = now, done
        if now - self._shown >= (_EVERY_TERMINAL if self._line.terminal else _EVERY_FILE):
            self._shown = now
            self._show()

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started

    @property
    def rate(self) -> float:
        """Units per second in this run, with all that came before the first."""
        return (self._done - self._first) / max(self.seconds, 1e-6)

    def text(self, width: int) -> str:
        """The line to show, at most `width` characters."""
        share = self._done / max(self._total, 1)
        since, first = self._running or (self._started, self._first)
        rate = (self._done - first) / max(time.monotonic() - since, 1e-6)
        end = f" {share:4.0%}  {self._done}/{self._total} {self._unit}"
        if rate > 0:
            end += f"  {rate:.3g}/s  {clock((self._total - self._done) / rate)} left"
        title = f"{self._title} " if self._title else ""
        if self._shares and len(title) + len(end) + len(self._shares) + 12 <= width:
            end += f"  ({self._shares})"
        bar = min(30, width - len(end) - len(title) - 3)
        if bar >= 5:
            full = int(bar * share)
            title += "[" + "#" * full + "-" * (bar - full) + "]"
        return (title + end).strip()[:width]

    def _show(self) -> None:
        if self._line.terminal:
            self._line.show(self.text(shutil.get_terminal_size().columns - 1))
        else:
            self._line.say(self.text(100))


class Terminal:
    """Reports to a person: messages on stderr that stay, and a bar below them.

    Args:
        stream: where to write; by default stderr.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._line = StatusLine(stream)

    def say(self, text: str) -> None:
        """Print a message."""
        self._line.say(text)

    def note(self, text: str) -> None:
        """Print what the person should know."""
        self._line.say(f"note: {text}")

    def stage(self, total: int, unit: str, *, title: str = "", done: int = 0) -> Progress:
        """Show a bar as long as the block lasts."""
        return Progress(total, unit, done=done, title=title, line=self._line)

    def result(self, text: str, **values: object) -> None:
        """Print what the command has made."""
        self._line.say(text)


class JsonLines:
    """Reports to a program: every report is a line of JSON on stdout, an object with its kind as "event".

    Args:
        stream: where to write; by default stdout.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream

    def say(self, text: str) -> None:
        """Write a message."""
        self.write("message", text=text)

    def note(self, text: str) -> None:
        """Write what the person should know."""
        self.write("note", text=text)

    def stage(self, total: int, unit: str, *, title: str = "", done: int = 0) -> "JsonStage":
        """Write how far the block is."""
        return JsonStage(self, total, unit, title, done)

    def result(self, text: str, **values: object) -> None:
        """Write what the command has made."""
        self.write("result", text=text, **values)

    def write(self, event: str, **values: object) -> None:
        """Write a line."""
        with suppress(OSError):
            _write(self._stream, json.dumps({"event": event, **values}, default=str) + "\n")


class JsonStage:
    """A part of the work, as lines of JSON: "start", "progress" twice a second at most, and "end"."""

    def __init__(self, lines: JsonLines, total: int, unit: str, title: str, done: int) -> None:
        self._lines = lines
        self._facts = {"title": title, "unit": unit, "total": total}
        self._total, self._done, self._shown = total, done, 0.0
        self._running: tuple[float, int] | None = None
        self._shares: dict[str, Share] = {}

    def __enter__(self) -> Self:
        self._lines.write("start", **self._facts, done=self._done)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.write("end", **self._facts, done=self._done)

    def shares(self, shares: Sequence[Share]) -> None:
        """Write a line for each helper of which there is something new."""
        now = {share.name: share for share in shares}
        for name, share in now.items():
            if self._shares.get(name) != share:
                piece = list(share.piece) if share.piece else None
                rate = round(share.rate, 3)
                self._lines.write(
                    "worker", name=name, doing=share.doing, piece=piece, done=share.done, rate=rate
                )
        for name in self._shares.keys() - now.keys():
            self._lines.write("worker", name=name, doing="lost", piece=None, done=0, rate=0.0)
        self._shares = now

    def update(self, done: int) -> None:
        """Say how many units are done by now."""
        self._done = done
        now = time.monotonic()
        if self._running is None:
            self._running = now, done
        since, first = self._running
        if now - self._shown < _EVERY_LINE or now == since:
            return
        self._shown = now
        rate = (done - first) / (now - since)
        left = round((self._total - done) / rate, 1) if rate else None
        self._lines.write("progress", **self._facts, done=done, rate=round(rate, 3), seconds_left=left)


def say(message: str) -> None:
    """Print a message for people to stderr; nothing happens where nobody reads it any more."""
    with suppress(OSError):
        _write(sys.stderr, message + "\n")


def answer(text: str) -> None:
    """Print a command's result to stdout; nothing happens where stdout is closed."""
    _write(sys.stdout, text + "\n")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        stream.write(text)
        stream.flush()
