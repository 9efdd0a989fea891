"""The coloured frames of a script, on their way to an encoder, in the order in which they are asked for."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from io import BytesIO
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, BinaryIO

from .raw import LAYOUTS

if TYPE_CHECKING:
    import vapoursynth as vs

_KEPT_MB = 1536
"""Megabytes of frames that are kept for the canvases of the colours, which are as large for every film."""
_KEPT_FRAMES = 300
"""How many frames of the film's own size are kept beside them: for motion, far ahead and far behind."""


class Wanted:
    """Numbers of frames that are asked for, while they are asked for.

    Args:
        spans: ranges that are known already, each the first frame and the one after the last.
    """

    def __init__(self, *spans: tuple[int, int]) -> None:
        self._ranges: Queue[range] = Queue()
        self._now: Iterator[int] = iter(())
        for first, end in spans:
            self.add(first, end)

    def add(self, first: int, end: int) -> None:
        """Ask for the frames first … end − 1."""
        self._ranges.put(range(first, end))

    def next(self, *, wait: bool) -> int | None:
        """The next number.

        Args:
            wait: for the next range, where all of those before are given out.

        Returns:
            None where there is none now.
        """
        while (number := next(self._now, None)) is None:
            try:
                self._now = iter(self._ranges.get(block=wait))
            except Empty:
                return None
        return number


def load(script: Path) -> "list[vs.VideoNode]":
    """Run a script and return its outputs 0 and, if it has one, 1."""
    import vapoursynth as vs

    # The name that scripts see under vspipe.
    variables = {"__name__": "__vapoursynth__", "__file__": str(script)}
    exec(compile(script.read_bytes(), str(script), "exec"), variables)
    outputs = vs.get_outputs()
    if 0 not in outputs:
        raise RuntimeError(f"the script {script} sets no output 0")
    return [node.clip for index in (0, 1) if (node := outputs.get(index)) is not None]


def write_frames(script: Path, wanted: Wanted, file: BinaryIO, count: int | None = None) -> None:
    """Write frames of a script's output 0 in the YUV4MPEG2 format, all in one stream.

    The filters see the whole clip: a frame is the same whatever the ranges. The next frames are made while
    one is written, those of the next range too where it is known.

    VapourSynth itself would fill half of the computer's memory with frames that might be asked for again. It
    keeps 1.5 GB and 300 of the film's frames here, which is enough: with more, no film became faster, at
    720×576 and at 1920×1080. What a script sets in `core.max_cache_size` holds, where it is another number.

    Args:
        script: the script.
        wanted: the numbers.
        file: where to.
        count: how many frames to write; None: it never ends.

    Raises:
        ValueError: the clip has no such frame.
    """
    import vapoursynth as vs

    usual = vs.core.max_cache_size
    # The format has no place for the transparency that a frame may carry.
    clip = _for_the_pipe(load(script)[0].std.RemoveFrameProps("_Alpha"))
    # Its own writer knows the header best, and how large a frame is.
    sample = BytesIO()
    clip.std.BlankClip(length=1).output(sample, y4m=True)
    header, _, blank = sample.getvalue().partition(b"\nFRAME\n")
    file.write(header + b"\n")
    file.flush()
    if vs.core.max_cache_size == usual:  # Else the script has set it, and knows why.
        vs.core.max_cache_size = min(usual, _KEPT_MB + _KEPT_FRAMES * len(blank) // 1_000_000)
    waiting: deque[Future[vs.VideoFrame]] = deque()
    try:
        while count is None or count > 0:
            while len(waiting) < min(vs.core.num_threads, count or vs.core.num_threads):
                if (number := wanted.next(wait=not waiting)) is None:
                    break
                if number >= len(clip):
                    raise ValueError(f"frame {number} is asked for, of a film of {len(clip)}")
                waiting.append(clip.get_frame_async(number))
            with waiting.popleft().result() as frame:
                file.write(b"FRAME\n")
                for chunk in frame.readchunks():
                    file.write(chunk)
            file.flush()
            count = None if count is None else count - 1
    finally:
        for request in waiting:
            request.exception()


def _for_the_pipe(clip: "vs.VideoNode") -> "vs.VideoNode":
    """The clip in a format that the pipe carries; its luma stays, but that floating point is rounded."""
    import vapoursynth as vs

    fmt = clip.format
    assert fmt is not None
    shrinking = (fmt.subsampling_w, fmt.subsampling_h)
    whole = fmt.sample_type == vs.INTEGER
    if fmt.color_family != vs.YUV or (whole and shrinking in LAYOUTS.values()):
        return clip
    if shrinking not in LAYOUTS.values():
        shrinking = (0, 0)
    bits = fmt.bits_per_sample if whole else 16
    return clip.resize.Bicubic(
        format=vs.core.query_video_format(vs.YUV, vs.INTEGER, bits, *shrinking).id, dither_type="none"
    )
