"""Colours that a person sets, completed to a whole picture."""

import numpy as np
import pytest

from vsdeoldify.preview.complete import _GRID, _solve, _steps, complete

SIZE = 160


def picture(size: int = SIZE) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A bright square on a dark ground, both softly shaded; automatic colours; no hints."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    gray = 0.2 + 0.05 * x + 0.03 * np.sin(20 * y)
    square = (abs(x - 0.5) < 0.25) & (abs(y - 0.5) < 0.25)
    gray[square] += 0.5
    automatic = np.stack((0.05 + 0.02 * x, -0.03 + 0.02 * y)).astype(np.float32)
    return gray, automatic, np.zeros((2, size, size), np.float32), np.zeros((size, size), bool)


def with_point(y: int, x: int, colour: tuple[float, float]) -> tuple[np.ndarray, ...]:
    gray, automatic, hints, mask = picture()
    mask[y - 3 : y + 4, x - 3 : x + 4] = True
    hints[:, mask] = np.array(colour, np.float32)[:, None]
    return gray, automatic, hints, mask


def test_without_hints_the_automatic_colours_stay_as_they_are() -> None:
    gray, automatic, hints, mask = picture()
    completed = complete(gray, automatic, hints, mask)
    np.testing.assert_array_equal(completed, automatic)
    assert completed is not automatic


def test_a_hint_has_its_colour_at_its_place() -> None:
    gray, automatic, hints, mask = with_point(80, 80, (-0.2, 0.25))
    completed = complete(gray, automatic, hints, mask)
    assert completed.dtype == np.float32
    np.testing.assert_array_equal(completed[:, mask], hints[:, mask])


def test_a_hint_colours_its_object_and_not_the_ground_behind_a_strong_edge() -> None:
    gray, automatic, hints, mask = with_point(80, 80, (-0.2, 0.25))
    completed = complete(gray, automatic, hints, mask)
    inside = completed[:, 45:115, 45:115]
    assert np.abs(inside - np.array([[[-0.2]], [[0.25]]])).mean() < 0.03
    change = np.abs(completed - automatic)
    assert change[:, :35].mean() < 0.01
    assert change[:, 45:115, 45:115].mean() > 0.15


def test_a_stroke_along_an_edge_that_touches_what_is_behind_does_not_colour_that() -> None:
    gray, automatic, hints, mask = picture(320)
    mask[120:200, 79:92] = True  # The square begins at column 81.
    hints[0, mask] = 0.3
    completed = complete(gray, automatic, hints, mask)
    assert completed[0, 100:220, 90:230].mean() > 0.25
    assert np.abs(completed - automatic)[:, :, :76].mean() < 0.01


def test_where_the_automatic_colour_is_a_hint_no_other_colour_spreads() -> None:
    flat, automatic, hints, mask = picture()
    flat[:] = 0.4
    mask[70:90, 20:30] = True
    hints[0, mask] = 0.3
    without = complete(flat, automatic, hints, mask)
    mask[60:100, 120:130] = True
    hints[:, 60:100, 120:130] = automatic[:, 60:100, 120:130]
    held = complete(flat, automatic, hints, mask)
    right = np.s_[:, 20:140, 90:]
    assert np.abs(without - automatic)[right].mean() > 0.1
    assert np.abs(held - automatic)[right].mean() < 0.02
    assert held[0, 60:100, 10:60].mean() > 0.2


def test_the_edge_of_a_hinted_object_is_sharp_at_full_size() -> None:
    size = 3 * _GRID
    gray = np.full((size, size), 0.3, np.float32)
    gray[:, size // 2 + 1 :] = 0.8
    automatic = np.zeros((2, size, size), np.float32)
    mask = np.zeros((size, size), bool)
    mask[100:110, 110:120] = True
    hints = np.broadcast_to(np.float32(0.2), automatic.shape)
    completed = complete(gray, automatic, hints, mask)[0]
    assert completed[100, size // 2 - 3] > 0.15
    assert completed[100, size // 2 + 4] < 0.05


def test_strokes_and_areas_count_as_points_do() -> None:
    gray, automatic, hints, mask = picture()
    mask[60:100, 78:81] = True
    hints[0, mask] = 0.3
    completed = complete(gray, automatic, hints, mask)
    assert completed[0, 50:110, 50:110].mean() > 0.25
    mask[:] = True
    hints[:] = -0.1
    np.testing.assert_array_equal(complete(gray, automatic, hints, mask), hints)


def test_holes_in_carried_colours_take_the_colours_around_them() -> None:
    gray, automatic, _, mask = picture()
    wanted = np.where(gray > 0.5, np.float32(0.2), np.float32(-0.1))
    y, x = np.mgrid[: gray.shape[0], : gray.shape[1]]
    mask[(y // 12 + x // 12) % 2 == 0] = True
    completed = complete(gray, automatic, np.stack((wanted, -wanted)), mask, carried=True)
    assert np.abs(completed - np.stack((wanted, -wanted)))[:, ~mask].mean() < 0.02
    assert np.abs(automatic - np.stack((wanted, -wanted)))[:, ~mask].mean() > 0.1


def test_the_rim_of_carried_colours_counts_and_that_of_a_stroke_does_not() -> None:
    gray, automatic, hints, mask = picture(320)
    mask[120:200, 79:92] = True  # The square begins at column 81.
    hints[0, mask] = 0.3
    hints[0, :, :81] = -0.2
    drawn, carried = (complete(gray, automatic, hints, mask, carried=way) for way in (False, True))
    behind = np.s_[0, 130:190, 70:76]
    assert carried[behind].mean() < drawn[behind].mean() - 0.05
    assert carried[0, 100:220, 95:230].mean() > 0.25


def test_the_same_input_gives_the_same_bytes_and_stays_unchanged() -> None:
    inputs = with_point(30, 30, (0.1, 0.1))
    copies = [x.copy() for x in inputs]
    first = complete(*inputs)
    assert first.tobytes() == complete(*inputs).tobytes()
    for before, after in zip(copies, inputs, strict=True):
        np.testing.assert_array_equal(before, after)


def test_what_lies_in_the_hints_beside_the_mask_does_not_matter() -> None:
    gray, automatic, hints, mask = with_point(80, 80, (-0.2, 0.25))
    expected = complete(gray, automatic, hints, mask)
    hints[:, ~mask] = 9
    np.testing.assert_array_equal(complete(gray, automatic, hints, mask), expected)


@pytest.mark.parametrize("shape", [(2, 2), (5, 64), (64, 200), (113, 112), (384, 384)])
def test_every_size_works_and_stays_in_range(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    gray = random.random(shape, np.float32)
    automatic = random.uniform(-0.5, 0.5, (2, *shape)).astype(np.float32)
    hints = random.uniform(-0.5, 0.5, (2, *shape)).astype(np.float32)
    completed = complete(gray, automatic, hints, random.random(shape) < 0.2)
    assert completed.shape == (2, *shape)
    assert np.isfinite(completed).all()
    assert np.abs(completed).max() <= 0.5


def test_a_flat_picture_is_no_trouble() -> None:
    flat = np.zeros((130, 130), np.float32)
    mask = flat == 1
    mask[60, 60] = True
    completed = complete(flat, np.zeros((2, 130, 130), np.float32), np.ones((2, 130, 130)) * 0.2, mask)
    assert np.isfinite(completed).all()
    assert completed[0, 60, 60] == np.float32(0.2)


def test_the_row_by_row_solution_is_that_of_the_whole_matrix() -> None:
    random = np.random.default_rng(1)
    rows, columns = 6, 5
    steps = _steps(
        random.random((rows, columns), np.float32), random.random((2, rows, columns), np.float32) / 50
    )
    diagonal = random.uniform(6, 7, (rows, columns)).astype(np.float32)
    sources = random.random((rows, columns, 2), np.float32)
    whole = np.diag(diagonal.reshape(-1).astype(np.float64))
    for (down, right), step in zip(((0, 1), (1, -1), (1, 0), (1, 1)), steps, strict=True):
        for r, c in np.argwhere(step > 0):
            a, b = r * columns + c, (r + down) * columns + c + right
            whole[a, b] = whole[b, a] = -step[r, c]
    expected = np.linalg.solve(whole, sources.reshape(-1, 2)).reshape(sources.shape)
    np.testing.assert_allclose(_solve(diagonal, steps, sources), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gray": np.zeros((4, 4, 3), np.float32)}, "gray must have height and width"),
        ({"automatic": np.zeros((2, 4, 5), np.float32)}, r"automatic must be of shape \(2, 8, 8\)"),
        ({"hints": np.zeros((8, 8, 2), np.float32)}, r"hints must be of shape \(2, 8, 8\)"),
        ({"mask": np.zeros((8, 8), np.float32)}, "mask must be truth values"),
        ({"mask": np.zeros((8, 9), bool)}, r"mask must be truth values of shape \(8, 8\)"),
        (
            {"automatic": np.full((2, 8, 8), np.nan, np.float32)},
            "automatic holds numbers that are not finite",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(change: dict[str, np.ndarray], message: str) -> None:
    inputs = {
        "gray": np.zeros((8, 8), np.float32),
        "automatic": np.zeros((2, 8, 8), np.float32),
        "hints": np.zeros((2, 8, 8), np.float32),
        "mask": np.zeros((8, 8), bool),
    }
    with pytest.raises(ValueError, match=message):
        complete(**(inputs | change))
