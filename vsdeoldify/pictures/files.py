"""Pictures between files, arrays and VapourSynth clips, for the commands that take pictures.

A picture is an array of shape (height, width, 3), full-range RGB in 8 or 16 bits.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..support.errors import PictureError

if TYPE_CHECKING:
    import vapoursynth as vs

Picture = NDArray[Any]

PICTURE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
_SIXTEEN_BIT_SUFFIXES = frozenset({".jp2", ".png", ".ppm", ".tif", ".tiff"})
_QUALITY = 95


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name is that of a picture that `read_picture` knows."""
    return Path(path).suffix.lower() in PICTURE_SUFFIXES


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a picture file, turned as its EXIF orientation says.

    Args:
        path: a file in one of the formats of `PICTURE_SUFFIXES`; transparency is dropped, gray becomes
            three equal channels.

    Returns:
        (height, width, 3) RGB, uint8 or, for files of more than 8 bits, uint16.

    Raises:
        PictureError: the file is missing, damaged, or no picture of a known format.
    """
    try:
        # Not cv2.imread: on Windows it cannot open names beyond the system's code page.
        data = Path(path).read_bytes()
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror or error}") from error
    return decode_picture(data, str(path))


def decode_picture(data: bytes, name: str = "the picture") -> Picture:
    """The picture in the bytes of a picture file; see `read_picture`.

    Args:
        data: all of the file.
        name: what messages call it.

    Raises:
        PictureError: it is damaged, or no picture of a known format.
    """
    import cv2

    if not data:
        raise PictureError(f"{name} is empty; copy or download it again")
    if data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        # Some OpenCV versions fill the missing part of a JPEG file with gray and say nothing.
        raise PictureError(f"{name} is cut off: the end of the JPEG data is missing; copy it again")
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        raise PictureError(f"{name} cannot be decoded: {error.err or error}") from error
    if bgr is None:
        raise PictureError(f"{name} is damaged or no picture; it should be JPEG, PNG, TIFF, WebP or the like")
    if bgr.dtype not in (np.uint8, np.uint16):
        raise PictureError(f"{name} holds samples of type {bgr.dtype}; convert it to 8 or 16 bits first")
    return np.ascontiguousarray(bgr[..., ::-1])


def write_picture(path: str | os.PathLike[str], picture: Picture) -> None:
    """Write a picture file in the format that its name's ending says, whole or not at all.

    Args:
        path: where to; an existing file is replaced. 16 bits are kept by PNG, TIFF, JPEG 2000 and PPM, and
            rounded to 8 for the other formats. JPEG and WebP are written at quality 95.
        picture: (height, width, 3) RGB, uint8 or uint16.

    Raises:
        PictureError: the ending is unknown, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        known = ", ".join(sorted(PICTURE_SUFFIXES))
        raise PictureError(f"{path} has no picture format's ending; end its name with one of {known}")
    data = encode_picture(picture if suffix in _SIXTEEN_BIT_SUFFIXES else to_8_bits(picture), suffix)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise PictureError(f"{path} cannot be written: {error.strerror or error}") from error


def encode_picture(picture: Picture, suffix: str, quality: int = _QUALITY) -> bytes:
    """A picture as the bytes of a file.

    Args:
        picture: (height, width, 3) RGB of a depth that the format holds.
        suffix: the format, as a file ending with its dot.
        quality: 1–100, for JPEG and WebP.

    Raises:
        PictureError: the format cannot hold this picture.
    """
    import cv2

    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }
    try:
        done, data = cv2.imencode(suffix, np.ascontiguousarray(picture[..., ::-1]), options.get(suffix, []))
    except cv2.error as error:
        raise PictureError(f"the picture cannot be encoded as {suffix[1:]}: {error.err or error}") from error
    if not done:
        raise PictureError(f"the picture cannot be encoded as {suffix[1:]}")
    result: bytes = data.tobytes()
    return result


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

    height, width, _ = picture.shape
    video_format = vs.RGB24 if picture.dtype == np.uint8 else vs.RGB48
    planes = np.moveaxis(picture, -1, 0).copy()
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
