"""Sheets for scrubbing: many small frames in one picture, made in the pass that finds the cuts."""

import hashlib
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..film.process import module_process, naming
from ..film.reel import Reel
from ..film.scenes import Scene, read_marks, scenes_of
from ..film.source import Film
from ..settings.params import StabParams
from ..support.errors import FilmError
from ..support.files import cache_folder, write_whole
from ..support.reporter import Reporter
from .child import COLUMNS, ROWS
from .looker import NAME

_WIDEST = 320
_MOST = 12_000
"""Frames on all sheets of a film: of a long one every second or third frame is shown."""
_INDEX = "index.json"
_FORMAT = 2


@dataclass(frozen=True)
class Sheets:
    """What is known of a film after one pass over it.

    Attributes:
        folder: where the sheets lie, as `0.jpg`, `1.jpg`, …
        width: of a frame on them.
        height: of a frame on them.
        step: every so many frames one is shown.
        count: how many sheets there are.
        firsts: the first frames of the scenes that were found.
        lumas: the mean luma of every frame, 0–1.
    """

    folder: Path
    width: int
    height: int
    step: int
    count: int
    firsts: tuple[int, ...]
    lumas: tuple[float, ...]

    def scenes(self, firsts: tuple[int, ...]) -> list[Scene]:
        """Scenes with these first frames."""
        return scenes_of(firsts, self.lumas)


def folder_of(film: Path) -> Path:
    """Where what the studio knows of a film lies; it can be made again at any time.

    Raises:
        FilmError: there is no place for it.
    """
    key = hashlib.sha256(str(film.resolve()).encode(errors="surrogateescape")).hexdigest()[:20]
    for base in (cache_folder(), Path(tempfile.gettempdir()) / "vsdeoldify"):
        if base is None:
            continue
        folder = base / "studio" / key
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        return folder
    raise FilmError("neither the cache folder nor the folder for temporary files can be written")


def make_sheets(film: Film, source: Mapping[str, Any], folder: Path, reporter: Reporter) -> Sheets:
    """The sheets of a film; those that an earlier run has made are taken.

    Args:
        film: the film.
        source: what `film.clips.told` says of it.
        folder: where they are kept.
        reporter: told how far it is.

    Raises:
        FilmError: the film cannot be read, or the sheets not be written.
    """
    size = _size(film)
    step = max(1, math.ceil(film.frames / _MOST))
    mark = [_FORMAT, str(film.path), state_of(film.reel or film.path), film.frames, *size, step]
    if (known := _known(folder, mark)) is not None:
        return known
    threshold = StabParams().tht_scen
    try:
        (folder / _INDEX).unlink(missing_ok=True)
        for old in folder.glob("*.jpg"):
            old.unlink()
        with (
            naming(film.path),
            module_process(
                NAME,
                "vsdeoldify.studio.child",
                *("sheets", json.dumps(dict(source)), str(folder), *map(str, (*size, step, threshold))),
            ) as child,
            reporter.stage(film.frames, "frames", title="looking for scenes") as stage,
        ):
            starts, lumas = read_marks(child, film, stage)
        count = math.ceil(math.ceil(film.frames / step) / (COLUMNS * ROWS))
        firsts = tuple(n for n, start in enumerate(starts) if start)
        made = Sheets(folder, *size, step, count, firsts, tuple(lumas))
        content = {"mark": mark, **asdict(made), "folder": None}
        write_whole(folder / _INDEX, json.dumps(content).encode())
    except OSError as error:
        raise FilmError(f"{error.filename or folder}: {error.strerror or error}") from error
    return made


def state_of(film: Path | Reel) -> str:
    """What changes when somebody writes a film's file, or one of a reel's pictures.

    Raises:
        OSError: it is not there any more.
    """
    if isinstance(film, Reel):
        return hashlib.sha256(repr(film.state()).encode()).hexdigest()[:20]
    state = film.stat()
    return f"{state.st_size} {state.st_mtime_ns}"


def _size(film: Film) -> tuple[int, int]:
    aspect = film.width / film.height * film.pixel_aspect
    width = min(_WIDEST, max(16, film.width // 2 * 2))
    return width, max(16, round(width / aspect / 2) * 2)


def _known(folder: Path, mark: list[object]) -> Sheets | None:
    try:
        content = json.loads((folder / _INDEX).read_bytes())
        if content.pop("mark") != mark or not all(
            (folder / f"{number}.jpg").is_file() for number in range(content["count"])
        ):
            return None
        content |= {name: tuple(content[name]) for name in ("firsts", "lumas")} | {"folder": folder}
        return Sheets(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
