"""Make the pictures of docs/studio.md, in a real browser.

    python docs/studio_pictures.py FILM

The pictures there are of `sample_bw.mp4`, see docs/pictures.py. Needs the extras `studio` and `test`, and a
Chromium.
"""

import argparse
import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from chromium import launched
from pages import choose, completed, expect, go, open_page, place, rested
from studios import studio_command

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).parent / "images"
ASPECT = 920 / 672
WALL, FACE, NECK = [(0.08, 0.22)], [(0.475, 0.27)], [(0.57, 0.345)]
SLEEVES = [
    *((0.430, 0.856), (0.412, 0.673), (0.448, 0.49), (0.50, 0.429), (0.567, 0.419)),
    *((0.641, 0.449), (0.678, 0.571), (0.685, 0.713), (0.648, 0.815)),
]
BREAST = [(0.522, 0.51), (0.567, 0.673)]
PANEL, PAPERS, SKIRT, CHAIR = (
    [(0.366, 0.51), (0.366, 0.856)],
    [(0.72, 0.92)],
    [(0.55, 0.79)],
    [(0.737, 0.652)],
)
SIZES = {"wide": (1280, 720), "tablet": (820, 1180)}


def main() -> None:
    """Drive the page and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        film = Path(folder) / args.film.name
        film.symlink_to(args.film.absolute())
        with studio_command(film, Path(folder) / "cache") as opened:
            page = browser.new_page(viewport=size("wide"))
            open_page(page, opened.address)
            page.locator(".scene").nth(1).click()
            settled(page)
            page.keyboard.press("w")
            page.keyboard.press("g")
            settled(page)
            shoot(page, "studio_wipe")

            page.keyboard.press("b")
            page.locator("[data-view=colour]").click()
            for colour, lines in (
                ("#7f9480", [WALL]),
                ("#e8b899", [FACE, NECK]),
                ("#3b62b5", [SLEEVES, BREAST]),
                (None, [PANEL, PAPERS, SKIRT, CHAIR]),
            ):
                if colour is None:
                    page.locator("#hold").click()
                else:
                    choose(page, colour)
                for line in lines:
                    draw(page, line)
            page.mouse.move(8, 300)
            page.wait_for_timeout(500)
            shoot(page, "studio_correct")
            page.keyboard.press("Home")
            settled(page)
            page.keyboard.press("c")
            page.wait_for_timeout(300)
            shoot(page, "studio_follow")

            page.locator("[data-scope=scene]").click()
            page.get_by_role("slider", name="Saturation").fill("1.3")
            expect(page.locator(".own-settings")).to_be_visible()
            page.locator("#stage").focus()
            page.set_viewport_size(size("tablet"))
            page.keyboard.press("w")
            settled(page)
            page.wait_for_timeout(1500)
            shoot(page, "studio_tablet")
            page.keyboard.press("w")
            page.set_viewport_size(size("wide"))
            page.locator("#undo").click()

            page.keyboard.press("r")
            page.locator("#render-go").click()
            expect(page.locator("#render-facts")).to_contain_text("Left", timeout=120_000)
            expect(page.locator("#pieces .chip").first).to_be_visible(timeout=120_000)
            go(page, 60)
            shoot(page, "studio_render")
            page.locator("#render-stop").click()
            expect(page.locator("#render-stop")).to_be_hidden(timeout=60_000)


def draw(page: "Page", line: list[tuple[float, float]]) -> None:
    """Paint a line with the mouse; a dot where it is one place."""
    page.mouse.move(*place(page, *line[0], ASPECT))
    page.mouse.down()
    for spot in line[1:]:
        page.mouse.move(*place(page, *spot, ASPECT), steps=4)
    page.mouse.up()
    completed(page)


def size(name: str) -> dict[str, int]:
    """A window's size as Playwright takes it."""
    width, height = SIZES[name]
    return {"width": width, "height": height}


def settled(page: "Page") -> None:
    """Wait for the last state of the frame that is looked at."""
    rested(page, int(page.locator("#frame-number").input_value()))
    expect(page.locator("#busy")).to_be_hidden(timeout=60_000)
    page.wait_for_timeout(150)


def shoot(page: "Page", name: str) -> None:
    """Write what the page shows."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        path = IMAGES / f"{name}.jpg"
        picture.convert("RGB").save(path, quality=88, optimize=True, progressive=True)
    print(path)


if __name__ == "__main__":
    main()
