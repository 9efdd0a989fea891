"""Merging, tweaking and the whole chain against the original's results on real film frames."""

from typing import Any

import cv2
import numpy as np
import pytest
import vapoursynth as vs
from goldens import DEFECTS, Picture, cases, clip_of, difference, golden, inputs, picture_of, with_luma_of
from vapoursynth import core

from vsdeoldify.settings.params import (
    AdaptiveLuma,
    DDTweakParams,
    LumaMask,
    adaptive_luma_params,
    ddtweak_params,
    luma_masked_params,
)
from vsdeoldify.support.h273 import MATRIX_BT601
from vsdeoldify.vsutils import formats, planes
from vsdeoldify.vsutils.filters import hue, merge, tweak

MEAN = {"corrected": 1.0, "original": 0.5}
KINDS = ("corrected", "original")


def canvas_of(pictures: list[Picture]) -> vs.VideoNode:
    clip = clip_of(pictures)
    return core.resize.Point(clip, format=vs.YUV444PS, matrix=MATRIX_BT601, range=vs.RANGE_FULL)


def check(case: dict[str, Any], canvas: vs.VideoNode) -> None:
    """Compare every frame of a case: our chroma under the golden's luma, which the truncation moved.

    The corrected cases still carry 8-bit truncation and error-diffusion dither, hence their wider limit.
    """
    kind = case["kind"]
    for n in map(int, case["frames"]):
        expected = golden(case, n)
        mean, close = difference(with_luma_of(expected, canvas, n), expected)
        assert mean <= MEAN[kind], (case["id"], n, mean)
        if kind == "original":
            assert close >= 0.99, (case["id"], n, close)


def sound_cases(kind: str, function: str) -> list[dict[str, Any]]:
    found = cases(kind, function)
    return [case for case in found if kind == "corrected" or case["id"] not in DEFECTS]


def named_case(kind: str, function: str, name: str) -> dict[str, Any]:
    (found,) = (case for case in cases(kind, function) if case["id"] == name)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_merges_give_the_originals_colours(kind: str) -> None:
    a, b = (canvas_of(inputs(name)) for name in "ab")
    found = sound_cases(kind, "vs_combine_models")
    assert len(found) == {"corrected": 2, "original": 11}[kind]
    for case in found:
        p = case["params"]
        pair = [merge.rotate(clip, p["sat"][i], p["hue"][i]) for i, clip in enumerate((a, b))]
        if p["invert_clips"]:
            pair.reverse()
        canvas = {
            2: lambda x, y, w, p: merge.simple(x, y, w),
            3: lambda x, y, w, p: merge.constrained_chroma(x, y, p["CMC_p"], w),
            4: lambda x, y, w, p: merge.luma_masked(x, y, LumaMask(*p["LMM_p"]), w),
            5: lambda x, y, w, p: merge.adaptive_luma(x, y, AdaptiveLuma(*p["ALM_p"]), w),
        }[p["method"]](*pair, p["clipb_weight"], p)
        check(case, canvas)


@pytest.mark.parametrize(
    ("name", "threshold", "weight", "swap"),
    [
        ("m3_t0.05_w1", 0.05, 1.0, False),
        ("m3_default", 0.2, 0.5, False),
        ("m3_t0.2_w0.6_invert", 0.2, 0.6, True),
    ],
)
def test_constrained_chroma_is_the_originals_formula_without_its_truncation(
    name: str, threshold: float, weight: float, swap: bool
) -> None:
    names = "ba" if swap else "ab"
    yuv_a, yuv_b = (cv2.cvtColor(inputs(n)[20], cv2.COLOR_RGB2YUV).astype(float) for n in names)

    def formula(cut: Any) -> Any:
        low, high = (cut(np.clip(yuv_a * (1 + sign * threshold), 0, 255)) for sign in (-1, 1))
        held = np.clip(yuv_b, low, high)
        held[..., 0] = yuv_a[..., 0]
        return held if weight == 1 else cut(yuv_a * (1 - weight)) + cut(held * weight)

    case = named_case("original", "vs_combine_models", f"combine/{name}")
    truncated = cv2.cvtColor(formula(np.trunc).astype(np.uint8), cv2.COLOR_YUV2RGB)
    assert (truncated == golden(case, 20)).all()

    canvas = merge.constrained_chroma(*(canvas_of(inputs(n)) for n in names), threshold, weight)
    expected = formula(lambda x: x)
    with canvas.get_frame(20) as frame:
        for plane, scale in ((1, merge.OPENCV_U), (2, merge.OPENCV_V)):
            ours = np.asarray(frame[plane]) * scale + 128
            assert np.abs(ours - expected[..., plane]).max() <= 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_saturation_and_hue_turn_colours_as_the_original_does(kind: str) -> None:
    for case in sound_cases(kind, "vs_tweak"):
        p = case["params"]
        check(case, merge.rotate(canvas_of(inputs("b")), p["sat"], p["hue"]))


def test_hue_rotation_matches_the_original_up_to_its_range_error() -> None:
    limited = golden(named_case("original", "vs_tweak", "vs_tweak/sat0.5_hue30"), 20).astype(float)
    expected = np.clip((limited - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
    ours = with_luma_of(expected, merge.rotate(canvas_of(inputs("b")), 0.5, 30.0), 20)
    mean, _ = difference(ours, expected)
    assert mean <= 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_constrained_tweak_brightens_as_the_original_does(kind: str) -> None:
    gray = planes.planes(canvas_of(inputs("bw")))[0]
    found = sound_cases(kind, "constrained_tweak")
    assert len(found) == {"corrected": 1, "original": 4}[kind]
    for case in found:
        p = case["params"]
        params = DDTweakParams(
            luma_min=p["luma_min"],
            gamma=p["gamma"],
            gamma_luma_min=p["gamma_luma_min"],
            gamma_alpha=p["gamma_alpha"],
            gamma_min=p["gamma_min"],
        )
        result = tweak.tweak_luma(gray, ddtweak_params(params))
        for n in map(int, case["frames"]):
            with result.get_frame(n) as frame:
                ours = np.repeat(np.asarray(frame[0])[..., None] * 255, 3, 2).round().astype(np.uint8)
            mean, close = difference(ours, golden(case, n))
            assert mean <= MEAN[kind], (case["id"], n, mean)
            assert close >= 0.99


# Method 3 truncates U and V three times at 8 bits. Its mean effect, measured by running the formula with and
# without on these frames, is the whole distance between the golden (1.5 ΔE without it) and the formula.
TRUNCATION_U, TRUNCATION_V = -0.898 / merge.OPENCV_U, -0.823 / merge.OPENCV_V


def whole_chain(case: dict[str, Any], *, truncated: bool) -> vs.VideoNode:
    """`ddeoldify()` with the two input colourings in the models' place, as the goldens were made."""
    p = case["params"]
    size = 16 * max(p["deoldify_p"][1], p["ddcolor_p"][1])
    source = clip_of(inputs("bw"))
    a, b = (formats.to_canvas(clip_of(inputs(name)), size) for name in "ab")
    if p["ddtweak"]:
        b = hue.adjust_chroma(b, ddtweak_params(p["ddtweak_p"]).hue_adjust)
    canvas = {
        1: lambda: b,
        2: lambda: merge.simple(a, b, p["mweight"]),
        3: lambda: merge.constrained_chroma(a, b, p["cmc_tresh"], p["mweight"]),
        4: lambda: merge.luma_masked(a, b, LumaMask(*p["lmm_p"]), p["mweight"]),
        5: lambda: merge.adaptive_luma(a, b, AdaptiveLuma(*p["alm_p"]), p["mweight"]),
    }[p["method"]]()
    if truncated:
        canvas = core.std.Expr(canvas, ["", f"x {TRUNCATION_U} +", f"x {TRUNCATION_V} +"])
    return formats.restore(source, canvas)


def test_the_whole_chain_gives_the_corrected_originals_pictures() -> None:
    found = cases("corrected", "ddeoldify")
    assert len(found) == 5
    for case in found:
        result = whole_chain(case, truncated=case["params"]["method"] == 3)
        for n in map(int, case["frames"]):
            mean, _ = difference(picture_of(result, n), golden(case, n))
            assert mean <= 1.0, (case["id"], mean)


def test_luma_recovery_matches_the_original() -> None:
    (case,) = cases("original", "vs_recover_clip_luma")
    canvas = canvas_of(inputs("b"))
    mean, close = difference(with_luma_of(inputs("bw")[20], canvas, 20), golden(case, 20))
    assert mean <= 0.5
    assert close >= 0.99


def flat(luma: float, u: float, v: float) -> vs.VideoNode:
    return core.std.BlankClip(format=vs.YUV444PS, width=16, height=16, length=2, color=[luma, u, v])


def chroma(canvas: vs.VideoNode) -> tuple[float, float]:
    with canvas.get_frame(0) as frame:
        return float(np.asarray(frame[1])[3, 3]), float(np.asarray(frame[2])[3, 3])


def test_a_merge_with_itself_changes_nothing() -> None:
    a = flat(0.4, 0.1, -0.2)
    for result in (
        merge.simple(a, a, 0.4),
        merge.constrained_chroma(a, a, 0.2, 0.4),
        merge.luma_masked(a, a, luma_masked_params([]), 0.4),
        merge.adaptive_luma(a, a, adaptive_luma_params([]), 0.4),
        merge.rotate(a, 1.0, 360.0),
    ):
        assert chroma(result) == pytest.approx((0.1, -0.2), abs=1e-6)


@pytest.mark.parametrize("width", [0, 1e-15, 1e-9])
def test_equal_luma_limits_are_a_step(width: float) -> None:
    params = LumaMask(0.5, 0.5 + width, 1.0)
    for luma, expected in ((0.49, 0.1), (0.5, 0.1), (0.51, -0.3)):
        result = merge.luma_masked(flat(luma, 0.1, 0.0), flat(luma, -0.3, 0.0), params, 1.0)
        assert chroma(result)[0] == pytest.approx(expected, abs=1e-6)


def test_adaptive_weight_follows_the_mean_luma() -> None:
    a, b = flat(0.4, 0.0, 0.0), flat(0.4, 0.1, 0.0)
    for params, expected in (
        (AdaptiveLuma(0.8, 1.0, 0.15), 0.5),
        (AdaptiveLuma(0.8, 2.0, 0.15), 0.25),
        (AdaptiveLuma(0.8, 10.0, 0.15), 0.15),
        (AdaptiveLuma(0.3, 1.0, 0.15), 1.0),
        (AdaptiveLuma(0.0, 1.0, 0.15), 1.0),
    ):
        result = chroma(merge.adaptive_luma(a, b, params, 1.0))[0]
        assert result == pytest.approx(0.1 * expected, abs=1e-6)


def test_positive_hue_turns_red_towards_magenta() -> None:
    red = core.std.BlankClip(format=vs.RGBS, width=16, height=16, length=1, color=[1.0, 0.0, 0.0])
    canvas = core.resize.Point(red, format=vs.YUV444PS, matrix=MATRIX_BT601)
    turned = core.resize.Point(merge.rotate(canvas, 1.0, 30.0), format=vs.RGBS)
    with turned.get_frame(0) as frame:
        r, g, b = (float(np.asarray(frame[plane])[0, 0]) for plane in range(3))
    assert r > b > g


def test_tweak_saturates_and_never_gives_what_is_no_number() -> None:
    gray = core.std.BlankClip(format=vs.GRAYS, width=16, height=16, length=1, color=[0.0])
    for params in (
        DDTweakParams(),
        DDTweakParams(luma_constrained=False),
        DDTweakParams(bright=-10.0, gamma=0.01),
        DDTweakParams(bright=10.0, contrast=10.0, gamma=10.0, gamma_alpha=10.0, luma_min=1.0),
        DDTweakParams(gamma_luma_min=0.0, gamma_min=10.0),
    ):
        with tweak.tweak_luma(gray, ddtweak_params(params)).get_frame(0) as frame:
            picture = np.asarray(frame[0])
        assert np.isfinite(picture).all()
        assert picture.min() >= 0.0
        assert picture.max() <= 1.0
