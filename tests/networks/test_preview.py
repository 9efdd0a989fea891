"""The bundled preview model: its file, its network and its colours."""

import subprocess
import sys
import tarfile
from importlib import resources
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vsdeoldify.preview.colorizer import PreviewColorizer
from vsdeoldify.preview.network import (
    Attention,
    ConvNorm,
    Halve,
    PreviewNetwork,
    encoder_weights,
    load_network,
    load_preview,
)
from vsdeoldify.runtime.color import chroma_to_rgb

MODEL = resources.files("vsdeoldify.preview") / "preview.safetensors"
PICTURES = 24


@pytest.fixture(scope="module")
def colorizer() -> PreviewColorizer:
    return PreviewColorizer(load_preview()).eval()


@pytest.fixture(scope="module")
def untrained() -> PreviewNetwork:
    """A network whose normalisations have seen data, so that folding them changes something."""
    torch.manual_seed(3)
    network = PreviewNetwork()
    network.anchors.copy_(torch.randn(network.anchors.shape) * 30)
    network.temperature.fill_(0.5)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network.logits(torch.rand(2, 1, 64, 64))
    return network.eval()


def test_the_bundled_file_is_small() -> None:
    assert len(MODEL.read_bytes()) <= 16e6
    assert sum(parameter.numel() for parameter in load_preview(fold=False).parameters()) <= 8e6


def test_importing_the_package_loads_no_torch() -> None:
    code = "import sys, vsdeoldify, vsdeoldify.preview; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_encoder_computes_what_timm_computes() -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    reference = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    network = PreviewNetwork().eval()
    network.encoder.load_state_dict(encoder_weights(reference.state_dict()))
    gray = torch.rand(1, 1, 64, 96) * 2 - 1
    with torch.inference_mode():
        expected = reference.forward_features(gray.expand(-1, 3, -1, -1))
        torch.testing.assert_close(network.encoder(gray)[-1], expected, atol=1e-4, rtol=1e-4)


def test_folding_the_normalisation_changes_nothing(untrained: PreviewNetwork) -> None:
    gray = torch.rand(1, 1, 64, 64)
    folded = copy_of(untrained).fold()
    with torch.inference_mode():
        torch.testing.assert_close(folded(gray), untrained(gray), atol=1e-3, rtol=1e-3)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())


def copy_of(network: PreviewNetwork) -> PreviewNetwork:
    copy = PreviewNetwork()
    copy.load_state_dict(network.state_dict())
    return copy.eval()


def test_the_gain_scales_the_colours(untrained: PreviewNetwork) -> None:
    gray = torch.rand(1, 1, 64, 64)
    louder = copy_of(untrained)
    louder.gain.mul_(1.5)
    with torch.inference_mode():
        torch.testing.assert_close(louder(gray), untrained(gray) * 1.5, atol=1e-3, rtol=1e-3)


def test_the_bias_brings_its_colour_forward(untrained: PreviewNetwork) -> None:
    gray = torch.rand(1, 1, 64, 64)
    biased = copy_of(untrained)
    biased.bias[7] = 100
    with torch.inference_mode():
        expected = untrained.anchors[7].view(1, 2, 1, 1).expand(1, 2, 64, 64)
        torch.testing.assert_close(biased(gray), expected, atol=1e-2, rtol=0)


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_network_of_version_4_0_takes_every_second_pixel(kernel: int) -> None:
    layer = ConvNorm(3, 8, kernel, stride=2).eval()
    layer.halve.taps.copy_(torch.tensor((0.0, 0.0, 1.0, 0.0)))
    x = torch.randn(2, 3, 16, 20)
    # TensorFlow's "same" padding: on even sizes one pixel less at the top left.
    before, behind = (kernel - 2) // 2, (kernel - 1) // 2
    padded = torch.nn.functional.pad(x, (before, behind, before, behind))
    with torch.inference_mode():
        expected = layer.norm(torch.nn.functional.conv2d(padded, layer.conv.weight, stride=2))
        torch.testing.assert_close(layer(x), expected)


def test_what_moves_by_a_pixel_changes_less_to_later_layers() -> None:
    halve, every_second = Halve(), Halve()
    every_second.taps.copy_(torch.tensor((0.0, 0.0, 1.0, 0.0)))
    # Fine stripes.
    x = torch.arange(32).remainder(2).float().expand(1, 1, 32, 32)
    for layer, least, most in ((every_second, 0.99, 1.0), (halve, 0.0, 0.5)):
        change = (layer(x) - layer(x.roll(1, dims=3))).abs()[..., 1:-1, 1:-1]
        assert least <= change.mean() <= most


def test_a_file_of_version_4_0_keeps_its_colours(untrained: PreviewNetwork, tmp_path: Path) -> None:
    gray = torch.rand(1, 1, 64, 64)
    state = {key: value.contiguous() for key, value in untrained.state_dict().items()}
    save_file(
        {key: value for key, value in state.items() if "attention" not in key and "halve" not in key},
        tmp_path / "old.safetensors",
    )
    expected = copy_of(untrained)
    for module in expected.modules():
        if isinstance(module, Halve):
            module.taps.copy_(torch.tensor((0.0, 0.0, 1.0, 0.0)))
    generator = torch.get_rng_state()
    old = load_network(tmp_path / "old.safetensors")
    assert torch.equal(torch.get_rng_state(), generator)
    with torch.inference_mode():
        torch.testing.assert_close(old(gray), expected(gray), atol=1e-3, rtol=1e-3)
        # Softened, it is a network of today.
        torch.testing.assert_close(old.soften()(gray), untrained(gray), atol=1e-3, rtol=1e-3)
    # Its blocks are fit to learn: with every weight 0 no slope would reach them.
    old.train()
    old(torch.rand(2, 1, 64, 64)).square().mean().backward()
    slopes = [block.answer.weight.grad for block in old.modules() if isinstance(block, Attention)]
    assert len(slopes) == 3
    assert all(slope is not None and slope.any() for slope in slopes)


def test_attention_carries_what_one_corner_shows_to_the_other() -> None:
    torch.manual_seed(0)
    block = Attention(64)
    torch.nn.init.normal_(block.answer.weight)
    x = torch.randn(1, 64, 5, 7)
    changed = x.clone()
    changed[..., 0, 0] += 3
    with torch.no_grad():
        before, after = block(x), block(changed)
    assert before.shape == x.shape
    assert not torch.equal(before[..., -1, -1], after[..., -1, -1])


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.safetensors"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.safetensors is not a preview model"):
        load_network(file)


@pytest.mark.parametrize("side", [16, 32, 160, 176, 400])
def test_the_colorizer_keeps_the_size_of_the_square(untrained: PreviewNetwork, side: int) -> None:
    with torch.inference_mode():
        chroma = PreviewColorizer(untrained, 64)(torch.rand(2, 1, side, side))
    assert chroma.shape == (2, 2, side, side)
    assert chroma.dtype == torch.float32
    assert chroma.abs().max() <= 0.5


def test_black_and_white_stay_without_colour(colorizer: PreviewColorizer) -> None:
    with torch.inference_mode():
        chroma = colorizer(torch.stack((torch.zeros(1, 64, 64), torch.ones(1, 64, 64))))
    assert chroma.abs().max() < 0.06


def test_gray_a_little_below_black_or_above_white_is_coloured(colorizer: PreviewColorizer) -> None:
    gray = torch.rand(1, 1, 64, 64) * 1.1 - 0.05
    with torch.inference_mode():
        chroma = colorizer(gray)
        features = colorizer.features(gray)
    assert chroma.isfinite().all()
    assert chroma.abs().max() <= 0.5
    assert torch.equal(features, colorizer.features(gray.clamp(0, 1)))


def test_a_batch_gives_what_single_pictures_give(colorizer: PreviewColorizer) -> None:
    torch.manual_seed(1)
    gray = torch.rand(2, 1, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(colorizer(gray)[1:], colorizer(gray[1:]), atol=1e-3, rtol=0)


def test_a_working_size_off_the_stride_is_refused(untrained: PreviewNetwork) -> None:
    with pytest.raises(ValueError, match="working_size must be a multiple of 32, got 100"):
        PreviewColorizer(untrained, 100)


@pytest.mark.long
def test_photographs_come_closer_to_their_colours_than_gray(
    shared: Path, colorizer: PreviewColorizer
) -> None:
    cv2 = pytest.importorskip("cv2")
    pytest.importorskip("skimage")
    from vsdeoldify.metrics import score

    archive = shared / "photos" / "val.tar"
    scores = []
    with tarfile.open(archive) as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".webp"))
        for name in islice(names, 0, None, max(1, len(names) // PICTURES)):
            member = tar.extractfile(name)
            assert member is not None
            bgr = cv2.imdecode(np.frombuffer(member.read(), np.uint8), cv2.IMREAD_COLOR)
            # The middle: squares, so that nothing is squashed.
            side = 144
            top, left = (bgr.shape[0] - side) // 2, (bgr.shape[1] - side) // 2
            truth = bgr[top : top + side, left : left + side, ::-1].astype(np.float32) / 255
            luma = torch.from_numpy(truth @ np.array((0.299, 0.587, 0.114), np.float32))[None, None]
            with torch.inference_mode():
                coloured = chroma_to_rgb(luma, colorizer(luma))[0].clamp(0, 1).permute(1, 2, 0).numpy()
            gray = np.repeat(luma[0, 0].numpy()[..., None], 3, axis=2)
            scores.append([score(truth, picture) for picture in (coloured, gray, truth)])
    coloured_mean, gray_mean, truth_mean = np.array(scores).mean(axis=0)
    assert coloured_mean[0] < gray_mean[0]
    assert coloured_mean[1] > gray_mean[1] + 0.5
    # Half of the truth's over all 400 pictures (docs/model-card.md); these few are more colourful than most.
    assert coloured_mean[2] > 0.45 * truth_mean[2]
