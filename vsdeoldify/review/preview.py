"""A sheet of frames of a film, before and after."""

import math
import tempfile
from pathlib import Path

from ..film.process import naming
from ..film.recipe import Recipe
from ..film.reel import Reel
from ..film.scenes import firsts_on
from ..film.source import Film, Point, open_file, open_reel
from ..film.stills import write_stills
from ..pictures.files import read_picture, write_picture
from ..pictures.sheet import make_sheet
from ..support.reporter import SILENT, Reporter
from ..support.words import clock


def preview_film(
    path: Path | Reel,
    recipe: Recipe,
    count: int,
    output: Path,
    start: Point | None = None,
    end: Point | None = None,
    reporter: Reporter = SILENT,
) -> int:
    """Write a sheet of frames spread over a film, before and after.

    Args:
        path: the film.
        recipe: how it is coloured.
        count: how many frames.
        output: the picture file to write.
        start: where to begin.
        end: where to stop.
        reporter: told how far it is.

    Returns:
        How many frames the sheet shows.

    Raises:
        FilmError: the film cannot be read or coloured.
        ModelError: a model file is missing.
        PictureError: the sheet cannot be written.
    """
    recipe.check_models()  # A missing model is named before the film is opened.
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        folder = Path(temporary)
        if isinstance(path, Reel):
            film = open_reel(path, reporter, folder)
            text = recipe.script(path, cache=folder)
        else:
            film = open_file(path, reporter)
            text = recipe.script(path, track=film.track)
        numbers = spread(count, *film.range(start, end))
        if recipe.scenes is not None:
            firsts_on(recipe.scenes, film.frames)
        with naming(film.path):
            write_stills(text, numbers, folder, reporter, unit="frames", title="preview")
        cells = (
            (_caption(film, n), [read_picture(folder / f"{name}_{n}.png") for name in ("before", "after")])
            for n in numbers
        )
        sheet = make_sheet(cells, film.pixel_aspect, count=len(numbers))
    write_picture(output, sheet)
    return len(numbers)


def _caption(film: Film, number: int) -> str:
    return f"frame {number}, {clock(film.times[number] / 1e6)}"


def spread(count: int, start: int, end: int) -> list[int]:
    """Numbers of frames spread evenly over a range, away from its ends."""
    count = min(count, end - start)
    return [start + math.floor((n + 0.5) * (end - start) / count) for n in range(count)]
