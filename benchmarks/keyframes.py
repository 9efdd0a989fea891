"""What every=k costs in colour and gains in speed: `python benchmarks/keyframes.py`.

Colour: the real chroma of the clips in the folder `shared` stands in for a perfect network; mean CIEDE2000 of
every=k against every=1, over frames chosen at random. Speed: the bundled model on the first of the clips.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from pathlib import Path

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray
from vapoursynth import core

from vsdeoldify import ddeoldify
from vsdeoldify.metrics import ciede2000, rgb_to_lab
from vsdeoldify.vsutils import formats, keyframes, scenes
from vsdeoldify.vsutils.frames import in_order

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
SIZE = 384
CUT = 0.15


def opened(path: Path) -> vs.VideoNode:
    clip = core.bs.VideoSource(str(path), cachemode=0)
    return core.std.SetFrameProps(clip, _Matrix=formats.BT601)


def lab(clip: vs.VideoNode, n: int) -> NDArray[np.float64]:
    rgb = core.resize.Bicubic(clip, format=vs.RGB24)
    with rgb.get_frame(n) as frame:
        return rgb_to_lab(np.stack([np.asarray(frame[p]) for p in range(3)], -1))


def colour_cost(path: Path, steps: list[int], frames: int) -> dict[int, float]:
    """Mean CIEDE2000 against colouring every frame, for every k in steps."""
    source = opened(path)
    canvas, gray = formats.to_canvas(source, SIZE), formats.to_gray(source, SIZE)
    cuts = scenes.find_cuts(gray, CUT)
    chosen = random.Random(path.name).sample(range(len(source)), min(frames, len(source)))
    truth = formats.restore(source, canvas)
    references = {n: lab(truth, n) for n in chosen}
    result = {}
    for k in steps:
        filled = formats.restore(source, keyframes.interpolate(gray, canvas[::k], canvas, k, cuts))
        result[k] = statistics.mean(float(ciede2000(references[n], lab(filled, n)).mean()) for n in chosen)
    return result


def speed(path: Path, steps: list[int], rounds: int) -> dict[int, float]:
    """Frames per second over those of k = 1, measured in turns with the bundled model."""
    clip = core.resize.Bicubic(opened(path)[:48], 720, 576)
    chains = {k: ddeoldify(clip, 1, ddcolor_p=["preview", 24], device_index=99, every=k) for k in (1, *steps)}
    rates: dict[int, list[float]] = {k: [] for k in chains}
    for chain in chains.values():
        chain.get_frame(0).close()
    for _ in range(rounds):
        for k, chain in chains.items():
            begun = time.perf_counter()
            for _frame in in_order(core.std.SetFrameProps(chain, Round=len(rates[k]))):
                pass
            rates[k].append(len(clip) / (time.perf_counter() - begun))
    return {k: statistics.median(values) for k, values in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", default="2,3,4,5,6,7,8")
    parser.add_argument("--frames", type=int, default=24, help="frames a clip")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    steps = [int(k) for k in options.steps.split(",")]
    paths = sorted((SHARED / "clips").glob("*.mp4"))
    costs = {path: colour_cost(path, steps, options.frames) for path in paths}
    rates = speed(SHARED / "clips" / "park_football.mp4", steps, options.rounds)
    print("| every | " + " | ".join(path.stem for path in paths) + " | mean | speed |")
    print("|---" * (len(paths) + 3) + "|")
    for k in steps:
        row = [costs[path][k] for path in paths]
        cells = [f"{value:.2f}" for value in (*row, statistics.mean(row))]
        print(f"| {k} | " + " | ".join(cells) + f" | ×{rates[k] / rates[1]:.2f} |")
    print(f"\nevery=1: {rates[1]:.1f} frames per second")


if __name__ == "__main__":
    main()
