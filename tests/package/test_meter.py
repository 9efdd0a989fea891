"""The measures of flicker, ghosts and colour."""

import math

import canvases
import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from vsdeoldify import meter

SIZE = 48


def still(length: int = 6) -> meter.Film:
    """A picture that stands still, with even colours."""
    chance = np.random.default_rng(0)
    luma = chance.uniform(0.2, 0.8, (SIZE, SIZE)).astype(np.float32)[None].repeat(length, 0)
    chroma = np.full((length, 2, SIZE, SIZE), 0.1, np.float32)
    return meter.Film(luma, chroma)


def moving(length: int = 12) -> meter.Film:
    """A bright red square that crosses a dark blue ground."""
    luma = np.full((length, SIZE, SIZE), 0.2, np.float32)
    chroma = np.empty((length, 2, SIZE, SIZE), np.float32)
    chroma[:, 0], chroma[:, 1] = 0.1, 0.0
    for n in range(length):
        where = (slice(16, 32), slice(3 * n, 3 * n + 12))
        luma[n][where] = 0.8
        chroma[n, 0][where], chroma[n, 1][where] = -0.1, 0.2
    return meter.Film(luma, chroma)


def averaged(film: meter.Film, half: int) -> meter.Film:
    """Every frame's chroma the mean of its neighbours', as a filter that leaves ghosts has it."""
    last = len(film.chroma)
    frames = [film.chroma[max(0, n - half) : min(last, n + half + 1)].mean(0) for n in range(last)]
    return meter.Film(film.luma, np.array(frames))


def test_flicker_is_the_mean_chroma_step_in_levels() -> None:
    film = still()
    film.chroma[::2, 0] += 4 / 255
    assert meter.flicker(film) == pytest.approx(2, rel=1e-4)
    assert meter.flicker(still()) == 0


def test_flicker_ignores_what_moves() -> None:
    film = moving()
    assert meter.flicker(film) == pytest.approx(0, abs=1e-6)


def test_flicker_does_not_look_across_cuts() -> None:
    film = still()
    film.chroma[3:] += 0.1
    assert meter.flicker(film, cuts=[3]) == 0
    assert meter.flicker(film) > 1


def test_nothing_still_or_moving_is_nan() -> None:
    assert math.isnan(meter.ghosting(still(), still()))
    assert math.isnan(meter.foreign(still(), still()))
    restless = still()
    restless.luma[::2] = 1 - restless.luma[::2] / 2
    assert math.isnan(meter.flicker(restless))


def test_ghosting_is_the_chroma_error_where_things_move() -> None:
    film = moving()
    assert meter.ghosting(film, film) == 0
    assert meter.ghosting(averaged(film, 1), film) > 1
    assert meter.ghosting(averaged(film, 3), film) > meter.ghosting(averaged(film, 1), film)
    elsewhere = meter.Film(film.luma, film.chroma.copy())
    elsewhere.chroma[:, :, :8] = 0.4
    assert meter.ghosting(elsewhere, film) == 0


def test_foreign_is_the_share_of_the_other_things_colour() -> None:
    film = moving()
    assert meter.foreign(film, film) == 0
    assert 0.1 < meter.foreign(averaged(film, 3), film) < 0.6


def test_a_quarter_of_the_other_things_colour_is_a_quarter() -> None:
    # The whole picture is one thing for six frames and another for six.
    luma, chroma = np.full((12, SIZE, SIZE), 0.2, np.float32), np.zeros((12, 2, SIZE, SIZE), np.float32)
    luma[6:], chroma[:6, 0], chroma[6:, 1] = 0.8, 0.2, 0.2
    for share in (0.25, 1.0):
        mixed = meter.Film(luma, (1 - share) * chroma + share * chroma[::-1])
        assert meter.foreign(mixed, meter.Film(luma, chroma)) == pytest.approx(share, abs=1e-4)


def test_flicker_is_no_foreign_colour() -> None:
    film = moving(24)
    noise = np.random.default_rng(1).normal(0, 0.05, film.chroma.shape).astype(np.float32)
    flickering = meter.Film(film.luma, film.chroma + noise)
    calmed = meter.Film(film.luma, film.chroma + 0.2 * noise)
    assert abs(meter.foreign(calmed, flickering)) < 0.05


def test_saturation_is_the_share_of_the_chroma_that_is_left() -> None:
    film = still()
    assert meter.saturation(meter.Film(film.luma, 0.86 * film.chroma), film) == pytest.approx(0.86)
    assert math.isnan(meter.saturation(film, meter.Film(film.luma, 0 * film.chroma)))


def test_bleeding_is_the_worst_error_at_a_cut() -> None:
    film = still(8)
    changed = meter.Film(film.luma, film.chroma.copy())
    changed.chroma[3] += 5 / 255
    changed.chroma[6] += 9 / 255
    assert meter.bleeding(changed, film, [4]) == pytest.approx(5, rel=1e-4)
    assert meter.bleeding(changed, film, [2]) == 0


def test_cdc_is_the_mean_divergence_of_the_histograms() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (7, 16, 16, 3)).astype(np.uint8)
    expected = []
    for step in (1, 2, 4):
        values = []
        for t in range(7 - step):
            for channel in range(3):
                p, q = (np.bincount(rgb[n, ..., channel].ravel(), minlength=256) for n in (t, t + step))
                values.append(jensenshannon(p, q) ** 2)
        expected.append(np.mean(values))
    assert meter.cdc(rgb) == pytest.approx(np.mean(expected))


def test_cdc_is_0_for_a_frozen_picture_and_ln_2_for_pictures_without_a_common_colour() -> None:
    frozen = np.full((6, 8, 8, 3), 70, np.uint8)
    assert meter.cdc(frozen) == 0
    alternating = frozen.copy()
    alternating[3:] = 200
    assert meter.cdc(alternating[2:4]) == pytest.approx(math.log(2))
    assert meter.cdc(alternating, cuts=[3]) == 0


def test_a_gray_film_is_colourless_and_to_rgb_shows_what_a_viewer_sees() -> None:
    film = still(2)
    gray = meter.Film(film.luma, 0 * film.chroma)
    assert meter.colourfulness(meter.to_rgb(gray)) == 0
    assert meter.colourfulness(meter.to_rgb(film)) > 20
    expected = np.rint(255 * np.clip(film.luma + 1.402 * 0.1, 0, 1))
    assert np.array_equal(meter.to_rgb(film)[..., 0], expected.astype(np.uint8))


def test_measure_reads_clips_and_takes_all_measures() -> None:
    film = moving()
    ghosts = averaged(film, 2)
    clip = canvases.canvas(np.concatenate([ghosts.luma[:, None], ghosts.chroma], 1))
    read = meter.read(clip, SIZE)
    assert np.allclose(read.chroma, ghosts.chroma, atol=1e-6)
    report = meter.measure(read, film, film, cuts=[6])
    assert report.ghosting == meter.ghosting(read, film, [6])
    assert report.foreign == meter.foreign(read, film, [6])
    assert report.bleeding is not None
    assert report.bleeding > 0
    assert report.cdc > 0
    alone = meter.measure(clip)
    assert (alone.ghosting, alone.foreign, alone.saturation, alone.bleeding) == (None,) * 4


def test_measure_refuses_films_that_do_not_match_and_cuts_outside() -> None:
    with pytest.raises(ValueError, match="one length and size"):
        meter.measure(still(4), still(5))
    with pytest.raises(ValueError, match="within 1–3"):
        meter.measure(still(4), cuts=[4])
