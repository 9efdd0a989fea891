"""What the training minimises."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .data import nearest_anchor

FULLNESS = 0.6
"""The colourfulness to aim at, as a share of the true one."""


_SAME_COLOUR = 10.0
# How many parts a side are compared between two views, and how much each counts; 0 is pixel by pixel. A film
# flickers as a whole picture: what moves in a corner shifts the mean colours of large parts everywhere.
_PARTS = ((0, 0.18), (8, 0.18), (2, 0.18), (1, 0.46))
# Of a part that is mostly hidden in one of the views nothing is known.
_SHOWN = 0.25


class ColourLoss(nn.Module):
    """What the colours should be (cross-entropy), how far they are (two distances), and how full.

    * Cross-entropy of the anchors with rare colours weighted up: the weight of a pixel is
      (p/2 + 1/(2·K))^−½, with p the share of its anchor among all pixels: the rebalancing of Zhang et al.,
      "Colorful Image Colorization" (2016), at half its strength. The network's `bias` takes it back.
    * The visible difference of the network's colours (`visible_difference`), and a Huber loss on a and b.
    * The logarithm of each picture's mean squared error, as its PSNR counts: a picture with few colours,
      where a wrong one shows most, counts as much as a colourful one.
    * A price on paleness: the crops' mean spread of colour below `FULLNESS` of the true one. It is counted
      over the whole batch, so that colour goes where the network is sure of it.
    * Disagreement of two views of one picture (`disagreement`), so that colours stand still in a film.
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

    def forward(
        self,
        logits: Tensor,
        mean: Tensor,
        ab: Tensor,
        rows: Tensor | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """The loss of one batch.

        Args:
            logits: (B, K, H, W).
            mean: the network's a/b for these logits (B, 2, H, W), Lab units.
            ab: the true a/b (B, 2, H, W), Lab units.
            rows: (P,), the pictures that the last P are second views of; None where there are none.
            places: (P, 2, 3), where the second views lie over the first ones (`data.Pairs`).

        Returns:
            A scalar.
        """
        cells = (ab + 128).round().clamp(0, 255).long()
        wanted = self.table[cells[:, 0] * 256 + cells[:, 1]]
        entropy = functional.cross_entropy(logits, wanted, reduction="none")
        # Quadratic up to 15 Lab units, which is what the a/b PSNR measures; linear for hopeless pixels.
        huber = functional.huber_loss(mean, ab, delta=15.0) / 100
        pale = functional.relu(FULLNESS - fullness(mean).mean() / fullness(ab).mean().clamp(min=1))
        unsteady = mean.new_zeros(())
        if rows is not None and places is not None and len(rows):
            unsteady = disagreement(mean, ab, rows, places)
        return (
            0.2 * (self.weights[wanted] * entropy).mean()
            + 0.15 * visible_difference(mean, ab).mean()
            + 0.5 * huber
            + 0.6 * ((mean - ab).square().mean(dim=(1, 2, 3)) + 8).log().mean()
            + pale
            + 2.2 * unsteady
        )


def taught_loss(mean: Tensor, ab: Tensor, rows: Tensor, places: Tensor, wanted: Tensor) -> Tensor:
    """How far the colours are from those that other models agree on, and from each other in two views.

    Models of different days err differently, and the mean of their colours errs less than any of them. One
    network learns to give that mean (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural
    Network", 2015, there with probabilities, here with colours).

    * The logarithm of each picture's mean squared error against the wanted colours, and the visible
      difference from them (`visible_difference`).
    * Disagreement of two views of one picture (`disagreement`), as in `ColourLoss`.

    Args:
        mean: the network's a/b (B + P, 2, H, W), Lab units, second views last.
        ab: the true a/b, the same shape; only for where two views show the same thing.
        rows: (P,), the second views' first views.
        places: (P, 2, 3), where the second views lie over the first ones (`data.Pairs`).
        wanted: the a/b to give to the first views (B, 2, H, W), Lab units.

    Returns:
        A scalar.
    """
    first = mean[: len(wanted)]
    loss = 0.6 * ((first - wanted).square().mean(dim=(1, 2, 3)) + 1).log().mean()
    loss = loss + 0.1 * visible_difference(first, wanted).mean()
    return loss + 1.2 * disagreement(mean, ab, rows, places) if len(rows) else loss


def disagreement(mean: Tensor, ab: Tensor, rows: Tensor, places: Tensor) -> Tensor:
    """How far the colours of two views of a picture lie apart, where both show the same thing.

    Args:
        mean: the network's a/b (B, 2, H, W), Lab units, of which the last P are second views.
        ab: the true a/b, the same shape. Where they differ, something else stands there.
        rows: (P,), the second views' first views.
        places: (P, 2, 3), affine maps from the first view to the second in −1…1.

    Returns:
        The mean of d / (1 + d) over the distances d in Lab units, of pixels and of the mean colours of larger
        and larger parts (`_PARTS`): a scalar, 0…1. Colours that nearly agree are drawn together; were far
        ones drawn as much, all colours would become the same brown.
    """
    count = len(rows)
    grid = functional.affine_grid(places, [count, 2, *ab.shape[2:]], align_corners=False)
    second = functional.grid_sample(
        torch.cat((mean[-count:], ab[-count:]), dim=1), grid, padding_mode="border", align_corners=False
    )
    inside = (grid.abs() <= 1).all(dim=-1)
    same = inside & ((second[:, 2:] - ab[rows]).square().sum(dim=1) < _SAME_COLOUR**2)
    known = same[:, None].float()
    between = (second[:, :2] - mean[rows]) * known
    found = mean.new_zeros(())
    for parts, weight in _PARTS:
        part, share = between, known
        if parts:
            share = functional.adaptive_avg_pool2d(known, parts)
            part = functional.adaptive_avg_pool2d(between, parts) / share.clamp(min=_SHOWN)
        counts = share[:, 0] * (share[:, 0] > _SHOWN)
        # Flicker is a matter of tenths of a Lab unit from frame to frame: only below that the slope ends.
        apart = (part.square().sum(dim=1) + 0.01).sqrt() - 0.1
        found = found + weight * (apart / (1 + apart) * counts).sum() / counts.sum().clamp(min=_SHOWN)
    return found


def fullness(ab: Tensor) -> Tensor:
    """How colourful each picture (B, 2, H, W) is: Hasler and Süsstrunk's measure, taken on a and b."""
    deviation, mean = torch.std_mean(ab, dim=(2, 3))
    return deviation.square().sum(dim=1).add(1e-3).sqrt() + 0.3 * mean.square().sum(dim=1).add(1e-3).sqrt()


def visible_difference(first: Tensor, second: Tensor) -> Tensor:
    """CIEDE2000 for equal lightness, without its hue-dependent factors and its rotation in the blues.

    Args:
        first: a/b (B, 2, H, W), Lab units.
        second: the same shape.

    Returns:
        (B, H, W).
    """
    with torch.no_grad():
        chroma = (_length(first) + _length(second)) / 2
        ratio = (chroma / 25) ** 7
        stretch = 1.5 - 0.5 * (ratio / (ratio + 1)).sqrt()
    first, second = (torch.stack((x[:, 0] * stretch, x[:, 1]), dim=1) for x in (first, second))
    long, short = _length(first), _length(second)
    chroma = (long + short) / 2
    in_chroma = (long - short).square()
    in_hue = ((first - second).square().sum(dim=1) - in_chroma).clamp(min=0)
    squared = in_chroma / (1 + 0.045 * chroma).square() + in_hue / (1 + 0.015 * chroma).square()
    # The offset keeps the root's slope finite where the colours agree.
    return (squared + 0.25).sqrt() - 0.5


def _length(ab: Tensor) -> Tensor:
    return (ab.square().sum(dim=1) + 1e-4).sqrt()
