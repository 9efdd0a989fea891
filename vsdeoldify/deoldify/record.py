"""DeOldify's record: from the tensors of a file to a colorizer."""

from __future__ import annotations

import torch
from torch import Tensor

from ..runtime.checkpoint import Built
from .colorizer import DeOldifyColorizer
from .network import DEEP, WIDE
from .network import build as build_network

# Tensor cores, which compute in half precision, want channel counts in eights.
_HALF_PRECISION_CHANNELS = 8


def build(state: dict[str, Tensor], dtype: torch.dtype) -> Built:
    """Make a colorizer of the tensors of a file.

    Args:
        state: the tensors, in the layout of the published files; emptied on the way, whole after an error.
        dtype: what the network will compute in; it is filled in float32 all the same.

    Raises:
        LayoutError: these are not the tensors of a DeOldify generator.
    """
    half = dtype.itemsize == 2
    network = build_network(state, pad_channels=_HALF_PRECISION_CHANNELS if half else 1)
    return Built(DeOldifyColorizer(network), network.architecture, network.config in (WIDE, DEEP))
