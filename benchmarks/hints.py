"""Measure colours that a person sets (`preview.complete`): `python benchmarks/hints.py`.

Pictures of `shared/photos/val.tar`, squashed to squares of 256: points of 7 × 7 pixels with the true colour,
one point on an object that got another colour, and colours carried from another frame with holes. Figures are
mean CIEDE2000; `leak` is how far the colours beside the object moved, in Lab's a and b.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vsdeoldify.metrics import ciede2000
from vsdeoldify.preview.colorizer import PreviewColorizer
from vsdeoldify.preview.complete import complete
from vsdeoldify.preview.network import load_network, load_preview
from vsdeoldify.runtime.color import (
    chroma_to_rgb,
    lab_to_rgb,
    luma_to_lightness,
    rgb_to_chroma,
    rgb_to_lab,
    rgb_to_luma,
)
from vsdeoldify.training.evaluate import decoded

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
SIZE = 256
POINT = 7
COUNTS = (1, 5, 20, 100)
COVERAGES = (0.5, 0.8)

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Case(NamedTuple):
    """Something to complete, and where to look: the object, or the holes; everywhere where None."""

    name: str
    hints: Array
    mask: Mask
    truth: Array
    place: Mask | None


def tensor(planes: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(planes, np.float32))[None]


def lab(gray: Array, chroma: Array) -> Array:
    rgb = chroma_to_rgb(tensor(gray[None]), tensor(chroma)).clamp(0, 1)
    found: Array = rgb_to_lab(rgb)[0].numpy()
    return found


def difference(first: Array, second: Array) -> NDArray[np.float64]:
    return ciede2000(np.moveaxis(first, 0, -1), np.moveaxis(second, 0, -1))


def noise(random: np.random.Generator, scale: float) -> Array:
    """Smooth noise (SIZE, SIZE) of unit deviation, its waves about `scale` pixels wide."""
    cells = max(2, round(SIZE / scale) + 2)
    field = cv2.resize(
        random.standard_normal((cells, cells)).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
    )
    scaled: Array = (field / (field.std() + 1e-6)).astype(np.float32)
    return scaled


def points(chroma: Array, corners: NDArray[np.int64]) -> tuple[Array, Mask]:
    """The mean colour of `chroma` in squares at (y, x)."""
    hints, mask = np.zeros_like(chroma), np.zeros((SIZE, SIZE), np.bool_)
    for y, x in corners:
        place = np.s_[y : y + POINT, x : x + POINT]
        hints[:, *place] = chroma[:, *place].mean(axis=(1, 2), keepdims=True)
        mask[place] = True
    return hints, mask


def carried(random: np.random.Generator, chroma: Array, coverage: float) -> tuple[Array, Mask]:
    """Colours as motion carries them: warped a little, blurred, here and there wrong, with holes."""
    pattern = noise(random, random.uniform(SIZE / 12, SIZE / 2.5))
    pattern += random.uniform(0, 0.6) * noise(random, random.uniform(3, SIZE / 12))
    mask = pattern <= np.quantile(pattern, coverage)
    reach, scale = random.uniform(0, 2) * SIZE / 128, random.uniform(SIZE / 10, SIZE / 2)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    maps = x + reach * noise(random, scale), y + reach * noise(random, scale)
    moved = cv2.remap(chroma.transpose(1, 2, 0), *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if random.random() < 0.6:
        moved = cv2.GaussianBlur(moved, (0, 0), random.uniform(0.5, 2) * SIZE / 128)
    wrong = random.uniform(0, 0.06) if random.random() < 0.7 else 0
    if wrong > 0.005:
        pattern = noise(random, random.uniform(SIZE / 25, SIZE / 8))
        bad = pattern > np.quantile(pattern, 1 - wrong)
        offset = random.integers(SIZE // 5, SIZE - SIZE // 5, 2)
        moved[bad] = np.roll(moved, offset.tolist(), (0, 1))[bad]
    if random.random() < 0.3:
        moved = moved * random.uniform(0.85, 1.1)
    return np.where(mask, moved.transpose(2, 0, 1), 0).astype(np.float32), mask


def find_object(random: np.random.Generator, gray: Array, ab: Array) -> Mask | None:
    """A coherent patch of 1.5 to 40 % of the picture by flood fill; None where none was found."""
    picture = np.dstack((gray * 127.5, ab[0] + 128, ab[1] + 128)).clip(0, 255).astype(np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), SIZE / 110)
    kernel = np.ones((3, 3), np.uint8)
    for _ in range(8):
        y, x = (int(place) for place in random.integers(4, SIZE - 4, 2))
        filled = np.zeros((SIZE + 2, SIZE + 2), np.uint8)
        limits = (random.uniform(10, 24), random.uniform(5, 11), random.uniform(5, 11))
        flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
        cv2.floodFill(picture, filled, (x, y), 0, limits, limits, flags)
        patch = cv2.morphologyEx(filled[1:-1, 1:-1], cv2.MORPH_CLOSE, kernel, iterations=SIZE // 64)
        patch = cv2.morphologyEx(patch, cv2.MORPH_OPEN, kernel)
        if patch[y, x] and 0.015 <= patch.mean() <= 0.4:
            return np.asarray(patch > 0)
    return None


def recoloured(
    random: np.random.Generator, gray: Array, ab: Array, colour: Array
) -> tuple[Array, Mask, NDArray[np.int64]] | None:
    """One object in another colour: the new a/b, the object and the corner of a point within it."""
    place = find_object(random, gray, ab)
    if place is None:
        return None
    soft = cv2.GaussianBlur(place.astype(np.float32), (0, 0), SIZE / 180)
    # Dark and very light things have little room for colour.
    room = (np.minimum(gray, 1 - gray) / 0.2).clip(0.25, 1)
    mean = ab[:, place].mean(axis=1)[:, None, None]
    new = (0.7 * (ab - mean) + colour[:, None, None]) * room
    inner = cv2.erode(place.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=SIZE // 64)
    candidates = np.argwhere(inner if inner.any() else place)
    corner = candidates[random.integers(len(candidates))] - POINT // 2
    return (
        (ab * (1 - soft) + new * soft).astype(np.float32),
        place,
        corner.clip(0, SIZE - POINT)[None],
    )


def cases(random: np.random.Generator, rgb: torch.Tensor, colour: Array) -> Iterator[Case]:
    gray = rgb_to_luma(rgb)[0, 0].numpy()
    chroma, truth = rgb_to_chroma(rgb)[0].numpy(), rgb_to_lab(rgb)[0].numpy()
    for count in COUNTS:
        corners = random.integers(0, SIZE - POINT + 1, (count, 2))
        yield Case(f"{count} points", *points(chroma, corners), truth, None)
    for coverage in COVERAGES:
        hints, mask = carried(random, chroma, coverage)
        yield Case(f"carried, {coverage:.0%} known", hints, mask, truth, ~mask)
    found = recoloured(random, gray, truth[1:], colour)
    if found is not None:
        ab, place, corners = found
        lightness = luma_to_lightness(tensor(gray[None]))
        new = rgb_to_chroma(lab_to_rgb(torch.cat((lightness, tensor(ab)), dim=1)))[0].numpy()
        yield Case("object", *points(new, corners), lab(gray, new), place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=400, help="how many (default: %(default)s)")
    parser.add_argument("--model", type=Path, help="a model file; without it the bundled one")
    args = parser.parse_args()
    network = load_network(args.model).fold() if args.model else load_preview()
    colorizer = PreviewColorizer(network).eval()
    random = np.random.default_rng(0)
    results: dict[str, list[tuple[float, float]]] = {}
    times: list[float] = []
    # The objects' new colours are colours of the picture before.
    colour = np.array((30, 30), np.float32)
    for picture, _ in zip(decoded([SHARED / "photos" / "val.tar"]), range(args.pictures), strict=False):
        square: NDArray[Any] = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        rgb = torch.from_numpy(square).permute(2, 0, 1)[None] / 255
        gray = rgb_to_luma(rgb)[0, 0].numpy()
        with torch.inference_mode():
            automatic = colorizer(tensor(gray[None]))[0].numpy()
            features = colorizer.features(tensor(gray[None]))[0].numpy()
        without = lab(gray, automatic)
        for name, hints, mask, truth, place in cases(random, rgb, colour):
            begun = time.perf_counter()
            completed = complete(gray, automatic, hints, mask, features, carried=name.startswith("carried"))
            times.append(time.perf_counter() - begun)
            after = lab(gray, completed)
            errors = [difference(found, truth) for found in (without, after)]
            everywhere = np.ones_like(mask) if place is None else place
            results.setdefault(name, []).append(tuple(float(e[everywhere].mean()) for e in errors))
            if name == "object":
                outside = tuple(float(e[~place].mean()) for e in errors)
                results.setdefault("beside the object", []).append(outside)
                moved = float(np.hypot(*(after - without)[1:])[~place].mean())
                results.setdefault("leak", []).append((0.0, moved))
        ab = rgb_to_lab(rgb)[0, 1:].numpy()
        colour = 1.3 * ab[:, random.integers(SIZE), random.integers(SIZE)]
    print("| | automatic | completed |\n|---|---|---|")
    for name, values in results.items():
        before, after = np.mean(values, axis=0)
        print(f"| {name} | {before:.2f} | {after:.2f} |")
    print(f"\n{1e3 * np.median(times):.0f} ms a picture (median), {1e3 * min(times):.0f} at best")


if __name__ == "__main__":
    main()
