"""Made-up weights for DeOldify's generators, the same on every machine.

Every tensor is drawn from a stream of its own, seeded by its key, with 53-bit uniforms and exactly rounded
arithmetic only: bit for bit the same everywhere, but for the spectral norm's `weight_v` (a matrix product).
The sizes are such that every term of the network moves its output: running statistics, a spectral norm whose
sigma is about 3, attention, the weight norm of the last upsampling.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Row = Sequence[Any]

ENCODER = "layers.0."
SPECTRAL = 3.0
WEIGHT_NORM = 4.5
# The last norm of a residual branch, and the one before the attention, which keeps its softmax soft.
RESIDUAL, BEFORE_ATTENTION = 0.40, 0.35
LAST = "layers.11.0"
# Of the last convolution, by its input channels (wide, deep): puts the output's centre near 0.
LAST_BIAS = {259: (0.2, 3.1, 2.6), 303: (1.7, 0.1, 0.3)}


def stream(key: str) -> np.random.Generator:
    """The random numbers of one tensor."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.PCG64(seed))


def uniform(key: str, shape: tuple[int, ...]) -> Array:
    """Between 0 and 1."""
    return stream(key).random(int(np.prod(shape, dtype=np.int64))).reshape(shape)


def unit(key: str, shape: tuple[int, ...]) -> Array:
    """With mean 0 and variance 1."""
    return (2.0 * uniform(key, shape) - 1.0) * np.sqrt(3.0)


def fan_in(shape: tuple[int, ...]) -> float:
    return float(np.prod(shape[1:], dtype=np.int64))


def norm_weight(key: str, module: str, shapes: dict[str, tuple[int, ...]]) -> Array:
    """The scale of a batch norm."""
    encoder = key.startswith(ENCODER)
    weight = (0.5 if encoder else 0.9) + uniform(key, shapes[key])
    last = ".bn3" if f"{module[:-4]}.bn3.weight" in shapes else ".bn2"
    if encoder and module.endswith(last):
        weight = weight * (RESIDUAL / np.sqrt(1.0 + int(module.split(".")[3])))
    # X.2 is the norm, X.3 the attention.
    return weight * BEFORE_ATTENTION if f"{module[:-1]}3.gamma" in shapes else weight


def fill_one(key: str, shapes: dict[str, tuple[int, ...]]) -> Array:
    """One tensor, but for the spectral norm's `weight_v`."""
    module, _, leaf = key.rpartition(".")
    shape = shapes[key]
    encoder = key.startswith(ENCODER)
    match leaf:
        case "weight_orig":
            weight = unit(key, shape) * (SPECTRAL / np.sqrt(fan_in(shape)))
            # The last one without what all outputs have in common.
            return weight - weight.mean((1, 2, 3), keepdims=True) if module == LAST else weight
        case "weight_u":
            u = unit(key, shape)
            return u / np.sqrt(np.sum(u * u))
        case "weight_v":
            return unit(key, shape)
        case "weight_g":
            return (0.5 + uniform(key, shape)) * WEIGHT_NORM
        case "gamma":
            return np.full(shape, 0.3)
        case "running_var":
            return 0.5 + uniform(key, shape)
        case "running_mean":
            if not encoder and module.endswith(".bn"):
                # Both signs: half the channels of the skip stay above 0 after the ReLU.
                return 0.4 * unit(key, shape)
            # Norms behind a ReLU see positive means.
            return (0.0 if encoder or module.endswith(".shuf.conv.1") else 0.4) + 0.05 * unit(key, shape)
        case "weight" if f"{module}.running_mean" in shapes:
            return norm_weight(key, module, shapes)
        case "weight":
            return unit(key, shape) * np.sqrt((1.0 if ".downsample." in key else 2.0) / fan_in(shape))
        case "bias":
            if module == LAST:
                return np.array(LAST_BIAS[shapes[f"{LAST}.weight_orig"][1]])
            return 0.05 * unit(key, shape)
    raise KeyError(key)


def fill(manifest: Sequence[Row]) -> dict[str, Array]:
    """The tensors of a manifest: rows (key, shape, type)."""
    shapes = {key: tuple(shape) for key, shape, _ in manifest}
    found: dict[str, Array] = {}
    for key, shape, dtype in manifest:
        module, _, leaf = key.rpartition(".")
        if dtype == "int64":
            found[key] = np.zeros(shape, np.int64)
        elif leaf == "weight_v" and f"{module}.weight_orig" in shapes:
            u = found[f"{module}.weight_u"].astype(np.float64)
            v = u @ found[f"{module}.weight_orig"].astype(np.float64).reshape(u.size, -1)
            found[key] = (v / np.sqrt(np.sum(v * v))).astype(np.float32)
        else:
            found[key] = fill_one(key, shapes).astype(np.float64).astype(np.float32)
    return found
