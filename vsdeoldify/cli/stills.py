"""Colour pictures; and sheets of small pictures of a film, before and after."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..presets import Preset
from . import CommandError, ffmpeg, say
from .pictures import (
    PICTURE_SUFFIXES,
    Picture,
    PictureError,
    frame_to_picture,
    is_picture,
    picture_to_clip,
    read_picture,
    to_8_bits,
    write_picture,
)
from .progress import Progress, clock
from .script import check_models, make_script
from .segments import render_process
from .video import Film, Point, open_film, spread

_THUMB_HEIGHT = 240
_SMALLEST = 16
_GAP = 6
_CAPTION = 22


def colorize_pictures(
    inputs: Sequence[Path], outputs: Sequence[Path], chosen: Preset, *, overwrite: bool
) -> None:
    """Colour picture files, each into a file of its own; one that fails does not stop the others.

    Args:
        inputs: the pictures.
        outputs: as many files to write.
        chosen: the parameters; those that act over time have no effect.
        overwrite: replace existing outputs.

    Raises:
        CommandError: some could not be coloured (the messages have been printed), or a parameter is wrong.
    """
    import vapoursynth as vs

    check_models(chosen)
    failed, before = 0, ""
    keep: vs.VideoNode | None = None
    with Progress(len(inputs), "pictures") as progress:
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
                progress.say(str(error))
            except vs.Error as error:
                message = _sentence(error)
                # Two in a row that fail alike: a wrong parameter, with which all would fail.
                if message == before or len(inputs) == 1:
                    raise CommandError(message) from None
                failed, before = failed + 1, message
                progress.say(f"{path}: {message}")
            else:
                before = ""
        seconds = progress.seconds
    if failed:
        raise CommandError(f"{failed} of {len(inputs)} pictures could not be coloured")
    where = outputs[0] if len(outputs) == 1 else outputs[0].parent
    say(f"{where}: {len(inputs)} picture{'s' * (len(inputs) != 1)} in {clock(seconds)}")


def _colour_clip(clip: Any, chosen: Preset) -> Any:
    from .. import ddeoldify, ddeoldify_stabilizer

    return ddeoldify_stabilizer(ddeoldify(clip, **chosen.ddeoldify), **{**chosen.stabilizer, "stab": False})


def _sentence(error: Exception) -> str:
    from .render import sentence

    return sentence(error)


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
        CommandError: there are none.
    """
    found = sorted(path for path in folder.iterdir() if is_picture(path) and path.is_file())
    if not found:
        known = ", ".join(sorted(PICTURE_SUFFIXES))
        raise CommandError(f"{folder} holds no pictures ({known})")
    return found


def preview_film(
    path: Path, chosen: Preset, count: int, output: Path, start: Point | None, end: Point | None
) -> None:
    """Write a sheet of frames spread over a film, before and after.

    Args:
        path: the film.
        chosen: the parameters.
        count: how many frames.
        output: the picture file to write.
        start: where to begin.
        end: where to stop.
    """
    check_models(chosen)
    film = open_film(path, ffmpeg.contents(ffmpeg.find_ffmpeg(), path))
    numbers = spread(count, *film.range(start, end))
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        folder = Path(temporary)
        script = folder / "film.vpy"
        script.write_text(make_script(path, chosen), encoding="utf-8", errors="surrogateescape")
        with (
            render_process("pictures", script, ",".join(map(str, numbers)), folder) as renderer,
            Progress(len(numbers), "frames", title="preview") as progress,
        ):
            # The process writes a line for every frame that is done.
            for done, _ in enumerate(renderer.output, 1):
                progress.update(done)
            renderer.finish()
        rows = [
            (
                _caption(film, n),
                read_picture(folder / f"before_{n}.png"),
                read_picture(folder / f"after_{n}.png"),
            )
            for n in numbers
        ]
    sar = film.properties.get("_SARNum", 1), film.properties.get("_SARDen", 1)
    write_picture(output, make_sheet(rows, sar[0] / sar[1] if min(sar) > 0 else 1.0))
    say(f"{output}: {len(rows)} frames, before and after")


def _caption(film: Film, number: int) -> str:
    return f"frame {number}, {clock(film.times[number] / 1e6)}"


def make_sheet(rows: Sequence[tuple[str, Picture, Picture]], aspect: float) -> Picture:
    """One picture of many: pairs side by side, each with a line of text above.

    Args:
        rows: caption, picture before, picture after; all of one size.
        aspect: sample aspect ratio of the pictures.
    """
    import cv2

    height, width = rows[0][1].shape[:2]
    scale = min(1.0, _THUMB_HEIGHT / height)
    size = max(1, round(width * aspect * scale)), max(1, round(height * scale))
    cell_width, cell_height = 2 * size[0] + 3 * _GAP, size[1] + _CAPTION + _GAP
    columns = 1 if len(rows) < 4 else 2
    lines = -(-len(rows) // columns)
    sheet = np.full((lines * cell_height, columns * cell_width, 3), 24, np.uint8)
    for index, (caption, before, after) in enumerate(rows):
        top, left = index // columns * cell_height, index % columns * cell_width + _GAP
        cv2.putText(
            sheet, caption, (left, top + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230, 230, 230), 1, cv2.LINE_AA
        )
        for side, picture in enumerate((before, after)):
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            x = left + side * (size[0] + _GAP)
            sheet[top + _CAPTION : top + _CAPTION + size[1], x : x + size[0]] = small
    return sheet
