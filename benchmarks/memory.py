"""Memory over a long render: `python benchmarks/memory.py [--frames 10000]`.

vspipe renders a small clip through the bundled model and the stabilizer; every so many frames the process
notes its resident memory, what glibc holds of it, the live Python objects and the device's memory.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import memory
memory.build({frames}, {size}, {model!r}, {device!r}, {every}, {log!r}, {step}).set_output()
"""


class _Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks"),
            "keepcost",
        )
    ]


def sample(n: int) -> dict[str, float]:
    """Memory in MB, and counts of live objects."""
    import torch

    pages = int(Path("/proc/self/statm").read_text().split()[1])
    result = {"frame": n, "rss": pages * 4096 / 1e6, "objects": len(gc.get_objects())}
    try:
        mallinfo = ctypes.CDLL("libc.so.6").mallinfo2
        mallinfo.restype = _Mallinfo
        info = mallinfo()
        result |= {"in use": info.uordblks / 1e6, "mapped": info.hblkhd / 1e6, "freed": info.fordblks / 1e6}
    except (OSError, AttributeError):
        pass
    if torch.cuda.is_available():
        result["device"] = torch.cuda.memory_allocated() / 1e6
    return result


def build(frames: int, size: int, model: str, device: str, every: int, log: str, step: int):  # type: ignore[no-untyped-def]
    """The clip that vspipe renders."""
    import vapoursynth as vs

    from vsdeoldify import ddeoldify, ddeoldify_stabilizer

    core = vs.core
    source = core.std.BlankClip(
        format=vs.YUV420P8, width=size, height=size, length=frames, color=[90, 128, 128]
    )
    source = core.std.FrameEval(
        source, lambda n: core.std.BlankClip(source, length=1, color=[60 + n % 100, 128, 128])
    )
    clip = ddeoldify(source, 1, ddcolor_p=[model, 10], device_index=device, every=every)
    clip = ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True, render_factor=10)

    def note(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        if n % step == 0:
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(json.dumps(sample(n)) + "\n")
        return f

    return core.std.ModifyFrame(clip, clip, note)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=64, help="side of the source in pixels")
    parser.add_argument("--model", default="preview", help="a DDColor model's name or file")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log, script = Path(folder, "log"), Path(folder, "film.vpy")
        step = max(1, options.frames // 12)
        values = {**vars(options), "log": str(log), "step": step, "folder": str(Path(__file__).parent)}
        script.write_text(SCRIPT.format(**values), encoding="utf-8")
        vspipe = Path(sys.executable).with_name("vspipe")
        subprocess.run([vspipe, script, "."], check=True)
        rows = [json.loads(line) for line in log.read_text().splitlines()]
    print(" ".join(f"{name:>9}" for name in rows[0]))
    for row in rows:
        print(" ".join(f"{value:9.0f}" for value in row.values()))


if __name__ == "__main__":
    main()
