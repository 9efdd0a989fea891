"""A long film through the whole chain, watched from outside: `python benchmarks/length.py --frames 100000`.

vspipe colours a film of noise pictures at a small size with the bundled model and stabilizes it. Its memory
and its processor time are read every second (Linux only) and written to a CSV and a picture. The processor
time of a frame tells whether the work gets slower; the wall clock also shows what else the machine does.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import vapoursynth as vs

ROOT = Path(__file__).parents[1]
SCRIPT = """
import numpy as np
import vapoursynth as vs
from vsdeoldify import ddeoldify, ddeoldify_stabilizer

PICTURES = 250
core = vs.core
blank = core.std.BlankClip(format=vs.YUV420P8, width={width}, height={height}, length=PICTURES, keep=True)

def draw(n, f):
    frame = f.copy()
    luma = np.asarray(frame[0])
    random = np.random.default_rng(n // 50)
    scene = random.integers(40, 200, (4, 4)).repeat(luma.shape[0] // 4, 0).repeat(luma.shape[1] // 4, 1)
    luma[:] = 128
    luma[: scene.shape[0], : scene.shape[1]] = scene + np.random.default_rng(n).integers(-10, 10, scene.shape)
    return frame

clip = core.std.Loop(core.std.ModifyFrame(blank, blank, draw), -(-{frames} // PICTURES))[:{frames}]
clip = ddeoldify(clip, method=1, ddcolor_p=["preview", 10], device_index=99)
clip = ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True, stab_p=[5, "{mode}"], render_factor=10)
clip.set_output()
"""


class Sample(NamedTuple):
    """What was seen of vspipe at one moment: seconds since its start, frames done, memory, processor time."""

    seconds: float
    frames: int
    memory_mib: float
    cpu_seconds: float
    load: float


def watch(command: Sequence[str | Path], log: Path, limit: float) -> list[Sample]:
    """Read the process's state once a second until it ends or the limit (seconds) is over."""
    samples: list[Sample] = []
    tick = os.sysconf("SC_CLK_TCK")
    started = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file)
    while process.poll() is None and time.monotonic() - started < limit:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 400))
            done = re.findall(rb"Frame: (\d+)/", file.read())
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            break
        memory = re.search(r"VmRSS:\s+(\d+)", status)
        if done and memory:
            cpu = (int(fields[11]) + int(fields[12])) / tick
            samples.append(
                Sample(
                    time.monotonic() - started, int(done[-1]), int(memory[1]) / 1024, cpu, os.getloadavg()[0]
                )
            )
        time.sleep(1)
    if process.poll() is None:
        process.terminate()
    process.wait(timeout=60)
    if process.returncode > 0:
        sys.exit(f"vspipe failed:\n{log.read_text(errors='replace')[-4000:]}")
    return samples


def part(samples: list[Sample], first: float, last: float) -> dict[str, float]:
    """Speed and memory of a part of the run, given as shares of its frames."""
    total = samples[-1].frames
    chosen = [s for s in samples if first * total <= s.frames <= last * total]
    start, end = chosen[0], chosen[-1]
    frames = end.frames - start.frames
    memory = sorted(s.memory_mib for s in chosen)
    return {
        "fps": frames / (end.seconds - start.seconds),
        "cpu_ms": 1e3 * (end.cpu_seconds - start.cpu_seconds) / frames,
        "memory": memory[len(memory) // 2],
    }


def plot(samples: list[Sample], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    step = max(1, len(samples) // 60)
    pairs = list(zip(samples[::step], samples[step::step], strict=False))
    moving = [(a, b) for a, b in pairs if b.frames > a.frames]
    costs = [1e3 * (b.cpu_seconds - a.cpu_seconds) / (b.frames - a.frames) for a, b in moving]
    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(7, 4.4), layout="constrained")
    above.plot([s.frames for s in samples], [s.memory_mib for s in samples])
    above.set_ylabel("memory, MiB")
    above.set_ylim(0, 1.2 * max(s.memory_mib for s in samples))
    below.plot([b.frames for _, b in moving], costs)
    below.set_ylabel("processor time\nper frame, ms")
    below.set_ylim(0, 1.3 * max(costs))
    below.set_xlabel("frames")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=100_000, help="length of the film (100000)")
    parser.add_argument("--size", default="64x48", help="size of its pictures (64x48)")
    parser.add_argument("--mode", default="A", choices=("A", "W", "G"), help="mode of stab (A)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many minutes")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images", help="folder of the results")
    chosen = parser.parse_args()
    width, height = map(int, chosen.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "long.vpy")
        text = SCRIPT.format(width=width, height=height, frames=chosen.frames, mode=chosen.mode)
        script.write_text(text, encoding="utf-8")
        # The command of this name only starts this one, and is not what to watch.
        program = Path(vs.__file__).with_name("vspipe")
        command: list[str | Path] = [program, "-p", "-c", "y4m", script, os.devnull]
        samples = watch(command, Path(folder, "log"), 60 * chosen.minutes)
    if len(samples) < 20:
        sys.exit(f"only {len(samples)} samples were taken: use more frames or more minutes")
    kept = samples[:: max(1, len(samples) // 400)]
    with (chosen.output / "length.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Sample._fields)
        writer.writerows(
            [f"{s.seconds:.1f}", s.frames, f"{s.memory_mib:.1f}", f"{s.cpu_seconds:.2f}", f"{s.load:.1f}"]
            for s in kept
        )
    plot(samples, chosen.output / "length.png")
    last = samples[-1]
    print(f"{last.frames} of {chosen.frames} frames, {width}×{height}, {last.seconds:.0f} s")
    print("| part of the run | frames a second | processor time per frame | memory |\n|---|---:|---:|---:|")
    for name, first, end in (("second tenth", 0.1, 0.2), ("last tenth", 0.9, 1.0)):
        found = part(samples, first, end)
        print(f"| {name} | {found['fps']:.1f} | {found['cpu_ms']:.1f} ms | {found['memory']:.0f} MiB |")


if __name__ == "__main__":
    main()
