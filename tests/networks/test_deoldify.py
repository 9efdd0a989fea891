"""DeOldify's generators: against the original's golden results, a plain unfolded reference, and fastai."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import official
import packing
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from tiny import DEEP, WIDE, tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from torch import Tensor, nn
from torch.nn.utils import spectral_norm, weight_norm
from torchvision.models.resnet import BasicBlock, Bottleneck, resnet34, resnet101

from vsdeoldify.deoldify import network as generator
from vsdeoldify.deoldify.colorizer import DeOldifyColorizer, apply_chroma, colorize_picture
from vsdeoldify.deoldify.network import BlockPlan, Config, Generator, SelfAttention, UnetBlock, Upsampler
from vsdeoldify.networks.family import FAMILIES, guess
from vsdeoldify.networks.loading import build_network
from vsdeoldify.runtime.color import normalize, rgb_to_luma

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def gray(batch: int = 1, height: int = 64, width: int = 64) -> Tensor:
    """Smooth gray pictures in [0, 1]."""
    small = torch.rand(batch, 1, 5, 5, generator=torch.Generator().manual_seed(5))
    return F.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)


class ReferenceBlock(nn.Module):
    def __init__(self, plan: BlockPlan, names: tuple[str, ...], attention: bool) -> None:
        super().__init__()
        self.shuf = nn.Module()
        self.shuf.conv = nn.Sequential(
            spectral_norm(nn.Conv2d(plan.inputs, 4 * plan.upsampled, 1, bias=False)),
            nn.BatchNorm2d(4 * plan.upsampled),
            nn.ReLU(),
        )
        self.bn = nn.BatchNorm2d(plan.skip)
        inputs = plan.upsampled + plan.skip
        for name, outputs in zip(names, plan.units, strict=True):
            unit = reference_unit(inputs, outputs)
            if attention and name == names[-1]:
                unit.append(ReferenceAttention(outputs))
            self.add_module(name, unit)
            inputs = outputs
        self.names = names

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = reference_blur(F.pixel_shuffle(self.shuf.conv(x), 2))
        if up.shape[2:] != skip.shape[2:]:
            up = F.interpolate(up, skip.shape[2:], mode="nearest")
        x = F.relu(torch.cat((up, self.bn(skip)), 1))
        for name in self.names:
            x = self.get_submodule(name)(x)
        return x


class ReferenceAttention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        for name, outputs in (("query", channels // 8), ("key", channels // 8), ("value", channels)):
            self.add_module(name, spectral_norm(nn.Conv1d(channels, outputs, 1, bias=False)))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        f, g, h = (self.get_submodule(name)(flat) for name in ("query", "key", "value"))
        mixed = h @ torch.softmax(f.transpose(1, 2) @ g, 1)
        return self.gamma * mixed.view_as(x) + x


class ReferenceResidual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        convolutions = (spectral_norm(nn.Conv2d(channels, channels, 3, padding=1)) for _ in range(2))
        self.layers = nn.Sequential(*(nn.Sequential(layer, nn.ReLU()) for layer in convolutions))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class ReferenceGenerator(nn.Module):
    """The unfolded network after the description of the original, with the keys of the official files."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        deepest, plans = config.stages[3], config.blocks
        names = ("conv",) if config.architecture == "wide" else ("conv1", "conv2")
        last = plans[3].units[-1]
        upsampler = nn.Module()
        upsampler.conv = nn.Sequential(weight_norm(nn.Conv2d(last, 4 * last, 1)), nn.ReLU())
        self.layers = nn.ModuleList(
            [
                reference_body(config),
                nn.BatchNorm2d(deepest),
                nn.ReLU(),
                nn.Sequential(reference_unit(deepest, 2 * deepest), reference_unit(2 * deepest, deepest)),
                *(ReferenceBlock(plan, names, i == 1) for i, plan in enumerate(plans)),
                upsampler,
                nn.Identity(),
                ReferenceResidual(last + 3),
                nn.Sequential(spectral_norm(nn.Conv2d(last + 3, 3, 1))),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        skips, out = [], x
        for i, layer in enumerate(self.layers[0]):
            out = layer(out)
            if i in (2, 4, 5, 6):
                skips.append(out.clone())
        for layer in self.layers[1:4]:
            out = layer(out)
        for block in self.layers[4:8]:
            out = block(out, skips.pop())
        out = reference_blur(F.pixel_shuffle(self.layers[8].conv(out), 2))
        out = torch.cat((out, x), 1)
        return 6 * torch.sigmoid(self.layers[11](self.layers[10](out))) - 3


def reference_unit(inputs: int, outputs: int) -> nn.Sequential:
    convolution = spectral_norm(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
    return nn.Sequential(convolution, nn.ReLU(), nn.BatchNorm2d(outputs))


def reference_blur(x: Tensor) -> Tensor:
    left = torch.cat((x[..., :1], x[..., :-1]), 3)
    rows = (x + left) / 2
    return (rows + torch.cat((rows[:, :, :1], rows[:, :, :-1]), 2)) / 2


def reference_body(config: Config) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(3, config.stem, 7, 2, 3, bias=False),
        nn.BatchNorm2d(config.stem),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = config.stem
    for i, (depth, outputs) in enumerate(zip(config.depths, config.stages, strict=True)):
        stage = nn.Sequential()
        for j in range(depth):
            stride = 2 if i > 0 and j == 0 else 1
            shortcut = None
            if j == 0 and (stride == 2 or inputs != outputs):
                shortcut = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )
            block = Bottleneck if config.bottleneck else BasicBlock
            stage.append(block(inputs, config.stem * 2**i, stride, shortcut))
            inputs = outputs
        layers.append(stage)
    return nn.Sequential(*layers)


@pytest.fixture(scope="module", params=[WIDE, DEEP], ids=["wide", "deep"])
def config(request: pytest.FixtureRequest) -> Config:
    return request.param


@pytest.fixture
def state(config: Config) -> dict[str, Tensor]:
    return tiny_deoldify_state_dict(config.architecture)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 80), (62, 34)])
@torch.inference_mode()
def test_folded_network_equals_the_unfolded_reference(
    config: Config, state: dict[str, Tensor], height: int, width: int
) -> None:
    reference = ReferenceGenerator(config).eval()
    reference.load_state_dict(state)
    x = noise(2, 3, height, width)
    expected = reference(x)
    assert expected.std() > 0.1
    torch.testing.assert_close(generator.build(state)(x), expected, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_self_attention_equals_fastai() -> None:
    pytest.importorskip("fastai", reason="fastai is the reference; it comes with the train extra")
    from fastai.layers import SelfAttention as FastaiAttention

    torch.manual_seed(0)
    theirs = FastaiAttention(16).eval()
    theirs.gamma.data.fill_(0.7)
    x = 3 * noise(2, 16, 6, 5)
    expected = theirs(x)
    ours = SelfAttention(16)
    ours.gamma.data.fill_(0.7)
    for name in ("query", "key", "value"):
        ours.get_submodule(name).weight.data = theirs.get_submodule(f"{name}.0").weight
    torch.testing.assert_close(ours(x), expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_last_upsampler_equals_fastai() -> None:
    pytest.importorskip("fastai", reason="fastai is the reference; it comes with the train extra")
    from fastai.layers import PixelShuffle_ICNR

    theirs = PixelShuffle_ICNR(8, 6, blur=True).eval()
    convolution = theirs[0][0]
    convolution.weight_v.data.normal_()
    x = noise(2, 8, 5, 7)
    expected = theirs(x)
    ours = Upsampler(8, 6)
    ours.conv.weight.data, ours.conv.bias.data = convolution.weight, convolution.bias
    torch.testing.assert_close(ours(x), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(12, 10), (11, 9)], ids=["same size", "odd skip"])
@torch.inference_mode()
def test_deep_block_equals_fastai(size: tuple[int, int]) -> None:
    """fastai's block has no normalisation behind its two convolutions; ours is set to do nothing."""
    pytest.importorskip("fastai", reason="fastai is the reference; it comes with the train extra")
    from fastai.layers import NormType
    from fastai.vision.models.unet import UnetBlock as FastaiBlock

    class Hook:
        stored = noise(2, 8, *size)

    theirs = FastaiBlock(16, 8, Hook, blur=True, self_attention=True, norm_type=NormType.Spectral).eval()
    theirs.conv2[2].gamma.data.fill_(0.5)
    for unit in (theirs.conv1, theirs.conv2):
        unit[0].bias.data.zero_()
    x = noise(2, 16, 6, 5)
    expected = theirs(x)
    ours = UnetBlock(BlockPlan(16, 8, 8, (16, 16)), attention=True)
    ours.upsampler.conv.weight.data = theirs.shuf[0][0].weight
    ours.upsampler.conv.bias.data = theirs.shuf[0][0].bias
    skip_norm = theirs.bn
    ours.skip_norm.weight.data = (skip_norm.weight / (1 + skip_norm.eps) ** 0.5).view(-1, 1, 1)
    ours.skip_norm.bias.data = skip_norm.bias.view(-1, 1, 1)
    for mine, unit in zip(ours.units, (theirs.conv1, theirs.conv2), strict=True):
        mine.conv.weight.data = unit[0].weight
        mine.norm.weight.data.fill_(1)
        mine.norm.bias.data.zero_()
    ours.attention.gamma.data.fill_(0.5)
    for name in ("query", "key", "value"):
        ours.attention.get_submodule(name).weight.data = theirs.conv2[2].get_submodule(f"{name}.0").weight
    torch.testing.assert_close(ours(x, Hook.stored), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("config", "resnet"), [(generator.WIDE, resnet101), (generator.DEEP, resnet34)], ids=["wide", "deep"]
)
def test_body_has_the_keys_and_shapes_of_torchvisions_resnet(config: Config, resnet: Any) -> None:
    with torch.device("meta"):
        theirs = resnet(weights=None).state_dict()
    names = {"conv1": "0", "bn1": "1", **{f"layer{i}": f"{i + 3}" for i in range(1, 5)}}
    expected = {
        f"layers.0.{names[first]}.{rest}": tuple(tensor.shape)
        for (first, _, rest), tensor in ((key.partition("."), tensor) for key, tensor in theirs.items())
        if first in names and rest.rpartition(".")[2] != "num_batches_tracked"
    }
    ours = generator.official_shapes(config)
    assert {key: shape for key, shape in ours.items() if key.startswith("layers.0.")} == expected


@pytest.mark.parametrize(
    ("config", "manifest"), [(generator.WIDE, "wide"), (generator.DEEP, "deep")], ids=["wide", "deep"]
)
def test_official_layout_is_that_of_the_released_files(config: Config, manifest: str) -> None:
    rows = official.manifest(manifest)
    expected = {key: shape for key, shape, _ in rows if not key.endswith("num_batches_tracked")}
    assert generator.official_shapes(config) == expected


def test_configuration_is_read_from_the_shapes(config: Config, state: dict[str, Tensor]) -> None:
    network = generator.build(state)
    assert network.config == config
    assert network.architecture == config.architecture


def test_building_empties_the_state_dict_and_needs_no_gradients(state: dict[str, Tensor]) -> None:
    network = generator.build(state)
    assert not state
    assert not network.training
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in network.parameters())


def test_batch_counters_may_be_missing(state: dict[str, Tensor]) -> None:
    generator.build({key: value for key, value in state.items() if not key.endswith("num_batches_tracked")})


def test_half_precision_files_load_as_float32(state: dict[str, Tensor]) -> None:
    halves = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    assert {parameter.dtype for parameter in generator.build(halves).parameters()} == {torch.float32}


@pytest.mark.parametrize(
    "key",
    [
        "layers.0.5.0.conv2.weight",
        "layers.1.running_var",
        "layers.6.shuf.conv.0.weight_u",
        "layers.11.0.bias",
    ],
)
def test_a_missing_key_is_named_and_nothing_is_lost(state: dict[str, Tensor], key: str) -> None:
    del state[key]
    before = dict(state)
    with pytest.raises(ValueError, match=rf"1 missing \({key}\)"):
        generator.build(state)
    assert state.keys() == before.keys()


def test_a_wrong_shape_is_named_with_both_shapes(state: dict[str, Tensor]) -> None:
    state["layers.11.0.bias"] = torch.zeros(4)
    with pytest.raises(ValueError, match=r"1 misshapen \(layers.11.0.bias is 4 where 3 is needed\)"):
        generator.build(state)


def test_an_unexpected_key_is_named(state: dict[str, Tensor]) -> None:
    state["layers.12.weight"] = torch.zeros(1)
    with pytest.raises(ValueError, match=r"1 unexpected \(layers.12.weight\)"):
        generator.build(state)


def test_whole_numbers_for_weights_are_refused(state: dict[str, Tensor]) -> None:
    state["layers.1.bias"] = state["layers.1.bias"].int()
    with pytest.raises(ValueError, match=r"layers.1.bias is \d+ of torch.int32"):
        generator.build(state)


@pytest.mark.parametrize(
    ("state", "guess"),
    [
        ({}, "an empty file"),
        ({"model": {"layers.1.bias": torch.zeros(1)}}, "weights lie under 'model'"),
        (
            {"module.layers.4.conv1.0.weight_orig": torch.zeros(1)},
            "deep generator .* with the prefix 'module.'",
        ),
        ({"conv.weight": torch.zeros(1)}, "another network .its first key is 'conv.weight'"),
        ({7: torch.zeros(1)}, "another network"),
        (tiny_ddcolor_state_dict(), "DDColor"),
    ],
    ids=["empty", "wrapped", "data parallel", "unknown", "numbers", "ddcolor"],
)
def test_foreign_files_are_recognised(state: dict[str, Any], guess: str) -> None:
    with pytest.raises(ValueError, match=f"not a DeOldify generator; it looks like .*{guess}"):
        build_network(FAMILIES["deoldify"], state, torch.float32)


def test_describe_tells_the_two_generators_apart() -> None:
    assert "wide" in guess(tiny_deoldify_state_dict("wide"))
    assert "deep" in guess(tiny_deoldify_state_dict("deep"))


@torch.inference_mode()
def test_padded_channels_change_nothing(state: dict[str, Tensor]) -> None:
    plain, padded = generator.build(dict(state)), generator.build(dict(state), pad_channels=16)
    assert padded.residual[0].weight.shape[0] % 16 == 0
    assert padded.padding > 0
    x = noise(1, 3, 64, 64)
    torch.testing.assert_close(padded(x), plain(x), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_a_batch_gives_what_its_pictures_give_alone(state: dict[str, Tensor]) -> None:
    colorizer = DeOldifyColorizer(generator.build(state))
    pictures = gray(3)
    alone = torch.cat([colorizer(picture[None]) for picture in pictures])
    torch.testing.assert_close(colorizer(pictures), alone, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_memory_format_changes_nothing(state: dict[str, Tensor]) -> None:
    colorizer = DeOldifyColorizer(generator.build(state))
    expected = colorizer(gray())
    torch.testing.assert_close(
        colorizer.to(memory_format=torch.channels_last)(gray()), expected, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 0.005), (torch.bfloat16, 0.03)])
@torch.inference_mode()
def test_half_precision_stays_close(state: dict[str, Tensor], dtype: torch.dtype, tolerance: float) -> None:
    colorizer = DeOldifyColorizer(generator.build(state))
    expected = colorizer(gray())
    chroma = colorizer.to(dtype)(gray())
    assert chroma.dtype == torch.float32
    torch.testing.assert_close(chroma, expected, atol=tolerance, rtol=0)


@torch.inference_mode()
def test_odd_sizes_are_an_error_that_says_so(state: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="even width and height, got 64×63"):
        generator.build(state)(noise(1, 3, 63, 64))


@torch.inference_mode()
def test_chroma_is_that_of_a_colour_and_the_picture_keeps_its_luma(state: dict[str, Tensor]) -> None:
    colorizer = DeOldifyColorizer(generator.build(state))
    chroma = colorizer(gray())
    assert chroma.abs().max() <= 0.5
    assert chroma.std() > 0.01
    picture = (0.3 + 0.4 * gray(1, 90, 70)).expand(-1, 3, -1, -1)
    result = colorize_picture(colorizer, picture, 10)
    inside = ((result > 0) & (result < 1)).all(1, keepdim=True)
    assert inside.float().mean() > 0.5
    assert (rgb_to_luma(result) - rgb_to_luma(picture))[inside].abs().max() < 1e-5


def tensor_of(picture: npt.NDArray[np.uint8]) -> Tensor:
    """An 8-bit picture as (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 255


def delta_e(first: Tensor, second: Tensor) -> npt.NDArray[np.float64]:
    pictures = (rgb2lab(picture[0].permute(1, 2, 0).numpy()) for picture in (first, second))
    return deltaE_ciede2000(*pictures)


@pytest.fixture(scope="module", params=["wide", "deep"])
def full_size(request: pytest.FixtureRequest) -> tuple[str, Generator]:
    """The name, and the network of full size with the weights that the golden results were made with."""
    return request.param, generator.build(official.state_dict(request.param))


Results = Mapping[str, npt.NDArray[Any]]


def packed() -> Results:
    return packing.read(official.DEOLDIFY)


def unpacked(shared: Path) -> Results:
    return official.deoldify_results(shared / "networks" / "golden_deoldify")


@torch.inference_mode()
def check_raw(net: str, network: Generator, results: Results, name: str) -> None:
    x = normalize(tensor_of(results[f"raw/{name}/in"]), MEAN, DEVIATION)
    output: npt.NDArray[np.float32] = network(x)[0].numpy()
    case = f"raw/{name}/{net}"
    if f"{case}/full" in results:
        np.testing.assert_allclose(output, results[f"{case}/full"], atol=1e-3, rtol=0)
        return
    start, step, block = results[f"raw/{name}/grid"]
    np.testing.assert_allclose(output[:, start::step, start::step], results[f"{case}/strided"], atol=1e-3)
    height, width = (size // block for size in output.shape[1:])
    pooled = output.reshape(3, height, block, width, block).mean((2, 4))
    np.testing.assert_allclose(pooled, results[f"{case}/pooled"], atol=1e-3)


@torch.inference_mode()
def check_colouriser(net: str, network: Generator, results: Results, name: str, factor: int) -> None:
    """The network gets the original's own 8-bit square; what is left of a difference is later rounding."""
    picture = results[f"filter/{name}/in"]
    side = 16 * factor
    square = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
    gray = torch.from_numpy(np.array(square.convert("L")))[None, None] / 255
    result = apply_chroma(tensor_of(picture), DeOldifyColorizer(network)(gray))
    expected = tensor_of(results[f"filter/{name}/{net}/rf{factor}"])
    # Of large factors, every second pixel is stored.
    step = round(result.shape[2] / expected.shape[2])
    difference = delta_e(result[..., ::step, ::step], expected)
    assert difference.mean() <= 0.5
    assert (difference <= 2).mean() >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("name", ["noise_gray_160", "noise_colour_96x160", "photo_176", "photo_256"])
def test_raw_network_equals_the_original(full_size: tuple[str, Generator], name: str) -> None:
    check_raw(*full_size, packed(), name)


@pytest.mark.long
@pytest.mark.parametrize("name", ["noise_gray_160", "photo_160", "photo_176", "noise_gray_384", "photo_384"])
def test_raw_network_equals_the_original_in_every_pixel_and_in_large(
    full_size: tuple[str, Generator], shared: Path, name: str
) -> None:
    check_raw(*full_size, unpacked(shared), name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "factor"), [("noise", 10), ("photo", 10), ("noise", 11), ("photo", 16)])
def test_whole_colouriser_equals_the_original(
    full_size: tuple[str, Generator], name: str, factor: int
) -> None:
    check_colouriser(*full_size, packed(), name, factor)


@pytest.mark.long
@pytest.mark.parametrize("factor", [10, 11, 16, 24])
@pytest.mark.parametrize("name", ["noise", "photo"])
def test_whole_colouriser_equals_the_original_at_every_factor(
    full_size: tuple[str, Generator], shared: Path, name: str, factor: int
) -> None:
    check_colouriser(*full_size, unpacked(shared), name, factor)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["noise", "photo"])
@torch.inference_mode()
def test_whole_picture_path_is_close_to_the_original(full_size: tuple[str, Generator], name: str) -> None:
    """Our square is not rounded to 8 bits: half a level, which random weights on noise make visible."""
    net, network = full_size
    result = colorize_picture(DeOldifyColorizer(network), tensor_of(packed()[f"filter/{name}/in"]), 10)
    difference = delta_e(result, tensor_of(packed()[f"filter/{name}/{net}/rf10"]))
    assert difference.mean() <= 0.75
    assert (difference <= 2).mean() >= 0.98
