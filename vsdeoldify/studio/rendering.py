"""The render of the studio: a process of its own, which neither the page nor the studio takes down."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..film.pieces import pieces_folder, whole_pieces
from ..film.process import module_command, module_environment
from ..support.errors import FilmError
from ..support.files import write_whole

_LOG, _ERRORS, _NOTE = "render.jsonl", "render.txt", "render.json"
_TAIL = 20_000


class Rendering:
    """The render of a film.

    Args:
        film: the film.
        project: its project's file.
        output: the film to write.
        folder: where the render's reports go, so that another studio can take them up.
        options: further options of `vsdeoldify colorize`.
    """

    def __init__(
        self, film: Path, project: Path, output: Path, folder: Path, options: tuple[str, ...] = ()
    ) -> None:
        self._film, self._project, self.output, self._folder = film, project, output, folder
        self._options = options
        self._running: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def start(self, *, overwrite: bool = False) -> None:
        """Begin, or go on after a stop.

        Args:
            overwrite: replace a film that is there already.

        Raises:
            FilmError: it is under way, or cannot be started.
        """
        if self._number() is not None:
            raise FilmError("the film is being rendered already")
        pieces = pieces_folder(self.output).is_dir()
        if self.output.exists() and not pieces and not overwrite:
            raise FilmError(f"{self.output.name} exists: replace it, or move it away first")
        how = ["--resume"] if pieces or not overwrite else ["--overwrite"]
        command = module_command(
            "vsdeoldify", "colorize", self._film, "--project", self._project, "-o", self.output
        )
        command += [*how, "--keep-pieces", "--progress", "json", *self._options]
        alone: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        try:
            with (self._folder / _LOG).open("wb") as log, (self._folder / _ERRORS).open("wb") as errors:
                self._running = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=errors,
                    env=module_environment(),
                    **alone,
                )
            note = {
                "pid": self._running.pid,
                "born": _born(self._running.pid),
                "output": str(self.output),
                "project": str(self._project),
            }
            write_whole(self._folder / _NOTE, json.dumps(note).encode())
        except OSError as error:
            raise FilmError(f"the render cannot be started: {error.strerror or error}") from error
        self._stopping = False

    def stop(self) -> None:
        """Let the render end; what is finished stays."""
        number = self._number()
        if number is None:
            return
        self._stopping = True
        with suppress(OSError):
            os.kill(number, signal.SIGTERM)

    def state(self) -> dict[str, Any]:
        """How far it is, as JSON takes it."""
        running = self._number() is not None
        events = self._events()
        found: dict[str, Any] = {
            "running": running,
            "stopping": running and self._stopping,
            "output": self.output.name,
            "exists": self.output.exists(),
            "done": 0,
            "total": 0,
            "rate": None,
            "left": None,
            "says": None,
            "error": None,
            "finished": False,
            "pieces": self.pieces(),
        }
        for event in events:
            kind = event.get("event")
            if kind in ("start", "progress", "end"):
                found |= {
                    "done": event.get("done", 0),
                    "total": event.get("total", 0),
                    "unit": event.get("unit"),
                    "rate": event.get("rate"),
                    "left": event.get("seconds_left"),
                    "says": event.get("title"),
                }
            elif kind == "note":
                found["note"] = event.get("text")
            elif kind == "result":
                found |= {"finished": True, "says": event.get("text")}
        if not running and not found["finished"] and events is not None and self._was_started():
            found["error"] = self._complaint()
        return found

    def pieces(self) -> list[tuple[int, int]]:
        """The first frame and the one after the last of every finished piece."""
        return sorted({(first, end) for first, end, _ in self._pieces()})

    def find(self, frame: int) -> tuple[Path, int] | None:
        """The file that holds a frame as it was rendered, and the frame's number in it."""
        newest = sorted(self._pieces(), key=lambda one: -one[2].stat().st_mtime)
        for first, end, path in newest:
            if first <= frame < end:
                return path, frame - first
        return (self.output, frame) if self.output.is_file() else None

    def _pieces(self) -> list[tuple[int, int, Path]]:
        with suppress(OSError):
            return whole_pieces(pieces_folder(self.output))
        return []

    def _number(self) -> int | None:
        """The process that renders, if it does; another that has got its number is not taken for it."""
        if self._running is not None:
            return self._running.pid if self._running.poll() is None else None
        note = self._note()
        number, born = note.get("pid"), note.get("born")
        if not isinstance(number, int) or born is None or _born(number) != born:
            return None
        return number

    def _was_started(self) -> bool:
        return bool(self._note())

    def _note(self) -> dict[str, Any]:
        try:
            note = json.loads((self._folder / _NOTE).read_bytes())
        except (OSError, ValueError):
            return {}
        ours = isinstance(note, dict) and note.get("output") == str(self.output)
        return note if ours else {}

    def _events(self) -> list[dict[str, Any]]:
        if not self._was_started():
            return []
        try:
            with (self._folder / _LOG).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
                lines = file.read().splitlines()
        except OSError:
            return []
        events = []
        for line in lines:
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    events.append(event)
        return events

    def _complaint(self) -> str | None:
        """What the render said as it ended, without the program's name."""
        try:
            text = (self._folder / _ERRORS).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None
        text = text.removeprefix("vsdeoldify colorize: ").removeprefix("vsdeoldify: ")
        if not text or "interrupted" in text or "ended by SIG" in text:
            return None
        return "\n".join(text.splitlines()[-6:])


def _born(number: int) -> str | None:
    """When a process began, in the system's own words; None where there is none, or it has ended."""
    if sys.platform == "win32":
        return None
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except (OSError, IndexError):
        return None
    try:
        asked = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(number)], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return asked.stdout.strip() or None
