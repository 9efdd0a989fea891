"""Scanned reels: films that lie in a folder as numbered pictures."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..pictures.formats import PICTURE_SUFFIXES
from ..support.errors import FilmError

_SUFFIXES = PICTURE_SUFFIXES | {".dpx", ".cin", ".exr", ".j2k", ".jpg", ".pgm", ".pbm"}
_PLACE = re.compile(r"%(?:0(\d+))?d")
# Fewer numbered pictures beside a reel are a label or a test chart.
_FEW = 3
_NAMED = 3
_MARKED = 4096


@dataclass(frozen=True)
class Reel:
    """Numbered pictures that are a film.

    Attributes:
        folder: where they lie.
        before: what stands before the number in their names.
        digits: the number's width, filled with zeros; 0 where it is not filled.
        after: what stands behind the number.
        numbers: those of the pictures that are there, rising.
        rate: pictures per second.
        notes: what a person should know of the folder, in sentences.
    """

    folder: Path
    before: str
    digits: int
    after: str
    numbers: tuple[int, ...]
    rate: Fraction
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The pattern of the names, as ffmpeg and the source filter take it."""
        before, after = (text.replace("%", "%%") for text in (self.before, self.after))
        place = f"%0{self.digits}d" if self.digits else "%d"
        return Path(str(self.folder.absolute()).replace("%", "%%"), f"{before}{place}{after}")

    def file(self, frame: int) -> Path:
        """The picture of a frame."""
        return self.folder / f"{self.before}{self.numbers[frame]:0{self.digits}d}{self.after}"

    @property
    def runs(self) -> list[tuple[int, int]]:
        """Stretches without a missing number: the first one of each, and how many."""
        starts = [0, *(n for n, (a, b) in enumerate(pairwise(self.numbers), 1) if b > a + 1)]
        return [(self.numbers[first], end - first) for first, end in pairwise([*starts, len(self.numbers)])]

    def arguments(self, cache: Path | None = None) -> list[dict[str, Any]]:
        """The arguments of `bs.VideoSource` for each of the runs.

        Args:
            cache: folder of the source filter's index, for this state of the pictures alone; None for none.
        """
        # The index of a pattern knows nothing of the files: it may be of others.
        source: dict[str, Any] = {"source": str(self.path), "variableformat": 0}
        runs = [source | {"start_number": first} for first, _ in self.runs]
        if cache is None:
            return [run | {"cachemode": 0} for run in runs]
        return [run | {"cachepath": str(cache / str(number))} for number, run in enumerate(runs)]

    def mark(self) -> tuple[int, str]:
        """The size of all pictures, and a sum of their content: quick, however many and large they are.

        Raises:
            FilmError: one cannot be read.
        """
        total, digest = 0, hashlib.sha256()
        for frame, number in enumerate(self.numbers):
            path = self.file(frame)
            try:
                with path.open("rb") as file:
                    size = path.stat().st_size
                    digest.update(f"{number - self.numbers[0]} {size} ".encode())
                    for place in (0, size // 2, max(0, size - _MARKED)):
                        file.seek(place)
                        digest.update(file.read(_MARKED))
            except OSError as error:
                raise FilmError(f"{path} cannot be read: {error.strerror or error}") from error
            total += size
        return total, digest.hexdigest()

    def state(self) -> list[tuple[int, int]]:
        """Sizes and times of the files, to see whether they have changed."""
        states = (self.file(frame).stat() for frame in range(len(self.numbers)))
        return [(state.st_size, state.st_mtime_ns) for state in states]


def is_pattern(path: Path) -> bool:
    """Whether a path stands for numbered pictures, such as `scan_%06d.dpx`."""
    return len(_PLACE.findall(path.name.replace("%%", ""))) == 1 and not path.exists()


def find_reel(path: Path, rate: Fraction) -> Reel:
    """The reel in a folder, or the one that a pattern names.

    Args:
        path: a folder, or a pattern as `is_pattern` knows it.
        rate: pictures per second.

    Raises:
        FilmError: there is none, or several in one folder.
    """
    folder = path if path.is_dir() else path.parent
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise FilmError(f"{folder} cannot be read: {error.strerror or error}") from None
    pictures = [name for name in names if not name.startswith(".") and Path(name).suffix.lower() in _SUFFIXES]
    if not path.is_dir():
        reel = _of_pattern(path, names, rate)
        if not reel.numbers:
            raise FilmError(f"{path} names no picture that is there")
        return _with_gaps(reel)
    reels = _sorted_out(folder, pictures, rate)
    if not reels:
        raise FilmError(f"{folder} holds no numbered pictures, such as scan_0001.dpx")
    large = [reel for reel in reels if len(reel.numbers) >= _FEW] or reels
    if len(large) > 1:
        shown = ", ".join(f"{reel.path.name} ({len(reel.numbers)})" for reel in large[:_NAMED])
        more = f" and {len(large) - _NAMED} more" if len(large) > _NAMED else ""
        raise FilmError(
            f"{folder} holds {len(large)} reels: {shown}{more}; give the one that is meant, as in "
            f'"{folder / large[0].path.name}"'
        )
    reel = large[0]
    own = {reel.file(frame).name for frame in range(len(reel.numbers))}
    if others := [name for name in names if name not in own and not name.startswith(".")]:
        shown = ", ".join(others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        note = f"{shown}{more} in {folder}: no part of the reel {reel.path.name}, left out"
        reel = replace(reel, notes=(note,))
    return _with_gaps(reel)


def _of_pattern(path: Path, names: Iterable[str], rate: Fraction) -> Reel:
    # The doubled sign stands for itself.
    hidden = path.name.replace("%%", "\0")
    place = _PLACE.search(hidden)
    assert place is not None
    before, after = (text.replace("\0", "%") for text in (hidden[: place.start()], hidden[place.end() :]))
    reel = Reel(path.parent, before, int(place[1] or 0), after, (), rate)
    numbers = []
    for name in names:
        if name.startswith(before) and name.endswith(after):
            text = name[len(before) : len(name) - len(after)]
            if text.isascii() and text.isdecimal() and f"{int(text):0{reel.digits}d}" == text:
                numbers.append(int(text))
    return replace(reel, numbers=tuple(sorted(numbers)))


def _sorted_out(folder: Path, names: Sequence[str], rate: Fraction) -> list[Reel]:
    """All reels in a folder, the longest first."""
    alike: dict[tuple[str, ...], list[list[str]]] = {}
    for name in names:
        stem, suffix = Path(name).stem, Path(name).suffix
        parts = re.split(r"([0-9]+)", stem)
        if len(parts) > 1:
            alike.setdefault((*parts[::2], suffix), []).append(parts)
    reels = []
    for (*_, suffix), group in alike.items():
        places = range(1, len(group[0]), 2)
        # Where several numbers differ, the last one counts the pictures.
        varying = [place for place in places if len({parts[place] for parts in group}) > 1]
        place = varying[-1] if varying else places[-1]
        by_rest: dict[tuple[str, str], list[str]] = {}
        for parts in group:
            rest = "".join(parts[:place]), "".join(parts[place + 1 :]) + suffix
            by_rest.setdefault(rest, []).append(parts[place])
        for (before, after), texts in by_rest.items():
            filled = [len(text) for text in texts if text.startswith("0") and len(text) > 1]
            digits = min(filled) if filled else 0
            numbers = sorted(int(text) for text in texts if f"{int(text):0{digits}d}" == text)
            reels.append(Reel(folder, before, digits, after, tuple(numbers), rate))
    return sorted(reels, key=lambda reel: (-len(reel.numbers), reel.before))


def _with_gaps(reel: Reel) -> Reel:
    gaps = [(a + 1, b - 1) for a, b in pairwise(reel.numbers) if b > a + 1]
    if not gaps:
        return reel
    count = sum(last - first + 1 for first, last in gaps)
    shown = ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in gaps[:_NAMED])
    more = f" and {len(gaps) - _NAMED} more gaps" if len(gaps) > _NAMED else ""
    note = (
        f"{count} picture{'s are' if count > 1 else ' is'} missing in {reel.path.name} "
        f"(number {shown}{more}): the film goes on there without a gap"
    )
    return replace(reel, notes=(*reel.notes, note))
