"""How much the bundled model flickers, and what the stabilizer leaves of it: `python benchmarks/preview.py`.

The clips in the folder `shared` are made gray and coloured again; `meter.flicker` is in 8-bit levels. With
`--model FILE`, once or more, model files are compared with the bundled one instead, before any stabilizer,
in squares of 256 pixels: flicker, and in brackets the mean chroma, as paler colours flicker less.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
import vapoursynth as vs
from vapoursynth import core

from vsdeoldify import StabParams, ddeoldify, ddeoldify_stabilizer, meter
from vsdeoldify.preview.colorizer import PreviewColorizer
from vsdeoldify.preview.network import load_network, load_preview
from vsdeoldify.vsutils import formats, scenes
from vsdeoldify.vsutils.frames import in_order

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
CUT = 0.15


def flicker(clip: vs.VideoNode, cuts: list[int]) -> float:
    return meter.flicker(meter.read(clip), cuts)


def opened(path: Path, frames: int) -> tuple[vs.VideoNode, list[int]]:
    """The first frames of a clip, and where its later scenes begin."""
    clip = core.bs.VideoSource(str(path), cachemode=0)[:frames]
    clip = core.std.SetFrameProps(clip, _Matrix=vs.MATRIX_ST170_M)
    marks = in_order(scenes.find_cuts(formats.to_canvas(clip, 64), CUT))
    return clip, [n for n, frame in enumerate(marks) if n and frame.props["_SceneChangePrev"]]


def compare(models: list[Path], frames: int, working_size: int) -> None:
    """Print flicker and chroma of the bundled model and of model files."""
    networks = [load_preview(), *(load_network(model).fold() for model in models)]
    colorizers = [PreviewColorizer(network, working_size).eval() for network in networks]
    print(
        "| clip | bundled |",
        " | ".join(model.stem for model in models),
        "|\n|---|---|" + "---|" * len(models),
    )
    rows = []
    for path in sorted((SHARED / "clips").glob("*.mp4")):
        clip, cuts = opened(path, frames)
        luma = meter.read(clip, 256).luma
        row = []
        for colorizer in colorizers:
            with torch.inference_mode():
                chroma = np.concatenate([colorizer(torch.from_numpy(y)[None, None]).numpy() for y in luma])
            strength = 255 * float(np.hypot(chroma[:, 0], chroma[:, 1]).mean())
            row.append((meter.flicker(meter.Film(luma, chroma), cuts), strength))
        rows.append(row)
        print(f"| {path.stem} |", " | ".join(f"{f:.3f} ({c:.1f})" for f, c in row), "|", flush=True)
    print("| mean |", " | ".join(f"{f:.3f} ({c:.1f})" for f, c in np.mean(rows, axis=0)), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=32, help="of each clip (default: %(default)s)")
    parser.add_argument("--model", type=Path, action="append", help="a model file to compare")
    parser.add_argument("--working-size", type=int, default=192, help="of the networks compared (192)")
    args = parser.parse_args()
    if args.model:
        compare(args.model, args.frames, args.working_size)
        return
    print("| clip | true colours | preview | 5 frames | 15 frames |\n|---|---|---|---|---|")
    for path in sorted((SHARED / "clips").glob("*.mp4")):
        truth, cuts = opened(path, args.frames)
        coloured = ddeoldify(truth, "ddcolor", ddcolor_p=["preview"], device_index=99)
        averages = [StabParams(frames, "A", tht=0, hue_adjust="none") for frames in (5, 15)]
        steady = [ddeoldify_stabilizer(coloured, stab=True, stab_p=stab_p) for stab_p in averages]
        values = [flicker(clip, cuts) for clip in (truth, coloured, *steady)]
        print(f"| {path.stem} |", " | ".join(f"{value:.2f}" for value in values), "|", flush=True)


if __name__ == "__main__":
    main()
