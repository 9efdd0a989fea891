"""Small networks in the layout of the official files, for tests in which size does not matter.

The weights are random but the same in every run, and scaled so that the colours are moderate.
"""

from __future__ import annotations

import math
from typing import Literal
from zlib import crc32

import torch
from torch import Tensor

from vsdeoldify.ddcolor import network as ddcolor
from vsdeoldify.deoldify import network as deoldify

WIDE = deoldify.Config("wide", bottleneck=True, depths=(1, 1, 2, 1), stem=4, width=16)
DEEP = deoldify.Config("deep", bottleneck=False, depths=(1, 2, 1, 1), stem=8)
LARGE = ddcolor.Config(
    (1, 1, 10, 1), (8, 16, 32, 64), (16, 16, 16), queries=10, hidden=32, layers=4, feedforward=64
)
TINY = ddcolor.Config(
    (1, 2, 1, 1), (8, 16, 24, 32), (24, 16, 16), queries=10, hidden=32, layers=3, feedforward=64
)


def tiny_deoldify_state_dict(architecture: Literal["wide", "deep"] = "wide") -> dict[str, Tensor]:
    """A generator of about 3 MB with DeOldify's keys."""
    config = WIDE if architecture == "wide" else DEEP
    return _fill(deoldify.official_shapes(config))


def tiny_ddcolor_state_dict(architecture: Literal["large", "tiny"] = "tiny") -> dict[str, Tensor]:
    """A network of at most 1 MB with DDColor's keys, those included that evaluation ignores."""
    config = LARGE if architecture == "large" else TINY
    shapes = ddcolor.official_shapes(config)
    for leaf in ("weight", "bias"):
        shapes[f"encoder.arch.norm.{leaf}"] = (config.dims[3],)
    return _fill(shapes)


def _fill(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    state = {key: _tensor(key, shape, shapes) for key, shape in shapes.items()}
    for key in shapes:
        if key.endswith(".weight_u"):
            # With v along Wᵀu, the folded weight has the scale of a freshly initialised one.
            state[f"{key[:-1]}v"] = _unit(state[f"{key[:-1]}orig"].flatten(1).T @ state[key])
        if key.endswith(".running_var"):
            state[key.replace("running_var", "num_batches_tracked")] = torch.tensor(100)
    return state


def _tensor(key: str, shape: tuple[int, ...], shapes: dict[str, tuple[int, ...]]) -> Tensor:
    generator = torch.Generator().manual_seed(crc32(key.encode()))
    noise = torch.randn(shape, generator=generator)
    positive = 0.7 + 0.6 * torch.rand(shape, generator=generator)
    leaf = key.rpartition(".")[2]
    if key in ("mean", "std"):
        return torch.tensor((0.485, 0.456, 0.406) if key == "mean" else (0.229, 0.224, 0.225)).view(shape)
    if leaf == "weight_u":
        return _unit(noise)
    if leaf == "gamma":
        return 0.3 * positive
    if leaf in ("weight_g", "running_var") or (leaf == "weight" and len(shape) == 1):
        return positive
    if leaf in ("bias", "running_mean", "in_proj_bias"):
        return 0.1 * noise
    if "_embed.weight" in key or "query_feat" in key:
        return noise
    gain = 3.0 if leaf == "weight_orig" else 1.4
    if "color_embed.layers.2" in key:
        gain = 30.0
    return noise * (gain / math.sqrt(math.prod(shape[1:])))


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.norm()
