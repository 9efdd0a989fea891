"""What colours lose on their way from key frames to other frames: `python benchmarks/propagation.py`.

The true chroma of the clips in the folder `shared` stands in for a perfect network, so what is measured is
the way alone: mean CIEDE2000 over every third frame, without key frames, of all places and of moving ones
(luma that differs from the nearer regular key's by more than 16/255), with the plugin for motion and without.
Then the processor's time, with the true chroma as it comes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray
from vapoursynth import core

from vsdeoldify.metrics import ciede2000, rgb_to_lab
from vsdeoldify.vsutils import formats, scenes
from vsdeoldify.vsutils.frames import in_order
from vsdeoldify.vsutils.planes import colourless, plane
from vsdeoldify.vsutils.propagation import keyframes, keys, motion, references

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
SIZE = 384
CUT = 0.15
MOVING = 16 / 255
STRIDE = 3


class Costs(NamedTuple):
    """Mean CIEDE2000 over every third frame of a clip that is no key, and how many of its frames are keys."""

    all: float
    moving: float
    keys: int


def opened(path: Path) -> vs.VideoNode:
    """The clip, its matrix named."""
    return core.std.SetFrameProps(core.bs.VideoSource(str(path), cachemode=0), _Matrix=vs.MATRIX_ST170_M)


def lab(luma: NDArray[np.float32], frame: vs.VideoFrame) -> NDArray[np.float64]:
    """The colours of a canvas's frame with a given luma, in CIE Lab."""
    y, u, v = (np.asarray(plane).astype(np.float64) for plane in (luma, frame[1], frame[2]))
    red, blue = y + 1.402 * v, y + 1.772 * u
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return rgb_to_lab(np.clip(np.stack([red, green, blue], -1), 0, 1))


def spoiled(gray: vs.VideoNode) -> vs.VideoNode:
    """With grain (sigma 0.02) and 3 % brightness flicker."""

    def spoil(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame, rng = f.copy(), np.random.default_rng(n)
        luma = np.asarray(f[0]) * (1 + 0.03 * rng.uniform(-1, 1)) + 0.02 * rng.standard_normal(f[0].shape)
        np.copyto(np.asarray(frame[0]), luma.clip(0, 1).astype(np.float32))
        return frame

    return core.std.ModifyFrame(gray, gray, spoil)


def cost(canvas: vs.VideoNode, gray: vs.VideoNode, every: int) -> Costs:
    """What filling the frames between keys costs."""
    cuts = scenes.find_cuts(plane(canvas, 0), CUT)
    coloured = set()

    def see(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        coloured.add(n)
        return f

    single = core.std.ModifyFrame(canvas, canvas, see)
    result = keyframes.interpolate(gray, canvas[::every], single, every, cuts)
    places = [keys.keys_of(f) for f in keys.find_keys(cuts, every).frames()]
    lumas = [np.asarray(f[0]).copy() for f in in_order(plane(canvas, 0))]
    differences, moved = {}, {}
    for n, (frame, true) in enumerate(zip(in_order(result), in_order(canvas), strict=True)):
        before, after, _ = places[n]
        # CIEDE2000 takes longer than all the rest.
        if before and n % STRIDE == 0:
            difference = ciede2000(lab(lumas[n], true), lab(lumas[n], frame))
            nearer = after if after and after < -before else before
            moving = np.abs(lumas[n] - lumas[n + nearer]) > MOVING
            differences[n], moved[n] = float(difference.mean()), difference[moving]
    inner = [n for n in differences if n not in coloured]
    places_moved = np.concatenate([moved[n] for n in inner])
    regular = {n for n in range(0, len(canvas), every) if n not in coloured}
    return Costs(
        statistics.mean(differences[n] for n in inner), float(places_moved.mean()), len(coloured | regular)
    )


def one_reference(path: Path, distances: Sequence[int]) -> dict[int, list[float]]:
    """Mean CIEDE2000 so many frames after the one frame whose true colours a gray clip is given."""
    source = opened(path)
    canvas, gray = formats.to_canvas(source, SIZE), formats.to_gray(source, SIZE)
    cuts = scenes.find_cuts(gray, CUT)
    begins = [bool(f.props["_SceneChangePrev"]) for f in cuts.frames()]
    found: dict[int, list[float]] = {distance: [] for distance in distances}
    for start in range(0, len(source), 12):
        referred = references.Referred(canvas, [start])
        result = references.apply_references(gray, colourless(gray), referred, cuts, coloured=False)
        for distance in distances:
            n = start + distance
            if n < len(source) and not any(begins[start + 1 : n + 1]):
                with canvas.get_frame(n) as true, result.get_frame(n) as frame:
                    luma = np.asarray(true[0])
                    found[distance].append(float(ciede2000(lab(luma, true), lab(luma, frame)).mean()))
    return found


def milliseconds(path: Path, every: int) -> float:
    """Processor time a frame, without that of the source."""

    def used(make: Callable[[vs.VideoNode, vs.VideoNode], vs.VideoNode]) -> float:
        source = opened(path)
        canvas, gray = formats.to_canvas(source, SIZE), formats.to_gray(source, SIZE)
        begun = time.process_time()
        for _frame in in_order(make(gray, canvas)):
            pass
        return 1000 * (time.process_time() - begun) / len(source)

    def filled(gray: vs.VideoNode, canvas: vs.VideoNode) -> vs.VideoNode:
        return keyframes.interpolate(gray, canvas[::every], canvas, every, scenes.find_cuts(gray, CUT))

    rounds = [
        used(filled) - used(lambda gray, canvas: core.std.Interleave([gray, plane(canvas, 0)]))
        for _ in range(3)
    ]
    return statistics.median(rounds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", default="10,20,40")
    options = parser.parse_args()
    paths = sorted((SHARED / "clips").glob("*.mp4"))
    names = [path.stem for path in paths]
    print("| every | | " + " | ".join(names) + " | mean | moving places | frames coloured |")
    print("|---" * (len(names) + 5) + "|")
    for every in map(int, options.steps.split(",")):
        for title, available, further, spoil in (
            ("without motion", False, False, False),
            ("motion, regular keys", True, False, False),
            ("motion, further keys", True, True, False),
            ("motion, further keys, grain and flicker", True, True, True),
        ):
            row = []
            for path in paths:
                source = opened(path)
                canvas, gray = formats.to_canvas(source, SIZE), formats.to_gray(source, SIZE)
                gray = spoiled(gray) if spoil else gray
                with (
                    mock.patch.object(motion, "is_available", lambda there=available: there),
                    mock.patch.object(keys, "TOO_MUCH", keys.TOO_MUCH if further else 2.0),
                ):
                    row.append(cost(canvas, gray, every))
            print_row(every, title, row)
    print("\nOne reference, so many frames before, beside a gray clip:\n")
    distances = (5, 10, 20, 40)
    print("| clip | " + " | ".join(map(str, distances)) + " |\n" + "|---" * (len(distances) + 1) + "|")
    rows = {path.stem: one_reference(path, distances) for path in paths}
    means = {
        name: [statistics.mean(row[d]) if row[d] else None for d in distances] for name, row in rows.items()
    }
    known = [[row[i] for row in means.values() if row[i] is not None] for i in range(len(distances))]
    means["mean"] = [statistics.mean(filter(None, values)) for values in known]
    for name, values in means.items():
        print(f"| {name} | " + " | ".join("–" if v is None else f"{v:.2f}" for v in values) + " |")
    print()
    for every in (10, 40):
        print(f"every={every}: {milliseconds(paths[-1], every):.1f} ms of processor time a frame")


def print_row(every: int, title: str, row: Sequence[Costs]) -> None:
    cells = [f"{costs.all:.2f}" for costs in row]
    cells += [f"{statistics.mean(costs.all for costs in row):.3f}"]
    cells += [f"{statistics.mean(costs.moving for costs in row):.2f}", str(sum(costs.keys for costs in row))]
    print(f"| {every} | {title} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
