"""Read a clip in Python, frame after frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import vapoursynth as vs


def in_order(clip: vs.VideoNode, ahead: int | None = None) -> Iterator[vs.VideoFrame]:
    """All frames of a clip in their order, several being made at once.

    ``clip.frames()`` of VapourSynth before R80 now and then never ends: it waits for a thread that waits for
    the interpreter's lock, which it does not let go of.

    Args:
        clip: Any clip.
        ahead: How many frames are asked for at once; None: one for each of VapourSynth's threads.

    Yields:
        The frames. A frame's memory is free once nothing refers to it.

    Raises:
        vapoursynth.Error: A frame cannot be made. No request is under way any more by then.
    """
    waiting = deque(clip.get_frame_async(n) for n in range(min(ahead or vs.core.num_threads, len(clip))))
    asked = len(waiting)
    try:
        while waiting:
            frame = waiting.popleft().result()
            if asked < len(clip):
                waiting.append(clip.get_frame_async(asked))
                asked += 1
            yield frame
            del frame
    finally:
        for request in waiting:
            request.exception()
