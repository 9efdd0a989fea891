"""Made-up weights for DDColor, the same on every machine.

Every tensor is drawn from a stream of its own, seeded by its key. The sizes are such that every term of the
network moves its output: layer scale, running statistics, a spectral norm whose sigma is not 1, attention.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from fill_deoldify import Row, stream

Array = npt.NDArray[Any]

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
POWER_ITERATIONS = 20
# The first whose name is in the key; 1 for all others.
GAINS = (
    # The size of the output.
    (".color_embed.layers.2.weight", 20.0),
    # Attention that chooses, but among several.
    (".in_proj_weight", 1.5),
    # Small branches keep the 100 queries apart.
    (".out_proj.", 0.12),
    (".linear2.", 0.15),
    (".input_proj.", 2.0),
    (".linear1.", 1.4),
    (".pwconv", 1.4),
    (".color_embed.", 1.4),
)


def fill_one(key: str, shape: tuple[int, ...]) -> Array:
    """One tensor, but for the spectral norm's `weight_u` and `weight_v`."""
    if key in ("mean", "std"):
        return np.array(MEAN if key == "mean" else DEVIATION).reshape(shape)
    chance = stream(key)
    if key.endswith(("_embed.weight", "query_feat.weight")):
        return chance.standard_normal(shape) * (0.3 if "level_embed" in key else 1.0)
    if len(shape) >= 2:
        gain = next((gain for part, gain in GAINS if part in key), 1.0)
        return chance.standard_normal(shape) * (gain / np.sqrt(np.prod(shape[1:])))
    # The layer scale of ConvNeXt; norms behind a spectral convolution; those behind a convolution and a ReLU.
    ranges = {
        ".gamma": (0.1, 0.5),
        ".shuf.conv.1.running_var": (0.05, 0.15),
        ".conv.2.running_var": (0.2, 0.6),
    }
    for end, (low, high) in ranges.items():
        if key.endswith(end):
            return chance.uniform(low, high, shape)
    if key.endswith("running_mean"):
        return 0.2 * chance.standard_normal(shape)
    if ".transformer_" in key and key.endswith(".norm.weight"):
        # 27 of these in a row.
        return chance.uniform(0.8, 1.2, shape)
    if key.endswith(("running_var", ".weight")):
        return chance.uniform(0.5, 1.5, shape)
    return (0.5 if key.endswith("downsample_layers.0.0.bias") else 0.05) * chance.standard_normal(shape)


def spectral(weight: Array, key: str) -> tuple[Array, Array]:
    """u and v of a weight after some power iterations, u from the stream of a key."""
    matrix = weight.astype(np.float64).reshape(len(weight), -1)
    u = stream(key).standard_normal(len(matrix))
    u /= np.linalg.norm(u)
    for _ in range(POWER_ITERATIONS):
        v = matrix.T @ u
        v /= np.linalg.norm(v)
        u = matrix @ v
        u /= np.linalg.norm(u)
    return u.astype(np.float32), v.astype(np.float32)


def fill(manifest: Sequence[Row]) -> dict[str, Array]:
    """The tensors of a manifest: rows (key, shape, type)."""
    found: dict[str, Array] = {}
    for key, shape, dtype in manifest:
        if dtype == "int64":
            found[key] = np.zeros(shape, np.int64)
        elif not key.endswith((".weight_u", ".weight_v")):
            found[key] = fill_one(key, tuple(shape)).astype(np.float32)
    for key in [key for key in found if key.endswith(".weight_orig")]:
        start = key.removesuffix("orig")
        found[f"{start}u"], found[f"{start}v"] = spectral(found[key], f"{start}u")
    return {key: found[key] for key, _, _ in manifest}
