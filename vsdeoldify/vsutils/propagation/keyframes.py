"""Colour key frames only, and give the frames between them the key frames' colours.

A frame takes the chroma of the two nearest key frames of its scene, the nearer one more, and each pixel by
pixel as far as its luma agrees with the frame's own. Which frames are keys follows from their numbers and the
scene cuts alone, so any frame can be asked for at any time with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import vapoursynth as vs
from vapoursynth import core

from ..expressions import Inputs
from ..inference import Colorize, colorize_clip
from ..planes import colourless, luma_everywhere
from ..scenes import shift

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
        every: distance of the regular key frames, 2–16.
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
        single: canvas of all frames; only those are asked for that start a scene or are a flash, or that
            follow one in a regular key's place.
        every: distance of the regular key frames, 2–16.
        cuts: what `scenes.find_cuts` made.

    Returns:
        A canvas with the gray clip's luma and properties.
    """
    count = len(gray)
    # With the canvas's properties, and the luma in all three planes for the expressions on chroma.
    luma = luma_everywhere(colourless(gray))
    held = core.std.Interleave([regular] * every)[:count]

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

    def choose(n: int, f: list[vs.VideoFrame]) -> vs.VideoNode:
        before, after = surrounding_keys(n, f, every, count)
        return variant(before, (n + before) % every == 0, after, (n + after) % every == 0)

    marks = [shift(cuts, k) for k in range(1 - every, every + 1)]
    return core.std.FrameEval(single, choose, prop_src=marks)


def _weight(share: float, luma: str, key_luma: str) -> str:
    """Expr text for a key's weight at a pixel: its share, less where its luma differs from the frame's."""
    return f"{share:.9g} {luma} {key_luma} - {1 / _TOLERANCE:.9g} * dup * 1 + /"


def surrounding_keys(n: int, marks: Sequence[vs.VideoFrame], every: int, frames: int) -> tuple[int, int]:
    """Where the key frames around a frame are.

    Keys are the multiples of `every` and the first frame of each scene. A flash is no key, for its colours
    are its own; where one falls on a multiple of `every`, the frame after it takes its place.

    Args:
        n: the frame's number.
        marks: frames n - every + 1 … n + every of the clip that `scenes.find_cuts` made; beyond the clip's
            ends they may be anything.
        every: distance of the regular keys.
        frames: number of frames of the clip.

    Returns:
        Offsets of the key before and the key after it in the same scene: (0, 0) for a key frame and for a
        flash; the second is 0 where the scene ends before the next key.
    """

    def is_flash(k: int) -> bool:
        return bool(marks[k + every - 1].props["_Flash"])

    def starts_scene(k: int) -> bool:
        return n + k == 0 or bool(marks[k + every - 1].props["_SceneChangePrev"])

    def is_key(k: int) -> bool:
        place = (n + k) % every
        return starts_scene(k) or (place == 0 and not is_flash(k)) or (place == 1 and is_flash(k - 1))

    if is_flash(0) or is_key(0):
        return 0, 0
    before = next(k for k in range(-1, -every, -1) if is_key(k))
    for k in range(1, every + 1):
        if n + k >= frames or starts_scene(k):
            break
        if is_key(k):
            return before, k
    return before, 0
