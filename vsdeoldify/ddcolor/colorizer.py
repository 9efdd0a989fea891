"""DDColor as a colorizer: gray in, BT.601 chroma out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..runtime.color import lab_to_rgb, luma_to_lightness, rgb_to_chroma, rgb_to_lab
from .network import DDColor

_LIMIT = 128.0


class DDColorColorizer(nn.Module):
    """Colours gray pictures with DDColor.

    The network runs in its own precision; everything before and after it is float32.

    Args:
        network: the network.
    """

    def __init__(self, network: DDColor) -> None:
        super().__init__()
        self.network = network

    def forward(self, gray: Tensor) -> Tensor:
        """Colour a batch.

        Args:
            gray: (B, 1, H, W) in [0, 1], H and W multiples of 32. The network was trained on squares.

        Returns:
            (B, 2, H, W) float32: U and V of BT.601, −0.5…0.5, of the RGB that the picture's lightness and the
            network's a and b give within sRGB.
        """
        lab = torch.cat((luma_to_lightness(gray), self.ab(gray)), 1)
        return rgb_to_chroma(lab_to_rgb(lab))

    def ab(self, gray: Tensor) -> Tensor:
        """The network's a and b of Lab, (B, 2, H, W) float32, for gray pictures such as `forward` takes."""
        ab: Tensor = self.network(gray.expand(-1, 3, -1, -1))
        # Trained networks overshoot to −180 and beyond, which no colour of sRGB has.
        return ab.clamp(-_LIMIT, _LIMIT)


def colorize_picture(colorizer: DDColorColorizer, rgb: Tensor, size: int = 512) -> Tensor:
    """Colour whole pictures as DDColor's own filter does: the picture's lightness with the network's a and b.

    The picture is squeezed to a square; the aspect ratio is not kept.

    Args:
        colorizer: the colorizer, on the device of the picture.
        rgb: (B, 3, H, W), clamped to [0, 1]; its colours, if any, are ignored.
        size: side of the square, a multiple of 32.

    Returns:
        (B, 3, H, W) float32 RGB in [0, 1].
    """
    rgb = rgb.float().clamp(0, 1)
    square = F.interpolate(rgb, (size, size), mode="bilinear", align_corners=False)
    lightness = rgb_to_lab(square)[:, :1]
    gray = lab_to_rgb(torch.cat((lightness, torch.zeros_like(square[:, :2])), 1))[:, 1:2]
    ab = F.interpolate(colorizer.ab(gray), tuple(rgb.shape[2:]), mode="bilinear", align_corners=False)
    return lab_to_rgb(torch.cat((rgb_to_lab(rgb)[:, :1], ab), 1))
