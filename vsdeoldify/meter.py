"""Measure how steady the colours of a film are, and what a stabilizer does to them.

All measures work on arrays (`Film`), which `read` makes from a clip. Differences are in 8-bit levels: the
mean of |U| and |V| differences (BT.601, -0.5…0.5) times 255. `measure` gives all of them at once.

What a stabilizer is for is less `flicker`. Its price shows in `ghosting` (colour left behind by moving
things, against the true colours), `foreign` (the same where nobody knows the true colours), `saturation` (1:
all of it kept) and `bleeding` (colour that crosses cuts). `cdc` agrees best with viewers but rewards gray
pictures: read it together with `colourfulness`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray

from .metrics import colourfulness as picture_colourfulness
from .vsutils.formats import to_canvas
from .vsutils.frames import in_order

Array = NDArray[np.float32]

#: Luma differences (0–1) below which the surroundings of a pixel are still, and above which they move.
STILL, MOVING = 6 / 255, 16 / 255
#: Radius of these surroundings in pixels, and how many frames around are looked at on each side.
RADIUS, REACH = 2, 7


class Film(NamedTuple):
    """Frames of a film as arrays.

    Attributes:
        luma: (T, H, W), 0–1.
        chroma: (T, 2, H, W), U and V of BT.601, -0.5…0.5.
    """

    luma: Array
    chroma: Array


class Report(NamedTuple):
    """What `measure` found; None where the clip it needs was not given.

    Attributes:
        flicker: Mean chroma change from frame to frame where the picture stands still, 8-bit levels.
        ghosting: Mean chroma error against the truth where the picture moves, 8-bit levels.
        foreign: Share of another frame's colour that a moving place took on: 0 none, 1 all of it.
        saturation: Mean chroma magnitude as a share of the unfiltered clip's.
        bleeding: Largest chroma error of the frames at the cuts, mean over the frame, 8-bit levels.
        cdc: Colour distribution consistency, 0 for a frozen picture; lower is steadier.
        colourfulness: Mean of Hasler and Süsstrunk's measure.
    """

    flicker: float
    ghosting: float | None
    foreign: float | None
    saturation: float | None
    bleeding: float | None
    cdc: float
    colourfulness: float


def read(clip: vs.VideoNode, size: int = 384) -> Film:
    """Read all frames of a clip.

    Args:
        clip: Any constant format and size; trim a long one first.
        size: The picture is squeezed to size × size, as the filters see it.
    """
    luma = np.empty((clip.num_frames, size, size), np.float32)
    chroma = np.empty((clip.num_frames, 2, size, size), np.float32)
    for n, frame in enumerate(in_order(to_canvas(clip, size))):
        luma[n], chroma[n, 0], chroma[n, 1] = (np.asarray(frame[plane]) for plane in range(3))
    return Film(luma, chroma)


def _scenes(count: int, cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last + 1 frame of the scenes that begin at 0 and at the cuts."""
    edges = sorted({0, count, *cuts})
    return pairwise(edges)


def _box(picture: Array, radius: int) -> Array:
    """Mean over (2·radius + 1)² pixels, edges repeated."""
    width = 2 * radius + 1
    for axis in (-2, -1):
        pad = [(0, 0)] * picture.ndim
        pad[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(picture, pad, mode="edge"), axis=axis, dtype=np.float64)
        ahead = np.take(sums, np.arange(width, sums.shape[axis]), axis)
        behind = np.take(sums, np.arange(sums.shape[axis] - width), axis)
        picture = ((ahead - behind) / width).astype(np.float32)
    return picture


def motion(luma: Array, cuts: Sequence[int] = (), reach: int = REACH) -> Array:
    """How much each pixel's surroundings differ from those in the nearest frames, at most.

    Args:
        luma: (T, H, W), 0–1.
        cuts: Numbers of the first frames of scenes.
        reach: Frames looked at on each side, within the scene.

    Returns:
        (T, H, W): the largest difference of the box means (radius 2) of the luma, 0–1.
    """
    smooth = _box(luma, RADIUS)
    most = np.zeros_like(smooth)
    for first, last in _scenes(len(luma), cuts):
        for k in range(1, min(reach, last - first - 1) + 1):
            difference = np.abs(smooth[first + k : last] - smooth[first : last - k])
            np.maximum(most[first + k : last], difference, out=most[first + k : last])
            np.maximum(most[first : last - k], difference, out=most[first : last - k])
    return most


def flicker(film: Film, cuts: Sequence[int] = ()) -> float:
    """Chroma flicker in still areas, in 8-bit levels.

    mean |c(t + 1) - c(t)|·255 over U, V and all pixels that are still (`motion` < 6/255) in both frames.

    Returns:
        0 for colours that stand still; nan where nothing is still.
    """
    still = motion(film.luma, cuts) < STILL
    changes = []
    for first, last in _scenes(len(film.luma), cuts):
        change = np.abs(np.diff(film.chroma[first:last], axis=0)).mean(1)
        changes.append(change[still[first + 1 : last] & still[first : last - 1]])
    found = np.concatenate(changes)
    return float(found.mean(dtype=np.float64)) * 255 if found.size else float("nan")


def ghosting(film: Film, truth: Film, cuts: Sequence[int] = ()) -> float:
    """Colour left behind by moving things, in 8-bit levels.

    mean |c - truth|·255 over U, V and all pixels that move (`motion` > 16/255). To see nothing but ghosts,
    filter the true colours and compare: noise in the input would count as error, too.

    Returns:
        0 where no colour was left behind; nan where nothing moves.
    """
    moving = motion(film.luma, cuts) > MOVING
    error = np.abs(film.chroma - truth.chroma).mean(1)[moving]
    return float(error.mean(dtype=np.float64)) * 255 if error.size else float("nan")


def foreign(film: Film, unfiltered: Film, cuts: Sequence[int] = (), reach: int = REACH) -> float:
    """Share of another thing's colour that moving places took on; needs no true colours.

    At a place that moves, the frames within reach fall into those that show the same thing (luma within
    6/255) and those that show another (beyond 16/255); a and b are the means of their unfiltered colours. The
    share is the slope of the change a filter made along the way from a to b:
    sum (c - unfiltered)·(b - a) / sum |b - a|². Flicker is not in it, as it has no part in that direction.

    Returns:
        0 no foreign colour, 1 all; below 0: less of it than before; nan where nothing moves.
    """
    smooth = _box(unfiltered.luma, RADIUS)
    along = length = 0.0
    for first, last in _scenes(len(smooth), cuts):
        for t in range(first, last):
            sums = np.zeros((2, *unfiltered.chroma.shape[1:]), np.float32)
            counts = np.zeros((2, *smooth.shape[1:]), np.float32)
            for other in range(max(first, t - reach), min(last, t + reach + 1)):
                if other == t:
                    continue
                difference = np.abs(smooth[t] - smooth[other])
                for i, chosen in enumerate((difference < STILL, difference > MOVING)):
                    sums[i] += chosen * unfiltered.chroma[other]
                    counts[i] += chosen
            both = (counts > 0).all(0)
            own, another = (sums[i] / np.maximum(counts[i], 1) for i in range(2))
            way = (another - own)[:, both]
            along += float(((film.chroma[t] - unfiltered.chroma[t])[:, both] * way).sum())
            length += float((way**2).sum())
    return along / length if length else float("nan")


def saturation(film: Film, unfiltered: Film) -> float:
    """Mean chroma magnitude sqrt(U² + V²) as a share of the unfiltered film's; nan where that is gray.

    Averaging colours that point in different directions shortens them: below 1 is no defect where they
    flickered.
    """
    before = float(np.hypot(unfiltered.chroma[:, 0], unfiltered.chroma[:, 1]).mean(dtype=np.float64))
    after = float(np.hypot(film.chroma[:, 0], film.chroma[:, 1]).mean(dtype=np.float64))
    return after / before if before else float("nan")


def bleeding(film: Film, truth: Film, cuts: Sequence[int]) -> float:
    """Colour that crosses cuts, in 8-bit levels.

    The largest, over the two frames at every cut, of mean |c - truth|·255. With still scenes the truth is the
    unfiltered film; with others, the result of filtering each scene alone.

    Returns:
        0 where no colour crosses a cut; nan without cuts.
    """
    errors = [np.abs(film.chroma[n] - truth.chroma[n]).mean() for cut in cuts for n in (cut - 1, cut)]
    return float(max(errors)) * 255 if errors else float("nan")


def to_rgb(film: Film) -> NDArray[np.uint8]:
    """(T, H, W, 3) full-range 8-bit pictures of the film (BT.601), as a viewer sees them."""
    y, u, v = film.luma, film.chroma[:, 0], film.chroma[:, 1]
    rgb = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], -1)
    pictures: NDArray[np.uint8] = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    return pictures


def _js_divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Jensen–Shannon divergence of two distributions, natural logarithm: 0 to ln 2."""
    middle = (p + q) / 2
    result = 0.0
    for distribution in (p, q):
        some = distribution > 0
        result += float((distribution[some] * np.log(distribution[some] / middle[some])).sum()) / 2
    return result


def cdc(rgb: NDArray[np.uint8], cuts: Sequence[int] = ()) -> float:
    """Colour distribution consistency (Liu et al., "Temporally Consistent Video Colorization", 2021).

    The mean over d = 1, 2, 4 of the mean over all frame pairs (t, t + d) of a scene and the three channels of
    the Jensen–Shannon divergence (natural logarithm) of the 256-bin histograms.

    Args:
        rgb: (T, H, W, 3), 8-bit.
        cuts: Numbers of the first frames of scenes; pairs across a cut do not count.

    Returns:
        0 for a frozen picture, at most ln 2; nan for scenes shorter than two frames.
    """
    histograms = np.array(
        [[np.bincount(frame[..., channel].ravel(), minlength=256) for channel in range(3)] for frame in rgb],
        np.float64,
    )
    histograms /= histograms.sum(-1, keepdims=True)
    means = []
    for step in (1, 2, 4):
        values = [
            _js_divergence(histograms[t, channel], histograms[t + step, channel])
            for first, last in _scenes(len(rgb), cuts)
            for t in range(first, last - step)
            for channel in range(3)
        ]
        if values:
            means.append(sum(values) / len(values))
    return sum(means) / len(means) if means else float("nan")


def colourfulness(rgb: NDArray[np.uint8]) -> float:
    """Mean over the frames of Hasler and Süsstrunk's colourfulness (2003): 0 gray, 45 quite colourful."""
    return float(np.mean([picture_colourfulness(frame) for frame in rgb]))


def _as_film(film: Film | vs.VideoNode) -> Film:
    return film if isinstance(film, Film) else read(film)


def measure(
    film: Film | vs.VideoNode,
    unfiltered: Film | vs.VideoNode | None = None,
    truth: Film | vs.VideoNode | None = None,
    cuts: Sequence[int] = (),
) -> Report:
    """Take all measures.

    Args:
        film: The film to judge.
        unfiltered: The same film before the stabilizer, for `foreign` and `saturation`.
        truth: The true colours, for `ghosting` and `bleeding`.
        cuts: Numbers of the first frames of scenes (without 0).

    Raises:
        ValueError: The films differ in length or size, or a cut is not within the film.
    """
    film = _as_film(film)
    unfiltered = None if unfiltered is None else _as_film(unfiltered)
    truth = None if truth is None else _as_film(truth)
    for other in (unfiltered, truth):
        if other is not None and other.chroma.shape != film.chroma.shape:
            raise ValueError(
                f"the films must have one length and size, got {film.chroma.shape} and {other.chroma.shape}"
            )
    if any(not 0 < cut < len(film.luma) for cut in cuts):
        raise ValueError(f"cuts must lie within 1–{len(film.luma) - 1}, got {list(cuts)}")
    rgb = to_rgb(film)
    return Report(
        flicker=flicker(film, cuts),
        ghosting=None if truth is None else ghosting(film, truth, cuts),
        foreign=None if unfiltered is None else foreign(film, unfiltered, cuts),
        saturation=None if unfiltered is None else saturation(film, unfiltered),
        bleeding=None if truth is None or not cuts else bleeding(film, truth, cuts),
        cdc=cdc(rgb, cuts),
        colourfulness=colourfulness(rgb),
    )
