"""Give memory back that the C library keeps.

VapourSynth asks for aligned frames. glibc (seen with 2.36) rarely fits such a block, once freed, into a later
request for the same size, so that a long render would grow by about the planes of a frame with every frame,
gigabytes in a film, although nothing holds them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import vapoursynth as vs

_STATM = Path("/proc/self/statm")
_PAGE = 4096
# How often to look, and how much growth is worth the milliseconds of giving back.
_CALLS = 64
_GROWTH = 128_000_000


class Trimmer:
    """Hands freed memory back to the system when the process has grown.

    Args:
        trim: does it, as glibc's malloc_trim.
        resident: tells the resident memory of the process in bytes.
    """

    def __init__(self, trim: Callable[[int], Any], resident: Callable[[], int]) -> None:
        self._trim = trim
        self._resident = resident
        self._lock = Lock()
        self._calls = 0
        self._least = 0

    def tick(self) -> None:
        """Count a frame; now and then look, and give back where the growth since last time is worth it."""
        if not self._lock.acquire(blocking=False):
            return  # nobody waits while another frame's thread gives back
        try:
            self._calls += 1
            if self._calls % _CALLS == 0 and self._resident() - self._least >= _GROWTH:
                self._trim(0)
                self._least = self._resident()
        finally:
            self._lock.release()


def tick() -> None:
    """To be called once a frame; does nothing where the C library is not glibc."""
    trimmer = _trimmer()
    if trimmer is not None:
        trimmer.tick()


def watched(clip: vs.VideoNode) -> vs.VideoNode:
    """The same clip, with a `tick` for every frame; for chains that have no callback of their own."""

    def count(n: int) -> vs.VideoNode:
        tick()
        return clip

    return clip if _trimmer() is None else vs.core.std.FrameEval(clip, count, clip_src=[clip])


@cache
def _trimmer() -> Trimmer | None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return Trimmer(trim, _resident) if _STATM.is_file() else None


def _resident() -> int:
    return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE
