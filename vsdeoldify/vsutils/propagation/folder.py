"""Reference pictures: their colours on the canvas, and whether they show their frames."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray
from vapoursynth import core

from ...support.h273 import BLUE_OF_U, RED_OF_V

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Two pictures of the same frame, however they were coloured, agree in luma better than this (correlation).
_FITS = 0.6
# What another frame must have to be named in its place.
_FITS_BETTER = 0.85
_LOOKED_AROUND = 30
_SMALL = 48
# A film may have thousands; the others are looked at when their frames are made.
_CHECKED = 24

Colours = NDArray[np.float32]


def read_picture(path: Path, size: int) -> Colours:
    """A picture squeezed to the canvas.

    Args:
        path: any picture that pyvips reads; profiles and orientation are taken into account.
        size: side of the canvas.

    Returns:
        (3, size, size): Y, U and V of BT.601 in full range, 0–1 and −0.5…0.5.

    Raises:
        ImportError: pyvips is not installed.
        ValueError: the file is no picture, or a damaged one.
    """
    pyvips = _library()
    try:
        image = _opened(path).autorot()
        deep = image.format != "uchar"
        if image.get_typeof("icc-profile-data"):
            image = image.icc_transform("srgb", embedded=True, depth=16 if deep else 8)
        else:
            image = image.colourspace("rgb16" if deep else "srgb")
        image = image.extract_band(0, n=3) if image.bands > 3 else image
        image = image.cast("float").resize(size / image.width, vscale=size / image.height)
        rgb = np.frombuffer(image.write_to_memory(), np.float32).reshape(size, size, 3)
    except (pyvips.Error, OSError):
        raise ValueError(f"{path.name} is no picture that can be read; save it anew as PNG") from None
    rgb = np.clip(rgb / (65535.0 if deep else 255.0), 0, 1)
    luma = rgb @ _LUMA
    return np.stack((luma, (rgb[..., 2] - luma) / BLUE_OF_U, (rgb[..., 0] - luma) / RED_OF_V))


def _opened(path: Path) -> Any:
    options = {"access": "sequential", "fail_on": "error"}
    try:
        return _library().Image.new_from_file(str(path), **options)
    except UnicodeError:
        # A name that is not UTF-8 is one that the library cannot be told.
        return _library().Image.new_from_buffer(path.read_bytes(), "", **options)


def pictures_clip(gray: vs.VideoNode, pictures: Mapping[int, Path]) -> vs.VideoNode:
    """The pictures on the canvas.

    Args:
        gray: the film's `GRAYS` clip.
        pictures: them by the numbers of their frames.

    Returns:
        A canvas as long as `gray`, with the film's luma; only the pictures' frames may be asked for.

    Raises:
        ValueError, ImportError: now, for some of the pictures; for the others a `vs.Error` at their frames.
    """
    blank = core.std.BlankClip(gray, format=vs.YUV444PS, keep=True)

    def draw(n: int, f: list[vs.VideoFrame]) -> vs.VideoFrame:
        blank_frame, luma = f
        path = pictures[n]
        try:
            planes = read_picture(path, gray.width)
            _check_fit(planes[0], np.asarray(luma[0]), path, n)
        except ValueError as error:
            raise vs.Error(f"ddeoldify_references: {error}") from None
        frame = blank_frame.copy()
        for index in (1, 2):
            np.copyto(np.asarray(frame[index]), planes[index])
        return frame

    drawn = core.std.ModifyFrame(blank, [blank, gray], draw)
    return core.std.ShufflePlanes([gray, drawn, drawn], [0, 1, 2], vs.YUV)


def check_pictures(gray: vs.VideoNode, pictures: Mapping[int, Path], most: int = _CHECKED) -> None:
    """Look at pictures before the work begins.

    Args:
        gray: the film's `GRAYS` clip.
        pictures: them by the numbers of their frames.
        most: how many are looked at, evenly spread.

    Raises:
        ValueError: one cannot be read, or shows another frame; the message says which one it fits better.
        ImportError: pyvips is not installed.
    """
    numbers = list(pictures)
    for n in numbers[:: max(1, len(numbers) // most)]:
        luma = read_picture(pictures[n], gray.width)[0]
        if _likeness(luma, _luma_of(gray, n)) >= _FITS:
            continue
        around = range(max(0, n - _LOOKED_AROUND), min(len(gray), n + _LOOKED_AROUND + 1))
        likeness, best = max((_likeness(luma, _luma_of(gray, other)), other) for other in around)
        raise ValueError(_misfit(pictures[n], n, best if likeness >= _FITS_BETTER else None))


def _luma_of(gray: vs.VideoNode, n: int) -> NDArray[np.float32]:
    with gray.get_frame(n) as frame:
        return np.asarray(frame[0]).copy()


def _check_fit(luma: NDArray[np.float32], frame_luma: NDArray[np.float32], path: Path, n: int) -> None:
    if _likeness(luma, frame_luma) < _FITS:
        raise ValueError(_misfit(path, n, None))


def _misfit(path: Path, n: int, better: int | None) -> str:
    text = f"{path.name} does not show frame {n}: its light and dark places are others"
    if better is None:
        return f"{text}; the number in its name is the frame's, counted from 0"
    return f"{text}; frame {better} fits: rename it to ref_{better:06d}{path.suffix}"


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The correlation of two pictures, coarsely; 1 for frames without any structure."""
    coarse = [_coarse(picture) for picture in (one, other)]
    deviations = [float(picture.std()) for picture in coarse]
    if min(deviations) < 1 / 255:
        return 1.0
    one_centred, other_centred = (picture - picture.mean() for picture in coarse)
    return float((one_centred * other_centred).mean() / (deviations[0] * deviations[1]))


def _coarse(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    size = len(luma)
    step = max(1, size // _SMALL)
    kept = size // step * step
    cut = luma[:kept, :kept].reshape(kept // step, step, kept // step, step)
    result: NDArray[np.float32] = cut.mean((1, 3)).ravel()
    return result


def _library() -> Any:
    logging.getLogger("pyvips").propagate = False
    try:
        import pyvips
    except (ImportError, OSError):
        raise ImportError(
            'reading pictures needs the library pyvips, which is not there: pip install "vsdeoldify[cli]"'
        ) from None
    # A picture that was changed since it was last read must be read again.
    pyvips.cache_set_max(0)
    return pyvips
