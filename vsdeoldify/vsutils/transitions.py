"""Where a film's luma shows that a scene ends: hard cuts, dissolves, the end of a black or white picture.

All that is looked at are single numbers of frames and of pairs of frames, on a 64×64 picture: means,
variances and covariances. With the correlation r of two frames, 1 − r says how much their *structure*
differs, whatever their brightness and contrast: 0 for the same picture, bright or dark, about 1 for two
pictures that have nothing to do with each other.

* A **hard cut** is a mean luma difference above the threshold; or, in scenes too dark for that, a structure
  that differs more than `_STRUCTURE` and clearly more than between the frames before and after, as it would
  where a camera moves fast.
* A **flash** is a frame that differs so from both neighbours, which resemble each other.
* A **dissolve** has a middle that is the mean of two pictures on either side of it, with another structure
  each, and so has less contrast than these. What moves does not mix: between two places of a moving thing,
  the picture is another one with all of its contrast. The cut is where the mixing is most even.
* Where a picture comes **out of black or white**, a scene begins, unless the picture is the one that went in
  a few frames before.

A mark depends on the frames from 52 before to 26 behind it and on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import NamedTuple

import vapoursynth as vs
from vapoursynth import core

_SIZE = 64
# The frames around a flash may differ by this share of the limits at most.
_FLASH = 0.5
# The limits below were found by measurement (benchmarks/scenes.py) at this threshold, and go with it.
_USUAL = 0.15
_STRUCTURE = 0.45
_SPIKE = 1.5
# In two pictures that have nothing to do with each other, the mean difference is about as large as the
# standard deviation; a thing that comes into a picture changes the structure and makes no such difference.
_DIFFERENCE = 0.65
# A picture whose standard deviation is less is black, white or even gray; one of `_PICTURE` is a picture.
_BLANK, _PICTURE = 0.012, 0.03
# The least difference of structure of a picture that goes into black from that which comes out, both faint.
_RETURN = 0.25
# Variance up to which differences of structure are noise.
_NOISE = 1e-4
# Half the lengths of stretches that are looked at for a dissolve of 8 to 25 frames; the least difference of
# structure of their ends; the largest squared distance of the middle from the ends' mean, as a share of
# that of the ends (0.25 at a hard cut); the largest share of the ends' variance that the middle has. While a
# picture fades to black, the middle has less than a mixture would, or one of the ends hardly any.
_HALVES = 4, 8, 13
_ENDS, _UNEVEN, _CONTRAST = 0.5, 0.2, 0.85
_MIXTURE, _FAINT = 0.6, 0.05
_FAR = max(_HALVES)

_LAGS = 1, 2, 4, 8, 13, 16, 26
_AROUND = -13, -8, -6, -4, -2, -1, 0, 1, 2, 4, 8, 13


class _Measures(NamedTuple):
    """The numbers of a frame, and those of it and earlier frames.

    Attributes:
        mean: mean luma.
        var: its variance.
        step1: mean difference to the frame before.
        step2: mean difference to the one before that.
        cov1: covariance with the frame before; cov2, …: with earlier ones.
        other1: difference of structure to the frame before; other2, …: to earlier ones.
    """

    mean: float
    var: float
    step1: float
    step2: float
    cov1: float
    cov2: float
    cov4: float
    cov8: float
    cov13: float
    cov16: float
    cov26: float
    other1: float
    other2: float
    other4: float
    other8: float
    other13: float
    other16: float
    other26: float

    @property
    def blank(self) -> bool:
        """Whether the picture is black, white or even gray."""
        return self.var < _BLANK**2

    def cov(self, lag: int) -> float:
        """The covariance with the frame so much earlier."""
        return self[4 + _LAGS.index(lag)]

    def other(self, lag: int) -> float:
        """The difference of structure to the frame so much earlier."""
        return self[4 + len(_LAGS) + _LAGS.index(lag)]


class _Around(dict[int, _Measures]):
    """The measures of the frames around one, by their distance; read when they are asked for."""

    def __init__(self, frames: list[vs.VideoFrame]) -> None:
        super().__init__()
        self._frames = frames

    def __missing__(self, offset: int) -> _Measures:
        self[offset] = measures = _Measures._make(_numbers(self._frames[_AROUND.index(offset)]))
        return measures


def shift(clip: vs.VideoNode, offset: int) -> vs.VideoNode:
    """The clip whose frame n is frame n + offset of `clip`; beyond an end it is the frame at that end.

    At that end and not the other: the first frame of a film must not have the last ones coloured.
    """
    step = min(abs(offset), clip.num_frames - 1)
    if step == 0:
        return clip
    if offset > 0:
        return clip[step:] + core.std.Loop(clip[-1], step)
    return core.std.Loop(clip[0], step) + clip[:-step]


def find(clip: vs.VideoNode, threshold: float) -> vs.VideoNode:
    """Find where scenes end.

    Args:
        clip: any clip whose luma is float in 0–1.
        threshold: mean luma difference above which there is a cut, above 0 and up to 1; the other limits go
            with it.

    Returns:
        A clip of 1×1 pixels with as many frames. `_Cut` is 1 where a scene begins, `_Flash` where a frame is
        a flash, else they are 0; the first frame has neither.
    """
    measured = _measures(clip)
    scale = threshold / _USUAL
    last = clip.num_frames - 1
    empty = _empty(clip)

    def decide(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame, at = f[0].copy(), _Around(f[1:])
        flash = _is_flash(n, at[0], at[1], threshold, scale, last)
        cut = n > 0 and not flash and not _is_flash(n - 1, at[-1], at[0], threshold, scale, last)
        if cut:
            cut = at[0].step1 > threshold or _breaks(at, scale) or _comes_out(at, scale)
        frame.props["_Cut"], frame.props["_Flash"] = cut, flash
        # Where a picture fades to black, no two are mixed.
        frame.props["_Ends"] = cut or flash or at[0].blank
        if not frame.props["_Ends"]:
            halves = [half for half in _HALVES if n - half >= 0 and n + half <= last]
            evenness, half = max(((_evenness(at, half, scale), half) for half in halves), default=(0.0, 0))
            if evenness:
                frame.props["_Even"], frame.props["_Half"] = evenness, half
        return frame

    around = [shift(measured, offset) for offset in _AROUND]
    decided = _kept(core.std.ModifyFrame(empty, [empty, *around], decide))

    def dissolve(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        here = f[_FAR]
        half = here.props["_Half"]
        if any(one.props["_Ends"] for one in f[_FAR - half + 1 : _FAR + half + 1]):
            return here
        evenness = [one.props.get("_Even", 0.0) for one in f]
        # Beyond the clip's ends, its end frames stand there.
        before, behind = evenness[max(0, _FAR - n) : _FAR], evenness[_FAR + 1 : _FAR + 1 + last - n]
        frame = here.copy()
        frame.props["_Cut"] = max(before, default=0) < evenness[_FAR] >= max(behind, default=0)
        return frame

    window = [shift(decided, offset) for offset in range(-_FAR, _FAR + 1)]
    looked_at = core.std.ModifyFrame(decided, window, dissolve)
    # Few frames are mixed: only for them the others are asked.
    return core.std.FrameEval(
        decided, lambda n, f: looked_at if "_Even" in f.props else decided, prop_src=[decided]
    )


def _empty(clip: vs.VideoNode) -> vs.VideoNode:
    return core.std.BlankClip(clip, width=1, height=1, format=vs.GRAY8, keep=True)


def _kept(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip, of which as many frames are kept as are looked at around one."""
    core.std.SetVideoCache(clip, mode=1, fixedsize=1, maxsize=4 * _FAR + 32)
    return clip


def _numbers(frame: vs.VideoFrame) -> list[float]:
    return frame.props["_Numbers"]  # type: ignore[no-any-return, return-value, unused-ignore]


def _measures(clip: vs.VideoNode) -> vs.VideoNode:
    """A clip of 1×1 pixels whose frames carry `_Measures` as the list `_Numbers`."""
    luma = core.std.ShufflePlanes(clip, 0, vs.GRAY)
    small = _kept(core.resize.Bilinear(luma, _SIZE, _SIZE))
    earlier = {lag: shift(small, -lag) for lag in _LAGS}
    square = core.std.PlaneStats(core.std.Expr([small], "x x *"))
    sums = [core.std.PlaneStats(core.std.Expr([small, earlier[lag]], "x y *")) for lag in _LAGS]
    steps = core.std.PlaneStats(small, earlier[1], prop="_Step1")
    steps = core.std.PlaneStats(steps, earlier[2], prop="_Step2")

    def alone(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame = f[0].copy()
        mean, of_square = (one.props["PlaneStatsAverage"] for one in f[1:])
        frame.props["_Numbers"] = [mean, max(0.0, of_square - mean * mean)]
        return frame

    def compare(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        frame, step = f[0].copy(), f[1].props
        mean, var = _numbers(frame)
        step1, step2 = step["_Step1Diff"], step["_Step2Diff"]
        covs, others = [], []
        for product_of, one in zip(f[2 : 2 + len(_LAGS)], f[2 + len(_LAGS) :], strict=True):
            product = product_of.props["PlaneStatsAverage"]
            earlier_mean, earlier_var = _numbers(one)
            cov = product - mean * earlier_mean
            covs.append(cov)
            others.append(1.0 - (cov + _NOISE) / (sqrt(var * earlier_var) + _NOISE))
        frame.props["_Numbers"] = [mean, var, step1, step2, *covs, *others]
        return frame

    empty = _empty(clip)
    # What a frame is by itself needs no frames before it: else those of earlier ones would be asked for, too.
    single = _kept(core.std.ModifyFrame(empty, [empty, core.std.PlaneStats(small), square], alone))
    before = [shift(single, -lag) for lag in _LAGS]
    return _kept(core.std.ModifyFrame(single, [single, steps, *sums, *before], compare))


def _is_flash(n: int, here: _Measures, after: _Measures, threshold: float, scale: float, last: int) -> bool:
    """Whether frame n is a flash; `after` are the measures of the frame behind it."""
    if not 0 < n < last or after.step2 > _FLASH * threshold:
        return False
    if here.step1 > threshold and after.step1 > threshold:
        return True
    limit = _STRUCTURE * scale
    return here.other1 > limit and after.other1 > limit and after.other2 <= _FLASH * limit


def _breaks(at: Mapping[int, _Measures], scale: float) -> bool:
    """Whether the structure of a frame differs from that before it, all over and more than around it."""
    if at[0].other1 <= _STRUCTURE * scale or at[0].blank or at[-1].blank:
        return False
    if at[0].step1 < _DIFFERENCE * scale * sqrt((at[0].var + at[-1].var) / 2):
        return False
    return at[0].other1 > _SPIKE * max(at[offset].other1 for offset in (-2, -1, 1, 2))


def _comes_out(at: Mapping[int, _Measures], scale: float) -> bool:
    """Whether a picture comes out of black or white, and is another one than went in six frames before."""
    if not at[-1].blank or at[0].blank:
        return False
    if max(at[4].var, at[8].var) < (_PICTURE * scale) ** 2:
        return False
    # The frames two behind and six before are eight apart.
    return at[-6].blank or at[2].other8 > _RETURN * scale


def _evenness(at: Mapping[int, _Measures], half: int, scale: float) -> float:
    """How evenly a frame is mixed of those `half` before and behind it, up to 1; 0 where it is not."""
    behind = at[half]
    other = behind.other(2 * half)
    if other <= _ENDS * scale:
        return 0.0
    here, before = at[0], at[-half]
    between, contrast = behind.cov(2 * half), (before.var + behind.var) / 2
    mixture = (contrast + between) / 2
    if not _MIXTURE * mixture <= here.var < _CONTRAST * contrast:
        return 0.0
    if min(before.var, behind.var) < _FAINT * max(before.var, behind.var):
        return 0.0
    # ‖f − (a + b)/2‖² and ‖a − b‖² per pixel, by variances, covariances and means.
    distance = here.var + mixture - here.cov(half) - behind.cov(half)
    distance += (here.mean - (before.mean + behind.mean) / 2) ** 2
    ends = 2 * (contrast - between) + (before.mean - behind.mean) ** 2
    if distance >= _UNEVEN * ends:
        return 0.0
    return min(other, 1.0) * (1 - 4 * max(distance, 0.0) / ends) * (1 - here.var / contrast)
