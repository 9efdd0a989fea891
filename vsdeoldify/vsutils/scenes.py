"""Scene cuts: where they are, and which neighbours of a frame belong to its scene.

A cut between the frames n - 1 and n is known, in this order, by the source's own properties
(`_SceneChangePrev` of frame n, `_SceneChangeNext` of frame n - 1: either one set means a cut), or, where
neither is there, by the luma of the frames around, see `transitions`. HAVC marks its reference frames with
the same properties, beside two of its own: these marks are no cuts.

A flash is a frame that differs from both neighbours while these resemble each other. It is no cut: its
neighbours stay one scene, and the flash stands alone, giving no colour and taking none. That is looked for in
marked clips, too, where the marks say that there is no cut on either side of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import vapoursynth as vs

from . import transitions
from .props import whole
from .transitions import shift as shift

_MARKS_OF_REFERENCES = "sc_threshold", "sc_frequency"
_MARKS = "_SceneChangePrev", "_SceneChangeNext"


class Cuts:
    """The scene cuts of a clip, found when a filter asks for them, once for each threshold.

    Args:
        clip: what `find_cuts` takes.
    """

    def __init__(self, clip: vs.VideoNode) -> None:
        self._clip = clip
        self._found: dict[float, vs.VideoNode] = {}

    def above(self, threshold: float) -> vs.VideoNode:
        """What `find_cuts` makes with this threshold."""
        if threshold not in self._found:
            self._found[threshold] = find_cuts(self._clip, threshold)
        return self._found[threshold]


def _mark(frame: vs.VideoFrame, name: str) -> int | None:
    """A property that tells a cut; None where it is missing or marks HAVC's reference frames."""
    if any(other in frame.props for other in _MARKS_OF_REFERENCES):
        return None
    return whole(frame, name)


def find_cuts(clip: vs.VideoNode, threshold: float) -> vs.VideoNode:
    """Find scene cuts and flashes.

    Args:
        clip: Any clip of constant format whose luma is float in 0–1; its own properties `_SceneChangePrev`
            and `_SceneChangeNext` are obeyed.
        threshold: Mean absolute luma difference, 0–1, above which there is a cut; the limits of what else
            makes a cut go with it. 0: only the properties count.

    Returns:
        A clip of 1×1 pixels with as many frames. `_SceneChangePrev` of a frame is 1 where a cut or the clip's
        beginning lies before it, else 0; `_Flash` is 1 where it is a flash, else 0.
    """
    luma = vs.core.std.ShufflePlanes(clip, 0, vs.GRAY)
    empty = vs.core.std.BlankClip(clip, width=1, height=1, format=vs.GRAY8, keep=True)
    found = transitions.find(luma, threshold) if threshold > 0.0 else empty

    def mark(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame, before, here, after, seen = f
        marks = _mark(here, "_SceneChangePrev"), _mark(before, "_SceneChangeNext")
        cut, flash = n == 0 or any(marks), False
        if threshold > 0.0 and not cut:
            behind = _mark(after, "_SceneChangePrev"), _mark(here, "_SceneChangeNext")
            flash = bool(seen.props["_Flash"]) and not any(behind)
            cut = marks == (None, None) and bool(seen.props["_Cut"])
        marked = frame.copy()
        marked.props["_SceneChangePrev"] = cut
        marked.props["_Flash"] = flash
        return marked

    return vs.core.std.ModifyFrame(empty, [empty, shift(luma, -1), luma, shift(luma, 1), found], mark)


def listed_cuts(clip: vs.VideoNode, firsts: Sequence[int]) -> vs.VideoNode:
    """The cuts of a list, as `find_cuts` gives them, but without flashes.

    Args:
        clip: the clip.
        firsts: the first frames of its scenes.
    """
    numbers = frozenset((0, *firsts))

    def mark(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        marked = f.copy()
        marked.props["_SceneChangePrev"] = n in numbers
        marked.props["_Flash"] = False
        return marked

    empty = vs.core.std.BlankClip(clip, width=1, height=1, format=vs.GRAY8, keep=True)
    return vs.core.std.ModifyFrame(empty, empty, mark)


def mark_scenes(clip: vs.VideoNode, cuts: vs.VideoNode) -> vs.VideoNode:
    """Set the properties that tell other filters of the scenes.

    Args:
        clip: any clip.
        cuts: what `find_cuts` or `listed_cuts` made for as many frames.

    Returns:
        The clip, whose frames have both `_SceneChangePrev` (1: the first frame of a scene) and
        `_SceneChangeNext` (1: the last one), else 0; the marks of HAVC's reference frames are gone.
    """
    last = clip.num_frames - 1

    def mark(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        here, after = f
        marked = here.copy()
        marked.props["_SceneChangeNext"] = n == last or bool(after.props["_SceneChangePrev"])
        return marked

    marks = vs.core.std.ModifyFrame(cuts, [cuts, shift(cuts, 1)], mark)
    clip = vs.core.std.RemoveFrameProps(clip, list(_MARKS_OF_REFERENCES))
    return vs.core.std.CopyFrameProps(clip, marks, props=list(_MARKS))


def same_scene(n: int, marks: Sequence[vs.VideoFrame], frames: int) -> tuple[int, ...]:
    """Which neighbours of frame n may lend it their colours.

    Args:
        n: The frame's number.
        marks: The frames n - h … n + h of the clip that `find_cuts` made; beyond the clip's ends they may be
            anything.
        frames: Number of frames of the clip.

    Returns:
        The offsets, in -h … h, in rising order, without 0.
    """
    half = len(marks) // 2
    if marks[half].props["_Flash"]:
        return ()
    before = []
    for k in range(half):
        if n - k == 0 or marks[half - k].props["_SceneChangePrev"]:
            break
        if not marks[half - k - 1].props["_Flash"]:
            before.append(-k - 1)
    after = []
    for k in range(1, half + 1):
        if n + k >= frames or marks[half + k].props["_SceneChangePrev"]:
            break
        if not marks[half + k].props["_Flash"]:
            after.append(k)
    return (*reversed(before), *after)
