"""State dicts of trained networks: their layout, checks that name what is wrong, folding into plain weights.

DeOldify and DDColor were trained with spectral norm, weight norm and batch normalisation. In evaluation all
three are constant factors, so they are multiplied into the weights once, while the network is filled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

type Shapes = dict[str, tuple[int, ...]]

_BATCH_NORM_EPS = 1e-5
_COUNTER = "num_batches_tracked"
_NAMED_KEYS = 3


class LayoutError(ValueError):
    """A state dict does not hold the network that was asked for; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Built:
    """A colorizer made of the tensors of a file.

    Attributes:
        colorizer: float32, on the CPU: gray (B, 1, S, S) in 0–1 to BT.601 chroma (B, 2, S, S) in −0.5…0.5.
        architecture: which of its family's networks it is.
        official: whether all its sizes are those of the published network of this architecture.
    """

    colorizer: nn.Module
    architecture: str
    official: bool


def plain_shapes(name: str, *shape: int, bias: bool = True) -> Shapes:
    """Keys of a convolution, linear layer or layer norm called `name` whose weight has the given shape."""
    shapes: Shapes = {f"{name}.weight": shape}
    return shapes | {f"{name}.bias": shape[:1]} if bias else shapes


def spectral_shapes(name: str, *shape: int, bias: bool = False) -> Shapes:
    """Keys of a convolution under `torch.nn.utils.spectral_norm`."""
    shapes: Shapes = {f"{name}.bias": shape[:1]} if bias else {}
    return shapes | {
        f"{name}.weight_orig": shape,
        f"{name}.weight_u": shape[:1],
        f"{name}.weight_v": (math.prod(shape[1:]),),
    }


def weight_norm_shapes(name: str, *shape: int) -> Shapes:
    """Keys of a convolution with bias under `torch.nn.utils.weight_norm`."""
    gain = (shape[0], *(1 for _ in shape[1:]))
    return {f"{name}.bias": shape[:1], f"{name}.weight_g": gain, f"{name}.weight_v": shape}


def batch_norm_shapes(name: str, channels: int) -> Shapes:
    """Keys of a batch normalisation, without its counter, which evaluation does not use."""
    return {f"{name}.{leaf}": (channels,) for leaf in ("weight", "bias", "running_mean", "running_var")}


def check_layout(state: Mapping[str, object], expected: Shapes, network: str, *, extra: bool = False) -> None:
    """Check that a state dict holds every tensor a network needs, with the right shape.

    Args:
        state: the state dict of a file.
        expected: every key that is needed and its shape. Batch counters may be there or not.
        network: what the file should hold, for the message.
        extra: whether further keys are allowed.

    Raises:
        LayoutError: naming the first missing, misshapen and unexpected keys.
    """
    missing = [key for key in expected if key not in state]
    wrong = [
        f"{key} is {_shape_text(state[key])} where {_shape_text(shape)} is needed"
        for key, shape in expected.items()
        if key in state and not _is_weight(state[key], shape)
    ]
    unexpected = (
        [] if extra else [key for key in state if key not in expected and not str(key).endswith(_COUNTER)]
    )
    problems = [
        f"{len(found)} {kind} ({', '.join(found[:_NAMED_KEYS])}{', …' if len(found) > _NAMED_KEYS else ''})"
        for kind, found in (("missing", missing), ("misshapen", wrong), ("unexpected", unexpected))
        if found
    ]
    if problems:
        raise LayoutError(f"this is not a complete {network}: {'; '.join(problems)}")


class Weights:
    """Takes the tensors out of a state dict, folded and in float32.

    Each tensor is removed from the state dict as it is taken, so that the file's weights and the folded ones
    are never in memory together.

    Args:
        state: a checked state dict; it is emptied on the way.
    """

    def __init__(self, state: dict[str, Tensor]) -> None:
        self._state = state

    def plain(self, key: str) -> Tensor:
        """The tensor stored under `key`."""
        return self._state.pop(key).float()

    def spectral(self, name: str) -> Tensor:
        """Weight of a spectrally normalised convolution: W / (u · W v), with the stored u and v."""
        weight = self.plain(f"{name}.weight_orig")
        u, v = self.plain(f"{name}.weight_u"), self.plain(f"{name}.weight_v")
        return weight / torch.dot(u, weight.flatten(1) @ v)

    def weight_norm(self, name: str) -> Tensor:
        """Weight of a weight-normalised convolution: g · v / |v|, the norm taken per output channel."""
        gain, direction = self.plain(f"{name}.weight_g"), self.plain(f"{name}.weight_v")
        norm: Tensor = torch.linalg.vector_norm(direction.flatten(1), dim=1)
        return direction * (gain / norm.view_as(gain))

    def batch_norm(self, name: str) -> tuple[Tensor, Tensor]:
        """Factor and offset per channel of a batch normalisation in evaluation."""
        mean, variance = self.plain(f"{name}.running_mean"), self.plain(f"{name}.running_var")
        factor = self.plain(f"{name}.weight") * (variance + _BATCH_NORM_EPS).rsqrt()
        return factor, self.plain(f"{name}.bias") - mean * factor


def scale_rows(weight: Tensor, factor: Tensor) -> Tensor:
    """Multiply each output channel of a weight by its factor."""
    return weight * factor.view(-1, *(1 for _ in weight.shape[1:]))


def _is_weight(value: object, shape: tuple[int, ...]) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and tuple(value.shape) == shape


def _shape_text(value: object) -> str:
    if isinstance(value, Tensor):
        text = "×".join(str(n) for n in value.shape) or "a single number"
        return text if value.is_floating_point() else f"{text} of {value.dtype}"
    if isinstance(value, tuple):
        return "×".join(str(n) for n in value) or "a single number"
    return f"a {type(value).__name__}"
