"""How close a coloured picture comes to the true one, and how colourful it is.

Pictures are arrays of shape (height, width, 3): full-range sRGB, as 8- or 16-bit integers or as floats in
0–1. scikit-image computes Lab and CIEDE2000; it comes with the `cli` extra.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[Any]


class PictureScore(NamedTuple):
    """What `score` measures.

    Attributes:
        ciede2000: mean CIEDE2000 colour difference to the true picture; 0 is equal, about 1 is just visible.
        ab_psnr: peak signal-to-noise ratio of Lab's a and b in decibels, peak 255; infinite when equal.
        colourfulness: Hasler and Süsstrunk's measure of the coloured picture; 0 is gray, above 80 is very
            colourful.
    """

    ciede2000: float
    ab_psnr: float
    colourfulness: float


def rgb_to_lab(picture: Picture) -> NDArray[np.float64]:
    """CIE Lab (D65, 2° observer) of an sRGB picture.

    Args:
        picture: (height, width, 3), uint8, uint16 or float in 0–1.

    Returns:
        The same shape: L in 0–100, a and b in about −128–127.

    Raises:
        ValueError: no RGB picture, or of another sample type.
    """
    from skimage.color import rgb2lab

    lab: NDArray[np.float64] = rgb2lab(_unit(picture))
    return lab


def ciede2000(lab1: Picture, lab2: Picture) -> NDArray[np.float64]:
    """CIEDE2000 colour difference of every pixel (Sharma, Wu and Dalal, 2005; kL = kC = kH = 1).

    Args:
        lab1: (…, 3) CIE Lab.
        lab2: the same shape.

    Returns:
        The shape without its last axis.
    """
    from skimage.color import deltaE_ciede2000

    difference: NDArray[np.float64] = deltaE_ciede2000(lab1, lab2)
    return difference


def mean_ciede2000(truth: Picture, result: Picture) -> float:
    """Mean CIEDE2000 over two sRGB pictures of the same size.

    Raises:
        ValueError: the sizes differ, or one is no RGB picture.
    """
    _check_sizes(truth, result)
    return float(ciede2000(rgb_to_lab(truth), rgb_to_lab(result)).mean())


def ab_psnr(truth: Picture, result: Picture) -> float:
    """PSNR of the colour alone: `10·log10(255² / MSE)` over Lab's a and b, in decibels.

    Returns:
        Infinity for equal pictures.

    Raises:
        ValueError: the sizes differ, or one is no RGB picture.
    """
    _check_sizes(truth, result)
    return _lab_psnr(rgb_to_lab(truth), rgb_to_lab(result))


def colourfulness(picture: Picture) -> float:
    """Colourfulness after Hasler and Süsstrunk, "Measuring colourfulness in natural images" (2003).

    With `rg = R − G` and `yb = (R + G)/2 − B` on a 0–255 scale, it is the root of their summed variances
    plus 0.3 times the root of their summed squared means.

    Returns:
        0 for gray, about 15 slightly, 45 quite, 80 highly colourful.
    """
    red, green, blue = np.moveaxis(_unit(picture) * 255, -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def score(truth: Picture, result: Picture) -> PictureScore:
    """All three measures, with the pictures converted once.

    Raises:
        ValueError: the sizes differ, or one is no RGB picture.
    """
    _check_sizes(truth, result)
    lab_truth, lab_result = rgb_to_lab(truth), rgb_to_lab(result)
    return PictureScore(
        float(ciede2000(lab_truth, lab_result).mean()),
        _lab_psnr(lab_truth, lab_result),
        colourfulness(result),
    )


def _lab_psnr(lab1: NDArray[np.float64], lab2: NDArray[np.float64]) -> float:
    error = float(np.mean((lab1[..., 1:] - lab2[..., 1:]) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def _unit(picture: Picture) -> NDArray[np.float64]:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ValueError(f"a picture must have the shape (height, width, 3), got {picture.shape}")
    if picture.dtype in (np.uint8, np.uint16):
        return picture / np.float64(np.iinfo(picture.dtype).max)
    if not np.issubdtype(picture.dtype, np.floating):
        raise ValueError(f"a picture must be uint8, uint16 or float in 0–1, got {picture.dtype}")
    return picture.astype(np.float64)


def _check_sizes(truth: Picture, result: Picture) -> None:
    if truth.shape != result.shape:
        raise ValueError(f"the pictures must have one size, got {truth.shape} and {result.shape}")
