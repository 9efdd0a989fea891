"""The preview network as a colorizer: gray in, BT.601 chroma out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..runtime.color import lab_to_rgb, luma_to_lightness, rgb_to_chroma
from .network import STRIDE, PreviewNetwork

WORKING_SIZE = 192
"""Larger squares are shrunk to this: the network learned from small pictures."""


class PreviewColorizer(nn.Module):
    """Colours gray pictures with the preview network.

    Args:
        network: the network, folded or not.
        working_size: the side in pixels that larger squares are shrunk to; a multiple of 32.
    """

    def __init__(self, network: PreviewNetwork, working_size: int = WORKING_SIZE) -> None:
        super().__init__()
        if working_size < STRIDE or working_size % STRIDE:
            raise ValueError(f"working_size must be a multiple of {STRIDE}, got {working_size}")
        self.network = network
        self.working_size = working_size

    def forward(self, gray: Tensor) -> Tensor:
        """Colour a batch.

        Args:
            gray: (B, 1, S, S) in [0, 1].

        Returns:
            (B, 2, S, S) float32: U and V of BT.601, −0.5…0.5, of the colours the network gives.
        """
        gray = gray.float()
        side = gray.shape[-1]
        x = self._shrunk(gray)
        ab = self.network(x).float()
        if x.shape[-1] != side:
            ab = functional.interpolate(ab, (side, side), mode="bilinear", align_corners=False)
        return rgb_to_chroma(lab_to_rgb(torch.cat((luma_to_lightness(gray), ab), dim=1)))

    def features(self, gray: Tensor) -> Tensor:
        """What the network sees in a batch, see `PreviewNetwork.features`.

        Args:
            gray: (B, 1, S, S) in [0, 1].

        Returns:
            (B, 64, s, s) float32, where s is a fourth of the side that the network works at.
        """
        return self.network.features(self._shrunk(gray.float())).float()

    def _shrunk(self, gray: Tensor) -> Tensor:
        """A batch as the network takes it."""
        side = gray.shape[-1]
        inner = min(self.working_size, max(STRIDE, side // STRIDE * STRIDE))
        if inner != side:
            gray = functional.interpolate(gray, (inner, inner), mode="bilinear", antialias=True)
        return gray.to(self.network.anchors.dtype).contiguous(memory_format=torch.channels_last)
