"""Networks on the CPU through OpenVINO, which needs about half the time that torch does there."""

from __future__ import annotations

import gc
import importlib
import sys
import warnings
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

# Below this, converting a network takes longer than OpenVINO saves on a short clip.
_WORTHWHILE_PARAMETERS = 2_000_000

_EXAMPLE_SIZE = 64


def available() -> bool:
    """Whether OpenVINO is installed (the extra `openvino`)."""
    return find_spec("openvino") is not None


class OpenVinoColorizer(nn.Module):
    """A colorizer that is compiled by OpenVINO when it colours its first picture.

    The torch network is let go then, so that its weights are in memory once. All pictures must have the size
    of the first.

    Args:
        colorizer: float32 colorizer on the CPU.
        name: the model's name, for messages.
        required: whether a network that OpenVINO cannot run is an error; otherwise torch runs it.
    """

    def __init__(self, colorizer: nn.Module, name: str, *, required: bool) -> None:
        super().__init__()
        self._torch: nn.Module | None = colorizer
        self._request: Any = None
        self._tried = False
        self._name = name
        self._required = required

    def forward(self, gray: Tensor) -> Tensor:
        """Colour a batch, one picture after the other: on the CPU a batch saves nothing.

        Args:
            gray: (B, 1, S, S) in [0, 1].

        Returns:
            (B, 2, S, S) float32: U and V of BT.601, −0.5…0.5.

        Raises:
            RuntimeError: OpenVINO is required and cannot run this network.
        """
        if not self._tried:
            self._tried = True
            self._compile(gray.shape[-1])
        if self._torch is not None:
            chroma: Tensor = self._torch(gray)
            return chroma
        # The request's output is overwritten by the next picture.
        results = [torch.tensor(self._request.infer([one[None].numpy()])[0]) for one in gray]
        return torch.cat(results)

    def _compile(self, size: int) -> None:
        assert self._torch is not None
        try:
            self._request = compile_network(self._torch, size)
        except Exception as error:
            if self._required:
                raise RuntimeError(
                    f'OpenVINO cannot run {self._name} ({error}); use backend="torch"'
                ) from error
            warnings.warn(f"OpenVINO cannot run {self._name}, torch does ({error})", stacklevel=2)
        else:
            self._torch = None
            # Tracing leaves cycles behind that hold the network.
            gc.collect()


def worthwhile(colorizer: nn.Module) -> bool:
    """Whether a network is large enough for OpenVINO to win back the seconds it takes to start."""
    return sum(parameter.numel() for parameter in colorizer.parameters()) >= _WORTHWHILE_PARAMETERS


def compile_network(colorizer: nn.Module, size: int) -> Any:
    """Convert a colorizer for pictures of one size and compile it, as an OpenVINO inference request.

    Args:
        colorizer: float32 colorizer on the CPU.
        size: side of the pictures in pixels.
    """
    openvino = _import()
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")
        # The operations do not depend on the size, so a small picture tells them too, in less time.
        example = torch.zeros(1, 1, _EXAMPLE_SIZE, _EXAMPLE_SIZE)
        traced = torch.jit.trace(colorizer, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, input=[1, 1, size, size])
    options = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        # Threads tied to a core stand still while something else runs there.
        "ENABLE_CPU_PINNING": False,
    }
    return openvino.Core().compile_model(model, "CPU", options).create_infer_request()


def _import() -> ModuleType:
    """OpenVINO without its telemetry package, which would report every use over the network."""
    hidden = "openvino_telemetry"
    if "openvino" in sys.modules or hidden in sys.modules:
        return importlib.import_module("openvino")
    sys.modules[hidden] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[hidden]
