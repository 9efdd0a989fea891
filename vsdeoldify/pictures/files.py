"""Pictures as arrays, and between arrays and VapourSynth clips, for the commands that take pictures.

A picture is an array of shape (height, width, 3), full-range RGB in 8 or 16 bits.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..support.errors import PictureError
from . import reading, writing
from .formats import PICTURE_SUFFIXES, format_of
from .kinds import is_picture
from .memory import check_memory
from .vips import reading as explained

if TYPE_CHECKING:
    import vapoursynth as vs

__all__ = [
    "PICTURE_SUFFIXES",
    "Picture",
    "block_means",
    "decode_picture",
    "encode_picture",
    "frame_to_picture",
    "is_picture",
    "picture_to_clip",
    "planes_to_clip",
    "read_picture",
    "to_8_bits",
    "write_picture",
]

Picture = NDArray[Any]

_QUALITY = 95


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a picture file, turned as its EXIF orientation says.

    Args:
        path: a file whose content is a picture, whatever its name; transparency is dropped, gray becomes
            three equal channels, and of several pages the first is read.

    Returns:
        (height, width, 3) RGB, uint8 or, for files of more than 8 bits, uint16.

    Raises:
        PictureError: the file is missing, damaged, too large for the memory, or no picture of a known format.
    """
    return _array(reading.open_picture(Path(path), str(path)))


def block_means(picture: NDArray[Any]) -> list[float]:
    """The mean of each of 4×4 blocks, row by row: a picture's negative has others, whatever its own mean is.

    Args:
        picture: (height, width, channels), each side at least 4.
    """
    rows = (block for band in np.array_split(picture, 4, 0) for block in np.array_split(band, 4, 1))
    return [float(block.mean()) for block in rows]


def decode_picture(data: bytes, name: str = "the picture") -> Picture:
    """The picture in the bytes of a picture file; see `read_picture`.

    Args:
        data: all of the file.
        name: what messages call it.

    Raises:
        PictureError: it is damaged, or no picture of a known format.
    """
    return _array(reading.open_picture(data, name))


def _array(scan: reading.Scan) -> Picture:
    image = scan.image
    check_memory(scan.name, scan.whole + image.width * image.height * 3 * scan.bits // 8)
    with explained(scan.name, scan.kind):
        pixels = np.asarray(image.numpy()).reshape(image.height, image.width, image.bands)
    return pixels if image.bands == 3 else np.repeat(pixels, 3, axis=2)


def write_picture(path: str | os.PathLike[str], picture: Picture) -> None:
    """Write a picture file in the format that its name's ending says, whole or not at all.

    Args:
        path: where to; an existing file is replaced. What each format holds is in `formats.FORMATS`;
            samples of more bits are rounded. JPEG is written at quality 95, the others nearly without loss.
        picture: (height, width, 3) RGB, uint8 or uint16.

    Raises:
        PictureError: the ending is unknown, or the file cannot be written.
    """
    writing.save(reading.image_of(picture), Path(path))


def encode_picture(picture: Picture, suffix: str, quality: int = _QUALITY) -> bytes:
    """A picture as the bytes of a file.

    Args:
        picture: (height, width, 3) RGB; samples of more bits than the format has are rounded.
        suffix: the format, as a file ending with its dot.
        quality: 1–100, for JPEG.

    Raises:
        PictureError: the format cannot hold this picture.
    """
    try:
        return writing.to_bytes(reading.image_of(picture), format_of(Path(f"picture{suffix}")), quality)
    except ValueError as error:
        raise PictureError(f"the picture cannot be encoded as {suffix[1:]}") from error


def to_8_bits(picture: Picture) -> Picture:
    """A picture rounded to 8 bits; one of 8 bits as it is."""
    if picture.dtype == np.uint8:
        return picture
    return ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)


def picture_to_clip(picture: Picture) -> "vs.VideoNode":
    """A picture as a clip of one frame.

    Args:
        picture: (height, width, 3) RGB, uint8 or uint16.

    Returns:
        `RGB24` or `RGB48`, with `_Range` full.
    """
    import vapoursynth as vs

    video_format = vs.RGB24 if picture.dtype == np.uint8 else vs.RGB48
    return planes_to_clip(np.moveaxis(picture, -1, 0).copy(), video_format)


def planes_to_clip(planes: NDArray[Any], video_format: int) -> "vs.VideoNode":
    """Planes (planes, height, width) as a full-range clip of one frame, in a format of their type."""
    import vapoursynth as vs

    _, height, width = planes.shape
    blank = vs.core.std.BlankClip(width=width, height=height, format=video_format, length=1, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for index, plane in enumerate(planes):
            np.copyto(np.asarray(frame[index]), plane)
        frame.props["_Range"] = vs.RANGE_FULL
        return frame

    return vs.core.std.ModifyFrame(blank, blank, fill)


def frame_to_picture(frame: "vs.VideoFrame") -> Picture:
    """A frame of an `RGB24` or `RGB48` clip as a picture."""
    return np.stack([np.asarray(frame[index]) for index in range(3)], axis=-1)
