"""Values that mean something else in scripts for HAVC: what a film gets from them."""

import numpy as np
import pytest
import vapoursynth as vs
from clips import plane
from vapoursynth import core

from vsdeoldify import DarkParams, ddeoldify_stabilizer


def even(y: int, u: int, length: int, v: int = 128) -> vs.VideoNode:
    return core.std.BlankClip(
        format=vs.YUV444P8, width=64, height=64, length=length, color=[y, u, v], keep=True
    ).std.SetFrameProps(_Matrix=6, _Range=1)


def blues(clip: vs.VideoNode) -> list[int]:
    """U of every frame, rounded."""
    return [round(float(plane(clip, n, 1).mean())) for n in range(clip.num_frames)]


@pytest.mark.parametrize(
    "numbers",
    [(15, 0.2, 0.8), (15, 0.2, 1), (15, 0.2, 0.5), (0, 0, 0), (15, 0.2, 0.15), (15, 0.2, 0.49)],
    ids=str,
)
def test_no_colour_crosses_a_cut_with_havcs_share_of_gray(numbers: tuple[float, float, float]) -> None:
    film = even(40, 90, 4) + even(180, 170, 4)
    stable = ddeoldify_stabilizer(film, stab=True, stab_p=[5, "A", 1, *numbers, "none"])
    assert blues(stable) == [90] * 4 + [170] * 4


@pytest.mark.parametrize("numbers", [(15, 0.2, 0), (0, 0.2, 0)], ids=str)
def test_a_threshold_of_0_by_itself_still_trusts_the_clips_own_cuts_only(
    numbers: tuple[float, float, float],
) -> None:
    film = even(40, 90, 4) + even(180, 170, 4)
    parameters = [5, "A", 1, *numbers, "none"]
    assert blues(ddeoldify_stabilizer(film, stab=True, stab_p=parameters))[3] > 100
    told = film.std.SetFrameProps(_SceneChangePrev=0)
    told = told[:4] + told[4].std.SetFrameProps(_SceneChangePrev=1) + told[5:]
    assert blues(ddeoldify_stabilizer(told, stab=True, stab_p=parameters)) == [90] * 4 + [170] * 4


def test_two_values_of_dark_p_say_which_hues_they_act_on(log: list[str]) -> None:
    blue = even(20, 170, 1)
    assert blues(ddeoldify_stabilizer(blue, dark=True, dark_p=[0.2, 0.8])) == [170]
    assert len(log) == 1
    assert '"0:30,300:360"' in log[0]
    assert 'write "none"' in log[0]
    assert blues(ddeoldify_stabilizer(blue, dark=True, dark_p=[0.2, 0.8, "none"])) == [131]


@pytest.mark.parametrize("dark_p", [[0.2], [0.2, 0.8, "0:30,300:360"], DarkParams(0.2, 0.8), ()], ids=str)
def test_other_lists_for_dark_are_not_remarked_on(dark_p: list[object], log: list[str]) -> None:
    ddeoldify_stabilizer(even(20, 170, 1), dark=True, dark_p=dark_p)
    ddeoldify_stabilizer(even(20, 170, 1), dark_p=[0.2, 0.8])
    assert log == []


@pytest.mark.parametrize("mode", ["A", "G"])
def test_marks_of_reference_frames_are_no_cuts(mode: str) -> None:
    random = np.random.default_rng(1)
    levels = [int(u) for u in random.integers(110, 146, 20)]
    film = core.std.Splice([even(128, u, 1) for u in levels])
    calm = ddeoldify_stabilizer(film, stab=True, stab_p=[9, mode, 1, 15, 0.2, 0.15, "none"])
    marked = core.std.Splice(
        [film[n].std.SetFrameProps(_SceneChangePrev=int(n % 5 == 0), _SceneChangeNext=0) for n in range(20)]
    )
    cut = ddeoldify_stabilizer(marked, stab=True, stab_p=[9, mode, 1, 15, 0.2, 0.15, "none"])
    assert blues(cut) != blues(calm)
    references = marked.std.SetFrameProps(sc_threshold=0.1, sc_frequency=5)
    stable = ddeoldify_stabilizer(references, stab=True, stab_p=[9, mode, 1, 15, 0.2, 0.15, "none"])
    assert blues(stable) == blues(calm)


def test_a_cut_is_found_beside_marks_of_reference_frames() -> None:
    film = even(40, 90, 4) + even(180, 170, 4)
    references = film.std.SetFrameProps(_SceneChangePrev=0, sc_frequency=0)
    stable = ddeoldify_stabilizer(references, stab=True, stab_p=[5, "A", 1, 15, 0.2, 0.15, "none"])
    assert blues(stable) == [90] * 4 + [170] * 4
