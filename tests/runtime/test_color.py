"""Colour conversions against scikit-image and against the definition of BT.601."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import color as reference

from vsdeoldify.runtime.color import (
    chroma_to_rgb,
    lab_to_rgb,
    luma_to_lightness,
    rgb_to_chroma,
    rgb_to_lab,
    rgb_to_luma,
)


@pytest.fixture
def rgb() -> torch.Tensor:
    picture = torch.rand(2, 3, 33, 17, generator=torch.Generator().manual_seed(1))
    picture[0, :, 0, 0], picture[0, :, 0, 1] = 0, 1
    picture[0, :, 1] *= 0.02  # the linear foot of both curves
    return picture


def test_lab_agrees_with_scikit_image(rgb: torch.Tensor) -> None:
    expected = reference.rgb2lab(rgb.permute(0, 2, 3, 1).double().numpy())
    np.testing.assert_allclose(rgb_to_lab(rgb).permute(0, 2, 3, 1).numpy(), expected, atol=2e-2)


def test_lab_and_back_is_the_identity(rgb: torch.Tensor) -> None:
    assert (lab_to_rgb(rgb_to_lab(rgb)) - rgb).abs().max() < 1e-4


@pytest.mark.parametrize("lab", [(50.0, 120.0, 180.0), (0.0, -300.0, 300.0), (100.0, 300.0, -300.0)])
def test_colours_outside_srgb_are_clamped_and_finite(lab: tuple[float, float, float]) -> None:
    rgb = lab_to_rgb(torch.tensor(lab).view(1, 3, 1, 1))
    assert rgb.isfinite().all()
    assert rgb.min() >= 0
    assert rgb.max() <= 1


def test_lightness_of_a_gray_is_the_l_of_lab() -> None:
    gray = torch.linspace(0, 1, 300).view(1, 1, 1, 300)
    expected = rgb_to_lab(gray.expand(-1, 3, -1, -1))[:, :1]
    torch.testing.assert_close(luma_to_lightness(gray), expected, atol=2e-4, rtol=0)


def test_luma_and_chroma_join_to_the_same_colour(rgb: torch.Tensor) -> None:
    torch.testing.assert_close(chroma_to_rgb(rgb_to_luma(rgb), rgb_to_chroma(rgb)), rgb, atol=2e-6, rtol=0)


def test_chroma_has_the_factors_of_bt601() -> None:
    luma, chroma = torch.full((1, 1, 1, 1), 0.5), torch.tensor([0.1, -0.2]).view(1, 2, 1, 1)
    expected = [0.5 + 1.402 * -0.2, 0.5 - 0.344136 * 0.1 - 0.714136 * -0.2, 0.5 + 1.772 * 0.1]
    assert chroma_to_rgb(luma, chroma).flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_chroma_of_the_primaries_spans_half_to_half() -> None:
    blue, red = torch.tensor([0.0, 0, 1]), torch.tensor([1.0, 0, 0])
    chroma = rgb_to_chroma(torch.stack((blue, red)).view(2, 3, 1, 1)).view(2, 2)
    assert chroma[0, 0].item() == pytest.approx(0.5)
    assert chroma[1, 1].item() == pytest.approx(0.5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_input_gives_float32(dtype: torch.dtype) -> None:
    picture = torch.rand(1, 3, 4, 4).to(dtype)
    for result in (
        rgb_to_lab(picture),
        lab_to_rgb(picture),
        rgb_to_chroma(picture),
        luma_to_lightness(picture),
    ):
        assert result.dtype == torch.float32
