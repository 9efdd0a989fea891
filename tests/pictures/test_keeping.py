"""What a coloured picture keeps: values, depth, transparency, profile, size on paper, date, orientation."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from commands import Colorize
from numpy.typing import NDArray
from PIL import Image, ImageCms

from vsdeoldify.pictures import reading, writing
from vsdeoldify.pictures.formats import FORMATS, PICTURE_SUFFIXES, Format, format_of
from vsdeoldify.pictures.profiles import rgb_profile
from vsdeoldify.support.errors import PictureError

HEIGHT, WIDTH = 48, 72
DATE = "1936:05:17 12:00:00"


def gray(bits: int = 8) -> NDArray[Any]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = (60 + x + y).astype(np.uint8)
    return picture if bits == 8 else picture.astype(np.uint16) * 257 + 3


def luma_of(image: Any) -> NDArray[np.float64]:
    """The luma of an image in steps of 8 bits."""
    pixels = np.asarray(image.numpy()).astype(float) / (257 if image.format == "ushort" else 1)
    if image.bands == 1:
        return pixels.reshape(image.height, image.width)
    return pixels[..., :3] @ np.array([0.299, 0.587, 0.114])


def back(path: Path) -> Any:
    scan = reading.open_picture(path, path.name)
    return scan.image if scan.alpha is None else scan.image.bandjoin(scan.alpha)


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_format_gives_every_picture_back(tmp_path: Path, suffix: str, alpha: bool, bits: int) -> None:
    top = 255 if bits == 8 else 65535
    planes = [gray(bits), top - gray(bits), gray(bits)[:, ::-1]]
    pixels = np.dstack([*planes, gray(bits)] if alpha else planes)
    path = tmp_path / f"x{suffix}"
    notes = " ".join(writing.save(reading.image_of(pixels), path))
    found, chosen = back(path), format_of(path)
    assert found.bands == (4 if alpha and chosen.alpha else 3)
    assert ("transparency" in notes) == (alpha and not chosen.alpha)
    assert ("rounded" in notes) == (bits > chosen.bits)
    values = np.asarray(found.numpy()).astype(float) / (257 if found.format == "ushort" else 1)
    expected = pixels[..., : found.bands] / (257 if bits == 16 else 1)
    # Rounding 16 bits to 8 comes on top.
    assert np.abs(values - expected).max() <= 2.1
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["scan.jpg", "scan.webp", "scan.tif"])
def test_16_bits_with_transparency_are_coloured_into_every_format(
    tmp_path: Path, colorize: Colorize, name: str
) -> None:
    deep = gray(16)
    image = reading.image_of(np.dstack([deep, deep, deep, np.full_like(deep, 65535)]))
    image.pngsave(str(tmp_path / "source.png"))
    code, said = colorize(tmp_path / "source.png", "-o", tmp_path / name)
    assert code == 0, said
    chosen = format_of(Path(name))
    assert ("holds no transparency" in said) == (not chosen.alpha)
    assert ("rounded to the 8" in said) == (chosen.bits == 8)
    assert np.abs(luma_of(back(tmp_path / name)) - deep / 257).mean() < 1


def with_everything(path: Path, profile: bytes, size: str = "L") -> None:
    exif = Image.Exif()
    exif[306] = DATE
    exif[271] = "Scanner & Co"
    Image.fromarray(gray()).convert(size).save(path, icc_profile=profile, dpi=(600, 600), exif=exif)


@pytest.mark.parametrize("chosen", FORMATS, ids=lambda chosen: chosen.name)
@pytest.mark.parametrize("source", ["source.jpg", "source.tif", "source.png"])
def test_profile_resolution_and_date_go_along_where_there_is_a_place(
    tmp_path: Path, source: str, chosen: Format
) -> None:
    with_everything(
        tmp_path / source, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), "RGB"
    )
    output = tmp_path / f"out{chosen.suffixes[0]}"
    scan = reading.open_picture(tmp_path / source, source)
    said = " ".join(writing.save(scan.image, output))
    with Image.open(output) as found:
        assert bool(found.info.get("icc_profile")) == chosen.profile
        assert ("no colour profile" in said) == (not chosen.profile)
        exif = found.getexif()
        dpi = exif.get(282) if chosen.name in ("WebP", "AVIF") else found.info.get("dpi", (0,))[0]
        assert (round(float(dpi or 0)) == 600) == chosen.resolution
        assert (exif.get(306) == DATE) == chosen.date
        assert (exif.get(271) == "Scanner & Co") == chosen.date


def gray_profile(gamma: float) -> bytes:
    parts = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"g\0" + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061),
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)),
    }
    table, body, start = struct.pack(">I", len(parts)), b"", 128 + 4 + 12 * len(parts)
    for tag, value in parts.items():
        table += struct.pack(">4sII", tag, start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = b"\x02\x10\0\0", b"mntrGRAYXYZ ", b"acsp"
    head[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    head[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    head[0:4] = struct.pack(">I", start + len(body))
    return bytes(head) + table + body


def shown(picture: Image.Image) -> float:
    """The mean brightness that a program which knows profiles shows."""
    profile = picture.info["icc_profile"]
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = "L" if picture.mode == "L" else "RGB"
    converted = ImageCms.profileToProfile(
        picture.convert(mode), own, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return float((np.asarray(converted) @ np.array([0.299, 0.587, 0.114])).mean())


@pytest.mark.parametrize(("name", "gamma"), [("scan.tif", 1.8), ("scan.jpg", 1.0), ("scan.png", 1.8)])
def test_a_gray_profile_becomes_one_that_shows_the_result_as_bright(
    tmp_path: Path, colorize: Colorize, name: str, gamma: float
) -> None:
    with_everything(tmp_path / name, gray_profile(gamma))
    code, said = colorize(tmp_path / name, "-o", tmp_path / f"out_{name}")
    assert code == 0, said
    with Image.open(tmp_path / name) as before, Image.open(tmp_path / f"out_{name}") as after:
        assert after.mode == "RGB"
        assert abs(shown(before) - shown(after)) < 4
        assert abs(shown(before) - gray().mean()) > 8
    # For a gray picture with the new profile the brightness is the same to within rounding.
    profile = rgb_profile(gray_profile(gamma))
    assert profile is not None
    plain = Image.fromarray(gray())
    plain.info["icc_profile"] = gray_profile(gamma)
    coloured = plain.convert("RGB")
    coloured.info["icc_profile"] = profile
    assert abs(shown(plain) - shown(coloured)) < 0.7


def test_a_format_without_profiles_gets_srgb(tmp_path: Path, colorize: Colorize) -> None:
    with_everything(tmp_path / "scan.tif", gray_profile(1.0))
    code, said = colorize(tmp_path / "scan.tif", "-o", tmp_path / "out.bmp")
    assert code == 0
    assert "converted to sRGB" in said
    with Image.open(tmp_path / "scan.tif") as before:
        assert abs(luma_of(back(tmp_path / "out.bmp")).mean() - shown(before)) < 4


@pytest.mark.parametrize("orientation", [1, 3, 5, 6])
def test_a_turned_picture_is_turned_for_good(tmp_path: Path, colorize: Colorize, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(gray()).save(tmp_path / "x.png", exif=exif)
    code, said = colorize(tmp_path / "x.png", "-o", tmp_path / "y.png")
    assert code == 0, said
    turns = {3: lambda p: np.rot90(p, 2), 5: np.transpose, 6: lambda p: np.rot90(p, 3)}
    upright = turns.get(orientation, lambda p: p)(gray())
    with Image.open(tmp_path / "y.png") as found:
        assert found.getexif().get(274, 1) == 1
        assert found.size == upright.shape[::-1]
    assert np.abs(luma_of(back(tmp_path / "y.png")) - upright).max() < 2


@pytest.mark.parametrize("transparent", ["gray", "palette", "rgb"])
def test_a_transparent_colour_of_a_png_is_kept(tmp_path: Path, colorize: Colorize, transparent: str) -> None:
    if transparent == "gray":
        Image.fromarray(gray()).save(tmp_path / "x.png", transparency=100)
    elif transparent == "rgb":
        Image.fromarray(gray()).convert("RGB").save(tmp_path / "x.png", transparency=(100, 100, 100))
    else:
        Image.fromarray(gray()).convert("P").save(tmp_path / "x.png", transparency=100)
    code, said = colorize(tmp_path / "x.png", "-o", tmp_path / "y.png")
    assert code == 0, said
    found = back(tmp_path / "y.png")
    assert found.bands == 4
    clear = np.asarray(found.numpy())[..., 3] == 0
    assert clear.any()
    np.testing.assert_array_equal(clear, gray() == 100)


@pytest.mark.parametrize("bits", [1, 8, 16])
@pytest.mark.parametrize("name", ["WhiteIsZero", "BlackIsZero"])
def test_white_is_white_whatever_a_tiff_calls_it(
    tmp_path: Path, colorize: Colorize, name: str, bits: int
) -> None:
    import tifffile

    picture = gray(bits) if bits > 1 else (gray() > 120)
    top = {1: 1, 8: 255, 16: 65535}[bits]
    stored = picture if name == "BlackIsZero" else (~picture if bits == 1 else top - picture)
    photometric = "minisblack" if name == "BlackIsZero" else "miniswhite"
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric=photometric)
    code, said = colorize(tmp_path / "x.tif", "-o", tmp_path / "y.tif")
    assert code == 0, said
    found = back(tmp_path / "y.tif")
    assert found.format == ("ushort" if bits == 16 else "uchar")
    assert np.abs(luma_of(found) - picture * (255 / top)).max() < 2


def table() -> list[str]:
    """The rows of the page on the command line, as the table of formats has them; the tests above hold it to
    what the files hold."""
    rows = []
    for entry in FORMATS:
        kept = ("alpha", "profile", "resolution", "date", "pages")
        words = ["yes" if getattr(entry, name) else "no" for name in kept]
        side = f"{entry.largest:,}" if entry.largest < 1_000_000 else "any"
        rows.append(
            f"| {entry.name} | {' '.join(entry.suffixes)} | {entry.bits} | {' | '.join(words)} | {side} |"
        )
    return rows


def test_the_page_says_what_each_format_keeps() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page


@pytest.mark.parametrize("chosen", FORMATS, ids=lambda chosen: chosen.name)
def test_several_pictures_and_longest_sides_are_as_the_table_says(tmp_path: Path, chosen: Format) -> None:
    pages = [reading.image_of(np.dstack([gray() + number] * 3)) for number in (0, 9)]
    image = pages[0].join(pages[1], "vertical").copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", HEIGHT)
    path = tmp_path / f"x{chosen.suffixes[0]}"
    writing.save(image, path)
    found = reading.open_picture(path, "x")
    assert (found.pages == 2 and found.image.height == HEIGHT) == chosen.pages
    if chosen.largest < 40_000:
        long = reading.image_of(np.zeros((1, chosen.largest + 1, 3), np.uint8))
        with pytest.raises(PictureError, match=f"{chosen.name} holds {chosen.largest} pixels a side"):
            writing.save(long, path)
