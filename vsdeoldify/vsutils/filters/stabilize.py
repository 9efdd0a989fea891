"""Average the colours over neighbouring frames of a scene, on the canvas.

Modes: `A` weighs all frames alike; `W` weighs near frames more; `G` (guided) weighs every pixel of a
neighbour by how well its luma agrees with the current frame's there, so what moves keeps its own colours;
`M` (motion) does the same after moving what a neighbour shows to where the current frame has it, so what
moves is averaged, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import vapoursynth as vs

from ...settings.params import Stab
from ..expressions import Inputs, differences, falling_ramp
from ..planes import luma_everywhere, plane, planes
from ..propagation import motion
from ..scenes import Cuts, find_cuts, same_scene, shift
from .hue import adjust_chroma


class _Limits(NamedTuple):
    """How alike the luma around a neighbour's pixel has to be.

    Attributes:
        agrees: it counts fully up to this mean difference (0–1),
        differs: and not at all from this one on.
        patch: radius of these surroundings, in pixels on a canvas of 384.
    """

    agrees: float
    differs: float
    patch: int


# Found by measurement (docs/stabilizer.md); a flat beginning lets film grain pass.
_GUIDED = _Limits(0.010, 0.025, 4)
# Mode M looks closer: colours that were moved to a wrong place come from anywhere.
_MOVED = _Limits(0.0, 0.0465, 6)
# What is finer than blocks can be moved is averaged in place, over so many frames on each side.
_FINE, _FINE_REACH = _Limits(0.008, 0.018, 6), 3


def weights(frames: int, mode: str) -> list[float]:
    """Weights of the frames -h … h around a frame for the modes A and W.

    Args:
        frames: Odd number of frames, 3 or more.
        mode: "A": all alike. "W": the centre has the original's share (in whole per cent), the rest falls
            linearly with the distance, as h + 1 - |k|.

    Returns:
        As many weights, symmetric, with the sum 1.
    """
    if mode == "A":
        return [1.0 / frames] * frames
    half = frames // 2
    side = [100 * (i + 1) // (frames * (frames + 1) // 2) for i in range(half)]
    rest = sum(side) / 100.0
    rising = [rest * (i + 1) / (half * (half + 1) / 2) for i in range(half)]
    return [*rising, 1.0 - 2.0 * rest, *reversed(rising)]


def _with_saturation(canvas: vs.VideoNode, threshold: float) -> vs.VideoNode:
    """The canvas with its luma replaced by a measure of its colour, see `_value`.

    With M and m the largest and smallest of R - Y, G - Y and B - Y, a colour's HSV saturation (M - m)/(Y + M)
    is below the threshold t where (1 - t)·M - m < t·Y: the left side, from the chroma alone, is the measure.
    """
    inputs = Inputs()
    _, u, v = map(inputs.add, planes(canvas))
    red, green, blue = differences(u, v)
    highest, lowest = (f"{red} {blue} {word} {green} {word}" for word in ("max", "min"))
    measure = inputs.expr([f"{highest} {1.0 - threshold / 255.0:.9g} * {lowest} -"])
    return vs.core.std.ShufflePlanes([measure, canvas, canvas], [0, 1, 2], vs.YUV)


def _average(canvas: vs.VideoNode, terms: Sequence[tuple[int, float]], centre: float) -> vs.VideoNode:
    """The weighted sum of the chroma of the frames n + k, for (k, weight) in terms, and of frame n."""
    clips = [shift(canvas, k) for k, _ in terms]
    shares = [weight for _, weight in terms]
    return vs.core.std.AverageFrames([canvas, *clips], [centre, *shares], planes=[1, 2])


class _Sum:
    """An Expr that grows by one neighbour at a time; where its inputs run out, the next one goes on.

    Args:
        canvas: the canvas.
        params: the parameters.
        total: Expr text of what the luma's place holds at first, or "" to leave it.
        share: weight of the frame's own colour.
        inputs: how many clips a neighbour adds.
        limits: from which luma differences on a neighbour's pixel counts less.
        measured: the canvas with its measure in the luma's place, where gray pixels are filled softly.
    """

    def __init__(
        self,
        canvas: vs.VideoNode,
        params: Stab,
        total: str,
        share: str,
        inputs: int,
        limits: _Limits = _GUIDED,
        measured: vs.VideoNode | None = None,
    ) -> None:
        self._canvas, self._params, self._needed = canvas, params, inputs
        self._limits, self._own_measure = limits, measured
        self._begin()
        self._total = total
        self._colour = f"{self._centre} {share} *" if share else self._centre

    def _begin(self, so_far: vs.VideoNode | None = None) -> None:
        self._inputs = Inputs()
        # Beside the luma and the centre there is a place for the sum so far.
        self._places = (self._inputs.room - 4) // self._needed
        self._luma = self._inputs.add(luma_everywhere(self._canvas))
        self._centre = self._inputs.add(self._canvas)
        self._gray = ""
        if self._own_measure is not None:
            self._gray = self._inputs.add(luma_everywhere(self._own_measure))
        if so_far is not None:
            self._colour = self._inputs.add(so_far)
            self._total = self._total and self._colour

    def add(self, neighbour: vs.VideoNode, weight: float | vs.VideoNode) -> None:
        """Add a neighbour's colour.

        Args:
            neighbour: the neighbour; where its gray pixels are filled, with its measure in the luma's place.
            weight: the same for all pixels, or the luma difference that decides on every pixel's.
        """
        if self._places == 0:
            self._begin(self.result())
        self._places -= 1
        value = self._value(neighbour)
        if isinstance(weight, float):
            text = f"{weight:.9g}"
        else:
            text = falling_ramp(
                self._limits.agrees, self._limits.differs, self._inputs.add(luma_everywhere(weight))
            )
            self._total += f" {text} +"
        self._colour += f" {value} {text} * +"

    def _value(self, neighbour: vs.VideoNode) -> str:
        """Expr text of a neighbour's colour; its gray pixels take the centre's."""
        params = self._params
        own = self._inputs.add(neighbour)
        if params.tht <= 0.0:
            return own
        measure = self._inputs.add(luma_everywhere(neighbour))
        restored = (1.0 - params.weight) * params.sat
        filled = f"{self._centre} {restored:.9g} * {own} {params.weight:.9g} * +"
        limit = f"{self._luma} {params.tht / 255.0:.9g} *"
        if not self._gray:
            return f"{measure} {limit} < {filled} {own} ?"
        gray = f"1 {measure} {limit} 0.001 max / - 0 max 1 min"
        coloured = f"{self._gray} {limit} 0.001 max / 1 - 0.5 * 0 max 1 min"
        return f"{filled} {own} - {gray} * {coloured} * {own} +"

    def result(self) -> vs.VideoNode:
        """The sum so far."""
        return self._inputs.expr([self._total, self._colour, self._colour])


def _restored_average(
    canvas: vs.VideoNode,
    neighbours: vs.VideoNode,
    terms: Sequence[tuple[int, float]],
    centre: float,
    params: Stab,
) -> vs.VideoNode:
    """As `_average`, but the gray pixels of a neighbour take the colour of frame n."""
    average = _Sum(canvas, params, total="", share=f"{centre:.9g}", inputs=2)
    for k, weight in terms:
        average.add(shift(neighbours, k), weight)
    return average.result()


def _halved(clip: vs.VideoNode) -> vs.VideoNode:
    return vs.core.resize.Bilinear(clip, clip.width // 2, clip.height // 2)


class _Lumas:
    """The luma of a canvas at half its size, as it is and without each frame's mean.

    Half the size is enough for a mean over a patch, and squeezing the picture takes grain out of it. Old film
    flickers in brightness, which the second does not see.
    """

    def __init__(self, canvas: vs.VideoNode) -> None:
        self._size = canvas.width
        self.plain = _halved(plane(canvas, 0))
        self.mean = vs.core.resize.Point(
            vs.core.resize.Bilinear(self.plain, 1, 1), self.plain.width, self.plain.height
        )
        self.levelled = vs.core.std.Expr([self.plain, self.mean], "x y -")

    def around(self, difference: vs.VideoNode, limits: _Limits) -> vs.VideoNode:
        """The mean over the surroundings of each pixel."""
        radius = max(1, round(limits.patch * self._size / 768))
        return vs.core.std.BoxBlur(difference, hradius=radius, vradius=radius)

    def enlarged(self, difference: vs.VideoNode) -> vs.VideoNode:
        """At the canvas's size."""
        return vs.core.resize.Bilinear(difference, self._size, self._size)


def _luma_differences(lumas: _Lumas, reach: int, limits: _Limits) -> dict[int, vs.VideoNode]:
    """Offset k → mean absolute luma difference of frames n and n + k around every pixel, `GRAYS`.

    With or without the frames' means, whichever is smaller.
    """
    differences = {}
    for k in range(1, reach + 1):
        around = [
            lumas.around(vs.core.std.Expr([version, shift(version, k)], "x y - abs"), limits)
            for version in (lumas.plain, lumas.levelled)
        ]
        ahead = lumas.enlarged(vs.core.std.Expr(around, "x y min"))
        # Frame n needs what frame n - k computed, too.
        vs.core.std.SetVideoCache(ahead, mode=1, fixedsize=1, maxsize=k + 8)
        differences[k], differences[-k] = ahead, shift(ahead, -k)
    return differences


def _moved_differences(lumas: _Lumas, moved: dict[int, vs.VideoNode]) -> dict[int, vs.VideoNode]:
    """The same for halved neighbours that were moved, at half the size, always without the frames' means."""
    differences = {}
    for k, clip in moved.items():
        # Moving changes the mean of a frame little.
        versions = [lumas.levelled, plane(clip, 0), shift(lumas.mean, k)]
        differences[k] = lumas.around(vs.core.std.Expr(versions, "x y z - - abs"), _MOVED)
    return differences


def _guided_average(
    canvas: vs.VideoNode,
    measured: vs.VideoNode,
    neighbours: Callable[[int], vs.VideoNode],
    offsets: Sequence[int],
    lumas: dict[int, vs.VideoNode],
    params: Stab,
    limits: _Limits,
) -> vs.VideoNode:
    """The average of the chroma of frame n (weight 1) and the frames n + k, weighted pixel by pixel."""
    inputs = 3 if params.tht > 0.0 else 2
    softly = measured if params.mode == "M" and params.tht > 0.0 else None
    # The sum of the weights grows in the luma's place, beside the sums of U and V.
    sums = _Sum(canvas, params, total="1", share="", inputs=inputs, limits=limits, measured=softly)
    for k in offsets:
        sums.add(neighbours(k), lumas[k])
    result = sums.result()
    clips = Inputs()
    clips.add(canvas)
    total, weights_of_pixels = clips.add(result), clips.add(luma_everywhere(result))
    share = f"{total} {weights_of_pixels} /"
    return clips.expr(["", share, share])


def _measured(canvas: vs.VideoNode, params: Stab) -> vs.VideoNode:
    return _with_saturation(canvas, params.tht) if params.tht > 0.0 else canvas


type _Averaging = Callable[[Sequence[int]], vs.VideoNode]


def _in_place(canvas: vs.VideoNode, lumas: _Lumas, params: Stab, reach: int, limits: _Limits) -> _Averaging:
    """For offsets, the average with those of these neighbours within reach, as they stand."""
    differences = _luma_differences(lumas, reach, limits)
    standing = _measured(canvas, params)

    def averaged(offsets: Sequence[int]) -> vs.VideoNode:
        near = [k for k in offsets if abs(k) <= reach]
        if not near:
            return canvas
        return _guided_average(
            canvas, standing, lambda k: shift(standing, k), near, differences, params, limits
        )

    return averaged


def _along_motion(canvas: vs.VideoNode, lumas: _Lumas, params: Stab, reach: int) -> _Averaging:
    """For offsets, the average with these neighbours after they were moved, at half the canvas's size."""
    halved = _halved(canvas)
    around = motion.Neighbours(halved, reach)
    clips = {k: around.moved(k) for k in (*range(-reach, 0), *range(1, reach + 1))}
    differences = _moved_differences(lumas, clips)
    measured = _measured(halved, params)
    moved = {k: _measured(clip, params) for k, clip in clips.items()}
    # Each frame of these is needed for one frame of the result alone, of the first ones twice at a time.
    for k, clip in clips.items():
        vs.core.std.SetVideoCache(clip, mode=1, fixedsize=1, maxsize=vs.core.num_threads + 2)
        for once in (differences[k], *([moved[k]] if moved[k] is not clip else [])):
            vs.core.std.SetVideoCache(once, mode=0)

    def averaged(offsets: Sequence[int]) -> vs.VideoNode:
        return _guided_average(halved, measured, lambda k: moved[k], offsets, differences, params, _MOVED)

    return averaged


def _with_coarse(fine: vs.VideoNode, coarse: vs.VideoNode) -> vs.VideoNode:
    """The chroma of `coarse`, of half the size, with what is finer than that in `fine`."""
    change = vs.core.std.Expr([coarse, _halved(fine)], ["", "x y -"])
    enlarged = vs.core.resize.Bilinear(change, fine.width, fine.height)
    return vs.core.std.Expr([fine, enlarged], ["", "x y +"])


def apply(canvas: vs.VideoNode, params: Sequence[Stab], cuts: Cuts) -> vs.VideoNode:
    """Make the filter `stab`, once for each of the given parameters."""
    for one in params:
        canvas = stabilize(canvas, one, cuts.above(one.tht_scen))
    return canvas


def stabilize(canvas: vs.VideoNode, params: Stab, cuts: vs.VideoNode | None = None) -> vs.VideoNode:
    """Average the chroma of every frame with that of its neighbours in the same scene.

    Args:
        canvas: YUV444PS, BT.601, full range, coloured.
        params: Checked parameters (frames odd, mode "A", "W", "G" or "M", which needs the plugin for motion).
        cuts: What `find_cuts` made; found on the canvas where None.

    Returns:
        The canvas with its luma and its properties untouched.

    Raises:
        ImportError: mode M without the plugin.
    """
    count, half = canvas.num_frames, params.frames // 2
    reach = min(half, count - 1)
    if cuts is None:
        cuts = find_cuts(canvas, params.tht_scen)
    if params.mode == "M":
        motion.require("mode M of stab needs")
        if canvas.width < 2 * motion.SMALLEST:
            params = params._replace(mode="G")
    averagings: list[_Averaging] = []
    if params.mode == "G":
        averagings = [_in_place(canvas, _Lumas(canvas), params, reach, _GUIDED)]
    elif params.mode == "M":
        lumas = _Lumas(canvas)
        fine = _in_place(canvas, lumas, params, min(reach, _FINE_REACH), _FINE)
        averagings = [fine, _along_motion(canvas, lumas, params, reach)]
    shares = [] if averagings else weights(params.frames, params.mode)
    measured = canvas if averagings else _measured(canvas, params)

    @lru_cache(maxsize=256)
    def variant(offsets: tuple[int, ...]) -> vs.VideoNode:
        if not offsets:
            return canvas
        if averagings:
            found, *coarse = (averaged(offsets) for averaged in averagings)
            return _with_coarse(found, coarse[0]) if coarse else found
        terms = [(k, shares[k + half]) for k in offsets]
        centre = 1.0 - sum(weight for _, weight in terms)
        if params.tht > 0.0:
            return _restored_average(canvas, measured, terms, centre, params)
        return _average(canvas, terms, centre)

    def choose(n: int, f: list[vs.VideoFrame]) -> vs.VideoNode:
        return variant(same_scene(n, f, count))

    marks = [shift(cuts, k) for k in range(-half, half + 1)]
    result = vs.core.std.FrameEval(canvas, choose, prop_src=marks)
    return adjust_chroma(result, params.hue_adjust)
