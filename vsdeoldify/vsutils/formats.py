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

# The weights of red and blue in the luma. Chroma of these matrices is a linear function of gamma-encoded RGB:
# all that film and video use in practice.
_LUMA_WEIGHTS = {
    int(vs.MATRIX_BT709): (0.2126, 0.0722),
    int(vs.MATRIX_FCC): (0.30, 0.11),
    int(vs.MATRIX_BT470_BG): (0.299, 0.114),
    int(vs.MATRIX_ST170_M): (0.299, 0.114),
    int(vs.MATRIX_ST240_M): (0.212, 0.087),
    int(vs.MATRIX_BT2020_NCL): (0.2627, 0.0593),
}
LINEAR_MATRICES = frozenset(_LUMA_WEIGHTS) | {int(vs.MATRIX_YCGCO)}

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
    """A `GRAYS` clip as a canvas without colour (no copy)."""
    blank = core.std.BlankClip(gray, format=vs.YUV444PS, color=[0, 0, 0], keep=True)
    return with_chroma(gray, blank)


def with_chroma(gray: vs.VideoNode, chroma: vs.VideoNode) -> vs.VideoNode:
    """A canvas with the luma and the properties of a `GRAYS` clip and another canvas's chroma (no copy)."""
    canvas = core.std.ShufflePlanes([gray, chroma, chroma], [0, 1, 2], vs.YUV)
    return core.std.SetFrameProps(core.std.RemoveFrameProps(canvas, "_ChromaLocation"), **_canvas_props())


@cache
def _canvas_props() -> dict[str, int]:
    """The properties that tell a canvas's colours, as this version of VapourSynth names them."""
    blank = core.std.BlankClip(format=vs.GRAYS, width=16, height=16, length=1)
    canvas = core.resize.Point(blank, format=vs.YUV444PS, matrix=BT601, range=vs.RANGE_FULL)
    with canvas.get_frame(0) as frame:
        return {name: int(value) for name, value in frame.props.items() if not name.startswith("_Duration")}


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
    plane_format = core.query_video_format(vs.GRAY, fmt.sample_type, fmt.bits_per_sample)
    output_format = core.query_video_format(vs.YUV, fmt.sample_type, fmt.bits_per_sample, sub_w, sub_h)
    width, height = source.width >> sub_w, source.height >> sub_h
    luma = core.std.ShufflePlanes(source, 0, vs.GRAY)
    neutral = core.std.RemoveFrameProps(canvas)
    # On the way to more than 8 bits the resizer scales in integers and is wrong by up to two levels.
    resized_format = vs.GRAYS if plane_format.bits_per_sample > 8 else plane_format.id
    # The range and the offset of chroma are in the values already.
    full = {"range_in": vs.RANGE_FULL, "range": vs.RANGE_FULL}

    @cache
    def variant(matrix: int, location: int, full_range: bool) -> vs.VideoNode:
        shift_x = 0.5 - 0.5 / (1 << sub_w) if location in _LEFT_SITED else 0.0
        shift_y = 0.5 - 0.5 / (1 << sub_h)
        shift_y *= 1 if location in _TOP_SITED else -1 if location in _BOTTOM_SITED else 0
        chroma = [
            core.resize.Spline64(
                plane,
                width,
                height,
                format=resized_format,
                src_left=-shift_x * canvas.width / width,
                src_top=-shift_y * canvas.height / height,
                **full,
            )
            for plane in planes(_as_stored(neutral, matrix, plane_format, full_range))[1:]
        ]
        if resized_format != plane_format.id:
            chroma = [core.resize.Point(plane, format=plane_format.id, **full) for plane in chroma]
        joined = core.std.ShufflePlanes([luma, *chroma], [0, 0, 0], vs.YUV)
        return core.std.SetFrameProps(joined, _Matrix=matrix)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        memory.tick()
        location = int(f.props.get("_ChromaLocation", vs.CHROMA_LEFT))
        full_range = f.props.get("_Range") == vs.RANGE_FULL
        return variant(_matrix_of(f, source), location, full_range)

    template = core.std.BlankClip(source, format=output_format.id, keep=True)
    return core.std.FrameEval(template, choose, prop_src=[source], clip_src=[luma, canvas])


def _as_stored(canvas: vs.VideoNode, matrix: int, plane: vs.VideoFormat, full_range: bool) -> vs.VideoNode:
    """The canvas with the chroma of another matrix, on the scale on which a plane of 0–1 is stored.

    That is done on the canvas since it is smaller than the picture; the luma is nobody's any more.
    """
    (uu, uv), (vu, vv) = chroma_of_bt601(matrix)
    scale, offset = 1.0, 0.0
    if plane.sample_type == vs.INTEGER:
        top = (1 << plane.bits_per_sample) - 1
        steps = top if full_range else 224 << (plane.bits_per_sample - 8)
        scale, offset = steps / top, (1 << (plane.bits_per_sample - 1)) / top
    matrix_on_scale = (uu * scale, uv * scale), (vu * scale, vv * scale)
    return multiply_chroma(canvas, matrix_on_scale, offset)


Matrix = tuple[tuple[float, float], tuple[float, float]]


def chroma_of_bt601(matrix: int) -> Matrix:
    """The 2×2 matrix from BT.601's (U, V) to those of another of the `LINEAR_MATRICES`."""
    # The differences red, green and blue − Y601: a picture without BT.601 luma has the chroma looked for.
    kr, kb = _LUMA_WEIGHTS[BT601]
    red_v, blue_u = 2 * (1 - kr), 2 * (1 - kb)
    green_u, green_v = -blue_u * kb / (1 - kr - kb), -red_v * kr / (1 - kr - kb)
    if matrix == vs.MATRIX_YCGCO:
        return ((2 * green_u - blue_u) / 4, (2 * green_v - red_v) / 4), (-blue_u / 2, red_v / 2)
    kr, kb = _LUMA_WEIGHTS[matrix]
    kg = 1 - kr - kb
    luma_u, luma_v = kg * green_u + kb * blue_u, kg * green_v + kr * red_v
    return (
        ((blue_u - luma_u) / (2 * (1 - kb)), -luma_v / (2 * (1 - kb))),
        (-luma_u / (2 * (1 - kr)), (red_v - luma_v) / (2 * (1 - kr))),
    )


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


def swap_chroma(canvas: vs.VideoNode) -> vs.VideoNode:
    """The canvas with U and V exchanged (no copy): gives an Expr on one chroma plane sight of the other."""
    return core.std.ShufflePlanes(canvas, [0, 2, 1], vs.YUV)


def multiply_chroma(canvas: vs.VideoNode, matrix: Matrix, offset: float = 0.0) -> vs.VideoNode:
    """The canvas with its (U, V) times a 2×2 matrix, plus an offset."""
    (uu, uv), (vu, vv) = matrix
    added = f" {offset:.9g} +" if offset else ""
    chroma = [f"x {uu:.9g} * y {uv:.9g} * +{added}", f"y {vu:.9g} * x {vv:.9g} * +{added}"]
    return core.std.Expr([canvas, swap_chroma(canvas)], ["", *chroma])
