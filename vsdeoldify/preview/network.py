"""The preview network: an EfficientNet-Lite0 encoder and a small U-Net decoder that names colours.

Every pixel gets a probability for each of a few dozen a/b colours ("anchors"); the output is their mean.
The mean of a distribution, unlike a free regression, cannot leave the range of real colours, and how far it
shrinks towards gray can be set after training (`PreviewNetwork.bias`, `temperature` and `gain`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional

from ..runtime.checkpoint import LayoutError

ANCHORS = 48
"""How many a/b colours the network chooses from."""

STRIDE = 32
"""Width and height of the input must be multiples of this."""

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""One row a stage: (repeats, kernel, stride, expansion, channels), from the EfficientNet-Lite0 definition."""

_STEM = 32
_HEAD = 1280
_ENCODER_EPSILON = 1e-3
_HEAD_WIDTH = 32
_FORGOTTEN = 0.1
# A little brighter than the picture, gray gets colours nearer to the truth (docs/model-card.md).
_BRIGHTENING = 0.95
# How `Halve` weighs pixels: a mean, or only the pixel that a convolution of stride 2 looks at.
_MEAN = (0.0, 0.25, 0.5, 0.25)
_ONE = (0.0, 0.0, 1.0, 0.0)
# The stages whose output the decoder uses: strides 2, 4, 8, 16.
_SKIPS = (0, 1, 2, 4)


class Halve(nn.Module):
    """Half the size, each pixel a mean of its neighbours.

    Taking every second pixel, as EfficientNet-Lite0 does, makes colours flicker: what moves by half a pixel
    falls between other pixels and looks different to every later layer (Zhang, "Making Convolutional Networks
    Shift-Invariant Again", 2019).
    """

    taps: Tensor
    """(4,), the weights along a row and down a column of pixels -1, 0, 1 and 2 behind twice the new place."""

    def __init__(self) -> None:
        super().__init__()
        # Around the pixel that TensorFlow's "same" padding takes, so that weights trained on it fit.
        self.register_buffer("taps", torch.tensor(_MEAN))

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.outer(self.taps, self.taps).expand(x.shape[1], 1, 4, 4)
        return functional.conv2d(x, weight, stride=2, padding=1, groups=x.shape[1])


class ConvNorm(nn.Module):
    """Convolution, batch normalisation and an optional activation; a stride of 2 is a `Halve` behind them."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        activation: nn.Module | None = None,
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=epsilon)
        self.activation = activation or nn.Identity()
        self.halve: nn.Module = nn.Identity() if stride == 1 else Halve()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.halve(self.activation(self.norm(self.conv(x))))
        return y

    def fold(self) -> None:
        """Merge the normalisation's running statistics into the convolution; inference only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = nn.utils.fusion.fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class Block(nn.Module):
    """MobileNetV2's inverted residual: widen, filter each channel, narrow; no widening for expansion 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        layers = []
        if expansion > 1:
            layers.append(ConvNorm(inputs, width, activation=_relu6(), epsilon=_ENCODER_EPSILON))
        layers += [
            ConvNorm(width, width, kernel, stride, width, _relu6(), _ENCODER_EPSILON),
            ConvNorm(width, outputs, epsilon=_ENCODER_EPSILON),
        ]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class Encoder(nn.Module):
    """EfficientNet-Lite0 up to its last feature map, for gray pictures in −1…1."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(1, _STEM, 3, 2, activation=_relu6(), epsilon=_ENCODER_EPSILON)
        stages = []
        width = _STEM
        for repeats, kernel, stride, expansion, channels in STAGES:
            blocks = []
            for i in range(repeats):
                blocks.append(Block(width, channels, kernel, stride if i == 0 else 1, expansion))
                width = channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = ConvNorm(width, _HEAD, activation=_relu6(), epsilon=_ENCODER_EPSILON)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        features = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in _SKIPS:
                features.append(x)
        features.append(self.head(x))
        return features


class Merge(nn.Module):
    """One step up of the decoder: enlarge the coarse map, join the encoder's map of that size, convolve."""

    def __init__(self, coarse: int, skip: int, outputs: int, convolutions: int) -> None:
        super().__init__()
        widths = [coarse + skip] + [outputs] * convolutions
        self.layers = nn.Sequential(*(ConvNorm(a, b, 3, activation=_relu()) for a, b in pairwise(widths)))

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        # Bilinear enlargement leaves no checkerboard, which transposed convolutions do.
        coarse = functional.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        merged: Tensor = self.layers(torch.cat((coarse, skip), dim=1))
        return merged


class Attention(nn.Module):
    """A transformer block (Vaswani et al. 2017) over a small map: every place looks at every other.

    Convolutions see one thing in parts; here both halves of a coat can agree on a colour.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // _HEAD_WIDTH
        self.norm = nn.LayerNorm(channels)
        self.ask = nn.Linear(channels, 3 * channels)
        self.answer = nn.Linear(channels, channels)
        self.norm_inner = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 2 * channels)
        self.narrow = nn.Linear(2 * channels, channels)
        # A new block changes nothing at first: a network trained without it can go on with it.
        for last in (self.answer, self.narrow):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        places = x.flatten(2).transpose(1, 2)
        asked = self.ask(self.norm(places)).reshape(batch, height * width, 3, self.heads, _HEAD_WIDTH)
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        share = (query @ key.transpose(-2, -1) * _HEAD_WIDTH**-0.5).softmax(dim=-1)
        seen = (share @ value).transpose(1, 2).reshape(batch, height * width, channels)
        places = places + self.answer(seen)
        places = places + self.narrow(functional.gelu(self.widen(self.norm_inner(places))))
        y: Tensor = places.transpose(1, 2).reshape(batch, channels, height, width)
        return y


class PreviewNetwork(nn.Module):
    """Gray in, a/b of CIE Lab out, at half the input's resolution inside and enlarged at the end."""

    anchors: Tensor
    """(ANCHORS, 2) a/b in Lab units."""

    bias: Tensor
    """(ANCHORS,), added to the logits: takes back the training's preference for rare colours."""

    temperature: Tensor
    """(1,), divides the logits: below 1 sure colours come out fuller, guesses paler."""

    gain: Tensor
    """(1,), multiplies the colours: how saturated they are."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.local = ConvNorm(_HEAD, 256, activation=_relu())
        self.whole = nn.Linear(_HEAD, 256)
        self.attention = _attention()
        skips = [STAGES[i][-1] for i in _SKIPS]
        self.merges = nn.ModuleList(
            (
                Merge(256, skips[3], 192, 2),
                Merge(192, skips[2], 128, 2),
                Merge(128, skips[1], 64, 1),
                Merge(64, skips[0], 32, 1),
            )
        )
        self.choose = nn.Conv2d(32, ANCHORS, 1)
        self.register_buffer("anchors", torch.zeros(ANCHORS, 2))
        self.register_buffer("bias", torch.zeros(ANCHORS))
        self.register_buffer("temperature", torch.ones(1))
        self.register_buffer("gain", torch.ones(1))

    def logits(self, gray: Tensor) -> Tensor:
        """The unnormalised log probability of each anchor.

        Args:
            gray: (B, 1, H, W) in 0…1 (sRGB or BT.601 luma); H and W multiples of 32.

        Returns:
            (B, ANCHORS, H/2, W/2).
        """
        y: Tensor = self.choose(self._decoded(gray, len(self.merges)))
        return y

    def features(self, gray: Tensor) -> Tensor:
        """What the network makes of a picture before it names colours: alike where things are alike.

        Args:
            gray: as `logits` takes it.

        Returns:
            (B, 64, H/4, W/4).
        """
        return self._decoded(gray, 3)

    def _decoded(self, gray: Tensor, steps: int) -> Tensor:
        """The decoder's map after so many of its steps up."""
        # Resizing can overshoot, and no power of a negative number exists.
        features = self.encoder(gray.clamp(0, 1).pow(_BRIGHTENING) * 2 - 1)
        head = features.pop()
        x: Tensor = self.local(head)
        # The colours of the whole picture must not hang on few of the things seen in it: they come and go.
        seen = functional.dropout(head.mean(dim=(2, 3)), _FORGOTTEN, self.training)
        x = x + self.whole(seen)[:, :, None, None]
        x = self.attention[0](x)
        for step, merge in enumerate(list(self.merges)[:steps]):
            x = merge(x, features.pop())
            if step == 0:
                x = self.attention[1](x)
        return x

    def mean(self, logits: Tensor) -> Tensor:
        """The mean a/b (B, 2, H, W) for logits (B, ANCHORS, H, W): after bias, temperature and gain."""
        # With the colours on the last axis, as they lie in memory, this takes little more than half the time.
        share = ((logits.movedim(1, -1) + self.bias) / self.temperature).softmax(dim=-1)
        return (share @ (self.anchors * self.gain)).movedim(-1, 1)

    def forward(self, gray: Tensor) -> Tensor:
        """Predict the colours.

        Args:
            gray: (B, 1, H, W) in 0…1; H and W multiples of 32.

        Returns:
            a and b of CIE Lab (B, 2, H, W), in Lab units (about −100…100).
        """
        ab = self.mean(self.logits(gray))
        return functional.interpolate(ab, scale_factor=2, mode="bilinear", align_corners=False)

    def soften(self) -> Self:
        """Halve maps by means, as networks later than version 4.0 do: others must be trained on after that.

        Returns:
            This network.
        """
        for module in self.modules():
            if isinstance(module, Halve):
                module.taps.copy_(torch.tensor(_MEAN))
        return self

    def fold(self) -> Self:
        """Merge every batch normalisation into its convolution; for inference only.

        Returns:
            This network.
        """
        self.eval()
        for module in self.modules():
            if isinstance(module, ConvNorm):
                module.fold()
        return self


def load_network(source: Path | Traversable) -> PreviewNetwork:
    """Read a model file that the training wrote.

    Args:
        source: a safetensors file.

    Returns:
        The network in float32, ready for inference and for more training.

    Raises:
        ValueError: the file is no safetensors file, or holds another network.
    """
    try:
        return build(load(source.read_bytes()))
    except (SafetensorError, LayoutError) as error:
        raise ValueError(
            f"{source} is not a preview model ({str(error).strip().splitlines()[0]}): "
            "give a file that vsdeoldify.training exported"
        ) from None


def build(state: Mapping[str, Tensor]) -> PreviewNetwork:
    """Build the network and fill it with the tensors of a file that the training exported.

    Returns:
        The network in float32, not folded, in evaluation mode.

    Raises:
        LayoutError: they are not the tensors of this network.
    """
    with torch.device("meta"):
        network = PreviewNetwork()
    weights = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    if not any(key.startswith("attention.") for key in weights):
        # A file of version 4.0: these leave its colours as they were.
        weights |= {f"attention.{key}": value for key, value in _new_attention().items()}
        weights |= _taps(network)
    try:
        network.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        problem = str(error).strip().splitlines()[-1].strip()
        raise LayoutError(f"this is not a preview network ({problem})") from None
    return network.to(memory_format=torch.channels_last).eval()


def _attention() -> nn.ModuleList:
    """The blocks below the decoder's first step, and the one behind it."""
    return nn.ModuleList((nn.Sequential(Attention(256), Attention(256)), Attention(192)))


def _taps(module: nn.Module) -> dict[str, Tensor]:
    """What `Halve` has in networks that take every second pixel."""
    return {
        key: torch.tensor(_ONE, device="cpu") for key in module.state_dict() if key.endswith("halve.taps")
    }


def _new_attention() -> Mapping[str, Tensor]:
    """The weights of blocks that change nothing yet, always the same ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _attention().state_dict()


def load_preview(*, fold: bool = True) -> PreviewNetwork:
    """The bundled model.

    Args:
        fold: merge the batch normalisation into the convolutions: faster, but fit for inference only.

    Raises:
        ValueError: the bundled file is damaged.
    """
    network = load_network(resources.files(__package__) / "preview.safetensors")
    return network.fold() if fold else network


def _relu6() -> nn.Module:
    return nn.ReLU6(inplace=True)


def _relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def encoder_weights(timm: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename timm's `tf_efficientnet_lite0` weights for `Encoder`.

    The stem's three colour channels are summed: a gray picture has the same value in all three.

    Args:
        timm: the state dict; the classifier's entries are left out.

    Returns:
        A state dict for `Encoder`: it then computes what timm's network does (`soften` it for training).
    """
    with torch.device("meta"):
        weights = _taps(Encoder())
    for key, value in timm.items():
        parts = key.split(".")
        if parts[0] == "conv_stem":
            weights["stem.conv.weight"] = value.sum(dim=1, keepdim=True)
        elif parts[0] == "bn1":
            weights[f"stem.norm.{parts[1]}"] = value
        elif parts[0] == "conv_head":
            weights["head.conv.weight"] = value
        elif parts[0] == "bn2":
            weights[f"head.norm.{parts[1]}"] = value
        elif parts[0] == "blocks":
            stage, block, layer, field = parts[1:]
            order = ["conv_dw", "conv_pw"] if stage == "0" else ["conv_pw", "conv_dw", "conv_pwl"]
            index = int(layer[2:]) - 1 if layer.startswith("bn") else order.index(layer)
            kind = "norm" if layer.startswith("bn") else "conv"
            weights[f"stages.{stage}.{block}.layers.{index}.{kind}.{field}"] = value
    return weights
