"""DDColor: against the original's golden results and a plain unfolded reference."""

from __future__ import annotations

import math
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
from skimage.color import deltaE_ciede2000, rgb2lab
from tiny import LARGE, TINY, tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from vsdeoldify.ddcolor import network as ddcolor
from vsdeoldify.ddcolor.colorizer import DDColorColorizer, colorize_picture
from vsdeoldify.ddcolor.network import Config, DDColor
from vsdeoldify.networks.family import FAMILIES, guess
from vsdeoldify.networks.loading import build_network
from vsdeoldify.runtime.color import rgb_to_chroma, rgb_to_lab


def gray(batch: int = 1, height: int = 64, width: int = 64) -> Tensor:
    """Smooth gray pictures in [0, 1]."""
    small = torch.rand(batch, 1, 5, 5, generator=torch.Generator().manual_seed(5))
    return F.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)


class Reference:
    """The network after the description of the original, straight from an official state dict."""

    def __init__(self, state: dict[str, Tensor], config: Config) -> None:
        self.state = state
        self.config = config

    def __call__(self, x: Tensor) -> Tensor:
        x = (x - self.state["mean"]) / self.state["std"]
        skips = self.encode(x)
        out, maps = skips.pop(), []
        for i in range(3):
            out = self.unet_block(f"decoder.layers.{i}", out, skips.pop())
            maps.append(out)
        pixels = F.pixel_shuffle(F.relu(self.spectral("decoder.last_shuf.conv.0", out)), 4)
        planes = torch.einsum("bqc,bchw->bqhw", self.colors(maps), self.blur(pixels))
        return self.spectral("refine_net.0.0", torch.cat((planes, x), 1))

    def part(self, name: str) -> dict[str, Tensor]:
        return {
            key.removeprefix(f"{name}."): v for key, v in self.state.items() if key.startswith(f"{name}.")
        }

    def plain(self, name: str) -> tuple[Tensor, Tensor]:
        return self.state[f"{name}.weight"], self.state[f"{name}.bias"]

    def layer_norm(self, name: str, x: Tensor, eps: float = 1e-6) -> Tensor:
        """Over the channels of a (B, C, H, W) map."""
        weight, bias = (value.view(-1, 1, 1) for value in self.plain(name))
        variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
        return (x - mean) / (variance + eps).sqrt() * weight + bias

    def batch_norm(self, name: str, x: Tensor) -> Tensor:
        layer = nn.BatchNorm2d(x.shape[1]).eval()
        layer.load_state_dict(self.part(name))
        return layer(x)

    def spectral(self, name: str, x: Tensor) -> Tensor:
        outputs, inputs, kernel, _ = self.state[f"{name}.weight_orig"].shape
        biased = f"{name}.bias" in self.state
        layer = spectral_norm(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=biased)).eval()
        layer.load_state_dict(self.part(name))
        return layer(x)

    def blur(self, x: Tensor) -> Tensor:
        rows = (x + torch.cat((x[..., :1], x[..., :-1]), 3)) / 2
        return (rows + torch.cat((rows[:, :, :1], rows[:, :, :-1]), 2)) / 2

    def encode(self, x: Tensor) -> list[Tensor]:
        arch, taps = "encoder.arch", []
        for i, depth in enumerate(self.config.depths):
            down = f"{arch}.downsample_layers.{i}"
            if i:
                x = F.conv2d(self.layer_norm(f"{down}.0", x), *self.plain(f"{down}.1"), stride=2)
            else:
                x = self.layer_norm(f"{down}.1", F.conv2d(x, *self.plain(f"{down}.0"), stride=4))
            for j in range(depth):
                block = f"{arch}.stages.{i}.{j}"
                y = F.conv2d(x, *self.plain(f"{block}.dwconv"), padding=3, groups=x.shape[1])
                y = self.layer_norm(f"{block}.norm", y).movedim(1, -1)
                y = F.gelu(F.linear(y, *self.plain(f"{block}.pwconv1")))
                y = self.state[f"{block}.gamma"] * F.linear(y, *self.plain(f"{block}.pwconv2"))
                x = x + y.movedim(-1, 1)
            taps.append(self.layer_norm(f"{arch}.norm{i}", x))
        return taps

    def unet_block(self, name: str, x: Tensor, skip: Tensor) -> Tensor:
        up = F.relu(self.batch_norm(f"{name}.shuf.conv.1", self.spectral(f"{name}.shuf.conv.0", x)))
        up = self.blur(F.pixel_shuffle(up, 2))
        x = F.relu(torch.cat((up, self.batch_norm(f"{name}.bn", skip)), 1))
        return self.batch_norm(f"{name}.conv.2", F.relu(self.spectral(f"{name}.conv.0", x)))

    def colors(self, maps: list[Tensor]) -> Tensor:
        decoder, hidden = "decoder.color_decoder", self.config.hidden
        levels = []
        for i, features in enumerate(maps):
            memory = F.conv2d(features, *self.plain(f"{decoder}.input_proj.{i}"))
            memory = memory + self.state[f"{decoder}.level_embed.weight"][i].view(-1, 1, 1)
            levels.append((memory.flatten(2).transpose(1, 2), self.position(*memory.shape[1:])))
        place = self.state[f"{decoder}.query_embed.weight"]
        query = self.state[f"{decoder}.query_feat.weight"].expand(len(maps[0]), -1, -1)
        for i in range(self.config.layers):
            memory, position = levels[i % 3]
            layer = f"{decoder}.transformer_cross_attention_layers.{i}"
            attended = self.attention(f"{layer}.multihead_attn", query + place, memory + position, memory)
            query = F.layer_norm(query + attended, (hidden,), *self.plain(f"{layer}.norm"))
            layer = f"{decoder}.transformer_self_attention_layers.{i}"
            attended = self.attention(f"{layer}.self_attn", query + place, query + place, query)
            query = F.layer_norm(query + attended, (hidden,), *self.plain(f"{layer}.norm"))
            layer = f"{decoder}.transformer_ffn_layers.{i}"
            inner = F.relu(F.linear(query, *self.plain(f"{layer}.linear1")))
            inner = F.linear(inner, *self.plain(f"{layer}.linear2"))
            query = F.layer_norm(query + inner, (hidden,), *self.plain(f"{layer}.norm"))
        query = F.layer_norm(query, (hidden,), *self.plain(f"{decoder}.decoder_norm"))
        for i in range(3):
            query = F.linear(query, *self.plain(f"{decoder}.color_embed.layers.{i}"))
            query = F.relu(query) if i < 2 else query
        return query

    def attention(self, name: str, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        layer = nn.MultiheadAttention(self.config.hidden, 8).eval()
        layer.load_state_dict(self.part(name))
        result, _ = layer(query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1))
        return result.transpose(0, 1)

    def position(self, channels: int, height: int, width: int) -> Tensor:
        half = channels // 2
        table = torch.zeros(height, width, channels)
        for k in range(channels):
            j = k % half
            wavelength = 10000 ** (2 * (j // 2) / half)
            turn = math.sin if j % 2 == 0 else math.cos
            for n in range(height if k < half else width):
                size = height if k < half else width
                value = turn((n + 1) / (size + 1e-6) * 2 * math.pi / wavelength)
                if k < half:
                    table[n, :, k] = value
                else:
                    table[:, n, k] = value
        return table.flatten(0, 1)


@pytest.fixture(params=[LARGE, TINY], ids=["large", "tiny"])
def config(request: pytest.FixtureRequest) -> Config:
    return request.param


@pytest.fixture
def state(config: Config) -> dict[str, Tensor]:
    return tiny_ddcolor_state_dict(config.architecture)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 96)])
@torch.inference_mode()
def test_folded_network_equals_the_unfolded_reference(
    config: Config, state: dict[str, Tensor], height: int, width: int
) -> None:
    x = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(3))
    expected = Reference(state, config)(x)
    assert expected.std() > 1
    torch.testing.assert_close(ddcolor.build(dict(state))(x), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("config", "manifest"), [(ddcolor.LARGE, "large"), (ddcolor.TINY, "tiny")], ids=["large", "tiny"]
)
def test_official_layout_is_that_of_the_released_files(config: Config, manifest: str) -> None:
    rows = official.manifest(manifest)
    unused = ("num_batches_tracked", "arch.norm.weight", "arch.norm.bias")
    expected = {key: shape for key, shape, _ in rows if not key.endswith(unused)}
    assert ddcolor.official_shapes(config) == expected


def test_configuration_is_read_from_the_shapes(config: Config, state: dict[str, Tensor]) -> None:
    network = ddcolor.build(state)
    assert network.config == config
    assert network.architecture == config.architecture


def test_building_empties_the_state_dict_and_needs_no_gradients(state: dict[str, Tensor]) -> None:
    network = ddcolor.build(state)
    assert not state
    assert not network.training
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in network.parameters())


def test_keys_that_evaluation_ignores_may_be_there_or_not(config: Config, state: dict[str, Tensor]) -> None:
    state["encoder.arch.head_cls.weight"] = torch.zeros(4, config.dims[3])
    state["encoder.arch.head_cls.bias"] = torch.zeros(4)
    ddcolor.build(dict(state))
    unused = ("num_batches_tracked", "arch.norm.weight", "arch.norm.bias", "head_cls.weight", "head_cls.bias")
    ddcolor.build({key: value for key, value in state.items() if not key.endswith(unused)})


@pytest.mark.parametrize(
    "key",
    [
        "mean",
        "encoder.arch.stages.1.0.pwconv2.bias",
        "decoder.layers.2.conv.2.running_mean",
        "decoder.color_decoder.transformer_ffn_layers.1.norm.bias",
        "refine_net.0.0.weight_v",
    ],
)
def test_a_missing_key_is_named_and_nothing_is_lost(state: dict[str, Tensor], key: str) -> None:
    del state[key]
    before = dict(state)
    with pytest.raises(ValueError, match=rf"1 missing \({key}\)"):
        ddcolor.build(state)
    assert state.keys() == before.keys()


def test_a_wrong_shape_is_named_with_both_shapes(state: dict[str, Tensor]) -> None:
    state["refine_net.0.0.bias"] = torch.zeros(3)
    with pytest.raises(ValueError, match=r"1 misshapen \(refine_net.0.0.bias is 3 where 2 is needed\)"):
        ddcolor.build(state)


@pytest.mark.parametrize(
    ("state", "guess"),
    [
        ({}, "an empty file"),
        ({"params": {"mean": torch.zeros(1)}}, "weights lie under 'params'"),
        ({"stages.0.0.dwconv.weight": torch.zeros(1)}, "a ConvNeXt picture classifier"),
        (tiny_deoldify_state_dict("wide"), r"DeOldify's wide generator"),
        (tiny_deoldify_state_dict("deep"), r"DeOldify's deep generator"),
    ],
    ids=["empty", "wrapped", "classifier", "wide", "deep"],
)
def test_foreign_files_are_recognised(state: dict[str, Any], guess: str) -> None:
    with pytest.raises(ValueError, match=f"not a DDColor network; it looks like .*{guess}"):
        build_network(FAMILIES["ddcolor"], state, torch.float32)


def test_describe_names_the_family() -> None:
    assert guess(tiny_ddcolor_state_dict()) == "DDColor"


@torch.inference_mode()
def test_a_batch_gives_what_its_pictures_give_alone(state: dict[str, Tensor]) -> None:
    colorizer = DDColorColorizer(ddcolor.build(state))
    pictures = gray(3)
    alone = torch.cat([colorizer(picture[None]) for picture in pictures])
    torch.testing.assert_close(colorizer(pictures), alone, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_any_order_of_sizes_gives_the_same(state: dict[str, Tensor]) -> None:
    network = ddcolor.build(state)
    sizes = [32 * n for n in range(1, 11)]
    first = {size: network(gray(1, size, 32).expand(-1, 3, -1, -1)) for size in sizes}
    for size in reversed(sizes):
        torch.testing.assert_close(network(gray(1, size, 32).expand(-1, 3, -1, -1)), first[size])


@torch.inference_mode()
def test_memory_format_changes_nothing(state: dict[str, Tensor]) -> None:
    colorizer = DDColorColorizer(ddcolor.build(state))
    expected = colorizer(gray())
    torch.testing.assert_close(
        colorizer.to(memory_format=torch.channels_last)(gray()), expected, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 0.005), (torch.bfloat16, 0.03)])
@torch.inference_mode()
def test_half_precision_stays_close(state: dict[str, Tensor], dtype: torch.dtype, tolerance: float) -> None:
    colorizer = DDColorColorizer(ddcolor.build(state))
    expected = colorizer(gray())
    chroma = colorizer.to(dtype)(gray())
    assert chroma.dtype == torch.float32
    torch.testing.assert_close(chroma, expected, atol=tolerance, rtol=0)


@torch.inference_mode()
def test_a_size_that_is_no_multiple_of_32_is_an_error_that_says_so(state: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="multiples of 32 for width and height, got 64×48"):
        ddcolor.build(state)(torch.zeros(1, 3, 48, 64))


@torch.inference_mode()
def test_overshooting_colours_are_limited_and_stay_finite(state: dict[str, Tensor]) -> None:
    colorizer = DDColorColorizer(ddcolor.build(state))
    colorizer.network.offset.data = torch.tensor([-400.0, 400.0])
    assert colorizer.ab(gray()).abs().max() == 128
    chroma = colorizer(gray())
    assert chroma.isfinite().all()
    assert chroma.abs().max() <= 0.5


@torch.inference_mode()
def test_chroma_of_the_square_is_that_of_the_whole_picture_path(state: dict[str, Tensor]) -> None:
    colorizer = DDColorColorizer(ddcolor.build(state))
    whole = colorize_picture(colorizer, gray().expand(-1, 3, -1, -1), 64)
    torch.testing.assert_close(colorizer(gray()), rgb_to_chroma(whole), atol=1e-3, rtol=0)


@torch.inference_mode()
def test_picture_keeps_its_lightness(state: dict[str, Tensor]) -> None:
    colorizer = DDColorColorizer(ddcolor.build(state))
    picture = (0.3 + 0.4 * gray(1, 90, 70)).expand(-1, 3, -1, -1)
    result = colorize_picture(colorizer, picture, 64)
    assert result.shape == picture.shape
    inside = ((result > 0) & (result < 1)).all(1)
    assert inside.float().mean() > 0.5
    difference = (rgb_to_lab(result) - rgb_to_lab(picture))[:, 0].abs()
    assert difference[inside].max() < 0.01
    assert rgb_to_lab(result)[:, 1:].std() > 1


def tensor_of(picture: npt.NDArray[Any]) -> Tensor:
    """A 16-bit picture as (1, 1 or 3, H, W) in [0, 1]; an array (3, H, W) of floats as it is."""
    if picture.dtype == np.uint16:
        planes = picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1)
        return torch.from_numpy(planes.astype(np.float32) / 65535)[None]
    return torch.from_numpy(picture.astype(np.float32))[None]


def pool(x: Tensor, height: int = 64, width: int = 64) -> npt.NDArray[np.float32]:
    return F.adaptive_avg_pool2d(x, (height, width))[0].numpy()


@pytest.fixture(scope="module", params=["large", "tiny"])
def full_size(request: pytest.FixtureRequest) -> tuple[str, DDColor]:
    """The name, and the network of full size with the weights that the golden results were made with."""
    return request.param, ddcolor.build(official.state_dict(request.param))


Results = Mapping[str, npt.NDArray[Any]]


def packed() -> Results:
    return packing.read(official.DDCOLOR)


def unpacked(shared: Path) -> Results:
    return official.ddcolor_results(shared / "networks" / "golden_ddcolor")


@torch.inference_mode()
def check_network(net: str, network: DDColor, results: Results, name: str) -> None:
    ab = network(tensor_of(results[f"net/{name}/in"]).expand(-1, 3, -1, -1))
    case = f"net/{name}/{net}"
    np.testing.assert_allclose(pool(ab), results[f"{case}/pool64"], atol=1e-3, rtol=0)
    std, mean = torch.std_mean(ab[0].double(), (1, 2), correction=0)
    np.testing.assert_allclose(mean, results[f"{case}/mean"], atol=2e-4)
    np.testing.assert_allclose(std, results[f"{case}/std"], atol=2e-4)
    if f"{case}/full" in results:
        np.testing.assert_allclose(ab[0], results[f"{case}/full"], atol=2e-3, rtol=0)
    if f"{case}/strided" in results:
        np.testing.assert_allclose(ab[0, :, 1::3, 1::3], results[f"{case}/strided"], atol=2e-3, rtol=0)


@torch.inference_mode()
def check_colouriser(net: str, network: DDColor, results: Results, name: str, size: int) -> None:
    result = colorize_picture(DDColorColorizer(network), tensor_of(results[f"frame/{name}/in"]), size)
    case = f"frame/{name}/{size}/{net}"
    np.testing.assert_allclose(pool(result, 60, 80), results[f"{case}/out_pool80x60"], atol=1e-3)
    mean = result[0].double().mean((1, 2))
    np.testing.assert_allclose(mean, results[f"{case}/out_mean"], atol=1e-4)
    if f"{case}/out" in results:
        expected = tensor_of(results[f"{case}/out"])
        # Every second pixel is stored.
        step = round(result.shape[2] / expected.shape[2])
        pictures = (x[0].permute(1, 2, 0).numpy() for x in (result[..., ::step, ::step], expected))
        difference = deltaE_ciede2000(*(rgb2lab(x) for x in pictures))
        assert difference.mean() <= 0.5
        assert (difference <= 2).mean() >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("name", ["smooth_256", "smooth_384"])
def test_network_equals_the_original(full_size: tuple[str, DDColor], name: str) -> None:
    check_network(*full_size, packed(), name)


@pytest.mark.long
@pytest.mark.parametrize("name", ["smooth_256", "photo_256", "photo_384", "smooth_512"])
def test_network_equals_the_original_in_every_pixel_and_in_large(
    full_size: tuple[str, DDColor], shared: Path, name: str
) -> None:
    check_network(*full_size, unpacked(shared), name)


@pytest.mark.long
@torch.inference_mode()
def test_inner_layers_equal_the_original(full_size: tuple[str, DDColor], shared: Path) -> None:
    net, network = full_size
    results = unpacked(shared)
    found: dict[str, Tensor] = {}
    taps = {
        **{f"encoder.norms.{i}": f"encoder.arch.norm{i}" for i in range(4)},
        **{f"blocks.{i}": f"decoder.layers.{i}" for i in range(3)},
        "norm": "decoder.color_decoder.decoder_norm",
        "embed.2": "decoder.color_decoder.color_embed",
    }
    hooks = [
        network.get_submodule(ours).register_forward_hook(
            lambda _module, _args, output, name=theirs: found.update({name: output})
        )
        for ours, theirs in taps.items()
    ]
    network(tensor_of(results["net/photo_256/in"]).expand(-1, 3, -1, -1))
    for hook in hooks:
        hook.remove()
    assert set(found) == set(taps.values())
    for name, value in found.items():
        if "norm" in name and "encoder" in name:
            value = value.permute(0, 3, 1, 2)
        ours = pool(value[:, :16], 8, 8) if value.ndim == 4 else value[0, :16]
        expected = results[f"taps/{net}/{name}|slice"]
        np.testing.assert_allclose(ours, expected, atol=5e-4, rtol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["smooth", "range"])
def test_whole_colouriser_equals_the_original(full_size: tuple[str, DDColor], name: str) -> None:
    check_colouriser(*full_size, packed(), name, 256)


@pytest.mark.long
@pytest.mark.parametrize("size", [256, 384])
@pytest.mark.parametrize("name", ["smooth", "photo", "range"])
def test_whole_colouriser_equals_the_original_in_every_pixel_and_in_large(
    full_size: tuple[str, DDColor], shared: Path, name: str, size: int
) -> None:
    check_colouriser(*full_size, unpacked(shared), name, size)
