"""`ddeoldify_scenes`: clips with marks that filters obey."""

from pathlib import Path

import pytest
import vapoursynth as vs
from clips import frame_bytes, noise, plane
from vapoursynth import core

from vsdeoldify import ddeoldify_scenes, ddeoldify_stabilizer
from vsdeoldify.vsutils.frames import in_order


def even(y: int, u: int, length: int) -> vs.VideoNode:
    return core.std.BlankClip(
        format=vs.YUV444P8, width=64, height=64, length=length, color=[y, u, 128], keep=True
    ).std.SetFrameProps(_Matrix=6, _Range=1)


def marks(clip: vs.VideoNode) -> list[tuple[int, int]]:
    return [(f.props["_SceneChangePrev"], f.props["_SceneChangeNext"]) for f in in_order(clip)]


def firsts(clip: vs.VideoNode) -> list[int]:
    return [n for n, (first, _) in enumerate(marks(clip)) if first]


def blues(clip: vs.VideoNode) -> list[int]:
    return [round(float(plane(clip, n, 1).mean())) for n in range(clip.num_frames)]


FILM = even(40, 90, 4) + even(180, 170, 4)


def test_every_frame_says_whether_it_is_the_first_or_the_last_of_a_scene() -> None:
    assert marks(ddeoldify_scenes(FILM)) == [(1, 0), (0, 0), (0, 0), (0, 1), (1, 0), (0, 0), (0, 0), (0, 1)]
    assert marks(ddeoldify_scenes(FILM[0])) == [(1, 1)]


def test_a_list_decides_against_the_pictures_and_the_clips_own_marks() -> None:
    told = FILM.std.SetFrameProps(_SceneChangePrev=1)
    for scenes in ([0, 2, 7], [(0, 1), (2, 6), (7, 7)]):
        assert firsts(ddeoldify_scenes(told, scenes=scenes)) == [0, 2, 7]


def test_a_list_in_a_file_is_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "scenes.csv"
    path.write_text("first,last\n0,5\n6,7\n")
    assert firsts(ddeoldify_scenes(FILM, scenes=path)) == [0, 6]
    assert firsts(ddeoldify_scenes(FILM, scenes=str(path))) == [0, 6]


def test_marks_that_are_there_stay_and_havcs_marks_of_references_go() -> None:
    told = FILM[:2].std.SetFrameProps(_SceneChangePrev=0) + FILM[2].std.SetFrameProps(_SceneChangePrev=1)
    told += FILM[3:].std.SetFrameProps(_SceneChangePrev=0)
    assert firsts(ddeoldify_scenes(told)) == [0, 2]
    assert firsts(ddeoldify_scenes(ddeoldify_scenes(FILM, scenes=[0, 3]))) == [0, 3]
    references = FILM.std.SetFrameProps(_SceneChangePrev=1, sc_threshold=0.1, sc_frequency=0)
    found = ddeoldify_scenes(references)
    assert firsts(found) == [0, 4]
    assert not {"sc_threshold", "sc_frequency"} & set(found.get_frame(0).props)


def test_the_threshold_decides_where_nothing_is_marked() -> None:
    dim = even(40, 90, 4) + even(60, 170, 4)
    assert firsts(ddeoldify_scenes(dim, threshold=0.07)) == [0, 4]
    assert firsts(ddeoldify_scenes(dim, threshold=0.09)) == [0]
    assert firsts(ddeoldify_scenes(FILM, threshold=0)) == [0]


def test_no_colour_crosses_a_cut_that_a_list_made() -> None:
    # The pictures show no cut.
    film = even(40, 90, 4) + even(40, 170, 4)
    stab_p = [5, "A", 1, 0, 0.2, 0.15, "none"]
    assert blues(ddeoldify_stabilizer(film, stab=True, stab_p=stab_p))[3] > 100
    marked = ddeoldify_scenes(film, scenes=[0, 4])
    assert blues(ddeoldify_stabilizer(marked, stab=True, stab_p=stab_p)) == [90] * 4 + [170] * 4


def test_colours_cross_a_cut_that_a_list_takes_away() -> None:
    stab_p = [5, "A", 1, 0, 0.2, 0.15, "none"]
    joined = blues(ddeoldify_stabilizer(ddeoldify_scenes(FILM, scenes=[0]), stab=True, stab_p=stab_p))
    assert joined[2:6] == [106, 122, 138, 154]


def test_a_flash_in_a_marked_clip_gives_no_colour() -> None:
    film = even(60, 90, 4) + even(240, 200, 1) + even(60, 90, 4)
    stab_p = [5, "A", 1, 0, 0.2, 0.15, "none"]
    expected = [90] * 4 + [200] + [90] * 4
    for marked in (ddeoldify_scenes(film), ddeoldify_scenes(film, scenes=[0, 7])):
        assert blues(ddeoldify_stabilizer(marked, stab=True, stab_p=stab_p)) == expected


@pytest.mark.parametrize("format_id", [vs.GRAY8, vs.YUV420P10, vs.RGB24, vs.RGBS], ids=lambda f: f.name)
def test_nothing_but_the_marks_changes(format_id: int) -> None:
    film = noise(format_id, 66, 50, 4).std.SetFrameProps(mine=7, _SARNum=4)
    marked = ddeoldify_scenes(film)
    for n in range(4):
        assert frame_bytes(marked, n) == frame_bytes(film, n)
        before, after = dict(film.get_frame(n).props), dict(marked.get_frame(n).props)
        assert {name: after.pop(name) for name in ("_SceneChangePrev", "_SceneChangeNext")}
        assert after == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"threshold": 1.5}, "threshold must be in 0–1, got 1.5"),
        ({"threshold": "0.1"}, "threshold must be a number in 0–1"),
        ({"scenes": [0, 8]}, "scenes names frame 8, but the last frame is 7"),
        ({"scenes": [(0, 3), (4, 9)]}, "scenes names frame 9, but the last frame is 7"),
        ({"scenes": [(0, 3), (4, 6)]}, "ends with frame 6, but the last frame is 7"),
        ({"scenes": [(0, 4), (4, 7)]}, "must not overlap"),
        ({"scenes": [(0, 2), (4, 7)]}, "frame 3 is in no scene"),
        ({"scenes": [0, 4, 2]}, "must be in order"),
        ({"scenes": "no such list.csv"}, "no such list.csv cannot be read"),
        ({"scenes": 4}, "scenes must be the path"),
    ],
    ids=range(10),
)
def test_what_is_wrong_is_said_at_the_call(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(vs.Error) as error:
        ddeoldify_scenes(FILM, **arguments)
    assert str(error.value).startswith("ddeoldify_scenes: ")
    assert words in str(error.value)
    with pytest.raises(vs.Error, match="ddeoldify_scenes: clip must be a VapourSynth video clip"):
        ddeoldify_scenes("film.mkv")
