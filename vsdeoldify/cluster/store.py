"""Files that were sent to this machine, by their sums: each is sent once, and goes on where it broke off."""

import hashlib
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ..support.errors import FilmError
from ..support.files import flush_to_disk
from ..support.words import format_size

CHUNK = 16 << 20
"""Bytes that are sent at once."""
_KEPT = 7 * 24 * 3600
"""Seconds: files that nobody used for so long are removed when a worker starts."""
_ROOM = 256 << 20
"""Bytes that are to stay free on the disk."""


class Store:
    """A folder of files by their sums.

    Args:
        folder: the folder, made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def host(self) -> str:
        """A name for this folder, the same for all workers that share it and for no other."""
        file = self._folder / "host"
        with suppress(FileExistsError):
            part = self._folder / f".{uuid4().hex[:12]}.part"
            part.write_text(uuid4().hex)
            try:
                # Unlike a rename, this fails where another worker was quicker.
                os.link(part, file)
            except OSError:
                if not file.exists():
                    part.replace(file)
            finally:
                part.unlink(missing_ok=True)
        return file.read_text()

    def path(self, digest: str, suffix: str) -> Path:
        """Where a file lies, or will."""
        return self._folder / f"{digest}{suffix}"

    def have(self, digest: str, suffix: str, size: int) -> int:
        """How many of a file's bytes are there; all of them only where the sum is right.

        Raises:
            FilmError: the rest does not fit on the disk.
        """
        path = self.path(digest, suffix)
        if path.is_file():
            with suppress(OSError):
                os.utime(path)
            return size
        part = self._part(digest)
        there = part.stat().st_size if part.is_file() else 0
        free = shutil.disk_usage(self._folder).free
        if size - there + _ROOM > free:
            raise FilmError(
                f"the film of {format_size(size)} does not fit there: {format_size(free)} are free in "
                f"{self._folder}; start that worker with --folder on a larger disk"
            )
        # The last chunk may have been cut off by a loss of power.
        return min(there, size)

    def receive(self, digest: str, suffix: str, offset: int, data: bytes) -> int:
        """Take in some bytes of a file.

        Returns:
            How many are there now: whoever sent others goes on from there.
        """
        if self.path(digest, suffix).is_file():
            return offset + len(data)
        with self._part(digest).open("ab") as file:
            there = file.tell()
            if there != offset:
                return there
            file.write(data)
            return file.tell()

    def finish(self, digest: str, suffix: str) -> bool:
        """Give a file its name where its sum is right; it is dropped where it is not.

        Returns:
            Whether it is there.
        """
        path, part = self.path(digest, suffix), self._part(digest)
        if path.is_file():
            return True
        found = hashlib.sha256()
        try:
            with part.open("rb") as file:
                while block := file.read(1 << 20):
                    found.update(block)
        except FileNotFoundError:
            return path.is_file()
        if found.hexdigest() != digest:
            part.unlink(missing_ok=True)
            return False
        flush_to_disk(part)
        part.replace(path)
        return True

    def sweep(self) -> None:
        """Remove what nobody has used for a week."""
        oldest = time.time() - _KEPT
        for path in self._folder.iterdir():
            with suppress(OSError):
                if path.name != "host" and path.stat().st_mtime < oldest:
                    path.unlink()

    def _part(self, digest: str) -> Path:
        return self._folder / f"{digest}.part"
