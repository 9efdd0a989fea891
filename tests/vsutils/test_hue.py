"""Hue ranges and the chroma adjustment."""

from typing import Any

import canvases
import cv2
import goldens
import numpy as np
import pytest
import vapoursynth as vs
from cases import CASES
from hypothesis import given, settings
from hypothesis import strategies as st
from vapoursynth import core

from vsdeoldify.settings import hues as hue_text
from vsdeoldify.vsutils import formats
from vsdeoldify.vsutils.filters import hue

Array = np.ndarray[Any, Any]


def gray_clip(values: Array) -> vs.VideoNode:
    height, width = values.shape
    blank = core.std.BlankClip(format=vs.GRAYS, width=width, height=height, length=1)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), values)
        return frame

    return core.std.ModifyFrame(blank, blank, fill)


def chroma(rgb: Array) -> tuple[Array, Array]:
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    return (rgb[..., 2] - luma) / 1.772, (rgb[..., 0] - luma) / 1.402


def in_range(text: str, rgb: Array) -> Array:
    clips = [gray_clip(plane.astype(np.float32)) for plane in chroma(rgb)]
    result = core.std.Expr(clips, hue.in_range_expr(hue_text.parse_ranges(text), "x", "y"))
    return np.array(result.get_frame(0)[0])


def hsv_hue(rgb: Array) -> Array:
    return cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2HSV)[..., 0]


@pytest.fixture(scope="module")
def colours() -> Array:
    return np.random.default_rng(3).random((96, 96, 3), dtype=np.float32)


@pytest.mark.parametrize(
    "text",
    [
        *("0:30", "300:360", "0:30,300:360", "330:30", "290:330,rose", "10:200", "0:180", "180:360"),
        *("350.5:0.25", "red,green,blue", "30:20", "Yellow-Green , 200.5 : 201"),
    ],
)
def test_a_range_holds_the_colours_whose_opencv_hue_lies_in_it(text: str, colours: Array) -> None:
    hues = hsv_hue(colours)
    expected = np.zeros(hues.shape, bool)
    away = np.ones(hues.shape, bool)
    for part in text.lower().split(","):
        name = part.strip()
        start, end = hue_text.HUE_NAMES[name] if name in hue_text.HUE_NAMES else map(float, name.split(":"))
        expected |= (hues >= start) & (hues < end) if start < end else (hues >= start) | (hues < end)
        for bound in (start, end):
            away &= np.abs((hues - bound + 180) % 360 - 180) > 1e-3
    found = in_range(text, colours)
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert np.array_equal(found[away] == 1, expected[away])


@settings(max_examples=30 * CASES)
@given(st.tuples(st.integers(0, 359), st.integers(0, 359)).filter(lambda pair: pair[0] != pair[1]))
def test_a_range_and_its_rest_share_no_colour_and_miss_none(bounds: tuple[int, int]) -> None:
    rgb = np.random.default_rng(5).integers(0, 9, (24, 24, 3)).astype(np.float32) / 8
    one, rest = in_range("{}:{}".format(*bounds), rgb), in_range("{1}:{0}".format(*bounds), rgb)
    assert np.array_equal(one + rest, np.ones_like(one))


def test_a_boundary_colour_belongs_to_the_range_that_starts_there() -> None:
    # Hues 0, 30, 60 … 330 exactly, at several saturations and brightnesses.
    pure = np.zeros((12, 3), np.float32)
    for i in range(12):
        pure[i] = cv2.cvtColor(np.array([[[30.0 * i, 1, 1]]], np.float32), cv2.COLOR_HSV2RGB)[0, 0]
    rgb = np.stack([0.1 + a * pure for a in (0.02, 0.3, 0.9)], 1)
    for i, name in enumerate(hue_text.HUE_NAMES):
        expected = np.zeros((12, 3))
        expected[i] = 1
        assert np.array_equal(in_range(name, rgb), expected), name


def test_gray_counts_as_hue_0() -> None:
    gray = np.full((1, 1, 3), 0.5, np.float32)
    zero = [gray_clip(np.zeros((1, 1), np.float32))] * 2
    for text, expected in {"0:30": 1, "300:20": 1, "300:360": 0, "30:359": 0, "none": 1, "0:360": 1}.items():
        result = core.std.Expr(zero, hue.in_range_expr(hue_text.parse_ranges(text), "x", "y"))
        assert np.asarray(result.get_frame(0)[0])[0, 0] == expected, text
    assert hsv_hue(gray)[0, 0] == 0


@pytest.mark.parametrize(
    "text", ["none", "None", "", "  ", "0:360", ",".join(hue_text.HUE_NAMES), "90:30,20:100"]
)
def test_no_restriction_and_a_full_circle_mean_every_colour(text: str) -> None:
    assert hue_text.parse_ranges(text).everything


def test_touching_ranges_have_no_hole_between_them() -> None:
    assert hue_text.parse_ranges("290:330,rose").arcs == ((290.0, 360.0),)
    assert hue_text.parse_ranges("0:30,300:360").arcs == ((300.0, 390.0),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mauve", "red, orange, yellow"),
        ("nan:30", "neither"),
        ("-5:10", "neither"),
        ("10", "neither"),
        ("10:20:30", "neither"),
        ("10:20,", "neither"),
        ("1e1:20", "neither"),
        ("10:361", "0–360"),
        ("20:20", "empty"),
        ("360:0", "empty"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        hue_text.parse_ranges(text)


@pytest.mark.parametrize(
    "text", ["300:360", "300:360|", "300:360|0.5", "300:360|0.5,0,0", "a|b|c", "0:30|nan,0", "0:30|0.5,-1"]
)
def test_an_adjustment_that_is_not_ranges_and_two_numbers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"saturation,weight"):
        hue_text.parse_adjustment(text)


def test_an_adjustment_weight_above_1_is_refused() -> None:
    with pytest.raises(ValueError, match="0–1"):
        hue_text.parse_adjustment("0:30|0.5,1.5")


def test_an_adjustment_fades_its_hues_fully_and_the_rest_by_the_weight(colours: Array) -> None:
    u, v = chroma(colours)
    canvas = canvases.canvas([[colours[..., 0], u, v]])
    frame = hue.adjust_chroma(canvas, hue_text.parse_adjustment("60:200 | 0.25, 0.4")).get_frame(0)
    hues = hsv_hue(colours)
    factor = np.where((hues >= 60) & (hues < 200), 0.25, 1 - 0.4 * 0.75)
    assert np.array_equal(np.asarray(frame[0]), colours[..., 0])
    assert np.allclose(np.asarray(frame[1]), u * factor, atol=1e-6)
    assert np.allclose(np.asarray(frame[2]), v * factor, atol=1e-6)


def test_an_adjustment_that_changes_nothing_is_no_filter() -> None:
    canvas = core.std.BlankClip(format=vs.YUV444PS, width=16, height=16)
    assert hue.adjust_chroma(canvas, None) is canvas
    assert hue.adjust_chroma(canvas, hue_text.parse_adjustment("none")) is canvas
    assert hue.adjust_chroma(canvas, hue_text.parse_adjustment("0:30|1.5,0.3")) is canvas


@pytest.mark.parametrize(("kind", "limit"), [("corrected", 1.0), ("original", 0.5)])
def test_adjustments_match_the_original_where_it_is_right(kind: str, limit: float) -> None:
    pictures = goldens.inputs("b")
    source = canvases.full_size(goldens.clip_of(pictures))
    compared = 0
    for case, n, golden in canvases.golden_cases(kind, "vs_adjust_clip_hue"):
        result = hue.adjust_chroma(source, hue_text.parse_adjustment(case["params"]["hue_adjust"]))
        ours = goldens.picture_of(formats.restore(goldens.clip_of(pictures), result), n)
        assert goldens.difference(ours, golden)[0] <= limit, (case["id"], n)
        compared += 1
    assert compared >= 2
