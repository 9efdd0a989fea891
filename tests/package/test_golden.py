"""The stored results: packed without loss, small, and of every merge and filter."""

from pathlib import Path

import goldens
import numpy as np
import official
import packing
import pytest
from vapoursynth import core


def pictures() -> dict[str, packing.Array]:
    """A smooth picture, one that is near it, and one that is not."""
    smooth = np.add.outer(np.arange(40), np.arange(50))[..., None] + np.array([0, 30, 60])
    chance = np.random.default_rng(1)
    return {
        "smooth": smooth.astype(np.uint8),
        "near": (smooth + chance.integers(0, 2, smooth.shape)).astype(np.uint8),
        "far": chance.choice(np.array([0, 255], np.uint8), smooth.shape),
    }


def test_arrays_come_back_bit_for_bit_with_their_types(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    arrays = pictures() | {
        "numbers": chance.normal(size=(2, 5, 7)).astype(np.float32),
        "sixteen": chance.integers(0, 65536, (3, 4), np.uint16),
        "bytes": chance.integers(0, 256, (6, 3), np.uint8),
    }
    path = tmp_path / "a.npz.xz"
    packing.write(path, arrays, {"near": "smooth", "far": "smooth"})
    found = packing.read(path)
    assert found is packing.read(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
        with pytest.raises(ValueError, match="read-only"):
            found[name][...] = 0


def test_a_picture_near_another_takes_less_room_as_their_difference(tmp_path: Path) -> None:
    sizes = []
    chance = np.random.default_rng(3)
    arrays = {"one": chance.integers(9, 200, (64, 64, 3), np.uint8)}
    arrays["other"] = arrays["one"] + np.uint8(5)
    for bases in ({}, {"other": "one"}):
        packing.write(tmp_path / f"{len(bases)}.npz.xz", arrays, bases)
        sizes.append((tmp_path / f"{len(bases)}.npz.xz").stat().st_size)
    assert sizes[1] < 0.6 * sizes[0]


def test_all_stored_results_take_at_most_8_megabytes() -> None:
    files = [path for path in goldens.GOLDEN.rglob("*") if path.suffix != ".pyc" and path.is_file()]
    assert len(files) > 5
    assert sum(path.stat().st_size for path in files) <= 8_000_000


@pytest.mark.parametrize("kind", ["corrected", "original"])
def test_every_listed_frame_is_there_and_no_other(kind: str) -> None:
    expected = set()
    for function in goldens.FUNCTIONS:
        for case in goldens.cases(kind, function):
            for n in map(int, case["frames"]):
                assert goldens.golden(case, n).shape == (192, 256, 3)
                if case["frames"][str(n)] is None:
                    expected.add(f"{kind}/{case['id']}/{n:02}")
                assert kind == "corrected" or not goldens.defect(case, n) or case["id"] in goldens.TAKEN_OFF
    assert expected == {key for key in packing.read(goldens.FILTERS) if key.startswith(kind)}


def test_every_function_of_the_original_is_covered() -> None:
    for function in goldens.FUNCTIONS:
        found = [case for kind in ("corrected", "original") for case in goldens.cases(kind, function)]
        assert found, function
        if function == "vs_combine_models":
            assert {case["params"]["method"] for case in found} == {2, 3, 4, 5}


def test_every_network_is_covered_raw_and_as_a_whole_colouriser() -> None:
    deoldify, ddcolor = (set(packing.read(path)) for path in (official.DEOLDIFY, official.DDCOLOR))
    for net in ("wide", "deep"):
        assert {f"raw/noise_colour_96x160/{net}/full", f"raw/photo_256/{net}/strided"} <= deoldify
        assert {f"filter/{name}/{net}/rf{n}" for name in ("noise", "photo") for n in (10, 11, 16)} <= deoldify
    for net in ("large", "tiny"):
        assert {f"net/smooth_256/{net}/strided", f"net/smooth_384/{net}/pool64"} <= ddcolor
        assert {f"frame/{name}/256/{net}/out_pool80x60" for name in ("smooth", "range")} <= ddcolor


def test_the_film_in_colour_opens() -> None:
    clip = core.bs.VideoSource(str(goldens.COLOUR_CLIP), cachemode=0)
    assert (len(clip), clip.width, clip.height) == (40, 480, 270)
