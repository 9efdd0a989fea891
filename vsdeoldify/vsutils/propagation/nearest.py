"""Which reference frames reach a frame: the nearest one before and after it in its scene."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray
from vapoursynth import core

FARTHEST = 4096
"""References reach no farther than this, in frames: the cuts in between have to be looked at."""

_SIDE = 16
_BLOCK = _SIDE * _SIDE
_CUT, _FLASH = 255, 128
_KEPT = 16
_PROPERTIES = "_ReferenceBefore", "_ReferenceAfter"


class References(NamedTuple):
    """The reference frames that reach a frame.

    Attributes:
        before: the number of the one before it, or its own number where it is one; None where there is none.
        after: the number of the one after it; None where there is none, and where the frame is one itself.
    """

    before: int | None
    after: int | None


def references_of(frame: vs.VideoFrame) -> References:
    """What `find_references` wrote on a frame."""
    numbers = (int(frame.props[name]) for name in _PROPERTIES)
    return References(*(None if number < 0 else number for number in numbers))


def find_references(cuts: vs.VideoNode, numbers: Sequence[int], reach: int | None = None) -> vs.VideoNode:
    """Find the references of each frame.

    A reference reaches the frames of its scene, as far as `reach` and `FARTHEST`. A flash takes colours from
    no other frame and gives none, so a reference that lies in one reaches that frame alone.

    Args:
        cuts: what `scenes.find_cuts` made.
        numbers: the reference frames, rising.
        reach: how many frames a reference reaches; None: its whole scene.

    Returns:
        A clip of 1×1 pixels that carries them, see `references_of`.
    """
    rows = _rows(cuts)
    limit = min(FARTHEST, reach or FARTHEST)

    @lru_cache(maxsize=_KEPT)
    def fixed(before: int) -> vs.VideoNode:
        return core.std.SetFrameProps(cuts, **dict(zip(_PROPERTIES, (before, -1), strict=True)))

    @lru_cache(maxsize=_KEPT)
    def between(before: int | None, after: int | None, start: int, end: int) -> vs.VideoNode:
        """For frames between two references, in the blocks `start` … `end`."""
        blocks = [core.std.Loop(rows[n], len(cuts)) for n in range(start, end + 1)]

        def find(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
            marks = np.concatenate([np.asarray(row[0])[0] for row in f[1:]])
            frame = f[0].copy()
            for name, number in zip(_PROPERTIES, (before, after), strict=True):
                reached = number is not None and _reaches(marks, number - start * _BLOCK, n - start * _BLOCK)
                frame.props[name] = number if reached and number is not None else -1
            return frame

        return core.std.ModifyFrame(cuts, [cuts, *blocks], find)

    def choose(n: int) -> vs.VideoNode:
        place = bisect_right(numbers, n)
        before = numbers[place - 1] if place and n - numbers[place - 1] <= limit else None
        if before == n:
            return fixed(n)
        after = numbers[place] if place < len(numbers) and numbers[place] - n <= limit else None
        if before is None and after is None:
            return fixed(-1)
        start, end = (n if number is None else number for number in (before, after))
        return between(before, after, start // _BLOCK, end // _BLOCK)

    return core.std.FrameEval(fixed(-1), choose)


def _reaches(marks: NDArray[np.uint8], number: int, n: int) -> bool:
    """Whether a reference reaches another frame, by the marks of all frames."""
    if _FLASH in (marks[number], marks[n]):
        return False
    low, high = sorted((number, n))
    return not bool((marks[low + 1 : high + 1] == _CUT).any())


def _rows(cuts: vs.VideoNode) -> vs.VideoNode:
    """A clip whose frame k shows the marks of `_BLOCK` frames from k·`_BLOCK` on, each as a pixel."""

    def show(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        mark = _FLASH if f.props["_Flash"] else _CUT if f.props["_SceneChangePrev"] else 0
        np.asarray(frame[0])[0, 0] = mark
        return frame

    marks = core.std.ModifyFrame(cuts, cuts, show)
    for _ in range(2):
        missing = -len(marks) % _SIDE
        padded = marks + core.std.Loop(marks[-1], missing) if missing else marks
        marks = core.std.StackHorizontal(
            [core.std.SelectEvery(padded, _SIDE, place) for place in range(_SIDE)]
        )
    return marks
