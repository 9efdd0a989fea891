"""How much memory VapourSynth may fill with frames while a film is rendered."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import vapoursynth as vs

from vsdeoldify.film.frames import Wanted, write_frames

SCRIPT = """
import vapoursynth as vs
{first}
vs.core.std.BlankClip(None, {width}, {height}, vs.{format}, 3).set_output()
"""


@pytest.fixture
def usual() -> Iterator[int]:
    """A bound of 8,000 MB, as on a computer with 16 GB; afterwards as it was."""
    before = vs.core.max_cache_size
    vs.core.max_cache_size = 8000
    yield 8000
    vs.core.max_cache_size = before


def bound(folder: Path, width: int, height: int, form: str, first: str = "") -> int:
    """The bound in MB after a script was rendered."""
    script = folder / "film.vpy"
    script.write_text(SCRIPT.format(width=width, height=height, format=form, first=first), encoding="utf-8")
    write_frames(script, Wanted((0, 1)), BytesIO(), 1)
    return vs.core.max_cache_size


def test_larger_frames_may_take_more(tmp_path: Path, usual: int) -> None:
    small = bound(tmp_path, 720, 576, "YUV420P8")
    assert small == 1536 + 300 * 720 * 576 * 3 // 2 // 1_000_000
    vs.core.max_cache_size = usual
    large = bound(tmp_path, 1920, 1080, "YUV444P16")
    assert large == 1536 + 300 * 1920 * 1080 * 6 // 1_000_000
    vs.core.max_cache_size = usual
    assert bound(tmp_path, 720, 576, "GRAY8") < small


@pytest.mark.parametrize("least", [700, 2000])
def test_never_more_than_vapoursynth_itself_would_take(tmp_path: Path, usual: int, least: int) -> None:
    vs.core.max_cache_size = least
    assert bound(tmp_path, 3840, 2160, "YUV444P16") == least


def test_what_a_script_sets_stays(tmp_path: Path, usual: int) -> None:
    assert bound(tmp_path, 720, 576, "YUV420P8", "vs.core.max_cache_size = 5000") == 5000
