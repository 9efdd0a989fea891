"""The picture metrics against published figures and against values worked out by hand."""

import math

import numpy as np
import pytest

from vsdeoldify import metrics

# G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary
# test data, and mathematical observations", Color Research and Application 30 (2005), table 1.
SHARMA_WU_DALAL = """
50.0000   2.6772 -79.7751  50.0000   0.0000 -82.7485   2.0425
50.0000   3.1571 -77.2803  50.0000   0.0000 -82.7485   2.8615
50.0000   2.8361 -74.0200  50.0000   0.0000 -82.7485   3.4412
50.0000  -1.3802 -84.2814  50.0000   0.0000 -82.7485   1.0000
50.0000  -1.1848 -84.8006  50.0000   0.0000 -82.7485   1.0000
50.0000  -0.9009 -85.5211  50.0000   0.0000 -82.7485   1.0000
50.0000   0.0000   0.0000  50.0000  -1.0000   2.0000   2.3669
50.0000  -1.0000   2.0000  50.0000   0.0000   0.0000   2.3669
50.0000   2.4900  -0.0010  50.0000  -2.4900   0.0009   7.1792
50.0000   2.4900  -0.0010  50.0000  -2.4900   0.0010   7.1792
50.0000   2.4900  -0.0010  50.0000  -2.4900   0.0011   7.2195
50.0000   2.4900  -0.0010  50.0000  -2.4900   0.0012   7.2195
50.0000  -0.0010   2.4900  50.0000   0.0009  -2.4900   4.8045
50.0000  -0.0010   2.4900  50.0000   0.0010  -2.4900   4.8045
50.0000  -0.0010   2.4900  50.0000   0.0011  -2.4900   4.7461
50.0000   2.5000   0.0000  50.0000   0.0000  -2.5000   4.3065
50.0000   2.5000   0.0000  73.0000  25.0000 -18.0000  27.1492
50.0000   2.5000   0.0000  61.0000  -5.0000  29.0000  22.8977
50.0000   2.5000   0.0000  56.0000 -27.0000  -3.0000  31.9030
50.0000   2.5000   0.0000  58.0000  24.0000  15.0000  19.4535
50.0000   2.5000   0.0000  50.0000   3.1736   0.5854   1.0000
50.0000   2.5000   0.0000  50.0000   3.2972   0.0000   1.0000
50.0000   2.5000   0.0000  50.0000   1.8634   0.5757   1.0000
50.0000   2.5000   0.0000  50.0000   3.2592   0.3350   1.0000
60.2574 -34.0099  36.2677  60.4626 -34.1751  39.4387   1.2644
63.0109 -31.0961  -5.8663  62.8187 -29.7946  -4.0864   1.2630
61.2901   3.7196  -5.3901  61.4292   2.2480  -4.9620   1.8731
35.0831 -44.1164   3.7933  35.0232 -40.0716   1.5901   1.8645
22.7233  20.0904 -46.6940  23.0331  14.9730 -42.5619   2.0373
36.4612  47.8580  18.3852  36.2715  50.5065  21.2231   1.4146
90.8027  -2.0831   1.4410  91.1528  -1.6435   0.0447   1.4441
90.9257  -0.5406  -0.9208  88.6381  -0.8985  -0.7239   1.5381
 6.7747  -0.2908  -2.4247   5.8714  -0.0985  -2.2286   0.6377
 2.0776   0.0795  -1.1350   0.9033  -0.0636  -0.5514   0.9082
"""
PAIRS = np.array([line.split() for line in SHARMA_WU_DALAL.strip().splitlines()], dtype=float)


def test_the_published_table_is_complete() -> None:
    assert PAIRS.shape == (34, 7)


@pytest.mark.parametrize("pair", PAIRS, ids=[f"pair{i}" for i in range(1, 35)])
def test_ciede2000_gives_the_published_difference(pair: np.ndarray) -> None:
    # Half a unit of the table's last digit, and the same for the exchanged colours.
    assert float(metrics.ciede2000(pair[:3], pair[3:6])) == pytest.approx(pair[6], abs=5.1e-5)
    assert float(metrics.ciede2000(pair[3:6], pair[:3])) == pytest.approx(pair[6], abs=5.1e-5)


def noise(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def test_equal_pictures_have_no_difference() -> None:
    result = metrics.score(noise(), noise())
    assert result.ciede2000 == 0
    assert result.ab_psnr == math.inf


def test_ab_psnr_of_a_known_shift() -> None:
    lab1 = metrics.rgb_to_lab(np.full((2, 2, 3), 0.5))
    lab2 = lab1 + np.array([7.0, 3.0, 4.0])  # L does not count; the mean of 3² and 4² is 12.5
    assert metrics._lab_psnr(lab1, lab2) == pytest.approx(10 * math.log10(255**2 / 12.5))


def test_ab_psnr_ignores_lightness() -> None:
    gray, brighter = np.full((4, 4, 3), 60, np.uint8), np.full((4, 4, 3), 160, np.uint8)
    assert metrics.ab_psnr(gray, brighter) > 80  # scikit-image's grays are off the axis by 1e-3
    assert metrics.mean_ciede2000(gray, brighter) > 30


def test_colourfulness_of_gray_is_zero() -> None:
    assert metrics.colourfulness(np.repeat(noise()[..., :1], 3, axis=2)) == 0


def test_colourfulness_of_flat_red_is_the_distance_of_the_means() -> None:
    red = np.zeros((3, 3, 3), np.uint8)
    red[..., 0] = 255
    assert metrics.colourfulness(red) == pytest.approx(0.3 * math.hypot(255, 127.5))


def test_colourfulness_of_red_beside_green_counts_the_spread() -> None:
    halves = np.zeros((2, 2, 3), np.uint8)
    halves[:, 0, 0] = halves[:, 1, 1] = 255  # rg = ±255, yb = 127.5 everywhere
    assert metrics.colourfulness(halves) == pytest.approx(255 + 0.3 * 127.5)


@pytest.mark.parametrize("convert", [lambda p: p.astype(np.uint16) * 257, lambda p: p / 255.0])
def test_sample_types_of_one_picture_measure_the_same(convert) -> None:  # type: ignore[no-untyped-def]
    truth, result = noise(1), noise(2)
    expected = metrics.score(truth, result)
    assert metrics.score(convert(truth), convert(result)) == pytest.approx(expected)


def test_score_is_the_three_measures() -> None:
    truth, result = noise(1), noise(2)
    assert metrics.score(truth, result) == (
        metrics.mean_ciede2000(truth, result),
        metrics.ab_psnr(truth, result),
        metrics.colourfulness(result),
    )


def test_sizes_that_differ_are_an_error() -> None:
    with pytest.raises(ValueError, match="one size"):
        metrics.score(noise(), noise()[1:])


@pytest.mark.parametrize("wrong", [np.zeros((4, 4)), np.zeros((4, 4, 4)), np.zeros((2, 2, 3), np.int64)])
def test_what_is_no_picture_is_an_error(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must"):
        metrics.colourfulness(wrong)
