"""Colour key frames only, and give the frames between them the key frames' colours.

A frame takes the chroma of the two nearest key frames of its scene, the nearer one more. Where the plugin for
motion is there, the colours follow what moves (see `motion`), and an interval whose middle agrees with
neither end gets one more key frame. Without it, each pixel takes a key's colour as far as its luma agrees
with the key's at the same place. Which frames are keys follows from their numbers, the scene cuts and the
luma alone, so any frame can be asked for at any time with the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import vapoursynth as vs
from vapoursynth import core

from ..expressions import Inputs
from ..inference import Colorize, colorize_clip
from ..planes import colourless, luma_everywhere, with_chroma
from ..scenes import shift
from . import motion
from .keys import Keys, find_keys, keys_of, with_further_keys

# Luma differences up to about this are noise; a key whose luma differs more loses its weight quickly.
_TOLERANCE = 0.02


def colorize_every(
    gray: vs.VideoNode, colorize: Colorize, batch_size: int, every: int, cuts: vs.VideoNode
) -> vs.VideoNode:
    """Colour a gray clip by its key frames.

    Args:
        gray: square `GRAYS` clip, 0–1.
        colorize: the network, see `inference.colorize_clip`.
        batch_size: frames per call; a key frame beside the regular ones (after a cut) is coloured alone.
        every: distance of the regular key frames, 2–40.
        cuts: what `scenes.find_cuts` made for the same frames.

    Returns:
        A canvas with the gray clip's luma and properties.
    """
    return interpolate(
        gray, colorize_clip(gray[::every], colorize, batch_size), colorize_clip(gray, colorize), every, cuts
    )


def interpolate(
    gray: vs.VideoNode, regular: vs.VideoNode, single: vs.VideoNode, every: int, cuts: vs.VideoNode
) -> vs.VideoNode:
    """Fill the frames between key frames.

    Args:
        gray: the `GRAYS` clip.
        regular: canvas of every `every`-th frame, from the first on.
        single: canvas of all frames; only those are asked for that start a scene, are a flash, follow one in
            a regular key's place, or were added for the sake of motion.
        every: distance of the regular key frames, 2–40.
        cuts: what `scenes.find_cuts` made.

    Returns:
        A canvas with the gray clip's luma and properties.
    """
    keys = find_keys(cuts, every)
    if motion.is_available() and gray.width >= motion.SMALLEST:
        return _along_motion(gray, regular, single, every, keys)
    return _in_place(gray, regular, single, every, keys)


def _around(
    keys: vs.VideoNode,
    which: Callable[[Keys], int],
    regular: vs.VideoNode,
    single: vs.VideoNode,
    every: int,
) -> vs.VideoNode:
    """The clip whose frame n is that of the key which `which` picks for it.

    Args:
        keys: what `find_keys` made.
        which: the key, as an offset.
        regular: every `every`-th frame.
        single: all frames, for the other keys.
        every: distance of the regular keys.
    """

    def frame(number: int) -> vs.VideoNode:
        place, beside = divmod(number, every)
        return single[number] if beside else regular[place]

    return motion.picked(single, keys, lambda n, f: n + which(keys_of(f)), frame)


def _before(keys: Keys) -> int:
    return keys.before


def _after(keys: Keys) -> int:
    return keys.after or keys.before


def _along_motion(
    gray: vs.VideoNode, regular: vs.VideoNode, single: vs.VideoNode, every: int, keys: vs.VideoNode
) -> vs.VideoNode:
    found = motion.Motion(gray)

    def levels_of(around: vs.VideoNode, which: Callable[[Keys], int]) -> vs.VideoNode:
        return _around(around, which, found.levels, found.levels, 1)

    def unmatched(around: vs.VideoNode) -> vs.VideoNode:
        return motion.unmatched(
            [found.agreement(found.moved_luma(levels_of(around, which))) for which in (_before, _after)]
        )

    keys = with_further_keys(keys, every, unmatched)
    regular_levels, single_levels = map(found.colour_levels, (regular, single))
    partners = [
        found.candidates(
            _around(keys, which, regular, single, every),
            found.moved(
                found.vectors(levels_of(keys, which)),
                _around(keys, which, regular_levels, single_levels, every),
            ),
        )
        for which in (_before, _after)
    ]
    both, first_alone = motion.mixture(partners), motion.mixture(partners[:1])
    own = _around(keys, lambda _: 0, regular, single, every)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        before, after, _ = keys_of(f)
        if not before:
            return own
        return both(after / (after - before)) if after else first_alone(1.0)

    return with_chroma(gray, core.std.FrameEval(single, choose, prop_src=keys))


def _in_place(
    gray: vs.VideoNode, regular: vs.VideoNode, single: vs.VideoNode, every: int, keys: vs.VideoNode
) -> vs.VideoNode:
    # With the canvas's properties, and the luma in all three planes for the expressions on chroma.
    luma = luma_everywhere(colourless(gray))
    held = core.std.Interleave([regular] * every)[: len(gray)]

    @lru_cache(maxsize=512)
    def variant(before: int, before_is_regular: bool, after: int, after_is_regular: bool) -> vs.VideoNode:
        earlier = shift(held if before_is_regular else single, before)
        later = shift(held if after_is_regular else single, after)
        if not before:
            return earlier
        if not after:
            return core.std.ShufflePlanes([luma, earlier, earlier], [0, 1, 2], vs.YUV)
        inputs = Inputs()
        own = inputs.add(luma)
        first, second = inputs.add(earlier), inputs.add(later)
        first_weight = _weight(after / (after - before), own, inputs.add(shift(luma, before)))
        second_weight = _weight(-before / (after - before), own, inputs.add(shift(luma, after)))
        mean = f"{first_weight} {first} * {second_weight} {second} * + {first_weight} {second_weight} + /"
        return inputs.expr(["", mean, mean])

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        before, after, _ = keys_of(f)
        return variant(before, (n + before) % every == 0, after, (n + after) % every == 0)

    return core.std.FrameEval(single, choose, prop_src=keys)


def _weight(share: float, luma: str, key_luma: str) -> str:
    """Expr text for a key's weight at a pixel: its share, less where its luma differs from the frame's."""
    return f"{share:.9g} {luma} {key_luma} - {1 / _TOLERANCE:.9g} * dup * 1 + /"
