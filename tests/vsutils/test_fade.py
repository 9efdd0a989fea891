"""The filters dark and smooth."""

import canvases
import goldens
import numpy as np
import pytest
import vapoursynth as vs
from vapoursynth import core

from vsdeoldify.settings.params import dark_params, smooth_params
from vsdeoldify.vsutils import formats
from vsdeoldify.vsutils.filters import fade as smooth


def staircase(u: float = 0.05, v: float = -0.04) -> canvases.Array:
    """One frame: luma from 0 to 1 in steps of 0.05 along each row, one colour."""
    luma = np.tile(np.arange(21, dtype=np.float32) / 20, (4, 1))
    return np.array([[luma, np.full_like(luma, u), np.full_like(luma, v)]])


def factors(result: vs.VideoNode, before: canvases.Array) -> canvases.Array:
    """What the chroma was multiplied by, along the first row."""
    after = canvases.arrays(result)
    assert np.array_equal(after[:, 0], before[:, 0]), "the luma changed"
    share = after[0, 1:, 0] / before[0, 1:, 0]
    assert np.allclose(share[0], share[1], atol=1e-5)
    return share[0]


def test_smooth_fades_fully_in_the_dark_linearly_between_and_not_in_the_light() -> None:
    before = staircase()
    found = factors(
        smooth.fade(canvases.canvas(before), smooth.smooth(smooth_params([0.3, 0.7, 0.5, 0.2]))), before
    )
    bright = np.clip((before[0, 0, 0] - 0.3) / 0.4, 0, 1)
    assert np.allclose(found, 0.4 + 0.6 * bright, atol=1e-5)


def test_smooth_at_its_defaults_acts() -> None:
    before = staircase()
    found = factors(smooth.fade(canvases.canvas(before), smooth.smooth(smooth_params([]))), before)
    assert found[0] == pytest.approx(0.9 * 0.95)
    assert found[-1] == 1


@pytest.mark.parametrize(
    ("low", "high"), [(0.5, 0.5), (0.5, 0.5000000001), (0, 1e-20), (0, 2e-185), (0, 5e-324)]
)
def test_smooth_with_equal_limits_is_a_step_just_above_the_limit(low: float, high: float) -> None:
    before = staircase()
    found = factors(
        smooth.fade(canvases.canvas(before), smooth.smooth(smooth_params([low, high, 0.5, 0.0]))), before
    )
    assert np.allclose(found, np.where(before[0, 0, 0] > low, 1, 0.5))


def test_smooth_that_changes_nothing_is_no_filter() -> None:
    canvas = canvases.canvas(staircase())
    assert smooth.fade(canvas, smooth.smooth(smooth_params([0.3, 0.7, 1, 0]))) is canvas


@pytest.mark.parametrize(
    ("amount", "factor"),
    [(0, 0.8 * 0.8), (0.2, 0.8 * 0.8), (0.5, 0.6 * 0.5), (0.8, 0.3 * 0.2), (1, 0.1 * 0.1)],
)
def test_dark_clamps_its_amount_as_the_original_does(amount: float, factor: float) -> None:
    before = staircase()
    found = factors(
        smooth.fade(canvases.canvas(before), smooth.dark(dark_params([0.4, amount, "none"]))), before
    )
    bright = np.clip((before[0, 0, 0] - 0.1) / 0.3, 0, 1)
    assert np.allclose(found, factor + (1 - factor) * bright, atol=1e-5)


@pytest.mark.parametrize(("threshold", "white"), [(0.0, 0.1), (0.1, 0.1), (0.2, 0.2), (1.0, 0.5)])
def test_dark_ends_between_luma_a_tenth_and_a_half(threshold: float, white: float) -> None:
    before = staircase()
    found = factors(
        smooth.fade(canvases.canvas(before), smooth.dark(dark_params([threshold, 0.8, "none"]))), before
    )
    luma = before[0, 0, 0]
    assert np.all(found[luma > white + 1e-6] == 1)
    assert np.all(found[luma < white - 1e-6] < 1)
    assert found[0] == pytest.approx(0.06, abs=1e-5)


@pytest.mark.parametrize("ranges", ["0:30,300:360", "200:280"])
def test_only_the_hues_of_the_range_change(ranges: str) -> None:
    red, blue = staircase(-0.02, 0.1), staircase(0.1, -0.02)
    chosen, left = (red, blue) if ranges.startswith("0") else (blue, red)
    parameters = dark_params([0.4, 0.8, ranges])
    assert factors(smooth.fade(canvases.canvas(chosen), smooth.dark(parameters)), chosen)[0] == pytest.approx(
        0.06
    )
    assert np.all(factors(smooth.fade(canvases.canvas(left), smooth.dark(parameters)), left) == 1)


@pytest.mark.parametrize(("kind", "limit"), [("corrected", 1.0), ("original", 0.5)])
@pytest.mark.parametrize("function", ["vs_chroma_bright_tweak", "vs_dark_tweak"])
def test_results_match_the_original_where_it_is_right(kind: str, limit: float, function: str) -> None:
    pictures = goldens.inputs("b")
    clip = goldens.clip_of(pictures)
    canvas = canvases.full_size(clip)
    compared = 0
    for case, n, golden in canvases.golden_cases(kind, function):
        p = case["params"]
        if function == "vs_dark_tweak":
            values = [p["dark_threshold"], p["dark_amount"], p["dark_hue_adjust"]]
            result = smooth.fade(canvas, smooth.dark(dark_params(values)))
        else:
            names = ("black_threshold", "white_threshold", "dark_sat", "dark_bright", "chroma_adjust")
            values = [p[name] for name in names]
            values[3] = -values[3]
            result = smooth.fade(canvas, smooth.smooth(smooth_params(values)))
        difference, _ = goldens.difference(goldens.picture_of(formats.restore(clip, result), n), golden)
        assert difference <= limit, (case["id"], n)
        compared += 1
    assert compared >= 2


def test_both_at_once_are_one_after_the_other() -> None:
    canvas = canvases.canvas(staircase(0.1, 0.03))
    fades = smooth.dark(dark_params([0.4, 0.8, "none"])), smooth.smooth(smooth_params([0.2, 0.9, 0.5, 0.2]))
    together = canvases.arrays(smooth.fade(canvas, *fades))
    assert np.allclose(
        together, canvases.arrays(smooth.fade(smooth.fade(canvas, fades[0]), fades[1])), atol=1e-7
    )


def test_properties_pass() -> None:
    canvas = core.std.SetFrameProps(canvases.canvas(staircase()), Mark=7)
    frame = smooth.fade(canvas, smooth.smooth(smooth_params([])), smooth.dark(dark_params([]))).get_frame(0)
    assert frame.props["Mark"] == 7
