"""Networks on the CPU through OpenVINO, which needs about half the time that torch does there.

torch is loaded only where a network is compiled: one that was kept on the disk starts without it.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...support.kept import forget, keep, note_of, read_kept
from .base import CPU_LOCK, Planes
from .winograd import save_products

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .plain import PlainEngine

# Below this, converting a network takes longer than OpenVINO saves on a short clip.
_WORTHWHILE_PARAMETERS = 2_000_000

_HINTS = {"float32": "f32", "bfloat16": "bf16"}


def available() -> bool:
    """Whether OpenVINO is installed (the extra `openvino`)."""
    return find_spec("openvino") is not None


@dataclass(frozen=True, slots=True)
class Way:
    """How a network is compiled; with the network and the size of the pictures it decides on the colours.

    Attributes:
        precision: "float32", or "bfloat16" where the processor computes in it.
        threads: how many compute.
    """

    precision: str
    threads: int

    def options(self) -> dict[str, Any]:
        """OpenVINO's options."""
        return {
            "INFERENCE_PRECISION_HINT": _HINTS[self.precision],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self.threads,
            # Threads tied to a core stand still while something else runs there.
            "ENABLE_CPU_PINNING": False,
        }

    def key(self, identity: str, size: int) -> str:
        """The name under which a compiled network is kept, made of all that decides what it holds.

        Args:
            identity: the weights and the code that makes a network of them.
            size: side of the pictures in pixels.
        """
        openvino = import_openvino()
        core = openvino.Core()
        processor = [
            str(core.get_property("CPU", name)) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
        ]
        parts = [identity, size, self.options(), openvino.get_version(), *processor, tracing()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


class OpenVinoEngine:
    """Runs a colorizer that is compiled for each size of pictures when the first of that size comes.

    What was compiled is kept on the disk for the next time. The torch network is let go once it is compiled,
    so that its weights are in memory once; for a second size it is loaded again.

    Args:
        load: makes the colorizer, float32 on the CPU; called when there is nothing on the disk for a size.
        name: the model's name, for messages.
        required: whether a network that OpenVINO cannot run is an error; otherwise torch runs it.
        way: how it is compiled.
        identity: of the weights and of the code that makes a network of them; None: nothing is kept.
        colorizer: the colorizer, where the caller has loaded it already.
    """

    def __init__(
        self,
        load: Callable[[], nn.Module],
        name: str,
        *,
        required: bool,
        way: Way,
        identity: str | None = None,
        colorizer: nn.Module | None = None,
    ) -> None:
        self._load = load
        self._name = name
        self._required = required
        self._way = way
        self._identity = identity
        self._colorizer = colorizer
        self._requests: dict[int, Held] = {}
        self._torch: PlainEngine | None = None
        self._reading = Lock()

    def __call__(self, gray: Planes) -> Planes:
        """Colour float32 (B, S, S) pictures, one after the other; gives float32 (B, 2, S, S).

        Raises:
            RuntimeError: OpenVINO is required and cannot run this network.
        """
        # Reading takes one core and seconds: it need not wait for the network that computes meanwhile.
        self._read(gray.shape[-1])
        with CPU_LOCK, np.errstate(all="ignore"):
            request = self._request(gray.shape[-1])
            if request is not None:
                pictures = np.clip(gray, 0, 1, dtype=np.float32)
                # The request's output is overwritten by the next picture.
                return np.concatenate([request.infer(one).copy() for one in pictures])
        assert self._torch is not None
        return self._torch(gray)

    def batch_size(self, size: int) -> int:
        """One: on the CPU a batch saves nothing."""
        return 1

    def release(self) -> None:
        """Let go what was compiled; the next picture compiles anew."""
        with CPU_LOCK:
            self._requests.clear()

    def _read(self, size: int) -> None:
        """Get the inference request for pictures of this size from the disk, where it is kept."""
        with self._reading:
            if self._identity is None or self._torch is not None or size in self._requests:
                return
            compiled = read_compiled(self._way.key(self._identity, size), self._way)
            if compiled is not None:
                self._colorizer = None
                self._requests[size] = compiled

    def _request(self, size: int) -> Held | None:
        """The inference request for pictures of this size, or None where torch has to run the network."""
        # Another engine may have compiled it while this one waited.
        self._read(size)
        if self._torch is None and size not in self._requests:
            key = None if self._identity is None else self._way.key(self._identity, size)
            compiled = self._compiled(size, key)
            if compiled is not None:
                self._requests[size] = compiled
        return None if self._torch else self._requests[size]

    def _compiled(self, size: int, key: str | None) -> Held | None:
        """Compile the colorizer; None where torch has to run it."""
        colorizer, self._colorizer = self._colorizer or self._load(), None
        try:
            model = convert(colorizer, size, self._way.precision)
            parameters = parameters_of(colorizer)
        except Exception as error:
            self._colorizer = colorizer
            if self._required:
                raise RuntimeError(
                    f'OpenVINO cannot run {self._name} ({error}); use backend="torch"'
                ) from error
            warnings.warn(f"OpenVINO cannot run {self._name}, torch does ({error})", stacklevel=2)
            import torch

            from .plain import PlainEngine

            self._torch = PlainEngine(colorizer, torch.device("cpu"))
            return None
        del colorizer
        # Tracing leaves cycles behind that hold the network.
        gc.collect()
        kept = key is not None and keep_compiled(model, key, self._way, parameters)
        # What is read back holds the weights once; what was just compiled, twice.
        compiled = read_compiled(key, self._way) if key is not None and kept else None
        if compiled is None:
            made = compile_model(model, self._way.options())
            compiled = Held(made.create_infer_request(), made)
        return compiled


def worthwhile(parameters: int) -> bool:
    """Whether a network of so many parameters wins back the seconds that OpenVINO takes to start."""
    return parameters >= _WORTHWHILE_PARAMETERS


def parameters_of(colorizer: nn.Module) -> int:
    """How many parameters a network has."""
    return sum(parameter.numel() for parameter in colorizer.parameters())


def kept_parameters(key: str) -> int | None:
    """How many parameters the compiled network has that is kept under a key; None where there is none."""
    return note_of(key)


def convert(colorizer: nn.Module, size: int, precision: str) -> Any:
    """Make an OpenVINO model of a colorizer, for pictures of one size.

    Args:
        colorizer: float32 colorizer on the CPU.
        size: side of the pictures in pixels.
        precision: what it will compute in, see `Way`.
    """
    import torch

    from ..surroundings import undisturbed

    openvino = import_openvino()
    cpu = torch.device("cpu")
    with warnings.catch_warnings(), undisturbed(cpu, inference=False), _apart(colorizer):
        warnings.simplefilter("ignore")
        # Of the very size: whatever Python computes from a picture's size is a constant in the trace.
        example = torch.zeros((1, 1, size, size), dtype=torch.float32, device=cpu)
        traced = torch.jit.trace(colorizer, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, input=[([1, 1, size, size], openvino.Type.f32)])
    # Where it was tried; in bfloat16 the sums would cost half as much accuracy again.
    if precision == "float32" and _instructions() in ("AVX2", "AVX512"):
        save_products(model, openvino.opset13)
    return model


def _instructions() -> str:
    """The widest instructions of the processor, as torch names them."""
    import torch

    return str(torch.backends.cpu.get_cpu_capability())


@contextmanager
def _apart(colorizer: nn.Module) -> Iterator[None]:
    """Write out what GELUs compute, where OpenVINO is slower with them.

    On a processor with AVX2 and without AVX-512 OpenVINO multiplies matrices 1.5 times as fast where no
    activation is part of it, and draws a GELU in that it knows as one.
    """
    found = []
    if _instructions() == "AVX2":
        # By its name: timm has a class of its own.
        gelus = [one for one in colorizer.modules() if type(one).__name__ == "GELU"]
        found = [one for one in gelus if getattr(one, "approximate", "none") == "none"]
    for module in found:
        module.forward = _gelu
    try:
        yield
    finally:
        for module in found:
            del module.forward


def _gelu(x: Tensor) -> Tensor:
    """x · Φ(x), with Φ the normal distribution's cumulative function."""
    import torch

    half = x * 0.5
    return torch.addcmul(half, half, torch.erf(x * math.sqrt(0.5)))


def compile_model(model: Any, options: dict[str, Any]) -> Any:
    """Compile an OpenVINO model for the CPU."""
    return import_openvino().Core().compile_model(model, "CPU", options)


class Held:
    """An inference request, with what must not go before it does.

    Args:
        request: OpenVINO's request.
        needed: what it reads in.
    """

    def __init__(self, request: Any, needed: object) -> None:
        self._request, self._needed = request, needed

    def infer(self, picture: Planes) -> Planes:
        """The (1, 2, S, S) output for one (S, S) picture; the next picture overwrites it."""
        output: Planes = self._request.infer([picture[None, None]])[0]
        return output

    def __del__(self) -> None:
        # In this order: the request first.
        self._request = None
        self._needed = None


def keep_compiled(model: Any, key: str, way: Way, parameters: int) -> bool:
    """Compile a model and keep what comes of it on the disk.

    Returns:
        Whether it is kept now.
    """

    def write(folder: Path) -> Path:
        # OpenVINO's own cache writes to the disk as it goes; exporting would hold all of it in memory, twice.
        compile_model(model, way.options() | {"CACHE_DIR": str(folder), "CACHE_MODE": "OPTIMIZE_SPEED"})
        return max(folder.glob("*.blob"), key=lambda path: path.stat().st_size, default=folder / "nothing")

    try:
        return keep(key, 4 * parameters, parameters, write)
    except RuntimeError:
        return False  # Compiling fails once more, where that is the reason, without the cache.


def read_compiled(key: str, way: Way) -> Held | None:
    """The request of a compiled network that is kept on the disk; None where it is not, or cannot be used."""
    content = read_kept(key)
    if content is None:
        return None
    openvino = import_openvino()
    # OpenVINO's cache puts a line of XML of its own before what it exports.
    start = bytes(content[:4096]).find(b"\n") + 1
    tensor = openvino.Tensor(np.frombuffer(content, np.uint8)[start:], shared_memory=True)
    try:
        compiled = openvino.Core().import_model(tensor, "CPU", way.options())
    except RuntimeError:
        forget(key)
        return None
    # OpenVINO goes on reading in the file's data, and does not hold them itself.
    return Held(compiled.create_infer_request(), (compiled, tensor, content))


def tracing() -> list[str]:
    """The versions of all that makes an OpenVINO model of a network's code."""
    found = []
    for package in ("torch", "torchvision", "timm", "numpy"):
        try:
            found.append(version(package))
        except PackageNotFoundError:
            found.append("")
    return found


_torchs_own: int | None = None
"""How many threads torch began with, where it was loaded for a network; None: it was not, or by others."""


def load_torch() -> ModuleType:
    """torch, with a look at how many threads it begins with."""
    global _torchs_own
    new = "torch" not in sys.modules
    torch = importlib.import_module("torch")
    if new:
        _torchs_own = int(torch.get_num_threads())
    return torch


def usual_threads() -> int:
    """How many threads compute.

    As many as somebody has set for torch. Without that, and without loading torch: OMP_NUM_THREADS, else the
    cores (not the threads of these) that this process may use, which is torch's own rule, too.
    """
    torch = sys.modules.get("torch")
    if torch is not None and (threads := int(torch.get_num_threads())) != _torchs_own:
        return threads
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    usable = set(range(os.cpu_count() or 1))
    if sys.platform == "linux":
        usable = os.sched_getaffinity(0)
    cores = set()
    for one in usable:
        siblings = Path(f"/sys/devices/system/cpu/cpu{one}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text())
        except OSError:
            cores.add(str(one))
    return max(1, len(cores))


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
