"""Calm the colours of dark areas: the filters `dark` and `smooth`.

Both multiply HSV saturation and value by factors s and v where the picture is dark. Each channel c becomes
v·(s·c + (1 - s)·max), so the chroma is multiplied by s·v; and as the source's luma returns in the end, that
is all that remains of them. What decides where the picture is dark is the source's luma, and the hue stays,
so both filters are one product of factors.
"""

from __future__ import annotations

from typing import NamedTuple

import vapoursynth as vs

from ...settings.hues import HueRanges, parse_ranges
from ...settings.params import DarkParams, SmoothParams
from ..formats import luma_everywhere, swap_chroma
from .hue import in_range_expr
from .merge import NARROWEST_RAMP


class Fade(NamedTuple):
    """The chroma times `factor` where luma <= low, times 1 where luma >= high, linearly in between.

    Attributes:
        low: luma, 0–1.
        high: luma, 0–1; where it is not (or hardly) above `low`, the factor holds up to there.
        factor: 0–1.
        ranges: the hues that fade; None: all.
    """

    low: float
    high: float
    factor: float
    ranges: HueRanges | None


def dark(params: DarkParams) -> Fade:
    """What takes the colour out of dark areas.

    With a = amount: S times clamp(1.1 - a, 0.1, 0.8), V times 1 - clamp(a, 0.2, 0.9), fully up to luma 0.1,
    not at all from luma clamp(threshold, 0.1, 0.5) on, in the range's hues only. The clamps are the
    original's: an amount of 0 still acts.

    Args:
        params: Checked parameters.
    """
    saturation = _clamp(1.1 - params.amount, 0.1, 0.8)
    value = 1.0 - _clamp(params.amount, 0.2, 0.9)
    return Fade(0.1, _clamp(params.threshold, 0.1, 0.5), saturation * value, _ranges(params.hue_range))


def smooth(params: SmoothParams) -> Fade:
    """What softens the colours gradually from bright to dark.

    S times dark_sat, V times 1 - dark_bright, fully up to luma dark_threshold, not at all from luma
    white_threshold on, in the range's hues only.

    Args:
        params: Checked parameters; where both thresholds are equal, the picture is dark up to there.
    """
    factor = params.dark_sat * (1.0 - params.dark_bright)
    return Fade(params.dark_threshold, params.white_threshold, factor, _ranges(params.hue_range))


def fade(canvas: vs.VideoNode, *fades: Fade) -> vs.VideoNode:
    """Apply fades to the chroma.

    Args:
        canvas: YUV444PS, BT.601, full range.
        fades: what `dark` and `smooth` gave.

    Returns:
        The canvas with its luma untouched.
    """
    used = [one for one in fades if one.factor != 1.0]
    if not used:
        return canvas
    # Expr's inputs: x and y the chroma, own and other plane, z the luma.
    planes = [" ".join(["x", *(f"{_share(one, *uv)} *" for one in used)]) for uv in (("x", "y"), ("y", "x"))]
    return vs.core.std.Expr([canvas, swap_chroma(canvas), luma_everywhere(canvas)], ["", *planes])


def _share(one: Fade, u: str, v: str) -> str:
    """Expr text for what a fade multiplies a pixel by."""
    low, high, factor, ranges = one
    if high - low >= NARROWEST_RAMP:
        slope = (1.0 - factor) / (high - low)
        ramp = f"z {low:.9g} - {slope:.9g} * {factor:.9g} + {factor:.9g} max 1 min"
    else:
        ramp = f"z {low:.9g} > 1 {factor:.9g} ?"
    if ranges is None or ranges.everything:
        return ramp
    return f"{in_range_expr(ranges, u, v)} {ramp} 1 ?"


def _ranges(given: HueRanges | str | None) -> HueRanges | None:
    return parse_ranges(given) if isinstance(given, str) else given


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
