"""One number per frame, as a plane that native filters can use."""

from collections.abc import Callable

import numpy as np
import vapoursynth as vs
from vapoursynth import core


def per_frame_value(luma: vs.VideoNode, value: Callable[[float], float]) -> vs.VideoNode:
    """A `GRAYS` clip of the luma's size that is filled, frame by frame, with a function of its mean.

    Args:
        luma: `GRAYS` clip.
        value: called with the mean of the frame, at least 0.
    """
    measured = core.std.PlaneStats(luma)
    pixel = core.std.BlankClip(luma, width=1, height=1, keep=True)

    def fill(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        result = f[0].copy()
        # Resizing can overshoot black by a trifle.
        mean = max(float(f[1].props["PlaneStatsAverage"]), 0.0)
        np.asarray(result[0])[:] = value(mean)
        return result

    values = core.std.ModifyFrame(pixel, [pixel, measured], fill)
    return core.resize.Point(values, luma.width, luma.height)
