"""The canvas's algebra: its planes, its chroma, its size.

The canvas is a square `YUV444PS` clip in full range and BT.601, whatever the source is.
"""

from functools import cache

import vapoursynth as vs
from vapoursynth import core

from ..support.h273 import MATRIX_BT601
from .matrices import ChromaMatrix


def colourless(gray: vs.VideoNode) -> vs.VideoNode:
    """A `GRAYS` clip as a canvas without colour (no copy)."""
    blank = core.std.BlankClip(gray, format=vs.YUV444PS, color=[0, 0, 0], keep=True)
    return with_chroma(gray, blank)


def with_chroma(gray: vs.VideoNode, chroma: vs.VideoNode) -> vs.VideoNode:
    """A canvas with the luma and the properties of a `GRAYS` clip and another canvas's chroma (no copy)."""
    canvas = core.std.ShufflePlanes([gray, chroma, chroma], [0, 1, 2], vs.YUV)
    return core.std.SetFrameProps(core.std.RemoveFrameProps(canvas, "_ChromaLocation"), **_canvas_props())


@cache
def _canvas_props() -> dict[str, int]:
    """The properties that say what a canvas's colours are, as this version of VapourSynth names them."""
    blank = core.std.BlankClip(format=vs.GRAYS, width=16, height=16, length=1)
    canvas = core.resize.Point(blank, format=vs.YUV444PS, matrix=MATRIX_BT601, range=vs.RANGE_FULL)
    with canvas.get_frame(0) as frame:
        return {name: int(value) for name, value in frame.props.items() if not name.startswith("_Duration")}


def scale_canvas(canvas: vs.VideoNode, size: int) -> vs.VideoNode:
    """The canvas at another size."""
    if canvas.width == size:
        return canvas
    return core.resize.Spline64(canvas, size, size)


def plane(clip: vs.VideoNode, index: int) -> vs.VideoNode:
    """One plane as a clip of its own (no copy)."""
    return core.std.ShufflePlanes(clip, index, vs.GRAY)


def planes(canvas: vs.VideoNode) -> list[vs.VideoNode]:
    """The canvas's luma, U and V as three `GRAYS` clips."""
    return [plane(canvas, index) for index in range(3)]


def luma_everywhere(luma: vs.VideoNode) -> vs.VideoNode:
    """A `GRAYS` clip as all three planes of a canvas, so that an Expr on chroma can read it (no copy)."""
    return core.std.ShufflePlanes([luma] * 3, [0, 0, 0], vs.YUV)


def swap_chroma(canvas: vs.VideoNode) -> vs.VideoNode:
    """The canvas with U and V exchanged (no copy): gives an Expr on one chroma plane sight of the other."""
    return core.std.ShufflePlanes(canvas, [0, 2, 1], vs.YUV)


def multiply_chroma(canvas: vs.VideoNode, matrix: ChromaMatrix, offset: float = 0.0) -> vs.VideoNode:
    """The canvas with its (U, V) times a 2×2 matrix, plus an offset."""
    (uu, uv), (vu, vv) = matrix
    added = f" {offset:.9g} +" if offset else ""
    chroma = [f"x {uu:.9g} * y {uv:.9g} * +{added}", f"y {vu:.9g} * x {vv:.9g} * +{added}"]
    return core.std.Expr([canvas, swap_chroma(canvas)], ["", *chroma])
