"""DeOldify's generators: a ResNet encoder and a U-Net decoder, in the form needed for evaluation.

`wide` (ResNet-101; the models video and stable) and `deep` (ResNet-34; artistic) differ in the decoder.
Spectral and weight norm, and every batch normalisation that directly follows a convolution, are folded into
the convolutions when a state dict is loaded, so the keys of the modules here are not those of the files:
`filter_state_dict` translates, and `official_shapes` lists what a file must hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..runtime.checkpoint import (
    LayoutError,
    Shapes,
    Weights,
    batch_norm_shapes,
    check_layout,
    plain_shapes,
    scale_rows,
    spectral_shapes,
    weight_norm_shapes,
)

type Architecture = Literal["wide", "deep"]

_ATTENTION_BLOCK = 1
_OUTPUT_LIMIT = 3.0


@dataclass(frozen=True)
class BlockPlan:
    """Channel numbers of one decoder block: its input, its upsampler, the skip, and each convolution."""

    inputs: int
    upsampled: int
    skip: int
    units: tuple[int, ...]


@dataclass(frozen=True)
class Config:
    """Everything that distinguishes one generator from another; read from a state dict by `read_config`.

    Args:
        architecture: the kind of decoder.
        bottleneck: whether the body is made of ResNet's bottleneck blocks (ResNet-50 and up) or basic ones.
        depths: number of blocks in the body's four stages.
        stem: channels of the body's first convolution.
        width: channels of the wide decoder; the deep one's follow from the body.
    """

    architecture: Architecture
    bottleneck: bool
    depths: tuple[int, int, int, int]
    stem: int = 64
    width: int = 512

    @property
    def stages(self) -> tuple[int, ...]:
        """Output channels of the body's four stages."""
        return tuple(self.stem * 2**i * (4 if self.bottleneck else 1) for i in range(4))

    @property
    def blocks(self) -> list[BlockPlan]:
        """The four decoder blocks, from coarse to fine."""
        plans: list[BlockPlan] = []
        inputs = self.stages[3]
        for skip in (*self.stages[2::-1], self.stem):
            final = len(plans) == 3
            if self.architecture == "wide":
                upsampled = self.width // 2 if final else self.width
                units: tuple[int, ...] = (upsampled,)
            else:
                upsampled = inputs // 2
                joined = upsampled + skip
                units = (int(1.5 * (joined // 2 if final else joined)),) * 2
            plans.append(BlockPlan(inputs, upsampled, skip, units))
            inputs = units[-1]
        return plans


WIDE = Config("wide", bottleneck=True, depths=(3, 4, 23, 3))
DEEP = Config("deep", bottleneck=False, depths=(3, 4, 6, 3))


class Affine(nn.Module):
    """A batch normalisation in evaluation: one factor and one offset per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, 1))
        self.bias = nn.Parameter(torch.empty(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.bias, x, self.weight)


class ConvUnit(nn.Module):
    """Convolution, ReLU, then the normalisation: the result may be negative."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = Affine(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x), inplace=True)
        normalised: Tensor = self.norm(x)
        return normalised


class SelfAttention(nn.Module):
    """Self-attention over all positions of a map, added to the map with the weight `gamma`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.key = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.value = nn.Conv1d(channels, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.empty(1))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        query, key, value = (layer(flat).transpose(1, 2) for layer in (self.query, self.key, self.value))
        # The network normalises over the query's positions, so the two change places; no division by √d.
        mixed = F.scaled_dot_product_attention(key, query, value, scale=1.0)
        return torch.addcmul(x, self.gamma, mixed.transpose(1, 2).view_as(x))


class Upsampler(nn.Module):
    """Double the size: 1×1 convolution, ReLU, pixel shuffle, and a 2×2 mean against the checkerboard."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 4 * outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pixel_shuffle(F.relu(self.conv(x), inplace=True), 2)
        return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


class UnetBlock(nn.Module):
    """Upsample, join the encoder's map of the same size, and convolve."""

    def __init__(self, plan: BlockPlan, attention: bool) -> None:
        super().__init__()
        self.upsampler = Upsampler(plan.inputs, plan.upsampled)
        self.skip_norm = Affine(plan.skip)
        widths = (plan.upsampled + plan.skip, *plan.units)
        self.units = nn.Sequential(*(ConvUnit(a, b) for a, b in pairwise(widths)))
        self.attention = SelfAttention(widths[-1]) if attention else nn.Identity()

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        height, width = skip.shape[2:]
        # One row or column too many where the encoder halved an odd size. What comes from a ReLU needs none.
        up = self.upsampler(x)[:, :, :height, :width]
        joined = torch.cat((up, F.relu(self.skip_norm(skip), inplace=True)), 1)
        result: Tensor = self.attention(self.units(joined))
        return result


class Generator(nn.Module):
    """A DeOldify generator.

    Args:
        config: which one.
        pad_channels: round the channels of the last, full-size layers up to a multiple of this. The added
            channels are zero and change nothing but the speed: 259 and 303 channels suit no tensor core.
    """

    def __init__(self, config: Config, pad_channels: int = 1) -> None:
        super().__init__()
        self.config = config
        plans = config.blocks
        deepest = config.stages[3]
        last = plans[3].units[-1]
        full = last + 3
        self.padding = -full % pad_channels
        self.body = _resnet(config)
        self.norm = Affine(deepest)
        self.middle = nn.Sequential(ConvUnit(deepest, 2 * deepest), ConvUnit(2 * deepest, deepest))
        self.blocks = nn.ModuleList(UnetBlock(plan, i == _ATTENTION_BLOCK) for i, plan in enumerate(plans))
        self.upsampler = Upsampler(last, last)
        self.residual = nn.ModuleList(
            nn.Conv2d(full + self.padding, full + self.padding, 3, padding=1) for _ in range(2)
        )
        self.head = nn.Conv2d(full + self.padding, 3, 1)

    @property
    def architecture(self) -> Architecture:
        """Which of the two decoders this is."""
        return self.config.architecture

    def forward(self, x: Tensor) -> Tensor:
        """Colour a batch of pictures.

        Args:
            x: (B, 3, H, W) gray RGB normalised with ImageNet's mean and deviation; H and W even.

        Returns:
            (B, 3, H, W) RGB in −3…3, normalised the same way.

        Raises:
            ValueError: H or W is odd.
        """
        if x.shape[2] % 2 or x.shape[3] % 2:
            raise ValueError(f"DeOldify needs an even width and height, got {x.shape[3]}×{x.shape[2]}")
        skips = []
        features = x
        for i, layer in enumerate(self.body):
            features = layer(features)
            if i in (2, 4, 5, 6):
                skips.append(features)
        features = self.middle(F.relu(self.norm(features), inplace=True))
        for block in self.blocks:
            features = block(features, skips.pop())
        features = torch.cat((self.upsampler(features), F.pad(x, (0, 0, 0, 0, 0, self.padding))), 1)
        first, second = self.residual
        features = features + F.relu(second(F.relu(first(features), inplace=True)), inplace=True)
        return torch.sigmoid(self.head(features)) * (2 * _OUTPUT_LIMIT) - _OUTPUT_LIMIT


def build(state: dict[str, Tensor], *, pad_channels: int = 1) -> Generator:
    """Build the generator a state dict belongs to and fill it.

    Args:
        state: a state dict in the layout of the official files. It is emptied on the way, so that its memory
            can be freed while the folded weights are made; it is left whole if an error is raised.
        pad_channels: see `Generator`; 8 for half precision on a GPU.

    Returns:
        The generator on the CPU, in float32 and evaluation mode, without gradients.

    Raises:
        LayoutError: if keys or shapes are not those of a DeOldify generator.
    """
    config = read_config(state)
    check_layout(state, official_shapes(config), f"DeOldify {config.architecture} generator")
    # Loaded here: parts of torch 2.6 that it brings along cannot be loaded where tensors have no memory.
    import torchvision  # noqa: F401

    with torch.device("meta"):
        network = Generator(config, pad_channels)
    network.load_state_dict(filter_state_dict(state, config, network.padding), assign=True)
    return network.eval().requires_grad_(False)


def read_config(state: Mapping[str, object]) -> Config:
    """Read a generator's configuration from the keys and shapes of its state dict.

    Raises:
        LayoutError: if this is not a DeOldify generator at all.
    """
    if "layers.4.conv.0.weight_orig" in state:
        official = WIDE
    elif "layers.4.conv1.0.weight_orig" in state:
        official = DEEP
    else:
        raise LayoutError("this is not a DeOldify generator")
    depths = [
        next(j for j in count() if f"layers.0.{stage}.{j}.conv1.weight" not in state) for stage in range(4, 8)
    ]
    # Where the file has a hole, the official value stands in, so that the check names the keys of the hole.
    d0, d1, d2, d3 = (found or usual for found, usual in zip(depths, official.depths, strict=True))
    return Config(
        official.architecture,
        bottleneck="layers.0.4.0.conv3.weight" in state,
        depths=(d0, d1, d2, d3),
        stem=_rows(state, "layers.0.0.weight", official.stem),
        width=_rows(state, "layers.4.conv.0.weight_orig", official.width),
    )


def official_shapes(config: Config) -> Shapes:
    """List the keys and shapes of an official state dict, without the counters of batch normalisation."""
    shapes = plain_shapes("layers.0.0", config.stem, 3, 7, 7, bias=False)
    shapes |= batch_norm_shapes("layers.0.1", config.stem)
    for name, norm, shape in _body_convolutions(config):
        shapes |= plain_shapes(f"layers.0.{name}", *shape, bias=False)
        shapes |= batch_norm_shapes(f"layers.0.{norm}", shape[0])
    deepest = config.stages[3]
    shapes |= batch_norm_shapes("layers.1", deepest)
    shapes |= _unit_shapes("layers.3.0", deepest, 2 * deepest)
    shapes |= _unit_shapes("layers.3.1", 2 * deepest, deepest)
    for i, plan in enumerate(config.blocks):
        block = f"layers.{4 + i}"
        shapes |= spectral_shapes(f"{block}.shuf.conv.0", 4 * plan.upsampled, plan.inputs, 1, 1)
        shapes |= batch_norm_shapes(f"{block}.shuf.conv.1", 4 * plan.upsampled)
        shapes |= batch_norm_shapes(f"{block}.bn", plan.skip)
        inputs = plan.upsampled + plan.skip
        for unit, outputs in zip(_unit_names(config), plan.units, strict=True):
            shapes |= _unit_shapes(f"{block}.{unit}", inputs, outputs)
            inputs = outputs
        if i == _ATTENTION_BLOCK:
            attention = f"{block}.{_unit_names(config)[-1]}.3"
            shapes[f"{attention}.gamma"] = (1,)
            for part, outputs in (("query", inputs // 8), ("key", inputs // 8), ("value", inputs)):
                shapes |= spectral_shapes(f"{attention}.{part}", outputs, inputs, 1)
    last = config.blocks[3].units[-1]
    full = last + 3
    shapes |= weight_norm_shapes("layers.8.conv.0", 4 * last, last, 1, 1)
    for i in range(2):
        shapes |= spectral_shapes(f"layers.10.layers.{i}.0", full, full, 3, 3, bias=True)
    return shapes | spectral_shapes("layers.11.0", 3, full, 1, 1, bias=True)


def filter_state_dict(state: dict[str, Tensor], config: Config, padding: int = 0) -> dict[str, Tensor]:
    """Translate an official state dict into the one of `Generator`, folding every normalisation.

    Args:
        state: a checked state dict; it is emptied on the way.
        config: its configuration.
        padding: zero channels to add to the full-size layers.
    """
    weights = Weights(state)
    result: dict[str, Tensor] = {}

    def fold(target: str, weight: Tensor, norm: str) -> None:
        factor, offset = weights.batch_norm(norm)
        result[f"{target}.weight"] = scale_rows(weight, factor)
        result[f"{target}.bias"] = offset

    def affine(target: str, norm: str) -> None:
        factor, offset = weights.batch_norm(norm)
        result[f"{target}.weight"] = factor.view(-1, 1, 1)
        result[f"{target}.bias"] = offset.view(-1, 1, 1)

    def unit(target: str, source: str) -> None:
        result[f"{target}.conv.weight"] = weights.spectral(f"{source}.0")
        affine(f"{target}.norm", f"{source}.2")

    fold("body.0", weights.plain("layers.0.0.weight"), "layers.0.1")
    for name, norm, _ in _body_convolutions(config):
        fold(f"body.{name}", weights.plain(f"layers.0.{name}.weight"), f"layers.0.{norm}")
    affine("norm", "layers.1")
    unit("middle.0", "layers.3.0")
    unit("middle.1", "layers.3.1")
    for i in range(4):
        block = f"layers.{4 + i}"
        fold(f"blocks.{i}.upsampler.conv", weights.spectral(f"{block}.shuf.conv.0"), f"{block}.shuf.conv.1")
        affine(f"blocks.{i}.skip_norm", f"{block}.bn")
        for j, name in enumerate(_unit_names(config)):
            unit(f"blocks.{i}.units.{j}", f"{block}.{name}")
    attention = f"layers.{4 + _ATTENTION_BLOCK}.{_unit_names(config)[-1]}.3"
    target = f"blocks.{_ATTENTION_BLOCK}.attention"
    result[f"{target}.gamma"] = weights.plain(f"{attention}.gamma")
    for part in ("query", "key", "value"):
        result[f"{target}.{part}.weight"] = weights.spectral(f"{attention}.{part}")
    result["upsampler.conv.weight"] = weights.weight_norm("layers.8.conv.0")
    result["upsampler.conv.bias"] = weights.plain("layers.8.conv.0.bias")
    for i in range(2):
        weight = weights.spectral(f"layers.10.layers.{i}.0")
        result[f"residual.{i}.weight"] = F.pad(weight, (0, 0, 0, 0, 0, padding, 0, padding))
        result[f"residual.{i}.bias"] = F.pad(weights.plain(f"layers.10.layers.{i}.0.bias"), (0, padding))
    result["head.weight"] = F.pad(weights.spectral("layers.11.0"), (0, 0, 0, 0, 0, padding))
    result["head.bias"] = weights.plain("layers.11.0.bias")
    state.clear()
    return result


def _resnet(config: Config) -> nn.Sequential:
    """torchvision's ResNet without its classifier, as the sequence 0…7 that fastai makes of it."""
    from torchvision.models.resnet import BasicBlock, Bottleneck

    stem = nn.Conv2d(3, config.stem, 7, stride=2, padding=3, bias=False)
    layers: list[nn.Module] = [
        stem,
        nn.Identity(),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    inputs = config.stem
    for i, (depth, outputs) in enumerate(zip(config.depths, config.stages, strict=True)):
        blocks = []
        for j in range(depth):
            stride = 2 if i and not j else 1
            shortcut = None
            if stride > 1 or inputs != outputs:
                projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
                shortcut = nn.Sequential(projection, nn.Identity())
            kind = Bottleneck if config.bottleneck else BasicBlock
            blocks.append(kind(inputs, config.stem * 2**i, stride, shortcut, norm_layer=nn.Identity))
            inputs = outputs
        layers.append(nn.Sequential(*blocks))
    body = nn.Sequential(*layers)
    for module in body.modules():
        if isinstance(module, nn.Conv2d):  # the folded normalisation leaves an offset
            module.bias = nn.Parameter(torch.empty(module.out_channels))
    return body


def _body_convolutions(config: Config) -> list[tuple[str, str, tuple[int, int, int, int]]]:
    """Each convolution of the body's stages: its name, that of the normalisation after it, and its shape."""
    found = []
    inputs = config.stem
    for i, (depth, outputs) in enumerate(zip(config.depths, config.stages, strict=True)):
        planes = config.stem * 2**i
        for j in range(depth):
            block = f"{4 + i}.{j}"
            sizes = [(inputs, planes, 1), (planes, planes, 3), (planes, outputs, 1)]
            if not config.bottleneck:
                sizes = [(inputs, planes, 3), (planes, planes, 3)]
            for k, (a, b, kernel) in enumerate(sizes, 1):
                found.append((f"{block}.conv{k}", f"{block}.bn{k}", (b, a, kernel, kernel)))
            if not j and (i or inputs != outputs):
                found.append((f"{block}.downsample.0", f"{block}.downsample.1", (outputs, inputs, 1, 1)))
            inputs = outputs
    return found


def _unit_names(config: Config) -> tuple[str, ...]:
    return ("conv",) if config.architecture == "wide" else ("conv1", "conv2")


def _unit_shapes(name: str, inputs: int, outputs: int) -> Shapes:
    return spectral_shapes(f"{name}.0", outputs, inputs, 3, 3) | batch_norm_shapes(f"{name}.2", outputs)


def _rows(state: Mapping[str, object], key: str, default: int) -> int:
    value = state.get(key)
    return value.shape[0] if isinstance(value, Tensor) and value.ndim else default
