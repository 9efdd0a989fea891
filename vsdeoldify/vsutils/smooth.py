"""Calm the colours of dark areas: the filters `dark` and `smooth`.

Both multiply HSV saturation and value by factors s and v where the picture is dark. Each channel c becomes
v·(s·c + (1 - s)·max), so the chroma is multiplied by s·v; and as the source's luma returns in the end, that
is all that remains of them. What decides where the picture is dark is the source's luma.
"""

from __future__ import annotations

import vapoursynth as vs

from ..params import DarkParams, SmoothParams
from .formats import luma_everywhere
from .hue import HueRanges, in_range_expr, parse_ranges, swap_chroma


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _fade_dark(
    canvas: vs.VideoNode, low: float, high: float, factor: float, ranges: HueRanges | str | None
) -> vs.VideoNode:
    """Multiply the chroma by `factor` where luma <= low, by 1 where luma >= high, and linearly in between."""
    if factor == 1.0:
        return canvas
    if isinstance(ranges, str):
        ranges = parse_ranges(ranges)
    if high > low:
        slope = (1.0 - factor) / (high - low)
        ramp = f"z {low:.9g} - {slope:.9g} * {factor:.9g} + {factor:.9g} max 1 min"
    else:
        ramp = f"z {low:.9g} > 1 {factor:.9g} ?"
    luma = luma_everywhere(canvas)
    if ranges is None or ranges.everything:
        return vs.core.std.Expr([canvas, luma], ["", *[f"{ramp} x *".replace("z", "y")] * 2])
    planes = [f"{in_range_expr(ranges, u, v)} {ramp} 1 ? x *" for u, v in (("x", "y"), ("y", "x"))]
    return vs.core.std.Expr([canvas, swap_chroma(canvas), luma], ["", *planes])


def dark(canvas: vs.VideoNode, params: DarkParams) -> vs.VideoNode:
    """Take the colour out of dark areas.

    With a = amount: S times clamp(1.1 - a, 0.1, 0.8), V times 1 - clamp(a, 0.2, 0.9), fully up to luma 0.1,
    not at all from luma clamp(threshold, 0.1, 0.5) on, in the range's hues only. The clamps are the
    original's: an amount of 0 still acts.

    Args:
        canvas: YUV444PS, BT.601, full range.
        params: Checked parameters.

    Returns:
        The canvas with its luma untouched.
    """
    saturation = _clamp(1.1 - params.amount, 0.1, 0.8)
    value = 1.0 - _clamp(params.amount, 0.2, 0.9)
    return _fade_dark(canvas, 0.1, _clamp(params.threshold, 0.1, 0.5), saturation * value, params.hue_range)


def smooth(canvas: vs.VideoNode, params: SmoothParams) -> vs.VideoNode:
    """Soften the colours gradually from bright to dark.

    S times dark_sat, V times 1 - dark_bright, fully up to luma dark_threshold, not at all from luma
    white_threshold on, in the range's hues only.

    Args:
        canvas: YUV444PS, BT.601, full range.
        params: Checked parameters; where both thresholds are equal, the picture is dark up to there.

    Returns:
        The canvas with its luma untouched.
    """
    factor = params.dark_sat * (1.0 - params.dark_bright)
    return _fade_dark(canvas, params.dark_threshold, params.white_threshold, factor, params.hue_range)
