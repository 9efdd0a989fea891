"""Names of films that are no text (not UTF-8), as disks of old systems have them."""

import os
import re
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from films import FFMPEG, coloured, make_film, run, see
from vapoursynth import core

from vsdeoldify.cli import main
from vsdeoldify.film import ffmpeg
from vsdeoldify.film.reel import find_reel
from vsdeoldify.film.script import make_script
from vsdeoldify.pictures.files import write_picture
from vsdeoldify.settings.presets import preset
from vsdeoldify.vsutils.propagation.folder import read_picture

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names"),
]
LATIN = os.fsdecode(b"f\xeate d'\xe9t\xe9")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names") / LATIN
    folder.mkdir()
    return make_film(folder / f"{LATIN}.mkv", "-c:v", "ffv1", "-c:a", "flac", seconds=6)


@pytest.fixture(scope="module")
def plain(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same film under a plain name."""
    return Path(shutil.copy(film, tmp_path_factory.mktemp("plain") / "film.mkv"))


def test_a_film_is_coloured_as_under_any_other_name(film: Path, plain: Path, tmp_path: Path) -> None:
    output = film.with_name(f"out {LATIN}.mkv")
    lossless = ("--encoder-options", "-c:v ffv1")
    said = coloured(film, output, *lossless)
    assert "120 frames" in said
    assert "note:" not in said, "its index is kept as any other's"
    shutil.copy(output, tmp_path / "out.mkv")
    coloured(plain, tmp_path / "plain.mkv", *lossless)
    one, other = see(tmp_path / "out.mkv"), see(tmp_path / "plain.mkv")
    np.testing.assert_array_equal(one.luma(), other.luma())
    assert [s.kind for s in ffmpeg.contents(FFMPEG, output).streams] == ["Video", "Audio"]


def opened(script: str) -> vs.VideoNode:
    """The clip that a script opens, before it is coloured."""
    variables = {"core": core, "vs": vs}
    exec(script[script.index("source = ") : script.index("clip = colorize(")], variables)
    clip = variables["source"]
    assert isinstance(clip, vs.VideoNode)
    return clip


def test_scripts_hold_names_that_vapoursynth_opens(film: Path, tmp_path: Path) -> None:
    text = make_script(film, preset("preview"), cache=tmp_path / LATIN)
    text.encode("ascii")
    assert opened(text).num_frames == 120
    assert any(tmp_path.rglob("*.bsindex")), "a cache folder's name is taken so too"


def test_numbered_pictures_are_a_film(tmp_path: Path) -> None:
    folder = tmp_path / LATIN
    folder.mkdir()
    for n in range(3):
        write_picture(folder / f"{LATIN} {n:03}.png", np.full((32, 48, 3), 60 + 20 * n, np.uint8))
    ran = run("colorize", folder, "--film", "--fps", "18", "-o", tmp_path / "out.mkv")
    assert ran.code == 0, ran.said
    assert see(tmp_path / "out.mkv").clip.num_frames == 3
    assert opened(make_script(find_reel(folder, Fraction(18)), preset("preview"))).num_frames == 3


def test_the_other_commands_take_it(film: Path, tmp_path: Path) -> None:
    own = film.with_name(f"own {LATIN}.mkv")
    make_film(own, "-c:v", "ffv1", "-an")
    for command, *options in (
        ("colorize", "--preview", "2", "-o", tmp_path / "sheet.png"),
        ("references", "--preset", "preview", "-o", tmp_path / "pictures"),
        ("compare", "--models", "gray", "--frames", "2"),
    ):
        ran = run(command, own, *options)
        assert ran.code == 0, ran.said
    assert main(["scenes", str(own)]) == 0
    picture = next((tmp_path / "pictures").glob("ref_*.png"))
    named = Path(shutil.copy(picture, tmp_path / f"{LATIN}.png"))
    np.testing.assert_array_equal(read_picture(named, 32), read_picture(picture, 32))


def test_what_is_no_film_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"{LATIN}.mkv"
    path.write_bytes(bytes(range(256)) * 40)
    for arguments in (["colorize", "--preset", "preview"], ["compare", "--models", "gray"]):
        assert main([arguments[0], str(path), *arguments[1:]]) == 1
        said = capsys.readouterr().err
        assert "is no film of a known format, or it is damaged" in said
        assert not re.search(r"codec can't|Traceback", said)
