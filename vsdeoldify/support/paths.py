"""Paths as people write them."""

import os
from pathlib import Path


def user_path(name: str) -> Path:
    """The path that a user means; a name such as ``~film.mp4`` is a file's, unless there is such a user."""
    return Path(os.path.expanduser(name))  # noqa: PTH111  (Path.expanduser raises where there is none)
