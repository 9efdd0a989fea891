"""Is a network's gray better filled with another one's colours, or mixed? `python benchmarks/gray_fill.py`.

Two networks colour photographs with known colours: A, the bundled model, and B, a model file of the same
family (`--second`), made more colourful by `--saturation`, as DDColor is beside DeOldify. A's colours are
taken as they are (of all pictures, and of those in which A stays gray where the truth is not), and with
holes: gray where a random smooth field says so. Last, the truth with such holes stands in for A. The figures
are the mean CIEDE2000 to the truth, of whole pictures and of the places alone where A is gray.

* simple w: method 2, `(1 − w)·A + w·B`, with B's colours times `sat`.
* fill w: where A's HSV saturation is below a threshold, B's colours times `sat`, softly; elsewhere method 2.
  With w = 0 it is what HAVC calls method 6, chroma retention.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vsdeoldify.metrics import ciede2000, rgb_to_lab
from vsdeoldify.preview.colorizer import PreviewColorizer
from vsdeoldify.preview.network import load_network, load_preview
from vsdeoldify.support.h273 import BLUE, BLUE_OF_U, GREEN, GREEN_OF_U, GREEN_OF_V, RED, RED_OF_V

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
SIZE = 256
WEIGHTS = (0.2, 0.4, 0.6)
#: A is gray where its saturation is below this, and the truth is not where it is above that.
GRAY, COLOURFUL = 0.12, 0.25

Array = NDArray[np.float32]
type Method = Callable[[Array, Array, Array], Array]


def photographs(archive: Path, count: int) -> Iterator[Array]:
    """(SIZE, SIZE, 3) pictures in 0–1."""
    with tarfile.open(archive) as files:
        names = sorted(name for name in files.getnames() if name.endswith(".webp"))
        for name in names[:: max(1, len(names) // count)][:count]:
            file = files.extractfile(name)
            assert file is not None
            picture = np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB"))
            yield cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def luma_and_chroma(rgb: Array) -> tuple[Array, Array]:
    luma = (rgb @ np.array([RED, GREEN, BLUE])).astype(np.float32)
    return luma, np.stack([(rgb[..., 2] - luma) / BLUE_OF_U, (rgb[..., 0] - luma) / RED_OF_V])


def differences(chroma: Array) -> Array:
    """R − Y, G − Y, B − Y."""
    u, v = chroma
    return np.stack([RED_OF_V * v, GREEN_OF_U * u + GREEN_OF_V * v, BLUE_OF_U * u])


def lab(luma: Array, chroma: Array) -> NDArray[np.float64]:
    # Every other row and column is enough for a mean.
    return rgb_to_lab(np.clip(np.moveaxis(luma + differences(chroma), 0, -1), 0, 1)[::2, ::2])


def saturation(luma: Array, chroma: Array) -> Array:
    """HSV's."""
    highest, lowest = differences(chroma).max(0), differences(chroma).min(0)
    return (highest - lowest) / np.maximum(luma + highest, 1e-3)


def mix(luma: Array, a: Array, b: Array, weight: float, sat: float) -> Array:
    """Method 2."""
    return (1 - weight) * a + weight * sat * b


def fill(luma: Array, a: Array, b: Array, weight: float, threshold: float, sat: float) -> Array:
    """Method 2, with B alone where A is gray: fully up to half the threshold, not from 1.5 of it on."""
    gray = np.clip(1.5 - saturation(luma, a) / threshold, 0, 1)
    mixed = (1 - weight) * a + weight * b
    return mixed + gray * (sat * b - mixed)


def holes(seed: int) -> Array:
    """A smooth field, 0 in about 40 % of the picture and 1 in the rest."""
    field = cv2.resize(
        np.random.default_rng(seed).random((6, 6), np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
    )
    return np.clip((field - np.quantile(field, 0.4)) / 0.05, 0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, default=SHARED / "photos" / "val.tar")
    parser.add_argument("--second", type=Path, default=SHARED / "backbone" / "preview_31k_38min.safetensors")
    parser.add_argument("--saturation", type=float, default=1.4, help="factor on B's colours (default: 1.4)")
    parser.add_argument("--count", type=int, default=100, help="photographs (default: 100)")
    args = parser.parse_args()

    networks = [
        PreviewColorizer(one, SIZE).eval() for one in (load_preview(), load_network(args.second).fold())
    ]
    methods: dict[str, Method] = {}
    for w in WEIGHTS:
        for sat in (1.0, 0.6):
            methods[f"simple {w:g}, sat {sat:g}"] = partial(mix, weight=w, sat=sat)
    for threshold in (GRAY, 0.2):
        for sat in (1.0, 0.8, 0.6):
            methods[f"fill 0, below {threshold:g}, sat {sat:g}"] = partial(
                fill, weight=0.0, threshold=threshold, sat=sat
            )
    methods["fill 0.4, below 0.12, sat 0.6"] = partial(fill, weight=0.4, threshold=GRAY, sat=0.6)
    kinds = "all", "gray in A", "with holes", "holes in the truth"
    found: dict[str, dict[str, list[float]]] = {k: {name: [] for name in methods} for k in kinds}
    places: dict[str, dict[str, list[float]]] = {k: {name: [] for name in methods} for k in kinds}
    for number, rgb in enumerate(photographs(args.photos, args.count)):
        luma, truth = luma_and_chroma(rgb)
        with torch.inference_mode():
            a, b = (n(torch.from_numpy(luma)[None, None])[0].numpy() for n in networks)
        b = b * args.saturation
        missed = (saturation(luma, a) < GRAY) & (saturation(luma, truth) > COLOURFUL)
        cases = {"all": a, "with holes": a * holes(number), "holes in the truth": truth * holes(number)}
        if missed.mean() > 0.1:
            cases["gray in A"] = a
        true = lab(luma, truth)
        for kind, seen in cases.items():
            gray = (saturation(luma, seen) < GRAY)[::2, ::2]
            for name, method in methods.items():
                difference = ciede2000(true, lab(luma, method(luma, seen, b)))
                found[kind][name].append(float(difference.mean()))
                if gray.any():
                    places[kind][name].append(float(difference[gray].mean()))
    first = next(iter(methods))
    print("| method |", " | ".join(f"{k} ({len(found[k][first])}) | its gray places" for k in kinds), "|")
    print("|---|" + "---|---|" * len(kinds))
    for name in methods:
        cells = [f"{statistics.mean(t[k][name]):.2f}" for k in kinds for t in (found, places)]
        print(f"| {name} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
