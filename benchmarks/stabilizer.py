"""The stabilizer measured: `python benchmarks/stabilizer.py speed|table|moving|pictures`.

speed: frames per second of dark + smooth + stab (defaults) beside the same formulas in OpenCV.
table: flicker, ghosting and colour of every mode, as Markdown.
moving: flicker and error of still and of moving places, and ghosts, of the modes that may be chosen between.
pictures: the before/after strips of docs/images.

The clips come from the folder `shared` beside the checkout, or from $VSDEOLDIFY_SHARED.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray
from opencv_stabilizer import Stabilizer
from vapoursynth import core

from vsdeoldify import ddeoldify_stabilizer, meter
from vsdeoldify.settings.params import stab_params
from vsdeoldify.vsutils.filters.stabilize import stabilize
from vsdeoldify.vsutils.frames import in_order

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", ROOT.parent / "shared"))
MODES = (("A", 5), ("A", 15), ("W", 5), ("W", 15), ("G", 5), ("G", 15), ("G", 31))
#: File, frames, and the first frames of its later scenes.
CLIPS: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "hands_cups": (0, 40, ()),
    "park_football": (0, 48, ()),
    "woman_dog_garden": (0, 48, ()),
    "city_bikes_cuts": (30, 78, (12,)),
    "six_scenes_cuts": (0, 72, (18, 36, 54)),
}


def opened(name: str) -> vs.VideoNode:
    clip = core.bs.VideoSource(str(SHARED / "clips" / f"{name}.mp4"), cachemode=0)
    return core.std.SetFrameProps(clip, _Matrix=6)


def clip_of(frames: Sequence[vs.VideoFrame]) -> vs.VideoNode:
    """A clip that gives out frames from memory."""
    first = frames[0]
    blank = core.std.BlankClip(
        format=first.format.id, width=first.width, height=first.height, length=len(frames), keep=True
    )
    return core.std.ModifyFrame(blank, blank, lambda n, f: frames[n])


def speed(rounds: int) -> None:
    load = os.getloadavg()[0]
    # Other work on the machine only ever adds time, so the best round is the least disturbed one.
    print(f"{os.cpu_count()} processor cores, load {load:.1f}, best of {rounds} rounds in turns\n")
    print("| picture | format | ours, fps | OpenCV, fps | ratio | ours, CPU ms | OpenCV, CPU ms | ratio |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for width, height in ((720, 576), (1920, 1080)):
        source = opened("park_football")[:24]
        rgb = core.resize.Bicubic(source, width, height, format=vs.RGB24)
        pictures = [np.stack([np.asarray(f[p]) for p in range(3)], -1) for f in in_order(rgb)]
        for fmt in (vs.YUV420P8, vs.RGB24):
            clip = core.resize.Bicubic(source, width, height, format=fmt)
            held = clip_of(list(in_order(clip)))
            # Forwards and backwards in turns: no cut where the next turn begins.
            looped = (held + core.std.Reverse(held)) * 3
            times: list[tuple[float, ...]] = []
            for _ in range(rounds):
                result = ddeoldify_stabilizer(looped, dark=True, smooth=True, stab=True)
                wall, cpu = time.perf_counter(), time.process_time()
                for _frame in in_order(result):
                    pass
                ours = [(time.perf_counter() - wall) / len(result), (time.process_time() - cpu) / len(result)]
                theirs = Stabilizer(pictures)
                wall, cpu = time.perf_counter(), time.process_time()
                for n in range(8):
                    theirs[n]
                times.append((*ours, (time.perf_counter() - wall) / 8, (time.process_time() - cpu) / 8))
            our_wall, our_cpu, their_wall, their_cpu = (min(column) for column in zip(*times, strict=True))
            print(
                f"| {width}×{height} | {'RGB24' if fmt == vs.RGB24 else 'YUV420P8'} | {1 / our_wall:.0f} | "
                f"{1 / their_wall:.1f} | {their_wall / our_wall:.1f} | {our_cpu * 1e3:.1f} | "
                f"{their_cpu * 1e3:.1f} | {their_cpu / our_cpu:.1f} |",
                flush=True,
            )


def with_blotches(film: meter.Film, seed: int = 1) -> meter.Film:
    """The film with chroma noise as frame-by-frame colouring makes it: new blotches on every frame."""
    random = np.random.default_rng(seed)
    size = film.luma.shape[1:]
    noisy = film.chroma.copy()
    for plane in noisy.reshape(-1, *size):
        blotches = random.normal(0, 0.02, (24, 24)).astype(np.float32)
        plane += cv2.resize(blotches, size[::-1], interpolation=cv2.INTER_CUBIC) + random.normal(0, 0.01)
    return meter.Film(film.luma, noisy)


def canvas_of(film: meter.Film) -> vs.VideoNode:
    blank = core.std.BlankClip(
        format=vs.YUV444PS,
        width=film.luma.shape[2],
        height=film.luma.shape[1],
        length=len(film.luma),
        keep=True,
    )
    blank = core.std.SetFrameProps(blank, _Matrix=6, _Range=vs.RANGE_FULL)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane, values in enumerate((film.luma[n], *film.chroma[n])):
            np.copyto(np.asarray(frame[plane]), values)
        return frame

    return core.std.ModifyFrame(blank, blank, fill)


def stabilized(film: meter.Film, mode: str, frames: int, tht: int = 15) -> meter.Film:
    parameters = stab_params([frames, mode, 1, tht, 0.2, 0.15, "none"])
    return meter.read(stabilize(canvas_of(film), parameters), film.luma.shape[1])


def flickering_film() -> meter.Film:
    """Real film with the real flicker of a frame-by-frame model; a cut at frame 18."""
    paths = sorted((SHARED / "filters" / "inputs" / "b").glob("f*.png"))
    blank = core.std.BlankClip(format=vs.RGB24, width=256, height=192, length=len(paths), keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        picture = cv2.cvtColor(cv2.imread(str(paths[n])), cv2.COLOR_BGR2RGB)
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), picture[..., plane])
        return frame

    return meter.read(core.std.ModifyFrame(blank, blank, fill))


def number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def rows(film: meter.Film, truth: meter.Film | None, cuts: tuple[int, ...]) -> dict[str, meter.Report]:
    """Reports of the film unfiltered and in every mode; ghosts and saturation from the filtered truth."""
    reports = {"off": meter.measure(film, film, None, cuts)}
    if truth is not None:
        reports["off"] = reports["off"]._replace(ghosting=0.0)
    for mode, frames in MODES:
        found = meter.measure(stabilized(film, mode, frames), film, None, cuts)
        if truth is not None:
            clean = stabilized(truth, mode, frames)
            found = found._replace(
                ghosting=meter.ghosting(clean, truth, cuts), saturation=meter.saturation(clean, truth)
            )
        reports[f"{mode}{frames}"] = found
    return reports


def table(size: int) -> None:
    sources: list[tuple[str, meter.Film, meter.Film | None, tuple[int, ...]]] = [
        ("film, flickering colours", flickering_film(), None, (18,))
    ]
    for name, (first, last, cuts) in CLIPS.items():
        truth = meter.read(opened(name)[first:last], size)
        sources.append((name, with_blotches(truth), truth, cuts))
    for name, film, known, cuts in sources:
        print(f"\n**{name}** ({len(film.luma)} frames)\n", flush=True)
        print("| | flicker | ghosting | foreign colour | saturation | CDC | colourfulness |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for label, found in rows(film, known, cuts).items():
            share = "–" if found.foreign is None else f"{found.foreign:.0%}"
            kept = "–" if found.saturation is None else f"{found.saturation:.1%}"
            print(
                f"| {label} | {number(found.flicker)} | {number(found.ghosting)} | {share} | {kept} | "
                f"{number(found.cdc, 4)} | {number(found.colourfulness, 1)} |",
                flush=True,
            )


def flicker_of_moving(film: meter.Film, truth: meter.Film, cuts: tuple[int, ...]) -> float:
    """Mean change of the error of moving places from frame to frame, in 8-bit levels."""
    moving = meter.motion(truth.luma, cuts) > meter.MOVING
    change = np.abs(np.diff(film.chroma - truth.chroma, axis=0)).mean(1)
    kept = [n for n in range(1, len(moving)) if n not in cuts]
    return 255 * float(np.concatenate([change[n - 1][moving[n]] for n in kept]).mean())


def moving(size: int) -> None:
    films = {}
    for name in ("hands_cups", "park_football", "woman_dog_garden", "city_bikes_cuts"):
        first, last, cuts = CLIPS[name]
        truth = meter.read(opened(name)[first:last], size)
        films[name] = truth, with_blotches(truth), cuts
    print("| | " + " | ".join(films) + " | mean |")
    print("|---" * (len(films) + 2) + "|")
    for mode, frames, tht in (("A", 15, 15), ("G", 15, 15), ("M", 15, 15), ("G", 15, 0), ("M", 15, 0)):
        rows = []
        for truth, film, cuts in films.values():
            calmed, clean = (stabilized(one, mode, frames, tht) for one in (film, truth))
            still = meter.flicker(calmed, cuts)
            moved = flicker_of_moving(calmed, truth, cuts)
            errors = meter.ghosting(calmed, truth, cuts), meter.ghosting(clean, truth, cuts)
            rows.append((still, moved, *errors))
        rows.append(tuple(np.mean(rows, axis=0)))
        cells = [" / ".join(number(value) for value in row) for row in rows]
        print(f"| {mode}{frames}, tht={tht} | " + " | ".join(cells) + " |", flush=True)
    print("\nflicker of still places / of moving places / error of moving places / ghosts")


def labelled(picture: NDArray[np.uint8], text: str) -> NDArray[Any]:
    bar = np.full((22, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, text, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([bar, picture])


def save(name: str, picture: NDArray[Any]) -> None:
    path = ROOT / "docs" / "images" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(f"{path} {path.stat().st_size / 1024:.0f} KiB")


def shrunk(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[Any]:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


def pictures() -> None:
    film = flickering_film()
    rows_of_strip = []
    shown = (4, 5, 6, 7, 8)
    for label, mode, frames in (("before", "", 0), ("A, 5 frames", "A", 5), ("G, 15 frames", "G", 15)):
        rgb = meter.to_rgb(stabilized(film, mode, frames) if mode else film)
        strip = [labelled(shrunk(rgb[n], 200, 150), f"{label}, frame {n}") for n in shown]
        rows_of_strip.append(np.hstack(strip))
    save("stabilizer_flicker.jpg", np.vstack(rows_of_strip))

    truth = meter.read(opened("hands_cups")[0:40])
    film, n = with_blotches(truth), 20
    strip = [labelled(shrunk(meter.to_rgb(truth)[n], 260, 146), "true colours")]
    strip.append(labelled(shrunk(meter.to_rgb(film)[n], 260, 146), "flickering"))
    for mode, frames in (("A", 15), ("G", 15)):
        rgb = meter.to_rgb(stabilized(film, mode, frames))
        strip.append(labelled(shrunk(rgb[n], 260, 146), f"{mode}, {frames} frames"))
    save("stabilizer_ghosts.jpg", np.vstack([np.hstack(strip[:2]), np.hstack(strip[2:])]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("speed", "table", "moving", "pictures"))
    parser.add_argument("--rounds", type=int, default=6, help="speed: rounds in turns (6)")
    parser.add_argument("--size", type=int, default=384, help="table: side of the canvas (384)")
    chosen = parser.parse_args()
    if not (SHARED / "clips").is_dir():
        parser.error(f"the clips are not in {SHARED}; set VSDEOLDIFY_SHARED to the folder that holds them")
    if chosen.what == "speed":
        speed(chosen.rounds)
    elif chosen.what == "table":
        table(chosen.size)
    elif chosen.what == "moving":
        moving(chosen.size)
    else:
        pictures()


if __name__ == "__main__":
    main()
