"""A lock that only one process holds, and that goes with the process however it ends."""

import errno
import os
import sys
from pathlib import Path


class Lock:
    """A locked file; what it holds does not matter.

    Args:
        path: the file, made if it is not there.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            _lock(self._file)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                self.release()
                raise BlockingIOError(errno.EAGAIN, "is in use", str(path)) from None
            # A file system without locks, as some network drives: as good as it gets.

    def release(self, *, remove: bool = False) -> None:
        """Let go of the lock; nothing happens the second time.

        Args:
            remove: remove the file too.
        """
        if self._file is None:
            return
        # Windows removes no open file; elsewhere nobody may take the lock of a file that goes away.
        if remove and sys.platform != "win32":
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None
        if remove and sys.platform == "win32":
            self._path.unlink(missing_ok=True)


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
