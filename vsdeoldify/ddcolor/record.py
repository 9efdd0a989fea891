"""DDColor's record: from the tensors of a file to a colorizer."""

from __future__ import annotations

import torch
from torch import Tensor

from ..runtime.checkpoint import Built
from .colorizer import DDColorColorizer
from .network import LARGE, TINY
from .network import build as build_network


def build(state: dict[str, Tensor], dtype: torch.dtype) -> Built:
    """Make a colorizer of the tensors of a file.

    Args:
        state: the tensors, in the layout of the published files; emptied on the way, whole after an error.
        dtype: what the network will compute in; it is filled in float32 all the same.

    Raises:
        LayoutError: these are not the tensors of a DDColor network.
    """
    network = build_network(state)
    return Built(DDColorColorizer(network), network.architecture, network.config in (LARGE, TINY))
