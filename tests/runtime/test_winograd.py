"""3×3 convolutions with half the products give what they gave before."""

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from vsdeoldify.deoldify.network import Config, Generator
from vsdeoldify.runtime.engines import openvino as engine
from vsdeoldify.runtime.engines.winograd import Worthwhile, save_products

if not engine.available():
    pytest.skip("OpenVINO is not installed", allow_module_level=True)
openvino = engine.import_openvino()

EVERY_ONE = Worthwhile(0, 1, 1)


def converted(network: nn.Module, shape: tuple[int, ...]) -> Any:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(network.eval(), torch.zeros(shape), check_trace=False)  # type: ignore[no-untyped-call]
        return openvino.convert_model(traced, input=[(list(shape), openvino.Type.f32)])


def results(model: Any, picture: np.ndarray) -> list[np.ndarray]:
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [np.array(one) for one in compiled([picture]).values()]


def check(network: nn.Module, shape: tuple[int, ...], count: int, seed: int = 0) -> Any:
    """Compare a network before and after; say what the model is made of then."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        # Like trained ones: what a layer gives is as large as what it takes.
        scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 1.0
        parameter.data.normal_(0, scale, generator=generator)
    picture = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    model = converted(network, shape)
    before = results(model, picture)
    assert save_products(model, openvino.opset13, EVERY_ONE) == count
    after = results(model, picture)
    for one, other in zip(before, after, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() <= 1e-5 * max(1.0, float(np.abs(one).max()))
    return Counter(node.get_type_name() for node in model.get_ordered_ops())


@settings(deadline=None, max_examples=25)
@given(
    inputs=st.integers(1, 20),
    outputs=st.integers(1, 20),
    tiles=st.integers(1, 6),
    width=st.integers(1, 30),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_one_convolution(inputs: int, outputs: int, tiles: int, width: int, bias: bool, seed: int) -> None:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    check(layer, (1, inputs, 4 * tiles, width), 1, seed)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 8, 3, padding=1, stride=2),
        nn.Conv2d(8, 8, 3, padding=2, dilation=2),
        nn.Conv2d(8, 8, 3),
        nn.Conv2d(8, 8, 3, padding=1, groups=4),
        nn.Conv2d(8, 8, (3, 1), padding=(1, 0)),
        nn.Conv2d(8, 8, 5, padding=2),
        nn.Conv2d(8, 4, 1),
        nn.ConvTranspose2d(8, 8, 3, padding=1),
    ],
    ids=str,
)
def test_other_convolutions_stay(layer: nn.Module) -> None:
    check(layer, (1, 8, 16, 16), 0)


@pytest.mark.parametrize("height", [1, 3, 6, 18])
def test_heights_that_are_no_multiple_of_four_stay(height: int) -> None:
    check(nn.Conv2d(8, 8, 3, padding=1), (1, 8, height, 16), 0)


@pytest.mark.parametrize("least", [{"products": 73_729}, {"channels": 9}, {"positions": 129}])
def test_only_large_ones_are_worth_it(least: dict[str, int]) -> None:
    shape = (1, 8, 8, 16)
    just = {"products": 73_728, "channels": 8, "positions": 128}
    model = converted(nn.Conv2d(8, 8, 3, padding=1), shape)
    assert save_products(model, openvino.opset13, Worthwhile(**just | least)) == 0
    assert save_products(model, openvino.opset13, Worthwhile(**just)) == 1


class Residual(nn.Module):
    """The end of DeOldify's generator: the convolutions' input is used again after them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(12, 12, 3, padding=1) for _ in range(2))
        self.head = nn.Conv2d(12, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        return torch.sigmoid(self.head(x + torch.relu(self.second(torch.relu(self.first(x))))))


@pytest.mark.parametrize("pictures", [1, 3])
def test_a_chain_is_put_together_once(pictures: int) -> None:
    kinds = check(Residual(), (pictures, 12, 16, 20), 2)
    assert kinds["BatchToSpace"] == 1


class Branches(nn.Module):
    """What a convolution gives goes three ways, one of them out of the network as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(6, 6, 3, padding=1) for _ in range(2))
        self.larger = nn.Conv2d(6, 24, 1)
        self.scale = nn.Parameter(torch.empty(6, 1, 1))
        self.places = nn.Parameter(torch.empty(1, 6, 16, 20))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        made = self.first(x)
        scaled = made * self.scale
        # Numbers that differ from row to row, another picture, and the mean of all rows.
        placed = scaled * self.places + x.flip(2)
        shuffled = torch.pixel_shuffle(self.larger(scaled), 2)
        return made, placed, shuffled, self.second(scaled) - scaled.mean((2, 3), keepdim=True)


def test_what_is_needed_elsewhere_is_put_together() -> None:
    check(Branches(), (1, 6, 16, 20), 2)


class Parts(nn.Module):
    """Two halves of the channels, each convolved."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        one, other = torch.relu(x).chunk(2, 1)
        joined: Tensor = self.first(one) + 2 * self.second(other)
        return joined


def test_the_parts_of_a_picture_are_told_apart() -> None:
    check(Parts(), (1, 8, 16, 20), 2)


@pytest.mark.parametrize("architecture", ["wide", "deep"])
def test_deoldify(architecture: Any) -> None:
    config = Config(architecture, bottleneck=True, depths=(1, 1, 1, 1), stem=8, width=16)
    check(Generator(config), (1, 3, 64, 64), 7 if architecture == "wide" else 11)
