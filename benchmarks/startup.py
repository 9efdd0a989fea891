"""Where the time to the first frame goes: `python benchmarks/startup.py [--backend torch]`.

Official-size files with random weights are written first, in the formats of the real files; the file of each
model is then read, built and run once in a fresh process. Wall-clock and CPU seconds of every part.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from weights import LAYOUTS, random_state

PARTS = """
import time
marks = []
def mark(name):
    marks.append((name, time.perf_counter(), time.process_time()))
mark("")
import vapoursynth
mark("import vapoursynth")
import vsdeoldify
mark("import vsdeoldify")
import torch
mark("import torch")
import torchvision
mark("import torchvision")
import timm
mark("import timm")
from pathlib import Path
from vsdeoldify.models.reading import read_checkpoint
state = read_checkpoint(Path({path!r}))
mark("read the file")
from vsdeoldify.{family} import colorizer, {module}
network = colorizer.{colorizer}({module}.build(state))
mark("build and fold")
if {backend!r} == "openvino":
    from vsdeoldify.runtime.engines import openvino
    openvino.import_openvino()
    mark("import openvino")
import numpy
from vsdeoldify.runtime.engines import make_engine
engine = make_engine(lambda precision: network, "cpu", {backend!r}, "x")
picture = numpy.random.default_rng(1).random((1, {size}, {size}), numpy.float32)
engine(picture)
mark("first picture" + (", converting and compiling included" if {backend!r} == "openvino" else ""))
engine(picture)
mark("second picture")
for (_, wall, cpu), (name, wall2, cpu2) in zip(marks, marks[1:]):
    print(f"{{name:55}} {{wall2 - wall:7.2f}} s   CPU {{cpu2 - cpu:7.2f}} s")
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", default="openvino", choices=["torch", "openvino"])
    parser.add_argument("--size", type=int, default=256, help="side of the square")
    parser.add_argument("--families", default="deoldify,ddcolor")
    options = parser.parse_args()
    kinds = {
        "deoldify": ("video", "generator", "DeOldifyColorizer"),
        "ddcolor": ("modelscope", "network", "DDColorColorizer"),
    }
    with tempfile.TemporaryDirectory() as folder:
        for family in options.families.split(","):
            model, module, colorizer = kinds[family]
            path = Path(folder, f"{family}.pth")
            container = {"params" if family == "ddcolor" else "model": random_state(LAYOUTS[family, model])}
            # DeOldify's files date from before torch wrote zip files.
            torch.save(container, path, _use_new_zipfile_serialization=family == "ddcolor")
            del container
            print(
                f"{family} {model}, {path.stat().st_size / 1e6:.0f} MB, {options.size}×{options.size}",
                flush=True,
            )
            code = PARTS.format(
                path=str(path),
                family=family,
                module=module,
                colorizer=colorizer,
                backend=options.backend,
                size=options.size,
            )
            subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
            path.unlink()


if __name__ == "__main__":
    main()
