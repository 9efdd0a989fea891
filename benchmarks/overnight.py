"""Full-size networks on a computer without a graphics card: `python benchmarks/overnight.py PART`.

    start     the first picture: first start, second start, changed parameter
    chain     frames per second of DeOldify + DDColor, every frame and key frames, beside the baseline
    cost      what key frames change, against every frame's own network (mean CIEDE2000)
    film      a whole film through `vsdeoldify colorize --preset overnight`; may be stopped and called again

Files of the official sizes with random weights are written to `--models` where the real ones are not found.
Beside the results of `chain` stand the processor and what it computes in.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import vapoursynth as vs
from run import Models, clip_rate, machine, ours, sequence_rate, theirs
from vapoursynth import core
from weights import LAYOUTS, random_state

from vsdeoldify import ddeoldify
from vsdeoldify.metrics import ciede2000, rgb_to_lab
from vsdeoldify.models.catalogue import find_model
from vsdeoldify.models.store import locate
from vsdeoldify.runtime.processor import computes_bfloat16
from vsdeoldify.support.errors import ModelError

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
IMAGES = Path(__file__).parents[1] / "docs" / "images"
USED = (("deoldify", "video"), ("ddcolor", "artistic"))

START = """
import json, time
begun = time.perf_counter()
import vapoursynth as vs
from vsdeoldify import ddeoldify
clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=720, height=576, length=9, color=[90, 128, 128])
def first(**changes):
    begun = time.perf_counter()
    clip_ = ddeoldify(clip, "simple", deoldify_p=["video", 24], ddcolor_p=["artistic", 24], device_index=99,
                      torch_dir={models!r}, **changes)
    clip_.get_frame(0).close()
    shown = time.perf_counter()
    clip_.get_frame(1).close()
    return shown - begun, time.perf_counter() - shown
loaded = time.perf_counter() - begun
whole, frame = first()
changed, _ = first(mweight=0.3)
print(json.dumps([loaded + whole, frame, changed]))
"""


def write_models(folder: Path) -> None:
    """Files under the official names, where none are found."""
    folder.mkdir(parents=True, exist_ok=True)
    for family, model in USED:
        file = find_model(family, model)
        try:
            locate(file, folder)
        except ModelError:
            state = random_state(LAYOUTS[family, model])
            torch.save({"params" if family == "ddcolor" else "model": state}, folder / file.file)


def start(models: Path) -> None:
    """Seconds to the first picture, in processes of their own."""
    with tempfile.TemporaryDirectory() as cache:
        surroundings = os.environ | {"XDG_CACHE_HOME": cache, "VSDEOLDIFY_COMPILED_GB": "6"}
        for name in ("first start", "second start", "third start"):
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", START.format(models=str(models))],
                env=surroundings,
                capture_output=True,
                text=True,
                check=True,
            )
            whole, frame, changed = json.loads(done.stdout)
            print(
                f"{name:13} first picture {whole:5.1f} s, of which the networks work {frame:4.1f} s, so it "
                f"begins after {whole - frame:4.1f} s; a changed parameter {changed:4.1f} s",
                flush=True,
            )


def shared_clip(name: str, width: int, height: int, length: int) -> vs.VideoNode:
    """A clip of real motion in another size, as often as it takes."""
    clip = core.bs.VideoSource(str(SHARED / "clips" / name), cachemode=0)
    clip = core.resize.Bicubic(clip, width, height, format=vs.YUV420P8)
    return core.std.Loop(core.std.SetFrameProps(clip, _Matrix=vs.MATRIX_ST170_M), length // len(clip) + 1)


def chain(
    models: Path, sizes: list[tuple[int, int]], every: list[int], frames: int, backend: str, rounds: int
) -> None:
    """Frames per second, in turns with the baseline of the same run, in every format of the processor."""
    device = torch.device("cpu")
    paths = Models(models, device, "video", "artistic", backend)
    precisions = ["float32", "bfloat16"] if computes_bfloat16() else ["float32"]
    header = machine(device)
    print(header, flush=True)
    rows: list[dict[str, Any]] = []
    for width, height in sizes:
        clip = shared_clip("park_football.mp4", width, height, 4000)
        baseline, rates = theirs(clip, 2, 24, paths, False), dict[tuple[str, int], list[float]]()
        chains = {
            (precision, k): ours(clip, 2, 24, paths, False, every=k, precision=precision)
            for precision in precisions
            for k in (1, *every)
        }
        beside: list[float] = []
        for precision in precisions:
            chains[precision, 1].get_frame(0).close()
        for place in range(rounds):
            beside.append(sequence_rate(baseline, place, place + 1))
            for (precision, k), one in chains.items():
                # Whole groups of key frames, so that each counts once.
                count, begin = (1, 1 + place) if k == 1 else (frames // k * k, 1 + place * frames)
                rates.setdefault((precision, k), []).append(clip_rate(one, begin, begin + count))
        for (precision, k), found in rates.items():
            rate, base = statistics.median(found), statistics.median(beside)
            row = {
                "size": f"{width}×{height}",
                "precision": precision,
                "every": k,
                "fps": rate,
                "baseline": base,
                "ratio": rate / base,
            }
            rows.append(row | {"processor": header})
            print(
                f"{row['size']:>10} {precision:8} every={k:<3} {rate:7.3f} fps  "
                f"baseline {base:7.3f}  ×{rate / base:6.1f}",
                flush=True,
            )
    # Processors of either kind have figures of their own.
    stem = IMAGES / f"speed_overnight_{precisions[-1]}"
    with stem.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, stem.with_suffix(".png"))


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """The rates as bars, the baseline's beside them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 1 + len(rows) / 3), layout="constrained")
    labels, rates, notes, colours = [], [], [], []
    for size in dict.fromkeys(row["size"] for row in rows):
        of_size = [row for row in rows if row["size"] == size]
        labels.append(f"{size}, the original's way")
        rates.append(of_size[0]["baseline"])
        notes.append(f"{rates[-1]:.2g}")
        colours.append("#bbbbbb")
        for row in of_size:
            k, rate = row["every"], row["fps"]
            frames = "every frame" if k == 1 else f"every {k}th frame"
            labels.append(f"{size}, {frames}, {row['precision']}")
            rates.append(rate)
            notes.append(f"{rate:.2g}  (×{row['ratio']:.{0 if row['ratio'] >= 10 else 1}f})")
            colours.append("#228833" if k > 1 else "#4477aa")
    bars = axes.barh(range(len(rates)), rates, color=colours)
    axes.bar_label(bars, notes, fontsize=7, padding=2)
    axes.set_yticks(range(len(rates)), labels, fontsize=7)
    axes.set_ylim(len(rates) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.set_xlim(right=3 * max(rates))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("frames a second, DeOldify + DDColor, render factor 24")
    axes.set_title(rows[0]["processor"].partition(";")[0], fontsize=7)
    figure.savefig(path, dpi=130)


def lab(clip: vs.VideoNode, n: int) -> Any:
    with core.resize.Bicubic(clip, format=vs.RGB24).get_frame(n) as frame:
        return rgb_to_lab(np.stack([np.asarray(frame[p]) for p in range(3)], -1))


def cost(every: list[int], frames: int) -> None:
    """What key frames change, with the bundled model, whose colours are real."""
    options: dict[str, Any] = {"method": 1, "ddcolor_p": ["preview", 16], "device_index": 99}
    print("clip".ljust(24) + "".join(f"every={k:<6}" for k in every))
    means: dict[int, list[float]] = {k: [] for k in every}
    for path in sorted((SHARED / "clips").glob("*.mp4")):
        clip = core.std.SetFrameProps(core.bs.VideoSource(str(path), cachemode=0), _Matrix=6)
        own = ddeoldify(clip, **options)
        numbers = np.random.default_rng(5).choice(len(clip), min(frames, len(clip)), replace=False)
        truth = {int(n): lab(own, int(n)) for n in numbers}
        for k in every:
            filled = ddeoldify(clip, **options, every=k)
            means[k].append(statistics.mean(float(ciede2000(truth[n], lab(filled, n)).mean()) for n in truth))
        print(path.stem.ljust(24) + "".join(f"{means[k][-1]:<12.2f}" for k in every), flush=True)
    print("mean".ljust(24) + "".join(f"{statistics.mean(means[k]):<12.2f}" for k in every))


def film(models: Path, folder: Path, minutes: float, fps: int, preset: str) -> None:
    """A film of so many minutes, real pictures in a loop, through the command line."""
    folder.mkdir(parents=True, exist_ok=True)
    source, output, log = folder / "film.mkv", folder / "film_colour.mkv", folder / "log.csv"
    import imageio_ffmpeg

    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    if not source.exists():
        part = folder / "part.mkv"
        clips = sorted((SHARED / "clips").glob("*.mp4"))
        # Every picture is kept, whatever its clip's rate was.
        each = f"scale=720:576,setsar=1,settb=1/{fps},setpts=N,format=gray"
        chain = "".join(f"[{n}:v]{each}[v{n}];" for n in range(len(clips)))
        joined = "".join(f"[v{n}]" for n in range(len(clips))) + f"concat=n={len(clips)}[v]"
        once = folder / "once.mkv"
        inputs = [word for path in clips for word in ("-i", str(path))]
        quiet = [ffmpeg, "-v", "error", "-y"]
        code = ["-r", str(fps), "-c:v", "libx264", "-crf", "16", "-pix_fmt", "yuv420p"]
        subprocess.run(
            [*quiet, *inputs, "-filter_complex", chain + joined, "-map", "[v]", *code, str(once)], check=True
        )
        loop = [*quiet, "-stream_loop", "-1", "-i", str(once), "-t", str(60 * minutes), "-c", "copy"]
        subprocess.run([*loop, str(part)], check=True)
        part.replace(source)
    # Without loss, so that the luma can be compared.
    arguments = [
        *(str(source), "-o", str(output), "--preset", preset, "--device", "cpu", "--torch-dir", str(models)),
        *("--resume", "--keep-pieces", "--encoder-options", "-c:v libx264 -qp 0 -preset ultrafast"),
        *("--segment", "240", "--progress", "json"),
    ]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "vsdeoldify", "colorize", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with log.open("a", encoding="utf-8") as file:
        for line in process.stdout:
            event = json.loads(line)
            file.write(f"{time.time():.0f},{_resident(process.pid):.0f},{line.strip()}\n")
            file.flush()
            since = time.perf_counter() - begun
            print(f"{since:7.0f} s  {_resident(process.pid):6.0f} MB  {line.strip()[:150]}", flush=True)
            if event.get("event") == "error":
                break
    if process.wait() == 0:
        _compare(source, output)


def _resident(root: int) -> float:
    """Megabytes that a process and its children have for themselves, without files that are only mapped."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    total, waiting = 0.0, [root]
    while waiting:
        one = waiting.pop()
        waiting += children.get(one, [])
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1000
    return total


def _compare(source: Path, output: Path) -> None:
    """Whether the luma of both films is the same, in frames from all over them."""
    ours_, theirs_ = (core.bs.VideoSource(str(path), cachemode=0) for path in (output, source))
    assert len(ours_) == len(theirs_), (len(ours_), len(theirs_))
    different = 0
    numbers = sorted({round(n) for n in np.linspace(0, len(ours_) - 1, 200)})
    for n in numbers:
        with ours_.get_frame(n) as a, theirs_.get_frame(n) as b:
            different += not np.array_equal(np.asarray(a[0]), np.asarray(b[0]))
    print(f"luma of {len(numbers)} of {len(ours_)} frames: {different} differ")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["start", "chain", "cost", "film"])
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir(), "vsdeoldify_models"))
    parser.add_argument("--sizes", default="720x576,1920x1080")
    parser.add_argument("--every", default="10,40")
    parser.add_argument("--frames", type=int, help="frames a round (chain: 40) or a clip (cost: 24)")
    parser.add_argument("--rounds", type=int, default=4, help="of chain, whose medians count (default 4)")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--fps", type=int, default=24, help="of the film (16: silent film, small film)")
    parser.add_argument("--preset", default="overnight")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "vsdeoldify_film"))
    options = parser.parse_args()
    every = [int(k) for k in options.every.split(",")]
    if options.part == "cost":
        cost(every, options.frames or 24)
        return
    write_models(options.models)
    os.environ["VSDEOLDIFY_MODELS"] = str(options.models)
    if options.part == "start":
        start(options.models)
    elif options.part == "chain":
        sizes = [(int(w), int(h)) for w, h in (size.split("x") for size in options.sizes.split(","))]
        chain(options.models, sizes, every, options.frames or 40, options.backend, options.rounds)
    else:
        film(options.models, options.folder, options.minutes, options.fps, options.preset)


if __name__ == "__main__":
    main()
