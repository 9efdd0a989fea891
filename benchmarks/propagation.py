"""Colours on their way along motion: `python benchmarks/propagation.py keys|reference|ways|own|time|plot`.

keys: what they lose between key frames. The true chroma of the clips in the folder `shared` stands in for a
perfect network, so what is measured is the way alone: mean CIEDE2000 over every third frame, without key
frames, of all places and of moving ones (luma 16/255 and more off the nearer regular key's).
reference: the same, so many frames after one reference beside a gray clip; what is lost where the frame
agrees with nothing in it, and how much is sure and wrong.
ways: one frame in true colours over the bundled model's: carried as colours, or as what they differ by.
own: a network's own colours, which differ from key frame to key frame: how steady they are. The bundled
model's, or with --model those of an official network (filled at random where its file is not here).
time: the time of `every` and of mode M on one processor, with the true chroma as it comes.
plot: docs/images/propagation.png from the figures that keys and reference left in propagation.csv beside it.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray
from vapoursynth import core
from weights import model_file

from vsdeoldify import ddeoldify, ddeoldify_stabilizer, meter
from vsdeoldify.metrics import ciede2000, rgb_to_lab
from vsdeoldify.settings.params import stab_params
from vsdeoldify.vsutils import formats, scenes
from vsdeoldify.vsutils.filters.stabilize import stabilize
from vsdeoldify.vsutils.frames import in_order
from vsdeoldify.vsutils.planes import colourless, plane
from vsdeoldify.vsutils.propagation import keyframes, keys, motion, references

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
SIZE = 384
CUT = 0.15
MOVING = 16 / 255
STRIDE = 3
DOUBTFUL, SURE, WRONG = 0.3, 0.7, 8.0
FIGURES = Path(__file__).parents[1] / "docs" / "images" / "propagation.csv"


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


class Carried(NamedTuple):
    """What one reference gives a frame.

    Attributes:
        all: mean CIEDE2000.
        unmatched: that of places that agree with nothing in the reference; None: there are none.
        false: share of the places that are sure and wrong.
    """

    all: float
    unmatched: float | None
    false: float


def one_reference(path: Path, distances: Sequence[int]) -> dict[int, list[Carried]]:
    """Frames so far after the one frame whose true colours a gray clip is given."""
    source = opened(path)
    canvas, gray = formats.to_canvas(source, SIZE), formats.to_gray(source, SIZE)
    cuts = scenes.find_cuts(gray, CUT)
    begins = [bool(f.props["_SceneChangePrev"]) for f in cuts.frames()]
    found: dict[int, list[Carried]] = {distance: [] for distance in distances}
    between = motion.Motion(gray)
    for start in range(0, len(source), 12):
        referred = references.Referred(canvas, [start])
        result = references.apply_references(gray, colourless(gray), referred, cuts, coloured=False)
        agreements = [
            between.agreement(between.moved_luma(core.std.Loop(between.levels[start], len(gray)))),
            between.agreement(core.std.Loop(gray[start], len(gray))),
        ]
        best = core.std.Expr(agreements, "x y max")
        for distance in distances:
            n = start + distance
            if n < len(source) and not any(begins[start + 1 : n + 1]):
                with canvas.get_frame(n) as true, result.get_frame(n) as frame, best.get_frame(n) as agrees:
                    luma = np.asarray(true[0])
                    difference = ciede2000(lab(luma, true), lab(luma, frame))
                    sure = np.asarray(agrees[0])
                    unmatched = difference[sure < DOUBTFUL]
                    false = (sure >= SURE) & (difference > WRONG)
                    found[distance].append(
                        Carried(
                            float(difference.mean()),
                            float(unmatched.mean()) if unmatched.size else None,
                            float(false.mean()),
                        )
                    )
    return found


def two_ways(path: Path, distances: Sequence[int]) -> dict[int, list[tuple[float, float, float]]]:
    """Mean CIEDE2000 of automatic colours and of two ways to correct them by a reference in true colours."""
    source = opened(path)
    canvas, gray = formats.to_canvas(source, SIZE), formats.to_gray(source, SIZE)
    cuts = scenes.find_cuts(gray, CUT)
    begins = [bool(f.props["_SceneChangePrev"]) for f in cuts.frames()]
    automatic = formats.to_canvas(ddeoldify(source, 1, ddcolor_p=["preview", 16], device_index=99), SIZE)
    difference = core.std.Expr([canvas, automatic], ["", "x y -", "x y -"])
    found: dict[int, list[tuple[float, float, float]]] = {distance: [] for distance in distances}
    for start in range(0, len(source), 24):
        colours = references.Referred(canvas, [start])
        first = references.apply_references(gray, automatic, colours, cuts, coloured=True)
        differences = references.Referred(difference, [start])
        carried = references.apply_references(gray, colourless(gray), differences, cuts, coloured=False)
        second = core.std.Expr([automatic, carried], ["", "x y +", "x y +"])
        for distance in distances:
            n = start + distance
            if n < len(source) and not any(begins[start + 1 : n + 1]):
                with canvas.get_frame(n) as true:
                    luma = np.asarray(true[0])
                    aim = lab(luma, true)
                    row = []
                    for clip in (automatic, first, second):
                        with clip.get_frame(n) as frame:
                            row.append(float(ciede2000(aim, lab(luma, frame)).mean()))
                    found[distance].append((row[0], row[1], row[2]))
    return found


class Steadiness(NamedTuple):
    """How steady colours are: what `meter` says, and the last.

    Attributes:
        flicker: of still places, in 8-bit levels.
        cdc: colour distribution consistency.
        colourfulness: as it is called.
        pumping: change of the colours of still places beside regular key frames, by that elsewhere.
    """

    flicker: float
    cdc: float
    colourfulness: float
    pumping: float


def own_colours(source: vs.VideoNode, model: str) -> dict[str, Steadiness]:
    """How steady a model's colours are, coloured and calmed in several ways."""
    gray = core.resize.Bicubic(source, format=vs.GRAY8)
    luma = meter.read(core.resize.Bicubic(gray, format=vs.YUV444P8, matrix=vs.MATRIX_ST170_M), SIZE).luma
    marked = list(scenes.find_cuts(formats.to_gray(gray, SIZE), CUT).frames())
    cuts = [n for n, f in enumerate(marked) if n and f.props["_SceneChangePrev"]]
    found = {}
    for every, mode in ((1, ""), (1, "G"), (1, "M"), (10, ""), (20, ""), (20, "G"), (40, "")):
        if not mode:
            coloured = held(ddeoldify(gray, 1, ddcolor_p=[model, 16], device_index=99, every=every))
        clip, name = coloured, f"every={every}"
        if mode:
            clip = ddeoldify_stabilizer(clip, stab=True, stab_p=[15, mode, 1, 15, 0.2, 0.15, "none"])
            name += f", mode {mode} over 15"
        film = meter.Film(luma, meter.read(clip, SIZE).chroma)
        report = meter.measure(film, film, None, cuts)
        found[name] = Steadiness(
            report.flicker, report.cdc, report.colourfulness, pumping(film, every if every > 1 else 20, cuts)
        )
    return found


def pumping(film: meter.Film, every: int, cuts: Sequence[int]) -> float:
    """Mean change of still places to and from regular key frames, by that between all other frames."""
    still = meter.motion(film.luma, cuts) < meter.STILL
    change = np.abs(np.diff(film.chroma, axis=0)).mean(1)
    around: list[float] = []
    others: list[float] = []
    for n in range(1, len(film.luma)):
        if n not in cuts:
            near = n % every in (0, 1) and n > 1
            (around if near else others).append(float(change[n - 1][still[n]].mean()))
    return statistics.mean(around) / statistics.mean(others)


def milliseconds(path: Path) -> dict[str, float]:
    """Processor time a frame, without that of the source."""
    if sys.platform == "linux":
        # Two threads on the halves of one core would each be counted as a processor.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    source = opened(path)
    gray, canvas = (held(make(source, SIZE)) for make in (formats.to_gray, formats.to_canvas))
    cuts = scenes.find_cuts(gray, CUT)

    def filled(every: int) -> vs.VideoNode:
        return keyframes.interpolate(gray, canvas[::every], canvas, every, cuts)

    def averaged(mode: str) -> vs.VideoNode:
        return stabilize(canvas, stab_params([15, mode, 1, 15, 0.2, 0.15, "none"]), cuts)

    def used(make: Callable[[], vs.VideoNode]) -> float:
        times = []
        for _ in range(3):
            begun = time.process_time()
            for _frame in in_order(make()):
                pass
            times.append(1000 * (time.process_time() - begun) / len(source))
        # Other work on the machine only ever adds time.
        return min(times)

    return {
        "every=10": used(lambda: filled(10)),
        "every=40": used(lambda: filled(40)),
        "mode G over 15": used(lambda: averaged("G")),
        "mode M over 15": used(lambda: averaged("M")),
    }


def held(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip from memory."""
    frames = list(in_order(clip))
    blank = core.std.BlankClip(clip, length=len(frames), keep=True)
    return core.std.ModifyFrame(blank, blank, lambda n, f: frames[n])


def note(part: str, rows: Sequence[tuple[str, int, float]]) -> None:
    """Keep figures for the plot, in place of those that the same part left before."""
    kept = []
    if FIGURES.exists():
        with FIGURES.open(encoding="utf-8", newline="") as file:
            kept = [
                row
                for row in csv.reader(file)
                if row[:1] != [part] or row[2] not in {str(x) for _, x, _ in rows}
            ]
    kept += [[part, name, str(x), f"{value:.3f}"] for name, x, value in rows]
    with FIGURES.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(kept)


def print_keys(paths: Sequence[Path], steps: Sequence[int]) -> None:
    print(
        "| every | | "
        + " | ".join(path.stem for path in paths)
        + " | mean | moving places | frames coloured |"
    )
    print("|---" * (len(paths) + 5) + "|")
    for every in steps:
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
            cells = [f"{costs.all:.2f}" for costs in row]
            means = (
                statistics.mean(costs.all for costs in row),
                statistics.mean(costs.moving for costs in row),
            )
            cells += [f"{means[0]:.3f}", f"{means[1]:.2f}", str(sum(costs.keys for costs in row))]
            print(f"| {every} | {title} | " + " | ".join(cells) + " |", flush=True)
            note("keys: " + title, [("all", every, means[0]), ("moving", every, means[1])])


def print_reference(paths: Sequence[Path], distances: Sequence[int]) -> None:
    print("| clip | " + " | ".join(f"{d} frames after" for d in distances) + " |")
    print("|---" * (len(distances) + 1) + "|")
    means: dict[int, list[Carried]] = {d: [] for d in distances}
    for path in paths:
        found = one_reference(path, distances)
        cells = []
        for distance in distances:
            if not found[distance]:
                cells.append("–")
                continue
            unmatched = [one.unmatched for one in found[distance] if one.unmatched is not None]
            mean = Carried(
                statistics.mean(one.all for one in found[distance]),
                statistics.mean(unmatched) if unmatched else None,
                statistics.mean(one.false for one in found[distance]),
            )
            means[distance].append(mean)
            cells.append(carried_text(mean))
        print(f"| {path.stem} | " + " | ".join(cells) + " |", flush=True)
    rows = []
    for distance, known in means.items():
        unmatched = [one.unmatched for one in known if one.unmatched is not None]
        mean = Carried(
            statistics.mean(one.all for one in known),
            statistics.mean(unmatched),
            statistics.mean(one.false for one in known),
        )
        rows.append(mean)
        note("reference", [("all", distance, mean.all), ("unmatched", distance, mean.unmatched or 0.0)])
    print("| mean | " + " | ".join(map(carried_text, rows)) + " |")


def carried_text(mean: Carried) -> str:
    unmatched = "–" if mean.unmatched is None else f"{mean.unmatched:.1f}"
    return f"{mean.all:.2f} (unmatched {unmatched}, sure and wrong {mean.false:.1%})"


def print_ways(paths: Sequence[Path], distances: Sequence[int]) -> None:
    print("| clip | " + " | ".join(f"{d} frames after" for d in distances) + " |")
    print("|---" * (len(distances) + 1) + "|")
    for path in paths:
        cells = []
        for rows in two_ways(path, distances).values():
            means = [statistics.mean(values) for values in zip(*rows, strict=True)]
            cells.append(" / ".join(f"{mean:.2f}" for mean in means) or "–")
        print(f"| {path.stem} | " + " | ".join(cells) + " |", flush=True)
    print("\nautomatic / colours where they were changed / differences")


def print_own(model: str, frames: int) -> None:
    films = {"sample_bw": opened(SHARED / "film" / "sample_bw.mp4")}
    films |= {
        name: opened(SHARED / "clips" / f"{name}.mp4") for name in ("park_football", "woman_dog_garden")
    }
    print("| film | | flicker | CDC | colourfulness | change at keys / elsewhere |")
    print("|---|---|---|---|---|---|")
    for film, source in films.items():
        for name, found in own_colours(source[:frames], model).items():
            print(
                f"| {film} | {name} | {found.flicker:.2f} | {found.cdc:.4f} | {found.colourfulness:.1f} | "
                f"{found.pumping:.2f} |",
                flush=True,
            )


def plot() -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with FIGURES.open(encoding="utf-8", newline="") as file:
        rows = [(part, name, int(x), float(value)) for part, name, x, value in csv.reader(file)]
    figure, axes = pyplot.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    titles = "between key frames, all places", "between key frames, moving places", "after one reference"
    for axis, title, name in zip(axes, titles, ("all", "moving", "all"), strict=True):
        for part in dict.fromkeys(row[0] for row in rows):
            if part.startswith("keys: ") == (axis is axes[2]):
                continue
            points = sorted(
                (x, value) for row_part, row_name, x, value in rows if (row_part, row_name) == (part, name)
            )
            label = part.removeprefix("keys: ")
            axis.plot(*zip(*points, strict=True), marker="o", label=None if axis is axes[2] else label)
        axis.set(title=title, xlabel="every" if axis is not axes[2] else "frames", ylim=(0, None))
    axes[0].set_ylabel("mean CIEDE2000")
    axes[0].legend(fontsize="small")
    figure.savefig(FIGURES.with_suffix(".png"), dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("keys", "reference", "ways", "own", "time", "plot"))
    parser.add_argument("--steps", default="10,20,40", help="keys: values of every")
    parser.add_argument("--model", default="preview", help="own: preview, modelscope, artistic or paper_tiny")
    parser.add_argument("--frames", type=int, default=120, help="own: of each film (120)")
    options = parser.parse_args()
    paths = sorted((SHARED / "clips").glob("*.mp4"))
    if options.what == "keys":
        print_keys(paths, [int(step) for step in options.steps.split(",")])
    elif options.what == "reference":
        print_reference(paths, (5, 10, 20, 40))
    elif options.what == "ways":
        print_ways(paths, (10, 20, 40))
    elif options.what == "own":
        with tempfile.TemporaryDirectory() as folder:
            bundled = options.model == "preview"
            model = "preview" if bundled else str(model_file("ddcolor", options.model, Path(folder)))
            print_own(model, options.frames)
    elif options.what == "time":
        for name, used in milliseconds(SHARED / "clips" / "park_football.mp4").items():
            print(f"{name}: {used:.1f} ms of processor time a frame")
    else:
        plot()


if __name__ == "__main__":
    main()
