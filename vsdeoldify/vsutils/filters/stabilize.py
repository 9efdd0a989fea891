"""Average the colours over neighbouring frames of a scene, on the canvas.

Modes: `A` weighs all frames alike; `W` weighs near frames more; `G` (guided) weighs every pixel of a
neighbour by how well its luma agrees with the current frame's there, so what moves keeps its own colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import batched

import vapoursynth as vs

from ...settings.hues import parse_adjustment
from ...settings.params import StabParams
from ..formats import luma_everywhere, planes
from ..scenes import find_cuts, same_scene, shift
from .hue import adjust_chroma

# The names of std.Expr's inputs, of which it takes 26.
_INPUTS = "xyzabcdefghijklmnopqrstuvw"
# Mode G: a neighbour's pixel counts fully up to the first mean luma difference (0–1) of its surroundings, not
# at all from the second on. Found by measurement (docs/stabilizer.md); the first lets film grain pass.
_AGREES, _DIFFERS = 0.010, 0.025
# Radius of these surroundings, in pixels on a canvas of 384.
_PATCH = 4


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


def _with_saturation(canvas: vs.VideoNode, threshold: float) -> vs.VideoNode:
    """The canvas with its luma replaced by a measure of its colour, see `_value`.

    With M and m the largest and smallest of R - Y, G - Y and B - Y, a colour's HSV saturation (M - m)/(Y + M)
    is below the threshold t where (1 - t)·M - m < t·Y: the left side, from the chroma alone, is the measure.
    """
    red, blue, green = "z 1.402 *", "y 1.772 *", "y -0.344136 * z 0.714136 * -"
    text = f"{red} {blue} max {green} max {1.0 - threshold / 255.0:.9g} * {red} {blue} min {green} min -"
    measure = vs.core.std.Expr(planes(canvas), text)
    return vs.core.std.ShufflePlanes([measure, canvas, canvas], [0, 1, 2], vs.YUV)


def _average(canvas: vs.VideoNode, terms: Sequence[tuple[int, float]], centre: float) -> vs.VideoNode:
    """The weighted sum of the chroma of the frames n + k, for (k, weight) in terms, and of frame n."""
    clips = [shift(canvas, k) for k, _ in terms]
    shares = [weight for _, weight in terms]
    return vs.core.std.AverageFrames([canvas, *clips], [centre, *shares], planes=[1, 2])


def _value(clips: list[vs.VideoNode], neighbour: vs.VideoNode, params: StabParams) -> str:
    """Add a neighbour to the inputs of an Expr; return the Expr text of its colour.

    Where tht > 0, its gray pixels take the colour of the centre (input `y`; `x` is the luma).
    """
    own = _INPUTS[len(clips)]
    clips.append(neighbour)
    if params.tht <= 0.0:
        return own
    measure = _INPUTS[len(clips)]
    clips.append(luma_everywhere(neighbour))
    filled = f"y {(1.0 - params.weight) * params.sat:.9g} * {own} {params.weight:.9g} * +"
    return f"{measure} x {params.tht / 255.0:.9g} * < {filled} {own} ?"


def _restored_average(
    canvas: vs.VideoNode,
    neighbours: vs.VideoNode,
    terms: Sequence[tuple[int, float]],
    centre: float,
    params: StabParams,
) -> vs.VideoNode:
    """As `_average`, but the gray pixels of a neighbour take the colour of frame n."""
    luma = luma_everywhere(canvas)
    result = None
    # Two inputs for each neighbour, beside the luma, the centre and the sum so far.
    for group in batched(terms, (len(_INPUTS) - 3) // 2):
        clips = [luma, canvas] if result is None else [luma, canvas, result]
        text = f"y {centre:.9g} *" if result is None else "z"
        for k, weight in group:
            text += f" {_value(clips, shift(neighbours, k), params)} {weight:.9g} * +"
        result = vs.core.std.Expr(clips, ["", text, text])
    return canvas if result is None else result


def _luma_differences(canvas: vs.VideoNode, half: int) -> dict[int, vs.VideoNode]:
    """Offset k → mean absolute luma difference of frames n and n + k around every pixel, `GRAYS`.

    Old film flickers in brightness, too: the difference counts as it is or, where that is smaller, after the
    frames' mean luma was taken from both.
    """
    size, half_size = canvas.width, canvas.width // 2
    patch = max(1, round(_PATCH * size / 768))
    # Half the size is enough for a mean over a patch, and squeezing the picture takes grain out of it.
    luma = vs.core.resize.Bilinear(vs.core.std.ShufflePlanes(canvas, 0, vs.GRAY), half_size, half_size)
    mean = vs.core.resize.Point(vs.core.resize.Bilinear(luma, 1, 1), half_size, half_size)
    versions = luma, vs.core.std.Expr([luma, mean], "x y -")
    differences = {}
    for k in range(1, min(half, canvas.num_frames - 1) + 1):
        around = [
            vs.core.std.BoxBlur(
                vs.core.std.Expr([version, shift(version, k)], "x y - abs"), hradius=patch, vradius=patch
            )
            for version in versions
        ]
        ahead = vs.core.resize.Bilinear(vs.core.std.Expr(around, "x y min"), size, size)
        # Frame n needs what frame n - k computed, too.
        vs.core.std.SetVideoCache(ahead, mode=1, fixedsize=1, maxsize=k + 8)
        differences[k], differences[-k] = ahead, shift(ahead, -k)
    return differences


def _guided_average(
    canvas: vs.VideoNode,
    neighbours: vs.VideoNode,
    offsets: Sequence[int],
    differences: dict[int, vs.VideoNode],
    params: StabParams,
) -> vs.VideoNode:
    """The average of the chroma of frame n (weight 1) and the frames n + k, weighted pixel by pixel."""
    luma = luma_everywhere(canvas)
    result = None
    # The sum of the weights grows in the luma's place, beside the sums of U and V.
    for group in batched(offsets, (len(_INPUTS) - 3) // (3 if params.tht > 0.0 else 2)):
        clips = [luma, canvas] if result is None else [luma, canvas, result]
        total, colour = ("1", "y") if result is None else ("z", "z")
        for k in group:
            value = _value(clips, shift(neighbours, k), params)
            slope = 1.0 / (_DIFFERS - _AGREES)
            weight = f"{_DIFFERS:.9g} {_INPUTS[len(clips)]} - {slope:.9g} * 0 max 1 min"
            clips.append(luma_everywhere(differences[k]))
            total += f" {weight} +"
            colour += f" {value} {weight} * +"
        result = vs.core.std.Expr(clips, [total, colour, colour])
    if result is None:
        return canvas
    return vs.core.std.Expr([canvas, result, luma_everywhere(result)], ["", "y z /", "y z /"])


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
    guided = params.mode == "G"
    differences = _luma_differences(canvas, half) if guided else {}
    shares = [] if guided else weights(params.frames, params.mode)
    neighbours = _with_saturation(canvas, params.tht) if params.tht > 0.0 else canvas

    @lru_cache(maxsize=256)
    def variant(offsets: tuple[int, ...]) -> vs.VideoNode:
        if not offsets:
            return canvas
        if guided:
            return _guided_average(canvas, neighbours, offsets, differences, params)
        terms = [(k, shares[k + half]) for k in offsets]
        centre = 1.0 - sum(weight for _, weight in terms)
        if params.tht > 0.0:
            return _restored_average(canvas, neighbours, terms, centre, params)
        return _average(canvas, terms, centre)

    def choose(n: int, f: list[vs.VideoFrame]) -> vs.VideoNode:
        return variant(same_scene(n, f, count))

    marks = [shift(cuts, k) for k in range(-half, half + 1)]
    result = vs.core.std.FrameEval(canvas, choose, prop_src=marks)
    adjustment = params.hue_adjust
    if isinstance(adjustment, str):
        adjustment = parse_adjustment(adjustment)
    return adjust_chroma(result, adjustment)
