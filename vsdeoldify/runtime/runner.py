"""A colorizer on its device: numpy pictures in, numpy chroma out."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Planes = npt.NDArray[np.float32]

MAX_BATCH = 8
# Share of the free device memory that one network's batch may take: a second network wants its part.
_MEMORY_SHARE = 0.45

# Two networks on the CPU at once would only take the cores from each other.
_CPU_LOCK = Lock()


class Engine(Protocol):
    """Computes batches: float32 (B, S, S) gray in, float32 (B, 2, S, S) chroma out."""

    def __call__(self, gray: Planes) -> Planes: ...

    def release(self) -> None:
        """Give back the memory that is not the weights'."""


class PlainEngine:
    """Runs a colorizer as it is, on any device.

    Args:
        colorizer: the module, on the device.
        device: where it lies.
    """

    def __init__(self, colorizer: nn.Module, device: torch.device) -> None:
        self._colorizer = colorizer
        self._device = device
        self._lock = _CPU_LOCK if device.type == "cpu" else Lock()

    def __call__(self, gray: Planes) -> Planes:
        with self._lock, torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(gray))[:, None]
            chroma: Tensor = self._colorizer(batch.to(self._device).clamp(0, 1))
            return chroma.float().cpu().numpy()

    def release(self) -> None:
        """Nothing is held beside the weights."""


class Runner:
    """Runs a colorizer on batches of gray pictures.

    Out of device memory, batches are halved, down to one picture, and stay so; what cannot be computed is an
    error and never a picture.

    Args:
        colorizer: module that turns float gray (B, 1, S, S) in 0–1 into chroma (B, 2, S, S).
        device: where it lies.
        name: the model's name, for messages.
    """

    def __init__(self, colorizer: nn.Module, device: torch.device, name: str) -> None:
        self._engine: Engine | None = _engine(colorizer, device)
        self._device = device
        self._name = name
        self._limit = MAX_BATCH

    def batch_size(self, size: int) -> int:
        """How many pictures of size×size to colour at once: what a trial with one picture says will fit.

        Raises:
            MemoryError: not even one picture fits the device's memory.
        """
        from .engines.cuda import CudaEngine

        engine = self._engine
        if not isinstance(engine, CudaEngine):
            return 1
        try:
            needed = engine.measure(size)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise self._too_large(size) from None
        return batch_that_fits(engine.free_bytes(), needed)

    def close(self) -> None:
        """Give the device's memory back; the runner is of no use afterwards."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.release()

    def __call__(self, gray: Planes) -> Planes:
        """Colour pictures.

        Args:
            gray: float32 (B, S, S), 0–1.

        Returns:
            float32 (B, 2, S, S): U and V of BT.601, −0.5…0.5.

        Raises:
            MemoryError: not even one picture fits the device's memory.
            ArithmeticError: the network gave values that are no numbers.
        """
        parts: list[Planes] = []
        done = 0
        while done < len(gray):
            part = gray[done : done + self._limit]
            chroma = self._try(part)
            if chroma is not None:
                parts.append(chroma)
                done += len(part)
        chroma = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if not np.isfinite(chroma).all():
            raise ArithmeticError(
                f"the model {self._name} gave values that are no numbers; "
                'try precision="float32", and check its file with: vsdeoldify models --verify'
            )
        return chroma

    def _try(self, gray: Planes) -> Planes | None:
        """Colour a batch; without the memory for it, lower the limit and return None."""
        engine = self._engine
        if engine is None:
            raise RuntimeError(f"the model {self._name} was closed with the script that loaded it")
        try:
            return engine(gray)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if len(gray) == 1:
                raise self._too_large(gray.shape[-1]) from None
        # Here and not above: the error's traceback holds what the failed attempt had allocated.
        self._limit = min(self._limit, len(gray) // 2)
        engine.release()
        return None

    def _too_large(self, size: int) -> MemoryError:
        return MemoryError(
            f"out of memory on {self._device}: {self._name} cannot colour even one frame of {size}×{size} "
            f"pixels (render factor {size // 16}); use a smaller render factor, close other programs, or use "
            "device_index=99 (the CPU)"
        )


def batch_that_fits(free: int, needed: int) -> int:
    """The batch for a device with so many free bytes, when one picture needs so many: 1–`MAX_BATCH`."""
    return max(1, min(MAX_BATCH, int(_MEMORY_SHARE * free / max(needed, 1))))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch means that the device's or the computer's memory does not suffice."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate" in text


def _engine(colorizer: nn.Module, device: torch.device) -> Engine:
    if device.type == "cuda":
        from .engines.cuda import CudaEngine

        return CudaEngine(colorizer, device)
    return PlainEngine(colorizer, device)
