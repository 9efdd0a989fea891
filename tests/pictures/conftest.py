"""Fixtures of the tests of pictures."""

import pytest
from commands import Colorize

from vsdeoldify.cli import main


@pytest.fixture
def colorize(capsys: pytest.CaptureFixture[str]) -> Colorize:
    """`vsdeoldify colorize` with the bundled model."""

    def run(*arguments: object) -> tuple[int, str]:
        options = ("--preset", "preview", "--device", "cpu", "--render-factor", "10")
        code = main(["colorize", *map(str, arguments), *options])
        return code, capsys.readouterr().err

    return run
