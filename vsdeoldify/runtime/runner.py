"""A colorizer on its device: numpy pictures in, numpy chroma out."""

from __future__ import annotations

from threading import Lock

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Planes = npt.NDArray[np.float32]

MAX_BATCH = 8
# Activations of the largest network (DeOldify deep, half precision) with room to spare.
BYTES_PER_PIXEL = 6000

# Two networks on the CPU at once would only take the cores from each other.
_CPU_LOCK = Lock()


class Runner:
    """Runs a colorizer on batches of gray pictures.

    Out of device memory, a batch is halved, down to one picture; what cannot be computed is an error and
    never a picture.

    Args:
        colorizer: module that turns float gray (B, 1, S, S) in 0–1 into chroma (B, 2, S, S).
        device: where it lies.
        name: the model's name, for messages.
    """

    def __init__(self, colorizer: nn.Module, device: torch.device, name: str) -> None:
        self._colorizer: nn.Module | None = colorizer
        self._device = device
        self._name = name
        self._lock = _CPU_LOCK if device.type == "cpu" else Lock()

    def batch_size(self, size: int) -> int:
        """How many pictures of size×size the device colours at once."""
        if self._device.type != "cuda":
            return 1
        free, _ = torch.cuda.mem_get_info(self._device)
        return max(1, min(MAX_BATCH, int(free / 2 / (BYTES_PER_PIXEL * size * size))))

    def close(self) -> None:
        """Give the device's memory back; the runner is of no use afterwards."""
        with self._lock:
            self._colorizer = None
            if self._device.type == "cuda":
                torch.cuda.empty_cache()

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
        with self._lock:
            chroma = self._colour(gray)
        if not np.isfinite(chroma).all():
            raise ArithmeticError(
                f"the model {self._name} gave values that are no numbers; "
                'try precision="float32", and check its file with: vsdeoldify models --verify'
            )
        return chroma

    def _colour(self, gray: Planes) -> Planes:
        try:
            return self._infer(gray)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            if len(gray) == 1:
                raise MemoryError(
                    f"out of memory on {self._device}: {self._name} cannot colour even one frame of "
                    f"{gray.shape[-1]}×{gray.shape[-1]} pixels (render factor {gray.shape[-1] // 16}); "
                    "use a smaller render factor, close other programs, or use device_index=99 (the CPU)"
                ) from None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        middle = len(gray) // 2
        return np.concatenate([self._colour(gray[:middle]), self._colour(gray[middle:])])

    @torch.inference_mode()
    def _infer(self, gray: Planes) -> Planes:
        if self._colorizer is None:
            raise RuntimeError(f"the model {self._name} was closed with the script that loaded it")
        batch = torch.from_numpy(np.ascontiguousarray(gray))[:, None]
        chroma: Tensor = self._colorizer(batch.to(self._device).clamp(0, 1))
        return chroma.float().cpu().numpy()


def _is_out_of_memory(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate" in text
