"""What OpenVINO is given of a network."""

import numpy as np
import pytest
import torch
from tiny import tiny_ddcolor_state_dict

from vsdeoldify.ddcolor.record import build
from vsdeoldify.runtime.engines import openvino


@pytest.mark.skipif(not openvino.available(), reason="OpenVINO is not installed")
@pytest.mark.parametrize("capability", ["AVX2", "AVX512"])
def test_gelus_are_written_out_where_openvino_is_slower_with_them(
    capability: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    colorizer = build(tiny_ddcolor_state_dict("tiny"), torch.float32).colorizer.eval()
    gray = np.random.default_rng(1).random((1, 1, 64, 64), np.float32)
    before = colorizer(torch.from_numpy(gray))
    model = openvino.convert(colorizer, 64, "float32")
    kinds = {node.get_type_name() for node in model.get_ops()}
    assert ("Gelu" in kinds, "Erf" in kinds) == (capability == "AVX512", capability == "AVX2")
    # The network itself stays what it was.
    assert torch.equal(colorizer(torch.from_numpy(gray)), before)
    found = openvino.compile_model(model, {"INFERENCE_PRECISION_HINT": "f32"})(gray)[0]
    assert np.abs(found - before.numpy()).max() < 1e-5


@pytest.mark.skipif(not openvino.available(), reason="OpenVINO is not installed")
@pytest.mark.parametrize(
    ("capability", "precision", "count"),
    [
        ("AVX2", "float32", 6),
        ("AVX512", "float32", 6),
        # Where the sums would cost accuracy.
        ("AVX512", "bfloat16", 1),
        ("DEFAULT", "float32", 1),
    ],
)
def test_large_convolutions_take_half_the_products_where_that_was_tried(
    capability: str, precision: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    # The least that is worth it, in products: 9 · 160 · 160 · 68².
    layer = torch.nn.Sequential(torch.nn.Conv2d(1, 160, 1), torch.nn.Conv2d(160, 160, 3, padding=1))
    torch.manual_seed(1)
    gray = torch.rand(1, 1, 68, 68)
    with torch.inference_mode():
        before = layer(gray).numpy()
    model = openvino.convert(layer.eval(), 68, precision)
    wide = [node for node in model.get_ops() if node.get_type_name() == "Convolution"]
    assert len(wide) == 1 + count
    found = openvino.compile_model(model, {"INFERENCE_PRECISION_HINT": "f32"})(gray.numpy())[0]
    assert np.abs(found - before).max() < 1e-5
