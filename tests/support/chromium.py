"""The Chromium that this machine has, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def installed() -> str | None:
    """The program, if there is one."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser without a window.

    Raises:
        ImportError: Playwright is not installed.
        RuntimeError: there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    program = installed()
    if program is None:
        raise RuntimeError("no Chromium is installed: apt-get install chromium, for example")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
