"""Colours that a person sets, completed to a whole picture: the automatic colours, corrected around them.

A hint reaches as far as the picture looks alike. What it changes is spread by a random walk on a coarse grid
whose steps avoid edges of the luma (Levin, Lischinski and Weiss, "Colorization using Optimization", 2004) and
of the automatic colours, and which ends after a while: far from every hint the automatic colours stay.

The walk tells, for every cell, how likely it is to come from each of the colours that were set, or from none.
Where a colour was set that is unlike the automatic one, these contend (as the labels in Grady, "Random Walks
for Image Segmentation", 2006): a blue pullover is one thing, and the face above it, which one walk in four
joins to it, is no quarter of it. And what does not look like anything that was hinted at, to the bundled
network too, holds on to its automatic colours. A colour much like the automatic one is a matter of light, and
spreads softly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

type Array = NDArray[np.float32]

_GRID = 80
"""Cells of the grid in each direction; the time grows with the fourth power."""

_MOST_COLOURS = 8
"""How many colours that a person set contend for a cell; those that are alike are one."""

# All of these were chosen on validation pictures with `benchmarks/hints.py`.
_LUMA_SHARE, _LUMA_FLOOR = 0.15, 1e-4
_CHROMA = 0.02
_DECAY = 5e-5
_PULL = 50.0
_DIFFERENCE = 0.35
_SHARPNESS = 0.08
_ALIKE = 0.04
_DECIDED, _MEANT, _LEFT = 3.0, 0.2, 0.01
_ANCHOR = 3e-3
_LIKE_LUMA, _LIKE_CHROMA, _LIKE_THING = 0.3, 0.06, 0.25
_MOST_LOOKED_AT = 400

_LUMA_SHARE_CARRIED = 0.3
"""Colours that motion carried lie all around their holes: the walk may cross more than from one point."""
_SAME = 0.01
"""A hint that changes U and V by less is the automatic colour."""
_RIM = 0.5
"""A cell that is hinted at less than this share of its neighbour was only touched by a stroke."""

# The neighbours to the right and below of a cell, (rows, columns): each pair of neighbours once.
_NEIGHBOURS = ((0, 1), (1, -1), (1, 0), (1, 1))
_DIAGONAL = 0.7


def complete(
    gray: Array,
    automatic: Array,
    hints: Array,
    mask: NDArray[np.bool_],
    features: Array | None = None,
    *,
    carried: bool = False,
) -> Array:
    """Spread a person's colours over a picture and keep the automatic ones elsewhere.

    Args:
        gray: the luma (H, W), 0…1.
        automatic: U and V of BT.601 (2, H, W), −0.5…0.5: what a model makes of the picture.
        hints: U and V (2, H, W) where `mask` is set, anything finite elsewhere. Points, strokes and
            whole areas are all the same to it. The automatic colours themselves are hints, too: no other
            colour spreads over what looks like such a place.
        mask: (H, W), where a colour is given.
        features: what a network sees in the picture (C, h, w), as `PreviewColorizer.features` gives it: cells
            in which it sees something else than under the hints keep to the automatic colours. None: only
            luma and automatic colours tell what is another thing.
        carried: whether the hints are colours that motion carried here from another frame, with holes between
            them, and not points, strokes or areas that a person drew.

    Returns:
        U and V (2, H, W), −0.5…0.5: the hints where they are given; the automatic colours as they are where
        there is no hint at all.

    Raises:
        ValueError: sizes that do not fit, a mask that is not of truth values, or numbers that are not finite.
    """
    gray, automatic, hints = (np.asarray(x, np.float32) for x in (gray, automatic, hints))
    _check(gray, automatic, hints, mask)
    if not mask.any():
        return automatic.copy()
    with _one_thread():
        return _complete(gray, automatic, hints, mask, features, carried)


def _complete(
    gray: Array,
    automatic: Array,
    hints: Array,
    mask: NDArray[np.bool_],
    features: Array | None,
    carried: bool,
) -> Array:
    hints = np.where(mask, hints, np.float32(0))
    size = (min(_GRID, gray.shape[0]), min(_GRID, gray.shape[1]))
    small_gray = _shrunk(gray[None], size)[0]
    small_automatic = _shrunk(automatic, size)
    given = _shrunk(mask[None].astype(np.float32), size)[0]
    if not carried:
        given = _without_rims(given)
    share: Array = np.maximum(given, np.float32(1e-6))
    wanted = _shrunk(hints, size) / share
    before = _shrunk(automatic * mask, size) / share

    steps = _steps(small_gray, small_automatic, _LUMA_SHARE_CARRIED if carried else _LUMA_SHARE)
    degree = _degree(steps)
    pull: Array = np.float32(_PULL) * np.minimum(np.float32(1), 4 * given)
    places = np.nonzero(given)
    colours = _alike(wanted[:, places[0], places[1]])
    sources = np.zeros((*size, colours.max() + 1, 5), np.float32)
    sources[*places, colours] = (pull * np.stack((np.ones_like(pull), *wanted, *before)))[:, *places].T
    changes = np.hypot(*(wanted - before))[places]
    # A hint that is the automatic colour only holds on to that.
    weights = pull[places] * (changes > _SAME)
    meant = np.minimum(1, (weights * changes).sum() / max(weights.sum(), 1e-6) / _MEANT)
    strange = _strangeness(small_gray, small_automatic, features, places)
    diagonal = degree * (1 + _DECAY) + pull + _ANCHOR * meant**2 * strange + 1e-7
    spread = _solve(diagonal.astype(np.float32), steps, sources.reshape(*size, -1)).reshape(sources.shape)
    spread *= _contended(spread[..., 0], _means(changes, colours, pull[places]))[..., None]
    corrections = np.moveaxis(spread.sum(axis=2), -1, 0)
    reach, wanted, before = corrections[0].clip(0, 1), corrections[1:3], corrections[3:]
    # Two ways to correct: by the difference between hint and automatic colour, which keeps the automatic
    # shades, and by the hint's colour itself, which makes an object one. A mixture is better than either.
    kept = 1 - (1 - _DIFFERENCE) * reach
    added = wanted - _DIFFERENCE * before
    enlarged = _enlarged(np.concatenate((kept[None], added)), small_gray, gray)
    result = enlarged[0] * automatic + enlarged[1:]
    completed: Array = np.where(mask, hints, result).clip(-0.5, 0.5).astype(np.float32)
    return completed


def _without_rims(given: Array) -> Array:
    """The share of each cell that is hinted at, without cells that a stroke beside only touches.

    A brush that goes along the edge of a thing touches what is behind it, and would colour that, too.
    """
    most: Array = functional.max_pool2d(torch.from_numpy(given)[None], 3, 1, 1)[0].numpy()
    whole: Array = np.where(given >= _RIM * most, given, np.float32(0))
    return whole


def _strangeness(
    gray: Array, chroma: Array, features: Array | None, places: tuple[NDArray[np.intp], ...]
) -> Array:
    """How unlike each cell of the grid (R, C) is to the likest cell that was hinted at: 0–1."""
    looks = [_softened(gray[None]) / _LIKE_LUMA, _softened(chroma) / _LIKE_CHROMA]
    if features is not None:
        tensor = torch.from_numpy(np.ascontiguousarray(features, np.float32))[None]
        seen = functional.interpolate(tensor, gray.shape, mode="bilinear", align_corners=False)[0]
        looks.append(functional.normalize(seen, dim=0).numpy() / np.float32(np.sqrt(2 * _LIKE_THING)))
    look = np.concatenate(looks).reshape(-1, gray.size)
    # Of long strokes every so many cells will do.
    step = -(-len(places[0]) // _MOST_LOOKED_AT)
    hinted = look[:, (places[0] * gray.shape[1] + places[1])[::step]]
    apart = (look * look).sum(axis=0)[:, None] + (hinted * hinted).sum(axis=0) - 2 * (look.T @ hinted)
    return np.asarray(1 - np.exp(-np.maximum(apart.min(axis=1), 0)), np.float32).reshape(gray.shape)


def _softened(planes: Array) -> Array:
    """Means over 3×3 or, of colours, 5×5 cells."""
    size = 3 if len(planes) == 1 else 5
    softened = functional.avg_pool2d(
        torch.from_numpy(planes)[None], size, 1, size // 2, count_include_pad=False
    )
    means: Array = softened[0].numpy()
    return means


def _alike(chroma: Array) -> NDArray[np.intp]:
    """Sort colours (2, N) into groups: the number of each one's, at most `_MOST_COLOURS`."""
    centres = chroma[:, :1]
    while True:
        apart = ((chroma[:, :, None] - centres[:, None]) ** 2).sum(axis=0)
        farthest = apart.min(axis=1).argmax()
        if centres.shape[1] == _MOST_COLOURS or apart[farthest].min() < _ALIKE**2:
            return apart.argmin(axis=1)
        centres = np.concatenate((centres, chroma[:, farthest, None]), axis=1)


def _means(values: Array, groups: NDArray[np.intp], weights: Array) -> Array:
    """The weighted means of the values of each group."""
    return np.asarray(np.bincount(groups, weights * values) / np.bincount(groups, weights), np.float32)


def _contended(shares: Array, changes: Array) -> Array:
    """What the shares of colours are to be multiplied by, so that the likeliest takes most.

    Args:
        shares: how likely a cell comes from each colour (R, C, K); what is left to 1 is the automatic one.
        changes: how unlike the automatic colours each of them is (K,).
    """
    shares = np.maximum(shares, 0)
    left = np.maximum(1 - shares.sum(axis=-1, keepdims=True), 0)
    powers = shares**_DECIDED
    decided = powers / (powers.sum(axis=-1, keepdims=True) + _LEFT * left**_DECIDED + 1e-9)
    how = np.minimum(1, changes / _MEANT)
    factors: Array = (1 - how) + how * decided / np.maximum(shares, 1e-6)
    return factors.astype(np.float32)


def _check(gray: Array, automatic: Array, hints: Array, mask: NDArray[np.bool_]) -> None:
    if gray.ndim != 2 or min(gray.shape) < 2:
        raise ValueError(f"gray must have height and width of at least 2, got the shape {gray.shape}")
    for name, planes in (("automatic", automatic), ("hints", hints)):
        if planes.shape != (2, *gray.shape):
            raise ValueError(f"{name} must be of shape {(2, *gray.shape)} as gray is, got {planes.shape}")
    if mask.shape != gray.shape or mask.dtype != np.bool_:
        raise ValueError(
            f"mask must be truth values of shape {gray.shape}, got {mask.dtype} of shape {mask.shape}"
        )
    for name, values in (("gray", gray), ("automatic", automatic), ("hints", hints)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds numbers that are not finite")


def _shrunk(planes: Array, size: tuple[int, int]) -> Array:
    """Means over the cells of a grid of (rows, columns)."""
    tensor = torch.from_numpy(np.ascontiguousarray(planes))[None]
    shrunk: Array = functional.adaptive_avg_pool2d(tensor, size)[0].numpy()
    return shrunk


def _steps(gray: Array, chroma: Array, luma_share: float = _LUMA_SHARE) -> list[Array]:
    """How likely the walk steps to each of `_NEIGHBOURS`: 1 where both cells look alike, 0 off the grid."""
    rows, columns = gray.shape
    stacked = torch.from_numpy(np.stack((gray, gray * gray)))[:, None]
    mean, square = functional.avg_pool2d(stacked, 3, 1, 1, count_include_pad=False)[:, 0].numpy()
    variance = np.maximum(square - mean * mean, 0)
    steps = []
    for down, right in _NEIGHBOURS:
        here = np.s_[: rows - down, max(0, -right) : columns - max(0, right)]
        there = np.s_[down:, max(0, right) : columns - max(0, -right)]
        # Measured against the contrast around: soft shades are as steep as an edge in a dim picture.
        contrast = _LUMA_FLOOR + luma_share * np.minimum(variance[here], variance[there])
        apart = (gray[here] - gray[there]) ** 2 / contrast
        between = chroma[:, *here] - chroma[:, *there]
        apart += (between * between).sum(axis=0) / _CHROMA**2
        step = np.zeros_like(gray)
        step[here] = (np.exp(-apart) + 1e-5) * (_DIAGONAL if down and right else 1)
        steps.append(step)
    return steps


def _degree(steps: list[Array]) -> Array:
    """The sum of the steps from each cell in all eight directions."""
    total = np.zeros_like(steps[0])
    for (down, right), step in zip(_NEIGHBOURS, steps, strict=True):
        # Steps off the grid are 0, so nothing comes in at the other side.
        total += step + np.roll(step, (down, right), axis=(0, 1))
    return total


def _solve(diagonal: Array, steps: list[Array], sources: Array) -> Array:
    """Solve the walk's equations: diagonal · x − Σ step · x of the neighbour = sources.

    Row by row of the grid (the block form of Gaussian elimination for a banded matrix): every row depends
    only on the one above, so that all the work is in products and inverses of small dense matrices.

    Args:
        diagonal: (R, C).
        steps: four of (R, C), as `_steps` gives them.
        sources: (R, C, K).

    Returns:
        (R, C, K).
    """
    rows, columns = diagonal.shape
    right, *below = steps
    n = np.arange(columns)
    own = np.zeros((rows, columns, columns), np.float32)
    own[:, n, n] = diagonal
    own[:, n[:-1], n[1:]] = own[:, n[1:], n[:-1]] = -right[:, :-1]
    inverses, values = torch.from_numpy(own), torch.from_numpy(sources.copy())
    # From each row to the one below: straight down, down to the left, down to the right.
    left, straight, across = (torch.from_numpy(step)[..., None] for step in below)
    for r in range(rows):
        if r:
            above = _down(inverses[r - 1], left[r - 1], straight[r - 1], across[r - 1])
            inverses[r] -= _down(above.T, left[r - 1], straight[r - 1], across[r - 1])
            values[r].addmm_(above, values[r - 1])
        # The row's matrix makes way for its inverse.
        torch.cholesky_inverse(torch.linalg.cholesky(inverses[r]), out=inverses[r])
    solution = torch.empty_like(values)
    solution[-1] = inverses[-1] @ values[-1]
    for r in range(rows - 2, -1, -1):
        below_here = straight[r] * solution[r + 1]
        below_here[1:] += left[r][1:] * solution[r + 1][:-1]
        below_here[:-1] += across[r][:-1] * solution[r + 1][1:]
        solution[r] = inverses[r] @ (values[r] + below_here)
    solved: Array = solution.numpy()
    return solved


def _down(
    cells: torch.Tensor, left: torch.Tensor, straight: torch.Tensor, across: torch.Tensor
) -> torch.Tensor:
    """Go one row down from the cells (C, N): the product with the rows' sparse link matrix."""
    result = straight * cells
    result[:-1].addcmul_(left[1:], cells[1:])
    result[1:].addcmul_(across[:-1], cells[:-1])
    return result


@contextmanager
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other in many small steps made them 100 times slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _enlarged(planes: Array, small_gray: Array, gray: Array) -> Array:
    """Enlarge (K, R, C) to the picture's size; cells that look like the pixel count more (no halos)."""
    (rows, columns), (height, width) = small_gray.shape, gray.shape
    if (rows, columns) == (height, width):
        return planes
    y = (np.arange(height) + 0.5) * rows / height - 0.5
    x = (np.arange(width) + 0.5) * columns / width - 0.5
    total = np.zeros_like(gray)
    result = np.zeros((height, width, len(planes)), np.float32)
    # One row for each cell, so that all its values are read at once.
    values, lumas = np.ascontiguousarray(planes.reshape(len(planes), -1).T), small_gray.ravel()
    for place_y in (np.floor(y), np.floor(y) + 1):
        for place_x in (np.floor(x), np.floor(x) + 1):
            near = np.outer(1 - np.abs(y - place_y), 1 - np.abs(x - place_x)).astype(np.float32)
            cells = place_y.clip(0, rows - 1).astype(np.intp)[:, None] * columns
            cells = cells + place_x.clip(0, columns - 1).astype(np.intp)
            unlike = gray - lumas.take(cells)
            weight = near * (np.exp(unlike * unlike * np.float32(-0.5 / _SHARPNESS**2)) + np.float32(1e-4))
            total += weight
            result += weight[..., None] * values.take(cells, axis=0)
    # A pixel in the middle of a cell has that cell alone, with a weight of at least 1e-4.
    return np.asarray(np.moveaxis(result / np.maximum(total, 1e-12)[..., None], -1, 0), np.float32)
