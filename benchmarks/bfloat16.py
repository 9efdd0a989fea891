"""What bfloat16 changes in the colours, and which part of a network does: `python benchmarks/bfloat16.py`.

First the whole network as OpenVINO computes it in bfloat16, against float32: mean CIEDE2000 on a frame of
each clip at 384 pixels (render factor 24). Then torch, in float32, with what one part after the other takes,
weighs and gives rounded to bfloat16; a last line rounds all of them, which shows how near this comes to
OpenVINO. The networks are those of the official sizes with the tests' made-up weights, and the bundled one.
Only on a processor that computes in bfloat16 itself.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import vapoursynth as vs
from torch import Tensor, nn
from vapoursynth import core

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import official

from vsdeoldify.metrics import mean_ciede2000
from vsdeoldify.models.reading import read_checkpoint
from vsdeoldify.networks import loading
from vsdeoldify.networks.family import FAMILIES
from vsdeoldify.runtime.color import chroma_to_rgb
from vsdeoldify.runtime.engines import openvino
from vsdeoldify.runtime.engines.base import Planes
from vsdeoldify.runtime.processor import computes_bfloat16

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
SIZE = 384
NETWORKS = {
    "DeOldify video": ("deoldify", "wide"),
    "DeOldify artistic": ("deoldify", "deep"),
    "DDColor artistic": ("ddcolor", "large"),
    "preview": ("preview", None),
}
# The modules of a network that count as one part, by the beginnings of their names.
PARTS = re.compile(r"network\.(body\.\d|encoder\.convnext\.\w+|encoder\.\w+|blocks\.\d|\w+)")


def frames() -> list[Planes]:
    """A frame of each clip, as the networks get it: (1, S, S), 0…1."""
    found = []
    for path in sorted((SHARED / "clips").glob("*.mp4")):
        clip = core.std.SetFrameProps(core.bs.VideoSource(str(path), cachemode=0), _Matrix=6)
        with core.resize.Bicubic(clip, SIZE, SIZE, format=vs.GRAYS).get_frame(7) as frame:
            found.append(np.clip(np.asarray(frame[0]), 0, 1)[None])
    return found


def colorizer(family: str, architecture: str | None) -> nn.Module:
    """A network in float32; of the official size with filled weights, or the bundled one."""
    row = FAMILIES[family]
    bundled = row.bundled_file()
    if architecture is not None:
        state = official.state_dict(architecture)
    else:
        assert bundled is not None, family
        state = read_checkpoint(bundled)
    return loading.build_network(row, state, torch.float32).colorizer.eval()


def products(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """What has weights and multiplies by them, each with the part of the network that it belongs to."""
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.MultiheadAttention)):
            found = PARTS.match(name)
            assert found is not None, name
            yield found[1], module


def measured(network: nn.Module, pictures: list[Planes], precision: str) -> tuple[list[Planes], float]:
    """OpenVINO's colours, and the median of seconds a picture."""
    way = openvino.Way(precision, openvino.usual_threads())
    engine = openvino.OpenVinoEngine(lambda: network, "the network", required=True, way=way)
    engine(pictures[0])
    taken, found = [], []
    for picture in pictures:
        begun = time.perf_counter()
        found.append(engine(picture))
        taken.append(time.perf_counter() - begun)
    return found, statistics.median(taken)


@contextmanager
def rounded(network: nn.Module, parts: Collection[str]) -> Iterator[None]:
    """Convolutions and matrix products of these parts as bfloat16 has them; the sums stay in float32."""

    def coarse(values: Any) -> Any:
        if isinstance(values, Tensor) and values.is_floating_point():
            return values.bfloat16().float()
        return type(values)(map(coarse, values)) if isinstance(values, (tuple, list)) else values

    handles, weights = [], dict[nn.Parameter, Tensor]()
    for part, module in products(network):
        if part in parts:
            for parameter in module.parameters(recurse=False):
                weights[parameter] = parameter.data
                parameter.data = coarse(parameter.data)
            handles.append(module.register_forward_pre_hook(lambda _, given: coarse(given)))
            handles.append(module.register_forward_hook(lambda _, given, output: coarse(output)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for parameter, data in weights.items():
            parameter.data = data


def coloured(network: nn.Module, pictures: list[Planes]) -> list[Planes]:
    """torch's colours."""
    with torch.inference_mode():
        return [network(torch.from_numpy(one)[None]).numpy() for one in pictures]


def differences(pictures: list[Planes], found: list[Planes], exact: list[Planes]) -> list[float]:
    """Mean CIEDE2000 of each picture."""

    def shown(gray: Planes, chroma: Planes) -> Any:
        rgb = chroma_to_rgb(torch.from_numpy(gray)[:, None], torch.from_numpy(chroma)).clamp(0, 1)
        return rgb[0].permute(1, 2, 0).numpy()

    return [
        mean_ciede2000(shown(gray, right), shown(gray, other))
        for gray, other, right in zip(pictures, found, exact, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default=",".join(NETWORKS), help="which, between commas")
    parser.add_argument("--pictures", type=int, default=3, help="for the parts (3, of at most 6)")
    options = parser.parse_args()
    if not computes_bfloat16():
        raise SystemExit("this processor does not compute in bfloat16 itself")
    pictures = frames()
    for name in options.networks.split(","):
        network = colorizer(*NETWORKS[name])
        exact, plainly = measured(network, pictures, "float32")
        found, seconds = measured(network, pictures, "bfloat16")
        whole = differences(pictures, found, exact)
        print(
            f"{name}: {statistics.mean(whole):.3f} (most {max(whole):.3f}); {seconds:.3f} s a picture, "
            f"{plainly:.3f} in float32",
            flush=True,
        )
        few = pictures[: options.pictures]
        exact = coloured(network, few)
        parts = list(dict.fromkeys(part for part, _ in products(network)))
        for chosen in (*([part] for part in parts), parts):
            with rounded(network, chosen):
                found = coloured(network, few)
            label = chosen[0] if len(chosen) == 1 else "all of them"
            print(f"  {label:28} {statistics.mean(differences(few, found, exact)):.3f}", flush=True)


if __name__ == "__main__":
    main()
