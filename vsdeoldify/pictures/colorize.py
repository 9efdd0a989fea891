"""Colour picture files: each page's luma once, and the colours of a small picture of it beside that."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..networks.files import used_models
from ..settings.presets import Preset
from ..support.errors import PictureError
from ..support.h273 import BLUE, BLUE_OF_U, GREEN, GREEN_OF_U, GREEN_OF_V, MATRIX_BT601, RED, RED_OF_V
from ..support.reporter import SILENT, Reporter
from ..support.words import sentence
from . import writing
from .files import planes_to_clip
from .formats import format_of
from .memory import check_memory
from .reading import Scan, open_picture
from .vips import library
from .vips import reading as explained

_SMALLEST = 16
# What the networks are shown at most: above 2560 no render factor that follows the width grows any more,
# and no network sees more than 1024 rows.
_WIDEST, _HIGHEST = 2560, 2048


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
        reporter: told which pictures fail and why, what a result lacks, and how far the work is.

    Raises:
        PictureError: some could not be coloured (the reporter knows which), or a parameter is wrong.
        ModelError: a model file is missing.
    """
    import vapoursynth as vs

    used_models(chosen.ddeoldify)
    failed, before = 0, ""
    colours = _Colours(chosen)
    with reporter.stage(len(inputs), "pictures") as progress:
        for number, (path, output) in enumerate(zip(inputs, outputs, strict=True)):
            progress.update(number)
            try:
                if output.exists() and not overwrite:
                    raise PictureError(f"{output} exists: add --overwrite to replace it")
                for note in _colorize_file(path, output, colours):
                    reporter.note(note)
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


def _colorize_file(path: Path, output: Path, colours: "_Colours") -> list[str]:
    """Colour all pages of a file that the output's format holds.

    Returns:
        What the result lacks, each a sentence.
    """
    chosen = format_of(output)
    scan = open_picture(path, str(path))
    scans, notes = _pages(scan, path, several=chosen.pages)
    coloured = []
    for page in scans:
        width, height = page.image.width, page.image.height
        if min(width, height) < _SMALLEST:
            raise PictureError(f"{path} is too small: {width}×{height}, at least 16×16 is needed")
        check_memory(str(path), page.whole)
        with explained(page.name, page.kind):
            coloured.append(_coloured(page, *colours.of(_luma(page))))
            notes += [note for note in page.notes if note not in notes]
    image = coloured[0]
    if len(coloured) > 1:
        image = library().Image.arrayjoin(coloured, across=1).copy()
        image.set_type(library().GValue.gint_type, "page-height", coloured[0].height)
    return notes + writing.save(image, output, str(path))


def _pages(first: Scan, path: Path, *, several: bool) -> tuple[list[Scan], list[str]]:
    """The pages of a file that are coloured, and what is said of the others."""
    if first.pages < 2:
        return [first], []
    only = f"{path} holds {first.pages} pictures, and only the first is coloured"
    if first.kind == "PNG":
        return [first], [f"{only}; make a film of it to colour all (ffmpeg -i IN -c:v ffv1 OUT.mkv)"]
    if not several:
        return [first], [f"{only}; end the output's name with .tif to colour all"]
    if first.kind in ("GIF", "WebP"):
        return first.frames(), []
    scans = [first, *(open_picture(path, f"{path}, page {n + 1}", n) for n in range(1, first.pages))]
    shapes = {(scan.image.width, scan.image.height, scan.bits, scan.alpha is None) for scan in scans}
    if len(shapes) > 1:
        return [first], [f"{only}: the others have other sizes; make a file of each (tiffsplit IN)"]
    return scans, []


class _Colours:
    """Gives the colours of pictures; the clip of the last one is kept, and with it the networks in memory."""

    def __init__(self, chosen: Preset) -> None:
        self._chosen = chosen
        self._clip: Any = None

    def of(self, luma: Any) -> tuple[Any, Any]:
        """The BT.601 chroma planes, −0.5 to 0.5, of a luma plane of 0 to 1, at its own size."""
        import vapoursynth as vs

        from .. import colorize

        clip = planes_to_clip(luma[None], vs.GRAYS).std.SetFrameProps(_Matrix=MATRIX_BT601)
        # What acts over time has nothing to act on.
        stabilizer = {**self._chosen.stabilizer, "stab": False}
        self._clip = colorize(
            clip,
            self._chosen.name,
            self._chosen.colours,
            **self._chosen.ddeoldify,
            **stabilizer,
        )
        with self._clip.get_frame(0) as frame:
            return np.asarray(frame[1]).copy(), np.asarray(frame[2]).copy()


def _luma(scan: Scan) -> Any:
    """A page's luma as a small picture: an array of 0 to 1."""
    image = _full_luma(scan)
    scale, vertical = min(1.0, _WIDEST / image.width), min(1.0, _HIGHEST / image.height)
    if scale < 1 or vertical < 1:
        image = image.resize(scale, vscale=vertical)
    return np.asarray(image.numpy()).reshape(image.height, image.width).clip(0, 1)


def _full_luma(scan: Scan) -> Any:
    top = 255 if scan.bits == 8 else 65535
    if scan.image.bands == 1:
        return scan.image / top
    return scan.image.recomb([[RED, GREEN, BLUE]]) / top


def _coloured(scan: Scan, u: Any, v: Any) -> Any:
    """A page with colours, as an image whose rows are made when they are written."""
    vips = library()
    # The pixels are read a second time, from the beginning.
    scan = scan.again()
    luma = _full_luma(scan)
    rows, columns = u.shape
    chroma = vips.Image.new_from_memory(np.dstack([u, v]).tobytes(), columns, rows, 2, "float")
    if (columns, rows) != (luma.width, luma.height):
        chroma = chroma.resize(luma.width / columns, vscale=luma.height / rows, kernel="cubic")
    colours = chroma.recomb([[0, RED_OF_V], [GREEN_OF_U, GREEN_OF_V], [BLUE_OF_U, 0]])
    # Clipping a channel would move the luma, so a colour too strong for its luma is weakened instead.
    highest = colours[0].maxpair(colours[1]).maxpair(colours[2])
    lowest = colours[0].minpair(colours[1]).minpair(colours[2])
    nothing = 1e-9
    share = ((1 - luma) / (highest + nothing)).minpair(luma / (nothing - lowest))
    share = (share < 0).ifthenelse(0, (share > 1).ifthenelse(1, share))
    # A gray pixel has no colour to weaken, and no share either.
    top, depth, meaning = (255, "uchar", "srgb") if scan.bits == 8 else (65535, "ushort", "rgb16")
    image = ((colours * share + luma) * top).rint().cast(depth)
    if scan.alpha is not None:
        image = image.bandjoin(scan.alpha)
    return image.copy(interpretation=meaning, xres=scan.image.xres, yres=scan.image.yres)
