"""Colour maps: hues that turn into others."""

from pathlib import Path
from typing import Any

import canvases
import cv2
import goldens
import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from cases import CASES
from clips import frame_bytes, noise, plane
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

from vsdeoldify import colorize, ddeoldify_stabilizer
from vsdeoldify.cli import main
from vsdeoldify.film.script import make_script
from vsdeoldify.settings import hues as hue_text
from vsdeoldify.settings.hues import COLOUR_MAPS, ChromaAdjustment, parse_colour_map
from vsdeoldify.settings.presets import preset
from vsdeoldify.vsutils.filters import hue

Array = npt.NDArray[np.float64]
LUMA = np.array([0.299, 0.587, 0.114])


def to_canvas(rgb: Array) -> Array:
    """(3, H, W): BT.601 in full range of a picture."""
    luma = rgb @ LUMA
    return np.stack([luma, (rgb[..., 2] - luma) / 1.772, (rgb[..., 0] - luma) / 1.402])


def to_rgb(yuv: Array) -> Array:
    luma, u, v = yuv
    red, blue = luma + 1.402 * v, luma + 1.772 * u
    return np.stack([red, (luma - 0.299 * red - 0.114 * blue) / 0.587, blue], -1)


def reference(rgb: Array, adjustment: ChromaAdjustment) -> Array:
    """The canvas of a picture whose hues were turned by way of OpenCV's HSV."""
    canvas = to_canvas(rgb)
    hsv = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2HSV)
    own = hsv[..., 0].astype(float)
    share = np.full(own.shape, float(adjustment.ranges.everything))
    for start, end in () if adjustment.ranges.everything else adjustment.ranges.arcs:
        half = (end - start) / 2
        away = np.abs((own - start - half + 180) % 360 - 180)
        soft = min(5.0, half, 180 - half)
        share = np.maximum(share, np.clip((half + soft - away) / (2 * soft), 0, 1))
    hsv[..., 0] = (own + adjustment.shift) % 360
    turned = to_canvas(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(float))
    turned[0] = canvas[0]
    return canvas + share * (1 - adjustment.weight) * (turned - canvas)


def colour_wheel(saturation: float = 0.3, value: float = 0.6) -> Array:
    """Every hue, a quarter of a degree apart, at several strengths."""
    degrees = np.arange(0, 360, 0.25, np.float32).reshape(1, -1)
    strengths = np.linspace(0.02, saturation, 16, dtype=np.float32).reshape(-1, 1)
    hsv = np.broadcast_arrays(degrees, strengths, np.float32(value))
    return cv2.cvtColor(np.stack(hsv, -1), cv2.COLOR_HSV2RGB).astype(float)


def mapped(rgb: Array, text: str) -> Array:
    """What a colour map makes of a picture's canvas, through the filter alone."""
    canvas = canvases.canvas([to_canvas(rgb)])
    return canvases.arrays(hue.apply(canvas, [parse_colour_map(text)], None))[0].astype(float)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        *COLOUR_MAPS,
        *(
            "180:280|+140,0",
            "0:360|+37.5,0",
            "none|-90,0.5",
            "340:20|+50,0",
            "340:20|-50,0.1",
            "30:90|250,0.8",
        ),
        *("10:13|+180,0", "20:350|+10,0", "5:359|-180,0.2", "red,green,blue|+360,0.0", "red,blue|+3,0"),
    ],
)
def test_a_map_is_what_hsv_makes_of_it_in_float(text: str) -> None:
    rgb = colour_wheel()
    (adjustment,) = parse_colour_map(text)
    expected = to_rgb(reference(rgb, adjustment))
    assert expected.min() >= 0
    assert expected.max() <= 1
    found = to_rgb(mapped(rgb, text))
    assert deltaE_ciede2000(rgb2lab(found), rgb2lab(expected)).max() <= 0.1
    changed = adjustment.shift % 360 != 0
    assert (np.abs(found - rgb).max() > 0.002) == changed


@settings(max_examples=30 * CASES)
@given(
    st.tuples(st.integers(0, 359), st.integers(0, 359)).filter(lambda pair: pair[0] != pair[1]),
    st.integers(-360, 360),
    st.sampled_from([0.0, 0.25, 0.9]),
)
def test_any_map_is_what_hsv_makes_of_it(bounds: tuple[int, int], shift: int, weight: float) -> None:
    rgb = np.random.default_rng(5).random((24, 24, 3))
    text = "{}:{}|{:+d},{}".format(*bounds, shift, weight)
    (adjustment,) = parse_colour_map(text)
    assert np.abs(mapped(rgb, text) - reference(rgb, adjustment)).max() < 1e-4


@pytest.mark.parametrize("turn", [60, 123, 359])
def test_a_map_across_0_degrees_is_the_same_map_elsewhere(turn: int) -> None:
    wheel = colour_wheel()
    here = to_rgb(mapped(wheel, "340:20|+50,0"))
    turned = np.roll(wheel, -4 * turn, axis=1)  # In column h, the hue h + turn.
    there = to_rgb(mapped(turned, f"{(340 + turn) % 360}:{(20 + turn) % 360}|+50,0"))
    hues = [cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2HSV)[8:, :, 0] for rgb in (here, there)]
    away = np.abs((hues[1] - hues[0] - turn + 180) % 360 - 180)
    assert away[:, 4 * 355 :].max() < 0.05
    assert away[:, : 4 * 5].max() < 0.05


def test_the_share_of_the_own_colour_that_stays_is_the_weight() -> None:
    rgb = colour_wheel()[:, 4 * 230 : 4 * 231]
    before = to_canvas(rgb)
    fully = mapped(rgb, "180:280|+140,0") - before
    assert np.abs(fully[1:]).max() > 0.05
    for weight in (0.25, 0.9):
        partly = mapped(rgb, f"180:280|+140,{weight}") - before
        assert np.allclose(partly, (1 - weight) * fully, atol=1e-6)
    assert np.allclose(mapped(rgb, "blue->brown") - before, 0.6 * fully, atol=1e-6)
    assert np.allclose(mapped(rgb, "Blue -> Brown , 0.2") - before, 0.8 * fully, atol=1e-6)


def test_other_colours_and_gray_keep_theirs_and_luma_stays() -> None:
    rgb = colour_wheel()
    before, after = to_canvas(rgb), mapped(rgb, "180:280|+140,0")
    assert np.array_equal(after[0].astype(np.float32), before[0].astype(np.float32))
    outside = [*range(4 * 175), *range(4 * 286, 4 * 360)]
    assert np.allclose(after[:, :, outside], before[:, :, outside], atol=1e-7)
    gray = np.full((4, 4, 3), 0.5)
    assert np.abs(mapped(gray, "0:360|+77,0")[1:]).max() < 1e-12


@pytest.mark.parametrize("text", ["none", "", " None ", "blue->brown,1", "0:360|+360,0", "0:30|-0,0.5"])
def test_a_map_that_changes_nothing_is_no_filter(text: str) -> None:
    canvas = canvases.canvas([to_canvas(colour_wheel())])
    assert hue.apply(canvas, [parse_colour_map(text)], None) is canvas  # type: ignore[arg-type]


def test_maps_act_one_after_the_other() -> None:
    rgb = colour_wheel()
    both = mapped(rgb, "blue->red,0; 0:60|+120,0")
    assert np.allclose(both, mapped(to_rgb(mapped(rgb, "blue->red,0")), "0:60|+120,0"), atol=1e-5)
    assert np.allclose(mapped(rgb, "300:360|0.5,0.1;none"), mapped(rgb, "300:360|0.5,0.1"))


def test_an_edge_is_soft() -> None:
    wheel = colour_wheel()[-1:]
    rgb = to_rgb(mapped(wheel, "180:280|+140,0"))[0]
    steps = np.abs(np.diff(rgb, axis=0)).max(1)
    turn = np.abs(rgb[4 * 230] - wheel[0, 4 * 230]).max()
    # A quarter of a degree of 10 degrees is a 40th of the way.
    assert steps.max() < turn / 25
    middle = (to_canvas(rgb[None])[1:, 0, 4 * 180] + to_canvas(wheel)[1:, 0, 4 * 180]) / 2
    assert np.linalg.norm(middle) < np.linalg.norm(to_canvas(wheel)[1:, 0, 4 * 180])


def test_noise_at_an_edge_makes_no_speckles_on_a_real_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = np.hstack(goldens.inputs("a")[::8]).astype(float) / 255
    before = to_canvas(rgb)[1:]

    def speckles(text: str) -> float:
        """How far pixels are changed otherwise than their surroundings, in levels of 8 bits."""
        change = (mapped(rgb, text)[1:] - before).astype(np.float32)
        around = np.stack([cv2.medianBlur(plane, 5) for plane in change])
        return float(np.percentile(np.hypot(*(change - around)), 99.9)) * 255

    # 27 degrees lies in the middle of the wood and the walls of these frames.
    soft = speckles("27:87|+300,0")
    monkeypatch.setattr(hue, "_SOFTNESS", 0.01)
    hard = speckles("27:87|+300,0")
    assert hard > 10
    assert soft < hard / 2


def test_a_still_picture_stays_still() -> None:
    still = noise(vs.YUV420P8, 96, 64, length=1) * 5
    result = ddeoldify_stabilizer(still, colormap="blue->brown", stab=True, stab_p=[5, "A"], render_factor=10)
    frames = {frame_bytes(result, n) for n in range(5)}
    assert len(frames) == 1
    assert frames != {frame_bytes(still, 0)}


def test_it_acts_between_smooth_and_stab() -> None:
    blue = [0.5, 0.2, -0.05]
    clip = canvases.canvas(np.broadcast_to(np.reshape(blue, (1, 3, 1, 1)), (3, 3, 160, 160)))
    clip = clip.std.SetFrameProps(_Matrix=6, _Range=1)
    turned = {"colormap": "180:280|+140,0", "render_factor": 10}
    red = canvases.arrays(ddeoldify_stabilizer(clip, **turned))[1, :, 80, 80]
    assert red[2] > 0.15 > 0 > red[1]
    faded = {"stab": True, "stab_p": [3, "A", 1, 0, 0, 0.15, "0:60|0.5,0"]}
    assert canvases.arrays(ddeoldify_stabilizer(clip, **turned, **faded))[1, 1:, 80, 80] == pytest.approx(
        red[1:] / 2, abs=1e-5
    )
    for hues, share in (("180:280", 0.5), ("0:60", 1)):
        smoothed = {"smooth": True, "smooth_p": [0.9, 0.9, 0.5, 0, hues]}
        assert canvases.arrays(ddeoldify_stabilizer(clip, **turned, **smoothed))[
            1, 1:, 80, 80
        ] == pytest.approx(red[1:] * share, abs=1e-5)


def test_the_adjustment_of_stab_turns_hues_too() -> None:
    clip = noise(vs.YUV444PS, 160, 160)
    stab_p = [3, "A", 1, 0, 0, 0.15, "blue|+90,0.3"]
    adjusted = ddeoldify_stabilizer(clip, stab=True, stab_p=stab_p, render_factor=10)
    plain = ddeoldify_stabilizer(clip, stab=True, stab_p=[*stab_p[:-1], "none"], render_factor=10)
    after = ddeoldify_stabilizer(plain, colormap="blue|+90,0.3", render_factor=10)
    assert np.abs(plane(adjusted, 1, 2) - plane(plain, 1, 2)).max() > 0.05
    assert plane(adjusted, 1, 2) == pytest.approx(plane(after, 1, 2), abs=1e-5)


@pytest.mark.parametrize("off", [False, None, "none", "", " NONE ", 0])
def test_off_leaves_the_clip_as_it_is(off: Any) -> None:
    clip = noise(vs.YUV420P8, 64, 64)
    if off == 0 and off is not False:
        with pytest.raises(vs.Error, match="colormap must be a colour map"):
            ddeoldify_stabilizer(clip, colormap=off)
    else:
        assert frame_bytes(ddeoldify_stabilizer(clip, colormap=off), 1) == frame_bytes(clip, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("blue->mauve", r"blue->brown, blue->red, .*yellow->rose"),
        ("blue-", "in quotes"),
        ("blue->brown,1.5", "weight"),
        ("blue->brown,x", "must be written"),
        ("180:280|+140", "must be written"),
        ("180:280|+400,0", "−360–360"),
        ("180:500|+40,0", "0–360"),
        ("180:280|++40,0", "must be written"),
        ("180:280|+40,-0.5", "must be written"),
        (True, "must be a colour map"),
        (7, "must be a colour map"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: object, why: str) -> None:
    with pytest.raises(vs.Error, match=f"ddeoldify_stabilizer: colormap.*{why}"):
        ddeoldify_stabilizer(noise(vs.YUV420P8, 64, 64), colormap=text)  # type: ignore[arg-type]


def test_numbers_up_to_10_without_a_sign_fade_and_larger_ones_turn() -> None:
    assert hue_text.parse_adjustment("0:30|10,0") == hue_text.parse_adjustment("0:30|1,0")
    assert hue_text.parse_adjustment("0:30|+0.5,0").shift == 0.5  # type: ignore[union-attr]
    assert hue_text.parse_adjustment("0:30|250,0.8") == hue_text.parse_adjustment("0:30|+250,0.8")


def test_a_script_has_the_map_and_runs_without_filters_that_are_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "film.mkv"
    film.write_bytes(b"\x1a\x45\xdf\xa3")
    assert main(["script", str(film), "--device", "cpu", "--colormap", "blue->brown"]) == 0
    text = capsys.readouterr().out
    assert 'colormap="blue->brown",  # turn some colours into others' in text
    assert "stab_p=" in text
    assert main(["script", str(film), "--device", "cpu", "--colormap", "none", "--no-stabilizer"]) == 0
    text = capsys.readouterr().out
    assert 'colormap="none"' in text
    assert "stab_p=" not in text
    off = dict.fromkeys(("dark", "smooth", "stab"), False)
    text = make_script(film, preset().with_changes(colormap="red->blue", **off))
    assert "stab_p=" in text  # The filter that is on has the list of its square's size beside it.
    text = make_script(film, preset().with_changes(colormap="none", **off))
    assert "stab_p=" not in text


def test_colorize_takes_it() -> None:
    clip = noise(vs.GRAY8, 64, 64, length=1)
    model = {"device_index": 99, "dark": False, "smooth": False, "stab": False}
    plain = colorize(clip, "preview", "vivid", **model)
    turned = colorize(clip, "preview", "vivid", colormap="0:360|+120,0", **model)
    assert frame_bytes(plain, 0) != frame_bytes(turned, 0)
    assert np.array_equal(plane(plain, 0, 0), plane(turned, 0, 0))
