"""Between the source clip and the canvas (see `planes`): the only way in, and the only way out."""

from collections.abc import Callable
from functools import cache
from weakref import WeakKeyDictionary

import vapoursynth as vs
from vapoursynth import core

from ..support.h273 import MATRIX_BT601
from . import memory
from .expressions import Inputs, differences
from .matrices import assumed_matrix, chroma_of_bt601, matrix_of
from .planes import colourless, multiply_chroma, plane, planes
from .props import whole

MIN_SIZE = 16

_LEFT_SITED = {int(vs.CHROMA_LEFT), int(vs.CHROMA_TOP_LEFT), int(vs.CHROMA_BOTTOM_LEFT)}
_TOP_SITED = {int(vs.CHROMA_TOP_LEFT), int(vs.CHROMA_TOP)}
_BOTTOM_SITED = {int(vs.CHROMA_BOTTOM_LEFT), int(vs.CHROMA_BOTTOM)}

# The frame properties that are read here and in `scenes`.
_READ = ("_Range", "_ChromaLocation", "_SceneChangePrev", "_SceneChangeNext")

# For every clip that `restore` made, the clip whose luma it has (in RGB, but for rounding) and whose
# properties: whoever looks at the luma alone must not run the networks.
_lumas: WeakKeyDictionary[vs.VideoNode, vs.VideoNode] = WeakKeyDictionary()

# For every clip that `restore` made, one with the same properties whose frames cost nothing: checking a
# clip that is still being coloured must not run the networks.
_stand_ins: WeakKeyDictionary[vs.VideoNode, vs.VideoNode] = WeakKeyDictionary()


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
    _check_first_frame(_stand_ins.get(clip, clip))
    return clip


def _check_first_frame(clip: vs.VideoNode) -> None:
    try:
        with clip.get_frame(0) as frame:
            for name in _READ:
                whole(frame, name)
            if clip.format.color_family != vs.RGB:
                matrix_of(frame, clip)
        # What the resizer says of the first frame's properties is known now, not in the middle of a render.
        to_canvas(clip, MIN_SIZE).get_frame(0).close()
    except vs.Error as error:
        raise ValueError(
            f"the clip's first frame cannot be used: {error}; where a frame property is wrong, correct it "
            "with std.SetFrameProps"
        ) from None


def _picture_only(clip: vs.VideoNode, *others: str) -> vs.VideoNode:
    """Without the properties that must not steer the resizer.

    The canvas has no fields to return to, neither transfer nor primaries are ever converted, and the result
    has the source's aspect ratio. Where one is no number, the resizer of VapourSynth R74 ends the process.
    """
    names = ["_FieldBased", "_Field", "_Transfer", "_Primaries", "_SARNum", "_SARDen", *others]
    return core.std.RemoveFrameProps(clip, names)


def to_gray(clip: vs.VideoNode, size: int) -> vs.VideoNode:
    """The clip's luma as a size×size `GRAYS` clip in full range, 0–1.

    The luma of YUV is taken as it is, that of RGB is BT.601's, as both original projects have it.
    """
    if clip.format.color_family != vs.RGB:
        clip = _lumas.get(clip, clip)
    return _to_gray(clip, size)


def to_gray_as_filmed(clip: vs.VideoNode, size: int) -> vs.VideoNode:
    """As `to_gray`, but of the clip that a coloured one was made of in RGB, too.

    That is the same picture but for rounding, and costs no colours: for whoever looks at many frames.
    """
    return _to_gray(_lumas.get(clip, clip), size)


def _to_gray(clip: vs.VideoNode, size: int) -> vs.VideoNode:
    if clip.format.color_family == vs.RGB:
        clip = _picture_only(clip, "_Matrix")
        return core.resize.Spline64(
            clip, size, size, format=vs.GRAYS, matrix=MATRIX_BT601, range=vs.RANGE_FULL
        )
    luma = _picture_only(core.std.ShufflePlanes(clip, 0, vs.GRAY), "_Matrix", "_ChromaLocation")
    return core.resize.Spline64(luma, size, size, format=vs.GRAYS, range=vs.RANGE_FULL)


def to_canvas(clip: vs.VideoNode, size: int) -> vs.VideoNode:
    """The picture itself, squeezed to a size×size canvas."""
    if _is_gray(clip):
        return colourless(to_gray(clip, size))
    if clip.format.color_family == vs.RGB:
        clip = _picture_only(clip, "_Matrix")
        return core.resize.Spline64(
            clip, size, size, format=vs.YUV444PS, matrix=MATRIX_BT601, range=vs.RANGE_FULL
        )
    return core.resize.Spline64(
        _picture_only(clip),
        size,
        size,
        format=vs.YUV444PS,
        matrix_in=assumed_matrix(clip),
        matrix=MATRIX_BT601,
        range=vs.RANGE_FULL,
    )


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
    restored = (_restore_rgb if source.format.color_family == vs.RGB else _restore_yuv)(source, canvas)
    _stand_ins[restored] = _stand_in(source, restored.format)
    _lumas[restored] = _lumas.get(source, source)
    return restored


def same_picture(
    clip: vs.VideoNode, like: vs.VideoNode, change: Callable[[vs.VideoNode], vs.VideoNode]
) -> vs.VideoNode:
    """Let a clip with new properties be checked and looked at as cheaply as the one that it was made of.

    Args:
        clip: a clip with the frames of `like` and other properties.
        like: the clip that it was made of, which has been checked.
        change: what made it.

    Returns:
        The clip.
    """
    _stand_ins[clip] = _stand_ins.get(like, like)
    if like in _lumas:
        _lumas[clip] = change(_lumas[like])
    return clip


def _stand_in(source: vs.VideoNode, fmt: vs.VideoFormat) -> vs.VideoNode:
    """One frame of another format with the properties of a source that has been checked."""
    blank = core.std.BlankClip(source, format=fmt.id, length=1, keep=True)
    stand_in = core.std.CopyFrameProps(blank, _stand_ins.get(source, source)[0])
    # Gray may name a matrix that YUV cannot have; its YUV carries another.
    return core.std.RemoveFrameProps(stand_in, "_Matrix") if _is_gray(source) else stand_in


def _is_gray(clip: vs.VideoNode) -> bool:
    return bool(clip.format.color_family == vs.GRAY)


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
        location = whole(f, "_ChromaLocation", int(vs.CHROMA_LEFT))
        full_range = whole(f, "_Range") == vs.RANGE_FULL
        return variant(matrix_of(f, source), location, full_range)

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


def _restore_rgb(source: vs.VideoNode, canvas: vs.VideoNode) -> vs.VideoNode:
    luma = core.resize.Point(
        _picture_only(source, "_Matrix"), format=vs.GRAYS, matrix=MATRIX_BT601, range=vs.RANGE_FULL
    )
    u, v = (core.resize.Spline64(plane(canvas, index), source.width, source.height) for index in (1, 2))
    # Clipping a channel would move the luma, so a colour too strong for its luma is weakened instead.
    inputs = Inputs()
    y = inputs.add(luma)
    red, green, blue = differences(inputs.add(u), inputs.add(v))
    highest = f"{red} {green} max {blue} max"
    lowest = f"{red} {green} min {blue} min"
    share = inputs.expr([f"1 1 {y} - {highest} 1e-9 max / 0 max min {y} 0 {lowest} - 1e-9 max / 0 max min"])
    weakened = inputs.add(share)
    channels = [inputs.expr([f"{channel} {weakened} * {y} +"]) for channel in (red, green, blue)]
    rgb = core.std.ShufflePlanes(channels, [0, 0, 0], vs.RGB)
    rgb = core.std.RemoveFrameProps(rgb, ["_Matrix", "_Range"])
    rgb = core.std.CopyFrameProps(rgb, source, props=["_Range"])
    rgb = core.resize.Point(rgb, format=source.format.id)
    return memory.watched(core.std.CopyFrameProps(rgb, source))
