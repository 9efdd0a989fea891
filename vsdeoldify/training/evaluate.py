"""Measure a preview model on pictures: `python -m vsdeoldify.training.evaluate PICTURES…`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..metrics import PictureScore, score
from ..preview.colorizer import WORKING_SIZE, PreviewColorizer
from ..preview.network import load_network, load_preview
from ..runtime.color import chroma_to_rgb
from .store import Bytes, decode, luma_of, read_pictures


def colour_picture(colorizer: PreviewColorizer, luma: NDArray[np.float32], size: int = 256) -> Bytes:
    """Colour a gray picture as the filter does: squashed to a square, the picture's own luma kept.

    Args:
        colorizer: the model.
        luma: (H, W), BT.601, 0…1.
        size: the square's side, a multiple of 32.

    Returns:
        (H, W, 3) RGB, 0…255.
    """
    height, width = luma.shape
    shrinks = height * width > size * size
    small = cv2.resize(luma, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    with torch.inference_mode():
        chroma = colorizer(torch.from_numpy(small)[None, None])[0].numpy()
    large = cv2.resize(chroma.transpose(1, 2, 0), (width, height), interpolation=cv2.INTER_LINEAR)
    rgb = chroma_to_rgb(
        torch.from_numpy(luma)[None, None], torch.from_numpy(large.transpose(2, 0, 1).copy())[None]
    )[0]
    return np.rint(rgb.clamp(0, 1).permute(1, 2, 0).numpy() * 255).astype(np.uint8)


def evaluate(
    colorizer: PreviewColorizer, pictures: Iterable[Bytes], size: int = 256
) -> Iterator[tuple[PictureScore, PictureScore, PictureScore]]:
    """Turn pictures gray, colour them and compare.

    Args:
        colorizer: the model.
        pictures: (H, W, 3) RGB, 0…255.
        size: the square that the filter would use.

    Yields:
        The scores of the coloured picture, of plain gray and of the truth itself.
    """
    for truth in pictures:
        luma = luma_of(truth)
        gray = np.repeat(np.rint(luma * 255).astype(np.uint8)[..., None], 3, axis=2)
        yield score(truth, colour_picture(colorizer, luma, size)), score(truth, gray), score(truth, truth)


def decoded(sources: Sequence[Path]) -> Iterator[Bytes]:
    """The pictures of `sources` as RGB; files that are no pictures are left out."""
    for _, data in read_pictures(sources):
        rgb = decode(data)
        if rgb is not None:
            yield rgb


def seconds_a_frame(colorizer: PreviewColorizer, size: int = 256, rounds: int = 15) -> float:
    """The best time of several for one square of `size` pixels: other work on the machine only adds to it."""
    gray = torch.rand(1, 1, size, size)
    times = []
    with torch.inference_mode():
        for _ in range(rounds):
            begun = time.perf_counter()
            colorizer(gray)
            times.append(time.perf_counter() - begun)
    return min(times)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of a model, of gray and of the truth."""
    parser = argparse.ArgumentParser(prog="python -m vsdeoldify.training.evaluate", description=__doc__)
    parser.add_argument("pictures", type=Path, nargs="+", help="folders, tar files or colour pictures")
    parser.add_argument("--model", type=Path, help="a model file; without it the bundled one")
    parser.add_argument("--size", type=int, default=256, help="side of the filter's square (default 256)")
    parser.add_argument("--working-size", type=int, default=WORKING_SIZE, help="side the network works at")
    options = parser.parse_args(arguments)
    network = load_network(options.model).fold() if options.model else load_preview()
    colorizer = PreviewColorizer(network, options.working_size).eval()
    scores = np.array(list(evaluate(colorizer, decoded(options.pictures), options.size)), np.float64)
    if not len(scores):
        parser.error("no picture could be read")
    print(f"{len(scores)} pictures, means   CIEDE2000  a/b PSNR (dB)  colourfulness")
    for name, row in zip(("model", "gray", "truth"), scores.mean(axis=0), strict=True):
        print(f"{name:22}{row[0]:11.3f}{row[1]:15.2f}{row[2]:15.2f}")
    speed = 1 / seconds_a_frame(colorizer, options.size)
    print(f"{speed:.1f} squares of {options.size} pixels a second with {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
