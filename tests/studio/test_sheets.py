"""The pass over a film that finds its scenes and makes the sheets for scrubbing."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from vsdeoldify.film.clips import told
from vsdeoldify.film.scenes import find_scenes
from vsdeoldify.film.source import open_file
from vsdeoldify.studio.sheets import make_sheets
from vsdeoldify.support.reporter import SILENT

DEMO = Path(__file__).parents[2] / "demo" / "film.mp4"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_it_finds_the_scenes_that_the_command_finds_whatever_the_film_is_called(tmp_path: Path) -> None:
    path = tmp_path / f"{os.fsdecode(b'f\xeate')}.mp4"
    shutil.copyfile(DEMO, path)
    (tmp_path / "sheets").mkdir()
    film = open_file(path)
    sheets = make_sheets(film, told(film), tmp_path / "sheets", SILENT)
    found = find_scenes(path)[1]
    assert sheets.scenes(sheets.firsts) == found
    assert len(found) > 1
    assert sorted(one.name for one in (tmp_path / "sheets").glob("*.jpg")) == [
        f"{number}.jpg" for number in range(sheets.count)
    ]
