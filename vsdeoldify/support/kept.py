"""Large files that took long to make: kept in the user's cache folder, the oldest going first.

A file has its name only when it is whole, and ends with its own checksum: several processes may write, read
and remove at once, and what a failing disk or a full one has left is never taken for what was written.
"""

from __future__ import annotations

import mmap
import os
import shutil
import stat
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from .files import cache_folder

LIMIT_VARIABLE = "VSDEOLDIFY_COMPILED_GB"
"""How many gigabytes of compiled networks are kept; 0: none."""

_USUAL_LIMIT_GB = 6.0
# Left free on the disk, whatever the limit says.
_SPARED = 2_000_000_000
_SUFFIX = ".compiled"
_UNFINISHED = ".part"
# What a process that was killed has left is removed after this many seconds.
_ABANDONED = 3600.0
_BLOCK = 1 << 22
_TAIL = struct.Struct("<8sQIQ")
_MARK = b"vsdeold1"


def limit() -> int:
    """How many bytes may be kept; 0: nothing is. A value that is no number counts as none given."""
    try:
        asked = float(os.environ.get(LIMIT_VARIABLE, _USUAL_LIMIT_GB))
    except ValueError:
        asked = _USUAL_LIMIT_GB
    return int(max(asked, 0.0) * 1e9) if asked < float("inf") else 1 << 62


def kept_folder() -> Path | None:
    """Where the files lie, or None where nothing may be kept; it need not exist."""
    base = cache_folder()
    return base / "compiled" if base is not None and limit() > 0 else None


def kept_files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """The files that are kept, those first that were not used for the longest."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix == _SUFFIX:
                with suppress(OSError):
                    found.append((path, path.stat()))
    return sorted(found, key=lambda one: one[1].st_mtime_ns)


def note_of(key: str) -> int | None:
    """The number that a kept file was given, without reading its data; None where there is no file."""
    folder = kept_folder()
    if folder is None:
        return None
    try:
        with (folder / f"{key}{_SUFFIX}").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL.size))
            mark, length, _, note = _TAIL.unpack(file.read(_TAIL.size))
    except (OSError, struct.error):
        return None
    return int(note) if mark == _MARK and length == size - _TAIL.size else None


def read_kept(key: str) -> memoryview | None:
    """The data of a kept file, mapped into memory; None where there is none, or it is damaged.

    A damaged file is removed. The data may be written to, which changes the memory and not the file.
    """
    folder = kept_folder()
    if folder is None or note_of(key) is None:
        return None
    path = folder / f"{key}{_SUFFIX}"
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    except (OSError, ValueError):
        return None
    _, length, checksum, _ = _TAIL.unpack(data[-_TAIL.size :])
    content = data[:length]
    if zlib.crc32(content) != checksum:
        forget(key)
        return None
    with suppress(OSError):
        os.utime(path)
    return content


def keep(key: str, needed: int, note: int, write: Callable[[Path], Path]) -> bool:
    """Keep a file.

    Args:
        key: its name.
        needed: bytes that it will have, about.
        note: a number to keep with it, from 0.
        write: is given an empty folder, writes the file there and returns its path.

    Returns:
        Whether it is kept now. It is not where the limit or the disk is too small, or the disk fails.

    Raises:
        Exception: whatever `write` raises but `OSError`.
    """
    folder = kept_folder()
    if folder is None or needed > limit():
        return False
    part = folder / f".{uuid4().hex[:12]}{_UNFINISHED}"
    try:
        part.mkdir(parents=True)
        _make_room(folder, needed)
        if shutil.disk_usage(folder).free < needed + _SPARED:
            return False
        made = write(part)
        made.chmod(stat.S_IRUSR | stat.S_IWUSR)
        _seal(made, note)
        made.replace(folder / f"{key}{_SUFFIX}")
    except OSError:
        return False
    finally:
        shutil.rmtree(part, ignore_errors=True)
    _make_room(folder, 0)
    return True


def forget(key: str) -> None:
    """Remove a kept file; nothing happens where there is none."""
    if (folder := kept_folder()) is not None:
        with suppress(OSError):
            (folder / f"{key}{_SUFFIX}").unlink()


def empty() -> int:
    """Remove everything that is kept, unfinished files too.

    Returns:
        How many bytes that freed.
    """
    base = cache_folder()
    if base is None:
        return 0
    folder, freed = base / "compiled", 0
    for path, found in kept_files(folder):
        with suppress(OSError):
            path.unlink()
            freed += found.st_size
    _remove_unfinished(folder, 0.0)
    return freed


def _seal(path: Path, note: int) -> None:
    checksum = length = 0
    with path.open("rb+") as file:
        while block := file.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
            length += len(block)
        file.write(_TAIL.pack(_MARK, length, checksum, note))


def _make_room(folder: Path, needed: int) -> None:
    """Remove files until so many bytes more are within the limit."""
    _remove_unfinished(folder, _ABANDONED)
    files = kept_files(folder)
    total = sum(found.st_size for _, found in files) + needed
    for path, found in files:
        if total <= limit():
            break
        # Where the system does not remove a file that another process reads, the next one goes.
        with suppress(OSError):
            path.unlink()
            total -= found.st_size


def _remove_unfinished(folder: Path, age: float) -> None:
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix == _UNFINISHED:
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime >= age:
                        shutil.rmtree(path, ignore_errors=True)
