"""Which of a file's picture tracks is the film."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..support.errors import FilmError

# Numbers of FFmpeg (`AVMediaType`, `AV_DISPOSITION_…`), as BestSource hands them on.
_PICTURES = 0
_DEFAULT = 0x1
_COVERS = 0x400 | 0x800
_STILLS = frozenset({"mjpeg", "png", "bmp", "gif", "webp", "tiff"})

COVER_ONLY = (
    "{} holds no picture track, only a cover picture (to colour that one: "
    "ffmpeg -i IN -map 0:v -frames:v 1 COVER.png, then vsdeoldify colorize COVER.png)"
)


def film_track(arguments: Mapping[str, Any]) -> int | None:
    """The track that is the film: no cover picture, and the one that players show.

    Args:
        arguments: those of `bs.VideoSource`, without the track.

    Returns:
        Its number among all tracks of the file; None where it is the first picture track, which the source
        filter takes by itself, or where this version of it tells nothing of the tracks.

    Raises:
        FilmError: there is no picture track but cover pictures.
        vs.Error: the file cannot be opened.
    """
    import vapoursynth as vs

    if not hasattr(vs.core.bs, "TrackInfo"):
        return None
    found = vs.core.bs.TrackInfo(source=arguments["source"])
    # A single one comes without a list.
    kinds, dispositions, codecs = (_list(found[name]) for name in ("tracktype", "disposition", "codecstr"))
    pictures = [track for track, kind in enumerate(kinds) if kind == _PICTURES]
    films = [track for track in pictures if not dispositions[track] & _COVERS]
    if not films:
        if pictures:
            raise FilmError(COVER_ONLY.format(os.fsdecode(arguments["source"])))
        return None
    films.sort(key=lambda track: not dispositions[track] & _DEFAULT)
    chosen = films[0]
    if len(films) > 1 and codecs[chosen] in _STILLS:
        # Many files carry a cover as a track like any other: it has a single frame.
        chosen = next((track for track in films if _frames(arguments, track) > 1), chosen)
    return None if chosen == pictures[0] else chosen


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _frames(arguments: Mapping[str, Any], track: int) -> int:
    import vapoursynth as vs

    try:
        return int(vs.core.bs.VideoSource(**arguments, track=track).num_frames)
    except vs.Error:
        return 0
