"""What runs a network: one protocol (`base.Engine`), one module for each way of running."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from .base import Engine


def make_engine(
    load: Callable[[str], nn.Module],
    device: str,
    backend: str,
    name: str,
    *,
    precision: str = "float32",
    chosen: bool = False,
    identity: str | None = None,
    size: int | None = None,
) -> Engine:
    """The engine for a network.

    Args:
        load: makes the colorizer, on its device and in a precision; may be called again later, by an engine
            that compiles for each size of pictures.
        device: where it runs, by torch's name.
        backend: "torch", "openvino", or "auto": OpenVINO where the network is large enough to gain by it.
        name: the model's name, for messages.
        precision: what it computes in: "float32", "float16" or "bfloat16".
        chosen: whether somebody has asked for the precision. Otherwise torch computes in float32 on the CPU.
        identity: of the weights and of the code that makes a network of them; None: nothing that is compiled
            is kept on the disk.
        size: side of the pictures that it will get first, in pixels, where that is known.
    """
    if device == "cpu" and backend != "torch":
        from .openvino import (
            OpenVinoEngine,
            Way,
            kept_parameters,
            parameters_of,
            usual_threads,
            worthwhile,
        )

        required = backend == "openvino"
        anyway = required or (chosen and precision != "float32")
        way = Way(precision, usual_threads())
        kept = kept_parameters(way.key(identity, size)) if identity and size else None
        colorizer = None
        if kept is None or not (anyway or worthwhile(kept)):
            colorizer = load("float32")
        if colorizer is None or anyway or worthwhile(parameters_of(colorizer)):
            return OpenVinoEngine(
                lambda: load("float32"),
                name,
                required=required,
                way=way,
                identity=identity,
                colorizer=colorizer,
            )
    else:
        colorizer = load(precision)
    import torch

    if device.startswith("cuda"):
        from .cuda import CudaEngine

        return CudaEngine(colorizer, torch.device(device))
    from .plain import PlainEngine

    return PlainEngine(colorizer, torch.device(device))
