"""Colour conversions on float32 tensors: sRGB, CIE Lab and BT.601 chroma."""

from __future__ import annotations

import torch
from torch import Tensor

# sRGB (D65) to XYZ, white point and inverse, with the digits of kornia, which DDColor was run with.
_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_XYZ_TO_RGB = (
    (3.2404813, -1.5371515, -0.4985363),
    (-0.9692549, 1.8759900, 0.0415559),
    (0.0556466, -0.2040413, 1.0573111),
)
_WHITE = (0.95047, 1.0, 1.08883)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB to CIE Lab (D65).

    Args:
        rgb: (B, 3, H, W), gamma-encoded, in [0, 1].

    Returns:
        (B, 3, H, W) float32: L in 0…100, a and b in about −128…127.
    """
    xyz = _mix(_decode(rgb.float()), _RGB_TO_XYZ)
    fx, fy, fz = _lab_f(xyz / _column(_WHITE, xyz)).unbind(1)
    return torch.stack((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)), 1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert CIE Lab (D65) to sRGB, clamped to what sRGB can show.

    Args:
        lab: (B, 3, H, W): L in 0…100, a and b in about −128…127.

    Returns:
        (B, 3, H, W) float32, gamma-encoded, in [0, 1].
    """
    lightness, a, b = lab.float().unbind(1)
    fy = (lightness + 16) / 116
    # Only z can fall far below zero (strong blue-yellow); x and y follow the linear foot of the curve.
    f = torch.stack((fy + a / 500, fy, (fy - b / 200).clamp(min=0)), 1)
    xyz = torch.where(f > 0.2068966, f**3, (f - 4 / 29) / 7.787)
    return _encode(_mix(xyz * _column(_WHITE, xyz), _XYZ_TO_RGB)).clamp(0, 1)


def rgb_to_chroma(rgb: Tensor) -> Tensor:
    """Chroma of full-range RGB after BT.601.

    Args:
        rgb: (B, 3, H, W) in [0, 1].

    Returns:
        (B, 2, H, W) float32: U and V (Pb and Pr) in −0.5…0.5.
    """
    red, green, blue = rgb.float().unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.stack(((blue - luma) / 1.772, (red - luma) / 1.402), 1)


def luma_to_lightness(luma: Tensor) -> Tensor:
    """Lightness L of a gray whose three sRGB channels all have the given value.

    Args:
        luma: any shape, gamma-encoded, in [0, 1].

    Returns:
        The same shape, float32, L in 0…100.
    """
    return 116 * _lab_f(_decode(luma.float())) - 16


def _decode(x: Tensor) -> Tensor:
    return torch.where(x > 0.04045, ((x.clamp(min=0) + 0.055) / 1.055) ** 2.4, x / 12.92)


def _encode(x: Tensor) -> Tensor:
    # The clamp keeps the branch that is not taken free of NaN.
    return torch.where(x > 0.0031308, 1.055 * x.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, 12.92 * x)


def _lab_f(t: Tensor) -> Tensor:
    return torch.where(t > 0.008856, t.clamp(min=0.008856) ** (1 / 3), 7.787 * t + 4 / 29)


def _mix(x: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """Apply a 3×3 matrix to the channels, in full float32 whatever the matmul setting of the process."""
    red, green, blue = x.unbind(1)
    return torch.stack([r * red + g * green + b * blue for r, g, b in matrix], 1)


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)
