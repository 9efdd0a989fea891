"""What the training minimises, and the colour measures that are reported."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .data import nearest_anchor


class ColourLoss(nn.Module):
    """Cross-entropy of the anchor colours plus a Huber loss on their mean, rare colours weighted up.

    The weight of a pixel is (p/2 + 1/(2·K))^−½, with p the share of its anchor among all pixels: the
    rebalancing of Zhang et al., "Colorful Image Colorization" (2016), at half its strength. Both terms carry
    the same weight, so that they pull to the same distribution.
    """

    table: Tensor
    weights: Tensor

    def __init__(self, anchors: NDArray[np.float64], histogram: NDArray[np.int64]) -> None:
        super().__init__()
        grid = np.stack(np.meshgrid(np.arange(256), np.arange(256), indexing="ij"), -1).reshape(-1, 2)
        nearest = nearest_anchor(grid - 128.0, anchors)
        counts = np.bincount(nearest, histogram.reshape(-1), len(anchors))
        share = counts / counts.sum()
        weights = (0.5 * share + 0.5 / len(anchors)) ** -0.5
        weights /= (weights * share).sum()
        self.register_buffer("table", torch.from_numpy(nearest))
        self.register_buffer("weights", torch.from_numpy(weights).float())

    def forward(self, logits: Tensor, ab: Tensor, anchors: Tensor) -> Tensor:
        """The loss of one batch.

        Args:
            logits: (B, K, H, W).
            ab: the true a/b (B, 2, H, W), Lab units.
            anchors: (K, 2), Lab units.

        Returns:
            A scalar.
        """
        cells = (ab + 128).round().clamp(0, 255).long()
        wanted = self.table[cells[:, 0] * 256 + cells[:, 1]]
        weight = self.weights[wanted]
        log_share = functional.log_softmax(logits, dim=1)
        entropy = -log_share.gather(1, wanted[:, None])[:, 0]
        mean = functional.conv2d(log_share.exp(), anchors.t()[:, :, None, None])
        # Quadratic up to 10 Lab units: most errors, so the optimum stays near the mean.
        distance = functional.huber_loss(mean, ab, reduction="none", delta=10.0).sum(dim=1) / 100
        return (weight * (0.5 * entropy + distance)).mean()
