"""Lists of scenes: the file that people edit, and what scripts hand over in its place.

The file is a table as spreadsheets write it: fields set apart by commas, semicolons or tabs, with a line of
titles. What counts are the columns `first` and `last`, the numbers of a scene's first and last frame, counted
from 0; where `last` is empty, the scene goes up to the next row. All other columns are for the eye.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..support.paths import user_path
from .values import integer

COLUMNS = ("first", "last", "length", "time", "luma")
"""The titles of the columns that are written."""

_MOST_FRAMES = 2**31 - 1
# No list is as long; a film that is given in a list's place must not be read to its end.
_LARGEST = 1 << 26
_WHAT = "a list of scenes, with the columns first and last"


class SceneRow(NamedTuple):
    """A scene as somebody wrote it.

    Attributes:
        place: what messages call it.
        first: its first frame.
        last: its last frame; None: the one before the next scene.
    """

    place: str
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Scenes:
    """A list of scenes that contradicts itself nowhere; only a clip can tell whether it is long enough.

    Attributes:
        firsts: the first frames of the scenes, rising, the first of them 0.
        end: the frame after the last scene; None: the clip's end.
        origin: what messages call the list.
    """

    firsts: tuple[int, ...]
    end: int | None
    origin: str

    def on(self, frames: int) -> tuple[int, ...]:
        """The first frames of the scenes of a clip.

        Args:
            frames: how many the clip has.

        Raises:
            ValueError: the list goes beyond the clip, or ends before it.
        """
        highest = self.firsts[-1] if self.end is None else self.end - 1
        if highest >= frames:
            raise ValueError(
                f"{self.origin} names frame {highest}, but the last frame is {frames - 1} (they count from 0)"
            )
        if self.end is not None and self.end < frames:
            raise ValueError(
                f"{self.origin} ends with frame {self.end - 1}, but the last frame is {frames - 1}: is it "
                "another film's list?"
            )
        return self.firsts


def check_scenes(scenes: object) -> Scenes:
    """The list that somebody gave.

    Args:
        scenes: the path of a file, or a sequence of first frames or of pairs (first, last).

    Raises:
        TypeError: it is neither.
        ValueError: the file cannot be read, or the scenes overlap, leave frames out or are not in order.
    """
    if isinstance(scenes, (str, os.PathLike)):
        return read_scenes(user_path(os.fspath(scenes)))
    if isinstance(scenes, (bytes, Mapping)) or not isinstance(scenes, Iterable):
        raise TypeError(
            "scenes must be the path of a list of scenes, or a sequence of first frames or of pairs "
            f"(first, last), got {scenes!r}"
        )
    return check_rows([_item(f"scenes[{n}]", item) for n, item in enumerate(scenes)], "scenes")


def read_scenes(path: Path) -> Scenes:
    """The list in a file.

    Args:
        path: the file.

    Raises:
        ValueError: it cannot be read or is no such list, or the scenes overlap, leave frames out or are not
            in order; the message names the row.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"the list of scenes {path} cannot be read: {reason}") from None
    if len(data) > _LARGEST or (b"\0" in data and data[:2] not in (b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path} is not {_WHAT}")
    # Spreadsheets write UTF-8 with or without a mark, or UTF-16; what counts are digits.
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return check_rows(_rows(data.decode(encoding, errors="replace"), path.name), path.name)


def _rows(text: str, name: str) -> list[SceneRow]:
    lines = text.splitlines()
    titles = next((line for line in lines if line.strip()), "")
    separator = next((one for one in "\t;," if one in titles), ",")
    try:
        table = [
            (number, [cell.strip() for cell in cells])
            for number, cells in enumerate(csv.reader(lines, delimiter=separator), 1)
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error:
        raise ValueError(f"{name} is not {_WHAT}") from None
    if not table:
        raise ValueError(f"{name} holds no scene")
    columns = [title.lower() for title in table[0][1]]
    if _is_number(columns[0]):
        columns = ["first", "last"]
    else:
        del table[0]
    if "first" not in columns:
        raise ValueError(f"{name} is not {_WHAT}: its titles are {', '.join(columns)[:80]!r}")
    return [_row(f"row {number} of {name}", columns, cells) for number, cells in table]


def _row(place: str, columns: list[str], cells: list[str]) -> SceneRow:
    found: dict[str, int | None] = {}
    for title in ("first", "last"):
        index = columns.index(title) if title in columns else len(cells)
        text = cells[index] if index < len(cells) else ""
        if text and not _is_number(text):
            raise ValueError(f"{place}: {title} must be the number of a frame, got {text[:40]!r}")
        found[title] = int(float(text)) if text else None
    if (first := found["first"]) is None:
        raise ValueError(f"{place}: first must be the number of a frame, and is empty")
    return SceneRow(place, first, found["last"])


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,10}(?:\.0*)?", text, re.ASCII) is not None


def _item(place: str, item: object) -> SceneRow:
    if not isinstance(item, (str, bytes, Mapping)) and isinstance(item, Iterable):
        pair = list(item)
        if len(pair) != 2:
            raise ValueError(f"{place} must be a first frame or a pair (first, last), got {item!r}")
        first, last = (integer(place, number, 0, _MOST_FRAMES) for number in pair)
        return SceneRow(place, first, last)
    return SceneRow(place, integer(place, item, 0, _MOST_FRAMES), None)


def check_rows(rows: Sequence[SceneRow], origin: str) -> Scenes:
    """The list that rows make, the rows in the order in which somebody wrote them.

    Raises:
        ValueError: the scenes overlap, leave frames out or are not in order; the message names the row.
    """
    if not rows:
        raise ValueError(f"{origin} holds no scene")
    before: SceneRow | None = None
    for row in rows:
        if row.last is not None and row.last < row.first:
            raise ValueError(f"{row.place}: the scene ends with frame {row.last}, before it begins")
        if before is None:
            reached = 0 if row.last is not None else row.first
        else:
            if row.first <= before.first:
                raise ValueError(
                    f"{row.place} begins with frame {row.first}, and {before.place} with {before.first}: "
                    "scenes must be in order, each first frame once"
                )
            reached = row.first if before.last is None else before.last + 1
            if row.first < reached:
                raise ValueError(
                    f"{before.place} ends with frame {before.last}, and {row.place} begins with {row.first}: "
                    "scenes must not overlap"
                )
        if row.first > reached:
            left_out = f"frames {reached} to {row.first - 1} are"
            if row.first == reached + 1:
                left_out = f"frame {reached} is"
            raise ValueError(f"{row.place} begins with frame {row.first}: {left_out} in no scene")
        before = row
    assert before is not None
    firsts = tuple(row.first for row in rows)
    if firsts[0]:
        firsts = (0, *firsts)
    return Scenes(firsts, None if before.last is None else before.last + 1, origin)
