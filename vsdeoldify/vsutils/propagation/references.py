"""Frames take the colours of reference frames of their scene, along motion.

Beside a gray clip the references are all there is. A clip with colours is corrected: what a person left in
a reference as it was keeps the clip's own colours in all frames, what they changed takes the reference's, as
far as the luma shows that it is the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import vapoursynth as vs
from vapoursynth import core

from ...support.h273 import MATRIX_BT601
from ..expressions import Inputs, ramp
from ..planes import colourless, luma_everywhere, plane, with_chroma
from . import motion
from .motion import Candidate, Motion
from .nearest import References, find_references, references_of
from .spread import fill

# Where a reference's colour differs from the clip's own by this much (distance in U and V), somebody changed
# it: below the first it is the rounding of a picture file, from the second on it is meant.
_ROUNDING, _MEANT = 2 / 255, 6 / 255
# How far the frame must agree with a reference for its colours to replace others: not at all, fully.
_DOUBTFUL, _SURE = 0.05, 0.3
# Colours spread into places that agree with nothing where so large a share of their surroundings is sure.
_FEW, _MANY = 0.02, 0.1


class Referred(NamedTuple):
    """Reference frames.

    Attributes:
        canvas: their colours, with the luma in which they were made; asked for at their numbers only.
        numbers: them, rising; None: every frame has its own, in the other clip's luma.
    """

    canvas: vs.VideoNode
    numbers: Sequence[int] | None


def apply_references(
    gray: vs.VideoNode,
    canvas: vs.VideoNode,
    references: Referred,
    cuts: vs.VideoNode,
    *,
    coloured: bool,
    reach: int | None = None,
    strength: float = 1.0,
) -> vs.VideoNode:
    """Colour a canvas, or correct its colours, by references.

    Args:
        gray: the film's `GRAYS` clip, which many frames are asked of.
        canvas: YUV444PS, BT.601, full range, with this luma.
        references: of the same size and length.
        cuts: what `scenes.find_cuts` made for the same frames.
        coloured: whether the canvas has colours of its own that count.
        reach: how many frames a reference reaches; None: its whole scene.
        strength: factor on the references' weight (on their colours, where the canvas has none), 0–1.

    Returns:
        The canvas with its luma and its properties untouched.
    """
    found = Motion(gray)
    if references.numbers is None:
        levels = Motion(plane(references.canvas, 0)).levels
        where = core.std.BlankClip(gray, width=1, height=1, format=vs.GRAY8, keep=True)
        find: Callable[[vs.VideoFrame, int], References] = lambda _, n: References(n, None)  # noqa: E731
    else:
        levels = found.levels
        where = find_references(cuts, references.numbers, reach)
        find = lambda frame, _: references_of(frame)  # noqa: E731
    # Each is prepared once, for both sides of a frame.
    colours = references.canvas, found.colour_levels(references.canvas)
    changed = _changes(canvas, references.canvas) if coloured else None
    changes = None if changed is None else (changed, found.colour_levels(changed))
    partners = [_partner(found, levels, colours, changes, where, which, find) for which in (_before, _after)]
    plain = canvas if coloured else colourless(gray)

    @lru_cache(maxsize=4)
    def corrected(chosen: tuple[int, ...]) -> Callable[[float], vs.VideoNode]:
        sides = [partners[index] for index in chosen]
        mixed = motion.mixture([side.colours for side in sides])
        marks = motion.mixture([side.marks for side in sides]) if coloured else None
        agreements = [one.agreement for side in sides for one in side.colours]

        def at(share: float) -> vs.VideoNode:
            return _over(plain, mixed(share), None if marks is None else marks(share), agreements, strength)

        return lru_cache(maxsize=motion.STEPS + 1)(at)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        before, after = find(f, n)
        if before is None and after is None:
            return plain
        if before is None or after is None:
            return corrected((0,) if after is None else (1,))(1.0)
        return corrected((0, 1))(motion.rounded((after - n) / (after - before)))

    return with_chroma(gray, core.std.FrameEval(plain, choose, prop_src=where))


def unexplained(gray: vs.VideoNode, numbers: Sequence[int], cuts: vs.VideoNode) -> vs.VideoNode:
    """A clip whose frames tell how little the references know of them.

    Args:
        gray: the film's `GRAYS` clip.
        numbers: the reference frames, rising.
        cuts: what `scenes.find_cuts` made.

    Returns:
        1×1 pixels; `_UnmatchedAverage` is the share of the picture that agrees with no reference, 0–1, and is
        missing where no reference reaches the frame.
    """
    found = Motion(gray)
    where = find_references(cuts, numbers)
    agreements = []
    for side in (0, 1):

        def number(n: int, f: vs.VideoFrame, side: int = side) -> int:
            around = references_of(f)
            nearest = around[side] if around[side] is not None else around[1 - side]
            return n if nearest is None else nearest

        levels = _held(found.levels, where, number)
        agreements.append(found.agreement(found.moved_luma(levels)))
    looked_at = motion.unmatched(agreements)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        return where if references_of(f) == References(None, None) else looked_at

    return core.std.FrameEval(where, choose, prop_src=where)


def _held(
    clip: vs.VideoNode, where: vs.VideoNode, number: Callable[[int, vs.VideoFrame], int]
) -> vs.VideoNode:
    """The clip whose frame n is that frame of `clip` which `number` picks for it."""
    return motion.picked(clip, where, number, lambda chosen: clip[chosen])


def _before(found: References, n: int) -> int:
    return n if found.before is None else found.before


def _after(found: References, n: int) -> int:
    return n if found.after is None else found.after


class _Partner(NamedTuple):
    """What one reference offers each frame: colours, and where they were changed by somebody."""

    colours: list[Candidate]
    marks: list[Candidate]


def _partner(
    found: Motion,
    levels: vs.VideoNode,
    colours: tuple[vs.VideoNode, vs.VideoNode],
    changes: tuple[vs.VideoNode, vs.VideoNode] | None,
    where: vs.VideoNode,
    which: Callable[[References, int], int],
    find: Callable[[vs.VideoFrame, int], References],
) -> _Partner:
    """What the references on one side of each frame offer; canvases come with their `colour_levels`."""

    def held(clip: vs.VideoNode) -> vs.VideoNode:
        return _held(clip, where, lambda n, f: which(find(f, n), n))

    vectors = found.vectors(held(levels))
    canvas, canvas_levels = colours
    offered = found.candidates(held(canvas), found.moved(vectors, held(canvas_levels)))
    if changes is None:
        return _Partner(offered, [])
    changed, changed_levels = changes
    marks = [found.moved(vectors, held(changed_levels)), held(changed)]
    return _Partner(
        offered, [Candidate(mark, one.agreement) for mark, one in zip(marks, offered, strict=True)]
    )


def _changes(canvas: vs.VideoNode, reference: vs.VideoNode) -> vs.VideoNode:
    """A canvas with the reference's luma that shows in U and V where the reference has other colours, 0–1."""
    # A picture cannot hold every colour of the canvas: what it would lose is no change.
    held = core.resize.Point(canvas, format=vs.RGB24)
    canvas = core.resize.Point(held, format=vs.YUV444PS, matrix=MATRIX_BT601, range=vs.RANGE_FULL)
    inputs = Inputs()
    clips = [plane(clip, index) for clip in (canvas, reference) for index in (1, 2)]
    u, v, other_u, other_v = map(inputs.add, clips)
    distance = f"{u} {other_u} - dup * {v} {other_v} - dup * + sqrt"
    # The neighbourhood's, for chroma that was reduced in a picture file is wrong along edges alone.
    change = core.std.BoxBlur(inputs.expr([ramp(_ROUNDING, _MEANT, distance)]), hradius=1, vradius=1)
    return core.std.ShufflePlanes([plane(reference, 0), change, change], [0, 0, 0], vs.YUV)


def _over(
    plain: vs.VideoNode,
    colours: vs.VideoNode,
    marks: vs.VideoNode | None,
    agreements: Sequence[vs.VideoNode],
    strength: float,
) -> vs.VideoNode:
    """The references' colours over the clip's own."""
    inputs = Inputs()
    names = [inputs.add(agreement) for agreement in agreements]
    best = " ".join([*names, *["max"] * (len(names) - 1)])
    sure = inputs.expr([ramp(_DOUBTFUL, _SURE, best)])
    inputs = Inputs()
    own, new = inputs.add(plain), inputs.add(colours)
    change = f"{new} {own} -" if marks is None else f"{new} {own} - {inputs.add(marks)} *"
    correction = inputs.expr(["", change])
    spread, known = fill(correction, sure, plane(plain, 0))
    inputs = Inputs()
    own, direct, filled = map(inputs.add, (plain, correction, spread))
    here, around = (inputs.add(luma_everywhere(clip)) for clip in (sure, known))
    # Where nothing around is sure either, a gray clip still takes what there is.
    rest = f"{filled} {ramp(_FEW, _MANY, around)} *"
    if marks is None:
        rest += f" {direct} 1 {ramp(_FEW, _MANY, around)} - * +"
    text = f"{own} {direct} {here} * {rest} 1 {here} - * + {strength:.9g} * +"
    return inputs.expr(["", text])
