"""What runs a network: one protocol (`base.Engine`), one module for each way of running."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .base import Engine


def make_engine(load: Callable[[], nn.Module], device: torch.device, backend: str, name: str) -> Engine:
    """The engine for a network.

    Args:
        load: makes the colorizer, on its device and in its precision; may be called again later, by an engine
            that compiles for each size of pictures.
        device: where it runs.
        backend: "torch", "openvino", or "auto": OpenVINO where the network is large enough to gain by it.
        name: the model's name, for messages.
    """
    colorizer = load()
    if device.type == "cuda":
        from .cuda import CudaEngine

        return CudaEngine(colorizer, device)
    if backend != "torch":
        from .openvino import OpenVinoEngine, worthwhile

        required = backend == "openvino"
        if required or worthwhile(colorizer):
            return OpenVinoEngine(load, name, required=required, colorizer=colorizer)
    from .plain import PlainEngine

    return PlainEngine(colorizer, device)
