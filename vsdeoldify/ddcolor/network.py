"""DDColor: a ConvNeXt encoder, a U-Net decoder, and a transformer whose queries become colours.

In the form needed for evaluation: spectral norm, batch normalisation behind a convolution, and ConvNeXt's
layer scale are folded into the weights when a state dict is loaded, and the last stage is regrouped so that
no map of 256 channels is ever made at full size. `filter_state_dict` translates the keys of the files, and
`official_shapes` lists what a file must hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
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
)
from ..runtime.color import normalize

type Architecture = Literal["large", "tiny"]

STRIDE = 32
"""Height and width of the input must be multiples of this."""

_HEADS = 8
_LEVELS = 3
_SHUFFLE = 4


@dataclass(frozen=True)
class Config:
    """Everything that distinguishes one DDColor from another; read from a state dict by `read_config`.

    Args:
        depths: number of blocks in ConvNeXt's four stages.
        dims: their channels.
        widths: channels of the three U-Net blocks, from coarse to fine.
        queries: number of colour queries.
        hidden: channels of the transformer, a multiple of 8 (its heads).
        layers: number of transformer layers.
        feedforward: channels inside the transformer's feed-forward part.
    """

    depths: tuple[int, ...]
    dims: tuple[int, ...]
    widths: tuple[int, ...] = (512, 512, 256)
    queries: int = 100
    hidden: int = 256
    layers: int = 9
    feedforward: int = 2048

    @property
    def architecture(self) -> Architecture:
        """`large` has more than nine blocks in the third stage; `tiny`, nine or fewer."""
        return "large" if self.depths[2] > 9 else "tiny"


LARGE = Config(depths=(3, 3, 27, 3), dims=(192, 384, 768, 1536))
TINY = Config(depths=(3, 3, 9, 3), dims=(96, 192, 384, 768))


class Encoder(nn.Module):
    """timm's ConvNeXt with a layer norm on each of its four outputs."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        import timm

        self.convnext = timm.create_model(
            "convnext_tiny", features_only=True, pretrained=False, depths=config.depths, dims=config.dims
        )
        for i in range(4):
            for block in self.convnext[f"stages_{i}"].blocks:
                block.gamma = None  # folded into the layer before it
        self.norms = nn.ModuleList(nn.LayerNorm(dim, eps=1e-6) for dim in config.dims)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.convnext(x)
        return [
            norm(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            for norm, features in zip(self.norms, maps, strict=True)
        ]


class UnetBlock(nn.Module):
    """Double the size, join the encoder's map of that size, and convolve."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.Conv2d(inputs, 4 * outputs, 1)
        self.skip_weight = nn.Parameter(torch.empty(skip, 1, 1))
        self.skip_bias = nn.Parameter(torch.empty(skip, 1, 1))
        self.conv = nn.Conv2d(outputs + skip, outputs, 3, padding=1, bias=False)
        self.weight = nn.Parameter(torch.empty(outputs, 1, 1))
        self.bias = nn.Parameter(torch.empty(outputs, 1, 1))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = blur(F.pixel_shuffle(F.relu(self.up(x), inplace=True), 2))
        skip = F.relu(torch.addcmul(self.skip_bias, skip, self.skip_weight), inplace=True)
        x = F.relu(self.conv(torch.cat((up, skip), 1)), inplace=True)
        return torch.addcmul(self.bias, x, self.weight)


class TransformerLayer(nn.Module):
    """Cross attention to one map, self attention of the queries, feed-forward; each is normalised after."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        hidden = config.hidden
        self.cross_attention = nn.MultiheadAttention(hidden, _HEADS, batch_first=True)
        self.cross_norm = nn.LayerNorm(hidden)
        self.self_attention = nn.MultiheadAttention(hidden, _HEADS, batch_first=True)
        self.self_norm = nn.LayerNorm(hidden)
        self.linear1 = nn.Linear(hidden, config.feedforward)
        self.linear2 = nn.Linear(config.feedforward, hidden)
        self.norm = nn.LayerNorm(hidden)

    def forward(self, query: Tensor, query_position: Tensor, memory: Tensor, position: Tensor) -> Tensor:
        attended, _ = self.cross_attention(
            query + query_position, memory + position, memory, need_weights=False
        )
        query = self.cross_norm(query + attended)
        place = query + query_position
        attended, _ = self.self_attention(place, place, query, need_weights=False)
        query = self.self_norm(query + attended)
        normalised: Tensor = self.norm(query + self.linear2(F.relu(self.linear1(query), inplace=True)))
        return normalised


class DDColor(nn.Module):
    """The whole network.

    Args:
        config: which one.
        mean: mean of the RGB input that the file was trained with.
        deviation: its deviation.
    """

    def __init__(self, config: Config, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        super().__init__()
        self.config = config
        self._mean = mean
        self._deviation = deviation
        c0, c1, c2, c3 = config.dims
        n0, n1, n2 = config.widths
        hidden = config.hidden
        self.encoder = Encoder(config)
        self.blocks = nn.ModuleList([UnetBlock(c3, c2, n0), UnetBlock(n0, c1, n1), UnetBlock(n1, c0, n2)])
        self.last = nn.Linear(n2, n2 * _SHUFFLE**2)
        self.projections = nn.ModuleList(nn.Conv2d(width, hidden, 1) for width in config.widths)
        self.query = nn.Parameter(torch.empty(config.queries, hidden))
        self.query_position = nn.Parameter(torch.empty(config.queries, hidden))
        self.layers = nn.ModuleList(TransformerLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(hidden)
        self.embed = nn.ModuleList([nn.Linear(hidden, size) for size in (hidden, hidden, n2)])
        # The last 1×1 convolution, split into its part for the queries and its part for the picture.
        self.mix = nn.Parameter(torch.empty(2, config.queries))
        self.picture = nn.Parameter(torch.empty(2, 3, 1, 1))
        self.offset = nn.Parameter(torch.empty(2))
        # Kept for good: a recorded graph of CUDA reads them where they lie. They are small; each side of a
        # map has a table of its own.
        self._tables: dict[tuple[int, torch.device, torch.dtype], Tensor] = {}

    @property
    def architecture(self) -> Architecture:
        """Which of the two published sizes this is."""
        return self.config.architecture

    def forward(self, x: Tensor) -> Tensor:
        """Find the colours of a batch of pictures.

        Args:
            x: (B, 3, H, W) gray RGB in [0, 1]; H and W multiples of 32.

        Returns:
            (B, 2, H, W) float32: a and b of Lab, in about −128…127 with some overshoot.

        Raises:
            ValueError: H or W is no multiple of 32.
        """
        if x.shape[2] % STRIDE or x.shape[3] % STRIDE:
            width, height = x.shape[3], x.shape[2]
            raise ValueError(
                f"DDColor needs multiples of {STRIDE} for width and height, got {width}×{height}"
            )
        picture = normalize(x, self._mean, self._deviation)
        features = self.encoder(picture.to(self.query.dtype))
        out = features.pop()
        maps = []
        for block in self.blocks:
            out = block(out, features.pop())
            maps.append(out)
        colors = self._colors(maps)
        # Everything after the ReLU is linear: projecting 256 channels to 2 before the shuffle is exact.
        pixels = F.relu(self.last(out.permute(0, 2, 3, 1)), inplace=True)
        batch, rows, columns, _ = pixels.shape
        pixels = pixels.reshape(batch, -1, colors.shape[1]).float() @ colors
        planes = pixels.view(batch, rows, columns, _SHUFFLE, _SHUFFLE, 2).permute(0, 5, 1, 3, 2, 4)
        planes = planes.reshape(batch, 2, rows * _SHUFFLE, columns * _SHUFFLE)
        return blur(planes) + F.conv2d(picture, self.picture.float(), self.offset.float())

    def _colors(self, maps: list[Tensor]) -> Tensor:
        """The colour decoder: (B, channels, 2) float32, what each pixel channel adds to a and b."""
        memories, positions = [], []
        for projection, features in zip(self.projections, maps, strict=True):
            memories.append(projection(features).flatten(2).transpose(1, 2))
            positions.append(self._position(features, memories[-1]))
        query = self.query.expand(len(memories[0]), -1, -1)
        for i, layer in enumerate(self.layers):
            level = i % _LEVELS
            query = layer(query, self.query_position, memories[level], positions[level])
        query = self.norm(query)
        for layer in self.embed[:-1]:
            query = F.relu(layer(query), inplace=True)
        embedded: Tensor = self.embed[-1](query)
        return embedded.float().transpose(1, 2) @ self.mix.float().T

    def _position(self, features: Tensor, memory: Tensor) -> Tensor:
        """Where each position of a map lies: its table of sines, (H · W, hidden), in `memory`'s format."""
        height, width = features.shape[2:]
        return _join_tables(self._table(height, memory), self._table(width, memory))

    def _table(self, size: int, memory: Tensor) -> Tensor:
        key = (size, memory.device, memory.dtype)
        if (table := self._tables.get(key)) is None:
            table = self._tables[key] = sine_table(size, memory.shape[2] // 2).to(memory)
        return table


def build(state: dict[str, Tensor]) -> DDColor:
    """Build the DDColor network a state dict belongs to and fill it.

    Args:
        state: a state dict in the layout of the official files; further keys are ignored, as the original
            does. It is emptied on the way, so that its memory can be freed while the folded weights are made;
            it is left whole if an error is raised.

    Returns:
        The network on the CPU, in float32 and evaluation mode, without gradients.

    Raises:
        LayoutError: if keys are missing or shapes are not those of a DDColor network.
    """
    config = read_config(state)
    check_layout(state, official_shapes(config), f"DDColor network ({config.architecture})", extra=True)
    mean, deviation = (tuple(state[key].flatten().tolist()) for key in ("mean", "std"))
    # Loaded here: parts of torch 2.6 that timm brings along cannot be loaded where tensors have no memory.
    import timm  # noqa: F401

    with torch.device("meta"):
        network = DDColor(config, mean, deviation)
    network.load_state_dict(filter_state_dict(state, config), assign=True)
    return network.eval().requires_grad_(False)


def read_config(state: Mapping[str, object]) -> Config:
    """Read a network's configuration from the keys and shapes of its state dict.

    Raises:
        LayoutError: if this is not a DDColor network at all.
    """
    encoder, colors = "encoder.arch", "decoder.color_decoder"
    if not any(str(key).startswith(f"{encoder}.stages.") for key in state):
        raise LayoutError("this is not a DDColor network")
    official = LARGE if f"{encoder}.stages.2.9.gamma" in state else TINY
    depths = [next(j for j in count() if f"{encoder}.stages.{i}.{j}.gamma" not in state) for i in range(4)]
    layers = next(i for i in count() if f"{colors}.transformer_ffn_layers.{i}.linear1.weight" not in state)

    # Where the file has a hole, the official value stands in, so that the check names the keys of the hole.
    def size(key: str, axis: int, default: int) -> int:
        value = state.get(key)
        return value.shape[axis] if isinstance(value, Tensor) and value.ndim > axis else default

    return Config(
        depths=tuple(found or usual for found, usual in zip(depths, official.depths, strict=True)),
        dims=tuple(size(f"{encoder}.norm{i}.weight", 0, official.dims[i]) for i in range(4)),
        widths=tuple(
            size(f"decoder.layers.{i}.conv.0.weight_orig", 0, official.widths[i]) for i in range(_LEVELS)
        ),
        queries=size(f"{colors}.query_feat.weight", 0, official.queries),
        hidden=size(f"{colors}.query_feat.weight", 1, official.hidden),
        layers=layers or official.layers,
        feedforward=size(f"{colors}.transformer_ffn_layers.0.linear1.weight", 0, official.feedforward),
    )


def official_shapes(config: Config) -> Shapes:
    """List the keys and shapes of an official state dict, without those that evaluation does not use."""
    shapes: Shapes = {"mean": (1, 3, 1, 1), "std": (1, 3, 1, 1)}
    arch, dims = "encoder.arch", config.dims
    shapes |= plain_shapes(f"{arch}.downsample_layers.0.0", dims[0], 3, 4, 4)
    shapes |= plain_shapes(f"{arch}.downsample_layers.0.1", dims[0])
    for i in range(1, 4):
        shapes |= plain_shapes(f"{arch}.downsample_layers.{i}.0", dims[i - 1])
        shapes |= plain_shapes(f"{arch}.downsample_layers.{i}.1", dims[i], dims[i - 1], 2, 2)
    for i, (depth, dim) in enumerate(zip(config.depths, dims, strict=True)):
        for j in range(depth):
            block = f"{arch}.stages.{i}.{j}"
            shapes[f"{block}.gamma"] = (dim,)
            shapes |= plain_shapes(f"{block}.dwconv", dim, 1, 7, 7) | plain_shapes(f"{block}.norm", dim)
            shapes |= plain_shapes(f"{block}.pwconv1", 4 * dim, dim)
            shapes |= plain_shapes(f"{block}.pwconv2", dim, 4 * dim)
        shapes |= plain_shapes(f"{arch}.norm{i}", dim)
    inputs = dims[3]
    for i, (width, skip) in enumerate(zip(config.widths, dims[2::-1], strict=True)):
        block = f"decoder.layers.{i}"
        shapes |= spectral_shapes(f"{block}.shuf.conv.0", 4 * width, inputs, 1, 1)
        shapes |= batch_norm_shapes(f"{block}.shuf.conv.1", 4 * width)
        shapes |= batch_norm_shapes(f"{block}.bn", skip)
        shapes |= spectral_shapes(f"{block}.conv.0", width, width + skip, 3, 3)
        shapes |= batch_norm_shapes(f"{block}.conv.2", width)
        inputs = width
    shapes |= spectral_shapes("decoder.last_shuf.conv.0", inputs * _SHUFFLE**2, inputs, 1, 1, bias=True)
    shapes |= _color_decoder_shapes(config)
    return shapes | spectral_shapes("refine_net.0.0", 2, config.queries + 3, 1, 1, bias=True)


def filter_state_dict(state: dict[str, Tensor], config: Config) -> dict[str, Tensor]:
    """Translate an official state dict into the one of `DDColor`, folding what is constant.

    Args:
        state: a checked state dict; it is emptied on the way.
        config: its configuration.
    """
    weights = Weights(state)
    result: dict[str, Tensor] = {}

    def move(target: str, source: str, *leaves: str) -> None:
        for leaf in leaves or ("weight", "bias"):
            result[f"{target}.{leaf}"] = weights.plain(f"{source}.{leaf}")

    arch = "encoder.arch"
    for k in range(2):
        move(f"encoder.convnext.stem_{k}", f"{arch}.downsample_layers.0.{k}")
    for i, depth in enumerate(config.depths):
        stage = f"encoder.convnext.stages_{i}"
        for k in range(2 if i else 0):
            move(f"{stage}.downsample.{k}", f"{arch}.downsample_layers.{i}.{k}")
        for j in range(depth):
            target, source = f"{stage}.blocks.{j}", f"{arch}.stages.{i}.{j}"
            move(f"{target}.conv_dw", f"{source}.dwconv")
            move(f"{target}.norm", f"{source}.norm")
            move(f"{target}.mlp.fc1", f"{source}.pwconv1")
            gamma = weights.plain(f"{source}.gamma")
            for leaf in ("weight", "bias"):
                folded = scale_rows(weights.plain(f"{source}.pwconv2.{leaf}"), gamma)
                result[f"{target}.mlp.fc2.{leaf}"] = folded
        move(f"encoder.norms.{i}", f"{arch}.norm{i}")
    for i in range(_LEVELS):
        target, source = f"blocks.{i}", f"decoder.layers.{i}"
        factor, result[f"{target}.up.bias"] = weights.batch_norm(f"{source}.shuf.conv.1")
        result[f"{target}.up.weight"] = scale_rows(weights.spectral(f"{source}.shuf.conv.0"), factor)
        result[f"{target}.conv.weight"] = weights.spectral(f"{source}.conv.0")
        for norm, prefix in (("bn", "skip_"), ("conv.2", "")):
            factor, offset = weights.batch_norm(f"{source}.{norm}")
            result[f"{target}.{prefix}weight"] = factor.view(-1, 1, 1)
            result[f"{target}.{prefix}bias"] = offset.view(-1, 1, 1)
    # The shuffle takes 16 neighbouring rows for one channel; here the channels of one pixel are neighbours.
    shuffle = _SHUFFLE**2
    result["last.weight"] = _regroup(weights.spectral("decoder.last_shuf.conv.0").flatten(1), shuffle)
    result["last.bias"] = _regroup(weights.plain("decoder.last_shuf.conv.0.bias"), shuffle)
    colors = "decoder.color_decoder"
    levels = weights.plain(f"{colors}.level_embed.weight")
    for i in range(_LEVELS):
        move(f"projections.{i}", f"{colors}.input_proj.{i}")
        result[f"projections.{i}.bias"] = result[f"projections.{i}.bias"] + levels[i]
    result["query"] = weights.plain(f"{colors}.query_feat.weight")
    result["query_position"] = weights.plain(f"{colors}.query_embed.weight")
    attention = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    for i in range(config.layers):
        for kind, name in (("cross", "multihead_attn"), ("self", "self_attn")):
            source = f"{colors}.transformer_{kind}_attention_layers.{i}"
            move(f"layers.{i}.{kind}_attention", f"{source}.{name}", *attention)
            move(f"layers.{i}.{kind}_norm", f"{source}.norm")
        for name in ("linear1", "linear2", "norm"):
            move(f"layers.{i}.{name}", f"{colors}.transformer_ffn_layers.{i}.{name}")
    move("norm", f"{colors}.decoder_norm")
    for i in range(3):
        move(f"embed.{i}", f"{colors}.color_embed.layers.{i}")
    refine = weights.spectral("refine_net.0.0")
    result["mix"] = refine[:, : config.queries].flatten(1)
    result["picture"] = refine[:, config.queries :]
    result["offset"] = weights.plain("refine_net.0.0.bias")
    state.clear()
    return result


def sine_position(height: int, width: int, channels: int) -> Tensor:
    """The transformer's table of positions: the first half of the channels counts rows, the second columns.

    Returns:
        (height · width, channels) float32: pairs of sine and cosine with wavelengths up to 10000 turns.
    """
    return _join_tables(sine_table(height, channels // 2), sine_table(width, channels // 2))


def sine_table(size: int, channels: int) -> Tensor:
    """One side of the table of positions: (size, channels) float32 on the CPU."""
    # Formats and device in full: a script may have set others as torch's defaults.
    pairs = torch.div(torch.arange(channels, device="cpu"), 2, rounding_mode="floor").float()
    wavelengths = 10000.0 ** (2 * pairs / channels)
    place = torch.arange(1, size + 1, dtype=torch.float32, device="cpu") / (size + 1e-6) * (2 * math.pi)
    angles = place[:, None] / wavelengths
    return torch.stack((angles[:, 0::2].sin(), angles[:, 1::2].cos()), 2).flatten(1)


def _join_tables(rows: Tensor, columns: Tensor) -> Tensor:
    height, width = len(rows), len(columns)
    joined = torch.cat((rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)), 2)
    return joined.flatten(0, 1)


def blur(x: Tensor) -> Tensor:
    """Mean of each pixel and its left, upper and upper left neighbour, against the shuffle's checkerboard."""
    return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


def _color_decoder_shapes(config: Config) -> Shapes:
    colors, hidden = "decoder.color_decoder", config.hidden
    shapes: Shapes = {}
    for i in range(config.layers):
        for kind, name in (("self", "self_attn"), ("cross", "multihead_attn")):
            layer = f"{colors}.transformer_{kind}_attention_layers.{i}"
            shapes[f"{layer}.{name}.in_proj_weight"] = (3 * hidden, hidden)
            shapes[f"{layer}.{name}.in_proj_bias"] = (3 * hidden,)
            shapes |= plain_shapes(f"{layer}.{name}.out_proj", hidden, hidden)
            shapes |= plain_shapes(f"{layer}.norm", hidden)
        layer = f"{colors}.transformer_ffn_layers.{i}"
        shapes |= plain_shapes(f"{layer}.linear1", config.feedforward, hidden)
        shapes |= plain_shapes(f"{layer}.linear2", hidden, config.feedforward)
        shapes |= plain_shapes(f"{layer}.norm", hidden)
    shapes |= plain_shapes(f"{colors}.decoder_norm", hidden)
    for name, rows in (
        ("query_feat", config.queries),
        ("query_embed", config.queries),
        ("level_embed", _LEVELS),
    ):
        shapes[f"{colors}.{name}.weight"] = (rows, hidden)
    for i, width in enumerate(config.widths):
        shapes |= plain_shapes(f"{colors}.input_proj.{i}", hidden, width, 1, 1)
    for i, outputs in enumerate((hidden, hidden, config.widths[2])):
        shapes |= plain_shapes(f"{colors}.color_embed.layers.{i}", outputs, hidden)
    return shapes


def _regroup(rows: Tensor, group: int) -> Tensor:
    """Reorder rows from (channel, place in the group) to (place in the group, channel)."""
    return rows.view(-1, group, *rows.shape[1:]).transpose(0, 1).reshape(rows.shape)
