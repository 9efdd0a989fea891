"""From a model's name to a runner: find the file, build the network, share it between calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ..models.catalogue import BUNDLED_MODEL, Family, find_model, short_name
from ..models.store import locate, read_checkpoint, unchanged
from ..settings.params import MODEL_FILE_SUFFIXES
from ..support.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ..runtime.runner import Runner

_loaded: WeakValueDictionary[object, nn.Module] = WeakValueDictionary()
_lock = Lock()


def deoldify_runner(
    model: str,
    torch_dir: str | os.PathLike[str] | None,
    device: torch.device,
    dtype: torch.dtype,
    backend: str = "torch",
) -> Runner:
    """A DeOldify model on its device.

    Args:
        model: its name, or the path of its file.
        torch_dir: folder searched first for the file of a named model.
        device: where it runs.
        dtype: what it computes in.
        backend: "torch", "openvino", or "auto": OpenVINO for the networks that gain by it.

    Raises:
        ModelError: its file is missing, damaged or another network's.
    """

    def make(state_dict: dict[str, Tensor]) -> nn.Module:
        from ..deoldify.colorizer import DeOldifyColorizer
        from ..deoldify.network import DEEP, WIDE, build

        # Tensor cores want channel counts in eights.
        generator = build(state_dict, pad_channels=8 if dtype.itemsize == 2 else 1)
        _check_named("deoldify", model, {"wide": WIDE, "deep": DEEP}, generator.config)
        return DeOldifyColorizer(generator)

    return _runner("deoldify", model, torch_dir, device, dtype, backend, make)


def ddcolor_runner(
    model: str,
    torch_dir: str | os.PathLike[str] | None,
    device: torch.device,
    dtype: torch.dtype,
    backend: str = "torch",
) -> Runner:
    """A DDColor model, or the bundled preview model, on its device.

    Args:
        model: its name, or the path of its file.
        torch_dir: folder searched first for the file of a named model.
        device: where it runs.
        dtype: what it computes in.
        backend: "torch", "openvino", or "auto": OpenVINO for the networks that gain by it.

    Raises:
        ModelError: its file is missing, damaged or another network's.
    """

    def make(state_dict: dict[str, Tensor]) -> nn.Module:
        from ..ddcolor.colorizer import DDColorColorizer
        from ..ddcolor.network import LARGE, TINY, build

        network = build(state_dict)
        _check_named("ddcolor", model, {"large": LARGE, "tiny": TINY}, network.config)
        return DDColorColorizer(network)

    def make_preview() -> nn.Module:
        from ..preview.colorizer import PreviewColorizer
        from ..preview.network import load_preview

        preview: nn.Module = PreviewColorizer(load_preview())
        return preview

    if model == BUNDLED_MODEL:
        return _shared((model, device, dtype), make_preview, model, device, dtype, backend)
    return _runner("ddcolor", model, torch_dir, device, dtype, backend, make)


def _is_path(model: str) -> bool:
    return model.lower().endswith(MODEL_FILE_SUFFIXES)


def _check_named(family: Family, model: str, official: Mapping[str, object], found: object) -> None:
    """A file under an official name must hold that network; other sizes are loaded by their path only."""
    if not _is_path(model) and official[find_model(family, model).architecture] != found:
        raise ValueError(
            f"it holds a network of the same kind as {model!r} but of other sizes; to use that network, give "
            "the path of its file as the model"
        )


def _runner(
    family: Family,
    model: str,
    torch_dir: str | os.PathLike[str] | None,
    device: torch.device,
    dtype: torch.dtype,
    backend: str,
    make: Callable[[dict[str, Tensor]], nn.Module],
) -> Runner:
    path = Path(model) if _is_path(model) else locate(find_model(family, model), torch_dir)

    def make_from_file() -> nn.Module:
        with unchanged(path):
            state_dict = read_checkpoint(path)
        try:
            return make(state_dict)
        except ValueError as error:
            if _is_path(model):
                raise ModelError(f"{path} cannot be used: {error}") from None
            name = short_name(find_model(family, model))
            raise ModelError(
                f"{path} is not the model {model!r}: {error}. "
                f"Fetch it again with: vsdeoldify models --download {name}"
            ) from None

    try:
        state = path.stat()
        # Two models of one family have the same size, and copies keep their time.
        version = state.st_mtime_ns, state.st_size, state.st_ino, state.st_ctime_ns
    except OSError:
        version = None
    key = (str(path.absolute()), version, _is_path(model) or model, device, dtype)
    return _shared(key, make_from_file, path.name, device, dtype, backend)


def _shared(
    key: object,
    make: Callable[[], nn.Module],
    name: str,
    device: torch.device,
    dtype: torch.dtype,
    backend: str,
) -> Runner:
    """A runner of the colorizer with this key, built only where no running script holds it already."""
    import torch

    from ..runtime.runner import Runner

    with _lock:
        colorizer = _loaded.get(key)
        if colorizer is None:
            try:
                colorizer = make().eval().requires_grad_(False).to(device=device, dtype=dtype)
            except torch.OutOfMemoryError as error:
                raise MemoryError(
                    f"out of memory on {device} while loading {name}; close other programs, or use "
                    "device_index=99 (the CPU)"
                ) from error
            if device.type == "cuda":
                colorizer = colorizer.to(memory_format=torch.channels_last)
            _loaded[key] = colorizer
    if backend != "torch":
        from ..runtime.engines.openvino import OpenVinoColorizer, worthwhile

        if backend == "openvino" or worthwhile(colorizer):
            colorizer = OpenVinoColorizer(colorizer, name, required=backend == "openvino")
    return Runner(colorizer, device, name)
