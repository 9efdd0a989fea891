"""How long the studio's page takes, in a real browser: from the hand to the picture on the screen.

    python benchmarks/studio.py FILM [--preset preview] [--direct]

Needs the extras `studio` and `test`, and a Chromium. Prints medians and the slowest of all, in milliseconds.
With `--direct` the child process is asked without a browser: from the request to the JPEG.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from chromium import launched
from pages import choose, completed, expect, go, open_page, place, rested
from studios import studio_command

from vsdeoldify.film.clips import told
from vsdeoldify.film.source import open_file
from vsdeoldify.studio.looker import Looker

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROUNDS = 12
COLOURS = ("vivid", "stable")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("--preset", default="preview")
    parser.add_argument("--direct", action="store_true", help="without a browser")
    args = parser.parse_args()
    if args.direct:
        direct(args.film, args.preset)
        return
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        film = Path(folder) / args.film.name
        film.symlink_to(args.film.absolute())
        began = time.monotonic()
        with studio_command(film, Path(folder) / "cache", "--preset", args.preset) as opened:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            open_page(page, opened.address)
            print(f"| opening the film, first time | {1000 * (time.monotonic() - began):.0f} | |")
            state = page.evaluate("fetch('/api/state').then(one => one.json())")
            frames, aspect = state["film"]["frames"], state["film"]["aspect"]
            go(page, 1)
            steps = [round((n + 0.37) * (frames - 1) / (ROUNDS + 1)) for n in range(ROUNDS)]
            scrubbed(page, steps)
            show("exact frame in colour, any place", [shown_in(page, n, "colour") for n in steps])
            show("the next frame", [shown_in(page, steps[2] + n, "colour") for n in range(1, ROUNDS)])
            # Frames that no row before this one has looked at, and far from them.
            unseen = [n + round(0.5 * (frames - 1) / (ROUNDS + 1)) for n in steps[:6]]
            show("… with colours calmed, any place", [shown_in(page, n, "calm") for n in unseen])
            saturation = page.get_by_role("slider", name="Saturation")
            show(
                "changed saturation",
                [changed(page, lambda n=n: saturation.fill(f"{0.5 + 0.05 * n:.2f}")) for n in range(ROUNDS)],
            )
            show(
                "changed preset of colours",
                [
                    changed(page, lambda n=n: page.locator(f"[data-value={COLOURS[n % 2]}]").click())
                    for n in range(6)
                ],
            )
            rested(page, int(page.locator("#frame-number").input_value()))
            hints(page, aspect)
            played(page)


def direct(film: Path, preset: str) -> None:
    """Ask the child process itself."""
    looker = Looker(told(open_file(film.absolute())))
    look = {"preset": preset, "colours": "balanced", "changes": {}, "firsts": [0], "references": {}}
    look |= {"reach": "scene", "strength": 1.0}
    hint: dict[str, object] = {"points": [[0.5, 0.5]], "radius": 0.014, "rgb": [60, 95, 160]}
    places = [17 + 31 * n for n in range(ROUNDS)]

    def ask(lane: str, frame: int, **asked: object) -> float:
        return timed(lambda: looker.ask(lane, frame=frame, width=960, **{"look": look, **asked}).result())

    def saturated(share: float) -> dict[str, object]:
        return {**look, "changes": {"ddcolor_p": ["preview", 16, share, 0.0]}}

    try:
        for lane in ("source", "complete", "colour"):
            ask(lane, 3, strokes=[hint], base=None, calm=False)
        show("source, any place", [ask("source", n) for n in places])
        show("exact frame in colour, any place", [ask("colour", n, calm=False) for n in places])
        show("the next frame", [ask("colour", places[-1] + n, calm=False) for n in range(1, ROUNDS)])
        show("… calmed, any place", [ask("calm", n, calm=True) for n in places])
        show(
            "changed saturation",
            [ask("colour", 100, calm=False, look=saturated(0.5 + n / 20)) for n in range(ROUNDS)],
        )
        show("hint to completed frame", [ask("complete", n, strokes=[hint], base=None) for n in places])
        show("played", [ask("play", 100 + n, calm=False) for n in range(25)])
    finally:
        looker.close()


def scrubbed(page: "Page", steps: list[int]) -> None:
    """From the slider to a picture, by the sheets."""
    show(
        "scrub step",
        page.evaluate(
            """async steps => {
                const slider = document.getElementById('slider'), stage = document.getElementById('stage');
                const times = [];
                for (const frame of steps) {
                    const begun = performance.now();
                    slider.value = frame;
                    slider.dispatchEvent(new Event('input'));
                    while (!stage.dataset.shown.startsWith(`${frame} `))
                        await new Promise(requestAnimationFrame);
                    times.push(performance.now() - begun);
                }
                return times;
            }""",
            steps,
        ),
    )


def shown_in(page: "Page", frame: int, state: str) -> float:
    """From a frame's number to its colours on the screen: "colour", before they are calmed, or "calm"."""
    milliseconds: float = page.evaluate(
        """async ([frame, state]) => {
            const slider = document.getElementById('slider'), stage = document.getElementById('stage');
            const begun = performance.now();
            slider.value = frame;
            slider.dispatchEvent(new Event('input'));
            while (stage.dataset.shown !== `${frame} ${state}` && stage.dataset.shown !== `${frame} calm`)
                await new Promise(requestAnimationFrame);
            return performance.now() - begun;
        }""",
        [frame, state],
    )
    frame_now = int(page.locator("#frame-number").input_value())
    rested(page, frame_now)
    return milliseconds


def changed(page: "Page", act: Callable[[], None]) -> float:
    """From a changed setting to new colours on the screen."""
    stage = page.locator("#stage")
    before = stage.get_attribute("data-version")
    began = time.monotonic()
    act()
    expect(stage).not_to_have_attribute("data-version", before or "", timeout=60_000)
    page.wait_for_selector("#stage[data-shown$=colour], #stage[data-shown$=calm]")
    milliseconds = 1000 * (time.monotonic() - began)
    rested(page, int(page.locator("#frame-number").input_value()))
    return milliseconds


def hints(page: "Page", aspect: float) -> None:
    """From a click with the brush to the completed frame, as the page itself measures it."""
    page.keyboard.press("b")
    choose(page, "#3c5fa0")
    body = page.locator("body")
    # One after the other, as somebody does who knows what they want; then with time to look in between.
    for what, pause in (("hint to completed frame, twelve in a row", 0.0), ("… with a look in between", 4.0)):
        times = []
        for n in range(ROUNDS if not pause else ROUNDS // 2):
            page.mouse.click(*place(page, 0.3 + 0.03 * n, 0.4 + pause / 20, aspect))
            expect(body).to_have_attribute("data-completing", "no", timeout=60_000)
            times.append(float(body.get_attribute("data-completed") or "nan"))
            time.sleep(pause)
        show(what, times)
    completed(page)
    page.keyboard.press("Delete")
    page.keyboard.press("c")


def played(page: "Page") -> None:
    """Frames a second of a scene that plays: while it is coloured for the first time, and after that."""
    page.keyboard.press("Home")
    page.keyboard.press("p")
    time.sleep(4)
    first = page.locator("body").get_attribute("data-rate")
    time.sleep(12)
    later = page.locator("body").get_attribute("data-rate")
    page.keyboard.press("p")
    print(f"\na scene plays: {first} frames a second after 4 seconds, {later} after 16")


def timed(act: Callable[[], None]) -> float:
    """Milliseconds that something takes."""
    began = time.monotonic()
    act()
    return 1000 * (time.monotonic() - began)


def show(what: str, times: list[float]) -> None:
    """Print a line of the table."""
    print(f"| {what} | {statistics.median(times):.0f} | {max(times):.0f} |", flush=True)


if __name__ == "__main__":
    main()
