"""How much the bundled model flickers, and what the stabilizer leaves of it: `python benchmarks/preview.py`.

The clips in the folder `shared` are made gray and coloured again; `meter.flicker` is in 8-bit levels.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import vapoursynth as vs
from vapoursynth import core

from vsdeoldify import StabParams, ddeoldify, ddeoldify_stabilizer, meter
from vsdeoldify.vsutils import formats, scenes
from vsdeoldify.vsutils.frames import in_order

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
CUT = 0.15


def flicker(clip: vs.VideoNode, cuts: list[int]) -> float:
    return meter.flicker(meter.read(clip), cuts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=32, help="of each clip (default: %(default)s)")
    args = parser.parse_args()
    print("| clip | true colours | preview | 5 frames | 15 frames |\n|---|---|---|---|---|")
    for path in sorted((SHARED / "clips").glob("*.mp4")):
        truth = core.bs.VideoSource(str(path), cachemode=0)[: args.frames]
        truth = core.std.SetFrameProps(truth, _Matrix=vs.MATRIX_ST170_M)
        marks = in_order(scenes.find_cuts(formats.to_canvas(truth, 64), CUT))
        cuts = [n for n, frame in enumerate(marks) if n and frame.props["_SceneChangePrev"]]
        coloured = ddeoldify(truth, "ddcolor", ddcolor_p=["preview"], device_index=99)
        averages = [StabParams(frames, "A", tht=0, hue_adjust="none") for frames in (5, 15)]
        steady = [ddeoldify_stabilizer(coloured, stab=True, stab_p=stab_p) for stab_p in averages]
        values = [flicker(clip, cuts) for clip in (truth, coloured, *steady)]
        print(f"| {path.stem} |", " | ".join(f"{value:.2f}" for value in values), "|", flush=True)


if __name__ == "__main__":
    main()
