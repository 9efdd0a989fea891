"""The whole story on a real film: open it, say what colour two things are, look, render.

The render goes on although the page and the studio are closed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pages
import pytest
from films import run_ffmpeg, see
from numpy.typing import NDArray
from pages import LONG, Watched, choose, completed, expect, go, open_page, rested
from processes import programs_with
from studios import studio_command

from vsdeoldify.studio.rendering import Rendering
from vsdeoldify.studio.sheets import folder_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FILM = Path(__file__).parents[2] / "demo" / "film.mp4"
WIDTH, HEIGHT, ASPECT = 480, 270, 480 / 270
FRAMES = 14
SCENE = range(4, 14)
"""A man before a wall, on a floor of boards."""
WALL, FLOOR = (0.35, 0.3), (0.2, 0.85)

pytestmark = pytest.mark.timeout(400)


def chroma_at(luma_chroma: NDArray[np.int64], place: tuple[float, float]) -> float:
    """The mean of a chroma plane of 4:2:0 around a place, from neutral."""
    row, column = round(place[1] * HEIGHT / 2), round(place[0] * WIDTH / 2)
    return float(luma_chroma[row - 5 : row + 6, column - 5 : column + 6].mean()) - 128


def test_two_hints_colour_their_things_in_every_frame_of_the_scene_and_nowhere_else(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = tmp_path / "film.mp4"
    chosen = "select='between(n,26,29)+between(n,60,69)',setpts=N/10/TB"
    run_ffmpeg("-i", FILM, "-vf", chosen, "-crf", "14", "-colorspace", "smpte170m", film)
    output = tmp_path / "film_colour.mp4"
    with studio_command(film, tmp_path / "cache") as opened:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        watched = Watched(page)
        open_page(page, opened.address)
        expect(page.locator(".scene")).to_have_count(2)
        page.locator(".scene").nth(1).click()
        frame = int(page.locator("#frame-number").input_value())
        rested(page, frame)
        before = pages.stage(page, WIDTH, HEIGHT)
        page.keyboard.press("b")
        for colour, spot in (("#5a78c8", WALL), ("#3f8f4a", FLOOR)):
            choose(page, colour)
            page.mouse.click(*pages.place(page, *spot, ASPECT))
            completed(page)
        page.keyboard.press("c")
        for looked in (frame, SCENE[-1]):
            go(page, looked)
            after = pages.stage(page, WIDTH, HEIGHT)
            for spot, channel in ((WALL, 2), (FLOOR, 1)):
                row, column = round(spot[1] * HEIGHT), round(spot[0] * WIDTH)
                change = (after - before)[row - 5 : row + 6, column - 5 : column + 6]
                assert change[..., channel].mean() > change[..., 0].mean() + 12, (looked, spot)
        page.keyboard.press("r")
        page.locator("#render-go").click()
        page.locator("#pieces .chip").first.click(timeout=2 * LONG)
        rested(page, 0, "rendered")
        assert np.abs(pages.stage(page, WIDTH, HEIGHT).mean(axis=2) - luma_of(film, 0)).mean() < 6
        assert watched.complaints == []
        assert watched.hosts == {"127.0.0.1"}
        opened.process.terminate()
        assert opened.process.wait(20) == 0 or sys.platform == "win32"
        expect(page.locator("#toasts")).to_contain_text("has been ended", timeout=LONG)
        page.close()
        assert not [line for line in programs_with(str(film)).values() if "studio" in line]
    # Neither the page nor the studio is there any more.
    until = time.monotonic() + 120
    while not output.exists():
        assert time.monotonic() < until, [path.read_text() for path in (tmp_path / "cache").rglob("render.*")]
        time.sleep(0.2)

    clip = see(output).clip
    assert len(clip) == FRAMES
    for n, shown in enumerate(clip.frames(close=True)):
        u, v = (np.asarray(shown[index]).astype(np.int64) for index in (1, 2))
        wall = chroma_at(u, WALL) - chroma_at(v, WALL)
        floor = -chroma_at(u, FLOOR) - chroma_at(v, FLOOR)
        if n in SCENE:
            assert wall > 20, n
            assert floor > 16, n
        else:
            assert wall < 10, n
            assert floor < 10, n
    # Another studio takes up what this one began.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rendering = Rendering(film, tmp_path / "film.vsdeoldify.json", output, folder_of(film))
    while (state := rendering.state())["running"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert (state["finished"], state["error"]) == (True, None)
    assert state["pieces"] == [(0, SCENE[0]), (SCENE[0], FRAMES)]


def luma_of(film: Path, number: int) -> NDArray[np.int64]:
    """The luma of a frame, 0–255."""
    with see(film).clip.get_frame(number) as frame:
        return (np.asarray(frame[0]).astype(np.int64) - 16) * 255 // 219
