"""Films that are coloured by a list of scenes, and lists that change while a film is unfinished."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cheap_vsdeoldify import BROKEN_FRAME
from jobs import a_job

from vsdeoldify.film import ffmpeg
from vsdeoldify.film.scenes import Scene, _scene
from vsdeoldify.film.script import make_script
from vsdeoldify.settings.presets import preset
from vsdeoldify.settings.scenes import Scenes, check_scenes

FFMPEG = ffmpeg.find_ffmpeg()
PROGRAM = Path(__file__).parents[1] / "support" / "cheap_vsdeoldify.py"
FRAMES = 200


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blotches that turn: what is averaged over time depends on where scenes begin."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    source = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", "-frames:v", str(FRAMES), "-c:v", "ffv1"]
    subprocess.run([FFMPEG, "-v", "error", *source, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def colorize(film: Path, *options: str | Path, **extra: str) -> "subprocess.CompletedProcess[str]":
    command = ["colorize", film, "--preset", "preview", "--colours", "stable", "--segment", "20"]
    return subprocess.run(
        [sys.executable, PROGRAM, *map(str, command), "--encoder-options", "-c:v ffv1", *map(str, options)],
        env=os.environ | {"PYTHONUTF8": "1"} | extra,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def frames(path: Path) -> list[str]:
    """Sums of a film's decoded frames."""
    command = [FFMPEG, "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split(",")[5].strip() for line in lines if not line.startswith("#")]


def test_colours_stop_where_the_list_has_a_cut(film: Path, tmp_path: Path) -> None:
    outputs = []
    for name, rows in {"one": "0,199", "two": "0,99\n100,199"}.items():
        (tmp_path / f"{name}.csv").write_text(f"first,last\n{rows}\n")
        outputs.append(tmp_path / f"{name}.mkv")
        done = colorize(film, "-o", outputs[-1], "--scenes", tmp_path / f"{name}.csv")
        assert done.returncode == 0, done.stderr
    different = [n for n, (a, b) in enumerate(zip(*map(frames, outputs), strict=True)) if a != b]
    assert 99 in different
    assert 100 in different
    # The colours are averaged over seven frames on either side.
    assert min(different) >= 93
    assert max(different) <= 106


def test_a_changed_list_makes_only_the_pieces_near_the_change_again(film: Path, tmp_path: Path) -> None:
    table, output = tmp_path / "list.csv", tmp_path / "out.mkv"
    table.write_text("first,last\n0,29\n30,179\n180,199\n")
    broken = colorize(film, "-o", output, "--scenes", table, **{BROKEN_FRAME: "190"})
    assert broken.returncode == 1
    folder = tmp_path / "out.mkv.unfinished"
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("0*.mov")}
    assert len(before) == 9
    # The reach is 64 frames: pieces up to frame 100 cannot notice.
    table.write_text("first,last\n0,29\n30,163\n164,199\n")
    broken = colorize(film, "-o", output, "--scenes", table, "--resume", **{BROKEN_FRAME: "190"})
    assert broken.returncode == 1
    assert "4 finished pieces were made with other scenes" in broken.stderr
    assert "going on after 100 of 200 frames" in broken.stderr
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("0*.mov")}
    kept = [name for name in before if name[:6] < "000100"]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    done = colorize(film, "-o", output, "--scenes", table, "--resume")
    assert done.returncode == 0, done.stderr
    assert not folder.exists()
    whole = colorize(film, "-o", tmp_path / "whole.mkv", "--scenes", table)
    assert whole.returncode == 0, whole.stderr
    assert frames(output) == frames(tmp_path / "whole.mkv")


def test_a_list_that_does_not_fit_is_refused_before_anything_is_made(film: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("first,last\n0,99\n100,200\n")
    for options in ([], ["--preview", "3"]):
        output = tmp_path / ("out.png" if options else "out.mkv")
        refused = colorize(film, "-o", output, "--scenes", tmp_path / "list.csv", *options)
        assert refused.returncode == 2
        assert "list.csv names frame 200, but the last frame is 199" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]
    picture = tmp_path / "list.csv"
    wrong = colorize(film, "-o", tmp_path / "out.mkv", "--scenes", picture.with_name("nowhere.csv"))
    assert wrong.returncode == 1
    assert "nowhere.csv cannot be read" in wrong.stderr


def call(text: str) -> list[object]:
    """The list in the call of `ddeoldify_scenes` in a script."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    (found,) = (c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "ddeoldify_scenes")
    (scenes,) = (keyword.value for keyword in found.keywords if keyword.arg == "scenes")
    value: list[object] = ast.literal_eval(scenes)
    return value


def test_a_script_holds_the_whole_list(tmp_path: Path) -> None:
    firsts = tuple(range(0, 30_000, 7))
    for end in (None, 40_000):
        scenes = Scenes(firsts, end, 'a\nlist "of mine".csv')
        text = make_script(tmp_path / "film.mkv", preset("fast"), scenes=scenes)
        again = check_scenes(call(text))
        assert (again.firsts, again.end) == (firsts, end)
        assert max(len(line) for line in text.splitlines() if "vs.core" not in line) < 250
    assert "ddeoldify_scenes" not in make_script(tmp_path / "film.mkv", preset("fast"))


def test_where_a_scene_begins_or_ends_beyond_the_reach_decides_on_no_piece() -> None:
    scenes = ({"first": 0, "end": 100}, {"first": 100, "end": 900}, {"first": 900, "end": 1000})
    before = a_job(end=1000, scenes=scenes)
    shifted = (scenes[0], {"first": 100, "end": 890}, {"first": 890, "end": 1000})
    now = a_job(end=1000, scenes=shifted)
    changed = [n for n in range(0, 1000, 50) if now.piece_digest(n, n + 50) != before.piece_digest(n, n + 50)]
    assert changed == [800, 850, 900, 950]
    assert a_job(end=1000, scenes=()).piece_digest(400, 450) != before.piece_digest(400, 450)


def test_the_frame_that_shows_a_scene_is_neither_black_nor_a_flash() -> None:
    assert _scene(10, 21, [0.5] * 11) == Scene(10, 21, 0.5, 15)
    dark_middle = [0.5] * 4 + [0.0] * 3 + [0.5] * 4
    assert _scene(0, 11, dark_middle).shown in (3, 7)
    assert _scene(0, 11, [0.4] * 5 + [1.0] + [0.4] * 5).shown in (4, 6)
    assert _scene(7, 8, [0.0]) == Scene(7, 8, 0.0, 7)
