"""The studio's server without a browser: who may talk to it, and what it refuses."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient
from studios import FRAMES, SCENE, disc_at, picture_of

from vsdeoldify.film.reel import find_reel
from vsdeoldify.film.script import source_arguments
from vsdeoldify.pictures.files import decode_picture
from vsdeoldify.settings.presets import preset, usual_every
from vsdeoldify.settings.project_file import read_project
from vsdeoldify.studio import app as server
from vsdeoldify.studio.looker import Dropped
from vsdeoldify.studio.session import Asked, Studio
from vsdeoldify.support.errors import FilmError

PORT = 8999
HERE = f"http://127.0.0.1:{PORT}"
TOKEN = "the-token"
BLUE = {"points": [list(disc_at(4))], "radius": 0.03, "rgb": [40, 70, 200]}


@pytest.fixture(scope="module")
def studio(film: Path) -> Iterator[Studio]:
    opened = Studio(Asked(film, preset="preview", device="cpu"))
    opened.begin()
    try:
        wait(lambda: opened.state()["ready"])
        yield opened
    finally:
        opened.close()


@pytest.fixture
def stranger(studio: Studio) -> TestClient:
    """A browser without the token."""
    return TestClient(server.make_app(studio, TOKEN, PORT), base_url=HERE, follow_redirects=False)


@pytest.fixture
def page(stranger: TestClient) -> TestClient:
    """The studio's own page in a browser that has the cookie."""
    assert stranger.get(f"/?token={TOKEN}").status_code == 303
    stranger.headers["origin"] = HERE
    return stranger


def wait(condition: Callable[[], Any], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.03)


def test_without_the_token_nothing_is_given_out(stranger: TestClient) -> None:
    for path in ("/", "/static/main.js", "/api/state", "/api/frame/0", "/api/sheet/0", "/api/events"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert "terminal" in answer.text
    assert stranger.get("/?token=another").status_code == 403


def test_the_token_is_good_for_one_browser_and_becomes_a_cookie_no_script_can_read(
    studio: Studio,
) -> None:
    application = server.make_app(studio, TOKEN, PORT)
    first = TestClient(application, base_url=HERE, follow_redirects=False)
    answer = first.get(f"/?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert first.get("/").status_code == 200
    assert first.get(f"/?token={TOKEN}").status_code == 303, "the same browser may open the address again"
    second = TestClient(application, base_url=HERE, follow_redirects=False)
    answer = second.get(f"/?token={TOKEN}")
    assert answer.status_code == 403
    assert "has been used" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5"])
def test_a_name_that_points_here_is_refused(page: TestClient, host: str) -> None:
    assert page.get("/api/state", headers={"host": host}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1234"},
        {"origin": ""},
    ],
)
def test_another_page_changes_nothing(page: TestClient, studio: Studio, headers: dict[str, str]) -> None:
    before = read_project(studio_project(studio))
    answer = page.put("/api/mark/0", json={"mark": "wrong"}, headers=headers)
    assert answer.status_code == 403
    assert page.post("/api/render", json={}, headers=headers).status_code == 403
    assert read_project(studio_project(studio)) == before


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_reads_nothing_even_with_the_cookie(page: TestClient, site: str) -> None:
    assert page.get("/api/state", headers={"sec-fetch-site": site}).status_code == 403
    assert page.get("/api/frame/0", headers={"sec-fetch-site": site}).status_code == 403


def test_a_request_without_an_origin_changes_nothing(page: TestClient) -> None:
    del page.headers["origin"]
    assert page.put("/api/mark/0", json={"mark": "wrong"}).status_code == 403


def test_the_page_may_run_only_what_the_server_gives_it(page: TestClient) -> None:
    answer = page.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"\son\w+=|style=|<script(?![^>]*src=)", answer.text)
    assert not re.search(r"https?://(?!www\.w3\.org)", answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/api/frame/../../etc/passwd",
        "/api/frame/%2e%2e%2fetc%2fpasswd",
        "/api/frame/-1",
        "/static/../session.py",
        "/static/%2e%2e/session.py",
        "/static/..%2fsession.py",
        "/api/sheet/99999",
        "/api/sheet/0.jpg",
    ],
)
def test_no_path_leads_out(page: TestClient, path: str) -> None:
    assert page.get(path).status_code in (400, 404)


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("GET", f"/api/frame/{FRAMES}", None, "no frame"),
        ("GET", "/api/frame/0?side=elsewhere", None, "no side"),
        ("GET", "/api/frame/0?side=rendered", None, "not rendered yet"),
        ("GET", "/api/frame/0?width=-3", None, "width"),
        ("PUT", "/api/settings", {"scene": 0, "changes": {"satuation": 2}}, "satuation"),
        ("PUT", "/api/settings", {"scene": 0, "changes": {"ddcolor_p": {"saturation": 99}}}, "0–10"),
        ("PUT", "/api/settings", {"scene": 77, "changes": {"preset": "fast"}}, "no scene 78"),
        ("PUT", "/api/settings", {"scene": 0, "changes": {"device_index": 0}}, "where to compute"),
        ("PUT", "/api/settings", {"scene": 0, "changes": 3}, "settings by name"),
        ("PUT", "/api/mark/0", {"mark": "lovely"}, "mark must be one of"),
        ("POST", "/api/merge/2", {}, "the last one"),
        ("POST", "/api/split/10", {}, "the first one of scene 2"),
        ("PUT", "/api/limit/1", {"first": 0}, "1–19"),
        ("PUT", "/api/limit/1", {"first": "x"}, "number of a frame"),
        (
            "PUT",
            "/api/reference/3",
            {"strokes": [{"points": [[0.5]], "radius": 0.1, "rgb": [1, 2, 3]}]},
            "2 numbers",
        ),
        ("PUT", "/api/reference/3", {"strokes": [{"points": [], "radius": 0.1, "rgb": [1, 2, 3]}]}, "points"),
        ("PUT", f"/api/reference/{FRAMES}", {"strokes": []}, "0–29"),
        ("PUT", "/api/strength", {"strength": 7}, "0 to 1"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    page: TestClient, method: str, path: str, body: Any, says: str
) -> None:
    answer = page.request(method, path, json=body)
    assert answer.status_code == 400, answer.text
    assert says in answer.text
    assert "Traceback" not in answer.text


def test_what_is_too_large_or_no_picture_is_not_kept(
    page: TestClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LARGEST_PICTURE", 1000)
    answer = page.post("/api/reference/3/picture", content=b"x" * 5000)
    assert answer.status_code == 400
    assert "too large" in answer.text
    monkeypatch.undo()
    answer = page.post("/api/reference/3/picture", content=b"no picture at all")
    assert answer.status_code == 409
    assert "picture" in answer.text
    answer = page.put("/api/settings", content=b"[" * 100_000)
    assert answer.status_code == 400
    assert studio.state()["references"]["pictures"] == {}


def test_a_picture_of_another_frame_or_shape_is_refused(page: TestClient, tmp_path: Path) -> None:
    def posted(picture: np.ndarray[Any, Any]) -> str:
        path = tmp_path / "posted.png"
        Image.fromarray(picture).convert("RGB").save(path)
        answer = page.post("/api/reference/3/picture", content=path.read_bytes())
        assert answer.status_code == 409
        text: str = answer.text
        return text

    assert "must show the whole frame" in posted(picture_of(3)[:, :100])
    assert "does not show frame 3" in posted(255 - picture_of(3))


def test_a_second_studio_for_the_same_film_is_refused(studio: Studio, film: Path) -> None:
    with pytest.raises(FilmError, match="another studio is open"):
        Studio(Asked(film))


def test_the_newest_request_wins_and_a_killed_child_is_replaced(studio: Studio) -> None:
    made = [studio.picture(n, "source", 64) for n in range(12)]
    results = [one.exception(timeout=60) for one in made]
    assert results[-1] is None
    assert sum(isinstance(one, Dropped) for one in results) >= 5
    looker = studio._looker
    assert looker is not None
    before = looker.process_id
    assert before is not None
    os.kill(before, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    again = decode_picture(studio.picture(7, "source", 240).result(timeout=60))
    assert np.abs(again[..., 1].astype(int) - picture_of(7)).mean() < 4
    assert looker.process_id != before


def test_a_film_that_the_child_cannot_read_is_told_in_a_sentence(studio: Studio, tmp_path: Path) -> None:
    looker = studio._looker
    assert looker is not None
    missing = tmp_path / "missing.mkv"
    broken = type(looker)(source_arguments(missing))
    try:
        with pytest.raises(FilmError, match=re.escape(f"{missing} cannot be read: No such file")):
            broken.ask("source", frame=0, width=64).result(timeout=60)
    finally:
        broken.close()


def test_one_scene_has_settings_and_the_others_keep_their_pictures(page: TestClient) -> None:
    def picture(frame: int) -> bytes:
        answer = page.get(f"/api/frame/{frame}?side=colour&width=240")
        assert answer.status_code == 200, answer.text
        content: bytes = answer.content
        return content

    before, other = picture(14), picture(4)
    state = page.put("/api/settings", json={"scene": 1, "changes": {"ddcolor_p": {"saturation": 0}}}).json()
    assert state["scenes"][1]["settings"] == {"ddcolor_p": {"saturation": 0}}
    assert picture(4) == other
    gray = decode_picture(picture(14)).astype(int)
    assert picture(14) != before
    assert np.ptp(gray, axis=2).mean() < 2
    state = page.post("/api/undo").json()
    assert state["scenes"][1]["settings"] == {}
    assert picture(14) == before


def test_a_film_has_key_frames_as_with_the_commands_and_a_preset_brings_its_own(
    page: TestClient, studio: Studio
) -> None:
    def every() -> int:
        found: int = page.get("/api/state").json()["effective"]["every"]
        return found

    def change(**changes: Any) -> None:
        assert page.put("/api/settings", json={"scene": None, "changes": changes}).status_code == 200

    usual = usual_every(preset("preview"), motion=True)
    assert every() == usual == 10
    change(preset="overnight")
    assert every() == 40
    change(every=1)
    change(ddcolor_p={"saturation": 0.9})
    assert every() == 1
    scene = page.put("/api/settings", json={"scene": 1, "changes": {"preset": "slow"}}).json()["scenes"][1]
    assert scene["effective"]["every"] == usual
    change(preset="preview", every=5)
    assert page.post("/api/settings/reset", json={"scene": None, "names": None}).status_code == 200
    assert every() == usual
    assert page.get("/api/state").json()["effective"]["preset"] == "preview"

    # A look shows the networks' own colours of the frame; a scene that plays shows the film.
    def shown(frame: int, side: str) -> NDArray[np.uint8]:
        return decode_picture(studio.picture(frame, side, 240).result(timeout=60))

    for one in ("colour", "play"):
        assert shown(14, one).std() > 10
    change(every=1)
    own, played = shown(14, "colour").astype(int), shown(14, "play").astype(int)
    assert np.abs(own - played).mean() < 0.5
    change(every=usual)
    assert np.abs(shown(14, "colour") - own).mean() < 0.5
    assert np.abs(shown(14, "play") - played).mean() > 0.02


def test_a_hint_becomes_a_reference_that_reaches_its_scene_and_no_other(
    page: TestClient, studio: Studio
) -> None:
    answer = page.put("/api/reference/4?width=240", json={"strokes": [BLUE]})
    assert answer.status_code == 200, answer.text
    assert blueness(decode_picture(answer.content), 4) > 50
    wait(lambda: "4" in map(str, studio.state()["references"]["pictures"]))
    state = page.get("/api/state").json()
    assert state["references"]["pictures"]["4"]["strokes"] == [BLUE]
    for frame in (0, 9):
        answer = page.get(f"/api/frame/{frame}?side=calm&width=240")
        assert blueness(decode_picture(answer.content), frame) > 40, frame
    answer = page.get(f"/api/frame/{SCENE}?side=calm&width=240")
    assert blueness(decode_picture(answer.content), SCENE) < 20
    assert read_project(studio_project(studio)).references is not None
    unsure = page.get("/api/unsure/0").json()
    assert dict(map(tuple, unsure)).get(4, 0) < 0.05
    palette = page.get("/api/palette/0").json()
    assert any(blue > red + 40 for red, _, blue in palette)
    assert page.delete("/api/reference/4").json()["references"]["pictures"] == {}


def blueness(picture: np.ndarray[Any, Any], frame: int) -> float:
    """How blue the disc is: the mean of blue − red in its middle."""
    x, y = disc_at(frame)
    row, column = round(y * picture.shape[0]), round(x * picture.shape[1])
    around = picture[row - 6 : row + 6, column - 6 : column + 6].astype(float)
    return float((around[..., 2] - around[..., 0]).mean())


def studio_project(studio: Studio) -> Path:
    path: Path = studio._path
    if not path.exists():
        studio.change(lambda project: project)
        studio._write(studio._current())
    return path


def test_a_project_that_cannot_be_read_is_told_on_the_page(film: Path, tmp_path: Path) -> None:
    project = tmp_path / "broken.json"
    project.write_text('{"format": 1}')
    copy = tmp_path / "copy.mkv"
    copy.write_bytes(film.read_bytes())
    opened = Studio(Asked(copy, project=project, preset="preview"))
    try:
        opened.begin()
        wait(lambda: opened.state()["error"])
        assert opened.state()["ready"] is False
        assert "broken.json" in opened.state()["error"]
        with pytest.raises(FilmError, match="still being read"):
            opened.picture(0, "source", 64)
    finally:
        opened.close()


def test_a_scanned_reel_opens_and_its_command_says_that_it_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "reel"
    folder.mkdir()
    for n in range(12):
        Image.fromarray(picture_of(n)).save(folder / f"scan_{n + 100:04d}.png")
    opened = Studio(Asked(folder, preset="preview", device="cpu", reel=find_reel(folder, Fraction(18))))
    try:
        opened.begin()
        wait(lambda: opened.state()["ready"] or opened.state()["error"])
        state = opened.state()
        assert state["error"] is None
        assert (state["name"], state["film"]["frames"], len(state["scenes"])) == ("reel", 12, 2)
        assert state["film"]["fps"] == pytest.approx(18)
        assert state["command"] == "vsdeoldify colorize reel --film --fps 18 --project reel.vsdeoldify.json"
        assert state["render"]["output"] == "reel_colour.mkv"
        assert "scan_%04d.png" in opened.script()
        shown = decode_picture(opened.picture(11, "source", 240).result(timeout=60))
        assert np.abs(shown[..., 1].astype(int) - picture_of(11)).mean() < 4
        sheet = decode_picture((opened.sheet(0) or Path()).read_bytes())
        assert sheet[:, :, 0].std() > 20
    finally:
        opened.close()


def test_help_says_how_to_get_what_is_missing(film: Path, tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'uvicorn'\", name='uvicorn')"
    )
    command = [sys.executable, "-m", "vsdeoldify", "studio", str(film), "--no-browser"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    }
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert ran.returncode == 1
    assert 'pip install "vsdeoldify[studio]"' in ran.stderr
