"""The film engine is called from Python: it reports to whom it is handed, raises, and prints nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cheap_vsdeoldify import BROKEN_FRAME, HERE, CheapRecipe

from vsdeoldify.film import ffmpeg
from vsdeoldify.film.colorize import Request, colorize_film
from vsdeoldify.film.source import Point
from vsdeoldify.settings.presets import preset
from vsdeoldify.support.errors import FilmError, RequestError

FFMPEG = ffmpeg.find_ffmpeg()
FRAMES = 24
# Without the stabilizer, which looks ahead: a frame that fails takes only itself along.
RECIPE = CheapRecipe(preset("preview").with_changes(device_index="cpu", dark=False, smooth=False, stab=False))


class Recorder:
    """A reporter that writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.counts: dict[str, list[int]] = {}

    def say(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.said.append(f"note: {text}")

    @contextmanager
    def stage(self, total: int, unit: str, *, title: str = "", done: int = 0) -> Iterator["Recorder"]:
        self.counts[f"{title}, {total} {unit}"] = self._count = [done]
        yield self

    def update(self, done: int) -> None:
        self._count.append(done)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("engine") / "film.mkv"
    source = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", "-frames:v", str(FRAMES)]
    source += ["-vf", "format=bgra,colorchannelmixer=aa=0.5"]
    command = [FFMPEG, "-v", "error", *source, "-pix_fmt", "bgra", "-c:v", "ffv1", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture(autouse=True)
def path_of_the_double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))


def test_it_reports_to_whom_it_is_handed_and_prints_nothing(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    request = Request(tmp_path / "out.mkv", piece_frames=8)
    monkeypatch.setenv(BROKEN_FRAME, "20")
    first = Recorder()
    with pytest.raises(FilmError, match=r"^ddeoldify: out of memory on cuda:0; use"):
        colorize_film(film, RECIPE, request, first)
    assert first.said == ["note: transparency is left out"]
    monkeypatch.delenv(BROKEN_FRAME)

    with pytest.raises(FilmError, match="holds an unfinished film"):
        colorize_film(film, RECIPE, request)
    again = Recorder()
    made = colorize_film(film, RECIPE, Request(request.output, piece_frames=8, resume=True), again)
    assert (made.output, made.frames) == (request.output, FRAMES)
    assert made.seconds > 0
    assert made.rate == pytest.approx((FRAMES - 16) / made.seconds)
    assert again.said == ["note: transparency is left out", "going on after 16 of 24 frames"]
    assert again.counts["out.mkv, 24 frames"] == [16, *range(17, 25)]
    assert capfd.readouterr() == ("", "")


def test_a_request_that_does_not_fit_the_film_is_told_from_a_film_that_fails(
    film: Path, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="must leave something"):
        colorize_film(film, RECIPE, Request(tmp_path / "out.mkv", start=Point(frame=FRAMES)))
    (tmp_path / "text.mkv").write_text("no film")
    with pytest.raises(FilmError) as failure:
        colorize_film(tmp_path / "text.mkv", RECIPE, Request(tmp_path / "out.mkv"))
    assert not isinstance(failure.value, RequestError)
    assert [path.name for path in tmp_path.iterdir()] == ["text.mkv"]


def test_a_program_reads_how_far_the_work_is(film: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    command = [sys.executable, HERE / "cheap_vsdeoldify.py", "colorize", film, "-o", output]
    done = subprocess.run(
        [*map(str, command), "--progress", "json"], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stderr == ""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"event": "note", "text": "transparency is left out"} in events
    own = [event for event in events if event.get("title") == "out.mkv"]
    assert [own[0]["event"], own[-1]["event"]] == ["start", "end"]
    assert (own[0]["total"], own[0]["unit"], own[0]["done"]) == (FRAMES, "frames", 0)
    assert own[-1]["done"] == FRAMES
    assert all(event["event"] == "progress" and event["rate"] >= 0 for event in own[1:-1])
    assert (events[-1]["event"], events[-1]["output"]) == ("result", str(output))


@pytest.mark.skipif(sys.platform == "win32", reason="how a pipe breaks is POSIX's")
def test_work_goes_on_where_the_program_that_read_is_gone(film: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    command = [sys.executable, HERE / "cheap_vsdeoldify.py", "colorize", film, "-o", output]
    running = subprocess.Popen(
        [*map(str, command), "--progress", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.readline()
    running.stdout.close()
    said = running.stderr.read().decode()
    assert running.wait(timeout=120) == 0, said
    assert output.exists()
