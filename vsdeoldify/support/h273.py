"""Numbers of ITU-T H.273 and of its BT.601: matrices, ranges, places of chroma, and what players assume.

The codes are those of VapourSynth's frame properties.
"""

MATRIX_RGB = 0
MATRIX_BT709 = 1
MATRIX_UNSPECIFIED = 2
MATRIX_FCC = 4
MATRIX_BT470_BG = 5
MATRIX_BT601 = 6
MATRIX_ST240_M = 7
MATRIX_YCGCO = 8
MATRIX_BT2020_NCL = 9

LUMA_WEIGHTS: dict[int, tuple[float, float]] = {
    MATRIX_BT709: (0.2126, 0.0722),
    MATRIX_FCC: (0.30, 0.11),
    MATRIX_BT470_BG: (0.299, 0.114),
    MATRIX_BT601: (0.299, 0.114),
    MATRIX_ST240_M: (0.212, 0.087),
    MATRIX_BT2020_NCL: (0.2627, 0.0593),
}
"""The weights of red and blue in the luma; green has the rest."""

RED, BLUE = LUMA_WEIGHTS[MATRIX_BT601]
GREEN = 0.587
"""Red, green and blue in the luma of BT.601."""
RED_OF_V, BLUE_OF_U = 1.402, 1.772
"""In BT.601, R − Y = `RED_OF_V`·V and B − Y = `BLUE_OF_U`·U, for U and V in −0.5…0.5."""
GREEN_OF_U, GREEN_OF_V = -BLUE_OF_U * BLUE / GREEN, -RED_OF_V * RED / GREEN
"""In BT.601, G − Y = `GREEN_OF_U`·U + `GREEN_OF_V`·V."""


def is_hd(width: int, height: int) -> bool:
    """Whether players take a picture without colour tags for HD."""
    return width > 1024 or height > 576


def assumed_matrix(width: int, height: int) -> int:
    """The matrix that players assume where none is named: BT.709 for HD, else BT.601."""
    return MATRIX_BT709 if is_hd(width, height) else MATRIX_BT601
