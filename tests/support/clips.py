"""Clips and comparisons that several tests use."""

import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from vapoursynth import core


def noise(format_id: int, width: int, height: int, length: int = 3, seed: int = 1) -> vs.VideoNode:
    """A clip of smooth random pictures over the whole range of its format."""
    fmt = core.get_video_format(format_id)
    blank = core.std.BlankClip(format=format_id, width=width, height=height, length=length, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        random = np.random.default_rng(seed + n)
        for index in range(fmt.num_planes):
            plane = np.asarray(frame[index])
            small = random.random((plane.shape[0] // 8 + 2, plane.shape[1] // 8 + 2))
            values = small.repeat(8, 0).repeat(8, 1)[: plane.shape[0], : plane.shape[1]]
            values = 0.8 * values + 0.2 * random.random(plane.shape)
            if fmt.sample_type == vs.INTEGER:
                values *= (1 << fmt.bits_per_sample) - 1
            elif index and fmt.color_family == vs.YUV:
                values -= 0.5
            np.copyto(plane, values, casting="unsafe")
        return frame

    return core.std.ModifyFrame(blank, blank, fill)


def plane(clip: vs.VideoNode, n: int, index: int) -> npt.NDArray[np.generic]:
    with clip.get_frame(n) as frame:
        return np.array(frame[index])


def frame_bytes(clip: vs.VideoNode, n: int) -> bytes:
    """All samples of a frame."""
    with clip.get_frame(n) as frame:
        return b"".join(np.ascontiguousarray(np.asarray(p)).tobytes() for p in frame)
