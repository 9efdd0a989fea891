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


def picture(seed: int, frames: int = 1, speed: int = 0) -> canvases.Array:
    """A picture of large and small blotches that moves sideways by `speed` of 64 pixels in two frames."""
    random = np.random.default_rng(seed)
    blotches = sum(
        share * random.random((1, size, size)).repeat(64 // size, 1).repeat(64 // size, 2)
        for size, share in ((4, 0.5), (8, 0.2), (16, 0.1))
    )
    return np.concatenate([np.roll(blotches, speed * n // 2, 2) for n in range(frames)]).astype(np.float32)


def dissolve(one: canvases.Array, other: canvases.Array, length: int) -> canvases.Array:
    """The second of two films comes over the end of the first."""
    share = (np.arange(1, length + 1) / (length + 1))[:, None, None]
    middle = one[-length:] * (1 - share) + other[:length] * share
    return np.concatenate([one[:-length], middle, other[length:]]).astype(np.float32)


@pytest.mark.parametrize("light", [1, 0.2])
@pytest.mark.parametrize(("length", "speed"), [(8, 0), (12, 0), (16, 0), (25, 0), (8, 1), (12, 1), (16, 1)])
def test_a_dissolve_is_one_cut_near_its_middle(length: int, speed: int, light: float) -> None:
    film = dissolve(picture(1, 30 + length, speed), picture(2, 30 + length, -speed), length) * light
    first, *found = cuts(marks(film, 0.15))
    assert first == 0
    assert len(found) == 1
    assert abs(found[0] - (30 + length / 2)) <= max(2, length / 4)


def test_two_dissolves_and_a_cut_in_one_film_are_three_cuts() -> None:
    film = dissolve(dissolve(picture(1, 40), picture(2, 60), 12), picture(3, 40), 12)
    _, first, second, third = cuts(marks(np.concatenate([film, picture(4, 20)]), 0.15))
    assert abs(first - 34) <= 2
    assert abs(second - 82) <= 2
    assert third == len(film)


@pytest.mark.parametrize("light", [0.25, 0.1])
def test_a_cut_between_dark_scenes_is_found_by_the_pictures(light: float) -> None:
    film = np.concatenate([picture(1, 8, 1), picture(2, 8, 1)]) * light
    assert cuts(marks(film, 0.15)) == [0, 8]


def test_a_flash_in_a_dark_scene_is_no_cut() -> None:
    film = np.concatenate([picture(1, 8), picture(2), picture(1, 8)]) * 0.2
    found = marks(film, 0.15)
    assert (cuts(found), flashes(found)) == ([0], [8])


@pytest.mark.parametrize("length", [8, 16])
def test_a_fade_through_black_is_one_cut_where_the_picture_comes_back(length: int) -> None:
    share = np.linspace(1, 0, length + 1)[1:, None, None]
    parts = picture(1, 20), picture(1) * share, picture(1, 5) * 0, picture(2) * share[::-1], picture(2, 20)
    first, *found = cuts(marks(np.concatenate(parts), 0.15))
    assert first == 0
    assert len(found) == 1
    assert 20 + length + 5 <= found[0] <= 20 + length + 7


def test_a_picture_that_is_black_for_a_moment_goes_on() -> None:
    dim = picture(1, 1) * 0.1
    assert cuts(
        marks(np.concatenate([picture(1, 9) * 0.1, dim * 0, dim * 0, picture(1, 9) * 0.1]), 0.15)
    ) == [0]


@pytest.mark.parametrize("speed", [0, 1, 6])
@pytest.mark.parametrize("light", [1, 0.2])
def test_what_moves_flickers_and_has_grain_is_no_cut(speed: int, light: float) -> None:
    random = np.random.default_rng(3)
    film = picture(1, 60, speed) * light * (1 + random.normal(0, 0.05, (60, 1, 1)))
    found = marks((film + random.normal(0, 0.02, film.shape)).astype(np.float32), 0.15)
    assert cuts(found) == [0]


def test_a_threshold_that_is_raised_or_lowered_takes_the_other_limits_along() -> None:
    film = dissolve(picture(1, 30), picture(2, 30), 10)
    assert cuts(marks(film, 0.6)) == [0]
    similar = 0.7 * picture(1, 8) + 0.3 * picture(2, 8)
    dark = np.concatenate([picture(1, 8), similar]) * 0.2
    assert cuts(marks(dark, 0.15)) == [0]
    assert cuts(marks(dark, 0.02)) == [0, 8]


def test_marks_are_the_same_in_any_order_and_in_a_part_of_the_film() -> None:
    film = dissolve(dissolve(picture(1, 70, 1), picture(2, 70), 12), picture(3, 70), 20)
    film = np.concatenate([film, film[:40] * 0.2])
    whole = marks(film, 0.15)
    assert len(cuts(whole)) == 4
    clip = canvases.canvas(np.stack([film, film * 0, film * 0], 1))
    found = scenes.find_cuts(clip, 0.15)
    order = np.random.default_rng(4).permutation(len(film))
    requests = [(int(n), found.get_frame_async(int(n))) for n in order]
    for n, request in requests:
        props = request.result().props
        assert (props["_SceneChangePrev"], props["_Flash"]) == whole[n]
    part = [f.props["_SceneChangePrev"] for f in in_order(scenes.find_cuts(clip[20:], 0.15))]
    assert part[52:] == [cut for cut, _ in whole[72:]]


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
        # References ask for both marks.
        assert [f.props["_Flash"] for f in in_order(found)] == [0] * 6
