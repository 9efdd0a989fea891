"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with golden results, film and photographs that lies beside the checkout."""
    folder = Path(os.environ.get("VSDEOLDIFY_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "DESIGN.md").is_file():
        pytest.skip(f"the reference data folder {folder} is not here (set VSDEOLDIFY_SHARED to use another)")
    return folder
