"""The bundled model's record: from the tensors of a file to a colorizer."""

from __future__ import annotations

import torch
from torch import Tensor

from ..runtime.checkpoint import Built
from .colorizer import PreviewColorizer
from .network import build as build_network


def build(state: dict[str, Tensor], dtype: torch.dtype) -> Built:
    """Make a colorizer of the tensors of a file that the training exported.

    Args:
        state: the tensors.
        dtype: what the network will compute in; it is filled in float32 all the same.

    Raises:
        LayoutError: these are not the tensors of the preview network.
    """
    return Built(PreviewColorizer(build_network(state).fold()), "preview", official=True)
