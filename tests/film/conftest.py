"""What the tests of films share."""

import os
from pathlib import Path

import pytest
from films import FFMPEG, OTHER

from vsdeoldify.film.ffmpeg import choose_ffmpeg


@pytest.fixture
def other_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> str:
    """`colorize` uses another ffmpeg; the test's own films are made and looked at with the first.

    Returns:
        The program.
    """
    if OTHER is None:
        pytest.skip("no second ffmpeg: VSDEOLDIFY_OTHER_FFMPEG names none")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(OTHER).parent), os.environ["PATH"]]))
    assert choose_ffmpeg() == (OTHER, None)
    return OTHER


@pytest.fixture(params=["found", "other"])
def each_ffmpeg(request: pytest.FixtureRequest) -> str:
    """The test runs with the ffmpeg that is found here, and once more with another one where there is one.

    Returns:
        The program.
    """
    if request.param == "found":
        return FFMPEG
    program: str = request.getfixturevalue("other_ffmpeg")
    return program
