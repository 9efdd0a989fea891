"""Networks as torch runs them, on any device."""

from __future__ import annotations

from threading import Lock

import numpy as np
import torch
from torch import Tensor, nn

from ..surroundings import undisturbed
from .base import CPU_LOCK, Planes


class PlainEngine:
    """Runs a colorizer as it is.

    Args:
        colorizer: the module, on the device.
        device: where it lies.
    """

    def __init__(self, colorizer: nn.Module, device: torch.device) -> None:
        self.colorizer = colorizer
        self._device = device
        self._lock = CPU_LOCK if device.type == "cpu" else Lock()

    def __call__(self, gray: Planes) -> Planes:
        """Colour float32 (B, S, S) pictures; gives float32 (B, 2, S, S)."""
        with self._lock, undisturbed(self._device):
            batch = torch.from_numpy(np.ascontiguousarray(gray, np.float32))[:, None]
            chroma: Tensor = self.colorizer(batch.to(self._device).clamp(0, 1))
            return chroma.float().cpu().numpy()

    def batch_size(self, size: int) -> int:
        """One: here a batch saves nothing."""
        return 1

    def release(self) -> None:
        """Nothing is held beside the weights."""
