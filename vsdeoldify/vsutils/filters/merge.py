"""Merging the colours of two models: methods 2–5 of `ddeoldify()`.

All clips are canvases with the same luma, so a merge concerns their chroma alone. The formulas are those of
the original plugin (vs-deoldify 3.1), in float.
"""

import math
from collections.abc import Callable

import vapoursynth as vs
from vapoursynth import core

from ...settings.params import AdaptiveLuma, LumaMask
from ...settings.requests import Merging
from ...support.h273 import BLUE_OF_U, MATRIX_BT709, RED_OF_V
from ..expressions import Inputs, ramp
from ..matrices import ChromaMatrix, chroma_of_bt601
from ..planes import luma_everywhere, multiply_chroma, plane
from ..scalar import per_frame_value

# Chroma on OpenCV's 8-bit YUV scale, without its offset of 128, per unit of BT.601's U and V.
OPENCV_U = 255 * 0.492 * BLUE_OF_U
OPENCV_V = 255 * 0.877 * RED_OF_V


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


def _multiply(a: ChromaMatrix, b: ChromaMatrix) -> ChromaMatrix:
    (a00, a01), (a10, a11) = a
    (b00, b01), (b10, b11) = b
    return (
        (a00 * b00 + a01 * b10, a00 * b01 + a01 * b11),
        (a10 * b00 + a11 * b10, a10 * b01 + a11 * b11),
    )


def _rotation_in_bt601(saturation: float, angle: float) -> ChromaMatrix:
    sine, cosine = saturation * math.sin(angle), saturation * math.cos(angle)
    to_709 = chroma_of_bt601(MATRIX_BT709)
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

    inputs = Inputs()
    leading, other = inputs.add(a), inputs.add(b)

    def held(scale: float) -> str:
        low, high = (
            f"{leading} {scale} * 128 + {share} * 0 max 255 min 128 - {scale} /"
            for share in (1 - threshold, 1 + threshold)
        )
        return f"{other} {low} max {high} min {weight} * {leading} {1 - weight} * +"

    return inputs.expr(["", held(OPENCV_U), held(OPENCV_V)])


def luma_masked(a: vs.VideoNode, b: vs.VideoNode, params: LumaMask, weight: float) -> vs.VideoNode:
    """Method 4: A's colours in the dark, B's in the light, a ramp between; then merged with A."""
    inputs = Inputs()
    dark, bright, luma = map(inputs.add, (a, b, luma_everywhere(plane(a, 0))))
    # 17 digits are those of the numbers as they are.
    m = ramp(params.luma_black_limit, params.luma_white_limit, luma, digits=17)
    masked = f"{m} {bright} * 1 {m} - {dark} * {params.luma_mask_sat} * +"
    text = f"{masked} {weight} * {dark} {1 - weight} * +"
    return inputs.expr(["", text, text])


def adaptive_luma(a: vs.VideoNode, b: vs.VideoNode, params: AdaptiveLuma, weight: float) -> vs.VideoNode:
    """Method 5: B's weight falls with the mean luma ℓ of the frame.

    `W = max(w·(ℓ/threshold)^alpha, min_weight)` where ℓ is below the threshold, else w.
    """
    threshold, alpha, min_weight = params

    def share(mean: float) -> float:
        if mean >= threshold:
            return weight
        lessened: float = weight * (mean / threshold) ** alpha
        return max(lessened, min_weight)

    inputs = Inputs()
    first, second, part = map(inputs.add, (a, b, luma_everywhere(per_frame_value(plane(a, 0), share))))
    return inputs.expr(["", f"{second} {first} - {part} * {first} +"])


MERGES: dict[str, Callable[[vs.VideoNode, vs.VideoNode, Merging], vs.VideoNode]] = {
    "simple": lambda a, b, m: simple(a, b, m.weight),
    "constrained_chroma": lambda a, b, m: constrained_chroma(a, b, m.threshold, m.weight),
    "luma_masked": lambda a, b, m: luma_masked(a, b, m.luma_mask, m.weight),
    "adaptive_luma": lambda a, b, m: adaptive_luma(a, b, m.adaptive_luma, m.weight),
}
"""What makes one canvas of two, by the names of the methods."""
