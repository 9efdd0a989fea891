"""Which device computes, and in which precision."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CPU_INDEX = 99
MAX_GPU_INDEX = 7
PRECISIONS = ("auto", "float32", "float16", "bfloat16")
BACKENDS = ("auto", "torch", "openvino")


def available_devices() -> dict[str, str]:
    """Torch's names of the devices of this machine, each with what it is.

    Returns:
        For example `{"cuda:0": "NVIDIA GeForce RTX 4070, 12.0 GB", "cpu": "CPU"}`.
    """
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
    found["cpu"] = "CPU"
    return found


def default_device_index() -> int | str:
    """`device_index` of the first GPU of this machine, or of the CPU where it has none."""
    name = next(iter(available_devices()))
    return 0 if name == "cuda:0" else CPU_INDEX if name == "cpu" else name


def resolve_device(device_index: object) -> torch.device:
    """The torch device that a caller means.

    Args:
        device_index: 0–7 a GPU (CUDA or ROCm), 99 the CPU, or a torch device name such as "cpu", "cuda:1",
            "mps" or "xpu".

    Raises:
        TypeError: it is neither a number nor a name.
        ValueError: there is no such device; the message lists those there are.
    """
    import torch

    if isinstance(device_index, torch.device):
        name = str(device_index)
    elif isinstance(device_index, str):
        name = device_index.strip().lower()
    elif isinstance(device_index, int) and not isinstance(device_index, bool):
        if device_index != CPU_INDEX and not 0 <= device_index <= MAX_GPU_INDEX:
            raise ValueError(
                f"device_index must be 0–{MAX_GPU_INDEX} (a GPU), {CPU_INDEX} (the CPU) or a device name, "
                f"got {device_index}"
            )
        name = "cpu" if device_index == CPU_INDEX else f"cuda:{device_index}"
    else:
        raise TypeError(f"device_index must be a number or a device name, got {device_index!r}")
    found = available_devices()
    if name in ("cuda", "xpu"):
        name = f"{name}:0"
    if name not in found:
        listed = ", ".join(f"{key} ({text})" if key != "cpu" else key for key, text in found.items())
        raise ValueError(
            f"device_index={device_index!r}: this machine has no device {name}; it has: {listed}. "
            f"device_index={CPU_INDEX} computes on the CPU"
        )
    return torch.device(name)


def choose_precision(
    device: torch.device, half_formats: Collection[str], *, half: bool, precision: str
) -> torch.dtype:
    """The number format a network computes in.

    Args:
        device: where it runs.
        half_formats: names of the half-precision formats that the network's colours survive, the preferred
            one first.
        half: whether half precision is wanted where it is faster.
        precision: "auto", or the name of a format that overrides the choice.

    Returns:
        float32 on the CPU and on devices not tried yet; on CUDA and ROCm the first of the formats that the
        device computes in.

    Raises:
        ValueError: there is no such format.
    """
    import torch

    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision != "auto":
        dtype: torch.dtype = getattr(torch, precision)
        return dtype
    if device.type == "cuda" and half:
        for name in half_formats:
            if name != "bfloat16" or torch.cuda.is_bf16_supported(including_emulation=False):
                chosen: torch.dtype = getattr(torch, name)
                return chosen
    return torch.float32


def choose_backend(device: torch.device, dtypes: Collection[torch.dtype], backend: object) -> str:
    """What runs the networks.

    Args:
        device: where they run.
        dtypes: what they compute in.
        backend: "auto", "torch" or "openvino".

    Returns:
        "auto" only where OpenVINO is installed and fits; else "torch" or "openvino".

    Raises:
        ValueError: there is no such backend, or it is not installed or does not fit.
    """
    import torch

    from .engines.openvino import available

    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    fits = device.type == "cpu" and all(dtype == torch.float32 for dtype in dtypes)
    if backend == "openvino":
        if not fits:
            raise ValueError(
                "backend: openvino computes in float32 on the CPU; use device_index=99 and "
                'precision="auto", or backend="auto"'
            )
        if not available():
            raise ValueError('backend: OpenVINO is not installed; run: pip install "vsdeoldify[openvino]"')
    if backend == "auto":
        return "auto" if fits and available() else "torch"
    return str(backend)
