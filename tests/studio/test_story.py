"""The whole story on a real film: open it, say what colour two things are, look, render.

The render goes on although the page and the studio are closed.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pages
import pytest
from films import run_ffmpeg, see
from numpy.typing import NDArray
from pages import LONG, Watched, choose, completed, expect, go, open_page, rested
from studios import studio_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FILM = Path(__file__).parents[2] / "demo" / "film.mp4"
WIDTH, HEIGHT, ASPECT = 480, 270, 480 / 270
FRAMES = 22
SCENE = range(8, 22)
"""A man before a wall, on a floor of boards."""
WALL, FLOOR = (0.35, 0.3), (0.2, 0.85)

pytestmark = pytest.mark.timeout(240)


def chroma_at(luma_chroma: NDArray[np.int64], place: tuple[float, float]) -> float:
    """The mean of a chroma plane of 4:2:0 around a place, from neutral."""
    row, column = round(place[1] * HEIGHT / 2), round(place[0] * WIDTH / 2)
    return float(luma_chroma[row - 5 : row + 6, column - 5 : column + 6].mean()) - 128


def test_two_hints_colour_their_things_in_every_frame_of_the_scene_and_nowhere_else(
    browser: Browser, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    chosen = "select='between(n,22,29)+between(n,60,73)',setpts=N/10/TB"
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
        expect(page.locator("#render-stop")).to_be_visible(timeout=LONG)
        assert watched.complaints == []
        assert watched.hosts == {"127.0.0.1"}
        page.close()
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

    # Another studio knows what is there, and that only the changed scene is to be made again.
    with studio_command(film, tmp_path / "cache") as opened:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        open_page(page, opened.address)
        expect(page.locator("#render-short-text")).to_contain_text("Rendered", timeout=LONG)
        go(page, 15)
        page.keyboard.press("f")
        rested(page, 15, "rendered")
        pixels = pages.stage(page, WIDTH, HEIGHT)
        row, column = round(WALL[1] * HEIGHT), round(WALL[0] * WIDTH)
        wall_pixels = pixels[row - 5 : row + 6, column - 5 : column + 6].reshape(-1, 3).mean(axis=0)
        assert wall_pixels[2] > wall_pixels[0] + 20
        pieces = {path.name for path in (tmp_path / "film_colour.mp4.unfinished").glob("0*")}
        page.locator(".scene").first.click()
        page.locator("[data-view=colour]").click()
        page.keyboard.press("c")
        page.locator("[data-scope=scene]").click()
        page.get_by_role("slider", name="Saturation").fill("0")
        expect(page.locator(".own-settings")).to_be_visible(timeout=LONG)
        page.locator("#stage").focus()
        page.keyboard.press("r")
        page.locator("#render-go").click()
        expect(page.locator("#render-stop")).to_be_visible(timeout=LONG)
        expect(page.locator("#render-says")).to_have_text("finished", timeout=2 * LONG)
        page.close()
    again = {path.name for path in (tmp_path / "film_colour.mp4.unfinished").glob("0*")}
    assert len(pieces & again) == 1
    assert len(again) == 2
    first = see(output).clip.get_frame(4)
    assert abs(np.asarray(first[1]).astype(int) - 128).max() <= 2
    state = json.loads((tmp_path / "film.vsdeoldify.json").read_text())
    assert state["scenes"][0]["settings"] == {"ddcolor_p": {"saturation": 0}}
