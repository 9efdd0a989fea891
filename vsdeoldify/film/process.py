"""Programs that run beside this one."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Any

from ..support.errors import FilmError
from .ffmpeg import plain
from .refusals import UNDECODED, of_ffmpeg
from .render import ERROR_MARK


class Process:
    """A program that runs beside this one.

    Attributes:
        output: what it writes to stdout.
        input: what it reads from stdin.
    """

    def __init__(self, name: str, running: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._name, self._running, self._log = name, running, log
        assert running.stdout is not None
        assert running.stdin is not None
        self.output, self.input = running.stdout, running.stdin

    @property
    def number(self) -> int:
        """Its number in the system."""
        return self._running.pid

    def kill(self) -> None:
        """End it at once; whoever reads from it sees its end."""
        self._running.kill()

    def finish(self) -> None:
        """Close the program's input and wait for its end.

        Raises:
            FilmError: it failed.
        """
        with contextlib.suppress(BrokenPipeError):
            self.input.close()
        if self._running.wait() != 0:
            raise self.error()

    def error(self) -> FilmError:
        """Wait for a program that has gone wrong, and say why."""
        with contextlib.suppress(OSError):
            self.input.close()
        try:
            code = self._running.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._running.kill()
            code = self._running.wait()
        self._log.seek(0)
        text = self._log.read().decode(errors="replace")
        if marked := re.findall(rf"^{ERROR_MARK}(.*)$", text, re.MULTILINE):
            told = json.loads(marked[-1])
            return ProgramError(told) if told.startswith(UNDECODED) else FilmError(told)
        if code == 0 and not text.strip():
            return ProgramError(f"{self._name} ended before it had all frames")
        return _failure(self._name, code, plain(text))


class ProgramError(FilmError):
    """A program that runs beside this one failed; what it was about is for others to say.

    Args:
        message: why.
        log: what it said, where nobody knows what that means.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


@contextlib.contextmanager
def naming(what: object) -> Iterator[None]:
    """Say before the errors of programs what they were about; what nobody understands goes into a file.

    Raises:
        FilmError: in place of a `ProgramError`.
    """
    try:
        yield
    except ProgramError as error:
        where = ""
        if error.log:
            file, name = tempfile.mkstemp(prefix="vsdeoldify-", suffix=".log")
            with os.fdopen(file, "w", encoding="utf-8") as log:
                log.write(error.log)
            where = f"; what it said lies in {name}"
        raise FilmError(f"{what}: {error}{where}") from error


def _failure(program: str, code: int, log: str) -> ProgramError:
    """The error for a program that failed."""
    if code < 0:
        how = f"{program} was killed (signal {-code})"
        return ProgramError(how + (": perhaps the memory was full" if -code == 9 else ""))
    if program == "ffmpeg" and (reason := of_ffmpeg(log)) is not None:
        return ProgramError(reason)
    return ProgramError(f"{program} failed (exit code {code})", log.strip())


@contextlib.contextmanager
def process(name: str, command: Sequence[str], part: Path | None = None, **options: Any) -> Iterator[Process]:
    """Run a program; it does not outlive the block, nor does its unfinished file.

    Args:
        name: what people call it.
        command: the program and its arguments.
        part: a file that it writes, removed if the block fails.
        **options: for `subprocess.Popen`.
    """
    with tempfile.TemporaryFile() as log:
        # Ctrl-C reaches this process only, which then ends the others.
        alone = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        running = None
        try:
            try:
                with _put_off():
                    running = subprocess.Popen(
                        command,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        **alone,
                        **options,
                    )
            except OSError as error:
                raise FilmError(f"{name} cannot be started: {error}") from error
            yield Process(name, running, log)
        except BaseException:
            if running is not None:
                running.kill()
                running.wait()
            if part is not None:
                part.unlink(missing_ok=True)
            raise
        finally:
            if running is not None:
                if running.poll() is None:
                    running.kill()
                    running.wait()
                for pipe in (running.stdin, running.stdout):
                    if pipe is not None:
                        with contextlib.suppress(OSError):
                            pipe.close()


@contextlib.contextmanager
def _put_off() -> Iterator[None]:
    """Let interruptions wait: one that came while a program is begun would leave it running unknown."""
    came: list[tuple[int, FrameType | None]] = []
    before = {}
    # Only the main thread is interrupted.
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and callable(handler := signal.getsignal(number)):
                before[number] = handler
                signal.signal(number, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number, frame in came[:1]:
            before[number](number, frame)


def render_process(
    action: str, *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> "contextlib.AbstractContextManager[Process]":
    """Run an action of `vsdeoldify.film.render` in a process of its own.

    Args:
        action: what it does.
        *arguments: of the action.
        environment: variables to set for it.
    """
    command = module_command("vsdeoldify.film.render", action, *arguments)
    return process("the rendering process", command, env={**module_environment(), **(environment or {})})


def module_process(
    name: str, module: str, *arguments: str | Path
) -> "contextlib.AbstractContextManager[Process]":
    """Run a module of this package in a process of its own.

    Args:
        name: what people call it.
        module: its dotted name.
        *arguments: for the module.
    """
    return process(name, module_command(module, *arguments), env=module_environment())


def module_command(module: str, *arguments: str | Path) -> list[str]:
    """The command that runs a module of this package, and no module that happens to lie beside the film."""
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


def module_environment() -> dict[str, str]:
    """The environment in which that module is the same package as this one."""
    package = Path(__file__).resolve().parents[2]
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
