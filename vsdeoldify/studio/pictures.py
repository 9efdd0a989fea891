"""The references of a film in its studio: the pictures, and the strokes that they were made of."""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..settings.references import picture_name, read_folder
from ..support.files import write_whole

_MOST_STROKES, _MOST_POINTS = 500, 20_000


@dataclass(frozen=True)
class Reference:
    """A picture that corrects the colours of its scene.

    Attributes:
        number: of its frame.
        path: the file.
        stamp: what changes when somebody writes the file.
        strokes: a person's strokes that it was made of; None where it was made elsewhere.
    """

    number: int
    path: Path
    stamp: tuple[int, int]
    strokes: list[dict[str, Any]] | None


class Pictures:
    """The folder of references of a film.

    Args:
        folder: it need not be there.
        frames: how many the film has.
        offset: added to the number in a picture's name to get the frame's.
    """

    def __init__(self, folder: Path, frames: int, offset: int = 0) -> None:
        self.folder, self._frames, self._offset = folder, frames, offset

    def all(self) -> tuple[dict[int, Reference], str | None]:
        """The references by their frames, and what is wrong with the folder, if something is."""
        if not self.folder.is_dir():
            return {}, None
        try:
            found = read_folder(self.folder, self._frames, self._offset)
        except ValueError as error:
            holds_none = "holds no pictures" in str(error)
            return {}, None if holds_none else str(error)
        except OSError as error:
            return {}, f"{self.folder}: {error.strerror or error}"
        pictures = {}
        for number, path in found.items():
            with suppress(OSError):
                state = path.stat()
                stamp = state.st_mtime_ns, state.st_size
                pictures[number] = Reference(number, path, stamp, self._strokes(path, stamp))
        return pictures, None

    def path_of(self, number: int) -> Path:
        """Where the picture of a frame is, or is to be."""
        known = self.all()[0].get(number)
        return self.folder / picture_name(number - self._offset) if known is None else known.path

    def base_of(self, number: int) -> Path | None:
        """The picture from elsewhere that a person paints over; it is put by when they begin."""
        path = self.path_of(number)
        base = self._base(path)
        reference = self.all()[0].get(number)
        if reference is not None and reference.strokes is None:
            shutil.copyfile(path, base)
        return base if base.is_file() else None

    def note_strokes(self, number: int, strokes: Sequence[Mapping[str, Any]]) -> None:
        """Remember the strokes that the picture of a frame was made of, now that it is written."""
        path = self.path_of(number)
        state = path.stat()
        content = {"stamp": [state.st_mtime_ns, state.st_size], "strokes": list(strokes)}
        write_whole(self._notes(path), json.dumps(content).encode())

    def remove(self, number: int) -> None:
        """Remove the picture of a frame, and its strokes."""
        path = self.path_of(number)
        for one in (self._notes(path), self._base(path), path):
            one.unlink(missing_ok=True)

    def forget(self, number: int) -> None:
        """Forget the strokes of a frame: a picture from elsewhere takes its place."""
        path = self.path_of(number)
        for one in (self._notes(path), self._base(path)):
            one.unlink(missing_ok=True)

    def _strokes(self, path: Path, stamp: tuple[int, int]) -> list[dict[str, Any]] | None:
        try:
            content = json.loads(self._notes(path).read_bytes())
            if content["stamp"] != list(stamp):
                return None  # Somebody has changed the picture since.
            return check_strokes(content["strokes"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _notes(self, path: Path) -> Path:
        return path.with_suffix(".strokes.json")

    def _base(self, path: Path) -> Path:
        return path.with_name(f".base_{path.name}")


def check_strokes(given: object) -> list[dict[str, Any]]:
    """The strokes that the page sent; the colour of one that keeps the automatic colours is None.

    Raises:
        ValueError: they are none.
    """
    if not isinstance(given, list) or len(given) > _MOST_STROKES:
        raise ValueError(f"strokes must be a list of at most {_MOST_STROKES}")
    points = 0
    checked = []
    for stroke in given:
        if not isinstance(stroke, dict):
            raise ValueError("a stroke must have points, a radius and a colour")
        places = stroke.get("points")
        if not isinstance(places, list) or not places:
            raise ValueError("a stroke must have points")
        points += len(places)
        if points > _MOST_POINTS:
            raise ValueError(f"the strokes have more than {_MOST_POINTS} points")
        checked.append(
            {
                "points": [[_share(value) for value in _few(place, 2)] for place in places],
                "radius": min(max(_share(stroke.get("radius")), 0.001), 0.2),
                "rgb": _colour(stroke.get("rgb", ())),
            }
        )
    return checked


def _colour(value: object) -> list[int] | None:
    return None if value is None else [min(max(int(_number(one)), 0), 255) for one in _few(value, 3)]


def _few(value: object, count: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"a stroke holds {value!r} where {count} numbers belong")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise ValueError(f"a stroke holds {value!r} where a number belongs")
    return float(min(max(value, -1e6), 1e6))


def _share(value: object) -> float:
    return min(max(_number(value), 0.0), 1.0)
