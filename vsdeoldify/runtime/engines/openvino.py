"""Networks on the CPU through OpenVINO, which needs about half the time that torch does there."""

from __future__ import annotations

import gc
import importlib
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from ..surroundings import undisturbed
from .base import CPU_LOCK, Planes
from .plain import PlainEngine

# Below this, converting a network takes longer than OpenVINO saves on a short clip.
_WORTHWHILE_PARAMETERS = 2_000_000

_CPU = torch.device("cpu")


def available() -> bool:
    """Whether OpenVINO is installed (the extra `openvino`)."""
    return find_spec("openvino") is not None


class OpenVinoEngine:
    """Runs a colorizer that is compiled for each size of pictures when the first of that size comes.

    The torch network is let go once it is compiled, so that its weights are in memory once; for a second size
    it is loaded again.

    Args:
        load: makes the colorizer, float32 on the CPU; called again for every further size.
        name: the model's name, for messages.
        required: whether a network that OpenVINO cannot run is an error; otherwise torch runs it.
        colorizer: the colorizer, where the caller has loaded it already.
    """

    def __init__(
        self, load: Callable[[], nn.Module], name: str, *, required: bool, colorizer: nn.Module | None = None
    ) -> None:
        self._load = load
        self._name = name
        self._required = required
        self._colorizer: nn.Module | None = load() if colorizer is None else colorizer
        self._requests: dict[int, Any] = {}
        self._torch: PlainEngine | None = None

    def __call__(self, gray: Planes) -> Planes:
        """Colour float32 (B, S, S) pictures, one after the other; gives float32 (B, 2, S, S).

        Raises:
            RuntimeError: OpenVINO is required and cannot run this network.
        """
        with CPU_LOCK, undisturbed(_CPU):
            request = self._request(gray.shape[-1])
            if request is not None:
                pictures = np.clip(gray, 0, 1, dtype=np.float32)
                # The request's output is overwritten by the next picture.
                return np.concatenate([request.infer([one[None, None]])[0].copy() for one in pictures])
        assert self._torch is not None
        return self._torch(gray)

    def batch_size(self, size: int) -> int:
        """One: on the CPU a batch saves nothing."""
        return 1

    def release(self) -> None:
        """Let go what was compiled; the next picture compiles anew."""
        with CPU_LOCK:
            self._requests.clear()

    def _request(self, size: int) -> Any:
        """The inference request for pictures of this size, or None where torch has to run the network."""
        if self._torch is None and size not in self._requests:
            colorizer, self._colorizer = self._colorizer or self._load(), None
            try:
                self._requests[size] = compile_network(colorizer, size)
            except Exception as error:
                self._colorizer = colorizer
                if self._required:
                    raise RuntimeError(
                        f'OpenVINO cannot run {self._name} ({error}); use backend="torch"'
                    ) from error
                warnings.warn(f"OpenVINO cannot run {self._name}, torch does ({error})", stacklevel=2)
                self._torch = PlainEngine(colorizer, _CPU)
            else:
                del colorizer
                # Tracing leaves cycles behind that hold the network.
                gc.collect()
        return None if self._torch else self._requests[size]


def worthwhile(colorizer: nn.Module) -> bool:
    """Whether a network is large enough for OpenVINO to win back the seconds it takes to start."""
    return sum(parameter.numel() for parameter in colorizer.parameters()) >= _WORTHWHILE_PARAMETERS


def compile_network(colorizer: nn.Module, size: int) -> Any:
    """Convert a colorizer for pictures of one size and compile it, as an OpenVINO inference request.

    Args:
        colorizer: float32 colorizer on the CPU.
        size: side of the pictures in pixels.
    """
    openvino = import_openvino()
    with warnings.catch_warnings(), undisturbed(_CPU, inference=False):
        warnings.simplefilter("ignore")
        # Of the very size: whatever Python computes from a picture's size is a constant in the trace.
        example = torch.zeros((1, 1, size, size), dtype=torch.float32, device=_CPU)
        traced = torch.jit.trace(colorizer, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, input=[([1, 1, size, size], openvino.Type.f32)])
    options = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        # Threads tied to a core stand still while something else runs there.
        "ENABLE_CPU_PINNING": False,
    }
    return openvino.Core().compile_model(model, "CPU", options).create_infer_request()


def import_openvino() -> ModuleType:
    """OpenVINO without its telemetry package, which would report every use over the network."""
    hidden = "openvino_telemetry"
    if "openvino" in sys.modules or hidden in sys.modules:
        return importlib.import_module("openvino")
    sys.modules[hidden] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[hidden]
