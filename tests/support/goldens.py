"""Reading the golden results of the original's merges and filters, and comparing with them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import vapoursynth as vs
from skimage.color import deltaE_ciede2000, rgb2lab
from vapoursynth import core

from vsdeoldify.vsutils import formats

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
"""The folder of the stored results; its README says what each is."""

Picture = npt.NDArray[np.uint8]


def read_rgb(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert picture is not None, path
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def clip_of(pictures: list[Picture]) -> vs.VideoNode:
    """An RGB24 clip without colour properties, as the goldens were made from."""
    height, width, _ = pictures[0].shape
    blank = core.std.BlankClip(format=vs.RGB24, width=width, height=height, length=len(pictures), keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), pictures[n][..., plane])
        return frame

    return core.std.ModifyFrame(blank, blank, fill)


def picture_of(clip: vs.VideoNode, n: int) -> Picture:
    with clip.get_frame(n) as frame:
        return np.stack([np.asarray(frame[plane]) for plane in range(3)], -1)


@cache
def inputs(shared: Path, name: str) -> list[Picture]:
    """The input clip `a`, `b`, `bw` (the luma of a) or `b_x2` (b doubled in size)."""
    folder = shared / "filters" / "inputs"
    if name == "bw":
        lumas = [cv2.cvtColor(p, cv2.COLOR_RGB2YUV)[..., 0] for p in inputs(shared, "a")]
        return [np.repeat(luma[..., None], 3, 2) for luma in lumas]
    if name == "b_x2":
        return [p.repeat(2, 0).repeat(2, 1) for p in inputs(shared, "b")]
    return [read_rgb(path) for path in sorted((folder / name).glob("f*.png"))]


def cases(shared: Path, kind: str, function: str) -> list[dict[str, Any]]:
    """The cases of `corrected` or `original` for one function of the original."""
    index = json.loads((shared / "filters" / kind / "index.json").read_text())
    return [case for case in index["cases"] if case["function"] == function]


def with_luma_of(picture: Picture, canvas: vs.VideoNode, n: int) -> Picture:
    """The chroma of a canvas's frame with the luma of a picture, as 8-bit RGB."""
    return picture_of(formats.restore(clip_of([picture]), canvas[n]), 0)


def difference(ours: Picture, golden: Picture) -> tuple[float, float]:
    """Mean CIEDE2000, and the share of pixels under 2."""
    delta = deltaE_ciede2000(rgb2lab(ours), rgb2lab(golden))
    return float(delta.mean()), float((delta <= 2).mean())
