"""Colour conversions on float32 tensors: sRGB, CIE Lab and BT.601 chroma."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

type Matrix = tuple[tuple[float, float, float], ...]

# sRGB to XYZ over the white point D65, and back, with the digits of kornia, which DDColor was run with.
_RGB_TO_XYZ: Matrix = (
    (0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883),
)
_XYZ_TO_RGB: Matrix = (
    (3.2404813 * 0.95047, -1.5371515, -0.4985363 * 1.08883),
    (-0.9692549 * 0.95047, 1.8759900, 0.0415559 * 1.08883),
    (0.0556466 * 0.95047, -0.2040413, 1.0573111 * 1.08883),
)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB to CIE Lab (D65).

    Args:
        rgb: (B, 3, H, W), gamma-encoded, in [0, 1].

    Returns:
        (B, 3, H, W) float32: L in 0…100, a and b in about −128…127.
    """
    fx, fy, fz = _lab_f(_mix(_decode(rgb.float()), _RGB_TO_XYZ)).unbind(1)
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
    return _encode(_mix(xyz, _XYZ_TO_RGB)).clamp(0, 1)


def rgb_to_luma(rgb: Tensor) -> Tensor:
    """Luma of full-range RGB after BT.601.

    Args:
        rgb: (B, 3, H, W) in [0, 1].

    Returns:
        (B, 1, H, W) float32 in [0, 1].
    """
    rgb = rgb.float()
    return 0.299 * rgb[:, :1] + 0.587 * rgb[:, 1:2] + 0.114 * rgb[:, 2:]


def rgb_to_chroma(rgb: Tensor) -> Tensor:
    """Chroma of full-range RGB after BT.601.

    Args:
        rgb: (B, 3, H, W) in [0, 1].

    Returns:
        (B, 2, H, W) float32: U and V (Pb and Pr) in −0.5…0.5.
    """
    luma = rgb_to_luma(rgb)
    return torch.cat(((rgb[:, 2:] - luma) / 1.772, (rgb[:, :1] - luma) / 1.402), 1)


def chroma_to_rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    """Join luma and chroma after BT.601, full range.

    Args:
        luma: (B, 1, H, W) in [0, 1].
        chroma: (B, 2, H, W), U and V in −0.5…0.5.

    Returns:
        (B, 3, H, W) float32 RGB; it may leave [0, 1] where no such colour has that luma.
    """
    y, chroma = luma.float(), chroma.float()
    red, blue = y + 1.402 * chroma[:, 1:], y + 1.772 * chroma[:, :1]
    return torch.cat((red, (y - 0.299 * red - 0.114 * blue) / 0.587, blue), 1)


def normalize(rgb: Tensor, mean: Sequence[float], deviation: Sequence[float]) -> Tensor:
    """Subtract each channel's mean and divide by its deviation, in float32."""
    channels = zip(rgb.float().unbind(1), mean, deviation, strict=True)
    return torch.stack([(channel - m) / d for channel, m, d in channels], 1)


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


def _mix(x: Tensor, matrix: Matrix) -> Tensor:
    """Apply a 3×3 matrix to the channels, in full float32 whatever the matmul setting of the process."""
    red, green, blue = x.unbind(1)
    return torch.stack([r * red + g * green + b * blue for r, g, b in matrix], 1)
