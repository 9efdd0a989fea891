"""Merging the colours of two models: methods 2–5 of `ddeoldify()`.

All clips are canvases with the same luma, so a merge concerns their chroma alone. The formulas are those of
the original plugin (vs-deoldify 3.1), in float.
"""

import math

import vapoursynth as vs
from vapoursynth import core

from ...settings.params import AdaptiveLumaParams, LumaMaskedParams
from ..formats import Matrix, chroma_of_bt601, luma_everywhere, multiply_chroma, planes
from ..scalar import per_frame_value

NARROWEST_RAMP = 1e-6
"""A ramp over less than this of the luma is a step; its slope could be beyond what a float holds."""

# Chroma on OpenCV's 8-bit YUV scale, without its offset of 128, per unit of BT.601's U and V.
OPENCV_U = 255 * 0.492 * 1.772
OPENCV_V = 255 * 0.877 * 1.402


def rotate(canvas: vs.VideoNode, saturation: float, hue: float) -> vs.VideoNode:
    """Scale and rotate the chroma: `U' = s·(U·cos h + V·sin h)`, `V' = s·(V·cos h − U·sin h)`.

    Args:
        canvas: the clip.
        saturation: the factor s; 1 leaves the colours.
        hue: the angle h in degrees; 0 leaves the colours. Positive angles turn red towards magenta.

    Returns:
        The canvas. U and V of the formula are BT.709's, as in the original, brought to the canvas's BT.601.
    """
    if saturation == 1 and hue % 360 == 0:
        return canvas
    if hue % 360 == 0:
        return core.std.Expr(canvas, ["", f"x {saturation} *", f"x {saturation} *"])
    return multiply_chroma(canvas, _rotation_in_bt601(saturation, math.radians(hue)))


def _multiply(a: Matrix, b: Matrix) -> Matrix:
    (a00, a01), (a10, a11) = a
    (b00, b01), (b10, b11) = b
    return (
        (a00 * b00 + a01 * b10, a00 * b01 + a01 * b11),
        (a10 * b00 + a11 * b10, a10 * b01 + a11 * b11),
    )


def _rotation_in_bt601(saturation: float, angle: float) -> Matrix:
    sine, cosine = saturation * math.sin(angle), saturation * math.cos(angle)
    to_709 = chroma_of_bt601(vs.MATRIX_BT709)
    (a, b), (c, d) = to_709
    determinant = a * d - b * c
    from_709 = ((d / determinant, -b / determinant), (-c / determinant, a / determinant))
    return _multiply(from_709, _multiply(((cosine, sine), (-sine, cosine)), to_709))


def simple(a: vs.VideoNode, b: vs.VideoNode, weight: float) -> vs.VideoNode:
    """Method 2: `(1−w)·A + w·B`."""
    return core.std.Merge(a, b, [0, weight, weight])


def constrained_chroma(a: vs.VideoNode, b: vs.VideoNode, threshold: float, weight: float) -> vs.VideoNode:
    """Method 3: B's chroma held within a band around A's, then merged with A.

    Args:
        a: the canvas whose chroma leads.
        b: the canvas whose chroma is held.
        threshold: t, 0–1: `U = clamp(U_B, U_A·(1−t), U_A·(1+t))` on OpenCV's 0–255 scale, where neutral
            is 128, so that 0.2 leaves about 25 levels around neutral; same for V.
        weight: share of the held chroma in the result, 0–1.
    """

    def held(scale: float) -> str:
        low = f"x {scale} * 128 + {1 - threshold} * 0 max 255 min 128 - {scale} /"
        high = f"x {scale} * 128 + {1 + threshold} * 0 max 255 min 128 - {scale} /"
        return f"y {low} max {high} min {weight} * x {1 - weight} * +"

    return core.std.Expr([a, b], ["", held(OPENCV_U), held(OPENCV_V)])


def luma_masked(a: vs.VideoNode, b: vs.VideoNode, params: LumaMaskedParams, weight: float) -> vs.VideoNode:
    """Method 4: A's colours in the dark, B's in the light, a ramp between; then merged with A."""
    luma = luma_everywhere(planes(a)[0])
    m = bright_share(params.luma_black_limit, params.luma_white_limit, "z")
    dark_sat = params.luma_mask_sat
    expr = f"{m} y * 1 {m} - x * {dark_sat} * + {weight} * x {1 - weight} * +"
    return core.std.Expr([a, b, luma], ["", expr, expr])


def bright_share(low: float, high: float, luma: str) -> str:
    """Expr text for how bright a pixel is: 0 up to `low`, 1 from `high`, linear between; else a step."""
    if high - low < NARROWEST_RAMP:
        return f"{luma} {low} > 1 0 ?"
    return f"{luma} {low} - {1 / (high - low)} * 0 max 1 min"


def adaptive_luma(
    a: vs.VideoNode, b: vs.VideoNode, params: AdaptiveLumaParams, weight: float
) -> vs.VideoNode:
    """Method 5: B's weight falls with the mean luma ℓ of the frame.

    `W = max(w·(ℓ/threshold)^alpha, min_weight)` where ℓ is below the threshold, else w.
    """
    threshold, alpha, min_weight = params

    def share(mean: float) -> float:
        if mean >= threshold:
            return weight
        lessened: float = weight * (mean / threshold) ** alpha
        return max(lessened, min_weight)

    shares = luma_everywhere(per_frame_value(planes(a)[0], share))
    return core.std.Expr([a, b, shares], ["", "y x - z * x +"])
