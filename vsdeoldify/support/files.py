"""Locks, files that are whole or not there, and the folder for what can be made again.

Written by hand where a library is near, and kept so:

* filelock (it comes with torch) takes 0.17 s of CPU time to import, eight times what Python itself takes to
  start; it leaves lock files lying, since it does not look whether the file that it locked is still the one
  under the name; and it fails on file systems without locks, where a film would then not be coloured at all.
* platformdirs comes with none of our requirements, gives another folder on Windows than the one where
  people's model files lie since version 4, and has no answer where there is no home folder.
"""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


class Lock:
    """Holds a lock file, made if it is not there; the system frees it, whatever ends the process.

    Args:
        path: the file; what it holds does not matter.

    Raises:
        BlockingIOError: another process holds it, or another `Lock` of this one.
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT)
            try:
                _lock(file)
                # Whoever had the lock may have removed the file since it was opened here.
                if _is_at(file, path):
                    break
            except BaseException:
                os.close(file)
                raise
            os.close(file)
        self._file: int | None = file

    def release(self, *, remove: bool = False) -> None:
        """Let go of the lock; nothing happens the second time.

        Args:
            remove: remove the file too.
        """
        if self._file is None:
            return
        # POSIX: remove while holding the lock. Windows removes closed files only.
        if remove and sys.platform != "win32":
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None
        if remove and sys.platform == "win32":
            with suppress(OSError):
                self._path.unlink()


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: int) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise BlockingIOError(errno.EAGAIN, "another process holds the lock") from None
        # A file system without locks: better to go on than to refuse everything there.


def cache_folder() -> Path | None:
    """The user's cache folder for model files, or None where there is no home folder."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")  # noqa: PTH111
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")  # noqa: PTH111
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        # The XDG standard: a relative path there is invalid and to be ignored.
        if not os.path.isabs(base):  # noqa: PTH117
            base = os.path.expanduser("~/.cache")  # noqa: PTH111
    # Without a home folder expanduser (unlike Path.home, which raises) leaves the tilde in place.
    return Path(base, "vsdeoldify") if os.path.isabs(base) else None  # noqa: PTH117


def flush_to_disk(path: Path) -> None:
    """Wait until a file's data are on the disk: after a power cut, what has its final name is whole."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system offers that."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def put_in_place(part: Path, path: Path) -> None:
    """Give a finished file its name, in place of what may lie there; a power cut leaves one or the other.

    Args:
        part: the file, all of it written, in the same folder.
        path: its name.
    """
    flush_to_disk(part)
    part.replace(path)
    flush_folder(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there with all of its data, or as it was before.

    Args:
        path: the file; several may write it at once, and the last one wins.
        data: what it holds.

    Raises:
        OSError: it cannot be written; nothing is left of the attempt.
    """
    # A short name of its own: the file's may be as long as the system allows.
    part = path.with_name(f".{uuid4().hex[:12]}.part")
    try:
        part.write_bytes(data)
        put_in_place(part, path)
    finally:
        part.unlink(missing_ok=True)
