"""From trained weights to a model file: set the saturation, store in half precision."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..preview.network import PreviewNetwork

TEMPERATURE = 0.7
"""Logits are divided by this: colours that the network is sure of come out fuller, guesses stay pale."""


def calibrate(
    network: PreviewNetwork,
    weights: Tensor,
    gray: Tensor,
    ab: Tensor,
    colourful: float,
    unweight: float = 0.5,
) -> None:
    """Set how saturated the colours come out, on pictures that the network did not learn from.

    Args:
        network: changed in place.
        weights: the loss's weight of each anchor.
        gray: (N, 1, S, S) in 0…1.
        ab: the true a/b (N, 2, S, S).
        colourful: the mean chroma to reach, as a share of the true one.
        unweight: how much of the loss's preference for rare colours is taken back, 0…1.
    """
    network.calibrate(-unweight * weights.log(), TEMPERATURE, 1.0)
    with torch.inference_mode():
        found = sum(float(network(part).norm(dim=1).sum()) for part in torch.split(gray, 16))
    gain = colourful * float(ab.norm(dim=1).sum()) / max(found, 1e-9)
    network.calibrate(torch.zeros_like(weights), 1.0, min(max(gain, 0.7), 1.5))


def export(network: PreviewNetwork, file: Path) -> None:
    """Write a model file that `load_network` reads: the same bytes for the same network.

    Args:
        network: not folded, so that it can be trained further.
        file: safetensors, in float16.

    Raises:
        ValueError: the network is folded, or weights leave float16's range.
    """
    weights = {}
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            value = value.half()
            if not value.isfinite().all():
                raise ValueError(f"{key} does not fit float16: the training went astray, use a lower rate")
        weights[key] = value.contiguous()
    if weights.keys() != PreviewNetwork().state_dict().keys():
        raise ValueError("a folded network cannot be exported: export it before fold()")
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, file)
