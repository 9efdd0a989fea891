"""Colour pictures; and sheets of small pictures of a film, before and after."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..networks.files import used_models
from ..settings.presets import Preset
from ..support.errors import PictureError
from ..support.reporter import SILENT, Reporter
from ..support.words import sentence
from .files import (
    PICTURE_SUFFIXES,
    Picture,
    frame_to_picture,
    is_picture,
    picture_to_clip,
    read_picture,
    to_8_bits,
    write_picture,
)

_SMALLEST = 16


def colorize_pictures(
    inputs: Sequence[Path],
    outputs: Sequence[Path],
    chosen: Preset,
    *,
    overwrite: bool,
    reporter: Reporter = SILENT,
) -> None:
    """Colour picture files, each into a file of its own; one that fails does not stop the others.

    Args:
        inputs: the pictures.
        outputs: as many files to write.
        chosen: the parameters; those that act over time have no effect.
        overwrite: replace existing outputs.
        reporter: told which pictures fail and why, and how far the work is.

    Raises:
        PictureError: some could not be coloured (the reporter knows which), or a parameter is wrong.
        ModelError: a model file is missing.
    """
    import vapoursynth as vs

    used_models(chosen.ddeoldify)
    failed, before = 0, ""
    keep: vs.VideoNode | None = None
    with reporter.stage(len(inputs), "pictures") as progress:
        for number, (path, output) in enumerate(zip(inputs, outputs, strict=True)):
            progress.update(number)
            try:
                if output.exists() and not overwrite:
                    raise PictureError(f"{output} exists: add --overwrite to replace it")
                picture = read_picture(path)
                height, width = picture.shape[:2]
                if min(height, width) < _SMALLEST:
                    raise PictureError(f"{path} is too small: {width}×{height}, at least 16×16 is needed")
                # The clip of the picture before is kept until here: it holds the networks in memory.
                keep = _colour_clip(picture_to_clip(picture), chosen)
                coloured = frame_to_picture(keep.get_frame(0))
                _write(output, coloured, _alpha(path, picture))
            except PictureError as error:
                failed += 1
                reporter.say(str(error))
            except vs.Error as error:
                message = sentence(error)
                # Two in a row that fail alike: a wrong parameter, with which all would fail.
                if message == before or len(inputs) == 1:
                    raise PictureError(message) from None
                failed, before = failed + 1, message
                reporter.say(f"{path}: {message}")
            else:
                before = ""
    if failed:
        raise PictureError(f"{failed} of {len(inputs)} pictures could not be coloured")


def _colour_clip(clip: Any, chosen: Preset) -> Any:
    from .. import colorize

    # What acts over time has nothing to act on.
    return colorize(
        clip, chosen.name, chosen.colours, **chosen.ddeoldify, **{**chosen.stabilizer, "stab": False}
    )


def _alpha(path: Path, picture: Picture) -> Picture | None:
    """A picture file's transparency, turned as `read_picture` turned the colours."""
    import cv2

    raw = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if raw is None or raw.ndim != 3 or raw.shape[2] != 4 or raw.dtype != picture.dtype:
        return None
    colours, alpha = raw[..., 2::-1], raw[..., 3]
    for turns in range(4):
        for mirrored in (False, True):
            turned = np.rot90(colours[:, ::-1] if mirrored else colours, turns)
            if turned.shape == picture.shape and np.array_equal(turned, picture):
                turned_alpha: Picture = np.rot90(alpha[:, ::-1] if mirrored else alpha, turns)
                return turned_alpha
    return None


def _write(path: Path, picture: Picture, alpha: Picture | None) -> None:
    if alpha is None:
        write_picture(path, picture)
        return
    import cv2

    with_alpha = np.dstack([picture[..., ::-1], alpha])
    if path.suffix.lower() in (".webp", ".avif"):
        with_alpha = to_8_bits(with_alpha)
    done, data = cv2.imencode(path.suffix, with_alpha)
    if not done:
        raise PictureError(f"{path} cannot be encoded")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            temporary.write_bytes(data.tobytes())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise PictureError(f"{path} cannot be written: {error.strerror or error}") from error


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, by name.

    Raises:
        PictureError: there are none.
    """
    found = sorted(path for path in folder.iterdir() if is_picture(path) and path.is_file())
    if not found:
        known = ", ".join(sorted(PICTURE_SUFFIXES))
        raise PictureError(f"{folder} holds no pictures ({known})")
    return found
