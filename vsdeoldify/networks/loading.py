"""From a model's name to a runner: find the file, build the network, share what runs it between calls."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakSet, WeakValueDictionary

from ..models.catalogue import ModelFile, find_model, short_name
from ..models.reading import read_checkpoint, unchanged
from ..models.store import locate
from ..models.verify import known_sha256
from ..settings.values import MODEL_FILE_SUFFIXES
from ..support.errors import ModelError
from ..support.kept import kept_folder
from .family import FAMILIES, Family, families_of, guess, recognise
from .recent import Recent

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ..runtime.checkpoint import Built
    from ..runtime.engines.base import Engine
    from ..runtime.runner import Runner

_engines: WeakValueDictionary[object, Engine] = WeakValueDictionary()
"""Every engine that some runner has, by all that decides what it computes and how."""

_lasting: WeakSet[Engine] = WeakSet()
"""Those of them that took long to make."""

_recent = Recent(most=2, seconds=60.0)
"""Those of these that stay for a while without a runner: the next script may ask for the same."""

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
    device: str,
    *,
    precision: str = "float32",
    chosen: bool = False,
    backend: str = "torch",
    size: int | None = None,
) -> Runner:
    """A model on its device, ready to colour; the same engine for all that ask for the same.

    Args:
        family: a name of `family.FAMILIES`, such as "ddcolor".
        model: the model's name within the family, or the path of a file.
        models_folder: folder searched first for the file of a named model.
        device: where it runs, as `resolve_device` names it.
        precision: what it computes in, as `choose_precision` says.
        chosen: whether somebody has asked for this precision; otherwise torch computes in float32 on the CPU.
        backend: "torch", "openvino", or "auto": OpenVINO for the networks that gain by it.
        size: side of the pictures that it will get first, in pixels, where that is known.

    Raises:
        ModelError: its file is missing, damaged or another network's.
        ValueError: the family has no model of this name.
        MemoryError: it does not fit the device.
    """
    from ..runtime.engines import make_engine
    from ..runtime.engines.openvino import OpenVinoEngine, load_torch, usual_threads
    from ..runtime.engines.remembering import RememberingEngine
    from ..runtime.runner import Runner

    row = FAMILIES[family]
    path = _path_of(row, model, models_folder)

    def load(precision: str) -> nn.Module:
        load_torch()
        import torch

        from ..runtime.device import dtype_of
        from ..runtime.surroundings import undisturbed

        dtype = dtype_of(precision)
        try:
            with undisturbed(torch.device(device), inference=False):
                colorizer = _read(row, model, path, dtype).colorizer
                colorizer = colorizer.eval().requires_grad_(False).to(device=device, dtype=dtype)
        except torch.OutOfMemoryError as error:
            raise MemoryError(
                f"out of memory on {device} while loading {path.name}; close other programs, or use "
                "device_index=99 (the CPU)"
            ) from error
        return colorizer.to(memory_format=torch.channels_last) if device.startswith("cuda") else colorizer

    name = path.name if row.bundled is None else model
    # OpenVINO computes with as many threads as torch has when it compiles.
    threads = None if backend == "torch" else usual_threads()
    asked = (device, precision, chosen, backend, threads)
    key = (family, _is_path(model) or model, str(path), _version(path), *asked)
    with _lock:
        engine = _engines.get(key)
        if engine is None:
            _recent.give_way()
            engine = make_engine(
                load,
                device,
                backend,
                name,
                precision=precision,
                chosen=chosen,
                identity=None if backend == "torch" else _identity(row, model, path),
                size=size,
            )
            keeps = isinstance(engine, OpenVinoEngine)
            if _remembered:
                engine = RememberingEngine(engine, _remembered)
            _engines[key] = engine
            if keeps:
                _lasting.add(engine)
        if engine in _lasting:
            _recent.add(engine)
        if _remembered:
            if engine in _held:
                _held.remove(engine)
            _held.append(engine)
    return Runner(engine, device, name)


def choose_precision(
    device: str, family: str, *, half: bool, precision: str, backend: object = "torch"
) -> str:
    """The number format that a family's networks compute in.

    Args:
        device: where they run.
        family: a name of `family.FAMILIES`.
        half: whether half precision is wanted where it is faster.
        precision: "auto", "float32", "float16" or "bfloat16".
        backend: what is asked to run them: "auto", "torch" or "openvino".

    Returns:
        The half-precision format in which the family's colours stay right, where the device computes in it
        (on the CPU bfloat16 by OpenVINO), else float32.

    Raises:
        ValueError: there is no such format, the family's colours do not survive it, or the processor does not
            compute in it.
    """
    from ..runtime.device import choose_precision as choose

    row = FAMILIES[family]
    if precision in ("float16", "bfloat16") and precision not in row.half:
        others = " or ".join([*row.half, "float32", "auto"])
        raise ValueError(f"precision: {row.title} does not stay right in {precision}; use {others}")
    return choose(device, row.half, half=half, precision=precision, backend=backend)


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


def _identity(family: Family, model: str, path: Path) -> str | None:
    """The weights and the code that makes a network of them, as one text; None where nothing is kept."""
    if kept_folder() is None:
        return None
    try:
        weights = known_sha256(path)
    except ModelError:
        return None  # Loading the file says what is wrong.
    package = Path(__file__).resolve().parents[1]
    code = hashlib.sha256()
    own = package / family.module.split(".")[1]
    # A path may be of any family that its parameter takes.
    folders = [package / name for name in FAMILIES] if _is_path(model) else [own]
    for folder in (*folders, package / "runtime"):
        for source in sorted(folder.rglob("*.py")):
            code.update(source.read_bytes())
    return f"{family.name} {weights} {code.hexdigest()}"


def _version(path: Path) -> tuple[int, ...] | None:
    """What a replaced file changes: two models of a family have one size, and copies keep the time."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino, state.st_ctime_ns
