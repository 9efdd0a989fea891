"""The studio's page in a browser: going to a frame, what the stage shows."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = 90_000
"""Milliseconds that something may take on a machine that is busy with other things."""

Pixels = NDArray[np.int64]


def expect(found: Any) -> Any:
    """Playwright's, which waits until something holds."""
    return pytest.importorskip("playwright.sync_api", reason="Playwright is not installed").expect(found)


class Watched:
    """A page, and what it complains of.

    Args:
        page: the page.

    Attributes:
        page: the page.
        complaints: errors and warnings of its console.
        hosts: those that it has asked for something.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "request", lambda request: self.hosts.add(re.split("[/:]+", request.url.removeprefix("blob:"))[1])
        )

    def _heard(self, kind: str, text: str) -> None:
        # Chromium writes a line of its own for each answer that is a refusal.
        if kind in ("error", "warning") and "the server responded with a status of 4" not in text:
            self.complaints.append(text)


def open_page(page: Page, address: str) -> None:
    """Open a studio and wait until its film is there."""
    page.goto(address)
    expect(page.locator("body")).not_to_have_class("opening", timeout=LONG)


def go(page: Page, frame: int, shown: str = "calm") -> None:
    """Go to a frame and wait for its picture."""
    page.locator("#frame-number").fill(str(frame))
    page.locator("#frame-number").press("Enter")
    page.locator("#frame-number").press("Escape")
    page.locator("#stage").focus()
    rested(page, frame, shown)


def rested(page: Page, frame: int, shown: str = "calm") -> None:
    """Wait until the stage shows a frame in its last state."""
    expect(page.locator("#stage")).to_have_attribute("data-shown", f"{frame} {shown}", timeout=LONG)


def stage(page: Page, width: int, height: int) -> Pixels:
    """The picture on the stage: its pixels in RGB, brought to the film's size."""
    return cut(
        page,
        f"""(stage => {{
            const w = Math.min(stage.width, stage.height * {width / height}), h = w / {width / height};
            return [(stage.width - w) / 2, (stage.height - h) / 2, w, h];
        }})(stage)""",
        width,
        height,
    )


def cut(page: Page, where: str, width: int, height: int) -> Pixels:
    """A part of the stage at another size, in RGB.

    Args:
        page: the page.
        where: an expression of JavaScript that gives x, y, width and height, in pixels of `stage`.
        width: of the result.
        height: of the result.
    """
    # As a picture: Playwright takes seconds for as many numbers.
    address = page.evaluate(
        f"""() => {{
            const stage = document.getElementById('stage'), part = document.createElement('canvas');
            [part.width, part.height] = [{width}, {height}];
            part.getContext('2d').drawImage(stage, ...{where}, 0, 0, {width}, {height});
            return part.toDataURL('image/png');
        }}"""
    )
    data = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int64)


def place(page: Page, x: float, y: float, aspect: float) -> tuple[float, float]:
    """Where a place of the film, in shares of its width and height, is on the screen."""
    box = page.locator("#stage").bounding_box()
    assert box is not None
    wide = min(box["width"], box["height"] * aspect)
    high = wide / aspect
    return box["x"] + (box["width"] - wide) / 2 + x * wide, box["y"] + (box["height"] - high) / 2 + y * high


def choose(page: Page, colour: str) -> None:
    """Choose the colour to paint with, as #rrggbb."""
    page.locator("#hex").fill(colour)
    page.locator("#hex").press("Enter")
    page.locator("#hex").press("Escape")
    page.locator("#stage").focus()


def completed(page: Page) -> None:
    """Wait until what was painted is completed, and the frame a reference."""
    expect(page.locator("body")).to_have_attribute("data-completing", "no", timeout=LONG)
    expect(page.locator("body")).to_have_attribute("data-keeping", "no", timeout=LONG)
