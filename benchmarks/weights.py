"""Model files of the official sizes with random weights, for machines that have not downloaded the real ones.

Speed does not depend on the values, but they must stay finite and moderate through a hundred layers.
"""

from __future__ import annotations

import math
from pathlib import Path
from zlib import crc32

import torch
from torch import Tensor

from vsdeoldify.ddcolor import network as ddcolor
from vsdeoldify.deoldify import network as deoldify
from vsdeoldify.models.catalogue import find_model
from vsdeoldify.models.store import locate
from vsdeoldify.support.errors import ModelError

LAYOUTS = {
    ("deoldify", "video"): deoldify.official_shapes(deoldify.WIDE),
    ("deoldify", "stable"): deoldify.official_shapes(deoldify.WIDE),
    ("deoldify", "artistic"): deoldify.official_shapes(deoldify.DEEP),
    ("ddcolor", "modelscope"): ddcolor.official_shapes(ddcolor.LARGE),
    ("ddcolor", "artistic"): ddcolor.official_shapes(ddcolor.LARGE),
    ("ddcolor", "paper_tiny"): ddcolor.official_shapes(ddcolor.TINY),
}


def model_file(family: str, model: str, folder: Path) -> Path:
    """The real file of a model where one is found, else one with random weights, written to `folder`."""
    try:
        return locate(find_model(family, model), None)
    except ModelError:
        path = folder / f"{family}_{model}.pth"
        if not path.is_file():
            state = random_state(LAYOUTS[family, model])
            torch.save({"params": state} if family == "ddcolor" else {"model": state}, path)
        return path


def random_state(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The same random weights in every run, for the given keys and shapes."""
    state = {key: _tensor(key, shape) for key, shape in shapes.items()}
    for key in shapes:
        if key.endswith(".weight_u"):
            right = state[f"{key[:-1]}orig"].flatten(1).T @ state[key]
            state[f"{key[:-1]}v"] = right / right.norm()
    return state


def _tensor(key: str, shape: tuple[int, ...]) -> Tensor:
    leaf = key.rpartition(".")[2]
    if key in ("mean", "std"):
        return torch.full(shape, 0.45 if key == "mean" else 0.225)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(crc32(key.encode())))
    if leaf == "weight_u":
        unit: Tensor = noise / noise.norm()
        return unit
    if leaf == "gamma":
        return torch.full(shape, 0.2)
    if leaf in ("weight_g", "running_var") or (leaf == "weight" and len(shape) == 1):
        return torch.ones(shape)
    if leaf in ("bias", "running_mean", "in_proj_bias"):
        return 0.1 * noise
    # Residual branches add up: kept small, thirty of them in a row stay moderate.
    return noise * ((0.7 if "layers.0." in key else 1.4) / math.sqrt(math.prod(shape[1:])))
