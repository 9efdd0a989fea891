"""Calls of the two public functions whose results are kept byte for byte, and how they are compared.

`golden/make_bytes.py` writes the results, `test_bytes.py` compares with them.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import vapoursynth as vs
from tiny import tiny_ddcolor_state_dict, tiny_deoldify_state_dict
from vapoursynth import core

from vsdeoldify import ddeoldify, ddeoldify_stabilizer

WIDTH, HEIGHT, LENGTH = 48, 32, 9
CUT = 5
ALL = tuple(range(LENGTH))

Samples = npt.NDArray[Any]
Frames = list[list[Samples]]

_FULL = {"_Range": int(vs.RANGE_FULL)}
_LIMITED = {"_Range": int(vs.RANGE_LIMITED)}
_BT601 = {"_Matrix": int(vs.MATRIX_ST170_M)}
_BT709 = {"_Matrix": int(vs.MATRIX_BT709)}

#: Name → VapourSynth's format and the frame properties that say how to read it.
FORMATS: dict[str, tuple[int, dict[str, int]]] = {
    "gray8": (vs.GRAY8, {}),
    "gray8_full_709": (vs.GRAY8, _FULL | _BT709),
    "gray16_limited": (vs.GRAY16, _LIMITED),
    "grays": (vs.GRAYS, {}),
    "yuv420p8_601": (vs.YUV420P8, _LIMITED | _BT601),
    "yuv420p8_709_full_center": (
        vs.YUV420P8,
        _FULL | _BT709 | {"_ChromaLocation": int(vs.CHROMA_CENTER)},
    ),
    "yuv422p10_709": (vs.YUV422P10, _LIMITED | _BT709),
    "yuv444p16": (vs.YUV444P16, {}),
    "yuv444p16_709_full": (vs.YUV444P16, _FULL | _BT709),
    "yuv444ps_601": (vs.YUV444PS, _BT601),
    "rgb24": (vs.RGB24, {}),
    "rgb48": (vs.RGB48, {}),
    "rgbs": (vs.RGBS, {}),
}
#: Formats that fewer cases use.
RARE_FORMATS: dict[str, tuple[int, dict[str, int]]] = {
    "yuv411p8": (vs.YUV411P8, {}),
    "yuv420p10_2020_topleft": (
        vs.YUV420P10,
        _LIMITED | {"_Matrix": int(vs.MATRIX_BT2020_NCL), "_ChromaLocation": int(vs.CHROMA_TOP_LEFT)},
    ),
    "yuv444ps_709": (vs.YUV444PS, _BT709),
    "yuv444ph": (vs.YUV444PH, {}),
    "rgb24_limited": (vs.RGB24, _LIMITED),
    "rgbh": (vs.RGBH, {}),
}
ALL_FORMATS = FORMATS | RARE_FORMATS


@dataclass(frozen=True)
class Case:
    """One call of a public function.

    Attributes:
        name: what it is kept under.
        function: "ddeoldify" or "ddeoldify_stabilizer".
        format: key of `ALL_FORMATS`.
        options: the arguments beside the clip; model files are named by their stem.
        frames: numbers of the clip's frames that make up the clip of the call.
        kept: the frames of the result whose samples are kept; the sum is that of all frames.
    """

    name: str
    function: str
    format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    frames: tuple[int, ...] = ALL
    kept: tuple[int, ...] = (0,)


@cache
def _plane(index: int, n: int) -> npt.NDArray[np.int64]:
    """A plane of frame n with 16 bits: waves that wander, flicker a little, and change at the cut.

    Whole numbers alone, so that it is the same on every processor.
    """
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.int64)
    scene, period = int(n >= CUT), (65537, 40961)[n >= CUT]

    def wave(value: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.abs((value % (2 * 65535)) - 65535)

    ramp = wave(1900 * x + 700 * (index + 1 + 2 * scene) * y + 900 * n + 23000 * index + 30000 * scene)
    rings = wave((x - 20 - n) ** 2 * (90 + 40 * index) + (y - 14) ** 2 * (130 - 30 * index) + 9000 * index)
    grain = (x * 7919 + y * 104729 + (n + 3 * index) * 1299709) * 2654435761 // 4096 % period
    square = np.where((abs(x - 8 - 3 * n) < 6) & (abs(y - 20) < 5), 22000 * (1 - index), 0)
    mixed = (5 * ramp + 4 * rings) // 10 + grain // 24 + square
    return np.clip(mixed * (9 - 3 * scene) // 10 + 2500 * scene, 0, 65535)


def _picture(family: vs.ColorFamily, index: int, n: int) -> npt.NDArray[np.int64]:
    """A plane of frame n with 16 bits, in columns without colour, with little, more and all of it."""
    if not index:
        return _plane(0, n)
    gray = np.int64(32768) if family == vs.YUV else _plane(0, n)
    strength = np.array([0, 1, 6, 16], np.int64)[np.arange(WIDTH) * 4 // WIDTH]
    return gray + (_plane(index, n) - gray) * strength // 16


def source(name: str) -> vs.VideoNode:
    """The test clip in one of `ALL_FORMATS`: samples of the whole scale, luma and chroma."""
    format_id, props = ALL_FORMATS[name]
    fmt = core.get_video_format(format_id)
    blank = core.std.BlankClip(format=format_id, width=WIDTH, height=HEIGHT, length=LENGTH, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for key in ("_Matrix", "_Range", "_ColorRange", "_ChromaLocation"):
            if key in frame.props:
                del frame.props[key]
        for key, value in props.items():
            frame.props[key] = value
        for index in range(fmt.num_planes):
            plane = np.asarray(frame[index])
            # Every other column and row for subsampled chroma.
            step_y, step_x = HEIGHT // plane.shape[0], WIDTH // plane.shape[1]
            values = _picture(fmt.color_family, index, n)[::step_y, ::step_x]
            if fmt.sample_type == vs.INTEGER:
                np.copyto(plane, values >> (16 - fmt.bits_per_sample), casting="unsafe")
            else:
                offset = 0.5 if index and fmt.color_family == vs.YUV else 0.0
                np.copyto(plane, values / 65535 - offset, casting="unsafe")
        return frame

    return core.std.ModifyFrame(blank, blank, fill)


def write_models(folder: Path) -> None:
    """Write the files of the small networks: `wide`, `deep`, `large`, `tiny`."""
    for name in ("wide", "deep"):
        torch.save(tiny_deoldify_state_dict(name), folder / f"{name}.pth")
    for name in ("large", "tiny"):
        torch.save({"params": tiny_ddcolor_state_dict(name)}, folder / f"{name}.pth")


def result(case: Case, models: Path) -> vs.VideoNode:
    """The clip that the call makes."""
    clip = source(case.format)
    clip = core.std.Splice([clip[n] for n in case.frames])
    options = dict(case.options)
    if case.function == "ddeoldify_stabilizer":
        return ddeoldify_stabilizer(clip, **{"render_factor": 10} | options)
    for name, default in (("deoldify_p", "wide"), ("ddcolor_p", "tiny")):
        model, *rest = options.get(name, [default, 10])
        options[name] = [model if model == "preview" else str(models / f"{model}.pth"), *rest]
    # One way of computing, whatever is installed beside torch.
    return ddeoldify(clip, device_index=99, backend="torch", precision="float32", **options)


def render(clip: vs.VideoNode) -> Frames:
    """The planes of all frames, each frame asked for once."""
    frames = []
    for n in range(len(clip)):
        with clip.get_frame(n) as frame:
            frames.append([np.array(plane) for plane in frame])
    return frames


def digest(frames: Frames) -> str:
    """The sha256 of all samples."""
    return hashlib.sha256(b"".join(plane.tobytes() for frame in frames for plane in frame)).hexdigest()


def samples(case: Case, clip: vs.VideoNode, frames: Frames) -> Samples:
    """The samples that are compared, in one row: all planes of RGB, of YUV the chroma (the luma is known).

    Of formats with more than 8 bits every other row and column: their samples hardly compress.
    """
    step = 2 if clip.format.bytes_per_sample > 1 else 1
    first = 0 if clip.format.color_family == vs.RGB else 1
    return np.concatenate([plane[::step, ::step].ravel() for n in case.kept for plane in frames[n][first:]])


def store(folder: Path, arrays: Mapping[str, Samples]) -> None:
    """Write the samples of all cases; packed as one, for they are alike."""
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    content = lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    (folder / "samples.npz.xz").write_bytes(content)


def stored(folder: Path) -> dict[str, Samples]:
    """The samples that `store` wrote."""
    with lzma.open(folder / "samples.npz.xz") as file, np.load(io.BytesIO(file.read())) as arrays:
        return dict(arrays)


def mark() -> dict[str, str]:
    """What decides on the last bit: processor, libraries, number of threads.

    VapourSynth's resizer and expressions and torch's kernels choose their instructions by the processor, and
    sum in another order with each. Only where all of this is the same are the same bytes to be expected.
    """
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "numpy": np.__version__,
        "vapoursynth": str(core.core_version),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    rows = dict(line.split(":", 1) for line in lines if ":" in line)
    found = {key.strip(): value.strip() for key, value in rows.items()}
    return " ".join(found.get(key, "") for key in ("vendor_id", "cpu family", "model")).strip()


def cases() -> Iterator[Case]:
    """All cases."""
    yield from _colouring()
    yield from _stabilizing()


def difference(ours: Samples, golden: Samples) -> str | None:
    """What is too different, in words.

    Another order of summing moves a network's chroma by about 2e-7 (measured with the kernels for AVX2, for
    SSE and for one thread). So hardly a sample of 8 or 10 bits moves, two in a thousand of those of 16 bits
    move by one level, and a colour that sits on the boundary of a hue range may fall to its other side:
    7e-4 of the scale, seen in four samples of a case.
    """
    if (ours.shape, ours.dtype) != (golden.shape, golden.dtype):
        return f"{ours.shape} of {ours.dtype} where {golden.shape} of {golden.dtype} is stored"
    gap = np.abs(ours.astype(np.float64) - golden.astype(np.float64))
    if ours.dtype == np.float32:
        return None if gap.max() <= 1e-5 else f"off by up to {gap.max():.3g}"
    equal = float((gap == 0).mean())
    if ours.dtype == np.float16:
        near = bool((gap <= np.spacing(np.maximum(np.abs(ours), np.abs(golden)))).all())
        return None if near and equal >= 0.99 else f"{equal:.2%} equal, off by up to {gap.max():.3g}"
    # Values of 10 bits lie in 16, too.
    deep = ours.dtype == np.uint16 and golden.max() >= 1 << 10
    within = float((gap <= 1).mean()) if deep else float(gap.max() <= 1)
    good = within >= 0.999 and equal >= (0.98 if deep else 0.999) and gap.max() <= 64
    return None if good else f"{equal:.2%} equal, {within:.2%} within one level, off by up to {gap.max():.0f}"


def _colouring() -> Iterator[Case]:
    def case(name: str, format_: str, frames: tuple[int, ...], kept: tuple[int, ...], **options: Any) -> Case:
        return Case(f"colour/{name}/{format_}", "ddeoldify", format_, options, frames, kept)

    one_of_each_scene = (1, CUT + 1)
    for method in range(6):
        for format_ in FORMATS:
            yield case(f"method{method}", format_, one_of_each_scene, (0, 1), method=method)
    for format_ in RARE_FORMATS:
        yield case("method2", format_, one_of_each_scene, (0, 1), method=2)

    wide, deep, large, tiny = (
        [name, factor] for name, factor in (("wide", 10), ("deep", 12), ("large", 14), ("tiny", 10))
    )
    variants: dict[str, dict[str, Any]] = {
        **{f"swapped{method}": {"method": method, "cmb_sw": True} for method in range(2, 6)},
        "tweak1": {"method": 1, "ddtweak": True},
        "tweak2_swapped": {"method": "simple", "ddtweak": True, "cmb_sw": True},
        "tweak5_own": {
            "method": "adaptive_luma",
            "ddtweak": True,
            "ddtweak_p": [0.05, 0.9, 1.8, True, 0.5, 0.6, 0.5, 0.6, "30:200,rose|0.6,0.4"],
        },
        "tweak1_unconstrained": {
            "method": "ddcolor",
            "ddtweak": True,
            "ddtweak_p": [0.1, 1.2, 0.7, False, 0, 0, 0, 1, "none"],
        },
        "deep_large": {"method": 2, "mweight": 0.65, "deoldify_p": deep, "ddcolor_p": large},
        "deep": {"method": "deoldify", "deoldify_p": [*deep, 1.4, -25]},
        "large": {"method": 1, "ddcolor_p": [*large, 0.7, 40, False]},
        "turned_colours": {
            "method": 3,
            "mweight": 0.8,
            "cmc_tresh": 0.35,
            "deoldify_p": [*wide, 0.8, 15],
            "ddcolor_p": [*tiny, 1.2, -30],
        },
        "luma_masked_own": {"method": "luma_masked", "mweight": 0.7, "lmm_p": [0.3, 0.5, 0.6]},
        "adaptive_luma_own": {"method": 5, "mweight": 0.9, "alm_p": [0.9, 2.5, 0.3]},
        "constrained_fully": {"method": "constrained_chroma", "mweight": 1, "cmc_tresh": 0.1},
        "preview": {"method": 1, "ddcolor_p": ["preview", 10]},
        "preview_by_width": {"method": 1, "ddcolor_p": ["preview", 0]},
        "preview_wide": {"method": 4, "ddcolor_p": ["preview", 12], "deoldify_p": wide},
    }
    for name, options in variants.items():
        for format_ in ("yuv420p8_601", "rgb48"):
            yield case(name, format_, one_of_each_scene, (0, 1), **options)
    for method, format_ in ((0, "yuv420p8_601"), (1, "gray16_limited"), (2, "yuv422p10_709"), (4, "rgb24")):
        for every in (1, 3):
            yield case(f"every{every}_method{method}", format_, ALL, (1, 4, 7), method=method, every=every)
    yield case("every3_preview", "yuv444p16", ALL, (2, 7), method=1, every=3, ddcolor_p=["preview", 10])
    yield case("every4_tweak_swapped", "yuv444ps_601", ALL, (2, 6), ddtweak=True, cmb_sw=True, every=4)
    yield case("batches", "yuv420p8_601", ALL, (3, 8), method=2, batch_size=2)
    yield case("batches_every2", "rgb24", ALL, (3, 8), method=1, batch_size=3, every=2)


def _stabilizing() -> Iterator[Case]:
    def case(name: str, format_: str, kept: tuple[int, ...] = (1, CUT), **options: Any) -> Case:
        return Case(f"stabilize/{name}/{format_}", "ddeoldify_stabilizer", format_, options, kept=kept)

    everything = {"dark": True, "smooth": True, "stab": True}
    for format_ in ALL_FORMATS:
        if not format_.startswith("gray"):
            yield case("dark", format_, dark=True)
            yield case("everything", format_, **everything)
    variants: dict[str, dict[str, Any]] = {
        "dark_none": {"dark": True, "dark_p": [0.6, 0.5, "none"]},
        "dark_blue": {"dark": True, "dark_p": [0.9, 1, "200:280,cyan"]},
        "smooth": {"smooth": True},
        "smooth_own": {"smooth": True, "smooth_p": [0.1, 0.9, 0.4, 0.3, "300:60"]},
        "smooth_step": {"smooth": True, "smooth_p": [0.4, 0.4, 0.5]},
        "dark_smooth": {"dark": True, "smooth": True, "dark_p": [0.5]},
        "nothing": {},
        "stab": {"stab": True},
        "a3": {"stab": True, "stab_p": [3, "A", 1, 0, 0, 0.15, "none"]},
        "a15": {"stab": True, "stab_p": [15, "arithmetic", 0.7, 60, 0.4, 0.15, "none"]},
        "w5": {"stab": True, "stab_p": [5, "W", 1, 0, 0, 0.15, "0:90|0.4,0.3"]},
        "w9": {"stab": True, "stab_p": [9, "weighted", 0.5, 30, 0.2, 0, "300:360|0.5,0.0"]},
        "g5": {"stab": True, "stab_p": [5, "G"]},
        "g31": {"stab": True, "stab_p": [31, "guided", 0.8, 40, 0.1, 0.15, "none"]},
        "g9_no_restoring": {"stab": True, "stab_p": [9, "G", 1, 0, 0.2, 0.05, "60:240|1.5,0.2"]},
        "larger_canvas": everything | {"render_factor": 13, "stab_p": [7, "W", 1, 15]},
        "by_width": everything | {"render_factor": 0},
    }
    for name, options in variants.items():
        for format_ in ("yuv420p8_601", "rgb48"):
            yield case(name, format_, **options)
