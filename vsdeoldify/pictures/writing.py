"""The one way out: an image as a picture file, with all of its source that the format can hold."""

import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from ..support.errors import PictureError
from ..support.files import put_in_place
from .formats import Format, format_of
from .memory import check_memory
from .profiles import rgb_profile
from .tiff_tags import TEXT_TAGS, add_texts
from .vips import library, writing

_QUALITY = 95
# Bytes for every pixel that an encoder which needs the whole picture takes.
_WHOLE = {"WebP": 12, "AVIF": 16, "JPEG 2000": 24, "BMP": 8, "TGA": 8, "PPM": 12}


def save(image: Any, path: Path, name: str = "") -> list[str]:
    """Write a picture in the format that its name's ending says, whole or not at all.

    Args:
        image: a `pyvips.Image` of RGB or RGBA, 8 or 16 bits; its fields go along where
            the format has a place.
        path: where to; an existing file is replaced.
        name: what notes call the picture; the file by default.

    Returns:
        What the format does not hold, each a sentence.

    Raises:
        PictureError: the ending is unknown, or the file cannot be written.
    """
    chosen = format_of(path)
    image, notes = fitted(image, chosen, name or str(path))
    part = path.with_name(f".{uuid4().hex[:12]}.part")
    try:
        try:
            # The folder must be there and writable: an error of the system says it best.
            part.touch()
            with writing(str(path)):
                _encode(image, chosen, part, _QUALITY)
            put_in_place(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise PictureError(f"{path} cannot be written: {error.strerror or error}") from error
    return notes


def to_bytes(image: Any, chosen: Format, quality: int) -> bytes:
    """A picture as the bytes of a file; `quality` (1–100) acts on JPEG."""
    image, _ = fitted(image, chosen, "the picture")
    with writing("the picture"):
        result = _encode(image, chosen, None, quality)
    assert result is not None
    return result


def fitted(image: Any, chosen: Format, name: str) -> tuple[Any, list[str]]:
    """The picture as a format can hold it, and what had to change for that."""
    notes = []
    height = image.get("page-height") if image.get_typeof("page-height") else image.height
    if max(image.width, height) > chosen.largest:
        raise PictureError(
            f"{name} is {image.width}×{height}, and {chosen.name} holds {chosen.largest} pixels a side; "
            "end the name with .tif or .png"
        )
    check_memory(name, _WHOLE.get(chosen.name, 0) * image.width * image.height)
    if image.bands == 4 and not chosen.alpha:
        notes.append(
            f"{name}: {chosen.name} holds no transparency, which is left out; .png, .tif and .webp do"
        )
        image = image[:3]
    deep = image.format == "ushort"
    image = _with_profile(image, chosen, name, notes)
    if deep and chosen.bits < 16:
        how = ".png and .tif keep all" if chosen.alpha else ".png, .tif and .ppm keep all"
        notes.append(f"{name}: its 16 bits are rounded to the {chosen.bits} of {chosen.name}; {how}")
        if chosen.bits == 8:
            image = (image / 257).rint().cast("uchar").copy(interpretation="srgb")
    return image, notes


def _with_profile(image: Any, chosen: Format, name: str, notes: list[str]) -> Any:
    """The picture with a profile of RGB, or converted to sRGB where there is no place for one."""
    if not image.get_typeof("icc-profile-data"):
        return image
    profile = rgb_profile(bytes(image.get("icc-profile-data")))
    image = image.copy()
    if profile is None:
        notes.append(f"{name}: its colour profile is none that colours can have; it is left out")
        image.remove("icc-profile-data")
        return image
    image.set_type(library().GValue.blob_type, "icc-profile-data", profile)
    if chosen.profile:
        return image
    notes.append(f"{name}: {chosen.name} holds no colour profile, so the values are converted to sRGB")
    alpha = image[3] if image.bands == 4 else None
    depth = 16 if image.format == "ushort" else 8
    image = image[:3].icc_transform("srgb", embedded=True, depth=depth, intent="relative")
    return image if alpha is None else image.bandjoin(alpha)


def _encode(image: Any, chosen: Format, path: Path | None, quality: int) -> bytes | None:
    """Encode into a file, or into memory where there is none."""
    encoders: dict[str, tuple[str, dict[str, Any]]] = {
        "JPEG": ("jpegsave", {"Q": quality}),
        "PNG": ("pngsave", {"compression": 6}),
        "TIFF": ("tiffsave", {"compression": "lzw", "predictor": "horizontal", "bigtiff": _is_huge(image)}),
        "WebP": ("webpsave", {"near_lossless": True, "Q": 60, "exact": True}),
        "AVIF": ("heifsave", {"compression": "av1", "Q": 100, "subsample_mode": "off"}),
    }
    encoder = encoders.get(chosen.name)
    if encoder is None:
        data = _by_pillow(image, chosen, path)
    else:
        operation, options = encoder
        if chosen.name == "AVIF":
            options["bitdepth"] = 12 if image.format == "ushort" else 8
        image = _without_thumbnail(image)
        if path is not None and _is_utf8(path):
            library().Operation.call(operation, image, str(path.absolute()), **options)
            if chosen.name == "TIFF":
                add_texts(path, _texts(image))
            return None
        data = library().Operation.call(f"{operation}_buffer", image, **options)
    if path is not None and data is not None:
        path.write_bytes(data)
    return data


def _is_huge(image: Any) -> bool:
    """Whether a TIFF file may pass 4 GiB, beyond which it needs the newer kind."""
    samples = 2 if image.format == "ushort" else 1
    return bool(image.width * image.height * image.bands * samples > 3_500_000_000)


def _is_utf8(path: Path) -> bool:
    try:
        str(path.absolute()).encode()
    except UnicodeError:
        return False
    return True


def _without_thumbnail(image: Any) -> Any:
    """Without the small gray picture that cameras put beside the large one."""
    if not image.get_typeof("jpeg-thumbnail-data"):
        return image
    image = image.copy()
    image.remove("jpeg-thumbnail-data")
    return image


def _texts(image: Any) -> dict[int, str]:
    found = {}
    for tag, name in TEXT_TAGS.items():
        if image.get_typeof(f"exif-ifd0-{name}"):
            # EXIF's values come as "1999:12:31 23:59:59 (…, ASCII, 20 components, 20 bytes)".
            text = str(image.get(f"exif-ifd0-{name}"))
            value, mark, rest = text.rpartition(" (")
            found[tag] = value if mark and ", ASCII, " in rest else text
    return found


def _by_pillow(image: Any, chosen: Format, path: Path | None) -> bytes | None:
    """Encode into a file, or into memory where there is none."""
    from PIL import Image

    if chosen.name == "PPM":
        top = 65535 if image.format == "ushort" else 255
        header = f"P6\n{image.width} {image.height}\n{top}\n".encode()
        return header + np.asarray(image.numpy()).astype(">u2" if top > 255 else np.uint8).tobytes()
    options: dict[str, dict[str, Any]] = {
        "JPEG 2000": {"format": "JPEG2000", "irreversible": False},
        "BMP": {"format": "BMP", "dpi": (image.xres * 25.4, image.yres * 25.4)},
        "TGA": {"format": "TGA", "compression": "tga_rle"},
    }
    picture = Image.fromarray(np.asarray(image.numpy()))
    if path is not None:
        picture.save(path, **options[chosen.name])
        return None
    data = io.BytesIO()
    picture.save(data, **options[chosen.name])
    return data.getvalue()
