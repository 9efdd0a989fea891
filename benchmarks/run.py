"""How fast this machine colours: `python benchmarks/run.py [--device 0] [--quick]`.

Prints a table of frames per second, per stage and for whole chains, each beside a baseline measured in the
same minutes (see baseline.py), and writes it as CSV and as a picture. Beside the ratio of the rates stands
that of the CPU time, which other programs on the machine disturb less. Official-size networks take seconds a
frame on a CPU: --quick, --sizes, --factors and --methods narrow the measurement down.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from unittest import mock

import numpy as np
import torch
import vapoursynth as vs
from baseline import Baseline, original_form, stabilized
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from vapoursynth import core
from weights import model_file

from vsdeoldify import ddeoldify, ddeoldify_stabilizer
from vsdeoldify.models.reading import read_checkpoint
from vsdeoldify.networks import loading as networks
from vsdeoldify.runtime.device import choose_backend, dtype_of, resolve_device
from vsdeoldify.runtime.engines import openvino
from vsdeoldify.runtime.processor import computes_bfloat16
from vsdeoldify.runtime.runner import Planes, Runner
from vsdeoldify.vsutils.frames import in_order

ROOT = Path(__file__).parents[1]
METHODS = ("DeOldify", "DDColor", "DeOldify + DDColor")
FAMILY_NAMES = ("deoldify", "ddcolor")


@dataclass
class Result:
    """One line of the table."""

    stage: str
    size: str
    render_factor: int
    ours: float
    baseline: float
    cpu_ratio: float
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.baseline if self.baseline else float("nan")


class StandIn:
    """In place of a network: answers at once, so that what remains is everything else."""

    def __init__(self, size: int) -> None:
        random = np.random.default_rng(1).random((1, 2, 12, 12), np.float32)
        self.chroma = (random.repeat(size // 12 + 1, 2).repeat(size // 12 + 1, 3) - 0.5)[
            ..., :size, :size
        ] * 0.4

    def __call__(self, gray: Planes) -> Planes:
        return self.chroma

    def batch_size(self, size: int) -> int:
        return 1

    def close(self) -> None:
        """Nothing to give back."""


def film(width: int, height: int, length: int) -> vs.VideoNode:
    """A moving YUV420P8 picture, held in memory."""
    random = np.random.default_rng(7)
    small = random.random((height // 16 + 2, width // 16 + 2 + length))
    blank = core.std.BlankClip(format=vs.GRAY8, width=width, height=height, length=length, keep=True)
    frames = []
    for n in range(length):
        picture = small[:, n : n + width // 16 + 2].repeat(16, 0).repeat(16, 1)[:height, :width]
        frame = blank.get_frame(0).copy()
        np.copyto(
            np.asarray(frame[0]), 40 + 170 * picture + 8 * random.random(picture.shape), casting="unsafe"
        )
        frames.append(frame)
    clip = core.std.ModifyFrame(blank, blank, lambda n, f: frames[n])
    clip = core.resize.Bicubic(clip, format=vs.YUV420P8, matrix=vs.MATRIX_ST170_M)
    core.std.SetVideoCache(clip, mode=1, fixedsize=1, maxsize=length)
    for frame in in_order(clip):
        del frame
    return clip


def clip_rate(clip: vs.VideoNode, start: int, stop: int) -> float:
    """Frames per second of a clip, rendered in order as vspipe does."""
    begun = time.perf_counter()
    for _ in in_order(clip[start:stop]):
        pass
    return (stop - start) / (time.perf_counter() - begun)


def sequence_rate(frames: Any, start: int, stop: int) -> float:
    begun = time.perf_counter()
    for n in range(start, stop):
        frames[n]
    return (stop - start) / (time.perf_counter() - begun)


def interleaved(
    ours: Callable[[int, int], float],
    theirs: Callable[[int, int], float],
    frames: tuple[int, int],
    rounds: int,
    before: tuple[int, int] = (1, 1),
) -> tuple[float, float, float]:
    """Medians of both rates and the ratio of the CPU times, in turns.

    `frames` are those of a round of each side, `before` those that are rendered first and left out.
    """
    ours(0, before[0]), theirs(0, before[1])
    rates: tuple[list[float], list[float]] = [], []
    cpu = [0.0, 0.0]
    for i in range(rounds):
        for side, (rate, count) in enumerate(zip((ours, theirs), frames, strict=True)):
            begun = time.process_time()
            start = before[side] + i * count
            rates[side].append(rate(start, start + count))
            cpu[side] += (time.process_time() - begun) / count
    return statistics.median(rates[0]), statistics.median(rates[1]), cpu[1] / cpu[0]


_PEAKS: dict[tuple[torch.device, torch.dtype], float] = {}


def peak_rate(device: torch.device, dtype: torch.dtype) -> float:
    """The machine's own best matrix product in FLOP/s: the best of all that were asked for so far."""
    n = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    best = _PEAKS.get((device, dtype), 0.0)
    for _ in range(8):
        synchronize(device)
        begun = time.perf_counter()
        a @ b
        synchronize(device)
        best = max(best, 2 * n**3 / (time.perf_counter() - begun))
    _PEAKS[device, dtype] = best
    return best


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def flops(colorizer: nn.Module, size: int) -> int:
    """Multiplications and additions of one size×size picture, counted without computing them."""
    with FlopCounterMode(display=False) as counter:
        colorizer(torch.empty(1, 1, size, size, device="meta"))
    total: int = counter.get_total_flops()
    return total


class Models:
    """The networks of both sides.

    Args:
        folder: where random model files may be written.
        device: where the networks run.
        deoldify: DeOldify model's name.
        ddcolor: DDColor model's name.
        backend: as in `ddeoldify`.
    """

    def __init__(self, folder: Path, device: torch.device, deoldify: str, ddcolor: str, backend: str) -> None:
        self.device = device
        self.paths = [str(model_file(*key, folder)) for key in (("deoldify", deoldify), ("ddcolor", ddcolor))]
        self.backend = backend
        self._plain: dict[tuple[int, bool], nn.Module] = {}

    def precision(self, which: int) -> str:
        return networks.choose_precision(
            str(self.device), FAMILY_NAMES[which], half=True, precision="auto", backend=self.backend
        )

    def dtype(self, which: int) -> torch.dtype:
        return dtype_of(self.precision(which))

    def runner(self, which: int) -> Runner:
        precision, device = self.precision(which), str(self.device)
        backend = choose_backend(device, [precision], self.backend)
        path = self.paths[which]
        return networks.load_runner(
            FAMILY_NAMES[which], path, None, device, precision=precision, backend=backend
        )

    def plain(self, which: int, *, original: bool) -> nn.Module:
        """The bare network in float32, folded as ours or unfolded as the original's."""
        if (which, original) not in self._plain:
            from vsdeoldify.ddcolor.network import build as build_ddcolor
            from vsdeoldify.deoldify.network import build as build_deoldify

            state = read_checkpoint(Path(self.paths[which]))
            network = build_ddcolor(state) if which else build_deoldify(state)
            module = original_form(network) if original else network
            self._plain[which, original] = module.to(self.device)
        return self._plain[which, original]

    def counted(self, which: int, size: int) -> int:
        from vsdeoldify.ddcolor.colorizer import DDColorColorizer
        from vsdeoldify.ddcolor.network import LARGE, DDColor
        from vsdeoldify.deoldify.colorizer import DeOldifyColorizer
        from vsdeoldify.deoldify.network import Generator

        plain = self.plain(which, original=True)
        with torch.device("meta"):
            if which:
                inner = getattr(plain, "network", None)
                config = inner.config if isinstance(inner, DDColor) else LARGE
                return flops(DDColorColorizer(DDColor(config, (0.45,) * 3, (0.225,) * 3)).eval(), size)
            assert isinstance(plain, Generator)
            return flops(DeOldifyColorizer(Generator(plain.config)).eval(), size)


class Stopwatch:
    """How long at least one network was at work."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._working = 0
        self._since = 0.0
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._lock:
            self._since = self._since if self._working else time.perf_counter()
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._working -= 1
                if not self._working:
                    self.seconds += time.perf_counter() - self._since


@contextmanager
def timed_networks() -> Iterator[Stopwatch]:
    """Watch all networks that work in the meantime."""
    stopwatch, plain = Stopwatch(), Runner.__call__

    def timed(self: Runner, gray: Planes) -> Planes:
        with stopwatch.running():
            return plain(self, gray)

    with mock.patch.object(Runner, "__call__", timed):
        yield stopwatch


@contextmanager
def stand_ins() -> Iterator[None]:
    """`ddeoldify` with networks that answer at once."""

    class Sized(StandIn):
        def __init__(self) -> None:
            self.by_size: dict[int, StandIn] = {}

        def __call__(self, gray: Planes) -> Planes:
            size = gray.shape[-1]
            if size not in self.by_size:
                self.by_size[size] = StandIn(size)
            return self.by_size[size](gray)

    def stand_in(*_: object, **__: object) -> Sized:
        return Sized()

    with mock.patch.object(networks, "load_runner", stand_in):
        yield


def ours(
    clip: vs.VideoNode, method: int, factor: int, models: Models, stabilizer: bool, **options: Any
) -> vs.VideoNode:
    result = ddeoldify(
        clip,
        method,
        deoldify_p=[models.paths[0], factor],
        ddcolor_p=[models.paths[1], factor],
        device_index=str(models.device),
        backend=models.backend,
        **options,
    )
    if stabilizer:
        result = ddeoldify_stabilizer(result, dark=True, smooth=True, stab=True, render_factor=factor)
    return result


def theirs(clip: vs.VideoNode, method: int, factor: int, models: Models | None, stabilizer: bool) -> Any:
    size = 16 * factor
    device = models.device if models else torch.device("cpu")

    def network(which: int, used: bool) -> Any:
        if not used:
            return None
        if models is None:
            answer = torch.rand(1, 2 if which else 3, size, size)
            return lambda x: answer
        return models.plain(which, original=True)

    frames = Baseline(clip, network(0, method != 1), network(1, method != 0), size, device)
    return stabilized(frames, size) if stabilizer else frames


def measure_outside(sizes: Sequence[tuple[int, int]], factors: Sequence[int], rounds: int) -> list[Result]:
    """Everything but the networks."""
    results = []
    # VapourSynth's frames find their places in memory in the first thousands of frames: until then every
    # frame costs up to twice as much. A film is longer than that.
    before, frames = (3000, 8), (400, 24)
    for (width, height), factor in itertools.product(sizes, factors):
        clip = core.std.Loop(film(width, height, 60), (before[0] + rounds * frames[0]) // 60 + 1)
        for method, stabilizer in ((0, False), (2, False), (2, True)):
            with stand_ins():
                chain = ours(clip, method, factor, _NO_MODELS, stabilizer)
            beside = theirs(clip, method, factor, None, stabilizer)
            a, b, cpu = interleaved(
                lambda i, j, chain=chain: clip_rate(chain, i, j),  # type: ignore[misc]
                lambda i, j, beside=beside: sequence_rate(beside, i, j),  # type: ignore[misc]
                frames,
                rounds,
                before,
            )
            stage = f"all but the networks, {METHODS[method]}{', stabilizer' if stabilizer else ''}"
            results.append(report(Result(stage, f"{width}×{height}", factor, a, b, cpu)))
    return results


class _NoModels:
    """Names for `ours` where stand-ins take the networks' place."""

    device = torch.device("cpu")
    paths = ("standin.pth", "standin.pth")
    backend = "torch"


_NO_MODELS: Any = _NoModels()


def measure_networks(
    models: Models, methods: Sequence[int], factors: Sequence[int], frames: int, rounds: int
) -> list[Result]:
    """Each network alone, beside the original's form and beside our own form run by torch one by one."""
    results = []
    for which, factor in itertools.product((0, 1), factors):
        if which not in methods and 2 not in methods:
            continue
        size = 32 * (factor // 2) if which else 16 * factor
        runner = models.runner(which)
        batch = runner.batch_size(size)
        gray = np.random.default_rng(3).random((batch, size, size), np.float32)
        original, folded = (models.plain(which, original=form) for form in (True, False))
        picture = torch.rand(1, 3, size, size, device=models.device)

        def rate(network: nn.Module, start: int, stop: int, picture: torch.Tensor = picture) -> float:
            with torch.inference_mode():
                begun = time.perf_counter()
                for _ in range(start, stop):
                    network(picture).cpu()
                return (stop - start) / (time.perf_counter() - begun)

        def rate_of(network: nn.Module) -> Callable[[int, int], float]:
            return lambda start, stop: rate(network, start, stop)

        def our_rate(start: int, stop: int, runner: Runner = runner, gray: Planes = gray) -> float:
            begun = time.perf_counter()
            for _ in range(start, stop):
                runner(gray)
            return (stop - start) * len(gray) / (time.perf_counter() - begun)

        our_rate(0, 1)
        for form, network in (("the original's form", original), ("our folded form, eager", folded)):
            a, b, cpu = interleaved(our_rate, rate_of(network), (frames, frames), rounds)
            count = models.counted(which, size)
            share = a * count / peak_rate(models.device, models.dtype(which))
            note = f"against {form}; batch {batch}; {count / 1e9:.0f} GFLOP a frame, {share:.0%} of the peak"
            results.append(
                report(Result(f"network {METHODS[which]}", f"{size}×{size}", factor, a, b, cpu, note))
            )
        runner.close()
    return results


def measure_whole(
    models: Models,
    sizes: Sequence[tuple[int, int]],
    methods: Sequence[int],
    factors: Sequence[int],
    frames: int,
    rounds: int,
    stabilizers: Sequence[bool],
) -> list[Result]:
    """Whole chains, from the clip to the finished frame."""
    results = []
    for (width, height), method, factor, stabilizer in itertools.product(
        sizes, methods, factors, stabilizers
    ):
        # The stabilizer looks ahead; without these frames the last ones would cost it nothing.
        clip = film(width, height, 1 + rounds * frames + 8)
        chain = ours(clip, method, factor, models, stabilizer)
        beside = theirs(clip, method, factor, models, stabilizer)
        outside: list[float] = []

        def our_rate(
            start: int, stop: int, chain: vs.VideoNode = chain, shares: list[float] = outside
        ) -> float:
            with timed_networks() as stopwatch:
                rate = clip_rate(chain, start, stop)
            shares.append(1 - stopwatch.seconds * rate / (stop - start))
            return rate

        a, b, cpu = interleaved(
            our_rate,
            lambda i, j, beside=beside: sequence_rate(beside, i, j),  # type: ignore[misc]
            (frames, frames),
            rounds,
        )
        note = (
            f"{max(0.0, statistics.median(outside[1:])):.1%} of the time no network works; "
            f"RSS peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB (both sides)"
        )
        if models.device.type == "cuda":
            note += f", device {torch.cuda.max_memory_allocated(models.device) / 1e9:.1f} GB"
        stage = f"whole, {METHODS[method]}{', stabilizer' if stabilizer else ''}"
        results.append(report(Result(stage, f"{width}×{height}", factor, a, b, cpu, note)))
    return results


def report(result: Result) -> Result:
    print(
        f"{result.stage:52} {result.size:>10} rf {result.render_factor:2}  {result.ours:9.3f} fps   "
        f"baseline {result.baseline:9.3f} fps   ×{result.ratio:6.2f}   "
        f"CPU time ×{result.cpu_ratio:6.2f}  {result.note}",
        flush=True,
    )
    return result


def machine(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()
    formats = "float32 and bfloat16" if computes_bfloat16() else "float32"
    return (
        f"{name} ({torch.backends.cpu.get_cpu_capability()}, {formats}), {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} torch threads; Python "
        f"{platform.python_version()}, torch {torch.__version__}, "
        f"VapourSynth R{core.core_version.release_major}, "
        f"OpenVINO {'yes' if openvino.available() else 'no'}; load {os.getloadavg()[0]:.1f}"
    )


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def write(results: Sequence[Result], header: str, stem: Path) -> None:
    """The results as CSV and as a bar chart."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    stem.parent.mkdir(parents=True, exist_ok=True)
    with stem.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*asdict(results[0]), "ratio"])
        writer.writeheader()
        for result in results:
            writer.writerow(
                asdict(result) | {"ratio": f"{result.ratio:.2f}", "cpu_ratio": f"{result.cpu_ratio:.2f}"}
            )
    figure, axes = pyplot.subplots(figsize=(9, 0.23 * len(results) + 1.2), layout="constrained")
    kinds = {"all": "#4477aa", "network": "#ccbb44", "whole": "#228833"}
    places = range(len(results))
    bars = axes.barh(
        places, [r.ratio for r in results], color=[kinds[r.stage.split()[0].rstrip(",")] for r in results]
    )
    axes.bar_label(bars, [f"{r.ratio:.3g}" for r in results], fontsize=6, padding=2)
    forms = [f" {r.note.split(';')[0]}" if r.note.startswith("against") else "" for r in results]
    labels = [
        f"{r.stage}{form}, {r.size}, rf {r.render_factor}" for r, form in zip(results, forms, strict=True)
    ]
    axes.set_yticks(places, labels)
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xticks([1, 2, 5, 10, 20, 50], minor=False)
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel("times the baseline's frames per second")
    axes.set_title(header.split(";")[0], fontsize=9)
    axes.tick_params(labelsize=7)
    path = stem.with_suffix(".png")
    figure.savefig(path, dpi=90)
    # A chart has few colours: a palette makes the file a third.
    with Image.open(path) as chart:
        few = chart.convert("RGB").quantize(64)
    few.save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="99", help="as device_index: 0–7, 99 or a name")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--sizes", default="720x576,1920x1080")
    parser.add_argument("--factors", default="16,24,32")
    parser.add_argument("--methods", default="0,1,2")
    parser.add_argument("--parts", default="outside,networks,whole")
    parser.add_argument("--deoldify", default="video", choices=["video", "stable", "artistic"])
    parser.add_argument("--ddcolor", default="modelscope", choices=["modelscope", "artistic", "paper_tiny"])
    parser.add_argument("--stabilizer", default="both", choices=["no", "yes", "both"])
    parser.add_argument("--frames", type=int, help="frames a round; default 2 on the CPU, 64 on a GPU")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one size, render factor 16, one round")
    parser.add_argument("--out", type=Path, help="without suffix; default docs/images/speed_<device>")
    options = parser.parse_args()
    device = torch.device(resolve_device(int(options.device) if options.device.isdigit() else options.device))
    if options.quick:
        options.sizes, options.factors, options.rounds = "720x576", "16", 1
    sizes = [(int(w), int(h)) for w, h in (size.split("x") for size in options.sizes.split(","))]
    factors = [int(f) for f in options.factors.split(",")]
    methods = [int(m) for m in options.methods.split(",")]
    parts = options.parts.split(",")
    frames = options.frames or (64 if device.type == "cuda" else 2)
    header = machine(device)
    print(header, flush=True)
    results: list[Result] = []
    if "outside" in parts:
        results += measure_outside(sizes, factors, options.rounds)
    if "networks" in parts or "whole" in parts:
        with tempfile.TemporaryDirectory() as folder:
            models = Models(Path(folder), device, options.deoldify, options.ddcolor, options.backend)
            if "networks" in parts:
                results += measure_networks(models, methods, factors, frames, options.rounds)
            if "whole" in parts:
                stabilizers = {"no": [False], "yes": [True], "both": [False, True]}[options.stabilizer]
                results += measure_whole(models, sizes, methods, factors, frames, options.rounds, stabilizers)
    stem = options.out or ROOT / "docs" / "images" / f"speed_{str(device).replace(':', '')}"
    write(results, header, stem)


if __name__ == "__main__":
    main()
