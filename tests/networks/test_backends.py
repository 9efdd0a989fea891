"""One network, one colour: whatever runs it, at whatever size, and whatever the script has set."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict

from vsdeoldify.networks import loading
from vsdeoldify.networks.family import FAMILIES
from vsdeoldify.networks.loading import load_runner
from vsdeoldify.runtime.color import chroma_to_rgb
from vsdeoldify.runtime.engines import openvino
from vsdeoldify.runtime.engines.base import Planes
from vsdeoldify.runtime.runner import Runner

SIZES = (64, 160, 224, 288)
# Colours of a mean ΔE2000 of 0.3 can only be told apart by measuring. U and V reach from −0.5 to 0.5.
DELTA_E, CHROMA = 0.3, 0.01
# What the half-precision formats of a family may cost, see `Family.half`.
HALF_DELTA_E = 0.5

BACKENDS = [
    "torch",
    pytest.param(
        "openvino",
        marks=pytest.mark.skipif(not openvino.available(), reason="OpenVINO is not installed"),
    ),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Small models of every family, by the family's name: their paths, or the name of the bundled one."""
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


@pytest.fixture(scope="module", autouse=True)
def _converted_once() -> Iterator[None]:
    """What OpenVINO has converted for a size and a precision serves again."""
    convert, models = openvino.convert, dict[tuple[int, str, str, float], Any]()

    def remembering(colorizer: torch.nn.Module, size: int, precision: str) -> Any:
        key = (size, precision, str(colorizer), sum(float(p.double().sum()) for p in colorizer.parameters()))
        if key not in models:
            models[key] = convert(colorizer, size, precision)
        return models[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openvino, "convert", remembering)
        yield


EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES)
EVERY_BACKEND = pytest.mark.parametrize("backend", BACKENDS)


def picture(size: int) -> Planes:
    """A gray picture with areas, gradients and fine structure, (1, S, S)."""
    random = np.random.default_rng(size)
    coarse = torch.from_numpy(random.random((1, 1, 6, 6), np.float32))
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=True)
    fine = random.normal(0, 0.04, (size, size)).astype(np.float32)
    return np.clip(smooth[0].numpy() + fine, 0, 1)


def delta_e(gray: Planes, a: Planes, b: Planes) -> float:
    """Mean CIEDE2000 of two colourings (1, 2, S, S) of one gray picture (1, S, S)."""
    luma = torch.from_numpy(gray)[:, None]
    labs = [
        rgb2lab(
            chroma_to_rgb(luma, torch.from_numpy(chroma)).clamp(0, 1)[0, :, ::3, ::3].permute(1, 2, 0).numpy()
        )
        for chroma in (a, b)
    ]
    return float(deltaE_ciede2000(*labs).mean())


def assert_same_colours(gray: Planes, found: Planes, expected: Planes) -> None:
    assert np.abs(found - expected).max() <= CHROMA
    assert delta_e(gray, found, expected) <= DELTA_E


def runner(family: str, model: str, backend: str, precision: str = "float32") -> Runner:
    return load_runner(family, model, None, "cpu", backend=backend, precision=precision, chosen=True)


@EVERY_FAMILY
@EVERY_BACKEND
def test_one_model_has_one_colour_on_every_backend_at_every_size(
    models: dict[str, list[str]], family: str, backend: str
) -> None:
    """One runner gets all sizes, up and down; each must be as if the runner had never seen another."""
    sizes = (*SIZES, 176) if FAMILIES[family].stride == 16 else SIZES
    for model in models[family]:
        alone = {size: runner(family, model, "torch")(picture(size)) for size in sizes}
        assert all(np.ptp(chroma) > 0.02 for chroma in alone.values()), "too pale to compare"
        shared = runner(family, model, backend)
        for size in (*sizes, SIZES[1], SIZES[0]):
            assert_same_colours(picture(size), shared(picture(size)), alone[size])


@EVERY_FAMILY
@EVERY_BACKEND
def test_half_precision_keeps_the_colours(models: dict[str, list[str]], family: str, backend: str) -> None:
    """By every backend that takes the format; where the processor lacks it, torch emulates it."""
    formats = [name for name in FAMILIES[family].half if backend == "torch" or name == "bfloat16"]
    assert "bfloat16" in formats
    for model in models[family]:
        for size in SIZES[:3]:
            exact = runner(family, model, "torch")(picture(size))
            for name in formats:
                found = runner(family, model, backend, name)(picture(size))
                assert delta_e(picture(size), found, exact) <= HALF_DELTA_E, (model, size, name)


@contextmanager
def a_scripts_settings() -> Iterator[None]:
    """What a script may set for itself, of torch and of numpy, all of it at once."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("meta"), torch.autocast("cpu", dtype=torch.bfloat16), np.errstate(all="raise"):
            yield
    finally:
        torch.set_default_dtype(before)


@EVERY_BACKEND
def test_what_a_script_sets_in_torch_and_numpy_does_not_reach_the_colours(
    models: dict[str, list[str]], backend: str
) -> None:
    gray = picture(SIZES[0])
    # To compile takes seconds.
    for family in FAMILIES if backend == "torch" else ["ddcolor"]:
        model = models[family][-1]
        expected = runner(family, model, backend)(gray)
        with a_scripts_settings():
            # The one above is gone: this one is loaded, and compiled, anew.
            loading._recent.clear()
            found = runner(family, model, backend)(gray)
        assert np.array_equal(found, expected), family
