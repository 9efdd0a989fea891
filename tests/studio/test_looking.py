"""What a person draws, on the canvas, and which colours are offered."""

import numpy as np
import pytest

from vsdeoldify.studio.child import Desk
from vsdeoldify.studio.looking import drawn, shades
from vsdeoldify.studio.pictures import check_strokes


def test_a_round_brush_lies_on_the_square_as_it_lay_on_the_picture() -> None:
    stroke = {"points": [[0.25, 0.5]], "radius": 0.1, "rgb": [255, 0, 0]}
    hints, mask = drawn([stroke], 200, 0.5)
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
    hints, mask = drawn([line, dab], 100, 1.0)
    assert mask[50, 10:90].all()
    assert hints[0, 50, 20] > 0.4
    assert hints[0, 50, 50] < -0.2


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
