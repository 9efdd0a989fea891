"""`ddeoldify()` and `ddeoldify_stabilizer()` give what they always gave, in all formats and with all methods.

The stored results are those of version 4.0 (`golden/make_bytes.py` wrote them before its code was moved into
other modules). A change of a result must be meant, and comes with results made anew.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import byte_cases
import numpy as np
import pytest
import vapoursynth as vs
from byte_cases import ALL_FORMATS, Case
from goldens import GOLDEN

from vsdeoldify.vsutils.propagation import motion

FOLDER = GOLDEN / "bytes"
RECORD: dict[str, Any] = json.loads((FOLDER / "sums.json").read_text(encoding="utf-8"))
CASES = list(byte_cases.cases())


@pytest.fixture(scope="module", autouse=True)
def no_motion() -> Iterator[None]:
    """Key frames as version 4.0 has them: without the plugin for motion."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(motion, "is_available", lambda: False)
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    byte_cases.write_models(folder)
    return folder


@pytest.fixture(scope="module")
def golden() -> dict[str, byte_cases.Samples]:
    return byte_cases.stored(FOLDER)


@pytest.fixture(scope="module")
def sums() -> dict[str, str]:
    """The sums of the results made so far in this run, so that none is made twice."""
    return {}


def test_every_stored_result_has_its_case() -> None:
    assert [case.name for case in CASES] == list(RECORD["results"])


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_the_test_clip_is_the_stored_one(name: str) -> None:
    assert byte_cases.digest(byte_cases.render(byte_cases.source(name))) == RECORD["sources"][name]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_results_are_the_stored_ones(
    case: Case, models: Path, golden: dict[str, byte_cases.Samples], sums: dict[str, str]
) -> None:
    """On any processor, up to what another order of summing moves; the luma of YUV is the clip's own."""
    clip, source = byte_cases.result(case, models), byte_cases.source(case.format)
    assert clip.format.name == RECORD["results"][case.name]["format"]
    frames = byte_cases.render(clip)
    assert len(frames) == len(case.frames)
    if clip.format.color_family == vs.YUV:
        for n, planes in zip(case.frames, frames, strict=True):
            assert np.array_equal(planes[0], source.get_frame(n)[0])
    assert byte_cases.difference(byte_cases.samples(case, clip, frames), golden[case.name]) is None
    sums[case.name] = byte_cases.digest(frames)


def test_all_bytes_are_the_stored_ones_where_they_were_made(models: Path, sums: dict[str, str]) -> None:
    """Every bit of every frame; asked only of the same processor and libraries (see `byte_cases.mark`)."""
    here, there = byte_cases.mark(), RECORD["made_on"]
    if here != there:
        others = ", ".join(f"{key} {here[key]}, not {there[key]}" for key in there if here[key] != there[key])
        pytest.skip(f"other last bits are to be expected here: {others}")
    for case in CASES:
        if case.name not in sums:
            sums[case.name] = byte_cases.digest(byte_cases.render(byte_cases.result(case, models)))
    assert sums == {name: stored["sha256"] for name, stored in RECORD["results"].items()}
