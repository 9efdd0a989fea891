"""A sheet of frames of a film, before and after."""

import math
import tempfile
from pathlib import Path

from ..film.ffmpeg import find_ffmpeg, see
from ..film.inputs import check_film_file
from ..film.process import render_process
from ..film.recipe import Recipe
from ..film.reel import Reel
from ..film.scenes import firsts_on
from ..film.source import Film, Point, open_film, open_reel
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
    recipe.models()  # A missing model is named before the film is opened.
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        folder = Path(temporary)
        if isinstance(path, Reel):
            film = open_reel(path, reporter, folder)
            text = recipe.script(path, cache=folder)
        else:
            check_film_file(path)
            film = open_film(path, see(find_ffmpeg(), path)[1], reporter)
            text = recipe.script(path, track=film.track)
        numbers = spread(count, *film.range(start, end))
        if recipe.scenes is not None:
            firsts_on(recipe.scenes, film.frames)
        script = folder / "film.vpy"
        script.write_text(text, encoding="utf-8", errors="surrogateescape")
        with (
            render_process("pictures", script, ",".join(map(str, numbers)), folder) as renderer,
            reporter.stage(len(numbers), "frames", title="preview") as stage,
        ):
            # The process writes a line for every frame that is done.
            for done, _ in enumerate(renderer.output, 1):
                stage.update(done)
            renderer.finish()
        sar = film.properties.get("_SARNum", 1), film.properties.get("_SARDen", 1)
        cells = (
            (_caption(film, n), [read_picture(folder / f"{name}_{n}.png") for name in ("before", "after")])
            for n in numbers
        )
        sheet = make_sheet(cells, sar[0] / sar[1] if min(sar) > 0 else 1.0, count=len(numbers))
    write_picture(output, sheet)
    return len(numbers)


def _caption(film: Film, number: int) -> str:
    return f"frame {number}, {clock(film.times[number] / 1e6)}"


def spread(count: int, start: int, end: int) -> list[int]:
    """Numbers of frames spread evenly over a range, away from its ends."""
    count = min(count, end - start)
    return [start + math.floor((n + 0.5) * (end - start) / count) for n in range(count)]
