"""What a person draws, on the canvas, and which colours are offered; what is not waited for."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import vapoursynth as vs
from vapoursynth import core

from vsdeoldify.studio.child import Desk
from vsdeoldify.studio.looking import Darkroom, Superseded, drawn, shades
from vsdeoldify.studio.pictures import check_strokes


def test_a_round_brush_lies_on_the_square_as_it_lay_on_the_picture() -> None:
    stroke = {"points": [[0.25, 0.5]], "radius": 0.1, "rgb": [255, 0, 0]}
    hints, mask = drawn([stroke], np.zeros((2, 200, 200), np.float32), 0.5)
    rows, columns = np.nonzero(mask)
    assert np.ptp(columns) == pytest.approx(40, abs=2)
    assert np.ptp(rows) == pytest.approx(80, abs=2), "the picture is half as high as wide"
    assert columns.mean() == pytest.approx(50, abs=1)
    assert rows.mean() == pytest.approx(100, abs=1)
    # U and V of pure red in BT.601.
    assert hints[:, 100, 50] == pytest.approx([-0.1687, 0.5], abs=1e-3)


def test_a_stroke_has_no_gaps_and_the_later_one_lies_above() -> None:
    line = {"points": [[0.1, 0.5], [0.9, 0.5]], "radius": 0.02, "rgb": [0, 0, 255]}
    dab = {"points": [[0.5, 0.5]], "radius": 0.02, "rgb": [0, 255, 0]}
    hints, mask = drawn([line, dab], np.zeros((2, 100, 100), np.float32), 1.0)
    assert mask[50, 10:90].all()
    assert hints[0, 50, 20] > 0.4
    assert hints[0, 50, 50] < -0.2


def test_a_stroke_without_a_colour_keeps_the_automatic_one() -> None:
    automatic = np.random.default_rng(0).uniform(-0.3, 0.3, (2, 100, 100)).astype(np.float32)
    line = {"points": [[0.1, 0.5], [0.9, 0.5]], "radius": 0.04, "rgb": [0, 0, 255]}
    kept = {"points": [[0.5, 0.5]], "radius": 0.1, "rgb": None}
    hints, mask = drawn([line, kept], automatic, 1.0)
    assert (hints[:, 45:55, 45:55] == automatic[:, 45:55, 45:55]).all()
    assert mask[45:55, 45:55].all()
    assert hints[0, 50, 20] > 0.4


def test_the_palette_holds_the_colours_of_the_picture_and_no_gray() -> None:
    picture = np.full((60, 60, 3), 120, np.uint8)
    picture[:20] = (40, 70, 160)
    picture[20:30] = (150, 60, 50)
    found = shades(picture.reshape(-1, 3))
    assert [40, 70, 160] in found
    assert [150, 60, 50] in found
    assert len(found) == 2
    assert shades(np.full((10, 3), 90, np.uint8)) == []


@pytest.mark.parametrize(
    "strokes",
    [
        "none",
        [3],
        [{"points": [[0, 0]], "radius": float("nan"), "rgb": [0, 0, 0]}],
        [{"points": [[0, True]], "radius": 0.1, "rgb": [0, 0, 0]}],
        [{"points": [[0, 0]], "radius": 0.1, "rgb": [0, 0]}],
        [{"points": [[0, 0]], "radius": 0.1}],
        [{"points": [[0, 0]] * 30_000, "radius": 0.1, "rgb": [0, 0, 0]}],
        [{"points": [[0, 0]], "radius": 0.1, "rgb": [0, 0, 0]}] * 600,
    ],
)
def test_what_is_no_stroke_is_refused(strokes: object) -> None:
    with pytest.raises(ValueError, match="stroke"):
        check_strokes(strokes)


def test_strokes_are_brought_into_the_picture() -> None:
    (one,) = check_strokes([{"points": [[-3, 2]], "radius": 9, "rgb": [300, -5, 12.7], "more": "dropped"}])
    assert one == {"points": [[0.0, 1.0]], "radius": 0.2, "rgb": [255, 0, 12]}
    (kept,) = check_strokes([{"points": [[0, 0]], "radius": 0.1, "rgb": None}])
    assert kept["rgb"] is None


def test_on_the_desk_the_newest_of_a_kind_wins_and_the_most_urgent_comes_first() -> None:
    desk = Desk()
    for number, lane in enumerate(("thumb", "colour", "play", "colour", "play", "source", "colour")):
        desk.put({"id": number, "lane": lane})
    dropped, first = desk.next()
    assert dropped == [1, 3]
    assert first is not None
    assert first["id"] == 5
    assert not desk.stale()
    desk.put({"id": 7, "lane": "source"})
    assert desk.stale(), "what is in work is not wanted any more"
    order = [one["id"] for _ in range(5) if (one := desk.next()[1]) is not None]
    assert order == [7, 6, 2, 4, 0]


def test_calm_colours_give_way_to_the_colours_of_a_new_frame() -> None:
    desk = Desk()
    desk.put({"id": 0, "lane": "calm"})
    desk.next()
    desk.put({"id": 1, "lane": "thumb"})
    assert not desk.stale()
    desk.put({"id": 2, "lane": "colour"})
    assert desk.stale()
    _, following = desk.next()
    assert following is not None
    assert following["id"] == 2
    assert not desk.stale()


def test_nobody_waits_for_calm_colours_that_are_not_wanted_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = core.std.BlankClip(None, 64, 48, vs.YUV444P8, length=3, color=(90, 128, 128))

    def slowly(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        time.sleep(0.6)
        return f

    room = Darkroom(film, tmp_path)
    slow = core.std.ModifyFrame(film, film, slowly)
    monkeypatch.setattr(room, "_graph", lambda look, n, changes: slow)
    asked = {"look": {"changes": {}}, "calm": True, "width": 64}
    begun = time.monotonic()
    with pytest.raises(Superseded):
        room.coloured_picture({**asked, "frame": 0}, lambda: True)
    assert time.monotonic() - begun < 0.3
    # The one that was begun ends before another of its kind begins.
    picture = cv2.imdecode(
        np.frombuffer(room.coloured_picture({**asked, "frame": 1}, lambda: False), np.uint8), 1
    )
    assert time.monotonic() - begun > 1.1
    assert picture.shape == (48, 64, 3)
