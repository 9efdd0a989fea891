"""Colorizers on CUDA and ROCm devices: own stream, pinned transfers, static shapes replayed as graphs."""

from __future__ import annotations

import gc
import weakref
from queue import SimpleQueue
from threading import Lock

import numpy as np
import torch
from torch import Tensor, nn

from ..surroundings import undisturbed
from .base import Planes, batch_that_fits, is_out_of_memory

# Callers that may be under way at once: one batch computes while the next is gathered and sent.
SLOTS = 2
# Runs before a capture: the allocator and cuDNN's choice of algorithms settle in them.
_WARM_UP_RUNS = 2

# A capture is spoilt by another thread that synchronises the device or frees its memory meanwhile.
_CAPTURE_LOCK = Lock()


class _Slot:
    """Pinned memory for one batch on its way up and down."""

    def __init__(self) -> None:
        self.gray = torch.empty(0, dtype=torch.float32, device="cpu")
        self.chroma = torch.empty(0, dtype=torch.float32, device="cpu")
        # Blocking: a waiting thread must not spin on a core that VapourSynth needs.
        self.done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]

    def fit(self, batch: int, size: int) -> None:
        if self.gray.shape[0] != batch or self.gray.shape[-1] != size:
            self.gray = _pinned(batch, 1, size, size)
            self.chroma = _pinned(batch, 2, size, size)


def _pinned(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu", pin_memory=True)


class _Graph:
    """A colorizer's work on batches of one shape, recorded once and replayed from then on."""

    def __init__(self, colorizer: nn.Module, example: Tensor, stream: torch.cuda.Stream) -> None:
        self._gray = example.clone()
        for _ in range(_WARM_UP_RUNS):
            colorizer(self._gray)
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"):
            self._chroma: Tensor = colorizer(self._gray)

    def __call__(self, gray: Tensor) -> Tensor:
        self._gray.copy_(gray, non_blocking=True)
        self._graph.replay()
        return self._chroma


class CudaEngine:
    """Runs a colorizer on a CUDA or ROCm device.

    The whole transfer is one gray plane up and two chroma planes down for every picture. Several threads may
    call: the device works on their batches one after the other, without waiting for the host in between. What
    was recorded goes with the engine.

    Args:
        colorizer: the module, on the device.
        device: where it lies.
    """

    def __init__(self, colorizer: nn.Module, device: torch.device) -> None:
        self.colorizer = colorizer
        self._device = device
        self._graphs: dict[torch.Size, _Graph] = {}
        self._capturing = True
        self._submit = Lock()
        with torch.cuda.device(device):
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            self._slots: SimpleQueue[_Slot] = SimpleQueue()
            for _ in range(SLOTS):
                self._slots.put(_Slot())
        weakref.finalize(self, _give_back, device, self._stream, self._graphs).atexit = False

    def __call__(self, gray: Planes) -> Planes:
        """Colour float32 (B, S, S) pictures; gives float32 (B, 2, S, S)."""
        slot = self._slots.get()
        try:
            with torch.cuda.device(self._device), undisturbed(self._device):
                slot.fit(len(gray), gray.shape[-1])
                np.copyto(slot.gray.numpy()[:, 0], gray)
                with self._submit, torch.cuda.stream(self._stream):
                    batch = slot.gray.to(self._device, non_blocking=True)
                    chroma = self._run(batch.clamp_(0, 1))
                    slot.chroma.copy_(chroma, non_blocking=True)
                    slot.done.record(self._stream)
                slot.done.synchronize()
                return slot.chroma.numpy().copy()
        finally:
            self._slots.put(slot)

    def _run(self, gray: Tensor) -> Tensor:
        if not self._capturing:
            chroma: Tensor = self.colorizer(gray)
            return chroma
        graph = self._graphs.get(gray.shape)
        if graph is None:
            try:
                with _CAPTURE_LOCK:
                    graph = _Graph(self.colorizer, gray, self._stream)
            except RuntimeError as error:  # torch.OutOfMemoryError is one
                if is_out_of_memory(error):
                    raise
                # Some layer does not allow a capture on this device: the same work, launched piece by piece.
                self._capturing = False
                return self._run(gray)
            self._graphs[gray.shape] = graph
        return graph(gray)

    def batch_size(self, size: int) -> int:
        """How many size×size pictures a batch may have: what a trial with one picture says will fit.

        Raises:
            torch.OutOfMemoryError: not even one fits.
        """
        needed = self._needed_bytes(size)
        return batch_that_fits(self._free_bytes(), needed)

    def _needed_bytes(self, size: int) -> int:
        """Device memory that colouring one size×size picture takes at its peak, beside the weights."""
        with torch.cuda.device(self._device), self._submit, undisturbed(self._device), _CAPTURE_LOCK:
            torch.cuda.reset_peak_memory_stats(self._device)
            before = torch.cuda.memory_allocated(self._device)
            with torch.cuda.stream(self._stream):
                picture = torch.zeros((1, 1, size, size), dtype=torch.float32, device=self._device)
                self.colorizer(picture)
            self._stream.synchronize()
            return torch.cuda.max_memory_allocated(self._device) - before

    def _free_bytes(self) -> int:
        """Device memory that is free, or held by torch and not in use."""
        free, _ = torch.cuda.mem_get_info(self._device)
        held = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        return free + held

    def release(self) -> None:
        """Give all memory back but that of the weights."""
        with self._submit, _CAPTURE_LOCK, torch.cuda.device(self._device):
            self._stream.synchronize()
            self._graphs.clear()
            gc.collect()
            torch.cuda.empty_cache()


def _give_back(device: torch.device, stream: torch.cuda.Stream, graphs: dict[torch.Size, _Graph]) -> None:
    """Free what an engine recorded, once nothing uses the engine; other programs get the memory too."""
    graphs.clear()
    # Without waiting: this may run in the very thread that records another network's graph.
    if _CAPTURE_LOCK.acquire(blocking=False):
        try:
            with torch.cuda.device(device):
                stream.synchronize()
                torch.cuda.empty_cache()
        finally:
            _CAPTURE_LOCK.release()
