"""Averaging the colours along motion: mode M."""

import random
from concurrent.futures import ThreadPoolExecutor

import canvases
import cv2
import numpy as np
import pytest
import vapoursynth as vs
from vapoursynth import core

from vsdeoldify import ddeoldify_stabilizer
from vsdeoldify.settings.params import Stab, stab_params
from vsdeoldify.vsutils.filters import stabilize
from vsdeoldify.vsutils.frames import in_order
from vsdeoldify.vsutils.propagation import motion
from vsdeoldify.vsutils.scenes import find_cuts

SIZE = 128
SPEED = 5

needs_motion = pytest.mark.skipif(not motion.is_available(), reason="vapoursynth-mvutensils is not installed")


def parameters(mode: str, frames: int, tht: float = 0.0) -> Stab:
    return stab_params([frames, mode, 1, tht, 0.2, 0.15, "none"])


def texture(seed: int, height: int, width: int, low: float, high: float) -> canvases.Array:
    """Soft random shades, which blocks are found again by."""
    shades = np.random.default_rng(seed).uniform(low, high, (height // 4, width // 4)).astype(np.float32)
    return cv2.resize(shades, (width, height), interpolation=cv2.INTER_CUBIC)


def passing(length: int) -> canvases.Array:
    """A red patterned square that moves over a patterned blue ground, `SPEED` pixels a frame."""
    frames = np.zeros((length, 3, SIZE, SIZE), np.float32)
    frames[:, 0] = texture(1, SIZE, SIZE, 0.2, 0.5)
    frames[:, 1], frames[:, 2] = 0.1, -0.05
    square = texture(2, 40, 40, 0.5, 0.9)
    for n in range(length):
        place = frames[n, :, 28:68, SPEED * n : SPEED * n + 40]
        place[0], place[1], place[2] = square, -0.1, 0.15
    return frames


def inside(frames: canvases.Array, n: int) -> canvases.Array:
    """The chroma of the square without its rim."""
    return frames[n, 1:, 34:62, SPEED * n + 6 : SPEED * n + 34]


@needs_motion
def test_what_moves_is_averaged_too_and_leaves_no_ghost() -> None:
    true = passing(11)
    flickering = true.copy()
    flickering[:, 1:] += np.random.default_rng(3).normal(0, 0.03, (11, 2, 1, 1))

    def error(frames: canvases.Array, mode: str) -> tuple[float, float]:
        after = canvases.arrays(stabilize.stabilize(canvases.canvas(frames), parameters(mode, 7)))
        moved = np.mean([np.abs(inside(after, n) - inside(true, n)).mean() for n in range(3, 8)])
        return float(moved), float(np.abs(after - true).mean())

    noise = np.mean([np.abs(inside(flickering, n) - inside(true, n)).mean() for n in range(3, 8)])
    assert error(flickering, "G")[0] > 0.8 * noise
    assert error(flickering, "M")[0] < 0.6 * noise
    assert error(true, "M")[1] < error(true, "A")[1] / 10


@needs_motion
@pytest.mark.parametrize("tht", [0, 15])
def test_no_colour_crosses_a_cut_or_leaves_a_flash(tht: float) -> None:
    parts = [
        np.concatenate([texture(seed, SIZE, SIZE, *light)[None]] * length)
        for seed, length, light in ((4, 5, (0, 0.3)), (5, 2, (0.7, 1)), (4, 1, (0, 0.3)), (4, 5, (0, 0.3)))
    ]
    frames = np.zeros((13, 3, SIZE, SIZE), np.float32)
    frames[:, 0] = np.concatenate(parts)
    for first, last, u, v in ((0, 5, 0.1, 0.2), (5, 7, -0.2, 0.1), (7, 13, 0.2, -0.2)):
        frames[first:last, 1], frames[first:last, 2] = u, v
    frames[10] = np.array([1, 0, 0])[:, None, None]
    after = canvases.arrays(stabilize.stabilize(canvases.canvas(frames), parameters("M", 7, tht)))
    assert np.abs(after - frames).max() <= 1e-5


@needs_motion
@pytest.mark.parametrize("tht", [0, 15])
def test_any_order_threads_and_trimming_give_the_same_bytes(tht: float) -> None:
    frames = passing(14)
    frames[:, 1:] += np.random.default_rng(6).normal(0, 0.03, (14, 2, 1, 1))
    frames[9:, 0] *= 0.3
    canvas = canvases.canvas(frames)
    whole = canvases.arrays(stabilize.stabilize(canvas, parameters("M", 5, tht)))
    again = stabilize.stabilize(canvas, parameters("M", 5, tht))
    order = list(range(14)) * 2
    random.Random(7).shuffle(order)
    with ThreadPoolExecutor(8) as threads:
        for n, frame in zip(order, threads.map(again.get_frame, order), strict=True):
            assert all(np.array_equal(np.asarray(frame[p]), whole[n, p]) for p in range(3)), n
    part = canvases.arrays(stabilize.stabilize(canvas[3:], parameters("M", 5, tht)))
    assert np.array_equal(part[2:], whole[5:])


@needs_motion
def test_making_the_filter_asks_for_no_colours() -> None:
    asked = []

    def see(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        asked.append(n)
        return f

    canvas = canvases.canvas(passing(16))
    cuts = find_cuts(canvas, 0.15)
    result = stabilize.stabilize(core.std.ModifyFrame(canvas, canvas, see), parameters("M", 5), cuts)
    assert asked == []
    result.get_frame(8)
    assert sorted(set(asked)) == [6, 7, 8, 9, 10]


@needs_motion
@pytest.mark.parametrize("length", [1, 2, 4])
def test_clips_shorter_than_the_window_work(length: int) -> None:
    frames = passing(4)[:1].repeat(length, 0)
    after = canvases.arrays(stabilize.stabilize(canvases.canvas(frames), parameters("M", 31, 15)))
    assert np.abs(after - frames).max() <= 1e-4


@needs_motion
def test_luma_and_properties_are_those_of_the_current_frame() -> None:
    frames = passing(6)
    canvas = canvases.canvas(frames, Number=[10, 11, 12, 13, 14, 15])
    for n, frame in enumerate(in_order(stabilize.stabilize(canvas, parameters("M", 5)))):
        assert frame.props["Number"] == 10 + n
        assert not [name for name in frame.props if name.startswith("MVU")]
        assert np.array_equal(np.asarray(frame[0]), frames[n, 0])


@needs_motion
def test_a_canvas_too_small_for_blocks_is_averaged_as_in_mode_g() -> None:
    canvas = canvases.canvas(passing(6)[:, :, :32, :32])
    guided, moving = (canvases.arrays(stabilize.stabilize(canvas, parameters(m, 5))) for m in "GM")
    assert np.array_equal(guided, moving)


def test_without_the_plugin_the_call_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motion, "is_available", lambda: False)
    clip = core.std.BlankClip(format=vs.YUV420P8, width=64, height=64, length=3)
    with pytest.raises(
        vs.Error, match=r'^ddeoldify_stabilizer: mode M of stab needs .* pip install "vsdeoldify\[motion\]"$'
    ):
        ddeoldify_stabilizer(clip, stab=True, stab_p=[15, "motion"])
