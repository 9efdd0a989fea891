"""Pictures and clips whose true colours are known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import vapoursynth as vs

from .. import meter
from ..film.inputs import check_film_file, unreadable
from ..film.names import named
from ..film.reel import Reel
from ..film.script import PLUGIN_MISSING, source_arguments
from ..film.tracks import film_track
from ..pictures.files import Picture, frame_to_picture, picture_to_clip, read_picture
from ..pictures.sheet import scaled
from ..support.errors import FilmError, PictureError
from ..support.h273 import MATRIX_BT601
from ..support.words import sentence
from ..vsutils import formats, scenes
from ..vsutils.frames import in_order
from ..vsutils.matrices import assumed_matrix

_CUT = 0.15


class Sample(Protocol):
    """A picture or clip whose true colours are known."""

    name: str
    frames: int
    gray: vs.VideoNode

    def pictures(self, clip: vs.VideoNode) -> Iterator[tuple[Picture, Picture]]:
        """Of every frame, the true picture and that of a clip that `gray` was made into, both RGB."""

    def steadiness(self, clip: vs.VideoNode) -> tuple[float, float] | None:
        """Flicker and CDC of such a clip; None for a picture."""

    @property
    def truth(self) -> vs.VideoNode:
        """The clip with its true colours."""


class PictureSample:
    """A picture file.

    Args:
        path: the file.
        largest: a longer side is scaled down to this, in pixels.

    Raises:
        PictureError: it cannot be read, or is too small for the networks.
    """

    frames = 1

    def __init__(self, path: Path, largest: int) -> None:
        self.name = str(path)
        self._picture = shrink(read_picture(path), largest)
        height, width, _ = self._picture.shape
        if min(height, width) < formats.MIN_SIZE:
            raise PictureError(f"{path} is {width}×{height}; {formats.MIN_SIZE}×{formats.MIN_SIZE} is needed")
        self.gray = picture_to_clip(_without_colour(self._picture))

    @property
    def truth(self) -> vs.VideoNode:
        return picture_to_clip(self._picture)

    def pictures(self, clip: vs.VideoNode) -> Iterator[tuple[Picture, Picture]]:
        with clip.get_frame(0) as frame:
            yield self._picture, frame_to_picture(frame)

    def steadiness(self, clip: vs.VideoNode) -> tuple[float, float] | None:
        return None


class ClipSample:
    """Some frames of a film.

    Args:
        path: the file, or numbered pictures.
        largest: a longer side is scaled down to this, in pixels.
        start: the first frame.
        frames: how many frames; fewer where the film ends before.

    Raises:
        PictureError: it cannot be read, or has no frame there.
    """

    def __init__(self, path: Path | Reel, largest: int, start: int, frames: int) -> None:
        self.name = name = str(path.path if isinstance(path, Reel) else path)
        if not hasattr(vs.core, "bs"):
            raise PictureError(f"{name} is no picture, and {PLUGIN_MISSING}")
        file = path.file(0) if isinstance(path, Reel) else path
        try:
            if isinstance(path, Reel):
                clip = _of_reel(path)
            else:
                check_film_file(path)
                track = film_track(named(source_arguments(path)))
                clip = vs.core.bs.VideoSource(**named(source_arguments(path, track=track)))
        except FilmError as error:
            raise PictureError(str(error)) from None
        except vs.Error as error:
            raise PictureError(str(unreadable(file, str(error)))) from error
        try:
            clip = _with_chroma(formats.check_clip(clip))
        except (vs.Error, ValueError) as error:
            raise PictureError(f"{name} cannot be read as a picture or film: {sentence(error)}") from error
        if start >= clip.num_frames:
            raise PictureError(f"{name} has {clip.num_frames} frames, none from {start} on; lower --start")
        clip = clip[start : start + frames]
        scale = min(1.0, largest / max(clip.width, clip.height))
        if scale < 1:
            # Multiples of 4 suit every chroma format.
            size = (max(formats.MIN_SIZE, round(side * scale / 4) * 4) for side in (clip.width, clip.height))
            clip = vs.core.resize.Spline36(clip, *size)
        self._truth = clip
        self.frames = clip.num_frames
        if clip.format.color_family == vs.RGB:
            gray = vs.GRAY8 if clip.format.bits_per_sample == 8 else vs.GRAY16
            self.gray = vs.core.resize.Point(clip, format=gray, matrix=MATRIX_BT601)
        else:
            self.gray = vs.core.std.ShufflePlanes(clip, 0, vs.GRAY)
        canvas = formats.to_canvas(clip, 64)
        marks = in_order(scenes.find_cuts(canvas, _CUT))
        self._cuts = [n for n, frame in enumerate(marks) if n and frame.props["_SceneChangePrev"]]

    @property
    def truth(self) -> vs.VideoNode:
        return self._truth

    def pictures(self, clip: vs.VideoNode) -> Iterator[tuple[Picture, Picture]]:
        pairs = zip(in_order(_rgb(self._truth)), in_order(_rgb(clip)), strict=True)
        for truth, result in pairs:
            yield frame_to_picture(truth), frame_to_picture(result)

    def steadiness(self, clip: vs.VideoNode) -> tuple[float, float] | None:
        film = meter.read(clip)
        return meter.flicker(film, self._cuts), meter.cdc(meter.to_rgb(film), self._cuts)


def _of_reel(reel: Reel) -> vs.VideoNode:
    """Numbered pictures as a clip, as the script of a film opens them."""
    clip = vs.core.std.Splice([vs.core.bs.VideoSource(**named(run)) for run in reel.arguments()])
    assert clip.format is not None
    return clip if clip.format.color_family == vs.YUV else clip.std.SetFrameProps(_Range=vs.RANGE_FULL)


def _with_chroma(clip: vs.VideoNode) -> vs.VideoNode:
    """A gray clip with planes for the chroma that it has not; any other one as it is."""
    fmt = clip.format
    assert fmt is not None
    if fmt.color_family != vs.GRAY:
        return clip
    layout = vs.core.query_video_format(vs.YUV, fmt.sample_type, fmt.bits_per_sample, 0, 0)
    blank = clip.std.BlankClip(format=layout.id, keep=True)
    return vs.core.std.ShufflePlanes([clip, blank, blank], [0, 1, 2], vs.YUV)


def _without_colour(picture: Picture) -> Picture:
    """The picture's BT.601 luma in all three channels, rounded to its sample type."""
    luma = np.rint(picture @ np.array([0.299, 0.587, 0.114])).astype(picture.dtype)
    return np.repeat(luma[..., None], 3, axis=2)


def _rgb(clip: vs.VideoNode) -> vs.VideoNode:
    if clip.format.color_family == vs.RGB:
        return vs.core.resize.Point(clip, format=vs.RGB24)
    matrix = assumed_matrix(clip)
    return vs.core.resize.Bicubic(clip, format=vs.RGB24, matrix_in=matrix, range=vs.RANGE_FULL)


def shrink(picture: Picture, largest: int) -> Picture:
    """The picture scaled down, where its longer side is above `largest` pixels."""
    height, width, _ = picture.shape
    scale = largest / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return scaled(picture, size)
