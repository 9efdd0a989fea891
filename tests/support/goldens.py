"""Reading the golden results of the original's merges and filters, and comparing with them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import packing
import vapoursynth as vs
from skimage.color import deltaE_ciede2000, rgb2lab
from vapoursynth import core

from vsdeoldify.vsutils import formats

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
"""The folder of the stored results; its README says what each is."""

Picture = npt.NDArray[np.uint8]


FILM = GOLDEN.parents[1] / "demo" / "film.mp4"
COLOUR_CLIP = GOLDEN / "person_woodfloor.mp4"
"""Four seconds of a film in colour, 480×270."""
# The two colourings of a film, and the results.
FILTERS = GOLDEN / "filters.npz.xz"
CASES = GOLDEN / "filters.json"

FUNCTIONS = (
    *("ddeoldify", "vs_combine_models", "vs_tweak", "constrained_tweak", "vs_recover_clip_luma"),
    *("ddeoldify_stabilizer", "vs_clip_color_stabilizer", "vs_chroma_stabilizer_ex"),
    *("vs_chroma_bright_tweak", "vs_dark_tweak", "vs_adjust_clip_hue"),
)
"""The functions of the original whose results are stored."""

# Functions that a defect of the unmodified original changes in every case: the corrected cases have them.
DEFECTIVE = {
    "ddeoldify": "DDColor's output comes in limited range",
    "vs_clip_color_stabilizer": "limited range; averages cross cuts; the weights are not symmetric",
    "vs_chroma_stabilizer_ex": "limited range; averages cross cuts; the first frames are skipped",
}
# Cases of the unmodified original that a defect changes (with a number: only that frame), and how.
DEFECTS: dict[str | tuple[str, int], str] = {
    "combine/m2_sat0.8_1.2_hue10_-15": "limited range read as full after the saturation",
    "combine/m2_invert_sat0.8_1.2": "limited range; the models' saturations exchanged",
    "combine/m3_default": "truncation in YUV",
    "combine/m3_t0.05_w1": "truncation in YUV",
    "combine/m3_t1_int_w1": "an integer threshold wraps around",
    "combine/m3_t0.2_w0.6_invert": "truncation in YUV",
    "combine/m4_0.2_0.8_sat0.5_w0.7": "limited range; the slope of the mask",
    "combine/m4_equal_limits": "crash",
    "combine/m4_black0_w1": "the white limit is ignored",
    "combine/m4_black_gt_white_w1": "black above white is an error here",
    "vs_tweak/sat0.5_hue30": "limited range",
    "vs_tweak/bright0.1_cont0.9_gamma0.5": "limited range",
    "vs_tweak/gamma2.5": "limited range",
    "constrained_tweak/lumamin0.6_gamma1_wrap": "bright pixels turn black: numbers wrap around",
    ("adjust_hue/300-360_0.3_0.2", 0): "frame 0 is skipped",
    "smooth/default_none": "with the range none the original does nothing",
    "smooth/black0_all": "with a black limit of 0 the white limit is ignored",
    "smooth/equal_limits": "crash",
    "dark/none": "with the range none the original does nothing",
    "stabilizer_full/all_on_default": "14 % paler, smooth off, cut crossed, frames skipped",
    "stabilizer_full/all_on_rf16_x2": "14 % paler, smooth off, cut crossed",
    "stabilizer_full/stab_only_W7_nohue": "limited range; cut crossed; weights that are not symmetric",
    "stabilizer_full/smooth_only_default": "smooth does nothing",
    "stabilizer_full/dark_only": "pure reds (hue 0) are not in the range 0:30; without them it is 0.45",
    "stabilizer_full/smooth_only_rose_red": "pure reds (hue 0) are not in the range",
}
# Defects whose effect is known so well that a test takes it off, and compares.
TAKEN_OFF = {
    "combine/m3_default",
    "combine/m3_t0.05_w1",
    "combine/m3_t0.2_w0.6_invert",
    "vs_tweak/sat0.5_hue30",
}


def defect(case: dict[str, Any], frame: int) -> str | None:
    """What of the unmodified original makes a frame of a case wrong; None where it is right."""
    name = case["id"]
    return DEFECTIVE.get(case["function"]) or DEFECTS.get(name) or DEFECTS.get((name, frame))


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
def inputs(name: str) -> list[Picture]:
    """The input clip `a`, `b` (two colourings of one film), or `bw` (the luma of a)."""
    if name == "bw":
        lumas = [cv2.cvtColor(picture, cv2.COLOR_RGB2YUV)[..., 0] for picture in inputs("a")]
        return [np.repeat(luma[..., None], 3, 2) for luma in lumas]
    packed = packing.read(FILTERS)
    return [packed[key] for key in sorted(packed) if key.startswith(f"inputs/{name}/")]


def cases(kind: str, function: str) -> list[dict[str, Any]]:
    """The cases of `corrected` or `original` for one function of the original."""
    found = json.loads(CASES.read_text(encoding="utf-8"))[kind]
    return [case | {"kind": kind} for case in found if case["function"] == function]


def golden(case: dict[str, Any], frame: int) -> Picture:
    """The original's picture for a frame of a case."""
    found = case["frames"][str(frame)]
    if found is None:
        return packing.read(FILTERS)[f"{case['kind']}/{case['id']}/{frame:02}"]
    return inputs(found)[frame]


def with_luma_of(picture: Picture, canvas: vs.VideoNode, n: int) -> Picture:
    """The chroma of a canvas's frame with the luma of a picture, as 8-bit RGB."""
    return picture_of(formats.restore(clip_of([picture]), canvas[n]), 0)


def difference(ours: Picture, golden: Picture) -> tuple[float, float]:
    """Mean CIEDE2000, and the share of pixels under 2."""
    delta = deltaE_ciede2000(rgb2lab(ours), rgb2lab(golden))
    return float(delta.mean()), float((delta <= 2).mean())
