"""Formats × sizes × properties × parameters: a sound frame or an error that names what is wrong."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import vapoursynth as vs
from cases import CASES
from clips import frame_bytes, noise, plane
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from vapoursynth import core

from vsdeoldify import ddeoldify, ddeoldify_stabilizer

FORMATS = st.one_of(
    st.sampled_from([vs.GRAY8, vs.GRAY16, vs.GRAYH, vs.GRAYS, vs.RGB24, vs.RGB48, vs.RGBH, vs.RGBS]),
    st.builds(
        lambda bits, w, h: core.query_video_format(vs.YUV, vs.INTEGER, bits, w, h).id,
        st.integers(8, 16),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    st.builds(
        lambda bits, w: core.query_video_format(vs.YUV, vs.FLOAT, bits, w, 0).id,
        st.sampled_from([16, 32]),
        st.integers(0, 1),
    ),
    st.builds(lambda bits: core.query_video_format(vs.YUV, vs.INTEGER, bits, 0, 0).id, st.integers(17, 32)),
)
PROPS = st.fixed_dictionaries(
    {},
    optional={
        "_Range": st.integers(-1, 3),
        "_Matrix": st.integers(-1, 15),
        "_ChromaLocation": st.integers(-1, 7),
        "_FieldBased": st.integers(-1, 4),
        "_Transfer": st.integers(0, 18),
        "_Primaries": st.integers(0, 12),
        "_SceneChangePrev": st.integers(-1, 2),
        "_SceneChangeNext": st.integers(0, 1),
        "_DurationNum": st.integers(0, 5),
        "mine": st.one_of(st.integers(-(2**60), 2**60), st.floats(), st.text(max_size=5)),
    },
)
SIZES = st.one_of(st.integers(1, 15), st.integers(16, 80), st.integers(16, 80))


def clip_of(format_id: int, width: int, height: int, props: dict[str, Any], length: int = 2) -> vs.VideoNode:
    fmt = core.get_video_format(format_id)
    width = -(-width >> fmt.subsampling_w) << fmt.subsampling_w
    height = -(-height >> fmt.subsampling_h) << fmt.subsampling_h
    if fmt.sample_type == vs.INTEGER and fmt.bits_per_sample > 16:
        clip = core.std.BlankClip(format=format_id, width=width, height=height, length=length)
    else:
        clip = noise(format_id, width, height, length=length)
    return clip.std.SetFrameProps(**props) if props else clip


def check_frame(clip: vs.VideoNode, result: vs.VideoNode) -> None:
    """One frame comes out whole, in the clip's format, with its luma."""
    assert (result.width, result.height, len(result)) == (clip.width, clip.height, len(clip))
    with result.get_frame(len(clip) - 1) as frame:
        assert all(np.isfinite(np.asarray(p)).all() for p in frame)
    if clip.format.color_family != vs.RGB:
        assert (plane(result, 0, 0) == plane(clip, 0, 0)).all()


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("models")
    torch.save(tiny_deoldify_state_dict("wide"), folder / "a.pth")
    torch.save({"params": tiny_ddcolor_state_dict("tiny")}, folder / "b.pth")
    names = {
        "deoldify_p": [str(folder / "a.pth"), 10],
        "ddcolor_p": [str(folder / "b.pth"), 10],
        "device_index": 99,
    }
    # A network lives as long as a clip uses it; without this one every case would load it again.
    keep = ddeoldify(core.std.BlankClip(format=vs.GRAY8, width=16, height=16), **names)
    yield names
    del keep


@settings(max_examples=500 * CASES)
@given(
    format_id=FORMATS,
    width=SIZES,
    height=SIZES,
    props=PROPS,
    method=st.integers(0, 5),
    tweak=st.booleans(),
)
def test_ddeoldify_gives_a_sound_frame_or_an_error_when_called(
    networks: dict[str, Any],
    format_id: int,
    width: int,
    height: int,
    props: dict[str, Any],
    method: int,
    tweak: bool,
) -> None:
    clip = clip_of(format_id, width, height, props)
    try:
        result = ddeoldify(clip, method, ddtweak=tweak, **networks)
    except vs.Error as error:
        assert str(error).startswith("ddeoldify: ")
        assert_excused(clip, props)
    else:
        check_frame(clip, result)


def assert_excused(clip: vs.VideoNode, props: dict[str, Any], *, gray: bool = True) -> None:
    """The clip is one that may be refused."""
    fmt = clip.format
    assert (
        min(clip.width, clip.height) < 16
        or (fmt.bits_per_sample > 16 and fmt.sample_type == vs.INTEGER)
        or (fmt.color_family != vs.RGB and props.get("_Matrix", 2) not in (1, 2, 4, 5, 6, 7, 8, 9))
        or props.get("_Range", 0) not in (0, 1)
        or props.get("_ChromaLocation", 0) not in range(6)
        or props.get("_FieldBased", 0) not in range(3)
        or (not gray and fmt.color_family == vs.GRAY)
    ), (fmt.name, clip.width, clip.height, props)


@pytest.mark.parametrize(
    "name", ["_Matrix", "_Range", "_ChromaLocation", "_SceneChangePrev", "_SceneChangeNext"]
)
@pytest.mark.parametrize(
    "value", ["bt709", [1, 1], 1.5, b"\xff\xfe"], ids=["text", "list", "fraction", "bytes"]
)
def test_a_property_of_the_wrong_type_is_one_clear_sentence(
    networks: dict[str, Any], name: str, value: Any
) -> None:
    clip = noise(vs.YUV420P8, 32, 32).std.SetFrameProps(**{name: value})
    for call in (lambda: ddeoldify(clip, 0, **networks), lambda: ddeoldify_stabilizer(clip, stab=True)):
        with pytest.raises(vs.Error) as error:
            call()
        text = str(error.value)
        assert f"the frame property {name} must be one whole number, got " in text
        assert f"SetFrameProps({name}=" in text
        assert "\n" not in text


@pytest.mark.parametrize(
    "name", ["_FieldBased", "_Field", "_Transfer", "_Primaries", "_DurationNum", "_SARNum", "_SARDen"]
)
def test_a_property_that_nobody_reads_may_be_anything(networks: dict[str, Any], name: str) -> None:
    clip = noise(vs.YUV420P8, 32, 32).std.SetFrameProps(**{name: "text"})
    check_frame(clip, ddeoldify(clip, 0, **networks))


NUMBER = st.one_of(
    st.floats(0, 1), st.floats(0, 1), st.integers(0, 31), st.floats(), st.just(math.nan), st.text(max_size=2)
)
HUES = st.one_of(
    st.sampled_from(["none", "", "rose", "0:360", "330:30", "Red , 10.5:20", "300:360|0.3,0.2", "|", "0:0"]),
    st.text(alphabet="0123456789:|,. -nonerdblu", max_size=16),
)


@settings(max_examples=1000 * CASES)
@given(
    format_id=FORMATS,
    width=SIZES,
    height=SIZES,
    props=PROPS,
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    dark_p=st.tuples(NUMBER, NUMBER, HUES),
    smooth_p=st.tuples(NUMBER, NUMBER, NUMBER, NUMBER, HUES),
    stab_p=st.tuples(
        st.integers(2, 33), st.sampled_from(["A", "W", "G", "x"]), NUMBER, NUMBER, NUMBER, NUMBER, HUES
    ),
    kept=st.integers(0, 7),
)
def test_the_stabilizer_gives_a_sound_frame_or_an_error_when_called(
    format_id: int,
    width: int,
    height: int,
    props: dict[str, Any],
    flags: tuple[bool, bool, bool],
    dark_p: tuple[Any, ...],
    smooth_p: tuple[Any, ...],
    stab_p: tuple[Any, ...],
    kept: int,
) -> None:
    clip = clip_of(format_id, width, height, props, length=3)
    dark, smooth, stab = flags
    groups = {"dark_p": dark_p[:kept], "smooth_p": smooth_p[:kept], "stab_p": stab_p[:kept]}
    try:
        result = ddeoldify_stabilizer(clip, dark, smooth=smooth, stab=stab, render_factor=10, **groups)
    except vs.Error as error:
        text = str(error)
        assert text.startswith("ddeoldify_stabilizer: ")
        if not any(name in text for name in groups):
            assert_excused(clip, props, gray=False)
    else:
        if any(flags):
            check_frame(clip, result)
        else:
            assert frame_bytes(result, 0) == frame_bytes(clip, 0)


@settings(max_examples=500 * CASES)
@given(text=st.one_of(st.text(max_size=20), st.text(alphabet="0123456789:|,. -+einfa", max_size=20), HUES))
def test_any_text_for_hues_is_read_or_refused_by_name(text: str) -> None:
    clip = core.std.BlankClip(format=vs.YUV420P8, width=16, height=16, length=1)
    for name, values in (("dark_p", [0.2, 0.8, text]), ("stab_p", [3, "A", 1, 15, 0.2, 0.15, text])):
        try:
            ddeoldify_stabilizer(clip, **{name: values})
        except vs.Error as error:
            assert name in str(error)
