"""Where the pixels of a frame are in another frame, and how sure that is.

Block matching on the luma, by the plugin `vapoursynth-mvutensils`; it runs on any CPU. A frame's partner may
be any other frame: what comes out depends on the two frames alone. Two ways of fetching a partner's colours
compete at every pixel, the moved partner and the partner as it stands (most of a picture stands still, and
there it is the exact one); each counts as much as its luma agrees with the frame's own around the pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import vapoursynth as vs
from vapoursynth import core

from ..expressions import Inputs
from ..planes import colourless, luma_everywhere, plane

INSTALL = 'pip install "vsdeoldify[motion]"'
"""What brings the plugin."""
SMALLEST = 64
"""Side of the smallest canvas on which motion is looked for, in pixels."""

_BLOCK, _OVERLAP, _HALF_PIXELS = [8, 8], [4, 4], 2
# A hexagon search; without a price on vectors that differ from their neighbours', which loses small things.
_SEARCH = {"search": 2, "mvlambda": 0}
# No block is too bad to be moved, and no frame is taken for a scene change: such ones would come back as they
# were, with no colour. How bad a match is, is judged afterwards, pixel by pixel.
_TAKE_ALL = {"thsad": 16000, "thscd1": 16000, "thscd2": 100.0}
# A match whose luma differs by this around a pixel (0–1) counts 1/e of a perfect one.
_TOLERANCE = 0.02
# Half the side of the square around a pixel that is compared, on a canvas of 384.
_PATCH = 4
# A partner as it stands counts half of a moved one that agrees as well.
_STANDING = 0.5
# Nodes of so many held frames are kept at a time; all threads together ask for a few.
_HELD = 32
# Where nothing agrees, all candidates count alike.
_LEAST = 1e-4
# A pixel agrees with nothing below this.
_NOTHING = 0.3
STEPS = 64
"""Shares are rounded to so many steps, for each needs an expression of its own."""


def is_available() -> bool:
    """Whether the plugin is there."""
    return hasattr(core, "mvu")


def require(wanted: str) -> None:
    """Raise where the plugin is missing.

    Args:
        wanted: what needs it, the beginning of a sentence.

    Raises:
        ImportError: it is missing; the sentence says how to install it.
    """
    if not is_available():
        raise ImportError(f"{wanted} VapourSynth's plugin mvutensils, which is not there: {INSTALL}")


class Candidate(NamedTuple):
    """Colours that a frame may take.

    Attributes:
        canvas: them, with the luma that belongs to them.
        agreement: `GRAYS`, how well that luma agrees with the frame's own around each pixel, 0–1.
    """

    canvas: vs.VideoNode
    agreement: vs.VideoNode


class Neighbours:
    """The frames around each frame of a canvas, moved to where the frame has what they show.

    Args:
        canvas: square YUV444PS clip, BT.601, full range, of `SMALLEST` pixels or more.
        reach: the largest distance of a neighbour, in frames.
    """

    def __init__(self, canvas: vs.VideoNode, reach: int) -> None:
        eight_bit = core.resize.Point(plane(canvas, 0), format=vs.GRAY8)
        # The plugin looks at the first frames, and at their partners, while the graph is built: blank ones
        # cost no network a run.
        self._blank = reach + 1
        self._luma, self._canvas = (
            core.std.BlankClip(clip, length=self._blank, keep=True) + clip for clip in (eight_bit, canvas)
        )
        # Less overlap than where one partner is all that a frame has: many are averaged here.
        sizes = {"blksize": _BLOCK, "overlap": [2, 2], "pel": _HALF_PIXELS}
        self._levels = core.mvu.Super(self._luma, **sizes)
        self._colours = core.mvu.Super(self._canvas, **sizes, onelevel=True)
        # Each is a partner of all frames within reach, and large: no more of them than that.
        for clip in (self._levels, self._colours):
            core.std.SetVideoCache(clip, mode=1, fixedsize=1, maxsize=2 * reach + core.num_threads + 2)

    def moved(self, distance: int) -> vs.VideoNode:
        """The frames n + `distance`, moved to where frame n has what they show: a canvas.

        Where there is no such frame, and across a cut, it is nothing that could be used.
        """
        vectors = core.mvu.Analyse(self._levels, delta=distance, chroma=False, **_SEARCH)
        moved = core.mvu.Compensate(self._canvas, self._colours, vectors, **_TAKE_ALL)
        return moved[self._blank :]


class Motion:
    """Motion between the frames of a gray clip.

    Args:
        gray: square `GRAYS` clip, 0–1, of `SMALLEST` pixels or more.
    """

    def __init__(self, gray: vs.VideoNode) -> None:
        self._gray = gray
        self._plain = colourless(gray)
        self._mean = _mean(gray)
        self.eight_bit = core.resize.Point(gray, format=vs.GRAY8)
        self._blanks = [
            core.std.BlankClip(clip, length=2, keep=True) for clip in (self.eight_bit, self._plain)
        ]
        self.levels = _all_levels(self.eight_bit)

    @staticmethod
    def colour_levels(canvas: vs.VideoNode) -> vs.VideoNode:
        """What `moved` takes colours from, for a canvas whose frames are partners.

        The frames are to be picked from this clip, not from the canvas: then a partner of many frames is
        prepared once.
        """
        return core.mvu.Super(canvas, blksize=_BLOCK, overlap=_OVERLAP, pel=_HALF_PIXELS, onelevel=True)

    def vectors(self, levels: vs.VideoNode) -> vs.VideoNode:
        """Where each block of a frame is in the frame's partner.

        Args:
            levels: frame n is that of `self.levels` which belongs to the partner of frame n.
        """
        # In a clip of frames and partners in turn, the partner is the following frame of each.
        pairs = _all_levels(self._blanks[0]) + core.std.Interleave([self.levels, levels])
        return core.mvu.Analyse(pairs, delta=1, chroma=False, **_SEARCH)

    def moved(self, vectors: vs.VideoNode, colours: vs.VideoNode) -> vs.VideoNode:
        """The colours of each frame's partner, moved to where the frame has them.

        Args:
            vectors: what `vectors` made of the partners.
            colours: frame n is that of `colour_levels` which belongs to the partner.

        Returns:
            A canvas; its luma is the partner's, moved, too.
        """
        blank = self._blanks[1]
        return _compensated(blank, self._plain, self.colour_levels(blank), colours, vectors)

    def moved_luma(self, levels: vs.VideoNode) -> vs.VideoNode:
        """The partner's luma moved to where the frame has it, `GRAYS`; `levels` as for `vectors`."""
        blank = self._blanks[0]
        moved = _compensated(blank, self.eight_bit, _all_levels(blank), levels, self.vectors(levels))
        return core.resize.Point(moved, format=vs.GRAYS)

    def agreement(self, luma: vs.VideoNode, prior: float = 1.0) -> vs.VideoNode:
        """How well another luma agrees with each frame's own, whatever the brightness of the two as a whole.

        Args:
            luma: `GRAYS`.
            prior: factor.

        Returns:
            `GRAYS`: `prior`·exp(−e/0.02), with e the mean absolute difference around the pixel, less the
            difference of the frames' means: old film flickers in brightness.
        """
        patch = max(1, round(_PATCH * luma.width / 384))
        inputs = Inputs()
        own, other, own_mean, other_mean = map(inputs.add, (self._gray, luma, self._mean, _mean(luma)))
        difference = inputs.expr([f"{own} {other} - {own_mean} {other_mean} - - abs"])
        around = core.std.BoxBlur(difference, hradius=patch, vradius=patch)
        return core.std.Expr(around, f"x {-1 / _TOLERANCE:.9g} * exp {prior:.9g} *")

    def candidates(self, held: vs.VideoNode, moved: vs.VideoNode) -> list[Candidate]:
        """A partner as it stands and as it was moved, with how well each agrees."""
        return [
            Candidate(moved, self.agreement(plane(moved, 0))),
            Candidate(held, self.agreement(plane(held, 0), _STANDING)),
        ]


def _all_levels(eight_bit: vs.VideoNode) -> vs.VideoNode:
    """What blocks are searched in: the picture at all its sizes."""
    return core.mvu.Super(eight_bit, blksize=_BLOCK, overlap=_OVERLAP, pel=_HALF_PIXELS)


def _compensated(
    blank: vs.VideoNode,
    clip: vs.VideoNode,
    blank_levels: vs.VideoNode,
    levels: vs.VideoNode,
    vectors: vs.VideoNode,
) -> vs.VideoNode:
    # The plugin looks at the first frames while the graph is built; the blank ones cost no network a run.
    moved = core.mvu.Compensate(
        blank + core.std.Interleave([clip, clip]),
        blank_levels + core.std.Interleave([levels, levels]),
        vectors,
        **_TAKE_ALL,
    )
    return core.std.SelectEvery(moved, 2, 0)[1:]


def picked(
    template: vs.VideoNode,
    where: vs.VideoNode,
    number: Callable[[int, vs.VideoFrame], int],
    frame: Callable[[int], vs.VideoNode],
) -> vs.VideoNode:
    """The clip whose frame n is another frame, of any distance.

    Args:
        template: a clip of the same format and length.
        where: the clip whose frame n tells which one it is.
        number: for n and that frame, its number.
        frame: for a number, a clip of that frame alone.
    """

    @lru_cache(maxsize=_HELD)
    def held(chosen: int) -> vs.VideoNode:
        return core.std.Loop(frame(chosen), len(template))

    return core.std.FrameEval(template, lambda n, f: held(number(n, f)), prop_src=where)


def _mean(luma: vs.VideoNode) -> vs.VideoNode:
    """The mean of each frame of a `GRAYS` clip, in every pixel."""
    return core.resize.Point(core.resize.Bilinear(luma, 1, 1), luma.width, luma.height)


def mixture(partners: Sequence[Sequence[Candidate]]) -> Callable[[float], vs.VideoNode]:
    """Candidates mixed by how well they agree.

    Args:
        partners: the candidates of one partner, or of two.

    Returns:
        For a share of the first partner, 0–1 (the second has the rest), a canvas whose luma is nobody's.
    """

    @lru_cache(maxsize=STEPS + 1)
    def mixed(steps: int) -> vs.VideoNode:
        shares = steps / STEPS, 1 - steps / STEPS
        inputs = Inputs()
        above, below = [], []
        for candidates, share in zip(partners, shares, strict=False):
            if not share:
                continue
            for one in candidates:
                agreement = inputs.add(luma_everywhere(one.agreement))
                weight = f"{agreement} {_LEAST} + {share:.9g} *"
                above.append(f"{inputs.add(one.canvas)} {weight} *")
                below.append(weight)
        sums = [" ".join([*texts, *["+"] * (len(texts) - 1)]) for texts in (above, below)]
        mean = f"{sums[0]} {sums[1]} /"
        return inputs.expr(["", mean, mean])

    return lambda share: mixed(round(share * STEPS))


def rounded(share: float) -> float:
    """A share as `mixture` takes it."""
    return round(share * STEPS) / STEPS


def unmatched(agreements: Sequence[vs.VideoNode]) -> vs.VideoNode:
    """A clip whose frames tell how much of the picture agrees with nothing.

    Args:
        agreements: `GRAYS`, each 0–1.

    Returns:
        1×1 pixels, with the share of such pixels (0–1) in the frame property `_UnmatchedAverage`.
    """
    inputs = Inputs()
    names = [inputs.add(clip) for clip in agreements]
    best = " ".join([*names, *["max"] * (len(names) - 1)])
    nothing = inputs.expr([f"{best} {_NOTHING} < 1 0 ?"])
    stats = core.std.PlaneStats(nothing, prop="_Unmatched")
    small = core.std.BlankClip(stats, width=1, height=1, format=vs.GRAY8, keep=True)
    return core.std.CopyFrameProps(small, stats)
