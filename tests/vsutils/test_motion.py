"""Colours carried along motion: what moves keeps its colour, whatever else happens between two key frames."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import vapoursynth as vs
from clips import frame_bytes, plane
from vapoursynth import core

from vsdeoldify.vsutils import scenes
from vsdeoldify.vsutils.frames import in_order
from vsdeoldify.vsutils.propagation import keyframes, motion

SIZE = 96
LENGTH = 41
BLOB = 24

pytestmark = pytest.mark.skipif(not motion.is_available(), reason="vapoursynth-mvutensils is not installed")

Place = Callable[[int], tuple[int, int] | None]


def texture(height: int, width: int, seed: int) -> np.ndarray:
    """Smooth noise in 0–1: something to hold on to at every place."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 4 + 2, width // 4 + 2))
    rows, columns = (
        np.linspace(0, n - 1.001, size) for n, size in zip(coarse.shape, (height, width), strict=True)
    )
    r, c = rows.astype(int), columns.astype(int)
    fr, fc = (rows - r)[:, None], (columns - c)[None]
    upper = coarse[np.ix_(r, c)] * (1 - fc) + coarse[np.ix_(r, c + 1)] * fc
    lower = coarse[np.ix_(r + 1, c)] * (1 - fc) + coarse[np.ix_(r + 1, c + 1)] * fc
    result: np.ndarray = upper * (1 - fr) + lower * fr
    return result


GROUND = texture(SIZE, SIZE, 1) * 0.5 + 0.1
GREEN, RED = (-0.1, -0.12), (-0.06, 0.25)


def film(
    place: Place, length: int = LENGTH, *, grain: float = 0.0, flicker: float = 0.0, side: int = BLOB
) -> vs.VideoNode:
    """A red thing on green ground; `place` says where it is in a frame, or None where it is not there."""
    blank = core.std.BlankClip(format=vs.YUV444PS, width=SIZE, height=SIZE, length=length, keep=True)
    thing = texture(side, side, 2) * 0.6 + 0.4

    def draw(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        luma, u, v = GROUND.copy(), np.full_like(GROUND, GREEN[0]), np.full_like(GROUND, GREEN[1])
        if (corner := place(n)) is not None:
            y, x = corner
            luma[y : y + side, x : x + side] = thing
            u[y : y + side, x : x + side], v[y : y + side, x : x + side] = RED
        rng = np.random.default_rng(n)
        luma = luma * (1 + flicker * rng.uniform(-1, 1)) + grain * rng.standard_normal(luma.shape)
        for index, values in enumerate((luma.clip(0, 1), u, v)):
            np.copyto(np.asarray(frame[index]), values.astype(np.float32))
        return frame

    return core.std.ModifyFrame(blank, blank, draw)


def along(n: int) -> tuple[int, int]:
    """From one side to the other, a pixel and a half a frame."""
    return 30, 4 + round(1.5 * n)


def filled(canvas: vs.VideoNode, every: int, threshold: float = 0.0) -> vs.VideoNode:
    gray = core.std.ShufflePlanes(canvas, 0, vs.GRAY)
    return keyframes.interpolate(gray, canvas[::every], canvas, every, scenes.find_cuts(gray, threshold))


def error(canvas: vs.VideoNode, result: vs.VideoNode, n: int) -> float:
    """Mean distance of the chroma from the true one, in 255ths."""
    return 255 * float(
        np.mean([np.abs(np.subtract(plane(canvas, n, p), plane(result, n, p))).mean() for p in (1, 2)])
    )


def error_of_thing(canvas: vs.VideoNode, result: vs.VideoNode, n: int, corner: tuple[int, int]) -> float:
    y, x = corner
    cut = np.s_[y : y + BLOB, x : x + BLOB]
    return 255 * float(
        np.mean([np.abs(np.subtract(plane(canvas, n, p), plane(result, n, p)))[cut].mean() for p in (1, 2)])
    )


@pytest.mark.parametrize(("grain", "flicker"), [(0.0, 0.0), (0.02, 0.03)], ids=["clean", "grain and flicker"])
@pytest.mark.parametrize("every", [8, 20, 40])
def test_a_moving_thing_keeps_its_colour(
    every: int, grain: float, flicker: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = film(along, grain=grain, flicker=flicker)
    result = filled(canvas, every)
    inner = [n for n in range(LENGTH - 1) if n % every and n % 3 == 1]
    carried = [error_of_thing(canvas, result, n, along(n)) for n in inner]
    monkeypatch.setattr(motion, "is_available", lambda: False)
    standing = filled(canvas, every)
    before = [error_of_thing(canvas, standing, n, along(n)) for n in inner]
    assert np.mean(carried) < 3
    assert np.mean(carried) < np.mean(before) / 2
    # The ground that was never covered keeps its own.
    for n in inner[::4]:
        assert np.abs(np.subtract(plane(canvas, n, 2), plane(result, n, 2)))[70:].max() < 1e-5


def test_key_frames_are_the_networks_own_and_luma_and_properties_each_frames_own() -> None:
    canvas = core.std.FrameEval(film(along), lambda n: core.std.SetFrameProps(film(along), Number=n))
    result = filled(canvas, 10)
    for n in (0, 10, 20, 30, 40):
        assert frame_bytes(result, n) == frame_bytes(canvas, n)
    for n in (3, 17):
        assert np.array_equal(plane(result, n, 0), plane(canvas, n, 0))
        with result.get_frame(n) as frame:
            assert frame.props["Number"] == n
            assert "_KeyBefore" not in frame.props
            assert not any(name.startswith("MVUtensils") for name in frame.props)


def test_nothing_crosses_a_cut_or_a_flash() -> None:
    first, second = film(along, 17), film(lambda n: (60, 60 - n), 24)
    blue = core.std.Expr(second, ["1 x -", "x 0.3 +", "x 0.3 -"])
    canvas = first + blue
    gray = core.std.ShufflePlanes(canvas, 0, vs.GRAY)
    white = core.std.Expr(gray, "x 0.2 * 0.8 +")
    gray = gray[:25] + white[25] + gray[26:]
    canvas = core.std.ShufflePlanes([gray, canvas, canvas], [0, 1, 2], vs.YUV)
    cuts = scenes.find_cuts(gray, 0.15)
    marks = [(f.props["_SceneChangePrev"], f.props["_Flash"]) for f in cuts.frames()]
    assert [n for n, (cut, _) in enumerate(marks) if cut] == [0, 17]
    assert [n for n, (_, flash) in enumerate(marks) if flash] == [25]
    asked: set[int] = set()

    def see(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.add(n)
        return f

    single = core.std.ModifyFrame(canvas, canvas, see)
    result = keyframes.interpolate(gray, canvas[::20], single, 20, cuts)
    for n, frame in enumerate(in_order(result, 2)):
        own = [np.asarray(frame[p]).mean() for p in (1, 2)]
        true = [plane(canvas, n, p).mean() for p in (1, 2)]
        assert np.allclose(own, true, atol=0.02), n
    assert {17, 25} <= asked


def test_a_thing_that_shows_itself_only_between_two_keys_gets_a_key_of_its_own() -> None:
    def place(n: int) -> tuple[int, int] | None:
        return (20, 20) if 12 <= n < 28 else None

    canvas = film(place, side=40)
    asked: set[int] = set()

    def see(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.add(n)
        return f

    gray = core.std.ShufflePlanes(canvas, 0, vs.GRAY)
    result = keyframes.interpolate(
        gray, canvas[::40], core.std.ModifyFrame(canvas, canvas, see), 40, scenes.find_cuts(gray, 0.15)
    )
    assert error_of_thing(canvas, result, 22, (20, 20)) < 5
    assert 20 in asked
    still = film(lambda n: (20, 20), side=40)
    asked.clear()
    gray = core.std.ShufflePlanes(still, 0, vs.GRAY)
    result = keyframes.interpolate(
        gray, still[::40], core.std.ModifyFrame(still, still, see), 40, scenes.find_cuts(gray, 0.15)
    )
    assert error(still, result, 22) < 1e-3
    assert not asked


@pytest.mark.parametrize("every", [8, 20])
def test_colours_do_not_jump_at_key_frames_that_differ(every: int) -> None:
    """A network gives each key frame another shade: the change is spread over the frames between."""
    plain = film(along, grain=0.01)
    shades = np.random.default_rng(9).uniform(-0.05, 0.05, (LENGTH, 2)).astype(np.float32)

    def shade(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for index in (1, 2):
            np.copyto(np.asarray(frame[index]), np.asarray(f[index]) + shades[n, index - 1])
        return frame

    result = filled(core.std.ModifyFrame(plain, plain, shade), every)
    # The ground that nothing passes.
    ground = np.stack([[plane(result, n, p)[76:].mean() for p in (1, 2)] for n in range(LENGTH)])
    change = np.abs(np.diff(ground, axis=0)).mean(1)
    for key in range(every, LENGTH - every, every):
        largest = np.abs(shades[key] - shades[[key - every, key + every]]).mean(1).max() / every
        around = change[key - every : key + every - 1]
        assert around.max() < 1.6 * largest, key
        assert change[key - 1 : key + 1].max() < 1.6 * largest, key


@pytest.mark.parametrize("threads", [1, 8])
def test_frames_come_out_the_same_in_any_order_and_with_any_number_of_threads(threads: int) -> None:
    def made() -> vs.VideoNode:
        return filled(film(along, grain=0.01), 16, 0.15)

    expected = [frame_bytes(made(), n) for n in range(0, LENGTH, 3)]
    before = core.num_threads
    core.num_threads = threads
    try:
        shuffled = made()
        order = random.Random(threads).sample(range(0, LENGTH, 3), len(expected))
        requests = {n: shuffled.get_frame_async(n) for n in order}
        for n, request in requests.items():
            with request.result() as frame:
                assert b"".join(np.asarray(frame[p]).tobytes() for p in range(3)) == expected[n // 3], n
    finally:
        core.num_threads = before


@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_clips(length: int) -> None:
    canvas = film(along, length)
    result = filled(canvas, 40, 0.15)
    assert len(result) == length
    for n in range(length):
        assert error(canvas, result, n) < 3


def test_a_small_canvas_takes_the_colours_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    small = core.resize.Bilinear(film(along), 16, 16)
    with_plugin = filled(small, 8)
    monkeypatch.setattr(motion, "is_available", lambda: False)
    without = filled(small, 8)
    assert frame_bytes(with_plugin, 5) == frame_bytes(without, 5)


def test_building_the_graph_costs_the_same_for_any_length_of_film() -> None:
    canvas = core.std.BlankClip(format=vs.YUV444PS, width=SIZE, height=SIZE, length=400_000, keep=True)
    result = filled(canvas, 40, 0.15)
    assert len(result) == 400_000
    with result.get_frame(399_990) as frame:
        assert float(np.asarray(frame[1]).max()) == 0


def test_what_a_filter_of_motion_would_leave_as_it_was_is_moved_too() -> None:
    """Frames that differ wherever one looks: a matcher that gives up would hand back gray."""
    canvas = core.std.Splice([film(lambda _, s=s: (s * 9, 60 - s * 9)) for s in range(5)])[::8]
    loud = core.std.Expr([canvas, core.std.BlankClip(canvas, color=[0, 0, 0])], ["x", "x", "x"])
    result = filled(loud, 8)
    for n in range(1, len(loud) - 1):
        assert abs(plane(result, n, 2)).mean() > 0.05
