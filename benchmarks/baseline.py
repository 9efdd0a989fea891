"""What the benchmark compares with: the same networks and formulas, one frame at a time.

Written after the formulas of the original plugin: 8-bit RGB pictures that go from VapourSynth to Pillow, to
torch, to OpenCV and back, float32, eager, and networks with their normalisations unfolded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import vapoursynth as vs
from numpy.typing import NDArray
from opencv_stabilizer import Stabilizer
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from vsdeoldify.ddcolor.network import DDColor, UnetBlock, blur
from vsdeoldify.deoldify.network import Affine, Generator
from vsdeoldify.runtime.color import lab_to_rgb, rgb_to_lab

Picture = NDArray[np.uint8]
Network = Callable[[Tensor], Tensor]

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
_WEIGHT = 0.4


def original_form(network: Generator | DDColor) -> nn.Module:
    """The network computed as the original computes it, with the same result.

    Most batch normalisations and all spectral norms stand where the original has them, and work: the
    normalisations are neutral, and the spectral norms divide by a sigma of 1, found anew in every run.
    DDColor's last stage makes its maps of 256 and 100 channels at full size.

    Args:
        network: a folded network; it is changed.
    """
    if isinstance(network, Generator):
        _unfold_generator(network)
        return network.eval()
    for block in network.blocks:
        assert isinstance(block, UnetBlock)
        _add_spectral_norm(block.up)
        _add_spectral_norm(block.conv)
    return OriginalDDColor(network).eval()


def _unfold_generator(network: Generator) -> None:
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Affine):
                norm = _batch_norm(child.weight.numel())
                norm.weight.data.copy_(child.weight.flatten())
                norm.bias.data.copy_(child.bias.flatten())
                setattr(parent, name, norm)
            elif isinstance(child, nn.Identity) and name.startswith("bn"):
                setattr(parent, name, _batch_norm(getattr(parent, name.replace("bn", "conv")).out_channels))
    for part in (network.middle, network.blocks, network.residual, network.head):
        for module in list(part.modules()):
            if isinstance(module, nn.Conv1d | nn.Conv2d):
                _add_spectral_norm(module)


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels)
    norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
    return norm.eval().requires_grad_(False)


def _add_spectral_norm(layer: nn.Module) -> None:
    spectral_norm(layer)
    weight: Tensor = layer.weight_orig  # type: ignore[assignment]
    u: Tensor = layer.weight_u  # type: ignore[assignment]
    v = weight.detach().flatten(1).T @ u
    layer.weight_v = v / v.square().sum()  # u·Wv, the sigma, is 1 then


class OriginalDDColor(nn.Module):
    """DDColor with its last stage as published: shuffle and blur 256 channels, mix them to 100, then to 2."""

    def __init__(self, network: DDColor) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) gray RGB in [0, 1] to (B, 2, H, W) a and b."""
        net = self.network
        picture = (x - MEAN.to(x)) / DEVIATION.to(x)
        features = net.encoder(picture)
        out = features.pop()
        maps = []
        for block in net.blocks:
            out = block(out, features.pop())
            maps.append(out)
        pixels = F.relu(net.last(out.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        groups = pixels.reshape(len(x), 16, -1, *pixels.shape[2:]).transpose(1, 2).flatten(1, 2)
        full = blur(F.pixel_shuffle(groups, 4))
        mixed = torch.einsum("bqc,bchw->bqhw", self._embedded(maps), full)
        weight = torch.cat((net.mix[:, :, None, None], net.picture), 1)
        return F.conv2d(torch.cat((mixed, picture), 1), weight, net.offset)

    def _embedded(self, maps: list[Tensor]) -> Tensor:
        """The colour decoder's (B, queries, channels): what `_colors` has before its last product."""
        mix = self.network.mix
        try:
            self.network.mix = nn.Parameter(torch.eye(mix.shape[1], device=mix.device), requires_grad=False)
            colors: Tensor = self.network._colors(maps)
        finally:
            self.network.mix = mix
        return colors.transpose(1, 2)


class Baseline:
    """Colours the frames of a clip one by one; one picture is in memory as numpy, Pillow and torch in turn.

    Args:
        clip: any clip; it is read as RGB24.
        deoldify: turns (1, 3, S, S) normalised RGB into normalised RGB, or None.
        ddcolor: turns (1, 3, S, S) gray RGB into (1, 2, S, S) a and b, or None. With both, they are mixed.
        size: side of the square.
        device: where the networks are.
    """

    def __init__(
        self,
        clip: vs.VideoNode,
        deoldify: Network | None,
        ddcolor: Network | None,
        size: int,
        device: torch.device,
    ) -> None:
        self.clip = vs.core.resize.Bicubic(clip, format=vs.RGB24, matrix_in=vs.MATRIX_ST170_M)
        self.deoldify, self.ddcolor = deoldify, ddcolor
        self.size, self.device = size, device
        self._kept: dict[int, Picture] = {}

    def __len__(self) -> int:
        return len(self.clip)

    def __getitem__(self, n: int) -> Picture:
        """Frame n, coloured, in the clip's size."""
        if n not in self._kept:
            with self.clip.get_frame(n) as frame:
                source = np.dstack([np.asarray(frame[p]) for p in range(3)])
            self._kept[n] = self.colour(source)
            self._kept.pop(n - 8, None)
        return self._kept[n]

    @torch.inference_mode()
    def colour(self, source: Picture) -> Picture:
        small = cv2.resize(source, (self.size, self.size), interpolation=cv2.INTER_LANCZOS4)
        pictures = []
        if self.deoldify is not None:
            pictures.append(self._deoldify(Image.fromarray(small)))
        if self.ddcolor is not None:
            pictures.append(self._ddcolor(Image.fromarray(small)))
        merged = pictures[0]
        if len(pictures) == 2:
            a, b = pictures
            merged = (a * (1 - _WEIGHT)).astype(np.uint8) + (b * _WEIGHT).astype(np.uint8)
        large = cv2.resize(merged, source.shape[1::-1], interpolation=cv2.INTER_LANCZOS4)
        return _with_luma(source, large)

    def _deoldify(self, picture: Image.Image) -> Picture:
        assert self.deoldify is not None
        gray = picture.convert("LA").convert("RGB").resize((self.size,) * 2, Image.Resampling.BILINEAR)
        x = torch.from_numpy(np.asarray(gray).astype(np.float32) / 255).permute(2, 0, 1)[None]
        x = (x - MEAN) / DEVIATION
        result = self.deoldify(x.to(self.device)).float().cpu()
        rgb = (result * DEVIATION + MEAN).clamp(0, 1)[0].permute(1, 2, 0).numpy()
        coloured = Image.fromarray((rgb * 255).astype(np.uint8)).resize(
            picture.size, Image.Resampling.BILINEAR
        )
        return _with_luma(np.asarray(picture), np.asarray(coloured))

    def _ddcolor(self, picture: Image.Image) -> Picture:
        assert self.ddcolor is not None
        rgb = torch.from_numpy(np.asarray(picture).astype(np.float32) / 255).permute(2, 0, 1)[None]
        rgb = rgb.to(self.device)
        lightness = rgb_to_lab(rgb)[:, :1]
        small = F.interpolate(rgb, (self.size,) * 2, mode="bilinear", align_corners=False)
        gray = rgb_to_lab(small)[:, :1]
        gray = lab_to_rgb(torch.cat((gray, gray.new_zeros(1, 2, *gray.shape[2:])), 1))
        ab = F.interpolate(self.ddcolor(gray).float(), tuple(rgb.shape[2:]), mode="bilinear")
        coloured = lab_to_rgb(torch.cat((lightness, ab), 1)).clamp(0, 1)[0].permute(1, 2, 0)
        return (coloured.cpu().numpy() * 255).astype(np.uint8)


def stabilized(frames: Any, size: int) -> Stabilizer:
    """dark, smooth and stab on coloured frames."""
    return Stabilizer(frames, size)


def _with_luma(source: Picture, coloured: Picture) -> Picture:
    yuv = cv2.cvtColor(coloured, cv2.COLOR_RGB2YUV)
    yuv[..., 0] = cv2.cvtColor(source, cv2.COLOR_RGB2YUV)[..., 0]
    result: Picture = cv2.cvtColor(yuv, cv2.COLOR_YUV2RGB)
    return result
