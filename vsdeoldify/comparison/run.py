"""The work of `vsdeoldify compare`: take the colour out, colour again, measure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import vapoursynth as vs

from .. import ddeoldify, ddeoldify_stabilizer, meter
from ..cli.commands.compare import GRAY, TRUTH, Colouring, Result
from ..cli.options import number_or_name
from ..cli.terminal import Progress, say
from ..film.script import PLUGIN_MISSING, source_arguments
from ..metrics import PictureScore, score
from ..pictures.files import (
    Picture,
    encode_picture,
    frame_to_picture,
    is_picture,
    picture_to_clip,
    read_picture,
    to_8_bits,
)
from ..runtime.device import default_device_index
from ..support.errors import PictureError
from ..support.words import sentence
from ..vsutils import formats, scenes
from ..vsutils.frames import in_order

_THUMBNAIL = 360
_THUMBNAIL_QUALITY = 92
_CLIP_THUMBNAILS = 3
# A colourfulness below this is the noise of a gray picture.
_COLOURLESS = 2.0
_CUT = 0.15


class _Sample(Protocol):
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
        self._picture = _shrink(read_picture(path), largest)
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
        path: the file.
        largest: a longer side is scaled down to this, in pixels.
        start: the first frame.
        frames: how many frames; fewer where the film ends before.

    Raises:
        PictureError: it cannot be read, or has no frame there.
    """

    def __init__(self, path: Path, largest: int, start: int, frames: int) -> None:
        self.name = str(path)
        if not path.exists():
            raise PictureError(f"{path} does not exist")
        if not hasattr(vs.core, "bs"):
            raise PictureError(f"{path} is no picture, and {PLUGIN_MISSING}")
        try:
            clip = vs.core.bs.VideoSource(**source_arguments(path))
            clip = formats.check_clip(clip, gray=False)
        except (vs.Error, ValueError) as error:
            raise PictureError(f"{path} cannot be read as a picture or film: {sentence(error)}") from error
        if start >= clip.num_frames:
            raise PictureError(f"{path} has {clip.num_frames} frames, none from {start} on; lower --start")
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
            self.gray = vs.core.resize.Point(clip, format=gray, matrix=formats.BT601)
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


@dataclass
class Comparison:
    """Colours samples and measures them; what fails is said and counted, and the rest goes on.

    Attributes:
        device: the user's choice of a device, or None for the first.
        torch_dir: where the model files are.
        largest: longest side of what is measured, in pixels.
        start: first frame of clips.
        frames: how many frames of clips.
        thumbnails: whether small pictures are kept.
        failures: how many pictures, clips or models failed.
    """

    device: str | None
    torch_dir: str | None
    largest: int
    start: int
    frames: int
    thumbnails: bool
    failures: int = 0
    _say: Callable[[str], None] = field(default=say, init=False)

    def run(self, inputs: Sequence[Path], colourings: Sequence[Colouring]) -> list[Result]:
        """Compare.

        Args:
            inputs: pictures and clips.
            colourings: the ways to colour them.

        Returns:
            By input: the truth, gray, and every colouring that worked.
        """
        results: dict[Path, list[Result]] = {}
        with Progress(len(inputs) * (1 + len(colourings)), "results") as progress:
            self._say = progress.say
            for done, path in enumerate(inputs):
                progress.update(done)
                try:
                    results[path] = self._references(self._open(path))
                except (PictureError, vs.Error) as error:
                    self._fail(str(path), error)
            # One model after the other on all pictures, so that only one is in memory.
            for number, colouring in enumerate(colourings, 1):
                self._colour_all(results, colouring, progress, len(inputs) * number)
        return [result for found in results.values() for result in found]

    def _open(self, path: Path) -> _Sample:
        if is_picture(path):
            return PictureSample(path, self.largest)
        return ClipSample(path, self.largest, self.start, self.frames)

    def _references(self, sample: _Sample) -> list[Result]:
        truth = self._measure(sample, TRUTH, sample.truth)
        if truth.score.colourfulness < _COLOURLESS:
            self._say(f"note: {sample.name} has no colour itself: the distances to it say nothing")
        return [truth, self._measure(sample, GRAY, sample.gray)]

    def _colour_all(
        self, results: dict[Path, list[Result]], colouring: Colouring, progress: Progress, done: int
    ) -> None:
        keep = None
        for number, (path, found) in enumerate(results.items()):
            progress.update(done + number)
            try:
                sample = self._open(path)
                try:
                    # The clip before is kept until here: it holds the networks in memory.
                    keep = self._colour(sample.gray, colouring)
                except vs.Error as error:
                    # The sample has been looked at, so this is about the model or the device.
                    self._fail(colouring.label, error)
                    return
                found.append(self._measure(sample, colouring.label, keep))
            except (PictureError, vs.Error) as error:
                self._fail(f"{path}, {colouring.label}", error)

    def _colour(self, gray: vs.VideoNode, colouring: Colouring) -> vs.VideoNode:
        device = default_device_index() if self.device is None else number_or_name(self.device)
        clip = ddeoldify(gray, **colouring.ddeoldify, device_index=device, torch_dir=self.torch_dir)
        if colouring.stabilizer is not None:
            clip = ddeoldify_stabilizer(clip, **colouring.stabilizer)
        return clip

    def _measure(self, sample: _Sample, label: str, clip: vs.VideoNode) -> Result:
        if sample.frames > 1:
            clip = _held(clip)
        scores: list[PictureScore] = []
        thumbnails: list[bytes] = []
        shown = {(sample.frames - 1) * n // (_CLIP_THUMBNAILS - 1) for n in range(_CLIP_THUMBNAILS)}
        for number, (truth, result) in enumerate(sample.pictures(clip)):
            scores.append(score(truth, result))
            if self.thumbnails and number in shown:
                small = to_8_bits(_shrink(result, _THUMBNAIL))
                thumbnails.append(encode_picture(small, ".jpg", _THUMBNAIL_QUALITY))
        flicker, cdc = sample.steadiness(clip) or (None, None)
        mean = PictureScore(*map(float, np.mean(scores, axis=0)))
        return Result(sample.name, label, sample.frames, mean, flicker, cdc, tuple(thumbnails))

    def _fail(self, what: str, error: Exception) -> None:
        self.failures += 1
        # A PictureError names its file.
        self._say(str(error) if isinstance(error, PictureError) else f"{what}: {sentence(error)}")


def _held(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip with all its frames in memory, so that they can be read twice and are made once."""
    frames = list(in_order(clip))
    return vs.core.std.ModifyFrame(clip, clip.std.BlankClip(keep=True), lambda n, f: frames[n])


def _without_colour(picture: Picture) -> Picture:
    """The picture's BT.601 luma in all three channels, rounded to its sample type."""
    luma = np.rint(picture @ np.array([0.299, 0.587, 0.114])).astype(picture.dtype)
    return np.repeat(luma[..., None], 3, axis=2)


def _rgb(clip: vs.VideoNode) -> vs.VideoNode:
    if clip.format.color_family == vs.RGB:
        return vs.core.resize.Point(clip, format=vs.RGB24)
    matrix = formats.assumed_matrix(clip)
    return vs.core.resize.Bicubic(clip, format=vs.RGB24, matrix_in=matrix, range=vs.RANGE_FULL)


def _shrink(picture: Picture, largest: int) -> Picture:
    """The picture scaled down, where its longer side is above `largest` pixels."""
    import cv2

    height, width, _ = picture.shape
    scale = largest / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small: Picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return small
