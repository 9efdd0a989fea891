"""What each format of picture files keeps: the one table that the writer, the notes and the docs follow."""

from dataclasses import dataclass
from pathlib import Path

from ..support.errors import PictureError


@dataclass(frozen=True)
class Format:
    """A format that pictures are written in.

    Attributes:
        name: what people call it.
        suffixes: the endings of its files' names, the usual one first.
        bits: the most that a sample can have here.
        alpha: whether it holds transparency.
        profile: whether it holds an ICC profile.
        resolution: whether it holds how large the picture is on paper.
        date: whether it holds the date and what else the camera or scanner noted.
        pages: whether it holds several pictures.
        largest: the longest side in pixels.
    """

    name: str
    suffixes: tuple[str, ...]
    bits: int
    alpha: bool
    profile: bool
    resolution: bool
    date: bool
    pages: bool
    largest: int


_ANY = 10_000_000

FORMATS = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), 8, False, True, True, True, False, 65_500),
    Format("PNG", (".png",), 16, True, True, True, True, False, _ANY),
    Format("TIFF", (".tif", ".tiff"), 16, True, True, True, True, True, _ANY),
    Format("WebP", (".webp",), 8, True, True, True, True, True, 16_383),
    Format("AVIF", (".avif",), 12, True, True, True, True, True, 16_384),
    Format("JPEG 2000", (".jp2",), 8, True, False, False, False, False, _ANY),
    Format("BMP", (".bmp", ".dib"), 8, False, False, True, False, False, 32_767),
    Format("PPM", (".ppm", ".pnm"), 16, False, False, False, False, False, _ANY),
    Format("TGA", (".tga",), 8, True, False, False, False, False, 65_535),
)

PICTURE_SUFFIXES = frozenset(suffix for entry in FORMATS for suffix in entry.suffixes)
"""The endings that pictures can be written with."""

_OF_SUFFIX = {suffix: entry for entry in FORMATS for suffix in entry.suffixes}
_OF_NAME = {entry.name: entry for entry in FORMATS}


def format_of(path: Path) -> Format:
    """The format that a name's ending says.

    Raises:
        PictureError: it says none that can be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".gif":
        raise PictureError(
            f"{path}: GIF has 256 colours only; end the name with .png, or .webp for several frames"
        )
    if suffix not in _OF_SUFFIX:
        known = ", ".join(sorted(PICTURE_SUFFIXES))
        raise PictureError(f"{path} has no picture format's ending; end its name with one of {known}")
    return _OF_SUFFIX[suffix]


def output_suffix(path: Path, kind: str, pages: int) -> str:
    """The ending for a picture's result where nobody chose one: the source's, if it can hold the result.

    Args:
        path: the source.
        kind: what it holds, see `kinds.kind_of`.
        pages: how many pictures it holds.
    """
    if kind == "GIF":
        return ".webp" if pages > 1 else ".png"
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return path.suffix
    if kind == "PNM":
        return ".ppm"
    return _OF_NAME[kind].suffixes[0] if kind in _OF_NAME else ".png"
