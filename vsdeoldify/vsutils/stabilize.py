"""Average the colours over neighbouring frames of a scene, on the canvas.

Modes: `A` weighs all frames alike; `W` weighs near frames more; `G` (guided) weighs every pixel of a neighbour
by how well its luma agrees with the current frame's there, so that what moves keeps its own colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import vapoursynth as vs

from ..params import StabParams
from .hue import adjust_chroma, parse_adjustment, swap_chroma
from .scenes import find_cuts, same_scene, shift

# The names of std.Expr's inputs, of which it takes 26.
_INPUTS = "xyzabcdefghijklmnopqrstuvw"
# Neighbours in one Expr: two inputs each, beside the luma, the centre and the sum so far.
_GROUP = 11


def weights(frames: int, mode: str) -> list[float]:
    """Weights of the frames -h … h around a frame for the modes A and W.

    Args:
        frames: Odd number of frames, 3 or more.
        mode: "A": all alike. "W": the centre has the original's share (in whole per cent), the rest falls
            linearly with the distance, as h + 1 - |k|.

    Returns:
        As many weights, symmetric, with the sum 1.
    """
    if mode == "A":
        return [1.0 / frames] * frames
    half = frames // 2
    side = [100 * (i + 1) // (frames * (frames + 1) // 2) for i in range(half)]
    rest = sum(side) / 100.0
    rising = [rest * (i + 1) / (half * (half + 1) / 2) for i in range(half)]
    return [*rising, 1.0 - 2.0 * rest, *reversed(rising)]


def _gray3(plane: vs.VideoNode) -> vs.VideoNode:
    """The luma in all three planes (no copy), so that an Expr on any plane of the canvas sees it."""
    return vs.core.std.ShufflePlanes(plane, [0, 0, 0], vs.YUV)


def _is_gray(u: str, v: str, luma: str, threshold: float) -> str:
    """Expr text: 1 where the HSV saturation of a colour at this luma is below the threshold (0–255)."""
    red, blue = f"{v} 1.402 *", f"{u} 1.772 *"
    green = f"{u} -0.344136 * {v} 0.714136 * -"
    highest = f"{red} {blue} max {green} max {luma} + 1 min"
    lowest = f"{red} {blue} min {green} min {luma} + 0 max"
    return f"{lowest} {highest} {1.0 - threshold / 255.0:.9g} * >"


def _average(canvas: vs.VideoNode, terms: Sequence[tuple[int, float]], centre: float) -> vs.VideoNode:
    """The weighted sum of the chroma of the frames n + k, for (k, weight) in terms, and of frame n."""
    clips = [shift(canvas, k) for k, _ in terms]
    shares = [weight for _, weight in terms]
    return vs.core.std.AverageFrames([canvas, *clips], [centre, *shares], planes=[1, 2])


def _restored_average(
    canvas: vs.VideoNode, terms: Sequence[tuple[int, float]], centre: float, params: StabParams
) -> vs.VideoNode:
    """As `_average`, but the gray pixels of a neighbour take the colour of frame n."""
    luma = _gray3(canvas)
    result = None
    for start in range(0, len(terms), _GROUP):
        clips = [luma, canvas] if result is None else [luma, canvas, result]
        total = f"y {centre:.9g} *" if result is None else "z"
        texts = [total, total]
        for k, weight in terms[start : start + _GROUP]:
            neighbour = shift(canvas, k)
            own, other = _INPUTS[len(clips)], _INPUTS[len(clips) + 1]
            clips += [neighbour, swap_chroma(neighbour)]
            filled = f"y {(1.0 - params.weight) * params.sat:.9g} * {own} {params.weight:.9g} * +"
            for plane, (u, v) in enumerate(((own, other), (other, own))):
                texts[plane] += f" {_is_gray(u, v, 'x', params.tht)} {filled} {own} ? {weight:.9g} * +"
        result = vs.core.std.Expr(clips, ["", *texts])
    return canvas if result is None else result


def stabilize(canvas: vs.VideoNode, params: StabParams, cuts: vs.VideoNode | None = None) -> vs.VideoNode:
    """Average the chroma of every frame with that of its neighbours in the same scene.

    Args:
        canvas: YUV444PS, BT.601, full range, coloured.
        params: Checked parameters (frames odd, mode "A", "W" or "G").
        cuts: What `find_cuts` made; found on the canvas where None.

    Returns:
        The canvas with its luma and its properties untouched.
    """
    count, half = canvas.num_frames, params.frames // 2
    if cuts is None:
        cuts = find_cuts(canvas, params.tht_scen)
    shares = weights(params.frames, params.mode)

    @lru_cache(maxsize=256)
    def variant(offsets: tuple[int, ...]) -> vs.VideoNode:
        terms = [(k, shares[k + half]) for k in offsets]
        centre = 1.0 - sum(weight for _, weight in terms)
        if not terms:
            return canvas
        if params.tht > 0.0:
            return _restored_average(canvas, terms, centre, params)
        return _average(canvas, terms, centre)

    def choose(n: int, f: list[vs.VideoFrame]) -> vs.VideoNode:
        return variant(same_scene(n, f, count))

    marks = [shift(cuts, k) for k in range(-half, half + 1)]
    result = vs.core.std.FrameEval(canvas, choose, prop_src=marks)
    adjustment = params.hue_adjust
    if isinstance(adjustment, str):
        adjustment = parse_adjustment(adjustment)
    return adjust_chroma(result, adjustment)
