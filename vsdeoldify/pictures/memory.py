"""Whether a picture fits into the memory that is free: some libraries end the process where it does not."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from ..support.errors import PictureError
from ..support.words import format_size

_SPARE = 128 << 20
"""What the rest of the work needs: rows on their way, the small picture that the networks see."""


def check_memory(name: str, needed: int) -> None:
    """Refuse a picture that would need more memory than is free.

    Args:
        name: the picture.
        needed: bytes.

    Raises:
        PictureError: it is too large.
    """
    free = free_memory()
    if free is not None and needed + _SPARE > free:
        raise PictureError(
            f"{name} is too large for the free memory: about {format_size(needed + _SPARE)} are needed "
            f"and {format_size(free)} are free; close other programs, or make it smaller"
        )


def free_memory() -> int | None:
    """Bytes that this process may still take, or None where the system does not say."""
    if sys.platform == "win32":
        return _free_on_windows()
    found = []
    with suppress(OSError, ValueError, IndexError):
        text = Path("/proc/meminfo").read_text()
        found.append(int(text.partition("MemAvailable:")[2].split()[0]) << 10)
    found += _left_of_group()
    with suppress(OSError, ValueError, ImportError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            found.append(max(0, limit - pages * os.sysconf("SC_PAGE_SIZE")))
    if not found:
        with suppress(OSError, ValueError):
            # macOS does not say in a file what is free: half of what there is.
            found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    return min(found, default=None)


def _left_of_group() -> list[int]:
    """What a container's limit leaves; the cache of files that is counted there can be had again."""
    found = []
    for limit, used, stat, cached in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
        ),
    ):
        with suppress(OSError, ValueError, KeyError):
            root = Path("/sys/fs/cgroup")
            most = int((root / limit).read_text())
            lines = (line.split() for line in (root / stat).read_text().splitlines())
            kept = {line[0]: int(line[1]) for line in lines}
            found.append(max(0, most - int((root / used).read_text()) + kept[cached]))
    return found


def _free_on_windows() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *(
                (name, ctypes.c_ulonglong)
                for name in ("total", "free", "page_total", "page_free", "virtual", "own")
            ),
            ("extended", ctypes.c_ulonglong),
        )

    status = Status(length=ctypes.sizeof(Status))
    windll = getattr(ctypes, "windll", None)
    if windll is None or not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.free)
