"""Calm the colours of dark areas: the filters `dark` and `smooth`.

Both multiply HSV saturation and value by factors s and v where the picture is dark. Each channel c becomes
v·(s·c + (1 - s)·max), so the chroma is multiplied by s·v; and as the source's luma returns in the end, that
is all that remains of them. What decides where the picture is dark is the source's luma, and the hue stays,
so both filters are one product of factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import vapoursynth as vs

from ...settings.hues import HueRanges
from ...settings.params import Dark, Smooth
from ..expressions import Inputs, ramp
from ..planes import luma_everywhere, swap_chroma
from ..scenes import Cuts
from .hue import in_range_expr


class Fade(NamedTuple):
    """The chroma times `factor` where luma <= low, times 1 where luma >= high, linearly in between.

    Attributes:
        low: luma, 0–1.
        high: luma, 0–1; where it is not (or hardly) above `low`, the factor holds up to there.
        factor: 0–1.
        ranges: the hues that fade.
        others: the factor for all other hues.
    """

    low: float
    high: float
    factor: float
    ranges: HueRanges
    others: float = 1.0


def dark(params: Dark) -> Fade:
    """What takes the colour out of dark areas.

    With a = amount: S times clamp(1.1 - a, 0.1, 0.8), V times 1 - clamp(a, 0.2, 0.9), fully up to luma 0.1,
    not at all from luma clamp(threshold, 0.1, 0.5) on, in the range's hues only. The clamps are the
    original's: an amount of 0 still acts.

    Args:
        params: Checked parameters.
    """
    saturation = _clamp(1.1 - params.amount, 0.1, 0.8)
    value = 1.0 - _clamp(params.amount, 0.2, 0.9)
    return Fade(0.1, _clamp(params.threshold, 0.1, 0.5), saturation * value, params.hue_range)


def smooth(params: Smooth) -> Fade:
    """What softens the colours gradually from bright to dark.

    S times dark_sat, V times 1 - dark_bright, fully up to luma dark_threshold, not at all from luma
    white_threshold on, in the range's hues only. Where the range is a chroma adjustment, its saturation is
    one more factor there, and all other hues take its weight's share of the effect.

    Args:
        params: Checked parameters; where both thresholds are equal, the picture is dark up to there.
    """
    ranges, saturation, weight, _ = params.hue_range
    factor = params.dark_sat * (1.0 - params.dark_bright) * saturation
    others = 1.0 - weight * (1.0 - factor)
    return Fade(params.dark_threshold, params.white_threshold, factor, ranges, others)


def apply(canvas: vs.VideoNode, params: Sequence[Dark | Smooth], cuts: Cuts) -> vs.VideoNode:
    """Make the filters `dark` and `smooth`; `cuts` is not looked at."""
    return fade(canvas, *(dark(one) if isinstance(one, Dark) else smooth(one) for one in params))


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
    inputs = Inputs()
    own, other, luma = map(inputs.add, (canvas, swap_chroma(canvas), luma_everywhere(canvas)))
    # On the plane of U the plane of V is the other one, and the reverse.
    planes = [
        " ".join([own, *(f"{_share(one, luma, *uv)} *" for one in used)])
        for uv in ((own, other), (other, own))
    ]
    return inputs.expr(["", *planes])


def _share(one: Fade, luma: str, u: str, v: str) -> str:
    """Expr text for what a fade multiplies a pixel by."""
    share = ramp(one.low, one.high, luma, one.factor)
    if one.ranges.everything:
        return share
    rest = "1" if one.others == 1.0 else ramp(one.low, one.high, luma, one.others)
    return f"{in_range_expr(one.ranges, u, v)} {share} {rest} ?"


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
