"""The pieces of a film: a folder that holds those that are done, whatever their order.

A piece that is done has a name that says which frames it holds and, by a sum, what decided on them: no list
of pieces could be lost or disagree with what lies there. What is cut off never gets such a name. Every piece
starts with a key frame and its frames depend neither on the other pieces nor on where the rendering began,
so a film that was interrupted, or whose pieces were made by several machines, decodes to the same frames as
one that was made at one go.
"""

import contextlib
import hashlib
import json
import re
import shutil
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

from ..support.errors import FilmError
from ..support.files import Lock, put_in_place, write_whole
from ..support.words import format_size
from .job import Job, Place

Span = tuple[int, int]
"""The first frame and the one after the last."""

_KEPT = 2
"""How many times a film's room the pieces of earlier runs may take beside it."""

_JOB = "job.json"
_LOCK = "lock"
_LIST = "list.ffconcat"
_WHOLE = re.compile(r"(\d+)-(\d+)\.[0-9a-f]{16}\.\w+")
_PART = re.compile(r"\d+-\d+\.[0-9a-f]+\.part\.\w+|(?:joined|sound)\.part\.\w+|\.[0-9a-f]{12}\.part")
# Version 4.0 numbered the pieces and kept what they are in a list.
_OLD_PIECE, _OLD_LIST = re.compile(r"\d{6}(?:\.part)?\.(?:mov|mp4)"), "pieces.json"


@dataclass(frozen=True)
class Plan:
    """What is to be made, and by what on this machine.

    Attributes:
        job: what is to be made.
        place: where this machine has what it needs.
        length: frames of a piece.
        script: the VapourSynth script, a file.
        rate: frames per second as numerator and denominator, or None for a variable rate.
        times: of a variable rate: microseconds of every frame of the film and of its end.
        suffix: the pieces' container, ".mov", ".mp4" or ".nut".
        location: where the chroma of 4:2:0 lies, a code of ITU-T H.273.
        limits: frames with which a piece begins, rising, so that what lies between two of them can be made
            again by itself.
    """

    job: Job
    place: Place
    length: int
    script: Path
    rate: tuple[int, int] | None
    times: Sequence[int]
    suffix: str
    location: int = 0
    limits: Sequence[int] = ()

    def seconds(self, first: int, last: int) -> Fraction:
        """The time from one frame to another."""
        if self.rate is None:
            return Fraction(self.times[last] - self.times[first], 1_000_000)
        return Fraction((last - first) * self.rate[1], self.rate[0])

    @property
    def ffmpeg(self) -> str:
        """The program."""
        return self.place.ffmpeg

    @property
    def start(self) -> int:
        """First frame of the range."""
        return self.job.first

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.job.end

    @property
    def encoder(self) -> Sequence[str]:
        """ffmpeg's options that encode a piece."""
        return self.job.encoder


@dataclass(frozen=True)
class Claim:
    """Somebody's attempt at a piece.

    Attributes:
        number: of the piece.
        first: its first frame.
        end: the frame after its last.
        path: where this attempt is written, and no other.
    """

    number: int
    first: int
    end: int
    path: Path


def pieces_folder(output: Path) -> Path:
    """Where the finished pieces of a film lie, beside its output."""
    return output.with_name(output.name + ".unfinished")


def begun_every(folder: Path) -> dict[str, int] | None:
    """How far apart the key frames are of the film that was begun in a folder of pieces.

    Returns:
        The parameter `every`; without it where every frame is coloured and nothing is said of it. None
        where no film was begun there, or each scene has its own settings.
    """
    try:
        colours = json.loads((folder / _JOB).read_text(encoding="utf-8"))["job"]["colours"]["ddeoldify"]
        return {"every": int(colours["every"])} if "every" in colours else {}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def whole_pieces(folder: Path) -> list[tuple[int, int, Path]]:
    """The finished pieces in a folder: the first frame, the one after the last, and the file of each.

    Raises:
        OSError: it cannot be looked into.
    """
    return [
        (int(match[1]), int(match[2]), path)
        for path in folder.iterdir()
        if (match := _WHOLE.fullmatch(path.name)) is not None
    ]


class Workshop:
    """The folder beside the output that holds the finished pieces.

    One process at a time holds it, and gives pieces their names; whoever makes pieces for that process (this
    process, other threads, other machines) claims them from it. All methods may be called from any thread.

    Use it in a `with` statement. At its end the folder is free for others, and gone if it holds no finished
    piece.

    Args:
        folder: its path.
        plan: what is to be made.

    Raises:
        FilmError: another process is at work in it.
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._guard = RLock()
        self._gone = False
        self._spans: list[Span] = []
        self._done: dict[int, Path] = {}
        self._sizes: dict[str, int] = {}
        self._joined: dict[str, Any] = {}
        self._folder.mkdir(exist_ok=True)
        try:
            self._lock = Lock(self._folder / _LOCK)
        except BlockingIOError:
            raise FilmError(
                f"another run of vsdeoldify is at work on this film in {folder}: wait for its end or stop it"
            ) from None

    def __enter__(self) -> "Workshop":
        # Nobody else is at work here now: what lies half done was cut off.
        with contextlib.suppress(OSError):
            self._unlink(_PART)
        return self

    def __exit__(self, *error: object) -> None:
        if self._gone:
            return  # Another process may be at work under the same name by now.
        # By the files alone: what they are may not have been looked at yet.
        if not (self._holds(_WHOLE) or self._holds(_OLD_PIECE)):
            self.remove()
        self._lock.release()

    def prepare(self, *, resume: bool, overwrite: bool) -> int:
        """Take up the pieces of an interrupted run, or begin with none.

        Args:
            resume: go on with what is there.
            overwrite: drop what is there.

        Returns:
            How many frames are done already.

        Raises:
            FilmError: there is an unfinished film and the options do not say what to do with it, or it is
                another one; the message says in what it differs.
        """
        with self._guard:
            whole = self._whole()
            joined = self._description().get("joined")
            self._joined = joined if isinstance(joined, dict) and not overwrite else {}
            if not overwrite:
                self._check(whole, resume)
            if overwrite:
                self._clear()
                whole = {}
            self._take_up(whole)
            self._write_job()
            return sum(end - first for first, end in (self._spans[number] for number in self._done))

    @property
    def folder(self) -> Path:
        """The folder."""
        return self._folder

    @property
    def pieces(self) -> list[Span]:
        """The pieces of the film, in order; those that were there already as they are."""
        return list(self._spans)

    def missing(self) -> list[int]:
        """Numbers of the pieces that are not done, in order."""
        with self._guard:
            return [number for number in range(len(self._spans)) if number not in self._done]

    def outdated(self) -> int:
        """How many finished pieces lie here that were made with other scenes or references."""
        with self._guard:
            return sum(
                name != self._name(int(match[1]), int(match[2]))
                for name in self._names()
                if (match := _WHOLE.fullmatch(name))
            )

    def claim(self, number: int) -> Claim:
        """Begin an attempt at a piece; several may be under way, and the first that is delivered counts.

        Args:
            number: of a piece that is missing.
        """
        first, end = self._spans[number]
        attempt = uuid4().hex[:8]
        name = f"{first:06}-{end:06}.{attempt}.part{self._plan.suffix}"
        return Claim(number, first, end, self._folder / name)

    def deliver(self, claim: Claim) -> bool:
        """Take in an attempt whose file is all written, in any order.

        Returns:
            Whether it counts: not where another attempt was delivered before, whose file stays.

        Raises:
            OSError: the file cannot be flushed or renamed.
        """
        with self._guard:
            if claim.number in self._done:
                claim.path.unlink(missing_ok=True)
                return False
            path = self._folder / self._name(claim.first, claim.end)
            self._sizes[path.name] = claim.path.stat().st_size
            put_in_place(claim.path, path)
            self._done[claim.number] = path
            self._write_job()
            return True

    def shortage(self) -> str | None:
        """What to say if the film will not fit on the disk, as far as the finished pieces show."""
        with self._guard:
            frames = sum(self._spans[number][1] - self._spans[number][0] for number in self._done)
            size = sum(path.stat().st_size for path in self._done.values())
        if not frames:
            return None
        # The joined film needs the room of all its pieces once more.
        needed = size / frames * (self._plan.end - self._plan.start) * 2 - size
        free = shutil.disk_usage(self._folder).free
        if needed <= free:
            return None
        return (
            f"about {format_size(needed)} more are needed and {format_size(free)} are free where "
            f"{self._folder} lies: make room in time, else the film stops there and goes on with --resume"
        )

    def is_joined(self, output: Path, how: str) -> bool:
        """Whether a film is there that was joined of just these pieces, and has not been touched since.

        Args:
            output: the film.
            how: what else decides on it, in any words.
        """
        with self._guard:
            return not self.missing() and self._joined == self._joint(output, how)

    def note_joined(self, output: Path, how: str) -> None:
        """Write down of what a film was joined, and drop the oldest pieces where many are of no use to it."""
        with self._guard:
            self._drop_oldest()
            self._joined = self._joint(output, how)
            self._write_job()

    def _drop_oldest(self) -> None:
        """Keep of the pieces of earlier runs the latest ones, for those who change their mind."""
        used = {path.name for path in self._done.values()}
        room = _KEPT * sum(path.stat().st_size for path in self._done.values())
        old = [self._folder / name for name in self._names() if _WHOLE.fullmatch(name) and name not in used]
        for path in sorted(old, key=lambda path: path.stat().st_mtime_ns, reverse=True):
            room -= path.stat().st_size
            if room < 0:
                path.unlink()
                self._sizes.pop(path.name, None)

    def _joint(self, output: Path, how: str) -> dict[str, Any]:
        pieces = [self._done[number].name for number in range(len(self._spans))]
        try:
            state = output.stat()
        except OSError:
            return {"missing": str(output)}
        text = json.dumps([pieces, how])
        made_of = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
        return {"of": made_of, "size": state.st_size, "time": state.st_mtime_ns}

    def write_list(self) -> Path:
        """The list of all pieces for ffmpeg's concat demuxer."""
        lines = ["ffconcat version 1.0"]
        for number, (first, end) in enumerate(self._spans):
            lines.append(f"file '{self._done[number].name}'")
            if self._plan.rate is None:
                lines.append(f"duration {(self._plan.times[end] - self._plan.times[first]) / 1e6:.6f}")
            elif self._plan.suffix == ".nut":
                # That container does not know how long its last frame lasts.
                lines.append(f"duration {(end - first) * self._plan.rate[1] / self._plan.rate[0]:.6f}")
        path = self._folder / _LIST
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def remove(self) -> None:
        """Remove the folder, and nothing else that may lie there."""
        with self._guard:
            self._gone = True
            self._clear()
            self._lock.release(remove=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _check(self, whole: dict[Span, Path], resume: bool) -> None:
        """Refuse what is not to be gone on with."""
        others = not whole and self._holds(_WHOLE)
        if not (whole or others) and self._holds(_OLD_PIECE):
            raise FilmError(
                f"{self._folder} holds an unfinished film of vsdeoldify 4.0, with which this version "
                "cannot go on: finish it with that version, or give --overwrite to start again"
            )
        if not (whole or others):
            return
        if not resume:
            raise FilmError(
                f"{self._folder} holds an unfinished film of an earlier run: add --resume to go on with "
                "it, or --overwrite to start again"
            )
        before = self._read_job()
        # A piece that is ours shows that all but the scenes is as it was.
        if before is None and others:
            raise FilmError(
                f"{self._folder} was made with other settings, and its {_JOB} that could say which cannot be "
                "read: move the folder away, or give --overwrite to start again"
            )
        if before is not None and (different := self._plan.job.differences(before)):
            raise FilmError(
                f"{self._folder} was made with other settings ({'; '.join(different)}): give the same ones "
                "to go on with it, or --overwrite to start again"
            )

    def _whole(self) -> dict[Span, Path]:
        """The pieces that hold what the plan asks for, by their frames."""
        self._sizes = self._read_sizes()
        found: dict[Span, Path] = {}
        for name in self._names():
            if (match := _WHOLE.fullmatch(name)) is None:
                continue
            span, path = (int(match[1]), int(match[2])), self._folder / name
            if not self._plan.start <= span[0] < span[1] <= self._plan.end:
                continue
            size = path.stat().st_size
            if name == self._name(*span) and size and size == self._sizes.get(name, size):
                found[span] = path
        return found

    def _take_up(self, whole: dict[Span, Path]) -> None:
        """Cut the film into pieces around those that are there."""
        self._spans, self._done = [], {}
        reached = self._plan.start
        for span, path in sorted(whole.items(), key=lambda item: (item[0][0], -item[0][1])):
            if span[0] < reached:
                continue  # The film was cut otherwise before, and another piece holds these frames.
            self._spans += _cut(reached, span[0], self._plan)
            self._done[len(self._spans)] = path
            self._spans.append(span)
            reached = span[1]
        self._spans += _cut(reached, self._plan.end, self._plan)

    def _name(self, first: int, end: int) -> str:
        return f"{first:06}-{end:06}.{self._plan.job.piece_digest(first, end)}{self._plan.suffix}"

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir())

    def _clear(self) -> None:
        for name in (_JOB, _LIST, _OLD_LIST):
            (self._folder / name).unlink(missing_ok=True)
        for pattern in (_WHOLE, _PART, _OLD_PIECE):
            self._unlink(pattern)
        self._done, self._sizes = {}, {}

    def _holds(self, pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(name) for name in self._names())

    def _unlink(self, pattern: re.Pattern[str]) -> None:
        for name in filter(pattern.fullmatch, self._names()):
            try:
                (self._folder / name).unlink(missing_ok=True)
            except PermissionError:
                if pattern is not _PART:
                    raise
                # On Windows: somebody who was left behind still writes it.

    def _read_job(self) -> Job | None:
        """The job of the pieces that lie here, to say in what it differs; None where that cannot be read."""
        try:
            return Job.from_json(json.dumps(self._description()["job"]))
        except (KeyError, TypeError, ValueError):
            return None

    def _read_sizes(self) -> dict[str, int]:
        sizes = self._description().get("sizes")
        return sizes if isinstance(sizes, dict) else {}

    def _description(self) -> dict[str, Any]:
        try:
            description = json.loads((self._folder / _JOB).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return description if isinstance(description, dict) else {}

    def _write_job(self) -> None:
        description = {"job": json.loads(self._plan.job.to_json()), "sizes": self._sizes}
        if self._joined:
            description["joined"] = self._joined
        write_whole(self._folder / _JOB, json.dumps(description, indent=1).encode())


def _cut(first: int, end: int, plan: Plan) -> Iterable[Span]:
    limits = plan.limits[bisect_right(plan.limits, first) : bisect_left(plan.limits, end)]
    for begin, stop in pairwise([first, *limits, end]):
        for n in range(begin, stop, plan.length):
            yield n, min(n + plan.length, stop)
