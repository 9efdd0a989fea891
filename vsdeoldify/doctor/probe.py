"""The part of `vsdeoldify doctor` that touches native libraries, in a process of its own.

A broken driver or library can end or hang the process that loads it, so `doctor` runs this file as a script,
`doctor_probe.py PACKAGE_FOLDER libraries` or `doctor_probe.py PACKAGE_FOLDER test DEVICE`, and reads one JSON
object a line: `{"start": NAME}` before a step, then `{"name": NAME, "value": …}` or `{"name": NAME,
"error": TEXT}`. Imports are within the steps, for each of them may fail.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

SIZE = 128
"""Width and height of the self-test's picture."""


def vapoursynth_facts() -> dict[str, Any]:
    """Versions of the core, and its plugins."""
    import vapoursynth as vs

    core = vs.core.core
    return {
        "version": str(vs.__version__),
        "core": str(core).splitlines(),
        "threads": core.num_threads,
        "file": str(vs.__file__),
        "plugins": [
            {
                "namespace": plugin.namespace,
                "version": ".".join(map(str, plugin.version)),
                "file": getattr(plugin, "plugin_path", None),
            }
            for plugin in core.plugins()
        ],
    }


def torch_facts() -> dict[str, Any]:
    """Versions of torch and of the libraries it was built with."""
    import torch

    cudnn: Any = torch.backends.cudnn
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "rocm": torch.version.hip,
        "cudnn": cudnn.version() if cudnn.is_available() else None,
        "architectures": torch.cuda.get_arch_list(),
        "threads": torch.get_num_threads(),
        "file": str(torch.__file__),
    }


def device_facts() -> list[dict[str, Any]]:
    """The devices on which torch can compute, the fastest kind first."""
    import torch

    found: list[dict[str, Any]] = []
    if torch.cuda.is_available():
        found += [_cuda_facts(index) for index in range(torch.cuda.device_count())]
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        found += [
            {
                "device": f"xpu:{index}",
                "index": f'"xpu:{index}"',
                "name": torch.xpu.get_device_name(index),
                "memory": torch.xpu.get_device_properties(index).total_memory,
                "precisions": ["float32"],
            }
            for index in range(torch.xpu.device_count())
        ]
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "index": '"mps"', "name": "Apple GPU", "precisions": ["float32"]})
    found.append({"device": "cpu", "index": "99", "name": "CPU", "precisions": _cpu_precisions()})
    return found


def _cpu_precisions() -> list[str]:
    """What the processor computes in itself; what it would only emulate is left out."""
    try:
        from vsdeoldify.runtime.processor import computes_bfloat16

        return ["float32", "bfloat16"] if computes_bfloat16() else ["float32"]
    except Exception:
        return ["float32"]


def _cuda_facts(index: int) -> dict[str, Any]:
    import torch

    properties = torch.cuda.get_device_properties(index)
    facts: dict[str, Any] = {
        "device": f"cuda:{index}",
        "index": str(index),
        "name": properties.name,
        "memory": properties.total_memory,
        "capability": f"{properties.major}.{properties.minor}",
        "architecture": (
            properties.gcnArchName if torch.version.hip else f"sm_{properties.major}{properties.minor}"
        ),
        "precisions": ["float32", "float16"],
    }
    try:
        with torch.cuda.device(index):
            if torch.cuda.is_bf16_supported(including_emulation=False):
                facts["precisions"].append("bfloat16")
            facts["free"] = torch.cuda.mem_get_info(index)[0]
    except Exception as error:
        facts["problem"] = describe(error)
    return facts


def self_test(device: str) -> dict[str, Any]:
    """Colour one frame on a device with the smallest network there is.

    Returns:
        What computed it (`"preview"` or `"random"`), the seconds, and for a device other than the CPU the
        largest difference of its chroma from the CPU's, on a 0–1 scale.

    Raises:
        Exception: whatever goes wrong; or a `RuntimeError` that says what is wrong with the result.
    """
    import numpy as np

    colour, network = (_random_chroma, "random") if _preview_error() else (_preview_chroma, "preview")
    started = time.perf_counter()
    chroma = colour(device)
    seconds = time.perf_counter() - started
    if not np.isfinite(chroma).all():
        raise RuntimeError("the result holds values that are no numbers")
    facts: dict[str, Any] = {"network": network, "seconds": round(seconds, 2)}
    if network == "random":
        facts["why"] = _preview_error()
    if device != "cpu":
        facts["difference"] = round(float(np.abs(chroma - colour("cpu")).max()), 4)
        if facts["difference"] > 0.05:
            raise RuntimeError(f"its colours differ from the CPU's by {facts['difference']:.0%} of the range")
    return facts


def _preview_error() -> str | None:
    """Why the bundled model cannot be used, or None where it can."""
    try:
        from vsdeoldify.preview.network import load_preview

        load_preview()
    except Exception as error:
        return describe(error)
    return None


def _ramp() -> Any:
    import numpy as np

    x, y = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    return ((x + y) * 255 // (2 * SIZE - 2)).astype(np.uint8)


def _preview_chroma(device: str) -> Any:
    """A ramp coloured by the public function, as a user's script does it."""
    import numpy as np
    import vapoursynth as vs

    import vsdeoldify

    ramp = _ramp()

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), ramp)
        return frame

    blank = vs.core.std.BlankClip(width=SIZE, height=SIZE, format=vs.GRAY8, length=1)
    clip = vs.core.std.SetFrameProps(blank, _Matrix=6, _Range=1)
    clip = vs.core.std.ModifyFrame(clip, clip, fill)
    coloured = vsdeoldify.ddeoldify(clip, method=1, ddcolor_p=["preview", 16], device_index=device)
    with coloured.get_frame(0) as frame:
        luma, *chroma = (np.asarray(frame[plane]).copy() for plane in range(3))
    if not np.array_equal(luma, ramp):
        raise RuntimeError("the luma of the picture was changed")
    return np.stack(chroma) / 255.0


def _random_chroma(device: str) -> Any:
    import torch

    generator = torch.Generator().manual_seed(1)
    weights = [torch.randn(shape, generator=generator) * 0.2 for shape in ((8, 1, 3, 3), (2, 8, 3, 3))]
    picture = torch.from_numpy(_ramp()).float().div(255).view(1, 1, SIZE, SIZE).to(device)
    with torch.inference_mode():
        for weight in weights:
            picture = torch.nn.functional.conv2d(picture, weight.to(device), padding=1).tanh()
    return picture.float().cpu().numpy()


def import_facts(module: str) -> dict[str, Any]:
    """Whether a library can be imported, and where it lies."""
    found = import_module(module)
    if module == "torchvision":
        import_module("torchvision.ops")
    return {"version": getattr(found, "__version__", None), "file": getattr(found, "__file__", None)}


def describe(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:600]}" if text else type(error).__name__


STEPS: dict[str, Callable[[], Any]] = {
    "numpy": lambda: import_facts("numpy"),
    "vapoursynth": vapoursynth_facts,
    "torch": torch_facts,
    "devices": device_facts,
    "torchvision": lambda: import_facts("torchvision"),
    "timm": lambda: import_facts("timm"),
    "safetensors": lambda: import_facts("safetensors.torch"),
    "vsdeoldify": lambda: import_facts("vsdeoldify"),
    "pyvips": lambda: import_facts("pyvips"),
    "PIL": lambda: import_facts("PIL.Image"),
    "skimage": lambda: import_facts("skimage.color"),
    "imageio_ffmpeg": lambda: import_module("imageio_ffmpeg").get_ffmpeg_exe(),
}


def main(arguments: list[str]) -> None:
    """Do the steps of one command and report each."""
    folder, command, *rest = arguments
    # At the end, so that it only helps where the package is not installed.
    sys.path.append(folder)
    # Whatever a library prints must not mix with the report.
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    steps = STEPS if command == "libraries" else {"test": lambda: self_test(rest[0])}
    for name, step in steps.items():
        report.write(json.dumps({"start": name}) + "\n")
        report.flush()
        result: dict[str, Any] = {"name": name}
        try:
            result["value"] = step()
        except BaseException as error:
            result["error"] = describe(error)
        report.write(json.dumps(result) + "\n")
        report.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
