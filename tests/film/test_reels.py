"""Numbered pictures are a film: values kept, filters over time at work, gaps and strange pictures told."""

import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from cheap_vsdeoldify import BROKEN_FRAME
from numpy.typing import NDArray
from PIL import Image
from vapoursynth import core

from vsdeoldify.cli import main
from vsdeoldify.film import ffmpeg
from vsdeoldify.film.clips import open_clip, told
from vsdeoldify.film.identity import film_mark
from vsdeoldify.film.reel import Reel, find_reel, is_pattern
from vsdeoldify.film.script import make_script
from vsdeoldify.film.source import _check_brightness, open_reel
from vsdeoldify.pictures.files import block_means, write_picture
from vsdeoldify.settings.presets import preset
from vsdeoldify.support.errors import FilmError

HERE = Path(__file__).parents[1] / "support"
FFMPEG = ffmpeg.find_ffmpeg()
RATE = Fraction(18)
LOSSLESS = ("--encoder-options", "-c:v ffv1")
pytestmark = pytest.mark.timeout(120)


def colorize(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, HERE / "cheap_vsdeoldify.py", "colorize", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def done(*arguments: str | Path) -> str:
    result = colorize(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stderr


def gray(number: int, bits: int = 8, size: tuple[int, int] = (48, 64)) -> NDArray[np.uint16]:
    """A picture with every value near both ends of the range, another one for every number."""
    top = (1 << bits) - 1
    ramp = np.linspace(0, top, size[0] * size[1]).reshape(size).astype(np.uint16)
    return np.roll(ramp, 7 * number, axis=1)


def scan(folder: Path, pattern: str, format_: str, bits: int, numbers: range) -> list[NDArray[np.uint16]]:
    """Write numbered pictures with ffmpeg, in a pixel format of this depth; their gray values."""
    folder.mkdir(exist_ok=True)
    pictures = [gray(n, bits) for n in range(len(numbers))]
    raw = b"".join(picture.astype(np.uint8 if bits == 8 else "<u2").tobytes() for picture in pictures)
    layout = "gray" if bits == 8 else f"gray{bits}le"
    shape = ["-f", "rawvideo", "-pix_fmt", layout, "-s", "64x48", "-r", "18", "-i", "pipe:0"]
    # Three equal channels, without a conversion that rounds.
    planes = f"format={layout},split=3[a][b][c];[a][b][c]mergeplanes=0x001020:{format_}"
    filters = [] if format_.startswith("gray") else ["-lavfi", planes]
    into = ["-start_number", str(numbers[0]), folder / pattern]
    subprocess.run([FFMPEG, "-v", "error", "-y", *shape, *filters, *into], check=True, input=raw)
    return pictures


def planes(path: Path) -> tuple[vs.VideoNode, list[NDArray[np.uint16]]]:
    clip = core.bs.VideoSource(str(path), cachemode=0)
    return clip, [np.array(clip.get_frame(n)[0]).astype(np.uint16) for n in range(len(clip))]


@pytest.mark.parametrize(
    ("pattern", "format_", "bits"),
    [
        ("scan_%06d.dpx", "gbrp10le", 10),
        ("scan_%06d.dpx", "gbrp12le", 12),
        ("%04d.tif", "gray16le", 16),
        ("reel 2 %d.png", "gray16le", 16),
        ("100%%_%03d.png", "gbrp", 8),
        ("%05d_v2.tiff", "gray", 8),
    ],
)
def test_every_value_of_a_scan_is_kept(tmp_path: Path, pattern: str, format_: str, bits: int) -> None:
    pictures = scan(tmp_path / "reel", pattern, format_, bits, range(97, 103))
    said = done(tmp_path / "reel", "--film", "--fps", "18", *LOSSLESS, "--segment", "4")
    clip, found = planes(tmp_path / "reel_colour.mkv")
    assert "6 frames" in said
    assert clip.fps == RATE
    assert clip.format.bits_per_sample == bits
    assert clip.get_frame(0).props["_Range"] == vs.RANGE_FULL
    np.testing.assert_array_equal(np.stack(found), np.stack(pictures))
    assert np.asarray(clip.get_frame(0)[1]).std() > 0, "no colour"


def test_the_usual_encoder_keeps_10_bits_and_a_rate_of_old_film(tmp_path: Path) -> None:
    pictures = scan(tmp_path / "reel", "scan_%06d.dpx", "gbrp10le", 10, range(5))
    done(tmp_path / "reel" / "scan_%06d.dpx", "--film", "--fps", "16.67", "-o", tmp_path / "out.mp4")
    clip, found = planes(tmp_path / "out.mp4")
    assert clip.format.bits_per_sample == 10
    assert clip.fps == Fraction(1667, 100)
    assert np.abs(np.stack(found).astype(int) - np.stack(pictures)).mean() < 8


def test_filters_over_time_are_at_work(tmp_path: Path) -> None:
    scan(tmp_path / "reel", "%04d.tif", "gray", 8, range(12))
    common = (tmp_path / "reel", "--film", "--fps", "18", *LOSSLESS)
    done(*common, "-o", tmp_path / "calm.mkv", "--stabilize-frames", "9")
    done(*common, "-o", tmp_path / "raw.mkv", "--stabilize-frames", "0")
    paths = (tmp_path / "calm.mkv", tmp_path / "raw.mkv")
    calm, raw = (core.bs.VideoSource(str(path), cachemode=0).get_frame(5) for path in paths)
    np.testing.assert_array_equal(np.asarray(calm[0]), np.asarray(raw[0]))
    assert (np.asarray(calm[1]) != np.asarray(raw[1])).any()


def test_missing_numbers_are_told_and_the_others_are_all_there(tmp_path: Path) -> None:
    pictures = scan(tmp_path / "reel", "%04d.tif", "gray", 8, range(1, 13))
    for number in (4, 5, 9):
        (tmp_path / "reel" / f"{number:04}.tif").unlink()
    (tmp_path / "reel" / "notes.txt").write_text("reel 7")
    said = done(tmp_path / "reel", "--film", "--fps", "18", *LOSSLESS)
    assert "3 pictures are missing in %04d.tif (number 4 to 5, 9): the film goes on there" in said
    assert "notes.txt in" in said
    _, found = planes(tmp_path / "reel_colour.mkv")
    kept = [pictures[number - 1] for number in range(1, 13) if number not in (4, 5, 9)]
    np.testing.assert_array_equal(np.stack(found), np.stack(kept))


def half_pngs(folder: Path) -> None:
    """PNG files of which the sixth has all its chunks, and half of what is packed in them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for path in folder.iterdir():
        picture = np.random.default_rng(int(path.stem)).integers(0, 255, (48, 64), np.uint8)
        packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in picture))
        head = chunk(b"IHDR", struct.pack(">2I5B", 64, 48, 8, 0, 0, 0, 0))
        data = chunk(b"IDAT", packed[: len(packed) // (2 if path.stem == "0006" else 1)])
        path.with_suffix(".png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b""))
        path.unlink()


def half_jpegs(folder: Path) -> None:
    """JPEG files, the sixth cut off."""
    for path in folder.iterdir():
        picture = np.random.default_rng(int(path.stem)).integers(0, 255, (48, 64, 1), np.uint8)
        jpeg = path.with_suffix(".jpg")
        write_picture(jpeg, np.repeat(picture, 3, 2))
        if path.stem == "0006":
            jpeg.write_bytes(jpeg.read_bytes()[: jpeg.stat().st_size // 2])
        path.unlink()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (
            "size",
            "0006.tif is 32×48 Gray8, and 0001.tif is 64×48 Gray8: the pictures of a reel must",
        ),
        ("depth", "0006.tif is 64×48 Gray16, and 0001.tif is 64×48 Gray8"),
        ("size after a gap", "0006.tif is 32×48 Gray8"),
        ("damage", "0006.tif cannot be decoded: scan or copy it again"),
        ("an empty file", "0006.tif cannot be decoded"),
        (
            "half a picture",
            "0006.png is cut off or damaged: scan or copy it again, or move it away",
        ),
        ("half a JPEG", "0006.jpg is cut off or damaged: scan or copy it again, or move it away"),
    ],
)
def test_a_strange_picture_among_them_is_named(tmp_path: Path, what: str, words: str) -> None:
    scan(tmp_path / "reel", "%04d.tif", "gray", 8, range(1, 9))
    odd = tmp_path / "reel" / "0006.tif"
    if what.startswith("size"):
        write_picture(odd, np.repeat(gray(3, size=(48, 32))[..., None].astype(np.uint8), 3, axis=2))
        subprocess.run(
            [FFMPEG, "-v", "error", "-y", "-i", odd, "-pix_fmt", "gray", tmp_path / "gray.tif"], check=True
        )
        shutil.move(tmp_path / "gray.tif", odd)
        if "gap" in what:
            (tmp_path / "reel" / "0005.tif").unlink()
    elif what == "depth":
        scan(tmp_path / "other", "%04d.tif", "gray16le", 16, range(6, 7))
        shutil.copy(tmp_path / "other" / "0006.tif", odd)
    elif what == "half a picture":
        half_pngs(tmp_path / "reel")
    elif what == "half a JPEG":
        half_jpegs(tmp_path / "reel")
    else:
        odd.write_bytes(odd.read_bytes()[:40] if what == "damage" else b"")
    result = colorize(tmp_path / "reel", "--film", "--fps", "18", "-o", tmp_path / "out.mkv")
    assert result.returncode == 1
    assert words in result.stderr
    assert not (tmp_path / "out.mkv").exists()


def test_a_reel_goes_on_after_an_interruption_also_elsewhere_and_not_after_a_new_scan(tmp_path: Path) -> None:
    scan(tmp_path / "reel", "%04d.png", "gray", 8, range(20))
    common = ("--film", "--fps", "18", *LOSSLESS, "--segment", "5")
    output = ("-o", tmp_path / "out.mkv")
    done(tmp_path / "reel", *common, "-o", tmp_path / "whole.mkv")
    broken = subprocess.run(
        [sys.executable, HERE / "cheap_vsdeoldify.py", "colorize", tmp_path / "reel", *common, *output],
        env=os.environ | {BROKEN_FRAME: "17"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert broken.returncode == 1
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in (tmp_path / "reel").iterdir():
        path.rename(moved / f"b{path.name}")
    again = (moved, *common, *output, "--resume")
    kept = (moved / "b0003.png").read_bytes()
    shutil.copy(moved / "b0004.png", moved / "b0003.png")
    result = colorize(*again)
    assert result.returncode == 1
    assert "was made with other settings (the film)" in result.stderr
    (moved / "b0003.png").write_bytes(kept)
    # How many depends on how far ahead of the broken frame the filters were.
    assert re.search(r"going on after (5|10|15) of 20 frames", done(*again))
    one, other = (planes(tmp_path / name)[1] for name in ("whole.mkv", "out.mkv"))
    np.testing.assert_array_equal(np.stack(one), np.stack(other))


def test_preview_script_and_compare_take_reels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = scan(tmp_path / "reel", "%04d.png", "gbrp", 8, range(7))
    (tmp_path / "reel" / "0002.png").unlink()
    done(tmp_path / "reel", "--film", "--fps", "18", "--preview", "2")
    assert (tmp_path / "reel_preview.png").is_file()
    assert main(["script", str(tmp_path / "reel"), "--film", "--fps", "24000/1001", "--device", "cpu"]) == 0
    text = capsys.readouterr().out
    opening = text[text.index("source = ") : text.index("clip = colorize(")]
    variables = {"core": core, "vs": vs}
    exec(opening, variables)
    clip = variables["source"]
    assert clip.fps == Fraction(24000, 1001)
    assert clip.get_frame(0).props["_Range"] == vs.RANGE_FULL
    np.testing.assert_array_equal(np.asarray(clip.get_frame(2)[0]), pictures[3])
    for name in (tmp_path / "reel", tmp_path / "reel" / "%04d.png"):
        flags = ["--models", "preview", "--film", "--frames", "2", "--device", "cpu"]
        assert main(["compare", str(name), *flags]) == 0
        assert "%04d.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["REEL", "--film"], 2, "with --film --fps RATE, as in --film --fps 18"),
        (["REEL/%04d.png"], 2, "with --film --fps RATE"),
        (["REEL/%05d.png", "--film", "--fps", "18"], 1, "names no picture that is there"),
        (["REEL", "--fps", "18"], 2, "add --film"),
        (
            ["REEL/0000.png", "--film", "--fps", "18"],
            2,
            "--fps is for numbered pictures, given as their folder",
        ),
        (["REEL", "--film", "--fps", "many"], 2, "'many' is no frame rate"),
        (["REEL", "--film", "--fps", "0"], 2, "a frame rate is 1 to 1000"),
        (["EMPTY", "--film", "--fps", "18"], 1, "holds no numbered pictures, such as scan_0001.dpx"),
        (["TWO", "--film", "--fps", "18"], 1, "holds 2 reels: a_%02d.png (4), b_%02d.png (3); give the one"),
    ],
)
def test_what_is_wrong_with_a_reel_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    for name, pictures in (
        ("reel", [f"{n:04}.png" for n in range(3)]),
        ("two", [f"a_{n:02}.png" for n in range(4)] + [f"b_{n:02}.png" for n in range(3)] + ["c_01.png"]),
        ("empty", []),
    ):
        (tmp_path / name).mkdir()
        for picture in pictures:
            write_picture(tmp_path / name / picture, np.zeros((16, 16, 3), np.uint8))
    given = [
        str(tmp_path / a.lower().split("/")[0] / "/".join(a.split("/")[1:])) if a.isupper() or "/" in a else a
        for a in arguments
    ]
    try:
        result = main(["colorize", *given])
    except SystemExit as stop:
        result = int(stop.code or 0)
    said = capsys.readouterr().err
    assert (result, words in said) == (code, True), said


@pytest.mark.parametrize(
    ("names", "pattern", "numbers"),
    [
        (["s_0001.dpx", "s_0002.dpx"], "s_%04d.dpx", (1, 2)),
        (["9.png", "10.png", "11.png"], "%d.png", (9, 10, 11)),
        (["099.png", "100.png", "1000.png"], "%03d.png", (99, 100, 1000)),
        (["r1_003_v2.tif", "r1_004_v2.tif", "r1_005_v2.tif"], "r1_%03d_v2.tif", (3, 4, 5)),
        (["01-02-01.png", "01-02-02.png"], "01-02-%02d.png", (1, 2)),
        (["a7.JPG", ".a8.JPG", "Thumbs.db"], "a%d.JPG", (7,)),
        (["50% 1.png", "50% 2.png"], "50%% %d.png", (1, 2)),
        (["b1.png", "b2.png", "b3.png", "label 1.png"], "b%d.png", (1, 2, 3)),
    ],
)
def test_the_number_that_counts_is_found(
    tmp_path: Path, names: list[str], pattern: str, numbers: tuple[int, ...]
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    reel = find_reel(tmp_path, RATE)
    assert reel.path.name == pattern
    assert reel.numbers == numbers
    assert all(reel.file(frame).is_file() for frame in range(len(numbers)))
    assert is_pattern(reel.path)
    assert find_reel(reel.path, RATE).numbers == numbers


def test_a_reels_mark_is_that_of_its_content(tmp_path: Path) -> None:
    def reel(name: str) -> Reel:
        return find_reel(tmp_path / name, RATE)

    for name in ("one", "two"):
        scan(tmp_path / name, f"{name}_%04d.png", "gray", 8, range(5, 9))
    mark = film_mark(reel("one"), 4)
    assert film_mark(reel("two"), 4) == mark
    pictures = sorted((tmp_path / "two").iterdir())
    first, second = (path.read_bytes() for path in pictures[:2])
    pictures[0].write_bytes(second)
    pictures[1].write_bytes(first)
    assert film_mark(reel("two"), 4) != mark, "the order counts"
    with pytest.raises(FilmError, match="cannot be read"):
        film_mark(Reel(tmp_path, "none", 4, ".png", (1,), RATE), 1)


def test_white_is_white_whatever_a_scan_calls_it(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    (tmp_path / "reel").mkdir()
    for n in range(3):
        tifffile.imwrite(tmp_path / "reel" / f"{n}.tif", 65535 - gray(n, 16), photometric="miniswhite")
    done(tmp_path / "reel", "--film", "--fps", "18", *LOSSLESS)
    np.testing.assert_array_equal(
        np.stack(planes(tmp_path / "reel_colour.mkv")[1]), np.stack([gray(n, 16) for n in range(3)])
    )
    # A source filter that took it for its negative: the mean of a ramp would not tell.
    picture = gray(0, 16)[..., None] / 65535
    _check_brightness(tmp_path / "reel" / "0.tif", block_means(picture))
    with pytest.raises(FilmError, match=r"0\.tif would be read with another brightness .* whose white is 0"):
        _check_brightness(tmp_path / "reel" / "0.tif", block_means(1 - picture))


@pytest.mark.parametrize("level", [20, 230])
def test_a_reel_of_jpegs_with_small_chroma_is_taken(tmp_path: Path, level: int) -> None:
    (tmp_path / "reel").mkdir()
    for n in range(3):
        picture = Image.fromarray(np.full((48, 64, 3), level, np.uint8))
        picture.save(tmp_path / "reel" / f"{n}.jpg", quality=95, subsampling=2)
    done(tmp_path / "reel", "--film", "--fps", "18", *LOSSLESS)
    clip, found = planes(tmp_path / "reel_colour.mkv")
    assert clip.get_frame(0).props["_Range"] == vs.RANGE_FULL
    assert {int(plane.min()) for plane in found} == {level}


@pytest.mark.parametrize(
    ("pattern", "format_", "bits", "numbers"),
    [
        ("scan_%06d.dpx", "gbrp10le", 10, range(1, 4)),
        ("%04d.tif", "gray16le", 16, range(3)),
        ("scan_%d.png", "gbrp", 8, range(8, 11)),
    ],
)
@pytest.mark.parametrize("gap", [False, True])
def test_the_studio_and_the_script_open_a_reel_alike(
    tmp_path: Path, pattern: str, format_: str, bits: int, numbers: range, gap: bool
) -> None:
    scan(tmp_path, pattern, format_, bits, numbers)
    if gap:
        (tmp_path / (pattern % numbers[1])).unlink()
    film = open_reel(find_reel(tmp_path, RATE))
    assert film.reel is not None
    opening = make_script(film.reel, preset("preview")).partition("clip = colorize(")[0]
    written: dict[str, vs.VideoNode] = {}
    exec(opening, written)  # type: ignore[arg-type]
    script, studio = written["source"], open_clip(told(film))
    assert (script.format, script.fps, len(script)) == (studio.format, studio.fps, len(studio))
    for one, other in zip(script.frames(), studio.frames(), strict=True):
        assert {**one.props} == {**other.props}
        assert all(np.array_equal(one[plane], other[plane]) for plane in range(one.format.num_planes))
