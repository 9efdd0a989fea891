"""What is no film is refused at once and by what it is; a film needs no place for its index."""

import io
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from vapoursynth import core

from vsdeoldify.cli import main
from vsdeoldify.film import ffmpeg
from vsdeoldify.film.script import source_arguments
from vsdeoldify.film.source import open_film

HERE = Path(__file__).parents[1] / "support"
FRAMES = 120
pytestmark = pytest.mark.timeout(120)
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices with names")


def make(path: Path, *arguments: str) -> Path:
    """A gray film of 120 frames: from 100 on the source filter keeps an index."""
    source = ["-f", "lavfi", "-i", "testsrc2=s=48x32:r=25", "-frames:v", str(FRAMES), "-vf", "hue=s=0"]
    options = [*source, *(arguments or ("-c:v", "ffv1"))]
    subprocess.run([ffmpeg.find_ffmpeg(), "-v", "error", "-y", *options, f"file:{path}"], check=True)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("inputs") / "film.mkv")


def refusal(capsys: pytest.CaptureFixture[str], command: str, *arguments: str | Path) -> str:
    """What a command says that fails; it must not take a second's reading of a pipe to know."""
    assert main([command, *map(str, arguments)]) == 1
    return capsys.readouterr().err


def a_zip(_: Path) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("film.mkv", b"x")
    return data.getvalue()


def cut_mp4(folder: Path) -> bytes:
    whole = make(folder / "whole.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p").read_bytes()
    return whole[: len(whole) // 2]


CONTENTS: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "empty": ("film.mkv", lambda _: b"", "is empty (0 bytes)"),
    "text": ("film.mkv", lambda _: b"A list of my films.\n", "is a text file, no film"),
    "text in UTF-16": ("film.txt", lambda _: "Filme für Zoë\n".encode("utf-16"), "is a text file, no film"),
    "a long text": ("film.mkv", lambda _: "Zoë – 映画\n".encode() * 999, "is a text file, no film"),
    "VapourSynth": ("a.vpy", lambda _: b"core = vs.core\n", "is a script of VapourSynth"),
    "VapourSynth by content": ("a.py", lambda _: b"import vapoursynth as vs\n", "is a script of VapourSynth"),
    "AviSynth": ("a.avs", lambda _: b'AviSource("film.avi")\n', "is a script of AviSynth"),
    "a web page": ("film.mp4", lambda _: b"<!DOCTYPE html><html>404</html>", "is a page of the web"),
    "a playlist": ("film.m3u8", lambda _: b"#EXTM3U\nfilm.ts\n", "is a playlist"),
    "a zip": ("film.mkv", a_zip, "is a zip archive; unpack it"),
    "zeros": ("film.mkv", lambda _: bytes(20_000), "begins with nothing but zeros (20 kB)"),
    "a cut MP4": (
        "film.mp4",
        cut_mp4,
        "is an MP4 or QuickTime file that is cut off or damaged",
    ),
    "noise": ("film.mkv", lambda _: bytes(range(256)) * 40, "is no film of a known format, or it is damaged"),
}


@pytest.mark.parametrize("what", CONTENTS)
def test_what_is_no_film_is_named_by_its_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    name, content, words = CONTENTS[what]
    path = tmp_path / name
    path.write_bytes(content(tmp_path))
    said = refusal(capsys, "colorize", path, "--preset", "preview", "--device", "cpu")
    assert f"{path} {words}" in said
    for raw in ("VideoSource", "Couldn't", "ffmpeg failed", "Traceback"):
        assert raw not in said
    said = refusal(capsys, "compare", path, "--models", "preview", "--device", "cpu")
    assert f"{path} {words}" in said
    assert [p.name for p in tmp_path.iterdir() if p.name not in (name, "whole.mp4")] == []


@posix_only
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
@pytest.mark.parametrize("command", ["colorize", "script"])
def test_pipes_and_devices_are_refused_without_waiting(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # The name of a socket must be short.
    path = Path("/dev/zero") if kind == "device" else tmp_path / "film.mkv"
    if kind == "pipe":
        os.mkfifo(path)
    if kind == "socket":
        socket.socket(socket.AF_UNIX).bind(path.name)
    said = refusal(capsys, command, path)
    assert f"{path} is a {kind}, and a film is read more than once: write what it gives into a file" in said
    if kind != "device":
        assert f"{path} is a {kind}" in refusal(capsys, "compare", path, "--models", "preview")
        assert f"{path} is a {kind}" in refusal(capsys, "colorize", path, "--preview", "3")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("https://example.com/film.mkv", "is an address, no file: download the film first"),
        ("rtsp://camera/stream", "is an address, no file: download the film first"),
        ("file:film.mkv", "give the file's name by itself, without file:"),
        ("-", "a film cannot be read from a pipe"),
        ("nothing.mkv", "nothing.mkv does not exist"),
        ("nothing.mkv/film.mkv", "nothing.mkv/film.mkv does not exist"),
    ],
)
def test_what_names_no_file_is_refused(capsys: pytest.CaptureFixture[str], name: str, words: str) -> None:
    assert words in refusal(capsys, "colorize", name)
    assert words in refusal(capsys, "script", name)
    assert words in refusal(capsys, "compare", name, "--models", "preview")


@posix_only
def test_a_link_to_nothing_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "film.mkv").symlink_to("/nowhere/disk/film.mkv")
    assert "is a link to /nowhere/disk/film.mkv, which does not exist" in refusal(
        capsys, "colorize", tmp_path / "film.mkv"
    )


@pytest.mark.parametrize("what", ["a folder's name is a file's", "no home folder", "a home that is no path"])
def test_a_film_is_coloured_where_its_index_cannot_be_kept_and_nothing_is_left(
    film: Path, tmp_path: Path, what: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    changes: dict[str, str | None] = {"HOME": None, "XDG_CACHE_HOME": None, "LOCALAPPDATA": None}
    if what == "a folder's name is a file's":
        (tmp_path / "cache").write_bytes(b"")
        changes |= dict.fromkeys(changes, str(tmp_path / "cache"))
    elif what == "a home that is no path":
        changes |= dict.fromkeys(changes, "relative")
    environment = {name: value for name, value in (os.environ | changes).items() if value is not None}
    result = subprocess.run(
        [sys.executable, HERE / "cheap_vsdeoldify.py", "colorize", film, "-o", "out.mkv"],
        env=environment | {"PYTHONUTF8": "1"},
        cwd=work,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stderr
    assert f"out.mkv: {FRAMES} frames" in result.stderr
    if what != "no home folder":  # The password file may know one.
        assert "note: what is learnt in reading the film cannot be kept" in result.stderr
    assert [path.name for path in work.iterdir()] == ["out.mkv"]


@posix_only
def test_an_index_is_kept_only_where_it_can_be_written(film: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    place = Path(source_arguments(film, cache)["cachepath"])
    assert place.parent == cache
    assert not cache.exists(), "looking leaves folders behind"
    long = tmp_path / ("f" * 247 + ".mkv")
    long.symlink_to(film)
    assert source_arguments(long, cache)["cachemode"] == 0, "with .0.bsindex the name is too long for a file"
    full = Path(f"{place}{film}.0.bsindex")
    full.parent.mkdir(parents=True)
    full.mkdir()
    assert source_arguments(film, cache)["cachemode"] == 0


@pytest.mark.parametrize("pixels", ["rgb555le", "rgb565le", "rgb444le"])
def test_formats_below_8_bits_are_named_with_a_cure_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pixels: str
) -> None:
    film = make(tmp_path / "film.nut", "-c:v", "rawvideo", "-pix_fmt", pixels)
    said = refusal(capsys, "colorize", film, "--preset", "preview", "--device", "cpu")
    assert f"{film} has pictures of a format that VapourSynth does not have" in said
    cure = said.split("without loss: ")[1].split()
    assert cure[:3] == ["ffmpeg", "-i", "IN"]
    converted = tmp_path / "OUT.mkv"
    subprocess.run([ffmpeg.find_ffmpeg(), "-v", "error", "-i", film, *cure[3:-1], converted], check=True)
    assert len(core.bs.VideoSource(str(converted), cachemode=0)) == FRAMES


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("film.mov", ("-c:v", "qtrle", "-pix_fmt", "argb"), False),
        ("film.nut", ("-c:v", "rawvideo", "-pix_fmt", "pal8"), False),
        (
            "film.mov",
            ("-c:v", "qtrle", "-pix_fmt", "argb", "-vf", "format=rgba,colorchannelmixer=aa=0.5"),
            True,
        ),
    ],
)
def test_transparency_is_spoken_of_where_there_is_some(
    tmp_path: Path, name: str, options: tuple[str, ...], said: bool
) -> None:
    film = make(tmp_path / name, *options)
    opened = open_film(film, ffmpeg.contents(ffmpeg.find_ffmpeg(), film))
    assert ("transparency is left out" in opened.notes) == said


@pytest.mark.parametrize("change", ["another film of its size", "of its size and time", "damaged in place"])
def test_a_film_that_was_replaced_is_not_read_by_the_old_ones_index(tmp_path: Path, change: str) -> None:
    path, cache = tmp_path / "film.mkv", tmp_path / "cache"
    one, other = tmp_path / "one.mkv", tmp_path / "other.mkv"
    make(one)
    # The same packets but for the number of frames, padded to one size.
    subprocess.run(
        [ffmpeg.find_ffmpeg(), "-v", "error", "-i", one, "-c", "copy", "-frames:v", "110", other], check=True
    )
    if change == "damaged in place":
        shutil.copy(one, other)
        with other.open("r+b") as file:
            file.seek(one.stat().st_size // 2)
            file.write(bytes(one.stat().st_size // 4))
    with other.open("ab") as file:
        # Matroska's element for nothing.
        gap = one.stat().st_size - other.stat().st_size
        file.write(b"\xec\x01" + (gap - 9).to_bytes(7, "big") + bytes(gap - 9) if gap else b"")

    def frames(place: Path) -> int:
        clip = core.bs.VideoSource(**source_arguments(place, cache))
        for n in (0, clip.num_frames - 1):
            clip.get_frame(n)
        return int(clip.num_frames)

    shutil.copy(one, path)
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    assert frames(path) == FRAMES
    old = {*cache.rglob("*.bsindex")}
    assert len(old) == 1
    shutil.copy(other, path)
    if change == "of its size and time":
        os.utime(path, ns=times)
    assert path.stat().st_size == one.stat().st_size
    assert frames(path) == core.bs.VideoSource(str(other), cachemode=0).num_frames < FRAMES
    assert not {*cache.rglob("*.bsindex")} & old, "what nobody reads again is gone"
