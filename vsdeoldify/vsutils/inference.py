"""The callback that lets a network colour a clip, in batches."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vapoursynth import core

from . import memory
from .planes import with_chroma

Planes = npt.NDArray[np.float32]
Colorize = Callable[[Planes], Planes]

# Threads ask for frames of a few groups at a time; more groups than that are never in flight.
GROUPS_KEPT = 4


def colorize_clip(gray: vs.VideoNode, colorize: Colorize, batch_size: int = 1) -> vs.VideoNode:
    """Colour a gray clip with a function that colours batches of pictures.

    Args:
        gray: square `GRAYS` clip, 0–1.
        colorize: takes float32 (B, S, S) luma in 0–1 and returns float32 (B, 2, S, S) chroma: U and V of
            BT.601 in −0.5…0.5. B is always `batch_size`. With batches, two threads may call it at once.
        batch_size: frames per call.

    Returns:
        A canvas of the gray clip's size with the gray clip's luma and properties.

    Raises:
        vs.Error: at the frame that asks for it, when `colorize` fails; no frame comes out then.
    """
    if batch_size == 1 or len(gray) <= batch_size:
        return _coloured(gray, colorize, batch_size)
    # One instance's callbacks wait for each other. With the groups dealt out to two, the second gathers its
    # pictures while the device computes the first one's.
    cycle = 2 * batch_size
    padded = _padded(gray, cycle)
    halves = [
        _coloured(core.std.SelectEvery(padded, cycle, range(start, start + batch_size)), colorize, batch_size)
        for start in (0, batch_size)
    ]
    woven = core.std.Interleave(halves)
    return core.std.SelectEvery(woven, cycle, [*range(0, cycle, 2), *range(1, cycle, 2)])[: len(gray)]


def _coloured(gray: vs.VideoNode, colorize: Colorize, batch_size: int) -> vs.VideoNode:
    blank = core.std.BlankClip(gray, format=vs.YUV444PS, keep=True)
    groups: OrderedDict[int, Planes] = OrderedDict()

    def colour(n: int, f: Sequence[vs.VideoFrame]) -> vs.VideoFrame:
        memory.tick()
        group, lane = divmod(n, batch_size)
        chroma = groups.get(group)
        if chroma is None:
            chroma = colorize(np.stack([np.asarray(frame[0]) for frame in f[1:]]))
            groups[group] = chroma
            while len(groups) > GROUPS_KEPT:
                groups.popitem(last=False)
        return _frame_of(chroma[lane])

    # The blank clip is there so that even a single lane arrives as a list.
    chroma = core.std.ModifyFrame(blank, [blank, *_lanes(gray, batch_size)], colour)
    return with_chroma(gray, chroma)


def _lanes(clip: vs.VideoNode, batch_size: int) -> list[vs.VideoNode]:
    """For each place in a group, a clip that shows at frame n the frame of that place in n's group."""
    if batch_size == 1:
        return [clip]
    padded = _padded(clip, batch_size)
    return [
        core.std.Interleave([core.std.SelectEvery(padded, batch_size, lane)] * batch_size)[: len(clip)]
        for lane in range(batch_size)
    ]


def _padded(clip: vs.VideoNode, multiple: int) -> vs.VideoNode:
    """The clip with its last frame repeated until its length is a multiple."""
    missing = -len(clip) % multiple
    return clip + core.std.Loop(clip[-1], missing) if missing else clip


def _frame_of(chroma: Planes) -> vs.VideoFrame:
    """A frame with this chroma. Its luma is left as it comes: nobody sees it."""
    result = core.create_video_frame(core.get_video_format(vs.YUV444PS), *chroma.shape[:0:-1])
    for plane in (1, 2):
        np.copyto(np.asarray(result[plane]), chroma[plane - 1])
    return result
