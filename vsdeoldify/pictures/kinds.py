"""What kind of picture a file holds, told by its first bytes: its name's ending may be wrong or missing."""

import os
from pathlib import Path

from .formats import PICTURE_SUFFIXES

_HEAD = 64
_FOOT = 26

# Endings that belong to films or programs although their content begins like a picture's.
_FILM_SUFFIXES = frozenset({".mjpeg", ".mjpg", ".mjp"})

_RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".nef", ".nrw"}
    | {".orf", ".pef", ".raf", ".rw2", ".sr2", ".srf", ".srw"}
)

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"SDPX", "DPX"),
    (b"XPDS", "DPX"),
    (b"\x80\x2a\x5f\xd7", "Cineon"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"#?RADIANCE", "Radiance"),
)
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"}
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
# How long the header after a BMP file's own is, in its various versions.
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})

READ = frozenset({"AVIF", "BMP", "GIF", "JPEG", "JPEG 2000", "PNG", "PNM", "TGA", "TIFF", "WebP"})
"""The kinds that are read; the others that `kind_of` knows are refused by name."""

SCANNED = frozenset({"DPX", "Cineon", "OpenEXR"})
"""The kinds that only a film scanner or a compositor writes."""


def kind_of(path: Path) -> str | None:
    """The kind of picture in a file, by its content: "JPEG", "TIFF", "DPX", …; None if it holds none.

    Raises:
        OSError: the file cannot be read.
    """
    if path.suffix.lower() in _FILM_SUFFIXES:
        return None
    if path.suffix.lower() in _RAW_SUFFIXES:
        return "camera raw"
    if path.exists() and not path.is_file():
        return None  # A pipe would have to be waited for.
    with path.open("rb") as file:
        head = file.read(_HEAD)
        foot = b""
        if path.suffix.lower() in (".tga", ".targa", ".vda", ".icb", ".vst"):
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _FOOT))
            foot = file.read()
    if kind := kind_of_bytes(head):
        return kind
    return "TGA" if foot[8:24] == b"TRUEVISION-XFILE" or (foot and _is_old_tga(head)) else None


def kind_of_bytes(data: bytes) -> str | None:
    """The same, of the first bytes of a file alone; a TGA file has no such mark at its beginning."""
    for magic, known in _MAGIC:
        if data.startswith(magic):
            return known
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        brands = [data[8:12], *(data[place : place + 4] for place in range(16, len(data) - 3, 4))]
        named = [kind for brand in brands if (kind := _BRANDS.get(brand))]
        if named:
            return named[0]
        return "HEIC" if data[8:12] in _HEIC_BRANDS else None
    if data[:2] == b"BM" and len(data) >= 18 and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if data[:1] == b"P" and data[1:2] in tuple(b"%d" % n for n in range(1, 7)) and data[2:3].isspace():
        return "PNM"
    return None


def _is_old_tga(head: bytes) -> bool:
    """Whether a header makes sense as one of TGA's first version, which has no mark of its own."""
    return (
        len(head) >= 18
        and head[1] in (0, 1)
        and head[2] in (1, 2, 3, 9, 10, 11)
        and head[16] in (8, 16, 24, 32)
    )


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a picture: by its content, or by its name where it cannot be read."""
    try:
        return kind_of(Path(path)) is not None
    except OSError:
        return Path(path).suffix.lower() in PICTURE_SUFFIXES
