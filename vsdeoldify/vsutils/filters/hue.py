"""Hue ranges ("300:360,rose") and the chroma adjustment ("300:360|0.5,0.0") on the canvas.

The hue of HSV (as OpenCV computes it) depends only on the direction of the chroma (U, V), never on the luma:
adding the same amount to red, green and blue changes neither their order nor their differences. A hue range
is therefore a sector of the (U, V) plane, tested by two cross products, without a trip through RGB.
"""

from __future__ import annotations

import math

import vapoursynth as vs

from ...settings.hues import ChromaAdjustment, HueRanges
from ...support.h273 import BLUE, BLUE_OF_U, GREEN, RED, RED_OF_V
from ..expressions import Inputs
from ..planes import swap_chroma

# A colour exactly on a boundary (pure red, hue 0) must not fall to the wrong side by float rounding:
# boundaries are moved back by this chroma distance, a 4000th of an 8-bit level.
_TOLERANCE = 1e-6


def _ray(degrees: float) -> tuple[float, float]:
    """The direction (U, V), of length 1, of all colours with this hue."""
    # The fully saturated colour of this hue, by the definition of HSV.
    red, green, blue = (
        1.0 - min(max(min(k, 4.0 - k), 0.0), 1.0)
        for k in (((degrees / 60.0 + shift) % 6.0) for shift in (5.0, 3.0, 1.0))
    )
    luma = RED * red + GREEN * green + BLUE * blue
    u, v = (blue - luma) / BLUE_OF_U, (red - luma) / RED_OF_V
    length = math.hypot(u, v)
    return u / length, v / length


def _sector(start: float, end: float, u: str, v: str) -> str:
    """Expr text: 1 where the hue is in [start, end), an arc of less than 180 degrees; 0 for gray."""
    (su, sv), (eu, ev) = _ray(start), _ray(end)
    return (
        f"{v} {su:.9g} * {u} {sv:.9g} * - {-_TOLERANCE:g} >= "
        f"{u} {ev:.9g} * {v} {eu:.9g} * - {_TOLERANCE:g} > and"
    )


def _sectors(arcs: list[tuple[float, float]], u: str, v: str) -> str:
    tests: list[str] = []
    for start, end in arcs:
        pieces = math.floor((end - start) / 180.0) + 1
        step = (end - start) / pieces
        tests += [_sector(start + i * step, start + (i + 1) * step, u, v) for i in range(pieces)]
    return " ".join([tests[0], *(f"{test} or" for test in tests[1:])])


def in_range_expr(ranges: HueRanges, u: str, v: str) -> str:
    """Expr text that yields 1 where a colour is in range and 0 elsewhere.

    Args:
        ranges: The hues; gray counts as hue 0.
        u: Name of the Expr input that holds U (BT.601, -0.5…0.5), for example ``"x"``.
        v: Name of the Expr input that holds V.

    Returns:
        A text that leaves one value on the stack of ``std.Expr``.
    """
    if ranges.everything:
        return "1"
    arcs = ranges.arcs
    gaps = [
        (end, arcs[i + 1][0] if i + 1 < len(arcs) else arcs[0][0] + 360.0) for i, (_, end) in enumerate(arcs)
    ]
    # A sector's test is 0 for gray. So a set with hue 0 is written as "not in the gaps", which is 1 for gray.
    if arcs[0][0] == 0.0 or arcs[-1][1] > 360.0:
        return _sectors(gaps, u, v) + " not"
    return _sectors(list(arcs), u, v)


def adjust_chroma(canvas: vs.VideoNode, adjustment: ChromaAdjustment | None) -> vs.VideoNode:
    """Fade the colours of some hues: ``(1 - weight)·R + weight·D``.

    D is the picture with its HSV saturation times `sat`, R is D in the ranges and the picture elsewhere. At
    constant luma a factor on the saturation is a factor on the chroma.

    Args:
        canvas: YUV444PS, BT.601, full range.
        adjustment: What to do; None leaves the canvas as it is.

    Returns:
        The canvas with its luma untouched.
    """
    if adjustment is None or adjustment.sat == 1.0:
        return canvas
    inside, outside = adjustment.sat, 1.0 - adjustment.weight * (1.0 - adjustment.sat)
    if adjustment.ranges.everything:
        return vs.core.std.Expr(canvas, ["", f"x {inside:.9g} *"])
    inputs = Inputs()
    own, other = inputs.add(canvas), inputs.add(swap_chroma(canvas))
    # On the plane of U the plane of V is the other one, and the reverse.
    planes = [
        f"{in_range_expr(adjustment.ranges, u, v)} {inside:.9g} {outside:.9g} ? {own} *"
        for u, v in ((own, other), (other, own))
    ]
    return inputs.expr(["", *planes])
