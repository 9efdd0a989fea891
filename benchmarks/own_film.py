"""Ten minutes of training on colour stills of one film: `python benchmarks/own_film.py`.

Stills are taken from the first half of a clip of the folder `shared`; frames of its second half are coloured
by the bundled model and by the one that learned from the stills, and compared with their true colours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import vapoursynth as vs
from vapoursynth import core

from vsdeoldify.preview.colorizer import PreviewColorizer
from vsdeoldify.preview.network import load_network, load_preview
from vsdeoldify.runtime.color import rgb_to_luma
from vsdeoldify.training.evaluate import colour_picture, evaluate

SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))


def picture(clip: vs.VideoNode, n: int) -> np.ndarray:
    with clip.get_frame(n) as frame:
        return np.stack([np.asarray(frame[plane]) for plane in range(3)], -1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", default="woman_dog_garden", help="(default: %(default)s)")
    parser.add_argument("--stills", type=int, default=6, help="how many (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=10, help="(default: %(default)s)")
    parser.add_argument("--sheet", type=Path, help="a picture to write: gray, bundled, own, true")
    options = parser.parse_args()
    clip = core.bs.VideoSource(str(SHARED / "clips" / f"{options.clip}.mp4"), cachemode=0)
    clip = core.resize.Bicubic(clip, format=vs.RGB24, matrix_in=vs.MATRIX_ST170_M)
    half = len(clip) // 2
    later = [picture(clip, n) for n in range(half + 5, len(clip), 4)]
    with tempfile.TemporaryDirectory() as name:
        stills, model = Path(name, "stills"), Path(name, "mine.safetensors")
        stills.mkdir()
        for n in np.linspace(0, half - 1, options.stills).round().astype(int):
            cv2.imwrite(str(stills / f"{n:04}.png"), picture(clip, int(n))[..., ::-1])
        command = [
            *(sys.executable, "-m", "vsdeoldify.training", str(stills), "--output", str(model)),
            *("--minutes", str(options.minutes), "--sizes", "192", "--shares", "100", "--colourful", "0.8"),
        ]
        begun = time.perf_counter()
        subprocess.run(command, check=True)
        print(f"{options.stills} stills, {(time.perf_counter() - begun) / 60:.1f} minutes")
        networks = {"bundled": load_preview(), "own": load_network(model).fold()}
    print(f"{len(later)} later frames   CIEDE2000  a/b PSNR (dB)  colourfulness, true")
    luma = rgb_to_luma(torch.from_numpy(later[-1]).permute(2, 0, 1)[None] / 255)[0, 0].numpy()
    columns = []
    for label, network in networks.items():
        colorizer = PreviewColorizer(network).eval()
        scores = np.array(list(evaluate(colorizer, later)), np.float64).mean(axis=0)
        print(f"{label:15}{scores[0, 0]:12.2f}{scores[0, 1]:15.2f}{scores[0, 2]:15.1f} {scores[2, 2]:6.1f}")
        columns.append(colour_picture(colorizer, luma))
    if options.sheet:
        gray = np.repeat((255 * luma).round().astype(np.uint8)[..., None], 3, -1)
        cv2.imwrite(str(options.sheet), np.hstack([gray, *columns, later[-1]])[..., ::-1])


if __name__ == "__main__":
    main()
