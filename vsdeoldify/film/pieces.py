"""Colour a film in pieces that survive an interruption, and join them without encoding again.

One process renders the frames of the whole range; one ffmpeg after the other encodes them, a piece of the
film each. A piece that is done keeps its name; what is cut off never gets one. The frames of a piece do not
depend on where the rendering began, and every piece starts with a key frame, so a film that was interrupted
decodes to the same frames as one that was not.
"""

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..support.errors import FilmError
from ..support.files import Lock, flush_to_disk
from ..support.words import format_size

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
        FilmError: another process is at work in it.
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
            raise FilmError(
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
            FilmError: there is an unfinished film and the options do not say what to do with it, or it was
                made with other settings, or nothing tells with which.
        """
        old = self._read_manifest()
        if old is None and not overwrite and self._has_whole_pieces():
            raise FilmError(
                f"{self._folder} holds pieces of a film, but no {_MANIFEST} that can be read and tells what "
                "they are: move it away, or give --overwrite to start again"
            )
        if old is not None and not overwrite:
            self._sizes = old["pieces"]
            finished = self._finished()
            if finished and not resume:
                raise FilmError(
                    f"{self._folder} holds an unfinished film of an earlier run: add --resume to go on with "
                    "it, or --overwrite to start again"
                )
            if finished and old["settings"] != dict(self._plan.settings):
                names = sorted(
                    key
                    for key in {*old["settings"], *self._plan.settings}
                    if old["settings"].get(key) != self._plan.settings.get(key)
                )
                raise FilmError(
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
