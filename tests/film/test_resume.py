"""`vsdeoldify colorize --resume`: what may differ from the run before, and what is refused by name."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cheap_vsdeoldify import BROKEN_FRAME

from vsdeoldify.film import ffmpeg

FFMPEG = ffmpeg.find_ffmpeg()
PROGRAM = Path(__file__).parents[1] / "support" / "cheap_vsdeoldify.py"
FRAMES = 36


@dataclass
class Run:
    """A film that broke off after two of its four pieces, in a folder of its own."""

    folder: Path

    @property
    def film(self) -> Path:
        return self.folder / "film.mkv"

    @property
    def model(self) -> Path:
        return self.folder / "own.pth"

    @property
    def output(self) -> Path:
        return self.folder / "out.mkv"

    @property
    def pieces(self) -> list[Path]:
        return sorted((self.folder / "out.mkv.unfinished").glob("0*.mov"))

    def again(self, *options: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        """The command of the first run; later options win."""
        paths = {"XDG_CACHE_HOME": str(self.folder / "cache"), "LOCALAPPDATA": str(self.folder / "cache")}
        command = ["colorize", self.film, "-o", self.output, "--ddcolor", self.model]
        command += ["--segment", "10", "--encoder-options", "-c:v ffv1"]
        return subprocess.run(
            [sys.executable, PROGRAM, *map(str, [*command, *options])],
            env=os.environ | {"PYTHONUTF8": "1"} | paths | environment,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
        )

    def goes_on(self, *options: str | Path, **environment: str) -> str:
        result = self.again("--resume", *options, **environment)
        assert result.returncode == 0, result.stderr
        assert not self.pieces
        return result.stderr

    def is_refused(self, *options: str | Path, **environment: str) -> str:
        pieces = self.pieces
        result = self.again("--resume", *options, **environment)
        assert result.returncode == 1
        assert not self.output.exists()
        assert self.pieces == pieces
        return result.stderr


def frames(path: Path) -> str:
    """Sums of a film's decoded frames."""
    command = [FFMPEG, "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("begun"))
    source = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", "-frames:v", str(FRAMES), "-c:v", "ffv1"]
    subprocess.run([FFMPEG, "-v", "error", *source, str(run.film)], check=True, stdin=subprocess.DEVNULL)
    run.model.write_bytes(b"weights of one kind")
    broken = run.again(**{BROKEN_FRAME: "25"})
    assert broken.returncode == 1, broken.stderr
    assert [path.name[:13] for path in run.pieces] == ["000000-000010", "000010-000020"]
    return run


@pytest.fixture
def run(begun: Run, tmp_path: Path) -> Run:
    """A copy, as if it had been made there; copies have new times."""
    shutil.copytree(begun.folder, tmp_path / "run", copy_function=shutil.copy)
    return Run(tmp_path / "run")


@pytest.fixture(scope="module")
def whole(begun: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The frames of the film that was made at one go."""
    output = tmp_path_factory.mktemp("whole") / "out.mkv"
    result = begun.again("-o", output)
    assert result.returncode == 0, result.stderr
    return frames(output)


def test_it_goes_on_after_film_model_and_output_were_moved_on_another_device(run: Run, whole: str) -> None:
    elsewhere = run.folder / "another place"
    elsewhere.mkdir()
    film = run.film.rename(elsewhere / "another name.mkv")
    model = run.model.rename(elsewhere / "another name.pth")
    command = [film, "-o", run.output, "--ddcolor", model, "--segment", "10", "--resume"]
    command += ["--encoder-options", "-c:v ffv1", "--torch-dir", elsewhere]
    # The double itself gives --device; --set wins over it.
    command += ["--set", "device_index=99", "--set", "backend=torch", "--set", "batch_size=2"]
    result = subprocess.run(
        [sys.executable, PROGRAM, "colorize", *map(str, command)], capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr
    assert "going on after 20 of 36 frames" in result.stderr
    assert frames(run.output) == whole


def test_pieces_out_of_order_are_kept_whatever_became_of_the_description(run: Run, whole: str) -> None:
    first, second = run.pieces
    first.unlink()
    (run.output.with_name("out.mkv.unfinished") / "job.json").write_text('{"job": {"fi')
    before = second.stat()
    broken = run.again("--resume", **{BROKEN_FRAME: "35"})
    assert broken.returncode == 1
    assert [path.name[:13] for path in run.pieces] == ["000000-000010", "000010-000020", "000020-000030"]
    after = second.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert "going on after 30 of 36 frames" in run.goes_on("--segment", "4")
    assert frames(run.output) == whole


def test_a_model_file_that_was_exchanged_is_named(run: Run) -> None:
    time = run.model.stat().st_mtime_ns
    run.model.write_bytes(b"weights of two kind")
    os.utime(run.model, ns=(time + 10**9, time + 10**9))
    assert "other settings (the model file of ddcolor_p (a file))" in run.is_refused()
    run.model.write_bytes(b"weights of one kind")
    os.utime(run.model, ns=(time + 2 * 10**9, time + 2 * 10**9))
    run.goes_on()


@pytest.mark.skipif(sys.platform == "win32", reason="a program that is a shell script")
def test_an_encoder_that_was_exchanged_is_named(run: Run) -> None:
    programs = run.folder / "programs"
    programs.mkdir()
    other = programs / "ffmpeg"
    other.write_text(
        f'#!/bin/sh\ncase "$1" in -version) echo "ffmpeg version 3.1-other Copyright" ;; '
        f'*) exec "{FFMPEG}" "$@" ;; esac\n'
    )
    other.chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    said = run.is_refused(PATH=path)
    assert "the encoder: ffmpeg " in said
    assert "then, ffmpeg 3.1-other now" in said
    run.goes_on()


def test_another_film_in_its_place_is_named(run: Run) -> None:
    source = ["-f", "lavfi", "-i", "testsrc=s=96x64:r=25", "-frames:v", str(FRAMES), "-c:v", "ffv1"]
    subprocess.run([FFMPEG, "-v", "error", "-y", *source, str(run.film)], check=True)
    assert "other settings (the film)" in run.is_refused()


def test_other_encoder_options_and_another_range_are_named(run: Run) -> None:
    said = run.is_refused("--end", "30", "--encoder-options", "-c:v ffv1 -level 3")
    assert "encoder options; range: frames 0 to 36 then, 0 to 30 now" in said
