"""DeOldify as a colorizer: gray in, BT.601 chroma out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..runtime.color import chroma_to_rgb, normalize, rgb_to_chroma, rgb_to_luma
from .network import Generator

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class DeOldifyColorizer(nn.Module):
    """Colours gray pictures with a DeOldify generator.

    The network runs in its own precision; everything before and after it is float32.

    Args:
        network: the generator.
    """

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, gray: Tensor) -> Tensor:
        """Colour a batch.

        Args:
            gray: (B, 1, H, W) in [0, 1], H and W even. The network was trained on squares.

        Returns:
            (B, 2, H, W) float32: U and V of BT.601, −0.5…0.5, of the colours the network gives.
        """
        x = normalize(gray.expand(-1, 3, -1, -1), _MEAN, _DEVIATION)
        output: Tensor = self.network(x.to(self.network.head.weight.dtype))
        channels = zip(output.float().unbind(1), _MEAN, _DEVIATION, strict=True)
        rgb = torch.stack([channel * deviation + mean for channel, mean, deviation in channels], 1)
        return rgb_to_chroma(rgb.clamp(0, 1))


def colorize_picture(colorizer: DeOldifyColorizer, rgb: Tensor, render_factor: int = 24) -> Tensor:
    """Colour whole pictures as DeOldify's own filter does: the picture's luma with the network's chroma.

    The picture is squeezed to a square of 16 · render_factor pixels; the aspect ratio is not kept.

    Args:
        colorizer: the colorizer, on the device of the picture.
        rgb: (B, 3, H, W) in [0, 1]; its colours, if any, are ignored.
        render_factor: side of the square in units of 16 pixels, 10–44.

    Returns:
        (B, 3, H, W) float32 RGB in [0, 1].
    """
    size = (16 * render_factor, 16 * render_factor)
    square = F.interpolate(rgb_to_luma(rgb), size, mode="bilinear", antialias=True)
    return apply_chroma(rgb, colorizer(square.clamp(0, 1)))


def apply_chroma(rgb: Tensor, chroma: Tensor) -> Tensor:
    """Give pictures new colours at their own luma.

    Args:
        rgb: (B, 3, H, W) in [0, 1].
        chroma: (B, 2, h, w), U and V of BT.601 in −0.5…0.5, of any size.

    Returns:
        (B, 3, H, W) float32 RGB in [0, 1].
    """
    full = F.interpolate(chroma, tuple(rgb.shape[2:]), mode="bilinear", antialias=True)
    return chroma_to_rgb(rgb_to_luma(rgb), full).clamp(0, 1)
