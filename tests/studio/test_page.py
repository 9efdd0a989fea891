"""The studio's page in a real browser, judged by the pixels that it shows."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pages
import pytest
from films import see
from pages import LONG, Pixels, Watched, choose, completed, expect, go, open_page, rested
from PIL import Image
from processes import programs_with
from studios import (
    BITS,
    FRAMES,
    HEIGHT,
    SCENE,
    WIDTH,
    Opened,
    disc_at,
    picture_of,
    studio_command,
    written,
)

from vsdeoldify.settings.project_file import read_project

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def opened(browser: Browser, film: Path, cache: Path) -> Iterator[Opened]:
    with studio_command(film, cache) as studio:
        yield studio


@pytest.fixture(scope="module")
def the_page(browser: Browser, opened: Opened) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    watched = Watched(page)
    open_page(page, opened.address)
    yield watched
    context.close()


@pytest.fixture
def page(the_page: Watched) -> Iterator[Page]:
    """The page, as it is before anything was done: frame 4, after, colours."""
    page = the_page.page
    for key in ("Escape", "c"):
        page.keyboard.press(key)
    page.locator("[data-view=colour]").click()
    go(page, 4)
    yield page
    assert the_page.complaints == []


def stage(page: Page) -> Pixels:
    return pages.stage(page, WIDTH, HEIGHT)


def number_on(picture: Pixels) -> int:
    """The number that a frame shows as bits."""
    return sum(1 << bit for bit in range(BITS) if picture[8:16, 14 + 36 * bit : 26 + 36 * bit].mean() > 120)


def blueness(picture: Pixels, frame: int) -> float:
    """How blue the disc of a frame is: the mean of blue − red in its middle."""
    x, y = disc_at(frame)
    row, column = round(y * HEIGHT), round(x * WIDTH)
    around = picture[row - 6 : row + 6, column - 6 : column + 6]
    return float((around[..., 2] - around[..., 0]).mean())


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    return pages.place(page, x, y, WIDTH / HEIGHT)


def test_it_shows_the_scenes_and_asks_nobody_else(page: Page, the_page: Watched) -> None:
    expect(page.locator(".scene")).to_have_count(3)
    expect(page.locator(".scene").nth(1)).to_have_attribute(
        "aria-label", re.compile("Scene 2, 10 frames from 10")
    )
    expect(page.locator("#film-name")).to_have_text("film.mkv")
    assert the_page.hosts == {"127.0.0.1"}


def test_scrubbing_shows_each_frame_at_once_and_the_exact_one_when_it_rests(page: Page) -> None:
    page.locator("[data-view=source]").click()
    rested(page, 4, "source")
    seen = page.evaluate(
        """async () => {
            const slider = document.getElementById('slider'), shown = [];
            for (const frame of [13, 17, 21, 23]) {
                slider.value = frame;
                slider.dispatchEvent(new Event('input'));
                await new Promise(requestAnimationFrame);
                await new Promise(requestAnimationFrame);
                shown.push(document.getElementById('stage').dataset.shown);
            }
            return shown;
        }"""
    )
    assert [int(one.split()[0]) for one in seen] == [13, 17, 21, 23]
    assert seen[0] == "13 sheet"
    assert number_on(stage(page)) == 23
    rested(page, 23, "source")
    assert number_on(stage(page)) == 23
    assert np.abs(stage(page)[..., 1] - picture_of(23)).mean() < 6


def test_frames_and_scenes_by_the_keyboard(page: Page) -> None:
    for key, frame in (
        ("ArrowRight", 5),
        ("Shift+ArrowRight", 15),
        ("ArrowDown", 25),
        ("Home", 20),
        ("End", 29),
    ):
        page.keyboard.press(key)
        expect(page.locator("#frame-number")).to_have_value(str(frame))
    rested(page, 29)
    assert number_on(stage(page)) == 29


def test_flip_and_wipe_show_before_and_after(page: Page) -> None:
    after = stage(page)
    page.keyboard.press(" ")
    rested(page, 4, "source")
    before = stage(page)
    assert np.ptp(before, axis=2).max() < 12, "the source is gray"
    assert np.ptp(after, axis=2).mean() > 2
    page.keyboard.press("w")
    rested(page, 4)
    for share in (0.3, 0.7):
        page.mouse.click(*place(page, share, 0.5))
        page.mouse.move(2, 2)
        page.wait_for_timeout(60)
        both, edge = stage(page), round(share * WIDTH)
        assert np.abs(both[:50, : edge - 4] - before[:50, : edge - 4]).mean() < 2
        assert np.abs(both[:50, edge + 4 :] - after[:50, edge + 4 :]).mean() < 2


def test_zoom_goes_to_the_pixels(page: Page) -> None:
    fit = stage(page)
    page.keyboard.press("z")
    rested(page, 4)
    expect(page.locator("#zoom")).to_have_text("100 %")
    page.wait_for_timeout(60)
    middle = f"[Math.round((stage.width - {WIDTH}) / 2), Math.round((stage.height - {HEIGHT}) / 2)]"
    exact = pages.cut(page, f"[...{middle}, {WIDTH}, {HEIGHT}]", WIDTH, HEIGHT)
    luma = exact @ np.array((0.299, 0.587, 0.114))
    assert np.abs(luma - picture_of(4)).mean() < 3
    page.keyboard.press("z")
    page.wait_for_timeout(60)
    assert np.abs(stage(page) - fit).mean() < 1


def test_a_setting_of_one_scene_shows_at_once_and_leaves_the_others(page: Page) -> None:
    coloured = stage(page)
    page.locator("[data-scope=scene]").click()
    slider = page.get_by_role("slider", name="Saturation")
    slider.fill("0")
    expect(page.locator(".scene").first.locator(".own-settings")).to_be_visible(timeout=LONG)
    rested(page, 4)
    expect(page.locator("#busy")).to_be_hidden()
    assert np.ptp(stage(page), axis=2).mean() < 2 < np.ptp(coloured, axis=2).mean()
    go(page, 14)
    assert np.ptp(stage(page), axis=2).mean() > 2
    go(page, 4)
    page.locator("#reset-all").click()
    expect(page.locator(".own-settings")).to_have_count(0)
    rested(page, 4)
    assert np.abs(stage(page) - coloured).mean() < 1
    page.keyboard.press("a")


def test_command_and_script_are_copied(page: Page, film: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#by-hand summary").click()
    expect(page.locator("#script")).to_contain_text("set_output", timeout=LONG)
    copied = []
    for name in ("command", "script"):
        page.locator(f"#copy-{name}").click()
        expect(page.locator("#toasts")).to_contain_text("Copied")
        copied.append(page.evaluate("navigator.clipboard.readText()"))
    command, script = copied
    assert command == f"vsdeoldify colorize {film.name} --project film.vsdeoldify.json"
    compile(script, "copied.vpy", "exec")
    assert "set_output(0)" in script
    assert str(film) in script
    # Where the browser forbids it, the text is marked for the person to copy.
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    page.locator("#copy-command").click()
    expect(page.locator("#toasts")).to_contain_text("press Ctrl+C")
    page.wait_for_timeout(300)
    assert page.evaluate("getSelection().toString()") == command
    page.context.clear_permissions()
    page.locator("#by-hand summary").click()
    page.reload()
    rested(page, 4)


def test_a_preset_without_its_models_says_what_to_do(page: Page) -> None:
    missing = page.locator("#settings .missing")
    if missing.count() == 0:
        pytest.skip("all models are installed here")
    missing.first.click()
    expect(page.locator("#toasts")).to_contain_text("not installed")
    page.locator("#toasts div").first.evaluate("one => one.remove()")


def test_scenes_are_marked_split_shifted_and_merged_and_a_reload_keeps_it(page: Page, film: Path) -> None:
    for key in ("g", "ArrowDown", "x"):
        page.keyboard.press(key)
    expect(page.locator(".scene").first.locator(".good")).to_be_visible()
    expect(page.locator(".scene").nth(1).locator(".wrong")).to_be_visible()
    go(page, 24)
    page.keyboard.press("s")
    expect(page.locator(".scene")).to_have_count(4)
    page.keyboard.press("]")
    expect(page.locator(".scene").nth(3)).to_have_attribute("aria-label", re.compile("5 frames from 25"))
    page.reload()
    expect(page.locator(".scene")).to_have_count(4, timeout=LONG)
    expect(page.locator("#frame-number")).to_have_value("24")
    expect(page.locator(".scene").nth(1).locator(".wrong")).to_be_visible()
    project = read_project(film.with_name("film.vsdeoldify.json"))
    assert [(one.first, one.mark) for one in project.scenes] == [
        (0, "good"),
        (10, "wrong"),
        (20, "none"),
        (25, "none"),
    ]
    page.locator("#stage").focus()
    page.keyboard.press("m")
    expect(page.locator(".scene")).to_have_count(3)
    for key in ("Control+z", "Control+z", "Control+z", "Control+z", "Control+z"):
        page.keyboard.press(key)
    expect(page.locator(".scene .good, .scene .wrong")).to_have_count(0)
    expect(page.locator(".scene")).to_have_count(3)


def test_a_click_colours_the_thing_in_its_whole_scene_and_a_reload_keeps_it(page: Page, film: Path) -> None:
    before = stage(page)
    other = (go(page, 14), stage(page))[1]
    go(page, 4)
    page.keyboard.press("b")
    choose(page, "#2846c8")
    page.mouse.click(*place(page, *disc_at(4)))
    completed(page)
    page.mouse.move(2, 2)
    page.keyboard.press("c")
    page.wait_for_timeout(60)
    assert blueness(stage(page), 4) > 50
    rested(page, 4)
    assert blueness(stage(page), 4) > 50
    assert (film.parent / "film_references" / "ref_000004.png").is_file()
    for frame in (0, 9):
        go(page, frame)
        picture = stage(page)
        assert blueness(picture, frame) > 40, frame
        assert picture[100:140, :12, 2].mean() - picture[100:140, :12, 0].mean() < 25, (
            "the ground keeps its colour"
        )
    go(page, 14)
    assert np.abs(stage(page) - other).mean() < 1
    page.reload()
    rested(page, 14)
    page.keyboard.press("b")
    page.locator(".scene").first.click()
    page.locator("#references .chip").click()
    expect(page.locator("#frame-number")).to_have_value("4")
    rested(page, 4)
    page.locator("#stage").focus()
    page.keyboard.press("Backspace")
    expect(page.locator("#references .chip")).to_have_count(0)
    rested(page, 4)
    page.keyboard.press("c")
    expect(page.locator("#stage")).not_to_have_attribute("data-shown", "4 completed")
    page.wait_for_timeout(60)
    assert np.abs(stage(page) - before).mean() < 1


def test_the_strength_of_the_corrections_is_set(page: Page, film: Path) -> None:
    before = blueness(stage(page), 4)
    page.keyboard.press("b")
    choose(page, "#2846c8")
    page.mouse.click(*place(page, *disc_at(4)))
    completed(page)
    page.mouse.move(2, 2)
    seen = {}
    for strength in (100, 50, 0):
        page.locator("#strength").fill(str(strength))
        page.locator("#strength").dispatch_event("change")
        expect(page.locator("#strength-value")).to_have_text(f"{strength} %")
        # The frame that was painted shows the paint; its neighbour what comes of it.
        go(page, 5)
        seen[strength] = blueness(stage(page), 5)
        go(page, 4)
    assert seen[100] > seen[50] + 15 > seen[0] + 30
    assert abs(seen[0] - before) < 6
    project = read_project(film.with_name("film.vsdeoldify.json"))
    assert project.references is not None
    assert project.references.strength == 0
    page.locator("#strength").fill("100")
    page.locator("#strength").dispatch_event("change")
    page.locator("#reference-remove").click()
    expect(page.locator("#references .chip")).to_have_count(0)


def test_a_colour_is_set_by_the_keyboard_alone_and_taken_from_the_picture(page: Page) -> None:
    page.keyboard.press("b")
    page.locator("#hex").fill("#c82828")
    page.locator("#hex").press("Enter")
    page.keyboard.press("Escape")
    page.locator("#stage").focus()
    x, y = disc_at(4)
    for key, steps in (
        ("Alt+ArrowLeft", round((0.5 - x) / 0.02)),
        ("Alt+ArrowDown", round((y - 0.5) / 0.02)),
    ):
        for _ in range(steps):
            page.keyboard.press(key)
    page.keyboard.press("Enter")
    completed(page)
    page.keyboard.press("i")
    page.keyboard.press("Enter")
    red, green, blue = (int(page.locator("#hex").input_value()[n : n + 2], 16) for n in (1, 3, 5))
    assert red > green + 25
    assert red > blue + 25
    expect(page.locator("#references .chip")).to_have_count(1)
    page.keyboard.press("Delete")
    expect(page.locator("#references .chip")).to_have_count(0)


def test_a_picture_from_a_paint_program_is_taken_back_when_it_is_saved(
    page: Page, film: Path, tmp_path: Path
) -> None:
    page.keyboard.press("b")
    page.locator("summary", has_text="With a paint program").click()
    page.locator("#export").click()
    expect(page.locator("#export-hint")).to_contain_text("film_references/ref_000004.png")
    path = film.parent / "film_references" / "ref_000004.png"
    expect(page.locator("#references .chip")).to_have_count(1, timeout=LONG)
    picture = np.array(Image.open(path).convert("RGB")).astype(int)
    x, y = disc_at(4)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    disc = (columns - x * WIDTH) ** 2 + (rows - y * HEIGHT) ** 2 < 25**2
    picture[disc] = picture[disc].mean(axis=1, keepdims=True) + np.array([60, -20, -60])
    saved = tmp_path / "saved.png"
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(saved)
    saved.replace(path)
    expect(page.locator("#references .chip")).to_contain_text("picture", timeout=LONG)
    go(page, 6)
    assert blueness(stage(page), 6) < -50
    page.locator("#references .chip").click()
    rested(page, 4)
    page.locator("#reference-remove").click()
    expect(page.locator("#references .chip")).to_have_count(0)

    # The same picture, dropped on another frame of which it shows nothing, and on its own.
    go(page, 24)
    page.locator("#picture").set_input_files(str(make_picture(tmp_path, picture_of(4))))
    expect(page.locator("#toasts")).to_contain_text("does not show frame 24", timeout=LONG)
    page.locator("#picture").set_input_files(str(make_picture(tmp_path, picture_of(24))))
    expect(page.locator("#toasts")).to_contain_text("a reference now: frame 24", timeout=LONG)
    page.locator("#reference-remove").click()
    expect(page.locator("#references .chip")).to_have_count(0)
    page.locator("summary", has_text="With a paint program").click()


def make_picture(folder: Path, luma: Pixels) -> Path:
    path = folder / "dropped.png"
    Image.fromarray(luma).convert("RGB").resize((WIDTH * 2, HEIGHT * 2)).save(path)
    return path


def test_the_least_known_frame_comes_next(page: Page) -> None:
    page.keyboard.press("b")
    page.mouse.click(*place(page, *disc_at(4)))
    completed(page)
    expect(page.locator("#references .chip")).to_have_count(1, timeout=LONG)
    page.keyboard.press("u")
    expect(page.locator("#unsure .chip, #toasts div").first).to_be_visible(timeout=LONG)
    page.keyboard.press("Escape")
    page.locator("#references .chip").click()
    page.locator("#reference-remove").click()
    expect(page.locator("#references .chip")).to_have_count(0)


def test_a_scene_plays(page: Page) -> None:
    page.keyboard.press("Home")
    page.keyboard.press("p")
    expect(page.locator("#stage")).to_have_attribute("data-shown", re.compile("playing"), timeout=LONG)
    expect(page.locator("body")).to_have_attribute("data-rate", re.compile("[1-9]"), timeout=LONG)
    page.keyboard.press("p")
    expect(page.locator("#play")).to_have_text("▶")


def test_the_child_is_killed_and_the_next_picture_comes(page: Page, film: Path) -> None:
    os.kill(child_of(film), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    go(page, 18)
    assert number_on(stage(page)) == 18


def child_of(film: Path) -> int:
    (number,) = [n for n, line in programs_with(str(film)).items() if "studio.child look" in line]
    return number


def test_nothing_hangs_over_the_edge_on_a_tablet(page: Page) -> None:
    try:
        for width, height in ((1280, 720), (1024, 768), (820, 1180)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(80)
            outside = page.evaluate(
                """() => [...document.querySelectorAll('button, input, h3, label, #stage, #panel')]
                    .filter(one => !one.closest('#strip') && one.getBoundingClientRect().width)
                    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
                    .map(one => one.id || one.textContent)"""
            )
            assert outside == [], (width, outside)
            box = page.locator("#stage").bounding_box()
            assert box is not None
            assert box["width"] * box["height"] > 0.28 * width * height
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})


def test_help_lists_every_key(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    expect(page.locator("#keys")).to_contain_text("play the scene")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_a_hostile_page_in_the_same_browser_gets_nothing(page: Page, opened: Opened, film: Path) -> None:
    text = f"""<!doctype html><title>hostile</title><script>
        const found = {{}};
        (async () => {{
            for (const [name, path, how] of [
                ['read', '/api/state', {{}}],
                ['blind', '/api/mark/0', {{method: 'PUT', body: '{{"mark": "wrong"}}'}}],
                ['simple', '/api/render', {{method: 'POST', mode: 'no-cors', body: '{{}}'}}],
            ]) {{
                try {{
                    const answer = await fetch('{opened.origin}' + path, {{credentials: 'include', ...how}});
                    found[name] = answer.type === 'opaque' ? 'opaque' : await answer.text();
                }} catch (error) {{ found[name] = 'blocked'; }}
            }}
            const picture = new Image();
            picture.onload = () => {{ found.picture = 'seen'; done(); }};
            picture.onerror = () => {{ found.picture = 'blocked'; done(); }};
            picture.src = '{opened.origin}/api/frame/3';
        }})();
        const done = () => document.body.append(JSON.stringify(found));
    </script><body></body>"""

    class Hostile(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        other = page.context.new_page()
        other.goto(f"http://127.0.0.1:{server.server_port}/")
        expect(other.locator("body")).to_contain_text("picture", timeout=LONG)
        found = json.loads(other.locator("body").inner_text())
        other.close()
    finally:
        server.shutdown()
        server.server_close()
    # What was sent blindly has changed nothing; that it was sent no server can help.
    assert found == {
        "read": "blocked",
        "blind": "blocked",
        "simple": "blocked",
        "picture": "blocked",
    } or found == {
        "read": "blocked",
        "blind": "blocked",
        "simple": "opaque",
        "picture": "blocked",
    }
    page.reload()
    rested(page, 4)
    expect(page.locator(".scene .wrong")).to_have_count(0)
    assert (
        page.evaluate("fetch('/api/state').then(one => one.json()).then(one => one.render.running)") is False
    )


def test_a_reel_is_rendered_from_the_page_stopped_and_gone_on_with(
    browser: Browser, tmp_path: Path, cache: Path
) -> None:
    reel, scenes = tmp_path / "reel", 24
    reel.mkdir()
    for n in range(scenes * SCENE):
        Image.fromarray(picture_of(n % FRAMES)).save(reel / f"scan_{n + 7:04d}.png")
    output = tmp_path / "reel_colour.mkv"
    with studio_command(reel, cache, "--film", "--fps", "18") as studio:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        watched = Watched(page)
        open_page(page, studio.address)
        expect(page.locator(".scene")).to_have_count(scenes)
        page.keyboard.press("r")
        expect(page.locator("#render-go")).to_have_text("Render the film")
        page.locator("#render-go").click()
        expect(page.locator("#pieces .chip").first).to_be_visible(timeout=LONG)
        page.locator("#render-stop").click()
        expect(page.locator("#render-go")).to_have_text("Go on", timeout=LONG)
        expect(page.locator("#render-says")).to_have_text("stopped; what is finished stays")
        assert not output.exists()
        first = written(output)
        assert 0 < len(first) < scenes
        assert page.locator("#pieces .chip").count() == len(first)
        page.locator("#render-go").click()
        expect(page.locator("#render-says")).to_have_text("finished", timeout=LONG)
        assert watched.complaints == []
        page.close()
    assert {span: time for span, time in written(output).items() if span in first} == first
    film = see(output)
    assert film.seconds == pytest.approx([n / 18 for n in range(scenes * SCENE)], abs=0.001)
    assert [number_on(luma) for luma in film.luma()] == [n % FRAMES for n in range(scenes * SCENE)]
    assert all(np.asarray(film.clip.get_frame(n)[2]).std() > 1 for n in (4, 24, 54))
