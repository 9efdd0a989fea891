"""What is taken for a picture, what is refused or left out, and what is said of it."""

import shlex
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Colorize
from numpy.typing import NDArray
from PIL import Image
from vapoursynth import core

from vsdeoldify.pictures import memory, reading
from vsdeoldify.pictures.files import is_picture, read_picture
from vsdeoldify.pictures.folder import open_album, output_name, output_names
from vsdeoldify.support.errors import PictureError


def gray(shift: int = 0) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:40, 0:60]
    return (60 + x + y + shift).astype(np.uint8)


def luma_of(path: Path, page: int = 0) -> NDArray[np.float64]:
    scan = reading.open_picture(path, path.name, page)
    step = 257 if scan.bits == 16 else 1
    return np.asarray(scan.image.numpy()).astype(float) @ np.array([0.299, 0.587, 0.114]) / step


@pytest.mark.parametrize(
    ("name", "kind", "result"),
    [
        *(("a.jfif", "JPEG", "a.jfif"), ("a.jpe", "JPEG", "a.jpe"), ("photo", "JPEG", "photo.jpg")),
        *(("a.gif", "GIF", "a.png"), ("a.pgm", "PPM", "a.ppm"), ("a.tga", "TGA", "a.tga")),
        *(("scan", "TIFF", "scan.tif"), ("a.dat", "PNG", "a.png"), ("a.png", "JPEG", "a.png")),
        *(("a.dib", "BMP", "a.dib"), ("a.j2k", "JPEG2000", "a.jp2"), ("no.mp4", "WEBP", "no.webp")),
    ],
)
def test_pictures_are_known_by_their_content(tmp_path: Path, name: str, kind: str, result: str) -> None:
    Image.fromarray(gray()).save(tmp_path / name, format=kind)
    assert is_picture(tmp_path / name)
    assert output_name(tmp_path / name, Path(name).stem) == result
    assert np.abs(read_picture(tmp_path / name)[..., 0].astype(int) - gray()).max() <= 8


@pytest.mark.parametrize("name", ["a.pgm", "photo"])
def test_a_picture_without_a_known_ending_gives_a_picture(
    tmp_path: Path, colorize: Colorize, name: str
) -> None:
    Image.fromarray(gray()).save(tmp_path / name, format="PPM" if name == "a.pgm" else "PNG")
    code, said = colorize(tmp_path / name)
    assert code == 0, said
    (result,) = (path for path in tmp_path.iterdir() if path.name != name)
    assert result.name in ("a_colour.ppm", "photo_colour.png")
    assert np.abs(luma_of(result) - gray()).max() < 2


@pytest.mark.parametrize("tail", [b"\xff\xda" * 9 + bytes(999), b"\0\0\0\x18ftypmp42" + b"\xff\xda\0" * 99])
def test_a_motion_photo_is_whole(tmp_path: Path, tail: bytes) -> None:
    Image.fromarray(gray()).save(tmp_path / "x.jpg", quality=95)
    path = tmp_path / "motion.jpg"
    path.write_bytes((tmp_path / "x.jpg").read_bytes() + tail)
    np.testing.assert_array_equal(read_picture(path), read_picture(tmp_path / "x.jpg"))
    # Cut off within: what follows is no part of the picture.
    whole = (tmp_path / "x.jpg").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PictureError, match=r"motion\.jpg is cut off"):
        read_picture(path)


def animation(path: Path, count: int = 3, **options: Any) -> None:
    pages = [Image.fromarray(gray(10 * number)) for number in range(count)]
    pages[0].save(path, save_all=True, append_images=pages[1:], **options)


@pytest.mark.parametrize(
    ("name", "out"), [("x.tif", "y.tif"), ("x.gif", "y.webp"), ("x.webp", "y.webp"), ("x.tif", "y.avif")]
)
def test_all_pages_and_frames_are_coloured(tmp_path: Path, colorize: Colorize, name: str, out: str) -> None:
    animation(tmp_path / name, **({"lossless": True} if name == "x.webp" else {}))
    code, said = colorize(tmp_path / name, "-o", tmp_path / out)
    assert code == 0, said
    assert "only the first" not in said
    found = reading.open_picture(tmp_path / out, out)
    assert (found.pages, found.image.height) == (3, 40)
    for page in range(3):
        assert np.abs(luma_of(tmp_path / out, page) - gray(10 * page)).max() < 4


def test_the_times_of_an_animation_are_kept(tmp_path: Path, colorize: Colorize) -> None:
    animation(tmp_path / "x.gif", duration=[100, 200, 300])
    code, said = colorize(tmp_path / "x.gif")
    assert code == 0, said
    scan = reading.open_picture(tmp_path / "x_colour.webp", "x")
    assert scan.image.get("delay") == [100, 200, 300]


@pytest.mark.parametrize(
    ("name", "out", "cure"),
    [("x.png", "y.png", "ffmpeg -i"), ("x.tif", "y.jpg", "end the output's name with .tif")],
)
def test_what_cannot_hold_all_pages_is_said_with_the_cure(
    tmp_path: Path, colorize: Colorize, name: str, out: str, cure: str
) -> None:
    animation(tmp_path / name)
    code, said = colorize(tmp_path / name, "-o", tmp_path / out)
    assert code == 0
    assert "holds 3 pictures, and only the first is coloured" in said
    assert cure in said


def test_pages_of_several_sizes_are_said(tmp_path: Path, colorize: Colorize) -> None:
    Image.fromarray(gray()).save(
        tmp_path / "x.tif", save_all=True, append_images=[Image.fromarray(gray()[:20])]
    )
    code, said = colorize(tmp_path / "x.tif")
    assert code == 0
    assert "other sizes" in said
    assert "tiffsplit" in said


@pytest.mark.parametrize(
    ("dtype", "top", "words"),
    [("f4", 1, "floating-point"), ("f2", 1, "floating-point"), ("u4", 4294967295, "32 bits are rounded")],
)
def test_tiffs_of_other_samples_are_coloured_right(
    tmp_path: Path, colorize: Colorize, dtype: str, top: float, words: str
) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "x.tif", (gray() / 255 * top).astype(dtype))
    code, said = colorize(tmp_path / "x.tif")
    assert code == 0, said
    assert words in said
    assert np.abs(luma_of(tmp_path / "x_colour.tif") - gray()).max() < 1


@pytest.mark.parametrize("dtype", ["f4", "i2", "f8"])
def test_samples_without_a_known_white_are_refused_with_the_cure(tmp_path: Path, dtype: str) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "x.tif", gray().astype(dtype) * 3)
    with pytest.raises(PictureError, match=r"x\.tif .*save it with 8 or 16 bits"):
        read_picture(tmp_path / "x.tif")


def test_a_tiff_of_4_bits_is_read(tmp_path: Path) -> None:
    levels = gray() >> 4
    packed = (levels[:, ::2] << 4 | levels[:, 1::2]).astype(np.uint8)
    tags = [
        (256, 60),
        (257, 40),
        (258, 4),
        (259, 1),
        (262, 1),
        (273, 200),
        (277, 1),
        (278, 40),
        (279, packed.size),
    ]
    data = b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little")
    for tag, value in tags:
        data += b"".join(n.to_bytes(w, "little") for n, w in ((tag, 2), (4, 2), (1, 4), (value, 4)))
    (tmp_path / "x.tif").write_bytes((data + bytes(4)).ljust(200, b"\0") + packed.tobytes())
    np.testing.assert_array_equal(read_picture(tmp_path / "x.tif")[..., 0], levels * 17)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.dng", b"II*\0", "camera's raw file"),
        ("a.heic", b"\0\0\0\x18ftypheic", "HEIC"),
        ("a.dpx", b"SDPX", "ffmpeg"),
        ("a.exr", b"\x76\x2f\x31\x01", "OpenEXR"),
        ("a.psd", b"8BPS", "Photoshop"),
        ("a.jxl", b"\xff\x0a", "JPEG XL"),
    ],
)
def test_other_pictures_are_refused_by_what_they_are(
    tmp_path: Path, colorize: Colorize, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content + bytes(100))
    code, said = colorize(tmp_path / name)
    assert code == 1
    assert name in said
    assert words in said


def test_an_album_names_what_is_left_out(tmp_path: Path, colorize: Colorize) -> None:
    folder = tmp_path / "album"
    (folder / "more").mkdir(parents=True)
    Image.fromarray(gray()).save(folder / "a.jpg")
    Image.fromarray(gray()).save(folder / "b.gif")
    Image.fromarray(gray()).save(folder / "plain", format="PNG")
    (folder / "._a.jpg").write_bytes(b"\0\5\x16\7" + bytes(100))
    Image.fromarray(gray()).save(folder / ".hidden.jpg")
    (folder / "notes.txt").write_text("letters")
    (folder / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    code, said = colorize(folder)
    assert code == 0, said
    assert "film.mp4, notes.txt" in said
    assert "more; colour each by itself" in said
    results = sorted(path.name for path in (tmp_path / "album_colour").iterdir())
    assert results == ["a.jpg", "b.png", "plain.png"]


def test_a_folder_without_pictures_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    with pytest.raises(PictureError, match="deeper"):
        open_album(tmp_path)


def test_no_two_results_have_one_name(tmp_path: Path) -> None:
    for name, kind in (("a.gif", "GIF"), ("a.png", "PNG"), ("A.pgm", "PPM"), ("a.ppm", "PPM")):
        Image.fromarray(gray()).save(tmp_path / name, format=kind)
    pictures = sorted(tmp_path.iterdir())
    names = output_names(pictures)
    assert len({name.lower() for name in names}) == 4


@pytest.mark.parametrize("name", ["scan_{:04}.png", "{:06}.tif", "reel {}.png", "100%_{:02}.png"])
def test_a_folder_that_looks_like_a_reel_names_commands_that_work(
    tmp_path: Path, colorize: Colorize, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    reel = tmp_path / "reel"
    reel.mkdir()
    for number in range(5, 35):
        Image.fromarray(gray()).save(reel / name.format(number))
    (note,) = open_album(reel).notes
    (command,) = (shlex.split(text) for text in note.split("`")[1::2])
    assert command == ["vsdeoldify", "colorize", str(reel), "--film", "--fps", "18"]
    monkeypatch.chdir(tmp_path)
    code, said = colorize(*command[2:], "-o", tmp_path / "colour.mkv", "--every", "16")
    assert code == 0, said
    assert len(core.bs.VideoSource(str(tmp_path / "colour.mkv"), cachemode=0)) == 30
    Image.fromarray(gray()[:30]).save(max(reel.iterdir()))
    assert open_album(reel).notes == []


def test_a_folder_of_dpx_names_the_way(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number:04}.dpx").write_bytes(b"SDPX" + bytes(100))
    with pytest.raises(PictureError, match=r"`vsdeoldify colorize .* --film --fps 18` colours it as a film"):
        open_album(tmp_path)


def test_what_is_too_large_for_the_memory_is_said_and_the_album_goes_on(
    tmp_path: Path, colorize: Colorize, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    exif = Image.Exif()
    exif[274] = 6
    # Turned pictures are held as a whole.
    Image.fromarray(np.zeros((4000, 8000), np.uint8)).save(folder / "a.png", exif=exif)
    Image.fromarray(gray()).save(folder / "b.png")
    monkeypatch.setattr(memory, "free_memory", lambda: memory._SPARE + (1 << 20))
    code, said = colorize(folder)
    assert code == 1
    assert "a.png is too large for the free memory" in said
    assert [path.name for path in (tmp_path / "album_colour").iterdir()] == ["b.png"]


def test_the_free_memory_is_known_here() -> None:
    free = memory.free_memory()
    assert free is not None
    assert free > 1 << 20


@pytest.mark.parametrize("kind", ["TIFF in strips", "PNG whose packing ends early"])
def test_half_a_picture_is_refused_by_name(tmp_path: Path, colorize: Colorize, kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 96), np.uint8)
    path = tmp_path / ("x.tif" if kind.startswith("TIFF") else "x.png")
    if kind.startswith("TIFF"):
        import tifffile

        tifffile.imwrite(path, noise, rowsperstrip=8)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3])
    else:
        parts = [b"IHDR" + struct.pack(">2I5B", 96, 64, 8, 0, 0, 0, 0)]
        packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in noise))
        parts += [b"IDAT" + packed[: len(packed) // 2], b"IEND"]
        chunks = (struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in parts)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    code, said = colorize(path, "-o", tmp_path / "y.png")
    assert code == 1
    assert f"{path} is cut off or damaged" in said
    assert not (tmp_path / "y.png").exists()
