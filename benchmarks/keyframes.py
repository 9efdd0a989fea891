"""What every=k costs in colour and gains in speed: `python benchmarks/keyframes.py`.

Colour: the real chroma of the clips in the folder `shared` stands in for a perfect network; mean CIEDE2000 of
every=k against every=1, over frames chosen at random. Speed: the bundled model on one clip, or `--model`, one
of DDColor's (with random weights where the file is not here). All without the plugin for motion, of which
`propagation.py` says what it costs and gains.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray
from vapoursynth import core
from weights import model_file

from vsdeoldify import ddeoldify
from vsdeoldify.metrics import ciede2000, rgb_to_lab
from vsdeoldify.vsutils import formats, scenes
from vsdeoldify.vsutils.frames import in_order
from vsdeoldify.vsutils.propagation import keyframes, motion

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
SIZE = 384
CUT = 0.15


def opened(path: Path) -> vs.VideoNode:
    clip = core.bs.VideoSource(str(path), cachemode=0)
    return core.std.SetFrameProps(clip, _Matrix=vs.MATRIX_ST170_M)


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


def speed(
    path: Path, model: str, frames: int, steps: list[int], rounds: int
) -> dict[int, tuple[float, float]]:
    """Frames per second and CPU seconds a frame with a DDColor model, for k = 1 and `steps`, in turns."""
    clip = core.resize.Bicubic(opened(path)[:frames], 720, 576)

    def chain(k: int) -> vs.VideoNode:
        return ddeoldify(clip, 1, ddcolor_p=[model, 24], device_index=99, every=k)

    keep = chain(1)  # and its network
    keep.get_frame(0).close()
    figures: dict[int, list[tuple[float, float]]] = {k: [] for k in (1, *steps)}
    for _ in range(rounds):
        for k, values in figures.items():
            begun, cpu = time.perf_counter(), time.process_time()
            # A new chain, since VapourSynth keeps frames of the one before.
            for _frame in in_order(chain(k)):
                pass
            seconds = time.perf_counter() - begun
            values.append((len(clip) / seconds, (time.process_time() - cpu) / len(clip)))
    return {
        k: (statistics.median(rate for rate, _ in values), statistics.median(cpu for _, cpu in values))
        for k, values in figures.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", default="2,3,4,5,6,7,8")
    parser.add_argument("--frames", type=int, default=24, help="frames a clip whose colours are compared")
    parser.add_argument("--model", default="preview", help="preview, modelscope, artistic or paper_tiny")
    parser.add_argument("--speed-frames", type=int, default=96, help="frames for the speed")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    motion.is_available = lambda: False
    steps = [int(k) for k in options.steps.split(",")]
    paths = sorted((SHARED / "clips").glob("*.mp4"))
    costs = {path: colour_cost(path, steps, options.frames) for path in paths}
    clip = SHARED / "clips" / "park_football.mp4"
    with tempfile.TemporaryDirectory() as folder:
        bundled = options.model == "preview"
        model = "preview" if bundled else str(model_file("ddcolor", options.model, Path(folder)))
        rates = speed(clip, model, options.speed_frames, steps, options.rounds)
    print("| every | " + " | ".join(path.stem for path in paths) + " | mean | speed | CPU time |")
    print("|---" * (len(paths) + 4) + "|")
    for k in steps:
        row = [costs[path][k] for path in paths]
        cells = [f"{value:.2f}" for value in (*row, statistics.mean(row))]
        faster, less = rates[k][0] / rates[1][0], rates[1][1] / rates[k][1]
        print(f"| {k} | " + " | ".join(cells) + f" | ×{faster:.2f} | 1/{less:.2f} |")
    print(f"\nevery=1: {rates[1][0]:.1f} frames per second, {1000 * rates[1][1]:.0f} ms of CPU time a frame")


if __name__ == "__main__":
    main()
