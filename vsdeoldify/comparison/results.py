"""What a comparison measures, and the figures that reports show."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..metrics import PictureScore

TRUTH, GRAY = "truth", "gray"

# A colourfulness below this is the noise of a gray picture.
_COLOURLESS = 2.0


@dataclass(frozen=True)
class Result:
    """What was measured of one picture or clip in one colouring.

    Attributes:
        file: the picture or clip as the user named it.
        label: the colouring, `TRUTH` or `GRAY`.
        frames: how many frames were measured; 1 for a picture.
        score: mean over the frames; of the truth, only the colourfulness says something.
        flicker: of a clip, in 8-bit levels, else None.
        cdc: of a clip, else None.
        thumbnails: some frames as JPEG files.
    """

    file: str
    label: str
    frames: int
    score: "PictureScore"
    flicker: float | None = None
    cdc: float | None = None
    thumbnails: tuple[bytes, ...] = field(default=(), repr=False)


AVERAGE = "average"

HEADINGS = {
    "ciede2000": "CIEDE2000",
    "ab_psnr": "a/b PSNR",
    "colourfulness": "colourfulness",
    "flicker": "flicker",
    "cdc": "CDC",
}


def colourless(result: Result) -> bool:
    """Whether it is the truth of a picture or clip that has no colours to come close to."""
    return result.label == TRUTH and result.score.colourfulness < _COLOURLESS


def counted(results: Sequence[Result]) -> list[list[Result]]:
    """The results of each input that averages count: with colours, and with every colouring's result."""
    by_file = {file: list(found) for file, found in groupby(results, lambda result: result.file)}
    labels = {result.label for result in results}
    return [
        found for found in by_file.values() if len(found) == len(labels) and not any(map(colourless, found))
    ]


def averages(results: Sequence[Result]) -> list[Result]:
    """The mean of each colouring over the inputs that are `counted`.

    Flicker and CDC are means over the clips among them.
    """
    whole = counted(results)
    means = []
    for label in dict.fromkeys(result.label for result in results):
        own = [result for found in whole for result in found if result.label == label]
        if own:
            first = own[0].score
            mean = type(first)(*map(fmean, zip(*(result.score for result in own), strict=True)))
            flickers = [result.flicker for result in own if result.flicker is not None]
            cdcs = [result.cdc for result in own if result.cdc is not None]
            frames = sum(result.frames for result in own)
            means.append(Result(AVERAGE, label, frames, mean, _mean(flickers), _mean(cdcs)))
    return means


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def figures(result: Result) -> dict[str, float | None]:
    """What a report shows of a result, by the keys of the CSV file; None where there is nothing to show."""
    known = result.label != TRUTH
    return {
        "ciede2000": result.score.ciede2000 if known else None,
        "ab_psnr": result.score.ab_psnr if known else None,
        "colourfulness": result.score.colourfulness,
        "flicker": result.flicker,
        "cdc": result.cdc,
    }


def formatted(result: Result) -> dict[str, str]:
    """The figures as people read them."""
    digits = {"ciede2000": 2, "ab_psnr": 2, "colourfulness": 1, "flicker": 3, "cdc": 6}
    return {
        key: "" if value is None or math.isnan(value) else f"{value:.{digits[key]}f}"
        for key, value in figures(result).items()
    }


def shown_keys(results: Sequence[Result]) -> list[str]:
    clips = any(result.flicker is not None for result in results)
    return [key for key in HEADINGS if clips or key not in ("flicker", "cdc")]
