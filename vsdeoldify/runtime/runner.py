"""A network on its device: numpy pictures in, numpy chroma out."""

from __future__ import annotations

import numpy as np

from .engines.base import MAX_BATCH, Engine, Planes, is_out_of_memory

__all__ = ["Planes", "Runner"]


class Runner:
    """Colours batches of gray pictures with an engine, for one clip.

    Out of device memory, batches are halved, down to one picture, and stay so; what cannot be computed is an
    error and never a picture.

    Args:
        engine: runs the network; other runners may use it too.
        device: where it computes, for messages.
        name: the model's name, for messages.
    """

    def __init__(self, engine: Engine, device: object, name: str) -> None:
        self._engine: Engine | None = engine
        self._device = device
        self._name = name
        self._limit = MAX_BATCH

    def batch_size(self, size: int) -> int:
        """How many pictures of size×size to colour at once: 1 on the CPU, what fits the memory of a GPU.

        Raises:
            MemoryError: not even one picture fits the device's memory.
        """
        try:
            return self._open_engine().batch_size(size)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            if not is_out_of_memory(error):
                raise
            raise self._too_large(size) from None

    def close(self) -> None:
        """Let the engine go; its memory is free once no runner has it. This runner cannot colour any more."""
        self._engine = None

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
        engine = self._open_engine()
        try:
            return engine(gray)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            if not is_out_of_memory(error):
                raise
            if len(gray) == 1:
                raise self._too_large(gray.shape[-1]) from None
        # Here and not above: the error's traceback holds what the failed attempt had allocated.
        self._limit = min(self._limit, len(gray) // 2)
        engine.release()
        return None

    def _open_engine(self) -> Engine:
        if self._engine is None:
            raise RuntimeError(f"the model {self._name} was closed with the script that loaded it")
        return self._engine

    def _too_large(self, size: int) -> MemoryError:
        return MemoryError(
            f"out of memory on {self._device}: {self._name} cannot colour even one frame of {size}×{size} "
            f"pixels (render factor {size // 16}); use a smaller render factor, close other programs, or use "
            "device_index=99 (the CPU)"
        )
