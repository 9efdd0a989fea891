"""What the processor can do, and whether there may be a graphics card: found without loading torch."""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Names of the instructions that compute with bfloat16, as Linux lists them for x86 and ARM.
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
_GRAPHICS = ("nvidia*", "nvhost-gpu", "nvgpu", "dxg", "kfd", "dri/renderD*", "accel*")


@cache
def computes_bfloat16() -> bool:
    """Whether the processor computes in bfloat16 itself: what it emulates is slower than float32."""
    if find_spec("openvino") is not None:
        from .engines.openvino import import_openvino

        capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "BF16" in capabilities
    return bool(_BFLOAT16_FLAGS & flags_of(_described()))


def flags_of(description: str) -> frozenset[str]:
    """The processor's abilities in a text such as Linux's /proc/cpuinfo; none where it names none."""
    lines = (line.partition(":") for line in description.splitlines())
    found = (value for name, _, value in lines if name.strip().lower() in ("flags", "features"))
    return frozenset(next(found, "").split())


def may_have_gpu() -> bool:
    """False only where this machine surely has no device that torch computes on beside the CPU."""
    if sys.platform != "linux":
        return True
    devices = Path("/dev")
    return any(next(devices.glob(pattern), None) is not None for pattern in _GRAPHICS)


def _described() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
