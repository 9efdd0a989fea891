"""Pictures of a film that people correct: written, read back, and rendered only where they reach."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jobs import a_job
from PIL import Image

from vsdeoldify.film import ffmpeg
from vsdeoldify.film.script import make_script
from vsdeoldify.pictures.files import read_picture
from vsdeoldify.review.references import least_known
from vsdeoldify.settings.presets import preset
from vsdeoldify.settings.references import picture_name, read_folder
from vsdeoldify.vsutils.propagation import motion

FFMPEG = ffmpeg.find_ffmpeg()
PROGRAM = Path(__file__).parents[1] / "support" / "cheap_vsdeoldify.py"
needs_motion = pytest.mark.skipif(not motion.is_available(), reason="vapoursynth-mvutensils is not installed")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes of 100 frames, the middle one black."""
    path = tmp_path_factory.mktemp("film") / "a film.mkv"
    command = [FFMPEG, "-v", "error"]
    for source in ("testsrc2=s=96x64:r=25", "color=black:s=96x64:r=25", "mandelbrot=s=96x64:r=25"):
        command += ["-f", "lavfi", "-i", source]
    cut = ";".join(f"[{n}]trim=end_frame=100,format=gray[s{n}]" for n in range(3))
    command += ["-filter_complex", f"{cut};[s0][s1][s2]concat=n=3", "-c:v", "ffv1", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def run(command: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, PROGRAM, command, *map(str, arguments), "--preset", "preview", "--no-stabilizer"],
        env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def written(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("references") / "pictures"
    done = run("references", film, "-o", folder)
    assert done.returncode == 0, done.stderr
    assert "2 pictures" in done.stderr
    assert "1 scenes are black" in done.stderr
    return folder


def frames(path: Path) -> list[str]:
    """Sums of a film's decoded frames."""
    command = [FFMPEG, "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split(",")[5].strip() for line in lines if not line.startswith("#")]


def test_each_scene_that_shows_something_has_a_picture_and_a_place_on_the_sheet(written: Path) -> None:
    pictures = read_folder(written, 300)
    first, last = pictures
    assert first < 100
    assert last >= 200
    assert {path.name for path in written.iterdir()} == {
        picture_name(first),
        picture_name(last),
        "sheet.jpg",
        "scenes.csv",
    }
    for path in pictures.values():
        picture = read_picture(path)
        assert picture.shape == (64, 96, 3)
        assert picture.dtype == np.uint8
        assert np.ptp(picture.astype(int).mean((0, 1))) > 3  # It has colours.
    assert read_picture(written / "sheet.jpg").shape[0] > 2 * 64


def test_pictures_that_are_there_are_not_replaced_without_being_asked(film: Path, written: Path) -> None:
    done = run("references", film, "-o", written)
    assert done.returncode != 0
    assert "exists: add --overwrite" in done.stderr
    assert not [*written.glob(".unfinished*")]


def test_pictures_of_16_bits(film: Path, tmp_path: Path) -> None:
    done = run("references", film, "-o", tmp_path / "deep", "--bits", "16")
    assert done.returncode == 0, done.stderr
    (path, _) = read_folder(tmp_path / "deep", 300).values()
    assert read_picture(path).dtype == np.uint16


@needs_motion
def test_a_changed_picture_renders_the_pieces_again_that_it_reaches(
    film: Path, written: Path, tmp_path: Path
) -> None:
    folder, output = tmp_path / "references", tmp_path / "out.mkv"
    folder.mkdir()
    pictures = read_folder(written, 300)
    for path in (*pictures.values(), written / "scenes.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    options = ["-o", output, "--references", folder, "--segment", "20", "--encoder-options", "-c:v ffv1"]
    automatic = tmp_path / "automatic.mkv"
    assert run("colorize", film, "-o", automatic, *options[4:]).returncode == 0
    done = run("colorize", film, *options)
    assert done.returncode == 0, done.stderr
    assert "the pieces stay in" in done.stderr
    unchanged = frames(output)
    pieces = {path.name for path in (tmp_path / "out.mkv.unfinished").glob("0*.mov")}
    assert len(pieces) == 15

    last = folder / picture_name(max(pictures))
    picture = read_picture(last)
    picture[:, :, 0] = 255 - picture[:, :, 0] // 2
    luma = read_picture(last) @ np.array([0.299, 0.587, 0.114])
    green = (luma - 0.299 * picture[..., 0] - 0.114 * picture[..., 2]) / 0.587
    picture[..., 1] = green.clip(0, 255).astype(np.uint8)
    Image.fromarray(picture).save(last)
    done = run("colorize", film, *options, "--resume")
    assert done.returncode == 0, done.stderr
    # Those of its scene.
    assert "5 finished pieces were made with other scenes, settings or references" in done.stderr
    assert "going on after 200 of 300 frames" in done.stderr
    kept = pieces & {path.name for path in (tmp_path / "out.mkv.unfinished").glob("0*.mov")}
    assert kept == pieces  # Whoever changes their mind finds them.
    changed = [
        n for n, (one, other) in enumerate(zip(unchanged, frames(output), strict=True)) if one != other
    ]
    assert min(changed) >= 200
    assert max(pictures) in changed
    # A film made anew in one go is the same.
    again = run("colorize", film, "-o", tmp_path / "again.mkv", *options[2:])
    assert again.returncode == 0, again.stderr
    assert frames(tmp_path / "again.mkv") == frames(output)


@needs_motion
def test_wrong_folders_are_named_before_the_work(film: Path, tmp_path: Path) -> None:
    nowhere = run("colorize", film, "-o", tmp_path / "out.mkv", "--references", tmp_path / "nowhere")
    assert nowhere.returncode != 0
    assert "nowhere does not exist" in nowhere.stderr
    empty = run("colorize", film, "-o", tmp_path / "out.mkv", "--references", tmp_path)
    assert empty.returncode != 0
    assert "holds no pictures with the number of a frame" in empty.stderr
    assert not [*tmp_path.iterdir()]
    (tmp_path / "references").mkdir()
    Image.new("RGB", (96, 64)).save(tmp_path / "references" / "ref_000300.png")
    beyond = run("colorize", film, "-o", tmp_path / "out.mkv", "--references", tmp_path / "references")
    assert beyond.returncode != 0
    assert "ref_000300.png belongs to frame 300" in beyond.stderr
    assert "Traceback" not in nowhere.stderr + empty.stderr + beyond.stderr


def test_a_piece_knows_the_references_that_it_depends_on() -> None:
    one = a_job(end=2000, references={"100": "a", "900": "b", "1000": "c", "1800": "d"})
    other = a_job(end=2000, references={"100": "a", "900": "b", "1000": "x", "1800": "d"})
    same = [one.piece_digest(n, n + 50) == other.piece_digest(n, n + 50) for n in range(0, 2000, 50)]
    # Up to the references before and after, and as far as filters over time look beyond.
    assert same == [n + 50 + 64 <= 900 or n - 64 > 1800 for n in range(0, 2000, 50)]


def test_a_piece_depends_on_no_reference_of_another_scene() -> None:
    scenes = ({"first": 0, "end": 800}, {"first": 800, "end": 2000})
    one = a_job(end=2000, scenes=scenes, references={"100": "a", "1000": "c"})
    other = a_job(end=2000, scenes=scenes, references={"100": "a", "1000": "x"})
    same = [one.piece_digest(n, n + 50) == other.piece_digest(n, n + 50) for n in range(0, 2000, 50)]
    assert same == [n + 50 <= 800 for n in range(0, 2000, 50)]


@needs_motion
def test_the_next_picture_is_of_what_the_references_do_not_show(film: Path, tmp_path: Path) -> None:
    folder = tmp_path / "references"
    folder.mkdir()
    first = tmp_path / "first.png"
    subprocess.run([FFMPEG, "-v", "error", "-ss", "8.2", "-i", film, "-frames:v", "1", first], check=True)
    Image.open(first).convert("RGB").save(folder / "ref_000205.png")
    done = run("references", film, "-o", folder, "--next", "1")
    assert done.returncode == 0, done.stderr
    (_, number) = read_folder(folder, 300)
    # The other scenes have no reference to compare with.
    assert number >= 205 + 24
    assert picture_name(number) in done.stderr
    none = run("references", film, "-o", tmp_path, "--next", "1")
    assert none.returncode != 0
    assert "holds no pictures" in none.stderr


def test_frames_that_are_chosen_next_lie_apart() -> None:
    shares = {0: 0.9, 10: 0.8, 40: 0.7, 100: 0.06, 200: 0.04}
    assert least_known(shares, [], 5) == [0, 40, 100]
    assert least_known(shares, [5], 5) == [40, 100]
    assert least_known(shares, [], 1) == [0]


def test_a_script_names_the_folder(tmp_path: Path) -> None:
    text = make_script(tmp_path / "film.mkv", preset("preview"), references=tmp_path / "refs")
    assert f'    references="{tmp_path / "refs"}",' in text
    compile(text, "script", "exec")
