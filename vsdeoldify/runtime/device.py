"""Which device computes, and in which precision.

Devices and number formats go by torch's names, so that torch is loaded only where a network needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CPU = "cpu"
CPU_INDEX = 99
MAX_GPU_INDEX = 7
PRECISIONS = ("auto", "float32", "float16", "bfloat16")
BACKENDS = ("auto", "torch", "openvino")


def available_devices() -> dict[str, str]:
    """Torch's names of the devices of this machine, each with what it is.

    Returns:
        For example `{"cuda:0": "NVIDIA GeForce RTX 4070, 12.0 GB", "cpu": "CPU"}`.
    """
    from .processor import may_have_gpu

    found: dict[str, str] = {}
    if may_have_gpu():
        found |= _graphics_cards()
    return found | {CPU: "CPU"}


def _graphics_cards() -> dict[str, str]:
    import torch

    found: dict[str, str] = {}
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            found[f"cuda:{index}"] = f"{properties.name}, {properties.total_memory / 1e9:.1f} GB"
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        for index in range(torch.xpu.device_count()):
            found[f"xpu:{index}"] = torch.xpu.get_device_name(index)
    if torch.backends.mps.is_available():
        found["mps"] = "Apple GPU"
    return found


def default_device_index() -> int | str:
    """`device_index` of the first GPU of this machine, or of the CPU where it has none."""
    name = next(iter(available_devices()))
    return 0 if name == "cuda:0" else CPU_INDEX if name == CPU else name


def resolve_device(device_index: object) -> str:
    """Torch's name of the device that a caller means.

    Args:
        device_index: 0–7 a GPU (CUDA or ROCm), 99 the CPU, or a torch device or its name, such as "cpu",
            "cuda:1", "mps" or "xpu".

    Raises:
        TypeError: it is neither a number nor a name.
        ValueError: there is no such device; the message lists those there are.
    """
    torch = sys.modules.get("torch")
    if isinstance(device_index, str):
        name = device_index.strip().lower()
    elif isinstance(device_index, int) and not isinstance(device_index, bool):
        if device_index != CPU_INDEX and not 0 <= device_index <= MAX_GPU_INDEX:
            raise ValueError(
                f"device_index must be 0–{MAX_GPU_INDEX} (a GPU), {CPU_INDEX} (the CPU) or a device name, "
                f"got {device_index}"
            )
        name = CPU if device_index == CPU_INDEX else f"cuda:{device_index}"
    elif torch is not None and isinstance(device_index, torch.device):
        name = str(device_index)
    else:
        raise TypeError(f"device_index must be a number or a device name, got {device_index!r}")
    if name == CPU:
        return name
    found = available_devices()
    if name in ("cuda", "xpu"):
        name = f"{name}:0"
    if name not in found:
        listed = ", ".join(f"{key} ({text})" if key != CPU else key for key, text in found.items())
        raise ValueError(
            f"device_index={device_index!r}: this machine has no device {name}; it has: {listed}. "
            f"device_index={CPU_INDEX} computes on the CPU"
        )
    return name


def dtype_of(precision: str) -> torch.dtype:
    """Torch's number format of a precision's name."""
    import torch

    dtype: torch.dtype = getattr(torch, precision)
    return dtype


def choose_precision(
    device: str, half_formats: Collection[str], *, half: bool, precision: str, backend: object = "torch"
) -> str:
    """The number format a network computes in.

    Args:
        device: where it runs.
        half_formats: names of the half-precision formats that the network's colours survive, the preferred
            one first.
        half: whether half precision is wanted where it is faster.
        precision: "auto", or the name of a format that overrides the choice.
        backend: what is asked to run it, as `choose_backend` takes it.

    Returns:
        On CUDA and ROCm the first of the formats that the device computes in. On the CPU bfloat16 where the
        processor computes in it and OpenVINO may run the network. Else, and on devices not tried yet,
        float32.

    Raises:
        ValueError: there is no such format, or the processor does not compute in it.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision != "auto":
        if device == CPU and precision == "bfloat16" and not _computes_bfloat16():
            raise ValueError(
                "precision: this processor does not compute in bfloat16 itself and would be slower in it "
                'than in float32; use "float32" or "auto"'
            )
        return precision
    if not half:
        return "float32"
    if device.startswith("cuda"):
        import torch

        for name in half_formats:
            if name != "bfloat16" or torch.cuda.is_bf16_supported(including_emulation=False):
                return name
    if device == CPU and backend in ("auto", "openvino") and "bfloat16" in half_formats:
        from .engines.openvino import available

        if available() and _computes_bfloat16():
            return "bfloat16"
    return "float32"


def choose_backend(device: str, precisions: Collection[str], backend: object) -> str:
    """What runs the networks.

    Args:
        device: where they run.
        precisions: what they compute in.
        backend: "auto", "torch" or "openvino".

    Returns:
        "auto" only where OpenVINO is installed and fits; else "torch" or "openvino".

    Raises:
        ValueError: there is no such backend, or it is not installed or does not fit.
    """
    from .engines.openvino import available

    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    fits = device == CPU and all(one in ("float32", "bfloat16") for one in precisions)
    if backend == "openvino":
        if not fits:
            raise ValueError(
                "backend: openvino computes in float32 or bfloat16 on the CPU; use device_index=99 and "
                'precision="auto", or backend="auto"'
            )
        if not available():
            raise ValueError('backend: OpenVINO is not installed; run: pip install "vsdeoldify[openvino]"')
    if backend == "auto":
        return "auto" if fits and available() else "torch"
    return str(backend)


def _computes_bfloat16() -> bool:
    from . import processor

    return processor.computes_bfloat16()
