"""The ffmpeg that a person has: one that does not work here is named, and the bundled one does its work."""

import os
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

HERE = Path(__file__).parents[1] / "support"
REAL = imageio_ffmpeg.get_ffmpeg_exe()
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform == "win32", reason="programs that are shell scripts"),
]

# What stands on the PATH, and what is said of it.
STAND_INS = {
    "broken": (
        'echo "libx265.so.1: cannot open shared object file" >&2; exit 127',
        "does not work (libx265.so.1",
    ),
    "without x264": (
        f'case "$*" in *libx264*) echo "Unknown encoder \'libx264\'" >&2; exit 8;; esac; exec {REAL} "$@"',
        "lacks the encoder libx264",
    ),
    "blind to the disk": (
        f'case "$*" in *file:*) exit 0;; esac; exec {REAL} "$@"',
        "writes where this program does not see it",
    ),
    "blind to the film": (
        f'case "$*" in *"-i file:"*film.mkv*) echo "film.mkv: No such file or directory" >&2; exit 1;; esac; '
        f'exec {REAL} "$@"',
        "cannot open",
    ),
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ffmpeg") / "film.mkv"
    source = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-f", "lavfi", "-i", "sine=d=0.4"]
    encode = ["-frames:v", "10", "-vf", "hue=s=0,format=yuv420p", "-c:v", "libx264", "-c:a", "aac"]
    subprocess.run([REAL, "-v", "error", *source, *encode, path], check=True)
    return path


def colorize(film: Path, output: Path, folder: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, HERE / "cheap_vsdeoldify.py", "colorize", film, "-o", output],
        env=os.environ | {"PATH": path} | extra,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def stand_in(folder: Path, lines: str) -> Path:
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{lines}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("what", STAND_INS)
def test_an_ffmpeg_that_does_not_work_is_named_and_another_is_used(
    film: Path, tmp_path: Path, what: str
) -> None:
    lines, words = STAND_INS[what]
    program = stand_in(tmp_path, lines)
    result = colorize(film, tmp_path / "out.mkv", tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"note: the ffmpeg {program} {words}" in result.stderr
    assert f"{REAL} is used instead" in result.stderr
    assert "10 frames" in result.stderr


def test_messages_hold_no_codes_for_colours(film: Path, tmp_path: Path) -> None:
    result = colorize(film, tmp_path / "out.mkv", tmp_path, AV_LOG_FORCE_COLOR="1")
    assert result.returncode == 0, result.stderr
    seen = subprocess.run([REAL, "-i", tmp_path / "out.mkv"], capture_output=True, text=True, check=False)
    assert "Audio: aac" in seen.stderr, "the sound was not seen among the colours"
    assert "\x1b" not in result.stderr


def test_the_ffmpeg_of_a_system_is_used_and_nothing_is_said_of_it(
    film: Path, tmp_path: Path, other_ffmpeg: str
) -> None:
    result = colorize(film, tmp_path / "out.mkv", Path(other_ffmpeg).parent)
    assert result.returncode == 0, result.stderr
    assert "10 frames" in result.stderr
    assert "note:" not in result.stderr


def test_the_ffmpeg_of_a_system_without_x264_is_passed_over(
    film: Path, tmp_path: Path, other_ffmpeg: str
) -> None:
    lines, words = STAND_INS["without x264"]
    program = stand_in(tmp_path, lines.replace(REAL, other_ffmpeg))
    result = colorize(film, tmp_path / "out.mkv", tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"note: the ffmpeg {program} {words}: {REAL} is used instead" in result.stderr
