"""Which frames are key frames: each frame carries where those around it are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import vapoursynth as vs
from vapoursynth import core

from ..scenes import shift

# Where at least this share of the picture agrees with no key, the frame becomes one.
TOO_MUCH = 0.10
# Keys nearer to each other than twice this get none between them, in frames.
_NEAR = 4
_PROPERTIES = "_KeyBefore", "_KeyAfter", "_SceneEnd"


class Keys(NamedTuple):
    """Where a frame's keys are, as offsets from it.

    Attributes:
        before: the key before it in its scene; 0 for a key frame and for a flash.
        after: the key after it; 0 where the scene ends before the next key, for a key frame and a flash.
        end: where there is no key after it, the last frame of its scene that is no flash; else 0.
    """

    before: int
    after: int
    end: int = 0


NONE = Keys(0, 0)


def keys_of(frame: vs.VideoFrame) -> Keys:
    """What `find_keys` wrote on a frame."""
    return Keys(*(int(frame.props[name]) for name in _PROPERTIES))


def _with_keys(frame: vs.VideoFrame, keys: Keys) -> vs.VideoFrame:
    result = frame.copy()
    for name, offset in zip(_PROPERTIES, keys, strict=True):
        result.props[name] = offset
    return result


def find_keys(cuts: vs.VideoNode, every: int) -> vs.VideoNode:
    """Find the key frames around each frame, see `surrounding_keys`.

    Args:
        cuts: what `scenes.find_cuts` made.
        every: distance of the regular keys.

    Returns:
        A clip of 1×1 pixels that carries them, see `keys_of`.
    """
    count = len(cuts)

    def find(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        return _with_keys(f[every - 1], surrounding_keys(n, f, every, count))

    return core.std.ModifyFrame(cuts, [shift(cuts, k) for k in range(1 - every, every + 1)], find)


def surrounding_keys(n: int, marks: Sequence[vs.VideoFrame], every: int, frames: int) -> Keys:
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
        Their offsets.
    """

    def is_flash(k: int) -> bool:
        return bool(marks[k + every - 1].props["_Flash"])

    def starts_scene(k: int) -> bool:
        return n + k == 0 or bool(marks[k + every - 1].props["_SceneChangePrev"])

    def is_key(k: int) -> bool:
        place = (n + k) % every
        return starts_scene(k) or (place == 0 and not is_flash(k)) or (place == 1 and is_flash(k - 1))

    if is_flash(0) or is_key(0):
        return NONE
    before = next(k for k in range(-1, -every, -1) if is_key(k))
    end = 0
    for k in range(1, every + 1):
        if n + k >= frames or starts_scene(k):
            return Keys(before, 0, end)
        if is_key(k):
            return Keys(before, k)
        if not is_flash(k):
            end = k
    return Keys(before, 0)


def with_further_keys(
    keys: vs.VideoNode, every: int, unmatched: Callable[[vs.VideoNode], vs.VideoNode]
) -> vs.VideoNode:
    """Add keys where too much agrees with none: in the middle of two, and at the end of a scene.

    Args:
        keys: what `find_keys` made.
        every: distance of the regular keys.
        unmatched: for a clip as `keys`, what `motion.unmatched` makes of each frame's two keys.

    Returns:
        A clip as `keys`.
    """
    distance = every
    while distance >= 2 * _NEAR:
        keys = _halved(keys, unmatched(keys))
        distance //= 2
    return keys


def _halved(keys: vs.VideoNode, unmatched: vs.VideoNode) -> vs.VideoNode:
    @lru_cache(maxsize=128)
    def looked_at(probe: int) -> vs.VideoNode:
        def decide(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
            frame, seen = f
            if float(seen.props["_UnmatchedAverage"]) < TOO_MUCH:
                return frame
            before, _, end = keys_of(frame)
            if probe == 0:
                return _with_keys(frame, NONE)
            if probe > 0:
                return _with_keys(frame, Keys(before, probe))
            return _with_keys(frame, Keys(probe, keys_of(frame).after, end))

        return core.std.ModifyFrame(keys, [keys, shift(unmatched, probe)], decide)

    def choose(n: int, f: vs.VideoFrame) -> vs.VideoNode:
        before, after, end = keys_of(f)
        if not before:
            return keys
        last = after or end
        if last - before < 2 * _NEAR:
            return keys
        return looked_at((before + last) // 2 if after else last)

    return core.std.FrameEval(keys, choose, prop_src=keys)
