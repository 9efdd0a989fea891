"""Between the source clip and the canvas.

The canvas is a square `YUV444PS` clip in full range and BT.601, whatever the source is. Chroma of two
matrices differs by a linear map that luma has no part in, so the way back to the source's matrix is exact.
"""

from functools import cache

import vapoursynth as vs
from vapoursynth import core

from . import memory

BT601 = int(vs.MATRIX_ST170_M)
MIN_SIZE = 16

# Matrices whose chroma is a linear function of gamma-encoded RGB: all that film and video use in practice.
LINEAR_MATRICES = frozenset(
    int(m)
    for m in (
        vs.MATRIX_BT709,
        vs.MATRIX_FCC,
        vs.MATRIX_BT470_BG,
        vs.MATRIX_ST170_M,
        vs.MATRIX_ST240_M,
        vs.MATRIX_YCGCO,
        vs.MATRIX_BT2020_NCL,
    )
)

_LEFT_SITED = {int(vs.CHROMA_LEFT), int(vs.CHROMA_TOP_LEFT), int(vs.CHROMA_BOTTOM_LEFT)}
_TOP_SITED = {int(vs.CHROMA_TOP_LEFT), int(vs.CHROMA_TOP)}
_BOTTOM_SITED = {int(vs.CHROMA_BOTTOM_LEFT), int(vs.CHROMA_BOTTOM)}


def assumed_matrix(clip: vs.VideoNode) -> int:
    """The matrix players assume for a clip that names none: BT.709 for HD, else BT.601."""
    return int(vs.MATRIX_BT709) if clip.width > 1024 or clip.height > 576 else BT601


def check_clip(clip: object, *, gray: bool = True) -> vs.VideoNode:
    """Say at call time what is wrong with a clip.

    Args:
        clip: what the caller gave.
        gray: whether a clip without colour makes sense.

    Returns:
        The clip.

    Raises:
        TypeError: it is no video clip.
        ValueError: its format or size varies or is not supported, or its first frame cannot be used.
    """
    if not isinstance(clip, vs.VideoNode):
        raise TypeError(f"clip must be a VapourSynth video clip, got {type(clip).__name__}")
    fmt = clip.format
    if fmt is None or fmt.color_family == vs.UNDEFINED:
        raise ValueError(
            "the clip's format varies; convert it to one format first (resize.Bicubic(format=…))"
        )
    if clip.width == 0 or clip.height == 0:
        raise ValueError("the clip's size varies; resize it to one size first")
    if fmt.sample_type == vs.INTEGER and fmt.bits_per_sample > 16:
        raise ValueError(f"{fmt.name} is not supported; convert it to 16-bit integer or to float first")
    if min(clip.width, clip.height) < MIN_SIZE:
        raise ValueError(
            f"the clip is {clip.width}×{clip.height}; the smallest size is {MIN_SIZE}×{MIN_SIZE}"
        )
    if not gray and fmt.color_family == vs.GRAY:
        raise ValueError("the clip is gray and has no colours to stabilize; run ddeoldify() on it first")
    try:
        with clip.get_frame(0) as frame:
            if fmt.color_family != vs.RGB:
                _matrix_of(frame, clip)
        # What the resizer says of the first frame's properties is known now, not in the middle of a render.
        to_canvas(clip, MIN_SIZE).get_frame(0).close()
    except vs.Error as error:
        raise ValueError(
            f"the clip's first frame cannot be used: {error}; where a frame property is wrong, correct it "
            "with std.SetFrameProps"
        ) from None
    return clip


def _matrix_of(frame: vs.VideoFrame, clip: vs.VideoNode) -> int:
    matrix = frame.props.get("_Matrix", vs.MATRIX_UNSPECIFIED)
    if matrix == vs.MATRIX_UNSPECIFIED:
        return assumed_matrix(clip)
    if matrix in LINEAR_MATRICES:
        return int(matrix)
    if matrix == vs.MATRIX_RGB and clip.format.color_family == vs.GRAY:
        return assumed_matrix(clip)
    raise ValueError(
        f"_Matrix {matrix!r} of the clip is not supported; convert it to BT.709 or BT.601 first, "
        "or correct the frame property with std.SetFrameProps(_Matrix=…)"
    )


def _picture_only(clip: vs.VideoNode, *others: str) -> vs.VideoNode:
    """Without the properties that must not steer the resizer.

    The canvas has no fields to return to, and neither transfer nor primaries are ever converted.
    """
    return core.std.RemoveFrameProps(clip, ["_FieldBased", "_Field", "_Transfer", "_Primaries", *others])


def to_gray(clip: vs.VideoNode, size: int) -> vs.VideoNode:
    """The clip's luma as a size×size `GRAYS` clip in full range, 0–1.

    The luma of YUV is taken as it is, that of RGB is BT.601's, as both original projects have it.
    """
    if clip.format.color_family == vs.RGB:
        clip = _picture_only(clip, "_Matrix")
        return core.resize.Spline64(clip, size, size, format=vs.GRAYS, matrix=BT601, range=vs.RANGE_FULL)
    luma = _picture_only(core.std.ShufflePlanes(clip, 0, vs.GRAY), "_Matrix", "_ChromaLocation")
    return core.resize.Spline64(luma, size, size, format=vs.GRAYS, range=vs.RANGE_FULL)


def colourless(gray: vs.VideoNode) -> vs.VideoNode:
    """A `GRAYS` clip as a canvas without colour."""
    return core.resize.Point(gray, format=vs.YUV444PS, matrix=BT601, range=vs.RANGE_FULL)


def to_canvas(clip: vs.VideoNode, size: int) -> vs.VideoNode:
    """The picture itself, squeezed to a size×size canvas."""
    if clip.format.color_family == vs.GRAY:
        return colourless(to_gray(clip, size))
    if clip.format.color_family == vs.RGB:
        clip = _picture_only(clip, "_Matrix")
        return core.resize.Spline64(clip, size, size, format=vs.YUV444PS, matrix=BT601, range=vs.RANGE_FULL)
    return core.resize.Spline64(
        _picture_only(clip),
        size,
        size,
        format=vs.YUV444PS,
        matrix_in=assumed_matrix(clip),
        matrix=BT601,
        range=vs.RANGE_FULL,
    )


def scale_canvas(canvas: vs.VideoNode, size: int) -> vs.VideoNode:
    """The canvas at another size."""
    if canvas.width == size:
        return canvas
    return core.resize.Spline64(canvas, size, size)


def restore(source: vs.VideoNode, canvas: vs.VideoNode) -> vs.VideoNode:
    """Bring the canvas's chroma back to the source's size and format, and keep the source's luma.

    Args:
        source: the clip as the caller gave it.
        canvas: its frames on the canvas, coloured.

    Returns:
        A clip in the source's format (gray becomes YUV444 of the same sample type) with the source's luma:
        bit-identical for YUV and gray, and for RGB as long as rounding to the format allows. Frame
        properties are the source's; YUV frames carry `_Matrix`.
    """
    if source.format.color_family == vs.RGB:
        return _restore_rgb(source, canvas)
    return _restore_yuv(source, canvas)


def _restore_yuv(source: vs.VideoNode, canvas: vs.VideoNode) -> vs.VideoNode:
    fmt = source.format
    sub_w, sub_h = (0, 0) if fmt.color_family == vs.GRAY else (fmt.subsampling_w, fmt.subsampling_h)
    # Chroma is made as the planes of a 4:4:4 clip of the chroma's own size: its luma is thrown away, so the
    # smaller the better.
    chroma_format = core.query_video_format(vs.YUV, fmt.sample_type, fmt.bits_per_sample, 0, 0)
    output_format = core.query_video_format(vs.YUV, fmt.sample_type, fmt.bits_per_sample, sub_w, sub_h)
    width, height = source.width >> sub_w, source.height >> sub_h
    luma = core.std.ShufflePlanes(source, 0, vs.GRAY)
    # Float planes have no range, so the property decides only what the integer result is scaled to.
    canvas = core.std.CopyFrameProps(canvas, source, props=["_Range"])

    @cache
    def variant(matrix: int, location: int) -> vs.VideoNode:
        shift_x = 0.5 - 0.5 / (1 << sub_w) if location in _LEFT_SITED else 0.0
        shift_y = 0.5 - 0.5 / (1 << sub_h)
        shift_y *= 1 if location in _TOP_SITED else -1 if location in _BOTTOM_SITED else 0
        chroma = core.resize.Spline64(
            canvas,
            width,
            height,
            format=chroma_format.id,
            matrix=matrix,
            src_left=-shift_x * canvas.width / width,
            src_top=-shift_y * canvas.height / height,
        )
        joined = core.std.ShufflePlanes([luma, chroma, chroma], [0, 1, 2], vs.YUV)
        return core.std.SetFrameProps(joined, _Matrix=matrix)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        memory.tick()
        return variant(_matrix_of(f, source), int(f.props.get("_ChromaLocation", vs.CHROMA_LEFT)))

    template = core.std.BlankClip(source, format=output_format.id, keep=True)
    return core.std.FrameEval(template, choose, prop_src=[source], clip_src=[luma, canvas])


def _restore_rgb(source: vs.VideoNode, canvas: vs.VideoNode) -> vs.VideoNode:
    luma = core.resize.Point(
        _picture_only(source, "_Matrix"), format=vs.GRAYS, matrix=BT601, range=vs.RANGE_FULL
    )
    u, v = (core.resize.Spline64(_plane(canvas, index), source.width, source.height) for index in (1, 2))
    # Clipping a channel would move the luma, so a colour too strong for its luma is weakened instead.
    red, green, blue = "z 1.402 *", "y -0.344136 * z -0.714136 * +", "y 1.772 *"
    highest = f"{red} {green} max {blue} max"
    lowest = f"{red} {green} min {blue} min"
    share = core.std.Expr(
        [luma, u, v],
        f"1 1 x - {highest} 1e-9 max / 0 max min x 0 {lowest} - 1e-9 max / 0 max min",
    )
    channels = [core.std.Expr([luma, u, v, share], f"{channel} a * x +") for channel in (red, green, blue)]
    rgb = core.std.ShufflePlanes(channels, [0, 0, 0], vs.RGB)
    rgb = core.std.RemoveFrameProps(rgb, ["_Matrix", "_Range"])
    rgb = core.std.CopyFrameProps(rgb, source, props=["_Range"])
    rgb = core.resize.Point(rgb, format=source.format.id)
    return memory.watched(core.std.CopyFrameProps(rgb, source))


def _plane(clip: vs.VideoNode, index: int) -> vs.VideoNode:
    return core.std.ShufflePlanes(clip, index, vs.GRAY)


def planes(canvas: vs.VideoNode) -> list[vs.VideoNode]:
    """The canvas's luma, U and V as three `GRAYS` clips."""
    return [_plane(canvas, index) for index in range(3)]


def luma_everywhere(luma: vs.VideoNode) -> vs.VideoNode:
    """A `GRAYS` clip as all three planes of a canvas, so that an Expr on chroma can read it (no copy)."""
    return core.std.ShufflePlanes([luma] * 3, [0, 0, 0], vs.YUV)


def with_luma(canvas: vs.VideoNode, gray: vs.VideoNode) -> vs.VideoNode:
    """The canvas with the luma and the properties of a `GRAYS` clip (no copy)."""
    return core.std.ShufflePlanes([colourless(gray), canvas, canvas], [0, 1, 2], vs.YUV)
