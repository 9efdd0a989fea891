"""One network, one colour: whatever runs it, at whatever size, and whatever the script has set."""

import pytest
import torch
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict

from vsdeoldify.runtime.engines import openvino

CPU = torch.device("cpu")
SIZES = (64, 160, 224, 288, 416)
# Colours of a mean ΔE2000 of 0.3 can only be told apart by measuring. U and V reach from −0.5 to 0.5.
DELTA_E, CHROMA = 0.3, 0.01

BACKENDS = [
    "torch",
    pytest.param(
        "openvino",
        marks=pytest.mark.skipif(not openvino.available(), reason="OpenVINO is not installed"),
    ),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """Small models of every family: what the family is called, and its model's name or path."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("wide", "deep"):
        torch.save(tiny_deoldify_state_dict(name), folder / f"{name}.pth")
    for name in ("large", "tiny"):
        torch.save({"params": tiny_ddcolor_state_dict(name)}, folder / f"{name}.pth")
    return {
        "deoldify": [str(folder / "wide.pth"), str(folder / "deep.pth")],
        "ddcolor": [str(folder / "large.pth"), str(folder / "tiny.pth")],
        "preview": ["preview"],
    }
