"""The whole story on a real film: open it, say what colour two things are, look, render, change, go on.

The film is the one of the stored results: eighteen frames of a woman in a pullover before a wall, then six of
a man. Both are there in colour, too, from which a test knows where the pullover is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import goldens
import numpy as np
import pages
import pytest
import vapoursynth as vs
from films import run_ffmpeg, see
from numpy.typing import NDArray
from pages import LONG, Watched, choose, completed, expect, go, open_page, rested
from processes import programs_with
from studios import studio_command, written

from vsdeoldify.settings.project_file import read_project
from vsdeoldify.studio.rendering import Rendering
from vsdeoldify.studio.sheets import folder_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HEIGHT, WIDTH = 192, 256
ASPECT = WIDTH / HEIGHT
SCENE, FRAMES, HINTED = 18, 24, 8
BLUE, GREEN = "#3b62b5", "#6f9a70"
# Over the breast and along both sleeves, in shares of the picture; and a place on the wall.
PULLOVER = [(0.42, 0.72), (0.42, 0.52), (0.55, 0.50), (0.66, 0.54), (0.67, 0.74)]
WALL = (0.36, 0.17)
# The neck, the wall beside it and the panel beside the arm, which are to stay as they are.
KEPT = [(0.51, 0.33), (0.62, 0.33), (0.375, 0.52)]
# Where the end of a sleeve lies on the table: the stored colours leave it gray.
SLEEVE = np.s_[round(0.74 * HEIGHT) :, round(0.55 * WIDTH) : round(0.80 * WIDTH)]

pytestmark = pytest.mark.timeout(400)


class Wool(NamedTuple):
    """Where the pullover of a frame surely is, and where it may be at most, with its dark seams."""

    sure: NDArray[np.bool_]
    at_most: NDArray[np.bool_]


def make_film(path: Path) -> list[Wool]:
    """Write the film, and tell where the pullover is in each frame: green, as the stored results have it."""
    pictures = goldens.inputs("a")
    raw = path.with_suffix(".raw")
    raw.write_bytes(b"".join(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).tobytes() for one in pictures))
    run_ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", "12", "-i", raw),
        *("-vf", "format=yuv420p", "-crf", "8", "-colorspace", "smpte170m", path),
    )
    raw.unlink()
    return [Wool(_greens(one, 24), _greens(one, 7)) for one in pictures[:SCENE]]


def _greens(picture: NDArray[np.uint8], least: int) -> NDArray[np.bool_]:
    """The largest thing that is so much more green than red."""
    green = (picture[..., 1].astype(int) - picture[..., 0] > least).astype(np.uint8)
    opened = cv2.morphologyEx(green, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(opened)
    return np.asarray(labels == 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax()))


def test_the_whole_story(browser: Browser, tmp_path: Path, cache: Path) -> None:
    film, output = tmp_path / "film.mp4", tmp_path / "film_colour.mp4"
    pullover = make_film(film)
    assert all(0.05 < one.sure.mean() < one.at_most.mean() < 0.2 for one in pullover)
    with studio_command(film, cache) as opened:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        watched = Watched(page)
        open_page(page, opened.address)
        expect(page.locator(".scene")).to_have_count(2)
        go(page, HINTED)
        page.keyboard.press("b")
        choose(page, BLUE)
        draw(page, PULLOVER)
        choose(page, GREEN)
        page.mouse.click(*pages.place(page, *WALL, ASPECT))
        completed(page)
        page.keyboard.press("k")
        for spot in KEPT:
            page.mouse.click(*pages.place(page, *spot, ASPECT))
            completed(page)
        page.keyboard.press("c")
        for looked in (HINTED, 0, SCENE - 1):
            go(page, looked)
            check_blue(pages.stage(page, WIDTH, HEIGHT), pullover[looked], looked)
        render(page)
        expect(page.locator("#render-says")).to_contain_text("finished", timeout=2 * LONG)
        first = written(output)
        assert sorted(first) == [(0, SCENE), (SCENE, FRAMES)]
        made = frames_of(output)
        # Another setting for the scene with the man; neither page nor studio waits for what comes of it.
        page.locator("#pieces .chip").nth(1).click()
        rested(page, SCENE, "rendered")
        shown = pages.stage(page, WIDTH, HEIGHT)
        assert np.abs(shown - made[SCENE]).mean() < 4
        page.keyboard.press("c")
        page.locator("[data-scope=scene]").click()
        page.get_by_role("slider", name="Saturation").fill("0")
        expect(page.locator(".own-settings")).to_have_count(1, timeout=LONG)
        render(page)
        expect(page.locator("#render-stop")).to_be_visible(timeout=LONG)
        assert watched.complaints == []
        assert watched.hosts == {"127.0.0.1"}
        opened.process.terminate()
        assert opened.process.wait(20) == 0 or sys.platform == "win32"
        expect(page.locator("#toasts")).to_contain_text("has been ended", timeout=LONG)
        page.close()
        assert not [line for line in programs_with(str(film)).values() if "studio" in line]

    for n, frame in enumerate(made):
        if n < SCENE:
            check_blue(frame, pullover[n], n)
        else:
            assert blueness(frame).max() < 12, n
    # Another studio takes up what this one began.
    rendering = Rendering(film, tmp_path / "film.vsdeoldify.json", output, folder_of(film))
    wait(lambda: not rendering.state()["running"])
    state = rendering.state()
    assert (state["finished"], state["error"]) == (True, None)
    second = written(output)
    assert [span for span in second if second[span] != first[span]] == [(SCENE, FRAMES)]
    again = frames_of(output)
    assert all(np.array_equal(again[n], made[n]) for n in range(SCENE))
    assert max(np.ptp(frame, axis=2).max() for frame in again[SCENE:]) < 8 < np.ptp(made[-1], axis=2).max()
    assert [bool(one.settings) for one in read_project(tmp_path / "film.vsdeoldify.json").scenes] == [
        False,
        True,
    ]


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    """Paint a line with the mouse."""
    page.mouse.move(*pages.place(page, *points[0], ASPECT))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*pages.place(page, *point, ASPECT), steps=4)
    page.mouse.up()
    completed(page)


def render(page: Page) -> None:
    page.keyboard.press("r")
    page.locator("#render-go").click()


def blueness(picture: NDArray[Any]) -> NDArray[np.float32]:
    """How much more blue than red is in each place, a little blurred: chroma is coarse."""
    difference = picture[..., 2].astype(np.float32) - picture[..., 0]
    return np.asarray(cv2.blur(difference, (7, 7)), np.float32)


def check_blue(picture: NDArray[Any], pullover: Wool, n: int) -> None:
    """The pullover is blue, and nothing else is, but for a seam beside it."""
    inside = cv2.erode(pullover.sure.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    outside = cv2.dilate(pullover.at_most.astype(np.uint8), np.ones((11, 11), np.uint8)) == 0
    outside[SLEEVE] = False
    blue = blueness(picture)
    assert (blue[inside] > 25).mean() > 0.85, (n, (blue[inside] > 25).mean())
    assert (blue[outside] > 12).mean() < 0.01, (n, (blue[outside] > 12).mean())


def frames_of(film: Path) -> list[NDArray[np.uint8]]:
    """All frames in RGB."""
    clip = see(film).clip
    assert len(clip) == FRAMES
    clip = clip.resize.Bicubic(format=vs.RGB24, matrix_in=vs.MATRIX_ST170_M)
    return [goldens.picture_of(clip, n) for n in range(FRAMES)]


def wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)
