"""A browser that this machine has, and studios to open in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chromium import installed, launched
from studios import make_studio_film

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, driven by Playwright; both must be there already."""
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if installed() is None:
        pytest.skip("no Chromium is installed: apt-get install chromium, for example")
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache folder of all studios here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def _compiled_once(cache: Path) -> Iterator[None]:
    """The network is compiled once for all studios, as on a person's machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("VSDEOLDIFY_COMPILED_GB", "1")
        yield


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of three scenes of ten frames, in a folder of its own."""
    return make_studio_film(tmp_path_factory.mktemp("film") / "film.mkv")
