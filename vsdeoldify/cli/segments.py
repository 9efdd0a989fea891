"""Colour a film in pieces that survive an interruption, and join them without encoding again.

One process renders the frames of the whole range; one ffmpeg after the other encodes them, a piece of the
film each. A piece that is done keeps its name; what is cut off never gets one. The frames of a piece do not
depend on where the rendering began, and every piece starts with a key frame, so a film that was interrupted
decodes to the same frames as one that was not.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..lock import Lock
from ..models.registry import format_size
from . import CommandError
from .ffmpeg import failure, file_argument
from .progress import Progress
from .raw import FrameReader, matroska_frame_head, matroska_header, y4m_header
from .render import ERROR_MARK

_MANIFEST = "pieces.json"
_LOCK = "lock"


@dataclass(frozen=True)
class Plan:
    """What is to be made.

    Attributes:
        script: the VapourSynth script, a file.
        start: first frame of the range.
        end: frame after its last.
        length: frames of a piece.
        rate: frames per second as numerator and denominator, or None for a variable rate.
        times: of a variable rate: microseconds of every frame of the film and of its end.
        ffmpeg: the program.
        encoder: ffmpeg's options that encode a piece.
        suffix: the pieces' container.
        settings: everything that decides on the pieces' frames, for the comparison on resuming.
    """

    script: Path
    start: int
    end: int
    length: int
    rate: tuple[int, int] | None
    times: Sequence[int]
    ffmpeg: str
    encoder: Sequence[str]
    suffix: str
    settings: Mapping[str, Any]

    @property
    def pieces(self) -> list[tuple[int, int]]:
        """The first frame of every piece and the one after its last."""
        return [
            (first, min(first + self.length, self.end)) for first in range(self.start, self.end, self.length)
        ]


class Workshop:
    """The folder beside the output that holds the finished pieces; one process at a time works in it.

    Use it in a `with` statement. At its end the folder is free for others, and gone if it holds no finished
    piece.

    Args:
        folder: its path.
        plan: what is to be made.

    Raises:
        CommandError: another process is at work in it.
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._sizes: dict[str, int] = {}
        self._folder.mkdir(exist_ok=True)
        try:
            self._lock = Lock(self._folder / _LOCK)
        except BlockingIOError:
            raise CommandError(
                f"another run of vsdeoldify is at work on this film in {folder}: wait for its end or stop it"
            ) from None

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *error: object) -> None:
        # By the files, not by the manifest: it may not have been read yet.
        if not self._has_whole_pieces():
            self.remove()
        self._lock.release()

    def prepare(self, *, resume: bool, overwrite: bool) -> int:
        """Take up the pieces of an interrupted run, or begin with none.

        Returns:
            How many pieces are there already.

        Raises:
            CommandError: there is an unfinished film and the options do not say what to do with it, or it was
                made with other settings, or nothing tells with which.
        """
        old = self._read_manifest()
        if old is None and not overwrite and self._has_whole_pieces():
            raise CommandError(
                f"{self._folder} holds pieces of a film, but no {_MANIFEST} that can be read and tells what "
                "they are: move it away, or give --overwrite to start again"
            )
        if old is not None and not overwrite:
            self._sizes = old["pieces"]
            finished = self._finished()
            if finished and not resume:
                raise CommandError(
                    f"{self._folder} holds an unfinished film of an earlier run: add --resume to go on with "
                    "it, or --overwrite to start again"
                )
            if finished and old["settings"] != dict(self._plan.settings):
                names = sorted(
                    key
                    for key in {*old["settings"], *self._plan.settings}
                    if old["settings"].get(key) != self._plan.settings.get(key)
                )
                raise CommandError(
                    f"{self._folder} was made with other settings ({', '.join(names)}): give the same ones "
                    "to go on with it, or --overwrite to start again"
                )
            if finished:
                return finished
        self._clear()
        self._sizes = {}
        self._write_manifest()
        return 0

    def piece(self, index: int) -> Path:
        """Where a finished piece lies."""
        return self._folder / f"{index:06}{self._plan.suffix}"

    def part(self, index: int) -> Path:
        """Where a piece is written."""
        return self._folder / f"{index:06}.part{self._plan.suffix}"

    def finish_piece(self, index: int) -> None:
        """Give a piece its name, once its data are on the disk."""
        part = self.part(index)
        flush_to_disk(part)
        self._sizes[str(index)] = part.stat().st_size
        part.replace(self.piece(index))
        self._write_manifest()

    def shortage(self) -> str | None:
        """What to tell if the film will not fit on the disk, as far as the finished pieces show."""
        sizes = [self._sizes[str(index)] for index in range(self._finished())]
        if not sizes:
            return None
        # The joined film needs the room of all its pieces once more.
        needed = sum(sizes) / len(sizes) * len(self._plan.pieces) * 2 - sum(sizes)
        free = shutil.disk_usage(self._folder).free
        if needed <= free:
            return None
        return (
            f"about {format_size(needed)} more are needed and {format_size(free)} are free where "
            f"{self._folder} lies: make room in time, else the film stops there and goes on with --resume"
        )

    def write_list(self) -> Path:
        """The list of all pieces for ffmpeg's concat demuxer."""
        lines = ["ffconcat version 1.0"]
        for index, (first, end) in enumerate(self._plan.pieces):
            lines.append(f"file '{self.piece(index).name}'")
            if self._plan.rate is None:
                lines.append(f"duration {(self._plan.times[end] - self._plan.times[first]) / 1e6:.6f}")
        path = self._folder / "list.ffconcat"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def remove(self) -> None:
        """Remove the folder, and nothing else that may lie there."""
        self._clear()
        self._sizes = {}
        self._lock.release(remove=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _clear(self) -> None:
        others = ("list.ffconcat", _MANIFEST, _MANIFEST + ".part")
        for path in (
            *self._pieces(),
            *(self._folder / name for name in others),
            *self._folder.glob("joined.part.*"),
        ):
            path.unlink(missing_ok=True)

    def _pieces(self) -> list[Path]:
        return [*self._folder.glob("[0-9]*.mov"), *self._folder.glob("[0-9]*.mp4")]

    def _has_whole_pieces(self) -> bool:
        return any(".part" not in path.name for path in self._pieces())

    def _finished(self) -> int:
        """The number of whole pieces from the first on."""
        for index in range(len(self._plan.pieces)):
            size = self._sizes.get(str(index))
            try:
                if size is None or self.piece(index).stat().st_size != size:
                    return index
            except OSError:
                return index
        return len(self._plan.pieces)

    def _read_manifest(self) -> dict[str, Any] | None:
        try:
            manifest = json.loads((self._folder / _MANIFEST).read_text(encoding="utf-8"))
            return {"settings": dict(manifest["settings"]), "pieces": dict(manifest["pieces"])}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write_manifest(self) -> None:
        text = json.dumps({"settings": dict(self._plan.settings), "pieces": self._sizes}, indent=1)
        temporary = self._folder / (_MANIFEST + ".part")
        temporary.write_text(text, encoding="utf-8")
        flush_to_disk(temporary)
        temporary.replace(self._folder / _MANIFEST)


def render_pieces(plan: Plan, workshop: Workshop, finished: int, progress: Progress) -> None:
    """Render and encode the pieces that are missing.

    Args:
        plan: what is to be made.
        workshop: where the pieces go.
        finished: number of pieces that are there.
        progress: told the number of frames that are done.

    Raises:
        CommandError: the script or ffmpeg failed; the pieces that are done stay.
    """
    pieces = plan.pieces
    if finished == len(pieces):
        return
    first = pieces[finished][0]
    with render_process("frames", plan.script, str(first), str(plan.end)) as renderer:
        frames = FrameReader(renderer.output)
        if frames.header is None:
            raise renderer.error()
        done = first - plan.start
        warned = False
        for index in range(finished, len(pieces)):
            with _encoder(plan, workshop.part(index)) as encoder:
                for header, picture in _with_headers(plan, frames, *pieces[index], renderer):
                    try:
                        encoder.input.write(header)
                        encoder.input.write(picture)
                    except OSError:
                        raise encoder.error() from None
                    done += 1
                    progress.update(done)
                encoder.finish()
            workshop.finish_piece(index)
            if not warned and (shortage := workshop.shortage()):
                progress.say(f"note: {shortage}")
                warned = True


def _with_headers(
    plan: Plan, frames: FrameReader, first: int, end: int, renderer: "Process"
) -> Iterator[tuple[bytes, bytes]]:
    """The frames of a piece, each with what stands before it in ffmpeg's input."""
    for number in range(first, end):
        picture = frames.read()
        if picture is None:
            raise renderer.error()
        if plan.rate is None:
            start = matroska_header(frames) if number == first else b""
            time = plan.times[number] - plan.times[first]
            yield start + matroska_frame_head(time, len(picture)), picture
        else:
            start = y4m_header(frames, plan.rate) if number == first else b""
            yield start + b"FRAME\n", picture


def _encoder(plan: Plan, path: Path) -> "contextlib.AbstractContextManager[Process]":
    variable = plan.rate is None
    command = [
        plan.ffmpeg,
        *("-hide_banner", "-v", "error", "-y"),
        *("-f", "matroska" if variable else "yuv4mpegpipe", "-i", "pipe:0"),
        *(("-fps_mode", "passthrough", "-enc_time_base", "1/1000000") if variable else ()),
        *plan.encoder,
        *(("-video_track_timescale", "1000000") if variable else ()),
        file_argument(path),
    ]
    return process("ffmpeg", command, part=path)


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

    def finish(self) -> None:
        """Close the program's input and wait for its end.

        Raises:
            CommandError: it failed.
        """
        with contextlib.suppress(BrokenPipeError):
            self.input.close()
        if self._running.wait() != 0:
            raise self.error()

    def error(self) -> CommandError:
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
            return CommandError(json.loads(marked[-1]))
        return failure(self._name, code, "\n".join(text.splitlines()[-20:]))


@contextlib.contextmanager
def process(name: str, command: Sequence[str], part: Path | None = None, **options: Any) -> Iterator[Process]:
    """Run a program; it does not outlive the block, nor does its unfinished file.

    Args:
        name: what people call it.
        command: the program and its arguments.
        part: a file that it writes, removed if the block fails.
        **options: for `subprocess.Popen`.
    """
    import tempfile

    with tempfile.TemporaryFile() as log:
        # Ctrl-C reaches this process only, which then ends the others.
        alone = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        try:
            running = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, **alone, **options
            )
        except OSError as error:
            raise CommandError(f"{name} cannot be started: {error}") from error
        try:
            yield Process(name, running, log)
        except BaseException:
            running.kill()
            running.wait()
            if part is not None:
                part.unlink(missing_ok=True)
            raise
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
            for pipe in (running.stdin, running.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


def render_process(action: str, *arguments: str | Path) -> "contextlib.AbstractContextManager[Process]":
    """Run an action of `vsdeoldify.cli.render` in a process of its own."""
    package = Path(__file__).resolve().parents[2]
    # The same package as this one, and no module that happens to lie beside the film.
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    return process(
        "the rendering process",
        [sys.executable, "-P", "-m", "vsdeoldify.cli.render", action, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def flush_to_disk(path: Path) -> None:
    """Wait until a file's data are on the disk: after a power cut, what has its final name is whole."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def digest(text: str) -> str:
    """A short sum of a text, to see whether it has changed."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
