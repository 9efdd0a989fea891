"""The one way in: a picture file as an upright image of 8 or 16 bits, with all that the file says of it."""

import io
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..support.errors import PictureError
from .kinds import READ, kind_of, kind_of_bytes
from .memory import check_memory
from .tiff_tags import TEXT_TAGS
from .vips import library, reading

_OF_VIPS = frozenset({"AVIF", "GIF", "JPEG", "PNG", "TIFF", "WebP"})
_ISO_DATES = {36867: "DateTimeOriginal", 36868: "DateTimeDigitized"}
_EVERY = -1
_SCREEN = 72 / 25.4
"""Pixels per millimetre where a file says nothing of its size on paper."""


@dataclass
class Scan:
    """One page of a picture file; its pixels are decoded when they are asked for.

    Attributes:
        name: what messages call it.
        kind: as `kinds.kind_of` has it.
        image: a `pyvips.Image` of 1 or 3 bands, 8 or 16 bits, upright; its fields are the file's.
        alpha: its transparency, one band of the same size and depth, or None.
        pages: how many pages or frames the file holds.
        whole: bytes that decoding takes beyond a few rows at a time.
        source: where it comes from.
        page: which page it is, from 0.
        held: whether the pixels are in memory; the others can be read once, from the first row to the last.
        notes: what is not taken over as it is, each a sentence that names the file.
    """

    name: str
    kind: str
    image: Any
    alpha: Any
    pages: int
    whole: int
    source: Path | bytes
    page: int
    held: bool
    notes: list[str] = field(default_factory=list)

    @property
    def bits(self) -> int:
        """8 or 16."""
        return 8 if self.image.format == "uchar" else 16

    def again(self) -> "Scan":
        """The same page, to be read once more."""
        return self if self.held else open_picture(self.source, self.name, self.page)

    def frames(self) -> "list[Scan]":
        """All frames of an animation.

        Raises:
            PictureError: they do not fit into the memory.
        """
        check_memory(self.name, self.whole * self.pages * 2)
        every = open_picture(self.source, self.name, _EVERY)
        width, height = self.image.width, self.image.height
        found = []
        for number in range(self.pages):
            parts = [
                None if part is None else part.crop(0, number * height, width, height)
                for part in (every.image, every.alpha)
            ]
            found.append(replace(every, image=parts[0], alpha=parts[1], page=number))
        return found


def open_picture(source: Path | bytes, name: str, page: int = 0) -> Scan:
    """Open a page of a picture file.

    Args:
        source: the file, or all of its content.
        name: what messages call it.
        page: which page or frame, from 0.

    Raises:
        PictureError: it is missing, damaged, or no picture of a kind that is read.
    """
    try:
        kind = kind_of_bytes(source) if isinstance(source, bytes) else kind_of(source)
        empty = not source if isinstance(source, bytes) else source.stat().st_size == 0
    except OSError as error:
        raise PictureError(f"{name} cannot be read: {error.strerror or error}") from None
    if isinstance(source, Path) and not source.is_file():
        what = "it is a folder" if source.is_dir() else "it is no regular file"
        raise PictureError(f"{name} cannot be read: {what}")
    if empty:
        raise PictureError(f"{name} is empty; copy or download it again")
    if kind is None:
        raise PictureError(f"{name} is damaged or no picture; it should be JPEG, PNG, TIFF, WebP or the like")
    if kind not in READ:
        raise PictureError(_refusal(name, kind))
    notes: list[str] = []
    with reading(name, kind):
        if kind in _OF_VIPS:
            image, whole, held = _by_vips(source, name, kind, page)
        else:
            (image, whole), held = _by_pillow(source, name, kind), True
        pages = _pages(image, source, kind)
        _note_file(image, source, kind)
        image, alpha = _split_alpha(image)
        image = _standard(image, name, notes)
        if alpha is not None and alpha.format != image.format:
            alpha = _to_16(alpha, name, notes) if image.format == "ushort" else (alpha >> 8).cast("uchar")
    return Scan(name, kind, image, alpha, pages, whole, source, page, held, notes)


def is_whole(path: Path) -> bool:
    """Whether all of a JPEG or PNG file is there, of which others show a half without a word.

    Args:
        path: the file; one of another kind, or one that cannot be opened, is for others to judge.
    """
    try:
        kind = kind_of(path)
        if kind in ("JPEG", "PNG"):
            with reading(str(path), kind):
                _by_vips(path, str(path), kind, 0)[0].avg()
    except PictureError as error:
        return "memory" in str(error)
    except (OSError, ImportError):
        pass
    return True


def _refusal(name: str, kind: str) -> str:
    if kind == "camera raw":
        return f"{name} is a camera's raw file; develop it to a 16-bit TIFF with your camera program first"
    if kind == "HEIC":
        return (
            f"{name} is an HEIC picture, which is not read; save it as JPEG first (heif-convert IN OUT.jpg)"
        )
    if kind in ("DPX", "Cineon", "OpenEXR"):
        return (
            f"{name} is a {kind} picture, which is not read; make a TIFF of it first (ffmpeg -i IN OUT.tif)"
        )
    return f"{name} is a {kind} picture, which is not read; save it as TIFF or PNG first"


def _by_vips(source: Path | bytes, name: str, kind: str, page: int) -> tuple[Any, int, bool]:
    vips = library()
    if isinstance(source, Path):
        try:
            opened = vips.Source.new_from_file(str(source.absolute()))
        except UnicodeError:
            # A name that is not UTF-8 is one that the library cannot be told.
            opened = vips.Source.new_from_memory(source.read_bytes())
    else:
        opened = vips.Source.new_from_memory(source)
    options: dict[str, Any] = {"n": _EVERY} if page == _EVERY else {"page": page} if page else {}
    image = vips.Image.new_from_source(opened, "", access="sequential", fail_on="error", **options)
    samples = {"uchar": 1, "ushort": 2, "short": 2}.get(image.format, 4)
    size = image.width * image.height * image.bands * samples
    # Progressive JPEGs, interlaced PNGs and these formats are decoded as a whole, whatever is asked for.
    whole = size * (2 if kind == "JPEG" else 1) if _field(image, "interlaced", 0) else 0
    if kind in ("WebP", "AVIF", "GIF"):
        whole = size
    turned = _field(image, "orientation", 1) not in (0, 1)
    # Turning needs all rows at once; floating-point samples are looked at before they are converted.
    held = turned or page == _EVERY or image.format not in ("uchar", "ushort", "uint")
    if held:
        whole += size
        check_memory(name, whole)
        image = image.copy_memory()
    return image.autorot() if turned else image, whole, held


def _by_pillow(source: Path | bytes, name: str, kind: str) -> tuple[Any, int]:
    from PIL import Image, UnidentifiedImageError

    vips = library()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            deep = _deep_ppm(source) if kind == "PNM" else None
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
                width, height = opened.size
                check_memory(name, width * height * 8)
                info = dict(opened.info)
                pixels = deep if deep is not None else _pixels(opened)
    except (Image.DecompressionBombError, MemoryError):
        raise PictureError(f"{name} is too large to be read as {kind}; save it as TIFF first") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError):
        raise PictureError(
            f"{name} is cut off or damaged: its {kind} data cannot be read; copy it again"
        ) from None
    image = image_of(pixels)
    if "dpi" in info and min(info["dpi"]) > 1:
        image = image.copy(xres=float(info["dpi"][0]) / 25.4, yres=float(info["dpi"][1]) / 25.4)
    if profile := info.get("icc_profile"):
        image = image.copy()
        image.set_type(vips.GValue.blob_type, "icc-profile-data", profile)
    return image, 2 * pixels.nbytes


def _pixels(opened: Any) -> NDArray[Any]:
    """The samples of a Pillow image: gray, RGB or RGBA of 8 bits, or gray of 16."""
    opened.load()
    if opened.mode.startswith("I"):
        return np.asarray(opened).astype(np.uint16)[..., None]
    if opened.mode in ("1", "L"):
        return np.asarray(opened.convert("L"))[..., None]
    transparent = opened.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in opened.info
    mode = "RGBA" if transparent else "RGB"
    # Converting copies, whatever the mode was.
    return np.asarray(opened if opened.mode == mode else opened.convert(mode))


def _deep_ppm(source: Path | bytes) -> NDArray[np.uint16] | None:
    """The samples of a PPM file of more than 8 bits, which Pillow would round; None for any other."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    header = re.match(rb"P6\s(?:\s|#[^\n]*\n)*(\d+)\s(?:\s|#[^\n]*\n)*(\d+)\s(?:\s|#[^\n]*\n)*(\d+)\s", data)
    if header is None or int(header[3]) < 256:
        return None
    width, height, top = (int(part) for part in header.groups())
    samples = np.frombuffer(data, ">u2", width * height * 3, header.end()).reshape(height, width, 3)
    if top == 65535:
        return samples.astype(np.uint16)
    return np.rint(samples * (65535 / top)).clip(0, 65535).astype(np.uint16)


def image_of(pixels: NDArray[Any]) -> Any:
    """An array of (height, width, bands) of 8 or 16 bits as a `pyvips.Image` that shares its memory."""
    height, width, bands = pixels.shape
    deep = pixels.dtype != np.uint8
    pixels = np.ascontiguousarray(pixels)
    image = library().Image.new_from_memory(pixels.data, width, height, bands, "ushort" if deep else "uchar")
    gray, colour = ("grey16", "rgb16") if deep else ("b-w", "srgb")
    return image.copy(interpretation=gray if bands < 3 else colour, xres=_SCREEN, yres=_SCREEN)


def _field(image: Any, name: str, otherwise: Any) -> Any:
    return image.get(name) if image.get_typeof(name) else otherwise


def _pages(image: Any, source: Path | bytes, kind: str) -> int:
    if kind == "PNG":
        # An animated PNG says in its acTL chunk, which stands before the data, how many frames it has.
        if isinstance(source, bytes):
            head = source[:4096]
        else:
            with source.open("rb") as file:
                head = file.read(4096)
        place = head.find(b"acTL")
        return int.from_bytes(head[place + 4 : place + 8], "big") if 0 < place < head.find(b"IDAT") else 1
    return int(_field(image, "n-pages", 1))


def _note_file(image: Any, source: Path | bytes, kind: str) -> None:
    """Put the texts and dates of a TIFF file where the library keeps those of every other kind."""
    if kind != "TIFF":
        return
    from PIL import Image

    vips = library()
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            tags = opened.getexif()
            texts = {f"exif-ifd0-{name}": tags.get(tag) for tag, name in TEXT_TAGS.items()}
            texts |= {f"exif-ifd2-{name}": tags.get_ifd(34665).get(tag) for tag, name in _ISO_DATES.items()}
        for name, text in texts.items():
            if isinstance(text, str) and text.strip("\0 "):
                image.set_type(vips.GValue.gstr_type, name, text.strip("\0"))


def _split_alpha(image: Any) -> tuple[Any, Any]:
    if image.bands in (2, 4) and image.hasalpha():
        return image[: image.bands - 1], image[image.bands - 1]
    if image.bands > 3 and image.interpretation in ("srgb", "rgb16", "rgb", "b-w", "grey16"):
        return image[:3], image[3]
    return image, None


def _standard(image: Any, name: str, notes: list[str]) -> Any:
    """One or three bands of 8 or 16 bits, whatever a file's samples are."""
    if image.interpretation == "cmyk":
        notes.append(f"{name}: the inks of print (CMYK) are converted to sRGB")
        image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", intent="relative")
        image = image.copy()
        image.remove("icc-profile-data")
    elif image.interpretation in ("lab", "labs", "xyz", "lch", "yxy"):
        notes.append(f"{name}: its {image.interpretation} values are converted to sRGB")
        image = image.colourspace("rgb16")
    if image.bands not in (1, 3):
        raise PictureError(f"{name} has {image.bands} channels; save it as gray or RGB first")
    bits = _field(image, "heif-bitdepth", 8)
    if image.format == "ushort" and 8 < bits < 16:
        # The samples stand in the upper bits, so white lies a little below 65535.
        image = (image * (65535 / (((1 << bits) - 1) << (16 - bits)))).rint().cast("ushort")
    if image.format not in ("uchar", "ushort"):
        image = _to_16(image, name, notes)
    colour = "srgb" if image.format == "uchar" else "rgb16"
    gray = "b-w" if image.format == "uchar" else "grey16"
    image = image.copy(interpretation=colour if image.bands == 3 else gray)
    if image.xres <= 1 or image.yres <= 1:
        image = image.copy(xres=_SCREEN, yres=_SCREEN)
    return image


def _to_16(image: Any, name: str, notes: list[str]) -> Any:
    """Samples of another type as 16 bits.

    Raises:
        PictureError: nothing says which of their values is white.
    """
    if image.format == "uchar":
        return (image.cast("ushort") * 257).cast("ushort")
    if image.format == "uint":
        notes.append(f"{name}: its 32 bits are rounded to 16")
        return (image / 65537).rint().cast("ushort")
    low, high = image.min(), image.max()
    if image.format in ("float", "double") and low >= 0 and high <= 1:
        notes.append(f"{name}: its floating-point samples are rounded to 16 bits")
        return (image * 65535).rint().cast("ushort")
    raise PictureError(
        f"{name} has samples from {low:.4g} to {high:.4g}, and nothing says which is white; "
        "save it with 8 or 16 bits, or with floating-point samples from 0 to 1, first"
    )
