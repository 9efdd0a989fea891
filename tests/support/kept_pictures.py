"""What comes out of `colorize` of every kind of picture."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from vsdeoldify.cli import main
from vsdeoldify.pictures import reading

DATE = "1936:05:17 12:00:00"
PICTURED = ("size", "depth", "transparency", "profile", "size on paper", "date", "pages", "luma")
"""What is looked at."""


def _pixels(bits: int = 8) -> NDArray[Any]:
    y, x = np.mgrid[0:48, 0:72]
    picture = (60 + x + y).astype(np.uint8)
    return picture if bits == 8 else picture.astype(np.uint16) * 257 + 3


def _noted(orientation: int = 1) -> dict[str, Any]:
    """A profile, a size on paper and a date, as Pillow writes them."""
    exif = Image.Exif()
    exif[306], exif[274] = DATE, orientation
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {"exif": exif, "icc_profile": profile, "dpi": (600, 600)}


def _colour() -> Image.Image:
    return Image.fromarray(_pixels()).convert("RGB")


def _through() -> Image.Image:
    return Image.fromarray(np.dstack([_pixels()] * 3 + [_pixels()[:, ::-1]]))


def _tiff(path: Path, pixels: NDArray[Any], **options: Any) -> None:
    import tifffile

    tifffile.imwrite(path, pixels, resolution=(600, 600), resolutionunit="INCH", datetime=DATE, **options)


def _pages(path: Path) -> None:
    pages = [Image.fromarray(_pixels() + step).convert("RGB") for step in (0, 20, 40)]
    pages[0].save(
        path,
        save_all=True,
        append_images=pages[1:],
        dpi=(600, 600),
        **({"lossless": True} if path.suffix == ".webp" else {}),
    )


def _deep_png(path: Path) -> None:
    deep = _pixels(16)
    image = reading.image_of(np.dstack([deep, deep, deep, deep[:, ::-1]]))
    image.set("xres", 600 / 25.4)
    image.pngsave(str(path), profile="srgb")


@dataclass(frozen=True)
class Picture:
    """A kind of picture.

    Attributes:
        name: on the page.
        suffix: of its file.
        make: writes it.
    """

    name: str
    suffix: str
    make: Callable[[Path], object]


PICTURES = (
    Picture(
        "JPEG of a camera, turned by its note", ".jpg", lambda p: _colour().save(p, quality=98, **_noted(6))
    ),
    Picture("gray JPEG", ".jpg", lambda p: Image.fromarray(_pixels()).save(p, quality=98, dpi=(600, 600))),
    Picture("PNG", ".png", lambda p: _colour().save(p, **_noted())),
    Picture("PNG of 16 bits, with transparency", ".png", _deep_png),
    Picture(
        "PNG with a transparent colour",
        ".png",
        lambda p: Image.fromarray(_pixels()).save(p, transparency=100),
    ),
    Picture("PNG of 1 bit", ".png", lambda p: Image.fromarray(_pixels() > 120).save(p)),
    Picture("TIFF", ".tif", lambda p: _colour().save(p, compression="tiff_lzw", **_noted())),
    Picture("TIFF of 16 bits", ".tif", lambda p: _tiff(p, _pixels(16), photometric="minisblack")),
    Picture(
        "TIFF of 16 bits, its white is 0",
        ".tif",
        lambda p: _tiff(p, 65535 - _pixels(16), photometric="miniswhite"),
    ),
    Picture("TIFF of three pages", ".tif", _pages),
    Picture(
        "WebP with transparency", ".webp", lambda p: _through().save(p, lossless=True, exact=True, **_noted())
    ),
    Picture("WebP animation", ".webp", _pages),
    Picture("AVIF", ".avif", lambda p: _colour().save(p, quality=95, **_noted())),
    Picture("BMP", ".bmp", lambda p: _colour().save(p, dpi=(600, 600))),
    Picture("TGA with transparency", ".tga", lambda p: _through().save(p)),
    Picture("JPEG 2000", ".jp2", lambda p: _colour().save(p)),
    Picture("PPM", ".ppm", lambda p: _colour().save(p)),
)


@dataclass(frozen=True)
class Looked:
    """A picture file that was read.

    Attributes:
        pages: the pictures in it, turned as they are shown: luma in steps of 8 bits, transparency or None.
        bits: of a sample.
        profile: whether there is one.
        inch: pixels an inch, 0 where nothing says.
        date: "" where nothing says.
    """

    pages: list[tuple[NDArray[np.float64], NDArray[Any] | None]]
    bits: int
    profile: bool
    inch: int
    date: str


def _look(path: Path) -> Looked:
    pages = []
    first = reading.open_picture(path, path.name)
    for page in range(first.pages):
        scan = reading.open_picture(path, path.name, page)
        image = scan.image if scan.alpha is None else scan.image.bandjoin(scan.alpha)
        values = np.asarray(image.numpy()).reshape(image.height, image.width, image.bands)
        step = 257 if scan.bits == 16 else 1
        luma = values[..., :3] @ np.array([0.299, 0.587, 0.114]) if image.bands > 2 else values[..., 0]
        pages.append((luma / step, None if scan.alpha is None else values[..., -1]))
    with Image.open(path) as found:
        exif = found.getexif()
        inch = found.info.get("dpi", (exif.get(282) or 0,))[0]
        return Looked(
            pages, first.bits, bool(found.info.get("icc_profile")), round(float(inch)), exif.get(306, "")
        )


def coloured_picture(picture: Picture, folder: Path) -> tuple[dict[str, bool | None], str]:
    """What of a kind of picture comes out, by `PICTURED` (None: it has no such thing); and what was said."""
    path, output = folder / f"in{picture.suffix}", folder / f"out{picture.suffix}"
    picture.make(path)
    said = io.StringIO()
    options = (
        "--preset",
        "preview",
        "--device",
        "cpu",
        "--set",
        "backend=torch",
        "--render-factor",
        "10",
        "--overwrite",
    )
    with contextlib.redirect_stderr(said):
        assert main(["colorize", str(path), "-o", str(output), *options]) == 0, said.getvalue()
    before, after = _look(path), _look(output)
    seen = [alpha is not None for _, alpha in before.pages]
    pairs = list(zip(before.pages, after.pages, strict=False))
    sizes = [[luma.shape for luma, _ in pages] for pages in (before.pages, after.pages)]
    same = sizes[0] == sizes[1]
    kept = {
        "size": same,
        "depth": before.bits == after.bits,
        "transparency": None if not any(seen) else all(np.array_equal(a, b) for (_, a), (_, b) in pairs),
        "profile": after.profile if before.profile else None,
        "size on paper": before.inch == after.inch if before.inch else None,
        "date": before.date == after.date if before.date else None,
        "pages": len(before.pages) == len(after.pages) if len(before.pages) > 1 else None,
        # The networks' colours are mixed in RGB, and most formats round it.
        "luma": same and all(np.abs(a - b).mean() < 1 for (a, _), (b, _) in pairs),
    }
    return kept, said.getvalue()
