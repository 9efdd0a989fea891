"""Averaging the colours over time: modes A, W and G."""

import random
from pathlib import Path

import canvases
import goldens
import numpy as np
import pytest
import vapoursynth as vs
from vapoursynth import core

from vsdeoldify import ddeoldify_stabilizer, meter
from vsdeoldify.settings.params import Stab, stab_params
from vsdeoldify.vsutils import formats
from vsdeoldify.vsutils.filters import stabilize
from vsdeoldify.vsutils.frames import in_order

SIZE = 32
WINDOWS = [("A", 3), ("A", 5), ("A", 15), ("W", 3), ("W", 5), ("W", 15), ("G", 3), ("G", 15), ("G", 31)]


def parameters(mode: str, frames: int, tht: float = 0.0, scen: float = 0.15, **others: object) -> Stab:
    return stab_params([frames, mode, 1, tht, 0.2, scen, "none"])._replace(**others)


def run(frames: canvases.Array, wanted: Stab, **props: list[int | None]) -> canvases.Array:
    return canvases.arrays(stabilize.stabilize(canvases.canvas(frames, **props), wanted))


def scene(seed: int, length: int, low: float = 0.3, high: float = 0.7) -> canvases.Array:
    """A still picture with luma in low–high and some gray and some strong colours."""
    chance = np.random.default_rng(seed)
    luma = chance.uniform(low, high, (1, SIZE, SIZE))
    chroma = chance.uniform(-0.3, 0.3, (2, SIZE, SIZE)) * chance.choice([0.02, 0.3, 1.0], (1, SIZE, SIZE))
    return np.concatenate([luma, chroma]).astype(np.float32)[None].repeat(length, 0)


def flickering(seed: int, length: int, strength: float = 0.05) -> canvases.Array:
    frames = scene(seed, length)
    frames[:, 1:] += np.random.default_rng(seed + 1).normal(0, strength, frames[:, 1:].shape)
    return frames


@pytest.mark.parametrize("tht", [0, 15, 255])
@pytest.mark.parametrize(("mode", "count"), WINDOWS)
def test_a_static_clip_comes_back_unchanged(mode: str, count: int, tht: float) -> None:
    before = scene(1, 8)
    after = run(before, parameters(mode, count, tht))
    assert np.array_equal(after[:, 0], before[:, 0])
    assert np.abs(after - before).max() <= 1e-4
    assert np.hypot(after[:, 1], after[:, 2]).mean() >= 0.99 * np.hypot(before[:, 1], before[:, 2]).mean()


@pytest.mark.parametrize("tht", [0, 15])
@pytest.mark.parametrize(("mode", "count"), WINDOWS)
def test_no_colour_crosses_a_cut(mode: str, count: int, tht: float) -> None:
    # Two cuts within one window, the middle scene of two frames, each scene with colours of its own.
    parts = [scene(2, 6, 0.0, 0.3), scene(3, 2, 0.7, 1.0), scene(4, 7, 0.3, 0.6)]
    before = np.concatenate(parts)
    after = run(before, parameters(mode, count, tht))
    assert np.abs(after - before).max() <= 1e-6
    assert np.abs(before[5, 1:] - before[6, 1:]).mean() > 0.05


@pytest.mark.parametrize(("mode", "count"), WINDOWS)
def test_a_cut_told_by_the_source_is_obeyed_where_luma_shows_none(mode: str, count: int) -> None:
    before = np.concatenate([scene(2, 5), scene(2, 5)])
    before[5:, 1:] = -before[5:, 1:]
    told: list[int | None] = [0] * 10
    told[5] = 1
    after = run(before, parameters(mode, count, scen=0), _SceneChangePrev=told)
    assert np.abs(after - before).max() <= 1e-6
    assert np.abs(run(before, parameters(mode, count, scen=0)) - before).max() > 0.01


@pytest.mark.parametrize("mode", ["A", "G"])
def test_a_flash_gives_no_colour_and_takes_none(mode: str) -> None:
    before = scene(5, 9)
    before[4, 0], before[4, 1:] = 1.0, 0.25
    assert np.abs(run(before, parameters(mode, 5)) - before).max() <= 1e-6


@pytest.mark.parametrize("count", [3, 5, 7, 9, 11, 13, 15])
def test_weights_are_symmetric_and_sum_to_1(count: int) -> None:
    for mode in "AW":
        found = stabilize.weights(count, mode)
        assert len(found) == count
        assert found == found[::-1]
        assert sum(found) == pytest.approx(1)
    half = count // 2
    steps = np.diff(found[: half + 1])
    assert np.all(steps > 0)
    assert np.allclose(steps[:-1], steps[0])


def test_the_weighted_modes_centre_has_the_originals_share() -> None:
    shares = {n: stabilize.weights(n, "W")[n // 2] for n in (3, 5, 7, 9, 11, 13, 15)}
    assert shares == pytest.approx({3: 0.68, 5: 0.62, 7: 0.6, 9: 0.6, 11: 0.58, 13: 0.58, 15: 0.6})


@pytest.mark.parametrize(("mode", "count"), [w for w in WINDOWS if w[0] != "G"])
def test_the_average_is_the_weighted_one_and_missing_weights_go_to_the_centre(mode: str, count: int) -> None:
    before = flickering(6, 17)
    after = run(before, parameters(mode, count))
    shares, half = stabilize.weights(count, mode), count // 2
    for n in (0, 1, 8, 16):
        within = [k for k in range(-half, half + 1) if 0 <= n + k < 17]
        expected = sum(shares[k + half] * before[n + k, 1:] for k in within)
        expected += (1 - sum(shares[k + half] for k in within)) * before[n, 1:]
        assert np.allclose(after[n, 1:], expected, atol=1e-5)


def saturation(luma: canvases.Array, u: canvases.Array, v: canvases.Array) -> canvases.Array:
    rgb = np.stack([luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u])
    return 255 * (rgb.max(0) - rgb.min(0)) / rgb.max(0)


@pytest.mark.parametrize(("mode", "count", "tht"), [("A", 5, 15), ("W", 5, 60), ("A", 15, 60)])
def test_gray_pixels_of_neighbours_take_the_current_colour(mode: str, count: int, tht: float) -> None:
    before = flickering(7, 16, 0.03)
    before[:, 0] += 0.01 * np.arange(16)[:, None, None]
    after = run(before, parameters(mode, count, tht, sat=0.7, weight=0.3))
    shares, half = stabilize.weights(count, mode), count // 2
    n, luma = 8, before[8, 0]
    expected = shares[half] * before[n, 1:]
    for k in (k for k in range(-half, half + 1) if k):
        other = before[n + k, 1:]
        gray = saturation(luma, *other) < tht
        expected = expected + shares[k + half] * np.where(
            gray, 0.7 * 0.7 * before[n, 1:] + 0.3 * other, other
        )
    different = ~np.isclose(after[n, 1:], expected, atol=1e-5)
    assert different.mean() < 1e-3, "more than pixels whose saturation is the threshold itself"


@pytest.mark.parametrize("count", [3, 15, 31])
def test_guided_averages_still_things_fully(count: int) -> None:
    before = flickering(8, 40)
    after = run(before, parameters("G", count))
    half = count // 2
    for n in (0, 20, 39):
        window = before[max(0, n - half) : n + half + 1, 1:]
        assert np.allclose(after[n, 1:], window.mean(0), atol=1e-5)


def test_guided_leaves_no_ghost_of_what_moves() -> None:
    # A bright orange square on dark blue, 12 pixels a frame.
    frames = np.zeros((9, 3, 128, 128), np.float32)
    frames[:, 0], frames[:, 1], frames[:, 2] = 0.3, 0.1, -0.05
    for n in range(9):
        frames[n, :, 40:72, 12 * n : 12 * n + 24] = np.array([0.6, -0.1, 0.15])[:, None, None]
    wanted = canvases.canvas(frames)
    ghosts = {
        mode: np.abs(canvases.arrays(stabilize.stabilize(wanted, parameters(mode, 9))) - frames).mean()
        for mode in "AG"
    }
    assert ghosts["G"] <= ghosts["A"] / 20


def test_guided_averages_still_things_though_the_film_flickers_in_brightness() -> None:
    before = flickering(20, 15)
    before[:, 0] += np.random.default_rng(21).uniform(-0.05, 0.05, (15, 1, 1))
    after = run(before, parameters("G", 15))
    assert np.allclose(after[7, 1:], before[:, 1:].mean(0), atol=0.002)


def test_guided_restores_gray_pixels_too() -> None:
    before = scene(9, 5)
    before[:, 1:] = 0.1
    before[[1, 3], 1:] = 0.0
    after = run(before, parameters("G", 5, 15))
    assert np.allclose(after[2, 1:], (3 * 0.1 + 2 * 0.8 * 0.1) / 5, atol=1e-5)


def test_the_adjustment_acts_fully_on_the_result_of_every_frame() -> None:
    before = scene(10, 6)
    before[:, 1], before[:, 2] = 0.05, 0.1
    for tht in (0, 15):
        wanted = stab_params([5, "A", 1, tht, 0.2, 0.15, "300:360|0.5,0.0"])
        assert np.allclose(run(before, wanted)[:, 1:], before[:, 1:] / 2, atol=1e-6)


@pytest.mark.parametrize("tht", [0, 15])
@pytest.mark.parametrize(("mode", "count"), [("A", 5), ("W", 15), ("G", 15)])
def test_trimming_changes_only_frames_whose_window_meets_the_new_ends(
    mode: str, count: int, tht: float
) -> None:
    before = np.concatenate([flickering(11, 14), flickering(12, 16)])
    before[14:, 0] = before[14:, 0] * 0.3
    canvas = canvases.canvas(before)
    whole = canvases.arrays(stabilize.stabilize(canvas, parameters(mode, count, tht)))
    part = canvases.arrays(stabilize.stabilize(canvas[5:28], parameters(mode, count, tht)))
    half = count // 2
    # The cut at 14 is an end of the window, too, wherever the clip begins.
    inner = [n for n in range(5, 28) if n - half >= 5 and n + half < 28]
    assert len(inner) >= 8
    for n in inner:
        assert np.array_equal(whole[n], part[n - 5]), n


@pytest.mark.parametrize(("mode", "count"), [("A", 5), ("A", 15), ("W", 5), ("G", 31)])
def test_frames_in_any_order_are_those_in_order(mode: str, count: int) -> None:
    before = np.concatenate([flickering(13, 9), flickering(14, 12)])
    before[9:, 0] *= 0.4
    canvas = canvases.canvas(before)
    in_order = canvases.arrays(stabilize.stabilize(canvas, parameters(mode, count, 15)))
    order = list(range(21)) * 2
    random.Random(1).shuffle(order)
    result = stabilize.stabilize(canvas, parameters(mode, count, 15))
    for n in order:
        frame = result.get_frame(n)
        assert all(np.array_equal(np.asarray(frame[p]), in_order[n, p]) for p in range(3))


@pytest.mark.parametrize("length", [1, 2, 4])
@pytest.mark.parametrize(("mode", "count"), [("A", 15), ("W", 5), ("G", 31)])
def test_clips_shorter_than_the_window_work(mode: str, count: int, length: int) -> None:
    before = scene(15, length)
    assert np.abs(run(before, parameters(mode, count, 15)) - before).max() <= 1e-5


def test_luma_and_properties_are_those_of_the_current_frame() -> None:
    frames = flickering(16, 6)
    frames[:, 0] += 0.02 * np.arange(6)[:, None, None]
    canvas = canvases.canvas(frames, Number=[10, 11, 12, 13, 14, 15])
    for mode in "AWG":
        for tht in (0, 15):
            result = stabilize.stabilize(canvas, parameters(mode, 5, tht))
            for n, frame in enumerate(in_order(result)):
                assert frame.props["Number"] == 10 + n
                assert "_SceneChangePrev" not in frame.props
                assert np.array_equal(np.asarray(frame[0]), frames[n, 0])


@pytest.mark.parametrize("function", ["vs_clip_color_stabilizer", "vs_chroma_stabilizer_ex"])
def test_averages_match_the_corrected_original(function: str) -> None:
    clip = goldens.clip_of(goldens.inputs("b"))
    canvas = canvases.full_size(clip)
    compared = 0
    for case, n, golden in canvases.golden_cases("corrected", function):
        p = {"sat": 1, "tht": 0, "weight": 0, "hue_adjust": "none", **case["params"]}
        values = [p["nframes"], p["mode"], p["sat"], p["tht"], p["weight"], 0, p["hue_adjust"]]
        result = stabilize.stabilize(canvas, stab_params(values))
        ours = goldens.picture_of(formats.restore(clip, result), n)
        assert goldens.difference(ours, golden)[0] <= 1.0, case["id"]
        compared += 1
    assert compared == 4


@pytest.mark.parametrize(("kind", "limit"), [("corrected", 1.0), ("original", 0.5)])
def test_the_whole_stabilizer_matches_the_original_where_it_is_right(kind: str, limit: float) -> None:
    compared = 0
    for case, n, golden in canvases.golden_cases(kind, "ddeoldify_stabilizer"):
        source = goldens.clip_of(goldens.inputs(case["clips"]["clip"]))
        ours = goldens.picture_of(ddeoldify_stabilizer(source, **case["params"]), n)
        assert goldens.difference(ours, golden)[0] <= limit, case["id"]
        compared += 1
    assert compared


@pytest.mark.long
@pytest.mark.parametrize("name", ["park_football", "hands_cups"])
def test_guided_calms_more_than_a15_with_at_most_a_fifth_of_its_ghosts(shared: Path, name: str) -> None:
    clip = core.bs.VideoSource(str(shared / "clips" / f"{name}.mp4"), cachemode=0)[:24]
    size = 192
    truth = meter.read(clip, size)
    chance = np.random.default_rng(4)
    blotches = chance.normal(0, 0.03, (*truth.chroma.shape[:2], 12, 12)).astype(np.float32)
    noisy = meter.Film(truth.luma, truth.chroma + blotches.repeat(size // 12, -1).repeat(size // 12, -2))

    def filtered(film: meter.Film, mode: str) -> meter.Film:
        frames = np.concatenate([film.luma[:, None], film.chroma], 1)
        return meter.read(stabilize.stabilize(canvases.canvas(frames), parameters(mode, 15, 15)), size)

    flicker = {mode: meter.flicker(filtered(noisy, mode)) for mode in "AG"}
    ghosts = {mode: meter.ghosting(filtered(truth, mode), truth) for mode in "AG"}
    assert flicker["G"] <= flicker["A"] < meter.flicker(noisy) / 2
    assert ghosts["G"] <= ghosts["A"] / 5


def test_guided_takes_on_at_most_a_fifth_of_a15s_foreign_colour_on_flickering_film() -> None:
    film = meter.read(goldens.clip_of(goldens.inputs("b")[:18]), 192)
    frames = canvases.canvas(np.concatenate([film.luma[:, None], film.chroma], 1))
    a, g = (meter.read(stabilize.stabilize(frames, parameters(mode, 15, 15)), 192) for mode in ("A", "G"))
    assert meter.flicker(g) <= meter.flicker(a) < meter.flicker(film) / 2
    assert meter.foreign(g, film) <= meter.foreign(a, film) / 5


def test_the_public_function_takes_yuv_and_keeps_its_luma() -> None:
    # A cut at the ninth frame.
    film = core.bs.VideoSource(str(goldens.FILM), cachemode=0)[22:30]
    clip = film + core.bs.VideoSource(str(goldens.COLOUR_CLIP), cachemode=0)[:8]
    result = ddeoldify_stabilizer(clip, dark=True, smooth=True, stab=True, stab_p=[15, "guided"])
    assert result.format.id == clip.format.id == vs.YUV420P8
    for n in (0, 7, 8, 15):
        assert np.array_equal(np.asarray(result.get_frame(n)[0]), np.asarray(clip.get_frame(n)[0]))
