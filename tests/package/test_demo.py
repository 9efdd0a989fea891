"""The demo, as `make demo` runs it: real model, real vspipe, real ffmpeg."""

import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import clips
import numpy as np
import numpy.typing as npt
import pytest
import vapoursynth as vs
from vapoursynth import core

ROOT = Path(__file__).parents[2]
FILM = ROOT / "demo" / "film.mp4"
FRAMES = 6


def run(folder: Path, *options: str, project: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(project / "demo" / "run.py"), "--output", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def plane(clip: vs.VideoNode, n: int, index: int) -> npt.NDArray[np.int64]:
    return clips.plane(clip, n, index).astype(np.int64)


def film(path: Path) -> vs.VideoNode:
    if not hasattr(core, "bs"):
        pytest.skip("the source filter bs is not installed")
    return core.bs.VideoSource(str(path), cachemode=0)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that a short run of the demo leaves, and what it prints."""
    folder = tmp_path_factory.mktemp("demo with a space")
    done = run(folder, "--frames", str(FRAMES))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_the_demo_prints_where_film_and_picture_are(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    for name in ("demo_colour.mp4", "demo_before_after.png"):
        assert str(folder / name) in printed
        assert (folder / name).stat().st_size > 1000


def test_the_demo_shows_commands_that_run_the_stabilizer_on_the_bundled_model(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    if "vspipe cannot load" in printed:
        pytest.skip("vspipe does not start with this Python")
    assert "$ vsdeoldify script demo/film.mp4 --preset preview" in printed
    assert "$ vspipe -c y4m" in printed
    script = (folder / "demo.vpy").read_text(encoding="utf-8")
    for wanted in ('"preview"', "dark=True", "smooth=True", "stab=True"):
        assert wanted in script


def test_the_colour_film_has_the_frames_and_the_size_of_the_source(demo: tuple[Path, str]) -> None:
    before, after = film(FILM), film(demo[0] / "demo_colour.mp4")
    assert (len(after), after.width, after.height) == (FRAMES, before.width, before.height)
    assert after.fps == before.fps


def test_the_colour_film_has_colours_and_the_luma_of_the_source(demo: tuple[Path, str]) -> None:
    before, after = film(FILM), film(demo[0] / "demo_colour.mp4")
    for n in range(FRAMES):
        assert np.ptp(plane(before, n, 1)) == 0
        assert max(np.ptp(plane(after, n, index)) for index in (1, 2)) > 10, f"frame {n} is gray"
        difference = plane(after, n, 0) - plane(before, n, 0)
        # What the encoder loses at crf 16.
        assert abs(difference).mean() < 1.5, n


def test_the_picture_shows_before_and_after_side_by_side(demo: tuple[Path, str]) -> None:
    import cv2

    picture = cv2.imread(str(demo[0] / "demo_before_after.png"))
    assert picture is not None
    picture = picture.astype(np.int64)
    height, width, _ = picture.shape
    before, after = film(FILM), picture[:, width // 2 :]
    assert width == 2 * before.width
    assert height == 3 * before.height
    assert np.ptp(picture[:, : width // 2], axis=-1).mean() < 2
    assert np.ptp(after, axis=-1).mean() > 2


def test_the_film_of_the_demo_is_small_gray_and_attributed() -> None:
    assert FILM.stat().st_size <= 500_000
    source = film(FILM)
    assert all(np.ptp(plane(source, n, index)) == 0 for n in range(0, len(source), 9) for index in (1, 2))
    assert "Creative Commons Attribution 4.0" in (FILM.parent / "NOTICE.md").read_text(encoding="utf-8")


def test_a_missing_film_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    shutil.copy(ROOT / "demo" / "run.py", tmp_path / "demo")
    done = run(tmp_path / "out", project=tmp_path)
    assert done.returncode == 1
    assert "film.mp4 is not here" in done.stderr
    assert "Traceback" not in done.stderr


def test_frames_beyond_the_film_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "--frames", "91")
    assert done.returncode == 2
    assert "--frames must be 1–90" in done.stderr


def test_a_python_without_vspipe_colours_all_the_same(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("builds an environment of links")
    if not (resources.files("vsdeoldify.preview") / "preview.safetensors").is_file():
        pytest.fail("the bundled model is missing")
    # An environment whose programs are the running one's, but for vspipe.
    own = Path(sys.executable).parent
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in (Path(sys.executable).name, "vsdeoldify"):
        (programs / name).write_text(f'#!/bin/sh\nexec "{own / name}" "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    code = (
        "import runpy, sys; sys.executable = sys.argv[1]; "
        "sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(programs / "python"), str(ROOT / "demo" / "run.py")]
    command += ["--frames", "3", "--output", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "$ vsdeoldify colorize demo/film.mp4" in done.stdout
    assert len(film(tmp_path / "out" / "demo_colour.mp4")) == 3
