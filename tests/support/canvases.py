"""Canvases from arrays, and golden results compared by their chroma: the source's luma is under both."""

from collections.abc import Iterator
from typing import Any

import goldens
import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vapoursynth import core

from vsdeoldify.support.h273 import MATRIX_BT601
from vsdeoldify.vsutils.frames import in_order

Array = npt.NDArray[np.float32]


def canvas(frames: npt.ArrayLike, **props: list[int | None]) -> vs.VideoNode:
    """A canvas whose frames are the rows (Y, U, V) of an array (T, 3, H, W); a prop of None is not set."""
    values = np.asarray(frames, np.float32)
    blank = core.std.BlankClip(
        format=vs.YUV444PS, width=values.shape[3], height=values.shape[2], length=len(values), keep=True
    )

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), values[n, plane])
        for name, setting in props.items():
            if setting[n] is not None:
                frame.props[name] = setting[n]
        return frame

    return core.std.ModifyFrame(blank, blank, fill)


def arrays(clip: vs.VideoNode) -> Array:
    """(T, 3, H, W): the frames of a canvas."""
    return np.array([[np.asarray(frame[plane]) for plane in range(3)] for frame in in_order(clip)])


def full_size(clip: vs.VideoNode) -> vs.VideoNode:
    """An RGB clip as a canvas of its own size, as the original's single filters work."""
    return core.resize.Point(clip, format=vs.YUV444PS, matrix=MATRIX_BT601, range=vs.RANGE_FULL)


def golden_cases(kind: str, function: str) -> Iterator[tuple[dict[str, Any], int, Any]]:
    """(case, frame number, golden picture with the source's luma) for every stored frame."""
    for case in goldens.cases(kind, function):
        source = goldens.inputs(case["clips"]["clip"])
        for n in map(int, case["frames"]):
            golden = full_size(goldens.clip_of([goldens.golden(case, n)]))
            yield case, n, goldens.with_luma_of(source[n], golden, 0)
