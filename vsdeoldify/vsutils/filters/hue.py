"""Hue ranges ("300:360,rose"), chroma adjustments ("300:360|0.5,0.0") and colour maps on the canvas.

The hue of HSV (as OpenCV computes it) depends only on the direction of the chroma (U, V), never on the luma:
adding the same amount to red, green and blue changes neither their order nor their differences. A hue range
is therefore a sector of the (U, V) plane, tested by two cross products, without a trip through RGB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import vapoursynth as vs

from ...settings.hues import ChromaAdjustment, HueRanges
from ...support.h273 import BLUE, BLUE_OF_U, GREEN, RED, RED_OF_V
from ..expressions import Inputs, differences
from ..planes import luma_everywhere, planes, swap_chroma
from ..scenes import Cuts

# A colour exactly on a boundary (pure red, hue 0) must not fall to the wrong side by float rounding:
# boundaries are moved back by this chroma distance, a 4000th of an 8-bit level.
_TOLERANCE = 1e-6
# The edge of a range whose hues turn is soft: from this many degrees inside it to as many outside, the new
# colour gives way to the old one. A hard edge would tear noise apart into speckles of both.
_SOFTNESS = 5.0
# Expr counts hues in sixths of the circle.
_SIXTH = 60.0


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
    """Fade the colours of some hues: ``(1 - weight)·R + weight·D``; or turn them, see `turn_hues`.

    D is the picture with its HSV saturation times `sat`, R is D in the ranges and the picture elsewhere. At
    constant luma a factor on the saturation is a factor on the chroma.

    Args:
        canvas: YUV444PS, BT.601, full range.
        adjustment: What to do; None leaves the canvas as it is.

    Returns:
        The canvas with its luma untouched.
    """
    if adjustment is not None and adjustment.shift:
        return turn_hues(canvas, adjustment)
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


def apply(canvas: vs.VideoNode, params: Sequence[Sequence[ChromaAdjustment]], cuts: Cuts) -> vs.VideoNode:
    """Make the filter `colormap`: one adjustment after the other; `cuts` is not looked at."""
    for colour_map in params:
        for adjustment in colour_map:
            canvas = adjust_chroma(canvas, adjustment)
    return canvas


def turn_hues(canvas: vs.VideoNode, adjustment: ChromaAdjustment) -> vs.VideoNode:
    """Turn the hues in some ranges: ``(1 - weight)·N + weight·O``, with soft edges.

    O is a pixel's own colour. N has its HSV hue turned by `shift`; HSV's S and V stay, and so does the
    largest difference of two of red, green and blue, C: N is C times the pure colour of the new hue, of which
    the canvas takes the chroma. The luma is left alone.

    Args:
        canvas: YUV444PS, BT.601, full range.
        adjustment: What to do; its `sat` is not looked at.

    Returns:
        The canvas with its luma untouched.
    """
    ranges, _, weight, shift = adjustment
    if weight == 1.0 or shift % 360.0 == 0.0:
        return canvas
    measures = Inputs()
    _, u, v = map(measures.add, planes(canvas))
    hue, strength = measures.expr([_hue_expr(u, v)]), measures.expr([_strength_expr(u, v)])
    inputs = Inputs()
    own, h, c = inputs.add(canvas), inputs.add(luma_everywhere(hue)), inputs.add(luma_everywhere(strength))
    share = f"{_share_expr(ranges, h)} {1.0 - weight:.9g} *"
    red, green, blue = (_pure_expr(h, shift - centre) for centre in (0.0, 120.0, 240.0))
    luma = f"{red} {RED} * {green} {GREEN} * + {blue} {BLUE} * +"
    return inputs.expr(
        [
            "",
            *(
                f"{primary} {luma} - {1.0 / scale:.9g} * {c} * {own} - {share} * {own} +"
                for primary, scale in ((blue, BLUE_OF_U), (red, RED_OF_V))
            ),
        ]
    )


def _strength_expr(u: str, v: str) -> str:
    """Expr text of the largest of red, green and blue less the smallest, 0–1."""
    red, green, blue = differences(u, v)
    return f"{red} {green} max {blue} max {red} {green} min {blue} min -"


def _hue_expr(u: str, v: str) -> str:
    """Expr text of the hue of HSV in sixths of the circle, −1 to 5: red 0, green 2, blue 4; 0 for gray."""
    red, green, blue = differences(u, v)
    strength = f"{_strength_expr(u, v)} 1e-9 max"
    from_red, from_green, from_blue = (
        f"{one} {other} - {strength} / {centre} +"
        for one, other, centre in ((green, blue, 0), (blue, red, 2), (red, green, 4))
    )
    rest = f"{green} {blue} >= {from_green} {from_blue} ?"
    return f"{red} {green} {blue} max >= {from_red} {rest} ?"


def _distance_expr(hue: str, degrees: float) -> str:
    """Expr text of a hue's distance on the circle from −`degrees`, in sixths.

    The sum of both is a number from 0 to 12, over which the distance is a wave of two triangles: no division
    and no step, so also what lies across 0° is exact.
    """
    return f"3 {hue} {(degrees / _SIXTH - 1.0) % 6.0 + 1.0 - 6.0:.9g} + abs 3 - abs -"


def _pure_expr(hue: str, degrees: float) -> str:
    """Expr text of one primary of the pure colour whose hue lies `degrees` on from `hue` and the primary."""
    return f"2 {_distance_expr(hue, degrees)} - 0 max 1 min"


def _share_expr(ranges: HueRanges, hue: str) -> str:
    """Expr text of how far a hue belongs to the ranges: 1 inside, 0 outside, 0.5 on an edge."""
    if ranges.everything:
        return "1"
    shares: list[str] = []
    for start, end in ranges.arcs:
        half = (end - start) / 2.0
        soft = min(_SOFTNESS, half, 180.0 - half)
        far = _distance_expr(hue, -(start + half))
        shares.append(f"{(half + soft) / _SIXTH:.9g} {far} - {_SIXTH / (2.0 * soft):.9g} * 0 max 1 min")
    return " ".join([shares[0], *(f"{share} max" for share in shares[1:])])
