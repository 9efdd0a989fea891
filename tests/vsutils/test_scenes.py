"""Scene cuts, flashes and fades."""

import canvases
import numpy as np
import pytest

from vsdeoldify.vsutils import scenes
from vsdeoldify.vsutils.frames import in_order


def film(levels: list[float], **props: list[int | None]) -> list[tuple[int, int]]:
    """(cut before, flash) of every frame of a film of even gray pictures of these levels."""
    return marks(np.array([np.full((16, 16), level) for level in levels]), 0.15, **props)


def marks(luma: canvases.Array, threshold: float, **props: list[int | None]) -> list[tuple[int, int]]:
    frames = np.stack([luma, np.zeros_like(luma), np.zeros_like(luma)], 1)
    found = scenes.find_cuts(canvases.canvas(frames, **props), threshold)
    return [(f.props["_SceneChangePrev"], f.props["_Flash"]) for f in in_order(found)]


def cuts(found: list[tuple[int, int]]) -> list[int]:
    return [n for n, (cut, _) in enumerate(found) if cut]


def flashes(found: list[tuple[int, int]]) -> list[int]:
    return [n for n, (_, flash) in enumerate(found) if flash]


def test_a_hard_cut_is_found_where_the_new_scene_begins() -> None:
    found = film([0.2] * 4 + [0.7] * 4)
    assert cuts(found) == [0, 4]
    assert flashes(found) == []


def test_a_difference_up_to_the_threshold_is_no_cut() -> None:
    assert cuts(film([0.2] * 3 + [0.345] * 3)) == [0]
    assert cuts(film([0.2] * 3 + [0.355] * 3)) == [0, 3]


def test_scenes_of_the_same_mean_brightness_are_told_apart() -> None:
    random = np.random.default_rng(0)
    one, other = random.random((2, 1, 16, 16)) > 0.5
    found = marks(np.concatenate([one.repeat(3, 0), other.repeat(3, 0)]).astype(np.float32), 0.15)
    assert cuts(found) == [0, 3]


def test_a_flash_of_one_frame_is_no_cut_and_stands_alone() -> None:
    found = film([0.3] * 4 + [0.95] + [0.3] * 4)
    assert cuts(found) == [0]
    assert flashes(found) == [4]


def test_a_single_frame_of_its_own_between_two_scenes_is_cut_on_both_sides() -> None:
    found = film([0.1] * 3 + [0.5] + [0.9] * 3)
    assert cuts(found) == [0, 3, 4]
    assert flashes(found) == []


@pytest.mark.parametrize("length", [6, 8, 25])
def test_a_fade_is_no_cut(length: int) -> None:
    levels = [0.6] * 3 + list(np.linspace(0.6, 0.0, length)) + [0.0] * 3
    assert cuts(film(levels)) == [0]


def test_a_dissolve_is_no_cut() -> None:
    random = np.random.default_rng(1)
    one, other = random.random((2, 16, 16))
    share = np.clip(np.arange(-3, 15) / 12, 0, 1)[:, None, None]
    assert cuts(marks(one * (1 - share) + other * share, 0.15)) == [0]


def test_grain_is_no_cut() -> None:
    random = np.random.default_rng(2)
    assert cuts(marks(np.clip(random.normal(0.5, 0.08, (6, 128, 128)), 0, 1), 0.15)) == [0]


def test_the_sources_own_properties_win_over_the_measure() -> None:
    unset: list[int | None] = [None] * 8
    said_not = film([0.2] * 4 + [0.7] * 4, _SceneChangePrev=[0] * 8, _SceneChangeNext=[0] * 8)
    assert cuts(said_not) == [0]
    said = film([0.2] * 8, _SceneChangePrev=[0, 0, 0, 1, 0, 0, 0, 0])
    assert cuts(said) == [0, 3]
    next_only = film([0.2] * 8, _SceneChangeNext=[0, 0, 1, 0, 0, 0, 0, 0])
    assert cuts(next_only) == [0, 3]
    one_frame = film([0.2] * 4 + [0.7] * 4, _SceneChangePrev=[*unset[:4], 0, *unset[5:]])
    assert cuts(one_frame) == [0]


def test_a_threshold_of_0_leaves_only_the_properties() -> None:
    luma = np.array([np.full((16, 16), level) for level in [0.1] * 3 + [0.9] * 3])
    assert cuts(marks(luma, 0)) == [0]
    assert cuts(marks(luma, 0, _SceneChangePrev=[0, 1, 0, 0, 0, 0])) == [0, 1]


def neighbours(levels: list[float], n: int, half: int) -> tuple[int, ...]:
    frames = np.zeros((len(levels), 3, 16, 16), np.float32)
    frames[:, 0] = np.array(levels)[:, None, None]
    found = scenes.find_cuts(canvases.canvas(frames), 0.15)
    window = [scenes.shift(found, k).get_frame(n) for k in range(-half, half + 1)]
    return scenes.same_scene(n, window, len(levels))


def test_a_window_ends_at_cuts_and_at_the_clips_ends() -> None:
    levels = [0.1] * 3 + [0.9] * 3 + [0.4] * 4
    assert neighbours(levels, 0, 3) == (1, 2)
    assert neighbours(levels, 2, 3) == (-2, -1)
    assert neighbours(levels, 3, 3) == (1, 2)
    assert neighbours(levels, 4, 15) == (-1, 1)
    assert neighbours(levels, 9, 15) == (-3, -2, -1)


def test_a_window_goes_on_behind_a_flash_without_it() -> None:
    levels = [0.3] * 3 + [0.9] + [0.3] * 3
    assert neighbours(levels, 2, 3) == (-2, -1, 2, 3)
    assert neighbours(levels, 3, 3) == ()


def test_a_clip_of_one_frame_has_no_neighbours() -> None:
    assert neighbours([0.5], 0, 3) == ()


def test_a_flash_is_found_between_marks_that_say_no_cut() -> None:
    levels = [0.3] * 4 + [0.95] + [0.3] * 4
    unmarked = film(levels, _SceneChangePrev=[0] * 9, _SceneChangeNext=[0] * 9)
    assert (cuts(unmarked), flashes(unmarked)) == ([0], [4])
    # Whoever marked cuts on both sides of it means them.
    said = film(levels, _SceneChangePrev=[0, 0, 0, 0, 1, 1, 0, 0, 0])
    assert (cuts(said), flashes(said)) == ([0, 4, 5], [])


def test_a_list_of_scenes_becomes_cuts() -> None:
    clip = canvases.canvas(np.full((6, 3, 16, 16), 0.5))
    for firsts in ((0, 2, 5), (2, 5)):
        found = scenes.listed_cuts(clip, firsts)
        assert [f.props["_SceneChangePrev"] for f in in_order(found)] == [1, 0, 1, 0, 0, 1]
