"""From a model's name to a runner: find the file, build the network, share what runs it between calls."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ..models.catalogue import ModelFile, find_model, short_name
from ..models.reading import read_checkpoint, unchanged
from ..models.store import locate
from ..settings.values import MODEL_FILE_SUFFIXES
from ..support.errors import ModelError
from .family import FAMILIES, Family, families_of, guess, recognise

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ..runtime.checkpoint import Built
    from ..runtime.engines.base import Engine
    from ..runtime.runner import Runner

_engines: WeakValueDictionary[object, Engine] = WeakValueDictionary()
"""Every engine that some runner has, by all that decides what it computes and how."""

_lock = Lock()

_remembered = 0

_held: deque[Engine] = deque(maxlen=4)
"""While results are remembered: the engines asked for last, so that whoever goes back finds them warm."""


def remember_results(most: int) -> None:
    """Let the engines of this process remember what they made of a picture, from now on.

    Args:
        most: bytes of results that each engine keeps; 0: none.
    """
    global _remembered
    _remembered = most


def load_runner(
    family: str,
    model: str,
    models_folder: str | os.PathLike[str] | None,
    device: torch.device,
    *,
    dtype: torch.dtype,
    backend: str = "torch",
) -> Runner:
    """A model on its device, ready to colour; the same engine for all that ask for the same.

    Args:
        family: a name of `family.FAMILIES`, such as "ddcolor".
        model: the model's name within the family, or the path of a file.
        models_folder: folder searched first for the file of a named model.
        device: where it runs.
        dtype: what it computes in, as `choose_precision` says.
        backend: "torch", "openvino", or "auto": OpenVINO for the networks that gain by it.

    Raises:
        ModelError: its file is missing, damaged or another network's.
        ValueError: the family has no model of this name.
        MemoryError: it does not fit the device.
    """
    import torch

    from ..runtime.engines import make_engine
    from ..runtime.engines.remembering import RememberingEngine
    from ..runtime.runner import Runner
    from ..runtime.surroundings import undisturbed

    row = FAMILIES[family]
    path = _path_of(row, model, models_folder)

    def load() -> nn.Module:
        try:
            with undisturbed(device, inference=False):
                colorizer = _read(row, model, path, dtype).colorizer
                colorizer = colorizer.eval().requires_grad_(False).to(device=device, dtype=dtype)
        except torch.OutOfMemoryError as error:
            raise MemoryError(
                f"out of memory on {device} while loading {path.name}; close other programs, or use "
                "device_index=99 (the CPU)"
            ) from error
        return colorizer.to(memory_format=torch.channels_last) if device.type == "cuda" else colorizer

    name = path.name if row.bundled is None else model
    # OpenVINO computes with as many threads as torch has when it compiles.
    threads = None if backend == "torch" else torch.get_num_threads()
    key = (family, _is_path(model) or model, str(path), _version(path), device, dtype, backend, threads)
    with _lock:
        engine = _engines.get(key)
        if engine is None:
            engine = make_engine(load, device, backend, name)
            if _remembered:
                engine = RememberingEngine(engine, _remembered)
            _engines[key] = engine
        if _remembered:
            if engine in _held:
                _held.remove(engine)
            _held.append(engine)
    return Runner(engine, device, name)


def choose_precision(device: torch.device, family: str, *, half: bool, precision: str) -> torch.dtype:
    """The number format that a family's networks compute in.

    Args:
        device: where they run.
        family: a name of `family.FAMILIES`.
        half: whether half precision is wanted where it is faster.
        precision: "auto", "float32", "float16" or "bfloat16".

    Returns:
        float32 on the CPU and on devices not tried yet; on CUDA and ROCm the half-precision format in which
        the family's colours stay right, where the device computes in it.

    Raises:
        ValueError: there is no such format, or the family's colours do not survive it.
    """
    from ..runtime.device import choose_precision as choose

    row = FAMILIES[family]
    dtype = choose(device, row.half, half=half, precision=precision)
    if dtype.itemsize == 2 and precision not in ("auto", *row.half):
        others = " or ".join([*row.half, "float32", "auto"])
        raise ValueError(f"precision: {row.title} does not stay right in {precision}; use {others}")
    return dtype


def check_network(model: ModelFile, path: Path) -> None:
    """Check that a file holds the network of a model: every key, every shape.

    Raises:
        ModelError: It is damaged or holds something else; the message says what.
    """
    import torch

    state = read_checkpoint(path)
    try:
        found = build_network(FAMILIES[model.family], state, torch.float32).architecture
    except ValueError as error:
        raise ModelError(f"{path} is not the model {model.full_name}: {error}") from error
    if found != model.architecture:
        raise ModelError(
            f"{path} is not the model {model.full_name}: it holds the {found} network where the "
            f"{model.architecture} one is expected"
        )


def build_network(family: Family, state: dict[str, Tensor], dtype: torch.dtype) -> Built:
    """Make a colorizer of the tensors of a file.

    Args:
        family: whose network it should be.
        state: the tensors; emptied on the way.
        dtype: what it will compute in; it comes in float32 on the CPU.

    Raises:
        ValueError: it is no network of this family; the message says what it seems to be.
    """
    import torch

    from ..runtime.checkpoint import LayoutError
    from ..runtime.surroundings import undisturbed

    with undisturbed(torch.device("cpu"), inference=False):
        try:
            return family.build(state, dtype)
        except LayoutError as error:
            raise ValueError(f"{error}; it looks like {guess(state)}") from None


def _path_of(family: Family, model: str, models_folder: str | os.PathLike[str] | None) -> Path:
    if _is_path(model):
        return Path(model).absolute()
    bundled = family.bundled_file()
    return bundled or locate(find_model(family.name, model), models_folder).absolute()


def _read(family: Family, model: str, path: Path, dtype: torch.dtype) -> Built:
    """Read a model's file and build its network."""
    with unchanged(path):
        state = read_checkpoint(path)
    if _is_path(model):
        # The parameter decides which families a path may be of, the file which of them it is of.
        family = recognise(state, families_of(family.parameter)) or family
    try:
        built = build_network(family, state, dtype)
        if not _is_path(model) and not family.bundled:
            _check_named(find_model(family.name, model), built)
    except ValueError as error:
        if _is_path(model):
            raise ModelError(f"{path} cannot be used: {error}") from None
        if family.bundled:
            raise ModelError(
                f"{path}, a part of this package, is damaged: {error}. Install vsdeoldify again"
            ) from None
        name = short_name(find_model(family.name, model))
        raise ModelError(
            f"{path} is not the model {model!r}: {error}. "
            f"Fetch it again with: vsdeoldify models --download {name}"
        ) from None
    return built


def _is_path(model: str) -> bool:
    return model.lower().endswith(MODEL_FILE_SUFFIXES)


def _check_named(model: ModelFile, built: Built) -> None:
    """A file under an official name must hold that network; other sizes are loaded by their path only."""
    if built.architecture != model.architecture or not built.official:
        raise ValueError(
            f"it holds a network of the same kind as {model.name!r} but of other sizes; to use that network, "
            "give the path of its file as the model"
        )


def _version(path: Path) -> tuple[int, ...] | None:
    """What a replaced file changes: two models of a family have one size, and copies keep the time."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino, state.st_ctime_ns
