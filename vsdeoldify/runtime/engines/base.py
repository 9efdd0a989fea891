"""What every engine is: the one protocol for what runs a network."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]

MAX_BATCH = 8
"""Pictures that an engine is given at once, at most."""

CPU_LOCK = Lock()
"""Held by an engine while it computes on the CPU: two at once would only take the cores from each other."""

# Share of the free device memory that one network's batch may take: a second network wants its part.
_MEMORY_SHARE = 0.45


class Engine(Protocol):
    """Runs one network on one device, for pictures of any size and for any number of callers at once.

    An engine is shared by all that use the same network in the same way. Its memory goes back with its last
    user. Whatever it compiles or records, it does for the very size of the pictures, once per size.
    """

    def __call__(self, gray: Planes) -> Planes:
        """Colour float32 (B, S, S) pictures; gives float32 (B, 2, S, S): U and V of BT.601, −0.5…0.5."""

    def batch_size(self, size: int) -> int:
        """How many size×size pictures are best coloured at once, 1–`MAX_BATCH`.

        Raises:
            torch.OutOfMemoryError: not even one fits.
        """

    def release(self) -> None:
        """Give back what can be made again: all but the weights."""


def batch_that_fits(free: int, needed: int) -> int:
    """The batch for a device with so many free bytes, when one picture needs so many: 1–`MAX_BATCH`."""
    return max(1, min(MAX_BATCH, int(_MEMORY_SHARE * free / max(needed, 1))))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch means that the device's or the computer's memory does not suffice."""
    text = str(error)
    # torch.OutOfMemoryError, without loading torch where nothing else does.
    named = type(error).__name__ == "OutOfMemoryError"
    return named or "out of memory" in text or "can't allocate" in text
