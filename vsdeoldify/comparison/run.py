"""The work of `vsdeoldify compare`: take the colour out, colour again, measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vapoursynth as vs

from .. import ddeoldify, ddeoldify_stabilizer
from ..film.reel import Reel
from ..film.refusals import of_source
from ..metrics import PictureScore, score
from ..pictures.files import (
    encode_picture,
    is_picture,
    to_8_bits,
)
from ..support.errors import PictureError
from ..support.reporter import SILENT, Reporter, Stage
from ..support.words import sentence
from ..vsutils.frames import in_order
from .colourings import Colouring
from .results import GRAY, TRUTH, Result, colourless
from .samples import ClipSample, PictureSample, Sample, shrink

_THUMBNAIL = 360
_THUMBNAIL_QUALITY = 92
_CLIP_THUMBNAILS = 3


@dataclass
class Comparison:
    """Colours samples and measures them; what fails is said and counted, and the rest goes on.

    Attributes:
        device: as `ddeoldify` takes it.
        torch_dir: where the model files are.
        largest: longest side of what is measured, in pixels.
        start: first frame of clips.
        frames: how many frames of clips.
        thumbnails: whether small pictures are kept.
        reporter: told what fails, and how far it is.
        failures: how many pictures, clips or models failed.
    """

    device: int | str
    torch_dir: str | None
    largest: int
    start: int
    frames: int
    thumbnails: bool
    reporter: Reporter = SILENT
    failures: int = 0

    def run(self, inputs: "Sequence[Path | Reel]", colourings: Sequence[Colouring]) -> list[Result]:
        """Compare.

        Args:
            inputs: pictures and clips.
            colourings: the ways to colour them.

        Returns:
            By input: the truth, gray, and every colouring that worked.
        """
        results: dict[Path | Reel, list[Result]] = {}
        with self.reporter.stage(len(inputs) * (1 + len(colourings)), "results") as progress:
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

    def _open(self, path: "Path | Reel") -> Sample:
        if isinstance(path, Path) and is_picture(path):
            return PictureSample(path, self.largest)
        return ClipSample(path, self.largest, self.start, self.frames)

    def _references(self, sample: Sample) -> list[Result]:
        truth = self._measure(sample, TRUTH, sample.truth)
        if colourless(truth):
            self.reporter.note(
                f"{sample.name} has no colour itself: the distances to it say nothing, no average counts it"
            )
        return [truth, self._measure(sample, GRAY, sample.gray)]

    def _colour_all(
        self, results: dict[Path | Reel, list[Result]], colouring: Colouring, progress: Stage, done: int
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
        clip = ddeoldify(gray, **colouring.ddeoldify, device_index=self.device, torch_dir=self.torch_dir)
        if colouring.stabilizer is not None:
            clip = ddeoldify_stabilizer(clip, **colouring.stabilizer)
        return clip

    def _measure(self, sample: Sample, label: str, clip: vs.VideoNode) -> Result:
        if sample.frames > 1:
            clip = _held(clip)
        scores: list[PictureScore] = []
        thumbnails: list[bytes] = []
        shown = {(sample.frames - 1) * n // (_CLIP_THUMBNAILS - 1) for n in range(_CLIP_THUMBNAILS)}
        for number, (truth, result) in enumerate(sample.pictures(clip)):
            scores.append(score(truth, result))
            if self.thumbnails and number in shown:
                small = to_8_bits(shrink(result, _THUMBNAIL))
                thumbnails.append(encode_picture(small, ".jpg", _THUMBNAIL_QUALITY))
        flicker, cdc = sample.steadiness(clip) or (None, None)
        mean = PictureScore(*map(float, np.mean(scores, axis=0)))
        return Result(sample.name, label, sample.frames, mean, flicker, cdc, tuple(thumbnails))

    def _fail(self, what: str, error: Exception) -> None:
        self.failures += 1
        # A PictureError names its file.
        text = sentence(error)
        self.reporter.say(
            str(error) if isinstance(error, PictureError) else f"{what}: {of_source(text) or text}"
        )


def _held(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip with all its frames in memory, so that they can be read twice and are made once."""
    frames = list(in_order(clip))
    return vs.core.std.ModifyFrame(clip, clip.std.BlankClip(keep=True), lambda n, f: frames[n])
