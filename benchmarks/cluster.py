"""What a cluster costs and gains on this machine, and on paper: `python benchmarks/cluster.py`.

Measured with the bundled model on the demo film, repeated: the single run, one worker, two workers, with long
and with short pieces, in turns. The work of the processors is counted with that of all child processes, since
on a busy machine the time says little. Then how fast files are sent to a worker and pieces come back, over
TLS on this machine. From these figures: what a film of 150,000 frames takes with more workers, and where more
do not help.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from vsdeoldify.cluster import bench
from vsdeoldify.cluster.facts import Device
from vsdeoldify.cluster.local import local_cluster
from vsdeoldify.cluster.store import CHUNK
from vsdeoldify.film.ffmpeg import find_ffmpeg

DEMO = Path(__file__).parents[1] / "demo" / "film.mp4"
FILM = 150_000
PIECE = 500


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds on the clock, and of the processors."""

    wall: float
    work: float


def make_film(path: Path, frames: int) -> None:
    """The demo film, repeated."""
    source = ["-stream_loop", "-1", "-i", str(DEMO), "-map", "0:v", "-frames:v", str(frames)]
    command = [find_ffmpeg(), "-v", "error", "-y", *source, "-c:v", "libx264", "-crf", "16", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def colour(film: Path, output: Path, piece: int, workers: int) -> Cost:
    """Colour the film by so many workers; 0: without a cluster."""
    command = [sys.executable, "-m", "vsdeoldify", "colorize", str(film), "-o", str(output), "--overwrite"]
    command += ["--preset", "preview", "--device", "cpu", "--segment", str(piece)]
    command += ["--cluster", f"local:{workers}"] if workers else []
    before, began = os.times(), time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    work = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(time.monotonic() - began, work)


def transfers(megabytes: int) -> tuple[float, float]:
    """Megabytes a second to a worker, and back."""
    data, count = os.urandom(CHUNK), max(1, megabytes * 1_000_000 // CHUNK)
    with local_cluster([Device("cpu", "CPU", half=False)], None) as connect, connect() as client:
        (address,) = client.nthreads()
        began = time.monotonic()
        for n in range(count):
            client.run(bench.receive_file, "0" * 64, ".mkv", n * CHUNK, data, workers=[address])
        sent = time.monotonic() - began
        path = client.run(_part, "0" * 64, workers=[address])[address]
        began = time.monotonic()
        for n in range(count):
            client.run(bench.read_piece, path, n * CHUNK, CHUNK, workers=[address])
        back = time.monotonic() - began
    return count * CHUNK / 1e6 / sent, count * CHUNK / 1e6 / back


def _part(digest: str) -> str:
    place = bench._here().store.path(digest, "")
    return str(place.with_name(f"{place.name}.part"))


def on_paper(rate: float, overhead: float, start: float, sending: float, size: float) -> None:
    """Print what a long film takes.

    Args:
        rate: frames a second of one worker.
        overhead: seconds more for a piece.
        start: seconds until a worker works.
        sending: megabytes a second.
        size: megabytes of the film.
    """
    pieces = FILM // PIECE
    alone = FILM / rate
    print(
        f"\n{FILM} frames, {rate:.3g} a second and worker, {pieces} pieces, a film of {size / 1000:.3g} GB,"
    )
    print(f"{sending:.0f} MB/s from the computer that has it")
    print(f"{'workers':>8} {'all see the film':>24} {'it is sent to each':>24}")
    for workers in (1, 2, 4, 8, 16, 32, 64, 128, 300):
        # The last round leaves some idle.
        rounds = -(-pieces // workers)
        seconds = start + rounds * (PIECE / rate + overhead)
        sent = seconds + workers * size / sending
        cells = [f"{t / 3600:6.2f} h, ×{alone / t:<6.3g}" for t in (seconds, sent)]
        print(f"{workers:>8} {cells[0]:>24} {cells[1]:>24}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=360)
    parser.add_argument("--pieces", type=int, nargs=2, default=(3, 12), help="few and many pieces")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--megabytes", type=int, default=500, help="to send to a worker and back")
    parser.add_argument(
        "--gpu-rate", type=float, default=20.0, help="frames a second of a GPU, for the paper"
    )
    parser.add_argument("--film-gb", type=float, default=10.0, help="on paper: the size of the film")
    args = parser.parse_args()
    few, many = args.pieces
    costs: dict[tuple[int, int], list[Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        folder = Path(temporary)
        make_film(folder / "film.mkv", args.frames)
        colour(folder / "film.mkv", folder / "out.mkv", args.frames, 0)  # It is read once.
        for _ in range(args.rounds):
            for workers in (0, 1, 2):
                for count in (few, many):
                    piece = -(-args.frames // count)
                    cost = colour(folder / "film.mkv", folder / "out.mkv", piece, workers)
                    costs.setdefault((workers, count), []).append(cost)
    load = os.getloadavg()[0]
    print(f"{args.frames} frames, {os.cpu_count()} processors, load {load:.1f}; best of {args.rounds}")
    best = {
        key: Cost(min(one.wall for one in found), min(one.work for one in found))
        for key, found in costs.items()
    }
    for workers, title in ((0, "single run"), (1, "1 worker"), (2, "2 workers")):
        for count in (few, many):
            cost = best[workers, count]
            spread = statistics.pstdev(one.wall for one in costs[workers, count])
            took = f"{cost.wall:6.1f} s (±{spread:.1f}), {cost.work:6.1f} s of processors"
            print(f"{title:>10}, {count:>3} pieces: {took}")
    each = {w: (best[w, many].work - best[w, few].work) / (many - few) for w in (0, 1, 2)}
    print(
        "a piece more costs, in seconds of processors: " + ", ".join(f"{w}: {s:.2f}" for w, s in each.items())
    )
    start = best[1, few].work - best[0, few].work
    print(f"a cluster of one worker costs {start:.1f} s of processors once")
    print(f"1 → 2 workers: ×{best[1, few].wall / best[2, few].wall:.2f} on the clock")
    there, back = transfers(args.megabytes)
    print(f"over TLS on this machine: {there:.0f} MB/s to a worker, {back:.0f} MB/s back")
    on_paper(args.gpu_rate, max(each[1], 0.0), 15.0, there, args.film_gb * 1000)
    on_paper(args.gpu_rate, max(each[1], 0.0), 15.0, 110.0, args.film_gb * 1000)


if __name__ == "__main__":
    main()
