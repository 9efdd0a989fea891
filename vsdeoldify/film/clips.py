"""A film as a clip in another process: what to tell it, and what it makes of that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .names import named
from .script import source_arguments
from .source import Film

if TYPE_CHECKING:
    import vapoursynth as vs

_DEPTHS = (8, 10, 12, 16)


def told(film: Film, cache: Path | None = None) -> dict[str, Any]:
    """What `open_clip` needs to know of a film, as JSON takes it.

    Args:
        film: the film.
        cache: for a reel: folder of the source filter's index, for this state of its pictures alone.
    """
    if film.reel is None:
        return source_arguments(film.path, track=film.track)
    rate = film.reel.rate
    return {"runs": film.reel.arguments(cache), "rate": [rate.numerator, rate.denominator]}


def open_clip(source: Mapping[str, Any], **options: Any) -> vs.VideoNode:
    """The clip of a film; of a reel, as scripts make it.

    Args:
        source: what `told` says.
        **options: further arguments of `bs.VideoSource`.

    Raises:
        vs.Error: it cannot be opened.
    """
    import vapoursynth as vs

    core = vs.core
    if "runs" not in source:
        return core.bs.VideoSource(**named({**source, **options}))
    runs = [core.bs.VideoSource(**named({**run, **options})) for run in source["runs"]]
    clip = runs[0] if len(runs) == 1 else core.std.Splice(runs)
    clip = core.std.AssumeFPS(clip, fpsnum=source["rate"][0], fpsden=source["rate"][1])
    assert clip.format is not None
    if clip.format.color_family != vs.YUV:
        clip = core.std.SetFrameProps(clip, _Range=vs.RANGE_FULL)
    if clip.format.color_family == vs.RGB:
        depth = clip.format.bits_per_sample
        bits = depth if depth in _DEPTHS else _DEPTHS[-1]
        wide = clip.width > 1024 or clip.height > 576
        clip = core.resize.Bicubic(
            clip,
            format=core.query_video_format(vs.YUV, vs.INTEGER, bits, 0, 0).id,
            matrix_s="709" if wide else "170m",
            range_s="full",
        )
    return clip
