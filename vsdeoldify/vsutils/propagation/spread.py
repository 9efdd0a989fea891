"""Colours spread from where they are sure to where they are not, up to the edges of the picture."""

from __future__ import annotations

import vapoursynth as vs
from vapoursynth import core

from ..expressions import Inputs
from ..planes import plane

# Half the side of the square from which a place takes colours, on a canvas of 384.
_RADIUS = 20
# Luma differences of this size and more (squared) part one thing from another.
_EDGE = 0.02**2
_LEAST = 1e-4


def fill(chroma: vs.VideoNode, sure: vs.VideoNode, luma: vs.VideoNode) -> tuple[vs.VideoNode, vs.VideoNode]:
    """Chroma for every place, from the sure places around it.

    In each square the chroma is the linear function of the luma that fits the sure places best (the guided
    filter of He, Sun and Tang, "Guided Image Filtering", 2013, with weights); a place takes the mean of the
    functions of all squares that it lies in.

    Args:
        chroma: a canvas, whose luma does not matter.
        sure: `GRAYS`, how sure each pixel's chroma is, 0–1.
        luma: the frames' `GRAYS`.

    Returns:
        A canvas, and as `GRAYS` how much of the surroundings of each pixel is sure, 0–1.
    """
    radius = max(2, round(_RADIUS * luma.width / 384))

    def mean(clip: vs.VideoNode) -> vs.VideoNode:
        return core.std.BoxBlur(clip, hradius=radius, hpasses=1, vradius=radius, vpasses=1)

    def product(*clips: vs.VideoNode) -> vs.VideoNode:
        inputs = Inputs()
        names = [inputs.add(clip) for clip in clips]
        return inputs.expr([" ".join([*names, *["*"] * (len(names) - 1)])])

    known = mean(sure)
    weight = core.std.Expr(sure, f"x {_LEAST} +")
    total = mean(weight)
    means = mean(product(weight, luma))
    squares = mean(product(weight, luma, luma))
    spread = []
    for index in (1, 2):
        own = plane(chroma, index)
        values, products = mean(product(weight, own)), mean(product(weight, luma, own))
        inputs = Inputs()
        w, i, ii, p, ip = map(inputs.add, (total, means, squares, values, products))
        # The slope and, below, the height of the line through the weighted points of the square.
        slope = inputs.expr([f"{ip} {w} / {i} {p} * {w} {w} * / - {ii} {w} / {i} {w} / dup * - {_EDGE} + /"])
        inputs = Inputs()
        w, i, p, a = map(inputs.add, (total, means, values, slope))
        height = inputs.expr([f"{p} {a} {i} * - {w} /"])
        inputs = Inputs()
        w, a, b, y = map(
            inputs.add, (mean(total), mean(product(total, slope)), mean(product(total, height)), luma)
        )
        spread.append(inputs.expr([f"{a} {y} * {b} + {w} / -0.5 max 0.5 min"]))
    return core.std.ShufflePlanes([luma, *spread], [0, 0, 0], vs.YUV), known
