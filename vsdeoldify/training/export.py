"""From trained weights to a model file: set the saturation, store in half precision."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..preview.network import PreviewNetwork
from .losses import fullness

_GAINS = (0.5, 2.0)


def calibrate(network: PreviewNetwork, gray: Tensor, ab: Tensor, colourful: float) -> None:
    """Set the network's gain so that the colours are as full as wanted.

    Args:
        network: changed in place.
        gray: pictures that it did not learn from (N, 1, S, S) in 0…1.
        ab: their true a/b (N, 2, S, S).
        colourful: the mean colourfulness to reach, as a share of the true one.
    """
    with torch.inference_mode():
        found = sum(float(fullness(network(part)).sum()) for part in torch.split(gray, 16))
    gain = float(network.gain) * colourful * float(fullness(ab).sum()) / max(found, 1e-9)
    network.gain.fill_(min(max(gain, _GAINS[0]), _GAINS[1]))


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
