"""The matrices of YUV: which one a clip has, and the way from the canvas's chroma to another's.

Chroma of two matrices differs by a linear map that luma has no part in, so the way from the canvas's BT.601
to the source's matrix, and back, is exact.
"""

import vapoursynth as vs

from ..support import h273
from ..support.h273 import LUMA_WEIGHTS, MATRIX_BT601, MATRIX_YCGCO
from .props import whole

# Chroma of these matrices is a linear function of gamma-encoded RGB: all that film and video use in practice.
LINEAR_MATRICES = frozenset(LUMA_WEIGHTS) | {MATRIX_YCGCO}

type ChromaMatrix = tuple[tuple[float, float], tuple[float, float]]


def assumed_matrix(clip: vs.VideoNode) -> int:
    """The matrix players assume for a clip that names none: BT.709 for HD, else BT.601."""
    return h273.assumed_matrix(clip.width, clip.height)


def matrix_of(frame: vs.VideoFrame, clip: vs.VideoNode) -> int:
    """The matrix of a frame.

    Args:
        frame: a frame of the clip.
        clip: gray or YUV.

    Raises:
        ValueError: it is none of the `LINEAR_MATRICES`, or its property is no number.
    """
    matrix = whole(frame, "_Matrix", h273.MATRIX_UNSPECIFIED)
    if matrix == h273.MATRIX_UNSPECIFIED:
        return assumed_matrix(clip)
    if matrix in LINEAR_MATRICES:
        return matrix
    if matrix == h273.MATRIX_RGB and clip.format.color_family == vs.GRAY:
        return assumed_matrix(clip)
    raise ValueError(
        f"_Matrix {matrix} of the clip is not supported; convert it to BT.709 or BT.601 first, "
        "or correct the frame property with std.SetFrameProps(_Matrix=…)"
    )


def chroma_of_bt601(matrix: int) -> ChromaMatrix:
    """The 2×2 matrix from BT.601's (U, V) to those of another of the `LINEAR_MATRICES`."""
    # The differences red, green and blue − Y601: a picture without BT.601 luma has the chroma looked for.
    kr, kb = LUMA_WEIGHTS[MATRIX_BT601]
    red_v, blue_u = 2 * (1 - kr), 2 * (1 - kb)
    green_u, green_v = -blue_u * kb / (1 - kr - kb), -red_v * kr / (1 - kr - kb)
    if matrix == MATRIX_YCGCO:
        return ((2 * green_u - blue_u) / 4, (2 * green_v - red_v) / 4), (-blue_u / 2, red_v / 2)
    kr, kb = LUMA_WEIGHTS[matrix]
    kg = 1 - kr - kb
    luma_u, luma_v = kg * green_u + kb * blue_u, kg * green_v + kr * red_v
    return (
        ((blue_u - luma_u) / (2 * (1 - kb)), -luma_v / (2 * (1 - kb))),
        (-luma_u / (2 * (1 - kr)), (red_v - luma_v) / (2 * (1 - kr))),
    )
