"""Between the source and the canvas: every format comes back as it was, with its own luma."""

from typing import Any

import numpy as np
import pytest
import vapoursynth as vs
from cases import CASES
from clips import frame_bytes, noise, plane
from hypothesis import given, settings
from hypothesis import strategies as st
from vapoursynth import core

from vsdeoldify.support.h273 import MATRIX_BT601
from vsdeoldify.vsutils import formats, planes

YUV_AND_GRAY = [
    vs.GRAY8,
    vs.GRAY10,
    vs.GRAY16,
    vs.GRAYH,
    vs.GRAYS,
    vs.YUV420P8,
    vs.YUV420P10,
    vs.YUV422P8,
    vs.YUV444P16,
    vs.YUV444PH,
    vs.YUV444PS,
    vs.YUV410P8,
    vs.YUV411P8,
    vs.YUV440P8,
]
RGB = [vs.RGB24, vs.RGB30, vs.RGB48, vs.RGBH, vs.RGBS]


def coloured(clip: vs.VideoNode, size: int = 64) -> vs.VideoNode:
    """The clip with a strong and varied colour, through the canvas."""
    canvas = planes.colourless(formats.to_gray(clip, size))
    canvas = core.std.Expr(canvas, ["", "x 0.3 +", "x 0.2 -"])
    return formats.restore(clip, canvas)


@pytest.mark.parametrize("limited", [True, False, None])
@pytest.mark.parametrize("format_id", YUV_AND_GRAY, ids=lambda f: f.name)
def test_luma_of_yuv_and_gray_is_bit_identical(format_id: Any, limited: bool | None) -> None:
    clip = noise(format_id, 96, 64)
    if limited is not None:
        clip = clip.std.SetFrameProps(_Range=0 if limited else 1)
    result = coloured(clip)
    fmt = result.format
    assert fmt.color_family == vs.YUV
    assert (fmt.sample_type, fmt.bits_per_sample) == (clip.format.sample_type, clip.format.bits_per_sample)
    if clip.format.color_family == vs.YUV:
        assert fmt.id == clip.format.id
    else:
        assert (fmt.subsampling_w, fmt.subsampling_h) == (0, 0)
    for n in range(clip.num_frames):
        assert (plane(result, n, 0) == plane(clip, n, 0)).all()


@pytest.mark.parametrize("format_id", RGB, ids=lambda f: f.name)
def test_luma_of_rgb_is_kept_up_to_rounding(format_id: Any) -> None:
    clip = noise(format_id, 96, 64)
    result = coloured(clip)
    assert result.format.id == clip.format.id

    def luma(c: vs.VideoNode) -> Any:
        gray = core.resize.Point(c, format=vs.GRAYS, matrix=MATRIX_BT601)
        return plane(gray, 1, 0)

    step = 2.0**-11 if clip.format.sample_type == vs.FLOAT else 0.5 / (2**clip.format.bits_per_sample - 1)
    assert np.abs(luma(result) - luma(clip)).max() <= step * 1.01 + 1e-6


@pytest.mark.parametrize("location", range(6))
@pytest.mark.parametrize("format_id", [vs.YUV420P8, vs.YUV422P16, vs.YUV420P10], ids=lambda f: f.name)
def test_chroma_lands_where_the_resizer_would_put_it(format_id: Any, location: int) -> None:
    fmt = core.get_video_format(format_id)
    canvas = noise(vs.YUV444PS, 64, 64).std.BoxBlur(hradius=3, vradius=3)
    canvas = canvas.std.SetFrameProps(_Matrix=MATRIX_BT601)
    source = core.std.BlankClip(format=format_id, width=128, height=96, length=3)
    source = source.std.SetFrameProps(_ChromaLocation=location, _Matrix=6)
    reference = core.resize.Spline64(canvas, 128, 96, format=fmt.id, chromaloc=location, matrix=6)
    result = formats.restore(source, canvas)
    for index in (1, 2):
        error = plane(result, 0, index).astype(int) - plane(reference, 0, index).astype(int)
        assert np.abs(error).max() <= 2 ** (fmt.bits_per_sample - 8)


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14, 16])
def test_chroma_is_the_float_result_rounded_to_the_formats_steps(bits: int, full_range: bool) -> None:
    canvas = noise(vs.YUV444PS, 64, 64).std.BoxBlur(hradius=3, vradius=3)
    canvas = canvas.std.Expr(["", "x 0.4 *"]).std.SetFrameProps(_Matrix=MATRIX_BT601)
    results = []
    for sample_type, depth in ((vs.FLOAT, 32), (vs.INTEGER, bits)):
        format_id = core.query_video_format(vs.YUV, sample_type, depth, 1, 0).id
        source = core.std.BlankClip(format=format_id, width=128, height=96, length=1)
        results.append(formats.restore(source.std.SetFrameProps(_Matrix=1, _Range=full_range), canvas))
    steps = 2**bits - 1 if full_range else 224 << (bits - 8)
    for index in (1, 2):
        expected = plane(results[0], 0, index).astype(float) * steps + (1 << (bits - 1))
        assert np.abs(plane(results[1], 0, index) - expected).max() <= 0.52


@pytest.mark.parametrize(("width", "height", "expected"), [(720, 576, 6), (1280, 720, 1), (1024, 578, 1)])
def test_a_clip_without_a_matrix_gets_the_one_players_assume(width: int, height: int, expected: int) -> None:
    for clip in (
        core.std.BlankClip(format=vs.YUV420P8, width=width, height=height, length=1),
        core.std.BlankClip(format=vs.YUV420P8, width=width, height=height, length=1).std.SetFrameProps(
            _Matrix=2
        ),
    ):
        assert coloured(clip).get_frame(0).props["_Matrix"] == expected


def test_a_matrix_that_changes_within_the_clip_is_followed() -> None:
    first, second = (noise(vs.YUV444PS, 64, 64, 1).std.SetFrameProps(_Matrix=m) for m in (1, 6))
    result = coloured(first + second)
    assert [result.get_frame(n).props["_Matrix"] for n in (0, 1)] == [1, 6]
    red = [core.resize.Point(result[n], format=vs.RGBS) for n in (0, 1)]
    difference = [plane(clip, 0, 0) - plane(clip, 0, 1) for clip in red]
    # The same colours, whatever matrix they are written in.
    assert np.abs(difference[0] - difference[1]).max() < 1e-4


@pytest.mark.parametrize("matrix", [1, 4, 5, 6, 7, 8, 9])
def test_colour_survives_the_way_to_the_canvas_and_back(matrix: int) -> None:
    clip = core.std.BlankClip(format=vs.YUV444P16, width=64, height=64, length=1, color=[30000, 36000, 28000])
    clip = clip.std.SetFrameProps(_Matrix=matrix, _Range=1)
    result = formats.restore(clip, formats.to_canvas(clip, 160))
    for index in range(3):
        assert np.abs(plane(result, 0, index).astype(int) - plane(clip, 0, index)).max() <= 1


@pytest.mark.parametrize("old", [0, 1])
def test_both_range_properties_are_obeyed(old: int) -> None:
    clip = core.std.BlankClip(format=vs.YUV420P8, width=64, height=64, length=1, color=[60, 150, 100])
    with pytest.deprecated_call():
        by_old = clip.std.SetFrameProps(_ColorRange=old)
    by_new = clip.std.SetFrameProps(_Range=1 - old)
    values = [plane(formats.to_gray(c, 16), 0, 0)[0, 0] for c in (by_old, by_new)]
    assert values[0] == values[1] == pytest.approx(60 / 255 if old == 0 else 44 / 219, abs=1e-5)
    for c in (by_old, by_new):
        result = formats.restore(c, formats.to_canvas(c, 16))
        assert result.get_frame(0).props["_Range"] == 1 - old
        assert [int(plane(result, 0, i)[3, 3]) for i in range(3)] == [60, 150, 100]


def test_frame_properties_pass_through() -> None:
    for format_id in (vs.GRAY8, vs.YUV420P10, vs.RGB24):
        clip = noise(format_id, 64, 64).std.SetFrameProps(
            _DurationNum=1001,
            _DurationDen=24000,
            _SARNum=16,
            _SARDen=15,
            _FieldBased=2,
            mine="kept",
            _Range=1,
        )
        before = dict(clip.get_frame(1).props)
        after = dict(coloured(clip).get_frame(1).props)
        after.pop("_Matrix", None)
        assert after == before


def test_neutral_stays_neutral() -> None:
    for format_id in (vs.YUV420P8, vs.YUV422P10, vs.YUV444P16):
        clip = noise(format_id, 64, 48)
        result = formats.restore(clip, planes.colourless(formats.to_gray(clip, 32)))
        middle = 1 << (clip.format.bits_per_sample - 1)
        assert (plane(result, 0, 1) == middle).all()
        assert (plane(result, 0, 2) == middle).all()


@pytest.mark.parametrize(
    ("width", "height", "format_id"),
    [(16, 16, vs.YUV420P8), (17, 31, vs.RGB24), (33, 16, vs.GRAY8), (4096, 2160, vs.YUV420P8)],
)
def test_sizes_from_tiny_and_odd_to_4k(width: int, height: int, format_id: Any) -> None:
    clip = noise(format_id, width, height, length=1)
    result = coloured(clip)
    assert (result.width, result.height, len(result)) == (width, height, 1)
    if clip.format.color_family != vs.RGB:
        assert (plane(result, 0, 0) == plane(clip, 0, 0)).all()


def test_any_order_of_frames_gives_the_same_bytes() -> None:
    clip = noise(vs.YUV420P8, 64, 48, length=12)
    forwards = [frame_bytes(coloured(clip), n) for n in range(12)]
    result = coloured(clip)
    assert [frame_bytes(result, n) for n in reversed(range(12))] == forwards[::-1]


def test_interlaced_flags_do_not_split_the_picture() -> None:
    clip = noise(vs.YUV420P8, 64, 48)
    flagged = clip.std.SetFieldBased(2)
    assert (plane(formats.to_gray(flagged, 32), 0, 0) == plane(formats.to_gray(clip, 32), 0, 0)).all()
    assert (plane(coloured(flagged), 0, 1) == plane(coloured(clip), 0, 1)).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: None, "must be a VapourSynth video clip"),
        (lambda: core.std.BlankAudio(), "must be a VapourSynth video clip"),
        (lambda: varying(vs.YUV420P8, 64, vs.YUV420P8, 32), "size varies"),
        (lambda: varying(vs.YUV420P8, 64, vs.GRAY8, 64), "format varies"),
        (lambda: core.std.BlankClip(format=vs.GRAY32), "16-bit integer"),
        (lambda: core.std.BlankClip(width=15, height=64), "15×64"),
        (lambda: core.std.BlankClip(format=vs.YUV444P8).std.SetFrameProps(_Matrix=10), "_Matrix"),
        (lambda: core.std.BlankClip(format=vs.YUV444P8).std.SetFrameProps(_Matrix=0), "_Matrix"),
    ],
)
def test_unfit_clips_are_refused_with_a_reason(make: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        formats.check_clip(make())


def varying(first: int, width: int, second: int, other: int) -> vs.VideoNode:
    clips = [
        core.std.BlankClip(format=f, width=w, height=w, length=1)
        for f, w in ((first, width), (second, other))
    ]
    return core.std.Splice(clips, mismatch=True)


def test_a_gray_clip_is_refused_where_colours_are_needed() -> None:
    with pytest.raises(ValueError, match="gray"):
        formats.check_clip(core.std.BlankClip(format=vs.GRAY8), gray=False)


@settings(max_examples=60 * CASES)
@given(
    format_id=st.sampled_from([*YUV_AND_GRAY, *RGB]),
    width=st.integers(16, 70),
    height=st.integers(16, 70),
    props=st.fixed_dictionaries(
        {},
        optional={
            "_Range": st.sampled_from([0, 1]),
            "_Matrix": st.sampled_from([1, 2, 4, 5, 6, 7, 8, 9]),
            "_ChromaLocation": st.integers(0, 5),
            "_FieldBased": st.integers(0, 2),
        },
    ),
)
def test_any_format_size_and_properties(
    format_id: Any, width: int, height: int, props: dict[str, int]
) -> None:
    fmt = core.get_video_format(format_id)
    width -= width % (1 << fmt.subsampling_w)
    height -= height % (1 << fmt.subsampling_h)
    if fmt.color_family == vs.RGB:
        props = {key: value for key, value in props.items() if key == "_Range"}
    clip = noise(format_id, width, height, length=1).std.SetFrameProps(**props)
    result = coloured(formats.check_clip(clip), 32)
    assert (result.width, result.height) == (width, height)
    after = dict(result.get_frame(0).props)
    for key, value in props.items():
        if key != "_Matrix" or value != 2:
            assert after[key] == value
    if fmt.color_family != vs.RGB:
        assert (plane(result, 0, 0) == plane(clip, 0, 0)).all()
